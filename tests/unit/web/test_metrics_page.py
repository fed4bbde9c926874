"""Who may read /metrics, and how often it is made."""

import asyncio

import pytest

from tests.support.system.clock import clock
from tests.unit.web.site import site

TOKEN = "a long secret"


async def test_the_page_is_made_once_a_second_for_everybody() -> None:
    async with site() as here:
        clock().stop_clock()
        first = await here.ask("/metrics")
        here.metrics.clock_suspect.set(1)
        answers = await asyncio.gather(*(here.ask("/metrics") for _ in range(100)))
        assert {answer.body for answer in answers} == {first.body}
        assert b"\nsmppbridge_clock_suspect 0.0" in first.body
        clock().forward(1.0)
        assert b"\nsmppbridge_clock_suspect 1.0" in (await here.ask("/metrics")).body


@pytest.mark.parametrize(
    ("scheme", "token"), [("Bearer", TOKEN), ("bearer", TOKEN), ("BEARER ", TOKEN), ("Bearer", "s\u00e9cret")]
)
async def test_whoever_has_the_token_may_read_it(scheme: str, token: str) -> None:
    async with site(token) as here:
        answer = await here.ask("/metrics", f"Authorization: {scheme} {token}")
        assert (answer.status, b"smppbridge_build_info" in answer.body) == (200, True)


@pytest.mark.parametrize(
    "header",
    [
        "X-Nothing: here",
        "Authorization: Bearer a long secre",
        f"Authorization: Bearer {TOKEN}t",
        "Authorization: Bearer",
        "Authorization: Bearer ",
        f"Authorization: {TOKEN}",
        f"Authorization: Basic {TOKEN}",
        "Authorization: Bearer s\u00e9cret",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_others_may_not(header: str, method: str) -> None:
    async with site(TOKEN) as here:
        answer = await here.ask("/metrics", header, method=method)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Bearer realm="metrics"')
        assert b"smppbridge_build_info" not in answer.body


async def test_the_other_pages_need_no_token() -> None:
    async with site(TOKEN) as here:
        assert (await here.ask("/healthz")).status == (await here.ask("/readyz")).status == 200
