"""smsc.ru's own rules of sending: one request for each message, whose answer is whose, backup addresses."""

import json
import logging
import socket
from contextlib import AsyncExitStack
from typing import Any

import pytest
from starlette.responses import Response

from smppbridge.errors import (
    Disabled,
    Postponed,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from smppbridge.providers.base import Taken
from smppbridge.providers.smsc_ru.options import SmscRuOptions
from smppbridge.providers.smsc_ru.provider import SmscRu
from tests.support.builders.messages import DAY, NOW, message
from tests.support.builders.upcalls import Upcalls
from tests.support.http.scripted import ScriptedServer
from tests.support.http.server import Fault
from tests.unit.providers.smsc_ru.centre import PHONE, Centre, hand_over, no_report, ok, poll, refuse

# --- the request -----------------------------------------------------------------------------------


async def test_request() -> None:
    async with Centre(ok()) as centre:
        assert await centre.send(1, text="Ёлка & +1", recipient=PHONE) == [Taken("b1.1")]
        assert centre.paths == ["/sys/send.php"]  # no query: it would be logged on the way
        assert centre.server.headers[0]["content-type"] == "application/x-www-form-urlencoded"
        assert centre.forms == [
            {
                **{"login": "alex", "psw": "SECRET", "charset": "utf-8", "fmt": "3", "cost": "3", "op": "1"},
                **{
                    "phones": f"+{PHONE}",
                    "mes": "Ёлка & +1",
                    "sender": "Demo",
                    "id": "b1.1",
                    "valid": "24:00",
                },
            }
        ]


async def test_rest_request() -> None:
    async with Centre(ok(), api="rest", apikey="KEY") as centre:
        assert await centre.send(1, text="Ёлка", recipient=PHONE) == [Taken("b1.1")]
        assert centre.paths == ["/rest/send/"]
        assert centre.server.headers[0]["content-type"].startswith("application/json")
        assert json.loads(centre.server.asked[0][1]) == {
            **{"apikey": "KEY", "charset": "utf-8", "fmt": "3", "cost": "3", "op": "1"},
            **{"phones": f"+{PHONE}", "mes": "Ёлка", "sender": "Demo", "id": "b1.1", "valid": "24:00"},
        }


@pytest.mark.parametrize(("format_", "fmt"), [("text", "0"), ("numbers", "1"), ("xml", "2"), ("json", "3")])
async def test_format(format_: str, fmt: str) -> None:
    async with Centre(ok(), '{"status":1,"err":0}', "5.5", "[]", format=format_) as centre:
        await centre.send(1)
        await centre.provider.status([poll("b1.1")])
        await centre.provider.balance()
        await centre.provider.inbound(None)
        assert [form["fmt"] for form in centre.forms] == [fmt, fmt, fmt, "3"]
        assert {path.partition("?")[1] for path in centre.paths} == {""}
        assert all((form["login"], form["psw"]) == ("alex", "SECRET") for form in centre.forms)


async def test_validity_shrinks_while_a_batch_is_sent() -> None:
    async with Centre(ok(1), ok(2)) as centre:
        centre.server.faults.append(Fault.SLOW)  # 0.3 s
        await centre.send(1, 2, deadline=NOW + 120_150)
        assert [form["valid"] for form in centre.forms] == ["00:03", "00:02"]


# --- results ---------------------------------------------------------------------------------------


async def test_balance_is_learnt_from_answers() -> None:
    async with Centre(ok(), "OK - 1 SMS, ID - b2.1") as centre:
        assert centre.provider.last_balance is None
        await centre.send(1)
        assert centre.provider.last_balance == 98.6
        await centre.send(2)
        assert centre.provider.last_balance == 98.6


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"id":"b1.1","cnt":1}', Taken("b1.1")),
        ('{"id":123456,"cnt":1}', Taken("123456")),  # smsc.ru's own: the message is there under it
        ('{"id":"b2.1","cnt":1}', None),  # somebody else's
        ('{"id":"order-5","cnt":1}', None),
        ('{"cnt":1}', None),
        ("", None),
        ("<html><body>hello</body></html>", None),
    ],
)
async def test_whose_answer_it_is(answer: str, expected: Taken | None) -> None:
    async with Centre(answer) as centre:
        (result,) = await centre.send(1)
        if expected is None:
            assert isinstance(result, Uncertain)
        else:
            assert result == expected


