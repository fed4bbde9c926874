"""The budgets of connections: who gets in, and who must go for it."""

import random
import resource
from collections import Counter
from pathlib import Path

import pytest

from smppbridge.app import descriptors
from smppbridge.link.admission import (
    MOST_CONNECTIONS,
    Admission,
    Budget,
    Place,
    RefusalCause,
    connections_for,
)
from smppbridge.metrics import Metrics
from tests.support.bridge.running import config
from tests.support.builders.metrics import value
from tests.unit.link.served import lines


class House:
    """An Admission, and who was ended."""

    def __init__(self, limit: int = 100) -> None:
        self.metrics = Metrics()
        self.admission = Admission(limit, self.metrics)
        self.ended: list[Place] = []

    def admitted(self, address: str, budget: Budget) -> Place:
        place = self.admission.admit(address, budget)
        assert place is not None
        place.end = lambda: self.ended.append(place)
        return place

    def refused(self, cause: RefusalCause) -> float:
        return value(self.metrics, "refused_connections_total", cause=cause)


async def test_places_are_counted_until_they_are_given_back() -> None:
    house = House()
    unbound, bound = house.admission.budget("unbound", 10), house.admission.budget("bound", 100, lasting=True)
    place = house.admitted("192.0.2.1", unbound)
    assert (house.admission.used, unbound.used, bound.used) == (1, 1, 0)
    place.move(bound)
    assert (house.admission.used, unbound.used, bound.used) == (1, 0, 1)
    assert value(house.metrics, "connections", state="bound") == 1
    for _ in range(2):
        place.give_back()
        assert (house.admission.used, unbound.used, bound.used) == (0, 0, 0)
    place.move(unbound)  # too late
    assert (house.admission.used, unbound.used) == (0, 0)
    assert value(house.metrics, "connections", state="bound") == 0


async def test_an_address_that_has_its_share_loses_its_oldest() -> None:
    house = House()
    unbound = house.admission.budget("unbound", 10, 2)
    other = house.admitted("192.0.2.2", unbound)
    first, second, third = (house.admitted("192.0.2.1", unbound) for _ in range(3))
    assert house.ended == [first]
    assert (house.admission.used, unbound.used) == (3, 3)
    assert None not in (other.budget, second.budget, third.budget)
    assert house.refused(RefusalCause.DISPLACED) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:0:0:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
async def test_addresses_that_count_as_one(one: str, other: str, same: bool) -> None:
    house = House()
    unbound = house.admission.budget("unbound", 10, 1)
    house.admitted(one, unbound)
    house.admitted(other, unbound)
    assert len(house.ended) == same


async def test_who_has_the_most_loses_one_when_all_is_full(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    unbound = house.admission.budget("unbound", 4)
    lonely = house.admitted("192.0.2.1", unbound)
    many = [house.admitted("192.0.2.2", unbound) for _ in range(3)]
    house.admitted("192.0.2.3", unbound)
    assert house.ended == many[:1]
    house.admitted("192.0.2.4", unbound)
    assert house.ended == many[:2]
    house.admitted("192.0.2.5", unbound)  # all have one each: the oldest
    assert house.ended == [*many[:2], lonely]
    (line,) = lines(caplog, "connection ended for a newer one")
    assert "state=unbound peer=192.0.2.2" in line


async def test_a_move_may_displace_too_but_never_what_lasts() -> None:
    house = House()
    handshake, unbound = house.admission.budget("handshake", 5), house.admission.budget("unbound", 1)
    bound = house.admission.budget("bound", 1, lasting=True)
    places = [house.admitted("192.0.2.1", handshake) for _ in range(2)]
    for place in places:
        place.move(unbound)
    assert house.ended == [places[0]]
    for _ in range(2):
        house.admitted("192.0.2.1", unbound).move(bound)
    assert (house.ended, bound.used, unbound.used) == ([places[0], places[1]], 2, 0)


async def test_when_all_places_are_taken_the_fullest_state_makes_room() -> None:
    house = House(limit=4)
    unbound, web = house.admission.budget("unbound", 10), house.admission.budget("web", 10)
    bound = house.admission.budget("bound", 4, lasting=True)
    house.admitted("192.0.2.1", unbound)
    pages = [house.admitted("192.0.2.2", web) for _ in range(3)]
    house.admitted("192.0.2.3", unbound).move(bound)
    assert house.ended == pages[:1]
    assert (unbound.used, web.used, bound.used) == (1, 2, 1)


async def test_beside_those_that_last_nobody_gets_in(caplog: pytest.LogCaptureFixture) -> None:
    house = House(limit=2)
    unbound, bound = house.admission.budget("unbound", 10), house.admission.budget("bound", 2, lasting=True)
    house.admitted("192.0.2.1", unbound).move(bound)
    second = house.admitted("192.0.2.1", unbound)
    second.move(bound)
    for _ in range(3):
        assert house.admission.admit("192.0.2.1", unbound) is None
    assert (house.ended, house.refused(RefusalCause.FULL)) == ([], 3)
    assert len(lines(caplog, "connection refused: too many connections")) == 1
    second.give_back()
    house.admitted("192.0.2.1", unbound)


async def test_no_budget_is_larger_than_all_together() -> None:
    assert House(limit=7).admission.budget("unbound", 500, 50).limit == 7


async def test_whatever_happens_the_counts_are_right() -> None:
    """Against plain counting, the slow way."""
    house, choice = House(limit=30), random.Random(1)
    budgets = [house.admission.budget("a", 12, 3), house.admission.budget("b", 20)]
    budgets.append(house.admission.budget("c", 30, lasting=True))
    here: list[Place] = []
    for _ in range(3000):
        what = choice.random()
        if what < 0.5:
            place = house.admission.admit(f"192.0.2.{choice.randrange(8)}", choice.choice(budgets[:2]))
            here += [place] if place is not None else []
        elif here and what < 0.7:
            choice.choice(here).move(choice.choice(budgets))
        elif here:
            choice.choice(here).give_back()
        here = [place for place in here if place.budget is not None]
        assert house.admission.used == len(here) <= 30
        for budget in budgets:
            own = [place for place in here if place.budget is budget]
            count = Counter(place.network for place in own)
            assert budget.used == len(own) <= budget.limit
            if own:
                assert max(count.values()) <= budget.per_address
                most = [place for place in own if count[place.network] == max(count.values())]
                assert budget.oldest() in most


# --- the limit of open files -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "reserve", "allowed"),
    [(64, 42, 22), (1024, 100, 924), (8192, 100, MOST_CONNECTIONS), (-1, 100, MOST_CONNECTIONS), (64, 60, 8)],
)
def test_the_budget_follows_the_limit_of_open_files(
    files: int, reserve: int, allowed: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (files, files))
    assert connections_for(reserve) == allowed
    told = lines(caplog, "the limit of open files (ulimit -n) is too low")
    assert len(told) == (allowed == 8)


def test_connections_of_providers_and_calls_are_kept_free(tmp_path: Path) -> None:
    plain = config(tmp_path)
    text = """
providers:
  lab: {kind: sandbox}
  pilot: {kind: smspilot, apikey: KEY, parallel: 7}
  link: {kind: smpp, host: 192.0.2.1, system_id: user, password: secret, binds: 3}
accounts: {pbx: {password: secret, outbind: {host: 192.0.2.2, port: 2775, password: word}}}
listen: [{host: 127.0.0.1, port: 0}, {host: 127.0.0.1, port: 0}]
"""
    assert descriptors(config(tmp_path, text)) == descriptors(plain) + 9 + 6 + 1 + 1
