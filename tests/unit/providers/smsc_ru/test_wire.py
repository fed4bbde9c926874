"""smsc.ru's requests and answers, in all four formats."""

import json
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest

from smppbridge.providers.smsc_ru.wire import (
    MAX_ANSWER,
    MessageRow,
    SmscRuAnswer,
    SmscRuFailure,
    decode_balance,
    decode_fields,
    decode_list,
    decode_sent,
    decode_statuses,
    encode_form,
    encode_json,
    moment_of,
    money_of,
    rows_about,
)

REF, PHONE = "b17.1", "79001112233"
DECODERS: list[Callable[[bytes], object]] = [decode_sent, decode_statuses, decode_balance, decode_list]


def failure_of(body: str) -> SmscRuFailure | None:
    return decode_sent(body.encode()).failure


# --- requests --------------------------------------------------------------------------------------


def test_form_is_utf_8_and_keeps_every_character() -> None:
    octets = encode_form({"mes": "Ёлка & +1=2;\n€ 🙂", "phones": "+79001112233"})
    assert octets.isascii()
    assert parse_qs(octets.decode()) == {"mes": ["Ёлка & +1=2;\n€ 🙂"], "phones": ["+79001112233"]}
    assert b"phones=%2B7900" in octets  # a bare + would be a space


def test_json_is_utf_8_and_keeps_every_character() -> None:
    assert json.loads(encode_json({"mes": 'Ёлка "€" \\ 🙂\n'}).decode("utf-8")) == {"mes": 'Ёлка "€" \\ 🙂\n'}


def test_half_a_character_spoils_only_itself() -> None:
    assert parse_qs(encode_form({"mes": "a\ud800b"}).decode()) == {"mes": ["a?b"]}
    assert json.loads(encode_json({"mes": "a\ud800b"})) == {"mes": "a?b"}


# --- answers to a send request ---------------------------------------------------------------------

SENT = [
    "OK - 1 SMS, ID - b17.1",
    "b17.1,1",
    "<result>\n<id>b17.1</id>\n<cnt>1</cnt>\n</result>",
    '<?xml version="1.0" encoding="windows-1251"?><result><id>b17.1</id><cnt>1</cnt></result>',
    '{"id": "b17.1", "cnt": 1}',
    '{\n"id": b17.1,\n"cnt": 1\n}',  # as the manual prints it
    '\ufeff{"id":"b17.1","cnt":"1"}',
]
SENT_WITH_MONEY = [
    "OK - 2 SMS, ID - b17.1, COST - 2.80, BALANCE - 97.2",
    "b17.1,2,2.80,97.2",
    "<result><id>b17.1</id><cnt>2</cnt><cost>2.80</cost><balance>97.2</balance></result>",
    '{"id":"b17.1","cnt":2,"cost":"2.80","balance":"97.2"}',
    '{"id":"b17.1","cnt":2,"cost":2.80,"balance":97.2}',
]


@pytest.mark.parametrize("body", SENT)
def test_sent(body: str) -> None:
    assert decode_sent(body.encode()) == SmscRuAnswer(id=REF, sms=1)


@pytest.mark.parametrize("body", SENT_WITH_MONEY)
def test_sent_with_money(body: str) -> None:
    assert decode_sent(body.encode()) == SmscRuAnswer(id=REF, sms=2, cost=2_800_000, balance=97.2)


@pytest.mark.parametrize(
    "body", ["OK - 1 SMS, ID - 1234, COST - 1.40", "1234,1,1.40", '{"id":1234,"cnt":1,"cost":"1.40"}']
)
def test_sent_with_an_id_of_smsc(body: str) -> None:
    assert decode_sent(body.encode()) == SmscRuAnswer(id="1234", sms=1, cost=1_400_000)


