"""Receipts of binds that are gone, also when the store failed meanwhile."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from smppbridge.errors import StoreError
from smppbridge.model.message import Outcome, State
from smppbridge.store.sqlite.receipts import RELEASE_CHUNK
from smppbridge.store.sqlite.store import SqliteStore
from tests.support.builders.rows import HOUR, NOW, finish, segment
from tests.support.builders.stores import memory, store_in


@pytest.fixture
def path() -> Iterator[Path]:
    with memory() as directory:
        yield directory / "bridge.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = store_in(path.parent)
    await opened.open()
    yield opened
    await opened.close()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nothing can be written meanwhile."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


async def claimed(store: SqliteStore, origin: int, account: str = "pbx") -> list[str]:
    """What a bind may deliver, without keeping it."""
    receipts = await store.claim_receipts(account, origin, NOW, NOW, 10 * RELEASE_CHUNK)
    return [receipt.wire_id for receipt in receipts]


async def owe(store: SqliteStore, *ids: int, account: str = "pbx") -> None:
    """Receipts for messages of a bind that claims."""
    await claimed(store, 7, account)
    await store.add_segments([segment(number, origin=7, account=account) for number in ids])
    await finish(store, [Outcome(number, int(State.EXPIRED), 0, "", NOW) for number in ids])


async def leave(store: SqliteStore, path: Path) -> None:
    """The bind goes, and the store cannot write it."""
    with locked(path), pytest.raises(StoreError):
        await store.release_origin("pbx", 7, NOW)


async def test_a_claim_goes_on_with_a_release_that_failed(store: SqliteStore, path: Path) -> None:
    await owe(store, 1)
    await leave(store, path)
    assert await claimed(store, 8) == ["1"]
    assert await claimed(store, 0) == ["1"]


async def test_it_goes_on_until_nothing_is_left(store: SqliteStore, path: Path) -> None:
    await owe(store, *range(1, RELEASE_CHUNK + 2))
    await leave(store, path)
    assert len(await claimed(store, 8)) == RELEASE_CHUNK
    assert len(await claimed(store, 8)) == RELEASE_CHUNK + 1


async def test_a_claim_that_fails_itself_changes_nothing(store: SqliteStore, path: Path) -> None:
    await owe(store, 1)
    await leave(store, path)
    with locked(path), pytest.raises(StoreError):
        await claimed(store, 8)
    assert await claimed(store, 8) == ["1"]


async def test_what_another_account_left_stays(store: SqliteStore, path: Path) -> None:
    """The number of a bind alone does not say whose it is."""
    await owe(store, 1)
    await owe(store, 2, account="log")
    await leave(store, path)
    assert await claimed(store, 8, "log") == []
    assert await claimed(store, 8) == ["1"]


async def test_a_bind_that_comes_back_has_its_own_again(store: SqliteStore, path: Path) -> None:
    await owe(store, 1)
    await leave(store, path)
    assert await claimed(store, 7) == ["1"]
    assert await claimed(store, 8) == []


async def test_a_lease_of_a_bind_that_is_gone_is_over(store: SqliteStore, path: Path) -> None:
    await owe(store, 1)
    await store.claim_receipts("pbx", 7, NOW, NOW + HOUR, 10)
    await leave(store, path)
    assert await claimed(store, 8) == ["1"]
