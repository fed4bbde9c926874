"""SIGKILL at the steps of what an ESME asks about its messages, of messages from phones, and of housekeeping:
each has happened wholly or not at all."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

from smppbridge.model.message import Stage, State
from smppbridge.smpp.pdu import Pdu, QuerySmResp
from smppbridge.smpp.receipt import parse_receipt
from smppbridge.store.sqlite.store import SqliteStore
from tests.simulators.smspilot.simulator import SERVICE_NUMBER, Rules, SmspilotSimulator
from tests.support.attack.kills import Lives, dying
from tests.support.bridge.failing_store import rows
from tests.support.bridge.running import PATIENCE, config_text, free_port, pilot
from tests.support.esme.asking import cancel, later, query, replace
from tests.support.esme.esme import PHONE, Esme, submit
from tests.support.system.ports import reserved_ports
from tests.unit.store.sqlite.test_migrations import MIGRATIONS, write_old_version

WAITING = [(Stage.WAITING, "Door 3 opened")]
UNDER_WAY = f"{Stage.SENDING:d}, {Stage.UNCERTAIN:d}"
DAY = 24 * 3600 * 1000


@asynccontextmanager
async def lives(directory: Path, sections: str = "") -> AsyncIterator[tuple[Lives, int]]:
    """Lives of a bridge, and its SMPP port."""
    with reserved_ports(1) as (port,):
        listen = f"listen: [{{host: 127.0.0.1, port: {port}}}]\n"
        path = directory / "smppbridge.yaml"
        path.write_text(config_text(listen + sections), encoding="utf-8")
        async with dying(path) as those:
            yield those, port


async def bound(port: int) -> Esme:
    """An ESME that binds as soon as the bridge listens."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(ConnectionRefusedError):
                return await Esme.bound(port)
            await asyncio.sleep(0.02)


async def asked(those: Lives, port: int, step: str, pdu: Pdu) -> None:
    """A life that ends at ``step``, when an ESME asks this."""
    life = asyncio.create_task(those.killed(step))
    async with await bound(port) as esme:
        esme.send(pdu)
        await life


async def test_steps_of_cancel_and_replace(tmp_path: Path) -> None:
    def stored(message_id: str) -> list[tuple[object, ...]]:
        return rows(tmp_path, f"SELECT stage, text FROM messages WHERE wire_id = '{message_id}'")

    async with lives(tmp_path) as (those, port):
        async with those.life(), await Esme.bound(port) as esme:
            first, second = await esme.submit_many([later(), later(to="375297654321")])
        await asked(those, port, "replace before COMMIT", replace(first))
        assert stored(first) == WAITING
        await asked(those, port, "replace after COMMIT", replace(first))
        assert stored(first) == [(Stage.WAITING, "Door 3 closed")]
        await asked(those, port, "cancel before COMMIT", cancel(first))
        assert stored(first) == [(Stage.WAITING, "Door 3 closed")]
        await asked(those, port, "cancel after COMMIT", cancel(first))
        assert stored(first) == [(Stage.FINAL, "Door 3 closed")]
        await asked(those, port, "cancel_pending before COMMIT", cancel(to="375297654321"))
        assert stored(second) == WAITING
        async with those.life(), await Esme.bound(port) as esme:
            receipt = parse_receipt((await esme.receipt()).short_message.decode("ascii"))
            assert (receipt.id, receipt.stat) == (first, "DELETED")
            told = [await esme.ask(query(one)) for one in (first, second)]
        states = [answer.message_state for answer in told if isinstance(answer, QuerySmResp)]
        assert states == [State.DELETED, State.ENROUTE]
        assert rows(tmp_path, "SELECT count(*) FROM receipts") == [(0,)]


