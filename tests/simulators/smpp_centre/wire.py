"""The octets of a simulated SMSC's connection: what the bridge's own Connection never does to a peer.

Must not know: what PDUs are about.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Any, cast

from smppbridge.link.connection import Connection
from smppbridge.smpp.constants import RESPONSE_BIT, Command
from smppbridge.smpp.fields import HEADER_OCTETS

_HEADER = struct.Struct(">4I")
_ENQUIRE_LINK_RESP = Command.ENQUIRE_LINK_RESP.to_bytes(4)
_SERVICE_TYPE = b"SIMULATION\0"  # 10 characters where 5 are allowed
_CONGESTION = b"\x04\x28\0\1\x0a"  # congestion_state of SMPP 5.0
_VENDOR = b"\x15\x01\0\4demo"
_BODILESS = (Command.UNBIND, Command.ENQUIRE_LINK)


class WireConnection(Connection):
    """A Connection that may also write octets that are no PDU, take liberties with PDUs, and hear nothing.

    ``stray()`` and ``deaf()`` say whether it does; ``asked()`` is called for each enquire_link it answers.
    """

    def __init__(
        self,
        *args: Any,
        stray: Callable[[], bool],
        deaf: Callable[[], bool],
        asked: Callable[[], None],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._wire: _Wire | None = None
        self._stray = stray
        self._deaf = deaf
        self._asked = asked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = _Wire(cast(asyncio.Transport, transport), self._stray, self._asked)
        super().connection_made(cast(asyncio.BaseTransport, self._wire))

    def data_received(self, data: bytes) -> None:
        if not self._deaf():
            super().data_received(data)

    def write_raw(self, octets: bytes) -> None:
        """Write ``octets`` as they are, behind everything that waits to be written."""
        self.flush()
        if self._wire is not None and not self.closing:
            self._wire.write_raw(octets)

    def cut_in(self, pdu: bytes) -> None:
        """Write the first half of ``pdu``, and cut the connection."""
        self.write_raw(pdu[: len(pdu) // 2])
        self.abort()


class _Wire:
    """A transport that looks at what is written; everything else goes to the one it stands for."""

    def __init__(
        self, transport: asyncio.Transport, stray: Callable[[], bool], asked: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._stray = stray
        self._asked = asked
        self.write_raw = transport.write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, octets: bytes) -> None:
        """Write whole PDUs."""
        if _ENQUIRE_LINK_RESP in octets:
            for pdu in _pdus(octets):
                if pdu[4:8] == _ENQUIRE_LINK_RESP:
                    self._asked()
        if self._stray():
            octets = b"".join(map(_liberties, _pdus(octets)))
        self._transport.write(octets)


def _pdus(octets: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(octets):
        end = at + int.from_bytes(octets[at : at + 4])
        found.append(octets[at:end])
        at = end
    return found


def _liberties(pdu: bytes) -> bytes:
    """What real centres do to a PDU: every client has to live with it."""
    _, command, status, number = _HEADER.unpack_from(pdu)
    body = pdu[HEADER_OCTETS:]
    if command == Command.SUBMIT_SM_RESP and not status:
        body += _CONGESTION
    elif command in (Command.DELIVER_SM, Command.DATA_SM):
        body = _SERVICE_TYPE + body[body.index(0) + 1 :] + _VENDOR
    elif command == Command.GENERIC_NACK or command in _BODILESS:
        return pdu  # a stray octet is seen behind answers and messages
    elif command & RESPONSE_BIT and status:
        return pdu
    return _HEADER.pack(HEADER_OCTETS + len(body) + 1, command, status, number) + body + b"\0"
