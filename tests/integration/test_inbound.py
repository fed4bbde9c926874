"""Messages from phones on their way to the equipment: delivered to whom they belong, once, and in whole."""

import sqlite3
from pathlib import Path

import pytest

from smppbridge.flow.housekeeper import Housekeeper
from smppbridge.model.message import StatusReport
from smppbridge.smpp.constants import Npi, Ton
from smppbridge.smpp.pdu import DeliverSm
from smppbridge.smpp.receipt import parse_receipt
from tests.support.bridge.owed import all_delivered
from tests.support.bridge.pauses import build_with
from tests.support.bridge.running import PATIENCE, Clock, eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, call_back, scripted, scripted_config
from tests.support.esme.esme import Esme, submit
from tests.support.esme.phones import ALL_TO_PBX, PHONE, arrive, from_phone, text_of

TWO_ACCOUNTS = """
accounts: {pbx: {password: secret}, log: {password: secret}}
inbound: [%s]
"""


# --- one message -----------------------------------------------------------------------------------


async def test_a_message_from_a_phone(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert await arrive(app, lab, from_phone("Yes: 5 $")) == 200
        pdu = await esme.receipt()
        assert (pdu.esm_class, pdu.data_coding, pdu.short_message) == (0, 0, b"Yes: 5 $")
        assert (pdu.source_addr, pdu.source_addr_ton, pdu.source_addr_npi) == (
            PHONE,
            Ton.INTERNATIONAL,
            Npi.ISDN_E164,
        )
        assert (pdu.destination_addr, pdu.dest_addr_ton) == ("1234", Ton.NETWORK_SPECIFIC)
        assert (pdu.registered_delivery, pdu.tlvs) == (0, ())
        assert metric(app, "inbound_messages_total", provider="lab", account="pbx") == 1
        await eventually(lambda: metric(app, "deliver_sm_total", account="pbx", status="ESME_ROK") == 1)
        await all_delivered(tmp_path, esme)


async def test_a_long_text_comes_in_parts_in_order(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    text = "ж" * 66 + "😀" + "Д" * 67
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await arrive(app, lab, from_phone(text))
        pdus = await esme.receipts(3)
        assert "".join(text_of(pdu) for pdu in pdus) == text
        assert {pdu.esm_class for pdu in pdus} == {0x40}
        headers = [pdu.short_message[:6] for pdu in pdus]
        assert [header[:3] for header in headers] == [b"\5\0\3"] * 3
        assert len({header[3] for header in headers}) == 1
        assert [tuple(header[4:]) for header in headers] == [(3, 1), (3, 2), (3, 3)]
        assert [len(pdu.short_message) for pdu in pdus] == [138, 140, 10]


# --- whose it is -----------------------------------------------------------------------------------


async def test_what_belongs_to_nobody_is_kept_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lab = ScriptedProvider("lab")
    sections = "inbound: [{number: '9999', to: pbx}]"
    async with (
        scripted(tmp_path, lab, sections=sections) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert await arrive(app, lab, from_phone("whose is it?")) == 200
        await all_delivered(tmp_path, esme)
        assert metric(app, "inbound_messages_total", provider="lab", account="") == 1
    assert "belongs to nobody" in caplog.text
    assert "whose is it?" not in caplog.text
    database = sqlite3.connect(tmp_path / "bridge.db")
    assert database.execute("SELECT text, accounts FROM inbound").fetchall() == [("whose is it?", "")]
    database.close()


async def test_a_reload_changes_the_rules(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    before, after = TWO_ACCOUNTS % "{to: pbx}", TWO_ACCOUNTS % "{to: log}"
    async with (
        scripted(tmp_path, lab, sections=before) as app,
        await Esme.bound(app.smpp_ports[0], "pbx") as pbx,
        await Esme.bound(app.smpp_ports[0], "log") as log,
    ):
        await arrive(app, lab, from_phone("before", "1"))
        assert text_of(await pbx.receipt()) == "before"
        app.reload(scripted_config(tmp_path, lab, sections=after))
        await arrive(app, lab, from_phone("after", "2"))
        assert text_of(await log.receipt()) == "after"
        await all_delivered(tmp_path, pbx)


# --- callbacks -------------------------------------------------------------------------------------


async def test_a_wrong_signature(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert await arrive(app, lab, from_phone("forged"), signature="forged") == 403
        await all_delivered(tmp_path, esme)
        assert await arrive(app, lab, from_phone("true")) == 200
        assert text_of(await esme.receipt()) == "true"


async def test_a_callback_with_statuses_and_messages(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit())
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        lab.news = [from_phone(), StatusReport("ref-1", 2, True, 0, "2")]
        assert await call_back(app, lab) == 200
        one, other = sorted(await esme.receipts(2), key=lambda pdu: pdu.esm_class)
        assert (one.esm_class, text_of(one)) == (0, "yes")
        assert (other.esm_class, parse_receipt(other.short_message.decode()).stat) == (0x04, "DELIVRD")


async def test_a_callback_that_cannot_be_saved_comes_again(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        other = sqlite3.connect(tmp_path / "bridge.db", timeout=PATIENCE, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert await arrive(app, lab, from_phone()) == 503
        other.execute("ROLLBACK")
        other.close()
        assert await arrive(app, lab, from_phone()) == 200
        assert text_of(await esme.receipt()) == "yes"


# --- once, and not lost ----------------------------------------------------------------------------


async def test_what_came_before_is_not_delivered_again(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await arrive(app, lab, from_phone("yes"))
        assert text_of(await esme.receipt()) == "yes"
        assert await arrive(app, lab, from_phone("yes")) == 200
        await arrive(app, lab, from_phone("no", "2"))
        assert text_of(await esme.receipt()) == "no"
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert await arrive(app, lab, from_phone("yes"), from_phone("no", "2")) == 200
        await all_delivered(tmp_path, esme)


async def test_messages_wait_for_a_bind_that_may_receive(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with scripted(tmp_path, lab, sections=ALL_TO_PBX) as app:
        await arrive(app, lab, from_phone("first", "1"))
        async with await Esme.bound(app.smpp_ports[0], kind="TX") as transmitter:
            await transmitter.quiet(DeliverSm)
        async with await Esme.bound(app.smpp_ports[0], kind="RX") as receiver:
            assert text_of(await receiver.receipt()) == "first"
            await eventually(lambda: metric(app, "deliver_sm_total", account="pbx", status="ESME_ROK") == 1)
        await arrive(app, lab, from_phone("second", "2"))
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert text_of(await esme.receipt()) == "second"
        await all_delivered(tmp_path, esme)


async def test_what_waits_is_counted_and_dropped_when_nobody_comes_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    build_with(monkeypatch, Housekeeper, counting=0.05, housekeeping=0.05)
    clock = Clock()
    lab = ScriptedProvider("lab")
    sections = f"accounts: {{pbx: {{password: secret, receipt: {{keep: 1h}}}}}}\n{ALL_TO_PBX}"
    async with scripted(tmp_path, lab, sections=sections, clock=clock) as app:
        await arrive(app, lab, from_phone("1"), from_phone("Да" * 100, "2"))
        await eventually(lambda: metric(app, "owed_inbound", account="pbx") == 4)
        clock.forward(3700)
        await eventually(lambda: metric(app, "owed_inbound", account="pbx") == 0)
        async with await Esme.bound(app.smpp_ports[0]) as esme:
            await all_delivered(tmp_path, esme)
    assert "dropped" in caplog.text
