"""Encodes the text of a phone as one account reads texts: the inverse of `submission.content`."""

from typing import NamedTuple

from smppbridge.model.account import Account
from smppbridge.smpp.concat import header, split_characters, split_octets
from smppbridge.smpp.gsm import LANGUAGES, encode_gsm, pack_septets, unpack_septets
from smppbridge.smpp.text import encode_text
from smppbridge.submission.content import encoding_of

_UCS2 = 8


class Written(NamedTuple):
    """One text as short messages. Where there are several, each begins with a user data header."""

    data_coding: int
    parts: list[bytes]


def write(account: Account, text: str, reference: int) -> Written:
    """Encode ``text``, which has no lone surrogates. The first of these that has all its characters is used:

    1. data_coding 0, in the encoding that the account means by it.
    2. data_coding 8, in the encoding that the account means by it.
    3. data_coding 8, in UCS-2.

    ``reference`` (0..255) marks the parts of a text that is too long for one short message.
    """
    for coding in (0, _UCS2):
        encoding = encoding_of(account, coding) or "ucs2"
        pieces = _pieces(account, text, encoding)
        packed = account.septets == "packed" and encoding == "gsm"
        parts = None if pieces is None else _parts(pieces, reference, packed=packed)
        if parts is not None:
            return Written(coding, parts)
    return Written(_UCS2, _headed(_units(text), reference))


def _pieces(account: Account, text: str, encoding: str) -> list[bytes] | None:
    """``text`` in pieces that each fit a short message; None where the encoding lacks a character."""
    if encoding == "ucs2":
        return _units(text)
    if encoding == "ucs2-le":
        return [piece.decode("utf-16-be").encode("utf-16-le") for piece in _units(text)]
    if encoding == "gsm":
        language = LANGUAGES[account.gsm_language] if account.gsm_language else 0
        septets = encode_gsm(text, 0, language)
        return None if septets is None else split_octets(septets, wide=False)
    try:
        return split_characters(encode_text(text, 0, encoding), utf8=encoding == "utf-8")
    except ValueError:
        return None


def _units(text: str) -> list[bytes]:
    return split_octets(text.encode("utf-16-be"), wide=True)


def _parts(pieces: list[bytes], reference: int, *, packed: bool) -> list[bytes] | None:
    """The pieces with their headers. None where packed septets would be read as another text: an ``@`` or CR
    at the end may be taken for padding."""
    if not packed:
        return _headed(pieces, reference)
    size = len(header(reference, 1, 1)) if len(pieces) > 1 else 0
    in_octets = [pack_septets(piece, size) for piece in pieces]
    if any(unpack_septets(octets, size) != piece for octets, piece in zip(in_octets, pieces, strict=True)):
        return None
    return _headed(in_octets, reference)


def _headed(pieces: list[bytes], reference: int) -> list[bytes]:
    if len(pieces) == 1:
        return pieces
    return [header(reference, len(pieces), number) + piece for number, piece in enumerate(pieces, 1)]
