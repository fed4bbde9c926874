"""How much is done in a turn of the loop."""

from functools import partial

from smppbridge.link.per_turn import PerTurn
from tests.support.system.clock import turns


async def test_what_is_too_much_for_a_turn_is_done_in_the_next_ones_in_order() -> None:
    done: list[int] = []
    reads = PerTurn(2)
    assert [reads.do(partial(done.append, number)) for number in range(5)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert done == [0, 1]
    await turns(1)
    assert done == [0, 1, 2, 3]
    assert not reads.do(partial(done.append, 5))  # others came before
    await turns(1)
    assert done == [0, 1, 2, 3, 4, 5]
    await turns(3)
    assert [reads.do(partial(done.append, number)) for number in (6, 7)] == [True, True]


async def test_each_turn_has_its_own_share() -> None:
    reads = PerTurn(1)
    for number in range(3):
        done: list[int] = []
        assert reads.do(partial(done.append, number))
        assert done == [number]
        await turns(2)
