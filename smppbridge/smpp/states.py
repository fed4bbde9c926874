"""Which side may send which request in which state: SMPP 3.4 §2.2 and table 2-1, as data.

enquire_link, unbind and all responses are not in the table: the session handles them itself.
"""

from enum import Enum

from smppbridge.smpp.pdu import (
    AlertNotification,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    CancelSm,
    DataSm,
    DeliverSm,
    Outbind,
    Pdu,
    QuerySm,
    ReplaceSm,
    SubmitMulti,
    SubmitSm,
)


class Role(Enum):
    """Our side of the session."""

    SMSC = "smsc"
    ESME = "esme"


class State(Enum):
    """State of a session (SMPP 3.4 §2.2).

    UNBINDING is our own addition: one side has sent unbind, and responses are still on their way.
    """

    OPEN = "open"
    BOUND_TX = "bound_tx"
    BOUND_RX = "bound_rx"
    BOUND_TRX = "bound_trx"
    UNBINDING = "unbinding"
    CLOSED = "closed"


BOUND = frozenset({State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX})

STATE_AFTER_BIND: dict[type[Pdu], State] = {
    BindTransmitter: State.BOUND_TX,
    BindReceiver: State.BOUND_RX,
    BindTransceiver: State.BOUND_TRX,
}

_Kinds = frozenset[type[Pdu]]

_NOTHING: _Kinds = frozenset()
_BINDS: _Kinds = frozenset(STATE_AFTER_BIND)
_SUBMITTING: _Kinds = frozenset({SubmitSm, SubmitMulti, DataSm, QuerySm, CancelSm, ReplaceSm})
_DELIVERING: _Kinds = frozenset({DeliverSm, DataSm, AlertNotification})

# Table 2-1 lists replace_sm for BOUND_TX only, and data_sm for every bound state in both directions. We read
# it by its sense: an ESME that may submit may replace, and data_sm goes where submit_sm or deliver_sm may go.
FROM_ESME: dict[State, _Kinds] = {
    State.OPEN: _BINDS,
    State.BOUND_TX: _SUBMITTING,
    State.BOUND_RX: _NOTHING,
    State.BOUND_TRX: _SUBMITTING,
    State.UNBINDING: _NOTHING,
    State.CLOSED: _NOTHING,
}
FROM_SMSC: dict[State, _Kinds] = {
    State.OPEN: frozenset({Outbind}),
    State.BOUND_TX: _NOTHING,
    State.BOUND_RX: _DELIVERING,
    State.BOUND_TRX: _DELIVERING,
    State.UNBINDING: _NOTHING,
    State.CLOSED: _NOTHING,
}

SENDABLE: dict[Role, dict[State, _Kinds]] = {Role.ESME: FROM_ESME, Role.SMSC: FROM_SMSC}
RECEIVABLE: dict[Role, dict[State, _Kinds]] = {
    # Refused, a receipt would be lost. It may cross our unbind, and some SMSCs (those made with OpenSMPP,
    # smpp.twisted or Net::SMPP) deliver on the bind that submitted the message, though it is a transmitter.
    Role.ESME: {**FROM_SMSC, State.BOUND_TX: _DELIVERING, State.UNBINDING: _DELIVERING},
    Role.SMSC: FROM_ESME,
}
