"""Likely mistakes of equipment in one message: text in another coding than data_coding says, headers, NULs.

A hint is a guess for the person who sets up the equipment. It changes nothing of the message, and never
quotes its text.
"""

import re
from typing import NamedTuple

from smppbridge.smpp import looks
from smppbridge.smpp.concat import Header, elements, read_header
from smppbridge.smpp.text import NAMES, flavour


class Hint(NamedTuple):
    """One likely mistake."""

    key: str  # one of KEYS
    text: str  # what is wrong, and which change mends it


_LOOKS = {
    "ucs2": "UCS-2, whose data_coding is 8",
    "ucs2-le": "UCS-2 with the octets of each pair swapped (little-endian)",
    "utf-8": "UTF-8, which has no data_coding",
    "cp1251": "Cyrillic in Windows-1251, which has no data_coding",
    "koi8-r": "Cyrillic in KOI8-R, which has no data_coding",
    "cp866": "Cyrillic in the DOS code page 866, which has no data_coding",
    "iso-8859-5": "Cyrillic in ISO-8859-5, whose data_coding is 6",
    "latin-1": "ASCII or Latin-1, whose data_coding is 3",
    "gsm": "GSM 03.38, whose data_coding is 0",
}
_OTHERS = {
    "packed": "the text looks like packed septets, 8 characters in 7 octets: set {setting}",
    "gsm-language": "the text has characters that only a national table of GSM 03.38 has: set {setting}",
    "header": "the text starts with a user data header that esm_class does not announce:"
    " let the equipment set UDHI (0x40)",
    "no-header": "esm_class announces a user data header (UDHI, 0x40), but the text does not start with one:"
    " let the equipment clear that bit",
    "binary": "data_coding {coding} means 8-bit data, but it looks like text in {look}:"
    " correct the equipment, or set {setting}",
    "nul": "the text ends with NUL, as strings in C do, which would be sent as a character:"
    " let the equipment not count it in sm_length",
}
_WRONG_CODING = (
    "data_coding {coding} means {declared} here, but the text looks like {look}:"
    " correct the equipment, or set {setting}"
)
KEYS = frozenset({*_LOOKS, *_OTHERS})

_WIDE = frozenset({"ucs2", "ucs2-le"})
_WESTERN = frozenset({"gsm", "ascii", "latin-1"})
_MAX_NAMES = 3

_CONCAT_OR_PORTS = re.compile(
    rb"\x05\x00\x03.[\x01-\xff][\x01-\xff]|\x06\x08\x04..[\x01-\xff][\x01-\xff]|[\x06\x0b]\x05\x04....",
    re.DOTALL,
)
# GSM 03.38 reads _ @ $ of ASCII as § ¡ ¤. In identifiers, e-mail addresses and sums those make no sense.
_ASCII_ONLY = re.compile(rb"[A-Za-z0-9]_[A-Za-z]|[A-Za-z0-9]@[A-Za-z0-9]|\$ ?[0-9]|[0-9] ?\$")


def suspicious(octets: bytes, data_coding: int) -> bool:
    """Whether `hints` may find something. It is quick, for every message, and says yes when in doubt.

    It says yes to any user data header, so ``octets`` should begin behind one.
    """
    if not octets:
        return False
    if data_coding == 8:  # the first octet of Latin, Greek and Cyrillic characters is 0 to 4
        return octets[0] > 4 or octets[-1] == 0 or len(octets) & 1 == 1 or octets[-2] > 4
    if not octets.isascii() or 0 in octets or 0x04 in octets or octets[0] < 0x10:
        return True
    if 0x1B in octets or 0x02 in octets or 0x05 in octets or 0x11 in octets or 0x1E in octets:
        return True  # characters of GSM 03.38: the escape, $ é _ ß
    return data_coding not in {1, 3} and (
        data_coding != 0 or 0x40 in octets or 0x5F in octets or 0x24 in octets
    )


class _Declared(NamedTuple):
    """The coding that the message should have."""

    data_coding: int  # of the message
    encoding: str  # what that means for the account
    listed: bool  # whether the account's `encodings` say so

    def setting(self, encoding: str) -> str:
        """The setting of the account that would make this data_coding mean ``encoding``."""
        if self.listed or self.data_coding:
            return f"encodings: {{{self.data_coding}: {encoding}}}"
        return f"default_encoding: {encoding}"


