"""The disk is full, or another program holds the database locked: nothing is acknowledged that is not kept,
the bridge answers on, and works again without a restart. A bridge that cannot start says what to do."""

import asyncio
import sqlite3
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2

from smppbridge.smpp.constants import Status
from tests.support.attack.rig import attacked
from tests.support.bridge.failing_store import rows
from tests.support.bridge.running import PATIENCE, PROGRAM, config_text, eventually
from tests.support.esme.esme import Esme, submit
from tests.support.system.disk import full_disk

NOT_NOW = {Status.ESME_RSYSERR, Status.ESME_RMSGQFUL}
LOCKED = "another program holds the database locked; end it"
READ_ONLY = "cannot write"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A program that has begun to write to the database."""
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


async def test_a_store_that_takes_nothing_for_a_while(tmp_path: Path, faults: bool) -> None:
    async with (
        attacked(tmp_path) as bridge,
        await Esme.bound(bridge.smpp_port) as esme,
        httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{bridge.web_port}", trust_env=False, timeout=PATIENCE
        ) as web,
    ):
        kept = [await esme.submit(submit()) for _ in range(3)]
        for broken in (full_disk(bridge.pid), writing(tmp_path / "bridge.db")):
            with broken:
                answers = [await esme.ask(submit()) for _ in range(10)]
                assert {answer.command_status for answer in answers} <= NOT_NOW
                assert [(await web.get(path)).status_code for path in ("/healthz", "/readyz")] == [200, 503]
                await bridge.heart.beat(150 if faults else 4)
            kept.append(await esme.submit(submit()))
        await esme.receipts(len(kept))
        await bridge.is_well(refusals=NOT_NOW)
        stored = rows(tmp_path, "SELECT wire_id FROM messages WHERE account = 'pbx' ORDER BY id")
        assert stored == [(one,) for one in kept]
        await eventually(lambda: rows(tmp_path, "SELECT count(*) FROM receipts") == [(0,)])
        assert bridge.log_lines["submit_sm not saved"]


async def failed_start(directory: Path, settings: str = "", limit: str = "true") -> str:
    """What a bridge says that cannot start."""
    path = directory / "smppbridge.yaml"
    path.write_text(config_text(settings), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", f'{limit} && exec "$@"', "sh", *PROGRAM, "serve", "-c", str(path)), stderr=PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    return said.decode().removesuffix("\n")


async def test_a_store_that_takes_nothing_at_the_start(tmp_path: Path) -> None:
    """Two of them have a store that an earlier run left behind."""
    for name in ("full", "locked", "read-only"):
        (tmp_path / name).mkdir()
    with closing(sqlite3.connect(tmp_path / "locked" / "bridge.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
    with writing(tmp_path / "locked" / "bridge.db"):
        said = await asyncio.gather(
            failed_start(tmp_path / "full", limit="ulimit -f 0"),
            failed_start(tmp_path / "locked"),
            failed_start(tmp_path / "read-only", "store: {url: 'sqlite:////proc/bridge.db'}"),
        )
    for words, line in zip(("disk", LOCKED, READ_ONLY), said, strict=True):
        assert words in line
        assert "\n" not in line
        assert line.startswith("smppbridge: ")
    print(said)
