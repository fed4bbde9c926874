"""The web port: any octets in any pieces on a connection, from /healthz to callbacks.

1. Nothing is raised, by the protocol or by what it started, and nothing is logged as an error.
2. What comes back is HTTP, and a few hundred octets for each request; only /metrics is longer.
3. The connection leaves no place of a budget behind.
"""

import asyncio
import logging
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from smppbridge.link.admission import Admission
from smppbridge.metrics import Metrics
from smppbridge.web.protocol import WebBudgets, WebProtocol
from smppbridge.web.server import MOST_HEAD, Web
from tests.fuzz.loops import run
from tests.fuzz.reading import Octets
from tests.fuzz.targets.callbacks import TOKEN, callbacks
from tests.support.system.virtual_time import moment

LONGEST = 4096  # octets of an answer that is not /metrics
CALLBACK = f"/callbacks/pilot/{TOKEN}".encode()


def target(data: bytes) -> None:
    """One connection. Raises whatever the code under test should not raise."""
    octets = Octets(data)
    random = Random(octets.number())
    run(_talk(octets.rest(), random))


def seeds() -> Iterator[bytes]:
    """Requests as clients and providers send them, and some that are almost none."""
    form = b"server_id=17&status=2&message=%D0%94%D0%B0"
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n"
    heads = (
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /readyz HTTP/1.0\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n",
        b"GET %b?%b HTTP/1.1\r\nHost: a\r\n\r\n" % (CALLBACK, form),
        b"GET %b?message=\xc4\xe0&server_id=1&status=2 HTTP/1.1\r\nHost: a\r\n\r\n" % CALLBACK,
        b"POST %b HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n%b" % (CALLBACK, kind, len(form), form),
        b"POST %b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" % CALLBACK,
        b"POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /callbacks/%2e%2e/x%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\0\1\0\1\xfc\3\3",
    )
    for number, head in enumerate(heads):
        yield bytes((number,)) + head
    yield b"\7" + b"".join(heads)


class _Transport(asyncio.Transport):
    """A socket whose peer takes everything at once."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1), "sockname": ("192.0.2.2", 80)})
        self.written = bytearray()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class _Errors(logging.Handler):
    """What uvicorn and the loop survive, and log, is a finding all the same."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record)


@cache
def _config() -> uvicorn.Config:
    async def ready() -> list[str]:
        return []

    web = Web(Metrics(), callbacks(), ready, Admission(100))
    config = uvicorn.Config(
        web.application, ws="none", log_config=None, access_log=False, h11_max_incomplete_event_size=MOST_HEAD
    )
    config.load()
    return config


async def _talk(stream: bytes, random: Random) -> None:
    admission, transport, errors = Admission(100), _Transport(), _Errors()
    budgets = WebBudgets(admission, 10, 10, 10)
    place = admission.admit("192.0.2.1", budgets.waiting)
    assert place is not None
    protocol = WebProtocol(_config(), ServerState(), budgets, place)
    logs = [logging.getLogger(name) for name in ("uvicorn.error", "asyncio")]
    for log in logs:
        log.addHandler(errors)
    try:
        protocol.connection_made(transport)
        position = 0
        while position < len(stream) and not transport.closed:
            size = random.choice((1, 7, 100, 1000, 5000))
            protocol.data_received(stream[position : position + size])
            position += size
            if random.random() < 0.3:
                await moment()
        await moment()
        protocol.connection_lost(None)
        await moment()
    finally:
        for log in logs:
            log.removeHandler(errors)
    place.give_back()
    assert (admission.used, budgets.waiting.used, budgets.answering.used) == (0, 0, 0)
    assert not errors.found, errors.found[0].getMessage()
    _check(bytes(transport.written))


def _check(written: bytes) -> None:
    assert not written or written.startswith(b"HTTP/1.1 "), written[:40]
    answers: list[Any] = written.split(b"HTTP/1.1 ")[1:]
    for answer in answers:
        assert answer[:3].isdigit()
        assert len(answer) < LONGEST or b"smppbridge_" in answer