@pytest.mark.parametrize(
    "body",
    [
        "OK - 1 SMS, ID - b17.1, COST - 1.40, BALANCE - 5\n79001112233,25001,1.40,22,249",
        "b17.1,1,1.40,5\r\n79001112233,25001,1.40,22,249\r\n",
        "<result><id>b17.1</id><cnt>1</cnt><balance>5</balance><phones>"
        '<phone mccmnc="25001" cost="1.40" status="22" error="249">79001112233</phone></phones></result>',
        '{"id":"b17.1","cnt":1,"balance":"5","phones":[{"phone":"79001112233","mccmnc":"25001",'
        '"cost":"1.40","status":"22","error":"249"}]}',
    ],
)
def test_sent_with_what_is_said_about_the_number(body: str) -> None:
    answer = decode_sent(body.encode())
    assert (answer.id, answer.balance) == (REF, 5)
    (row,) = answer.rows
    assert (row.status, row.err, row.fields["phone"]) == (22, 249, PHONE)


@pytest.mark.parametrize("decode", [decode_sent, decode_statuses, decode_balance])
def test_an_answer_that_is_too_large_is_not_read(decode: Callable[[bytes], SmscRuAnswer]) -> None:
    fits = b'{"error":"no","error_code":2}'.ljust(MAX_ANSWER)
    assert decode(fits).failure == SmscRuFailure(2, "no")
    with pytest.raises(ValueError, match="larger"):
        decode(fits + b" ")


@pytest.mark.parametrize("phones", ['"phones":[17]', '"phones":[{"status":"soon"}]'])
def test_rows_without_sense_say_nothing(phones: str) -> None:
    (row,) = decode_sent(f'{{"id":"b17.1","cnt":1,{phones}}}'.encode()).rows
    assert (row.status, row.err) == (None, 0)


# --- errors ----------------------------------------------------------------------------------------


# What op=1 adds below about the number: it is no part of the words.
ROW = "\n79001112233,25001,0.00,25,248"
XML_ROW = '<phones><phone mccmnc="25001" cost="0" status="25" error="248">79001112233</phone></phones>'
JSON_ROW = ', "phones": [{"phone": "79001112233", "cost": "0", "status": "25", "error": "248"}]'


@pytest.mark.parametrize("code", [1, 2, 4, 5, 9, 77])
@pytest.mark.parametrize("op", [False, True])
def test_error_without_id(code: int, op: bool) -> None:
    row, xml_row, json_row = (ROW, XML_ROW, JSON_ROW) if op else ("", "", "")
    assert failure_of(f"ERROR = {code} (some words){row}") == (code, "some words", "")
    assert failure_of(f"0,-{code}{row}") == (code, "", "")
    xml = f"<error>some words</error><error_code>{code}</error_code>{xml_row}"
    assert failure_of(f"<result>{xml}</result>") == (code, "some words", "")
    for number in (f"{code}", f'"{code}"'):
        body = f'{{"error": "some words", "error_code": {number}{json_row}}}'
        assert failure_of(body) == (code, "some words", "")


@pytest.mark.parametrize("code", [3, 6, 7, 8, 77])
@pytest.mark.parametrize("op", [False, True])
def test_error_with_id(code: int, op: bool) -> None:
    row, xml_row, json_row = (ROW, XML_ROW, JSON_ROW) if op else ("", "", "")
    assert failure_of(f"ERROR = {code} (some (words)), ID - b17.1{row}") == (code, "some (words)", REF)
    assert failure_of(f"ERROR = {code} (two\nlines), ID - 1234{row}") == (code, "two\nlines", "1234")
    assert failure_of(f"b17.1,-{code}{row}") == (code, "", REF)
    assert failure_of(f"1234,-{code}{row}\r\n") == (code, "", "1234")
    xml = f"<error>words</error><error_code>{code}</error_code><id>b17.1</id>{xml_row}"
    assert failure_of(f"<result>{xml}</result>") == (code, "words", REF)
    body = f'{{"error": "words", "error_code": {code}, "id": b17.1{json_row}}}'
    assert failure_of(body) == (code, "words", REF)