def hints(
    octets: bytes,
    data_coding: int,
    default: str,
    *,
    udhi: bool,
    own: str | None = None,
    single: int = 0,
) -> tuple[Hint, ...]:
    """What looks wrong in a short_message or message_payload.

    ``octets``: with the user data header; packed septets must be unpacked before. ``udhi``: whether esm_class
    announces a header. ``default``: what data_coding 0 means, a key of `text.ENCODINGS`. ``own``: what the
    account's `encodings` say for this data_coding; None = nothing. ``single``: the account's national
    language for the extension table of GSM 03.38; 0 = none.
    """
    header = read_header(octets) if udhi else None
    body = octets[len(header.octets) :] if header else octets
    found = []
    if udhi and not _is_header(header):
        found.append(Hint("no-header", _OTHERS["no-header"]))
    elif not udhi and _CONCAT_OR_PORTS.match(octets):
        found.append(Hint("header", _OTHERS["header"]))
        body = octets[1 + octets[0] :]
    if not body.strip(b"\0"):
        return tuple(found)
    alphabet = 0 if own else flavour(data_coding).alphabet
    if alphabet is None:
        return (*found, *_in_binary(body, data_coding, header))
    encoding = own or (default if alphabet == 0 else NAMES.get(alphabet, ""))
    national = bool(single or (header and (header.locking or header.single)))
    key = _instead(body, encoding, national=national)
    if key:
        found.append(_wrong_coding(key, body, _Declared(data_coding, encoding, bool(own))))
    if _ends_with_nul(body, key or encoding, header):
        found.append(Hint("nul", _OTHERS["nul"]))
    return tuple(found)


def _is_header(header: Header | None) -> bool:
    """Whether the elements of ``header`` fill it exactly."""
    if header is None:
        return False
    return 1 + sum(2 + len(data) for _, data in elements(header.octets)) == len(header.octets)


def _in_binary(octets: bytes, data_coding: int, header: Header | None) -> list[Hint]:
    """The hint for text that was sent as 8-bit data. Data for a port (of an application) is none."""
    name = None if header and header.foreign else looks.prose(octets)
    if name is None:
        return []
    setting = _Declared(data_coding, "", listed=False).setting(name)
    return [Hint("binary", _OTHERS["binary"].format(coding=data_coding, look=_LOOKS[name], setting=setting))]


def _instead(octets: bytes, declared: str, *, national: bool) -> str | None:
    """The key of the coding that the text seems to have. None if ``declared`` is likely."""
    text = octets.rstrip(b"\0")
    if found := looks.wide(octets):
        return found if found != declared else None
    if declared in _WIDE:
        return _instead_of_wide(octets, text, declared)
    if looks.controls(text) and (found := looks.east_asian(octets)):
        return found
    if not text.isascii():
        return _beyond_ascii(text, declared)
    if declared == "gsm":
        return _instead_of_gsm(text, national)
    return "gsm" if declared in _WESTERN and looks.gsm(text) else None


def _instead_of_gsm(text: bytes, national: bool) -> str | None:
    if _ASCII_ONLY.search(text):
        return "latin-1"
    return "gsm-language" if not national and looks.languages(text) else None


def _instead_of_wide(octets: bytes, text: bytes, declared: str) -> str | None:
    if looks.utf8(text) > 1:  # one could be a syllable of Korean
        return "utf-8"
    if found := looks.east_asian(octets):
        return found if found != declared else None
    return "latin-1" if looks.words(text) else looks.cyrillic(text)


def _beyond_ascii(text: bytes, declared: str) -> str | None:
    """The likely coding of a text with octets above 0x7F. None if ``declared`` is likely."""
    characters = looks.utf8(text)
    if declared == "utf-8" and characters:
        return None
    if characters >= (1 if declared in _WESTERN else 3):
        return "utf-8"
    if declared not in _WESTERN and declared != "utf-8":
        return None
    if name := looks.cyrillic(text):
        return name
    if declared in {"gsm", "latin-1"} and looks.packed(text):
        return "packed"
    return "latin-1" if declared != "latin-1" and looks.western(text) else None


def _wrong_coding(key: str, octets: bytes, declared: _Declared) -> Hint:
    if key == "gsm-language":
        names = looks.languages(octets.rstrip(b"\0"))[:_MAX_NAMES]
        return Hint(key, _OTHERS[key].format(setting=f"gsm_language: {' or '.join(names)}"))
    if key == "packed":
        also = "" if declared.encoding == "gsm" else f" and {declared.setting('gsm')}"
        return Hint(key, _OTHERS[key].format(setting="septets: packed" + also))
    values = {"coding": declared.data_coding, "declared": declared.encoding, "look": _LOOKS[key]}
    return Hint(key, _WRONG_CODING.format(**values, setting=declared.setting(key)))


def _ends_with_nul(octets: bytes, name: str, header: Header | None) -> bool:
    """Whether a NUL at the end does not belong to the text.

    In GSM 03.38 NUL is ``@``. There it counts only when several NULs stand at the end, or one behind the end
    of a sentence; and not in a part of a long message, nor in a text with other NULs.
    """
    if octets[-1]:
        return False
    if name in _WIDE:
        return len(octets) & 1 == 1 or octets[-2] == 0
    if name != "gsm":
        return name != "packed"
    text = octets.rstrip(b"\0")
    part = header is not None and header.concat is not None and header.concat.number < header.concat.total
    hardly_meant = len(octets) - len(text) > 1 or text.endswith((b".", b"!", b"?"))
    return hardly_meant and not part and 0 not in text and not text.endswith((b" ", b"\n"))
