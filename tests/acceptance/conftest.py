"""How often to kill a bridge, and when."""

from random import Random

import pytest


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """How often to kill."""
    count: int = request.config.getoption("--kills")
    return count


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> Random:
    """All randomness of one test; its seed is printed with a failure."""
    given: int | None = request.config.getoption("--kill-seed")
    seed = Random().randrange(2**32) if given is None else given
    print(f"--kill-seed {seed}")
    return Random(seed)
