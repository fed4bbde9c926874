"""sms-assistent's own rules of sending: which request carries what, and whose answer is whose."""

import asyncio
import json
import logging
import time

import pytest

from smppbridge.errors import Disabled, Postponed, Rejected, Unavailable, Uncertain
from smppbridge.model.message import UNTOLD, Particulars
from smppbridge.providers.base import Taken
from smppbridge.providers.sms_assistent.records import date_send
from tests.simulators.sms_assistent.simulator import Rules, SmsAssistentSimulator
from tests.support.builders.messages import DAY, NOW, message
from tests.support.http.server import Fault
from tests.unit.providers.sms_assistent.steps import (
    SECRET,
    Assist,
    Gate,
    kinds,
    packed,
    refused,
    taken,
    taken_xml,
)

MINUTE = 60_000  # ms
HOUR = 60 * MINUTE


# --- which request carries what --------------------------------------------------------------------


async def test_senders_share_a_package() -> None:
    async with Assist(taken(11, 12, 13), default_sender="Main") as assist:
        messages = [message(1, sender="One"), message(2, sender=""), message(3, sender="One")]
        results = await assist.provider.send(messages, NOW)
        assert results == [packed(11), packed(12), packed(13)]
        (package,) = assist.packages
        assert [row["sender"] for row in package["message"]["msg"]] == ["One", "Main", "One"]
        assert assist.server.headers[0]["content-type"] == "application/json; charset=utf-8"


async def test_every_kind_of_message_has_its_request() -> None:
    at = NOW + HOUR
    messages = [
        message(1, send_at=at),
        message(2),
        message(3, deadline=NOW + 30 * MINUTE),
        message(4, priority=1, deadline=NOW + 90 * MINUTE),
    ]
    async with Assist("14", taken_xml(13), taken(11), taken(12)) as assist:
        results = await assist.provider.send(messages, NOW)
        assert assist.ways == ["plain", "xml", "json", "json"]
        assert results == [packed(11), packed(12), packed(13), Taken("14")]
        assert assist.forms[0]["validity_period"] == "2"
        (document,) = assist.documents
        assert int(document[0][0].attrib["validity_period"]) in {1799, 1800}
        scheduled, usual = assist.packages
        assert (scheduled["date_send"], "date_send" in usual) == (date_send(at), False)
        assert scheduled["message"]["msg"][0]["validity_period"] == 23  # from when it is sent
        assert usual["message"]["msg"][0]["validity_period"] == 24


async def test_with_xml_all_is_one_package_but_what_is_urgent() -> None:
    messages = [message(1), message(2, priority=1), message(3, deadline=NOW + MINUTE)]
    async with Assist("12", taken_xml(11, 13), api="xml") as assist:
        assert await assist.provider.send(messages, NOW) == [packed(11), Taken("12"), packed(13)]
        assert assist.ways == ["plain", "xml"]
        assert assist.server.headers[1]["content-type"] == "text/xml; charset=utf-8"


async def test_with_plain_every_message_has_a_request() -> None:
    async with Assist(*map(str, range(101, 131)), api="plain", plain_per_minute=5) as assist:
        results = await assist.provider.send([message(n) for n in range(1, 31)], NOW)
        assert results == [Taken(str(n)) for n in range(101, 131)]
        assert set(assist.ways) == {"plain"}


async def test_only_so_many_urgent_messages_a_minute_go_in_plain() -> None:
    async with Assist("101", "102", taken(201, 202, 203), taken(301), plain_per_minute=2) as assist:
        messages = [message(n, priority=1) for n in range(1, 5)]
        results = await assist.provider.send([*messages, message(5)], NOW)
        assert results == [Taken("101"), Taken("102"), *map(packed, (201, 202, 203))]
        assert assist.ways == ["plain", "plain", "json"]
        assert await assist.provider.send([message(6, priority=1)], NOW) == [packed(301)]


@pytest.mark.slow
async def test_plain_requests_run_together_but_not_too_many() -> None:
    async with Gate("12345") as gate, Assist("", url=gate.url, parallel=4) as assist:
        batches = [[message(n, priority=1) for n in range(start, start + 6)] for start in (0, 10)]
        sending = [asyncio.create_task(assist.provider.send(batch, NOW)) for batch in batches]
        await gate.crowd(4)
        gate.open()
        for results in await asyncio.gather(*sending):
            assert kinds(results) == [Taken] * 6
        assert gate.requests == 12


@pytest.mark.parametrize("ahead", [-HOUR, 0])
async def test_a_date_that_has_come_is_now(ahead: int) -> None:
    async with Assist(taken(11)) as assist:
        assert await assist.provider.send([message(1, send_at=NOW + ahead)], NOW) == [packed(11)]
        assert "date_send" not in assist.packages[0]


