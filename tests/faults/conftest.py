"""Whether the long fault tests run, too."""

import pytest


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> bool:
    """Whether --faults was given."""
    wanted: bool = request.config.getoption("--faults")
    return wanted
