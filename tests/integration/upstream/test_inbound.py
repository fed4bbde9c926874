"""Messages from phones that an upstream SMSC delivers: on to the equipment, none lost, parts and data as they
came."""

from pathlib import Path
from typing import Any

import pytest

from smppbridge.smpp.codec import encode
from smppbridge.smpp.concat import header
from smppbridge.smpp.constants import Npi, Status, Tag, Ton
from smppbridge.smpp.pdu import DataSm, DeliverSm
from smppbridge.smpp.text import encode_text
from smppbridge.smpp.tlv import Tlv, tlv
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.failing_store import failing, rows
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import linked
from tests.support.esme.esme import PHONE, Esme, submit
from tests.support.esme.phones import text_of

TO_PBX: dict[str, Any] = {"inbound": [{"to": "pbx"}]}
HEADER = header(0x42, 2, 1)


def from_phone(octets: bytes, data_coding: int = 0, **fields: Any) -> DeliverSm:
    return DeliverSm(
        source_addr_ton=Ton.INTERNATIONAL,
        source_addr_npi=Npi.ISDN_E164,
        source_addr=PHONE,
        destination_addr="1234",
        data_coding=data_coding,
        short_message=octets,
        **fields,
    )


def in_payload(octets: bytes, data_coding: int = 0) -> DeliverSm:
    return from_phone(b"", data_coding, tlvs=((Tag.MESSAGE_PAYLOAD, octets),))


def in_data_sm(octets: bytes, data_coding: int = 0) -> DataSm:
    return DataSm(
        source_addr=PHONE,
        destination_addr="1234",
        data_coding=data_coding,
        tlvs=((Tag.MESSAGE_PAYLOAD, octets),),
    )


def sar(reference: int, total: int, number: int) -> tuple[Tlv, ...]:
    return (
        tlv(Tag.SAR_MSG_REF_NUM, reference),
        tlv(Tag.SAR_TOTAL_SEGMENTS, total),
        tlv(Tag.SAR_SEGMENT_SEQNUM, number),
    )


