"""What a phone says is written as the account would have written it: read back, it is the same text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.flow.deliver.inbound_text import write
from smppbridge.model.account import Account
from smppbridge.smpp.concat import read_header
from smppbridge.smpp.gsm import LANGUAGES, encode_gsm
from smppbridge.smpp.text import ENCODINGS
from smppbridge.submission.content import content_of, joined_text
from tests.support.builders.accounts import account
from tests.support.esme.esme import submit

LETTERS = "abc XYZ 019 @@@\r\n[]{}€é§ДжьЎії€ΔÇğışשלא漢字😀_$"
TEXTS = st.text(st.sampled_from(LETTERS), min_size=1, max_size=30) | st.text(min_size=1).filter(
    lambda text: "\ufeff" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
)
OF_GSM_TEXTS = st.text(st.sampled_from("ab @\r[€Δğışçã"), min_size=1, max_size=20)
LONG_TEXTS = st.builds(lambda text, times: text * times, TEXTS | OF_GSM_TEXTS, st.integers(1, 40))
OF_8 = st.sampled_from(["ucs2", "ucs2-le", "utf-8"])  # what has every character
NAMES = st.sampled_from(sorted(ENCODINGS))
SETTINGS = st.fixed_dictionaries(
    {"default_encoding": NAMES},
    optional={"encodings": st.fixed_dictionaries({}, optional={0: NAMES, 3: NAMES, 8: OF_8})},
)
OF_GSM = st.fixed_dictionaries(
    {
        "default_encoding": st.just("gsm"),
        "septets": st.sampled_from(["packed", "unpacked"]),
        "gsm_language": st.sampled_from([None, "turkish", "turkish", "portuguese", *LANGUAGES]),
    },
    optional={"encodings": st.fixed_dictionaries({}, optional={3: NAMES, 8: OF_8})},
)


def read(owner: Account, data_coding: int, parts: list[bytes]) -> str:
    """What the account itself would have said with these octets."""
    if len(parts) == 1:
        return content_of(owner, submit(parts[0], data_coding=data_coding), "").text
    pieces = []
    for number, part in enumerate(parts, 1):
        one = content_of(owner, submit(part, data_coding=data_coding, esm_class=0x40), "")
        assert one.concat is not None
        assert one.octets is not None
        assert (one.concat.reference, one.concat.total, one.concat.number) == (7, len(parts), number)
        pieces.append(one.octets)
    return joined_text(owner, data_coding, pieces)


@given(SETTINGS | OF_GSM, LONG_TEXTS)
def test_the_account_reads_the_same_text(keys: dict[str, Any], text: str) -> None:
    owner = account(**keys)
    written = write(owner, text, 7)
    assert read(owner, written.data_coding, written.parts) == text
    assert all(len(part) <= 160 for part in written.parts)


@pytest.mark.parametrize(
    ("keys", "text", "data_coding", "octets"),
    [
        ({}, "café", 0, b"caf\xe9"),
        ({}, "", 0, b""),
        ({}, "a\0b\r\n", 0, b"a\0b\r\n"),
        ({}, "Да", 8, b"\x04\x14\x04\x30"),
        ({}, "😀", 8, "😀".encode("utf-16-be")),
        ({"default_encoding": "ucs2"}, "Да", 0, b"\x04\x14\x04\x30"),
        ({"default_encoding": "ascii"}, "café", 8, "café".encode("utf-16-be")),
        ({"default_encoding": "utf-8"}, "Да", 0, "Да".encode()),
        ({"default_encoding": "gsm"}, "5 € {yes}", 0, b"5 \x1be \x1b(yes\x1b)"),
        ({"default_encoding": "gsm"}, "5 € {да}", 8, "5 € {да}".encode("utf-16-be")),
        ({"encodings": {0: "cp1251"}}, "Да", 0, b"\xc4\xe0"),
        ({"encodings": {8: "ucs2-le"}}, "Да", 8, b"\x14\x04\x30\x04"),
        ({"encodings": {8: "utf-8"}}, "Да", 8, "Да".encode()),
        ({"encodings": {8: "cp1251"}}, "Да", 8, b"\xc4\xe0"),
        ({"encodings": {8: "cp1251"}}, "漢", 8, b"\x6f\x22"),  # nothing of its own has it
        ({"default_encoding": "ucs2-le"}, "Да", 0, b"\x14\x04\x30\x04"),
        (
            {"default_encoding": "gsm", "septets": "packed"},
            "hellohello",
            0,
            bytes.fromhex("e8329bfd4697d9ec37"),
        ),
        ({"default_encoding": "gsm", "septets": "packed"}, "abcdefg@", 8, "abcdefg@".encode("utf-16-be")),
        ({"default_encoding": "gsm", "gsm_language": "turkish"}, "ğ", 0, encode_gsm("ğ", 0, 1)),
    ],
)
def test_how_a_text_is_written(keys: dict[str, Any], text: str, data_coding: int, octets: bytes) -> None:
    assert write(account(**keys), text, 7) == (data_coding, [octets])


@pytest.mark.parametrize(
    ("keys", "text", "sizes"),
    [
        ({}, "x" * 140, [140]),
        ({}, "x" * 141, [140, 13]),
        ({}, "0123456789" * 40, [140, 140, 138]),
        ({}, "ж" * 66 + "😀" + "Д" * 67, [138, 140, 10]),
        ({"default_encoding": "utf-8"}, "Дверь " * 20, [140, 92]),
        ({"default_encoding": "utf-8"}, "x" * 161, [140, 33]),
        ({"default_encoding": "gsm"}, "x" * 161, [159, 14]),
        ({"default_encoding": "gsm"}, "x" * 152 + "€" + "y" * 20, [158, 28]),
        ({"default_encoding": "gsm", "septets": "packed"}, "x" * 160, [140]),
        ({"default_encoding": "gsm", "septets": "packed"}, "x" * 161, [140, 14]),
        ({"default_encoding": "utf-8"}, "Ж" * 70, [140]),
        ({"default_encoding": "utf-8"}, "x" + "Ж" * 70, [139, 14]),
        ({"default_encoding": "ucs2"}, "x" * 66 + "😀" + "x" * 10, [138, 30]),
        ({"default_encoding": "ucs2-le"}, "x" * 66 + "😀" + "x" * 10, [138, 30]),
    ],
)
def test_where_a_text_is_cut(keys: dict[str, Any], text: str, sizes: list[int]) -> None:
    owner = account(**keys)
    written = write(owner, text, 7)
    assert [len(part) for part in written.parts] == sizes
    assert read(owner, written.data_coding, written.parts) == text


@pytest.mark.parametrize("name", ["ucs2", "ucs2-le", "utf-8"])
def test_each_part_can_be_read_alone(name: str) -> None:
    """Some equipment shows the parts as they come."""
    text = "a" + "😀Ж" * 100
    parts = []
    for part in write(account(default_encoding=name), text, 7).parts:
        header = read_header(part)
        assert header is not None
        parts.append(ENCODINGS[name](part[len(header.octets) :]))
    assert "".join(parts) == text
