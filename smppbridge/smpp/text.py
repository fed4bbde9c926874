"""data_coding <-> str: what the octets of a message say (SMPP 3.4 §5.2.19, 3GPP 23.038).

Text must arrive exactly as it was sent, so nothing is ever replaced or guessed here: octets that have no
meaning in their coding are refused, and control characters (NUL too, which is ``@`` in GSM 03.38) are passed
on as they came. Must not know: accounts, providers, PDUs.
"""

from collections.abc import Callable
from typing import NamedTuple

from smppbridge.errors import Refused
from smppbridge.smpp.concat import count_octets
from smppbridge.smpp.constants import Status
from smppbridge.smpp.gsm import decode_gsm, encode_gsm

_BYTE_ORDER_MARK = "\ufeff"


class Flavour(NamedTuple):
    """What a data_coding says (SMPP 3.4 §5.2.19, 3GPP 23.038 §4)."""

    # The plain data_coding of the same text: 0, 1, 3, 6, 7, 8; None: binary data. Any other is no text that
    # we read: `decode_text` refuses it.
    alphabet: int | None
    flash: bool = False  # message class 0: shown at once, not kept


def flavour(data_coding: int) -> Flavour:
    """Which text or data a data_coding stands for, with or without a message class."""
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
    """The text of ``octets``; ``default`` names what data_coding 0 means for this peer (a key of ENCODINGS).

    ``locking``, ``single``: national languages (`gsm.LANGUAGES`) of the alphabet and of its extension table;
    they matter for GSM 03.38 only. Raises `Refused`: 0x4A5 for UCS-2 of odd length, 0x4A3 for any other
    octets that the coding does not define and for every data_coding except 0, 1, 3, 6, 7 and 8. The reason
    never quotes the text; it names ``came``, where the PDU had another data_coding than the one given here.
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
    """The octets of ``text`` in data_coding 0 (as ``default`` says), 1, 3, 6, 7 or 8.

    Raises ValueError when the coding does not have one of the characters, or is none of these.
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
    """data_coding and octets that any SMSC reads alike: Latin-1 (3) where it suffices, else UCS-2 (8).

    Never 0, because its meaning differs between peers. Raises ValueError for a lone surrogate.
    """
    try:
        return 3, text.encode("latin-1")
    except UnicodeEncodeError:
        return 8, text.encode("utf-16-be")


def parts(text: str) -> int:
    """How many short messages carry ``text``: 160 septets or 153 each, else 70 UTF-16 units or 67 each.

    Characters of the extension table count 2 septets; they and surrogate pairs are never cut (3GPP 23.040
    §9.2.3.24.1). At least 1; may exceed the 255 that a UDH can count. Raises ValueError for a lone surrogate.
    """
    octets = encode_gsm(text)
    if octets is not None:
        return count_octets(octets, wide=False)
    return count_octets(text.encode("utf-16-be"), wide=True)


def _ucs2(codec: str) -> Callable[[bytes], str]:
    """UTF-16, because phones have long put surrogate pairs into what SMPP calls UCS-2."""

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
"""What data_coding 0 can mean, or another one to equipment that lies about it, and how it is read."""

NAMES = {1: "ascii", 3: "latin-1", 6: "iso-8859-5", 7: "iso-8859-8", 8: "ucs2"}
"""The data_codings that mean the same to everybody."""

_DECODERS = {coding: ENCODINGS[name] for coding, name in NAMES.items()}
_CODECS = {"ucs2": "utf-16-be", "ucs2-le": "utf-16-le"}  # Python's names where they are others

_FLAVOURS: dict[int, Flavour] = {
    **{coding: Flavour(coding) for coding in range(256)},
    **{coding: Flavour(None) for coding in (0x02, 0x04)},
    **{group + number: Flavour(0, flash=number == 0) for group in (0x10, 0xF0) for number in range(4)},
    **{group + number: Flavour(None) for group in (0x14, 0xF4) for number in range(4)},
    **{0x18 + number: Flavour(8, flash=number == 0) for number in range(4)},
    **{coding: Flavour(0) for coding in range(0xC0, 0xE0)},  # message waiting
    **{coding: Flavour(8) for coding in range(0xE0, 0xF0)},
}
