"""data_coding <-> str: what the octets of a message say (SMPP 3.4 §5.2.19, 3GPP 23.038).

Text must arrive exactly as it was sent, so nothing is ever replaced or guessed here: octets that have no
meaning in their coding are refused, and control characters (NUL too, which is ``@`` in GSM 03.38) are passed
on as they came. Must not know: accounts, providers, PDUs.
"""

import re
from codecs import charmap_decode, charmap_encode
from collections.abc import Callable
from typing import NamedTuple

from smppbridge.errors import Refused
from smppbridge.smpp.constants import Status

_ESCAPE = 0x1B
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""GSM 03.38 default alphabet: the character of septet 0x00..0x7F. 0x1B leads to the extension table."""

_EXTENSION = {
    "\n": "\f",
    "Λ": "^",
    "(": "{",
    ")": "}",
    "/": "\\",
    "<": "[",
    "=": "~",
    ">": "]",
    "¡": "|",
    "e": "€",
}
"""The extension table, by the basic character of the septet that follows the escape."""

_GSM_OCTETS: dict[int, bytes] = {
    **{ord(char): bytes((code,)) for code, char in enumerate(_BASIC) if code != _ESCAPE},
    **{ord(char): bytes((_ESCAPE, _BASIC.index(base))) for base, char in _EXTENSION.items()},
}
_ESCAPED = re.compile("\x1b(.?)", re.DOTALL)
_BYTE_ORDER_MARK = "\ufeff"

_SINGLE_SEPTETS, _PART_SEPTETS = 160, 153  # 140 octets; 134 of them beside a UDH with an 8-bit reference
_SINGLE_UNITS, _PART_UNITS = 70, 67


class Flavour(NamedTuple):
    """What a data_coding says besides its alphabet (3GPP 23.038 §4)."""

    alphabet: int | None  # the plain data_coding of the same text: 0 or 8; None = binary data
    flash: bool = False  # message class 0: shown at once, not kept


def flavour(data_coding: int) -> Flavour:
    """Which text or data a data_coding stands for, with or without a message class."""
    return _FLAVOURS[data_coding & 0xFF]


def decode_text(octets: bytes, data_coding: int, default: str) -> str:
    """The text of ``octets``; ``default`` names what data_coding 0 means for this peer (a key of DEFAULTS).

    Raises `Refused`: 0x4A5 for UCS-2 of odd length, 0x4A3 for any other octets that the coding does not
    define and for every data_coding except 0, 1, 3 and 8. The reason never quotes the text.
    """
    decoder = _DECODERS.get(data_coding) if data_coding else DEFAULTS[default]
    if decoder is None:
        raise Refused(Status.ESME_RINVENCODING, f"data_coding {data_coding} is not supported")
    try:
        return decoder(octets)
    except UnicodeDecodeError as error:
        name = f"{data_coding} ({default})" if data_coding == 0 else str(data_coding)
        reason = f"octet {error.start} is not text in data_coding {name}: {error.reason}"
        raise Refused(Status.ESME_RINVENCODING, reason) from None


def encode_text(text: str, data_coding: int, default: str) -> bytes:
    """The octets of ``text`` in data_coding 0 (as ``default`` says), 1, 3 or 8.

    Raises ValueError when the coding does not have one of the characters, or is none of these.
    """
    if data_coding == 0 and default == "gsm":
        octets = encode_gsm(text)
        if octets is None:
            raise ValueError("not every character is in the GSM 03.38 alphabet")
        return octets
    codec = default if data_coding == 0 else _CODECS.get(data_coding)
    if codec is None:
        raise ValueError(f"data_coding {data_coding} is not supported")
    return text.encode(codec)


def choose_coding(text: str) -> tuple[int, bytes]:
    """data_coding and octets that any SMSC reads alike: Latin-1 (3) where it suffices, else UCS-2 (8).

    Never 0, because its meaning differs between peers. Raises ValueError for a lone surrogate.
    """
    try:
        return 3, text.encode("latin-1")
    except UnicodeEncodeError:
        return 8, text.encode("utf-16-be")


def decode_gsm(octets: bytes) -> str:
    """The text of unpacked GSM 03.38, one septet per octet.

    Raises `Refused` (0x4A3) for octets above 0x7F, and for an escape that is last or leads to a code without
    a character. A phone would show some other character there; a gateway that did so would alter the text.
    """
    try:
        return _decode_gsm(octets)
    except UnicodeDecodeError as error:
        reason = f"octet {error.start} is not GSM 03.38: {error.reason}"
        raise Refused(Status.ESME_RINVENCODING, reason) from None


def encode_gsm(text: str) -> bytes | None:
    """``text`` in unpacked GSM 03.38, one octet per septet; None when a character is not in the alphabet."""
    try:
        return charmap_encode(text, "strict", _GSM_OCTETS)[0]
    except UnicodeEncodeError:
        return None


def parts(text: str) -> int:
    """How many short messages carry ``text``: 160 septets or 153 each, else 70 UTF-16 units or 67 each.

    Characters of the extension table count 2 septets; they and surrogate pairs are never cut (3GPP 23.040
    §9.2.3.24.1). At least 1; may exceed the 255 that a UDH can count. Raises ValueError for a lone surrogate.
    """
    octets = encode_gsm(text)
    if octets is not None:
        return _count(len(octets), _SINGLE_SEPTETS, _PART_SEPTETS, lambda last: octets[last] == _ESCAPE)
    units = text.encode("utf-16-be")
    return _count(len(units) // 2, _SINGLE_UNITS, _PART_UNITS, lambda last: units[2 * last] & 0xFC == 0xD8)


def _count(length: int, single: int, part: int, opens_pair: Callable[[int], bool]) -> int:
    """Parts of ``length`` units; ``opens_pair(i)`` says that unit i may not be the last of its part."""
    if length <= single:
        return 1
    count, end = 1, part
    while end < length:
        if opens_pair(end - 1):
            end -= 1
        count, end = count + 1, end + part
    return count


def _decode_gsm(octets: bytes) -> str:
    text = charmap_decode(octets, "strict", _BASIC)[0]
    if _ESCAPE not in octets:
        return text

    def extended(escape: re.Match[str]) -> str:
        char = _EXTENSION.get(escape[1])
        if char is None:
            raise UnicodeDecodeError("gsm", octets, escape.start(), escape.end(), "unknown escape")
        return char

    return _ESCAPED.sub(extended, text)


def _decode_ucs2(octets: bytes) -> str:
    """UTF-16, because phones have long put surrogate pairs into what SMPP calls UCS-2."""
    if len(octets) & 1:
        raise Refused(Status.ESME_RINVTEXT, "UCS-2 text has an odd number of octets")
    return str(octets, "utf-16-be").removeprefix(_BYTE_ORDER_MARK)


def _decode_ascii(octets: bytes) -> str:
    return str(octets, "ascii")


def _decode_latin1(octets: bytes) -> str:
    return str(octets, "latin-1")


def _decode_cp1251(octets: bytes) -> str:
    return str(octets, "cp1251")


def _decode_utf8(octets: bytes) -> str:
    return str(octets, "utf-8")


_DECODERS: dict[int, Callable[[bytes], str]] = {1: _decode_ascii, 3: _decode_latin1, 8: _decode_ucs2}
_CODECS = {1: "ascii", 3: "latin-1", 8: "utf-16-be"}

_FLAVOURS: dict[int, Flavour] = {
    **{coding: Flavour(coding) for coding in range(256)},
    **{coding: Flavour(None) for coding in (0x02, 0x04)},
    **{group + number: Flavour(0, flash=number == 0) for group in (0x10, 0xF0) for number in range(4)},
    **{group + number: Flavour(None) for group in (0x14, 0xF4) for number in range(4)},
    **{0x18 + number: Flavour(8, flash=number == 0) for number in range(4)},
}

DEFAULTS: dict[str, Callable[[bytes], str]] = {
    "gsm": _decode_gsm,
    "latin-1": _decode_latin1,
    "ascii": _decode_ascii,
    "cp1251": _decode_cp1251,
    "utf-8": _decode_utf8,
}
"""What data_coding 0 can mean (the account's `default_encoding`), and how it is read."""
