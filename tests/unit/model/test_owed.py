"""smppbridge.model.owed: every value of the bits that count."""

import pytest

from smppbridge.model.message import State
from smppbridge.model.owed import owes_receipt

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
