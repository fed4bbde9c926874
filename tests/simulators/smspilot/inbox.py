"""Messages from phones at smspilot's simulator: pushed when they come, kept to be asked for (API-2 §5)."""

from bisect import bisect_left
from dataclasses import dataclass

from tests.simulators.smspilot.checks import moment_of, print_moment
from tests.simulators.smspilot.errors import Refusal
from tests.simulators.smspilot.rules import Rules
from tests.support.http.callbacks import Call, CallbackSender


@dataclass(slots=True)
class Inbound:
    """One message from a phone."""

    id: str
    phone: str
    num: str  # the service number it was sent to
    text: str
    created: float
    seen: bool = False


class Inbox:
    """``new`` shows every message once; any other question shows it again."""

    def __init__(self, rules: Rules, callbacks: CallbackSender) -> None:
        self._rules = rules
        self._callbacks = callbacks
        self._received: list[Inbound] = []
        self._unseen: list[Inbound] = []

    def receive(self, phone: str, text: str, num: str, at: float) -> str:
        """A message comes in; its id. No manual promises a second push, so there is none."""
        inbound = Inbound(str(50_001 + len(self._received)), phone, num, text, at)
        self._received.append(inbound)
        self._unseen.append(inbound)
        if self._rules.inbound_url:
            fields = {"phone": phone, "message": text, "user_id": str(self._rules.user_id)}
            fields |= {"id": inbound.id, "num": num}
            self._callbacks.push(Call(self._rules.inbound_url, "post", fields, retries=0))
        return inbound.id

    def read(self, since: object) -> list[dict[str, str]]:
        """The newest first; ``since``: "all", "new", or a UTC time in either form. Raises Refusal 500."""
        if since == "new":
            found, self._unseen = self._unseen, []
        elif since == "all":
            found = self._received
        else:
            moment = moment_of(since)
            if moment is None:
                raise Refusal(500)
            found = self._received[bisect_left(self._received, moment, key=lambda row: row.created) :]
        rows = [self._row(inbound) for inbound in reversed(found)]
        if since == "new":
            for inbound in found:
                inbound.seen = True
        return rows

    def _row(self, inbound: Inbound) -> dict[str, str]:
        created = print_moment(inbound.created)
        return {
            "id": inbound.id,
            "phone": inbound.phone,
            "num": inbound.num,
            "text": inbound.text,
            "created": created[:-3] if self._rules.sloppy else created,  # some examples lack the seconds
            "seen": str(int(inbound.seen)),
        }
