"""Long messages that come in parts survive kills: whole or not at all, and never two of them mixed.

A few kills in a normal run; ``pytest tests/acceptance/test_kill_parts.py --kills 30 -s`` is the long one.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.support.load.part_audit import PartAudit
from tests.support.load.part_rig import Moment, part_rig

FIRST_KILL, LAST_KILL = 0.1, 1.0  # seconds after "ready"
HAPPENS_WITHIN = 20.0  # seconds, on a busy machine
PATIENCE = 60.0  # seconds: the pause before a message is sent again is 5 s, and doubles
PATIENCE_PER_KILL = 3.0
MOMENTS: tuple[Moment | None, ...] = ("last answer", "request", "answer", None, "receipt")


class Strike(NamedTuple):
    """When to kill: after so many seconds, or, from then on, as soon as something happens."""

    after: float
    at: Moment | None


def strikes(kills: int, chance: Random) -> Iterator[Strike]:
    """Spread over the whole range, however few, in any order."""
    width = (LAST_KILL - FIRST_KILL) / kills
    moments = [FIRST_KILL + width * (number + chance.random()) for number in range(kills)]
    chance.shuffle(moments)
    for number, moment in enumerate(moments):
        yield Strike(moment, MOMENTS[number % len(MOMENTS)])


async def run(directory: Path, kills: int, chance: Random) -> PartAudit:
    """Load, kills, and one last life in which everything comes to rest."""
    async with part_rig(directory, chance) as rig:
        for strike in strikes(kills, chance):
            async with rig.life() as served:
                await asyncio.sleep(strike.after)
                assert served.process.returncode is None, served.log
                await rig.kill(served, strike.at, HAPPENS_WITHIN)
        async with rig.life() as served:
            await rig.settle(PATIENCE + PATIENCE_PER_KILL * kills)
            code = await served.stop()
        result = rig.audit()
    print(f"{kills} kills met messages still to be {dict(rig.met)}; {result}")
    assert code == 0
    assert rig.errors == []
    assert rig.upstream.violations == []
    assert [esme.refused for esme in rig.esmes] == [{}, {}, {}]
    assert sum(esme.repeated + esme.resubmitted for esme in rig.esmes), "no part came again"
    assert result.given_up(), "no message stayed incomplete"
    return result


async def test_messages_in_parts_arrive_whole_or_not_at_all(
    tmp_path: Path, kills: int, chance: Random
) -> None:
    result = await run(tmp_path, kills, chance)
    assert [*result.faults(), *result.losses("sure"), *result.doubles("once"), *result.doubles("hasty")] == []
    assert result.uncertain("sure"), "no kill met a message on its way"
    assert result.held(), "no kill met a message on its way that is not sent again"
