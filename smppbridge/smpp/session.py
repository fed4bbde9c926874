"""One SMPP conversation without its socket and without a clock: octets and times in, events and octets out.

1. The owner calls `receive` with what it read, and `tick` about once a second.
2. After each call it writes what `drain` returns.
3. The session answers by itself what needs no decision: enquire_link, unbind, malformed PDUs, requests in
   the wrong state or direction. Everything else is an event.

Both roles, ESME and SMSC, are here because they differ only in a table (`states`). Times are seconds of any
clock that never goes back.
"""

from collections import OrderedDict
from typing import Any, NamedTuple

from smppbridge.errors import FramingError, InvalidState, ProtocolError
from smppbridge.smpp.before_bind import BeforeBind, TooMuchBeforeBind
from smppbridge.smpp.codec import Decoder, Item, encode, encode_header
from smppbridge.smpp.constants import (
    INTERFACE_VERSION,
    MAX_SEQUENCE_NUMBER,
    RESPONSE_BIT,
    Command,
    Status,
    Tag,
)
from smppbridge.smpp.events import (
    Answered,
    CloseReason,
    Closing,
    Event,
    Fault,
    FaultKind,
    Received,
    Unanswered,
    Unbound,
)
from smppbridge.smpp.pdu import PDUS, Bind, EnquireLink, GenericNack, Pdu, Request, Response, Unbind
from smppbridge.smpp.states import BOUND, RECEIVABLE, SENDABLE, STATE_AFTER_BIND, Role, State
from smppbridge.smpp.timers import CONTROL_TIMEOUT, Timers
from smppbridge.smpp.tlv import tlv

__all__ = [
    "Answered",
    "CloseReason",
    "Closing",
    "Event",
    "Fault",
    "FaultKind",
    "Received",
    "Role",
    "Session",
    "State",
    "Timers",
    "Unanswered",
    "Unbound",
]


class _Sent(NamedTuple):
    """A request of ours that waits for its answer."""

    request: Request
    context: Any
    at: float


_DEFAULT_TIMERS = Timers()
_CONTROL = (Bind, Unbind, EnquireLink)
_UNANSWERED_CONTROL: dict[type[Pdu], CloseReason] = {
    EnquireLink: CloseReason.ENQUIRE_LINK_TIMEOUT,
    Unbind: CloseReason.UNBOUND,
}
_OWN = object()  # context of requests that the session sends by itself; their fate is no event


