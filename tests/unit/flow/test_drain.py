"""A stop keeps within its time, whatever hangs."""

import asyncio

import pytest

from smppbridge.flow.drain import Drain

pytestmark = pytest.mark.virtual_time


def passed(began: float) -> float:
    return round(asyncio.get_running_loop().time() - began, 2)


async def test_the_time_begins_with_the_first_question() -> None:
    drain = Drain(10.0)
    await asyncio.sleep(5)
    assert drain.left(0.5) == pytest.approx(5.0)
    await asyncio.sleep(2)
    assert drain.left(0.5) == pytest.approx(3.0)
    assert drain.left(1.0) == pytest.approx(8.0)
    await asyncio.sleep(9)
    assert drain.left(1.0) == 0.0


async def test_what_is_done_early_is_not_waited_for() -> None:
    began = asyncio.get_running_loop().time()
    await Drain(10.0).until(0.5, quick=asyncio.sleep(1), slower=asyncio.sleep(3))
    assert passed(began) == 3.0
    await Drain(10.0).until(0.5)
    assert passed(began) == 3.0


async def test_what_hangs_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    ended: list[str] = []

    async def polite() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("polite")

    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(60)

    began = asyncio.get_running_loop().time()
    drain = Drain(10.0)
    await drain.until(0.5, polite=polite(), stubborn=stubborn())
    assert (passed(began), ended) == (5.1, ["polite"])
    await drain.until(0.5, late=polite())
    assert passed(began) == 5.1
    assert sorted(record.__dict__["fields"]["part"] for record in caplog.records) == [
        "late",
        "polite",
        "stubborn",
    ]


async def test_an_error_is_told_and_keeps_no_other_from_its_end(caplog: pytest.LogCaptureFixture) -> None:
    ended: list[str] = []

    async def broken() -> None:
        raise RuntimeError("a mistake")

    async def whole() -> None:
        await asyncio.sleep(1)
        ended.append("whole")

    await Drain(10.0).until(1.0, broken=broken(), whole=whole())
    assert ended == ["whole"]
    assert "unexpected error while stopping broken" in caplog.text
