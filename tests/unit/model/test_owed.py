"""smppbridge.model.owed: every value of the bits that count, and set_dpf."""

import pytest

from smppbridge.model.message import State
from smppbridge.model.owed import owes_receipt, wants_alert

FINAL_STATES = frozenset(State) - {State.ENROUTE, State.ACCEPTED}
FAILURES = FINAL_STATES - {State.DELIVERED}


@pytest.mark.parametrize(
    ("registered_delivery", "states"),
    [(0, frozenset()), (1, FINAL_STATES), (2, FAILURES), (3, frozenset({State.DELIVERED}))],
)
@pytest.mark.parametrize("other_bits", [0x00, 0x04, 0x08, 0x0C, 0x10, 0xFC])
def test_final_states(registered_delivery: int, states: frozenset[State], other_bits: int) -> None:
    owed = {state for state in FINAL_STATES if owes_receipt(registered_delivery | other_bits, state, True)}
    assert owed == states


@pytest.mark.parametrize("registered_delivery", range(256))
def test_other_states_by_bit_4(registered_delivery: int) -> None:
    assert owes_receipt(registered_delivery, State.ENROUTE, False) == (registered_delivery & 0x10 == 0x10)


@pytest.mark.parametrize(
    ("tlvs", "wanted"),
    [
        ("", False),
        ("0421 0001 01", True),  # set_dpf
        ("0421 0001 00", False),
        ("0421 0001 02", False),
        ("0421 0000", False),
        ("0204 0002 0007 0421 0001 01", True),  # behind another parameter
        ("0421 0001 01 0421 0001 00", True),  # the first of two counts
        ("0421 0001 00 0421 0001 01", False),
        ("0420 0001 01", False),  # dpf_result
        ("0421 0005 01", False),  # cut off
    ],
)
def test_an_alert_is_asked_for_by_set_dpf(tlvs: str, wanted: bool) -> None:
    assert wants_alert(bytes.fromhex(tlvs)) is wanted
