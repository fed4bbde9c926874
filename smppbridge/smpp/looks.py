"""Guesses at the coding of octets, whatever their data_coding says. `hints` is built on them.

Each function knows one coding. It says yes only where correct text in another coding would not look the same.
These guesses are for hints only: no message is decoded by them.
"""

import re
from codecs import utf_8_decode

from smppbridge.smpp.gsm import ESCAPE, LANGUAGES, decode_gsm, unpack_septets

_BLANKS = b"\t\n\r\f"
_CONTROLS = bytes(code for code in range(0x20) if code not in _BLANKS)
_C1_CONTROLS = bytes(range(0x7F, 0xA0))
_ASCII = bytes(range(0x80))
_PRINTABLE = bytes(range(0x20, 0x7F))
_WORDS = b"0123456789 abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,:;!?-'\"()/+%\n\r"

_BLOCKS = bytes((*range(0x10), 0xD8))  # first octets of UCS-2: Latin, Greek, Cyrillic, Thai; emoji
_MOSTLY, _SELDOM = 0.7, 0.25
_MIN_WIDE = 2  # characters
_EAST_ASIAN = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff00-\uffef]")
_MIN_EAST_ASIAN = 4

_CYRILLIC = ("cp1251", "koi8-r", "cp866", "iso-8859-5")
# Seven letters of eight in Russian and Belarusian texts; few of them are accented letters in frequent use.
_FREQUENT = frozenset("оеаинтсрвлкмдпуяыі")
_SURELY = 0.7
_LATIN_LETTER = re.compile(rb"[A-Za-z]")
_RUN_OF_HIGH = re.compile(rb"[\x80-\xff]{4}")  # no word of a Western language
_MIN_CYRILLIC = 3  # letters, different ones
_ENOUGH_CYRILLIC = 8  # letters, to tell it among Latin ones, or in a coding that few have

_MIN_WORDS = 6  # octets
_MIN_PACKED = 7


def controls(octets: bytes) -> int:
    """How many control characters of ASCII there are, not counting tabs and line breaks."""
    return len(octets) - len(octets.translate(None, _CONTROLS))


def _share(octets: bytes, of: bytes) -> float:
    return 1 - len(octets.translate(None, of)) / len(octets)


def wide(octets: bytes) -> str | None:
    """`ucs2` or `ucs2-le`, when every other octet is the number of a frequent block of Unicode. Else None."""
    if octets.startswith((b"\xfe\xff", b"\xff\xfe")):
        return "ucs2" if octets[0] == 0xFE else "ucs2-le"
    whole = octets[: len(octets) & ~1]
    if len(whole) < 2 * _MIN_WIDE:
        return None
    first, second = _share(whole[::2], _BLOCKS), _share(whole[1::2], _BLOCKS)
    if first >= _MOSTLY and second <= _SELDOM:
        return "ucs2"
    if second >= _MOSTLY and first <= _SELDOM:
        return "ucs2-le"
    return None


def east_asian(octets: bytes) -> str | None:
    """`ucs2` or `ucs2-le`, when it is Chinese, Japanese or Korean in that order of octets only. Else None."""
    if octets.isascii() or _share(octets, _PRINTABLE) > 0.85:
        return None  # pairs of ASCII letters would be Chinese too
    shares = {}
    for name, codec in (("ucs2", "utf-16-be"), ("ucs2-le", "utf-16-le")):
        text = octets[: len(octets) & ~1].decode(codec, "replace")
        found = len(_EAST_ASIAN.findall(text))
        blanks = sum(char.isascii() and char.isprintable() for char in text)
        shares[name] = (found + blanks) / len(text) if found >= _MIN_EAST_ASIAN else 0.0
    best, other = sorted(shares, key=lambda name: -shares[name])
    return best if shares[best] > 0.9 and shares[other] < _MOSTLY else None


def utf8(octets: bytes) -> int:
    """How many characters beyond ASCII there are, read as UTF-8; 0 if it is no UTF-8.

    The last character may be cut off.
    """
    if octets.isascii() or controls(octets):
        return 0
    try:
        text, _ = utf_8_decode(octets, "strict", False)
    except UnicodeDecodeError:
        return 0
    if any("\x80" <= char < "\xa0" for char in text):
        return 0
    return sum(not char.isascii() for char in text)


def cyrillic(octets: bytes) -> str | None:
    """The 8-bit coding in which it is Russian or Belarusian. None when it is in none of them."""
    high = octets.translate(None, _ASCII)
    if len(set(high)) < _MIN_CYRILLIC or controls(octets):
        return None
    enough = len(high) >= _ENOUGH_CYRILLIC
    if _LATIN_LETTER.search(octets) and not (enough and _RUN_OF_HIGH.search(octets)):
        return None
    shares = {}
    for name in _CYRILLIC:
        text = high.decode(name, "replace").lower()
        shares[name] = sum(char in _FREQUENT for char in text) / len(text)
    best = max(_CYRILLIC, key=lambda name: shares[name])
    return best if shares[best] >= _SURELY and (enough or best == "cp1251") else None


def western(octets: bytes) -> bool:
    """Whether it can be Latin-1 with letters beyond ASCII."""
    return not (octets.isascii() or controls(octets) or _share(octets, _C1_CONTROLS))


def words(octets: bytes) -> bool:
    """Whether it is words in ASCII or Latin-1, and neither pairs of octets nor binary data."""
    if len(octets) < _MIN_WORDS or controls(octets) or _share(octets, _C1_CONTROLS):
        return False
    certain = b" " in octets or len(octets) >= 2 * _MIN_WORDS or len(octets) & 1
    return bool(certain) and _share(octets, _WORDS) >= 0.75


def packed(octets: bytes) -> bool:
    """Whether it is words when read as packed septets, and has control characters when read as it is."""
    if len(octets) < _MIN_PACKED or octets.isascii() or not _share(octets, _CONTROLS + _C1_CONTROLS):
        return False
    return _share(unpack_septets(octets), _WORDS) >= 0.9


def prose(octets: bytes) -> str | None:
    """The coding in which it is words of some language. None for binary data, and when it is too short."""
    name = wide(octets)
    if name:
        text = octets[: len(octets) & ~1].decode("utf-16-be" if name == "ucs2" else "utf-16-le", "replace")
        readable = sum(char.isalnum() or char in " \n.,:;!?-" for char in text)
        return name if len(text) >= _MIN_WORDS and readable >= 0.85 * len(text) else None
    if utf8(octets) >= _MIN_CYRILLIC:
        return "utf-8"
    return "latin-1" if words(octets) else cyrillic(octets)


def gsm(octets: bytes) -> bool:
    """Whether it is ASCII with a few control characters that GSM 03.38 reads as characters."""
    found = controls(octets)
    if not found or not octets.isascii() or found / len(octets) > 0.34:
        return False
    try:
        decode_gsm(octets)
    except UnicodeDecodeError:
        return False
    return True


def languages(octets: bytes) -> list[str]:
    """National languages with whose extension table it is GSM 03.38. Empty if the default table will do."""
    if ESCAPE not in octets or not octets.isascii() or _readable(octets, 0):
        return []
    return [name for name, number in LANGUAGES.items() if _readable(octets, number)]


def _readable(octets: bytes, language: int) -> bool:
    try:
        decode_gsm(octets, 0, language)
    except UnicodeDecodeError:
        return False
    return True
