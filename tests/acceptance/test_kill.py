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
from smppbridge.store.sqlite import SqliteStore
from tests.support.audit import Audit, at_rest, audit
from tests.support.bridge import Served, config_text, serving
from tests.support.http_server import Fault
from tests.support.ports import reserved_ports
from tests.support.recorder import Came, Recorder
from tests.support.smspilot import Rules, SmspilotSimulator

CONFIG = """
listen: [{{host: 127.0.0.1, port: {smpp_port}}}]
web: {{host: 127.0.0.1, port: {web_port}, public_url: "http://127.0.0.1:{web_port}"}}
accounts: {{pbx: {{password: secret, uncertain: {policy}}}}}
providers:
  pilot: {{kind: smspilot, apikey: KEY, url: "{url}", batch: 30, poll_first: 1s, poll_interval: 1s}}
routes: [{{to: [pilot]}}]
"""
# Statuses come 0.2 and 0.4 s after a message, the answer to its packet after 0.3 s (Fault.SLOW): in between.
RULES = Rules(delay=0.2, poll_interval=0, retry_pause=0.5)
PLENTY = 100_000
FIRST_KILL, LAST_KILL = 0.1, 1.2  # seconds after "ready"
PATIENCE = 30.0  # seconds: the pause before a message is sent again is 5 s, and doubles
PATIENCE_PER_KILL = 3.0


class Strike(NamedTuple):
    """When to kill: at once after so many seconds, or then at the first PDU of a kind."""

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
    """SIGKILL; from within the reading of the PDU that was waited for, so that nothing comes in between."""
    await asyncio.sleep(strike.after)
    assert served.process.returncode is None, served.log

    def on(came: Came) -> None:
        if came == strike.at and served.process.returncode is None:
            served.process.kill()

    recorder.on = on
    try:
        async with asyncio.timeout(0 if strike.at is None else LAST_KILL):
            await served.process.wait()
    except TimeoutError:
        served.process.kill()
    await served.process.wait()
    recorder.on = lambda came: None


async def run(directory: Path, policy: str, kills: int, chance: Random) -> Audit:
    """Load, kills, and one last life in which everything comes to rest."""
    errors: list[str] = []
    path, store = directory / "bridge.yaml", directory / "bridge.db"
    with reserved_ports(2) as (smpp_port, web_port):
        recorder = Recorder(smpp_port, chance)
        async with SmspilotSimulator(RULES, journal=directory / "journal.jsonl") as simulator:
            settings = {"policy": policy, "url": simulator.url, "smpp_port": smpp_port, "web_port": web_port}
            path.write_text(config_text(CONFIG.format_map(settings)), encoding="utf-8")
            simulator.faults.extend([Fault.SLOW] * PLENTY)
            async with recorder.running():
                for strike in strikes(kills, chance):
                    async with serving(path) as served:
                        await kill(served, strike, recorder)
                    errors += error_lines(served.log)
                recorder.submitting = False
                simulator.faults.clear()
                async with serving(path) as served:
                    await at_rest(recorder, store, PATIENCE + PATIENCE_PER_KILL * kills)
                    code = await served.stop()
                errors += error_lines(served.log)
            result = audit(recorder, [row["text"] for row in simulator.accepted], store)
    print(f"{policy}, {kills} kills: {result}")
    assert code == 0
    assert errors == []
    assert simulator.violations == []
    assert recorder.refused == {}
    return result


def error_lines(log: str) -> list[str]:
    """What the bridge itself holds for an error, tracebacks included."""
    return [line for line in log.splitlines() if " ERROR " in line or line.startswith(" ")]


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


async def test_nothing_is_lost_where_uncertain_messages_are_sent_again(
    tmp_path: Path, kills: int, chance: Random
) -> None:
    result = await run(tmp_path, "resend", kills, chance)
    assert [*result.faults(), *result.losses()] == []
    assert result.recorder.acknowledged
    assert any(row.uncertain for row in result.rows.values()), "no kill met a message on its way"


async def test_nothing_is_doubled_where_uncertain_messages_are_held(
    tmp_path: Path, kills: int, chance: Random
) -> None:
    result = await run(tmp_path, "hold", kills, chance)
    assert [*result.faults(), *result.doubles()] == []
    assert result.recorder.acknowledged
    assert result.held(), "no kill met a message on its way"
    store = SqliteStore(tmp_path / "bridge.db")
    await store.open()
    listed = await store.list_stage(Stage.UNCERTAIN, len(result.rows))
    await store.close()
    assert {row.id for row in listed} == result.held()
