"""Long messages as parts with a user data header (3GPP 23.040 §9.2.3.24.1).

Must not know: who sends them, what data_coding an account reads.
"""

from collections.abc import Callable, Iterator

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
    single, size = (SINGLE_OCTETS, PART_OCTETS) if wide else (SINGLE_SEPTETS, PART_SEPTETS)
    if len(octets) <= single:
        return [octets]
    pieces = list(_pieces(octets, size, _opens_surrogates if wide else _opens_escape, 2 if wide else 1))
    return pieces[:MAX_PARTS]


def _pieces(octets: bytes, size: int, opens_pair: Callable[[bytes], bool], unit: int) -> Iterator[bytes]:
    start = 0
    while start < len(octets):
        piece = octets[start : start + size]
        if start + size < len(octets) and opens_pair(piece):
            piece = piece[:-unit]
        yield piece
        start += len(piece)


def _opens_surrogates(piece: bytes) -> bool:
    return piece[-2] & 0xFC == 0xD8


def _opens_escape(piece: bytes) -> bool:
    return piece[-1] == _ESCAPE