async def test_a_date_too_near_is_waited_for_here() -> None:
    async with Assist(taken(12)) as assist:
        near = message(1, send_at=NOW + 10 * MINUTE, priority=1)
        error, other = await assist.provider.send([near, message(2)], NOW)
        assert isinstance(error, Postponed)
        assert (error.after, error.status, other) == (600, 0x61, packed(12))


async def test_the_simulator_takes_every_kind_as_it_was_meant() -> None:
    now = time.time_ns() // 1_000_000
    at = now + HOUR
    usual = [message(n, recipient=f"37529000000{n}", deadline=now + DAY, text=f"<{n}>") for n in range(1, 6)]
    messages = [
        usual[0],
        usual[1]._replace(priority=1, sender="A&B"),
        usual[2]._replace(deadline=now + 90_500),
        usual[3]._replace(send_at=at),
        usual[4]._replace(deadline=now + 3 * DAY),
    ]
    async with SmsAssistentSimulator(Rules(password=SECRET)) as simulator:
        async with Assist("", url=simulator.url) as assist:
            results = await assist.provider.send(messages, now)
        seen = {row["recipient"]: row for row in simulator.accepted}
        ours = [seen[sent.recipient] for sent in messages]
        assert results == [
            packed(row["sms_id"]) if row["api"] != "plain" else Taken(str(row["sms_id"])) for row in ours
        ]
        assert [row["text"] for row in ours] == [sent.text for sent in messages]
        assert [row["api"] for row in ours] == ["json", "plain", "xml", "json", "json"]
        assert [row["date_send"] for row in ours] == ["", "", "", date_send(at), ""]
        validity = [row["validity"] for row in ours]
        assert validity[2] in {90, 91}
        assert [*validity[:2], *validity[3:]] == [24 * 3600, 24 * 3600, 23 * 3600, 48 * 3600]
        assert simulator.violations == []


# --- whose answer is whose -------------------------------------------------------------------------


@pytest.mark.parametrize("ids", [(), (11,), (11, 12, 13, 14)])
async def test_an_answer_about_another_number_of_messages_says_nothing(ids: tuple[int, ...]) -> None:
    async with Assist(taken(*ids), taken(99)) as assist:
        messages = [message(1), message(2), message(3), message(4, send_at=NOW + HOUR)]
        results = await assist.provider.send(messages, NOW)
        assert kinds(results) == [Uncertain] * 3 + [Unavailable]
        assert len(assist.packages) == 1


async def test_numbers_of_the_answer_are_compared() -> None:
    async def send(*recipients: object) -> list[type[object]]:
        found = json.loads(taken(11, 12))
        for row, recipient in zip(found["message"]["msg"], recipients, strict=True):
            row["recipient"] = recipient
        async with Assist(json.dumps(found)) as assist:
            messages = [message(1, recipient="375291111111"), message(2, recipient="375292222222")]
            return kinds(await assist.provider.send(messages, NOW))

    assert await send("+375291111111", 375292222222) == [Taken] * 2
    assert await send(291111111, "8(029)222-22-22") == [Uncertain] * 2  # 80… is not ours with more in front
    assert await send(291111111, "(29)222-22-22") == [Taken] * 2
    assert await send(0, None) == [Taken] * 2
    assert await send(375292222222, 375291111111) == [Uncertain] * 2
    assert await send(375291111111, 375291111111) == [Uncertain] * 2


async def test_rows_that_do_not_say_clearly() -> None:
    unclear = [
        {"sms_id": 0, "error_code": 0},
        {"sms_id": 5, "error_code": -4},
        {"sms_id": 5, "error_code": 7},
        {"sms_id": "five", "error_code": 0},
        {"sms_id": 77, "error_code": 0},
        {"sms_id": "77", "error_code": 0},
        None,
        {"sms_id": 78},
    ]
    async with Assist(json.dumps({"message": {"msg": unclear}})) as assist:
        results = await assist.provider.send([message(n) for n in range(1, 9)], NOW)
        assert kinds(results) == [Uncertain] * 7 + [Taken]


async def test_a_number_that_was_taken_as_no_sms_is_doubted() -> None:
    rows_seen = '{"message":{"msg":[{"sms_id":7,"sms_count":0,"operator":0,"error_code":0},{"sms_id":8}]}}'
    async with Assist(rows_seen) as assist:
        results = await assist.provider.send([message(1), message(2)], NOW)
        assert results == [Taken("7?"), Taken("8")]


async def test_what_an_answer_tells_besides() -> None:
    found = [
        {"sms_id": 7, "sms_count": 3, "operator": 2, "error_code": 0},
        {"sms_id": "8", "sms_count": "2", "operator": "0", "error_code": "0"},
        {"sms_id": 9, "sms_count": -1, "operator": "mts", "error_code": 0},
        {"sms_id": 10, "sms_count": 10**9, "operator": -1, "error_code": 0},
    ]
    async with Assist(json.dumps({"message": {"msg": found}})) as assist:
        results = await assist.provider.send([message(n) for n in range(1, 5)], NOW)
        assert [result.told for result in results if isinstance(result, Taken)] == [
            Particulars(parts=3, operator="operator=2"),
            Particulars(parts=2),
            UNTOLD,
            UNTOLD,
        ]


