"""Text codecs: exact both ways, and Refused with the right status for everything that is not text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.errors import Refused
from smppbridge.smpp import text as codec
from smppbridge.smpp.text import (
    Flavour,
    choose_coding,
    decode_gsm,
    decode_text,
    encode_gsm,
    encode_text,
    flavour,
    parts,
)
from tests.support.vectors import vectors

NOT_TEXT, BAD_TEXT = 0x4A3, 0x4A5
GSM_ALPHABET = "".join(decode_gsm(bytes((code,))) for code in range(0x80) if code != 0x1B) + "^{}\\[~]|€\f"
CODINGS = [(0, default) for default in codec.DEFAULTS] + [(1, "gsm"), (3, "gsm"), (8, "gsm")]

unicode_text = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("octets", "data_coding", "default", "expected"),
    [
        (b"caf\xe9 \xfc", 3, "gsm", "café ü"),
        (b"caf\xe9", 0, "latin-1", "café"),
        (b"caf\x05", 0, "gsm", "café"),
        (b"\x00\x11\x5f", 0, "gsm", "@_§"),
        (b"\x1b\x65\x1b\x3c\x1b\x0a", 0, "gsm", "€[\f"),
        (b"plain", 1, "gsm", "plain"),
        (b"plain", 0, "ascii", "plain"),
        ("Привет".encode("cp1251"), 0, "cp1251", "Привет"),
        ("Привет €".encode(), 0, "utf-8", "Привет €"),
        (bytes.fromhex("041f044004380432"), 8, "gsm", "Прив"),
        (bytes.fromhex("d83dde00"), 8, "gsm", "😀"),
        (bytes.fromhex("feff0041"), 8, "gsm", "A"),
        (bytes.fromhex("0041feff"), 8, "gsm", "A\ufeff"),
        (b"", 8, "gsm", ""),
        (b"", 0, "gsm", ""),
    ],
)
def test_decodes(octets: bytes, data_coding: int, default: str, expected: str) -> None:
    assert decode_text(octets, data_coding, default) == expected


def test_control_characters_arrive_as_sent() -> None:
    assert decode_text(b"a\0\x07\r\n\0", 3, "gsm") == "a\0\x07\r\n\0"
    assert decode_text(bytes.fromhex("00410000"), 8, "gsm") == "A\0"


@pytest.mark.parametrize(
    ("octets", "data_coding", "default", "status"),
    [
        (b"\x80", 1, "latin-1", NOT_TEXT),
        (b"\xff", 0, "ascii", NOT_TEXT),
        (b"ok\x80", 0, "gsm", NOT_TEXT),
        (b"12345\x1b", 0, "gsm", NOT_TEXT),
        (b"12345\x1b\x00", 0, "gsm", NOT_TEXT),
        (b"\x1b\x1b\x65", 0, "gsm", NOT_TEXT),
        (b"\x98", 0, "cp1251", NOT_TEXT),
        (b"\xc3(", 0, "utf-8", NOT_TEXT),
        (bytes.fromhex("d83d0041"), 8, "gsm", NOT_TEXT),
        (bytes.fromhex("0041de00"), 8, "gsm", NOT_TEXT),
        (bytes.fromhex("004100"), 8, "gsm", BAD_TEXT),
        (b"\x00", 8, "gsm", BAD_TEXT),
        *[(b"A", data_coding, "gsm", NOT_TEXT) for data_coding in (2, 4, 5, 6, 7, 0x10, 0x18, 0xF5, 0xFF)],
    ],
)
def test_refuses(octets: bytes, data_coding: int, default: str, status: int) -> None:
    with pytest.raises(Refused) as refused:
        decode_text(octets, data_coding, default)
    assert refused.value.status == status


def test_reason_names_the_place_but_never_the_text() -> None:
    with pytest.raises(Refused) as refused:
        decode_text(b"secret \x1b\x01", 0, "gsm")
    assert "octet 7" in refused.value.reason
    assert "secret" not in refused.value.reason


@given(st.binary(max_size=200), st.integers(0, 255), st.sampled_from(sorted(codec.DEFAULTS)))
def test_arbitrary_octets_are_text_or_refused(octets: bytes, data_coding: int, default: str) -> None:
    try:
        decode_text(octets, data_coding, default).encode("utf-8")
    except Refused as refused:
        assert refused.status in (NOT_TEXT, BAD_TEXT)


@given(unicode_text, st.sampled_from(CODINGS))
def test_what_can_be_written_reads_the_same(text: str, coding: tuple[int, str]) -> None:
    data_coding, default = coding
    try:
        octets = encode_text(text, data_coding, default)
    except ValueError:
        return
    expected = text.removeprefix("\ufeff") if data_coding == 8 else text
    assert decode_text(octets, data_coding, default) == expected


@given(st.binary(max_size=200), st.sampled_from(CODINGS))
def test_what_can_be_read_writes_the_same_octets(octets: bytes, coding: tuple[int, str]) -> None:
    data_coding, default = coding
    try:
        text = decode_text(octets, data_coding, default)
    except Refused:
        return
    expected = octets.removeprefix(b"\xfe\xff") if data_coding == 8 else octets
    assert encode_text(text, data_coding, default) == expected


@given(st.text(GSM_ALPHABET))
def test_gsm_alphabet_round_trip(text: str) -> None:
    octets = encode_gsm(text)
    assert octets is not None
    assert decode_gsm(octets) == text


@given(st.binary(max_size=100))
def test_decode_gsm_raises_refused_only(octets: bytes) -> None:
    try:
        text = decode_gsm(octets)
    except Refused as refused:
        assert refused.status == NOT_TEXT
    else:
        assert encode_gsm(text) == octets


def test_the_whole_alphabet() -> None:
    assert len(GSM_ALPHABET) == len(set(GSM_ALPHABET)) == 127 + 10
    for missing in "`ÁçŁПt\u0301\x1b\0":
        assert (encode_gsm(missing) is None) == (missing != "t")


def test_encode_text_says_what_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="GSM"):
        encode_text("Привет", 0, "gsm")
    with pytest.raises(ValueError, match="data_coding 4"):
        encode_text("A", 4, "gsm")
    with pytest.raises(ValueError, match="ordinal"):
        encode_text("é", 1, "gsm")


def test_choose_coding() -> None:
    assert choose_coding("café") == (3, b"caf\xe9")
    assert choose_coding("да 😀") == (8, bytes.fromhex("043404300020d83dde00"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 153 * 255, 255),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("€" * 100, 2),
        ("€" * 152, 2),  # 76 in a part: the 153rd septet stays empty
        ("€" * 153, 3),
        ("a" + "€" * 152, 2),  # with one septet in front they fill the first part
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),  # 33 in a part: the 67th unit stays empty
        ("😀" * 67, 3),
        ("я" + "😀" * 66, 2),
    ],
)
def test_parts(text: str, expected: int) -> None:
    assert parts(text) == expected


@given(st.one_of(st.text(GSM_ALPHABET, max_size=700), st.text("я😀", max_size=300)))
def test_parts_agrees_with_a_split_character_by_character(text: str) -> None:
    gsm = encode_gsm(text) is not None
    sizes = [len(encode_gsm(char) or b"") if gsm else len(char.encode("utf-16-be")) // 2 for char in text]
    single, part = (160, 153) if gsm else (70, 67)
    count, room = 1, single if sum(sizes) <= single else part
    for size in sizes:
        if size > room:
            count, room = count + 1, part
        room -= size
    assert parts(text) == count


def test_shared_vectors(subtests: pytest.Subtests) -> None:
    for vector in vectors("gsm7", "charset"):
        with subtests.test(vector["name"]):
            check(vector)


def check(vector: dict[str, Any]) -> None:
    expect, octets = vector["expect"], bytes.fromhex(vector["hex"])
    data_coding = 8 if vector["command"] == "ucs2" else 0
    if expect.get("encodable") is False:
        assert encode_gsm(vector["text"]) is None
    elif "error" in expect:
        with pytest.raises(Refused):
            decode_text(octets, data_coding, "gsm")
    else:
        assert decode_text(octets, data_coding, "gsm") == expect["text"]
        assert encode_text(expect["text"], data_coding, "gsm") == octets
        assert len(octets) == expect.get("septets", len(octets))


# --- what a data_coding says besides its alphabet ----------------------------------------------------

BINARY = {0x02, 0x04, 0x14, 0x15, 0x16, 0x17, 0xF4, 0xF5, 0xF6, 0xF7}
WITH_CLASS = {
    **dict.fromkeys((0x10, 0x11, 0x12, 0x13, 0xF0, 0xF1, 0xF2, 0xF3), 0),
    **dict.fromkeys((0x18, 0x19, 0x1A, 0x1B), 8),
}
FLASH = {0x10, 0x18, 0xF0}  # class 0; the others are for the phone, the card and the terminal


@pytest.mark.parametrize("data_coding", range(256))
def test_flavours(data_coding: int) -> None:
    alphabet = None if data_coding in BINARY else WITH_CLASS.get(data_coding, data_coding)
    assert flavour(data_coding) == Flavour(alphabet, data_coding in FLASH)
