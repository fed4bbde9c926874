"""How a batch for sms-assistent is split, and how many PLAIN messages may go in a minute."""

import asyncio
from typing import Any

import pytest

from smppbridge.errors import Postponed
from smppbridge.providers.base import Taken
from smppbridge.providers.sms_assistent.plan import SOONEST, Allowance, date_of, packages, plan
from smppbridge.providers.sms_assistent.records import date_send
from tests.support.builders.messages import DAY, NOW, message
from tests.unit.providers.sms_assistent.steps import Assist, Gate, packed, taken

MINUTE = 60_000  # ms
HOUR = 60 * MINUTE


def ways(*messages: Any, api: str = "json", sender: str = "CMC", plain: bool = True) -> list[list[int]]:
    """Ids of what goes in PLAIN, in packages, and too early."""
    found = plan(messages, api=api, default_sender=sender, plain_allowed=plain, now=NOW)
    return [[one.id for one in way] for way in found]


URGENT = message(1, priority=1)
USUAL = message(2)
SHORT = message(3, priority=2, deadline=NOW + HOUR - 1)
LATER = message(4, priority=3, send_at=NOW + HOUR)


@pytest.mark.parametrize(
    ("api", "plain", "packed"),
    [("json", [1, 4], [2, 3]), ("xml", [1, 4], [2, 3]), ("plain", [1, 2, 4], [3])],
)
def test_urgent_messages_go_in_plain_unless_it_cannot_say_how_short_they_live(
    api: str, plain: list[int], packed: list[int]
) -> None:
    assert ways(URGENT, USUAL, SHORT, LATER, api=api) == [plain, packed, []]


def test_plain_that_was_blocked_is_not_used() -> None:
    assert ways(URGENT, USUAL, plain=False) == [[], [1, 2], []]
    assert ways(URGENT, USUAL, api="plain", plain=False) == [[], [1, 2], []]


def test_plain_always_names_a_sender() -> None:
    nameless = message(1, priority=1, sender="")
    assert ways(nameless, sender="") == [[], [1], []]
    assert ways(nameless, sender="", api="plain") == [[], [1], []]
    assert ways(nameless) == [[1], [], []]


@pytest.mark.parametrize(
    ("ahead", "early", "dated"),
    [
        (-HOUR, False, False),
        (0, False, False),
        (1, True, True),
        (11 * MINUTE - 1, True, True),
        (11 * MINUTE, False, True),
        (HOUR, False, True),
    ],
)
def test_dates(ahead: int, early: bool, dated: bool) -> None:
    one = message(1, send_at=NOW + ahead)
    assert ways(one) == ([[], [], [1]] if early else [[], [1], []])
    assert date_of(one, NOW) == (date_send(NOW + ahead) if dated else "")


def test_packages_have_one_format_and_one_date() -> None:
    at = NOW + HOUR
    batch = [
        message(1),
        message(2, send_at=at),
        message(3, deadline=NOW + 1000),
        message(4, sender="Other"),
        message(5, send_at=at + 2 * MINUTE),
        message(6, send_at=at),
        message(7, deadline=NOW + 2000, sender="Other"),
        message(8, send_at=at, deadline=at + MINUTE),
    ]
    found = [
        (one.format, one.date, [sent.id for sent in one.messages])
        for one in packages(batch, api="json", now=NOW)
    ]
    assert found == [
        ("xml", "", [3, 7]),
        ("xml", date_send(at), [8]),
        ("json", "", [1, 4]),
        ("json", date_send(at), [2, 6]),
        ("json", date_send(at + 2 * MINUTE), [5]),
    ]
    assert [one.format for one in packages(batch, api="plain", now=NOW)] == ["xml", "xml", *["json"] * 3]


def test_with_xml_everything_of_one_date_is_one_package() -> None:
    batch = [message(1), message(2, deadline=NOW + 1000), message(3)]
    (one,) = packages(batch, api="xml", now=NOW)
    assert (one.format, [sent.id for sent in one.messages]) == ("xml", [1, 2, 3])


def test_allowance() -> None:
    allowance = Allowance(5, window=60)
    assert [allowance.take(3, 0.0), allowance.take(3, 10.0), allowance.take(3, 59.9)] == [3, 2, 0]
    assert [allowance.take(9, 60.0), allowance.take(9, 69.9), allowance.take(9, 70.0)] == [3, 0, 2]
    assert Allowance(0).take(1, 0.0) == 0


# --- time that passes while others are sent ----------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("keys", [{}, {"api": "plain"}])
async def test_a_date_that_comes_too_near_while_others_are_sent(keys: dict[str, Any]) -> None:
    """Sent at once it would come eleven minutes early."""
    at = NOW + SOONEST + 100
    batch = [message(1, priority=1), message(2, send_at=at, deadline=at + DAY)]
    async with Gate("12") as gate, Assist("", url=gate.url, **keys) as assist:
        sending = asyncio.create_task(assist.provider.send(batch, NOW))
        await gate.crowd(1)
        await asyncio.sleep(0.15)
        gate.open()
        urgent, late = await sending
        assert (urgent, type(late), gate.requests) == (Taken("12"), Postponed, 1)
        assert isinstance(late, Postponed)
        assert 650 < late.after < 660


@pytest.mark.slow
async def test_a_package_waits_its_turn_too_long_for_its_date() -> None:
    at = NOW + SOONEST + 150
    async with Gate(taken(12)) as gate, Assist("", url=gate.url) as assist:
        first = asyncio.create_task(assist.provider.send([message(1)], NOW))
        await gate.crowd(1)
        second = asyncio.create_task(assist.provider.send([message(2, send_at=at), message(3)], NOW))
        await asyncio.sleep(0.2)
        gate.open()
        assert await first == [packed(12)]
        late, other = await second
        assert (type(late), other, gate.requests) == (Postponed, packed(12), 2)
