"""Webhook: what the contract suite does not show of sending, with prepared answers over real sockets."""

import json
import logging
import threading
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from smppbridge.errors import Disabled, ProviderError, Refused, Rejected, Unavailable, Uncertain
from smppbridge.providers.base import SendResult, Taken
from smppbridge.providers.http.lenient import parse_lenient
from smppbridge.providers.webhook import extract
from smppbridge.providers.webhook.options import WebhookOptions
from smppbridge.providers.webhook.provider import Webhook
from tests.contract.providers.webhook import declaration
from tests.simulators.webhook.simulator import Rules, WebhookSimulator
from tests.support.builders.messages import DAY, NOW, draft, message
from tests.support.builders.upcalls import Upcalls
from tests.unit.providers.webhook.gate import ASKING, MANY, SINGLE, TOKEN, XML, no_report, of, served


def ok(*refs: str) -> Response:
    return JSONResponse({"results": [{"id": ref} for ref in refs]})


async def send_one(answer: bytes | Response, **changes: Any) -> SendResult:
    async with served(SINGLE, answer) as (provider, _):
        (result,) = await provider.send([message(1, deadline=NOW + DAY, **changes)], NOW)
    return result


# --- one message in a request ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected", "code"),
    [
        (JSONResponse({"code": "1"}), Rejected, "1"),
        (JSONResponse({"code": 2, "id": "x"}), Disabled, "2"),
        (JSONResponse({"code": 5}, 500), Unavailable, "5"),
        (JSONResponse({"code": 9}), Uncertain, "unreadable"),
        (JSONResponse({"code": 9}, 422), Rejected, "9"),
        (JSONResponse({}), Uncertain, "unreadable"),
        (JSONResponse({"id": None}), Uncertain, "unreadable"),
        (JSONResponse({"id": "x" * 129}), Uncertain, "unreadable"),
        (JSONResponse({"id": "x y"}), Uncertain, "unreadable"),
        (JSONResponse({"id": "x"}, 302), Uncertain, "unreadable"),
        (JSONResponse({"id": "x"}, 500), Uncertain, "unreadable"),
        (Response("<html>", 400), Unavailable, "400"),
        (Response("<html>", 401), Disabled, "401"),
        (Response("<html>", 409), Uncertain, "unreadable"),
        (Response("<html>", 503), Unavailable, "503"),
    ],
)
async def test_what_is_not_success(answer: Response, expected: type[ProviderError], code: str) -> None:
    result = await send_one(answer)
    assert isinstance(result, ProviderError)
    assert (type(result), result.code) == (expected, code)


async def test_a_number_as_reference() -> None:
    assert await send_one(b'{"id": 12345678901234567890}') == Taken("12345678901234567890")


@pytest.mark.parametrize(
    ("packet", "kept"),
    [
        ("p 1", "p 1"),
        (12, "12"),
        ("p" * 128, "p" * 128),
        ("p" * 129, ""),
        ("é", ""),
        ("a\tb", ""),
        ("\ud800", ""),
    ],
)
async def test_the_id_of_a_request_is_kept_when_it_can_be(packet: object, kept: str) -> None:
    keys = {**SINGLE, "send": {**SINGLE["send"], "packet_id": {"json": "$.packet"}}}
    answer = Response(json.dumps({"id": "x", "packet": packet}))
    async with served(keys, answer) as (provider, _):
        assert await provider.send([message(1, deadline=NOW + DAY)], NOW) == [Taken("x", kept)]


@pytest.mark.parametrize("kind", ["perm", "retry", "account"])
async def test_an_id_with_a_code_that_nobody_listed_is_uncertain(kind: str) -> None:
    keys = {**SINGLE, "errors": {"1": "perm", "default": kind}}
    for answer, expected in (
        ({"id": "77", "code": 0}, Uncertain),
        ({"id": "no id", "code": 0}, ProviderError),
        ({"id": "77", "code": 1}, Rejected),
    ):
        async with served(keys, JSONResponse(answer)) as (provider, _):
            (result,) = await provider.send([message(1, deadline=NOW + DAY)], NOW)
        assert isinstance(result, expected)
        assert isinstance(result, Uncertain) is (expected is Uncertain)


