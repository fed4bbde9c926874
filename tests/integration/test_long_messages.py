"""Long messages that equipment cuts by itself: joined over a real socket, whatever it does to its parts."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from smppbridge.app import App
from smppbridge.smpp.concat import header, split_octets
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.gsm import encode_gsm, pack_septets
from smppbridge.smpp.pdu import DeliverSm, SubmitSm
from smppbridge.smpp.receipt import ParsedReceipt, parse_receipt
from smppbridge.smpp.tlv import tlv
from smppbridge.store.sqlite.store import SqliteStore
from tests.support.bridge.failing_store import rows
from tests.support.bridge.running import Clock, bridge, config, eventually, metric, unreachable
from tests.support.esme.esme import Esme, submit

RUSSIAN = "Дверь склада открыта, датчик движения сработал 😀 " * 5
GSM = encode_gsm("Door {open} at 10 € per [hour] " * 12) or b""
GSM_ACCOUNT = "accounts: {pbx: {password: secret, default_encoding: gsm}}\n"


def cut(pieces: Sequence[bytes], reference: int = 7, width: int = 8, **changes: Any) -> list[SubmitSm]:
    """A submit_sm for each piece, with a user data header; ``width`` 0: with sar_* TLVs."""
    total = len(pieces)
    if not width:
        return [
            submit(
                piece,
                tlvs=(
                    tlv(Tag.SAR_MSG_REF_NUM, reference),
                    tlv(Tag.SAR_TOTAL_SEGMENTS, total),
                    tlv(Tag.SAR_SEGMENT_SEQNUM, number),
                ),
                **changes,
            )
            for number, piece in enumerate(pieces, 1)
        ]
    heads = [header(reference, total, number, width=width) for number in range(1, total + 1)]
    return [
        submit(head + piece, esm_class=0x40, **changes) for head, piece in zip(heads, pieces, strict=True)
    ]


def russian(width: int = 8, **changes: Any) -> list[SubmitSm]:
    """RUSSIAN, cut every 66 units, wherever that is."""
    octets = RUSSIAN.encode("utf-16-be")
    pieces = [octets[at : at + 132] for at in range(0, len(octets), 132)]
    return cut(pieces, width=width, data_coding=8, **changes)


def texts(directory: Path) -> list[object]:
    """The texts of all messages that go on, or went."""
    return [text for [text] in rows(directory, "SELECT text FROM messages WHERE stage > 0 AND text <> ''")]


def parsed(pdu: object) -> ParsedReceipt:
    octets = getattr(pdu, "short_message", b"")
    return parse_receipt(octets.decode("latin-1"))


async def receipts(esme: Esme, count: int) -> dict[str | None, str | None]:
    """stat by id."""
    found = [parsed(pdu) for pdu in await esme.receipts(count)]
    return {one.id: one.stat for one in found}


@pytest.mark.parametrize("width", [8, 16, 0])
async def test_joined_by_every_kind_of_reference(tmp_path: Path, width: int) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = await esme.submit_many(russian(width))
        assert len(set(ids)) == len(ids) > 3
        assert await receipts(esme, len(ids)) == dict.fromkeys(ids, "DELIVRD")
        assert texts(tmp_path) == [RUSSIAN]
        assert metric(app, "joined_messages_total", account="pbx", result="joined") == 1
        assert metric(app, "outcomes_total", provider="lab", state="DELIVERED") == 1


async def test_octets_are_joined_before_they_are_decoded(tmp_path: Path) -> None:
    """Some senders cut an escape from its character, and a character from its other octet."""
    gsm = cut([GSM[at : at + 7] for at in range(0, len(GSM), 7)], data_coding=0)
    octets = RUSSIAN.encode("utf-16-be")
    odd = cut([octets[at : at + 13] for at in range(0, len(octets), 13)], reference=9, data_coding=8)
    async with bridge(tmp_path, GSM_ACCOUNT) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = await esme.submit_many([*gsm, *odd])
        await receipts(esme, len(ids))
        assert sorted(map(str, texts(tmp_path))) == sorted(["Door {open} at 10 € per [hour] " * 12, RUSSIAN])


async def test_any_order_over_several_connections(tmp_path: Path) -> None:
    async with (
        bridge(tmp_path) as app,
        await Esme.bound(app.smpp_ports[0]) as one,
        await Esme.bound(app.smpp_ports[0], kind="TX") as other,
    ):
        parts = list(reversed(russian()))
        ids = [await (one if place % 2 else other).submit(part) for place, part in enumerate(parts)]
        assert await receipts(one, len(ids)) == dict.fromkeys(ids, "DELIVRD")
        assert texts(tmp_path) == [RUSSIAN]


async def test_parts_come_before_and_after_a_restart(tmp_path: Path) -> None:
    parts = russian()
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = await esme.submit_many(parts[:-1])
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids.append(await esme.submit(parts[-1]))
        assert await receipts(esme, len(ids)) == dict.fromkeys(ids, "DELIVRD")
    assert texts(tmp_path) == [RUSSIAN]


async def test_a_part_that_comes_again_is_not_sent_again(tmp_path: Path) -> None:
    parts = russian()
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        first = await esme.submit(parts[0])
        assert await esme.submit(russian()[0]) == first
        ids = [first, *(await esme.submit_many(parts[1:]))]
        await receipts(esme, len(ids))
        assert await esme.submit_many(russian()) == ids
        assert texts(tmp_path) == [RUSSIAN]
        await esme.silence(DeliverSm)


async def test_only_the_part_that_asks_gets_a_receipt(tmp_path: Path) -> None:
    """As Kannel does: on the first part only."""
    parts = russian(registered_delivery=0)
    parts[0].registered_delivery = 0x11
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = await esme.submit_many(list(reversed(parts)))
        found = await receipts(esme, 1)
        assert found == {ids[-1]: "DELIVRD"}
        await esme.silence(DeliverSm)


async def test_merged_receipts(tmp_path: Path) -> None:
    account = "accounts: {pbx: {password: secret, receipt: {parts: merged}}}\n"
    async with bridge(tmp_path, account) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = await esme.submit_many(russian())
        assert await receipts(esme, 1) == {ids[0]: "DELIVRD"}
        await esme.silence(DeliverSm)


async def test_merged_receipts_are_on_the_first_part_that_asks_for_the_end(tmp_path: Path) -> None:
    """0x10 asks for what comes before it only."""
    account = "accounts: {pbx: {password: secret, receipt: {parts: merged}}}\n"
    parts = cut([b"one", b"two", b"three"])
    for one, asks in zip(parts, (0x10, 0x01, 0x01), strict=True):
        one.registered_delivery = asks
    async with bridge(tmp_path, account) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = await esme.submit_many(parts)
        assert await receipts(esme, 1) == {ids[1]: "DELIVRD"}
        await esme.silence(DeliverSm)


async def test_what_stays_incomplete_fails_or_is_sent_as_the_account_says(tmp_path: Path) -> None:
    """All but the second part came, and the time for parts is over."""
    clock = Clock()
    clock.stop()
    accounts = "accounts: {pbx: {password: secret}, other: {password: secret, join: {incomplete: send}}}\n"
    async with (
        bridge(tmp_path, accounts, clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
        await Esme.bound(app.smpp_ports[0], "other") as other,
    ):
        parts = russian()
        failed = await esme.submit_many([parts[0], *parts[2:]])
        parts = cut([b"one ", b"two ", b"three"])
        sent = await other.submit_many([parts[0], *parts[2:]])
        clock.forward(59)
        # The joiner looks once a second.
        await asyncio.gather(esme.silence(DeliverSm, 1.5), other.silence(DeliverSm, 1.5))
        clock.forward(2)
        found = [parsed(pdu) for pdu in await esme.receipts(len(failed))]
        assert {(one.id, one.stat, one.err) for one in found} == {(one, "UNDELIV", "241") for one in failed}
        assert await receipts(other, len(sent)) == dict.fromkeys(sent, "DELIVRD")
        assert texts(tmp_path) == ["one three"]
        assert metric(app, "joined_messages_total", account="pbx", result="incomplete") == 1
        assert metric(app, "joined_messages_total", account="other", result="sent_incomplete") == 1


async def test_the_first_parts_coding_counts(tmp_path: Path) -> None:
    """Parts with another data_coding by mistake are octets of the same text."""
    parts = cut([b"caf", b"\xe9"])
    parts[1].data_coding = 0
    async with bridge(tmp_path, GSM_ACCOUNT) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit_many(parts)
        await esme.receipts(2)
        assert texts(tmp_path) == ["café"]


async def test_refused_at_once_is_what_every_part_shares(tmp_path: Path) -> None:
    sections = """
