"""The messages that a simulated SMSC has taken: when they become final, and their receipts until these are
acknowledged.

One timer serves all messages and moves them on in batches, a few milliseconds apart: no task and no timer of
its own for a message. Must not know: submit_sm and its faults, sockets.
"""

import asyncio
import heapq
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count

from smppbridge.smpp.constants import MessageState, RegisteredDelivery, Status
from smppbridge.smpp.pdu import Bind
from smppbridge.smpp.receipt import state_of
from smppbridge.smpp.states import BOUND
from tests.simulators.smpp_centre.receipts import Delivered, notification, receipt
from tests.simulators.smpp_centre.rules import Rules, Submitted
from tests.simulators.smpp_centre.wire import WireConnection

_GRAIN = 0.002  # seconds in which changes gather
_LATER = (Status.ESME_RSYSERR, Status.ESME_RMSGQFUL, Status.ESME_RTHROTTLED, Status.ESME_RX_T_APPN)


@dataclass(eq=False, slots=True)
class Link:
    """One bound session."""

    connection: WireConnection
    bind: Bind
    bind_type: str  # TX, RX or TRX
    submits: int = 0  # submit_sm that came on it

    @property
    def system_id(self) -> str:
        return self.bind.system_id

    @property
    def room(self) -> int:
        """How many deliver_sm may be sent on it now."""
        connection = self.connection
        ready = self.bind_type != "TX" and connection.session.state in BOUND
        return connection.session.room if ready and connection.writable and not connection.closing else 0


class Life:
    """What is not over yet. ``links()`` are the bound sessions, ``rules()`` those of this moment."""

    def __init__(
        self, rules: Callable[[], Rules], links: Callable[[], Iterable[Link]], counts: Counter[str]
    ) -> None:
        self._rules = rules
        self._links = links
        self._counts = counts
        self._loop = asyncio.get_running_loop()
        self._due: list[tuple[float, int, Callable[[], None]]] = []  # a heap
        self._tickets = count()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: dict[str, deque[Delivered]] = defaultdict(deque)  # by system_id
        self._turn = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.unfinished = 0  # messages that are not final
        self.pending = 0  # receipts that are due now or later, and not acknowledged

    async def settled(self) -> None:
        """Return when no receipt is pending."""
        await self._idle.wait()

    def stop(self) -> None:
        """Nothing becomes due any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._due.clear()

    # --- messages ------------------------------------------------------------------------------

    def begin(
        self, system_id: str, messages: list[Submitted], *, after: float = 0.0, at_once: bool = False
    ) -> None:
        """Let messages live that are answered now, or ``after`` seconds; ``at_once``: to their end."""
        if not messages:
            return
        rules = self._rules()
        self.unfinished += len(messages)
        self._expect(sum(1 for message in messages if _wants(message)))
        if at_once:
            self._finish(system_id, messages)
            return
        if rules.intermediate and rules.receipts != "none":
            self._schedule(after, lambda: self._notify(system_id, messages))
        # Changes gather, and some come earlier: a receipt must not be told before its answer.
        self._schedule(after + max(rules.delay, _GRAIN), lambda: self._finish(system_id, messages))

    def _notify(self, system_id: str, messages: list[Submitted]) -> None:
        asking = [one for one in messages if one.pdu.registered_delivery & RegisteredDelivery.INTERMEDIATE]
        notes = [notification(self._rules(), one, now=time.time()) for one in asking]
        self._expect(len(notes))
        self.send(system_id, notes)

    def _finish(self, system_id: str, messages: list[Submitted]) -> None:
        rules = self._rules()
        now = time.time()
        offset = now - self._loop.time()
        receipts: list[Delivered] = []
        for message in messages:
            stat = _outcome(rules, message)
            self.unfinished -= bool(stat)
            if _earns(rules, message, stat):
                receipts.append(receipt(rules, message, stat, done=now, submitted=message.at + offset))
        if rules.receipt_twice:
            receipts = [copy for one in receipts for copy in (one, replace(one))]
        self._expect(len(receipts) - sum(1 for message in messages if _wants(message)))
        self.send(system_id, receipts)

    def move_on(self) -> None:
        """Everything that is due later happens now."""
        due, self._due = sorted(self._due), []
        for _, _, change in due:
            change()

    # --- receipts ------------------------------------------------------------------------------

    def send(self, system_id: str, pdus: Iterable[Delivered]) -> None:
        """Deliver to a session of ``system_id`` that may receive, now or when there is one."""
        self._waiting[system_id].extend(pdus)
        self.pump(system_id)

    def pump(self, system_id: str) -> None:
        """Fill the windows of the sessions of ``system_id``, each time beginning with another of them."""
        waiting = self._waiting[system_id]
        if not waiting:
            return
        links = [link for link in self._links() if link.system_id == system_id and link.room]
        self._turn += 1
        for at in range(len(links)):
            link = links[(self._turn + at) % len(links)]
            for _ in range(min(link.room, len(waiting))):
                link.connection.request(waiting.popleft())
                self._counts["receipts_sent"] += 1

    def answered(self, system_id: str, pdu: Delivered, status: int) -> None:
        """A receipt was answered: taken, or to be sent again, or given up."""
        self._counts["receipts_refused" if status else "receipts_answered"] += 1
        if status in _LATER:
            self._schedule(self._rules().retry_pause, lambda: self.send(system_id, [pdu]))
        else:
            self._expect(-1)

    def unanswered(self, system_id: str, pdus: Sequence[Delivered]) -> None:
        """No answer came to these: they are sent again, before all others."""
        self._waiting[system_id].extendleft(reversed(pdus))

    # --- inside --------------------------------------------------------------------------------

    def _expect(self, more: int) -> None:
        self.pending += more
        if self.pending:
            self._idle.clear()
        else:
            self._idle.set()

    def _schedule(self, delay: float, change: Callable[[], None]) -> None:
        due = self._loop.time() + max(delay, _GRAIN)
        heapq.heappush(self._due, (due, next(self._tickets), change))
        self._arm()

    def _arm(self) -> None:
        """Let the timer run for the first change that is due."""
        if not self._due:
            return
        due = self._due[0][0]
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._run)

    def _run(self) -> None:
        self._timer = None
        horizon = self._loop.time() + _GRAIN / 2
        while self._due and self._due[0][0] <= horizon:
            heapq.heappop(self._due)[2]()
        self._arm()


def _outcome(rules: Rules, message: Submitted) -> str:
    """Its stat word, in the words of the dialect (sms-assistent API v1 §5.3.5)."""
    if rules.outcomes is None:
        return "DELIVERY" if rules.strict else "DELIVRD"
    stat = rules.outcomes(message.pdu)
    return "REJECTED" if rules.strict and stat == "REJECTD" else stat


def _wants(message: Submitted) -> bool:
    return bool(message.pdu.registered_delivery & RegisteredDelivery.RECEIPT_MASK)


def _earns(rules: Rules, message: Submitted, stat: str) -> bool:
    """Whether this end of this message is told."""
    if not stat or rules.receipts == "none":
        return False
    asked = message.pdu.registered_delivery & RegisteredDelivery.RECEIPT_MASK
    delivered = state_of(stat)[0] == MessageState.DELIVERED
    only = RegisteredDelivery.SUCCESS_ONLY if delivered else RegisteredDelivery.FAILURE_ONLY
    return asked in (RegisteredDelivery.SUCCESS_OR_FAILURE, only)
