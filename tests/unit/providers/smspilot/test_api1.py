"""API-1: forms, and its answers in four formats."""

import contextlib
import json
from collections.abc import Callable
from typing import get_args
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.model.message import Particulars
from smppbridge.providers.smspilot.api1 import MAX_LINES, Api1, Format
from smppbridge.providers.smspilot.codes import code_of_words
from smppbridge.providers.smspilot.records import (
    Item,
    Packet,
    PacketLine,
    PhoneMessage,
    PilotAnswer,
    PilotFailure,
    Question,
)

ALL: tuple[Format, ...] = get_args(Format)
PACKET = Packet((PacketLine(1, "79087964781", ttl=20), PacketLine(2, "79161231212", ttl=20)), text="Hello")


def form_of(question: Question) -> dict[str, str]:
    assert (question.path, question.content_type) == ("/api.php", "application/x-www-form-urlencoded")
    fields = parse_qs(question.content.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in fields.values())
    return {name: values[0] for name, values in fields.items()}


@pytest.mark.parametrize("format", ALL)
def test_order(format: Format) -> None:
    form = form_of(Api1("KEY", format).encode_send(PACKET))
    expected = {
        "apikey": "KEY",
        "format": format,
        "send": "Hello",
        "to": "79087964781,79161231212",
        "ttl": "20",
    }
    if format == "text":
        expected["fields"] = "server_id,phone,price,status,error"
    if format in ("json", "xml"):
        expected["fields"] = (
            "server_id,phone,price,status,sender,sender_orig,parts,country,operator,error,error_en,error_ru"
        )
    assert form == expected


def test_order_with_everything() -> None:
    packet = Packet(
        (PacketLine(1, "79001", "Привет, &=\0+%"),),
        sender="Ozon",
        send_at=1_428_397_800,
        callback="https://a.example/c?d=e&f",
        callback_method="get",
        test=True,
    )
    assert form_of(Api1("K", "v").encode_send(packet)) == {
        "apikey": "K",
        "format": "v",
        "send": "Привет, &=\0+%",
        "to": "79001",
        "from": "Ozon",
        "send_datetime": "1428397800",
        "callback": "https://a.example/c?d=e&f",
        "callback_method": "get",
        "test": "1",
    }


def test_lone_surrogate_becomes_a_question_mark() -> None:
    assert (
        form_of(Api1("K", "json").encode_send(Packet((PacketLine(1, "79001", "a\ud800"),))))["send"] == "a?"
    )


CHECK_FIELDS = {"json": "all", "xml": "all", "text": "server_id,phone,status,error,error_en"}


@pytest.mark.parametrize("format", ["json", "xml", "text"])
def test_questions(format: Format) -> None:
    wire = Api1("K", format)
    asked = [
        wire.encode_check(["10", "11"]),
        wire.encode_check_packet("77"),
        wire.encode_check_test(),
        wire.encode_balance(),
    ]
    base, fields = {"apikey": "K", "format": format}, {"fields": CHECK_FIELDS[format]}
    assert [form_of(question) for question in asked] == [
        {**base, **fields, "check": "10,11"},
        {**base, **fields, "check": "packet", "id": "77"},
        {**base, **fields, "check": "1000", "test": "1"},
        {**base, "balance": "rur"},
    ]


def test_questions_of_v_are_about_one_message() -> None:
    wire = Api1("K", "v")
    assert form_of(wire.encode_check(["10", "11"])) == {"apikey": "K", "format": "v", "check": "10"}
    assert form_of(wire.encode_check_test())["check"] == "1000"
    assert form_of(wire.encode_balance()) == {"apikey": "K", "format": "v", "balance": "rur"}


@pytest.mark.parametrize("format", ALL)
def test_what_holds_words_of_others_is_asked_for_in_json(format: Format) -> None:
    wire = Api1("K", format)
    recent = wire.encode_recent(900)
    assert form_of(recent) == {
        "apikey": "K",
        "format": "json",
        "check": "recent",
        "fields": "server_id,phone,status,created,message",
        "limit": "1000",
        "offset": "900",
    }
    row = {
        "server_id": "5",
        "phone": "79001",
        "status": "1",
        "created": "2021-10-14 10:14:06",
        "message": "a,\n1",
    }
    assert recent.decode(json.dumps({"check": [row]}).encode()).items == (
        Item(None, "5", "79001", 1, 0, "", "a,\n1", 1_634_206_446_000),
    )
    inbound = wire.encode_inbound("new")
    assert form_of(inbound) == {"apikey": "K", "format": "json", "inbound": "new"}
    arrival = {"id": "7", "phone": "79001", "num": "79002", "text": "a,\n1"}
    assert inbound.decode(json.dumps({"inbound": [arrival]}).encode()).arrivals == (
        PhoneMessage("7", "79001", "79002", "a,\n1", None),
    )


