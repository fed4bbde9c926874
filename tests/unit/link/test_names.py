"""Names are looked up in threads of their own, one for each name."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine

import pytest

from smppbridge.link.names import NameLoop


def run(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """In a loop of this kind."""
    with asyncio.Runner(loop_factory=NameLoop) as runner:
        runner.run(work())


async def resolved() -> None:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)
    assert {address[4][:2] for address in found} & {("127.0.0.1", 80), ("::1", 80)}
    with pytest.raises(socket.gaierror):
        await loop.getaddrinfo("name.invalid", 80)


def test_names_are_found_or_not() -> None:
    run(resolved)


def test_a_name_that_hangs_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is asked for, and whoever gives up. Other names, and the threads of asyncio, go on."""
    goes_on = threading.Event()
    really = socket.getaddrinfo
    looked_up: list[str] = []

    def hangs(host: str, *arguments: int) -> object:
        looked_up.append(host)
        if host == "hangs.test":
            goes_on.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return really("127.0.0.1", *arguments)

    async def many() -> None:
        loop = asyncio.get_running_loop()
        asked = [asyncio.ensure_future(loop.getaddrinfo("hangs.test", 80)) for _ in range(50)]
        await asyncio.sleep(0)
        for one in asked[:25]:
            one.cancel()
        assert await loop.getaddrinfo("other.test", 80)
        await asyncio.to_thread(goes_on.set)
        ended = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(error) for error in ended] == [asyncio.CancelledError] * 25 + [socket.gaierror] * 25
        assert looked_up.count("hangs.test") == 1
        assert await loop.getaddrinfo("other.test", 80)

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    run(many)


def test_the_end_does_not_wait_for_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *question: goes_on.wait(20) and [])

    async def ask() -> None:
        asking = asyncio.ensure_future(asyncio.get_running_loop().getaddrinfo("hangs.test", 80))
        await asyncio.sleep(0)
        asking.cancel()

    run(ask)
    assert not goes_on.is_set()
    goes_on.set()  # its answer comes when the loop is closed
