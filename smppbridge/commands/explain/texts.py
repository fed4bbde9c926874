"""What a message says, in which alphabet, and how many short messages it takes."""

import dataclasses
from dataclasses import dataclass, field

from smppbridge.commands.explain import meanings
from smppbridge.commands.explain.values import INLINE, Hex, Meant, Octets
from smppbridge.errors import Refused
from smppbridge.model.account import Account
from smppbridge.smpp.constants import EsmClass, Tag
from smppbridge.smpp.gsm import encode_gsm
from smppbridge.smpp.pdu import DataSm, DeliverSm
from smppbridge.smpp.receipt import parse_receipt, state_of
from smppbridge.smpp.text import decode_text, flavour, parts
from smppbridge.submission.content import Content, is_gsm

RECEIPTS = frozenset({EsmClass.RECEIPT, EsmClass.INTERMEDIATE})  # types of esm_class


@dataclass(frozen=True, slots=True)
class TextShape:
    """A text, its alphabet on the phone, and how many short messages it takes."""

    text: str
    characters: int
    alphabet: Meant[str] | str
    short_messages: int | None = None  # None: no phone shows such a text


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """Binary content, or the octets of a part."""

    user_data_header: bytes | None = None
    data: Octets


@dataclass(frozen=True, slots=True)
class MessageText:
    """What a submit_sm says: a text, or octets, or nothing that can be read."""

    coding: Meant[Hex]
    content: TextShape | Payload | None = field(default=None, metadata=INLINE)
    unreadable: str | None = None  # why
    flash: str | None = None


@dataclass(frozen=True, slots=True)
class PhoneText:
    """A message from a phone."""

    text: str


@dataclass(frozen=True, slots=True)
class ReceiptWords:
    """A receipt, field by field as an SMSC wrote it; the last three are its TLVs and a remark."""

    id: str | None = None
    sub: str | None = None
    dlvrd: str | None = None
    submitted: str | None = None
    done: str | None = None
    stat: Meant[str] | str | None = None
    err: str | None = None
    text: str | None = None
    receipted_message_id: str | int | bytes | None = None
    message_state: str | int | bytes | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveredReport:
    """What a deliver_sm holds."""

    message: PhoneText | None = None
    receipt: ReceiptWords | None = None


def text_of(account: Account, data_coding: int, content: Content | Refused) -> MessageText:
    """What a submit_sm says, and in which alphabet; a part of a long message has only octets."""
    coding = coding_for(account, data_coding)
    if isinstance(content, Refused):
        return MessageText(coding, unreadable=content.reason)
    shown = shape(content.text) if content.octets is None else _payload(content.octets)
    flash = "shown at once, not kept (message class 0)" if content.flash else None
    return MessageText(coding, shown, flash=flash)


def _payload(octets: bytes) -> Payload:
    size = 1 + octets[0]
    return Payload(user_data_header=octets[:size] if octets[0] else None, data=Octets(octets[size:]))


def shape(text: str) -> TextShape:
    """A text, its alphabet on the phone and how many short messages it takes."""
    septets = encode_gsm(text)
    try:
        count = parts(text)
    except ValueError:
        return TextShape(text, len(text), "none: the text holds half a character (a lone surrogate)")
    if septets is not None:
        alphabet = Meant("GSM 03.38", f"{len(septets)} septets; 160 fit one message, 153 a part")
    else:
        units = len(text.encode("utf-16-be")) // 2
        alphabet = Meant("UCS-2", f"{units} units; 70 fit one message, 67 a part{_culprits(text)}")
    return TextShape(text, len(text), alphabet, count)


def coding_for(account: Account, data_coding: int) -> Meant[Hex]:
    """data_coding, and how it is read for this account."""
    meaning = meanings.data_coding(data_coding)
    packed = ", packed" if account.septets == "packed" and is_gsm(account, data_coding) else ""
    if own := account.encodings.get(data_coding):
        meaning = f"{own}{packed}, as the account's encodings say"
    elif flavour(data_coding).alphabet == 0:
        meaning += f"; read as {account.default_encoding}{packed}, the account's default_encoding"
    return Meant(Hex(data_coding, 2), meaning)


def _culprits(text: str) -> str:
    """Up to five characters that keep a text from being GSM 03.38: each costs more than half of the room."""
    found = dict.fromkeys(char for char in text if encode_gsm(char) is None)
    shown = ", ".join(f"{char} U+{ord(char):04X}" for char in list(found)[:5])
    return f"; not in GSM 03.38: {shown}{' …' if len(found) > 5 else ''}"


def delivered(pdu: DeliverSm | DataSm) -> DeliveredReport:
    """A receipt or a message from a phone, as an SMSC writes them."""
    payload = pdu.tlv(Tag.MESSAGE_PAYLOAD)
    octets = pdu.short_message if isinstance(pdu, DeliverSm) else b""
    octets = octets or (payload if isinstance(payload, bytes) else b"")
    try:
        text = decode_text(octets, pdu.data_coding, "latin-1")
    except Refused:
        text = octets.decode("latin-1")
    parsed = parse_receipt(text)
    is_receipt = pdu.esm_class & EsmClass.TYPE_MASK in RECEIPTS
    if not is_receipt and not (parsed.id and parsed.stat):
        return DeliveredReport(message=PhoneText(text))
    receipt = ReceiptWords(
        id=parsed.id,
        sub=parsed.sub,
        dlvrd=parsed.dlvrd,
        submitted=parsed.submitted,
        done=parsed.done,
        stat=_state(parsed.stat) if parsed.stat else parsed.stat,
        err=parsed.err,
        text=parsed.text,
        receipted_message_id=pdu.tlv(Tag.RECEIPTED_MESSAGE_ID),
        message_state=pdu.tlv(Tag.MESSAGE_STATE),
    )
    if not is_receipt:
        receipt = dataclasses.replace(receipt, note="esm_class does not say that it is a receipt")
    return DeliveredReport(receipt=receipt)


def _state(stat: str) -> Meant[str]:
    state, final = state_of(stat)
    word = meanings.FIELDS["message_state"](state)
    return Meant(stat, f"{word}, {'final' if final else 'not final'}")
