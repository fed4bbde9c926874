"""Callbacks over a socket, as they come from providers that take HTTP lightly."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from smppbridge.link.admission import Admission
from smppbridge.metrics import Metrics
from smppbridge.model.message import StatusReport
from smppbridge.providers.base import Callback, News
from smppbridge.providers.smspilot.provider import Smspilot, SmspilotOptions
from smppbridge.web.callbacks import LARGE_BODY, Callbacks
from smppbridge.web.server import Web
from tests.simulators.smspilot.simulator import Rules, SmspilotSimulator
from tests.support.builders.messages import NOW, message
from tests.support.builders.upcalls import Upcalls
from tests.support.http.callbacks import Call, CallbackSender
from tests.support.system.clock import time_flies

FAILED = {"server_id": "182138593", "phone": "79087964781", "status": "-1", "error": "604"}
WORDS = {"error_en": "Undeliverable", "error_ru": "Невозможно доставить"}
REASON = "604: the message was cancelled, or cannot be delivered: Undeliverable, Невозможно доставить"


class Site:
    """The web server, and what callbacks have told it."""

    def __init__(self, port: int, told: list[News], pilot: "Recording") -> None:
        self.port = port
        self.path = "/callbacks/pilot/token"
        self.told = told
        self.callbacks = pilot.callbacks
        self.threads = pilot.threads

    async def hear(self, news: Sequence[News]) -> None:
        raise AssertionError

    async def ask(self, *pieces: bytes) -> bytes:
        """The status of the answer to a request that comes in pieces."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.005)
            return (await reader.readline()).split()[1]
        finally:
            writer.close()


class Recording(Smspilot):
    """Remembers the callbacks that it reads."""

    def __init__(self) -> None:
        super().__init__("pilot", SmspilotOptions.model_validate({"kind": "smspilot", "apikey": "K"}))
        self.callbacks: list[Callback] = []
        self.threads: list[threading.Thread] = []

    def parse_callback(self, callback: Callback) -> list[News]:
        self.callbacks.append(callback)
        self.threads.append(threading.current_thread())
        return super().parse_callback(callback)


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    told: list[News] = []

    async def hear(name: str, news: Sequence[News]) -> None:
        told.extend(news)

    async def ready() -> list[str]:
        return []

    pilot = Recording()
    metrics = Metrics()
    callbacks = Callbacks({"pilot": pilot}, {"pilot": "token"}, hear)
    web = Web(metrics, callbacks, ready, Admission(1000, metrics))
    port = await web.start("127.0.0.1", 0)
    try:
        yield Site(port, told, pilot)
    finally:
        stopping = asyncio.create_task(web.stop())
        await time_flies(stopping.done)


def reasons(told: Sequence[News]) -> list[str]:
    return [one.reason for one in told if isinstance(one, StatusReport)]


@pytest.mark.parametrize("method", ["get", "raw get", "post", "multipart post"])
async def test_a_callback_in_every_way_that_smspilot_has(method: str) -> None:
    async with site() as here:
        sender = CallbackSender(retries=0)
        await sender.start()
        url = f"http://127.0.0.1:{here.port}{here.path}?fields=all"
        sender.push(Call(url, method, {**FAILED, **WORDS}))
        async with asyncio.timeout(30):
            while not sender.answered + sender.given_up:
                await asyncio.sleep(0.005)
        await sender.stop()
        assert (sender.answered, reasons(here.told)) == (1, [REASON])


@pytest.mark.parametrize(("method", "rules"), [("get", {"sloppy": True}), ("post", {"multipart": True})])
async def test_what_the_simulator_of_smspilot_says(method: str, rules: dict[str, Any]) -> None:
    keys = {"kind": "smspilot", "apikey": "KEY", "callback_method": method}
    async with site() as here, SmspilotSimulator(Rules(delay=0.01, outcome=(-1, 604), **rules)) as simulator:
        url = f"http://127.0.0.1:{here.port}{here.path}"
        options = SmspilotOptions.model_validate({**keys, "url": simulator.url})
        pilot = Smspilot("pilot", options, callback_url=url)
        await pilot.start(Upcalls(here.hear))
        await pilot.send([message(1)], NOW)
        async with asyncio.timeout(30):
            while not any(reasons(here.told)):
                await asyncio.sleep(0.005)
        await pilot.close()
    assert "Отменено" in reasons(here.told)[-1]


def as_printed(path: str) -> bytes:
    """API-1 §2.1: a space is encoded, letters are not."""
    words = "error=604&error_en=Undeliverable&error_ru=Невозможно%20доставить"
    return f"GET {path}?server_id=182138593&phone=79087964781&status=-1&{words} HTTP/1.1".encode()


