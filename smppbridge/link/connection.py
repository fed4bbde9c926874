"""One TCP connection and its Session: octets in, events out, one write for all answers of a batch.

Back-pressure: the socket is not read while
1. the peer does not read what we write, or
2. too many of its requests wait for our answer, or
3. it has sent much behind its bind, which is not answered yet, or
4. what was read waits for its turn (see `scheduler`).
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from smppbridge.errors import InvalidState
from smppbridge.link.admission import Place
from smppbridge.link.scheduler import QUESTION, scheduler_of
from smppbridge.smpp.before_bind import OCTETS_BEHIND_BIND
from smppbridge.smpp.pdu import DataSm, Pdu, Request, Response, SubmitMulti
from smppbridge.smpp.session import (
    CloseReason,
    Closing,
    Event,
    Role,
    Session,
    State,
    Timers,
    Unbound,
)

log = logging.getLogger(__name__)

SLICE = 128  # requests of a peer that are handled at once; a destination of a submit_multi counts as one
_LOOK_AGAIN = 0.05  # seconds between two looks whether everything is answered
_SUBMITTING = (SubmitMulti, DataSm)  # bounded as submit_sm are: they may wait for a provider's answer
# Reasons to close that say that the peer is silent: its answers are not waited for.
_SILENCE = frozenset(
    {
        CloseReason.BIND_TIMEOUT,
        CloseReason.ENQUIRE_LINK_TIMEOUT,
        CloseReason.RESPONSE_TIMEOUT,
        CloseReason.INACTIVITY,
    }
)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How much a peer may leave lying. The defaults are those of the bridge; tests take smaller ones."""

    unanswered: int = 5000  # requests of the peer that wait for our answer, before its socket is not read
    unread: int = 256 * 1024  # octets that the peer has not taken, before its socket is not read
    linger: float = 5.0  # seconds that it has to take the last octets
    slice: int = SLICE


LIMITS = ConnectionLimits()


