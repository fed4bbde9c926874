"""Texts that need several short messages: where they are cut, and that nothing is lost."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smppbridge.errors import Refused
from smppbridge.providers.upstream.wire import Wire
from smppbridge.smpp.codec import encode
from smppbridge.smpp.gsm import encode_gsm
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.text import decode_text
from tests.support.builders.messages import draft
from tests.unit.providers.upstream.samples import (
    PLAIN,
    REFERENCE,
    assistent,
    options,
    pieces_of,
    refusal,
    sar_tlvs,
    submits,
    text_of,
)

DEFAULTS = ["gsm", "latin-1", "ascii", "cp1251", "utf-8"]


@pytest.mark.parametrize(
    ("text", "codings", "default", "lengths"),
    [
        ("x" * 160, [0], "gsm", [160]),
        ("x" * 161, [0], "gsm", [153, 8]),
        ("x" * 152 + "€" + "y" * 10, [0], "gsm", [152, 12]),
        ("й" * 70, [8], "gsm", [140]),
        ("й" * 71, [8], "gsm", [134, 8]),
        ("й" * 66 + "😀" + "й" * 9, [8], "gsm", [132, 22]),
        ("x" * 140, [3], "gsm", [140]),
        ("x" * 141, [3], "gsm", [134, 7]),
        ("x" * 141, [1], "gsm", [134, 7]),
        ("x" * 141, [0], "latin-1", [134, 7]),
        ("x" * 133 + "й" * 10, [0], "utf-8", [133, 20]),
    ],
)
@pytest.mark.parametrize("long", ["udh", "sar", "payload"])
def test_long_texts(text: str, codings: list[int], default: str, lengths: list[int], long: str) -> None:
    pdus = submits(options(long=long, data_codings=codings, default_encoding=default), text=text)
    total = len(lengths)
    if total == 1 or long == "payload":
        assert list(map(len, pieces_of(pdus))) == [sum(lengths)]
        assert [(pdu.esm_class, len(pdu.tlvs)) for pdu in pdus] == [(0, total - 1)]
        return
    assert list(map(len, pieces_of(pdus))) == lengths
    for number, pdu in enumerate(pdus, 1):
        if long == "udh":
            assert (pdu.esm_class, pdu.tlvs) == (0x40, ())
            assert pdu.short_message[:6] == bytes((5, 0, 3, 0xAB, total, number))
        else:
            assert (pdu.esm_class, pdu.tlvs) == (0, sar_tlvs(REFERENCE, total, number))


@pytest.mark.parametrize(
    ("text", "coding", "default", "lengths"),
    [
        ("é" * 160, 3, "gsm", [160]),
        ("x" * 161, 3, "gsm", [153, 8]),
        ("ç" + "x" * 139, 3, "gsm", [140]),
        ("ç" + "x" * 140, 3, "gsm", [134, 7]),  # no letter of GSM 03.38
        ("[" * 80, 3, "gsm", [80]),
        ("x" * 152 + "[" + "y" * 10, 3, "gsm", [152, 11]),  # a character of two septets is not cut
        ("x" * 161, 1, "gsm", [153, 8]),
        ("x" * 161, 0, "latin-1", [153, 8]),
        ("x" * 161, 0, "cp1251", [153, 8]),
        ("x" * 161, 0, "utf-8", [134, 27]),
    ],
)
def test_long_texts_that_the_smsc_sends_in_septets(
    text: str, coding: int, default: str, lengths: list[int]
) -> None:
    pdus = submits(options(parts="septets", data_codings=[coding], default_encoding=default), text=text)
    assert list(map(len, pieces_of(pdus))) == lengths
    assert text_of(pdus, default) == text
    assert {pdu.data_coding for pdu in pdus} == {coding}


@pytest.mark.parametrize(("length", "lengths"), [(160, [160]), (306, [153, 153])])
def test_sms_assistent_sends_in_septets(length: int, lengths: list[int]) -> None:
    pdus = submits(assistent(), text="x" * length, data_coding=3)
    assert list(map(len, pieces_of(pdus))) == lengths


@pytest.mark.parametrize(
    ("text", "codings", "default", "lengths"),
    [
        ("x" * 160, [0], "gsm", [160]),
        ("x" * 161, [0], "gsm", [152, 9]),
        ("x" * 151 + "€" + "y" * 10, [0], "gsm", [151, 12]),
        ("й" * 70, [8], "gsm", [140]),
        ("й" * 71, [8], "gsm", [132, 10]),
        ("й" * 65 + "😀" + "й" * 9, [8], "gsm", [130, 22]),
        ("x" * 141, [3], "gsm", [133, 8]),
        ("x" * 132 + "й" * 10, [0], "utf-8", [132, 20]),
    ],
)
def test_long_texts_with_16_bit_references(
    text: str, codings: list[int], default: str, lengths: list[int]
) -> None:
    pdus = submits(options(long="udh16", data_codings=codings, default_encoding=default), text=text)
    assert list(map(len, pieces_of(pdus))) == lengths
    if len(lengths) == 1:
        assert pdus[0].esm_class == 0
        return
    for number, pdu in enumerate(pdus, 1):
        assert (pdu.esm_class, pdu.tlvs) == (0x40, ())
        assert pdu.short_message[:7] == bytes((6, 8, 4, 1, 0xAB, len(lengths), number))


@pytest.mark.parametrize(
    ("text", "codings", "most"),
    [
        *(("x" * 1531, [0], 10), ("й" * 671, [0, 8], 10), ("x" * 1341, [3], 10), ("x" * 161, [0], 1)),
        *(("й" * 71, [8], 1), ("x" * 39016, [0], 255), ("😀" * 34 * 254, [8], 255), ("x" * 70_000, [0], 255)),
    ],
)
@pytest.mark.parametrize("long", ["udh", "udh16", "sar", "payload"])
def test_texts_that_are_too_long_are_refused(text: str, codings: list[int], most: int, long: str) -> None:
    own = options(max_parts=most, data_codings=codings, long=long)
    assert refusal(own, text=text, data_coding=codings[0]) == 0x4A5


_LETTERS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=900)
_FEW = st.text(st.sampled_from("aZ@[]{}^\\~|€éжЙ😀\f\n"), min_size=1, max_size=900)
_GSM = st.text(st.sampled_from("aZ@[]^|€é"), min_size=1, max_size=900)
_ASCII = st.text(st.characters(codec="ascii"), min_size=1, max_size=900)


@given(
    _LETTERS | _FEW | _GSM | _ASCII,
    st.integers(0, 255),
    st.lists(st.sampled_from([0, 1, 3, 8]), min_size=1, unique=True),
    st.sampled_from(DEFAULTS),
    st.sampled_from(["udh", "udh16", "sar", "payload"]),
    st.sampled_from(["data_coding", "subunit", "none"]),
    st.integers(1, 12),
    st.booleans(),
    st.sampled_from(["octets", "septets"]),
)
@example("😀" * 900, 8, [8], "gsm", "udh", "none", 255, False, "octets")
@example("😀" * 330, 8, [8], "gsm", "udh16", "none", 10, False, "octets")  # 33 in a part, none left over
def test_no_text_is_lost_or_altered(
    text: str,
    own: int,
    codings: list[int],
    default: str,
    long: str,
    how: str,
    most: int,
    flash: bool,
    cut: str,
) -> None:
    keys = {"data_codings": codings, "default_encoding": default, "long": long, "flash": how, "parts": cut}
    smsc = options(max_parts=most, **keys)
    try:
        pdus = submits(smsc, text=text, data_coding=own, flash=flash)
    except Refused as refused:
        with pytest.raises(Refused) as checked:
            Wire(smsc).check(draft(text=text, data_coding=own))
        assert checked.value.status == refused.status
        return
    Wire(smsc).check(draft(text=text, data_coding=own))
    assert len(pdus) <= most
    assert text_of(pdus, default) == text
    for pdu, piece in zip(pdus, pieces_of(pdus), strict=True):
        encode(pdu)
        octets = {"udh": 6, "udh16": 7}.get(long, 0) if len(pdus) > 1 else 0
        length = (
            septets_of(pdu, piece, default) if cut == "septets" and encode_gsm(text) is not None else None
        )
        if PLAIN[pdu.data_coding] == 0 and default == "gsm":
            length = len(piece)
        fits = octets + len(piece) <= 140 if length is None else -(-octets * 8 // 7) + length <= 160
        assert fits or long == "payload"


def septets_of(pdu: SubmitSm, piece: bytes, default: str) -> int | None:
    """How many septets an SMSC makes of Latin-1 and ASCII; None for other codings."""
    coding = PLAIN[pdu.data_coding]
    if coding == 8 or (coding == 0 and default == "utf-8"):
        return None
    return len(encode_gsm(decode_text(piece, coding, default)) or b"")
