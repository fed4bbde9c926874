"""Options and settings of the whole suite."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
from hypothesis import settings

from tests.support.system.virtual_time import VirtualTimeLoop

# Busy machines are slow at times; a slow example is no failure.
settings.register_profile("smppbridge", deadline=None)
settings.load_profile("smppbridge")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the crash tests in tests/acceptance and tests/integration/upstream/test_foreign.py can be told."""
    group = parser.getgroup("smppbridge")
    group.addoption(
        "--kills", type=int, default=3, help="how often the crash tests kill the bridge (long mode: 50)"
    )
    group.addoption("--kill-seed", type=int, help="repeat a run of a crash test: the number it printed")
    group.addoption(
        "--node",
        action="store_true",
        help="test against node-smpp, too: needs Node.js, npm and, once, its registry",
    )


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop of a test: one with a virtual clock where the test is marked so."""
    marked = item.get_closest_marker("virtual_time") is not None
    return {"virtual": VirtualTimeLoop} if marked else {"real": asyncio.new_event_loop}