@pytest.mark.parametrize("decode", DECODERS)
def test_error_of_every_script_in_every_format(decode: Callable[[bytes], SmscRuAnswer]) -> None:
    for body in (
        b"ERROR = 2 (authorise error)",
        b"0,-2",
        b"<result><error>no</error><error_code>2</error_code></result>",
        b'{"error":"no","error_code":2}',
        "ERROR = 2 (неверный пароль)".encode("windows-1251"),
    ):
        failure = decode(body).failure
        assert failure is not None
        assert failure.code == 2


def test_the_words_of_an_error_may_come_in_the_charset_of_the_api() -> None:
    """What refuses the request itself may not heed its `charset`."""
    words = "имя отправителя запрещено"
    for body in (f"ERROR = 6 ({words}), ID - b17.1", f'{{"error":"{words}","error_code":6,"id":"b17.1"}}'):
        for charset in ("utf-8", "windows-1251"):
            assert decode_sent(body.encode(charset)).failure == (6, words, REF)


# --- nonsense --------------------------------------------------------------------------------------

NONSENSE = [
    b"",
    b"   ",
    b"\x00\xff{]]garbage\xfe",
    b"<!DOCTYPE html><html><body>Sorry</body></html>",
    b"<html><body><h1>502</h1></body></html>",
    b'<!DOCTYPE r [<!ENTITY a "aaaa">]><result><id>b17.1</id><cnt>&a;</cnt></result>',
    b"<result><id>b17.1</id>",
    b'{"id":"b17.1","cnt"',
    b'{"error":"no","error_code":0}',
    b'{"error":"no","error_code":"many"}',
    b'{"cnt":1}',
    b'"b17.1"',
    b"OK",
    b"ERROR",
    b"null",
    b"{" * 100_000,
    b"[" * 100_000,
    b"<a>" * 100_000,
]


@pytest.mark.parametrize("body", NONSENSE, ids=range(len(NONSENSE)))
@pytest.mark.parametrize("decode", DECODERS)
def test_nonsense(decode: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(ValueError):
        decode(body)


@pytest.mark.parametrize("body", [b"[]", b"[1]", b"{}", b"178.10", b"OK - x SMS, ID - b17.1", b"1,2,3,4,5"])
def test_no_answer_to_a_send_request(body: bytes) -> None:
    with pytest.raises(ValueError):
        decode_sent(body)


# --- statuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "Status = 20, check_time = 21.11.2026 13:00:00, err = 6",
        "20,1795255200,6",
        "<status><status>20</status><last_date>21.11.2026 13:00:00</last_date><err>6</err></status>",
        "<result><status>20</status><err>6</err></result>",
        '{"status":20,"last_date":"21.11.2026 13:00:00","last_timestamp":1795255200,"err":6}',
        '{"status":"20","err":"6"}',
    ],
)
def test_status_of_one_message(body: str) -> None:
    rows = decode_statuses(body.encode()).rows
    ((ref, phone, row),) = rows_about(rows, [(REF, PHONE)])
    assert (ref, phone, row.status, row.err) == (REF, PHONE, 20, 6)


@pytest.mark.parametrize(("body", "status"), [("0,1795255200,0", 0), ("1,1795255200", 1), ("-1,0,0", -1)])
def test_status_in_numbers_is_no_error(body: str, status: int) -> None:
    (row,) = decode_statuses(body.encode()).rows
    assert (row.status, row.err) == (status, 0)


