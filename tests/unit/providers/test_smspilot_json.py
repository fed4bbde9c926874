"""The octets of API-2: what is asked, and what an answer means however it is printed."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.model.message import Message
from smppbridge.providers.smspilot_json import (
    Failure,
    Item,
    decode,
    encode_balance,
    encode_check,
    encode_send,
    integer,
    server_id,
)
from tests.support.messages import NOW, message


def sent(*messages: Message, sender: str = "", callback_url: str | None = None) -> dict[str, Any]:
    octets = encode_send("KEY", messages, sender=sender, callback_url=callback_url, now=NOW)
    value: dict[str, Any] = json.loads(octets)
    return value


def test_packet() -> None:
    packet = sent(message(1), message(2**63 - 1, recipient="79001", text="x"), sender="Taxi-12.Ru")
    assert packet == {
        "apikey": "KEY",
        "from": "Taxi-12.Ru",
        "send": [
            {"id": 1, "to": "79000000001", "text": "Привет, 1"},
            {"id": 2**63 - 1, "to": "79001", "text": "x"},
        ],
    }


def test_callback_is_asked_for_by_post() -> None:
    packet = sent(message(1), callback_url="https://a.example/c")
    assert (packet["callback"], packet["callback_method"]) == ("https://a.example/c", "post")
    assert "from" not in packet


@pytest.mark.parametrize(
    ("left", "ttl"),
    [
        (86_400_000, None),  # the whole day: smspilot's own limit
        (3 * 86_400_000, None),
        (86_340_001, None),
        (86_340_000, 1439),
        (90_001, 2),
        (60_000, 1),
        (60_001, 2),
        (1, 1),
        (0, 1),
        (-5_000, 1),
    ],
)
def test_ttl_in_minutes_rounded_up(left: int, ttl: int | None) -> None:
    (item,) = sent(message(1, deadline=NOW + left))["send"]
    assert item.get("ttl") == ttl


def test_lone_surrogate_does_not_spoil_the_packet() -> None:
    items = sent(message(1, text="a\ud800b"), message(2, text="c"))["send"]
    assert [item["text"] for item in items] == ["a?b", "c"]


def test_questions() -> None:
    assert json.loads(encode_check("K", ["10", "11"])) == {
        "apikey": "K",
        "check": [{"server_id": "10"}, {"server_id": "11"}],
    }
    assert json.loads(encode_balance("K")) == {"apikey": "K", "balance": "rur"}


ANSWER = """{
  "server_packet_id": "1234", "balance": 10000.00, "cost": 3.79,
  "send": [
    {"id": "1", "server_id": "10005", "from": "Ozon", "to": "79087964781", "text": "скидка\n10%", "parts": 1,
     "price": 1.29, "status": 0, "error": 0, "send_datetime": "0000-00-00 00:00:00", "country": "RU",
     "operator": "TELE2", "ttl": 0,
    },
    {"id": "3", "server_id": "0", "to": "79999999999", "price": 0, "status": -2, "error": 212,
     "error_en": "Phone in black list", "error_ru": "в списке", "ttl": 0}
  ]
}"""


def test_answer_as_printed() -> None:
    answer = decode(ANSWER.encode())
    assert answer.failure is None
    assert (answer.packet, answer.balance) == ("1234", 10000.0)
    assert answer.items == (
        Item(1, "10005", "79087964781", 0, 0, ""),
        Item(3, "", "79999999999", -2, 212, "Phone in black list"),
    )


def test_check_answer_as_printed_without_commas() -> None:
    body = """{"check": [
      {"id": "0", "server_id": "10005", "phone": "79087964781", "status": 1, "created":
      "2020-10-09 14:35:00" "modified": "2020-10-09 14:35:01"},
      {"id": "0", "server_id": "10005", "phone": "79087964781", "status": -1, "error": 601,
      "error_en": "Undeliverable", "created": "2021-10-09 08:57:00", "modified": "2021-10-09 08:57:00"}]}"""
    assert decode(body.encode()).items == (
        Item(None, "10005", "79087964781", 1, 0, ""),
        Item(None, "10005", "79087964781", -1, 601, "Undeliverable"),
    )


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ('{"error": {"code": 215, "description": "Bad length", "ip": "1.1.1.1"}}', (215, "Bad length")),
        ('{"error": {"code": "111"}}', (111, "")),
        (
            '{"error": {"code": 106, "description": "User is blocked", "description_ru": "за спам\\ошибки",'
            ' "status": "-2", "status_ru": "Отключен"}}',
            (106, "User is blocked, Отключен"),
        ),
        # not to be repaired, yet the code can be read
        ('{"error": {"code": 102, "description": "not "found""}}', (102, "")),
        ('{ "error" :\n{ "description": "cut", "code": "241", "descr', (241, "")),
        ('\ufeff{"error": {"code": 14}}', (14, "")),
    ],
)  # fmt: skip
def test_error_envelope(body: str, failure: tuple[int, str]) -> None:
    assert decode(body.encode()).failure == Failure(*failure)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"error"',
        b'{"send": {}}',
        b'{"error": {}}',
        b'{"error": {"code": 0}}',
        b'{"error": {"code": "x"}}',
        b'{"balance": "much"}',
        b'{"balance": true}',
        b'{"send": [{"text": "\\"error\\": {\\"code\\": 215}"}',  # cut short; the code is somebody's text
        b'{"send": [{"text": "{', # cut short
        b"<error><code>215</code></error>",
        b"\xff\xfe\x00",
    ],
)  # fmt: skip
def test_no_answer_of_theirs(body: bytes) -> None:
    with pytest.raises(ValueError):
        decode(body)


def test_balance_as_number_or_string() -> None:
    assert decode(b'{"balance": 1790.51}').balance == 1790.51
    assert decode(b'{"balance": "20006.97"}').balance == 20006.97


def test_items_that_say_nothing_keep_their_place() -> None:
    items = decode(b'{"send": [7, {"id": true, "server_id": [], "status": "x", "error": null}]}').items
    assert items == (Item(None, "", "", None, 0, ""),) * 2


@pytest.mark.parametrize(("value", "number"), [(5, 5), ("5", 5), (" 5 ", 5), (5.0, 5), ("-2", -2), (0, 0)])
def test_integer(value: object, number: int) -> None:
    assert integer(value) == number


@pytest.mark.parametrize(
    "value", [2.5, "2.5", True, None, "", "١", [], "9" * 21, 10**20, 1e300, float("inf"), float("nan")]
)
def test_no_integer(value: object) -> None:
    assert integer(value) is None


@pytest.mark.parametrize(
    ("value", "ref"), [("10005", "10005"), (10005, "10005"), ("0", ""), (0, ""), ("-1", ""), ("x", "")]
)
def test_server_id(value: object, ref: str) -> None:
    assert server_id(value) == ref


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "replace")))
def test_any_octets_are_an_answer_or_a_value_error(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode(body)
