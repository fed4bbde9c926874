"""Connections without a socket: what one end writes, the other end reads in the next turn of the loop."""

import asyncio


class Wire(asyncio.Transport):
    """One end. See `join`."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._kept: list[bytes] | None = None  # what came while nothing is read
        self._closing = False
        self._ended = False
        self.other = self

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closing:
            self._loop.call_soon(self.other.take, bytes(data))

    def take(self, data: bytes) -> None:
        """These octets came."""
        if self._ended:
            return
        if self._kept is not None:
            self._kept.append(data)
        else:
            self._protocol.data_received(data)

    def pause_reading(self) -> None:
        if self._kept is None:
            self._kept = []

    def resume_reading(self) -> None:
        if self._kept is not None:
            kept, self._kept = self._kept, None
            for data in kept:
                self._loop.call_soon(self.take, data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered."""

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self.end)

    def abort(self) -> None:
        self.close()

    def end(self) -> None:
        """The connection is gone, for both ends."""
        self._closing = True
        if not self._ended:
            self._ended = True
            self._protocol.connection_lost(None)
            self._loop.call_soon(self.other.end)


def join(first: asyncio.Protocol, second: asyncio.Protocol) -> None:
    """Connect two protocols."""
    wires = Wire(first), Wire(second)
    wires[0].other, wires[1].other = wires[1], wires[0]
    first.connection_made(wires[0])
    second.connection_made(wires[1])