LISTS = [
    "Status = 1, check_time = 21.11.2026 13:00:00, id = b17.1, phone = 79001112233\n"
    "Status = -3, check_time = , id = b18.1, phone = 79001112244\n",
    "1,1795255200,0,b17.1,79001112233\n-3,0,0,b18.1,79001112244",
    "1,1795255200,0,250010123,79168960000,250,1,Россия,МТС,,,79001112233,b17.1\n-3,0,0,79001112244,b18.1",
    "<status_list>"
    "<status><status>1</status><err>0</err><id>b17.1</id><phone>79001112233</phone></status>"
    "<status><status>-3</status><err>0</err><id>b18.1</id><phone>79001112244</phone></status></status_list>",
    '[{"status":1,"err":0,"id":"b17.1","phone":"79001112233"},'
    '{"status":-3,"err":0,"id":"b18.1","phone":79001112244}]',
    '[{"status":1,"err":0,"id":b17.1,"phone":"79001112233"},'
    '{"status":-3,"err":0,"id":b18.1,"phone":"+79001112244"}]',
]


@pytest.mark.parametrize("body", LISTS)
def test_statuses_of_several_messages(body: str) -> None:
    asked = [("b18.1", "79001112244"), ("b17.1", PHONE), ("b17.1", "79001112255"), ("b19.1", PHONE)]
    found = [
        (ref, phone, row.status) for ref, phone, row in rows_about(decode_statuses(body.encode()).rows, asked)
    ]
    assert found == [("b18.1", "79001112244", -3), ("b17.1", PHONE, 1)]


def test_one_message_in_the_form_of_a_list() -> None:
    rows = decode_statuses(b'[{"status":1,"err":0,"id":"b17.1","phone":"79001112233"}]').rows
    assert [ref for ref, _, _ in rows_about(rows, [(REF, PHONE)])] == [REF]
    assert list(rows_about(rows, [("b18.1", PHONE)])) == []  # not what was asked about


def test_an_empty_list_of_statuses() -> None:
    assert decode_statuses(b"[]") == SmscRuAnswer()


def test_number_check() -> None:
    body = '{"status":1,"err":0,"imsi":"250010123456789","mcc":250,"mnc":"1","cn":"Россия"}'
    (row,) = decode_statuses(body.encode()).rows
    assert (row.fields["imsi"], row.fields["mcc"], row.fields["cn"]) == ("250010123456789", "250", "Россия")
    (row,) = decode_statuses(b"Status = 1, check_time = 21.11.2026 13:00:00, imsi = 25001, mcc = 250").rows
    assert (row.fields["imsi"], row.fields["mcc"]) == ("25001", "250")


# --- balance, messages from phones, callbacks ------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        *(b"178.10", b"178.10\n", b'{"balance":"178.10"}', b'{"balance":178.1}'),
        *(b"<balance>178.10</balance>", b"<result><balance>178.10</balance></result>"),
    ],
)
def test_balance(body: bytes) -> None:
    assert decode_balance(body).balance == 178.1


@pytest.mark.parametrize(
    ("value", "amount"), [("-0.5", -0.5), (0, 0), ("1,4", None), ("1e9", None), (True, None)]
)
def test_money(value: object, amount: float | None) -> None:
    assert money_of(value) == amount


def test_messages_from_phones() -> None:
    (row,) = decode_list('[{"id":5,"phone":"79001112233","message":"Да, \\"конечно\\""}, 7]'.encode()).rows
    assert row == MessageRow(None, 0, {"id": "5", "phone": PHONE, "message": 'Да, "конечно"'})
    assert decode_list(b"[]").rows == ()


@pytest.mark.parametrize(
    "body",
    [
        '{"id":"b17.1","status":1,"mes":"Да < нет"}',
        "<result><id>b17.1</id><status>1</status><mes>Да &lt; нет</mes></result>",
    ],
)
def test_fields_of_a_callback(body: str) -> None:
    assert decode_fields(body) == {"id": REF, "status": "1", "mes": "Да < нет"}


@pytest.mark.parametrize("body", ["", "[]", "id=5", "<a", "{", "\ufffd\0"])
def test_no_fields_of_a_callback(body: str) -> None:
    with pytest.raises(ValueError):
        decode_fields(body)


def test_times_are_moscow_time() -> None:
    assert moment_of("21.11.2026 13:00:00") == 1_795_255_200_000
    assert moment_of("21.13.2026 13:00:00") is None
    assert moment_of("") is None
