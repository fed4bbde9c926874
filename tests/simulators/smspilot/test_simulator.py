"""The smspilot simulator itself: as strict as the manual, and answering in its shapes."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx2
import pytest

from tests.simulators.smspilot.asking import PHONE, Api, rows, running
from tests.simulators.smspilot.errors import TEXTS
from tests.support.bridge.running import PATIENCE


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running() as started:
        yield started


# --- requests --------------------------------------------------------------------------------------


async def test_requests_that_make_no_sense(api: Api) -> None:
    assert '"code": 10' in await api.raw(b"")
    assert '"code": 13' in await api.raw(b"{'a'}")
    assert '"code": 13' in await api.raw(b"[]")
    assert await api.code(apikey="") == 100
    assert await api.code(apikey="not a key!") == 101
    assert await api.code(apikey="OTHER") == 102
    assert await api.code() == 14
    assert await api.code(balance="usd") == 14
    assert api.simulator.accepted == []


async def test_json_as_a_parameter_of_get_and_post(api: Api) -> None:
    question = json.dumps({"apikey": "KEY", "balance": "rur"})
    url = f"{api.simulator.url}/api2.php"
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        for answer in (
            await client.get(url, params={"json": question}),
            await client.post(url, data={"json": question}),
        ):
            assert answer.json() == {"balance": 1e9}


async def test_login_and_password_instead_of_a_key(api: Api) -> None:
    async def ask(**keys: str) -> str:
        return await api.raw(json.dumps({"balance": "rur", **keys}).encode())

    rules = api.simulator.rules
    assert json.loads(await ask(login=rules.login, password=rules.password)) == {"balance": 1e9}
    assert '"code": 400' in await ask(login="other@example.com", password=rules.password)
    assert '"code": 401' in await ask(login=rules.login, password="wrong")
    assert '"code": 401' in await ask(login="", password="")


async def test_balance_in_messages_and_info(api: Api) -> None:
    api.simulator.rules.balance = 20
    assert await api.ask(balance="sms") == {"balance": 15}
    info = (await api.ask(info=True))["info"]
    assert list(info) == [
        *("id", "tariff_id", "email", "name", "phone", "balance", "created"),
        *("default_sender", "any_text", "senders"),
    ]
    assert (info["balance"], info["senders"]) == ("20.00", "2WAY,GOLOS,HLR,HLRVIP,INFORM,PING")
    assert await api.code(info=False) == 14


async def test_any_error_can_be_played(api: Api) -> None:
    for code in set(TEXTS) - {106, 227}:  # whose words no JSON parser reads
        api.simulator.rules.blocked = code
        envelope = (await api.ask(send=rows(1, 0)))["error"]
        words = (envelope["description"], envelope["description_ru"])
        assert (envelope["code"], words) == (code, TEXTS[code])
        assert await api.get() == f"ERROR={code}: {TEXTS[code][0].upper()}"


HOSTILE = (
    b"\xff\xfe{}",
    b"[" * 100_000,
    b"1" * 5000,
    b'{"apikey": ["KEY"]}',
    b'{"apikey": "KEY", "balance": ["rur"]}',
    b'{"apikey": "KEY", "check": [{"server_id": null}, 5]}',
    b'{"apikey": "KEY", "check": {"server_id": {}}}',
    b'{"apikey": "KEY", "send": [{"to": {"a": 1}, "text": ["x"], "id": 1e400, "callback": 5}]}',
    b'{"apikey": "KEY", "send": [{"to": "79087964781", "text": "\\ud800"}]}',
    b'{"apikey": "KEY", "send": [{"to": "79087964781", "text": "x", "callback": ["http://a"]}]}',
    b'{"apikey": "KEY", "send": [{"to": "79087964781", "text": "x", "callback_method": {}}]}',
    b'{"apikey": "KEY", "from": {"a": 1}, "send": [{"to": "79087964781", "text": "x"}], "test": []}',
)


@pytest.mark.parametrize("body", HOSTILE)
async def test_hostile_requests_are_refused(api: Api, body: bytes) -> None:
    assert (await api.raw(body)).startswith('{"error": {"code": ')
    assert api.simulator.accepted == []


async def test_blocked_account_answers_with_the_broken_escape(api: Api) -> None:
    api.simulator.rules.blocked = 106
    text = await api.raw(b'{"apikey": "KEY", "balance": "rur"}')
    assert "спам\\ошибки" in text
    with pytest.raises(ValueError):
        json.loads(text)


# --- sending ---------------------------------------------------------------------------------------


async def test_answer_has_the_shape_of_the_manual(api: Api) -> None:
    answer = await api.ask(
        **{"from": "Ozon", "send": [{"id": 7, "to": PHONE, "text": "проверка", "ttl": 20}]}
    )
    (item,) = answer.pop("send")
    assert answer == {"server_packet_id": "10001", "balance": 1e9 - 1.29, "cost": 1.29}
    assert item == {
        "id": "7",
        "server_id": "10002",
        "from": "Ozon",
        "to": PHONE,
        "text": "проверка",
        "parts": 1,
        "price": 1.29,
        "status": 0,
        "error": 0,
        "send_datetime": "0000-00-00 00:00:00",
        "country": "RU",
        "operator": "TELE2",
        "ttl": 20,
    }
    (accepted,) = api.simulator.accepted
    assert accepted == {
        "id": 7,
        "to": PHONE,
        "text": "проверка",
        "from": "Ozon",
        "server_id": "10002",
        "packet": "10001",
        "ttl": 20,
        "service": "",
    }


async def test_packet_parameters_serve_every_message(api: Api) -> None:
    await api.ask(text="HLR", ttl=5, send=[{"to": PHONE}, {"to": "79620488646", "text": "own"}])
    assert [(row["text"], row["from"], row["ttl"]) for row in api.simulator.accepted] == [
        ("HLR", "HLR", 5),
        ("own", "INFORM", 5),
    ]


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"to": ""}, 108),
        ({"to": None}, 108),
        ({"to": "+79087964781"}, 111),
        ({"to": 79087964781}, 111),
        ({"to": "7962048864"}, 215),
        ({"to": "7" * 16}, 215),
        ({"text": ""}, 220),
        ({"text": "я" * 671}, 221),
        ({"to": "79000000000"}, 212),
        ({"id": "seven"}, 230),
        ({"id": -1}, 230),
        ({"ttl": 0}, 270),
        ({"ttl": 1441}, 270),
        ({"ttl": "soon"}, 270),
        ({"callback": "example.com"}, 260),
        ({"callback": "https://a.example", "callback_method": "put"}, 260),
        ({"send_datetime": "2020-01-01 00:00:00"}, 250),
        ({"send_datetime": "tomorrow"}, 250),
    ],
)
async def test_bad_message(api: Api, keys: Mapping[str, object], code: int) -> None:
    api.simulator.rules.black_list = frozenset({"79000000000"})
    assert await api.code(send=[{"to": PHONE, "text": "x", **keys}]) == code
    assert api.simulator.accepted == []


@pytest.mark.parametrize("send", [[], {}, "x", ["x"], None])
async def test_bad_list(api: Api, send: object) -> None:
    assert await api.code(send=send) == 240


@pytest.mark.parametrize(
    ("sender", "code"), [("ab", 201), ("Такси", 201), ("a b c", 201), (5, 201), ("Other", 204), ("", 200)]
)
async def test_bad_sender(api: Api, sender: object, code: int) -> None:
    api.simulator.rules.senders = frozenset({"Ozon"})
    api.simulator.rules.default_sender = ""
    assert await api.code(**{"from": sender, "send": [{"to": PHONE, "text": "x"}]}) == code


async def test_more_good_than_bad_sends_the_good(api: Api) -> None:
    answer = await api.ask(send=rows(3, 2))
    assert [item["status"] for item in answer["send"]] == [0, 0, 0, -2, -2]
    bad = answer["send"][3]
    assert (bad["server_id"], bad["price"], bad["error"], bad["error_en"]) == (
        "0",
        0,
        215,
        "Invalid phone length",
    )
    assert answer["cost"] == pytest.approx(3 * 1.29)
    assert len(api.simulator.accepted) == 3


@pytest.mark.parametrize(("good", "bad"), [(2, 2), (2, 3), (0, 1)])
async def test_otherwise_nothing_is_sent(api: Api, good: int, bad: int) -> None:
    answer = await api.ask(send=rows(good, bad))
    assert (answer["error"]["code"], answer["error"]["phone"]) == (215, "12")
    assert api.simulator.accepted == []


async def test_the_same_number_twice(api: Api) -> None:
    answer = await api.ask(send=[*rows(2, 0), rows(1, 0)[0]])
    assert [item["error"] for item in answer["send"]] == [0, 0, 214]


async def test_money_cost_and_test_mode(api: Api) -> None:
    api.simulator.rules.balance = 5
    assert await api.ask(cost=1, send=rows(2, 0)) == {"cost": "2.58"}
    assert (await api.ask(test=1, send=rows(2, 0)))["balance"] == 5
    assert api.simulator.accepted == []
    assert (await api.ask(send=rows(3, 0)))["balance"] == 1.13
    assert await api.code(send=rows(1, 0)) == 241
    assert await api.ask(balance="rur") == {"balance": 1.13}


@pytest.mark.parametrize("code", [213, 223, 224, 225, 243, 247, 248])
async def test_one_phone_gets_any_error(api: Api, code: int) -> None:
    bad = rows(3, 0)[1]["to"]
    api.simulator.rules.errors = {bad: code}
    answer = await api.ask(send=rows(3, 0))
    assert [item["error"] for item in answer["send"]] == [0, code, 0]
    assert answer["send"][1]["error_en"] == TEXTS[code][0]
    assert bad not in {row["to"] for row in api.simulator.accepted}


async def test_only_what_the_manual_names_is_taken_from_the_packet(api: Api) -> None:
    await api.ask(id=9, translit=1, text="all", send=[{"to": PHONE, "from": "Ozon"}])
    (row,) = api.simulator.accepted
    assert (row["id"], row["text"], row["from"]) == (0, "all", "INFORM")
    assert await api.code(to=PHONE, text="all", send=[{}]) == 108


async def test_loop_protection(api: Api) -> None:
    api.simulator.rules.loop_protection = 60
    await api.send_one()
    assert await api.code(send=[{"to": PHONE, "text": "x"}]) == 243
    await api.send_one(text="other")


async def test_journal_holds_what_was_accepted(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    for _ in range(2):
        async with running(journal=journal) as api:
            await api.ask(send=rows(2, 1))
            lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
            assert lines[-2:] == api.simulator.accepted
    assert len(lines) == 4
