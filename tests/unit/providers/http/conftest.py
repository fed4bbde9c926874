"""How long a provider may take is tested by putting the clock forward."""

from tests.support.system.clock import ClockLoop


def pytest_asyncio_loop_factories() -> dict[str, type[ClockLoop]]:
    """See `tests.support.system.clock`."""
    return {"clock": ClockLoop}
