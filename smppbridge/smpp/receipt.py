"""Delivery receipts (SMPP 3.4 Appendix B): writing their text and TLVs, and reading their text.

Appendix B leaves the format to the vendor. So the two directions differ:

1. We write the form that all known clients read, unless the account asks for another.
2. We read every form that some SMSC is known to write.
"""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal, get_args

from smppbridge.smpp.constants import EsmClass, MessageState, Tag
from smppbridge.smpp.text import parts
from smppbridge.smpp.times import full_year, parse_time
from smppbridge.smpp.tlv import Tlv

STAT: dict[str, dict[int, str]] = {
    "standard": {
        MessageState.ENROUTE: "ENROUTE",
        MessageState.DELIVERED: "DELIVRD",
        MessageState.EXPIRED: "EXPIRED",
        MessageState.DELETED: "DELETED",
        MessageState.UNDELIVERABLE: "UNDELIV",
        MessageState.ACCEPTED: "ACCEPTD",
        MessageState.UNKNOWN: "UNKNOWN",
        MessageState.REJECTED: "REJECTD",
    }
}
"""The word of `stat:` by message_state, for each value of an account's `receipt.words`."""

STAT["sms-assistent"] = {**STAT["standard"], MessageState.REJECTED: "REJECTED"}

FieldName = Literal["id", "sub", "dlvrd", "submit date", "done date", "stat", "err", "text"]
FIELDS: tuple[FieldName, ...] = get_args(FieldName)
"""The fields of a receipt in their usual order."""

DATES = {
    "YYMMDDhhmm": ("%y%m%d%H%M", 60),
    "YYMMDDhhmmss": ("%y%m%d%H%M%S", 1),
    "YYYYMMDDhhmm": ("%Y%m%d%H%M", 60),
    "YYYYMMDDhhmmss": ("%Y%m%d%H%M%S", 1),
}
"""Forms of a date: how strftime writes it, and how many seconds are written alike."""

_CODECS = {0: "ascii", 1: "ascii", 3: "latin-1", 8: "utf-16-be"}
_TEXT_LENGTH = 20
_ERR_DIGITS = 3
_MAX_ERR = 999
_MAX_COUNT = 999
_MAX_OCTETS = 254  # of a short_message (SMPP 3.4 §4.4.1)
_VENDOR_TEXT_LENGTH = 64
_DETAILS_LENGTH = 200
_GSM_NETWORK = 3  # first octet of network_error_code (SMPP 3.4 §5.3.2.31)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ReceiptStyle:
    """How the receipts of one account are written."""

    fields: tuple[str, ...] = FIELDS  # some of FIELDS, in any order
    dates: str = "YYMMDDhhmm"  # a key of DATES
    zone: tzinfo = UTC  # of the dates
    text: bool = True  # whether the beginning of the message follows `text:`
    words: str = "standard"  # a key of STAT
    err_digits: int = _ERR_DIGITS  # 1..8
    data_coding: int = 0  # 0 or 1 (both ASCII), 3 or 8
    esm_class: int = EsmClass.RECEIPT  # of receipts; intermediate notifications have their own
    count_parts: bool = False  # whether sub and dlvrd count the short messages that carry the text
    vendor_tlvs: bool = False  # whether our vendor TLVs are added
    usual: bool = field(init=False)  # fields, widths and alphabet are the defaults

    def __post_init__(self) -> None:
        usual = self.fields == FIELDS and self.err_digits == _ERR_DIGITS and not self.count_parts
        object.__setattr__(self, "usual", usual and _CODECS[self.data_coding] == "ascii")


@dataclass(frozen=True, slots=True)
class ReceiptFields:
    """What a receipt says."""

    id: str  # message_id, ASCII
    state: int  # message_state
    err: int  # 0..999; more is written as 999
    submitted: int  # milliseconds since 1970, UTC
    done: int  # milliseconds since 1970, UTC
    text: str  # of the whole message
    details: str = ""  # what a number check found; written in place of the text, and not shortened


@dataclass(frozen=True, slots=True)
class ParsedReceipt:
    """The fields of a receipt as they were written. None where a field is missing."""

    id: str | None
    sub: str | None
    dlvrd: str | None
    submitted: str  # submit date, "" where missing
    done: str  # done date, "" where missing
    stat: str | None
    err: str | None
    text: str | None

    @property
    def submit_date(self) -> datetime | None:
        """The submit date, or None where it is missing or no date.

        It is naive, because receipts do not tell their time zone. Only a date in the time format of SMPP is
        aware, in UTC. Each use parses it anew: nobody else pays for that, and it is most of the work.
        """
        return _parse_date(self.submitted)

    @property
    def done_date(self) -> datetime | None:
        """The done date, as `submit_date`."""
        return _parse_date(self.done)


