"""Long messages in parts: the user data header (3GPP 23.040 §9.2.3.24), the sar_* TLVs, and where to cut."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice, pairwise
from typing import NamedTuple

from smppbridge.smpp.constants import Tag
from smppbridge.smpp.tlv import Tlv, read_tlvs, tlv_value

SINGLE_OCTETS, SINGLE_SEPTETS = 140, 160
PART_OCTETS = 134  # of 140, beside a header with an 8-bit reference
PART_SEPTETS = 153  # of 160
MAX_PARTS = 255
_ESCAPE = 0x1B  # of GSM 03.38

_CONCAT_8, _CONCAT_16 = 0x00, 0x08
_SINGLE_SHIFT, _LOCKING_SHIFT = 0x24, 0x25
_PORTS_8, _PORTS_16 = 0x04, 0x05  # application port addressing
_SAR = frozenset({Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM})


class Concat(NamedTuple):
    """Which part of which message a short message is."""

    reference: int  # the same in all parts of a message
    width: int  # bits of the reference: 8 or 16; 0: it came in sar_* TLVs
    total: int  # parts of the message, 1..255
    number: int  # of this part, 1..`total`


class Header(NamedTuple):
    """A user data header."""

    octets: bytes  # the whole header, with its length octet
    concat: Concat | None = None
    locking: int = 0  # language of the alphabet (element 0x25, 3GPP 23.038 §6.2.1.2); 0: none given
    single: int = 0  # language of the extension table (element 0x24); 0: none given
    foreign: bool = False  # whether it has other elements, such as ports or pictures


def read_header(octets: bytes) -> Header | None:
    """The user data header at the start of a short message whose esm_class announces one.

    1. None when the length octet is missing or reaches past the message. The message is plain text then.
    2. Of several elements of one kind the last one counts.
    3. Elements of the wrong length are ignored, and so are part numbers of 0 or above the total.
    4. An element that runs past the header ends the reading.
    """
    if not octets or octets[0] >= len(octets):
        return None
    header = octets[: 1 + octets[0]]
    concat, locking, single, foreign = None, 0, 0, False
    for element, data in elements(header):
        if element in {_CONCAT_8, _CONCAT_16}:
            concat = _concat(element, data) or concat
        elif element == _SINGLE_SHIFT:
            single = data[0] if len(data) == 1 else single
        elif element == _LOCKING_SHIFT:
            locking = data[0] if len(data) == 1 else locking
        else:
            foreign = True
    return Header(header, concat, locking, single, foreign)


def elements(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Identifier and data of each element of a header. An element that runs past the header is left out."""
    at = 1
    while at + 2 <= len(octets):
        after = at + 2 + octets[at + 1]
        if after > len(octets):
            return
        yield octets[at], octets[at + 2 : after]
        at = after


def _concat(element: int, data: bytes) -> Concat | None:
    width = 8 if element == _CONCAT_8 else 16
    if len(data) != width // 8 + 2:
        return None
    total, number = data[-2], data[-1]
    return Concat(int.from_bytes(data[:-2], "big"), width, total, number) if 1 <= number <= total else None


def read_sar(tlvs: Sequence[Tlv]) -> Concat | None:
    """The part that the sar_* TLVs describe (SMPP 3.4 §5.3.2.22-24).

    None when one of the three is missing or makes no sense, and for a message of one part. Of a repeated TLV
    the first one counts.
    """
    found: dict[int, object] = {}
    for tag, octets in tlvs:
        if tag in _SAR and tag not in found:
            found[tag] = tlv_value(tag, octets)
    reference = found.get(Tag.SAR_MSG_REF_NUM)
    total, number = found.get(Tag.SAR_TOTAL_SEGMENTS), found.get(Tag.SAR_SEGMENT_SEQNUM)
    if not (isinstance(reference, int) and isinstance(total, int) and isinstance(number, int)):
        return None
    if reference > 0xFFFF or not 1 < total <= MAX_PARTS or not 1 <= number <= total:
        return None
    return Concat(reference, 0, total, number)


