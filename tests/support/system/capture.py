"""Captures for tests: packets made by dpkt, which is not ours, and a proxy that captures real traffic."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, NamedTuple

import dpkt
import dpkt.pcapng
import dpkt.sll
import dpkt.sll2

Link = Literal["ethernet", "vlan", "cooked", "cooked2", "null", "loop", "raw", "ethernet6", "raw6"]
LINK_TYPES: dict[Link, int] = {
    "ethernet": 1,
    "vlan": 1,
    "cooked": 113,
    "cooked2": 276,
    "null": 0,
    "loop": 108,
    "raw": 101,
    "ethernet6": 1,
    "raw6": 229,
}
T0 = 1_700_000_000.0  # seconds: when captures begin
STEP = 0.001  # seconds between two packets
SYN, FIN, ACK, PUSH = 0x02, 0x01, 0x10, 0x08


class Packet(NamedTuple):
    """One TCP segment on its way."""

    source: tuple[str, int]
    target: tuple[str, int]
    sequence: int
    data: bytes
    flags: int = ACK | PUSH


class Conversation:
    """A TCP connection whose packets are collected: ``client`` begins it. ``first``: its sequence numbers.
    ``packets``: where they are put, between those of other connections."""

    def __init__(
        self,
        port: int = 2775,
        client: tuple[str, int] = ("192.0.2.7", 40001),
        server: str = "192.0.2.1",
        *,
        first: int = 1000,
        handshake: bool = True,
        packets: list[Packet] | None = None,
    ) -> None:
        self.packets: list[Packet] = [] if packets is None else packets
        self._ends = {True: client, False: (server, port)}
        self._next = {True: first, False: first}
        if handshake:
            for by_client in (True, False):
                self._add(by_client, b"", SYN if by_client else SYN | ACK)
                self._next[by_client] = (self._next[by_client] + 1) % 2**32

    def send(self, data: bytes, *, by_client: bool = True, mss: int = 1400) -> None:
        """One write of one side, cut into segments of ``mss``."""
        for at in range(0, len(data), mss):
            self._add(by_client, data[at : at + mss], ACK | PUSH)

    def lose(self, octets: int, *, by_client: bool = True) -> None:
        """So many octets go by without being captured."""
        self._next[by_client] = (self._next[by_client] + octets) % 2**32

    def end(self) -> None:
        """Both sides close."""
        for by_client in (True, False):
            self._add(by_client, b"", ACK | FIN)

    def _add(self, by_client: bool, data: bytes, flags: int) -> None:
        sequence = self._next[by_client]
        self.packets.append(Packet(self._ends[by_client], self._ends[not by_client], sequence, data, flags))
        self._next[by_client] = (sequence + len(data)) % 2**32


def pcap(packets: Sequence[Packet], link: Link = "ethernet", **options: Any) -> bytes:
    """A pcap file. ``nano``: times in nanoseconds."""
    file = _Kept()
    writer = dpkt.pcap.Writer(file, snaplen=65535, linktype=LINK_TYPES[link], **options)
    return _written(file, writer, packets, link)


def pcapng(packets: Sequence[Packet], link: Link = "ethernet") -> bytes:
    """A pcapng file."""
    file = _Kept()
    writer = dpkt.pcapng.Writer(file, snaplen=65535, linktype=LINK_TYPES[link])
    return _written(file, writer, packets, link)


class _Kept(io.BytesIO):
    """Stays readable when a writer has closed it."""

    def close(self) -> None:
        return


def _written(file: io.BytesIO, writer: Any, packets: Sequence[Packet], link: Link) -> bytes:
    for number, packet in enumerate(packets):
        writer.writepkt(frame(packet, link), ts=T0 + number * STEP)
    writer.close()
    return file.getvalue()


def frame(packet: Packet, link: Link = "ethernet") -> bytes:
    """The octets of one frame."""
    v6 = link.endswith("6")
    octets = bytes(_ipv6(packet) if v6 else _ipv4(packet))
    kind = 0x86DD if v6 else 0x0800
    ethertype = kind.to_bytes(2)
    heads: dict[Link, bytes] = {
        "ethernet": bytes(12) + ethertype,
        "ethernet6": bytes(12) + ethertype,
        "vlan": bytes(12) + b"\x88\xa8\x00\x05\x81\x00\x00\x07" + ethertype,
        "cooked2": ethertype + bytes(18),
        "null": socket.AF_INET.to_bytes(4, "little"),
        "loop": socket.AF_INET.to_bytes(4, "big"),
    }
    if link == "cooked":
        return bytes(dpkt.sll.SLL(type=0, ethtype=kind, data=octets))
    whole = heads.get(link, b"") + octets
    # the shortest frames are padded, as network cards do it
    return whole.ljust(60, b"\xee") if link.startswith("ethernet") else whole


def _tcp(packet: Packet) -> Any:
    (_, sport), (_, dport) = packet.source, packet.target
    return dpkt.tcp.TCP(
        sport=sport, dport=dport, seq=packet.sequence, ack=1, flags=packet.flags, win=65535, data=packet.data
    )


def _ipv4(packet: Packet) -> Any:
    source, target = (socket.inet_aton(end[0]) for end in (packet.source, packet.target))
    return dpkt.ip.IP(src=source, dst=target, p=6, ttl=64, data=_tcp(packet))


def _ipv6(packet: Packet) -> Any:
    source, target = (
        socket.inet_pton(socket.AF_INET6, f"2001:db8::{end[0]}") for end in (packet.source, packet.target)
    )
    segment = _tcp(packet)
    return dpkt.ip6.IP6(src=source, dst=target, nxt=6, hlim=64, plen=len(segment), data=segment)


class Recorder:
    """What a proxy has seen, of all connections."""

    def __init__(self) -> None:
        self.port = 0
        self.packets: list[Packet] = []

    def file(self, link: Link = "ethernet") -> bytes:
        """All of it as a pcapng file."""
        return pcapng(self.packets, link)


@asynccontextmanager
async def recording(to_port: int) -> AsyncIterator[Recorder]:
    """A proxy on 127.0.0.1 in front of ``to_port`` that keeps what goes through it as TCP segments."""
    recorder = Recorder()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = ("127.0.0.1", int(writer.get_extra_info("peername")[1]))
        conversation = Conversation(to_port, client, "127.0.0.1", packets=recorder.packets)
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", to_port)
        both = (
            _pass_on(reader, upstream_writer, conversation, by_client=True),
            _pass_on(upstream_reader, writer, conversation, by_client=False),
        )
        for side in both:
            task = asyncio.create_task(side)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    recorder.port = server.sockets[0].getsockname()[1]
    try:
        yield recorder
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def _pass_on(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    conversation: Conversation,
    *,
    by_client: bool,
) -> None:
    try:
        while data := await reader.read(65536):
            conversation.send(data, by_client=by_client)
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
