"""What every HTTP provider must do when the network or the provider's server fails in the middle."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smppbridge.errors import ProviderError, Throttled, Unavailable, Uncertain
from smppbridge.providers.base import Provider
from tests.contract.providers.rig import Rig
from tests.contract.providers.rigs import with_providers, with_rigs
from tests.contract.providers.steps import (
    after,
    apart,
    assert_silent,
    batch,
    errors_of,
    fresh,
    no_report,
    now,
    pairs,
    pairs_of,
    polls_of,
    refs_of,
    submit,
    told_by,
)
from tests.support.builders.messages import doubt
from tests.support.http.server import Fault, HttpServer
from tests.support.system.clock import time_flies

every = with_rigs()
each_provider = with_providers()

SENSELESS = (Fault.GARBAGE, Fault.EMPTY, Fault.HTML)
LOST = (Fault.RESET_BEFORE, Fault.RESET_AFTER, Fault.CUT_ANSWER)
TIMEOUTS = (Fault.HANG_BEFORE, Fault.HANG_AFTER)
UNCERTAIN_STATUSES = (
    *(Fault.REDIRECT, Fault.HTTP_408, Fault.HTTP_425),
    *(Fault.HTTP_500, Fault.HTTP_502, Fault.HTTP_504),
)
CERTAIN = {
    Fault.MOVED: Unavailable,
    Fault.HTTP_503: Unavailable,
    Fault.HTTP_429: Throttled,
    Fault.HTTP_429_PLAIN: Throttled,
}


def questions(rig: Rig, provider: Provider) -> list[Callable[[], Awaitable[object]]]:
    """Everything that can be asked besides statuses; message 1 was taken."""
    asked: list[Callable[[], Awaitable[object]]] = [provider.balance]
    if rig.can_find:
        asked.append(lambda: provider.find([doubt(fresh(1))], now()))
    if rig.inbound_by_polling:
        asked.append(lambda: provider.inbound(now() - 3_600_000))
    return asked


# --- sending ---------------------------------------------------------------------------------------


@every
@pytest.mark.parametrize("fault", [*LOST, *SENSELESS, *UNCERTAIN_STATUSES, *CERTAIN])
async def test_fault_while_sending(rig: Rig, fault: Fault) -> None:
    await check_sending(rig, fault)


@each_provider
@pytest.mark.parametrize("fault", TIMEOUTS)
@pytest.mark.slow
async def test_timeout_while_sending(rig: Rig, fault: Fault) -> None:
    await check_sending(rig, fault)


async def check_sending(rig: Rig, fault: Fault) -> None:
    provider = await rig.open(no_report)
    rig.faults.append(fault)
    messages = batch(1, 2, 3)
    errors = errors_of(await after(rig, fault, submit(provider, messages)))
    together = 3 if rig.requests_for(3) == 1 else 1
    expected = CERTAIN.get(fault, Uncertain)
    rest = Unavailable if expected is Uncertain else expected
    assert [type(error) for error in errors] == [expected] * together + [rest] * (3 - together)
    # what is not uncertain has certainly not been taken; and nothing is sent twice
    assert pairs(rig) == (pairs_of(messages[:together]) if fault.value.acts else [])
    assert rig.requests == 1
    assert_silent(rig, map(told_by, errors))
    refs_of(await submit(provider, batch(4)))


@every
@pytest.mark.parametrize("fault", SENSELESS)
async def test_a_senseless_answer_is_described_without_its_content(rig: Rig, fault: Fault) -> None:
    provider = await rig.open(no_report)
    rig.faults.append(fault)
    (error,) = errors_of(await submit(provider, batch(1)))
    assert error.code == "unreadable"
    assert f"HTTP 200 with {len(fault.value.body)} octets" in error.reason
    assert "127.0.0.1:" in error.reason
    assert len(error.reason) < 200


@every
async def test_an_answer_that_repeats_the_request_is_not_quoted(rig: Rig) -> None:
    """An error page may show what was posted to it, and that holds the credential."""

    async def echo(request: Request) -> Response:
        asked = f"{request.url.query} {(await request.body()).decode()}"
        return Response(f"<html>{asked}</html>", media_type="text/html")

    app = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST"])])
    async with HttpServer(app) as server:
        provider = await rig.open(no_report, url=server.url)
        errors = errors_of(await submit(provider, batch(1)))
    assert [(type(error), error.code) for error in errors] == [(Uncertain, "unreadable")]
    assert_silent(rig, [*map(told_by, errors)], texts=("Привет", "79000000001"))


@every
@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.GARBAGE, Fault.HTTP_500])
async def test_after_an_uncertain_request_the_rest_of_the_batch_is_not_sent(rig: Rig, fault: Fault) -> None:
    provider = await rig.open(no_report)
    rig.faults.append(fault)
    messages = apart(rig, 1, 2, 3)
    errors = errors_of(await submit(provider, messages))
    assert [type(error) for error in errors] == [Uncertain, Unavailable, Unavailable]
    assert pairs(rig) == pairs_of(messages[:1])
    assert rig.requests == 1


@every
async def test_what_was_taken_before_a_fault_stays_taken(rig: Rig) -> None:
    provider = await rig.open(no_report)
    messages = apart(rig, 1, 2, 3)
    rig.faults.append(Fault.SLOW)
    sending = asyncio.create_task(submit(provider, messages))
    while rig.faults:
        await asyncio.sleep(0.01)
    rig.faults.append(Fault.HTTP_503)
    first, *errors = await sending
    refs_of([first])
    assert [type(error) for error in errors] == [Unavailable, Unavailable]
    assert pairs(rig) == pairs_of(messages[:1])


@each_provider
async def test_429_says_how_long_to_wait(rig: Rig) -> None:
    provider = await rig.open(no_report)
    rig.faults.extend([Fault.HTTP_429, Fault.HTTP_429_PLAIN])
    waits = []
    for _ in range(2):
        (error,) = errors_of(await submit(provider, batch(1)))
        assert isinstance(error, Throttled)
        waits.append(error.after)
    assert waits == [17, 5]


@each_provider
async def test_slow_answer_is_waited_for(rig: Rig) -> None:
    provider = await rig.open(no_report)
    rig.faults.append(Fault.SLOW)
    refs_of(await submit(provider, batch(1)))


@each_provider
@pytest.mark.slow
async def test_many_timeouts_do_not_use_up_the_connections(rig: Rig) -> None:
    provider = await rig.open(no_report)
    rig.faults.extend([Fault.HANG_AFTER] * 5)  # one more than there can be connections
    asking = asyncio.gather(*(submit(provider, batch(n)) for n in range(1, 6)))
    await time_flies(asking.done)
    assert all(isinstance(result[0], ProviderError) for result in await asking)
    rig.faults.clear()
    refs_of(await submit(provider, batch(20)))


@each_provider
async def test_nobody_listens(rig: Rig) -> None:
    with socket.socket() as taken_port:
        taken_port.bind(("127.0.0.1", 0))
        provider = await rig.open(no_report, url=f"http://127.0.0.1:{taken_port.getsockname()[1]}")
        errors = errors_of(await submit(provider, batch(1, 2)))
    assert [type(error) for error in errors] == [Unavailable] * 2
    assert "connection refused" in str(errors[0])
    assert_silent(rig, map(told_by, errors))


@each_provider
async def test_timeout_before_the_request_left(rig: Rig) -> None:
    """A TLS handshake that never ends: no octet of the request has gone out."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        provider = await rig.open(no_report, url=url, timeout=0.8)
        errors = errors_of(await submit(provider, batch(1)))
    assert [type(error) for error in errors] == [Unavailable]
    assert_silent(rig, map(told_by, errors))