# --- answers ---------------------------------------------------------------------------------------

SENT = {
    "json": '{"send": [\n{"server_id": "182132632", "phone": "79087964781", "price": "1.31", "status": "0"},'
    ' {"server_id": "182132634", "phone": "79161231212", "price": "0.00", "status": "-2", "error": "212",'
    ' "error_en": "Phone in black list", "error_ru": "Телефон"},\n],\n'
    '"balance": "1686.78", "cost": "1.31", "server_packet_id": "182132632"}',
    "xml": '<?xml version="1.0" encoding="UTF-8"?>\n<send balance="1686.78" cost="1.31"'
    ' server_packet_id="182132632"><sms server_id="182132632" phone="79087964781" price="1.31" status="0"/>'
    '<sms server_id="182132634" phone="79161231212" price="0.00" status="-2" error="212"'
    ' error_en="Phone in black list"/></send>',
    "text": "SUCCESS=SMS SENT 1.31/1686.78\n"
    "182132632,79087964781,1.31,0,0\n182132634,79161231212,0.00,-2,212\n",
}


@pytest.mark.parametrize("format", ["json", "xml", "text"])
def test_answer_to_an_order(format: Format) -> None:
    answer = Api1("K", format).encode_send(PACKET).decode(SENT[format].encode())
    words = "" if format == "text" else "Phone in black list"
    russian = "Телефон" if format == "json" else ""
    assert answer == PilotAnswer(
        packet="" if format == "text" else "182132632",
        balance=1686.78,
        items=(
            Item(None, "182132632", "79087964781", 0, 0, "", told=Particulars(1_310_000, "RUB")),
            Item(None, "182132634", "79161231212", -2, 212, words, words_ru=russian),
        ),
    )


def test_answer_of_v_is_the_id() -> None:
    decode = Api1("K", "v").encode_send(PACKET).decode
    assert decode(b"9316849\n") == PilotAnswer(packet="9316849", items=(Item(None, "9316849", "", 0, 0, ""),))


STATUSES = {
    "json": '{"check": [{"server_id": "4566", "phone": "79131437355", "status": "2", "error": "0"},'
    '{"server_id": "4567", "phone": "79087964781", "status": "-1", "error": "601",'
    ' "error_en": "Gone, away"}]}',
    "xml": '<check>\n<sms server_id="4566" phone="79131437355" status="2" error="0"/>'
    '<sms server_id="4567" phone="79087964781" status=-1 error=601 error_en="Gone, away"/></check>',
    "text": "4566,79131437355,2,0,\n4567,79087964781,-1,601,Gone, away",
}


@pytest.mark.parametrize("format", ["json", "xml", "text"])
@pytest.mark.parametrize(
    "ask", [lambda wire: wire.encode_check(["4566"]), lambda wire: wire.encode_check_packet("1")]
)
def test_statuses(format: Format, ask: Callable[[Api1], Question]) -> None:
    assert ask(Api1("K", format)).decode(STATUSES[format].encode()).items == (
        Item(None, "4566", "79131437355", 2, 0, ""),
        Item(None, "4567", "79087964781", -1, 601, "Gone, away"),
    )


def test_status_of_v() -> None:
    assert Api1("K", "v").encode_check(["4566"]).decode(b"-1").items == (Item(None, "4566", "", -1, 0, ""),)


@pytest.mark.parametrize(
    ("row", "status", "error"),
    [
        ("4566,79087964782,1.31,-1", -1, 0),  # as the examples print it
        ("4566,79087964782,-1,601", -1, 601),  # as the table has it
        ("4566,79087964782,2,0  ", 2, 0),
    ],
)
def test_the_four_columns_of_a_status(row: str, status: int, error: int) -> None:
    """API-1 §2.2 prints a price where its table names a status, whatever is asked for."""
    (item,) = Api1("K", "text").encode_check(["4566"]).decode(row.encode()).items
    assert (item.ref, item.phone, item.status, item.error) == ("4566", "79087964782", status, error)


