"""Our binds at an upstream SMSC, and one queue of requests for all of them.

The owner makes the requests, and judges answers and what comes in. This module decides when a request goes
out, and over which bind: in order, as fast as windows and pace allow.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from smppbridge.errors import InvalidState
from smppbridge.link.client import Client, Verdict
from smppbridge.link.outbind_listener import OutbindListener, OutbindSettings
from smppbridge.link.persistent_bind import BindSettings, PersistentBind, SmscState
from smppbridge.logs import Complaints, event
from smppbridge.model.pace import Pace
from smppbridge.smpp.events import Answered, Fault, Unanswered
from smppbridge.smpp.pdu import Bind, Pdu

log = logging.getLogger(__name__)

SILENT_REQUESTS = 3  # so many in a row without an answer, and the bind is opened anew


class RequestGroup(Protocol):
    """Requests that belong together and go out in order. They are made when their turn comes."""

    queued: bool  # kept by the upstream

    @property
    def begun(self) -> bool:
        """Whether the SMSC has some of them, or may have."""

    def next(self) -> tuple[int, Pdu] | None:
        """The next request and its place in the group; None when all were given out."""

    def back(self, place: int, pdu: Pdu) -> None:
        """The request ``pdu`` at ``place`` was not taken: `next` gives it again."""

    def unsendable(self, place: int, why: str) -> None:
        """The request at ``place`` cannot be encoded."""


class UpstreamOwner(Protocol):
    """The user of an upstream, which is told what happens on it."""

    def incoming(self, client: Client, pdus: list[Pdu]) -> None:
        """The SMSC sent these requests (see `Client`)."""

    def answered(self, client: Client, verdicts: list[Verdict]) -> None:
        """The fate of requests that were sent; their contexts are (group, place)."""

    def fault(self, fault: Fault) -> None:
        """The SMSC broke the protocol."""

    def tried(self, status: str) -> None:
        """See `BindOwner.tried`."""

    def binds(self, count: int) -> None:
        """So many binds are up."""

    def linked(self, why: str) -> None:
        """Requests can be sent (``why`` is ""), or for that reason cannot for the time being. Told at each
        change."""


class Upstream:
    """Made and used on one event loop. `submit` takes any number of groups; their owner bounds them."""

    def __init__(
        self,
        settings: BindSettings,
        owner: UpstreamOwner,
        *,
        kinds: Sequence[type[Bind]],
        rate: float = 0.0,
        outbind: OutbindSettings | None = None,
    ) -> None:
        """``kinds``: one bind of ours for each; ``rate``: requests per second, 0 = any."""
        self._settings = settings
        self._timings = settings.timings
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._pace = Pace(rate, self._loop.time(), slowest=self._timings.slowest)
        self._queue: deque[RequestGroup] = deque()
        self._pace_alarm: asyncio.TimerHandle | None = None
        self._patience_alarm: asyncio.TimerHandle | None = None
        self._told: str | None = None  # the last `linked`
        self._reason = "not bound yet"
        self._complain = Complaints(log)
        self._closing = False
        smsc = SmscState(self._timings)
        self._binds = [PersistentBind(settings, kind, smsc, self) for kind in kinds]
        self._senders = [bind for bind in self._binds if bind.can_send]
        self._outbind = OutbindListener(settings, outbind, self) if outbind is not None else None

    async def start(self) -> None:
        """Begin to bind. Raises OSError when the port for outbind is taken."""
        if self._outbind is not None:
            await self._outbind.start()
        for bind in self._binds:
            bind.start()
        self._await_bind()

    async def close(self) -> None:
        """Unbind everywhere. What was not sent by then is never sent."""
        self._closing = True
        for alarm in (self._pace_alarm, self._patience_alarm):
            if alarm is not None:
                alarm.cancel()
        if self._outbind is not None:
            await self._outbind.close()
        await asyncio.gather(*(bind.close() for bind in self._binds))

    # --- requests ------------------------------------------------------------------------------

    @property
    def why(self) -> str:
        """Why nothing can be sent; "" while something can, or will be in a moment."""
        return self._told or ""

    @property
    def pause(self) -> float:
        """Seconds until the pace lets the next request go."""
        return self._pace.wait(self._loop.time())

    def submit(self, groups: Iterable[RequestGroup]) -> None:
        """Send these after all others."""
        for group in groups:
            group.queued = True
            self._queue.append(group)
        self._pump()

    def again(self, group: RequestGroup, place: int, pdu: Pdu, *, behind: bool = False) -> None:
        """The SMSC said that ``pdu`` was too much: it goes again before all others, or ``behind`` them, and
        everything slower."""
        now = self._loop.time()
        self._pace.slower(now)
        group.back(place, pdu)
        if behind and group.queued:
            self._queue.remove(group)
            group.queued = False
        if not group.queued:
            group.queued = True
            self._queue.append(group) if behind else self._queue.appendleft(group)
        self._complain(
            now,
            "the SMSC takes no more for now, sending slower",
            "",
            provider=self._settings.name,
            per_second=round(self._pace.rate, 1),
        )

    def prefer(self, wanted: Callable[[RequestGroup], bool]) -> bool:
        """The next group that begins is the first one that is ``wanted``. False when none is."""
        fresh = [place for place, group in enumerate(self._queue) if not group.begun]
        place = next((place for place in fresh if wanted(self._queue[place])), None)
        if place is None:
            return False
        group = self._queue[place]
        del self._queue[place]
        self._queue.insert(fresh[0], group)
        return True

    def withdraw(self) -> list[RequestGroup]:
        """Take back all groups of which nothing was sent. The others go on: half a message is of no use."""
        groups = [group for group in self._queue if not group.begun]
        for group in groups:
            group.queued = False
        self._queue = deque(group for group in self._queue if group.begun)
        return groups

    def _pump(self) -> None:
        while self._queue and not self._closing:
            bind = max(self._senders, key=_room_of)
            room, now = bind.room, self._loop.time()
            if not room or bind.client is None:
                return
            allowed = self._pace.take(room, now)
            if not allowed:
                self._pump_in(self._pace.wait(now))
                return
            used = self._fill(bind.client, allowed)
            if used < allowed:
                self._pace.give_back(allowed - used)
                return

    def _fill(self, client: Client, count: int) -> int:
        """Send up to ``count`` requests; how many there were."""
        queue, used = self._queue, 0
        while queue and used < count:
            group = queue[0]
            item = group.next()
            if item is None:
                queue.popleft()
                group.queued = False
                continue
            place, pdu = item
            try:
                client.submit(pdu, (group, place))
            except InvalidState:  # the session went away meanwhile
                group.back(place, pdu)
                break
            except ValueError as error:
                group.unsendable(place, str(error))
            else:
                used += 1
        return used

    def _pump_in(self, pause: float) -> None:
        if self._pace_alarm is None:
            self._pace_alarm = self._loop.call_later(max(pause, 0.001), self._pump_now)

    def _pump_now(self) -> None:
        self._pace_alarm = None
        self._pump()

    # --- BindOwner: what the binds say, ours and those by outbind ---------------------------------

    def incoming(self, client: Client, pdus: list[Pdu]) -> None:
        """See `BindOwner`."""
        self._owner.incoming(client, pdus)

    def verdicts(self, client: Client, verdicts: list[Verdict]) -> None:
        """See `BindOwner`. An empty list says that there is room again."""
        if verdicts:
            self._watch(client, verdicts)
            self._owner.answered(client, verdicts)
        if not client.bound and not any(bind.is_up for bind in self._senders):
            self.changed("the SMSC ended the session")
        self._pump()

    def fault(self, fault: Fault) -> None:
        """See `BindOwner`."""
        if self._closing:
            return  # receipts that cross our unbind
        self._complain(
            self._loop.time(),
            "protocol error of the SMSC",
            fault.kind,
            provider=self._settings.name,
            kind=fault.kind,
            detail=fault.detail,
        )
        self._owner.fault(fault)

    def tried(self, status: str) -> None:
        """See `BindOwner`."""
        self._owner.tried(status)

    def changed(self, why: str, *, hopeless: bool = False) -> None:
        """See `BindOwner`."""
        by_outbind = self._outbind.bound if self._outbind is not None else 0
        self._owner.binds(by_outbind + sum(bind.client is not None for bind in self._binds))
        if any(bind.is_up for bind in self._senders):
            self._calm()
            self._tell("")
            self._pump()
            return
        self._reason = why or self._reason
        if hopeless:
            self._give_up()
        else:
            self._await_bind()

    def _watch(self, client: Client, verdicts: list[Verdict]) -> None:
        """End a session that answers nothing, or nothing any more, though its connection is alive.

        1. A request had no answer, and none came over this session before: the session is ended.
        2. SILENT_REQUESTS that went out after the last answer had none: the session is ended.
        3. As many had none, some of which went out before the last answer and may have been lost by chance:
           from now on one request at a time finds out. The first that has none ends the session.
        """
        bind = next((bind for bind in self._senders if bind.client is client), None)
        if bind is None:
            return
        if type(verdicts[-1]) is Answered:
            bind.heard(self._loop.time())
            return
        unanswered = [verdict for verdict in verdicts if type(verdict) is Unanswered]
        bind.late += sum(verdict.at > bind.heard_at for verdict in unanswered)
        bind.silent += len(unanswered)
        mute = not (bind.proven or bind.suspected)
        if mute or bind.late >= SILENT_REQUESTS or (bind.suspected and bind.late):
            why = "the SMSC ended the connection"
            if client.connected:
                why, name = "the SMSC does not answer", self._settings.name
                event(log, logging.WARNING, "upstream does not answer, binding anew", provider=name)
                client.unbind(grace=self._timings.unbind_grace)
            self.changed(why)
        elif bind.silent >= SILENT_REQUESTS:
            bind.suspected, bind.proven = True, False

    def _await_bind(self) -> None:
        if not self._told and self._patience_alarm is None and not self._closing:
            self._patience_alarm = self._loop.call_later(self._timings.patience, self._give_up)

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


def _room_of(bind: PersistentBind) -> int:
    return bind.room
