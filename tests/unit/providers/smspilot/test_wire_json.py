"""The octets of API-2: what is asked, and what an answer means however it is printed."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.model.message import Particulars
from smppbridge.providers.smspilot.records import Item, Packet, PacketLine, PhoneMessage, PilotFailure
from smppbridge.providers.smspilot.wire_json import JsonWire, decode

TOLD = Particulars(1_290_000, "RUB", 1, "operator=TELE2 country=RU", "Ozon")
WIRE = JsonWire("KEY")


def sent(packet: Packet) -> dict[str, Any]:
    question = WIRE.encode_send(packet)
    assert question.path == "/api2.php"
    assert question.content_type == "application/json; charset=utf-8"
    value: dict[str, Any] = json.loads(question.content)
    return value


def test_packet() -> None:
    lines = (PacketLine(1, "79000000001", "Привет, 1"), PacketLine(2**63 - 1, "79001", "x", ttl=20))
    assert sent(Packet(lines, sender="Taxi-12.Ru")) == {
        "apikey": "KEY",
        "from": "Taxi-12.Ru",
        "send": [
            {"id": 1, "to": "79000000001", "text": "Привет, 1"},
            {"id": 2**63 - 1, "to": "79001", "text": "x", "ttl": 20},
        ],
    }


def test_packet_of_a_number_check() -> None:
    packet = Packet((PacketLine(1, "79000000001"),), text="HLR", callback="https://a.example/c", test=True)
    assert sent(packet) == {
        "apikey": "KEY",
        "text": "HLR",
        "callback": "https://a.example/c",
        "callback_method": "post",
        "test": 1,
        "send": [{"id": 1, "to": "79000000001"}],
    }


def test_packet_for_later() -> None:
    packet = Packet(
        (PacketLine(1, "79001", "x"),), send_at=1_428_397_800, callback="c", callback_method="get"
    )
    assert sent(packet)["send_datetime"] == 1_428_397_800
    assert sent(packet)["callback_method"] == "get"


def test_lone_surrogate_does_not_spoil_the_packet() -> None:
    items = sent(Packet((PacketLine(1, "79001", "a\ud800b"), PacketLine(2, "79002", "c"))))["send"]
    assert [item["text"] for item in items] == ["a?b", "c"]


def test_questions() -> None:
    asked = [
        WIRE.encode_check(["10", "11"]),
        WIRE.encode_check_packet("77"),
        WIRE.encode_balance(),
        WIRE.encode_inbound("new"),
    ]
    assert [json.loads(question.content) for question in asked] == [
        {"apikey": "KEY", "check": [{"server_id": "10"}, {"server_id": "11"}]},
        {"apikey": "KEY", "check": True, "server_packet_id": "77"},
        {"apikey": "KEY", "balance": "rur"},
        {"apikey": "KEY", "inbound": True, "since": "new"},
    ]


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
        Item(1, "10005", "79087964781", 0, 0, "", told=TOLD),
        Item(3, "", "79999999999", -2, 212, "Phone in black list", words_ru="в списке"),
    )


def test_check_answer_as_printed_without_commas() -> None:
    body = """{"check": [
      {"id": "0", "server_id": "10005", "phone": "79087964781", "status": 1, "created":
      "2020-10-09 14:35:00" "modified": "2020-10-09 14:35:01"},
      {"id": "0", "server_id": "10005", "phone": "79087964781", "status": -1, "error": 601,
      "error_en": "Undeliverable", "created": "2021-10-09 08:57:00", "modified": "2021-10-09 08:57:00"}]}"""
    assert decode(body.encode()).items == (
        Item(None, "10005", "79087964781", 1, 0, "", created=1_602_254_100_000),
        Item(None, "10005", "79087964781", -1, 601, "Undeliverable", created=1_633_769_820_000),
    )


def test_messages_of_a_test_are_asked_about_in_a_test() -> None:
    wire = JsonWire("KEY", test=True)
    for question in (wire.encode_check(["5"]), wire.encode_check_packet("7")):
        assert json.loads(question.content)["test"] == 1


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ('{"error": {"code": 215, "description": "Bad", "ip": "1.1.1.1"}}', (215, "Bad", None, "1.1.1.1")),
        ('{"error": {"code": "111"}}', (111, "")),
        (
            '{"error": {"code": 106, "description": "User is blocked", "description_ru": "за спам\\ошибки",'
            ' "status": "-2", "status_ru": "Отключен"}}',
            (106, "User is blocked, за спам\\ошибки, Отключен", -2),
        ),
        # not to be repaired, yet the code can be read
        ('{"error": {"code": 102, "description": "not "found""}}', (102, "")),
        ('{ "error" :\n{ "description": "cut", "code": "241", "descr', (241, "")),
        ('\ufeff{"error": {"code": 14}}', (14, "")),
    ],
)  # fmt: skip
def test_error_envelope(body: str, failure: tuple[Any, ...]) -> None:
    assert decode(body.encode()).failure == PilotFailure(*failure)


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


def test_messages_from_phones_with_and_without_seconds() -> None:
    rows = [
        {"id": "12345", "phone": "79087964781", "num": "79021121075", "text": "Ура работает!", "seen": "0"},
        {
            "id": 12346,
            "phone": "+79087964782",
            "num": "79021121075",
            "text": "ДА",
            "created": "2011-09-20 21:11",
        },
        {"id": "3", "phone": "79001", "num": "1", "text": "", "created": "2021-10-14 10:14:06"},
        {"id": "0", "phone": "79001", "text": "x"},
        {"id": "4", "phone": "INFO", "text": "x"},
        {"id": "5", "text": "x"},
        "?",
    ]
    assert decode(json.dumps({"inbound": rows}).encode()).arrivals == (
        PhoneMessage("12345", "79087964781", "79021121075", "Ура работает!", None),
        PhoneMessage("12346", "79087964782", "79021121075", "ДА", 1_316_553_060_000),
        PhoneMessage("3", "79001", "1", "", 1_634_206_446_000),
        PhoneMessage("4", "INFO", "", "x", None),
    )


def test_what_a_number_check_found() -> None:
    row = {"server_id": "5", "status": 2, "imsi": "250200012345678", "mcc": 250, "mnc": "20", "cn": "Russia"}
    (found,) = decode(
        json.dumps({"check": [{**row, "net": "Tele 2", "gscn": "Belarus", "gnet": ""}]}).encode()
    ).items
    assert found.details == "imsi=250200012345678 mcc=250 mnc=20 cn=Russia net=Tele_2 gcn=Belarus"


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "replace")))
def test_any_octets_are_an_answer_or_a_value_error(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode(body)


@pytest.mark.parametrize("packet", ["0", "-5", "five", "\ud800", "9" * 21, "9" * 1_000_000, ""])
def test_a_packet_without_a_proper_id_has_none(packet: str) -> None:
    answer = {"server_packet_id": packet, "send": [{"id": 1, "server_id": 5, "status": 0}]}
    found = decode(json.dumps(answer).encode())
    assert (found.packet, [item.ref for item in found.items]) == ("", ["5"])
