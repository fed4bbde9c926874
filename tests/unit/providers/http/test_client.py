"""The HTTP client: what became of a request, and what may be said about it."""

import asyncio
import inspect
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from email.utils import formatdate

import pytest
import trustme
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from smppbridge.errors import UNREADABLE, ProviderError, Throttled, Unavailable, Uncertain
from smppbridge.providers.http.client import (
    CONNECT_SHARE,
    KEEP_ALIVE_SECONDS,
    HttpAnswer,
    HttpClient,
    address_of,
    host_of,
    not_understood,
    retry_after,
)
from tests.support.bridge.running import eventually
from tests.support.http.scripted import ScriptedServer
from tests.support.http.server import Fault, HttpServer
from tests.support.system.clock import clock, soon, time_flies, until


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """Patient: on a busy machine a connection may take a while."""
    opened = HttpClient(timeout=30, connections=2)
    yield opened
    await opened.close()


async def failure(client: HttpClient, url: str) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        await client.request("POST", url, b"secret body", {"X-Key": "secret"})
    for secret in ("secret", "token"):
        assert secret not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return raised.value


async def test_request_and_answer(client: HttpClient) -> None:
    async with ScriptedServer(Response(b"\x00answer", status_code=404)) as server:
        answer = await client.request("POST", f"{server.url}/path?q=1", b"body", {"Content-Type": "a/b"})
        assert answer == HttpAnswer(404, b"\x00answer")
        assert server.asked == [("/path?q=1", b"body")]
        (headers,) = server.headers
        assert (headers["content-type"], headers["user-agent"]) == ("a/b", "smppbridge")
        assert headers["accept-encoding"] == "identity"


async def test_redirects_are_not_followed(client: HttpClient) -> None:
    async with ScriptedServer(Response(status_code=307, headers={"Location": "/other"})) as server:
        answer = await client.request("POST", f"{server.url}/path", b"", {})
        assert answer == HttpAnswer(307, b"", f"{server.url}/other")
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("", ""),
        ("https://new.example/v2/send?apikey=S3CR3T#part", "https://new.example/v2/send"),
        ("https://user:S3CR3T@new.example:8443/", "https://new.example:8443/"),
        ("//new.example", "https://new.example"),
        ("/v2/send?k=S3CR3T", "https://old.example:99/v2/send"),
        ("send/", "https://old.example:99/v1/send/"),
        ("http://[::1", ""),
        ("mailto:a", ""),
    ],
)
def test_where_an_answer_points_to(location: str, address: str) -> None:
    assert address_of("https://old.example:99/v1/send?k=S3CR3T", location) == address


async def test_answers_are_bounded() -> None:
    client = HttpClient(timeout=30, connections=1, max_answer_octets=1000)
    async with ScriptedServer(b"x" * 1001, b"x" * 1000) as server:
        error = await failure(client, server.url)
        assert isinstance(error, Uncertain)
        assert "more than 1000 octets" in error.reason
        assert len((await client.request("POST", server.url, b"", {})).body) == 1000
        await client.close()


async def test_connections_are_bounded_and_waiting_for_one_sends_nothing() -> None:
    client = HttpClient(timeout=60, connections=1)
    async with ScriptedServer(b"ok") as server:
        server.faults.append(Fault.HANG_AFTER)
        clock().stop_clock()
        hanging = asyncio.create_task(failure(client, server.url))
        await until(lambda: server.hung)
        waiting = asyncio.create_task(failure(client, f"{server.url}/?token"))
        for_a_connection = pytest.approx(60 * CONNECT_SHARE)
        await until(lambda: for_a_connection in clock().timers())
        clock().forward(60 * CONNECT_SHARE)
        told = await soon(waiting)
        assert isinstance(told, Unavailable)
        assert told.reason.endswith(": no free connection")
        assert not hanging.done()
        clock().forward(60)
        assert isinstance(await soon(hanging), Uncertain)
        assert len(server.asked) == 1
        assert (await client.request("POST", server.url, b"", {})).body == b"ok"
        await client.close()


async def test_slow_drip_ends_at_the_deadline(client: HttpClient) -> None:
    """Every octet comes in time, the answer as a whole does not."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"secret body")
        asked.set()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.02)
        ended.set()

    asked, ended = asyncio.Event(), asyncio.Event()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    asking = asyncio.create_task(failure(client, url))
    await soon(asked.wait())
    await time_flies(asking.done)
    error = await asking
    assert isinstance(error, Uncertain)
    assert "timeout" in error.reason
    server.close()
    await asyncio.wait_for(ended.wait(), 30)


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"HTTP/1.1 200"],
)
async def test_broken_http(client: HttpClient, answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"secret body")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    assert isinstance(
        await failure(client, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/?token"), Uncertain
    )
    server.close()
    await server.wait_closed()


async def test_a_connection_lost_inside_the_request_may_have_delivered_it(client: HttpClient) -> None:
    """The server may act on headers alone, or on a body that only seems cut: never sent again blindly."""

    async def lose(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    server = await asyncio.start_server(lose, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    large = b"x" * 20_000_000  # more than the system takes off our hands at once
    with pytest.raises(Uncertain):
        await client.request("POST", url, large, {})
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(("keep_alive", "connections"), [(0.0, 3), (300.0, 1)])
async def test_how_long_a_connection_is_used_again(keep_alive: float, connections: int) -> None:
    client = HttpClient(timeout=30, connections=2, keep_alive=keep_alive)
    peers: set[object] = set()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        peers.add(scope["client"])
        await Response(b"ok")(scope, receive, send)

    async with HttpServer(answer) as server:
        for _ in range(3):
            assert (await client.request("POST", server.url, b"", {})).body == b"ok"
        await client.close()
    assert len(peers) == connections


def test_connections_are_given_up_before_servers_close_them() -> None:
    """Common servers (uvicorn, Node.js, Apache) close an idle connection after 5 s. A request that meets such
    a close is uncertain, and its messages may go out twice."""
    assert KEEP_ALIVE_SECONDS < 5
    assert inspect.signature(HttpClient).parameters["keep_alive"].default == KEEP_ALIVE_SECONDS


async def test_compressed_garbage(client: HttpClient) -> None:
    broken = Response(b"not gzip", headers={"Content-Encoding": "gzip"})
    async with ScriptedServer(broken) as server:
        assert isinstance(await failure(client, server.url), Uncertain)


async def test_nobody_accepts(client: HttpClient) -> None:
    """A full queue of connections: the SYN goes unanswered."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        await asyncio.sleep(0.05)
        asking = asyncio.create_task(failure(client, f"http://127.0.0.1:{address[1]}/?token"))
        await time_flies(asking.done)
        error = await asking
        assert isinstance(error, Unavailable)
        assert "timeout" in error.reason
        for filler in fillers:
            filler.close()