async def test_a_duplicate_after_a_doubt_is_uncertain() -> None:
    assert type(await send_one(JSONResponse({"code": 3}), attempt=1)) is Rejected
    assert type(await send_one(JSONResponse({"code": 3}), attempt=2)) is Uncertain


async def test_words_of_the_provider_are_told_without_secrets_and_numbers() -> None:
    words = f"{TOKEN} may not send\nto +7 900 000-00-01"
    result = await send_one(JSONResponse({"code": 1, "words": words}))
    assert isinstance(result, Rejected)
    assert result.reason.endswith("error 1: *** may not send to +7 90***")
    assert result.reason.startswith("127.0.0.1:")


async def test_messages_go_one_by_one_and_stop_at_an_account_error() -> None:
    answers = (JSONResponse({"id": "a"}), JSONResponse({"code": 1}), JSONResponse({"code": 2}))
    async with served(SINGLE, *answers) as (provider, server):
        results = await provider.send([message(n, deadline=NOW + DAY) for n in range(1, 6)], NOW)
    assert [type(result) for result in results] == [Taken, Rejected, Disabled, Disabled, Disabled]
    assert len(server.asked) == 3
    assert provider.limits.batch == 1


async def test_our_own_id_as_reference() -> None:
    keys = {**SINGLE, "send": {**SINGLE["send"], "message_id": (), "own_id": "b-{id}-{attempt}"}}
    async with served(keys, JSONResponse({}), JSONResponse({"code": "1"})) as (provider, _):
        results = await provider.send([message(7, deadline=NOW + DAY), message(8, deadline=NOW + DAY)], NOW)
    assert results[0] == Taken("b-7-1")
    assert isinstance(results[1], Rejected)


async def test_a_reason_says_what_a_person_must_mend(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    bug = await send_one(JSONResponse({"code": 4, "words": "no field x"}))
    unlisted = await send_one(JSONResponse({"code": "77"}, 400))
    assert isinstance(bug, Rejected)
    assert bug.reason.endswith(" error 4: the request is declared wrong: no field x")
    assert isinstance(unlisted, Rejected)
    assert unlisted.reason.endswith(" error 77: errors does not hold this code")
    assert [one for one in caplog.records if one.name.startswith("smppbridge")] == []  # where it is counted


async def test_an_error_beside_messages_that_were_taken_is_about_its_message() -> None:
    mixed = JSONResponse({"results": [{"id": "a"}, {"code": "2"}, {"id": "c"}]})
    async with served(MANY, mixed, ok("d", "e")) as (provider, server):
        messages = [message(n, deadline=NOW + DAY) for n in range(1, 4)]
        later = [message(n, deadline=NOW + DAY, sender="Other") for n in (4, 5)]
        results = await provider.send([*messages, *later], NOW)
        assert [getattr(one, "ref", "") for one in results] == ["a", "", "c", "d", "e"]
        assert isinstance(results[1], Disabled)
        assert results[1].about_message
        assert len(server.asked) == 2


async def test_what_an_account_cannot_do_stops_the_requests_behind() -> None:
    async with served(MANY, JSONResponse({"results": [{"code": "2"}]}), ok("d")) as (provider, server):
        messages = [message(1, deadline=NOW + DAY), message(2, deadline=NOW + DAY, sender="Other")]
        first, second = await provider.send(messages, NOW)
        assert isinstance(first, Disabled)
        assert not first.about_message
        assert second is first
        assert len(server.asked) == 1


# --- many messages in a request --------------------------------------------------------------------


async def send_many(*answers: Response, numbers: int = 3, **changes: Any) -> tuple[list[Any], list[Any]]:
    async with served(MANY, *answers) as (provider, server):
        messages = [message(n, deadline=NOW + DAY, **changes) for n in range(1, numbers + 1)]
        results = await provider.send(messages, NOW)
    return results, [json.loads(body) for _, body in server.asked]


async def test_no_request_is_larger_than_declared() -> None:
    results, asked = await send_many(ok("a", "b", "c", "d"), ok("e", "f"), numbers=6)
    assert [result.ref for result in results] == list("abcdef")
    assert [len(body["list"]) for body in asked] == [4, 2]


async def test_no_number_stands_twice_in_a_request() -> None:
    results, asked = await send_many(ok("a"), ok("b"), ok("c"), recipient="79001112233")
    assert [result.ref for result in results] == list("abc")
    assert [[item["text"] for item in body["list"]] for body in asked] == [
        ["Привет, 1"],
        ["Привет, 2"],
        ["Привет, 3"],
    ]


async def test_senders_go_apart() -> None:
    async with served(MANY, ok("a", "b"), ok("c")) as (provider, server):
        senders = {1: "One", 2: "Two", 3: "One"}
        messages = [message(n, deadline=NOW + DAY, sender=senders[n]) for n in (1, 2, 3)]
        results = await provider.send(messages, NOW)
    assert results == [Taken("a"), Taken("c"), Taken("b")]
    assert [json.loads(body)["from"] for _, body in server.asked] == ["One", "Two"]


async def test_a_refused_request_is_halved_until_the_bad_message_is_alone() -> None:
    bad = JSONResponse({"code": "1"}, 400)
    results, asked = await send_many(bad, bad, ok("a"), bad, ok("c", "d"), numbers=4)
    assert [type(result) for result in results] == [Taken, Rejected, Taken, Taken]
    assert [len(body["list"]) for body in asked] == [4, 2, 1, 1, 2]


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [("2", 400, Disabled), ("4", 400, Rejected), ("5", 400, Unavailable), ("9", 500, Uncertain)],
)
async def test_other_refusals_are_not_about_one_message(
    code: str, status: int, expected: type[ProviderError]
) -> None:
    results, asked = await send_many(JSONResponse({"code": code}, status))
    assert [type(result) for result in results] == [expected] * 3
    assert len(asked) == 1


