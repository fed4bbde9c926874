"""data_coding <-> str: the text of a message (SMPP 3.4 §5.2.19, 3GPP 23.038).

Text must arrive exactly as it was sent, so nothing is replaced or guessed:

1. Octets without a meaning in their coding are refused.
2. Control characters are passed on as they came; NUL too, which is ``@`` in GSM 03.38.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from smppbridge.errors import Refused
from smppbridge.smpp.concat import count_octets
from smppbridge.smpp.constants import Status
from smppbridge.smpp.gsm import LONG, decode_gsm, encode_gsm

_BYTE_ORDER_MARK = "\ufeff"


class Flavour(NamedTuple):
    """What a data_coding means (SMPP 3.4 §5.2.19, 3GPP 23.038 §4)."""

    # The plain data_coding of the same text: 0, 1, 3, 6, 7 or 8. None: binary data. Others are codings that
    # `decode_text` refuses.
    alphabet: int | None
    flash: bool = False  # message class 0: shown at once, not stored


def flavour(data_coding: int) -> Flavour:
    """What ``data_coding`` means, with or without a message class."""
    return _FLAVOURS[data_coding & 0xFF]


def decode_text(
    octets: bytes,
    data_coding: int,
    default: str,
    locking: int = 0,
    single: int = 0,
    *,
    came: int | None = None,
) -> str:
    """The text of ``octets``.

    ``default``: what data_coding 0 means for this peer, a key of ENCODINGS. ``locking``, ``single``: national
    languages (`gsm.LANGUAGES`) of the alphabet and of its extension table, for GSM 03.38 only. ``came``: the
    data_coding in the PDU, where it differs from ``data_coding``; the error names it.

    Raises `Refused`, whose reason never quotes the text:

    1. 0x4A5 for UCS-2 with an odd number of octets;
    2. 0x4A3 for other octets without a meaning in the coding;
    3. 0x4A3 for every data_coding except 0, 1, 3, 6, 7 and 8.
    """
    decoder = _DECODERS.get(data_coding) if data_coding else ENCODINGS[default]
    if decoder is None:
        raise Refused(Status.ESME_RINVENCODING, f"data_coding {data_coding} is not supported")
    try:
        if (locking or single) and decoder is decode_gsm:
            return decode_gsm(octets, locking, single)
        return decoder(octets)
    except UnicodeDecodeError as error:
        told = data_coding if came is None else came
        coding = f"{told} ({default})" if data_coding == 0 else str(told)
        reason = f"octet {error.start} is not text in data_coding {coding}: {error.reason}"
        raise Refused(Status.ESME_RINVENCODING, reason) from None


def encode_text(text: str, data_coding: int, default: str) -> bytes:
    """The octets of ``text`` in data_coding 1, 3, 6, 7, 8, or 0, which means ``default``.

    Raises ValueError for another data_coding, and when the coding lacks a character of the text.
    """
    name = default if data_coding == 0 else NAMES.get(data_coding)
    if name is None:
        raise ValueError(f"data_coding {data_coding} is not supported")
    if name == "gsm":
        octets = encode_gsm(text)
        if octets is None:
            raise ValueError("not every character is in the GSM 03.38 alphabet")
        return octets
    return text.encode(_CODECS.get(name, name))


def choose_coding(text: str) -> tuple[int, bytes]:
    """data_coding and octets of ``text``: Latin-1 (3) if that has all characters, else UCS-2 (8).

    All SMSCs read these two alike. Data_coding 0 is never chosen, because its meaning differs between peers.
    Raises ValueError for a lone surrogate.
    """
    try:
        return 3, text.encode("latin-1")
    except UnicodeEncodeError:
        return 8, text.encode("utf-16-be")


def parts(text: str) -> int:
    """How many short messages carry ``text`` (3GPP 23.040 §9.2.3.24.1).

    1. Text of GSM 03.38: 160 septets in one message, or 153 in each of several. A character of the extension
       table has 2 septets.
    2. Other text: 70 UTF-16 units in one message, or 67 in each of several.

    Characters are not cut. The result is at least 1, and may exceed the 255 parts that a header can count.
    Raises ValueError for a lone surrogate.
    """
    return (_parts_of_long if len(text) > LONG else _parts)(text)


def _parts(text: str) -> int:
    octets = encode_gsm(text)
    if octets is not None:
        return count_octets(octets, wide=False)
    return count_octets(text.encode("utf-16-be"), wide=True)


_parts_of_long = lru_cache(maxsize=4)(_parts)


def _ucs2(codec: str) -> Callable[[bytes], str]:
    """A decoder for UCS-2. It reads UTF-16, because phones put surrogate pairs into what SMPP calls UCS-2."""

    def decode(octets: bytes) -> str:
        if len(octets) & 1:
            raise Refused(Status.ESME_RINVTEXT, "UCS-2 text has an odd number of octets")
        return str(octets, codec).removeprefix(_BYTE_ORDER_MARK)

    return decode


def _python(codec: str) -> Callable[[bytes], str]:
    return lambda octets: octets.decode(codec)


_BY_PYTHON = ("latin-1", "ascii", "cp1251", "utf-8", "iso-8859-5", "iso-8859-8", "koi8-r", "cp866")

ENCODINGS: dict[str, Callable[[bytes], str]] = {
    "gsm": decode_gsm,
    "ucs2": _ucs2("utf-16-be"),
    "ucs2-le": _ucs2("utf-16-le"),
    **{name: _python(name) for name in _BY_PYTHON},
}
"""Decoders by the name of an encoding: what an account can say that a data_coding means."""

NAMES = {1: "ascii", 3: "latin-1", 6: "iso-8859-5", 7: "iso-8859-8", 8: "ucs2"}
"""The data_codings that have the same meaning for all peers."""

_DECODERS = {coding: ENCODINGS[name] for coding, name in NAMES.items()}
_CODECS = {"ucs2": "utf-16-be", "ucs2-le": "utf-16-le"}  # Python's names, where they differ

_FLAVOURS: dict[int, Flavour] = {
    **{coding: Flavour(coding) for coding in range(256)},
    **{coding: Flavour(None) for coding in (0x02, 0x04)},
    **{group + number: Flavour(0, flash=number == 0) for group in (0x10, 0xF0) for number in range(4)},
    **{group + number: Flavour(None) for group in (0x14, 0xF4) for number in range(4)},
    **{0x18 + number: Flavour(8, flash=number == 0) for number in range(4)},
    **{coding: Flavour(0) for coding in range(0xC0, 0xE0)},  # message waiting
    **{coding: Flavour(8) for coding in range(0xE0, 0xF0)},
}
