"""A message that a person names, written as the equipment of its account would write it.

This is the opposite of how the bridge reads messages: by the account's `encodings`, `default_encoding`,
`septets` and `gsm_language`.
"""

from smppbridge.model.account import Account
from smppbridge.smpp.constants import Npi, Ton
from smppbridge.smpp.gsm import LANGUAGES, encode_gsm, pack_septets
from smppbridge.smpp.text import NAMES, encode_text, flavour
from smppbridge.smpp.ton import AddressKind, kind_of
from smppbridge.submission.content import encoding_of

_LATIN, _UCS2 = 3, 8
_SEPARATORS = " \t\u00a0()-./"


def nobody() -> Account:
    """An account with default settings, where none is known."""
    return Account.model_validate({"name": "unknown", "password": "unknown"})


def choose_coding(account: Account, text: str) -> int:
    """A data_coding that has every character of ``text``, and that the account reads rightly.

    1. 0, where the account's `default_encoding` has every character.
    2. 3 (Latin-1), unless the account means something else by it.
    3. 8, which is UCS-2 to most accounts.
    4. One of the account's own `encodings`.

    Raises ValueError where none has them all.
    """
    latin = (_LATIN,) if _encoding(account, _LATIN) == "latin-1" else ()
    codings: tuple[int, ...] = (0, *latin, _UCS2, *account.encodings)
    for data_coding in codings:
        try:
            write_text(account, text, data_coding)
        except ValueError:
            continue
        return data_coding
    culprits = [char for char in text if not _has(account, char, _encoding(account, _UCS2) or "")]
    raise ValueError(f"no data_coding has every character of the text{_named(culprits)}")


def write_text(account: Account, text: str, data_coding: int) -> bytes:
    """The octets of ``text`` in what the account means by ``data_coding``.

    Raises ValueError that says what that is, and which character it does not have.
    """
    name = _encoding(account, data_coding)
    place = f"data_coding 0x{data_coding:02X}"
    if name is None:
        if flavour(data_coding).alphabet is None:
            raise ValueError(f"{place} is binary data to this account, no text; give octets instead")
        raise ValueError(f"{place} is no text to this account: it is not supported")
    try:
        return _written(account, text, name)
    except ValueError:
        culprits = [char for char in text if not _has(account, char, name)]
        raise ValueError(
            f"{place} is {name} to this account, and does not have every character{_named(culprits)}"
        ) from None


def kind_of_recipient(address: str) -> tuple[int, int]:
    """TON and NPI of a destination_addr, as most equipment sends them: unknown, unless there is a ``+``."""
    return Ton.INTERNATIONAL if address.lstrip().startswith("+") else Ton.UNKNOWN, Npi.ISDN_E164


def kind_of_sender(address: str) -> tuple[int, int]:
    """TON and NPI of a source_addr, which may be a name, or empty."""
    digits = address.removeprefix("+").translate(str.maketrans("", "", _SEPARATORS))
    kind = kind_of(digits or address)
    if kind in (AddressKind.EMPTY, AddressKind.NAME):
        return kind.types
    return kind_of_recipient(address)


def _encoding(account: Account, data_coding: int) -> str | None:
    """What the account means by ``data_coding``; None: it is no text."""
    own = encoding_of(account, data_coding)
    return own if own is not None else NAMES.get(flavour(data_coding).alphabet or 0)


def _written(account: Account, text: str, name: str) -> bytes:
    if name != "gsm":
        return encode_text(text, 0, name)
    octets = encode_gsm(text, single=LANGUAGES[account.gsm_language] if account.gsm_language else 0)
    if octets is None:
        raise ValueError("a character is not in the alphabet")
    return pack_septets(octets) if account.septets == "packed" else octets


def _has(account: Account, char: str, name: str) -> bool:
    try:
        _written(account, char, name)
    except ValueError:
        return False
    return True


def _named(culprits: list[str]) -> str:
    """The first character that is missing, for people; half a character is not shown itself."""
    if not culprits:
        return ""
    char = culprits[0]
    shown = f"{char!r} " if char.isprintable() else ""
    return f": {shown}U+{ord(char):04X} is missing"