@pytest.mark.parametrize("refs", [("a", "b"), ("a", "b", "c", "d"), ()])
async def test_results_that_do_not_fit_are_nobodys(refs: tuple[str, ...]) -> None:
    results, _ = await send_many(ok(*refs))
    assert [type(result) for result in results] == [Uncertain] * 3


async def test_one_reference_for_two_messages_is_nobodys() -> None:
    results, _ = await send_many(ok("a", "b", "a"))
    assert [type(result) for result in results] == [Uncertain, Taken, Uncertain]


async def test_a_large_answer_is_parsed_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def noted(text: str) -> object:
        threads.append(threading.current_thread())
        return parse_lenient(text)

    monkeypatch.setattr(extract, "parse_lenient", noted)
    large = JSONResponse({"results": [{"id": "a"}], "padding": "x" * 100_000})
    async with served(MANY, large, ok("b")) as (provider, _):
        for number in (1, 2):
            await provider.send([message(number, deadline=NOW + DAY)], NOW)
    assert [thread is threading.main_thread() for thread in threads] == [False, True]


# --- what can be sent ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "unfit", "status"),
    [
        ({}, {"recipient": "375-29"}, 0x0B),
        ({}, {"recipient": "0375291112233"}, 0x0B),
        ({}, {"recipient": "１２３４５６"}, 0x0B),
        ({}, {"text": ""}, 0x4A5),
        ({}, {"text": "\udc00"}, 0x4A5),
        ({}, {"text": "ы" * 671}, 0x4A5),
        ({"max_parts": 1}, {"text": "ы" * 71}, 0x4A5),
        ({}, {"octets": b"\0ab", "text": ""}, 0x4A3),
        ({}, {"sender": "a\nb"}, 0x0A),
        ({}, {"sender": "a\0b"}, 0x0A),
        ({"sender_pattern": "[A-Z]{3}"}, {"sender": "abc"}, 0x0A),
        ({"refuse_texts": ["HLR"]}, {"text": " hlr\0"}, 0x4A5),
        ({"send": XML}, {"text": "a\x01b"}, 0x4A3),
    ],
)
def test_unfit(keys: dict[str, Any], unfit: dict[str, Any], status: int) -> None:
    with pytest.raises(Refused) as refused:
        of({**SINGLE, **keys}).check(draft(**unfit))
    assert refused.value.status == status


@pytest.mark.parametrize(
    "fit", [{"sender": ""}, {"text": "ы" * 670}, {"text": "HLR, please"}, {"flash": True}]
)
def test_fit(fit: dict[str, Any]) -> None:
    of({**SINGLE, "refuse_texts": ["HLR"], "sender_pattern": "[A-Za-z]+"}).check(draft(**fit))


