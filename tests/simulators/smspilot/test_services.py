"""The smspilot simulator itself: what is not an SMS but is sold like one."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.simulators.smspilot.asking import PHONE, Api, Receiver, running
from tests.simulators.smspilot.simulator import Rules
from tests.support.bridge.running import PATIENCE

ABROAD = "79620488646"
EXTRA = ("imsi", "msc", "mcc", "mnc", "cn", "net", "gcn", "gnet")


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running(Rules(delay=0, poll_interval=0, roaming=frozenset({ABROAD}))) as started:
        yield started


def sold(api: Api) -> list[tuple[str, str, str]]:
    """(service, from, text) of everything accepted."""
    return [(row["service"], row["from"], row["text"]) for row in api.simulator.accepted]


async def final(api: Api, ref: str) -> dict[str, Any]:
    """The row of API-2 once its status is final."""
    async with asyncio.timeout(PATIENCE):
        while True:
            (row,) = (await api.ask(check=[{"server_id": ref}]))["check"]
            if row["status"] in (2, -1, -2):
                return dict(row)
            await asyncio.sleep(0.002)


# --- checks of numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "price"), [("HLR", 0.15), ("PING", 2.85), ("HLRVIP", 0.3)])
async def test_check_of_a_number(api: Api, text: str, price: float) -> None:
    answer = await api.ask(text=text, send=[{"to": PHONE}, {"to": ABROAD}], **{"from": "Ozon"})
    first = answer["send"][0]
    assert (first["id"], first["from"], first["text"]) == (0, text, text)
    assert (first["price"], first["parts"], first["send_datetime"]) == (price, 1, "")
    assert answer["cost"] == pytest.approx(2 * price)
    assert sold(api) == [(text, text, text)] * 2


@pytest.mark.parametrize("text", ["HLR", "PING", "HLRVIP"])
async def test_check_of_a_number_through_api1(api: Api, text: str) -> None:
    answer = await api.get_json(send=text, to=f"{PHONE},{ABROAD}")
    assert answer["send"][0].keys() == {"server_id", "phone", "price", "status"}
    assert sold(api) == [(text, text, text)] * 2


@pytest.mark.parametrize("text", ["hlr", " HLR\n", "PING\0", "HlrVip"])
async def test_any_spelling_sells_the_check(api: Api, text: str) -> None:
    await api.send_one(text=text)
    assert sold(api)[0][0] == text.strip(" \n\0").upper()


@pytest.mark.parametrize("text", ["HLR?", "PING PONG", "HL R", "HLRVIPS", "2WAY", "GOLOS"])
async def test_other_texts_are_sms(api: Api, text: str) -> None:
    await api.send_one(text=text)
    assert sold(api) == [("", "INFORM", text)]


@pytest.mark.parametrize("sender", ["HLR", "ping", "HLRVIP"])
async def test_name_of_a_check_as_sender_sells_it(api: Api, sender: str) -> None:
    await api.ask(send=[{"to": PHONE, "text": "x"}], **{"from": sender})
    assert sold(api) == [(sender.upper(), sender.upper(), "x")]


@pytest.mark.parametrize("text", ["HLR", "PING", "HLRVIP"])
@pytest.mark.parametrize("outcome", [(2, 0), (-1, 601)])
async def test_outcome_of_a_check(api: Api, text: str, outcome: tuple[int, int]) -> None:
    api.simulator.rules.outcome = outcome
    row = await final(api, await api.send_one(text=text))
    assert (row["status"], row.get("error", 0)) == outcome
    assert set(EXTRA) & row.keys() == (set(EXTRA) if text == "HLRVIP" and outcome == (2, 0) else set())


async def test_what_hlrvip_finds_out(api: Api) -> None:
    home, abroad = [await final(api, await api.send_one(text="HLRVIP", to=to)) for to in (PHONE, ABROAD)]
    assert (home["imsi"], home["mcc"], home["mnc"]) == ("250209087964781", "250", "20")
    assert (home["cn"], home["net"], home["gcn"], home["gnet"]) == ("Russia", "Tele2", "", "")
    assert (abroad["cn"], abroad["gcn"], abroad["gnet"]) == ("Russia", "Belarus", "A1")
    assert home["msc"].isdigit()


async def test_what_hlrvip_finds_out_through_api1(api: Api) -> None:
    ref = await api.send_one(text="HLRVIP")
    await final(api, ref)
    (plain,) = (await api.get_json(check=ref))["check"]
    assert plain.keys() == {"server_id", "phone", "price", "status"}
    (full,) = (await api.get_json(check=ref, fields="all"))["check"]
    assert set(EXTRA) < full.keys()
    assert await api.get(check=ref, fields="mcc,mnc,net,gcn") == "250,20,Tele2,"
    assert (await api.get(check=ref, fields="all")).count(",") == 13
    sms = await api.send_one()
    assert await api.get(check=sms, fields="server_id,mcc") == f"{sms},"


async def test_callback_of_hlrvip_and_of_hlr(api: Api) -> None:
    receiver = Receiver()
    async with receiver.server:
        keys = {"callback": f"{receiver.server.url}/status", "callback_method": "post"}
        await api.send_one(text="HLRVIP", **keys)
        await receiver.wait(2)
        await api.send_one(text="HLR", **keys)
        await receiver.wait(4)
    forms = sorted(
        (call.form for call in receiver.calls), key=lambda form: (form["server_id"], form["status"])
    )
    assert [form["status"] for form in forms] == ["1", "2", "1", "2"]
    assert [set(EXTRA) & form.keys() for form in forms] == [set(), set(EXTRA), set(), set()]
    assert forms[1]["mnc"] == "20"


# --- voice, 2WAY -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sender", ["GOLOS", "GOLOSM", "golos"])
async def test_voice(api: Api, sender: str) -> None:
    text = "Ждём вас на собрании сегодня, " * 5
    answer = await api.ask(send=[{"to": PHONE, "text": text, "ttl": 60}], **{"from": sender})
    assert (answer["cost"], answer["send"][0]["from"]) == (0.5, sender)
    await api.get(send=text, to=PHONE, **{"from": sender})
    assert sold(api) == [("GOLOS", sender, text)] * 2


async def test_survey_needs_a_template(api: Api) -> None:
    packet = {"apikey": "KEY", "from": "2WAY", "send": [{"to": PHONE, "text": "x"}]}
    refusal = await api.raw(json.dumps(packet).encode())
    assert '"code": 227' in refusal
    assert f'"phone": "{PHONE}"' in refusal
    assert "опросы\\голосования" in refusal
    assert await api.get(send="x", to=PHONE, **{"from": "2WAY"}) == "ERROR=227: SPAM PROTECTION (SURVEY)"
    assert sold(api) == []
    api.simulator.rules.survey_template = True
    answer = await api.ask(send=[{"to": PHONE, "text": "я" * 71}], **{"from": "2WAY"})
    assert answer["cost"] == 6.26
    assert sold(api) == [("2WAY", "2WAY", "я" * 71)]


# --- FlashCall -------------------------------------------------------------------------------------


async def test_flashcall(api: Api) -> None:
    answer = await api.get_json(send="1234", to=PHONE, **{"from": "FLASHCALL"})
    assert answer["send"][0]["price"] == "0.80"
    assert sold(api) == [("FLASHCALL", "FLASHCALL", "1234")]
    assert (await final(api, answer["send"][0]["server_id"]))["status"] == 2


@pytest.mark.parametrize(
    ("text", "to", "code"),
    [
        ("123", PHONE, 220),
        ("12345", PHONE, 220),
        ("12a4", PHONE, 220),
        ("١٢٣٤", PHONE, 220),
        ("", PHONE, 220),
        ("1234", f"{PHONE},{ABROAD}", 111),
        ("1234", "12", 215),
    ],
)
async def test_flashcall_refused(api: Api, text: str, to: str, code: int) -> None:
    assert await api.get_code(send=text, to=to, **{"from": "FLASHCALL"}) == code
    assert sold(api) == []


async def test_flashcall_is_no_matter_of_api2(api: Api) -> None:
    assert await api.code(send=[{"to": PHONE, "text": "1234"}], **{"from": "FLASHCALL"}) == 204
    assert sold(api) == []
