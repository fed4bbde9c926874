"""Long messages as parts: the user data header (3GPP 23.040 §9.2.3.24), the sar_* TLVs, and where to cut.

Must not know: who sends them, what data_coding an account reads.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice, pairwise
from typing import NamedTuple

from smppbridge.smpp.constants import Tag
from smppbridge.smpp.tlv import Tlv, tlv_value

SINGLE_OCTETS, SINGLE_SEPTETS = 140, 160
PART_OCTETS = 134  # of 140, beside a header with an 8-bit reference
PART_SEPTETS = 153  # of 160
MAX_PARTS = 255
_ESCAPE = 0x1B  # of GSM 03.38

_CONCAT_8, _CONCAT_16 = 0x00, 0x08
_SINGLE_SHIFT, _LOCKING_SHIFT = 0x24, 0x25
_SAR = frozenset({Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM})


class Concat(NamedTuple):
    """Which part of which message this is. ``total`` 1..255, ``number`` 1..``total``."""

    reference: int
    width: int  # bits of the reference: 8 or 16; 0: it came in sar_* TLVs
    total: int
    number: int


class Header(NamedTuple):
    """A user data header. National language identifiers are 0 where nothing was said."""

    octets: bytes  # all of it, with its length octet
    concat: Concat | None = None
    locking: int = 0  # language of the alphabet (element 0x25, 3GPP 23.038 §6.2.1.2)
    single: int = 0  # language of the extension table (element 0x24)
    foreign: bool = False  # it has other elements too: ports, pictures


def read_header(octets: bytes) -> Header | None:
    """The header at the start of a short message that is said to have one; None where it has none.

    That is when its length octet is missing or reaches past the message, which is plain text then. Of
    several elements that say the same the last counts. Ignored are elements of the wrong length and parts
    that cannot be (number 0, number above the total); an element that runs past the header ends the reading.
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
    """Identifiers and data of the elements of a header; one that runs past it is left out."""
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
    """What the sar_* TLVs say (SMPP 3.4 §5.3.2.22-24); None unless all three are there and make sense.

    Of a repeated one the first counts. A message in one part needs no joining: None.
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


def header(reference: int, total: int, number: int, *, width: int = 8) -> bytes:
    """The user data header of part ``number`` (from 1) of ``total``; ``width``: bits of the reference."""
    if width == 16:
        return bytes((6, _CONCAT_16, 4, reference >> 8 & 0xFF, reference & 0xFF, total, number))
    return bytes((5, _CONCAT_8, 3, reference & 0xFF, total, number))


def split_octets(octets: bytes, *, wide: bool, width: int = 8) -> list[bytes]:
    """``octets`` in pieces that fit one short message each; just one where all fit.

    ``wide``: UTF-16, whose units and surrogate pairs are not cut: 140 octets, or 134 each. Else one octet per
    septet, where an escape of GSM 03.38 is not cut from what follows: 160 or 153. ``width``: bits of the
    reference; with 16 a part holds 132 octets of UTF-16 or 152 septets. At most MAX_PARTS; what is longer is
    cut off.
    """
    return _split(octets, _room(wide, width))


def count_octets(octets: bytes, *, wide: bool) -> int:
    """How many pieces `split_octets` would make of ``octets`` if there could be any number of them."""
    room = _room(wide, 8)
    return 1 if len(octets) <= room.single else sum(1 for _ in _ends(octets, room))


def split_characters(octets: bytes, *, utf8: bool, width: int = 8) -> list[bytes]:
    """Like `split_octets`, for codings that a phone does not get as septets: Latin-1 and its like.

    140 octets, or 134 each (133 with ``width`` 16). ``utf8``: characters of several octets are not cut.
    """
    before = _before_character if utf8 else _anywhere
    return _split(octets, _Room(SINGLE_OCTETS, _part_octets(width), before))


class _Room(NamedTuple):
    """How much short messages hold, in octets as they come here."""

    single: int  # where there is just one
    part: int
    end_of: Callable[[bytes, int], int]  # where a piece must end that would else end before `octets[end]`


@cache
def _room(wide: bool, width: int) -> _Room:
    size = _part_octets(width)
    if wide:
        return _Room(SINGLE_OCTETS, size & ~1, _before_surrogate)
    return _Room(SINGLE_SEPTETS, size * 8 // 7, _before_escape)


def _part_octets(width: int) -> int:
    """Octets beside a header with a reference of so many bits."""
    return PART_OCTETS if width == 8 else PART_OCTETS - 1


def _split(octets: bytes, room: _Room) -> list[bytes]:
    if len(octets) <= room.single:
        return [octets]
    ends = list(islice(_ends(octets, room), MAX_PARTS))
    return [octets[start:end] for start, end in pairwise([0, *ends])]


def _ends(octets: bytes, room: _Room) -> Iterator[int]:
    """Where each piece ends, of octets that do not fit one short message."""
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
    """A character of UTF-8 has one octet, then up to three that begin with the bits 10."""
    return next((at for at in range(end, end - 4, -1) if octets[at] & 0xC0 != 0x80), end)


def _anywhere(octets: bytes, end: int) -> int:
    return end
