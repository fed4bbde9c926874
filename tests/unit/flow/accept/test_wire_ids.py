"""message_ids of every shape and length, and the reservation of short ones."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from smppbridge.errors import Refused
from smppbridge.flow.accept.wire_ids import WireIds
from smppbridge.smpp.constants import Status
from smppbridge.store.sqlite.store import SqliteStore
from tests.support.bridge.failing_store import failing
from tests.support.builders.accounts import account

OURS = 0x1A2B_3C4D_5E6F_7089
LARGEST = 2**63 - 1


def numbers(ids: WireIds, count: int, **keys: Any) -> Iterator[str]:
    one = account(**keys)
    return (ids.next(one, OURS, True) for _ in range(count))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "bridge.db")
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, str(OURS)),
        ({"message_id_length": 19}, str(OURS)),
        ({"message_id": "hex"}, "1A2B3C4D5E6F7089"),
        ({"message_id": "hex", "message_id_length": 16}, "1A2B3C4D5E6F7089"),
        ({"message_id": "hex", "message_id_upper": False}, "1a2b3c4d5e6f7089"),
    ],
)
async def test_whole_ids_are_ours(store: SqliteStore, keys: dict[str, Any], expected: str) -> None:
    ids = WireIds(store)
    assert ids.next(account(**keys), OURS, True) == expected
    assert len(ids.next(account(**keys), LARGEST, True)) <= 19


async def test_uuids(store: SqliteStore) -> None:
    made = list(numbers(WireIds(store), 2, message_id="uuid"))
    assert made[0] != made[1]
    assert all(re.fullmatch("[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", one) for one in made)


async def test_short_ones_count(store: SqliteStore) -> None:
    await store.take_short_ids(0x1A2B3B)
    ids = WireIds(store)
    await ids.start()
    assert list(numbers(ids, 2, message_id_length=9)) == ["1715004", "1715005"]
    assert list(numbers(ids, 1, message_id="hex", message_id_length=8)) == ["1A2B3E"]
    lower = {"message_id": "hex", "message_id_length": 8, "message_id_upper": False}
    assert list(numbers(ids, 1, **lower)) == ["1a2b3f"]


@pytest.mark.parametrize(
    ("keys", "last", "count"),
    [
        ({"message_id_length": 6}, "999999", 999_999),
        ({"message_id_length": 9}, "999999999", 999_999_999),
        ({"message_id": "hex", "message_id_length": 6}, "FFFFFF", 0xFFFFFF),
    ],
)
async def test_short_ones_begin_anew_at_1(
    store: SqliteStore, keys: dict[str, Any], last: str, count: int
) -> None:
    await store.take_short_ids(count - 1)
    ids = WireIds(store)
    await ids.start()
    assert list(numbers(ids, 3, **keys)) == [last, "1", "2"]


@pytest.mark.parametrize("keys", [{"message_id_length": 10}, {"message_id": "hex", "message_id_length": 8}])
async def test_what_holds_every_number_does_not_cut_it(store: SqliteStore, keys: dict[str, Any]) -> None:
    await store.take_short_ids(2**31 - 1 - 10_000)
    ids = WireIds(store)
    await ids.start()
    made = list(numbers(ids, 10_000, **keys))
    assert {int(one, 16 if "message_id" in keys else 10) for one in made} == set(range(2**31 - 10_000, 2**31))
    assert max(map(len, made)) == keys["message_id_length"]


async def test_smpp_3_3_gets_8_characters(store: SqliteStore) -> None:
    ids = WireIds(store)
    await ids.start()
    for form in ("decimal", "hex", "uuid"):
        one = account(message_id=form, message_id_upper=False)
        assert re.fullmatch("[0-9A-F]{8}", ids.next(one, OURS, False))


async def test_reserves_in_time_and_loses_none(store: SqliteStore) -> None:
    ids = WireIds(store)
    await ids.start()
    made: list[str] = []
    for _ in range(300):
        made += numbers(ids, 100, message_id_length=9)
        await store.probe()  # a reservation that was asked for is made before it
    assert made == [str(number) for number in range(1, 30_001)]


async def test_goes_on_after_a_restart(tmp_path: Path) -> None:
    made: list[str] = []
    for _ in range(2):
        store = SqliteStore(tmp_path / "bridge.db")
        await store.open()
        ids = WireIds(store)
        await ids.start()
        made += numbers(ids, 10, message_id_length=9)
        await store.close()
    assert len(set(made)) == 20


async def test_is_throttled_while_none_are_reserved(store: SqliteStore) -> None:
    ids = WireIds(store)
    with pytest.raises(Refused) as refused:
        ids.next(account(message_id_length=8), OURS, True)
    assert refused.value.status == Status.ESME_RTHROTTLED
    assert ids.next(account(), OURS, True) == str(OURS)  # which need none
    await asyncio.sleep(0)
    await store.probe()
    assert ids.next(account(message_id_length=8), OURS, True) == "1"


async def test_a_failing_store_is_asked_again(
    store: SqliteStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ids = WireIds(store)
    with failing(tmp_path, "INSERT ON counters"):
        await ids.start()
        with pytest.raises(Refused):
            ids.next(account(), OURS, False)
        await ids.start()  # a further one, so that the one just asked for has failed, too
    assert [record.getMessage().split(" ", 1)[0] for record in caplog.records] == ["cannot"]
    await ids.start()
    assert ids.next(account(), OURS, False) == "00000001"
