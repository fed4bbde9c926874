"""The numbers of stages and states are in databases and on the wire: they never change."""

from smppbridge.model.message import Message, Segment, Stage, State


def test_stages_are_stored_as_these_numbers() -> None:
    assert {stage.name: stage.value for stage in Stage} == {
        "COLLECTING": 0,
        "WAITING": 1,
        "QUEUED": 2,
        "SENDING": 3,
        "UNCERTAIN": 4,
        "SENT": 5,
        "FINAL": 6,
    }


def test_states_are_those_of_the_specification() -> None:
    """SMPP 3.4 §5.2.28."""
    assert {state.name: state.value for state in State} == {
        "ENROUTE": 1,
        "DELIVERED": 2,
        "EXPIRED": 3,
        "DELETED": 4,
        "UNDELIVERABLE": 5,
        "ACCEPTED": 6,
        "UNKNOWN": 7,
        "REJECTED": 8,
    }


def test_a_message_is_what_was_accepted_and_its_attempts() -> None:
    assert set(Message._fields) - set(Segment._fields) == {"attempt", "tries"}
