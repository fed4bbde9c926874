"""GSM 03.38: the alphabets against other people's tables, texts exact both ways, septets packed and not."""

from typing import Any

import gsmcodecs  # noqa: F401  # registers its codecs
import pytest
from aiosmpplib.codec import GSM7BitPackedCodec
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.smpp.gsm import (
    LANGUAGES,
    LONG,
    decode_gsm,
    encode_gsm,
    pack_septets,
    unpack_septets,
    without_padding,
)
from tests.support.system.vectors import vectors

IDENTIFIERS = [0, *LANGUAGES.values()]
CODES = [code for code in range(0x80) if code != 0x1B]
INDIA = range(4, 14)  # and Pakistan
# Where gsmcodecs 1.0 is wrong or silent: an apostrophe for the comma, the letter of 0x3D in 0x24 too; no euro
OTHERWISE = {
    **{(identifier, "locking", 0x2C): "," for identifier in INDIA},
    (LANGUAGES["kannada"], "locking", 0x24): "\u0ca1",
    (LANGUAGES["telugu"], "single", 0x65): "€",
}

septets = st.binary(max_size=330).map(lambda octets: bytes(octet & 0x7F for octet in octets))


def known(identifier: int, kind: str, code: int) -> str | None:
    """What gsmcodecs reads there; None where it refuses."""
    octets, name = (
        (bytes((code,)), f"{identifier}-0") if kind == "locking" else (b"\x1b%c" % code, f"0-{identifier}")
    )
    try:
        return octets.decode(f"gsm23.038-{name}")
    except UnicodeDecodeError:
        return None


def ours(identifier: int, kind: str, code: int) -> str | None:
    try:
        if kind == "locking":
            return decode_gsm(bytes((code,)), identifier, 0)
        return decode_gsm(b"\x1b%c" % code, 0, identifier)
    except UnicodeDecodeError:
        return None


def alphabet(locking: int, single: int) -> list[str]:
    """Every character that can be written."""
    pairs = [bytes((code,)) for code in CODES] + [b"\x1b%c" % code for code in CODES]
    found = []
    for octets in pairs:
        try:
            found.append(decode_gsm(octets, locking, single))
        except UnicodeDecodeError:
            continue
    return found


@pytest.mark.parametrize("kind", ["locking", "single"])
@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_the_tables_are_those_of_others(identifier: int, kind: str) -> None:
    for code in CODES:
        expected = OTHERWISE.get((identifier, kind, code), known(identifier, kind, code))
        assert ours(identifier, kind, code) == expected, hex(code)


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_the_other_codec_says_something_of_every_language(identifier: int) -> None:
    assert sum(known(identifier, "locking", code) is not None for code in CODES) > 100
    assert sum(known(identifier, "single", code) is not None for code in CODES) >= 10


@pytest.mark.parametrize(
    ("octets", "locking", "single", "expected"),
    [
        (b"\x00\x11\x5f\x1b\x65", 0, 0, "@_§€"),
        (b"\x40\x0b\x0c\x60\x07", 1, 0, "İĞğçı"),
        (b"S\x1bSs\x1bs", 0, 1, "SŞsş"),
        (b"Espa\x7da \x1ba\x1b\x41", 0, 2, "España áÁ"),
        (b"\x1e\x0b\x7b\x16\x1b\x12", 3, 3, "ÊÔã^Φ"),
        (bytes.fromhex("3c3d3e"), 6, 0, "\u0929\u092a\u092b"),
        (bytes.fromhex("00041b1c1b41"), 13, 13, "\u0627\u0680\u06f0A"),
        (b"\x04\x1b\x65", 2, 0, "è€"),  # Spanish has no alphabet of its own
        (b"\x04\x1b\x65", 200, 99, "è€"),  # identifiers that nobody has given yet
    ],
)
def test_national_texts(octets: bytes, locking: int, single: int, expected: str) -> None:
    assert decode_gsm(octets, locking, single) == expected
    if locking < 100:
        assert encode_gsm(expected, locking, single) == octets


