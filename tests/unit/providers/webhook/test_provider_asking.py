"""Webhook: what the contract suite does not show of questions and callbacks, with prepared answers."""

import json

import pytest
from starlette.responses import JSONResponse, Response

from smppbridge.errors import Disabled, ProviderError, Uncertain
from smppbridge.model.message import State, StatusReport
from smppbridge.providers.base import Callback, Trace
from tests.support.builders.messages import NOW, doubt, message, poll
from tests.unit.providers.webhook.gate import ASKING, SINGLE, of, served

# --- asking ----------------------------------------------------------------------------------------


async def test_statuses_one_by_one() -> None:
    answers = (
        JSONResponse({"state": "Done"}),
        JSONResponse({"code": "1"}, 400),
        Response("", 404),
        JSONResponse({"state": "odd"}),
        JSONResponse({"state": "unheard"}),
        JSONResponse({"state": "lost"}),
    )
    async with served(ASKING, *answers) as (provider, server):
        reports = await provider.status([poll(ref, NOW) for ref in ("a", "b", "c", "d", "e", "f", "UPPER")])
    assert [(report.provider_ref, report.state, report.err) for report in reports] == [
        ("a", State.DELIVERED, 0),
        ("f", State.UNDELIVERABLE, 999),
    ]
    assert [path for path, _ in server.asked] == [f"/m/{ref}" for ref in "abcdef"]


@pytest.mark.parametrize("status", [404, 410])
async def test_a_message_that_is_gone_there_has_no_status(status: int) -> None:
    """HTTP says so itself (RFC 9110 §15.5.5, §15.5.11), unless `errors` holds the code in the answer."""
    answers = (Response("", status), JSONResponse({"code": "9"}, status), JSONResponse({"code": "2"}, status))
    async with served(ASKING, *answers) as (provider, _):
        assert await provider.status([poll("a", NOW)]) == []
        assert await provider.status([poll("a", NOW)]) == []
        with pytest.raises(Disabled):
            await provider.status([poll("a", NOW)])


async def test_a_packet_is_asked_for_by_its_own_id() -> None:
    status = {
        "path": "/p/{packet}",
        "state": {"json": "$.state"},
        "batch": {"results": "$.r", "match": {"json": "$.id", "equals": "{ref}"}},
    }
    answers = (
        JSONResponse({"r": [{"id": "a", "state": "done"}, {"id": "c", "state": "lost"}]}),
        JSONResponse({"r": [{"id": "b", "state": "done"}]}),
    )
    async with served({**SINGLE, "status": status}, *answers) as (provider, server):
        packets = {"a": "1", "b": "2", "c": "1", "d": ""}
        polls = [poll(ref, NOW)._replace(packet_ref=packet) for ref, packet in packets.items()]
        reports = await provider.status(polls)
    assert [(report.provider_ref, report.state) for report in reports] == [
        ("a", State.DELIVERED),
        ("c", State.UNDELIVERABLE),
        ("b", State.DELIVERED),
    ]
    assert [path for path, _ in server.asked] == ["/p/1", "/p/2"]


async def test_what_is_known_before_an_error_is_told() -> None:
    async with served(ASKING, JSONResponse({"state": "done"}), Response("", 401)) as (provider, _):
        assert len(await provider.status([poll("a", NOW), poll("b", NOW), poll("c", NOW)])) == 1
        with pytest.raises(Disabled):
            await provider.status([poll("b", NOW)])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (JSONResponse({"refs": ["a", "b", "a", "B"]}), [Trace(1, ("a", "b"))]),
        (JSONResponse({"missing": True}, 404), [Trace(1)]),
        (JSONResponse({"code": "1"}, 400), []),
    ],
)
async def test_finding(answer: Response, expected: list[Trace]) -> None:
    async with served(ASKING, answer) as (provider, _):
        assert await provider.find([doubt(message(1))], NOW) == expected


@pytest.mark.parametrize(
    "answer",
    [JSONResponse({}), JSONResponse({"refs": []}), JSONResponse({}, 404), Response("<html>", 404)],
)
async def test_not_to_find_must_be_said(answer: Response) -> None:
    async with served(ASKING, answer) as (provider, _):
        with pytest.raises(ProviderError):
            await provider.find([doubt(message(1))], NOW)


@pytest.mark.parametrize("left", ["", "much", "nan", None, [1]])
async def test_a_balance_that_is_no_number(left: object) -> None:
    async with served(ASKING, JSONResponse({"left": left})) as (provider, _):
        with pytest.raises(Uncertain):
            await provider.balance()
        assert provider.last_balance is None


# --- callbacks -------------------------------------------------------------------------------------


def test_without_a_declaration_nothing_is_a_callback() -> None:
    with pytest.raises(ValueError, match="no callback"):
        of(SINGLE).parse_callback(Callback("GET", {"id": "a", "state": "done"}, {}))


def test_a_word_that_says_nothing_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    keys = {**SINGLE, "callback": {"message_id": {"param": "id"}, "state": {"param": "state"}}}
    provider = of(keys)
    for state in ("odd", "unheard", "unheard"):
        assert provider.parse_callback(Callback("GET", {"id": "a", "state": state}, {})) == []
    assert [record.getMessage() for record in caplog.records] == [
        "provider gate: states does not hold this word: unheard"
    ]


def test_what_is_not_understood_in_a_list_does_not_hold_up_the_rest() -> None:
    place = {"each": "$", "message_id": {"json": "$.id"}, "state": {"json": "$.state"}}
    provider = of({**SINGLE, "id_pattern": "[a-z]", "callback": place})
    items = [
        {"id": "A", "state": "done"},
        {"id": "b", "state": "done"},
        {"id": "c"},
        {"id": "d", "state": "odd"},
    ]
    (report,) = provider.parse_callback(Callback("POST", {}, {}, body=json.dumps(items).encode()))
    assert isinstance(report, StatusReport)
    assert report.provider_ref == "b"
    for nothing in (items[:1], items[2:3], []):
        with pytest.raises(ValueError, match="neither"):
            provider.parse_callback(Callback("POST", {}, {}, body=json.dumps(nothing).encode()))
