"""What smspilot is asked: statuses within its flood rule, messages from phones, messages in doubt, money."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import pytest

from smppbridge.errors import Disabled, ProviderError, Rejected, Unavailable, Uncertain
from smppbridge.model.message import Inbound, Poll, State, StatusReport
from smppbridge.providers.base import Trace
from smppbridge.providers.smspilot.provider import MAX_PAGES, PAGE_PAUSE
from tests.support.builders.messages import DAY, NOW, doubt, message, poll
from tests.unit.providers.smspilot.test_provider import Pilot as Anywhen
from tests.unit.providers.smspilot.test_provider import refuse

BLOCKED = "601: the number is blocked, or takes no SMS"
NOTHING = json.dumps({"check": []})


class Pilot(Anywhen):
    """For its provider it is NOW. Pages of the list stand ``page_pause`` seconds apart."""

    def __init__(
        self, *answers: str, page_pause: float = PAGE_PAUSE, max_pages: int = MAX_PAGES, **keys: Any
    ):
        arguments = {"clock": lambda: NOW / 1000, "page_pause": page_pause, "max_pages": max_pages}
        super().__init__(*answers, arguments=arguments, **keys)


def forms(pilot: Pilot) -> list[dict[str, str]]:
    assert {path for path, _ in pilot.server.asked} == {"/api.php"}
    return [dict(parse_qsl(body.decode())) for _, body in pilot.server.asked]


def rows(*refs: int, **keys: object) -> str:
    return json.dumps({"check": [{"server_id": str(ref), "status": 2, **keys} for ref in refs]})


# --- statuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["api2-json", "api1"])
async def test_rows_that_are_no_messages_from_phones_are_logged(
    api: str, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [{"id": "1", "phone": "MTS", "text": "a"}, {"id": "2", "text": "SECRET"}, 5]
    async with Pilot(json.dumps({"inbound": rows}), api=api) as pilot:
        assert [one.source for one in await pilot.provider.inbound(None)] == ["MTS"]
    (line,) = [vars(one) for one in caplog.records if "messages from phones" in one.getMessage()]
    assert line["fields"] == {"provider": "pilot", "rows": 2}


async def test_at_most_500_and_nothing_archived_is_asked() -> None:
    async with Pilot('{"check": []}') as pilot:
        polls = [
            poll("5", NOW - 70 * DAY),
            poll("0", NOW),
            *(poll(str(n), NOW - 69 * DAY) for n in range(100, 700)),
        ]
        assert await pilot.provider.status(polls) == []
        (packet,) = pilot.packets
        assert [item["server_id"] for item in packet["check"]] == [str(n) for n in range(100, 600)]


@pytest.mark.parametrize(
    ("code", "alone"),
    [(14, Unavailable), (13, Unavailable), (275, Unavailable), (303, Rejected), (302, Rejected)],
)
async def test_a_question_that_was_wrong_is_asked_again(code: int, alone: type[ProviderError]) -> None:
    """Whoever asks halves what is rejected, and asks no more about one message that spoils a question. An
    error of the question says nothing of the message."""
    polls = [poll("11", NOW), poll("12", NOW)]
    async with Pilot(refuse(code)) as pilot:
        with pytest.raises(Rejected):
            await pilot.provider.status(polls)
        with pytest.raises(alone) as told:
            await pilot.provider.status(polls[:1])
    assert told.value.code == str(code)
    assert told.value.reason.startswith(f"{code}: ")


async def test_rows_not_asked_for_or_not_understood_are_left_out() -> None:
    told = [
        {"server_id": "11", "status": 1},
        {"server_id": 11, "status": "-1", "error": "601", "error_en": "Undeliverable"},
        {"server_id": "12", "status": 7},
        {"server_id": "13"},
        {"server_id": "99", "status": 2},
        "?",
    ]
    async with Pilot(json.dumps({"check": told})) as pilot:
        reports = await pilot.provider.status([poll(ref, NOW) for ref in ("11", "12", "13")])
    assert reports == [
        StatusReport("11", State.ENROUTE, False, 0, "1"),
        StatusReport("11", State.UNDELIVERABLE, True, 601, "601", reason=f"{BLOCKED}: Undeliverable"),
    ]


@pytest.mark.parametrize(
    ("code", "expected"), [(303, Rejected), (122, Disabled), (110, Unavailable), (102, Disabled)]
)
async def test_refused_question(code: int, expected: type[ProviderError]) -> None:
    async with Pilot(refuse(code)) as pilot:
        with pytest.raises(expected):
            await pilot.provider.status([poll("11", NOW)])
        with pytest.raises(expected):
            await pilot.provider.balance()


def polls_of(refs: Sequence[int], packet: str) -> list[Poll]:
    return [Poll(ref, str(ref), packet, "79000000001", NOW) for ref in refs]


def ids(packet: dict[str, Any]) -> list[int]:
    return [int(item["server_id"]) for item in packet["check"]]


async def test_a_packet_that_no_list_could_carry_is_asked_about_as_a_packet() -> None:
    large, small = polls_of(range(1000, 1501), "77"), polls_of(range(1, 401), "78")
    async with Pilot(rows(1000, 1500, 400, 9999)) as pilot:
        reports = await pilot.provider.status([*small, *large])
        assert pilot.packets == [{"apikey": "SECRET", "check": True, "server_packet_id": "77"}]
    assert [report.provider_ref for report in reports] == ["1000", "1500"]


async def test_a_packet_that_a_list_can_carry_is_not() -> None:
    async with Pilot(NOTHING) as pilot:
        await pilot.provider.status([*polls_of(range(1, 501), "77"), *polls_of(range(501, 601), "")])
        assert ids(pilot.packets[0]) == list(range(1, 501))


@pytest.mark.parametrize("packet", ["", "0", "x"])
async def test_a_packet_without_a_usable_id_is_asked_about_by_its_messages(packet: str) -> None:
    async with Pilot(NOTHING) as pilot:
        await pilot.provider.status(polls_of(range(1, 701), packet))
        assert ids(pilot.packets[0]) == list(range(1, 501))


async def test_whom_there_was_no_room_for_comes_first_next_time() -> None:
    async with Pilot(NOTHING) as pilot:
        for _ in range(3):
            await pilot.provider.status(polls_of(range(1, 801), ""))
        first, second, third = map(ids, pilot.packets)
    assert first == list(range(1, 501))
    assert second == [*range(501, 801), *range(1, 201)]
    assert third == [*range(201, 501), *range(1, 201)]


async def test_a_large_packet_does_not_keep_the_others_waiting() -> None:
    async with Pilot(NOTHING) as pilot:
        for _ in range(3):
            await pilot.provider.status([*polls_of(range(1, 701), "77"), *polls_of(range(701, 1001), "")])
        first, second, third = pilot.packets
    assert first["check"] is third["check"] is True
    assert ids(second) == [*range(701, 1001), *range(1, 201)]


async def test_api1_asks_by_list_and_by_packet() -> None:
    async with Pilot(rows(5, phone="79000000001", mcc="250", imsi="2502"), NOTHING, api="api1") as pilot:
        reports = await pilot.provider.status([poll("5", NOW), poll("6", NOW)])
        await pilot.provider.status(polls_of(range(1, 502), "77"))
        asked = forms(pilot)
    base = {"apikey": "SECRET", "format": "json", "fields": "all"}
    assert asked == [{**base, "check": "5,6"}, {**base, "check": "packet", "id": "77"}]
    assert reports == [StatusReport("5", State.DELIVERED, True, 0, "2", "imsi=2502 mcc=250")]


async def test_v_asks_about_one() -> None:
    async with Pilot("2", api="api1", format="v") as pilot:
        reports = await pilot.provider.status([poll("5", NOW), poll("6", NOW)])
        assert [form["check"] for form in forms(pilot)] == ["5"]
    assert reports == [StatusReport("5", State.DELIVERED, True, 0, "2")]


@pytest.mark.parametrize("format", ["json", "v"])
async def test_in_a_test_of_api1_one_message_stands_for_all(format: str) -> None:
    answer = "-1" if format == "v" else rows(1000)
    async with Pilot(answer, api="api1", format=format, test=True) as pilot:
        reports = await pilot.provider.status([poll("5", NOW), poll("6", NOW)])
        (form,) = forms(pilot)
    assert (form["check"], form["test"]) == ("1000", "1")
    state = State.UNDELIVERABLE if format == "v" else State.DELIVERED
    assert [(report.provider_ref, report.state) for report in reports] == [("5", state), ("6", state)]


# --- messages in doubt -----------------------------------------------------------------------------

LOST = doubt(message(1, text="Привет"), tried_at=NOW - 60_000)


def page(first: int, count: int, **keys: object) -> str:
    row = {"phone": "79009999999", "status": "2", "message": "x", "created": "2021-10-14 10:14:06", **keys}
    return json.dumps({"check": [{**row, "server_id": str(first - n)} for n in range(count)]})


@pytest.mark.parametrize("api", ["api2-json", "api2-xml", "api1"])
async def test_the_list_of_the_last_day_is_read_in_json_whatever_the_api(api: str) -> None:
    keys: dict[str, Any] = {"format": "v"} if api == "api1" else {}
    answer = page(9000, 1, phone=LOST.recipient, message="Привет", created="2023-11-14 22:12:30")
    async with Pilot(answer, NOTHING, api=api, poll_interval="20ms", **keys) as pilot:
        assert await pilot.provider.find([LOST], NOW) == [Trace(1, ("9000",), True)]
        first, second = forms(pilot)
    assert (first["check"], first["format"], first["limit"]) == ("recent", "json", "1000")
    assert (first["offset"], second["offset"]) == ("0", "1")


async def test_as_many_pages_as_fit_before_the_next_question() -> None:
    found = {"phone": LOST.recipient, "message": LOST.text, "created": "2023-11-14 22:12:30"}
    rows = json.loads(page(7200, 100))["check"] + json.loads(page(7000, 1, **found))["check"]
    async with Pilot(
        page(9000, 1000), page(8100, 1000), json.dumps({"check": rows}), poll_interval="35ms", page_pause=0.01
    ) as pilot:
        (trace,) = await pilot.provider.find([LOST], NOW)
        assert [form["offset"] for form in forms(pilot)] == ["0", "900", "1800"]
    assert trace == Trace(1, ("7000",), False)


async def test_overlapping_pages_make_a_whole_list() -> None:
    answers = [page(9000, 1000), page(8100, 999), page(7200, 99)]
    async with Pilot(*answers, poll_interval="35ms", page_pause=0.01) as pilot:
        assert await pilot.provider.find([LOST], NOW) == [Trace(1, (), True)]
        assert [form["offset"] for form in forms(pilot)] == ["0", "900", "1799"]


async def test_a_server_may_give_less_than_was_asked_for() -> None:
    answers = [page(9000, 100), page(8925, 100), page(8850, 25)]
    async with Pilot(*answers, poll_interval="20ms", max_pages=2) as pilot:
        assert await pilot.provider.find([LOST], NOW) == [Trace(1, (), False)]
        assert [form["offset"] for form in forms(pilot)] == ["0", "75"]


async def test_an_empty_list_is_whole_at_once() -> None:
    async with Pilot(NOTHING) as pilot:
        assert await pilot.provider.find([LOST], NOW) == [Trace(1, (), True)]
        assert len(pilot.server.asked) == 1


async def test_one_page_is_enough_when_it_reaches_back_past_the_doubt() -> None:
    rows = [json.loads(page(9000 - n, 1, created=f"2021-10-14 1{9 - n}:00:00"))["check"][0] for n in range(3)]
    async with Pilot(json.dumps({"check": rows})) as pilot:
        assert await pilot.provider.find([LOST], NOW) == [Trace(1, (), True)]
        assert len(pilot.server.asked) == 1


async def test_what_does_not_fit_stays_open() -> None:
    async with Pilot(
        page(9000, 1000), page(8100, 1000), page(7200, 1), poll_interval="25ms", page_pause=0.01
    ) as pilot:
        assert await pilot.provider.find([LOST], NOW) == [Trace(1, (), False)]
        assert len(pilot.server.asked) == 2


async def test_pages_stand_apart_as_status_questions_must() -> None:
    clock = asyncio.get_running_loop().time
    async with Pilot(page(9000, 1000), page(8100, 1), poll_interval="500ms", page_pause=0.2) as pilot:
        began = clock()
        await pilot.provider.find([LOST], NOW)
        assert clock() - began >= 0.2
        assert len(pilot.server.asked) == 2


async def test_no_more_pages_than_twenty() -> None:
    answers = [page(90_000 - 75 * number, 100) for number in range(25)]
    async with Pilot(*answers, poll_interval="1s", page_pause=0.001) as pilot:
        assert await pilot.provider.find([LOST], NOW) == [Trace(1, (), False)]
        assert len(pilot.server.asked) == 20


@pytest.mark.parametrize(("code", "expected"), [(122, Disabled), (110, Unavailable), (303, Rejected)])
async def test_a_refused_list(code: int, expected: type[ProviderError]) -> None:
    async with Pilot(refuse(code)) as pilot:
        with pytest.raises(expected):
            await pilot.provider.find([LOST], NOW)


async def test_nothing_in_doubt_asks_nothing() -> None:
    async with Pilot(NOTHING) as pilot:
        assert await pilot.provider.find([], NOW) == []
        assert pilot.server.asked == []


# --- messages from phones, money -------------------------------------------------------------------

ARRIVALS = json.dumps(
    {
        "inbound": [
            {
                "id": "12345",
                "phone": "79087964781",
                "num": "79021",
                "text": "Ура",
                "created": "2011-09-20 20:15",
            },
            {
                "id": "12346",
                "phone": "79087964782",
                "num": "79021",
                "text": "Да",
                "created": "soon",
                "seen": "0",
            },
        ]
    }
)


@pytest.mark.parametrize(("since", "asked"), [(None, "new"), (NOW, "1700000000")])
async def test_messages_from_phones(since: int | None, asked: str) -> None:
    async with Pilot(ARRIVALS) as pilot:
        arrived = await pilot.provider.inbound(since)
        assert pilot.packets == [{"apikey": "SECRET", "inbound": True, "since": asked}]
    assert arrived == [
        Inbound("12345", "79087964781", "79021", "Ура", 1_316_549_700_000),
        Inbound("12346", "79087964782", "79021", "Да", NOW),
    ]


async def test_messages_from_phones_over_api1() -> None:
    async with Pilot(ARRIVALS, api="api1", format="text") as pilot:
        assert len(await pilot.provider.inbound(None)) == 2
        assert forms(pilot) == [{"apikey": "SECRET", "format": "json", "inbound": "new"}]


async def test_a_refused_question_for_messages_from_phones() -> None:
    async with Pilot(refuse(500)) as pilot:
        with pytest.raises(Rejected):
            await pilot.provider.inbound(NOW)


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ({}, '{"balance": 1790.51}'),
        ({}, '{"balance": "1790.51"}'),
        ({"api": "api2-xml"}, "<balance>1790.51</balance>"),
        ({"api": "api1", "format": "v"}, "1790.51"),
    ],
)
async def test_balance(keys: dict[str, Any], answer: str) -> None:
    async with Pilot(answer, **keys) as pilot:
        assert await pilot.provider.balance() == 1790.51
        assert pilot.provider.last_balance == 1790.51


async def test_no_balance_in_the_answer() -> None:
    async with Pilot("{}") as pilot:
        with pytest.raises(Uncertain):
            await pilot.provider.balance()