def test_the_four_columns_of_an_order() -> None:
    """API-1 §1.2 prints them so, with spaces behind."""
    body = b"SUCCESS=SMS SENT 5.23/1686.78  \n182133021,79087964781,2.85,0  \n182133023,79999999999,0.00,-2"
    answer = Api1("K", "text").encode_send(PACKET).decode(body)
    assert [(item.ref, item.phone, item.status) for item in answer.items] == [
        ("182133021", "79087964781", 0),
        ("182133023", "79999999999", -2),
    ]
    assert answer.balance == 1686.78


@pytest.mark.parametrize("row", ["4566,79087964782,1.31", "4566,79087964782"])
def test_other_columns_say_nothing(row: str) -> None:
    for question in (Api1("K", "text").encode_check(["4566"]), Api1("K", "text").encode_send(PACKET)):
        head = "SUCCESS=SMS SENT 1/2\n" if b"send=" in question.content else ""
        (item,) = question.decode((head + row).encode()).items
        assert (item.ref, item.status) == ("", None)


@pytest.mark.parametrize(
    ("format", "body"),
    [
        ("json", '{"balance": "2934.76"}'),
        ("xml", "<balance>2934.76</balance>"),
        ("text", "2934.76"),
        ("v", "2934.76"),
    ],
)
def test_balance(format: Format, body: str) -> None:
    assert Api1("K", format).encode_balance().decode(body.encode()).balance == 2934.76


def questions(format: Format) -> list[Question]:
    wire = Api1("K", format)
    return [
        wire.encode_send(PACKET),
        wire.encode_check(["5"]),
        wire.encode_balance(),
        wire.encode_check_test(),
    ]


@pytest.mark.parametrize(
    ("format", "body", "failure"),
    [
        ("json", '{"error":{"code":"111","description":"Invalid phone"}}', (111, "Invalid phone")),
        ("xml", "<error><code>303</code><description>Wrong list</description></error>", (303, "Wrong list")),
        ("text", "ERROR=111: INVALID PHONE", (111, "INVALID PHONE")),
        ("text", "ERROR=106:USER IS BLOCKED\n", (106, "USER IS BLOCKED")),
        ("text", "ERROR=5000", (5000, "")),
        ("v", "Invalid phone", (111, "Invalid phone")),
        ("v", "You don't have enough money", (241, "You don't have enough money")),
    ],
)  # fmt: skip
def test_refusals(format: Format, body: str, failure: tuple[int, str]) -> None:
    for question in questions(format):
        assert question.decode(body.encode()).failure == PilotFailure(*failure)


@pytest.mark.parametrize("format", ["text", "v"])
@pytest.mark.parametrize(
    "body",
    ["", " \n", "<html>Sorry</html>", "Bad Gateway", "ERROR", "ERROR=0: X", "ERROR=x", "-", "٣", "SUCCESS"],
)
def test_no_answer_of_theirs(format: Format, body: str) -> None:
    for question in questions(format):
        with pytest.raises(ValueError):
            question.decode(body.encode())


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Invalid phone", 111),
        ("PHONE IN BLACK LIST", 212),
        ("Invalid phone length", 215),
        ("User is blocked", 106),
        ("Invalid IDs list", 303),
        ("Spam protection (SURVEY)", 227),
        ("Loop protection", 243),
        ("SMS LIMIT", 112),
        ("Something new", 0),
        ("", 0),
    ],
)
def test_errors_by_their_words(words: str, code: int) -> None:
    assert code_of_words(words) == code


@given(st.binary() | st.text("0123456789,-.\nERO=SUC /").map(str.encode))
def test_any_octets_are_an_answer_or_a_value_error(body: bytes) -> None:
    for format in ALL:
        for question in questions(format):
            with contextlib.suppress(ValueError):
                question.decode(body)


@pytest.mark.parametrize(
    ("question", "head"),
    [
        (Api1("K", "text").encode_send(PACKET), "SUCCESS=SMS SENT 1/1\n"),
        (Api1("K", "text").encode_check(["1"]), "1,79000000001,0\n"),
    ],
)
def test_more_lines_than_any_honest_answer_has_are_no_answer(question: Question, head: str) -> None:
    assert len(question.decode((head + ",\n" * 1000).encode()).items) >= 1000
    with pytest.raises(ValueError, match="lines"):
        question.decode((head + ",\n" * MAX_LINES).encode())
