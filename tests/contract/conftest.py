"""Every store, opened and empty. A further backend is one more parameter of `make_store`."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from smppbridge.store.base import Store
from smppbridge.store.sqlite import SqliteStore


@pytest.fixture(params=["sqlite"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Makes unopened stores over the same data, to be opened one after the other."""
    makers: dict[str, Callable[[], Store]] = {"sqlite": lambda: SqliteStore(tmp_path / "bridge.db")}
    return makers[request.param]


@pytest.fixture
async def store(make_store: Callable[[], Store]) -> AsyncIterator[Store]:
    """An open, empty store."""
    opened = make_store()
    await opened.open()
    yield opened
    await opened.close()
