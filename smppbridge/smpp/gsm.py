"""GSM 03.38 <-> str with the national language tables, and septets packed into octets (3GPP 23.038 §6).

Texts are exact both ways: nothing is replaced or guessed.
"""

from codecs import charmap_decode, charmap_encode
from functools import cache, lru_cache
from typing import NamedTuple

from smppbridge.smpp import gsm_tables
from smppbridge.smpp.gsm_tables import LOCKING, NONE, SINGLE

LANGUAGES = gsm_tables.LANGUAGES

ESCAPE = 0x1B
_ESCAPE = b"\x1b"
_CR = 0x0D
_PADDINGS = (b"\x00", b"\x0d")
LONG = 1000  # characters; what longer texts come to is remembered for all their recipients and providers


class _Alphabet(NamedTuple):
    """The default alphabet, or the alphabet of a language."""

    basic: str  # the characters of septets 0x00..0x7F; `NONE` for the escape and where there is none
    extension: dict[bytes, str]  # the characters of septets after an escape
    octets: dict[int, bytes]  # how each code point is written


@cache
def _alphabet(locking: int, single: int) -> _Alphabet:
    """The alphabet of two languages. The default table stands for languages that have none."""
    basic = LOCKING.get(locking, LOCKING[0]).replace("\x1b", NONE)
    table = SINGLE.get(single, SINGLE[0])
    extension = {bytes((code,)): char for code, char in enumerate(table) if char != NONE}
    octets: dict[int, bytes] = {}
    for code, char in enumerate(basic):
        octets.setdefault(ord(char), bytes((code,)))
    for code_octet, char in extension.items():
        octets.setdefault(ord(char), _ESCAPE + code_octet)
    del octets[ord(NONE)]
    return _Alphabet(basic, extension, octets)


_DEFAULT = _alphabet(0, 0)


def decode_gsm(octets: bytes, locking: int = 0, single: int = 0) -> str:
    """The text of unpacked GSM 03.38, one septet per octet.

    ``locking``, ``single``: numbers of LANGUAGES for the alphabet and the extension table; 0 = the default.

    Raises UnicodeDecodeError for octets above 0x7F, and for an escape at the end or before a code without a
    character. Phones show some other character there, but a gateway must not alter a text.
    """
    alphabet = _of(locking, single) if locking or single else _DEFAULT
    if ESCAPE not in octets:
        return charmap_decode(octets, "strict", alphabet.basic)[0]
    return _decode_escaped(octets, alphabet)


def _decode_escaped(octets: bytes, alphabet: _Alphabet) -> str:
    basic, extension = alphabet.basic, alphabet.extension
    first, *runs = octets.split(_ESCAPE)
    at = 0
    try:
        found = [charmap_decode(first, "strict", basic)[0]]
        at = len(first)
        for run in runs:
            found.append(extension[run[:1]])
            at += 2
            if len(run) > 1:
                found.append(charmap_decode(run[1:], "strict", basic)[0])
                at += len(run) - 1
    except KeyError:
        raise UnicodeDecodeError("gsm", octets, at, at + 1, "unknown escape") from None
    except UnicodeDecodeError as error:
        at += error.start
        raise UnicodeDecodeError("gsm", octets, at, at + 1, error.reason) from None
    return "".join(found)


def encode_gsm(text: str, locking: int = 0, single: int = 0) -> bytes | None:
    """``text`` in unpacked GSM 03.38, one octet per septet. None when the alphabet lacks a character."""
    return (_encode_long if len(text) > LONG else _encode)(text, locking, single)


def _encode(text: str, locking: int, single: int) -> bytes | None:
    alphabet = _of(locking, single) if locking or single else _DEFAULT
    try:
        return charmap_encode(text, "strict", alphabet.octets)[0]
    except UnicodeEncodeError:
        return None


_encode_long = lru_cache(maxsize=4)(_encode)


