"""The state table by itself; that sessions obey it is in test_session_states.py."""

import pytest

from smppbridge.smpp.pdu import (
    AlertNotification,
    Bind,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DataSm,
    DeliverSm,
    Outbind,
    SubmitSm,
)
from smppbridge.smpp.states import BOUND, RECEIVABLE, SENDABLE, STATE_AFTER_BIND, Role, State

DELIVERED = {DeliverSm, DataSm, AlertNotification}


def test_both_tables_know_every_state() -> None:
    for role in Role:
        assert set(SENDABLE[role]) == set(RECEIVABLE[role]) == set(State)


def test_what_one_side_sends_the_other_receives() -> None:
    for state in State:
        assert RECEIVABLE[Role.SMSC][state] == SENDABLE[Role.ESME][state]
        if state not in {State.BOUND_TX, State.UNBINDING}:
            assert RECEIVABLE[Role.ESME][state] == SENDABLE[Role.SMSC][state]


@pytest.mark.parametrize("state", [State.BOUND_TX, State.UNBINDING])
def test_a_receipt_is_taken_where_none_should_come(state: State) -> None:
    assert SENDABLE[Role.SMSC][state] == set()
    assert RECEIVABLE[Role.ESME][state] == DELIVERED


def test_each_bind_leads_to_its_state() -> None:
    assert {
        BindTransmitter: State.BOUND_TX,
        BindReceiver: State.BOUND_RX,
        BindTransceiver: State.BOUND_TRX,
    } == STATE_AFTER_BIND
    assert set(STATE_AFTER_BIND.values()) == BOUND


@pytest.mark.parametrize("state", State)
def test_who_may_do_what(state: State) -> None:
    from_esme, from_smsc = SENDABLE[Role.ESME][state], SENDABLE[Role.SMSC][state]
    assert (SubmitSm in from_esme) == (state in {State.BOUND_TX, State.BOUND_TRX})
    assert (DeliverSm in from_smsc) == (state in {State.BOUND_RX, State.BOUND_TRX})
    assert any(issubclass(kind, Bind) for kind in from_esme) == (state is State.OPEN)
    assert (Outbind in from_smsc) == (state is State.OPEN)
    assert DeliverSm not in from_esme
    assert SubmitSm not in from_smsc
