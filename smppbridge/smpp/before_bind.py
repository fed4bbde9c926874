"""What a peer may send to an SMSC before its bind, and what becomes of what it sends behind the bind.

Whoever reaches the port may send: so it is little. The PDUs are taken one at a time, and none behind a bind,
because only its answer says what they are worth.
"""

from smppbridge.errors import FramingError
from smppbridge.smpp.codec import Decoder, Item
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import Bind

MAX_PDUS = 4  # besides the bind: load balancers ask with enquire_link whether we live
MAX_OCTETS = 1024  # with the bind
OCTETS_BEHIND_BIND = 16 * 1024  # kept until the bind is answered; who has sent so much is not read further


class TooMuchBeforeBind(FramingError):
    """The peer has sent more than it may before its bind."""


class BeforeBind:
    """Counts what comes on one connection."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._pdus = 0
        self._octets = 0

    def feed(self, data: bytes, *, bind_waits: bool) -> list[Item]:
        """The PDUs that ``data`` completes, up to a bind; TooMuchBeforeBind is the last of them when more
        came than may come. ``bind_waits``: a bind is not answered yet, and all is kept until it is."""
        items: list[Item] = []
        if bind_waits:
            self._decoder.keep(data)
            return items
        self._octets += len(data)
        while (item := self._decoder.first(data)) is not None:
            data = b""
            self._pdus += not isinstance(item, Bind)
            if self._pdus > MAX_PDUS or self._octets - self._decoder.kept > MAX_OCTETS:
                items.append(self._too_much())
                return items
            items.append(item)
            if isinstance(item, Bind | FramingError):
                return items
        if self._octets > MAX_OCTETS:
            items.append(self._too_much())
        return items

    def _too_much(self) -> TooMuchBeforeBind:
        limits = f"more than {MAX_PDUS} PDUs or {MAX_OCTETS} octets before the bind"
        return TooMuchBeforeBind(Status.ESME_RINVBNDSTS, limits)
