"""A damaged database: the bridge refuses to start and says the way out, which leads to all that is whole."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from smppbridge.store.sqlite import damage
from tests.support.bridge.commands import run
from tests.support.bridge.running import bridge, config_text, eventually, free_port, get, serving
from tests.support.esme.esme import Esme, submit
from tests.support.system.damage import overwrite, trees

pytestmark = pytest.mark.timeout(180)  # seconds: programs of their own, one after the other

COUNT = 60
# What was under way when the bridge fell goes out again.
SANDBOX = """
accounts: {pbx: {password: secret, uncertain: resend}}
routes: [{to: [link]}]
providers: {link: {kind: sandbox, delay: 0, outcomes: {DELIVRD: 1}}}
drain: 1
"""


def waiting() -> str:
    """Sections for messages that wait, as their SMSC is away."""
    link = f"{{kind: smpp, host: 127.0.0.1, port: {free_port()}, system_id: us, password: word}}"
    return f"{{routes: [{{to: [link]}}], providers: {{link: {link}}}}}"


def carry_out(moves: str) -> None:
    """What `store salvage` says to do."""
    lines = [line.split() for line in moves.splitlines() if line.startswith("  mv ")]
    assert lines
    for _, old, new in lines:
        Path(old).rename(new)


async def test_from_a_fall_to_the_last_receipt(tmp_path: Path) -> None:
    """Messages wait for an SMSC, the bridge is killed, the disk damages a page and an index. The bridge does
    not start. What `store salvage` saves goes out, and its receipts come."""
    config = tmp_path / "bridge.yaml"
    config.write_text(config_text(waiting()), encoding="utf-8")
    database, new = tmp_path / "bridge.db", tmp_path / "new.db"
    async with serving(config) as served:
        async with await Esme.bound(served.smpp_port) as esme:
            await esme.submit_many([submit(b"%03d " % number * 30) for number in range(COUNT)])
        whole = await run("store", "check", "-c", str(config))
        assert (whole.code, whole.out) == (0, f"{database}: whole\n")
        served.process.send_signal(signal.SIGKILL)
        await served.process.wait()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    found = trees(database)
    overwrite(database, found["messages"][2])
    overwrite(database, found["messages_queue"][0])

    start = await run("serve", "-c", str(config))
    assert (start.code, start.err.count("\n")) == (1, 1), start.err
    assert start.err.startswith(f"smppbridge: the database {database} is damaged: ")
    assert "smppbridge store salvage -c FILE NEWFILE" in start.err
    rescued = await run("store", "salvage", "-c", str(config), str(new))
    assert rescued.code == 0, rescued.err
    with closing(sqlite3.connect(new)) as connection:
        [left] = connection.execute("SELECT count(*) FROM messages").fetchone()
    assert COUNT // 2 < left < COUNT
    assert f"messages: {left} rows saved, 1 page unreadable\n  between 20" in rescued.out
    carry_out(rescued.out)
    async with bridge(tmp_path, SANDBOX) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        receipts = await esme.receipts(left)
        assert all(b"stat:DELIVRD" in receipt.short_message for receipt in receipts)


async def test_damage_met_while_running(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log and /readyz say what it is and what can be done. What was accepted meanwhile is not lost."""
    async with bridge(tmp_path, SANDBOX) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit())
        await esme.receipt()
    overwrite(tmp_path / "bridge.db", trees(tmp_path / "bridge.db")["messages_ref"][0])
    monkeypatch.setattr(damage, "AFTER_CLOSE", -1.0)  # as if the database were large
    async with bridge(tmp_path, SANDBOX) as app:
        async with await Esme.bound(app.smpp_ports[0]) as esme:
            await esme.submit_many([submit()] * 5)
        await eventually(lambda: "the database is damaged: calls" in caplog.text)
        ready = await get(app, "/readyz")
        assert ready.status_code == 503
        assert "smppbridge store salvage -c FILE NEWFILE" in ready.json()["reasons"][0]
    assert caplog.text.count("the database is damaged: calls") == 1  # a minute
    monkeypatch.undo()
    config = tmp_path / "bridge.yaml"
    config.write_text(config_text(SANDBOX), encoding="utf-8")
    told = await run("store", "check", "-c", str(config))
    assert (told.code, told.err.count("\n")) == (1, 1)
    assert "index messages_ref: " in told.out
    assert f"smppbridge: {tmp_path}/bridge.db is damaged" in told.err
    carry_out((await run("store", "salvage", "-c", str(config), str(tmp_path / "new.db"))).out)
    async with bridge(tmp_path, SANDBOX) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = {receipt.short_message.split()[0] for receipt in await esme.receipts(5)}
        assert len(ids) == 5
