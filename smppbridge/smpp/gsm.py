"""GSM 03.38 <-> str with the national language tables, and septets packed into octets (3GPP 23.038 §6).

Texts are exact both ways: nothing is replaced or guessed. Must not know: data_coding, accounts, PDUs.
"""

from codecs import charmap_decode, charmap_encode
from functools import cache
from typing import NamedTuple

from smppbridge.smpp import gsm_tables
from smppbridge.smpp.gsm_tables import LOCKING, NONE, SINGLE

LANGUAGES = gsm_tables.LANGUAGES

ESCAPE = 0x1B
_ESCAPE = b"\x1b"
_CR = 0x0D
_PADDINGS = (b"\x00", b"\x0d")


class _Alphabet(NamedTuple):
    """The default alphabet, or that of a language; `NONE` for what has no character."""

    basic: str  # the character of septet 0x00..0x7F, `NONE` for the escape
    extension: dict[bytes, str]  # the character of the septet after an escape
    octets: dict[int, bytes]  # of each code point that can be written


@cache
def _alphabet(locking: int, single: int) -> _Alphabet:
    """A language without a table of its own, or that nobody knows, has the default one."""
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
    """The text of unpacked GSM 03.38, one septet per octet; ``locking``, ``single``: of LANGUAGES, else 0.

    Raises UnicodeDecodeError for octets above 0x7F, and for an escape that is last or leads to a code without
    a character. A phone would show some other character there; a gateway that did so would alter the text.
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
    """``text`` in unpacked GSM 03.38, one octet per septet; None when a character is not in the alphabet."""
    alphabet = _of(locking, single) if locking or single else _DEFAULT
    try:
        return charmap_encode(text, "strict", alphabet.octets)[0]
    except UnicodeEncodeError:
        return None


def _of(locking: int, single: int) -> _Alphabet:
    """Of whatever a header said: numbers without a language have one alphabet, not one each."""
    return _alphabet(locking if locking in LOCKING else 0, single if single in SINGLE else 0)


# --- septets in octets -----------------------------------------------------------------------------


def unpack_septets(octets: bytes, header_octets: int = 0, *, more: bool = False) -> bytes:
    """One septet per octet of packed ones, 8 in 7 octets (3GPP 23.038 §6.1.2.1).

    ``header_octets``: how long the user data header in front of them is, with its length octet; fill bits
    lead from its end to the next septet border. ``more``: it is not the end of a text, so that nothing is
    taken for padding.
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
    """Unpacked septets, without the last one where it may be spare bits.

    Nobody tells how many septets there are: where the last one ends with an octet, and is 0 or CR, it counts
    as padding (§6.1.2.3.1), not as ``@`` or CR. What has lost it once loses no more.
    """
    fills_octets = (_fill(header_octets) + 7 * len(septets)) % 8 == 0
    return septets[:-1] if fills_octets and septets[-1:] in _PADDINGS else septets


def pack_septets(septets: bytes, header_octets: int = 0) -> bytes:
    """The octets that go behind a header of ``header_octets`` (see `unpack_septets`), spare bits 0.

    Seven spare bits hold a CR, which nobody takes for a character ``@`` (§6.1.2.3.1). For the same reason a
    CR is added where the text ends with an octet, and with CR or ``@``: readers may take that for padding.
    Raises ValueError for what is no septet.
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
    """Bits from the end of a header to the next septet border."""
    return -header_octets * 8 % 7


def _columns(octets: bytes, width: int) -> tuple[list[int], int, int]:
    """``octets`` in rows of ``width``: each column as a number, so that all rows are shifted at once.

    Also the number with a 1 in each octet of a column, and how many rows there are.
    """
    rows = -(-len(octets) // width)
    padded = octets.ljust(rows * width, b"\0")
    columns = [int.from_bytes(padded[at::width], "little") for at in range(width)]
    return columns, int.from_bytes(b"\1" * rows, "little"), rows
