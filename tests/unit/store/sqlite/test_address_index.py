"""The first question for messages by their addresses, where very many wait already: it goes in steps."""

import asyncio
import sqlite3
from asyncio import Future
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from smppbridge.errors import StoreError
from smppbridge.store.results import Cancelled, Kept
from smppbridge.store.sqlite import address_index
from smppbridge.store.sqlite.connections import Connections
from smppbridge.store.sqlite.store import SqliteStore
from tests.contract.store.lookups import LATER, waiting
from tests.support.builders.rows import NOW, claim, segment
from tests.support.builders.stores import memory, store_in

PHONE = "375291234567"
ALL = 1_000_000  # above every id


@pytest.fixture
def path() -> Iterator[Path]:
    with memory() as directory:
        yield directory / "bridge.db"


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_index, "STEP", 3)


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    """Ten messages wait: more than one step."""
    opened = store_in(path.parent)
    await opened.open()
    await opened.add_segments([segment(number) for number in range(1, 11)])
    yield opened
    await opened.close()


def cancel(store: SqliteStore, account: str = "pbx") -> "Future[Cancelled]":
    return store.cancel_pending(account, PHONE, "ALARM", None, ALL, NOW)


def unfinished(path: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT name FROM counters WHERE name LIKE 'addressing %'").fetchall()


async def test_all_that_wait_are_found_and_others_have_their_turn_meanwhile(
    store: SqliteStore, path: Path
) -> None:
    cancelling = cancel(store)
    turns = 0
    while not cancelling.done():
        await store.add_segments([segment(100 + turns, account="alarm")])
        turns += 1
    assert turns > 4
    assert sorted((await cancelling).ids) == list(range(1, 11))
    assert unfinished(path) == []
    assert (await cancel(store)).found == 0
    await store.add_segments([segment(20)])
    assert (await cancel(store)).ids == [20]


async def test_what_comes_and_what_moves_meanwhile_is_found(store: SqliteStore) -> None:
    await store.add_segments([waiting(11, due_at=LATER)])
    cancelling = cancel(store)
    await store.add_segments([segment(12)])
    await store.promote("lab", LATER, 10)
    assert not cancelling.done()
    assert sorted((await cancelling).ids) == list(range(1, 13))


async def test_what_is_asked_meanwhile_is_done_afterwards_in_its_order(store: SqliteStore) -> None:
    first = store.add_or_replace([segment(21, text="first")], {21})
    second = store.add_or_replace([segment(22, text="second")], {22})
    await store.add_segments([segment(30, text="plain")])
    third = cancel(store)
    assert await first == {21: Kept(10, "10")}
    assert await second == {22: Kept(10, "10")}
    assert sorted((await third).ids) == [*range(1, 11), 30]


async def test_a_message_that_came_later_is_not_replaced(store: SqliteStore) -> None:
    earlier = store.add_or_replace([segment(11, text="earlier", recipient="375297654321")], {11})
    await store.add_segments([segment(12, text="later", recipient="375297654321")])
    assert await earlier == {}
    assert [one.text for one in await claim(store) if one.id > 10] == ["earlier", "later"]


async def test_a_restart_in_between_begins_anew(store: SqliteStore, path: Path) -> None:
    cancelling = cancel(store)
    later = cancel(store)
    while not unfinished(path):
        await asyncio.sleep(0)
    await store.close()
    for future in (cancelling, later):
        with pytest.raises(StoreError, match="closed"):
            await future
    assert unfinished(path) == [("addressing pbx",)]
    await store.open()
    assert sorted((await cancel(store)).ids) == list(range(1, 11))
    assert unfinished(path) == []


async def test_after_a_failure_it_is_tried_again(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(connections: Connections, view: object) -> str:
        raise StoreError("disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(Connections, "read", fails)
        await store.close()
        await store.open()
        with pytest.raises(StoreError, match="disk"):
            await cancel(store)
    await store.close()
    await store.open()
    assert len((await cancel(store)).ids) == 10


async def test_what_fails_by_itself_fails_alone(store: SqliteStore) -> None:
    clash = store.add_or_replace([segment(11), segment(1, recipient="375297654321")], {11})
    after = cancel(store)
    with pytest.raises(StoreError, match="same key"):
        await clash
    assert len((await after).ids) == 10


async def test_where_few_wait_they_are_found_in_the_same_transaction(path: Path) -> None:
    store = store_in(path.parent)
    await store.open()
    await store.add_segments([segment(1), segment(2, account="alarm")])
    clash = store.add_or_replace([segment(11), segment(1, recipient="375297654321")], {11})
    after = cancel(store)
    claiming = store.claim_messages("lab", "pbx", 10, NOW, LATER)
    with pytest.raises(StoreError, match="same key"):
        await clash
    assert [message.id for message in await claiming] == [1]
    assert (await after).found == 0
    assert (await cancel(store, "alarm")).ids == [2]
    await store.close()


async def test_an_account_that_asked_before_a_restart_has_no_steps(store: SqliteStore) -> None:
    await cancel(store)
    await store.add_segments([segment(number) for number in range(11, 21)])
    await store.close()
    await store.open()
    cancelling, claiming = cancel(store), store.claim_messages("lab", "pbx", 10, NOW, LATER)
    assert len((await cancelling).ids) == 10
    assert await claiming == []


async def test_a_cancelled_question_is_dropped(store: SqliteStore) -> None:
    first, second, third = cancel(store), cancel(store), cancel(store)
    first.cancel()
    second.cancel()
    assert (await third).found == 10