def _of(locking: int, single: int) -> _Alphabet:
    """The alphabet for numbers from a header. Unknown numbers share one cached alphabet."""
    return _alphabet(locking if locking in LOCKING else 0, single if single in SINGLE else 0)


# --- septets in octets -----------------------------------------------------------------------------


def unpack_septets(octets: bytes, header_octets: int = 0, *, more: bool = False) -> bytes:
    """Unpack septets, 8 in 7 octets, into one septet per octet (3GPP 23.038 §6.1.2.1).

    ``header_octets``: octets of the user data header in front, with its length octet. Fill bits lead from its
    end to the next septet border. ``more``: the text goes on in another part, so there is no padding.
    """
    fill = _fill(header_octets)
    count = max(len(octets) * 8 - fill, 0) // 7
    aligned = (int.from_bytes(octets, "little") >> fill).to_bytes(len(octets), "little")
    columns, ones, rows = _columns(aligned, 7)
    septets = bytearray(8 * rows)
    for at in range(8):  # its low bits are the high ones of the octet before
        low = (columns[at - 1] >> (8 - at)) & (ones * (0x7F >> (7 - at))) if at else 0
        high = (columns[at] & (ones * (0x7F >> at))) << at if at < 7 else 0
        septets[at::8] = (low | high).to_bytes(rows, "little")
    del septets[count:]
    return bytes(septets) if more else without_padding(bytes(septets), header_octets)


def without_padding(septets: bytes, header_octets: int = 0) -> bytes:
    """Unpacked septets without padding at the end (3GPP 23.038 §6.1.2.3.1).

    The number of septets is not told. When the last septet ends with an octet and is 0 or CR, it counts as
    padding, and not as ``@`` or CR. A second call removes nothing more.
    """
    fills_octets = (_fill(header_octets) + 7 * len(septets)) % 8 == 0
    return septets[:-1] if fills_octets and septets[-1:] in _PADDINGS else septets


def pack_septets(septets: bytes, header_octets: int = 0) -> bytes:
    """Pack septets, one per octet, into octets behind a header of ``header_octets`` (see `unpack_septets`).

    Spare bits are 0, with two exceptions (3GPP 23.038 §6.1.2.3.1):

    1. Seven spare bits hold a CR: zeros would be read as ``@``.
    2. A CR is added when the last septet ends with an octet and is ``@`` or CR: it would count as padding.

    Raises ValueError for octets above 0x7F.
    """
    if not septets:
        return b""
    if max(septets) > 0x7F:
        raise ValueError("a septet has 7 bits")
    fill = _fill(header_octets)
    spare = -(fill + 7 * len(septets)) % 8
    if spare == 7 or (spare == 0 and septets[-1:] in _PADDINGS):
        septets += bytes((_CR,))
    columns, ones, rows = _columns(septets, 8)
    packed = bytearray(7 * rows)
    for at in range(7):  # its high bits are the low ones of the septet behind
        low = (columns[at] >> at) & (ones * (0x7F >> at))
        high = (columns[at + 1] & (ones * (0x7F >> (6 - at)))) << (7 - at)
        packed[at::7] = (low | high).to_bytes(rows, "little")
    length = -(-(fill + 7 * len(septets)) // 8)
    aligned = int.from_bytes(packed, "little") << fill
    return aligned.to_bytes(len(packed) + 1, "little")[:length]


def _fill(header_octets: int) -> int:
    """Bits from the end of the header to the next septet border."""
    return -header_octets * 8 % 7


def _columns(octets: bytes, width: int) -> tuple[list[int], int, int]:
    """``octets`` in rows of ``width``. Each column is one number, so all rows are shifted at once.

    Returns the columns, the number with a 1 in each octet of a column, and the number of rows.
    """
    rows = -(-len(octets) // width)
    padded = octets.ljust(rows * width, b"\0")
    columns = [int.from_bytes(padded[at::width], "little") for at in range(width)]
    return columns, int.from_bytes(b"\1" * rows, "little"), rows
