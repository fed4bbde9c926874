"""The sms-assistent simulator itself: what it says about one message, and what a message costs."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.simulators.sms_assistent.asking import PHONE, Api, minsk, running
from tests.simulators.sms_assistent.simulator import Rules

OTHER = "375447654321"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running() as started:
        yield started


def one(**keys: object) -> dict[str, Any]:
    return {"recipient": PHONE, "sms_text": "x", **keys}


# --- recipients, senders, texts --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipient", "digits"),
    [
        ("296717259", PHONE),
        ("375296717259", PHONE),
        ("+375296717259", PHONE),
        ("80296717259", PHONE),
        ("8(029)671-72-59", PHONE),
        ("8(029)6717259", PHONE),
        ("(29)671-72-59", PHONE),
        ("257654321", "375257654321"),
        ("337654321", "375337654321"),
        ("447654321", OTHER),
        ("79021234567", "79021234567"),
        ("+48601234567", "48601234567"),
        ("123456789012345", "123456789012345"),
    ],
)
async def test_recipient(api: Api, recipient: str, digits: str) -> None:
    await api.send_one(recipient=recipient)
    assert [row["recipient"] for row in api.simulator.accepted] == [digits]


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "G777",
        "29781977",
        "7962048864",
        "375176717259",
        "37529671725",
        "3752967172590",
        "8296717259",
        "80176717259",
        "8(029671-72-59",
        "(029)671-72-59",
        "+80296717259",
        "+296717259",
        "375 29 6717259",
        "89021234567",
        "790212345678",
        "810375296717259",
        "00375296717259",
        "1234567890123456",
        "079021234567",
        "٣٧٥٢٩٦٧١٧٢٥٩",
        "375296717259\n",
        375296717259,
        [PHONE],
    ],
)
async def test_bad_recipient(api: Api, recipient: object) -> None:
    rows = await api.send(one(recipient=recipient), one())
    assert rows == [
        {"sms_id": 0, "sms_count": 1, "error_code": -4},
        {"sms_id": 1000001, "sms_count": 1, "error_code": 0},
    ]
    assert [row["recipient"] for row in api.simulator.accepted] == [PHONE]


@pytest.mark.parametrize("sender", ["CMC", "A1", "_%#@!*()-.", ";?!'&<>+=:", "12345a", "x" * 11])
async def test_sender(api: Api, sender: str) -> None:
    await api.send_one(sender=sender)
    assert [row["sender"] for row in api.simulator.accepted] == [sender]


@pytest.mark.parametrize(
    "sender", ["", "СМС", "a b", "a,b", "$", "x" * 12, "375291234", "+37529", "1", "CMC\n", 5, ["CMC"]]
)
async def test_bad_sender(api: Api, sender: object) -> None:
    (row,) = await api.send(one(sender=sender))
    assert row == {"sms_id": 0, "sms_count": 1, "error_code": -5}


async def test_registered_senders_are_case_sensitive() -> None:
    async with running(Rules(senders=frozenset({"Taxi", "CMC"}))) as api:
        rows = await api.send(one(sender="Taxi"), one(sender="taxi"), one(sender="Shop"), one())
        assert [row["error_code"] for row in rows] == [0, -5, -5, 0]
        assert [row["sender"] for row in api.simulator.accepted] == ["Taxi", "CMC"]
        api.simulator.rules.default_sender = ""
        assert [row["error_code"] for row in await api.send(one())] == [-5]
        api.simulator.rules.senders = frozenset()
        assert [row["error_code"] for row in await api.send(one(sender="Taxi"))] == [-17]
        assert await api.plain(sender="Taxi") == "-17"


@pytest.mark.parametrize("text", ["", " \n", 5, ["x"]])
async def test_no_text(api: Api, text: object) -> None:
    (row,) = await api.send(one(sms_text=text))
    assert row == {"sms_id": 0, "sms_count": 1, "error_code": -3}
    answer = await api.json(message={"default": {"sms_text": "y"}, "msg": [one(sms_text=text)]})
    assert answer["message"]["msg"][0]["error_code"] == -3


async def test_nothing_said_in_a_message(api: Api) -> None:
    answer = await api.json(message={"msg": [{"recipient": PHONE}, {"sms_text": "x"}]})
    assert [row["error_code"] for row in answer["message"]["msg"]] == [-3, -4]
    answer_xml = await api.xml(f'<message><msg recipient="{PHONE}"/><msg>x</msg></message>')
    assert answer_xml == (
        '<message><msg sms_id="0" sms_count="1">-3</msg><msg sms_id="0" sms_count="1">-4</msg></message>'
    )


async def test_malformed_number_may_be_accepted() -> None:
    async with running(Rules(accept_bad_numbers=True, delay=0)) as api:
        rows = await api.send(
            one(recipient="29781977"), one(recipient=""), one(recipient="29781977", sender="$")
        )
        assert rows == [
            {"sms_id": 1000001, "sms_count": 0, "error_code": 0},
            {"sms_id": 0, "sms_count": 1, "error_code": -4},
            {"sms_id": 0, "sms_count": 1, "error_code": -5},
        ]
        assert (api.simulator.accepted, api.simulator.rules.balance) == ([], 1e9)
        assert await api.word(1000001) == "Failed"
        assert await api.plain(recipient="29781977") == "1000002"
        answer = await api.xml('<message><msg recipient="29781977">x</msg></message>')
        assert answer == '<message><msg sms_id="1000003" sms_count="0"/></message>'


async def test_errors_by_number() -> None:
    async with running(Rules(errors={PHONE: -12})) as api:
        rows = await api.send(one(), one(recipient=OTHER))
        assert [row["error_code"] for row in rows] == [-12, 0]
        assert await api.plain(recipient="8(029)671-72-59") == "-12"
        answer = await api.xml(f'<message><msg recipient="{PHONE}">x</msg></message>')
        assert answer == '<message><msg sms_id="0" sms_count="1">-12</msg></message>'


# --- validity and date -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "in_hours", "in_seconds"),
    [(1, 3600, 1), (24, 86400, 24), (48, 172800, 48), (49, 172800, 49), (10**12, 172800, 172800)],
)
async def test_validity_in_its_three_units(api: Api, value: int, in_hours: int, in_seconds: int) -> None:
    await api.plain(validity_period=str(value))
    await api.send_one(validity_period=value)
    await api.xml(f'<message><msg recipient="{PHONE}" validity_period="{value}">x</msg></message>')
    found = {row["api"]: row["validity"] for row in api.simulator.accepted}
    assert found == {"plain": in_hours, "json": in_hours, "xml": in_seconds}


async def test_no_validity(api: Api) -> None:
    await api.plain()
    await api.send_one()
    await api.xml(f'<message><msg recipient="{PHONE}">x</msg></message>')
    assert [row["validity"] for row in api.simulator.accepted] == [None] * 3


@pytest.mark.parametrize("value", [0, -1, 1.5, "24", True, [24]])
async def test_bad_validity(api: Api, value: object) -> None:
    (row,) = await api.send(one(validity_period=value))
    assert row == {"sms_id": 0, "sms_count": 1, "error_code": -12}


@pytest.mark.parametrize("value", ["0", "-1", "", "day", "٣"])
async def test_bad_validity_in_xml(api: Api, value: str) -> None:
    answer = await api.xml(f'<message><msg recipient="{PHONE}" validity_period="{value}">x</msg></message>')
    assert answer == '<message><msg sms_id="0" sms_count="1">-12</msg></message>'


async def test_date_of_a_package() -> None:
    async with running(Rules(delay=0)) as api:
        date = minsk(minutes=12)
        content = f'<message><msg recipient="{PHONE}">x</msg></message>'
        assert await api.plain(date_send=date) == "1000001"
        await api.send(one(), one(), date_send=date)
        await api.xml(content, f'login="user" password="PASSWORD" date_send="{date}"')
        assert [row["date_send"] for row in api.simulator.accepted] == [date] * 4
        assert {await api.word(row["sms_id"]) for row in api.simulator.accepted} == {"Queued"}


@pytest.mark.parametrize(
    "date",
    [minsk(minutes=10), minsk(days=-1), "201613250159", "000001010000", "20161225", "٢٠١٦١٢٢٥٠١٥٩", ""],
    ids=["too soon", "past", "no month", "no year", "no time", "other digits", "empty"],  # not the minute
)
async def test_bad_date(api: Api, date: str) -> None:
    content = f'<message><msg recipient="{PHONE}">x</msg></message>'
    attributes = f'login="user" password="PASSWORD" date_send="{date}"'
    assert await api.plain(date_send=date) == "-15"
    assert await api.json(message={"msg": [one()]}, date_send=date) == {"error": -15}
    assert await api.xml(content, attributes) == "<error>-15</error>"
    assert await api.json(message={"msg": [one()]}, date_send=int(minsk(days=1))) == {"error": -15}
    assert api.simulator.accepted == []


async def test_outside_the_hours_of_the_account(api: Api) -> None:
    api.simulator.rules.outside_hours = True
    assert await api.plain() == "-14"
    assert await api.json(message={"msg": [one()]}) == {"error": -14}
    assert await api.xml(f'<message><msg recipient="{PHONE}">x</msg></message>') == "<error>-14</error>"
    assert await api.form("credits") == "1000000000.0"


# --- money -----------------------------------------------------------------------------------------


async def test_credits_fall_by_the_price_of_every_part() -> None:
    async with running(Rules(balance=1.0, price=0.25)) as api:
        rows = await api.send(
            one(), one(sms_text="я" * 71), one(recipient="1"), one(sms_text="x" * 307), one()
        )
        assert [(row["sms_count"], row["error_code"]) for row in rows] == [
            (1, 0),
            (2, 0),
            (1, -4),
            (3, -1),
            (1, 0),
        ]
        url = f"{api.simulator.url}/api/v1/credits/plain"
        assert (await api.client.get(url, params={"user": "user", "password": "PASSWORD"})).text == "0.0"
        assert await api.form("credits") == "0.0"
        assert await api.form("credits", id="1") == "-10"
        assert await api.plain() == "-1"
        assert len(api.simulator.accepted) == 3


async def test_a_message_that_spoils_its_package(api: Api) -> None:
    api.simulator.rules.spoils = {OTHER: -12}
    rows = [one(), one(recipient=OTHER)]
    assert await api.json(message={"msg": rows}) == {"error": -12}
    assert await api.plain(recipient=OTHER) == "-12"
    assert api.simulator.accepted == []
    assert len(await api.send(rows[0])) == 1
