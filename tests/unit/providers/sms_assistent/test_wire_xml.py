"""sms-assistent's XML: what is written is well-formed whatever it says, and hostile answers are harmless."""

import time
from xml.etree import ElementTree

import pytest

from smppbridge.providers.sms_assistent.records import AssistAnswer, Login, SentRow, StatusRow
from smppbridge.providers.sms_assistent.wire_xml import decode, encode
from tests.support.builders.messages import NOW, message

LOGIN = Login("us<er", "p&\"w'\n")
HEAD = '<?xml version="1.0" encoding="utf-8" ?>\n'
BOMB = (
    '<!DOCTYPE package [<!ENTITY a "xxxxxxxxxx">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><package><error>&i;</error></package>"
)


def test_package() -> None:
    messages = [
        message(1, recipient="375296717259", sender="A&B<\"'>", text="Привет", deadline=NOW + 600_000),
        message(2, recipient="375296717260", sender="", text="x", deadline=NOW + 48 * 3_600_000),
    ]
    body = encode(LOGIN, messages, ["11", "12"], default_sender="", date="202612250159", now=NOW)
    assert body.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    root = ElementTree.fromstring(body)
    assert (root.tag, root.attrib) == (
        "package",
        {"login": "us<er", "password": "p&\"w'\n", "date_send": "202612250159"},
    )
    assert [part.tag for part in root] == ["message", "status"]
    assert [(row.tag, row.attrib, row.text) for row in root[0]] == [
        (
            "msg",
            {"recipient": "375296717259", "sender": "A&B<\"'>", "validity_period": "600"},
            "Привет",
        ),
        ("msg", {"recipient": "375296717260", "validity_period": "172800"}, "x"),
    ]
    assert [(row.tag, row.attrib) for row in root[1]] == [
        ("msg", {"sms_id": "11"}),
        ("msg", {"sms_id": "12"}),
    ]


def test_only_messages_or_only_questions() -> None:
    sending = ElementTree.fromstring(encode(LOGIN, [message(1)], now=NOW, default_sender="CMC"))
    asking = ElementTree.fromstring(encode(LOGIN, (), ["1"]))
    assert [[part.tag for part in root] for root in (sending, asking)] == [["message"], ["status"]]
    assert "date_send" not in sending.attrib
    assert sending[0][0].get("sender") == "Demo"


@pytest.mark.parametrize(
    ("text", "arrives"),
    [
        ("<b>&amp;]]></b>", "<b>&amp;]]></b>"),
        ("one\r\ntwo\tthree\rfour", "one\r\ntwo\tthree\rfour"),
        ("a\x00b\x08c\x0bd\x1fe\x7f", "abcde\x7f"),
        ("\ufffe\uffffend", "end"),
        ("half \ud83d of it", "half  of it"),
        ("🙂\ue000\ufffd", "🙂\ue000\ufffd"),
        ('</msg><msg recipient="1">', '</msg><msg recipient="1">'),
    ],
)
def test_text(text: str, arrives: str) -> None:
    root = ElementTree.fromstring(encode(LOGIN, [message(1, text=text)], now=NOW))
    assert len(root[0]) == 1
    assert root[0][0].text == arrives


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (
            '<package><message><msg sms_id="0" sms_count="1">-5</msg><msg sms_id="1234568" sms_count="1"/>'
            "</message></package>",
            AssistAnswer(0, (SentRow("", 1, -5, ""), SentRow("1234568", 1, 0, ""))),
        ),
        (
            '<package>\n<message>\n <msg sms_id="7" sms_count="0" recipient="+29781977" x="y">\n</msg>\n'
            '<msg sms_id="0" error_code="-4"/><msg/><msg sms_id="8">no</msg></message>\n</package>',
            AssistAnswer(
                0,
                (
                    SentRow("7", 0, 0, "29781977"),
                    SentRow("", None, -4, ""),
                    SentRow("", None, 0, ""),
                    SentRow("8", None, None, ""),
                ),
            ),
        ),
        ("<package><error>-2</error></package>", AssistAnswer(-2)),
        ("<package><error> -13\n</error><x/></package>", AssistAnswer(-13)),
        (
            '<package><status><msg sms_id="1234568" sms_count="1">Delivered</msg>'
            '<msg sms_id="2" status="Sent"/><msg sms_id="3">-11</msg><msg sms_id="4"/></status></package>',
            AssistAnswer(
                0,
                (),
                (
                    StatusRow("1234568", "Delivered"),
                    StatusRow("2", "Sent"),
                    StatusRow("3", "", -11),
                    StatusRow("4", ""),
                ),
            ),
        ),
        (
            '<package><message><msg sms_id="1"/></message>'
            '<status><msg sms_id="2">Sent</msg></status></package>',
            AssistAnswer(0, (SentRow("1", None, 0, ""),), (StatusRow("2", "Sent"),)),
        ),
        ("<package><message/></package>", AssistAnswer()),
    ],
)
def test_answer(body: str, answer: AssistAnswer) -> None:
    assert decode((HEAD + body).encode()) == answer
    assert decode(f"\ufeff{body}".encode()) == answer
    windows = body.encode()  # our octets are UTF-8, whatever the document says of itself
    assert decode(b'<?xml version="1.0" encoding="windows-1251"?>' + windows) == answer


@pytest.mark.parametrize(
    "body",
    [
        *("", "x", "<package>", "<package/>", "<other><error>-2</error></other>", '{"error": -2}'),
        *("<package><error/></package>", "<package><error>0</error></package>", "<html><body></html>"),
        *("<package><error>5</error></package>", "<package><error>no</error></package>"),
        '<!DOCTYPE package SYSTEM "file:///etc/passwd"><package><error>-2</error></package>',
        "<!doctype package><package><error>-2</error></package>",
        '<package><!ENTITY a "b"><error>-2</error></package>',
        f"<package><message>{'<msg/>' * 10_001}</message></package>",
        "<a>" * 200_000,
    ],
)
def test_not_an_answer(body: str) -> None:
    with pytest.raises(ValueError):
        decode(body.encode())


def test_octets_that_are_not_utf_8() -> None:
    for codec in ("utf-16", "cp1251"):
        with pytest.raises(ValueError):
            decode("<package><error>-2</error>Я</package>".encode(codec))


def test_the_encoding_is_not_for_the_document_to_choose() -> None:
    document = (
        '<?xml version="1.0" encoding="windows-1251"?><package><status><msg>Да</msg></status></package>'
    )
    assert decode(document.encode()).statuses == (StatusRow("", "Да"),)


def test_entities_are_not_expanded() -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match="document type"):
        decode(BOMB.encode())
    assert time.process_time() - began < 1
