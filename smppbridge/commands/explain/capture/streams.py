"""TCP segments as streams in order, and what of them is SMPP.

Segments are put in order by their sequence numbers, what came twice is dropped, and what is missing in a
capture is passed over. All of it is bounded: a capture may be of any length.
"""

import heapq
from collections import OrderedDict
from collections.abc import Iterator

from smppbridge.commands.explain.capture.framing import Framing, Piece
from smppbridge.commands.explain.capture.ip import TcpSegment
from smppbridge.commands.explain.found import FoundPdu, Remark

MAX_FLOWS = 500  # directions of connections that are followed at once
MAX_WAITING = 128  # segments that wait for one that is missing, in each
_HALF, _WHOLE = 1 << 31, 1 << 32  # sequence numbers
_TLS = b"\x16\x03"  # how a stream over TLS begins


class _Flow:
    """One direction of a connection."""

    def __init__(self, segment: TcpSegment, *, chosen: bool) -> None:
        self.place = f"{segment.source} > {segment.target}"
        self.link = " ".join(sorted((segment.source, segment.target)))
        self.chosen = chosen
        self.tls = False
        self.framing = Framing(in_step=segment.begins and chosen)
        self._next = (segment.sequence + segment.begins) % _WHOLE  # sequence number of the octet that is due
        self._position = 0  # of that octet in the stream
        self._waiting: list[tuple[int, bytes, int]] = []  # position, data, octets missing behind it
        self.first = self._next

    @property
    def untouched(self) -> bool:
        """Whether nothing of it was seen but its beginning."""
        return self._position == 0 and not self._waiting

    def take(self, segment: TcpSegment) -> list[Piece]:
        """What ``segment`` completes."""
        if not segment.data and not segment.missing:
            return []
        start = (segment.sequence + segment.begins - self._next + _HALF) % _WHOLE - _HALF
        heapq.heappush(self._waiting, (self._position + start, segment.data, segment.missing))
        pieces = self._ready()
        if len(self._waiting) > MAX_WAITING:
            pieces += self._pass_gap() + self._ready()
        return pieces

    def end(self) -> list[Piece]:
        """The rest, whatever is missing before it."""
        pieces: list[Piece] = []
        while self._waiting:
            pieces += self._pass_gap() + self._ready()
        return pieces + self.framing.end()

    def _ready(self) -> list[Piece]:
        """Everything up to the first octet that is missing."""
        pieces: list[Piece] = []
        while self._waiting and self._waiting[0][0] <= self._position:
            start, data, missing = heapq.heappop(self._waiting)
            if fresh := data[self._position - start :]:
                self.tls = self.tls or (self._position == 0 and fresh.startswith(_TLS))
                self._go_on(len(fresh))
                pieces += self.framing.feed(fresh)
            if missing and start + len(data) == self._position:
                self._go_on(missing)
                pieces += self.framing.gap(missing)
        return pieces

    def _pass_gap(self) -> list[Piece]:
        missing = self._waiting[0][0] - self._position
        if missing <= 0:
            return []
        self._go_on(missing)
        return self.framing.gap(missing)

    def _go_on(self, octets: int) -> None:
        self._position += octets
        self._next = (self._next + octets) % _WHOLE


class Streams:
    """All connections of a capture. ``port``: only connections with this port; None: whatever is SMPP."""

    def __init__(self, port: int | None) -> None:
        self._port = port
        self._flows: OrderedDict[tuple[str, str], _Flow] = OrderedDict()
        self.smpp = 0  # directions that hold SMPP

    def feed(self, segment: TcpSegment, at: int | None) -> Iterator[FoundPdu | Remark]:
        """The PDUs that a segment completes."""
        if self._port is not None and self._port not in segment.ports:
            return
        key = (segment.source, segment.target)
        flow = self._flows.get(key)
        if flow is not None and segment.begins and not (flow.untouched and flow.first == _first(segment)):
            yield from self._close(key, at)  # a new connection between the same two ports
            flow = None
        if flow is None:
            if not segment.begins and not segment.data:
                return
            if len(self._flows) >= MAX_FLOWS:
                yield from self._close(next(iter(self._flows)), at)
            flow = self._flows[key] = _Flow(segment, chosen=self._port is not None)
        self._flows.move_to_end(key)
        yield from _told(flow, flow.take(segment), at)  # also after its end: what comes twice is known then

    def end(self) -> Iterator[FoundPdu | Remark]:
        """The capture is over."""
        for key in list(self._flows):
            yield from self._close(key, None)

    def _close(self, key: tuple[str, str], at: int | None) -> Iterator[FoundPdu | Remark]:
        flow = self._flows.pop(key)
        yield from _told(flow, flow.end(), at)
        if flow.framing.found:
            self.smpp += 1
        elif not flow.untouched and (flow.chosen or flow.tls):
            what = "is encrypted (TLS) and cannot be read" if flow.tls else "holds no SMPP"
            yield Remark(f"this direction {what}", flow.place, at)


def _first(segment: TcpSegment) -> int:
    return (segment.sequence + segment.begins) % _WHOLE


def _told(flow: _Flow, pieces: list[Piece], at: int | None) -> Iterator[FoundPdu | Remark]:
    for piece in pieces:
        if isinstance(piece, str):
            yield Remark(piece, flow.place, at)
        else:
            item, raw = piece
            yield FoundPdu(item, raw, flow.place, flow.link, at)
