"""How a batch becomes packets, and what stands in one."""

import pytest

from smppbridge.model.message import Message
from smppbridge.providers.smspilot.records import Item, Packet, PacketLine
from smppbridge.providers.smspilot.split import Splitter, minutes, pair_by_number, planned
from tests.support.builders.messages import NOW, message

API2 = Splitter("Main", same_text=False, largest=1000)
API1 = Splitter("Main", same_text=True, largest=300)
V = Splitter("Main", same_text=True, largest=1)
HOUR = 3_600_000


def numbers(packets: list[list[Message]]) -> list[list[int]]:
    return [[message.id for message in packet] for packet in packets]


MIXED = [
    message(1, sender="One", text="a"),
    message(2, sender="", text="a"),
    message(3, sender="Main", text="b"),
    message(4, sender="One", text="b"),
    message(5, sender="One", text="a", send_at=NOW + HOUR),
    message(6, sender="Two", text="", service_type="HLR"),
    message(7, sender="One", text="x", service_type="HLR"),
    message(8, sender="One", text="a", service_type="CALL"),
    message(9, sender="Two", text="a", service_type="CALL"),
    message(10, text="1234", service_type="FLSHC"),
    message(11, text="1234", service_type="FLSHC"),
    message(12, sender="One", text="a"),
]


def test_api2_packets_share_sender_time_and_service() -> None:
    packets = API2.split(MIXED, NOW)
    assert numbers(packets) == [[1, 4, 12], [2, 3], [5], [6, 7], [8, 9], [10], [11]]


def test_api1_packets_share_the_text_too() -> None:
    packets = API1.split(MIXED, NOW)
    assert numbers(packets) == [[1, 12], [2], [3], [4], [5], [6, 7], [8, 9], [10], [11]]


def test_api1_packets_share_the_ttl_in_minutes() -> None:
    left = [600_000, 599_999, 540_001, 540_000, 600_001]
    messages = [message(n, text="a", deadline=NOW + ms) for n, ms in enumerate(left)]
    assert numbers(API1.split(messages, NOW)) == [[0, 1, 2], [3], [4]]


def test_v_sells_one_by_one() -> None:
    messages = [message(n, text="a") for n in (1, 2)]
    assert numbers(V.split(messages, NOW)) == [[1], [2]]


def test_api1_takes_300_recipients_at_most() -> None:
    messages = [message(n, text="a") for n in range(650)]
    assert [len(packet) for packet in API1.split(messages, NOW)] == [300, 300, 50]


@pytest.mark.parametrize("splitter", [API2, API1])
def test_a_recipient_stands_once_in_a_packet(splitter: Splitter) -> None:
    messages = [
        message(n, recipient="79001112233" if n in (1, 2, 4) else "79004445566", text="a") for n in range(5)
    ]
    assert numbers(splitter.split(messages, NOW)) == [[0, 1], [2, 3], [4]]


def test_packet_of_texts() -> None:
    messages = [message(1, sender="", text="a"), message(2, sender="Main", text="b", deadline=NOW + 90_001)]
    assert API2.packet(messages, NOW) == Packet(
        (PacketLine(1, "79000000001", "a"), PacketLine(2, "79000000002", "b", 2)), sender="Main"
    )


def test_packet_of_one_text() -> None:
    messages = [message(n, sender="One", text="a", deadline=NOW + 60_000) for n in (1, 2)]
    assert API1.packet(messages, NOW) == Packet(
        (PacketLine(1, "79000000001", ttl=1), PacketLine(2, "79000000002", ttl=1)), sender="One", text="a"
    )


@pytest.mark.parametrize(
    ("service", "text", "sender", "packet_text", "ttl"),
    [
        ("HLR", "", "", "HLR", 0),
        ("PING", "whatever", "", "PING", 0),
        ("HLRV", "", "", "HLRVIP", 0),
        ("CALL", "Ждём вас", "GOLOS", "", 10),
        ("2WAY", "Да?", "2WAY", "", 10),
    ],
)
def test_services_over_api2(service: str, text: str, sender: str, packet_text: str, ttl: int) -> None:
    sold = message(1, text=text, service_type=service, deadline=NOW + 600_000)
    line_text = "" if packet_text else text
    expected = Packet((PacketLine(1, "79000000001", line_text, ttl),), sender=sender, text=packet_text)
    assert API2.packet([sold], NOW) == expected
    assert API1.packet([sold], NOW) == Packet(
        (PacketLine(1, "79000000001", "", ttl),), sender, packet_text or text
    )


def test_code_as_number_of_a_call() -> None:
    sold = message(1, text="1234", service_type="FLSHC")
    assert API1.packet([sold], NOW) == Packet((PacketLine(1, "79000000001"),), "FLASHCALL", "1234")


@pytest.mark.parametrize(
    ("send_at", "seconds"),
    [
        (0, 0),
        (NOW - 1, 0),
        (NOW + 59_999, 0),
        (NOW + 60_000, NOW // 1000 + 60),
        (NOW + 60_001, NOW // 1000 + 61),
    ],
)
def test_only_what_is_a_minute_ahead_is_planned(send_at: int, seconds: int) -> None:
    assert planned(message(1, send_at=send_at), NOW) == seconds


@pytest.mark.parametrize(
    ("left", "ttl"),
    [
        (86_400_000, 0),  # the whole day: smspilot's own limit
        (3 * 86_400_000, 0),
        (86_340_001, 0),
        (86_340_000, 1439),
        (90_001, 2),
        (60_000, 1),
        (60_001, 2),
        (1, 1),
        (0, 1),
        (-5_000, 1),
    ],
)
def test_ttl_in_minutes_rounded_up(left: int, ttl: int) -> None:
    assert minutes(message(1, deadline=NOW + left), NOW) == ttl
    later = message(1, send_at=NOW + HOUR, deadline=NOW + HOUR + left)
    assert minutes(later, NOW) == ttl


def item(phone: str, ref: str) -> Item:
    return Item(None, ref, phone, 0, 0, "")


def test_by_number_in_any_order() -> None:
    first, second, third = (message(n) for n in (1, 2, 3))
    items = [item(second.recipient, "12"), item("79999999999", "13"), item(first.recipient, "11")]
    paired = pair_by_number([first, second, third], items)
    assert {number: found.ref for number, found in paired.items()} == {1: "11", 2: "12"}


def test_a_number_that_is_answered_twice_is_nobodys() -> None:
    first, second = message(1), message(2)
    items = [item(first.recipient, "11"), item(first.recipient, "12"), item(second.recipient, "13")]
    assert set(pair_by_number([first, second], items)) == {2}


def test_a_bare_id_belongs_to_a_single_message() -> None:
    assert pair_by_number([message(1)], [item("", "11")])[1].ref == "11"
    assert not pair_by_number([message(1), message(2)], [item("", "11")])
    assert not pair_by_number([message(1)], [item("79999999999", "11")])
