"""The smspilot simulator itself: API-1, requests and the four formats of an answer to `send`."""

import json
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from urllib.parse import quote_from_bytes

import httpx2
import pytest

from tests.simulators.smspilot.asking import PHONE, Api, running
from tests.support.bridge.running import PATIENCE

OTHER, BAD = "79161231212", "79999999999"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running() as started:
        started.simulator.rules.errors = {BAD: 212}
        started.simulator.rules.balance = 1000
        yield started


# --- the formats -----------------------------------------------------------------------------------


async def test_json(api: Api) -> None:
    assert await api.get_json(send="Hello", to=PHONE, **{"from": "Ozon"}) == {
        "send": [{"server_id": "10001", "phone": PHONE, "price": "1.29", "status": "0"}],
        "balance": "998.71",
        "cost": "1.29",
        "server_packet_id": "10001",
    }
    (row,) = api.simulator.accepted
    assert (row["to"], row["text"], row["from"], row["service"]) == (PHONE, "Hello", "Ozon", "")


async def test_json_with_a_refused_message(api: Api) -> None:
    answer = await api.get_json(send="Hello", to=f"{PHONE},{OTHER},{BAD}")
    assert [row["server_id"] for row in answer["send"]] == ["10001", "10002", "10003"]
    assert answer["server_packet_id"] == "10001"
    bad = answer["send"][2]
    assert bad.pop("error_ru")
    assert bad == {
        "server_id": "10003",
        "phone": BAD,
        "price": "0.00",
        "status": "-2",
        "error": "212",
        "error_en": "Phone in black list",
    }
    assert len(api.simulator.accepted) == 2


async def test_xml(api: Api) -> None:
    text = await api.get(send="Hello", to=f"{PHONE},{OTHER},{BAD}", format="xml")
    assert text.startswith('<?xml version="1.0" encoding="utf-8"?>\n')
    answer = ET.fromstring(text)
    assert (answer.tag, answer.attrib) == (
        "send",
        {"balance": "997.42", "cost": "2.58", "server_packet_id": "10001"},
    )
    assert answer[0].attrib == {"server_id": "10001", "phone": PHONE, "price": "1.29", "status": "0"}
    assert (answer[2].get("price"), answer[2].get("error")) == ("0.00", "212")
    assert answer[2].get("error_en") == "Phone in black list"


@pytest.mark.parametrize("keys", [{}, {"format": "text"}])
async def test_text(api: Api, keys: dict[str, str]) -> None:
    assert await api.get(send="Hello", to=f"{PHONE},{OTHER},{BAD}", **keys) == (
        f"SUCCESS=SMS SENT 2.58/997.42\n10001,{PHONE},1.29,0\n10002,{OTHER},1.29,0\n10003,{BAD},0.00,-2"
    )


async def test_v(api: Api) -> None:
    assert await api.get(send="Hello", to=f"{PHONE},{OTHER}", format="v") == "10001"


async def test_errors_in_each_format(api: Api) -> None:
    envelope = json.loads(await api.get(send="x", to=BAD, format="json"))["error"]
    assert (envelope["code"], envelope["phone"], envelope["ip"]) == (212, BAD, "127.0.0.1")
    error = ET.fromstring(await api.get(send="x", to=BAD, format="xml"))
    assert (error.tag, error.findtext("code"), error.findtext("phone")) == ("error", "212", BAD)
    assert await api.get(send="x", to=BAD) == "ERROR=212: PHONE IN BLACK LIST"
    assert await api.get(send="x", to=BAD, format="v") == "Phone in black list"
    assert await api.get(send="x", to=BAD, lang="ru") == "ERROR=212: НОМЕР В ЧЁРНОМ СПИСКЕ"
    assert await api.get(send="x", to=BAD, format="v", lang="ru") == "Номер в чёрном списке"


async def test_sloppy_json_has_the_mistakes_of_the_manual(api: Api) -> None:
    api.simulator.rules.sloppy = True
    assert '"},]' in await api.get(send="x", to=PHONE, format="json")
    assert '"code": "212"' in await api.get(send="x", to=BAD, format="json")


async def test_fields(api: Api) -> None:
    api.simulator.rules.replaced = {"Ozon": "INFORM"}
    answer = await api.get_json(send="a,b", to=PHONE, fields="all", **{"from": "Ozon"})
    (row,) = answer["send"]
    assert {row.pop("created"), row.pop("modified")}
    assert row == {
        "server_id": "10001",
        "phone": PHONE,
        "price": "1.29",
        "status": "0",
        "sender": "INFORM",
        "sender_orig": "Ozon",
        "parts": "1",
        "country": "RU",
        "operator": "TELE2",
        "error": "0",
        "error_en": "",
        "error_ru": "",
    }
    lines = await api.get(send="a,b", to=OTHER, fields="status,message,send_datetime")
    assert lines.splitlines()[1] == "0,a,b,0000-00-00 00:00:00"
    assert await api.get_code(send="x", to=PHONE, fields="server_id,colour") == 275


async def test_cost(api: Api) -> None:
    order = {"send": "Hello", "to": f"{PHONE},{OTHER}", "cost": "1"}
    assert await api.get(**order, format="json") == '{"cost": "2.58"}'
    assert await api.get(**order, format="xml") == "<cost>2.58</cost>"
    assert await api.get(**order) == await api.get(**order, format="v") == "2.58"
    assert api.simulator.accepted == []


# --- what is sent, what is refused -----------------------------------------------------------------


