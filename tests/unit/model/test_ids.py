"""Ids grow, whatever the clock does, and tell their time."""

import pytest

from smppbridge.model.ids import EPOCH_MS, MAX_NODE, IdSource, taken_at

NOW = EPOCH_MS + 90_000_000_000


def test_ids_of_one_millisecond_are_distinct_and_ordered() -> None:
    source = IdSource()
    ids = [source.next(NOW) for _ in range(10_000)]
    assert ids == sorted(set(ids))


def test_ids_grow_although_the_clock_goes_back() -> None:
    source = IdSource()
    assert source.next(NOW) < source.next(NOW - 5000) < source.next(NOW)


def test_ids_of_a_restarted_source_follow_those_before() -> None:
    before = IdSource()
    last = [before.next(NOW) for _ in range(5000)][-1]
    assert IdSource(last_id=last).next(NOW) > last


def test_nodes_never_share_an_id() -> None:
    one, other = IdSource(node=1), IdSource(node=2)
    assert {one.next(NOW) for _ in range(9000)}.isdisjoint({other.next(NOW) for _ in range(9000)})


def test_an_id_fits_63_bits_even_after_decades() -> None:
    assert 0 < IdSource(node=MAX_NODE).next(EPOCH_MS + 50 * 366 * 86_400_000) < 2**63


def test_an_id_tells_its_time() -> None:
    assert taken_at(IdSource(node=MAX_NODE).next(NOW)) == NOW


@pytest.mark.parametrize("node", [-1, MAX_NODE + 1])
def test_a_node_outside_its_bits_is_refused(node: int) -> None:
    with pytest.raises(ValueError, match="node must be"):
        IdSource(node=node)