def port_element(tlvs: Sequence[Tlv]) -> bytes:
    """The element of a user data header that says what source_port and destination_port say (SMPP 3.4
    §5.3.2.20-21, 3GPP 23.040 §9.2.3.24.4): one that is not there is 0. b"" where neither names a port."""
    found: dict[int, int] = {}
    for tag, octets in tlvs:
        if tag in {Tag.SOURCE_PORT, Tag.DESTINATION_PORT}:
            value = tlv_value(tag, octets)
            found.setdefault(tag, value if isinstance(value, int) and value <= 0xFFFF else 0)
    if not any(found.values()):
        return b""
    ports = (found.get(tag, 0).to_bytes(2, "big") for tag in (Tag.DESTINATION_PORT, Tag.SOURCE_PORT))
    return bytes((_PORTS_16, 4)) + b"".join(ports)


def ports_among(raw: bytes | None) -> bytes:
    """The same of optional parameters as they are stored."""
    return port_element(read_tlvs(raw, 0, tolerant=True)) if raw else b""


def has_ports(octets: bytes) -> bool:
    """Whether a user data header addresses an application."""
    return any(element in {_PORTS_8, _PORTS_16} for element, _ in elements(octets[: 1 + octets[0]]))


def header(reference: int, total: int, number: int, *, width: int = 8) -> bytes:
    """The user data header of part ``number`` (from 1) of ``total``. ``width``: bits of the reference."""
    if width == 16:
        return bytes((6, _CONCAT_16, 4, reference >> 8 & 0xFF, reference & 0xFF, total, number))
    return bytes((5, _CONCAT_8, 3, reference & 0xFF, total, number))


def split_octets(octets: bytes, *, wide: bool, width: int = 8) -> list[bytes]:
    """``octets`` in pieces that fit one short message each. A single piece where all fit one message.

    1. ``wide``: UTF-16. 140 octets fit one message, or 134 each of several. Surrogate pairs are not cut.
    2. Else GSM 03.38, one octet per septet: 160, or 153 each. An escape stays with the octet behind it.
    3. ``width``: bits of the reference. With 16 a part holds 132 octets of UTF-16, or 152 septets.

    There are at most MAX_PARTS pieces. The rest of a longer text is dropped.
    """
    return _split(octets, _room(wide, width))


def count_octets(octets: bytes, *, wide: bool) -> int:
    """How many pieces `split_octets` would make of ``octets`` without the limit of MAX_PARTS."""
    room = _room(wide, 8)
    return 1 if len(octets) <= room.single else sum(1 for _ in _ends(octets, room))


def split_characters(octets: bytes, *, utf8: bool, width: int = 8) -> list[bytes]:
    """Like `split_octets`, for codings that phones do not get as septets, such as Latin-1.

    140 octets fit one message, or 134 each of several (133 with ``width`` 16). ``utf8``: characters of
    several octets are not cut.
    """
    before = _before_character if utf8 else _anywhere
    return _split(octets, _Room(SINGLE_OCTETS, _part_octets(width), before))


class _Room(NamedTuple):
    """How many octets short messages hold."""

    single: int  # a message of its own
    part: int  # one part of several
    end_of: Callable[[bytes, int], int]  # moves the end of a piece back, so that no character is cut


@cache
def _room(wide: bool, width: int) -> _Room:
    size = _part_octets(width)
    if wide:
        return _Room(SINGLE_OCTETS, size & ~1, _before_surrogate)
    return _Room(SINGLE_SEPTETS, size * 8 // 7, _before_escape)


def _part_octets(width: int) -> int:
    """Octets that fit beside a header whose reference has ``width`` bits."""
    return PART_OCTETS if width == 8 else PART_OCTETS - 1


def _split(octets: bytes, room: _Room) -> list[bytes]:
    if len(octets) <= room.single:
        return [octets]
    ends = list(islice(_ends(octets, room), MAX_PARTS))
    return [octets[start:end] for start, end in pairwise([0, *ends])]


def _ends(octets: bytes, room: _Room) -> Iterator[int]:
    """The end of each piece, for octets that do not fit one short message."""
    _, part, end_of = room
    end, length = part, len(octets)
    while end < length:
        end = end_of(octets, end)
        yield end
        end += part
    yield length


def _before_surrogate(octets: bytes, end: int) -> int:
    return end - 2 if octets[end - 2] & 0xFC == 0xD8 else end


def _before_escape(octets: bytes, end: int) -> int:
    return end - 1 if octets[end - 1] == _ESCAPE else end


def _before_character(octets: bytes, end: int) -> int:
    """In UTF-8, up to three octets that begin with the bits 10 belong to the octet before them."""
    return next((at for at in range(end, end - 4, -1) if octets[at] & 0xC0 != 0x80), end)


def _anywhere(octets: bytes, end: int) -> int:
    return end
