"""An SMSC that calls over TLS: nothing of ours is said before the handshake is done."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme

from smppbridge.link.outbind_listener import MAX_CALLERS, OutbindListener, OutbindSettings
from tests.simulators.smpp_centre.simulator import CentreSimulator
from tests.support.bridge.running import eventually
from tests.support.system.clock import clock
from tests.unit.link.peers import QUICK, Owner, settings

WORD = "word"


class Authority:
    """A certificate authority: what its servers show, and what their callers trust."""

    def __init__(self) -> None:
        ca = trustme.CA()
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert("127.0.0.1").configure_cert(self.server)
        self.client = ssl.create_default_context()
        ca.configure_trust(self.client)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@asynccontextmanager
async def opened(
    owner: Owner, tls: ssl.SSLContext | None, allowed: str = "127.0.0.1"
) -> AsyncIterator[OutbindListener]:
    own = OutbindSettings("127.0.0.1", 0, lambda peer: peer == allowed, "", WORD, tls)
    listener = OutbindListener(settings(), own, owner)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.close()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What came before the end of the connection."""
    async with asyncio.timeout(5):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


async def test_who_calls_over_tls_is_bound(authority: Authority) -> None:
    owner = Owner()
    async with CentreSimulator() as caller, opened(owner, authority.server) as listener:
        await caller.outbind("127.0.0.1", listener.port, "centre", WORD, tls=authority.client)
        await eventually(lambda: listener.bound == 1)
        assert owner.tries == ["ESME_ROK"]
        assert [session.bind_type for session in caller.sessions] == ["RX"]


async def test_without_tls_as_ever() -> None:
    owner = Owner()
    async with CentreSimulator() as caller, opened(owner, None) as listener:
        await caller.outbind("127.0.0.1", listener.port, "centre", WORD)
        await eventually(lambda: listener.bound == 1)


async def test_who_calls_in_clear_hears_no_bind(authority: Authority) -> None:
    owner = Owner()
    async with CentreSimulator() as caller, opened(owner, authority.server) as listener:
        await caller.outbind("127.0.0.1", listener.port, "centre", WORD)
        await eventually(lambda: not caller._connections)
        assert (caller.counts["binds"], owner.tries, listener.bound) == (0, [], 0)


async def test_a_handshake_without_an_end_takes_no_place(
    authority: Authority,
) -> None:
    owner = Owner()
    async with CentreSimulator() as caller, opened(owner, authority.server) as listener:
        silent = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(MAX_CALLERS)]
        await caller.outbind("127.0.0.1", listener.port, "centre", WORD, tls=authority.client)
        await eventually(lambda: listener.bound == 1)
        clock().forward(QUICK.handshake)
        assert [await ended(reader) for reader, _ in silent] == [b""] * MAX_CALLERS
        assert listener.bound == 1
        for _, writer in silent:
            writer.close()


async def test_a_stranger_is_sent_away_before_the_handshake(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    owner = Owner()
    async with opened(owner, authority.server, allowed="192.0.2.1") as listener:
        with pytest.raises((OSError, ssl.SSLError)):
            await asyncio.open_connection("127.0.0.1", listener.port, ssl=authority.client)
    assert "connection refused: address not allowed" in caplog.text


async def test_a_handshake_that_is_done_after_the_end_is_for_nothing(authority: Authority) -> None:
    owner = Owner()
    async with CentreSimulator() as caller, opened(owner, authority.server) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        await eventually(lambda: any(5 < left <= QUICK.handshake for left in clock().timers()))  # it is taken
        await listener.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):  # it may be cut off in the handshake
            await writer.start_tls(authority.client, server_hostname="127.0.0.1")
        assert await ended(reader) == b""
        writer.close()
        assert not listener._callers
        assert (caller.counts["binds"], owner.tries) == (0, [])
