"""smspilot and its simulator, as the provider contract needs them: a rig for each API and format."""

import random
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from smppbridge.errors import Disabled, Rejected, Throttled, Unavailable
from smppbridge.providers.base import Callback, Provider
from smppbridge.providers.smspilot.api1 import PAGE
from smppbridge.providers.smspilot.provider import Smspilot, SmspilotOptions
from tests.contract.providers.rig import Kept, Refusal, Report, SimulatedRig, form_callback, query_callback
from tests.simulators.smspilot.gateway import Order
from tests.simulators.smspilot.simulator import Rules, SmspilotSimulator
from tests.support.builders.messages import draft

APIKEY = "5ECRETKEY5ECRETKEY5ECRETKEY5ECRETKEY5ECRETKEY5ECRETKEY5ECRETKEY0"
USER, PASSWORD = "smspilot", "5ECRET: pa55word"
PAGES = 3  # of the list of the last day, in one search
READ = PAGES * PAGE  # messages: more than the pages of one question show


class SmspilotRig(SimulatedRig):
    """One simulator, and providers that talk API-2 in JSON."""

    name = "smspilot"
    keys: tuple[tuple[str, object], ...] = ()
    secrets = (APIKEY, PASSWORD)
    account_refusals: tuple[Refusal, ...] = (
        Refusal(102, Disabled),
        Refusal(106, Disabled, 0x4A4),  # API-2 says that the balance is low (§7)
        Refusal(110, Unavailable),
        Refusal(112, Disabled, 0x4A4),
        Refusal(113, Disabled),
        Refusal(118, Throttled, 0x58),
        Refusal(122, Disabled),
        Refusal(241, Disabled, 0x4A4),
        Refusal(260, Unavailable),
    )
    message_refusals = (
        Refusal(212, Rejected, 0x45),
        Refusal(213, Rejected, 0x22),
        Refusal(215, Rejected, 0x0B),
        Refusal(224, Rejected, 0x0A),
        Refusal(248, Rejected, 0x4A5),
    )
    unfit = (
        draft(text="HLR"),
        draft(text="ping\0"),
        draft(sender="VIBER", text="Привет"),
        draft(text=""),
        draft(sender="Пример"),
        draft(recipient="79001112244,79001112255"),
        draft(text="", octets=b"\0\1"),
        draft(text="HLR", service_type="CALL"),
        draft(text="12345", service_type="FLSHC"),
        draft(text="", service_type="2WAY"),
    )
    signs_callbacks = True
    can_find = True
    lists_are_cut = True
    number_check = "HLRV"
    inbound_by_callback = True
    inbound_by_polling = True

    def __init__(self) -> None:
        self.simulator = SmspilotSimulator(Rules(apikey=APIKEY, delay=0.02, poll_interval=0))
        super().__init__(self.simulator)
        self._inbound_id = 50_000

    async def open(
        self, report: Report, *, url: str = "", timeout: float = 10.0, secret: str = ""
    ) -> Provider:
        """A started provider; ``url`` and ``secret`` when they are to be wrong."""
        own = {"apikey": secret or APIKEY, "url": url or self.simulator.url, "timeout": timeout}
        options = SmspilotOptions.model_validate(
            {**self.settings(), **own, "parallel": 2, "poll_interval": "100ms"}
        )
        provider = Smspilot("pilot", options, max_pages=PAGES)
        return await self.opened(provider, report)

    def settings(self) -> dict[str, Any]:
        own = {"callback_user": USER, "callback_password": PASSWORD, **dict(self.keys)}
        return {"kind": "smspilot", "apikey": APIKEY, "url": self.simulator.url, **own}

    def taken(self) -> list[Kept]:
        return [
            Kept(row["server_id"], row["to"], row["text"])
            for row in self.simulator.accepted
            if not row["service"]
        ]

    def services_sold(self) -> list[str]:
        return [row["service"] for row in self.simulator.accepted if row["service"]]

    def refuse_recipients(self, recipients: Sequence[str], code: int) -> None:
        self.simulator.rules.errors = dict.fromkeys(recipients, code)

    def refuse_all(self, code: int) -> None:
        """Every request gets this account error."""
        self.simulator.rules.blocked = code

    def spend_everything(self) -> None:
        self.simulator.rules.balance = 0.5

    def never_deliver(self) -> None:
        self.simulator.rules.outcome = (-1, 601)

    def unknown_ref(self) -> str:
        return str(random.randrange(10**8, 10**9))

    def callback(self, ref: str, *, delivered: bool) -> Callback:
        status = {"status": "2", "error": "0"} if delivered else {"status": "-1", "error": "601"}
        return form_callback({"server_id": ref, "phone": "79000000001", **status}, headers=_basic())

    def forged_callbacks(self) -> list[Callback]:
        fields = {"server_id": "10005", "phone": "79000000001", "status": "2", "error": "0"}
        inbound = {"phone": "79000000001", "message": "да", "id": "54321", "num": "79099999999"}
        bearer = {"authorization": _basic()["authorization"].replace("Basic", "Bearer")}
        wrong: list[dict[str, str]] = [{}, _basic(password="wrong"), _basic(user="someone"), bearer]
        return [form_callback(one, headers=headers) for one in (fields, inbound) for headers in wrong]

    def garbage_callbacks(self) -> list[Callback]:
        right = _basic()
        return [
            query_callback({}, right),
            query_callback({"server_id": "10005"}, right),
            query_callback({"status": "2"}, right),
            query_callback({"server_id": "0", "status": "2"}, right),
            query_callback({"server_id": "one", "status": "2"}, right),
            form_callback({"server_id": "10005", "status": "delivered"}, headers=right),
            form_callback({"message": "да", "phone": "79000000001"}, headers=right),
            form_callback({"message": "да", "id": "54321", "phone": "+"}, headers=right),
            Callback("POST", {}, right, {}, b"\xff\x00garbage"),
        ]

    def cut_list(self) -> None:
        """Other messages fill all answers."""
        rows = [{"to": f"7955{number:07d}", "text": "полно"} for number in range(READ)]
        self.simulator._gateway.place(Order(2, rows, "Demo"))

    def inbound_callback(self, source: str, text: str) -> Callback:
        self._inbound_id += 1
        form = {"phone": source, "message": text, "user_id": "12345", "id": str(self._inbound_id)}
        return form_callback({**form, "num": "79099999999"}, headers=_basic())

    def phone_sends(self, source: str, text: str) -> None:
        self.simulator.receive(source, text)


class SmspilotXmlRig(SmspilotRig):
    """API-2 in XML."""

    name = "smspilot-xml"
    keys = (("api", "api2-xml"),)


class SmspilotApi1Rig(SmspilotRig):
    """API-1 in JSON, where messages share a request only if they share their text."""

    name = "smspilot-api1"
    keys: tuple[tuple[str, object], ...] = (("api", "api1"),)
    account_refusals = tuple(  # API-1 says that something is wrong with the e-mail (§9)
        refusal if refusal.code != 106 else Refusal(106, Disabled) for refusal in SmspilotRig.account_refusals
    )

    def requests_for(self, count: int) -> int:
        return count


class SmspilotApi1XmlRig(SmspilotApi1Rig):
    """API-1 in XML."""

    name = "smspilot-api1-xml"
    keys = (("api", "api1"), ("format", "xml"))


def _basic(user: str = USER, password: str = PASSWORD) -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}