@pytest.mark.parametrize(
    ("octets", "place"),
    [
        (b"\x80", 0),
        (b"ab\xe9", 2),
        (b"ab\x1b", 2),
        (b"ab\x1bA", 2),
        (b"\x1b\x1be", 0),
        (b"\x1b\x80", 0),
        (b"\x1be\xff", 2),
        (b"a\x1beb\x1b(c\xff", 7),
        (b"a\x1beb\x1b", 4),
    ],
)
def test_what_is_no_gsm_is_refused_where_it_stands(octets: bytes, place: int) -> None:
    with pytest.raises(UnicodeDecodeError) as error:
        decode_gsm(octets)
    assert error.value.start == place


def test_a_code_that_a_language_leaves_out_is_refused() -> None:
    assert decode_gsm(b"\x0b", LANGUAGES["gujarati"]) == "\u0a8c"
    with pytest.raises(UnicodeDecodeError):
        decode_gsm(b"\x0b", LANGUAGES["punjabi"])
    with pytest.raises(UnicodeDecodeError):
        decode_gsm(b"\x1bA")
    assert decode_gsm(b"\x1bA", 0, LANGUAGES["spanish"]) == "Á"


def test_the_default_alphabet() -> None:
    characters = alphabet(0, 0)
    assert len(characters) == len(set(characters)) == 127 + 10
    for missing in "`ÁçŁПt\u0301\x1b\0\ufffe":
        assert (encode_gsm(missing) is None) == (missing != "t")


@given(st.data(), st.sampled_from(IDENTIFIERS), st.sampled_from(IDENTIFIERS))
def test_every_text_of_an_alphabet_is_read_as_it_was_written(
    data: st.DataObject, locking: int, single: int
) -> None:
    text = data.draw(st.text(st.sampled_from(alphabet(locking, single)), max_size=200))
    octets = encode_gsm(text, locking, single)
    assert octets is not None
    assert decode_gsm(octets, locking, single) == text


@given(st.binary(max_size=100), st.integers(0, 255), st.integers(0, 255))
def test_arbitrary_octets_are_text_or_refused(octets: bytes, locking: int, single: int) -> None:
    try:
        text = decode_gsm(octets, locking, single)
    except UnicodeDecodeError as error:
        assert 0 <= error.start < len(octets)
    else:
        assert encode_gsm(text, locking, single) is not None


@given(st.binary(max_size=100))
def test_what_can_be_read_writes_the_same_octets(octets: bytes) -> None:
    try:
        text = decode_gsm(octets)
    except UnicodeDecodeError:
        return
    assert encode_gsm(text) == octets


# --- septets in octets -----------------------------------------------------------------------------


def packed_by_others(octets: bytes) -> bytes:
    packed: bytes = GSM7BitPackedCodec().encode(decode_gsm(octets), "strict")[0]
    return packed


@given(st.text(st.sampled_from(alphabet(0, 0)), max_size=170))
def test_packed_as_others_do(text: str) -> None:
    octets = encode_gsm(text)
    assert octets is not None
    packed = pack_septets(octets)
    if len(octets) % 8 == 7:  # seven spare bits: they leave 0 there, which readers take for "@"
        assert packed[:-1] == packed_by_others(octets)[:-1]
        assert packed[-1] >> 1 == 0x0D
    elif octets and len(octets) % 8 == 0 and octets[-1] in (0x00, 0x0D):
        assert packed == packed_by_others(octets + b"\r")
    else:
        assert packed == packed_by_others(octets)


@given(septets, st.integers(0, 40))
def test_packed_septets_are_unpacked(octets: bytes, header: int) -> None:
    unpacked = unpack_septets(pack_septets(octets, header), header)
    ends_like_padding = octets[-1:] in (b"\x00", b"\r")
    assert unpacked == octets or (ends_like_padding and unpacked == octets + b"\r")


