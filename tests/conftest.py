"""Options and settings of the whole suite."""

import asyncio
import gc
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import httpcore2
import pytest
from hypothesis import settings

from tests.support.system.virtual_time import VirtualTimeLoop

HERE = Path(__file__).parent
QUICK = (HERE / "unit", HERE / "contract", HERE / "test_layers.py")
ACCEPTANCE_TIMEOUT = 180  # seconds
TIMEOUT_PER_KILL = 20  # seconds
NODE_TIMEOUT = 240  # seconds, of which npm may take two minutes

# Busy machines are slow at times; a slow example is no failure.
settings.register_profile("smppbridge", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=25)


def pytest_addoption(parser: pytest.Parser) -> None:
    """What tests/acceptance, tests/faults and tests/integration/upstream/test_foreign.py can be told."""
    group = parser.getgroup("smppbridge")
    group.addoption(
        "--kills", type=int, default=3, help="how often the crash tests kill the bridge (long mode: 50)"
    )
    group.addoption("--kill-seed", type=int, help="repeat a run of a crash test: the number it printed")
    group.addoption(
        "--faults",
        action="store_true",
        help="attack the bridge in tests/faults for longer, with more sockets and at more steps: two minutes",
    )
    group.addoption(
        "--node",
        action="store_true",
        help="test against node-smpp, too: needs Node.js, npm and, once, its registry",
    )
    group.addoption(
        "--clients",
        action="store_true",
        help="test with the ESMEs that PyPI does not have, too (node-smpp, Net::SMPP, libsmpp34, Kannel):"
        " needs Debian or Ubuntu, Node.js, npm, a C compiler and, once, the registries of packages",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m quick` does not even read the others."""
    quick = any(
        collection_path.is_relative_to(place) or place.is_relative_to(collection_path) for place in QUICK
    )
    return True if _is_quick(config) and not quick else None


def pytest_configure(config: pytest.Config) -> None:
    """Before any test is read."""
    settings.load_profile("quick" if _is_quick(config) else "smppbridge")
    # Every HTTP client reads the certificates that the system trusts, which takes 30 ms. The thousands of
    # clients in the tests share what the first one read.
    pytest.MonkeyPatch().setattr(httpcore2, "default_ssl_context", cache(httpcore2.default_ssl_context))


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks follow from the folders: quick, and how long acceptance tests may take."""
    longer = pytest.mark.timeout(ACCEPTANCE_TIMEOUT + TIMEOUT_PER_KILL * config.option.kills)
    for item in items:
        if any(item.path.is_relative_to(HERE / folder) for folder in ("acceptance", "faults")):
            item.add_marker(longer, append=False)
        elif config.option.node and item.path.name == "test_foreign.py":
            item.add_marker(pytest.mark.timeout(NODE_TIMEOUT))
        elif any(item.path.is_relative_to(place) for place in QUICK) and "slow" not in item.keywords:
            item.add_marker(pytest.mark.quick)


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop of a test: one with a virtual clock where the test is marked so."""
    marked = item.get_closest_marker("virtual_time") is not None
    return {"virtual": VirtualTimeLoop} if marked else {"real": asyncio.new_event_loop}


def pytest_collection_finish() -> None:
    """The collector of garbage need not walk over thousands of tests again and again."""
    gc.collect()
    gc.freeze()


def _is_quick(config: pytest.Config) -> bool:
    return bool(config.option.markexpr == "quick")