def format_receipt(fields: ReceiptFields, style: ReceiptStyle) -> bytes:
    """The short_message of a receipt in the data_coding of ``style``, cut after 254 octets.

    1. In the usual style all widths are exact and `text:` is always there: php-smpp fails on anything else.
    2. `text:` stays empty when the message has characters that the receipt's coding lacks. Replaced or cut
       characters would only be misread.
    """
    if not style.usual:
        return _unusual(fields, style)
    delivered = "001" if fields.state == MessageState.DELIVERED else "000"
    stat = STAT[style.words].get(fields.state, "UNKNOWN")
    form, step = DATES[style.dates]
    submitted = _stamp(fields.submitted // 1000 // step * step, style.zone, form)
    done = _stamp(fields.done // 1000 // step * step, style.zone, form)
    text = (fields.details or _beginning(fields.text)) if style.text else ""
    receipt = (
        f"id:{fields.id} sub:001 dlvrd:{delivered} submit date:{submitted} done date:{done} "
        f"stat:{stat} err:{min(fields.err, _MAX_ERR):03} text:{text}"
    )
    return receipt.encode("ascii", "replace")[:_MAX_OCTETS]


def _unusual(fields: ReceiptFields, style: ReceiptStyle) -> bytes:
    """The general way, field by field. It takes twice as long."""
    codec = _CODECS[style.data_coding]
    count = min(parts(fields.text), _MAX_COUNT) if style.count_parts else 1
    form, step = DATES[style.dates]
    text = (fields.details or _beginning(fields.text, codec)) if style.text else ""
    value = {
        "id": fields.id,
        "sub": f"{count:03}",
        "dlvrd": f"{count if fields.state == MessageState.DELIVERED else 0:03}",
        "submit date": _stamp(fields.submitted // 1000 // step * step, style.zone, form),
        "done date": _stamp(fields.done // 1000 // step * step, style.zone, form),
        "stat": STAT[style.words].get(fields.state, "UNKNOWN"),
        "err": f"{min(fields.err, 10**style.err_digits - 1):0{style.err_digits}}",
        "text": text,
    }
    receipt = " ".join([f"{name}:{value[name]}" for name in style.fields])
    octets = receipt.encode(codec, "replace")
    return octets if len(octets) <= _MAX_OCTETS else _cut(octets, codec)


def _cut(octets: bytes, codec: str) -> bytes:
    """The first 254 octets, without half a surrogate pair at the end."""
    return octets[:_MAX_OCTETS].decode(codec, "ignore").encode(codec)


def receipt_tlvs(
    message_id: str,
    state: int,
    err: int,
    provider: str = "",
    code: str = "",
    details: str = "",
    *,
    reference: int | None = None,
) -> tuple[Tlv, ...]:
    """The TLVs of a receipt.

    1. ``provider``, ``code`` and ``details`` are vendor TLVs, left out where "".
    2. ``reference``: the user_message_reference of the message, left out where None.
    3. network_error_code is the last one: smpp.pdu takes the length of the last TLV for its length.
    """
    tlvs: list[Tlv] = [
        (Tag.RECEIPTED_MESSAGE_ID, message_id.encode("ascii") + b"\0"),
        (Tag.MESSAGE_STATE, bytes((state,))),
    ]
    if reference is not None:
        tlvs.append((Tag.USER_MESSAGE_REFERENCE, reference.to_bytes(2)))
    if provider:
        tlvs.append((Tag.PROVIDER, _c_string(provider)))
    if code:
        tlvs.append((Tag.PROVIDER_CODE, _c_string(code)))
    if details:
        tlvs.append((Tag.DETAILS, _c_string(details, _DETAILS_LENGTH)))
    tlvs.append((Tag.NETWORK_ERROR_CODE, bytes((_GSM_NETWORK, *min(err, _MAX_ERR).to_bytes(2)))))
    return tuple(tlvs)


def parse_receipt(text: str) -> ParsedReceipt:
    """Read a receipt. Fields may be missing, and stand in any order, case and spacing. Never raises."""
    text = text.rstrip("\0")
    if standard := _STANDARD.fullmatch(text):
        return ParsedReceipt(*standard.groups())
    marker = _TEXT.search(text)
    value = _fields(text[: marker.start()] if marker else text)
    if marker and not (value.get("id") and value.get("stat")):
        # `text:` is not the last field. (Where it is, words in the text must not count as fields.)
        value = _fields(text)
    return ParsedReceipt(
        id=value.get("id") or None,
        sub=value.get("sub"),
        dlvrd=value.get("dlvrd"),
        submitted=value.get("submitdate", ""),
        done=value.get("donedate", ""),
        stat=value.get("stat") or None,
        err=value.get("err"),
        text=text[marker.end() :] if marker else None,
    )


def state_of(stat: str) -> tuple[int, bool]:
    """message_state of a `stat:` word in any case, and whether it is final. Unknown words: UNKNOWN, False."""
    state = _STATES.get(stat.upper())
    if state is None:
        return MessageState.UNKNOWN, False
    return state, state not in (MessageState.ENROUTE, MessageState.ACCEPTED)


def _c_string(text: str, length: int = _VENDOR_TEXT_LENGTH) -> bytes:
    """A C-Octet String of any text: it is cut, and what Latin-1 lacks is replaced, so that it always fits."""
    return text[:length].replace("\0", " ").encode("latin-1", "replace") + b"\0"


@lru_cache(maxsize=4096)  # receipts of one batch share dates, and strftime is most of the work
def _stamp(seconds: int, zone: tzinfo, form: str) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).strftime(form)


def _beginning(text: str, codec: str = "ascii") -> str:
    if not text.isascii():
        try:
            text.encode(codec)
        except UnicodeEncodeError:
            return ""
    text = text[:_TEXT_LENGTH]
    # A NUL would end the receipt for readers of C strings; a line break for readers of lines.
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


# The form that most SMSCs write. It finds what the search below would find, in a third of the time.
_STANDARD = re.compile(
    r"id:(\S+) sub:(\S+) dlvrd:(\S+) submit date:(\S+) done date:(\S+) stat:(\S+) err:(\S+)(?: text:(.*))?",
    re.IGNORECASE | re.DOTALL,
)
_KEYS = r"id|sub|dlvrd|submit\s*date|done\s*date|stat|err"
_TEXT = re.compile(r"(?<!\w)text\s*:", re.IGNORECASE)
_FIELD = re.compile(
    # A value may be empty. The next key is not taken for the value then.
    rf"(?<!\w)({_KEYS})\s*:\s*(?!(?:{_KEYS}|text)\s*:)(\S*)",
    re.IGNORECASE,
)


def _fields(text: str) -> dict[str, str]:
    """Values by key. Keys are in lower case, without blanks. Where a key stands twice, the first counts."""
    found: dict[str, str] = {}
    for key, value in _FIELD.findall(text):
        found.setdefault(_name(key), value)
    return found


@lru_cache(maxsize=64)  # an SMSC writes its keys always alike
def _name(key: str) -> str:
    return "".join(key.lower().split())


_SMPP_TIME_LENGTH = 16
_YEAR_DIGITS = {10: (2,), 12: (2, 4), 14: (4,)}
"""Digits of the year by the length of a date, in the order of trying. 12 digits are YYMMDDhhmmss or
YYYYMMDDhhmm. A date since 2013 in the second form is no date in the first: its month would be 13 or more."""


def _parse_date(value: str) -> datetime | None:
    """A date of 10, 12, 14 or 16 characters. None for anything else, such as zeros."""
    if len(value) == _SMPP_TIME_LENGTH and value[-1] in "+-":
        with suppress(ValueError):
            return parse_time(value, _EPOCH)
    if value.isascii() and value.isdigit():
        for digits in _YEAR_DIGITS.get(len(value), ()):
            with suppress(ValueError):
                return _calendar_date(value[:digits], value[digits:])
    return None


def _calendar_date(year: str, rest: str) -> datetime:
    """The date ``MMDDhhmm`` or ``MMDDhhmmss`` in ``year``. Raises ValueError for an impossible date."""
    month, day, hour, minute, second = (int(rest[at : at + 2] or "0") for at in range(0, 10, 2))
    return datetime(full_year(int(year)) if len(year) == 2 else int(year), month, day, hour, minute, second)


_STATES: dict[str, MessageState] = {
    **{word: MessageState(state) for words in STAT.values() for state, word in words.items()},
    "DELIVERED": MessageState.DELIVERED,
    "DELIVERY": MessageState.DELIVERED,  # sms-assistent.by
    "UNDELIVERED": MessageState.UNDELIVERABLE,
    "UNDELIVERABLE": MessageState.UNDELIVERABLE,
    "FAILED": MessageState.UNDELIVERABLE,  # Vonage
    "DND_REJECTED": MessageState.REJECTED,
    "ACCEPTED": MessageState.ACCEPTED,
}
