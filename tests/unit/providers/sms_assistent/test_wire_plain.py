"""sms-assistent's PLAIN: forms and answers of one word."""

from urllib.parse import parse_qsl

import pytest

from smppbridge.providers.sms_assistent.records import AssistAnswer, Login, SentRow, StatusRow
from smppbridge.providers.sms_assistent.wire_plain import (
    decode_credits,
    decode_send,
    decode_status,
    encode_credits,
    encode_send,
    encode_status,
)
from tests.support.builders.messages import DAY, NOW, message

LOGIN = Login("us er", "p&w=ы")
NAMED = {"user": "us er", "password": "p&w=ы"}


def form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode("ascii"), strict_parsing=True, errors="strict"))


def test_message() -> None:
    sent = message(1, recipient="375296717259", text="Код: 1+1=2 & ещё\n", deadline=NOW + 600_000)
    assert form(encode_send(LOGIN, sent, sender="A&B", date="202612250159", now=NOW)) == {
        **NAMED,
        "recipient": "375296717259",
        "message": "Код: 1+1=2 & ещё\n",
        "sender": "A&B",
        "date_send": "202612250159",
        "validity_period": "1",
    }


def test_what_is_not_said_is_left_out() -> None:
    sent = message(1, deadline=NOW + 2 * DAY, text="a\ud83d")
    fields = form(encode_send(LOGIN, sent, sender="", date="", now=NOW))
    assert fields == {**NAMED, "recipient": sent.recipient, "message": "a?", "validity_period": "48"}


def test_questions() -> None:
    assert form(encode_status(LOGIN, "1234568")) == {**NAMED, "id": "1234568"}
    assert form(encode_credits(LOGIN)) == NAMED


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"1234568", AssistAnswer(0, (SentRow("1234568", None, 0, ""),))),
        (b"\xef\xbb\xbf 12\r\n", AssistAnswer(0, (SentRow("12", None, 0, ""),))),
        (b"-5", AssistAnswer(-5)),
    ],
)
def test_answer_to_a_message(body: bytes, answer: AssistAnswer) -> None:
    assert decode_send(body) == answer


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"Delivered", AssistAnswer(0, (), (StatusRow("", "Delivered"),))),
        (b"queued\n", AssistAnswer(0, (), (StatusRow("", "queued"),))),
        (b"-11", AssistAnswer(-11)),
    ],
)
def test_answer_about_a_status(body: bytes, answer: AssistAnswer) -> None:
    assert decode_status(body) == answer


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"120", AssistAnswer(credits=120.0)),
        (b" 12.50\n", AssistAnswer(credits=12.5)),
        (b"12,5", AssistAnswer(credits=12.5)),
        (b"0", AssistAnswer(credits=0.0)),
        (b"-3.50", AssistAnswer(credits=-3.5)),
        (b"-2", AssistAnswer(-2)),
    ],
)
def test_answer_about_money(body: bytes, answer: AssistAnswer) -> None:
    assert decode_credits(body) == answer


NONSENSE = [b"", b"\xff", b"<html>", b"OK 12", b"1e400", b"{}", b"9" * 5000, "٣".encode(), b"x" * 101]


@pytest.mark.parametrize("body", [*NONSENSE, b"0", b"1.5", b"Delivered"])
def test_no_answer_to_a_message(body: bytes) -> None:
    with pytest.raises(ValueError):
        decode_send(body)


@pytest.mark.parametrize("body", [*NONSENSE, b"12", b"0", "Доставлено".encode()])
def test_no_answer_about_a_status(body: bytes) -> None:
    with pytest.raises(ValueError):
        decode_status(body)


@pytest.mark.parametrize("body", [*NONSENSE, b"1,2,3", b"Sent", b"nan", b"-0.", b"+5"])
def test_no_answer_about_money(body: bytes) -> None:
    with pytest.raises(ValueError):
        decode_credits(body)