@pytest.mark.parametrize("cut", [0, 20, 150, -30])
async def test_an_address_with_raw_octets_in_pieces(cut: int) -> None:
    async with site() as here:
        request = as_printed(here.path) + b"\r\nHost: a\r\n\r\n"
        assert await here.ask(request[:cut], request[cut:]) == b"200"
        assert reasons(here.told) == [REASON]


@pytest.mark.parametrize(
    ("charset", "told", "guesses"),
    [("windows-1251", "", 1), ("koi8-r", "&charset=koi8-r", 0), ("utf-8", "", 0)],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_charset_of_a_callback(
    method: str, charset: str, told: str, guesses: int, caplog: pytest.LogCaptureFixture
) -> None:
    _, query = as_printed("").split(b"?")
    fields = query.removesuffix(b" HTTP/1.1").decode().encode(charset)
    path = here_path().encode() + b"?fields=all" + told.encode()
    form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n" % len(fields)
    async with site() as here:
        for _ in range(2):
            if method == "GET":
                assert await here.ask(b"GET %s&%s HTTP/1.1\r\nHost: a\r\n\r\n" % (path, fields)) == b"200"
            else:
                head = b"POST %s HTTP/1.1\r\nHost: a\r\n%s\r\n" % (path, form)
                assert await here.ask(head + fields) == b"200"
        assert reasons(here.told) == [REASON] * 2
    said = [record for record in caplog.records if record.getMessage() == "callback not in UTF-8"]
    assert len(said) == guesses  # once for a provider


async def test_octets_elsewhere_stay_as_they_are() -> None:
    form = "x=ж&server_id=5&status=2".encode()  # made longer, it would lose its end
    head = f"POST {here_path()} HTTP/1.1\r\nHost: a\r\nX-Name: \u00e9\r\nContent-Length: {len(form)}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    async with site() as here:
        assert await here.ask(head.encode("latin-1"), form) == b"200"
        assert await here.ask(head.encode("latin-1") + form) == b"200"
        assert len(here.told) == 2


async def test_headers_stay_as_they_are_in_whatever_pieces_they_come() -> None:
    async with site() as here:
        line = f"GET {here.path}?server_id=5&status=2 HTTP/1.1\r\n".encode()
        name, end = b"X-Name: \xe9\r\n", b"Host: a\r\n\r\n"
        for pieces in ((line + name + end,), (line, name, end), (line[:9], line[9:], name + end)):
            assert await here.ask(*pieces) == b"200"
            assert here.callbacks.pop().headers["x-name"] == "\xe9"


async def test_what_is_not_understood_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    async with site() as here:
        for fields in ("server_id=x", "status=2", "message=a"):
            assert await here.ask(f"GET {here.path}?{fields} HTTP/1.1\r\nHost: a\r\n\r\n".encode()) == b"400"
    assert caplog.messages == ["callback not understood"] * 2  # statuses, and messages from phones


async def test_a_guess_is_told_only_of_what_is_understood(caplog: pytest.LogCaptureFixture) -> None:
    async with site() as here:
        path = here.path.encode()
        assert await here.ask(b"GET %s?a=%%cf HTTP/1.1\r\nHost: a\r\n\r\n" % path) == b"400"
    assert "callback not in UTF-8" not in caplog.messages


def here_path() -> str:
    return Site(0, [], Recording()).path


@pytest.mark.parametrize("request_line", ["GET /каша", "ЖЖЖ / HTTP/1.1"])
async def test_nonsense_is_still_refused(request_line: str) -> None:
    async with site() as here:
        assert await here.ask(request_line.encode() + b"\r\nHost: a\r\n\r\n") in (b"400", b"404")
        assert here.told == []


async def test_a_large_body_is_read_beside_the_loop() -> None:
    """A broken one of 1 MiB takes half a second, in which no ESME would be answered."""
    async with site() as here:
        for length, own in ((100, True), (LARGE_BODY, False)):
            body = f"server_id=1&status=2&x={'y' * length}".encode()
            head = f"POST {here.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            kind = "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n"
            assert await here.ask((head + kind).encode(), body) == b"200"
            assert (here.threads.pop() is threading.main_thread()) is own
        assert len(here.told) == 2


@pytest.mark.parametrize("end", [b"nonsense\r\n\r\n", None])
async def test_a_provider_that_stops_within_a_body_is_no_error_of_ours(
    end: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with site() as here:
        _, writer = await asyncio.open_connection("127.0.0.1", here.port)
        writer.write(f"POST {here.path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        await asyncio.sleep(0.005)
        writer.write(b"2\r\n{}" + (end or b""))
        await asyncio.sleep(0.005)
        writer.close()
        assert await here.ask(f"GET {here.path}?a=1 HTTP/1.1\r\nHost: a\r\n\r\n".encode()) == b"400"
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
