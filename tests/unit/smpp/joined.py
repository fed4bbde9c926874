"""Two sessions joined back to back: the octets of one go into the other, with no socket between."""

from collections.abc import Iterable

from smppbridge.smpp.codec import Decoder, Item
from smppbridge.smpp.pdu import (
    Bind,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    Pdu,
)
from smppbridge.smpp.session import (
    Event,
    Received,
    Role,
    Session,
    State,
    Timers,
)

BINDS = [
    (BindTransmitter, State.BOUND_TX),
    (BindReceiver, State.BOUND_RX),
    (BindTransceiver, State.BOUND_TRX),
]
BOUND = [state for _, state in BINDS]
QUIET = Timers(0, 0, 0, 0)


def hear(session: Session, octets: bytes, now: int = 0) -> list[Event]:
    return session.receive(octets, now)


def said(session: Session) -> list[Item]:
    """The PDUs that a session has put out since it was last asked."""
    return Decoder().feed(session.drain())


def statuses(session: Session) -> list[tuple[int, int, int]]:
    """(command_id, command_status, sequence_number) of what a session has put out."""
    pdus = [item for item in said(session) if isinstance(item, Pdu)]
    return [(pdu.command_id, pdu.command_status, pdu.sequence_number) for pdu in pdus]


def only_pdu(events: Iterable[Event]) -> Pdu:
    (event,) = events
    assert isinstance(event, Received)
    return event.pdu


class Pair:
    """An ESME and an SMSC, each fed with what the other says."""

    def __init__(self, *, timers: Timers = QUIET, window: int = 100, max_pdu_octets: int = 65536) -> None:
        self.esme = Session(Role.ESME, 0, timers=timers, window=window)
        self.smsc = Session(Role.SMSC, 0, timers=timers, window=window, max_pdu_octets=max_pdu_octets)

    def to_smsc(self, now: int = 0) -> list[Event]:
        return self.smsc.receive(self.esme.drain(), now)

    def to_esme(self, now: int = 0) -> list[Event]:
        return self.esme.receive(self.smsc.drain(), now)

    def bind(self, cls: type[Bind] = BindTransceiver, version: int = 0x34, now: int = 0) -> list[Event]:
        self.esme.request(cls("pbx", "pw", interface_version=version), now)
        bind = only_pdu(self.to_smsc(now))
        assert isinstance(bind, Bind)
        self.smsc.respond(bind, bind.response(system_id="centre"))
        return self.to_esme(now)


def bound(cls: type[Bind] = BindTransceiver, **options: int) -> Pair:
    pair = Pair(**options)  # type: ignore[arg-type]  # all options that tests give are integers
    pair.bind(cls)
    return pair
