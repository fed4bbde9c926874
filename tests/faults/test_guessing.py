"""Strangers that guess passwords: they get nowhere, learn nothing, and delay nobody."""

import asyncio
import signal
from pathlib import Path

import yaml

from smppbridge.model.passwords import hash_password
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import BindTransceiver, Unbind
from tests.support.attack.rig import Attacked, attacked
from tests.support.bridge.running import eventually
from tests.support.esme.esme import Esme


async def connect(bridge: Attacked, source: str) -> Esme:
    return Esme(*await asyncio.open_connection("127.0.0.1", bridge.smpp_port, local_addr=(source, 0)))


async def bind(bridge: Attacked, source: str, system_id: str, password: str) -> int:
    """The answer to a bind from this address."""
    async with await connect(bridge, source) as esme:
        return (await esme.bind(system_id, password)).command_status


async def test_one_address_guesses_few_passwords(tmp_path: Path) -> None:
    async with attacked(tmp_path, "accounts: {gate: {password: '0042'}}") as bridge:
        for begin in (0, 15, 30):
            guesses = [f"{number:04}" for number in range(begin, begin + 15)]
            answers = await asyncio.gather(*(bind(bridge, "127.0.0.2", "gate", guess) for guess in guesses))
            assert set(answers) == {Status.ESME_RINVPASWD}  # also of the right one
        assert await bridge.metric("bind_attempts_total", status="ESME_RINVPASWD") == 45
        assert await bridge.metric("locked_out_binds_total") >= 30
        assert await bind(bridge, "127.0.0.3", "gate", "0042") == 0  # the real client is elsewhere
        assert bridge.log_lines["bind refused"] <= 10
        await bridge.heart.is_well()


async def test_a_crowd_that_guesses_delays_no_bind(tmp_path: Path) -> None:
    sections = f"accounts: {{hashed: {{password_hash: '{hash_password('secret')}'}}}}"
    async with attacked(tmp_path, sections) as bridge:
        crowd = [await connect(bridge, f"127.0.1.{number}") for number in range(1, 101)]
        for number, stranger in enumerate(crowd):
            stranger.send(BindTransceiver(system_id="hashed", password=f"no {number}"))
        before = computing(bridge)
        assert await bind(bridge, "127.0.0.3", "hashed", "secret") == 0
        first = computing(bridge) - before
        assert await bind(bridge, "127.0.0.3", "hashed", "secret") == 0
        again = computing(bridge) - before - first
        for stranger in crowd:
            await stranger.close()
        print(f"{first:.2f} and {again:.2f} s of CPU until the answer; 100 hashes take 25 s")
        assert first < 12.0
        assert again < 5.0
        await bridge.heart.is_well()


def computing(bridge: Attacked) -> float:
    """Seconds of CPU time of all threads of the bridge."""
    tasks = Path(f"/proc/{bridge.pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


async def test_a_password_that_was_changed_ends_its_sessions_only(tmp_path: Path) -> None:
    async with attacked(tmp_path) as bridge, await Esme.bound(bridge.smpp_port) as esme:
        path = bridge.directory / "smppbridge.yaml"
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        settings["accounts"]["pbx"]["password"] = "changed"
        path.write_text(yaml.safe_dump(settings), encoding="utf-8")
        bridge.served.process.send_signal(signal.SIGHUP)
        await esme.expect(Unbind)
        assert await bind(bridge, "127.0.0.1", "pbx", "secret") == Status.ESME_RINVPASWD
        assert await bind(bridge, "127.0.0.1", "pbx", "changed") == 0
        await eventually(lambda: bridge.log_lines["unbinding"] == 1)
        await bridge.heart.is_well()
