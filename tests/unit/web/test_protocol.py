"""How long a connection of the web port may take for each step, and who must go for newcomers."""

import asyncio
from itertools import pairwise

import pytest

from smppbridge.web.callbacks import BODY_TIMEOUT, MAX_BODY
from smppbridge.web.protocol import BODY, MOST_OCTETS
from smppbridge.web.server import MOST_HEAD, OF_ONE
from tests.support.system.clock import clock, soon, turns, until
from tests.unit.web.site import CALLBACK, Peer, Site, site

REQUEST = "GET /healthz HTTP/1.1\nHost: bridge\n\n"


async def ends_after(peer: Peer, seconds: float) -> None:
    """The bridge ends the connection at that time, and not before. The clock stands still."""
    clock().forward(seconds - 0.5)
    await turns(50)
    assert not peer.closed
    clock().forward(0.6)
    await until(lambda: peer.closed)


@pytest.mark.parametrize("begin", ["", "GET", "GET /healthz HTTP/1.1\nHost: bridge\n"])
async def test_a_connection_without_a_whole_request_ends(begin: str) -> None:
    async with site() as here:
        clock().stop_clock()
        peer = await here.connect()
        peer.say(begin)
        await until(lambda: here.admission.used == 1)
        await turns(50)
        await ends_after(peer, 10.0)


async def drips(peer: Peer, octets: str) -> int:
    """It says a little each second; how often until the bridge ends the connection. On a busy machine the
    seconds are longer."""
    for second in range(60):
        if peer.closed:
            return second
        peer.say(octets)
        await asyncio.sleep(0.005)
        clock().forward(1.0)
        await asyncio.sleep(0.005)
    raise AssertionError("the bridge waits for ever")


async def test_a_head_that_comes_drop_by_drop_takes_no_longer() -> None:
    async with site() as here:
        peer = await here.connect()
        peer.say("GET /healthz HTTP/1.1\n")
        assert 5 <= await drips(peer, "X: y\n") <= 11


async def test_the_second_request_has_as_much_time_as_the_first() -> None:
    async with site() as here:
        clock().stop_clock()
        peer = await here.connect()
        await until(lambda: here.admission.used == 1)
        await turns(20)
        clock().forward(9.0)
        assert (await peer.ask("/healthz")).status == 200
        peer.say("GET /healthz HTTP/1.1\n")
        await turns(20)
        clock().forward(9.0)
        await turns(20)
        peer.say("Host: bridge\n\n")
        assert (await soon(peer.hear())).status == 200
        clock().start_clock()
        peer.say("GET /healthz HTTP/1.1\n")
        assert 5 <= await drips(peer, "X: y\n") <= 11


async def test_a_connection_that_is_kept_for_nothing_ends() -> None:
    async with site() as here:
        peer = await here.connect()
        assert (await peer.ask("/healthz")).status == 200
        clock().forward(5.1)
        await until(lambda: peer.closed)


async def test_a_body_that_comes_too_slowly_is_answered() -> None:
    async with site() as here:
        clock().stop_clock()
        peer = await here.connect()
        peer.say(f"POST {CALLBACK} HTTP/1.1\nHost: bridge\nContent-Length: 100\n\n")
        both = {BODY_TIMEOUT, BODY}  # that of the callback, and that of the connection
        await until(lambda: both <= {round(left, 3) for left in clock().timers()})
        clock().forward(10.1)
        assert (await soon(peer.hear())).status == 408
        clock().forward(1.0)
        await until(lambda: peer.closed)


async def test_a_body_that_nobody_asked_for_is_not_read_for_ever() -> None:
    async with site() as here:
        peer = await here.connect()
        peer.say("POST /healthz HTTP/1.1\nHost: bridge\nContent-Length: 1000000\n\n")
        assert (await soon(peer.hear())).status == 405
        assert 5 <= await drips(peer, "x") <= 12


async def test_a_body_that_is_too_long_is_read_on_so_that_the_answer_is_heard() -> None:
    async with site() as here:
        peer = await here.connect()
        peer.say(f"POST {CALLBACK} HTTP/1.1\nHost: bridge\nContent-Length: {MAX_BODY + 1}\n\n")
        peer.say("x" * (MAX_BODY + 1))
        assert (await soon(peer.hear())).status == 413
        assert (await peer.ask("/healthz")).status == 200