@given(septets, st.integers(1, 40))
def test_fill_bits_lead_to_a_septet_border(octets: bytes, header: int) -> None:
    in_front = bytes(-(-header * 8 // 7))  # as many septets as the header takes room for
    if octets:
        assert pack_septets(octets, header) == pack_septets(in_front + octets)[header:]


@given(st.binary(max_size=200), st.integers(0, 255))
def test_any_octets_are_unpacked(octets: bytes, header: int) -> None:
    unpacked = unpack_septets(octets, header)
    assert len(octets) * 8 // 7 - len(unpacked) in (0, 1)
    assert max(unpacked, default=0) < 0x80


@pytest.mark.parametrize(
    ("octets", "header", "packed"),
    [
        (b"1234567", 0, "31d98c56b3dd1a"),  # CR in seven spare bits, that nobody reads an "@" there
        (b"1234567\x00", 0, "31d98c56b3dd000d"),  # an "@" that ends with an octet would be taken for padding
        (b"1234567\r", 0, "31d98c56b3dd1a0d"),  # so would a CR
        (b"12345678", 0, "31d98c56b3dd70"),  # nothing else
        (b"123456\x00", 0, "31d98c56b3011a"),  # an "@" inside an octet
        (b"123456\r", 0, "31d98c56b3351a"),
        (b"\x00", 6, "000d"),  # behind a header the border is elsewhere: this one ends with an octet
        (b"\r", 6, "1a0d"),
        (b"1", 6, "62"),
        (b"12345678", 6, "62b219ad66bbe11a"),  # seven spare bits
        (b"123456\x00", 6, "62b219ad660300"),  # two spare bits
    ],
)
def test_a_text_that_ends_like_padding_gets_a_cr(octets: bytes, header: int, packed: str) -> None:
    """3GPP 23.038 §6.1.2.3.1."""
    assert pack_septets(octets, header).hex() == packed


@pytest.mark.parametrize(
    ("octets", "header", "expected"),
    [
        ("31d98c56b3dd00", 0, b"1234567"),  # seven spare bits, all of them 0
        ("31d98c56b3dd1a", 0, b"1234567"),  # and with CR in them
        ("31d98c56b3dd70", 0, b"12345678"),
        ("3100", 0, b"1\x00"),  # an "@" where two bits are spare
        ("62", 6, b"1"),  # one fill bit
        ("31", 7, b"1"),  # a header of 7 octets ends at a border
        ("", 0, b""),
        ("", 6, b""),
        ("00", 0, b"\x00"),
    ],
)
def test_padding_and_fill_bits(octets: str, header: int, expected: bytes) -> None:
    assert unpack_septets(bytes.fromhex(octets), header) == expected


@given(st.binary(max_size=200), st.integers(0, 255))
def test_padding_is_taken_off_once_and_not_where_more_follows(octets: bytes, header: int) -> None:
    all_of_it = unpack_septets(octets, header, more=True)
    assert len(all_of_it) == max(len(octets) * 8 - (-header * 8 % 7), 0) // 7
    without = without_padding(all_of_it, header)
    assert without == unpack_septets(octets, header)
    assert without_padding(without, header) == without


def test_what_is_no_septet_is_not_packed() -> None:
    with pytest.raises(ValueError, match="7 bits"):
        pack_septets(b"a\x80")


def test_shared_vectors(subtests: pytest.Subtests) -> None:
    for vector in vectors("gsm7packed"):
        with subtests.test(vector["name"]):
            check(vector)


def check(vector: dict[str, Any]) -> None:
    octets, text = bytes.fromhex(vector["hex"]), vector["expect"]["text"]
    unpacked = unpack_septets(octets)
    assert decode_gsm(unpacked) == text
    if len(unpacked) % 8 != 7:  # there the spare bits may differ
        assert pack_septets(unpacked) == octets


def test_a_long_text_is_written_once_for_all_its_recipients() -> None:
    """Each recipient of a submit_multi has a copy of it."""
    text, copy = ("ab" * LONG for _ in range(2))
    octets = encode_gsm(text)
    assert octets == b"ab" * LONG
    assert encode_gsm(copy) is octets
    assert encode_gsm("ж" * 2 * LONG) is None
    assert encode_gsm("ş" * 2 * LONG) is None
    assert encode_gsm("ş" * 2 * LONG, single=1) == b"\x1b\x73" * 2 * LONG
