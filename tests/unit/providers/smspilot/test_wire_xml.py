"""API-2 in XML: what is asked, and what an answer means however it is printed."""

import contextlib
import time
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.model.message import Particulars
from smppbridge.providers.smspilot.records import Item, Packet, PacketLine, PhoneMessage, PilotFailure
from smppbridge.providers.smspilot.wire_xml import XmlWire, decode

TOLD = Particulars(1_290_000, "RUB", 1, "operator=TELE2 country=RU", "Ozon")
REFUSED = Particulars(sender="INFORM")
WIRE = XmlWire("KEY&1")


def sent(packet: Packet) -> ET.Element:
    question = WIRE.encode_send(packet)
    assert question.path == "/api2.php"
    assert question.content_type == "text/xml; charset=utf-8"
    assert question.content.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    return ET.fromstring(question.content)


def test_packet() -> None:
    root = sent(
        Packet((PacketLine(1, "79000000001", "Привет"), PacketLine(2, "79001", "x", ttl=20)), sender="Ozon")
    )
    assert (root.tag, root.attrib) == ("send", {"apikey": "KEY&1", "from": "Ozon"})
    assert [(child.tag, child.attrib, child.text) for child in root] == [
        ("sms", {"id": "1", "to": "79000000001"}, "Привет"),
        ("sms", {"id": "2", "to": "79001", "ttl": "20"}, "x"),
    ]


def test_packet_of_a_number_check() -> None:
    packet = Packet(
        (PacketLine(1, "79001"),), text="HLR", send_at=1_428_397_800, callback="https://a/?b&c", test=True
    )
    root = sent(packet)
    assert root.attrib == {
        "apikey": "KEY&1",
        "text": "HLR",
        "send_datetime": "1428397800",
        "callback": "https://a/?b&c",
        "callback_method": "post",
        "test": "1",
    }
    assert [(child.attrib, child.text) for child in root] == [({"id": "1", "to": "79001"}, None)]


def round_trip(text: str) -> str:
    (child,) = sent(Packet((PacketLine(1, "79001", text),)))
    return child.text or ""


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1))
def test_any_text_arrives_exactly(text: str) -> None:
    assert round_trip(text) == text


@pytest.mark.parametrize("text", ["a\r\nb\rc\td\n", "  a  ", "]]>", "&amp;<b>\"'", "<!DOCTYPE x>"])
def test_awkward_text_arrives_exactly(text: str) -> None:
    assert round_trip(text) == text


@pytest.mark.parametrize("text", ["H\x01LR", "HLR\0", "\ufffeHLR", "PI\ud800NG"])
def test_what_xml_cannot_carry_is_replaced_and_makes_no_number_check(text: str) -> None:
    assert sorted(round_trip(text)) == sorted(text.translate(dict.fromkeys([0, 1, 0xFFFE, 0xD800], "?")))


def test_questions() -> None:
    asked = [
        WIRE.encode_check(["10", "11"]),
        WIRE.encode_check_packet("77"),
        WIRE.encode_balance(),
        WIRE.encode_inbound("new"),
    ]
    roots = [ET.fromstring(question.content) for question in asked]
    key = {"apikey": "KEY&1"}
    assert [(root.tag, root.attrib) for root in roots] == [
        ("check", key),
        ("check", {**key, "server_packet_id": "77"}),
        ("balance", {**key, "return": "rur"}),
        ("inbound", {**key, "since": "new"}),
    ]
    assert [child.attrib for child in roots[0]] == [{"server_id": "10"}, {"server_id": "11"}]


SEND = """<?xml version="1.0" encoding="utf-8"?>
<send server_packet_id="1234" balance="10000.00" cost="3.79">
  <sms id="1" server_id="10005" from="Ozon" to="79087964781" parts="1" price="1.29" status="0" error="0"
   send_datetime="" country="RU" operator="TELE2" ttl="0">скидка
10%</sms>
  <sms id="3" server_id="0" from="INFORM" to="79999999999" price="0" parts="0" status="-2" error="212"
   "error_en"="Phone in black list" "error_ru"="Телефон в a=b" send_datetime="" ttl="0">&quot;x&quot;!</sms>
</send>"""

CHECK = """<?xml version="1.0" encoding="utf-8"?>
<check apikey="XYZ">
<sms id="0" server_id="10005" phone="79087964781" status=1 created="2020-10-09 14:35:00" modified="x" />
<sms id="0" server_id="10006" phone="79087964781" status=-1 error=601 error_en="Undeliverable"/>
</check>"""


