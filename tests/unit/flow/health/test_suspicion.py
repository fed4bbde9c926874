"""Trouble that may be that of one message, and when it is ours."""

import pytest

from smppbridge.errors import UNFIT, Disabled, Postponed, ProviderError, Rejected, Throttled, Unavailable
from smppbridge.flow.health.health import MESSAGES_BEFORE_PAUSE, PHONES_BEFORE_PAUSE
from smppbridge.model.message import Message
from tests.support.builders.messages import message
from tests.unit.flow.health.rig import NO_MONEY, TAKEN, WRONG_KEY, Rig


def about_message(error: ProviderError) -> ProviderError:
    error.about_message = True
    return error


THEIR_TROUBLE = [
    about_message(Disabled("blocked", pause=600.0)),
    about_message(Unavailable("other error", code="-12")),
]


def to(*numbers: int, tries: int = 0) -> list[Message]:
    """Messages to these phones."""
    return [message(number, recipient=f"37529000000{number}", tries=tries) for number in numbers]


@pytest.mark.parametrize("error", [WRONG_KEY, NO_MONEY, *THEIR_TROUBLE])
def test_trouble_beside_what_was_taken_is_that_of_its_message(error: ProviderError) -> None:
    rig = Rig()
    for _ in range(9):
        rig.health.record_results([TAKEN, error], to(1, 2))
        rig.health.record_results([error], to(3), partly=True)
    assert (rig.open, rig.health.works, rig.changes) == (True, True, [])


@pytest.mark.parametrize("error", THEIR_TROUBLE)
def test_trouble_of_three_phones_in_a_row_is_ours(error: ProviderError) -> None:
    rig = Rig()
    for phone in (1, 1, 2):
        rig.health.record_results([error], to(phone))
    rig.health.record_results([TAKEN], to(9))
    for phone in (1, 2, 1, 2):
        rig.health.record_results([error], to(phone))
    assert (rig.open, rig.health.works) == (True, True)
    rig.health.record_results([error], to(3))
    if isinstance(error, Disabled):
        assert (rig.health.pause(), rig.health.works) == (600.0, False)
    else:
        assert rig.health.works  # one failure
        for phone in range(6):
            rig.health.record_results([error], to(phone))
        assert not rig.health.works


def test_a_package_in_which_three_phones_met_trouble() -> None:
    rig = Rig()
    rig.health.record_results([THEIR_TROUBLE[0]] * 3, to(1, 2, 3))
    assert not rig.health.works


@pytest.mark.parametrize(
    "other", [Rejected("no", code="-4"), Postponed("hours", after=60.0), Rejected("no", code=UNFIT)]
)
def test_only_messages_that_met_trouble_count(other: ProviderError) -> None:
    rig = Rig()
    trouble = about_message(Disabled("blocked", pause=600.0))
    rig.health.record_results([*[other] * 8, trouble], to(*range(1, 10)))
    assert rig.open
    assert rig.health.works


def test_money_that_lacks_although_some_is_left() -> None:
    rig = Rig()
    rig.health.record_balance(12.5)
    for phone in (1, 2):
        rig.health.record_results([NO_MONEY], to(phone))
    assert rig.health.works
    rig.health.record_results([NO_MONEY], to(3))
    assert not rig.health.works
    rig = Rig()
    rig.health.record_balance(0.0)
    rig.health.record_results([NO_MONEY], to(1))
    assert not rig.health.works


def test_a_message_that_fails_again_while_others_are_taken() -> None:
    rig = Rig()
    rig.health.record_results([WRONG_KEY], to(1))
    assert not rig.health.works
    rig.health.record_results([WRONG_KEY], to(1, tries=1))  # on trial
    assert not rig.health.works
    rig.health.record_results([TAKEN], to(2))
    rig.health.record_results([WRONG_KEY], to(1, tries=2))
    assert rig.health.works
    rig.health.record_results([WRONG_KEY], to(3))
    assert not rig.health.works


def test_a_message_that_alone_is_wanted_later_slows_nothing_down() -> None:
    rig = Rig()
    rig.health.record_results([about_message(Throttled("later", after=600.0))], to(1))
    assert (rig.health.pause(), rig.health.works) == (0.0, True)


@pytest.mark.parametrize("error", THEIR_TROUBLE)
def test_trouble_of_many_messages_to_one_phone_is_ours_too(error: ProviderError) -> None:
    rig = Rig()
    few = [message(number, recipient="375290000001") for number in range(MESSAGES_BEFORE_PAUSE - 1)]
    for _ in range(2):
        for one in few:
            rig.health.record_results([error], [one])
    assert not rig.health.breaker.in_doubt
    rig.health.record_results([error], [message(99, recipient="375290000001")])
    assert rig.health.breaker.in_doubt


def test_after_a_pause_several_phones_may_show_whether_it_works() -> None:
    rig = Rig()
    trouble = THEIR_TROUBLE[0]
    rig.health.record_results([trouble] * PHONES_BEFORE_PAUSE, to(*range(PHONES_BEFORE_PAUSE)))
    rig.now += 600.0
    for phone in range(PHONES_BEFORE_PAUSE - 1):
        rig.health.record_results([trouble], to(phone))
        assert rig.open
    rig.health.record_results([trouble], to(9))
    assert rig.health.pause() == 600.0


def test_trouble_of_a_message_that_later_ones_overtook_is_its_own() -> None:
    """An SMSC takes one message after the other, and its answers come in any order."""
    rig = Rig()
    rig.health.record_results([TAKEN], to(2), began=102.0, in_order=True)
    rig.health.record_results([WRONG_KEY], to(1), began=101.0, in_order=True)
    assert rig.health.works
    rig.health.record_results([WRONG_KEY], to(3), began=103.0, in_order=True)
    assert not rig.health.works


def test_after_being_too_fast_the_message_that_was_may_be_the_cause() -> None:
    rig = Rig()
    rig.health.record_results([Throttled("slow", after=5.0)], to(1))
    assert (rig.health.works, rig.health.breaker.in_doubt) == (True, True)
    rig.health.record_results([TAKEN], to(2))
    assert not rig.health.breaker.in_doubt
