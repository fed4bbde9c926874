"""What looks wrong in the text of a submit_sm, read as its account says."""

from typing import Any

import pytest

from smppbridge.smpp.constants import Tag
from smppbridge.smpp.gsm import encode_gsm, pack_septets
from smppbridge.smpp.tlv import tlv
from smppbridge.submission.hints import hints_for
from tests.support.builders.accounts import account
from tests.support.esme.esme import submit
from tests.unit.submission.contents import UDH

UCS2 = "Дверь открыта".encode("utf-16-be")
UTF8 = "Дверь открыта".encode()


@pytest.mark.parametrize(
    ("keys", "octets", "data_coding", "declared", "setting"),
    [
        ({"encodings": {3: "cp1251"}}, UTF8, 3, "cp1251", "encodings: {3: utf-8}"),
        ({"encodings": {0: "cp1251"}}, UTF8, 0, "cp1251", "encodings: {0: utf-8}"),
        ({"encodings": {4: "gsm"}}, UCS2, 4, "gsm", "encodings: {4: ucs2}"),
        ({"encodings": {3: "cp1251"}}, UTF8, 0, "latin-1", "default_encoding: utf-8"),
        ({}, UTF8, 0xF1, "latin-1", "encodings: {241: utf-8}"),
    ],
)
def test_a_hint_names_the_data_coding_and_the_key_that_applies(
    keys: dict[str, Any], octets: bytes, data_coding: int, declared: str, setting: str
) -> None:
    (hint,) = hints_for(account(**keys), submit(octets, data_coding=data_coding))
    assert hint.text.startswith(f"data_coding {data_coding} means {declared} here")
    assert hint.text.endswith(f"set {setting}")


@pytest.mark.parametrize("keys", [{"default_encoding": "gsm"}, {"encodings": {0: "gsm"}}])
def test_packed_septets_are_looked_at_unpacked(keys: dict[str, Any]) -> None:
    septets = encode_gsm("Door 3 opened, line 2 runs")
    assert septets is not None
    packed = submit(pack_septets(septets), data_coding=0)
    assert hints_for(account(septets="packed", **keys), packed) == ()
    (hint,) = hints_for(account(**keys), packed)
    assert hint.key == "packed"


def test_packed_septets_behind_a_header() -> None:
    septets = encode_gsm("Door 3 opened, line 2 runs")
    assert septets is not None
    octets = UDH + pack_septets(septets, len(UDH))
    owner = account(default_encoding="gsm", septets="packed")
    assert hints_for(owner, submit(octets, data_coding=0, esm_class=0x40)) == ()


def test_a_header_is_no_text() -> None:
    octets = b"\x05\0\3\x01\2\1" + "Дверь открыта".encode("cp1251")
    keys = [hint.key for hint in hints_for(account(), submit(octets, data_coding=0, esm_class=0x40))]
    assert keys == ["cp1251"]


def test_a_text_in_message_payload() -> None:
    pdu = submit(b"", data_coding=0, tlvs=(tlv(Tag.MESSAGE_PAYLOAD, UTF8),))
    assert [hint.key for hint in hints_for(account(), pdu)] == ["utf-8"]


def test_the_language_of_the_account_belongs_to_its_alphabet() -> None:
    turkish = submit(b"\x1bSehir, \x1bSehir, \x1bSehir", data_coding=0)
    assert hints_for(account(default_encoding="gsm", gsm_language="turkish"), turkish) == ()
    (hint,) = hints_for(account(default_encoding="gsm"), turkish)
    assert hint.key == "gsm-language"


def test_only_gsm_is_unpacked() -> None:
    owner = account(encodings={1: "gsm"}, septets="packed")
    (hint,) = hints_for(owner, submit("Дверь открыта".encode("cp1251"), data_coding=0))
    assert hint.key == "cp1251"


def test_what_is_right_is_no_mistake() -> None:
    assert hints_for(account(), submit("Door 3 opened")) == ()
