"""Short ways to write what is said, and of which message."""

from typing import Any

from hypothesis import strategies as st

from smppbridge.model.message import Stage, State, StatusReport
from smppbridge.store.rules.verdicts import Row, Verdict

AT = 1000
PHONE = "375291234567"
OTHER = "375447654321"
ON_THE_WAY = (State.ENROUTE, State.ACCEPTED)
ENDS = (
    State.DELIVERED,
    State.EXPIRED,
    State.DELETED,
    State.UNDELIVERABLE,
    State.UNKNOWN,
    State.REJECTED,
)

_PLAIN = Row(
    ref="ref",
    id=1,
    account="pbx",
    origin=7,
    provider="lab",
    recipient=PHONE,
    stage=int(Stage.SENT),
    state=0,
    seen=0,
    registered_delivery=0x11,
    submitted_at=AT - 500,
    segments=1,
    price=0,
    sender="ALARM",
    part_state=None,
    part_final=0,
)


def row(message_id: int = 1, **changes: Any) -> Row:
    """A SENT message of account "pbx" at provider "lab" that wants every receipt and notification."""
    return _PLAIN._replace(id=message_id, **changes)


def part(ref: str, message_id: int = 1, state: int = 0, final: int = 0) -> Row:
    """The part with this reference of such a message."""
    return row(message_id, ref=ref, part_state=state, part_final=final)


def end(state: State = State.DELIVERED, **changes: Any) -> Verdict:
    """A final verdict."""
    return Verdict(int(state), True, 0, "word", AT)._replace(**changes)


def passing(state: State = State.ENROUTE, **changes: Any) -> Verdict:
    """A verdict on the way."""
    return Verdict(int(state), False, 0, "word", AT)._replace(**changes)


def told(*refs: str, recipient: str = PHONE, early: bool = False) -> StatusReport:
    """A final status by the first of ``refs``, and by the others as further notations of it."""
    return StatusReport(refs[0], int(State.DELIVERED), True, 0, "word", "", refs[1:], recipient, early)


verdicts = st.one_of(st.sampled_from(ENDS).map(end), st.sampled_from(ON_THE_WAY).map(passing))
"""Any verdict."""
