"""Nothing accepted is ever lost, and nothing held is ever doubled: the bridge is killed again and again.

A few kills in a normal run; ``pytest tests/acceptance/test_kill.py --kills 50 -s`` is the long one.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from smppbridge.model.message import Stage
from smppbridge.store.sqlite.store import SqliteStore
from tests.support.bridge.running import Served
from tests.support.load.audit import Audit
from tests.support.load.recorder import Came, Recorder
from tests.support.load.rig import load_rig
from tests.support.load.upstreams import KINDS, Kind

FIRST_KILL, LAST_KILL = 0.1, 1.2  # seconds after "ready"
HAPPENS_WITHIN = 20.0  # seconds, on a busy machine
PATIENCE = 60.0  # seconds: the pause before a message is sent again is 5 s, and doubles
PATIENCE_PER_KILL = 3.0


class Strike(NamedTuple):
    """When to kill: after so many seconds, or, from then on, as soon as a PDU of a kind comes."""

    after: float
    at: Came | None


def strikes(kills: int, chance: Random) -> Iterator[Strike]:
    """Spread over the whole range, however few, in any order."""
    width = (LAST_KILL - FIRST_KILL) / kills
    moments = [FIRST_KILL + width * (number + chance.random()) for number in range(kills)]
    chance.shuffle(moments)
    triggers: tuple[Came | None, ...] = (None, "response", "receipt")
    for number, moment in enumerate(moments):
        yield Strike(moment, triggers[number % len(triggers)])


async def kill(served: Served, strike: Strike, recorder: Recorder) -> None:
    """SIGKILL, for a PDU at the very moment when its octets have come: what follows them may be missing."""
    await asyncio.sleep(strike.after)
    assert served.process.returncode is None, served.log

    def on(came: Came) -> None:
        if came == strike.at and served.process.returncode is None:
            served.process.kill()

    recorder.on = on
    try:
        async with asyncio.timeout(0 if strike.at is None else HAPPENS_WITHIN):
            await served.process.wait()
    except TimeoutError:
        served.process.kill()
    await served.process.wait()
    recorder.on = lambda came: None


async def run(
    directory: Path, kind: Kind, policy: str, kills: int, chance: Random, *, ask: float = 0
) -> Audit:
    """Load, kills, and one last life in which everything comes to rest."""
    async with load_rig(directory, policy, chance, kind=kind, ask=ask) as rig:
        for strike in strikes(kills, chance):
            async with rig.life() as served:
                await kill(served, strike, rig.recorder)
        async with rig.life() as served:
            await rig.settle(PATIENCE + PATIENCE_PER_KILL * kills, holding=not ask)
            code = await served.stop()
        result = rig.audit()
    print(f"{kind}, {policy}, {kills} kills: {result}")
    assert code == 0
    assert rig.errors == []
    assert rig.upstream.violations == []
    assert rig.recorder.refused == {}
    assert rig.recorder.acknowledged
    return result


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_lost_where_uncertain_messages_are_sent_again(
    tmp_path: Path, kind: Kind, kills: int, chance: Random
) -> None:
    result = await run(tmp_path, kind, "resend", kills, chance)
    assert [*result.faults(), *result.losses()] == []
    assert any(row.uncertain for row in result.rows.values()), "no kill met a message on its way"


async def test_nothing_is_lost_or_doubled_where_the_provider_is_asked(
    tmp_path: Path, kills: int, chance: Random
) -> None:
    result = await run(tmp_path, "smspilot", "hold", kills, chance, ask=0.5)
    assert [*result.faults(), *result.losses(), *result.doubles()] == []
    assert any(row.uncertain for row in result.rows.values()), "no kill met a message on its way"


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_doubled_where_uncertain_messages_are_held(
    tmp_path: Path, kind: Kind, kills: int, chance: Random
) -> None:
    result = await run(tmp_path, kind, "hold", kills, chance)
    assert [*result.faults(), *result.doubles()] == []
    assert result.held(), "no kill met a message on its way"
    store = SqliteStore(tmp_path / "bridge.db")
    await store.open()
    listed = await store.list_stage(Stage.UNCERTAIN, len(result.rows))
    await store.close()
    assert {row.id for row in listed} == result.held()
