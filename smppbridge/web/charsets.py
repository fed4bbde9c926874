"""The character set of a callback: providers send more than UTF-8, and not all say so."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

_UTF_8, _GUESS = "utf-8", "windows-1251"
# How they may be named, and Python's name. Others are taken for not named.
_NAMES = {
    **dict.fromkeys(("utf-8", "utf8"), _UTF_8),
    **dict.fromkeys(("windows-1251", "cp1251", "win-1251"), _GUESS),
    **{name: name for name in ("koi8-r", "cp866", "iso-8859-1", "iso-8859-5")},
}

Fields = Mapping[str, str]


class Charset(NamedTuple):
    """The character set of a callback, and whether it was only guessed."""

    name: str  # Python's
    guessed: bool = False


def charset_of(octets: bytes, *named: str) -> Charset:
    """The first of the ``named`` ones that is known and fits ``octets``, else UTF-8, else windows-1251 by
    guess. The order of the names is that of their weight; "" stands for none."""
    for name in (*named, _UTF_8):
        known = _NAMES.get(name.strip().lower())
        if known and (known != _UTF_8 or _is_utf_8(octets)):
            return Charset(known)
    return Charset(_GUESS, guessed=True)


def fields_of(octets: bytes) -> Fields:
    """The fields of a query string or of such a form, each character an octet: see `in_charset`."""
    pairs = parse_qsl(octets.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return dict(pairs)


def octets_of(fields: Fields) -> bytes:
    """All octets of what `fields_of` returned."""
    return "".join(f"{name}={value}&" for name, value in fields.items()).encode("latin-1")


def in_charset(fields: Fields, name: str) -> dict[str, str]:
    """What `fields_of` returned, as text. Octets without a meaning become U+FFFD."""

    def text(value: str) -> str:
        return value if value.isascii() else value.encode("latin-1").decode(name, "replace")

    return {text(name_): text(value) for name_, value in fields.items()}


def parameter_of(content_type: str, name: str) -> str:
    """A parameter of a content type (RFC 9110 §8.3), without its quotes; "" for none."""
    parameters = (one.partition("=") for one in content_type.split(";")[1:])
    found = (value for key, _, value in parameters if key.strip().lower() == name)
    return next(found, "").strip().strip('"')


def _is_utf_8(octets: bytes) -> bool:
    try:
        octets.decode(_UTF_8)
    except UnicodeDecodeError:
        return False
    return True
