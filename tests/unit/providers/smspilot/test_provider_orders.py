"""What goes to smspilot besides the text: callbacks, times, services."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from smppbridge.errors import Disabled, Postponed, Rejected, Unavailable
from smppbridge.providers.base import Taken
from smppbridge.providers.smspilot.api1 import NAMED
from tests.support.builders.messages import NOW, message
from tests.unit.providers.smspilot.test_provider import Pilot, kinds, ok, refuse


async def test_everything_the_operator_set_goes_along() -> None:
    keys: dict[str, Any] = {
        "callback_user": "me",
        "callback_password": "p:w",
        "callback_method": "get",
        "callback_fields": "all",
    }
    async with Pilot(ok(1), callback_url="https://a.example/c/token", test=True, **keys) as pilot:
        await pilot.provider.send([message(1)], NOW)
        packet = pilot.packets[0]
    assert packet["callback"] == "https://me:p%3Aw@a.example/c/token?fields=all"
    assert (packet["callback_method"], packet["test"]) == ("get", 1)


async def test_secrets_of_the_callback_are_not_told_either() -> None:
    keys: dict[str, Any] = {"callback_user": "me", "callback_password": "pa55word"}
    url = "https://a.example/c/token"
    words = f"Invalid callback URL https://me:pa55word@a.example/c/token or {url}, pa55word"
    async with Pilot(refuse(260, words), callback_url=url, **keys) as pilot:
        (error,) = await pilot.provider.send([message(1)], NOW)
        assert len(pilot.packets) == 2
    assert isinstance(error, Unavailable)
    assert error.reason.endswith("see web.public_url: Invalid callback URL *** or ***, ***")


URL = "https://a.example/c/token"


def complaints(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    lines = [vars(record) for record in caplog.records]
    return [line["fields"] for line in lines if line["message"] == "callback address refused"]


async def test_without_a_callback_when_its_address_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with Pilot(refuse(260), ok(1), ok(2), callback_url=URL) as pilot:
        assert kinds(await pilot.provider.send([message(1)], NOW)) == [Taken]
        assert kinds(await pilot.provider.send([message(2)], NOW)) == [Taken]
        assert [packet.get("callback") for packet in pilot.packets] == [URL, None, None]
        assert "callback_method" not in pilot.packets[1]
    (line,) = complaints(caplog)
    assert line["provider"] == "pilot"
    assert "web.public_url" in str(line["reason"])
    assert "statuses are polled" in str(line["reason"])


async def test_nobody_learns_what_became_of_messages_without_callback_and_polling(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Pilot(refuse(260), ok(1), callback_url=URL, poll_interval=0) as pilot:
        await pilot.provider.send([message(1)], NOW)
    assert "poll_interval is 0" in str(complaints(caplog)[0]["reason"])


async def test_the_callback_is_tried_again_after_an_hour() -> None:
    seconds = [NOW / 1000]
    arguments = {"clock": lambda: seconds[0]}
    async with Pilot(refuse(260), ok(1), callback_url=URL, arguments=arguments) as pilot:
        for wait in (3599, 2, 0):
            assert kinds(await pilot.provider.send([message(1)], NOW)) == [Taken]
            seconds[0] += wait
        assert ["callback" in packet for packet in pilot.packets] == [True, False, False, True]


async def test_a_row_about_the_callback_is_sent_again_without_it() -> None:
    row = {"id": 1, "server_id": 0, "status": -2, "error": 260}
    other = {"id": 2, "server_id": 12, "status": 0}
    async with Pilot(json.dumps({"send": [row, other]}), ok(1), callback_url=URL) as pilot:
        refused, taken = await pilot.provider.send([message(1), message(2)], NOW)
        assert isinstance(refused, Unavailable)
        assert refused.about_message
        assert isinstance(taken, Taken)
        await pilot.provider.send([message(1)], NOW)
        assert "callback" not in pilot.packets[1]


async def test_scheduled_messages_go_apart() -> None:
    later = NOW + 3_600_000
    async with Pilot(ok(1, 3), ok(2, 4), schedule="provider") as pilot:
        messages = [message(n, send_at=later if n % 2 == 0 else NOW + 59_999) for n in range(1, 5)]
        assert kinds(await pilot.provider.send(messages, NOW)) == [Taken] * 4
        planned = [(p.get("send_datetime"), [item["id"] for item in p["send"]]) for p in pilot.packets]
    assert planned == [(None, [1, 3]), (later // 1000, [2, 4])]


@pytest.mark.parametrize("api", ["api2-json", "api1"])
async def test_what_is_held_here_carries_no_time(api: str) -> None:
    """A message may come from a provider that was to keep it, with its time still ahead."""
    later = NOW + 3_600_000
    async with Pilot(ok(1), api=api) as pilot:
        kept, taken = await pilot.provider.send([message(1, send_at=later), message(2, send_at=NOW)], NOW)
        assert isinstance(kept, Postponed)
        assert kept.after == 3600
        assert len(pilot.server.asked) == 1
        assert b"send_datetime" not in pilot.server.asked[0][1]
    assert not isinstance(taken, Postponed)


async def test_a_number_check_waits_for_its_time_here() -> None:
    async with Pilot(ok(2)) as pilot:
        check = message(1, text="", service_type="HLR", send_at=NOW + 3_600_000)
        results = await pilot.provider.send([check, message(2)], NOW)
        assert [item["id"] for packet in pilot.packets for item in packet["send"]] == [2]
    assert kinds(results) == [Postponed, Taken]
    assert isinstance(results[0], Postponed)
    assert results[0].after == 3600


async def test_each_service_in_its_own_packet() -> None:
    async with Pilot(ok(1), ok(2), ok(3), ok(4), ok(5), ok(6)) as pilot:
        services = ("", "HLR", "PING", "HLRV", "CALL", "2WAY")
        messages = [message(n, service_type=service, text="Да?") for n, service in enumerate(services, 1)]
        assert kinds(await pilot.provider.send(messages, NOW)) == [Taken] * 6
        sold = [(p.get("from"), p.get("text"), p["send"][0].get("text")) for p in pilot.packets]
    assert sold == [
        ("Demo", None, "Да?"),
        (None, "HLR", None),
        (None, "PING", None),
        (None, "HLRVIP", None),
        ("GOLOS", None, "Да?"),
        ("2WAY", None, "Да?"),
    ]


async def test_a_service_that_is_not_sold_is_rejected() -> None:
    async with Pilot(ok(2)) as pilot:
        rejected, taken = await pilot.provider.send([message(1, service_type="VIBER"), message(2)], NOW)
    assert kinds([rejected, taken]) == [Rejected, Taken]


@pytest.mark.parametrize("api", ["api2-json", "api2-xml", "api1"])
async def test_a_call_whose_number_is_the_code_goes_by_api1_one_by_one(api: str) -> None:
    row = {"server_id": "0", "phone": message(1).recipient, "status": "0"}
    answers = [json.dumps({"send": [{**row, "server_id": "11"}], "server_packet_id": "11"}), refuse(113)]
    async with Pilot(*answers, api=api) as pilot:
        messages = [message(n, service_type="FLSHC", text="0123") for n in (1, 2)]
        results = await pilot.provider.send(messages, NOW)
        forms = [(path, dict(parse_qsl(body.decode()))) for path, body in pilot.server.asked]
    assert results[0] == Taken("11", "11")
    assert kinds(results) == [Taken, Disabled]
    assert forms == [
        (
            "/api.php",
            {"apikey": "SECRET", "format": "json", "send": "0123", "to": one.recipient, "from": "FLASHCALL"}
            | {"fields": ",".join(NAMED)},
        )
        for one in messages
    ]
