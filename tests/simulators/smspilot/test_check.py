"""The smspilot simulator itself: statuses through API-1, test mode, and send_datetime."""

import asyncio
import time
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator

import pytest

from tests.simulators.smspilot.asking import PHONE, Api, Receiver, rows, running
from tests.simulators.smspilot.simulator import Rules
from tests.support.bridge.running import PATIENCE

OTHER, BAD = "79161231212", "79999999999"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """Two messages are sent, a third was refused; statuses stand still."""
    async with running(Rules(delay=60, poll_interval=0, errors={BAD: 212})) as started:
        await started.get(send="Hello", to=f"{PHONE},{OTHER},{BAD}")
        yield started


# --- check -----------------------------------------------------------------------------------------


async def test_formats(api: Api) -> None:
    assert await api.get_json(check="10001,10003") == {
        "check": [
            {"server_id": "10001", "phone": PHONE, "price": "1.29", "status": "0"},
            {"server_id": "10003", "phone": BAD, "price": "0.00", "status": "-2"},
        ]
    }
    answer = ET.fromstring(await api.get(check="10001", format="xml"))
    assert (answer.tag, answer[0].attrib) == (
        "check",
        {"server_id": "10001", "phone": PHONE, "price": "1.29", "status": "0"},
    )
    assert await api.get(check="10001,10002") == f"10001,{PHONE},1.29,0\n10002,{OTHER},1.29,0"
    assert await api.get(check="10003", format="v") == "-2"


async def test_fields(api: Api) -> None:
    (row,) = (await api.get_json(check="10003", fields="server_id,error,error_en,sender"))["check"]
    assert row == {
        "server_id": "10003",
        "error": "212",
        "error_en": "Phone in black list",
        "sender": "INFORM",
    }
    (row,) = (await api.get_json(check="10001", fields="all"))["check"]
    assert {"created", "modified", "parts", "country", "operator", "error"} <= row.keys()
    assert await api.get_code(check="10001", fields="colour") == 275


async def test_status_goes_on(api: Api) -> None:
    api.simulator.rules.delay = 0
    api.simulator.rules.outcome = (-1, 600)
    ref = await api.get(send="x", to=PHONE, format="v")
    async with asyncio.timeout(PATIENCE):
        while await api.get(check=ref, format="v") != "-1":
            await asyncio.sleep(0.002)
    assert await api.get(check=ref, fields="status,error,error_en") == "-1,600,Expired"


async def test_packet(api: Api) -> None:
    answer = await api.get_json(check="packet", id="10001")
    assert [row["server_id"] for row in answer["check"]] == ["10001", "10002", "10003"]
    assert await api.get_code(check="packet", id="10002") == 304
    assert await api.get_code(check="packet") == 304


async def test_messages_of_one_api_are_known_to_the_other(api: Api) -> None:
    ref = await api.send_one(id=7)
    assert await api.get(check=ref) == f"{ref},{PHONE},1.29,0"
    found = await api.ask(check=True, server_packet_id="10001")
    assert [row["status"] for row in found["check"]] == [0, 0, -2]


async def ids(api: Api, **query: str) -> list[int]:
    return [int(row["server_id"]) for row in (await api.get_json(**query))["check"]]


async def test_lists_are_cut_at_1000_and_paged(api: Api) -> None:
    await api.ask(send=rows(1500, 0))  # 10004 is the packet
    for what in ("all", "recent"):
        assert await ids(api, check=what) == list(range(11504, 10504, -1))
        assert await ids(api, check=what, limit="5000") == list(range(11504, 10504, -1))
        assert await ids(api, check=what, limit="2", offset="1") == [11503, 11502]
        assert await ids(api, check=what, offset="1501") == [10002, 10001]
        assert await ids(api, check=what, offset="9999") == []
    assert await ids(api, check="packet", id="10001", limit="1", offset="1") == [10002]
    for wrong in ({"limit": "many"}, {"offset": "-1"}):
        assert await api.get_code(check="all", **wrong) == 303


async def test_recent_is_a_day_and_nothing_archived_is_listed(api: Api) -> None:
    api.simulator.age(86400.0 + 60)
    assert await ids(api, check="recent") == []
    assert await ids(api, check="all") == [10003, 10002, 10001]
    assert await api.get(check="recent") == await api.get(check="recent", format="v") == ""
    api.simulator.rules.archive_after = 86400
    assert await ids(api, check="all") == []
    assert api.simulator.violations == []


@pytest.mark.parametrize("check", ["", "0", "x", "10001,", "10001,abc", "99999"])
async def test_wrong_ids_are_flood(api: Api, check: str) -> None:
    assert await api.get(check=check) == "ERROR=303: INVALID IDS LIST"
    assert len(api.simulator.violations) == 1
    assert await api.get_code(balance="rur") == 122


