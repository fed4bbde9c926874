"""Alerts: to whom the courier sends them, and how often."""

import asyncio
from typing import Any

import pytest

from smppbridge.smpp.constants import Tag
from smppbridge.smpp.tlv import tlv
from tests.support.system.virtual_time import moment
from tests.unit.flow.deliver.scene import LEASE, scene

pytestmark = pytest.mark.virtual_time

IDLE = 30.0  # seconds between two looks without being woken
LONG = 200.0  # longer than leases and looks


async def test_an_alert_comes_at_once_and_once() -> None:
    async with scene() as now:
        bound = await now.bind()
        await asyncio.sleep(1.0)
        await now.alert()
        await moment()
        (alert,) = bound.alerts
        assert (alert.source_addr, alert.esme_addr) == ("375291234567", "ALARM")
        assert alert.tlvs == (tlv(Tag.MS_AVAILABILITY_STATUS, 0),)
        await now.bind()
        await asyncio.sleep(LONG)
        assert len(bound.alerts) == 1
        assert not await now.store.owes("pbx", now.clock())


async def test_alerts_come_with_what_else_there_is() -> None:
    async with scene() as now:
        await now.receipts(1)
        await now.phone("yes")
        for number in range(3):
            await now.alert(f"37529123456{number}")
        bound = await now.bind()
        assert len(bound.came) == 2
        assert [alert.source_addr[-1] for alert in bound.alerts] == ["0", "1", "2"]


@pytest.mark.parametrize("keys", [{"version": 0x33}, {"kind": "TX"}])
async def test_an_alert_waits_for_a_bind_that_knows_it(keys: dict[str, Any]) -> None:
    async with scene() as now:
        old = await now.bind(**keys)
        await now.alert()
        await asyncio.sleep(3 * IDLE)
        assert old.alerts == []
        bound = await now.bind()
        await asyncio.sleep(IDLE)  # the old bind has just looked in vain
        assert len(bound.alerts) == 1


async def test_an_alert_that_cannot_be_written_comes_when_its_lease_is_over() -> None:
    async with scene() as now:
        bound = await now.bind()
        now.failing.takes["claim_alerts"] = 2
        await now.alert()
        await asyncio.sleep(1.0)
        bound.unbind()
        now.failing.takes.clear()
        await asyncio.sleep(1.5)
        assert await now.store.owes("pbx", now.clock() + round(LEASE * 1000))
        other = await now.bind()
        assert (bound.alerts, other.alerts) == ([], [])
        await asyncio.sleep(LEASE + IDLE)
        assert len(other.alerts) == 1
