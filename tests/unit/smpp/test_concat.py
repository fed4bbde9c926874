"""Long messages as parts: headers read as meant, nothing lost, nothing cut that belongs together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.smpp.concat import (
    MAX_PARTS,
    PART_OCTETS,
    PART_SEPTETS,
    SINGLE_OCTETS,
    SINGLE_SEPTETS,
    Concat,
    Header,
    has_ports,
    header,
    port_element,
    ports_among,
    read_header,
    read_sar,
    split_characters,
    split_octets,
)
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.gsm import encode_gsm
from smppbridge.smpp.text import encode_text, parts
from smppbridge.smpp.tlv import Tlv, tlv, write_tlvs
from tests.support.system.vectors import vectors

WIDE_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=900)
ASTRAL_TEXT = st.text(st.sampled_from("ж😀𝔘"), max_size=900)
GSM_TEXT = st.text(st.sampled_from("aZ@ ä€[]{}^\\~|\f"), max_size=900)


WIDTHS = st.sampled_from([8, 16])


def septets(width: int) -> int:
    return 153 if width == 8 else 152


def test_a_header() -> None:
    assert header(0x1AB, 3, 2) == bytes.fromhex("0500 03ab 0302")
    assert header(0x301AB, 3, 2, width=16) == bytes.fromhex("0608 0401 ab03 02")


# --- reading ---------------------------------------------------------------------------------------


def read(octets: str) -> Header | None:
    return read_header(bytes.fromhex(octets) + b"text")


def test_headers_are_read() -> None:
    assert read("050003ab0302") == Header(bytes.fromhex("050003ab0302"), Concat(0xAB, 8, 3, 2))
    assert read("06080401ab0303") == Header(bytes.fromhex("06080401ab0303"), Concat(0x1AB, 16, 3, 3))
    assert read("00") == Header(b"\0")
    assert read("03240101") == Header(bytes.fromhex("03240101"), single=1)
    assert read("0625010324010d") == Header(bytes.fromhex("0625010324010d"), locking=3, single=13)
    assert read("06050423f40000") == Header(bytes.fromhex("06050423f40000"), foreign=True)
    with_ports = bytes.fromhex("0b0504158a00000003070201")
    assert read_header(with_ports) == Header(with_ports, Concat(7, 8, 2, 1), foreign=True)  # and no text


@pytest.mark.parametrize("octets", ["", "05", "0500", "050003ab03", "ff", "41424344"])
def test_what_reaches_past_the_message_is_no_header(octets: str) -> None:
    assert read_header(bytes.fromhex(octets)) is None


@pytest.mark.parametrize(
    ("octets", "concat"),
    [
        ("050003240000", None),  # no parts at all
        ("050003240300", None),  # numbers count from 1
        ("050003240304", None),
        ("0400020201", None),
        ("0600040c010201", None),
        ("050803240301", None),  # an 8-bit reference under the other identifier
        ("050003240101", Concat(0x24, 8, 1, 1)),
        ("050003ffffff", Concat(0xFF, 8, 255, 255)),
        ("0b00032403010804abcd0302", Concat(0xABCD, 16, 3, 2)),
        ("0b0804abcd03020003240301", Concat(0x24, 8, 3, 1)),
        ("09000324030100032404", Concat(0x24, 8, 3, 1)),
        ("0b00032403010804abcd0300", Concat(0x24, 8, 3, 1)),  # the last one that makes sense
        ("0700032403012402", Concat(0x24, 8, 3, 1)),  # an element that runs past the header
        ("060003240301ff", Concat(0x24, 8, 3, 1)),  # one without a length
        ("02ff00", None),
    ],
)
def test_elements_that_make_no_sense_are_ignored(octets: str, concat: Concat | None) -> None:
    found = read(octets)
    assert found is not None
    assert found.concat == concat


def test_languages_that_are_not_said_in_one_octet_are_ignored() -> None:
    assert read("09240103240025020101") == Header(bytes.fromhex("09240103240025020101"), single=3)
    ends_early = bytes.fromhex("0700032403012401")  # what would be the language is text
    assert read_header(ends_early + b"\3text") == Header(ends_early, Concat(0x24, 8, 3, 1))
    assert read("06240103240101") == Header(bytes.fromhex("06240103240101"), single=1)


@given(st.binary(max_size=200))
def test_any_octets_are_read(octets: bytes) -> None:
    found = read_header(octets)
    if found is None:
        assert not octets or octets[0] >= len(octets)
        return
    assert octets.startswith(found.octets)
    assert len(found.octets) == 1 + octets[0]
    if found.concat is not None:
        assert 1 <= found.concat.number <= found.concat.total <= MAX_PARTS


@given(st.integers(0, 0xFFFF), st.integers(1, 255), st.integers(1, 255), WIDTHS)
def test_headers_are_read_as_they_are_written(reference: int, total: int, number: int, width: int) -> None:
    head = header(reference, total, min(number, total), width=width)
    assert read_header(head) == Header(
        head, Concat(reference & (1 << width) - 1, width, total, min(number, total))
    )


def sar(reference: int | bytes = 7, total: int | bytes = 3, number: int | bytes = 2) -> tuple[Tlv, ...]:
    return (
        tlv(Tag.SAR_MSG_REF_NUM, reference),
        tlv(Tag.SAR_TOTAL_SEGMENTS, total),
        tlv(Tag.SAR_SEGMENT_SEQNUM, number),
    )


def test_sar_is_read() -> None:
    assert read_sar(sar(0xABCD, 255, 255)) == Concat(0xABCD, 0, 255, 255)
    assert read_sar((tlv(Tag.USER_MESSAGE_REFERENCE, 1), *reversed(sar()))) == Concat(7, 0, 3, 2)
    assert read_sar((*sar(), *sar(8, 4, 4))) == Concat(7, 0, 3, 2)  # of a repeated one the first
    assert read_sar(sar(b"\x07", b"\0\3", b"\0\0\2")) == Concat(7, 0, 3, 2)  # widths do not matter


@pytest.mark.parametrize(
    "tlvs",
    [
        (),
        sar()[1:],
        sar()[:2],
        (sar()[0], sar()[2]),
        sar(7, 1, 1),
        sar(7, 0, 0),
        sar(7, 3, 0),
        sar(7, 3, 4),
        sar(7, b"\1\0", 1),
        sar(b"\1\0\0", 3, 1),
        sar(b"\1" * 100, 3, 1),
        sar(b"", 3, 1),
    ],
)
def test_sar_that_makes_no_sense_is_ignored(tlvs: tuple[Tlv, ...]) -> None:
    assert read_sar(tlvs) is None


# --- ports -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tlvs", "element"),
    [
        ((tlv(Tag.DESTINATION_PORT, 2948), tlv(Tag.SOURCE_PORT, 9200)), "05040B8423F0"),  # WAP push
        ((tlv(Tag.DESTINATION_PORT, 5555),), "050415B30000"),
        ((tlv(Tag.SOURCE_PORT, 1),), "050400000001"),
        ((tlv(Tag.DESTINATION_PORT, 1), tlv(Tag.DESTINATION_PORT, 2)), "050400010000"),
        ((tlv(Tag.DESTINATION_PORT, 0), tlv(Tag.SOURCE_PORT, 0)), ""),
        (((Tag.DESTINATION_PORT, b"\1\0\0"),), ""),  # more than a port has
        (((Tag.DESTINATION_PORT, b""),), ""),
        ((), ""),
    ],
)
def test_ports(tlvs: tuple[Tlv, ...], element: str) -> None:
    assert port_element(tlvs) == bytes.fromhex(element) == ports_among(write_tlvs(tlvs))


def test_no_ports() -> None:
    assert ports_among(None) == b""


@pytest.mark.parametrize(
    ("octets", "told"),
    [("06050415B3000041", True), ("0404021514", True), ("0500030102014141", False), ("0041", False)],
)
def test_whether_a_header_has_ports(octets: str, told: bool) -> None:
    assert has_ports(bytes.fromhex(octets)) == told


# --- cutting ---------------------------------------------------------------------------------------


@given(st.one_of(WIDE_TEXT, ASTRAL_TEXT), WIDTHS)
def test_utf_16(text: str, width: int) -> None:
    octets = text.encode("utf-16-be")
    pieces = split_octets(octets, wide=True, width=width)
    assert b"".join(pieces) == octets
    assert "".join(piece.decode("utf-16-be") for piece in pieces) == text  # strict: no pair is cut
    most = 134 if width == 8 else 132
    if len(octets) <= SINGLE_OCTETS:
        assert len(pieces) == 1
    else:
        assert all(most - 2 <= len(piece) <= most for piece in pieces[:-1])
        assert 0 < len(pieces[-1]) <= most


@given(GSM_TEXT, WIDTHS)
def test_gsm(text: str, width: int) -> None:
    octets = encode_gsm(text)
    assert octets is not None
    pieces = split_octets(octets, wide=False, width=width)
    assert b"".join(pieces) == octets
    assert not any(piece.endswith(b"\x1b") for piece in pieces)
    if width == 8:
        assert len(pieces) == parts(text)
    if len(octets) <= SINGLE_SEPTETS:
        assert len(pieces) == 1
    else:
        assert all(septets(width) - 1 <= len(piece) <= septets(width) for piece in pieces[:-1])
        assert 0 < len(pieces[-1]) <= septets(width)


def test_what_just_fits_one_message() -> None:
    assert split_octets(b"x" * 160, wide=False) == [b"x" * 160]
    assert list(map(len, split_octets(b"x" * 161, wide=False))) == [153, 8]
    assert list(map(len, split_octets(b"\x04\x10" * 70, wide=True))) == [140]
    assert list(map(len, split_octets(b"\x04\x10" * 71, wide=True))) == [134, 8]
    assert split_octets(b"", wide=False) == [b""]
    assert split_octets(b"x" * 160, wide=False, width=16) == [b"x" * 160]
    assert list(map(len, split_octets(b"x" * 161, wide=False, width=16))) == [152, 9]
    assert list(map(len, split_octets(b"\x04\x10" * 71, wide=True, width=16))) == [132, 10]


def test_what_is_not_cut() -> None:
    escape = b"x" * 152 + b"\x1be" + b"y" * 10
    assert list(map(len, split_octets(escape, wide=False))) == [152, 12]
    assert list(map(len, split_octets(escape[1:], wide=False, width=16))) == [151, 12]
    smile = ("ж" * 66 + "😀" + "ж" * 10).encode("utf-16-be")
    assert list(map(len, split_octets(smile, wide=True))) == [132, 24]
    assert list(map(len, split_octets(smile[2:], wide=True, width=16))) == [130, 24]


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
    assert list(map(len, split_characters(b"\x1b" * 141, utf8=False, width=16))) == [133, 8]
    assert list(map(len, split_characters(b"\x80" * 141, utf8=True))) == [134, 7]
    assert len(split_characters(b"x" * PART_OCTETS * 256, utf8=False)) == MAX_PARTS


# --- what others found ------------------------------------------------------------------------------


def test_shared_vectors(subtests: pytest.Subtests) -> None:
    for vector in vectors("udh"):
        with subtests.test(vector["name"]):
            check_header(vector)
    for vector in vectors("split"):
        with subtests.test(vector["name"]):
            check_split(vector)


def check_header(vector: dict[str, Any]) -> None:
    octets, expect = bytes.fromhex(vector["hex"]), vector["expect"]
    found = read_header(octets)
    if "error" in expect:
        assert found is None
        return
    assert found is not None
    concat = found.concat and {
        "ref": found.concat.reference,
        "total": found.concat.total,
        "seq": found.concat.number,
    }
    wanted = expect["concat"]
    if wanted and "bits" in wanted:
        assert found.concat is not None
        assert found.concat.width == wanted["bits"]
        wanted = {name: value for name, value in wanted.items() if name != "bits"}
    assert concat == wanted


def check_split(vector: dict[str, Any]) -> None:
    expect, coding, width = vector["expect"], vector["data_coding"], vector.get("ref_bits", 8)
    char, count = vector.get("text_repeat", (vector.get("text"), 1))
    octets = encode_text(char * count, coding, "gsm")
    pieces = split_octets(octets, wide=coding == 8, width=width)
    assert (b"".join(pieces) == octets) != ("error" in expect)
    if "ref" in vector:
        heads = (header(vector["ref"], len(pieces), at, width=width) for at in range(1, len(pieces) + 1))
        written = [head + piece for head, piece in zip(heads, pieces, strict=True)]
        assert [part.hex() for part in written] == expect["parts"]
    elif "error" not in expect:
        assert len(pieces) == expect["parts"]
    if "septets_per_part" in expect:
        assert list(map(len, pieces)) == expect["septets_per_part"]