def test_answer_as_printed_with_names_in_quotes() -> None:
    answer = decode(SEND.encode())
    assert (answer.failure, answer.packet, answer.balance) == (None, "1234", 10000.0)
    assert answer.items == (
        Item(1, "10005", "79087964781", 0, 0, "", told=TOLD),
        Item(3, "", "79999999999", -2, 212, "Phone in black list", words_ru="Телефон в a=b", told=REFUSED),
    )


def test_check_answer_as_printed_without_quotes() -> None:
    assert decode(CHECK.encode()).items == (
        Item(None, "10005", "79087964781", 1, 0, "", created=1_602_254_100_000),
        Item(None, "10006", "79087964781", -1, 601, "Undeliverable"),
    )


def test_messages_from_phones() -> None:
    body = """<inbound>
      <sms id="273500" phone="79835271808" num="79581000255" created="2021-10-14 10:14:06">3 &lt; 4</sms>
      <sms id="273499" phone="79087964781" num="79533984570" created="2021-10-14 10:12" seen="1"/>
      <sms phone="79087964781">x</sms></inbound>"""
    assert decode(body.encode()).arrivals == (
        PhoneMessage("273500", "79835271808", "79581000255", "3 < 4", 1_634_206_446_000),
        PhoneMessage("273499", "79087964781", "79533984570", "", 1_634_206_320_000),
    )


def test_balance_and_empty_lists() -> None:
    assert decode(b"<balance>405.60</balance>").balance == 405.6
    assert decode(b"<check></check>").items == ()
    assert decode(b"<inbound/>").arrivals == ()


def test_messages_of_a_test_are_asked_about_in_a_test() -> None:
    wire = XmlWire("KEY", test=True)
    for question in (wire.encode_check(["5"]), wire.encode_check_packet("7")):
        assert ET.fromstring(question.content).get("test") == "1"


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("<error><code>241</code><description>You don't</description></error>", (241, "You don't")),
        (
            '\ufeff<?xml version="1.0" encoding="windows-1251"?>\n<error><code> 106 </code>'
            "<description>User is blocked</description><status>-2</status>"
            "<status_ru>Отключен</status_ru></error>",
            (106, "User is blocked, Отключен", -2),
        ),
    ],
)  # fmt: skip
def test_error_envelope(body: str, failure: tuple[Any, ...]) -> None:
    assert decode(body.encode()).failure == PilotFailure(*failure)


@pytest.mark.parametrize(
    "body",
    [
        *("", "x", "{}", "<send>", "<send><sms></send>", "<cost>1</cost>", "<html/>"),
        *("<balance/>", "<balance>much</balance>"),
        *("<error/>", "<error><code>x</code></error>", "<error><code>0</code></error>", "<send/><send/>"),
        "<!DOCTYPE html><html><body>Sorry</body></html>",
        '<!DOCTYPE send [<!ENTITY a "b">]><send/>',
        '<!doctype send SYSTEM "file:///etc/passwd"><send/>',
        '<send><![CDATA[<!ENTITY]]></send>',
        "<send>&a;</send>",
    ],
)  # fmt: skip
def test_no_answer_of_theirs(body: str) -> None:
    with pytest.raises(ValueError):
        decode(body.encode())


def test_a_thousand_messages_are_an_answer_but_no_twenty_thousand_tags() -> None:
    row = '<sms server_id="5" status="1">x</sms>'
    assert len(decode(f"<check>{row * 1000}</check>".encode()).items) == 1000
    with pytest.raises(ValueError):
        decode(f"<check>{row * 10_000}</check>".encode())


def test_entities_in_another_encoding_are_not_expanded() -> None:
    bomb = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE s [<!ENTITY a "aaaa">]><send>&a;</send>'
    with pytest.raises(ValueError):
        decode(bomb.encode("utf-16"))


@pytest.mark.parametrize(
    "piece", ["<sms ", '<sms a="', " a", "<", '"', " a= ", "<sms a=1 ", "<a>", "\0", "<sms " + "\t" * 50]
)
def test_hostile_answers_do_not_take_long(piece: str) -> None:
    body = ("<send>" + piece * (1_000_000 // len(piece))).encode()
    began = time.process_time()
    with pytest.raises(ValueError):
        decode(body)
    assert time.process_time() - began < 5


@given(st.binary() | st.text("<>=\"' /ab1&;![]sm-").map(str.encode))
def test_any_octets_are_an_answer_or_a_value_error(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode(body)


@pytest.mark.parametrize("packet", ["0", "-5", "five", "\ud800", "9" * 21, "9" * 1_000_000, ""])
def test_a_packet_without_a_proper_id_has_none(packet: str) -> None:
    text = f'<send server_packet_id="{packet}"><sms id="1" server_id="5" status="0" /></send>'
    found = decode(text.encode("utf-8", "replace"))
    assert (found.packet, [item.ref for item in found.items]) == ("", ["5"])
