"""Text codecs: exact both ways, and Refused with the right status for everything that is not text."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.errors import Refused
from smppbridge.smpp.gsm import LANGUAGES, LONG, decode_gsm, encode_gsm
from smppbridge.smpp.text import (
    ENCODINGS,
    Flavour,
    _parts_of_long,
    choose_coding,
    decode_text,
    encode_text,
    flavour,
    parts,
)
from tests.support.system.vectors import vectors

NOT_TEXT, BAD_TEXT = 0x4A3, 0x4A5
GSM_ALPHABET = "".join(decode_gsm(bytes((code,))) for code in range(0x80) if code != 0x1B) + "^{}\\[~]|€\f"
CODINGS = [(0, default) for default in ENCODINGS] + [(coding, "gsm") for coding in (1, 3, 6, 7, 8)]
UCS2 = {(8, "gsm"), (0, "ucs2"), (0, "ucs2-le")}

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
        (b"\xbf\xe0\xd8\xd2\xd5\xe2 \xf0", 6, "gsm", "Привет №"),
        (b"\xf9\xec\xe5\xed", 7, "gsm", "שלום"),
        (b"\xbf\xe0\xd8\xd2\xd5\xe2", 0, "iso-8859-5", "Привет"),
        (b"\xf9\xec\xe5\xed", 0, "iso-8859-8", "שלום"),
        (b"\xf0\xd2\xc9\xd7\xc5\xd4", 0, "koi8-r", "Привет"),
        (b"\x8f\xe0\xa8\xa2\xa5\xe2", 0, "cp866", "Привет"),
        (bytes.fromhex("041f0440d83dde00"), 0, "ucs2", "Пр😀"),
        (bytes.fromhex("1f0440043dd800de"), 0, "ucs2-le", "Пр😀"),
        (bytes.fromhex("fffe4100"), 0, "ucs2-le", "A"),
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
        (b"A", 0, "ucs2-le", BAD_TEXT),
        (bytes.fromhex("3dd84100"), 0, "ucs2-le", NOT_TEXT),
        (b"\xa1", 7, "gsm", NOT_TEXT),
        (b"ok\xff", 0, "iso-8859-8", NOT_TEXT),
        *[(b"A", data_coding, "gsm", NOT_TEXT) for data_coding in (2, 4, 5, 9, 0x10, 0x18, 0xF5, 0xFF)],
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


@given(st.binary(max_size=200), st.integers(0, 255), st.sampled_from(sorted(ENCODINGS)))
def test_arbitrary_octets_are_text_or_refused(octets: bytes, data_coding: int, default: str) -> None:
    try:
        decode_text(octets, data_coding, default).encode("utf-8")
    except Refused as refused:
        assert refused.status in (NOT_TEXT, BAD_TEXT)


@cache
def alphabet(coding: tuple[int, str]) -> list[str]:
    """Every character of the first planes that the coding has."""
    found = []
    for code in (*range(0x3000), 0xFFFD, 0x1F600):
        try:
            encode_text(chr(code), *coding)
        except ValueError:
            continue
        found.append(chr(code))
    return found


@cache
def texts(coding: tuple[int, str]) -> st.SearchStrategy[str]:
    """Made once for all examples: a strategy looks at its whole alphabet."""
    return st.text(st.sampled_from(alphabet(coding)), max_size=200)


def test_alphabets_are_as_large_as_their_codings() -> None:
    sizes = {coding: len(alphabet(coding)) for coding in CODINGS}
    assert sizes[(0, "gsm")] == 127 + 10
    assert sizes[(0, "ascii")] == sizes[(1, "gsm")] == 128
    assert sizes[(3, "gsm")] == sizes[(6, "gsm")] == sizes[(0, "koi8-r")] == sizes[(0, "cp866")] == 256
    assert sizes[(0, "cp1251")] == 255
    assert sizes[(7, "gsm")] == 220
    assert all(sizes[wide] == 0x3000 + 2 for wide in [*UCS2, (0, "utf-8")])


@pytest.mark.parametrize("coding", CODINGS, ids=str)
@given(data=st.data())
def test_every_text_of_an_alphabet_is_read_as_it_was_written(
    data: st.DataObject, coding: tuple[int, str]
) -> None:
    text = data.draw(texts(coding))
    assert decode_text(encode_text(text, *coding), *coding) == text


@given(st.binary(max_size=200), st.sampled_from(CODINGS))
def test_what_can_be_read_writes_the_same_octets(octets: bytes, coding: tuple[int, str]) -> None:
    data_coding, default = coding
    try:
        text = decode_text(octets, data_coding, default)
    except Refused:
        return
    mark = "\ufeff" if coding in UCS2 else ""  # it says how to read the octets, and is no part of the text
    assert encode_text(text, data_coding, default) in (
        octets,
        octets.removeprefix(encode_text(mark, *coding)),
    )


def test_national_languages_matter_for_gsm_only() -> None:
    turkish = LANGUAGES["turkish"]
    assert decode_text(b"\x40\x1bS", 0, "gsm", locking=turkish, single=turkish) == "İŞ"
    assert decode_text(b"\x40S", 0, "gsm", locking=turkish) == "İS"
    assert decode_text(b"\x40\x1bS", 0, "gsm", single=turkish) == "¡Ş"
    assert decode_text(b"\x40S", 0, "latin-1", locking=turkish, single=turkish) == "@S"
    assert decode_text(b"\x40S", 3, "gsm", locking=turkish, single=turkish) == "@S"


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


@pytest.mark.parametrize(("char", "part"), [("a", 153), ("€", 76), ("я", 67), ("😀", 33)])
def test_parts_of_long_texts(char: str, part: int) -> None:
    text, copy = (char * 2 * LONG for _ in range(2))
    assert parts(text) == -(-len(text) // part)
    before = _parts_of_long.cache_info().hits
    assert parts(copy) == parts(text)
    assert _parts_of_long.cache_info().hits == before + 2


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

BINARY = {0x02, 0x04, *range(0x14, 0x18), *range(0xF4, 0xF8)}
GSM = {0x00, *range(0x10, 0x14), *range(0xC0, 0xE0), *range(0xF0, 0xF4)}
WIDE = {0x08, *range(0x18, 0x1C), *range(0xE0, 0xF0)}
PLAIN = {0x01, 0x03, 0x06, 0x07}
FLASH = {0x10, 0x18, 0xF0}  # class 0; the others are for the phone, the card and the terminal


@pytest.mark.parametrize("data_coding", range(256))
def test_what_a_data_coding_stands_for(data_coding: int) -> None:
    alphabet, flash = flavour(data_coding)
    assert flash == (data_coding in FLASH)
    if data_coding in BINARY:
        assert alphabet is None
    elif data_coding in GSM | WIDE | PLAIN:
        assert alphabet == (0 if data_coding in GSM else 8 if data_coding in WIDE else data_coding)
        assert decode_text("AB".encode("utf-16-be" if alphabet == 8 else "ascii"), alphabet, "gsm") == "AB"
    else:
        assert alphabet is not None
        with pytest.raises(Refused) as refused:
            decode_text(b"AB", alphabet, "gsm")
        assert refused.value.status == NOT_TEXT
    assert flavour(data_coding + 256) == Flavour(alphabet, flash)