@pytest.mark.parametrize("key", ["text", "unicode", "flash"])
def test_flash_texts_may_be_refused_where_no_request_says_it(key: str) -> None:
    form = {"to": "{recipient}", "text": "{text}", "kind": f"{{{key}}}"}
    send = {**SINGLE["send"], "form": form}
    of({**SINGLE, "send": send}).check(draft(flash=True))
    provider = of({**SINGLE, "send": send, "send_binary": SINGLE["send"]}, flash_unsupported="reject")
    provider.check(draft())
    provider.check(draft(text="", octets=b"\0ab", flash=True))
    if key == "flash":
        provider.check(draft(flash=True))
        return
    with pytest.raises(Refused) as refused:
        provider.check(draft(flash=True))
    assert refused.value.status == 0x4A3


def test_scheduling_is_the_operators_wish() -> None:
    assert not of(SINGLE).schedules(NOW + 1000, NOW)
    provider = of(SINGLE, schedule="provider")
    assert provider.schedules(NOW + 1000, NOW)
    assert not provider.schedules(NOW, NOW)


def test_limits_follow_the_declaration() -> None:
    plain, asking, many = of(SINGLE).limits, of(ASKING, poll_interval=60).limits, of(MANY, batch=3).limits
    assert (plain.poll_interval, plain.find_interval, plain.balance_interval, plain.batch) == (0, 0, 0, 1)
    assert (asking.poll_interval, asking.find_interval, asking.balance_interval) == (60, 60, 600)
    assert (many.batch, many.inbound_interval) == (3, 0)
    assert plain.lease > 120


# --- secrets and binary content --------------------------------------------------------------------


async def test_a_secret_is_known_in_every_dress() -> None:
    login = {"basic_auth": {"user": "me", "password": "{secret.token}"}}
    keys = {**SINGLE, "secrets": {"token": "a/b c+d"}, "send": {**SINGLE["send"], **login}}
    for dress in ("a/b c+d", "a%2Fb+c%2Bd", "a%2Fb%20c%2Bd", "bWU6YS9iIGMrZA=="):
        async with served(keys, JSONResponse({"code": 1, "words": f"<{dress}>"})) as (provider, _):
            (result,) = await provider.send([message(1, deadline=NOW + DAY)], NOW)
        assert isinstance(result, Rejected)
        assert result.reason.endswith("error 1: <***>")


@pytest.mark.parametrize(
    "told",
    [
        "https://sms.example.org/cb/gate/t0ken-of-ours",
        "https%3A%2F%2Fsms.example.org%2Fcb%2Fgate%2Ft0ken-of-ours",
        "t0ken-of-ours",
    ],
)
async def test_our_address_with_its_token_is_not_told(told: str) -> None:
    url = "https://sms.example.org/cb/gate/t0ken-of-ours"
    answer = JSONResponse({"code": 1, "words": f"cannot call <{told}>"})
    async with served(SINGLE, answer, callback_url=url) as (provider, _):
        (result,) = await provider.send([message(1, deadline=NOW + DAY)], NOW)
    assert isinstance(result, Rejected)
    assert result.reason.endswith("error 1: cannot call <***>")


async def test_binary_content_goes_its_own_way() -> None:
    rules = Rules(token=TOKEN, sign_key="K", refused={"79000000003": 1201})
    async with WebhookSimulator(rules) as simulator:
        keys = declaration(simulator.url, TOKEN, "K")
        provider = Webhook("relay", WebhookOptions.model_validate(keys))
        await provider.start(Upcalls(no_report))
        octets = bytes.fromhex("0605041581158100FF")
        messages = [
            message(1, deadline=NOW + DAY),
            message(2, deadline=NOW + DAY, text="", octets=octets),
            message(3, deadline=NOW + DAY, text="", octets=b"\0\x01"),
        ]
        text, binary, refused = await provider.send(messages, NOW)
        await provider.close()
    assert isinstance(text, Taken)
    assert isinstance(binary, Taken)
    assert isinstance(refused, Rejected)
    assert refused.code == "1201"
    assert [(one.to, one.text, one.binary) for one in simulator.accepted] == [
        ("+79000000001", "Привет, 1", ""),
        ("+79000000002", "", "0605041581158100FF"),
    ]