class Session:
    """The state of one connection.

    1. `window` is the most requests of ours that may be unanswered; bind, unbind and enquire_link do not
       count.
    2. `peer_version` is the interface_version of the bind (as SMSC) or sc_interface_version (as ESME). Below
       0x34 the peer knows no TLVs; 0 means that it gave none.
    """

    def __init__(
        self,
        role: Role,
        now: float,
        *,
        timers: Timers = _DEFAULT_TIMERS,
        window: int = 100,
        max_pdu_octets: int = 65536,
        password_max: int = 65,
        most: int = 0,
    ) -> None:
        """``most``: about so many PDUs are taken by one `receive`, see `Decoder`."""
        self.role = role
        self.window = window
        self.peer_version = 0
        self._timers = timers
        self._decoder = Decoder(
            max_octets=max_pdu_octets, lenient=role is Role.ESME, password_max=password_max, most=most
        )
        self._out: list[bytes] = []
        self._sent: OrderedDict[int, _Sent] = OrderedDict()  # by sequence_number, the oldest first
        self._control: dict[int, _Sent] = {}  # bind, unbind, enquire_link: outside the window
        self._last_number = 0
        self._opened_at = now
        self._heard_at = now
        self._unbound_at: float | None = None  # when the peer said unbind
        self._before_bind = BeforeBind(self._decoder)
        self._asked_to_bind: Bind | None = None  # the bind that waits for the application
        self._last_event: Unbound | Closing | None = None
        self._enter(State.OPEN)

    # --- what the peer says --------------------------------------------------------------------

    @property
    def behind(self) -> bool:
        """Whether octets are left that `receive` has not looked at: call it again, with b""."""
        return self._decoder.behind and self.state is not State.CLOSED

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take octets from the peer. Never raises on them. Unbound and Closing stand last in the list.

        What an SMSC gets behind a bind is kept until the bind is answered: call this again then, with b"".
        """
        events: list[Event] = []
        if self.state is State.CLOSED:
            return events
        if self._hears_strangers:
            items = self._before_bind.feed(data, bind_waits=self._asked_to_bind is not None)
        else:
            items = self._decoder.feed(data)
        if items:
            self._heard_at = now
        for item in items:
            if type(item) in self._traffic:
                events.append(Received(item))  # type: ignore[arg-type]  # no errors are in that set
            elif isinstance(item, Response):
                self._take_response(item, events)
            else:
                self._take_rarity(item, now, events)
        return self._finish(events)

    def _take_response(self, response: Response, events: list[Event]) -> None:
        number = response.sequence_number
        is_control = number in self._control
        sent = self._control[number] if is_control else self._sent.get(number)
        nack = type(response) is GenericNack
        if sent is None or not (nack or type(response) is sent.request.response):
            kind = FaultKind.GENERIC_NACK if nack else FaultKind.UNMATCHED
            detail = f"{type(response).__name__} {number:#x} with status {response.command_status:#x}"
            events.append(Fault(kind, detail, response.command_id))
            return
        request, context, _ = sent
        if is_control:
            del self._control[number]
            self._conclude(request, response)
        else:
            del self._sent[number]
        if context is not _OWN:
            events.append(Answered(request, response, context))

    def _conclude(self, request: Request, response: Response) -> None:
        """Change the state after the response to a control request of ours."""
        if isinstance(request, Unbind):
            self._close(CloseReason.UNBOUND)
        elif isinstance(request, Bind) and type(response) is request.response and not response.command_status:
            version = response.tlv(Tag.SC_INTERFACE_VERSION)
            self.peer_version = version if isinstance(version, int) else 0
            self._enter(STATE_AFTER_BIND[type(request)])

    def _take_rarity(self, item: Item, now: float, events: list[Event]) -> None:
        """Take a PDU that is neither a message nor a response, or an error."""
        if isinstance(item, ProtocolError):
            self._take_error(item, events)
        elif isinstance(item, EnquireLink):
            self._answer(item, Status.ESME_ROK)  # in OPEN too: load balancers ask
        elif isinstance(item, Unbind) and self.state in (*BOUND, State.UNBINDING):
            self._answer(item, Status.ESME_ROK)
            if self._unbound_at is None:
                self._unbound_at = now
                self._last_event = Unbound()
                self._enter(State.UNBINDING)
        elif type(item) in RECEIVABLE[self.role][self.state]:
            if isinstance(item, Bind):
                self._asked_to_bind = item
                self.peer_version = item.interface_version
            events.append(Received(item))
        else:
            self._take_untimely(item, events)

    def _take_untimely(self, request: Pdu, events: list[Event]) -> None:
        again = isinstance(request, Bind) and self.role is Role.SMSC and self.state in BOUND
        self._answer(request, Status.ESME_RALYBND if again else Status.ESME_RINVBNDSTS)
        detail = f"{type(request).__name__} in state {self.state.name}"
        events.append(Fault(FaultKind.WRONG_STATE, detail, request.command_id))

    def _take_error(self, error: ProtocolError, events: list[Event]) -> None:
        """Answer a malformed PDU: with its response if there is one, else with generic_nack."""
        number = error.sequence_number
        cls = PDUS.get(error.command_id)
        if isinstance(error, FramingError):
            too_much = isinstance(error, TooMuchBeforeBind)
            kind = FaultKind.BEFORE_BIND if too_much else FaultKind.FRAMING
            self._out.append(encode_header(Command.GENERIC_NACK, error.status, number))
            self._close(CloseReason.FRAMING)
        elif cls is None:
            kind = FaultKind.UNKNOWN_COMMAND
            if not error.command_id & RESPONSE_BIT:  # two sides that nack responses would never stop
                self._out.append(encode_header(Command.GENERIC_NACK, error.status, number))
        else:
            kind = FaultKind.MALFORMED
            self._answer(cls(sequence_number=number), error.status)
        events.append(Fault(kind, error.reason, error.command_id))

    def _answer(self, request: Pdu, status: int) -> None:
        """Send a response that says nothing but its status; nothing for a request without a response."""
        if isinstance(request, Request) and request.response is not None:
            number = request.sequence_number
            self._out.append(encode(request.response(command_status=status, sequence_number=number)))

    # --- what the application says -------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many more requests the window takes now."""
        return max(0, self.window - len(self._sent))

    @property
    def outstanding(self) -> int:
        """How many requests in the window wait for their responses."""
        return len(self._sent)

    def request(self, pdu: Pdu, now: float, context: Any = None) -> int:
        """Send a request of ours, and return its sequence_number.

        An Answered or Unanswered event with `context` follows, except for outbind and alert_notification.

        Nothing is sent when it raises:

        1. InvalidState: the request may not be sent in this state or role, or the window is full.
        2. ValueError: the request cannot be encoded.
        """
        if not isinstance(pdu, Request) or not self._may_send(pdu):
            raise InvalidState(
                f"{type(pdu).__name__} may not be sent as {self.role.name} in {self.state.name}"
            )
        is_control = isinstance(pdu, _CONTROL)
        if not is_control and len(self._sent) >= self.window:
            raise InvalidState(f"the window of {self.window} requests is full")
        number = pdu.sequence_number = self._next_number()
        self._out.append(encode(pdu))
        if pdu.response is not None:
            waiting = self._control if is_control else self._sent
            waiting[number] = _Sent(pdu, context, now)
        if isinstance(pdu, Unbind):
            self._enter(State.UNBINDING)
        return number

    def _may_send(self, pdu: Request) -> bool:
        if isinstance(pdu, EnquireLink | Unbind):
            return self.state in BOUND
        if isinstance(pdu, Bind) and self._control:
            return False  # another bind waits for its response
        return type(pdu) in self._sendable

    def _next_number(self) -> int:
        number = self._last_number % MAX_SEQUENCE_NUMBER + 1
        while number in self._sent or number in self._control:
            number = number % MAX_SEQUENCE_NUMBER + 1
        self._last_number = number
        return number

    def respond(self, request: Pdu, response: Pdu) -> None:
        """Answer a request of the peer. The response gets the sequence_number of the request.

        The response to a bind changes the state when its status is 0. It gets sc_interface_version as its
        only TLV, or no TLV for a peer older than 3.4.
        """
        response.sequence_number = request.sequence_number
        if isinstance(request, Bind):
            self._respond_to_bind(request, response)
        else:
            self._out.append(encode(response))

    def _respond_to_bind(self, request: Bind, response: Pdu) -> None:
        if request is not self._asked_to_bind or self.state is not State.OPEN:
            return  # the connection ended while the application decided about the bind
        accepted = response.command_status == Status.ESME_ROK
        knows_tlvs = accepted and request.interface_version >= INTERFACE_VERSION
        response.tlvs = (tlv(Tag.SC_INTERFACE_VERSION, INTERFACE_VERSION),) if knows_tlvs else ()
        self._out.append(encode(response))
        self._asked_to_bind = None
        if accepted:
            self._enter(STATE_AFTER_BIND[type(request)])

    @property
    def kept(self) -> int:
        """Octets that came behind a bind, and wait until it is answered."""
        return 0 if self._asked_to_bind is None else self._decoder.kept

    def refuse(self, request: Pdu, status: int) -> None:
        """Answer a request with a status. Nothing is sent for a request that has no response."""
        if request is self._asked_to_bind:
            self._asked_to_bind = None
        self._answer(request, status)

    def drain(self) -> bytes:
        """All octets to write to the peer since the last call."""
        octets = b"".join(self._out)
        self._out.clear()
        return octets

    def unbind(self, now: float) -> None:
        """Send unbind. Closing follows when the response comes, or its time is over.

        Raises InvalidState unless bound.
        """
        self.request(Unbind(), now, _OWN)

    # --- time and the end ----------------------------------------------------------------------

    def tick(self, now: float, *, listening: bool = True) -> list[Event]:
        """Check the timers. The cost does not grow with the number of requests that wait.

        ``listening``: False while we do not read from the peer. Then its silence means nothing, and only the
        response timers of our requests count.
        """
        events: list[Event] = []
        if self.state is State.CLOSED:
            return events
        self._expire(now, events)
        if not listening:
            return events
        reason = self._reason_to_close(now)
        if reason is not None:
            self._close(reason)
        elif self._must_ask(now):
            self.request(EnquireLink(), now, _OWN)
        return self._finish(events)

    def _expire(self, now: float, events: list[Event]) -> None:
        limit = self._timers.response
        while limit and self._sent:
            number, (request, context, at) = next(iter(self._sent.items()))
            if now - at < limit:
                return
            del self._sent[number]
            events.append(Unanswered(request, context, at))

    def _reason_to_close(self, now: float) -> CloseReason | None:
        timers = self._timers
        patience = timers.response or CONTROL_TIMEOUT
        if self.state is State.OPEN and timers.bind and now - self._opened_at >= timers.bind:
            return CloseReason.BIND_TIMEOUT
        for request, _, at in self._control.values():
            if now - at >= (min(patience, CONTROL_TIMEOUT) if isinstance(request, EnquireLink) else patience):
                return _UNANSWERED_CONTROL.get(type(request), CloseReason.RESPONSE_TIMEOUT)
        if self._unbound_at is not None and now - self._unbound_at >= patience:
            return CloseReason.UNBOUND
        if timers.inactivity and now - self._heard_at >= timers.inactivity:
            return CloseReason.INACTIVITY
        return None

    def _must_ask(self, now: float) -> bool:
        silence = self._timers.enquire_link
        asked = any(isinstance(sent.request, EnquireLink) for sent in self._control.values())
        return bool(silence) and self.state in BOUND and not asked and now - self._heard_at >= silence

    def lost(self) -> list[Event]:
        """The connection ended. All requests of ours that wait are Unanswered."""
        waiting = [*self._sent.values(), *self._control.values()]
        self._sent.clear()
        self._control.clear()
        self._enter(State.CLOSED)
        return [Unanswered(request, context, at) for request, context, at in waiting if context is not _OWN]

    def _close(self, reason: CloseReason) -> None:
        self._last_event = Closing(reason)
        self._enter(State.CLOSED)

    def _finish(self, events: list[Event]) -> list[Event]:
        if self._last_event is not None:
            events.append(self._last_event)
            self._last_event = None
        return events

    def _enter(self, state: State) -> None:
        self.state = state
        self._sendable = SENDABLE[self.role][state]
        self._hears_strangers = self.role is Role.SMSC and state is State.OPEN
        # Requests that `receive` passes on without further checks. None in OPEN: binds are checked.
        self._traffic = RECEIVABLE[self.role][state] if state in BOUND else frozenset()
