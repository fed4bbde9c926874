"""One direction of a connection, octet after octet, as PDUs: also from its middle on, and across gaps."""

import re

from smppbridge.commands.explain.found import decode
from smppbridge.errors import ProtocolError
from smppbridge.smpp.constants import RESPONSE_BIT, Command
from smppbridge.smpp.fields import HEADER_OCTETS
from smppbridge.smpp.pdu import Pdu

MAX_PDU = 0x1FFFF  # octets: a message_payload and everything around it, twice
_SHOWN_OF_LOSS = 32  # octets
_KEPT = HEADER_OCTETS - 1  # octets in which the beginning of a header may hide

# A header as nothing but SMPP has it: command_length, a command_id of SMPP 3.4, a likely command_status.
_REQUESTS, _RESPONSES = (
    b"|".join(
        re.escape(int(one).to_bytes(4, "big")) for one in Command if bool(one & RESPONSE_BIT) is response
    )
    for response in (False, True)
)
_HEADER = re.compile(
    rb"\0[\0\1](?:[^\0].|\0[\x10-\xff])(?:(?:" + _REQUESTS + rb")\0\0\0\0|(?:" + _RESPONSES + rb")\0\0)",
    re.DOTALL,
)

Piece = tuple[Pdu | ProtocolError, bytes] | str
"""A PDU and its octets, or a sentence about what is missing."""


class Framing:
    """Cuts a stream. ``in_step``: its first octet begins a PDU for certain."""

    def __init__(self, *, in_step: bool) -> None:
        self.found = False  # it is SMPP: a PDU was seen
        self._in_step = in_step
        self._lost = False  # it has told that it is out of step
        self._buffer = bytearray()
        self._passed = 0  # octets that were passed over since it was in step

    def feed(self, data: bytes) -> list[Piece]:
        """What ``data`` completes."""
        self._buffer += data
        pieces: list[Piece] = []
        while self._step(pieces):
            pass
        return pieces

    def gap(self, octets: int) -> list[Piece]:
        """``octets`` of the stream are missing here."""
        pieces = self.end()
        if self.found:
            pieces.append(f"{octets} octets are missing here")
        self._in_step = False
        return pieces

    def end(self) -> list[Piece]:
        """Nothing more comes."""
        left = self._passed + len(self._buffer)
        in_step, self._passed = self._in_step, 0
        self._buffer.clear()
        if not self.found or not left:
            return []
        return [
            f"{left} octets belong to a PDU that is not whole" if in_step else f"{left} octets passed over"
        ]

    def _step(self, pieces: list[Piece]) -> bool:
        """Take one thing off the buffer; False = more octets are needed."""
        if not self._in_step:
            return self._search(pieces)
        if len(self._buffer) < 4:
            return False
        length = int.from_bytes(self._buffer[:4], "big")
        if not HEADER_OCTETS <= length <= MAX_PDU:
            if len(self._buffer) < HEADER_OCTETS:
                return False
            start = bytes(self._buffer[:_SHOWN_OF_LOSS])
            pieces.append((decode(start, MAX_PDU), start))
            self._in_step, self._passed = False, 1
            del self._buffer[0]
            return True
        if len(self._buffer) < length:
            return False
        raw = bytes(self._buffer[:length])
        del self._buffer[:length]
        self.found = True
        pieces.append((decode(raw), raw))
        return True

    def _search(self, pieces: list[Piece]) -> bool:
        """Look for the beginning of a PDU."""
        header = _HEADER.search(self._buffer)
        before = header.start() if header else max(0, len(self._buffer) - _KEPT)
        self._passed += before
        del self._buffer[:before]
        if header is None:
            return False
        if self._passed:
            pieces.append(f"{self._passed} octets passed over, until a PDU begins")
        self._in_step, self._passed, self.found = True, 0, True
        return True