@pytest.mark.parametrize(
    ("status", "error", "command_status", "err"),
    [
        ("20", "1", 0x45, 1),
        ("22", "0", 0x0B, 249),
        ("23", "254", 0x45, 254),
        ("24", "0", 0x4A4, 0),
        ("25", "0", 0x22, 248),
    ],
)
async def test_taken_with_a_status_in_which_it_never_goes_out(
    status: str, error: str, command_status: int, err: int
) -> None:
    row = {"phone": PHONE, "mccmnc": "25001", "cost": "0", "status": status, "error": error}
    async with Centre(ok(phones=[row])) as centre:
        (result,) = await centre.send(1)
        assert isinstance(result, Rejected)
        assert (result.status, result.err) == (command_status, err)
        assert result.reason.startswith(f"smsc.ru status {status}")
        assert PHONE not in result.reason


@pytest.mark.parametrize(
    ("status", "error"), [("-1", "0"), ("0", "0"), ("1", "0"), ("", ""), ("77", "0"), ("0", "249")]
)
async def test_taken_with_any_other_status(status: str, error: str) -> None:
    async with Centre(ok(phones=[{"phone": PHONE, "status": status, "error": error}])) as centre:
        assert await centre.send(1) == [Taken("b1.1")]


@pytest.mark.parametrize(
    ("error", "expected"),
    [("6", Rejected), ("7", Rejected), ("8", Rejected), ("3", Uncertain), ("9", Uncertain)],
)
@pytest.mark.parametrize("status", ["", "-1"])
async def test_taken_with_an_error(status: str, error: str, expected: type[ProviderError]) -> None:
    """What is refused for good is; what would be sent again may have been taken."""
    async with Centre(ok(phones=[{"phone": PHONE, "status": status, "error": error}])) as centre:
        (result,) = await centre.send(1)
        assert type(result) is expected
        assert isinstance(result, ProviderError)
        assert (result.code, result.about_message) == (error, True)


@pytest.mark.parametrize(
    ("words", "attempt", "expected"),
    [
        ("duplicate", 1, Postponed),
        ("duplicate", 2, Uncertain),
        ("too many concurrent requests", 1, Throttled),
        ("too many concurrent requests", 2, Throttled),
    ],
)
async def test_error_9(words: str, attempt: int, expected: type[ProviderError]) -> None:
    async with Centre(refuse(9, words)) as centre:
        (result,) = await centre.send(1, attempt=attempt)
        assert type(result) is expected


@pytest.mark.parametrize(
    ("answer", "expected", "requests"),
    [
        (refuse(7), [Rejected] * 3, 3),
        (refuse(9, "duplicate"), [Postponed] * 3, 3),
        (refuse(2), [Disabled] * 3, 1),
        (refuse(9, "too many concurrent requests"), [Throttled] * 3, 1),
        (refuse(50), [Unavailable] * 3, 1),
        ("nonsense", [Uncertain, Unavailable, Unavailable], 1),
    ],
)
async def test_what_ends_a_batch(answer: str, expected: list[type[ProviderError]], requests: int) -> None:
    async with Centre(answer) as centre:
        assert [type(result) for result in await centre.send(1, 2, 3)] == expected
        assert len(centre.paths) == requests


