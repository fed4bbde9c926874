"""What smspilot's simulator does, whichever API asks: sell messages, tell statuses.

Where API-1 and API-2 differ in what is done, and not only in how it is printed, an ``api`` of 1 or 2 says so.
What no manual states (what a ban answers, what becomes of a packet whose good and bad messages are equally
many) is the harsher possibility.
"""

import json
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TextIO

from tests.simulators.smspilot.account import NEVER, Account
from tests.simulators.smspilot.checks import check_parameters, count_parts, phone_error, text_error
from tests.simulators.smspilot.errors import Refusal
from tests.simulators.smspilot.inbox import Inbox
from tests.simulators.smspilot.life import SCHEDULED, Life, Messages
from tests.simulators.smspilot.rules import NUMBER_CHECKS, Rules, price_of, service_of
from tests.simulators.smspilot.shapes import Accepted, Sms

SENDER = re.compile(r"[A-Za-z0-9.-]{3,11}")
FLASHCALL = "FLASHCALL"
_CODE = re.compile(r"\d{4}", re.ASCII)
_SENDER_ERRORS = {1: (115, 116), 2: (201, 204)}  # malformed, not allowed (API-1 changes 1.8.9; API-2 2.2)


@dataclass(slots=True)
class Order:
    """One request to send. A row: to, text, and at will id, ttl, send_datetime, callback, callback_method."""

    api: int
    rows: list[dict[str, Any]]
    sender: object
    test: bool = False
    cost: bool = False  # tell the price only


class Placed(NamedTuple):
    """What became of an order; without messages when only its cost was asked."""

    packet: str
    balance: float
    cost: float
    messages: list[Sms]


class _Sender(NamedTuple):
    name: str
    asked: str  # what the gateway has replaced, else ""


