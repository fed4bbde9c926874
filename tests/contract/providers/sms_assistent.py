"""sms-assistent.by and its simulator, as the provider contract needs them: a rig for each format."""

import random
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import SecretStr

from smppbridge.errors import Disabled, Postponed, Rejected, Unavailable
from smppbridge.providers.base import Callback, Provider
from smppbridge.providers.sms_assistent.provider import SmsAssistent, SmsAssistentOptions
from tests.contract.providers.rig import Kept, Refusal, Report, SimulatedRig, form_callback, query_callback
from tests.contract.providers.steps import now
from tests.simulators.sms_assistent.simulator import Rules, SmsAssistentSimulator
from tests.support.builders.messages import draft

LOGIN, PASSWORD = "firma", "5ECRET & pa55word"
MINUTE = 60_000  # ms


class SmsAssistentRig(SimulatedRig):
    """One simulator, and providers that send in JSON."""

    name = "sms-assistent-json"
    api: Literal["json", "xml", "plain"] = "json"
    parallel = 2
    secrets = (PASSWORD,)
    account_refusals: tuple[Refusal, ...] = (
        Refusal(-1, Disabled, 0x4A4),
        Refusal(-2, Disabled),
        Refusal(-6, Rejected),
        Refusal(-10, Unavailable),
        Refusal(-12, Unavailable),
        Refusal(-13, Disabled),
        Refusal(-14, Postponed, 0x45),
        Refusal(-17, Disabled),
        Refusal(-27, Disabled),
    )
    message_refusals = (
        Refusal(-3, Rejected, 0x4A5),
        Refusal(-4, Rejected, 0x0B),
        Refusal(-5, Rejected, 0x0A),
    )
    unfit = (
        draft(text=""),
        draft(text=" \n"),
        draft(text="я" * 671),
        draft(text="\ud800" * 400),
        draft(sender="СМС"),  # Cyrillic
        draft(sender="375291234567"),
        draft(sender="my shop"),
        draft(recipient="29781977"),
    )
    has_callbacks = False
    balance_in_answers = False

    def __init__(self) -> None:
        self.simulator = SmsAssistentSimulator(
            Rules(
                login=LOGIN,
                password=PASSWORD,
                delay=0.02,
                plain_per_minute=10**6,
                error_status=self._status(),
            )
        )
        super().__init__(self.simulator)

    @staticmethod
    def _status() -> int:
        return 200

    async def open(
        self, report: Report, *, url: str = "", timeout: float = 10.0, secret: str = ""
    ) -> Provider:
        options = SmsAssistentOptions(
            kind="sms-assistent",
            login=LOGIN,
            password=SecretStr(secret or PASSWORD),
            url=url or self.simulator.url,
            timeout=timeout,
            parallel=self.parallel,
            api=self.api,
            batch_wait=0.02,
        )
        provider = SmsAssistent("assist", options)
        return await self.opened(provider, report)

    def settings(self) -> dict[str, Any]:
        return {
            "kind": "sms-assistent",
            "login": LOGIN,
            "password": PASSWORD,
            "url": self.simulator.url,
            "api": self.api,
            "batch_wait": "20ms",
            "default_sender": "CMC",
        }

    def apart(self, number: int) -> dict[str, Any]:
        """A package has one date_send, and that counts minutes."""
        return {"send_at": now() + (20 + number) * MINUTE}

    def taken(self) -> list[Kept]:
        return [Kept(str(row["sms_id"]), row["recipient"], row["text"]) for row in self.simulator.accepted]

    def refuse_recipients(self, recipients: Sequence[str], code: int) -> None:
        self.simulator.rules.errors = dict.fromkeys(recipients, code)

    def refuse_all(self, code: int) -> None:
        self.simulator.rules.blocked = code

    def spend_everything(self) -> None:
        self.simulator.rules.balance = 0.5

    def never_deliver(self) -> None:
        self.simulator.rules.outcome = "Rejected"

    def unknown_ref(self) -> str:
        return str(random.randrange(10**9, 10**10))

    def garbage_callbacks(self) -> list[Callback]:
        return [
            query_callback({}),
            query_callback({"sms_id": "1000001", "sms_status": "Delivered"}),
            form_callback({"sms_id": "1000001", "status": "Delivered"}),
            Callback("POST", {}, {}, {}, b"\xff\x00garbage"),
        ]


class SmsAssistentXmlRig(SmsAssistentRig):
    """The same in XML; refused requests come with an HTTP status of their own."""

    name = "sms-assistent-xml"
    api = "xml"

    @staticmethod
    def _status() -> int:
        return 403


class SmsAssistentPlainRig(SmsAssistentRig):
    """The same in PLAIN, one request after the other."""

    name = "sms-assistent-plain"
    api = "plain"
    parallel = 1
    # -13 to PLAIN makes the same message go in a package: unit/providers/sms_assistent/test_wire_plain.py
    account_refusals = tuple(refusal for refusal in SmsAssistentRig.account_refusals if refusal.code != -13)

    def requests_for(self, count: int) -> int:
        return count

    def apart(self, number: int) -> dict[str, Any]:
        return {}
