"""Long texts that an ESME cut reach an upstream SMSC as one text, which we cut anew."""

from pathlib import Path
from typing import Any

import pytest

from smppbridge.smpp.concat import Concat, header, read_header, read_sar, split_octets
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.text import encode_text
from smppbridge.smpp.tlv import Tlv, tlv
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.upstream import linked
from tests.support.bridge.upstream_steps import read
from tests.support.esme.esme import Esme, submit

REFERENCE = tlv(Tag.USER_MESSAGE_REFERENCE, 0x1234)
VENDOR = (0x1501, b"\0\xff vendor")
LONG = "x" * 152 + "€" + "y" * 50  # our cut is in front of the escape, not behind it
WIDE = "ж" * 66 + "😀" + "ж" * 40
WIDTHS = {"udh": 8, "udh16": 16, "sar": 0}


def sar(reference: int, total: int, number: int) -> tuple[Tlv, ...]:
    return (
        tlv(Tag.SAR_MSG_REF_NUM, reference),
        tlv(Tag.SAR_TOTAL_SEGMENTS, total),
        tlv(Tag.SAR_SEGMENT_SEQNUM, number),
    )


def cut(octets: bytes, size: int, width: int = 8, **fields: Any) -> list[SubmitSm]:
    """Parts of ``size`` octets, whatever that cuts; ``width`` 0: said in sar_* TLVs."""
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    total, tlvs = len(pieces), fields.pop("tlvs", ())
    if not width:
        return [
            submit(piece, tlvs=(*tlvs, *sar(0x42, total, at)), **fields) for at, piece in enumerate(pieces, 1)
        ]
    heads = [header(0x1242, total, at, width=width) for at in range(1, total + 1)]
    headed = [head + piece for head, piece in zip(heads, pieces, strict=True)]
    return [submit(part, esm_class=0x40, tlvs=tlvs, **fields) for part in headed]


LATIN: dict[str, Any] = {"use_latin_when_it_fits": True}


@pytest.mark.parametrize(
    ("text", "keys", "coding", "count"),
    [
        ("Door 3 opened", {}, 0, 1),
        ("x" * 160, {}, 0, 1),
        ("x" * 200, {}, 0, 2),
        ("x" * 100, {"data_codings": [3, 8]}, 3, 1),
        ("x" * 99 + "ж", {}, 8, 2),  # one part of Latin letters only, and one that is not
        ("ж" + "x" * 99, {}, 8, 2),
        ("x" * 99 + "ç", {"data_codings": [3, 8]}, 8, 2),  # no phone has it in its Latin alphabet
    ],
)
async def test_equipment_that_sends_everything_in_ucs2(
    tmp_path: Path, text: str, keys: dict[str, Any], coding: int, count: int
) -> None:
    octets = text.encode("utf-16-be")
    parts = cut(octets, 134, data_coding=8) if len(text) > 70 else [submit(octets, data_coding=8)]
    pdus = await joined(tmp_path, parts, account=LATIN, **keys)
    assert ([pdu.data_coding for pdu in pdus], len(pdus)) == ([coding] * count, count)