@pytest.mark.parametrize(
    ("code", "named", "balance", "about_message"),
    [
        (3, True, "98.6", True),
        (3, True, "0.00", False),
        (3, True, "-5.00", False),
        (3, False, "98.6", False),  # no message is named
        (6, True, "98.6", True),
        (7, True, "98.6", True),
        (8, True, "98.6", True),
        (50, True, "98.6", True),  # not listed: sent again, but alone
        (50, False, "98.6", False),
        (2, True, "98.6", False),  # what refuses us is about us, whatever is printed beside it
        (4, True, "98.6", False),
    ],
)
async def test_an_error_with_the_id_of_the_message_is_about_it(
    code: int, named: bool, balance: str, about_message: bool
) -> None:
    refusal = json.dumps({"error": "no", "error_code": code} | ({"id": "b2.1"} if named else {}))
    async with Centre(ok(balance=balance), refusal, ok(3, balance=balance)) as centre:
        _taken, refused, after = await centre.send(1, 2, 3)
        assert isinstance(refused, ProviderError)
        assert refused.about_message == about_message
        goes_on = about_message or isinstance(refused, Rejected)
        assert isinstance(after, Taken) == goes_on


async def test_a_batch_ends_when_it_has_taken_too_long() -> None:
    async with Centre(ok(), sending_time=0.0) as centre:
        assert [type(result) for result in await centre.send(1, 2)] == [Unavailable] * 2
        assert centre.paths == []


@pytest.mark.parametrize(
    ("code", "words", "reason"),
    [
        (1, "no", "smsc.ru error 1: our request is wrong, please report this: no"),
        (7, "", "smsc.ru error 7: this is no telephone number that smsc.ru knows"),
        (6, "sender name", "smsc.ru error 6: the sender Demo is not registered at smsc.ru: sender name"),
        (50, "no", "smsc.ru error 50: no list holds this code: no"),
    ],
)
async def test_a_refusal_is_told_in_our_words_and_in_theirs(
    code: int, words: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Centre(refuse(code, words)) as centre:
        (error,) = await centre.send(1)
        assert isinstance(error, ProviderError)
        assert error.reason == reason
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]  # others tell it


async def test_a_refusal_is_told_without_secrets_and_numbers() -> None:
    async with Centre(refuse(1, f"bad psw SECRET for {PHONE}")) as centre:
        (error,) = await centre.send(1, sender="79001112244")
        assert "SECRET" not in str(error)
        assert PHONE not in str(error)


async def test_a_refusal_names_no_whole_number_as_the_sender() -> None:
    async with Centre(refuse(6)) as centre:
        (error,) = await centre.send(1, sender="79001112244")
        assert "the sender 7900***, is forbidden" in str(error)


async def test_a_strange_code_of_one_message_is_tried_again_and_then_given_up() -> None:
    of_one = json.dumps({"error": "no", "error_code": 50, "id": "9"})
    async with Centre(of_one) as centre:
        assert isinstance((await centre.send(1, tries=2))[0], Unavailable)
        assert isinstance((await centre.send(2, tries=3))[0], Rejected)


async def test_a_strange_code_that_names_no_message_may_be_an_outage() -> None:
    async with Centre(refuse(50)) as centre:
        assert isinstance((await centre.send(1, tries=9))[0], Unavailable)


# --- backup addresses ------------------------------------------------------------------------------


def unreachable(stack: AsyncExitStack) -> str:
    """An address at which nobody listens."""
    listener = stack.enter_context(socket.socket())
    listener.bind(("127.0.0.1", 0))
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def with_backups(centre: Centre, *urls: str, made: type[SmscRu] = SmscRu) -> SmscRu:
    options = {"kind": "smsc", "login": "alex", "password": "SECRET", "timeout": 2}
    return made("centre", SmscRuOptions.model_validate({**options, "url": urls[0], "backup_urls": urls[1:]}))


async def test_the_next_address_is_used_when_one_cannot_be_reached() -> None:
    async with Centre(ok(1), ok(2)) as centre:
        provider = with_backups(centre, unreachable(centre), unreachable(centre), centre.server.url)
        await provider.start(Upcalls(no_report))
        centre.push_async_callback(provider.close)
        assert await hand_over(provider, [message(1)], NOW) == [Taken("b1.1")]
        assert await hand_over(provider, [message(2)], NOW) == [Taken("b2.1")]
        assert [form["id"] for form in centre.forms] == ["b1.1", "b2.1"]


