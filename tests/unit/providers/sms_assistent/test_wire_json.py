"""sms-assistent's JSON, in the shapes of the manual and of answers that were seen live."""

import json

import pytest

from smppbridge.providers.sms_assistent.records import AssistAnswer, Login, SentRow, StatusRow
from smppbridge.providers.sms_assistent.wire_json import decode, encode_send, encode_status
from tests.support.builders.messages import DAY, NOW, message

LOGIN = Login("user", 'p"w')


def test_package() -> None:
    messages = [
        message(1, recipient="375296717259", sender="Shop", text="Привет"),
        message(2, recipient="375296717260", sender="", text='"b"\n', deadline=NOW + 2 * DAY),
    ]
    body = encode_send(LOGIN, messages, default_sender="CMC", date="202612250159", now=NOW)
    assert "Привет".encode() in body
    assert json.loads(body) == {
        "login": "user",
        "password": 'p"w',
        "command": "sms_send",
        "date_send": "202612250159",
        "message": {
            "msg": [
                {"recipient": "375296717259", "sender": "Shop", "sms_text": "Привет", "validity_period": 24},
                {"recipient": "375296717260", "sender": "CMC", "sms_text": '"b"\n', "validity_period": 48},
            ]
        },
    }


def test_what_is_not_said_is_left_out() -> None:
    package = json.loads(encode_send(LOGIN, [message(1, sender="")], default_sender="", date="", now=NOW))
    assert set(package) == {"login", "password", "command", "message"}
    assert set(package["message"]["msg"][0]) == {"recipient", "sms_text", "validity_period"}


def test_half_a_character_does_not_spoil_a_package() -> None:
    body = encode_send(LOGIN, [message(1, text="a\ud83db")], default_sender="", date="", now=NOW)
    assert json.loads(body)["message"]["msg"][0]["sms_text"] == "a?b"


def test_status_question() -> None:
    assert json.loads(encode_status(LOGIN, ["14264663", "14264664"])) == {
        "login": "user",
        "password": 'p"w',
        "command": "statuses",
        "status": {"msg": [{"sms_id": "14264663"}, {"sms_id": "14264664"}]},
    }


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (
            '{"message":{"msg":[{"sms_id":12345678,"sms_count":1,"error_code":0},'
            '{"sms_id":0,"sms_count":1,"error_code":-5}]}}',
            AssistAnswer(0, (SentRow("12345678", 1, 0, ""), SentRow("", 1, -5, ""))),
        ),
        (
            '{"message":{"msg":[{"sms_id":886055815,"sms_count":1,"operator":2,"error_code":0,'
            '"recipient":375297819778}]}}',
            AssistAnswer(0, (SentRow("886055815", 1, 0, "375297819778", "2"),)),
        ),
        (
            '{"message":{"msg":[{"sms_id":"7","sms_count":"0","operator":0,"error_code":"0",'
            '"recipient":"+29781977"}]}}',
            AssistAnswer(0, (SentRow("7", 0, 0, "29781977"),)),
        ),
        ('{"message":{"msg":{"sms_id":7}}}', AssistAnswer(0, (SentRow("7", None, 0, ""),))),
        ('{"message":{"msg":[null, 7, {}]}}', AssistAnswer(0, (SentRow("", None, None, ""),) * 3)),
        (
            '{"message":{"msg":[{"sms_id":[],"error_code":null}]}}',
            AssistAnswer(0, (SentRow("", None, None, ""),)),
        ),
        ('{"error":0,"message":{"msg":[]}}', AssistAnswer()),
        ('{"error": -2}', AssistAnswer(-2)),
        ('\ufeff{"error": "-2",}', AssistAnswer(-2)),
        ("-13", AssistAnswer(-13)),
        (
            '{"status":{"msg":[{"sms_id":12345678,"sms_count":1,"sms_status":"Delivered"}]}}',
            AssistAnswer(0, (), (StatusRow("12345678", "Delivered"),)),
        ),
        (
            '{"status":{"msg":[{"sms_id":"1","sms_count":"1","operator":"2","status":"Sent"},'
            '{"sms_id":2,"error_code":-11},{"sms_id":3,"sms_status":-11},null]}}',
            AssistAnswer(
                0,
                (),
                (StatusRow("1", "Sent"), StatusRow("2", "", -11), StatusRow("3", "", -11), StatusRow("", "")),
            ),
        ),
    ],
)
def test_answer(body: str, answer: AssistAnswer) -> None:
    assert decode(body.encode()) == answer


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff\xfe", b"[]", b"{}", b"null", b"5", b'"x"', b'{"error":"no"}', b'{"error":5}'),
        *(b'{"message":[]}', b'{"message":{"msg":5}}', b'{"status":{}}', b"<html></html>", b"true"),
        *(
            b"[" * 100_000,
            b'{"error":-1' + b" " * 262_144 + b"}",
            b'{"error":' * 50_000,
            b"9" * 5000,
            b'{"message":{"msg":[{"sms_id":1}',
        ),
    ],
)
def test_not_an_answer(body: bytes) -> None:
    with pytest.raises(ValueError):
        decode(body)
