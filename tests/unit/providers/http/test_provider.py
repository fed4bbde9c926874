"""What all HTTP providers do alike."""

import logging
import re
from collections.abc import AsyncIterator
from typing import Literal

import pytest
from starlette.responses import Response

from smppbridge.errors import (
    UNFIT,
    UNREADABLE,
    ProviderError,
    Refused,
    Unavailable,
    Uncertain,
)
from smppbridge.model.message import Draft
from smppbridge.providers.base import Limits
from smppbridge.providers.http import provider as http_provider
from smppbridge.providers.http.provider import HttpProvider
from smppbridge.providers.options import HttpOptions
from tests.support.builders.messages import NOW, message
from tests.support.builders.upcalls import Upcalls
from tests.support.http.scripted import ScriptedServer

KEY = "S3CR3T-KEY"


class _Options(HttpOptions):
    kind: Literal["test"] = "test"


class _Provider(HttpProvider):
    """Answers are ``ok:<word>``; texts with "никогда" cannot be carried."""

    services = frozenset({"HLR"})

    def check(self, draft: Draft) -> None:
        if "никогда" in (draft.text or "") or draft.octets is not None or not draft.sender:
            raise Refused(0x4A5, "such a message is not carried")


def decode(body: bytes) -> str:
    answer = re.fullmatch(rb"ok:(\w+)", body)
    if answer is None:
        raise ValueError(f"not an answer: {body!r}")
    return answer[1].decode()


@pytest.fixture
async def provider() -> AsyncIterator[_Provider]:
    made = _Provider("pilot", _Options(url="http://127.0.0.1"), Limits(1, 1), secrets=[KEY, ""])
    await made.start(Upcalls(_no_report))
    yield made
    await made.close()


async def _no_report(reports: object) -> None:
    raise AssertionError("an HTTP provider does not push")


async def call(provider: _Provider, server: ScriptedServer) -> str:
    return await provider.call(f"{server.url}/send?k={KEY}", b"body", {"X-Key": KEY}, decode)


# --- call ------------------------------------------------------------------------------------------


async def test_an_answer(provider: _Provider) -> None:
    async with ScriptedServer("ok:taken") as server:
        assert await call(provider, server) == "taken"
        assert server.asked == [(f"/send?k={KEY}", b"body")]
        assert server.headers[0]["x-key"] == KEY


async def test_a_method(provider: _Provider) -> None:
    async with ScriptedServer("ok:found") as server:
        assert await provider.call(f"{server.url}/get", b"", {}, decode, method="GET") == "found"
        assert server.asked == [("/get", b"")]
        assert "content-type" not in server.headers[0]


async def test_a_large_answer_is_read_as_well(provider: _Provider) -> None:
    word = "x" * (http_provider.LARGE_ANSWER + 1)
    async with ScriptedServer(f"ok:{word}", f"{word}!") as server:
        assert await call(provider, server) == word
        with pytest.raises(Uncertain):
            await call(provider, server)