class Connection(asyncio.Protocol):
    """Feeds a Session and carries out what it says.

    1. ``began(connection)`` is called once the connection is open, after any TLS handshake.
    2. ``handle(connection, events)`` is called for every batch of events, at most once per slice of what was
       read. An empty batch says that the peer reads again.
    3. ``ended(connection)`` is called when the connection is gone, and all that was read is handled.
    """

    def __init__(
        self,
        role: Role,
        handle: "Callable[[Connection, list[Event]], None]",
        ended: "Callable[[Connection], None]",
        *,
        timers: Timers,
        window: int,
        max_pdu_octets: int,
        began: "Callable[[Connection], None]" = lambda connection: None,
        limits: ConnectionLimits = LIMITS,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = began
        self._handle = handle
        self._ended = ended
        self._transport: asyncio.Transport | None = None
        self._limits = limits
        self._unanswered = 0
        self._unread = b""  # octets that the session has not got yet
        self._in_turn = False  # it has its turn now, or the scheduler knows that it waits for one
        self._gone = False  # the connection is lost
        self._over = False  # and its owner knows
        self._flush_planned = False
        self._abort_at: float | None = None
        self._left_open: asyncio.TimerHandle | None = None  # until when, once nothing more is taken
        self._last_words = b""  # unbind_resp or generic_nack, for when everything else is answered
        self.writable = True
        self.peer = ""
        self._scheduler = scheduler_of(self._loop)
        self.share = self._scheduler.share("")  # whose turn it has: that of all peers that nobody knows yet
        self.place: Place | None = None  # of a connection that the peer opened
        self.session = Session(
            role,
            self._loop.time(),
            timers=timers,
            window=window,
            max_pdu_octets=max_pdu_octets,
            most=limits.slice,
        )

    # --- asyncio.Protocol ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self._limits.unread)
        peername = transport.get_extra_info("peername")
        if self.place is not None:
            self.peer = self.place.address
        else:
            self.peer = peername[0] if isinstance(peername, tuple) else ""
        if self.session.role is Role.ESME:
            self.belongs_to(self.peer)
        self._began(self)

    def data_received(self, data: bytes) -> None:
        if self._left_open is not None:
            return
        self._unread += data
        if self._in_turn or not self._open:
            return
        self._in_turn = True
        if self._scheduler.offer(self):
            self._regulate()

    def pause_writing(self) -> None:
        self.writable = False
        self._regulate()

    def resume_writing(self) -> None:
        self.writable = True
        self._regulate()
        self._handle(self, [])  # who waited for room may go on

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.writable = False
        if self._left_open is not None:
            self._left_open.cancel()
        self._gone = True
        if self._has_input:
            self._regulate()
        else:
            self._end()

    # --- for the scheduler ---------------------------------------------------------------------

    def take_slice(self) -> bool:
        """See `Taker`."""
        self._in_turn = True
        data, self._unread = self._unread, b""
        try:
            if self._left_open is None:
                self._deliver(self.session.receive(data, self._loop.time()))
                self.flush()
        except Exception:  # one broken session must not cost the others their turns
            log.exception("unexpected error in a session of %s", self.peer)
            self.abort()
        self._in_turn = self._has_input and self._open
        if self._gone and not self._has_input:
            self._end()
        else:
            self._regulate()
        return self._in_turn

    # --- for the owner -------------------------------------------------------------------------

    def belongs_to(self, share: str) -> None:
        """From now on its input has the turns of this share, as all connections of one owner."""
        self.share = self._scheduler.share(share)

    @property
    def closing(self) -> bool:
        """Whether the connection is closed or being closed: nothing more is asked on it."""
        ending = self._abort_at is not None or self._left_open is not None
        return ending or self._transport is None or self._transport.is_closing()

    def request(self, pdu: Pdu, context: object = None) -> None:
        """Send a request of ours. Its answer is an event. Raises InvalidState and ValueError (see
        Session.request)."""
        self.session.request(pdu, self._loop.time(), context)
        self.flush_soon()

    def bind_answered(self) -> None:
        """Let what the peer has sent behind its bind have its turn."""
        if not self._in_turn:
            self._in_turn = True
            self._scheduler.wait(self)
        self._regulate()

    def hold(self, count: int) -> None:
        """``count`` requests of the peer wait for an answer from outside the session."""
        self._unanswered += count
        self._regulate()

    def answered(self, count: int) -> None:
        """``count`` of them were answered: write the answers."""
        self._unanswered -= count
        self.flush()
        self._regulate()

    def hold_request(self, request: Request) -> None:
        """`hold` for a request other than submit_sm."""
        self.hold(1)
        if not isinstance(request, _SUBMITTING):
            self.share.ask(QUESTION)

    def answer_request(self, request: Request, response: Response) -> None:
        """Answer such a request. Answers of one turn of the loop are written together."""
        self.session.respond(request, response)
        self._unanswered -= 1
        self.flush_soon()
        self._regulate()
        if not isinstance(request, _SUBMITTING):
            self.share.told(QUESTION)

    def flush(self) -> None:
        """Write what the session has to say, in one call."""
        self._write(self.session.drain())

    def flush_soon(self) -> None:
        """Flush once at the end of this turn of the loop, however often this is called."""
        if not self._flush_planned:
            self._flush_planned = True
            self._loop.call_soon(self._planned_flush)

    def tick(self) -> None:
        """Let the timers run. To be called about once a second."""
        now = self._loop.time()
        if self._abort_at is not None and now >= self._abort_at and self._transport is not None:
            self._transport.abort()
            return
        we_are_slow = self._unanswered >= self._limits.unanswered or (self._open and self._has_input)
        self._deliver(self.session.tick(now, listening=not we_are_slow))
        self.flush()

    def unbind(self) -> None:
        """Say unbind, and close when it is answered; close at once when unbind may not be sent."""
        if self.session.state is State.UNBINDING:
            return
        try:
            self.session.unbind(self._loop.time())
        except InvalidState:
            self.close()
        self.flush()

    def close(self) -> None:
        """Write what is there and close. A peer that does not take it in time is cut off."""
        if self._transport is None or self._abort_at is not None:
            return
        self.flush()
        self._abort_at = self._loop.time() + self._limits.linger
        self._transport.close()

    def leave_open(self, seconds: float) -> None:
        """Write what is there and take nothing more. Close when the peer does, or after ``seconds``."""
        self.flush()
        self._left_open = self._loop.call_later(seconds, self.close)

    def abort(self) -> None:
        """Close at once, and drop what is unsent."""
        if self._transport is not None:
            self._transport.abort()

    # --- inside --------------------------------------------------------------------------------

    def _deliver(self, events: list[Event]) -> None:
        if not events:
            return
        last = events[-1]
        ending = isinstance(last, Closing | Unbound)
        if ending:
            self._last_words += self.session.drain()
        self._handle(self, events)
        if isinstance(last, Closing) and last.reason in _SILENCE:
            self._write(self._last_words)
            self.close()
        elif ending:
            self._close_when_answered()

    def _close_when_answered(self) -> None:
        """Close when every request has its answer; look again in a moment until then.

        1. The peer gets our answers before unbind_resp (SMPP 3.4 §4.2): many clients hang up at unbind_resp,
           and submit again what was not answered by then.
        2. As ESME we wait for the answers of the SMSC, too: a submit_sm without one is uncertain.
        """
        if self._transport is None:
            return
        session = self.session
        missing = session.outstanding if session.role is Role.ESME else 0
        if self._unanswered == 0 and not (missing and session.state is State.UNBINDING):
            self.flush()
            self._write(self._last_words)
            self._last_words = b""
            self.close()
        else:
            self._loop.call_later(_LOOK_AGAIN, self._close_when_answered)

    def _write(self, octets: bytes) -> None:
        # asyncio logs each write to a connection that is broken and not lost yet.
        if octets and self._transport is not None and not self._transport.is_closing():
            self._transport.write(octets)

    def _planned_flush(self) -> None:
        self._flush_planned = False
        self.flush()

    @property
    def _has_input(self) -> bool:
        """Whether octets were read and not handled. None counts on a connection that is only left open."""
        return self._left_open is None and (bool(self._unread) or self.session.behind)

    @property
    def _open(self) -> bool:
        """Whether more requests may be handled: on a lost connection all that were read."""
        return self._gone or (self.writable and self._unanswered < self._limits.unanswered)

    def _regulate(self) -> None:
        """Let input that waits have its turn, and read more only behind it."""
        is_open = self._open
        if is_open and not self._in_turn and self._has_input:
            self._in_turn = True
            self._scheduler.wait(self)
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if is_open and not self._has_input and self.session.kept <= OCTETS_BEHIND_BIND:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def _end(self) -> None:
        """Tell the owner that the connection is over, once."""
        if self._over:
            return
        self._over = True
        try:
            self._handle(self, self.session.lost())
        finally:
            self._ended(self)
