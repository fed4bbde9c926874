"""Tests of the web port wait for no timer."""

from tests.support.system.clock import ClockLoop


def pytest_asyncio_loop_factories() -> dict[str, type[ClockLoop]]:
    """See `tests.support.system.clock`."""
    return {"clock": ClockLoop}
