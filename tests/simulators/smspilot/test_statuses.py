"""The smspilot simulator itself: statuses, flood bans, callbacks, and faults on purpose."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from smppbridge.model.message import State, StatusReport
from smppbridge.providers.base import Taken
from smppbridge.providers.smspilot.provider import Smspilot, SmspilotOptions
from tests.simulators.smspilot.asking import PHONE, Api, Receiver, rows, running
from tests.simulators.smspilot.simulator import Rules
from tests.support.bridge.running import PATIENCE, eventually
from tests.support.builders.messages import message
from tests.support.builders.upcalls import Upcalls
from tests.support.http.server import Fault
from tests.support.system.hand_clock import HandClock


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running() as started:
        yield started


# --- statuses --------------------------------------------------------------------------------------


async def statuses(api: Api, ref: str, count: int) -> list[dict[str, Any]]:
    """The rows of one message, after each of its steps."""
    found: list[dict[str, Any]] = []
    for _ in range(count):
        found += (await api.ask(check=[{"server_id": ref}]))["check"]
        api.simulator.move_on()
    return found


@pytest.mark.parametrize(
    ("outcome", "steps"), [((2, 0), [0, 1, 2]), ((-1, 601), [0, 1, -1]), ((-2, 212), [0, -2])]
)
async def test_status_goes_on_to_its_outcome(outcome: tuple[int, int], steps: list[int]) -> None:
    async with running(Rules(delay=3600, poll_interval=0, outcomes={PHONE: outcome})) as api:
        found = await statuses(api, await api.send_one(id=4), len(steps) + 1)
    assert [row["status"] for row in found] == [*steps, steps[-1]]
    assert {(row["id"], row["phone"]) for row in found} == {("4", PHONE)}
    assert found[-1].get("error", 0) == outcome[1]
    assert ("error_en" in found[-1]) == bool(outcome[1])
    assert {"created", "modified"} <= found[0].keys()


async def test_packet_status(api: Api) -> None:
    packet = (await api.ask(send=rows(2, 0)))["server_packet_id"]
    answer = await api.ask(check=True, server_packet_id=packet)
    assert [row["phone"] for row in answer["check"]] == [row["to"] for row in rows(2, 0)]
    assert await api.code(check=True, server_packet_id="1") == 304


@pytest.mark.parametrize(
    "check", [[], [{"server_id": ""}], [{"server_id": "x"}], [{"server_id": "99"}], [5], {}]
)
async def test_flood_of_wrong_lists_is_banned(api: Api, check: object) -> None:
    assert await api.code(check=check) == 303
    assert len(api.simulator.violations) == 1
    assert await api.code(balance="rur") == 122
    assert await api.code(send=rows(1, 0)) == 122


async def test_asking_too_often_is_banned() -> None:
    clock = HandClock()
    async with running(Rules(poll_interval=60, ban=600), clock=clock) as api:
        ref = await api.send_one()
        assert "check" in await api.ask(check=[{"server_id": ref}])
        assert await api.code(check=[{"server_id": ref}]) == 122
        assert api.simulator.violations == ["asked too often"]
        assert await api.code(balance="rur") == 122
        clock.forward(600)
        assert "balance" in await api.ask(balance="rur")


async def test_asking_for_archived_messages_is_banned() -> None:
    async with running(Rules(poll_interval=0, archive_after=0)) as api:
        ref = await api.send_one()
        assert await api.code(check=[{"server_id": ref}]) == 303
        assert "archived message" in api.simulator.violations


async def test_sloppy_answers_are_no_json_but_the_provider_reads_them() -> None:
    rules = Rules(delay=0.01, poll_interval=0, sloppy=True)
    async with running(rules) as api:
        text = await api.raw(json.dumps({"apikey": "KEY", "send": [{"to": PHONE, "text": "x"}]}).encode())
        with pytest.raises(ValueError):
            json.loads(text)
        options = SmspilotOptions.model_validate(
            {"kind": "smspilot", "apikey": "KEY", "url": api.simulator.url}
        )
        provider = Smspilot("pilot", options)
        await provider.start(Upcalls(nothing))
        (taken,) = await provider.send([message(5)], 0)
        accepted = api.simulator.accepted[1]
        assert isinstance(taken, Taken)
        assert (taken.ref, taken.packet) == (accepted["server_id"], accepted["packet"])
        await provider.close()


async def nothing(reports: object) -> None:
    raise AssertionError


# --- callbacks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post"])
async def test_callback_at_each_status_change(api: Api, method: str) -> None:
    receiver = Receiver()
    api.simulator.rules.outcome = (-1, 600)
    async with receiver.server:
        url = f"{receiver.server.url}/status?token=1"
        ref = await api.send_one(callback=url, callback_method=method)
        await receiver.wait(2)
    assert [call.method for call in receiver.calls] == [method.upper()] * 2
    fields = [{**call.query, **call.form} for call in receiver.calls]
    assert [(row["server_id"], row["phone"], row["status"], row["error"]) for row in fields] == [
        (ref, PHONE, "1", "0"),
        (ref, PHONE, "-1", "600"),
    ]
    assert ("error_en" in fields[0], fields[1]["error_en"]) == (False, "Expired")
    assert all(row["token"] == "1" for row in fields)


@pytest.mark.parametrize(("failures", "answered", "given_up"), [(3, 1, 0), (4, 0, 1)])
async def test_callback_is_retried_three_times(failures: int, answered: int, given_up: int) -> None:
    receiver = Receiver(failures)
    rules = Rules(delay=0.01, outcome=(-2, 212), retry_pause=0.01)
    async with running(rules) as api, receiver.server:
        await api.send_one(callback=f"{receiver.server.url}/status")
        callbacks = api.simulator.callbacks
        await eventually(lambda: callbacks.answered + callbacks.given_up)
        assert len(receiver.calls) == 4
        assert (callbacks.answered, callbacks.given_up) == (answered, given_up)


async def test_provider_understands_the_callbacks_it_asked_for(api: Api) -> None:
    receiver = Receiver()
    async with receiver.server:
        options = SmspilotOptions.model_validate(
            {"kind": "smspilot", "apikey": "KEY", "url": api.simulator.url}
        )
        provider = Smspilot("pilot", options, callback_url=f"{receiver.server.url}/status")
        await provider.start(Upcalls(nothing))
        (taken,) = await provider.send([message(5)], 0)
        assert not isinstance(taken, Exception)
        await receiver.wait(2)
        await provider.close()
    assert [provider.parse_callback(call) for call in receiver.calls] == [
        [StatusReport(taken.ref, State.ENROUTE, False, 0, "1")],
        [StatusReport(taken.ref, State.DELIVERED, True, 0, "2")],
    ]


# --- faults ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault.value.pause < 10])
async def test_faults_act_or_do_not(api: Api, fault: Fault) -> None:
    api.simulator.faults.append(fault)
    body = json.dumps({"apikey": "KEY", "send": rows(1, 0)}).encode()
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        try:
            answer = await client.post(f"{api.simulator.url}/api2.php", content=body)
        except httpx2.TransportError:
            assert fault.value.reset
        else:
            assert not fault.value.reset
            assert answer.status_code == (fault.value.status or 200)
    assert len(api.simulator.accepted) == fault.value.acts
    assert (await api.ask(send=rows(1, 0)))["send"]


async def test_hanging_request_never_ends(api: Api) -> None:
    api.simulator.faults.append(Fault.HANG_AFTER)
    asking = asyncio.create_task(api.send_one())
    await eventually(lambda: api.simulator.accepted)
    _, hanging = await asyncio.wait([asking], timeout=0.1)
    assert hanging == {asking}
    assert len(api.simulator.accepted) == 1
    asking.cancel()
