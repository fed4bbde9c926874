"""Our binds at an upstream SMSC, and one queue of requests for all of them.

What is in a request, what an answer means and what comes in are not known here: the owner is asked.
Must not know: messages, the store.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol

from smppbridge.errors import InvalidState
from smppbridge.link.client import Client, Verdict
from smppbridge.link.line import Door, Line, Terms
from smppbridge.link.outbind_listener import OutbindListener, OutbindTerms
from smppbridge.logs import Seldom, event
from smppbridge.model.pace import Pace
from smppbridge.smpp.events import Answered, Fault, Unanswered
from smppbridge.smpp.pdu import Bind, Pdu

log = logging.getLogger(__name__)

PATIENCE = 3.0  # seconds without a bind that may pass before messages should go elsewhere
SILENT_REQUESTS = 3  # so many in a row without an answer, and the bind is opened anew
_GRACE = 1.0  # seconds for its unbind_resp


class Task(Protocol):
    """Requests that belong together and go out in order; made when their turn comes."""

    queued: bool  # kept by the upstream

    @property
    def begun(self) -> bool:
        """Whether the SMSC has some of them, or may have."""

    def next(self) -> tuple[int, Pdu] | None:
        """The next request and its place; None when there is none (any more)."""

    def back(self, place: int, pdu: Pdu) -> None:
        """This one was not taken: it is the next once more."""

    def unsendable(self, place: int, why: str) -> None:
        """This one cannot be written."""


class Owner(Protocol):
    """Who sends over an upstream."""

    def incoming(self, client: Client, pdus: list[Pdu]) -> None: ...

    def answered(self, client: Client, verdicts: list[Verdict]) -> None:
        """The fate of requests that were sent; their contexts are (task, place)."""

    def fault(self, fault: Fault) -> None: ...

    def tried(self, status: str) -> None: ...

    def binds(self, count: int) -> None: ...

    def linked(self, why: str) -> None:
        """Requests can be sent (""), or cannot for the time being. Told when it changes."""


class Upstream:
    """Made and used on one event loop. `submit` takes any number of tasks; their owner bounds them."""

    def __init__(
        self,
        terms: Terms,
        owner: Owner,
        *,
        kinds: Sequence[type[Bind]],
        rate: float = 0.0,
        outbind: OutbindTerms | None = None,
    ) -> None:
        """``kinds``: one bind of ours for each; ``rate``: requests per second, 0 = any."""
        self._terms = terms
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._pace = Pace(rate, self._loop.time())
        self._queue: deque[Task] = deque()
        self._pace_alarm: asyncio.TimerHandle | None = None
        self._patience_alarm: asyncio.TimerHandle | None = None
        self._told: str | None = None  # the owner heard last that nothing can be sent, or that ("") it can
        self._reason = "not bound yet"
        self._complaints = Seldom(interval=60.0)
        self._closing = False
        door = Door()
        self._lines = [Line(terms, kind, door, self) for kind in kinds]
        self._senders = [line for line in self._lines if line.can_send]
        self._outbind = OutbindListener(terms, outbind, self) if outbind is not None else None

    async def start(self) -> None:
        """Begin to bind. Raises OSError when the port for outbind is taken."""
        if self._outbind is not None:
            await self._outbind.start()
        for line in self._lines:
            line.start()
        self._await_line()

    async def close(self) -> None:
        """Unbind everywhere. What was not sent by then is never sent."""
        self._closing = True
        for alarm in (self._pace_alarm, self._patience_alarm):
            if alarm is not None:
                alarm.cancel()
        if self._outbind is not None:
            await self._outbind.close()
        await asyncio.gather(*(line.close() for line in self._lines))

    # --- requests ------------------------------------------------------------------------------

    @property
    def why(self) -> str:
        """Why nothing can be sent; "" while something can, or will be in a moment."""
        return self._told or ""

    @property
    def pause(self) -> float:
        """Seconds until the pace lets the next request go."""
        return self._pace.wait(self._loop.time())

    def submit(self, tasks: Iterable[Task]) -> None:
        """Send these after all others."""
        for task in tasks:
            task.queued = True
            self._queue.append(task)
        self._pump()

    def again(self, task: Task, place: int, pdu: Pdu) -> None:
        """The SMSC said that it is too much: this one once more, first of all, and everything slower."""
        now = self._loop.time()
        self._pace.slower(now)
        task.back(place, pdu)
        if not task.queued:
            task.queued = True
            self._queue.appendleft(task)
        if self._complaints.allows("too fast", now):
            event(
                log,
                logging.WARNING,
                "the SMSC takes no more for now, sending slower",
                provider=self._terms.name,
                per_second=round(self._pace.rate, 1),
            )

    def withdraw(self) -> list[Task]:
        """Take back all tasks of which nothing was sent. What was begun goes on: half of it is of no use."""
        tasks = [task for task in self._queue if not task.begun]
        for task in tasks:
            task.queued = False
        self._queue = deque(task for task in self._queue if task.begun)
        return tasks

    def _pump(self) -> None:
        while self._queue and not self._closing:
            line = max(self._senders, key=_room_of)
            room, now = line.room, self._loop.time()
            if not room or line.client is None:
                return
            allowed = self._pace.take(room, now)
            if not allowed:
                self._pump_in(self._pace.wait(now))
                return
            used = self._fill(line.client, allowed)
            if used < allowed:
                self._pace.give_back(allowed - used)
                return

    def _fill(self, client: Client, count: int) -> int:
        """Send up to ``count`` requests; how many there were."""
        queue, used = self._queue, 0
        while queue and used < count:
            task = queue[0]
            item = task.next()
            if item is None:
                queue.popleft()
                task.queued = False
                continue
            place, pdu = item
            try:
                client.submit(pdu, (task, place))
            except InvalidState:  # it went away under our hands
                task.back(place, pdu)
                break
            except ValueError as error:
                task.unsendable(place, str(error))
            else:
                used += 1
        return used

    def _pump_in(self, pause: float) -> None:
        if self._pace_alarm is None:
            self._pace_alarm = self._loop.call_later(max(pause, 0.001), self._pump_now)

    def _pump_now(self) -> None:
        self._pace_alarm = None
        self._pump()

    # --- what lines and guests say -------------------------------------------------------------

    def incoming(self, client: Client, pdus: list[Pdu]) -> None:
        self._owner.incoming(client, pdus)

    def verdicts(self, client: Client, verdicts: list[Verdict]) -> None:
        if verdicts:
            self._watch(client, verdicts)
            self._owner.answered(client, verdicts)
        if not client.bound and not any(line.is_up for line in self._senders):
            self.changed("the SMSC ended the session")
        self._pump()

    def fault(self, fault: Fault) -> None:
        if self._closing:
            return  # receipts that cross our unbind
        if self._complaints.allows(fault.kind, self._loop.time()):
            event(
                log,
                logging.WARNING,
                "protocol error of the SMSC",
                provider=self._terms.name,
                kind=fault.kind,
                detail=fault.detail,
            )
        self._owner.fault(fault)

    def tried(self, status: str) -> None:
        self._owner.tried(status)

    def changed(self, why: str, *, hopeless: bool = False) -> None:
        """See `line.Owner`; guests that came by outbind say so too."""
        guests = self._outbind.bound if self._outbind is not None else 0
        self._owner.binds(guests + sum(line.client is not None for line in self._lines))
        if any(line.is_up for line in self._senders):
            self._calm()
            self._tell("")
            self._pump()
            return
        self._reason = why or self._reason
        if hopeless:
            self._give_up()
        else:
            self._await_line()

    def _watch(self, client: Client, verdicts: list[Verdict]) -> None:
        """A session that answers nothing any more, though it is alive, is of no use."""
        line = next((line for line in self._senders if line.client is client), None)
        if line is None:
            return
        if type(verdicts[-1]) is Answered:
            line.heard(self._loop.time())
            return
        unanswered = [verdict for verdict in verdicts if type(verdict) is Unanswered]
        # Of those that went out before the last answer came some may have been lost by chance.
        line.late += sum(verdict.at > line.heard_at for verdict in unanswered)
        line.silent += len(unanswered)
        if line.late >= SILENT_REQUESTS or (line.suspected and line.late):
            event(log, logging.WARNING, "upstream does not answer, binding anew", provider=self._terms.name)
            client.unbind(grace=_GRACE)
            self.changed("the SMSC does not answer")
        elif line.silent >= SILENT_REQUESTS:
            line.suspected, line.proven = True, False  # one request finds out

    def _await_line(self) -> None:
        if not self._told and self._patience_alarm is None and not self._closing:
            self._patience_alarm = self._loop.call_later(PATIENCE, self._give_up)

    def _give_up(self) -> None:
        self._calm()
        if not self._closing:
            self._tell(self._reason)

    def _calm(self) -> None:
        if self._patience_alarm is not None:
            self._patience_alarm.cancel()
            self._patience_alarm = None

    def _tell(self, why: str) -> None:
        if why != self._told:
            self._told = why
            self._owner.linked(why)


def _room_of(line: Line) -> int:
    return line.room