async def test_steps_of_a_message_from_a_phone(tmp_path: Path) -> None:
    async with SmspilotSimulator(Rules(poll_interval=0)) as simulator:
        settings = pilot(simulator.url, "inbound_interval: 0.2") + "inbound: [{to: pbx}]"
        simulator.receive(PHONE, "yes", SERVICE_NUMBER, at=time.time() + 600)  # after the first question
        async with lives(tmp_path, settings) as (those, port):
            for step in ("add_inbound before COMMIT", "add_inbound after COMMIT"):
                await those.killed(step)
            for step in (
                "claim_inbound after COMMIT",
                "deliver_sm written",
                "pay_inbound before COMMIT",
                "pay_inbound after COMMIT",
            ):
                life = asyncio.create_task(those.killed(step))
                async with await bound(port) as esme:
                    if step.startswith("pay"):
                        assert (await esme.receipt()).short_message == b"yes"
                    await life
            assert rows(tmp_path, "SELECT count(*) FROM inbound_parts") == [(0,)]
            assert rows(tmp_path, "SELECT count(*) FROM inbound") == [(1,)]


async def test_steps_of_a_message_that_is_rerouted(tmp_path: Path) -> None:
    async with SmspilotSimulator(Rules(delay=0.05, poll_interval=0)) as simulator:
        settings = f"""
providers:
  gone: {{kind: smspilot, apikey: KEY, url: 'http://127.0.0.1:{free_port()}', batch: 1, balance_interval: 0}}
  pilot:
    {{kind: smspilot, apikey: KEY, url: '{simulator.url}', poll_first: 0.5s, poll_interval: 0.5s}}
routes: [{{to: [gone, pilot]}}]
"""
        async with lives(tmp_path, settings) as (those, port):
            life = asyncio.create_task(those.killed("reroute before COMMIT"))
            async with await bound(port) as esme:
                ids = await esme.submit_many([submit(f"number {number}") for number in range(20)])
                await life
            await those.killed("reroute after COMMIT")
            # Of what was under way nobody knows whether it was sent: it is held.
            held = rows(tmp_path, f"SELECT wire_id, text FROM messages WHERE stage IN ({UNDER_WAY})")
            async with those.life(), await Esme.bound(port) as esme:
                receipts = [await esme.receipt() for _ in range(20 - len(held))]
        taken = Counter(row["text"] for row in simulator.accepted)
    told = [parse_receipt(one.short_message.decode("ascii")).id for one in receipts]
    assert {*told} == {*ids} - {wire_id for wire_id, _ in held}
    assert set(taken.values()) == {1}
    assert taken.keys() | {text for _, text in held} == {f"number {number}" for number in range(20)}


async def test_steps_of_retention(tmp_path: Path) -> None:
    """Three old messages: one may go, one owes a receipt, one waits."""
    async with lives(tmp_path) as (those, port):
        async with those.life(), await Esme.bound(port) as esme:
            await esme.submit_many([submit(), later()])
            await esme.receipt()
            await esme.submit(submit())
            await esme.receipt(None)
        with closing(sqlite3.connect(tmp_path / "bridge.db")) as database:
            database.execute(f"UPDATE messages SET submitted_at = submitted_at - {400 * DAY}")
            database.commit()
        for step, final in (("purge before COMMIT", 2), ("purge after COMMIT", 1)):
            await those.killed(step)
            left = rows(tmp_path, "SELECT stage, count(*) FROM messages GROUP BY stage")
            assert left == [(Stage.WAITING, 1), (Stage.FINAL, final)]
        async with those.life(), await Esme.bound(port) as esme:
            assert (await esme.receipt()).short_message.startswith(b"id:")


async def test_steps_of_a_migration(tmp_path: Path) -> None:
    newest = len([one for one in MIGRATIONS.iterdir() if one.name.endswith(".sql")])
    write_old_version(tmp_path / "bridge.db")
    before = rows(tmp_path, "SELECT id, stage, text FROM messages ORDER BY id")
    async with lives(tmp_path) as (those, _):
        for step, version in (("1 before", 1), ("1 after", 2), ("2 before", 3), ("1 after", 4)):
            await those.killed(f"migration {step} COMMIT")
            assert rows(tmp_path, "PRAGMA user_version") == [(version,)]
    store = SqliteStore(tmp_path / "bridge.db")
    await store.open()
    await store.close()
    assert rows(tmp_path, "PRAGMA user_version") == [(newest,)]
    assert rows(tmp_path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(tmp_path, "SELECT id, stage, text FROM messages ORDER BY id") == before
