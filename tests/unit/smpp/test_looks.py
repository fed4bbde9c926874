"""Each guess about octets alone: what it says yes to, and what is just not like that."""

import pytest

from smppbridge.smpp import looks
from smppbridge.smpp.gsm import pack_septets

RUSSIAN = "Ваш код: 4821. Никому его не сообщайте."


def test_controls_are_counted_but_for_those_that_set_text_out() -> None:
    assert looks.controls(b"a\tb\nc\rd\f") == 0
    assert looks.controls(b"\0a\x01\x1b\x1f") == 4


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        ("Привет".encode("utf-16-be"), "ucs2"),
        ("Привет".encode("utf-16-le"), "ucs2-le"),
        ("Door".encode("utf-16-be"), "ucs2"),
        (b"\xfe\xff", "ucs2"),  # a byte order mark alone
        (b"\xff\xfe", "ucs2-le"),
        ("Да".encode("utf-16-be") + b"\x04", "ucs2"),  # the last character is cut
        ("Д".encode("utf-16-be"), None),  # one character could be anything
        ("您的验证码是".encode("utf-16-be"), None),  # of no block that it knows
        (b"Door 3 opened", None),
        (b"\0\0\0\0", None),
        (b"", None),
    ],
)
def test_wide(octets: bytes, name: str | None) -> None:
    assert looks.wide(octets) == name


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        ("您的验证码是123456".encode("utf-16-be"), "ucs2"),
        ("您的验证码是123456".encode("utf-16-le"), "ucs2-le"),
        ("您的验".encode("utf-16-be"), None),  # too few
        (b"Door 3 opened!", None),
        ("Привет, мир".encode("utf-16-be"), None),
    ],
)
def test_east_asian(octets: bytes, name: str | None) -> None:
    assert looks.east_asian(octets) == name


@pytest.mark.parametrize(
    ("octets", "characters"),
    [
        ("Дверь".encode(), 5),
        ("Door № 3".encode(), 1),
        ("Дверь".encode()[:-1], 4),  # the last character is cut off
        (b"Door", 0),
        ("Дверь".encode("cp1251"), 0),
        ("Дверь\0".encode(), 0),
        ("\x85\x85".encode(), 0),  # controls, written in two octets each
    ],
)
def test_utf8(octets: bytes, characters: int) -> None:
    assert looks.utf8(octets) == characters


@pytest.mark.parametrize("name", ["cp1251", "koi8-r", "cp866", "iso-8859-5"])
def test_cyrillic(name: str) -> None:
    assert looks.cyrillic(RUSSIAN.encode(name)) == name


@pytest.mark.parametrize(
    "octets",
    [
        "Да".encode("cp1251"),  # two letters
        "Grüße aus Köln".encode("latin-1"),
        b"Door 3 opened",
        RUSSIAN.encode("cp1251") + b"\0",
        bytes(range(0x80, 0x100)),
    ],
)
def test_not_cyrillic(octets: bytes) -> None:
    assert looks.cyrillic(octets) is None


def test_a_rare_coding_needs_more_letters_than_a_frequent_one() -> None:
    assert looks.cyrillic("Привет".encode("cp1251")) == "cp1251"
    assert looks.cyrillic("Привет".encode("koi8-r")) is None


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("Grüße".encode("latin-1"), True),
        (b"Door", False),
        (b"Door\x85\xe9", False),
        (b"\xe9\0", False),
    ],
)
def test_western(octets: bytes, expected: bool) -> None:
    assert looks.western(octets) is expected


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"Door 3 opened", True),
        ("Tür zu!".encode("latin-1"), True),
        (b"Alarm!", False),  # six letters may be three pairs
        (b"Alarm in", True),  # but not with a blank
        (b"Alarm!!", True),  # nor in an odd number
        (b"Door", False),
        (b"Door 3\0opened", False),
        (b"{|}~{|}~{|}~{|}~", False),
    ],
)
def test_words(octets: bytes, expected: bool) -> None:
    assert looks.words(octets) is expected


def test_packed() -> None:
    assert looks.packed(pack_septets(b"Alarm in zone 3, please call"))
    assert not looks.packed(pack_septets(b"Alarm"))  # too short
    assert not looks.packed(b"Alarm in zone 3, please call")
    assert not looks.packed(RUSSIAN.encode("cp1251"))


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (RUSSIAN.encode("utf-16-be"), "ucs2"),
        (RUSSIAN.encode("utf-16-le"), "ucs2-le"),
        (RUSSIAN.encode(), "utf-8"),
        (RUSSIAN.encode("cp1251"), "cp1251"),
        (b"Door 3 opened", "latin-1"),
        (b"OK", None),
        (bytes(range(256)), None),
    ],
)
def test_prose(octets: bytes, name: str | None) -> None:
    assert looks.prose(octets) == name


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"Sum: 5 \x1be", True),
        (b"Door\x00", True),
        (b"Door", False),
        (b"\x00\x01\x02", False),  # nothing but controls
        (b"Door\x1b", False),  # an escape that leads nowhere
        (b"Door\x00\xe9", False),
    ],
)
def test_gsm(octets: bytes, expected: bool) -> None:
    assert looks.gsm(octets) is expected


def test_languages() -> None:
    assert "turkish" in looks.languages(b"\x1bS\x1bs")
    assert looks.languages(b"5 \x1be") == []  # the default table has that one
    assert looks.languages(b"Door") == []
    assert looks.languages(b"\x1bS\xe9") == []
