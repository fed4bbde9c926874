"""A bridge that starts with a clock far from the time of its last run."""

import asyncio
import logging
from pathlib import Path

import pytest

from smppbridge.store.results import CLOCK
from tests.support.bridge.running import Clock, bridge, eventually, metric


@pytest.mark.parametrize("away", [-3600.0, 4 * 86400.0])
async def test_a_start_with_a_clock_that_may_be_wrong(
    tmp_path: Path, away: float, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    async with bridge(tmp_path, clock=clock) as app:
        while await app.store.mark(CLOCK) is None:
            await asyncio.sleep(0.01)
        assert metric(app, "clock_suspect") == 0
    clock.forward(away)
    async with bridge(tmp_path, clock=clock) as app:
        await eventually(lambda: metric(app, "clock_suspect") == 1)
    told = [record for record in caplog.records if "when the bridge ran last" in record.getMessage()]
    assert [record.levelno for record in told] == [logging.WARNING]
