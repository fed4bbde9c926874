"""The smsc.ru simulator itself: status.php, balance.php and get.php."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from tests.simulators.smsc_ru.asking import OTHER, PHONE, RIGHTS, Api, running
from tests.simulators.smsc_ru.parameters import MOSCOW

HLR = {
    "imsi": "250010123456789",
    "msc": "79168960000",
    "mcc": "250",
    "mnc": "1",
    "cn": "Россия",
    "net": "МТС",
    "rcn": "",
    "rnet": "",
}
MOMENT = re.compile(r"\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d")


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running(mass_window=0) as started:
        yield started


@pytest.fixture
async def still() -> AsyncIterator[Api]:
    """Where no status changes by itself."""
    async with running(mass_window=0, delay=3600) as started:
        yield started


# --- the life of a message -------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [(1, 0), (20, 6), (3, 0), (25, 248)])
async def test_status_goes_on_to_its_outcome(outcome: tuple[int, int]) -> None:
    async with running(delay=3600, outcomes={PHONE: outcome}) as api:
        await api.accepted(id="5")
        for expected in [(-1, 0), (0, 0), outcome, outcome]:
            row = await api.status("5")
            assert (row["status"], row["err"]) == expected
            api.simulator.move_on()


async def test_delay_may_change_while_it_runs(api: Api) -> None:
    api.simulator.rules.delay = 3600
    await api.accepted(id="5")
    await asyncio.sleep(0.05)
    assert (await api.status("5"))["status"] == -1


# --- status.php ------------------------------------------------------------------------------------


async def test_status_of_one_message_in_every_format(api: Api) -> None:
    api.simulator.rules.outcome = (20, 6)
    began = int(time.time())
    await api.accepted(id="5")
    await api.reaches("5", 20)
    row = await api.status("5")
    moment, seconds = row["last_date"], row["last_timestamp"]
    assert row == {"status": 20, "last_date": moment, "last_timestamp": seconds, "err": 6}
    assert datetime.strptime(f"{moment} +0300", "%d.%m.%Y %H:%M:%S %z").timestamp() == seconds
    assert began <= seconds <= time.time()
    keys = {"id": "5", "phone": PHONE}
    assert await api.ask("status", **keys) == f"Status = 20, check_time = {moment}, err = 6"
    assert await api.ask("status", fmt="1", **keys) == f"20,{seconds},6"
    assert await api.ask("status", fmt="2", **keys) == (
        f"<status>\n<status>20</status>\n<last_date>{moment}</last_date>\n"
        f"<last_timestamp>{seconds}</last_timestamp>\n<err>6</err>\n</status>"
    )


async def test_a_message_is_known_by_id_and_phone(still: Api) -> None:
    await still.accepted(id="5")
    assert (await still.status("5", f"+{PHONE}"))["status"] == -1
    for ident, phone in (("6", PHONE), ("5", OTHER)):
        answer = await still.status(ident, phone)
        assert answer == {"error": "message not found", "error_code": 3}
        assert await still.ask("status", id=ident, phone=phone, fmt="1") == "0,-3"


async def test_the_last_message_of_an_id_counts(api: Api) -> None:
    await api.accepted("a", id="5")
    await api.reaches("5", 1)
    await api.accepted("b", id="5")
    assert (await api.status("5", all="1"))["message"] == "b"


async def test_lists_come_in_order_and_name_the_unknown(still: Api) -> None:
    await still.accepted("a", id="5")
    await still.accepted("b", OTHER, id="x-6")
    rows = await still.status("x-6,5,7", f"{OTHER},{PHONE},{PHONE}")
    assert [(row["id"], row["phone"], row["status"]) for row in rows] == [
        ("x-6", OTHER, -1),
        (5, PHONE, -1),
        (7, PHONE, -3),
    ]
    assert rows[2].keys() == rows[0].keys()
    text = await still.ask("status", id="5,7", phone=f"{PHONE},{PHONE}", fmt="1")
    assert [line.split(",")[0::3] for line in text.splitlines()] == [["-1", "5"], ["-3", "7"]]
    assert [line.split(",")[-1] for line in text.splitlines()] == [PHONE, PHONE]
    text = await still.ask("status", id="5,7", phone=f"{PHONE},{PHONE}", fmt="2")
    assert text.startswith("<status_list>\n<status>\n<status>-1</status>")
    assert text.count(f"<phone>{PHONE}</phone>") == 2


@pytest.mark.parametrize(("ident", "phone"), [("5,", PHONE), ("5", f"{PHONE},"), ("5,", f"{PHONE},")])
async def test_a_trailing_comma_makes_a_list(still: Api, ident: str, phone: str) -> None:
    await still.accepted(id="5")
    rows = await still.status(ident, phone)
    assert [(row["id"], row["phone"], row["status"]) for row in rows] == [(5, PHONE, -1)]


@pytest.mark.parametrize(
    ("ident", "phone", "wide"),
    [
        ("", PHONE, "0"),
        ("5", "", "0"),
        (",", ",", "0"),
        ("5,6", PHONE, "0"),
        ("5", f"{PHONE},{OTHER}", "0"),
        ("5", PHONE, "3"),
    ],
)
async def test_bad_question(api: Api, ident: str, phone: str, wide: str) -> None:
    await api.accepted(id="5")
    assert (await api.status(ident, phone, all=wide))["error_code"] == 1


async def test_all_adds_columns(still: Api) -> None:
    await still.accepted("Привет, мир", id="5", sender="Ozon")
    narrow = {"status", "last_date", "last_timestamp", "err"}
    wide = narrow | {"send_date", "send_timestamp", "phone", "cost", "sender_id", "status_name", "message"}
    row = await still.status("5", all="1")
    assert row.keys() == wide | {"type", "flag"}
    assert (row["phone"], row["cost"], row["sender_id"]) == (PHONE, "1.40", "Ozon")
    assert (row["message"], row["status_name"], row["type"]) == ("Привет, мир", "Ожидает отправки", 0)
    widest = await still.status("5", all="2")
    assert widest.keys() == row.keys() | {"country", "operator", "region", "mccmnc"}


@pytest.mark.parametrize(("wide", "columns"), [("1", 9), ("2", 12)])
async def test_text_with_commas_is_the_last_column(api: Api, wide: str, columns: int) -> None:
    await api.accepted("Привет, мир", id="5")
    line = await api.ask("status", id="5", phone=PHONE, fmt="1", all=wide, charset="utf-8")
    assert line.split(",", columns - 1)[-1] == "Привет, мир"


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("", "cp1251"),
        ("windows-1251", "cp1251"),
        ("koi8-r", "koi8-r"),
        ("utf-8", "utf-8"),
        ("utf8", "cp1251"),
    ],
)
async def test_charset_of_the_answer(api: Api, charset: str, codec: str) -> None:
    await api.accepted("Привет", id="5")
    question = {**RIGHTS, "id": "5", "phone": PHONE, "all": "1", "fmt": "3", "charset": charset}
    answer = await api.client.get(f"{api.simulator.url}/sys/status.php", params=question)
    assert json.loads(answer.content.decode(codec))["message"] == "Привет"


async def test_columns_of_hlr(api: Api) -> None:
    api.simulator.rules.hlr = HLR
    api.simulator.rules.delay = 3600
    await api.accepted(id="5", hlr="1")
    assert not HLR.keys() & (await api.status("5")).keys()
    api.simulator.move_on()
    api.simulator.move_on()
    assert (await api.status("5"))["status"] == 1
    row = await api.status("5")
    assert {name: row[name] for name in HLR} == HLR
    line = await api.ask("status", id="5", phone=PHONE, fmt="1", charset="utf-8")
    assert line.split(",")[3:] == list(HLR.values())


# --- balance.php -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fmt", "cur", "answer"),
    [
        ("0", "0", "178.10"),
        ("1", "0", "178.10"),
        ("2", "0", "<balance>178.10</balance>"),
        ("3", "0", '{"balance": "178.10"}'),
        ("0", "1", "178.10 RUR"),
        ("1", "1", "178.10,RUR"),
        ("2", "1", "<balance>178.10</balance><currency>RUR</currency>"),
        ("3", "1", '{"balance": "178.10", "currency": "RUR"}'),
    ],
)
async def test_balance(api: Api, fmt: str, cur: str, answer: str) -> None:
    api.simulator.rules.balance = 178.1
    assert await api.ask("balance", fmt=fmt, cur=cur) == answer


# --- get.php ---------------------------------------------------------------------------------------


async def answers(api: Api, **keys: str) -> list[int]:
    text = await api.ask("get", get_answers="1", fmt="3", charset="utf-8", **keys)
    return [item["id"] for item in json.loads(text)]


async def test_received_messages_in_every_format(api: Api) -> None:
    assert await answers(api) == []
    answer = api.simulator.receive(PHONE, "Да, приду", to="79010000000")
    keys = {"get_answers": "1", "charset": "utf-8"}
    assert json.loads(await api.ask("get", fmt="3", **keys)) == [
        {
            "id": 1,
            "received": answer.received,
            "phone": PHONE,
            "message": "Да, приду",
            "to_phone": "79010000000",
            "sent": answer.sent,
        }
    ]
    assert MOMENT.fullmatch(answer.sent)
    line = f"1,{answer.received},{PHONE},Да, приду,79010000000,{answer.sent}"
    assert await api.ask("get", fmt="1", **keys) == line
    assert (await api.ask("get", **keys)).startswith(
        f"id = 1, received = {answer.received}, phone = {PHONE}, "
    )
    assert "<message>Да, приду</message>" in await api.ask("get", fmt="2", **keys)


async def test_which_received_messages(api: Api) -> None:
    for number in range(5):
        api.simulator.receive(PHONE, str(number), to=f"7901000000{number % 2}")
    assert await answers(api) == [5, 4, 3, 2, 1]
    assert await answers(api, cnt="2") == [5, 4]
    assert await answers(api, after_id="2", cnt="2") == [3, 4]
    assert await answers(api, after_id="5") == []
    assert await answers(api, to_phone="79010000001", hour="168") == [4, 2]


@pytest.mark.parametrize(
    "keys", [{"cnt": "10001"}, {"hour": "169"}, {"after_id": "x"}, {"cnt": "-1"}, {"get_answers": "0"}]
)
async def test_bad_question_for_received_messages(api: Api, keys: dict[str, str]) -> None:
    assert await api.ask("get", **{"get_answers": "1", "fmt": "1", **keys}) == "0,-1"


async def messages(api: Api, **keys: str) -> list[str]:
    text = await api.ask("get", get_messages="1", fmt="3", charset="utf-8", **keys)
    return [item["message"] for item in json.loads(text)]


async def test_sent_messages(api: Api) -> None:
    first = datetime.now(MOSCOW).strftime("%d.%m.%Y")
    await api.accepted("a", id="x-1")
    await api.accepted("b", OTHER)
    await api.accepted("c")
    today = datetime.now(MOSCOW).strftime("%d.%m.%Y")
    assert await messages(api) == ["c", "b", "a"]
    assert await messages(api, cnt="1", prev_id="3") == ["b"]
    assert await messages(api, phone=PHONE, start=first, end=today) == ["c", "a"]
    assert await messages(api, start="01.01.2100") == await messages(api, end="01.01.2020") == []
    (last,) = json.loads(await api.ask("get", get_messages="1", fmt="3", prev_id="2"))
    assert (last["int_id"], last["id"], last["phone"], last["status"]) == (1, "x-1", PHONE, last["status"])
    assert MOMENT.fullmatch(last["send_date"])
    assert await api.ask("get", get_messages="1", start="2020-01-01", fmt="1") == "0,-1"