async def joined(
    directory: Path, parts: list[SubmitSm], *, account: dict[str, Any] | None = None, **keys: Any
) -> list[SubmitSm]:
    """The submit_sm that the SMSC gets for the parts of one text; each of them has its receipt."""
    async with (
        CentreSimulator(Rules()) as centre,
        linked(directory, centre, account=account, **keys) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        ids = await esme.submit_many(parts)
        told = {receipt.id: receipt.stat for receipt in map(read, await esme.receipts(len(parts)))}
        assert told == dict.fromkeys(ids, "DELIVRD")
        return [taken.pdu for taken in centre.submitted]


def told_in(pdu: SubmitSm) -> tuple[Concat | None, bytes]:
    """Which part it says it is, and its text."""
    head = read_header(pdu.short_message) if pdu.esm_class & 0x40 else None
    if head is None:
        return read_sar(pdu.tlvs), pdu.short_message
    return head.concat, pdu.short_message[len(head.octets) :]


@pytest.mark.parametrize(("width", "long"), [(0, "udh"), (8, "udh16"), (16, "sar")])
@pytest.mark.parametrize(
    ("text", "data_coding", "size"),
    [(LONG, 0, 153), (LONG, 0, 100), (WIDE, 8, 134), (WIDE, 8, 132)],
    ids=["escape cut", "short parts", "pair cut", "other parts"],
)
async def test_long_texts_are_joined_and_cut_anew(
    tmp_path: Path, text: str, data_coding: int, size: int, width: int, long: str
) -> None:
    octets = encode_text(text, data_coding, "gsm")
    parts = cut(octets, size, width, data_coding=data_coding)
    pdus = await joined(tmp_path, parts, account={"default_encoding": "gsm"}, long=long)
    pieces = split_octets(octets, wide=data_coding == 8, width=16 if long == "udh16" else 8)
    assert [told_in(pdu)[1] for pdu in pdus] == pieces
    assert {pdu.data_coding for pdu in pdus} == {data_coding}
    concats = [told_in(pdu)[0] for pdu in pdus]
    assert [concat and (concat.width, concat.total, concat.number) for concat in concats] == [
        (WIDTHS[long], len(pieces), number) for number in range(1, len(pieces) + 1)
    ]


@pytest.mark.parametrize("data_coding", [0, 3])
async def test_parts_of_equipment_stay_as_long_where_the_smsc_sends_in_septets(
    tmp_path: Path, data_coding: int
) -> None:
    parts = cut(b"x" * 306, 153, data_coding=data_coding)
    pdus = await joined(tmp_path, parts, account={"default_encoding": "gsm"}, profile="sms-assistent")
    assert [(pdu.data_coding, len(told_in(pdu)[1])) for pdu in pdus] == [(3, 153)] * 2


@pytest.mark.parametrize("width", [8, 0])
async def test_a_text_that_fits_one_message_goes_out_whole(tmp_path: Path, width: int) -> None:
    """Nor are the TLVs passed on that said how the ESME had cut it."""
    parts = cut(b"first second", 6, width, data_coding=0, tlvs=(REFERENCE, VENDOR))
    (pdu,) = await joined(tmp_path, parts, tlvs="all")
    assert (pdu.short_message, pdu.esm_class) == (b"first second", 0)
    assert pdu.tlvs == (REFERENCE, VENDOR)


async def test_the_whole_in_the_payload(tmp_path: Path) -> None:
    (pdu,) = await joined(tmp_path, cut(b"x" * 300, 153, 0, data_coding=0), long="payload")
    assert (pdu.short_message, pdu.esm_class) == (b"", 0)
    assert pdu.tlvs == ((Tag.MESSAGE_PAYLOAD, b"x" * 300),)


async def test_parts_in_the_payload(tmp_path: Path) -> None:
    pieces = [header(0x42, 2, number) + b"part" for number in (1, 2)]
    parts = [submit(b"", esm_class=0x40, tlvs=((Tag.MESSAGE_PAYLOAD, piece),)) for piece in pieces]
    (pdu,) = await joined(tmp_path, parts)
    assert (pdu.short_message, pdu.tlvs) == (b"partpart", ())


@pytest.mark.parametrize(
    ("text", "encoding", "data_coding", "keys", "coding", "codec"),
    [
        ("naïve café " * 20, "latin-1", 3, {}, 8, "utf-16-be"),  # GSM 03.38 has no ï
        ("café à la carte " * 20, "latin-1", 3, {"data_codings": [0, 3, 8]}, 3, "latin-1"),
        ("plain text " * 20, "latin-1", 0, {"data_codings": [3]}, 3, "latin-1"),
        ("Дверь открыта. " * 20, "cp1251", 0, {}, 8, "utf-16-be"),
        ("Дверь открыта. " * 20, "utf-8", 0, {}, 8, "utf-16-be"),
        ("Дверь открыта. " * 20, "gsm", 6, {}, 8, "utf-16-be"),
        ("plain text " * 20, "gsm", 8, {"profile": "sms-assistent"}, 8, "utf-16-be"),
    ],
)
async def test_long_texts_in_the_codings_of_both_sides(
    tmp_path: Path, text: str, encoding: str, data_coding: int, keys: dict[str, Any], coding: int, codec: str
) -> None:
    parts = cut(encode_text(text, data_coding, encoding), 133, data_coding=data_coding)
    pdus = await joined(tmp_path, parts, account={"default_encoding": encoding}, **keys)
    assert {pdu.data_coding for pdu in pdus} == {coding}
    assert b"".join(told_in(pdu)[1] for pdu in pdus).decode(codec) == text
