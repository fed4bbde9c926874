"""Messages from phones on their way to the equipment: delivered to whom they belong, once, and in whole."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from smppbridge.flow.housekeeper import Housekeeper
from smppbridge.model.message import Inbound, StatusReport
from smppbridge.smpp.constants import Npi, Status, Ton
from smppbridge.smpp.pdu import DeliverSm
from smppbridge.smpp.receipt import parse_receipt
from tests.support.bridge.pauses import build_with
from tests.support.bridge.running import Clock, eventually, metric
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
        await esme.silence(DeliverSm)


@pytest.mark.parametrize(
    ("encoding", "text", "data_coding"),
    [
        ("latin-1", "café", 0),
        ("latin-1", "Да", 8),
        ("ascii", "café", 8),
        ("gsm", "5 € {да}", 8),
        ("gsm", "5 € {yes}", 0),
        ("cp1251", "Да", 0),
        ("utf-8", "Да", 0),
        ("latin-1", "😀", 8),
        ("latin-1", "", 0),
    ],
)
async def test_texts(tmp_path: Path, encoding: str, text: str, data_coding: int) -> None:
    lab = ScriptedProvider("lab")
    sections = f"accounts: {{pbx: {{password: secret, default_encoding: {encoding}}}}}\n{ALL_TO_PBX}"
    async with (
        scripted(tmp_path, lab, sections=sections) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await arrive(app, lab, from_phone(text))
        pdu = await esme.receipt()
        assert (pdu.data_coding, text_of(pdu, encoding)) == (data_coding, text)


@pytest.mark.parametrize(
    ("message", "came"),
    [
        (from_phone("\ud83d!"), ("?!", PHONE, "1234")),
        (from_phone(source="+375 29 1234567", destination="Замок"), ("yes", "+375291234567", "")),
        (from_phone(source="x" * 99, destination=""), ("yes", "x" * 20, "CASTLE")),
        (from_phone("a\0b\r\n"), ("a\0b\r\n", PHONE, "1234")),
    ],
    ids=["half a surrogate pair", "no address of SMPP", "too long, and none", "control characters"],
)
async def test_what_providers_may_tell(tmp_path: Path, message: Inbound, came: tuple[str, str, str]) -> None:
    lab = ScriptedProvider("lab")
    sections = f"accounts: {{pbx: {{password: secret, default_sender: CASTLE}}}}\n{ALL_TO_PBX}"
    async with (
        scripted(tmp_path, lab, sections=sections) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert await arrive(app, lab, message) == 200
        pdu = await esme.receipt()
        assert (text_of(pdu), pdu.source_addr, pdu.destination_addr) == came


@pytest.mark.parametrize(
    "change",
    [
        {"ref": "\ud800"},
        {"source": "\ud83d"},
        {"destination": "\udfff"},
        {"text": "\ud83d"},
        {"at": 10**30},
        {"at": -(10**30)},
    ],
    ids=["reference", "source", "destination", "text", "never", "before all time"],
)
async def test_nonsense_does_not_hold_up_the_others(tmp_path: Path, change: dict[str, Any]) -> None:
    lab = ScriptedProvider("lab")
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        bad, good = from_phone("bad", "1")._replace(**change), from_phone("good", "2")
        assert await arrive(app, lab, bad, good) == 200
        first, second = await esme.receipts(2)
        assert text_of(first) == ("?" if "text" in change else "bad")
        assert text_of(second) == "good"
        assert await arrive(app, lab, bad, good) == 200
        await esme.silence(DeliverSm)


@pytest.mark.parametrize(
    ("text", "encoding", "sizes"),
    [
        ("0123456789" * 40, "latin-1", [140, 140, 138]),
        ("ж" * 66 + "😀" + "Д" * 67, "latin-1", [138, 140, 10]),
        ("x" * 152 + "€" + "y" * 20, "gsm", [158, 28]),
        ("Дверь " * 20, "utf-8", [140, 92]),
        ("x" * 161, "utf-8", [140, 33]),
    ],
    ids=["one octet each", "UTF-16", "escapes", "UTF-8", "UTF-8 in ASCII"],
)
async def test_a_long_text_comes_in_parts_in_order(
    tmp_path: Path, text: str, encoding: str, sizes: list[int]
) -> None:
    lab = ScriptedProvider("lab")
    sections = f"accounts: {{pbx: {{password: secret, default_encoding: {encoding}}}}}\n{ALL_TO_PBX}"
    async with (
        scripted(tmp_path, lab, sections=sections) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await arrive(app, lab, from_phone(text))
        pdus = await esme.receipts(len(sizes))
        assert "".join(text_of(pdu, encoding) for pdu in pdus) == text
        assert {pdu.esm_class for pdu in pdus} == {0x40}
        headers = [pdu.short_message[:6] for pdu in pdus]
        assert [header[:3] for header in headers] == [b"\5\0\3"] * len(sizes)
        assert len({header[3] for header in headers}) == 1
        assert [tuple(header[4:]) for header in headers] == [
            (len(sizes), number) for number in range(1, len(sizes) + 1)
        ]
        assert [len(pdu.short_message) for pdu in pdus] == sizes


# --- whose it is -----------------------------------------------------------------------------------


async def test_rules_by_keyword_number_and_provider(tmp_path: Path) -> None:
    lab, spare = ScriptedProvider("lab"), ScriptedProvider("spare")
    rules = "{keyword: [STOP, стоп], to: log}, {number: '1234', provider: lab, to: [pbx, log]}, {to: pbx}"
    sections = TWO_ACCOUNTS % rules
    async with (
        scripted(tmp_path, lab, spare, sections=sections) as app,
        await Esme.bound(app.smpp_ports[0], "pbx") as pbx,
        await Esme.bound(app.smpp_ports[0], "log") as log,
    ):
        await arrive(app, lab, from_phone("both", "1"), from_phone("Стоп!", "2"), from_phone("stop it", "3"))
        await arrive(app, spare, from_phone("rest", "4"))
        await arrive(app, lab, from_phone("other number", "5", destination="5678"))
        to_pbx = [text_of(pdu) for pdu in await pbx.receipts(4)]
        assert to_pbx == ["both", "Стоп!", "rest", "other number"]
        assert [text_of(pdu) for pdu in await log.receipts(3)] == ["both", "Стоп!", "stop it"]
        await asyncio.gather(pbx.silence(DeliverSm), log.silence(DeliverSm))
        assert metric(app, "inbound_messages_total", provider="lab", account="pbx") == 3
        assert metric(app, "inbound_messages_total", provider="spare", account="pbx") == 1


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
        await esme.silence(DeliverSm)
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
        await pbx.silence(DeliverSm)


# --- callbacks -------------------------------------------------------------------------------------


async def test_a_wrong_signature(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert await arrive(app, lab, from_phone("forged"), signature="forged") == 403
        await esme.silence(DeliverSm)
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
        other = sqlite3.connect(tmp_path / "bridge.db", isolation_level=None)
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
        await esme.silence(DeliverSm)


async def test_a_provider_without_ids_is_told_apart_by_what_it_says(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        for _ in range(2):
            await arrive(app, lab, from_phone("yes", "", at=1000), from_phone("yes", "", at=2000))
        assert [text_of(pdu) for pdu in await esme.receipts(2)] == ["yes", "yes"]
        await esme.silence(DeliverSm)


async def test_messages_wait_for_a_bind_that_may_receive(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with scripted(tmp_path, lab, sections=ALL_TO_PBX) as app:
        await arrive(app, lab, from_phone("first", "1"))
        async with await Esme.bound(app.smpp_ports[0], kind="TX") as transmitter:
            await transmitter.silence(DeliverSm)
        async with await Esme.bound(app.smpp_ports[0], kind="RX") as receiver:
            assert text_of(await receiver.receipt()) == "first"
            await eventually(lambda: metric(app, "deliver_sm_total", account="pbx", status="ESME_ROK") == 1)
        await arrive(app, lab, from_phone("second", "2"))
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert text_of(await esme.receipt()) == "second"
        await esme.silence(DeliverSm)


async def test_a_message_that_was_not_answered_goes_to_the_next_bind(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with scripted(tmp_path, lab, sections=ALL_TO_PBX) as app:
        async with await Esme.bound(app.smpp_ports[0]) as esme:
            await arrive(app, lab, from_phone())
            await esme.receipt(None)
        async with await Esme.bound(app.smpp_ports[0]) as esme:
            assert text_of(await esme.receipt()) == "yes"
            await esme.silence(DeliverSm)


async def test_answers_of_the_equipment(tmp_path: Path) -> None:
    clock = Clock()
    lab = ScriptedProvider("lab")
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await arrive(app, lab, from_phone("refused for good", "1"))
        await esme.receipt(Status.ESME_RX_R_APPN)
        await arrive(app, lab, from_phone("not now", "2"))
        await esme.receipt(Status.ESME_RX_T_APPN)
        await arrive(app, lab, from_phone("behind it", "3"))
        assert text_of(await esme.receipt()) == "behind it"
        clock.forward(30)
        assert text_of(await esme.receipt()) == "not now"
        clock.forward(30)
        await esme.silence(DeliverSm)


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
        clock.forward(3500)
        await asyncio.sleep(0.2)
        assert metric(app, "owed_inbound", account="pbx") == 4
        clock.forward(200)
        await eventually(lambda: metric(app, "owed_inbound", account="pbx") == 0)
        async with await Esme.bound(app.smpp_ports[0]) as esme:
            await esme.silence(DeliverSm)
    assert "dropped" in caplog.text


async def test_a_provider_whose_clock_is_ahead_is_not_taken_twice(tmp_path: Path) -> None:
    clock, lab = Clock(), ScriptedProvider("lab")
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        told = from_phone("yes", "", at=clock() + 3_600_000)
        await arrive(app, lab, told)
        assert text_of(await esme.receipt()) == "yes"
        clock.forward(60)
        await arrive(app, lab, told)
        await esme.silence(DeliverSm, 0.3)
