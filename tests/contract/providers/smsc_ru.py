"""smsc.ru and its simulator, as the provider contract needs them."""

import hashlib
import random
from collections.abc import Sequence
from typing import Any

from smppbridge.errors import Disabled, Rejected
from smppbridge.providers.base import Callback, Provider
from smppbridge.providers.smsc_ru.options import SmscRuOptions
from smppbridge.providers.smsc_ru.provider import SmscRu
from tests.contract.providers.rig import (
    Kept,
    Refusal,
    Report,
    SimulatedRig,
    body_callback,
    form_callback,
    query_callback,
)
from tests.simulators.smsc_ru.simulator import Rules, SmscRuSimulator
from tests.support.builders.messages import draft

LOGIN, PASSWORD, CALLBACK_SECRET = "LOGIN", "5ECRETPASSWORD5ECRET", "5ECRETOFCALLBACKS"
PHONE, OURS = "79001112233", "79009009090"


class SmscRuRig(SimulatedRig):
    """One simulator, and providers that talk to it."""

    name = "smsc"
    secrets = (PASSWORD, CALLBACK_SECRET)
    account_refusals = (Refusal(2, Disabled), Refusal(3, Disabled, 0x4A4), Refusal(4, Disabled))
    message_refusals = (
        Refusal(6, Rejected, 0x45),
        Refusal(7, Rejected, 0x0B),
        Refusal(8, Rejected, 0x22),
    )
    unfit = (
        draft(recipient="79001112233,79001112244"),
        draft(recipient="G777"),
        draft(sender="Пример"),
        draft(text=""),
        draft(text="я" * 1001),
        draft(text="", octets=b"\x05ab"),
        draft(text="no address", service_type="PUSH"),
    )
    signs_callbacks = True
    can_find = True
    number_check = "HLR"
    carries_octets = True
    sends_flash = True
    inbound_by_callback = True
    inbound_by_polling = True

    def __init__(self) -> None:
        rules = Rules(
            login=LOGIN,
            password=PASSWORD,
            secret=CALLBACK_SECRET,
            delay=0.02,
            latency=0.0,
            max_parallel=100,
            max_parallel_status=100,
            duplicate_window=0.0,
            auth_errors=1000,
            bad_sends=1000,
            status_limit=10_000,
            mass_window=0.0,
            balance_limit=10_000,
            retry_pause=0.1,
        )
        self.simulator = SmscRuSimulator(rules)
        super().__init__(self.simulator)

    async def open(
        self, report: Report, *, url: str = "", timeout: float = 10.0, secret: str = ""
    ) -> Provider:
        changes = {"url": url or self.simulator.url, "timeout": timeout, "password": secret or PASSWORD}
        provider = SmscRu("centre", SmscRuOptions.model_validate(self.settings() | changes))
        return await self.opened(provider, report)

    def settings(self) -> dict[str, Any]:
        return {
            "kind": "smsc",
            "login": LOGIN,
            "password": PASSWORD,
            "callback_secret": CALLBACK_SECRET,
            "url": self.simulator.url,
        }

    def use_callback_url(self, url: str) -> None:
        self.simulator.rules.callback_url = url

    def requests_for(self, count: int) -> int:
        return count

    def taken(self) -> list[Kept]:
        return [
            Kept(row["id"], row["phone"], row["text"])
            for row in self.simulator.accepted
            if row["service"] == "" and "comment" not in row
        ]

    def services_sold(self) -> list[str]:
        """A cut text counts, too: it is not what was to be bought."""
        others = (row for row in self.simulator.accepted if row["service"] or "comment" in row)
        return [row["service"] or "comment" for row in others]

    def refuse_recipients(self, recipients: Sequence[str], code: int) -> None:
        self.simulator.rules.errors = dict.fromkeys(recipients, code)

    def refuse_all(self, code: int) -> None:
        self.simulator.rules.blocked = code

    def spend_everything(self) -> None:
        self.simulator.rules.balance = 0.5

    def never_deliver(self) -> None:
        self.simulator.rules.outcome = (20, 1)

    def unknown_ref(self) -> str:
        return f"b{random.randrange(10**8, 10**9)}.1"

    # --- callbacks -----------------------------------------------------------------------------------

    def callback(self, ref: str, *, delivered: bool) -> Callback:
        status = {"status": "1", "err": "0"} if delivered else {"status": "20", "err": "1"}
        fields = {"id": ref, "phone": PHONE, "ts": "1795255200", **status}
        return _posted(fields | {"md5": _md5(ref, PHONE, status["status"])})

    def inbound_callback(self, source: str, text: str) -> Callback:
        ident = str(random.randrange(10**8, 10**9))
        fields = {"id": ident, "phone": source, "mes": text, "to": OURS, "ts": "1795255200"}
        return _posted(fields | {"md5": _md5(source, text, OURS)})

    def forged_callbacks(self) -> list[Callback]:
        status = {"id": "b17.1", "phone": PHONE, "status": "1"}
        right = _md5("b17.1", PHONE, "1")
        return [
            _posted(status),
            _posted(status | {"md5": right[::-1]}),
            _posted(status | {"status": "20", "md5": right}),
            _posted(status | {"sha1": right}),
            _posted({"id": "5", "phone": PHONE, "mes": "Привет", "to": OURS, "md5": right}),
        ]

    def garbage_callbacks(self) -> list[Callback]:
        return [
            query_callback({}),
            query_callback({"id": "b17.1"}),
            form_callback({"id": "b17.1", "phone": PHONE, "md5": _md5("b17.1", PHONE, "")}),
            form_callback({"id": "", "phone": PHONE, "status": "1", "md5": _md5("", PHONE, "1")}),
            form_callback({"id": "b17.1", "phone": PHONE, "status": "x", "md5": _md5("b17.1", PHONE, "x")}),
            form_callback({"waitcall": "1", "phone": PHONE, "ts": "5", "md5": _md5(PHONE, "5")}),
            body_callback(b"\xff\x00garbage"),
            body_callback(b"[1, 2"),
        ]

    # --- messages from phones ------------------------------------------------------------------------

    def phone_sends(self, source: str, text: str) -> None:
        self.simulator.receive(source, text, OURS)


def _posted(fields: dict[str, str]) -> Callback:
    """The address asks for UTF-8 and a signature."""
    return form_callback(fields, {"charset": "utf-8", "md5": ""})


def _md5(*signed: str) -> str:
    return hashlib.md5(":".join((*signed, CALLBACK_SECRET)).encode()).hexdigest()


class SmscRestRig(SmscRuRig):
    """/rest/send/ with JSON."""

    name = "smsc-rest"

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "api": "rest"}


class SmscRuXmlRig(SmscRuRig):
    """Answers in XML."""

    name = "smsc-xml"

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "format": "xml"}


class SmscRuTextRig(SmscRuRig):
    """Answers in sentences."""

    name = "smsc-text"

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "format": "text"}
