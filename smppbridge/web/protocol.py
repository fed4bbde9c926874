"""HTTP/1.1 on one connection of the web port, with a time for each step.

The protocol itself is uvicorn's. A connection is in one of three phases:

1. The head of a request is awaited: from its begin, or from the answer before.
2. The body is awaited.
3. The request is there and is being answered.

Each phase has its time, whatever comes meanwhile; then the connection ends. In the phases 1 and 2 it waits in
a budget whose oldest connection ends for a newcomer, so idle sockets never keep anybody out.
"""

import asyncio
import re
from functools import partial

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from smppbridge.link.admission import Admission, Place
from smppbridge.link.per_turn import PerTurn
from smppbridge.web.callbacks import BODY_TIMEOUT

HEAD = 10.0  # seconds
BODY = BODY_TIMEOUT + 1.0  # `callbacks` says 408 before
ANSWER = 30.0
MOST_OCTETS = 4 << 20  # of one request: what is too long for a callback is read, so that its 413 is, too

_WORK = 20  # reads and answers in a turn of the loop, of all connections: SMPP has its turns between them
_HIGH_OCTET = re.compile(rb"[\x80-\xff]")


class WebBudgets:
    """How many connections of the web port there may be."""

    def __init__(self, admission: Admission, waiting: int, of_one: int, answering: int) -> None:
        """``waiting``: without a whole request; ``of_one``: of these, from one address. ``answering``: the
        others."""
        self.waiting = admission.budget("web", waiting, of_one)
        self.answering = admission.budget("web_answering", answering)
        self.work = PerTurn(_WORK)


class WebProtocol(H11Protocol):
    """One connection. Takes octets above 0x7F in the address of a request, which RFC 9112 wants
    percent-encoded: smspilot shows callbacks with them (API-1 §2.1)."""

    def __init__(self, config: uvicorn.Config, state: ServerState, budgets: WebBudgets, place: Place) -> None:
        super().__init__(config, state, app_state={})
        self._budgets = budgets
        self._place = place
        self._phase = 0.0  # how many seconds it may take; 0 = none has begun
        self._octets = 0  # of this request
        self._late = 0  # reads that wait for another turn of the loop
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """See asyncio."""
        super().connection_made(transport)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        super().connection_lost(exc)
        if self._deadline is not None:
            self._deadline.cancel()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if not self._budgets.work.do(partial(self._take, data)):
            self._late += 1
            self.transport.pause_reading()

    def _take(self, data: bytes) -> None:
        if self._late:
            self._late -= 1
            if not (self._late or self.flow.read_paused or self.transport.is_closing()):
                self.transport.resume_reading()
        if self.transport.is_closing():
            return
        self._octets += len(data)
        if self._octets > MOST_OCTETS:
            self.transport.abort()
            return
        if not data.isascii() and self.conn.their_state is h11.IDLE:
            begun, _ = self.conn.trailing_data  # of the request, as far as it came before
            if b"\n" not in begun:
                line, end, rest = data.partition(b"\n")
                data = _HIGH_OCTET.sub(lambda found: b"%%%02X" % ord(found[0]), line) + end + rest
        super().data_received(data)
        self._look()

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP, perhaps within a body whose request is being answered, or was: then there is
        nobody any more for whatever else would be answered."""
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()

    def on_response_complete(self) -> None:
        """An answer is written. The next request may have come behind the one before: it waits for its turn
        as a read does."""
        self._budgets.work.do(self._go_on)

    # --- inside --------------------------------------------------------------------------------

    def _go_on(self) -> None:
        if not self.transport.is_closing():
            super().on_response_complete()
            self._look()

    def _look(self) -> None:
        """In which phase is it?"""
        theirs = self.conn.their_state
        phase = HEAD if theirs is h11.IDLE else BODY if theirs is h11.SEND_BODY else ANSWER
        if phase == self._phase:
            return
        if phase == HEAD:
            self._octets = 0
        if ANSWER in (phase, self._phase):
            self._place.move(self._budgets.answering if phase == ANSWER else self._budgets.waiting)
        self._phase = phase
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(phase, self.transport.abort)
