"""A message that a person names, written as the equipment of its account would write it."""

from typing import Any

import pytest

from smppbridge.commands.explain.sources import Fields, from_fields
from smppbridge.commands.explain.writing import kind_of_recipient, kind_of_sender
from smppbridge.model.account import Account
from tests.unit.commands.explain.told import account, config, told_of


async def explained(text: str, data_coding: int | None = None, **keys: Any) -> dict[str, Any]:
    """What is told about ``text``; ``keys`` are of the account."""
    settings = config(**account(**keys))
    fields = Fields("375291234567", "ALARM", text, b"", data_coding, settings.accounts["pbx"])
    (one,) = (await told_of(lambda: from_fields(fields), settings)).pdus
    return one


@pytest.mark.parametrize(
    ("text", "keys", "data_coding"),
    [
        ("Door", {}, 0),
        ("Door", {"default_encoding": "gsm"}, 0),
        ("Price {5} €", {"default_encoding": "gsm", "septets": "packed"}, 0),
        ("Ğğ Şş ıİ", {"default_encoding": "gsm", "gsm_language": "turkish"}, 0),
        ("Дверь", {}, 8),
        ("Дверь", {"default_encoding": "cp1251"}, 0),
        ("Дверь", {"encodings": {3: "cp1251"}}, 8),
        ("Дверь", {"encodings": {8: "ucs2-le"}}, 8),
        ("Дверь", {"encodings": {8: "latin-1", 5: "koi8-r"}}, 5),
        ("Дверь", {"default_encoding": "gsm", "encodings": {0: "utf-8"}}, 0),
        ("Çà", {"default_encoding": "ascii"}, 3),
        ("Çà", {"default_encoding": "ascii", "encodings": {3: "cp1251"}}, 8),
        ("Áà", {"default_encoding": "gsm"}, 3),
    ],
)
async def test_a_coding_that_the_account_reads_rightly(
    text: str, keys: dict[str, Any], data_coding: int
) -> None:
    one = await explained(text, **keys)
    assert one["parameters"]["data_coding"]["value"] == f"0x{data_coding:02X}"
    assert one["message"]["text"] == text


@pytest.mark.parametrize(
    ("text", "data_coding", "keys"),
    [
        ("Price [5] €", 0x10, {"default_encoding": "gsm"}),
        ("Price [5] €", 0xF1, {"default_encoding": "gsm", "septets": "packed"}),
        ("Дверь", 0xF1, {"default_encoding": "cp1251"}),
        ("Дверь", 0x18, {}),
        ("Дверь", 3, {"encodings": {3: "cp1251"}}),
        ("Дверь", 4, {"encodings": {4: "utf-8"}}),
        ("Дверь", 6, {}),
        ("hello", 0, {"encodings": {0: "gsm"}, "septets": "packed"}),
        ("hello", 5, {"encodings": {5: "gsm"}, "septets": "packed"}),
    ],
)
async def test_the_coding_that_is_given(text: str, data_coding: int, keys: dict[str, Any]) -> None:
    one = await explained(text, data_coding, **keys)
    assert one["parameters"]["data_coding"]["value"] == f"0x{data_coding:02X}"
    assert one["message"]["text"] == text


@pytest.mark.parametrize(
    ("text", "data_coding", "keys", "words"),
    [
        ("Door Ї", 0, {"default_encoding": "gsm"}, "data_coding 0x00 is gsm to this account.*'Ї' U\\+0407"),
        ("Дверь ї 😀", 3, {"encodings": {3: "cp1251"}}, "0x03 is cp1251 to this account.*U\\+1F600"),
        ("Дверь", 0xF1, {}, "0xF1 is latin-1 to this account.*'Д' U\\+0414"),
        ("Door", 4, {}, "0x04 is binary data to this account.*octets"),
        ("Door", 5, {}, "0x05 is no text to this account"),
        ("Door\ud83d", 8, {}, "0x08 is ucs2 to this account.*U\\+D83D"),
        ("Door\ud83d", None, {}, "no data_coding.*U\\+D83D"),
    ],
)
def test_a_coding_that_does_not_do(
    text: str, data_coding: int | None, keys: dict[str, Any], words: str
) -> None:
    owner = Account.model_validate({"name": "pbx", "password": "12345678", **keys})
    fields = Fields("1", text=text, data_coding=data_coding, account=owner)
    with pytest.raises(ValueError, match=words):
        fields.submit()


@pytest.mark.parametrize(
    ("address", "ton"),
    [
        ("375291234567", 0),
        ("8 (029) 123-45-67", 0),
        ("89021234567", 0),
        ("48501234567", 0),
        ("00375291234567", 0),
        ("+375 29 1234567", 1),
        ("G777", 0),
        ("Bank", 0),
        ("1234", 0),
        ("", 0),
        ("+", 1),
        ("375 (29) 111-22-33", 0),
    ],
)
def test_type_of_a_recipient(address: str, ton: int) -> None:
    assert kind_of_recipient(address) == (ton, 1)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("", (0, 0)),
        ("+", (5, 0)),
        ("ALARM", (5, 0)),
        ("3312", (0, 1)),
        ("375291112233", (0, 1)),
        ("80291112233", (0, 1)),
        ("+375291234567", (1, 1)),
        ("375 (29) 111-22-33", (0, 1)),
    ],
)
def test_type_of_a_sender(address: str, kind: tuple[int, int]) -> None:
    assert kind_of_sender(address) == kind