# --- asking ----------------------------------------------------------------------------------------


@every
@pytest.mark.parametrize(
    "fault", [*SENSELESS, Fault.RESET_AFTER, Fault.HTTP_429, Fault.HTTP_500, Fault.HTTP_503]
)
async def test_fault_while_asking_for_a_status(rig: Rig, fault: Fault) -> None:
    await check_asking(rig, fault)


@each_provider
@pytest.mark.slow
async def test_timeout_while_asking_for_a_status(rig: Rig) -> None:
    await check_asking(rig, Fault.HANG_AFTER)


async def check_asking(rig: Rig, fault: Fault) -> None:
    provider = await rig.open(no_report)
    messages = batch(1, 2)
    polls = polls_of(messages, await submit(provider, messages))
    asked = rig.requests
    rig.faults.append(fault)
    with pytest.raises(ProviderError) as raised:
        await after(rig, fault, provider.status(polls))
    assert_silent(rig, [told_by(raised.value)])
    assert rig.requests == asked + 1


@every
@pytest.mark.parametrize("fault", [*SENSELESS, Fault.RESET_AFTER, Fault.HTTP_429, Fault.HTTP_503])
async def test_fault_while_asking_anything_else(rig: Rig, fault: Fault) -> None:
    provider = await rig.open(no_report)
    refs_of(await submit(provider, batch(1)))
    for question in questions(rig, provider):
        rig.faults.append(fault)
        with pytest.raises(ProviderError) as raised:
            await question()
        assert_silent(rig, [told_by(raised.value)])
        assert not rig.faults


@every
async def test_no_question_is_asked_after_the_stop(rig: Rig) -> None:
    provider = await rig.open(no_report)
    refs_of(await submit(provider, batch(1)))
    provider.stop()
    asked = rig.requests
    for question in questions(rig, provider):
        with pytest.raises(Unavailable):
            await question()
    assert rig.requests == asked
