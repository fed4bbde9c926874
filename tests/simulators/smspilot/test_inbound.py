"""The smspilot simulator itself: messages from phones, and all that a callback can carry."""

import asyncio
import re
import time
import xml.etree.ElementTree as ET
from base64 import b64encode
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.simulators.smspilot.asking import PHONE, Api, Receiver, running
from tests.simulators.smspilot.simulator import Rules
from tests.support.bridge.running import PATIENCE

OTHER = "79131437355"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running() as started:
        yield started


# --- inbound: asked for ----------------------------------------------------------------------------


def texts(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [row["text"] for row in answer["inbound"]]


async def test_row(api: Api) -> None:
    ref = api.simulator.receive(PHONE, "Ура, работает!", "79533984570")
    (row,) = (await api.ask(inbound=True))["inbound"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row.pop("created"))
    assert row == {"id": ref, "phone": PHONE, "num": "79533984570", "text": "Ура, работает!", "seen": "0"}
    assert (await api.get_json(inbound="all"))["inbound"][0].items() > row.items()


async def test_formats_of_api1(api: Api) -> None:
    api.simulator.receive(PHONE, "a, b")
    api.simulator.receive(OTHER, "<c>")
    answer = ET.fromstring(await api.get(inbound="all", format="xml"))
    assert [(sms.tag, sms.get("phone"), sms.text) for sms in answer] == [
        ("sms", OTHER, "<c>"),
        ("sms", PHONE, "a, b"),
    ]
    for style in ("text", "v"):
        first, second = (await api.get(inbound="all", format=style)).splitlines()
        assert first.startswith(f"50002,{OTHER},79099999999,<c>,20")
        assert second.startswith(f"50001,{PHONE},79099999999,a, b,20")
        assert second.endswith(",0")


async def test_new_is_told_once(api: Api) -> None:
    api.simulator.receive(PHONE, "one")
    assert texts(await api.ask(inbound=True, since="new")) == ["one"]
    api.simulator.receive(PHONE, "two")
    assert texts(await api.get_json(inbound="new")) == ["two"]
    assert texts(await api.get_json(inbound="new")) == []
    rows = (await api.ask(inbound=True))["inbound"]
    assert [(row["text"], row["seen"]) for row in rows] == [("two", "1"), ("one", "1")]


async def test_asking_for_all_leaves_messages_new(api: Api) -> None:
    api.simulator.receive(PHONE, "one")
    await api.ask(inbound=True)
    await api.get(inbound="all")
    assert texts(await api.get_json(inbound="new")) == ["one"]


@pytest.mark.parametrize("stamp", [False, True])
async def test_since_a_moment(api: Api, stamp: bool) -> None:
    now = int(time.time())
    for age in (30, 20, 10):
        api.simulator.receive(PHONE, str(age), at=now - age + 0.5)
    moment = str(now - 20) if stamp else time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now - 20))
    assert texts(await api.get_json(inbound=moment)) == ["10", "20"]
    assert texts(await api.ask(inbound=True, since=moment)) == ["10", "20"]
    assert texts(await api.ask(inbound=True, since=now - 9)) == []


@pytest.mark.parametrize("since", ["", "yesterday", "2021-10-14", "all", True, ["new"], "9" * 5000])
async def test_wrong_since(api: Api, since: object) -> None:
    assert await api.code(inbound=True, since=since) == 500
    if isinstance(since, str) and since != "all":
        assert await api.get_code(inbound=since) == 500


async def test_inbound_is_no_flood() -> None:
    async with running(Rules(poll_interval=60)) as api:
        for _ in range(5):
            assert texts(await api.get_json(inbound="new")) == []
        assert api.simulator.violations == []


