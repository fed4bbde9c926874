"""Peers that write, read or encrypt in their own way."""

import asyncio
import socket
import ssl
import struct
from pathlib import Path

import pytest
import trustme

from smppbridge.link.connection import LIMITS
from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import BindTransceiver, EnquireLink, SubmitSmResp
from tests.support.bridge.running import PATIENCE, bridge, eventually, get, metric
from tests.support.esme.esme import Esme, submit
from tests.support.system.clock import time_flies

MOST_BUFFERED = 64 << 20  # octets: more than the kernel buffers on both sides


# --- how octets come -------------------------------------------------------------------------------


async def test_many_pdus_in_one_write(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = await esme.submit_many([submit(f"number {n}") for n in range(300)])
        assert len(set(ids)) == 300
        assert ids == sorted(ids, key=int)
        await esme.receipts(300)


async def test_one_octet_per_write(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        for octet in encode(esme.number(submit())) + encode(esme.number(submit())):
            esme.writer.write(bytes((octet,)))
            await asyncio.sleep(0)
        assert [(await esme.expect(SubmitSmResp)).command_status for _ in range(2)] == [0, 0]


async def test_a_pdu_that_is_cut_does_not_hold_up_those_before_it(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        whole = encode(esme.number(submit()))
        esme.writer.write(whole + whole[:20])
        assert (await esme.expect(SubmitSmResp)).command_status == 0
        await esme.silence(SubmitSmResp, 0.05)
        esme.writer.write(whole[20:])
        assert (await esme.expect(SubmitSmResp)).command_status == 0


async def test_the_answers_to_one_write_come_in_one_write(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0], kind="TX") as esme:
        before = _segments_received(esme)
        await esme.submit_many([submit() for _ in range(100)])
        assert _segments_received(esme) - before <= 3


def _segments_received(esme: Esme) -> int:
    """TCP segments with data that the kernel has received: tcpi_data_segs_in of Linux's tcp_info."""
    sock: socket.socket = esme.writer.get_extra_info("socket")
    count: int = struct.unpack_from("I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192), 152)[0]
    return count


# --- who does not read -----------------------------------------------------------------------------


async def test_a_peer_that_never_reads_is_not_read_either_and_cut_off_in_the_end(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    settings = "smpp: {enquire_link: 20s, response_timeout: 5s}"
    async with bridge(tmp_path, settings) as app, await Esme.bound(app.smpp_ports[0]) as good:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            await loop.sock_connect(deaf, ("127.0.0.1", app.smpp_ports[0]))
            bind = BindTransceiver(system_id="pbx", password="secret", interface_version=0x34)
            await loop.sock_sendall(deaf, encode(bind))
            await eventually(lambda: metric(app, "binds", account="pbx", bind_type="TRX") == 2)
            taken = await _send_until_stuck(deaf, encode(EnquireLink(sequence_number=1)) * 4096)
            assert taken < MOST_BUFFERED  # each octet that is read becomes an octet of answers
            assert await good.submit(submit())
            await time_flies(lambda: metric(app, "binds", account="pbx", bind_type="TRX") <= 1)


async def _send_until_stuck(sock: socket.socket, octets: bytes) -> int:
    """Send until nothing more is taken, though the bridge had time to read, or far too much was; how much."""
    taken = refused = 0
    while refused < 200 and taken < MOST_BUFFERED:
        try:
            taken += sock.send(octets[taken % len(octets) :])
            refused = 0
        except BlockingIOError:
            refused += 1
            await asyncio.sleep(0)
    return taken


async def test_messages_beyond_what_may_wait_for_an_answer_are_left_unread(tmp_path: Path) -> None:
    """More submit_sm in one go than may wait for an answer: all are answered in the end."""
    count = LIMITS.unanswered + 500
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0], kind="TX") as esme:
        await esme.submit_many([submit("x", registered_delivery=0) for _ in range(count)])
        assert metric(app, "submit_sm_total", account="pbx", status="ESME_ROK") == count


# --- TLS -------------------------------------------------------------------------------------------


class Certificates:
    """A certificate authority, and the files of a server that it vouches for."""

    def __init__(self, directory: Path) -> None:
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(directory / "ca.pem")
        server = self.authority.issue_cert("localhost")
        server.cert_chain_pems[0].write_to_path(directory / "server.pem")
        server.private_key_pem.write_to_path(directory / "server.key")

    def client(self) -> ssl.SSLContext:
        """A client that trusts the server and shows no certificate."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


async def test_tls(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    listen = """
smpp: {bind_timeout: 600s}
listen:
  - {host: 127.0.0.1, port: 0}
  - {host: 127.0.0.1, port: 0, tls: {cert: server.pem, key: server.key}}
"""
    async with bridge(tmp_path, listen) as app:
        async with await Esme.connect(app.smpp_ports[1], certificates.client(), "localhost") as esme:
            assert (await esme.bind()).command_status == 0
            assert await esme.submit(submit())
            assert (await esme.receipt()).short_message.startswith(b"id:")
        async with await Esme.bound(app.smpp_ports[0]) as plain:
            assert await plain.submit(submit())
        async with await Esme.connect(app.smpp_ports[1]) as plain:
            plain.send(BindTransceiver(system_id="pbx", password="secret"))
            await plain.closed()
        stopped_at = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - stopped_at < PATIENCE  # nobody waits for a failed handshake


async def test_tls_with_client_certificates(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    listen = """
listen: [{host: 127.0.0.1, port: 0, tls: {cert: server.pem, key: server.key, client_ca: ca.pem}}]
"""
    async with bridge(tmp_path, listen) as app:
        port = app.smpp_ports[0]
        known = certificates.client()
        certificates.authority.issue_cert("pbx").configure_cert(known)
        async with await Esme.connect(port, known, "localhost") as esme:
            assert (await esme.bind()).command_status == 0
        stranger = certificates.client()
        trustme.CA().issue_cert("pbx").configure_cert(stranger)
        for context in (certificates.client(), stranger):
            with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
                async with await Esme.connect(port, context, "localhost") as esme:
                    await esme.bind()
        assert (await get(app, "/healthz")).status_code == 200


async def test_an_oversized_pdu_ends_the_connection(tmp_path: Path) -> None:
    settings = "smpp: {max_pdu_octets: 2048}"
    async with bridge(tmp_path, settings) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        esme.writer.write(struct.pack(">4I", 2049, 4, 0, 2))
        nack = await esme.next()
        assert nack.command_status == Status.ESME_RINVCMDLEN
        await esme.closed()
