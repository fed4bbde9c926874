"""The operator hears of each likely mistake of an account once."""

import logging
from typing import Any

import pytest

from smppbridge.flow.accept.hints import CodingHints
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.gsm import encode_gsm, pack_septets
from smppbridge.smpp.tlv import tlv
from smppbridge.submission.hints import hints_for
from tests.support.builders.accounts import account
from tests.support.esme.esme import submit

UCS2 = "Дверь открыта".encode("utf-16-be")
UTF8 = "Дверь открыта".encode()


class Ears:
    """An adviser with a clock that stands still, and what it has said."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.WARNING)
        self._caplog = caplog
        self.now = 0.0
        self.adviser = CodingHints(lambda: self.now)

    @property
    def said(self) -> list[tuple[str, str]]:
        """(account, hint) of each line."""
        fields = [vars(record).get("fields", {}) for record in self._caplog.records]
        return [(str(one["account"]), str(one["hint"])) for one in fields]


@pytest.fixture
def ears(caplog: pytest.LogCaptureFixture) -> Ears:
    return Ears(caplog)


def test_a_mistake_is_told_once(ears: Ears) -> None:
    for ears.now in range(5):
        ears.adviser.look(account := ACCOUNT, submit(UCS2, data_coding=0))
    [(name, hint)] = ears.said
    assert name == account.name
    assert "UCS-2" in hint


ACCOUNT = account()


def test_each_mistake_of_each_account(ears: Ears) -> None:
    other = account(name="alarm")
    for one in (ACCOUNT, other, ACCOUNT, other):
        for octets in (UCS2, UTF8):
            ears.now += 2
            ears.adviser.look(one, submit(octets, data_coding=0))
    assert [name for name, _ in ears.said] == ["pbx", "pbx", "alarm", "alarm"]


def test_a_closer_look_once_a_second_at_most(ears: Ears) -> None:
    ears.adviser.look(ACCOUNT, submit(UTF8, data_coding=0))
    ears.adviser.look(ACCOUNT, submit(UCS2, data_coding=0))
    assert len(ears.said) == 1
    ears.now = 1.0
    ears.adviser.look(ACCOUNT, submit(UCS2, data_coding=0))
    assert len(ears.said) == 2


def test_after_a_reload_it_is_told_again(ears: Ears) -> None:
    ears.adviser.look(ACCOUNT, submit(UTF8, data_coding=0))
    ears.now = 2.0
    ears.adviser.look(account(), submit(UTF8, data_coding=0))
    assert len(ears.said) == 2


def test_a_text_in_message_payload(ears: Ears) -> None:
    ears.adviser.look(ACCOUNT, submit(b"", data_coding=0, tlvs=(tlv(Tag.MESSAGE_PAYLOAD, UCS2),)))
    assert len(ears.said) == 1


def test_what_the_account_says_is_no_mistake(ears: Ears) -> None:
    ears.adviser.look(account(default_encoding="utf-8"), submit(UTF8, data_coding=0))
    ears.now = 2.0
    ears.adviser.look(account(encodings={3: "utf-8"}), submit(UTF8, data_coding=3))
    ears.now = 4.0
    ears.adviser.look(ACCOUNT, submit("Door 3 opened"))
    assert ears.said == []


def test_no_text_is_repeated(ears: Ears, caplog: pytest.LogCaptureFixture) -> None:
    ears.adviser.look(ACCOUNT, submit(UTF8, data_coding=0))
    assert "Дверь" not in caplog.text


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