async def test_untrusted_certificate_and_plain_answer_to_tls(client: HttpClient) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").configure_cert(tls)

    async def ignore(scope: object, receive: object, send: object) -> None:
        raise AssertionError("nothing may arrive")

    async with HttpServer(ignore, tls=tls) as server, HttpServer(ignore) as plain:
        for url in (server.url, f"https://127.0.0.1:{plain.port}"):
            error = await failure(client, f"{url}/?token")
            assert isinstance(error, Unavailable)
            assert "TLS" in error.reason


async def test_trusted_certificate() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    client = HttpClient(timeout=30, connections=1, verify=trust)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(b"ok")(scope, receive, send)

    async with HttpServer(answer, tls=tls) as server:
        assert (await client.request("POST", server.url, b"", {})).body == b"ok"
        await client.close()


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/?token", "http://", "ftp://127.0.0.1/?token", f"http://{'a' * 70}.invalid/?token"],
)
async def test_addresses_without_a_server(client: HttpClient, url: str) -> None:
    assert isinstance(await failure(client, url), Unavailable)


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ScriptedServer(b"direct") as server, ScriptedServer(b"proxy") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        for name in ("http_proxy", "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        unproxied = HttpClient(timeout=30, connections=1)
        assert (await unproxied.request("POST", server.url, b"", {})).body == b"direct"
        await unproxied.close()


async def test_the_library_logs_nothing(client: HttpClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with ScriptedServer(b"ok") as server:
        await client.request("POST", f"{server.url}/?token=secret", b"", {"Authorization": "secret"})
    assert [record.name for record in caplog.records if record.name.startswith("http")] == []


async def test_cancelling_from_outside_stays_a_cancellation(client: HttpClient) -> None:
    async with ScriptedServer(b"ok") as server:
        server.faults.append(Fault.HANG_BEFORE)
        request = asyncio.create_task(client.request("POST", server.url, b"", {}))
        await eventually(lambda: not server.faults)  # it hangs
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert (await client.request("POST", server.url, b"", {})).body == b"ok"


@pytest.mark.parametrize(("headers", "after"), [({"Retry-After": "90"}, 90), ({}, 5)])
async def test_too_many_requests(client: HttpClient, headers: dict[str, str], after: float) -> None:
    async with ScriptedServer(Response(status_code=429, headers=headers)) as server:
        error = await failure(client, server.url)
    assert isinstance(error, Throttled)
    assert error.after == after


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17),
        ("0", 1),
        ("-5", 1),
        ("99999", 3600),
        ("inf", 3600),
        ("nan", 5),
        ("", 5),
        ("soon", 5),
        (formatdate(NOW + 60, usegmt=True), 60),
        (formatdate(NOW - 60, usegmt=True), 1),
        ("Fri, 32 Nov 2026 10:00:00 GMT", 5),
    ],
)
def test_retry_after(value: str, seconds: float) -> None:
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, Uncertain) for status in (200, 302, 400, 404, 408, 425, 500, 502, 504)),
        (503, Unavailable),
    ],
)
def test_not_understood(status: int, expected: type[ProviderError]) -> None:
    error = not_understood(HttpAnswer(status, b"<p>Sorry</p>"), "https://a.example/path?token=secret")
    assert type(error) is expected
    assert error.code == UNREADABLE
    assert str(error) == f"a.example answered HTTP {status} with 12 octets of XML that cannot be understood"


def test_what_points_elsewhere_is_named_by_its_host() -> None:
    answer = HttpAnswer(302, b"", "https://new.example/S3CR3T")
    assert not_understood(answer, "https://a.example/").reason.endswith("; it points to new.example")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "data"),
        (b"\xff\0key S3CR3T,\r\nphone 375291234567", "data"),
        (b" \n<!DOCTYPE html><h1>S3CR3T", "HTML"),
        (b"<HTML>", "HTML"),
        (b'<?xml version="1.0"?>', "XML"),
        (b'{"text": "S3CR3T"', "JSON"),
        (b"[1,", "JSON"),
    ],
)
def test_what_is_not_understood_is_named_but_not_quoted(body: bytes, kind: str) -> None:
    error = not_understood(HttpAnswer(200, body), "https://a.example/")
    assert error.reason.endswith(f" {len(body)} octets of {kind} that cannot be understood")


@pytest.mark.parametrize("url", ["https://h:99999/x", "https://h:port", "https://[::1"])
def test_a_broken_address_is_told_without_a_crash(url: str) -> None:
    assert host_of(url) == "a broken address"


def test_host_of() -> None:
    assert host_of("https://user:secret@a.example:8443/path?token") == "a.example:8443"
