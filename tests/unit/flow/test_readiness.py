"""Whether the bridge can do its work: its store takes writes, and a provider works."""

import asyncio

import pytest

from smppbridge.errors import Disabled
from smppbridge.flow.readiness import Readiness
from tests.unit.flow.send.rig import Lab, rigged

pytestmark = pytest.mark.virtual_time

WRONG_KEY = Disabled("wrong key", pause=60.0)


async def test_one_provider_that_works_is_enough() -> None:
    async with rigged(Lab("lab"), Lab("spare")) as rig:
        readiness = Readiness(rig.store.store, rig.fleet)
        assert await readiness.reasons() == []
        rig.fleet["lab"].health.record_failure(WRONG_KEY)
        assert await readiness.reasons() == []
        rig.fleet["spare"].linked("nobody there")
        assert await readiness.reasons() == ["provider lab: wrong key", "provider spare: nobody there"]
        await asyncio.sleep(60)
        assert await readiness.reasons() == []  # it may be tried


async def test_a_provider_that_is_only_to_be_spared_is_enough() -> None:
    async with rigged(Lab("lab", low_balance=100.0, leave_when_low=True)) as rig:
        rig.fleet["lab"].health.record_balance(1.0)
        assert await Readiness(rig.store.store, rig.fleet).reasons() == []


async def test_a_store_that_takes_no_writes_is_not() -> None:
    async with rigged(Lab("lab")) as rig:
        readiness = Readiness(rig.store.store, rig.fleet)
        rig.store.failing = {"probe"}
        assert await readiness.reasons() == ["store: disk full"]
        rig.fleet["lab"].linked("nobody there")
        assert await readiness.reasons() == ["store: disk full", "provider lab: nobody there"]


async def test_a_question_does_not_cost_a_write_each() -> None:
    async with rigged(Lab("lab")) as rig:
        readiness = Readiness(rig.store.store, rig.fleet)
        for _ in range(5):
            assert await readiness.reasons() == []
        assert rig.store.called == ["probe"]
        rig.store.failing = {"probe"}
        await asyncio.sleep(0.9)
        assert await readiness.reasons() == []
        await asyncio.sleep(0.1)
        for _ in range(5):
            assert await readiness.reasons() == ["store: disk full"]
        assert rig.store.called == ["probe"] * 2
        rig.store.failing = set()
        await asyncio.sleep(1)
        assert await readiness.reasons() == []


async def test_what_was_answered_is_nobody_else_s() -> None:
    async with rigged(Lab("lab")) as rig:
        readiness = Readiness(rig.store.store, rig.fleet)
        rig.store.failing = {"probe"}
        (await readiness.reasons()).append("added by whoever asked")
        assert await readiness.reasons() == ["store: disk full"]