@pytest.mark.parametrize("to", [f"{PHONE},{BAD}", f"{BAD},12,{PHONE}"])
async def test_unless_most_are_good_nothing_is_sent(api: Api, to: str) -> None:
    assert await api.get_code(send="x", to=to) == 212
    assert (api.simulator.accepted, api.simulator.rules.balance) == ([], 1000)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"to": ""}, 108),
        ({"to": f"+{PHONE}"}, 111),
        ({"to": f"{PHONE}, {OTHER}"}, 111),
        ({"to": PHONE[:-1]}, 215),
        ({"to": f"{PHONE},{PHONE}"}, 214),
        ({"send": ""}, 220),
        ({"send": "я" * 671}, 221),
        ({"from": "Такси"}, 115),
        ({"from": "Other"}, 116),
        ({"ttl": "1441"}, 270),
        ({"ttl": ""}, 270),
        ({"callback": "example.com"}, 260),
        ({"callback_method": "put"}, 260),
        ({"send_datetime": "2021-12-31 10:10:00"}, 250),
        ({"send_datetime": "1428397800"}, 250),
        ({"send_datetime": "soon"}, 250),
        ({"apikey": ""}, 100),
        ({"apikey": "a key"}, 101),
        ({"apikey": "OTHER"}, 102),
    ],
)
async def test_refused(api: Api, query: dict[str, str], code: int) -> None:
    api.simulator.rules.senders = frozenset({"Ozon"})
    assert await api.get_code(**{"send": "x", "to": PHONE, "from": "Ozon", **query}) == code
    assert api.simulator.accepted == []


async def test_money(api: Api) -> None:
    api.simulator.rules.balance = 2
    assert await api.get_code(send="x", to=f"{PHONE},{OTHER}") == 241
    assert (await api.get_json(send="x", to=PHONE))["balance"] == "0.71"


async def test_unknown_commands_and_formats(api: Api) -> None:
    assert await api.get_code(sent="x", to=PHONE) == 14
    assert await api.get_code(balance="usd") == 14
    assert (await api.get(format="yaml", balance="rur")).startswith("ERROR=11:")
    assert (await api.get(charset="rot13", balance="rur")).startswith("ERROR=11:")
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        assert (await client.get(f"{api.simulator.url}/api.php")).text.startswith("ERROR=10:")
        for rest in ("send=%ff", "&".join(f"a{n}=" for n in range(60)), "charset=utf-16le&send=%00"):
            answer = await client.get(f"{api.simulator.url}/api.php?apikey=KEY&{rest}")
            assert answer.text.startswith("ERROR=11:")
        assert (await client.post(f"{api.simulator.url}/api.php", content=b"\xff")).text.startswith(
            "ERROR=11:"
        )


async def test_post_of_a_long_list(api: Api) -> None:
    to = ",".join(f"79{n:09d}" for n in range(2000))
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        url = f"{api.simulator.url}/api.php?format=json"
        form = {"apikey": "KEY", "send": "да", "to": to, "format": "v"}
        answer = await client.post(url, data=form)
    assert answer.text == "You don't have enough money"
    api.simulator.rules.balance = 1e6
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        assert (await client.post(url, data=form)).text == "10001"
    assert ",".join(row["to"] for row in api.simulator.accepted) == to


@pytest.mark.parametrize("charset", ["windows-1251", "UTF-16LE"])
async def test_charset_of_request_and_answer(api: Api, charset: str) -> None:
    octets = quote_from_bytes("Привет".encode(charset))
    url = f"{api.simulator.url}/api.php?apikey=KEY&to={PHONE}&charset={charset}&send={octets}"
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        answer = await client.get(f"{url}&fields=message,server_id")
    assert api.simulator.accepted[0]["text"] == "Привет"
    assert answer.content.decode(charset) == "SUCCESS=SMS SENT 1.29/998.71\nПривет,10001"
    assert answer.headers["content-type"] == f"text/plain; charset={charset.lower()}"


# --- the account -----------------------------------------------------------------------------------


async def test_login_and_password(api: Api) -> None:
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:

        async def ask(**query: str) -> str:
            query |= {"balance": "rur", "format": "json"}
            return (await client.get(f"{api.simulator.url}/api.php", params=query)).text

        rules = api.simulator.rules
        assert await ask(login=rules.login, password=rules.password) == '{"balance": "1000.00"}'
        assert '"code": 400' in await ask(login="other@example.com", password=rules.password)
        assert '"code": 401' in await ask(login=rules.login, password="wrong")
        assert '"code": 401' in await ask(login=rules.login)
        assert '"code": 401' in await ask(login="", password="")


async def test_balance(api: Api) -> None:
    for unit in ("rur", "rus"):
        assert await api.get(balance=unit, format="json") == '{"balance": "1000.00"}'
    assert await api.get(balance="rur", format="xml") == "<balance>1000.00</balance>"
    assert await api.get(balance="rur") == await api.get(balance="rur", format="v") == "1000.00"
    assert await api.get(balance="sms") == "775"


async def test_info(api: Api) -> None:
    facts = await api.get_json()
    assert list(facts) == [
        *("id", "tariff_id", "email", "name", "phone", "balance", "date", "default_sender", "senders")
    ]
    assert (facts["id"], facts["balance"], facts["default_sender"]) == ("5671", "1000.00", "INFORM")
    info = ET.fromstring(await api.get(format="xml"))
    assert {child.tag: child.text for child in info} == facts
    lines = (await api.get()).splitlines()
    assert lines[0] == "SUCCESS=APIKEY INFO"
    assert dict(line.split("=", 1) for line in lines[1:]) == {**facts, "any_sender": "0"}


async def test_blocked_user_is_told_why(api: Api) -> None:
    api.simulator.rules.blocked = 106
    text = await api.get(format="json")
    assert "спам\\ошибки" in text
    assert '"status": -5' in text
    assert await api.get() == "ERROR=106: USER IS BLOCKED"
    assert await api.get(format="v") == "User is blocked"
