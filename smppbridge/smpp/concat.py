"""Long messages as parts with a user data header (3GPP 23.040 §9.2.3.24.1).

Must not know: who sends them, what data_coding an account reads.
"""

from collections.abc import Callable, Iterator
from itertools import islice

PART_OCTETS = 134  # of 140, beside a header with an 8-bit reference
PART_SEPTETS = 153  # of 160
SINGLE_OCTETS, SINGLE_SEPTETS = 140, 160
MAX_PARTS = 255
_ESCAPE = 0x1B  # of GSM 03.38


def header(reference: int, total: int, number: int) -> bytes:
    """The user data header of part ``number`` (from 1) of ``total``, with an 8-bit reference."""
    return bytes((5, 0, 3, reference & 0xFF, total, number))


def split_octets(octets: bytes, *, wide: bool) -> list[bytes]:
    """``octets`` in pieces that fit one short message each; just one where all fit.

    ``wide``: UTF-16, whose units and surrogate pairs are not cut; else one octet per septet, where an escape
    of GSM 03.38 is not cut from what follows. At most MAX_PARTS; what is longer is cut off.
    """
    if wide:
        return _split(octets, SINGLE_OCTETS, PART_OCTETS, _before_surrogate)
    return _split(octets, SINGLE_SEPTETS, PART_SEPTETS, _before_escape)


def split_characters(octets: bytes, *, utf8: bool) -> list[bytes]:
    """Like `split_octets`, for codings that a phone does not get as septets: Latin-1 and its like.

    140 octets, or 134 each. ``utf8``: characters of several octets are not cut.
    """
    return _split(octets, SINGLE_OCTETS, PART_OCTETS, _before_character if utf8 else _anywhere)


def _split(octets: bytes, single: int, size: int, end_of: Callable[[bytes, int], int]) -> list[bytes]:
    if len(octets) <= single:
        return [octets]
    return list(islice(_pieces(octets, size, end_of), MAX_PARTS))


def _pieces(octets: bytes, size: int, end_of: Callable[[bytes, int], int]) -> Iterator[bytes]:
    """``end_of(octets, end)``: where a piece must end that would else end before ``octets[end]``."""
    start = 0
    while start < len(octets):
        end = start + size
        if end < len(octets):
            end = end_of(octets, end)
        yield octets[start:end]
        start = end


def _before_surrogate(octets: bytes, end: int) -> int:
    return end - 2 if octets[end - 2] & 0xFC == 0xD8 else end


def _before_escape(octets: bytes, end: int) -> int:
    return end - 1 if octets[end - 1] == _ESCAPE else end


def _before_character(octets: bytes, end: int) -> int:
    """A character of UTF-8 has one octet, then up to three that begin with the bits 10."""
    return next((at for at in range(end, end - 4, -1) if octets[at] & 0xC0 != 0x80), end)


def _anywhere(octets: bytes, end: int) -> int:
    return end
