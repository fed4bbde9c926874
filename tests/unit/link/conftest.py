"""Timers of a link are tested by putting the clock forward."""

from collections.abc import Iterator

import pytest

from tests.support.system.clock import ClockLoop
from tests.unit.link.gate import Hashing


def pytest_asyncio_loop_factories() -> dict[str, type[ClockLoop]]:
    """See `tests.support.system.clock`."""
    return {"clock": ClockLoop}


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hashing]:
    found = Hashing(monkeypatch)
    yield found
    found.open.set()
