"""Long messages as parts: nothing lost, nothing cut that belongs together."""

from hypothesis import given
from hypothesis import strategies as st

from smppbridge.smpp.concat import (
    MAX_PARTS,
    PART_OCTETS,
    PART_SEPTETS,
    SINGLE_OCTETS,
    SINGLE_SEPTETS,
    header,
    split_characters,
    split_octets,
)
from smppbridge.smpp.text import encode_gsm, parts

WIDE_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=900)
ASTRAL_TEXT = st.text(st.sampled_from("ж😀𝔘"), max_size=900)
GSM_TEXT = st.text(st.sampled_from("aZ@ ä€[]{}^\\~|\f"), max_size=900)


def test_a_header() -> None:
    assert header(0x1AB, 3, 2) == bytes.fromhex("0500 03ab 0302")


@given(st.one_of(WIDE_TEXT, ASTRAL_TEXT))
def test_utf_16(text: str) -> None:
    octets = text.encode("utf-16-be")
    pieces = split_octets(octets, wide=True)
    assert b"".join(pieces) == octets
    assert "".join(piece.decode("utf-16-be") for piece in pieces) == text  # strict: no pair is cut
    if len(octets) <= SINGLE_OCTETS:
        assert len(pieces) == 1
    else:
        assert all(PART_OCTETS - 2 <= len(piece) <= PART_OCTETS for piece in pieces[:-1])
        assert 0 < len(pieces[-1]) <= PART_OCTETS


@given(GSM_TEXT)
def test_gsm(text: str) -> None:
    octets = encode_gsm(text)
    assert octets is not None
    pieces = split_octets(octets, wide=False)
    assert b"".join(pieces) == octets
    assert not any(piece.endswith(b"\x1b") for piece in pieces)
    assert len(pieces) == parts(text)
    if len(octets) <= SINGLE_SEPTETS:
        assert len(pieces) == 1
    else:
        assert all(PART_SEPTETS - 1 <= len(piece) <= PART_SEPTETS for piece in pieces[:-1])
        assert 0 < len(pieces[-1]) <= PART_SEPTETS


def test_what_just_fits_one_message() -> None:
    assert split_octets(b"x" * 160, wide=False) == [b"x" * 160]
    assert list(map(len, split_octets(b"x" * 161, wide=False))) == [153, 8]
    assert list(map(len, split_octets(b"\x04\x10" * 70, wide=True))) == [140]
    assert list(map(len, split_octets(b"\x04\x10" * 71, wide=True))) == [134, 8]
    assert split_octets(b"", wide=False) == [b""]


def test_what_is_not_cut() -> None:
    escape = b"x" * 152 + b"\x1be" + b"y" * 10
    assert list(map(len, split_octets(escape, wide=False))) == [152, 12]
    smile = ("ж" * 66 + "😀" + "ж" * 10).encode("utf-16-be")
    assert list(map(len, split_octets(smile, wide=True))) == [132, 24]


def test_what_no_header_can_count_is_cut_off() -> None:
    assert len(split_octets(b"x" * PART_SEPTETS * 256, wide=False)) == MAX_PARTS


@given(st.text(st.sampled_from("aж€😀"), max_size=900))
def test_utf_8(text: str) -> None:
    octets = text.encode()
    pieces = split_characters(octets, utf8=True)
    assert "".join(piece.decode() for piece in pieces) == text  # strict: no character is cut
    if len(octets) <= SINGLE_OCTETS:
        assert pieces == [octets]
    else:
        assert all(PART_OCTETS - 3 <= len(piece) <= PART_OCTETS for piece in pieces[:-1])
        assert 0 < len(pieces[-1]) <= PART_OCTETS


@given(st.binary(max_size=900), st.booleans())
def test_octets_that_are_no_text_are_split_all_the_same(octets: bytes, utf8: bool) -> None:
    assert b"".join(split_characters(octets, utf8=utf8)) == octets


def test_latin_1() -> None:
    assert split_characters(b"\x1b" * 140, utf8=False) == [b"\x1b" * 140]
    assert list(map(len, split_characters(b"\x1b" * 141, utf8=False))) == [134, 7]
    assert list(map(len, split_characters(b"\x80" * 141, utf8=True))) == [134, 7]
    assert len(split_characters(b"x" * PART_OCTETS * 256, utf8=False)) == MAX_PARTS
