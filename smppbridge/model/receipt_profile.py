"""How receipts towards an account look: the keys of ``accounts.<name>.receipt``.

Appendix B of SMPP 3.4 leaves the text to the vendor. Equipment expects the text of the SMSC that it was made
for.
"""

from datetime import tzinfo
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from smppbridge.model.duration import PositiveDuration
from smppbridge.model.settings import Octet, Settings, mistake, number_with_base
from smppbridge.model.time_zone import TimeZone, zone_of
from smppbridge.smpp.constants import EsmClass
from smppbridge.smpp.receipt import FIELDS, STAT, FieldName

_NEEDED = ("id", "stat")
_UCS2 = 8
_UCS2_CHARACTERS = 127  # of a short_message: 254 octets (SMPP 3.4 §4.4.1)
_WORD_LENGTHS = {words: max(map(len, stat.values())) for words, stat in STAT.items()}


def _layout(fields: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(fields)) != len(fields):
        raise mistake("must not name the same field twice")
    if missing := [name for name in _NEEDED if name not in fields]:
        raise mistake(f"must name {' and '.join(missing)}: nobody could use a receipt without")
    if "text" in fields[:-1]:
        raise mistake("must have text at the end: what a message says could be read as a field")
    return fields


def _true_or_false(value: object) -> object:
    """Read "true" and "false", which the environment gives as text. Raises a mistake for numbers."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise mistake("must be true, false or standard")
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _without_header(esm_class: int) -> int:
    if esm_class & EsmClass.UDHI:
        raise mistake("must not have the bit 0x40: receipts have no user data header")
    return esm_class


class ReceiptProfile(Settings):
    """How receipts towards one account look, and how long they wait for a bind."""

    time_zone: TimeZone = "UTC"
    """Time zone of submit date and done date, such as Europe/Minsk."""
    fields: Annotated[tuple[FieldName, ...], AfterValidator(_layout)] = FIELDS
    """Which fields a receipt has, in this order."""
    dates: Literal["YYMMDDhhmm", "YYMMDDhhmmss", "YYYYMMDDhhmm", "YYYYMMDDhhmmss"] = "YYMMDDhhmm"
    """How submit date and done date are written."""
    err_digits: int = Field(default=3, ge=1, le=8)
    """Digits of err, always so many; a code that has more is written as 9…9."""
    text: bool = True
    """true: the first 20 characters of the message stand in the field text."""
    words: Literal["standard", "sms-assistent"] = "standard"
    """Words of stat; sms-assistent writes REJECTED instead of REJECTD."""
    data_coding: Annotated[Literal[0, 1, 3, 8], BeforeValidator(number_with_base)] = 0
    """Coding of the receipt: 0 and 1 ASCII, 3 Latin-1, 8 UCS-2."""
    esm_class: Annotated[Octet, AfterValidator(_without_header)] = int(EsmClass.RECEIPT)
    """esm_class of final receipts, without the bit 0x40."""
    counts: Literal["one", "parts"] = "one"
    """sub and dlvrd: one (001 or 000), or parts (the number of short messages)."""
    tlvs: Annotated[Literal[True, False, "standard"], BeforeValidator(_true_or_false)] = "standard"
    """true: TLVs of SMPP 3.4 and vendor TLVs from 0x1400; standard: without these; false: no TLVs."""
    parts: Literal["each", "merged"] = "each"
    """Of a long message: each (a receipt for every part that asked), or merged (one for all)."""
    to: Literal["submitter", "any"] = "submitter"
    """submitter: to the bind that submitted, while it is there; any: to any bind of the account."""
    keep: PositiveDuration = 3 * 86400.0
    """How long a receipt waits for a bind."""

    @property
    def zone(self) -> tzinfo:
        """The time zone of the dates."""
        return zone_of(self.time_zone)

    def fits(self, id_length: int) -> bool:
        """Whether all fields but the text fit a short_message of 254 octets. In ASCII they always do.

        ``id_length``: characters of the message_id.
        """
        if self.data_coding != _UCS2:
            return True
        widths = {
            **{"id": id_length, "sub": 3, "dlvrd": 3, "submit date": len(self.dates)},
            **{"done date": len(self.dates), "stat": _WORD_LENGTHS[self.words], "err": self.err_digits},
        }
        return sum(len(name) + 2 + widths.get(name, 0) for name in self.fields) - 1 <= _UCS2_CHARACTERS
