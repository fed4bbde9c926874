"""The operator hears of each likely mistake of an account once."""

import logging

import pytest

from smppbridge.flow.accept.hints import CodingHints
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.tlv import tlv
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
