"""Refusals by sms-assistent: of one message, and of a whole request."""

import pytest

from smppbridge.errors import Disabled, Postponed, ProviderError, Rejected, Unavailable
from smppbridge.providers.base import Taken
from tests.simulators.sms_assistent.simulator import Rules, SmsAssistentSimulator
from tests.support.builders.messages import NOW, message
from tests.unit.providers.sms_assistent.steps import (
    Assist,
    kinds,
    packed,
    refused,
    rows,
    taken,
)

MINUTE = 60_000  # ms
HOUR = 60 * MINUTE


# --- of one message ---------------------------------------------------------------------------------


async def test_each_message_has_its_own_refusal(caplog: pytest.LogCaptureFixture) -> None:
    codes = [0, -3, -4, -5, -10, -14, -6, -99, 0]
    answer = rows(*((100 + n if not code else 0, code) for n, code in enumerate(codes)))
    async with Assist(answer, taken(201), default_sender="Main") as assist:
        messages = [*(message(n, sender="") for n in range(1, 10)), message(10, send_at=NOW + HOUR)]
        results = await assist.provider.send(messages, NOW)
        errors = [result for result in results if isinstance(result, ProviderError)]
        assert [(type(error), error.code) for error in errors] == [
            (Rejected, "-3"),
            (Rejected, "-4"),
            (Rejected, "-5"),
            (Unavailable, "-10"),
            (Postponed, "-14"),
            (Rejected, "-6"),
            (Unavailable, "-99"),
        ]
        assert [results[0], results[8], results[9]] == [packed(100), packed(108), packed(201)]
        assert all(error.about_message for error in errors)
        assert errors[0].reason == "-3: sms-assistent found no text"
        assert errors[2].reason == "-5: sender Main is not registered at sms-assistent"
        assert caplog.records == []  # refusals are logged where they are counted


@pytest.mark.parametrize("code", [-1, -2, -12, -13, -17, -27, -99])
async def test_a_code_beside_messages_that_were_taken_is_about_its_message(code: int) -> None:
    async with Assist(rows((11, 0), (0, code), (13, 0)), taken(14)) as assist:
        messages = [message(1), message(2), message(3), message(4, send_at=NOW + HOUR)]
        results = await assist.provider.send(messages, NOW)
        assert kinds([results[0], *results[2:]]) == [Taken] * 3
        (error,) = results[1:2]
        assert isinstance(error, ProviderError)
        assert (error.code, error.about_message) == (str(code), True)


@pytest.mark.parametrize(
    ("code", "credits", "about_message"),
    [
        *((code, "", True) for code in (-2, -10, -12, -13, -17, -27)),
        *((-1, "", False), (-1, "0", False), (-1, "-3.5", False), (-1, "0.5", True)),
    ],
)
async def test_a_code_beside_the_only_message(code: int, credits: str, about_message: bool) -> None:
    async with Assist(rows((0, code)), *filter(None, [credits]), taken(12)) as assist:
        first, second = await assist.provider.send([message(1), message(2, send_at=NOW + HOUR)], NOW)
        assert isinstance(first, ProviderError)
        assert (first.code, first.about_message) == (str(code), about_message)
        assert (second == packed(12)) == about_message


# --- of a whole request ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "tries", "first", "second"),
    [
        (-1, 0, Disabled, Disabled),
        (-2, 0, Disabled, Disabled),
        (-10, 0, Unavailable, Unavailable),
        (-10, 9, Unavailable, Unavailable),
        (-12, 1, Unavailable, Unavailable),
        (-12, 2, Disabled, Disabled),
        (-11, 0, Rejected, Rejected),
        (-14, 0, Postponed, Postponed),
        (-7, 0, Rejected, Rejected),
    ],
)
async def test_refusal_of_a_package(
    code: int, tries: int, first: type[ProviderError], second: type[ProviderError]
) -> None:
    async with Assist(refused(code)) as assist:
        messages = [message(1, tries=tries), message(2, tries=tries, send_at=NOW + HOUR)]
        assert kinds(await assist.provider.send(messages, NOW)) == [first, second]
        assert len(assist.packages) == (2 if first in {Rejected, Postponed} else 1)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (rows((0, -99), (11, 0)), Rejected),
        (rows((0, -99), (0, -99)), Unavailable),
        (refused(-99), Unavailable),
    ],
)
async def test_a_code_of_no_manual_ends_a_message_only_where_others_are_taken(
    answer: str, expected: type[ProviderError]
) -> None:
    async with Assist(answer) as assist:
        first, _ = await assist.provider.send([message(1, tries=3), message(2, tries=3)], NOW)
        assert type(first) is expected


async def test_a_format_that_is_down_alone_is_not_taken_for_a_bad_package() -> None:
    async with Assist(refused(-10), "13", refused(-10), taken(11, 12)) as assist:
        both = [message(1), message(2)]
        first = await assist.provider.send(both, NOW)
        urgent = await assist.provider.send([message(3, priority=1)], NOW)
        second = await assist.provider.send(both, NOW)
        assert kinds([*first, *urgent, *second]) == [Unavailable] * 2 + [Taken] + [Unavailable] * 2
        assert assist.ways == ["json", "plain", "json"]
        assert kinds(await assist.provider.send(both, NOW)) == [Taken] * 2


async def test_messages_outside_the_hours_come_back_in_waves() -> None:
    async with Assist(refused(-14)) as assist:
        results = await assist.provider.send([message(n) for n in (1, 2, 11, 20)], NOW)
        waits = [result.after for result in results if isinstance(result, Postponed)]
        assert waits == [930.0, 960.0, 930.0, 900.0]


async def test_halving_finds_the_bad_message() -> None:
    answers = [refused(-4), taken(101, 102), refused(-4), taken(103), refused(-4)]
    async with Assist(*answers) as assist:
        results = await assist.provider.send([message(n) for n in range(1, 5)], NOW)
        assert [len(package["message"]["msg"]) for package in assist.packages] == [4, 2, 2, 1, 1]
        assert results[:3] == [packed(101), packed(102), packed(103)]
        (bad,) = results[3:]
        assert isinstance(bad, Rejected)
        assert (bad.code, bad.err, bad.status) == ("-4", 404, 0x0B)


async def test_a_date_that_is_refused_is_waited_for_here(caplog: pytest.LogCaptureFixture) -> None:
    async with Assist(refused(-15), "-15", refused(-15)) as assist:
        later = message(1, send_at=NOW + HOUR)
        (first,) = await assist.provider.send([later], NOW)
        (urgent,) = await assist.provider.send([later._replace(priority=1)], NOW)
        for error in (first, urgent):
            assert isinstance(error, Postponed)
            assert (round(error.after), error.code, error.status) == (3600, "-15", 0x61)
        (bug,) = await assist.provider.send([message(2)], NOW)  # it had no date
        assert isinstance(bug, Rejected)
        assert (bug.code, bug.status) == ("-15", 0x61)
        assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_an_error_page_is_what_its_body_says() -> None:
    async with (
        SmsAssistentSimulator(Rules(password="other", error_status=403)) as simulator,
        Assist("", url=simulator.url) as assist,
    ):
        messages = [message(1, priority=1), message(2)]
        results = await assist.provider.send(messages, NOW)
        assert [(type(one), getattr(one, "code", "")) for one in results] == [(Disabled, "-2")] * 2
        assert simulator.server.requests == 1