accounts: {pbx: {password: secret, senders: [ALARM], services: [HLR], status_codes: sms-assistent}}
routes: [{destination: ["375"], to: [lab]}]
"""
    parts = cut([b"one", b"two"])
    async with bridge(tmp_path, sections) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        for status, changes in (
            (0x0A, {"source_addr": "OTHER"}),
            (0x0B, {"destination_addr": "12"}),
            (0x22, {"destination_addr": "491711234567"}),
            (0x43, {"service_type": "HLR"}),
            (0x61, {"schedule_delivery_time": "2611"}),
        ):
            part = cut([b"one", b"two"])[0]
            for name, value in changes.items():
                setattr(part, name, value)
            assert (await esme.ask(part)).command_status == status
        assert len(await esme.submit_many(parts)) == 2


async def test_one_part_of_one_is_a_whole_message(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit_many([*cut([b"alone"]), *cut([b"alone too"], width=0)])
        await esme.receipts(2)
        assert texts(tmp_path) == ["alone", "alone too"]


async def test_a_header_that_is_none(tmp_path: Path) -> None:
    """Longer than the message: it is text. Impossible numbers: as if they were not there."""
    odd = [submit(b"\x7fhello", esm_class=0x40), submit(b"\5\0\3\1\0\0hello", esm_class=0x40)]
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit_many(odd)
        await esme.receipts(2)
        assert texts(tmp_path) == ["\x7fhello", "hello"]


async def test_ports_belong_to_an_application(tmp_path: Path) -> None:
    ports = submit(b"\x06\x05\x04\x0b\x84\x23\xf0push", esm_class=0x40)
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        assert (await esme.ask(ports)).command_status == 0x43


async def test_a_schedule_holds_the_whole_message(tmp_path: Path) -> None:
    clock = Clock()
    parts = russian(schedule_delivery_time="000000010000000R")
    async with bridge(tmp_path, clock=clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = await esme.submit_many(parts)
        await eventually(lambda: texts(tmp_path))
        assert rows(tmp_path, "SELECT stage FROM messages WHERE text <> ''") == [(1,)]
        clock.forward(3601)
        assert await receipts(esme, len(ids)) == dict.fromkeys(ids, "DELIVRD")


async def test_all_parts_expire_together(tmp_path: Path) -> None:
    clock = Clock()
    parts = russian(validity_period="000000010000000R")
    async with bridge(tmp_path, unreachable(), clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = await esme.submit_many(parts)
        await eventually(lambda: texts(tmp_path))
        clock.forward(3601)
        assert await receipts(esme, len(ids)) == dict.fromkeys(ids, "EXPIRED")


async def test_many_at_once(tmp_path: Path) -> None:
    """300 messages of two parts, all first parts before all second ones."""
    gsm = split_octets(b"x" * 200, wide=False)
    messages = [cut(gsm, reference=number, width=16) for number in range(300)]
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = await esme.submit_many([parts[0] for parts in messages])
        ids += await esme.submit_many([parts[1] for parts in messages])
        assert len(await receipts(esme, 600)) == len(set(ids)) == 600
        assert texts(tmp_path) == ["x" * 200] * 300


async def test_packed_parts_keep_a_character_that_looks_like_padding(tmp_path: Path) -> None:
    """153 septets fill a part to its last bit; an "@" is 0, as spare bits are."""
    text = "x" * 152 + "@" + "y" * 152 + "€ at last"  # the escape is not cut: the second part has spare bits
    account = "accounts: {pbx: {password: secret, default_encoding: gsm, septets: packed}}\n"
    octets = split_octets(encode_gsm(text) or b"", wide=False)
    assert [len(piece) for piece in octets] == [153, 152, 10]
    pieces = [pack_septets(b"x" * 153, 6), *(pack_septets(piece, 6) for piece in octets[1:])]
    pieces[0] = pieces[0][:-1] + bytes((pieces[0][-1] & 1,))  # the last septet of the first one is 0
    async with bridge(tmp_path, account) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit_many(cut(pieces, data_coding=0))
        await esme.receipts(3)
        assert texts(tmp_path) == [text]


async def test_a_language_in_the_header_and_the_part_in_tlvs(tmp_path: Path) -> None:
    """0x53 of the Turkish extension table is an S with a cedilla."""
    parts = cut([bytes.fromhex("03 240101") + octets for octets in (b"\x1b", b"S")], width=0, data_coding=0)
    for part in parts:
        part.esm_class = 0x40
    async with bridge(tmp_path, GSM_ACCOUNT) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = await esme.submit_many(parts)
        assert await receipts(esme, 2) == dict.fromkeys(ids, "DELIVRD")
        assert texts(tmp_path) == ["Ş"]


async def test_parts_count_as_messages_that_wait(tmp_path: Path) -> None:
    limit = "store: {url: 'sqlite:///bridge.db', max_queued: 10}\n"
    async with bridge(tmp_path, limit) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        lone = [cut([b"one", b"two"], reference=number)[0] for number in range(100)]
        statuses = [(await esme.ask(part)).command_status for part in lone]
        assert statuses == [0] * 10 + [0x14] * 90


@pytest.mark.timeout(180)  # hundreds of COMMITs, one after the other
async def test_late_parts_while_the_disk_is_slow(tmp_path: Path) -> None:
    """Each comes about when its message is given up: it is part of it, or of another one, never of none."""
    account = "accounts: {pbx: {password: secret, join: {timeout: 1s}}}\n"
    account += "smpp: {response_timeout: 600s}\n"  # the receipts are read when all is submitted

    def slow(connection: sqlite3.Connection) -> None:
        time.sleep(0.02)
        connection.execute("COMMIT")

    settings = config(tmp_path, account)
    app = App(settings)
    app.store = SqliteStore(tmp_path / "bridge.db", commit=slow)
    await app.start()
    try:
        async with await Esme.bound(app.smpp_ports[0]) as esme:
            messages = [cut([b"one", b"two"], reference=number) for number in range(150)]
            ids = []
            for parts in messages:
                ids.append(await esme.submit(parts[0]))
                await asyncio.sleep(0.005)
            for parts in messages:
                ids.append(await esme.submit(parts[1]))
            assert set(await receipts(esme, len(ids))) == set(ids)
    finally:
        await app.stop()