@pytest.mark.parametrize("check", ["10001", "all", "recent", "packet"])
async def test_asking_too_often_is_flood(api: Api, check: str) -> None:
    api.simulator.rules.poll_interval = 60
    assert "check" in await api.get_json(check=check, id="10001")
    assert await api.get_code(check=check, id="10001") == 122
    assert api.simulator.violations == ["asked too often"]


# --- test mode -------------------------------------------------------------------------------------


async def test_test_mode_of_api1_stores_nothing() -> None:
    async with running(Rules(delay=0, poll_interval=0)) as api, Receiver().server as server:
        callback = f"{server.url}/status"
        answer = await api.get_json(send="x", to=PHONE, test="1", callback=callback)
        assert answer["balance"] == "1000000000.00"
        assert answer["send"][0]["status"] == "0"
        assert await ids(api, check="all") == []
        (row,) = (await api.get_json(check="1000", test="1"))["check"]
        assert (row["server_id"], row["status"]) == ("1000", "2")
        assert await api.get_code(check=answer["send"][0]["server_id"], test="1") == 303
        assert api.simulator.accepted == []
        assert server.requests == 0


async def test_id_1000_is_of_the_test_mode_only(api: Api) -> None:
    assert await api.get_code(check="1000", test="0") == 303


async def test_test_mode_of_api2_makes_statuses_up(api: Api) -> None:
    answer = await api.ask(test=1, send=[{"id": n + 1, **row} for n, row in enumerate(rows(3, 0))])
    assert [item["status"] for item in answer["send"]] == [0, 0, 0]
    packet = answer["server_packet_id"]
    assert await api.code(check=True, server_packet_id=packet) == 304
    found = (await api.ask(check=True, server_packet_id=packet, test=1))["check"]
    assert {row["id"] for row in found} == {"0"}
    assert {row["status"] for row in found} == {2, 1, -1}
    assert len(api.simulator.accepted) == 2
    assert len(await ids(api, check="all")) == 3


# --- send_datetime ---------------------------------------------------------------------------------


@pytest.mark.parametrize("stamp", [False, True])
async def test_scheduled_message_waits(stamp: bool) -> None:
    receiver = Receiver()
    async with running(Rules(delay=0, poll_interval=0)) as api, receiver.server:
        at = int(time.time()) + 1000
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))
        keys = {"send_datetime": at if stamp else moment, "callback": f"{receiver.server.url}/status"}
        answer = await api.ask(send=[{"to": PHONE, "text": "x", **keys}])
        (item,) = answer["send"]
        assert (item["status"], item["send_datetime"]) == (3, moment)
        assert await api.get(check=item["server_id"], fields="status,send_datetime") == f"3,{moment}"
        assert len(api.simulator.accepted) == 1
        other = await api.get(send="x", to=OTHER, format="v")  # does not wait behind the scheduled one
        async with asyncio.timeout(PATIENCE):
            while await api.get(check=other, format="v") != "2":
                await asyncio.sleep(0.01)
        assert receiver.calls == []
        api.simulator.move_on()
        await receiver.wait(3)
    assert sorted(call.query["status"] for call in receiver.calls) == ["0", "1", "2"]


async def test_scheduled_message_goes_at_its_time() -> None:
    receiver = Receiver()
    async with running(Rules(delay=0, poll_interval=0)) as api, receiver.server:
        at = int(time.time()) + 1
        keys = {"send_datetime": at, "callback": f"{receiver.server.url}/status"}
        await api.ask(send=[{"to": PHONE, "text": "x", **keys}])
        await receiver.wait(3)
        assert time.time() >= at


async def test_scheduled_by_api1_and_for_a_packet(api: Api) -> None:
    at = str(int(time.time()) + 1000)
    assert (await api.get_json(send="x", to=PHONE, send_datetime=at))["send"][0]["status"] == "3"
    answer = await api.ask(send_datetime=at, send=rows(2, 0))
    assert [item["status"] for item in answer["send"]] == [3, 3]


async def test_checks_of_numbers_are_never_scheduled(api: Api) -> None:
    at = str(int(time.time()) + 1000)
    assert (await api.get_json(send="HLR", to=PHONE, send_datetime=at))["send"][0]["status"] == "0"


@pytest.mark.parametrize(
    "moment", [True, 1.5, "2026-13-01 00:00:00", "9" * 5000, 10**11, ["x"], "2099-01-01"]
)
async def test_wrong_moments(api: Api, moment: object) -> None:
    assert await api.code(send=[{"to": PHONE, "text": "x", "send_datetime": moment}]) == 250
