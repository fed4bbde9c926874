"""PDUs as they are found in hexadecimal text, and what every source of them has in common."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from smppbridge.errors import ProtocolError
from smppbridge.smpp.codec import Decoder
from smppbridge.smpp.fields import HEADER_OCTETS
from smppbridge.smpp.pdu import Pdu

MAX_PDU_OCTETS = 1_048_576  # what `smpp.max_pdu_octets` may be at most

_SEPARATORS = re.compile(r"0[xX]|\\x|[\s:,;|-]+")
_LENGTH_OCTETS = 4


class FoundPdu(NamedTuple):
    """A PDU, or what came in place of one."""

    item: Pdu | ProtocolError
    raw: bytes  # its octets; of a stream whose limits are lost, those that cannot be read
    place: str  # for people: where it was found
    link: str = ""  # the connection it came over: binds and parts of messages belong to one
    at: int | None = None  # ms, when it came; None: not told


class Remark(NamedTuple):
    """Something about the source that a person should know: what is missing, what cannot be read."""

    text: str
    place: str = ""
    at: int | None = None


def read_hex(text: str) -> bytes:
    """The octets of hexadecimal text. Raises ValueError that says what is wrong, and where.

    Blanks, line ends, ``: , ; - |``, ``0x`` and ``\\x`` may stand anywhere between octets.
    """
    digits = _SEPARATORS.sub("", text)
    wrong = re.search(r"[^0-9A-Fa-f]", digits)
    if wrong is not None:
        raise ValueError(f"is not hexadecimal: {wrong[0]!r} after {wrong.start()} digits")
    if not digits:
        raise ValueError("holds no octets")
    if len(digits) % 2:
        raise ValueError(f"has an odd number of digits: {len(digits)}")
    return bytes.fromhex(digits)


def decode(raw: bytes, most: int = MAX_PDU_OCTETS) -> Pdu | ProtocolError:
    """One PDU as the codec of the bridge reads it; ``raw`` has at least the octets that its length names,
    unless these are more than ``most``."""
    return Decoder(max_octets=most).feed(raw)[0]


def pdus_of(octets: bytes) -> Iterator[FoundPdu | Remark]:
    """The PDUs that stand one behind the other in ``octets``.

    What follows a wrong command_length comes as one malformed PDU. A PDU that is not whole is read as far as
    it goes, after a Remark about what is missing.
    """
    position = 0
    while position < len(octets):
        place = f"octet {position}"
        left = octets[position:]
        length = int.from_bytes(left[:_LENGTH_OCTETS], "big")
        sound = HEADER_OCTETS <= length <= MAX_PDU_OCTETS
        if len(left) < (HEADER_OCTETS if sound else _LENGTH_OCTETS):
            yield Remark(f"{len(left)} octets are left, too few for a header: {left.hex()}", place)
            return
        if sound and length > len(left):
            missing = length - len(left)
            yield Remark(
                f"command_length says {length} octets, but {len(left)} are there: {missing} are missing."
                " A receiver waits for them",
                place,
            )
            # Read it all the same, with the length that it has: most of it can be told.
            left = len(left).to_bytes(_LENGTH_OCTETS, "big") + left[_LENGTH_OCTETS:]
            yield FoundPdu(decode(left), left, place)
            return
        item = decode(left)
        if not sound:
            yield FoundPdu(item, left, place)
            return
        yield FoundPdu(item, left[:length], place)
        position += length
