"""How many messages wait, as of the last count and since."""

from smppbridge.flow.waiting import Waiting


def test_it_is_full_from_the_most_on() -> None:
    waiting = Waiting(3)
    assert not waiting.full
    waiting.add(2)
    assert (waiting.count, waiting.full) == (2, False)
    waiting.add(1)
    assert (waiting.count, waiting.full) == (3, True)
    waiting.add(5)
    assert (waiting.count, waiting.full) == (8, True)


def test_a_count_stands_for_all_that_was_added() -> None:
    waiting = Waiting(3)
    waiting.add(7)
    waiting.recount(2)
    assert (waiting.count, waiting.full) == (2, False)
    waiting.add(1)
    assert waiting.full


def test_a_reload_changes_the_most() -> None:
    waiting = Waiting(3)
    waiting.add(3)
    waiting.most = 4
    assert not waiting.full
    waiting.most = 0
    waiting.recount(0)
    assert waiting.full