class Gateway:
    """``accepted`` holds every message sold, ``packets`` counts well-formed send requests."""

    def __init__(self, rules: Rules, account: Account, life: Life, inbox: Inbox) -> None:
        self.accepted: list[Accepted] = []
        self.packets = 0
        self.journal: TextIO | None = None
        self.rules = rules
        self.account = account
        self.inbox = inbox
        self.messages = Messages()
        self._life = life
        self._last_id = 10_000
        self._texts_seen: dict[tuple[str, str], float] = {}

    # --- sending -----------------------------------------------------------------------------------

    def place(self, order: Order) -> Placed:
        """Sell what is good, if that is more than half. Raises Refusal: nothing is sent."""
        self.packets += 1
        sender = self._sender(order)
        if sender.name.upper() == FLASHCALL:
            _check_flashcall(order)
        now = time.time()
        seen: set[str] = set()
        messages = [self._draft(row, sender, seen, now) for row in order.rows]
        bad = [sms for sms in messages if sms.error]
        if len(bad) * 2 >= len(messages):
            raise Refusal(bad[0].error, bad[0].row["to"])
        cost = round(sum(sms.price for sms in messages), 2)
        if order.cost:
            return Placed("", self.rules.balance, cost, [])
        if cost > self.rules.balance:
            raise Refusal(241)
        if not order.test:
            self.rules.balance -= cost
        packet = self._take(messages, order)
        return Placed(packet, round(self.rules.balance, 2), cost, messages)

    def _sender(self, order: Order) -> _Sender:
        malformed, not_allowed = _SENDER_ERRORS[order.api]
        asked = order.sender or self.rules.default_sender
        if not asked:
            raise Refusal(200)
        if not isinstance(asked, str) or not SENDER.fullmatch(asked):
            raise Refusal(malformed)
        if self.rules.senders is not None and asked not in self.rules.senders:
            raise Refusal(not_allowed)
        if order.api == 2 and asked.upper() == FLASHCALL:  # only the manual of API-1 has it
            raise Refusal(not_allowed)
        name = self.rules.replaced.get(asked, asked)
        return _Sender(name, "" if name == asked else asked)

    def _draft(self, row: dict[str, Any], sender: _Sender, seen: set[str], now: float) -> Sms:
        """One message, with what is wrong with it; it has no id yet."""
        send_at = check_parameters(row, now)
        if row.get("callback") and not self.rules.takes_callbacks:
            raise Refusal(260)
        to, text = row.get("to"), row.get("text")
        count = count_parts(text)
        to, text = "" if to is None else str(to), "" if text is None else str(text)
        service = service_of(text, sender.name)
        error = phone_error(row.get("to")) or text_error(count) or self._policy_error(to, text, service, seen)
        accepted: Accepted = {
            "id": int(row.get("id", 0)),
            "to": to,
            "text": text,
            "from": service if service in NUMBER_CHECKS else sender.name,
            "server_id": "0",
            "packet": "",
            "ttl": int(row.get("ttl", 0)),
            "service": service,
        }
        sms = Sms(
            accepted,
            count,
            0 if error else price_of(service, count),
            row.get("callback") or self.rules.callback,
            row.get("callback_method") or self.rules.callback_method,
            created=now,
            modified=now,
            sender_orig=sender.asked,
        )
        if error:
            sms.status, sms.error = -2, error
        elif send_at and service not in NUMBER_CHECKS:  # a check of a number has no status 3 (API-2 §2)
            sms.status, sms.send_at = SCHEDULED, send_at
        return sms

    def _policy_error(self, to: str, text: str, service: str, seen: set[str]) -> int:
        """Why a well-formed message is not taken; 0 if it is."""
        if to in seen:
            return 214
        seen.add(to)
        if to in self.rules.black_list:
            return 212
        if to in self.rules.errors:
            return self.rules.errors[to]
        if service == "2WAY" and not self.rules.survey_template:
            return 227
        return 243 if self._repeats(to, text) else 0

    def _repeats(self, to: str, text: str) -> bool:
        if not self.rules.loop_protection:
            return False
        return time.monotonic() - self._texts_seen.get((to, text), NEVER) < self.rules.loop_protection

    def _take(self, messages: list[Sms], order: Order) -> str:
        """Give ids, and begin the life of what is good. API-1 names a packet after its first message, and
        gives refused messages an id, too (API-1 §1.2)."""
        packet = str(self._last_id + 1)
        if order.api == 2:
            self._last_id += 1
        for sms in messages:
            sms.row["packet"] = packet
            if sms.error and order.api == 2:
                continue
            self._last_id += 1
            sms.row["server_id"] = str(self._last_id)
            self._keep(sms, order)
        if self.journal is not None:
            self.journal.flush()
        return packet

    def _keep(self, sms: Sms, order: Order) -> None:
        if order.test and order.api == 1:  # API-1 §11: messages of a test are not stored
            return
        sms.test = order.test
        self.messages.add(sms)
        if order.test or sms.error:
            return
        self.accepted.append(sms.row)
        if self.rules.loop_protection:
            self._texts_seen[sms.row["to"], sms.row["text"]] = time.monotonic()
        if self.journal is not None:
            self.journal.write(json.dumps(sms.row, ensure_ascii=False) + "\n")
        self._life.begin(sms)

    # --- statuses (API-2 §2.2, §2.3; API-1 §2.2) -----------------------------------------------------

    def find(self, refs: Iterable[object], *, test: bool = False) -> list[Sms]:
        """Messages by server_id; unknown ones are passed over, if any is known. Those of a test are known
        in a ``test`` only, and no others. Raises Refusal 122, 303."""
        self.account.guard_flood()
        found: list[Sms] = []
        for ref in refs:
            if not isinstance(ref, str) or not ref.isdecimal() or not ref.strip("0"):
                self.account.punish("wrong server_id")
                raise Refusal(303)
            sms = self.messages.by_id.get(ref)
            if sms is not None and time.time() - sms.created > self.rules.archive_after:
                self.account.punish("archived message")
            elif sms is not None and sms.test == test:
                found.append(sms)
        if not found:
            self.account.punish("only unknown server_ids")
            raise Refusal(303)
        return found

    def find_packet(self, packet: str, *, test: bool = False) -> list[Sms]:
        """All messages of one packet. Raises Refusal 122, 304."""
        self.account.guard_flood()
        found = [sms for sms in self.messages.by_packet.get(packet, ()) if sms.test == test]
        if not found:
            raise Refusal(304)
        return found

    def find_recent(self, age: float, limit: int, offset: int) -> list[Sms]:
        """The newest first, none older than ``age`` seconds or archived. Raises Refusal 122."""
        self.account.guard_flood()
        return self.messages.since(time.time() - min(age, self.rules.archive_after), limit, offset)


def _check_flashcall(order: Order) -> None:
    """Four digits to one number (API-1 §5); which errors say so is not documented."""
    if len(order.rows) != 1:
        raise Refusal(111)
    if not _CODE.fullmatch(str(order.rows[0].get("text", ""))):
        raise Refusal(220)