async def test_sloppy_times_lack_their_seconds(api: Api) -> None:
    api.simulator.rules.sloppy = True
    api.simulator.receive(PHONE, "x")
    (row,) = (await api.ask(inbound=True))["inbound"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", row["created"])


# --- inbound: pushed -------------------------------------------------------------------------------


async def test_push(api: Api) -> None:
    receiver = Receiver()
    async with receiver.server:
        api.simulator.rules.inbound_url = f"{receiver.server.url}/status?token=1"
        ref = api.simulator.receive(PHONE, "restart & go, сервер")
        await receiver.wait(1)
    (call,) = receiver.calls
    assert (call.method, call.query) == ("POST", {"token": "1"})
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"
    assert call.form == {
        "phone": PHONE,
        "message": "restart & go, сервер",
        "user_id": "5671",
        "id": ref,
        "num": "79099999999",
    }
    assert texts(await api.get_json(inbound="new")) == ["restart & go, сервер"]


async def test_push_is_tried_once(api: Api) -> None:
    receiver = Receiver(failures=1)
    async with receiver.server:
        api.simulator.rules.inbound_url = f"{receiver.server.url}/status"
        api.simulator.receive(PHONE, "x")
        async with asyncio.timeout(PATIENCE):
            while not api.simulator.callbacks.given_up:
                await asyncio.sleep(0.005)
        await asyncio.sleep(2 * api.simulator.rules.retry_pause)
    assert len(receiver.calls) == 1


async def test_receive_by_hand(api: Api) -> None:
    url = f"{api.simulator.url}/receive"
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        answer = await client.get(url, params={"phone": PHONE, "text": "да", "num": "79533984570"})
        assert (await client.get(url, params={"phone": PHONE})).status_code == 400
    (row,) = (await api.ask(inbound=True))["inbound"]
    assert (row["id"], row["text"], row["num"]) == (answer.text, "да", "79533984570")


# --- callbacks -------------------------------------------------------------------------------------

PLAIN = {"server_id", "phone", "status", "error"}


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("fields", "more"),
    [
        ("message,modified", {"message", "modified"}),
        ("sender_orig,sender,colour", {"sender_orig", "sender"}),
        ("all", {"message", "sender", "sender_orig", "created", "modified", "country", "operator"}),
        ("", set()),
    ],
)
async def test_fields_of_a_callback(api: Api, method: str, fields: str, more: set[str]) -> None:
    receiver = Receiver()
    api.simulator.rules.replaced = {"Ozon": "INFORM"}
    async with receiver.server:
        url = f"{receiver.server.url}/status?fields={fields}&token=t%26u"
        send = [{"to": PHONE, "text": "да & нет", "callback": url, "callback_method": method}]
        await api.ask(send=send, **{"from": "Ozon"})
        await receiver.wait(2)
    call = receiver.calls[1]
    told = {**call.query, **call.form}
    assert (told.pop("fields", ""), told.pop("token")) == (fields, "t&u")
    assert told.keys() == PLAIN | more
    known = {"message": "да & нет", "sender": "INFORM", "sender_orig": "Ozon", "country": "RU"}
    assert all(told[name] == known[name] for name in told.keys() & known.keys())
    assert bool(call.form) == (method == "post")


@pytest.mark.parametrize("method", ["get", "post"])
async def test_password_of_a_callback_becomes_http_basic(api: Api, method: str) -> None:
    receiver = Receiver()
    async with receiver.server:
        url = receiver.server.url.replace("//", "//user:p%40ss@") + "/status?token=1"
        await api.get(send="x", to=PHONE, callback=url, callback_method=method)
        await receiver.wait(2)
    for call in receiver.calls:
        assert call.headers["authorization"] == "Basic " + b64encode(b"user:p@ss").decode()
        assert call.query["token"] == "1"
        assert not any("p@ss" in value for value in {**call.query, **call.form}.values())


async def test_without_a_password_nothing_is_authorized(api: Api) -> None:
    receiver = Receiver()
    async with receiver.server:
        await api.send_one(callback=f"{receiver.server.url}/status")
        await receiver.wait(1)
    assert "authorization" not in receiver.calls[0].headers


async def test_callback_of_the_account_settings(api: Api) -> None:
    of_account, of_message = Receiver(), Receiver()
    async with of_account.server, of_message.server:
        api.simulator.rules.callback = f"{of_account.server.url}/status"
        api.simulator.rules.callback_method = "post"
        ref = await api.send_one()
        await api.send_one(callback=f"{of_message.server.url}/status", callback_method="get")
        await of_account.wait(2)
        await of_message.wait(2)
    assert {(call.method, call.form["server_id"]) for call in of_account.calls} == {("POST", ref)}
    assert {call.method for call in of_message.calls} == {"GET"}