async def test_an_address_that_worked_is_asked_first() -> None:
    called: list[str] = []

    class Watched(SmscRu):
        async def exchange(self, method: str, url: str, *arguments: Any) -> Any:
            called.append(url)
            return await super().exchange(method, url, *arguments)

    async with Centre(ok(1), ok(2)) as centre:
        provider = with_backups(centre, unreachable(centre), centre.server.url, made=Watched)
        await provider.start(Upcalls(no_report))
        centre.push_async_callback(provider.close)
        await hand_over(provider, [message(1), message(2)], NOW)
        assert len(called) == 3  # both for the first message, then only the one that works
        assert called[1] == called[2] == centre.server.url + "/sys/send.php"


async def test_no_address_can_be_reached() -> None:
    async with Centre(ok()) as centre:
        provider = with_backups(centre, unreachable(centre), unreachable(centre))
        await provider.start(Upcalls(no_report))
        centre.push_async_callback(provider.close)
        results = await hand_over(provider, [message(1), message(2)], NOW)
        assert [type(result) for result in results] == [Unavailable] * 2


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("nonsense", Uncertain),
        (Response("<html>busy</html>", 503), Unavailable),
        (Response("", 429), Throttled),
        (refuse(2), Disabled),
        (refuse(50), Unavailable),
    ],
)
async def test_after_any_answer_no_other_address_is_asked(
    answer: str | Response, expected: type[ProviderError]
) -> None:
    async with Centre(answer) as centre, ScriptedServer(ok()) as backup:
        provider = with_backups(centre, centre.server.url, backup.url)
        await provider.start(Upcalls(no_report))
        centre.push_async_callback(provider.close)
        (result,) = await hand_over(provider, [message(1)], NOW)
        assert type(result) is expected
        assert (len(centre.server.asked), backup.asked) == (1, [])


# --- rules of conduct ------------------------------------------------------------------------------


async def test_limits() -> None:
    async with Centre("", backup_urls=["http://127.0.0.1:9"]) as centre:
        limits = centre.provider.limits
        assert (limits.batch, limits.parallel) == (1, 4)
        assert (limits.poll_first, limits.poll_interval, limits.poll_gap, limits.poll_batch) == (
            300,
            300,
            60,
            50,
        )
        assert limits.poll_early == (10, 30)
        assert (limits.find_first, limits.find_interval) == (60, 60)
        assert (limits.same_text_gap, limits.flood_count, limits.flood_gap) == (61, 50, 60)
        assert (limits.refusals_in_row, limits.refusals_window) == (80, 600)
        assert (limits.validity_max, limits.balance_interval) == (86400, 600)
        # the last request may wait for a place, and try both addresses, and so may one for the balance
        assert limits.lease > 120 + 6 * 5


async def test_polling_beside_callbacks() -> None:
    async with Centre("", callback_url="https://sms.example.org/x") as centre:
        assert (centre.provider.limits.poll_first, centre.provider.limits.poll_interval) == (900, 900)
        assert centre.provider.limits.poll_early == ()
    async with Centre("", poll_first=300) as centre:  # the operator's word
        assert centre.provider.limits.poll_early == ()
    async with Centre("", callback_url="https://sms.example.org/x", poll_first=5, poll_interval=0) as centre:
        assert (centre.provider.limits.poll_first, centre.provider.limits.poll_interval) == (5, 0)


@pytest.mark.parametrize(
    ("schedule", "send_at", "kept"),
    [("provider", NOW + 1, True), ("provider", NOW, False), ("local", NOW + DAY, False)],
)
async def test_who_keeps_a_scheduled_message(schedule: str, send_at: int, kept: bool) -> None:
    async with Centre("", schedule=schedule) as centre:
        assert centre.provider.schedules(send_at, NOW) is kept


@pytest.mark.parametrize("changes", [{"id": 0}, {"cnt": 0}, {"id": "0", "cnt": "0"}])
async def test_taken_as_nothing_is_uncertain(changes: dict[str, Any]) -> None:
    async with Centre(ok(**changes)) as centre:
        (result,) = await centre.send(1)
        assert isinstance(result, Uncertain)
