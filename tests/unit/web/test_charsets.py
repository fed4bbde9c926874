"""The character set of callbacks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.web.charsets import Charset, charset_of, fields_of, in_charset, octets_of, parameter_of

RUSSIAN = "Россия"


@pytest.mark.parametrize(
    ("octets", "named", "expected"),
    [
        (b"ascii", (), Charset("utf-8")),
        (RUSSIAN.encode(), (), Charset("utf-8")),
        (RUSSIAN.encode("windows-1251"), (), Charset("windows-1251", guessed=True)),
        (RUSSIAN.encode("windows-1251"), ("", "Windows-1251"), Charset("windows-1251")),
        (RUSSIAN.encode("koi8-r"), ("KOI8-R", "utf-8"), Charset("koi8-r")),
        (RUSSIAN.encode("koi8-r"), ("", " koi8-r"), Charset("koi8-r")),
        (RUSSIAN.encode("windows-1251"), ("utf-8", "cp1251"), Charset("windows-1251")),
        (RUSSIAN.encode("windows-1251"), ("utf-8",), Charset("windows-1251", guessed=True)),  # it lies
        (RUSSIAN.encode(), ("unicode_escape", "idna", "none"), Charset("utf-8")),  # Python has these
    ],
)
def test_charset(octets: bytes, named: tuple[str, ...], expected: Charset) -> None:
    assert charset_of(octets, *named) == expected


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/xml; charset=koi8-r", "koi8-r"),
        ('text/xml; x="charset"; Charset = "koi8-r" ', "koi8-r"),
        ("text/xml; charset=", ""),
        ("charset=koi8-r", ""),
    ],
)
def test_parameter(content_type: str, expected: str) -> None:
    assert parameter_of(content_type, "charset") == expected


@pytest.mark.parametrize("charset", ["utf-8", "windows-1251", "koi8-r"])
def test_fields_with_octets_of_any_kind(charset: str) -> None:
    octets = RUSSIAN.encode(charset)
    escaped = "".join(f"%{octet:02X}" for octet in octets).encode("ascii")
    fields = fields_of(b"cn=" + escaped + b"&net=" + octets + b"+x&md5=&cn2=%zz")
    assert in_charset(fields, charset) == {"cn": RUSSIAN, "net": f"{RUSSIAN} x", "md5": "", "cn2": "%zz"}
    assert octets in octets_of(fields)


@given(st.binary(max_size=60))
def test_nothing_breaks_it(octets: bytes) -> None:
    fields = fields_of(octets)
    text = in_charset(fields, charset_of(octets_of(fields)).name)
    assert len(text) <= len(fields)