# --- PLAIN ------------------------------------------------------------------------------------------


async def test_plain_that_is_blocked_goes_in_packages_from_then_on(caplog: pytest.LogCaptureFixture) -> None:
    rules = Rules(password=SECRET, blocked_plain=True)
    async with SmsAssistentSimulator(rules) as simulator, Assist("", url=simulator.url) as assist:
        messages = [message(n, priority=1) for n in range(1, 4)]
        assert kinds(await assist.provider.send([*messages, message(4)], NOW)) == [Taken] * 4
        assert dict(simulator.requests_by_api) == {"plain": 1, "json": 1}
        assert kinds(await assist.provider.send([message(5, priority=1)], NOW)) == [Taken]
        assert dict(simulator.requests_by_api) == {"plain": 1, "json": 2}
        assert [row["api"] for row in simulator.accepted] == ["json"] * 5
        (record,) = caplog.records
        assert (record.levelname, "PLAIN is blocked (-13)" in record.getMessage()) == ("ERROR", True)


async def test_an_account_that_is_blocked_altogether_is_paused() -> None:
    async with Assist("-13", refused(-13)) as assist:
        results = await assist.provider.send([message(1, priority=1), message(2)], NOW)
        assert [(type(one), getattr(one, "code", "")) for one in results] == [(Disabled, "-13")] * 2
        assert assist.ways == ["plain", "json"]


@pytest.mark.parametrize(
    ("answer", "first", "second", "package"),
    [
        ("-4", Rejected, Rejected, Taken),
        ("-14", Postponed, Postponed, Taken),
        ("-1", Disabled, Disabled, Disabled),
        ("-10", Unavailable, Unavailable, Unavailable),
        ("<html>", Uncertain, Unavailable, Unavailable),
    ],
)
async def test_what_an_answer_in_plain_means_for_the_rest(
    answer: str, first: type[object], second: type[object], package: type[object]
) -> None:
    answers = [answer, answer, taken(13)] if package is Taken else [answer]
    async with Assist(*answers) as assist:
        messages = [message(1, priority=1), message(2, priority=1), message(3)]
        assert kinds(await assist.provider.send(messages, NOW)) == [first, second, package]
        assert len([way for way in assist.ways if way != "credits/plain"]) == len(answers)


# --- time ------------------------------------------------------------------------------------------


async def test_no_request_begins_when_the_time_is_over() -> None:
    async with SmsAssistentSimulator(Rules(password=SECRET)) as simulator:
        simulator.faults.extend([Fault.SLOW] * 2)  # 0.3 s each
        async with Assist("", url=simulator.url, sending_time=0.2) as assist:
            both = [message(1), message(2, send_at=NOW + HOUR)]
            first, second = await asyncio.gather(
                assist.provider.send(both, NOW), assist.provider.send([message(3)], NOW)
            )
        assert kinds([*first, *second]) == [Taken, Unavailable, Unavailable]
        assert simulator.server.requests == 1


@pytest.mark.slow
async def test_nobody_waits_for_a_turn_longer_than_that() -> None:
    async with Gate("12345") as gate, Assist("", url=gate.url, sending_time=0.1) as assist:
        first = asyncio.create_task(assist.provider.send([message(1, priority=1)], NOW))
        await gate.crowd(1)
        (waited,) = await assist.provider.send([message(2, priority=1)], NOW)
        assert isinstance(waited, Unavailable)
        assert not first.done()
        gate.open()
        assert await first == [Taken("12345")]


async def test_validity_is_counted_when_the_request_begins() -> None:
    """A request that had to wait for its turn does not give a message more time."""
    async with SmsAssistentSimulator(Rules(password=SECRET)) as simulator:
        simulator.faults.append(Fault.SLOW)
        now = time.time_ns() // 1_000_000
        async with Assist("", url=simulator.url) as assist:
            await asyncio.gather(
                assist.provider.send([message(1, deadline=now + DAY)], now),
                assist.provider.send([message(2, deadline=now + 100_050)], now),
            )
        first, second = (row["validity"] for row in simulator.accepted)
        assert first == 24 * 3600
        assert second is not None
        assert second <= 100


async def test_the_log_tells_nothing_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"<html>{SECRET} 79000000001 Привет</html>"
    async with Assist(echo) as assist:
        results = await assist.provider.send([message(1)], NOW)
    told = [str(results), *(record.getMessage() for record in caplog.records if "uvicorn" not in record.name)]
    for secret in (SECRET, "79000000001", "Привет"):
        assert not any(secret in text for text in told)