@pytest.mark.parametrize(("status", "error"), [(200, Uncertain), (500, Uncertain), (503, Unavailable)])
async def test_an_answer_without_sense(
    provider: _Provider, status: int, error: type[ProviderError], caplog: pytest.LogCaptureFixture
) -> None:
    async with ScriptedServer(Response(f"<p>{KEY} {KEY}", status_code=status)) as server:
        for _ in range(3):
            with pytest.raises(error) as caught:
                await call(provider, server)
        assert type(caught.value) is error
        assert caught.value.code == UNREADABLE
        assert caught.value.__suppress_context__  # "not an answer" quotes it
        assert KEY not in caught.value.reason
    complaints = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(complaints) == 1  # a person need not read it three times
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("status", "error"),
    [(301, Unavailable), (307, Unavailable), (308, Unavailable), (302, Uncertain), (303, Uncertain)],
)
async def test_an_address_that_has_moved(
    provider: _Provider, status: int, error: type[ProviderError], caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Location": f"https://user:{KEY}@new.example/v2/{KEY}/79161234567?k={KEY}"}
    body = "<p>" if error is Uncertain else "ok:taken"  # whatever it says
    async with ScriptedServer(Response(body, status_code=status, headers=headers)) as server:
        for _ in range(3):
            with pytest.raises(error) as caught:
                await call(provider, server)
        assert type(caught.value) is error
        assert "new.example" in caught.value.reason
        if error is Unavailable:
            assert "it has moved to https://new.example/v2/***/7916***; change url" in caught.value.reason
    (complaint,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert complaint.__dict__["fields"]["reason"] == caught.value.reason
    assert KEY not in caught.value.reason


async def test_an_address_that_has_moved_nobody_says_where(provider: _Provider) -> None:
    async with ScriptedServer(Response(status_code=301)) as server:
        with pytest.raises(Unavailable, match="moved to an address that it does not name"):
            await call(provider, server)


async def test_paths_with_values_of_messages_are_not_told(provider: _Provider) -> None:
    provider.fixed_paths = False
    headers = {"Location": "https://new.example:8443/send/Hello"}
    async with ScriptedServer(Response(status_code=301, headers=headers)) as server:
        with pytest.raises(Unavailable, match=r"moved to https://new\.example:8443; change url"):
            await call(provider, server)


async def test_what_is_not_an_error_of_the_answer_is_ours(provider: _Provider) -> None:
    def broken(body: bytes) -> str:
        raise KeyError("a mistake of ours")

    async with ScriptedServer("ok:taken") as server:
        with pytest.raises(KeyError):
            await provider.call(server.url, b"", {}, broken)


async def test_after_stop_no_request_begins(provider: _Provider) -> None:
    async with ScriptedServer("ok:taken") as server:
        provider.stop()
        with pytest.raises(Unavailable, match="stopping"):
            await call(provider, server)
        assert server.asked == []


async def test_before_start_and_after_close_nothing_is_sent() -> None:
    provider = _Provider("pilot", _Options(url="http://127.0.0.1"), Limits(1, 1), secrets=[KEY])
    async with ScriptedServer("ok:taken") as server:
        for _ in range(2):
            with pytest.raises(Unavailable, match="not started"):
                await call(provider, server)
            await provider.start(Upcalls(_no_report))
            await provider.close()
            await provider.close()
        assert server.asked == []


# --- messages that cannot be carried ---------------------------------------------------------------


async def test_unfit_messages(provider: _Provider) -> None:
    messages = [
        message(1),
        message(2, text="никогда"),
        message(3, octets=b"\0\1", text=""),
        message(4, service_type="HLR"),
        message(5, service_type="CALL"),
        message(6, sender=""),
    ]
    refused = dict(provider.unfit(messages, ""))
    assert list(refused) == [2, 3, 5, 6]
    assert (refused[2].status, refused[5].status) == (0x4A5, 0x45)
    assert {refusal.code for refusal in refused.values()} == {UNFIT}
    assert "CALL" in refused[5].reason
    assert list(dict(provider.unfit(messages, "CASTLE"))) == [2, 3, 5]  # the provider's own sender will do


async def test_what_a_provider_says_by_default(provider: _Provider) -> None:
    assert provider.schedules(NOW + 1, NOW) is False
    assert await provider.find([], NOW) == []
    assert await provider.inbound(None) == []
    assert provider.last_balance is None


# --- what is told ----------------------------------------------------------------------------------


def test_a_reason_has_no_secrets_and_no_numbers() -> None:
    provider = _Provider("pilot", _Options(url="http://127.0.0.1"), Limits(1, 1), secrets=[KEY])
    reason = provider.reason("pilot", 215, f"key {KEY}\nphone 375291234567")
    assert reason == "pilot error 215: key *** phone 3752***"


async def test_a_complaint_is_told_once(provider: _Provider, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        provider.note("a", logging.WARNING, "first")
        provider.note("b", logging.ERROR, "second")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "provider pilot: first"),
        ("ERROR", "provider pilot: second"),
    ]


async def test_complaints_are_bounded(provider: _Provider, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(2 * http_provider.MAX_NOTED):
        provider.note(number, logging.WARNING, "what")
    assert len(caplog.records) == http_provider.MAX_NOTED