# --- texts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("carry", [from_phone, in_payload, in_data_sm])
@pytest.mark.parametrize("stray", [False, True])
async def test_texts(tmp_path: Path, carry: Any, stray: bool) -> None:
    texts = [
        (0, "5 € {yes}", 8),
        (0, "Yes @ 5 £", 0),
        (1, "yes", 0),
        (3, "naïve café", 0),
        (8, "Да, 😀", 8),
        (0x10, "flash", 0),
        (0x18, "Молния", 8),
        (0xF0, "GSM, class 0", 0),
    ]
    async with (
        CentreSimulator(Rules(stray=stray)) as centre,
        linked(tmp_path, centre, more=TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        for data_coding, text, expected in texts:
            plain = {0x10: 0, 0x18: 8, 0xF0: 0}.get(data_coding, data_coding)
            answer = await centre.deliver(carry(encode_text(text, plain, "gsm"), data_coding))
            assert answer.command_status == 0
            pdu = await esme.receipt()
            assert (pdu.data_coding, text_of(pdu)) == (expected, text)
            assert (pdu.esm_class, pdu.source_addr, pdu.destination_addr) == (0, PHONE, "1234")
            assert (pdu.source_addr_ton, pdu.dest_addr_ton) == (Ton.INTERNATIONAL, Ton.NETWORK_SPECIFIC)
        assert metric(app, "inbound_messages_total", provider="link", account="pbx") == len(texts)
        assert metric(app, "unreadable_answers_total", provider="link") == 0


@pytest.mark.parametrize("upstream", ["gsm", "latin-1", "cp1251", "utf-8"])
@pytest.mark.parametrize("account", ["gsm", "latin-1", "cp1251", "utf-8"])
async def test_what_data_coding_0_means_on_each_side(tmp_path: Path, upstream: str, account: str) -> None:
    text = "Да" if upstream in ("cp1251", "utf-8") else "à ü Ä"
    async with (
        CentreSimulator(Rules()) as centre,
        linked(
            tmp_path,
            centre,
            account={"default_encoding": account},
            default_encoding=upstream,
            more=TO_PBX,
        ) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await centre.deliver(from_phone(encode_text(text, 0, upstream)))
        assert text_of(await esme.receipt(), account) == text


async def test_a_long_text_in_one_pdu_comes_in_parts(tmp_path: Path) -> None:
    text = "Длинный ответ. " * 30
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre, more=TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await centre.deliver(in_payload(text.encode("utf-16-be"), 8))
        pdus = await esme.receipts(7)
        assert "".join(text_of(pdu) for pdu in pdus) == text
        assert {pdu.esm_class for pdu in pdus} == {0x40}
        await esme.silence(DeliverSm, 0.1)


# --- parts and data, octet for octet ---------------------------------------------------------------


WIDE_HEADER = b"\6\x08\4\x12\x34\2\1"  # a 16-bit reference
PORTS = b"\6\5\4\x0b\x84\x23\xf0"
PARTS: dict[str, tuple[DeliverSm, bytes]] = {
    "GSM": (from_phone(HEADER + b"a\0\x1b\x65", 0, esm_class=0x40), HEADER + b"a\0\x1b\x65"),
    "half a surrogate pair": (from_phone(HEADER + b"\xd8\x3d", 8, esm_class=0x40), HEADER + b"\xd8\x3d"),
    "Latin-1": (from_phone(HEADER + b"caf\xe9", 3, esm_class=0x43), HEADER + b"caf\xe9"),
    "16-bit reference": (from_phone(WIDE_HEADER + b"x", 0, esm_class=0x40), WIDE_HEADER + b"x"),
    "ports": (from_phone(PORTS + b"\1\xff", 0xF5, esm_class=0x40), PORTS + b"\1\xff"),
    "sar": (from_phone(b"first", 3, tlvs=sar(0x42, 2, 1)), HEADER + b"first"),
    "sar, 16-bit reference": (from_phone(b"first", 8, tlvs=sar(0x1242, 2, 1)), HEADER + b"first"),
    "sar, payload": (
        from_phone(b"", 3, tlvs=(*sar(0x42, 2, 1), (Tag.MESSAGE_PAYLOAD, b"first"))),
        HEADER + b"first",
    ),
}
DATA: dict[str, DeliverSm] = {
    "4": from_phone(b"\0\xff\x80", 4),
    "2": from_phone(b"\0\xff\x80", 2),
    "0xF5": from_phone(b"\0\xff\x80", 0xF5),
    "140 octets": from_phone(bytes(range(140)), 4),
    "no UCS-2": from_phone(b"odd", 8),
}


@pytest.mark.parametrize("name", PARTS)
async def test_parts(tmp_path: Path, name: str) -> None:
    pdu, octets = PARTS[name]
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre, more=TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert (await centre.deliver(pdu)).command_status == 0
        came = await esme.receipt()
        assert (came.esm_class, came.data_coding, came.short_message) == (0x40, pdu.data_coding, octets)
        assert came.source_addr == PHONE


async def test_data(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre, more=TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        for name, pdu in DATA.items():
            assert (await centre.deliver(pdu)).command_status == 0
            came = await esme.receipt()
            said = (came.esm_class, came.data_coding, came.short_message)
            assert said == (0, pdu.data_coding, pdu.short_message), name


async def test_parts_of_one_text_come_in_order(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre, more=TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        parts = [from_phone(header(7, 5, number) + b"x" * 134, 3, esm_class=0x40) for number in range(1, 6)]
        for number, part in enumerate(parts, 1000):
            part.sequence_number = number
        await centre.deliver_raw(b"".join(map(encode, parts)))
        came = await esme.receipts(5)
        assert [pdu.short_message for pdu in came] == [part.short_message for part in parts]


@pytest.mark.parametrize(
    ("pdu", "esm_class", "octets"),
    [
        (from_phone(b"\xffno header", 3, esm_class=0x40), 0, b"\xffno header"),
        (from_phone(b"whole", 3, tlvs=sar(1, 1, 1)), 0, b"whole"),
        (from_phone(b"whole", 3, tlvs=sar(1, 2, 3)), 0, b"whole"),
        (from_phone(b"", 3), 0, b""),
    ],
    ids=["header longer than the message", "one part", "third of two", "empty"],
)
async def test_what_only_looks_like_a_part(
    tmp_path: Path, pdu: DeliverSm, esm_class: int, octets: bytes
) -> None:
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre, more=TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert (await centre.deliver(pdu)).command_status == 0
        came = await esme.receipt()
        assert (came.esm_class, came.short_message) == (esm_class, octets)


async def test_data_that_no_short_message_holds(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre, more=TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert (await centre.deliver(in_payload(b"\xab" * 255, 4))).command_status == 0
        assert metric(app, "unreadable_answers_total", provider="link") == 1
        await esme.silence(DeliverSm, 0.1)
        await centre.deliver(in_payload(b"\xab" * 254, 4))
        assert (await esme.receipt()).short_message == b"\xab" * 254
    assert "\xab\xab" not in caplog.text


# --- whose it is, and when -------------------------------------------------------------------------


async def test_rules_by_number_keyword_and_provider(tmp_path: Path) -> None:
    more = {
        "accounts": {"pbx": {"password": "secret"}, "log": {"password": "secret"}},
        "inbound": [
            {"keyword": "стоп", "to": "log"},
            {"number": "5678", "provider": "link", "to": ["pbx", "log"]},
            {"to": "pbx"},
        ],
    }
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre, more=more) as app,
        await Esme.bound(app.smpp_ports[0], "pbx") as pbx,
        await Esme.bound(app.smpp_ports[0], "log") as log,
    ):
        await centre.deliver(from_phone("СТОП всё".encode("utf-16-be"), 8))
        both = from_phone(b"both")
        both.destination_addr = "5678"
        await centre.deliver(both)
        await centre.deliver(from_phone(b"rest"))
        assert [text_of(pdu) for pdu in await log.receipts(2)] == ["СТОП всё", "both"]
        assert [text_of(pdu) for pdu in await pbx.receipts(2)] == ["both", "rest"]


@pytest.mark.parametrize("inbound", [[], [{"number": "9999", "to": "pbx"}]])
async def test_what_belongs_to_nobody_is_kept_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, inbound: list[Any]
) -> None:
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre, more={"inbound": inbound}) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert (await centre.deliver(from_phone(b"whose is it?"))).command_status == 0
        await esme.silence(DeliverSm, 0.1)
        assert metric(app, "inbound_messages_total", provider="link", account="") == 1
        assert rows(tmp_path, "SELECT provider, text, accounts FROM inbound") == [
            ("link", "whose is it?", "")
        ]
    assert "belongs to nobody" in caplog.text
    assert "whose is it?" not in caplog.text


async def test_an_account_that_is_not_bound_gets_it_later(tmp_path: Path) -> None:
    async with CentreSimulator(Rules()) as centre:
        async with linked(tmp_path, centre, more=TO_PBX) as app:
            assert (await centre.deliver(from_phone(b"first"))).command_status == 0
            await centre.deliver(from_phone(b"second"))
            async with await Esme.bound(app.smpp_ports[0]) as esme:
                assert text_of(await esme.receipt()) == "first"
                assert text_of(await esme.receipt(None)) == "second"
        async with linked(tmp_path, centre, more=TO_PBX) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            assert text_of(await esme.receipt()) == "second"
            await esme.silence(DeliverSm, 0.1)


async def test_what_cannot_be_saved_is_asked_for_again(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre, more=TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        with failing(tmp_path, "INSERT ON inbound"):
            answer = await centre.deliver(from_phone(b"yes"))
            assert answer.command_status == Status.ESME_RX_T_APPN
        await esme.silence(DeliverSm, 0.1)
        assert (await centre.deliver(from_phone(b"yes"))).command_status == 0
        assert text_of(await esme.receipt()) == "yes"
        await esme.silence(DeliverSm, 0.1)
        assert centre.counts["binds"] == 1


async def test_through_the_receiver_of_a_pair_beside_receipts(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre, bind="pair", up=2, more=TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await centre.deliver(from_phone(b"yes"))
        await esme.submit(submit())
        came = await esme.receipts(2)
        assert sorted(pdu.esm_class for pdu in came) == [0, 4]
        await eventually(lambda: centre.counts["receipts_answered"] == 1)