async def test_a_request_without_end_is_cut_off() -> None:
    async with site() as here:
        peer = await here.connect()
        peer.say(f"POST {CALLBACK} HTTP/1.1\nHost: bridge\nTransfer-Encoding: chunked\n\n")
        for _ in range(MOST_OCTETS // 0x8000 + 20):
            peer.say("8000\n" + "x" * 0x8000 + "\n")
            await asyncio.sleep(0)
        await until(lambda: peer.closed)


async def test_a_request_that_is_not_answered_ends() -> None:
    async with site() as here:
        clock().stop_clock()
        peer = await here.busy()
        await ends_after(peer, 30.0)


# --- budgets ---------------------------------------------------------------------------------------


async def connected(here: Site, count: int, begin: str = "") -> list[Peer]:
    peers = [await here.connect() for _ in range(count)]
    for peer in peers:
        peer.say(begin)
    await asyncio.sleep(0.05)
    return peers


@pytest.mark.parametrize("begin", ["", "GET /healthz HTTP/1.1\n"])
async def test_the_oldest_idle_connection_ends_for_a_newcomer(begin: str) -> None:
    async with site() as here:
        idle = await connected(here, OF_ONE, begin)
        assert (await here.ask("/healthz")).status == 200
        assert [peer.closed for peer in idle] == [True] + [False] * (OF_ONE - 1)


async def test_a_request_that_is_being_answered_does_not() -> None:
    async with site() as here:
        busy = await here.busy()
        await connected(here, 2 * OF_ONE)
        assert not busy.closed
        here.saving.set()
        assert (await soon(busy.hear())).status == 200


async def test_all_are_counted_until_they_are_closed() -> None:
    async with site() as here:
        await connected(here, 3)
        assert (await here.ask("/healthz")).status == 200
        assert here.admission.used == 4
        here.hang_up()
        await until(lambda: here.admission.used == 0)


# --- what anybody can make it say ------------------------------------------------------------------


async def test_bad_requests_are_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    async with site() as here:
        for _ in range(20):
            peer = await here.connect()
            peer.say("nonsense\n\n")
            assert (await soon(peer.hear())).status == 400
        assert len(caplog.records) <= 1


async def test_a_head_that_is_too_long_is_refused() -> None:
    async with site() as here:
        peer = await here.connect()
        peer.say("GET /healthz HTTP/1.1\nX: " + "y" * MOST_HEAD)
        assert (await soon(peer.hear())).status == 400


async def test_no_connection_becomes_a_websocket() -> None:
    async with site() as here:
        upgrade = (
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Key: x",
            "Sec-WebSocket-Version: 13",
        )
        assert (await here.ask("/healthz", *upgrade)).status == 200


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
async def test_head_is_get_without_a_body(path: str) -> None:
    async with site() as here:
        peer = await here.connect()
        head = await peer.ask(path, method="HEAD")
        assert (head.status, head.body) == (200, b"")
        assert int(head.headers["content-length"]) == len((await peer.ask(path)).body)


async def test_a_long_body_comes_whole_beside_many_requests() -> None:
    """Its reads wait for other turns of the loop, and stay in order."""
    async with site() as here:
        busy = [await here.connect() for _ in range(60)]
        here.saving.clear()
        peer = await here.connect()
        body = "server_id=1&status=2&x=" + "y" * 600_000
        peer.say(f"POST {CALLBACK} HTTP/1.1\nHost: bridge\nContent-Length: {len(body)}\n")
        peer.say(f"Content-Type: application/x-www-form-urlencoded\n\n{body}")
        for one in busy:
            one.say(REQUEST * 5)
        for one in busy:
            for _ in range(5):
                assert (await soon(one.hear())).status == 200
        here.saving.set()
        assert (await soon(peer.hear())).status == 200


@pytest.mark.parametrize("answered_first", [False, True])
async def test_a_body_that_breaks_off_is_no_error_of_ours(
    answered_first: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with site() as here:
        peer = await here.connect()
        head = "POST /nothing HTTP/1.1\nHost: bridge\nTransfer-Encoding: chunked\n\n2\n{}\n"
        if answered_first:
            peer.say(head)
            assert (await soon(peer.hear())).status == 404
            peer.say("nonsense\n")
        else:
            peer.say(f"{head}nonsense\n")
            assert (await soon(peer.hear())).status == 400
        await soon(peer.rest())
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_requests_that_come_all_at_once_are_begun_a_few_in_each_turn() -> None:
    """Behind each answer the next request waits already: an answer must not begin it at once."""
    async with site() as here:
        peers = await connected(here, 60)
        for peer in peers:
            peer.say("GET /readyz HTTP/1.1\nHost: bridge\n\n" * 5)
        begun = [0]
        while here.asked < 60 * 5:
            await asyncio.sleep(0)
            begun.append(here.asked)
        assert max(now - before for before, now in pairwise(begun)) <= 40
