"""Long messages in parts where the disk takes nothing, or the bridge ends, between any two of their steps."""

from pathlib import Path

import pytest

from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import DeliverSm, SubmitSmResp
from tests.integration.test_long_messages import RUSSIAN, cut, parsed, receipts, russian, texts
from tests.support.bridge.failing_store import failing, rows
from tests.support.bridge.running import Clock, bridge, config_text, eventually, metric, serving
from tests.support.esme.esme import Esme
from tests.support.system.disk import after_crash, full_disk

PARTS = "SELECT wire_id FROM messages ORDER BY id"
MADE = "UPDATE ON joins WHEN NEW.made = 1"


async def refused(esme: Esme) -> None:
    """All parts of the message but the first: none is taken."""
    parts = russian()[1:]
    esme.send(*parts)
    answers = [await esme.expect(SubmitSmResp) for _ in parts]
    assert {answer.command_status for answer in answers} == {Status.ESME_RSYSERR}


async def test_parts_are_refused_while_the_disk_is_full(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text(config_text(""), encoding="utf-8")
    async with serving(path) as served, await Esme.bound(served.smpp_port) as esme:
        ids = [await esme.submit(russian()[0])]
        with full_disk(served.process.pid):
            await refused(esme)
            assert rows(tmp_path, PARTS) == [(ids[0],)]
        ids += await esme.submit_many(russian()[1:])
        assert await receipts(esme, len(ids)) == dict.fromkeys(ids, "DELIVRD")
        assert rows(tmp_path, PARTS) == [(one,) for one in ids]
        assert texts(tmp_path) == [RUSSIAN]


async def test_parts_of_which_one_cannot_be_stored_are_refused_together(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = [await esme.submit(russian()[0])]
        with failing(tmp_path, f"INSERT ON joined WHEN NEW.number = {len(russian())}"):
            await refused(esme)
            assert rows(tmp_path, PARTS) == [(ids[0],)]
            assert rows(tmp_path, "SELECT total - missing FROM joins") == [(1,)]
        ids += await esme.submit_many(russian()[1:])
        assert await receipts(esme, len(ids)) == dict.fromkeys(ids, "DELIVRD")
        assert texts(tmp_path) == [RUSSIAN]


async def test_a_join_that_fails_is_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        with failing(tmp_path, MADE):
            ids = await esme.submit_many(russian())
            await eventually(lambda: "worker step failed" in caplog.text)
            assert texts(tmp_path) == []
        assert await receipts(esme, len(ids)) == dict.fromkeys(ids, "DELIVRD")
        await esme.silence(DeliverSm)
        assert texts(tmp_path) == [RUSSIAN]
        assert metric(app, "attempts_total", provider="lab", result="sent") == 1
        assert metric(app, "joined_messages_total", account="pbx", result="joined") == 1


async def test_giving_up_that_fails_is_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    async with bridge(tmp_path, clock=clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        with failing(tmp_path, MADE):
            ids = await esme.submit_many(russian()[1:])
            clock.forward(61)
            await eventually(lambda: "worker step failed" in caplog.text)
            assert rows(tmp_path, "SELECT count(*) FROM messages WHERE stage > 0") == [(0,)]
        found = [parsed(pdu) for pdu in await esme.receipts(len(ids))]
        assert {(one.id, one.stat, one.err) for one in found} == {(one, "UNDELIV", "241") for one in ids}
        await esme.silence(DeliverSm)
        assert metric(app, "joined_messages_total", account="pbx", result="incomplete") == 1


async def test_a_crash_before_all_parts_have_come(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = await esme.submit_many(russian()[1:])
        rest = after_crash(tmp_path)
    async with bridge(rest) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        assert await esme.submit_many(russian()[1:]) == ids
        ids.append(await esme.submit(russian()[0]))
        assert await receipts(esme, len(ids)) == dict.fromkeys(ids, "DELIVRD")
    assert texts(rest) == [RUSSIAN]


async def test_a_crash_before_the_parts_are_joined(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await app.joiner.stop()
        ids = await esme.submit_many(russian())
        rest = after_crash(tmp_path)
    assert rows(rest, "SELECT missing, made FROM joins") == [(0, 0)]
    async with bridge(rest) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        assert await receipts(esme, len(ids)) == dict.fromkeys(ids, "DELIVRD")
        assert await esme.submit_many(russian()) == ids
    assert texts(rest) == [RUSSIAN]


async def test_a_crash_before_what_was_joined_is_sent(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await app.fleet["lab"].stop(0)
        ids = await esme.submit_many(russian())
        await eventually(lambda: texts(tmp_path))
        rest = after_crash(tmp_path)
    assert rows(rest, "SELECT count(*) FROM messages WHERE stage = 2") == [(1,)]
    async with bridge(rest) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        assert await receipts(esme, len(ids)) == dict.fromkeys(ids, "DELIVRD")
        assert await esme.submit_many(russian()) == ids
        assert metric(app, "attempts_total", provider="lab", result="sent") == 1
    assert texts(rest) == [RUSSIAN]


async def test_a_crash_between_receipts_of_one_message(tmp_path: Path) -> None:
    """All parts owe theirs at once: those that were not delivered are not forgotten."""
    parts = cut([b"one ", b"two ", b"three"])
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0], kind="TX") as esme:
        ids = await esme.submit_many(parts)
        await eventually(lambda: len(rows(tmp_path, "SELECT id FROM receipts")) == len(ids))
        async with await Esme.bound(app.smpp_ports[0], kind="RX") as receiver:
            first = parsed(await receiver.receipt())
            await eventually(lambda: len(rows(tmp_path, "SELECT id FROM receipts")) == len(ids) - 1)
            rest = after_crash(tmp_path)
    async with bridge(rest) as app, await Esme.bound(app.smpp_ports[0], kind="RX") as receiver:
        left = await receipts(receiver, len(ids) - 1)
        assert left == dict.fromkeys(set(ids) - {first.id}, "DELIVRD")
