"""The sms-assistent simulator itself: statuses, mixed packages, traffic rules, and faults on purpose."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.simulators.sms_assistent.asking import PHONE, Api, running
from tests.simulators.sms_assistent.simulator import Rules
from tests.support.bridge.running import PATIENCE
from tests.support.http.server import Fault
from tests.support.system.hand_clock import HandClock

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running() as started:
        yield started


# --- statuses --------------------------------------------------------------------------------------


async def test_status_goes_on_to_its_outcome() -> None:
    clock = HandClock()
    async with running(Rules(delay=60, outcomes={PHONE: "Rejected"}), clock=clock) as api:
        sms_id = await api.send_one()
        for pause, word in ((0, "Queued"), (59, "Queued"), (1, "Sent"), (59, "Sent"), (1, "Rejected")):
            clock.forward(pause)
            assert await api.word(sms_id) == word


@pytest.mark.parametrize("outcome", ["Delivered", "Expired", "Rejected", "Unknown", "Failed"])
async def test_outcome_by_number(outcome: str) -> None:
    async with running(Rules(delay=0, outcomes={PHONE: outcome}, outcome="Sent")) as api:
        assert await api.word(await api.send_one()) == outcome
        assert await api.word(await api.send_one(recipient="447654321")) == "Sent"


async def test_status_in_all_shapes() -> None:
    async with running(Rules(delay=0, outcome="Expired")) as api:
        first, second = await api.send_one(sms_text="я" * 71), int(await api.plain())
        assert await api.form("statuses", id=str(first)) == "Expired"
        url = f"{api.simulator.url}/api/v1/statuses/plain"
        query = {"user": "user", "password": "PASSWORD", "id": str(first)}
        assert (await api.client.get(url, params=query)).text == "Expired"
        content = f'<status>\n  <msg sms_id="{first}"/>\n  <msg sms_id="{second}"/>\n</status>'
        assert await api.xml(content) == (
            f'<status><msg sms_id="{first}" sms_count="2">Expired</msg>'
            f'<msg sms_id="{second}" sms_count="1">Expired</msg></status>'
        )
        assert await api.statuses(str(second), first) == {
            "status": {
                "msg": [
                    {"sms_id": second, "sms_count": 1, "sms_status": "Expired"},
                    {"sms_id": first, "sms_count": 2, "sms_status": "Expired"},
                ]
            }
        }


@pytest.mark.parametrize("wrong", ["0", "-1", "1", "x", "", "1000001.0", "9" * 5000])
async def test_unknown_id(api: Api, wrong: str) -> None:
    known = await api.send_one()
    assert await api.form("statuses", id=wrong) == "-11"
    assert await api.statuses(known, wrong) == {"error": -11}
    content = f'<status><msg sms_id="{known}"/><msg sms_id="{wrong}"/></status>'
    assert await api.xml(content) == "<error>-11</error>"


@pytest.mark.parametrize("wrong", [None, True, 1e6, [1000001], 0, -5])
async def test_unknown_id_in_json(api: Api, wrong: object) -> None:
    await api.send_one()
    assert await api.statuses(wrong) == {"error": -11}


async def test_status_without_an_id(api: Api) -> None:
    assert await api.form("statuses") == "-11"
    assert await api.form("statuses", id="1", ids="2") == "-10"
    assert await api.json(command="statuses", status={"msg": [{}]}) == {"error": -11}
    assert await api.xml("<status><msg/></status>") == "<error>-11</error>"


async def test_unknown_id_may_spoil_only_its_row() -> None:
    async with running(Rules(delay=0, unknown_id_spoils=False)) as api:
        known = await api.send_one()
        answer = await api.statuses(7, known)
        assert answer["status"]["msg"] == [
            {"sms_id": 7, "sms_count": 0, "error_code": -11},
            {"sms_id": known, "sms_count": 1, "sms_status": "Delivered"},
        ]
        content = f'<status><msg sms_id="7"/><msg sms_id="{known}"/></status>'
        assert await api.xml(content) == (
            '<status><msg sms_id="7" sms_count="0">-11</msg>'
            f'<msg sms_id="{known}" sms_count="1">Delivered</msg></status>'
        )
        assert await api.form("statuses", id="7") == "-11"


async def test_messages_and_statuses_in_one_package(api: Api) -> None:
    known = await api.send_one()
    message = {"msg": [{"recipient": PHONE, "sms_text": "x"}]}
    sent = {"msg": [{"sms_id": known + 1, "sms_count": 1, "error_code": 0}]}
    asked = {"msg": [{"sms_id": known, "sms_count": 1, "sms_status": "Queued"}]}
    api.simulator.rules.delay = 60
    for number, command in enumerate(("sms_send", "statuses"), start=1):
        sent["msg"][0]["sms_id"] = known + number
        answer = await api.json(command=command, message=message, status={"msg": [{"sms_id": known}]})
        assert answer == {"message": sent, "status": asked}
    content = f'<status><msg sms_id="{known}"/></status><message><msg recipient="{PHONE}">x</msg></message>'
    assert await api.xml(content) == (
        f'<message><msg sms_id="{known + 3}" sms_count="1"/></message>'
        f'<status><msg sms_id="{known}" sms_count="1">Queued</msg></status>'
    )


async def test_refused_package_sends_nothing(api: Api) -> None:
    message = {"msg": [{"recipient": PHONE, "sms_text": "x"}]}
    assert await api.json(message=message, status={"msg": [{"sms_id": 7}]}) == {"error": -11}
    content = f'<message><msg recipient="{PHONE}">x</msg></message><status><msg sms_id="7"/></status>'
    assert await api.xml(content) == "<error>-11</error>"
    assert api.simulator.accepted == []


async def test_extra_keys_as_seen_live() -> None:
    rules = Rules(delay=0, extra_keys=True, accept_bad_numbers=True)
    async with running(rules) as api:
        rows = await api.send(*({"recipient": to, "sms_text": "x"} for to in (PHONE, "29781977", "")))
        assert rows == [
            {"sms_id": 1000001, "sms_count": 1, "error_code": 0, "operator": 2, "recipient": int(PHONE)},
            {"sms_id": 1000002, "sms_count": 0, "error_code": 0, "operator": 0, "recipient": 29781977},
            {"sms_id": 0, "sms_count": 1, "error_code": -4, "operator": 0, "recipient": 0},
        ]
        assert (await api.statuses(1000001))["status"]["msg"] == [
            {
                "sms_id": 1000001,
                "sms_count": "1",
                "sms_status": "Delivered",
                "operator": "2",
                "recipient": "+" + PHONE,
            }
        ]
        rules.accept_bad_numbers = False
        (row,) = await api.send({"recipient": "9" * 5000, "sms_text": "x"})
        assert row["error_code"] == -4


# --- traffic rules ---------------------------------------------------------------------------------


async def test_plain_is_for_single_messages() -> None:
    async with running(Rules(plain_per_minute=3)) as api:
        answers = [await api.plain() for _ in range(5)]
        assert answers == ["1000001", "1000002", "1000003", "-13", "-13"]
        assert api.simulator.violations == ["too many PLAIN messages in a minute"] * 2
        assert await api.send_one() == 1000004
        api.simulator.rules.minute = 0  # it is over
        assert await api.plain() == "1000005"
        assert len(api.simulator.violations) == 2


async def test_plain_may_be_blocked(api: Api) -> None:
    api.simulator.rules.blocked_plain = True
    assert await api.plain() == "-13"
    assert await api.form("credits") == "1000000000.0"
    sms_id = await api.send_one()
    assert await api.form("statuses", id=str(sms_id)) in ("Queued", "Sent", "Delivered")
    assert api.simulator.violations == []


async def test_bulk_comes_in_one_package() -> None:
    async with running(Rules(single_packages_per_minute=2)) as api:
        one = {"recipient": PHONE, "sms_text": "x"}
        await api.send(one)
        for _ in range(5):
            await api.send(one, one)
        await api.xml(f'<message><msg recipient="{PHONE}">x</msg></message>')
        await api.statuses(1000001)
        assert api.simulator.violations == []
        (row,) = await api.send(one)
        assert (row["error_code"], api.simulator.violations) == (
            0,
            ["too many packages of one message in a minute"],
        )
        api.simulator.rules.minute = 0  # it is over
        await api.send(one)
        assert len(api.simulator.violations) == 1


# --- faults, and by hand ---------------------------------------------------------------------------


async def test_faults_come_before_or_after_the_message_is_taken(api: Api) -> None:
    for fault, taken in ((Fault.RESET_BEFORE, 0), (Fault.RESET_AFTER, 1), (Fault.CUT_ANSWER, 2)):
        api.simulator.faults.append(fault)
        with pytest.raises(httpx2.TransportError):
            await api.send_one()
        assert len(api.simulator.accepted) == taken


async def test_run_by_hand() -> None:
    command = "-m tests.simulators.sms_assistent --port 0 --login me --password secret --delay 0"
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command.split(), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        url = line.decode().removeprefix("listening on ").strip()
        query = {"user": "me", "password": "secret"}
        async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
            answer = await client.get(f"{url}/api/v1/credits/plain", params=query)
            assert answer.text == "1000000000.0"
    finally:
        process.terminate()
        await process.wait()
