"""Every store, opened and empty, and every provider's rig, running.

A further store is one more parameter of `make_store`; a further provider stands in `providers.rigs`.
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from smppbridge.store.base import Store
from tests.contract.providers.rig import Rig
from tests.contract.providers.steps import assert_silent, logged
from tests.support.builders.stores import memory, store_in


@pytest.fixture(params=["sqlite"])
def make_store(request: pytest.FixtureRequest) -> Iterator[Callable[[], Store]]:
    """Makes unopened stores over the same data, to be opened one after the other."""
    with memory() as directory:
        makers: dict[str, Callable[[], Store]] = {"sqlite": lambda: store_in(directory)}
        yield makers[request.param]


@pytest.fixture
async def store(make_store: Callable[[], Store]) -> AsyncIterator[Store]:
    """An open, empty store."""
    opened = make_store()
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def rig(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Rig]:
    """The running rig that `with_rigs` chose; whatever was logged meanwhile told no secret."""
    caplog.set_level(logging.DEBUG)
    rig: Rig
    async with request.param() as rig:
        yield rig
        ours = [record for record in caplog.get_records("call") if not record.name.startswith("uvicorn")]
        assert_silent(rig, logged(ours))  # uvicorn is the simulator's
