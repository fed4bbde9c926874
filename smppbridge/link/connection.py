"""One TCP connection and its Session: octets in, events out, one write for all answers of a batch.

Back-pressure: the socket is not read while
1. the peer does not read what we write, or
2. too many of its requests wait for our answer.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from smppbridge.errors import InvalidState
from smppbridge.smpp.pdu import Pdu
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

_LOOK_AGAIN = 0.05  # seconds between two looks whether everything is answered
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


LIMITS = ConnectionLimits()


class Connection(asyncio.Protocol):
    """Feeds a Session and carries out what it says.

    1. ``began(connection)`` is called once the connection is open, after any TLS handshake.
    2. ``handle(connection, events)`` is called for every batch of events, at most once per read. An empty
       batch says that the peer reads again.
    3. ``ended(connection)`` is called when the connection is gone.
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
        self._flush_planned = False
        self._abort_at: float | None = None
        self._left_open: asyncio.TimerHandle | None = None  # until when, once nothing more is taken
        self._last_words = b""  # unbind_resp or generic_nack, for when everything else is answered
        self.writable = True
        self.peer = ""
        self.session = Session(
            role, self._loop.time(), timers=timers, window=window, max_pdu_octets=max_pdu_octets
        )

    # --- asyncio.Protocol ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self._limits.unread)
        peername = transport.get_extra_info("peername")
        self.peer = peername[0] if isinstance(peername, tuple) else ""
        self._began(self)

    def data_received(self, data: bytes) -> None:
        if self._left_open is not None:
            return
        self._deliver(self.session.receive(data, self._loop.time()))
        self.flush()

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
        try:
            self._handle(self, self.session.lost())
        finally:
            self._ended(self)

    # --- for the owner -------------------------------------------------------------------------

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

    def hold(self, count: int) -> None:
        """``count`` requests of the peer wait for an answer from outside the session."""
        self._unanswered += count
        self._regulate()

    def answered(self, count: int) -> None:
        """``count`` of them were answered: write the answers."""
        self._unanswered -= count
        self.flush()
        self._regulate()

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
        self._deliver(self.session.tick(now, listening=self._unanswered < self._limits.unanswered))
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
        if octets and self._transport is not None:
            self._transport.write(octets)

    def _planned_flush(self) -> None:
        self._flush_planned = False
        self.flush()

    def _regulate(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self.writable and self._unanswered < self._limits.unanswered:
            transport.resume_reading()
        else:
            transport.pause_reading()
