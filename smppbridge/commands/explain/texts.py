"""What a message says, in which alphabet, and how many short messages it takes.

Must not know: routes, providers, where the message comes from.
"""

from typing import Any

from smppbridge.commands.explain import meanings
from smppbridge.commands.explain.parameters import Told, meant
from smppbridge.errors import Refused
from smppbridge.model.account import Account
from smppbridge.smpp.constants import EsmClass, Tag
from smppbridge.smpp.gsm import encode_gsm
from smppbridge.smpp.pdu import DataSm, DeliverSm, SubmitSm
from smppbridge.smpp.receipt import parse_receipt, state_of
from smppbridge.smpp.text import decode_text, flavour, parts
from smppbridge.submission.checks import service_of
from smppbridge.submission.content import content_of, is_gsm

RECEIPTS = frozenset({EsmClass.RECEIPT, EsmClass.INTERMEDIATE})  # types of esm_class


def text_of(account: Account, submit: SubmitSm) -> Told:
    """What a submit_sm says, and in which alphabet; a part of a long message has only octets."""
    try:
        content = content_of(account, submit, _service(account, submit))
    except Refused as refused:
        return {"coding": coding(account, submit.data_coding), "unreadable": refused.reason}
    told: Told = {"coding": coding(account, submit.data_coding)}
    if content.octets is None:
        told |= shape(content.text)
    else:
        head = content.octets[: 1 + content.octets[0]] if content.octets[0] else b""
        data = content.octets[1 + content.octets[0] :]
        told |= {"user_data_header": head.hex()} if head else {}
        told["data"] = {"octets": len(data), "hex": data.hex()}
    if content.flash:
        told["flash"] = "shown at once, not kept (message class 0)"
    return told


def shape(text: str) -> Told:
    """A text, its alphabet on the phone and how many short messages it takes."""
    told: Told = {"text": text, "characters": len(text)}
    septets = encode_gsm(text)
    try:
        count = parts(text)
    except ValueError:
        return told | {"alphabet": "none: the text holds half a character (a lone surrogate)"}
    if septets is not None:
        told["alphabet"] = meant("GSM 03.38", f"{len(septets)} septets; 160 fit one message, 153 a part")
    else:
        units = len(text.encode("utf-16-be")) // 2
        told["alphabet"] = meant("UCS-2", f"{units} units; 70 fit one message, 67 a part{_culprits(text)}")
    return told | {"short_messages": count}


def coding(account: Account, data_coding: int) -> Any:
    """data_coding, and how it is read for this account."""
    meaning = meanings.data_coding(data_coding)
    packed = ", packed" if account.septets == "packed" and is_gsm(account, data_coding) else ""
    if own := account.encodings.get(data_coding):
        meaning = f"{own}{packed}, as the account's encodings say"
    elif flavour(data_coding).alphabet == 0:
        meaning += f"; read as {account.default_encoding}{packed}, the account's default_encoding"
    return {"value": f"0x{data_coding:02X}", "meaning": meaning}


def _service(account: Account, submit: SubmitSm) -> str:
    try:
        return service_of(account, submit.service_type)
    except Refused:
        return ""


def _culprits(text: str) -> str:
    """Up to five characters that keep a text from being GSM 03.38: each costs more than half of the room."""
    found = dict.fromkeys(char for char in text if encode_gsm(char) is None)
    shown = ", ".join(f"{char} U+{ord(char):04X}" for char in list(found)[:5])
    return f"; not in GSM 03.38: {shown}{' …' if len(found) > 5 else ''}"


def delivered(pdu: DeliverSm | DataSm) -> Told:
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
        return {"message": {"text": text}}
    written = ("id", "sub", "dlvrd", "submitted", "done", "stat", "err", "text")
    told: Told = {name: value for name in written if (value := getattr(parsed, name)) is not None}
    for name, tag in (
        ("receipted_message_id", Tag.RECEIPTED_MESSAGE_ID),
        ("message_state", Tag.MESSAGE_STATE),
    ):
        if (value := pdu.tlv(tag)) is not None:
            told[name] = value
    if parsed.stat:
        state, final = state_of(parsed.stat)
        word = meanings.FIELDS["message_state"](state)
        told["stat"] = {"value": parsed.stat, "meaning": f"{word}, {'final' if final else 'not final'}"}
    if not is_receipt:
        told["note"] = "esm_class does not say that it is a receipt"
    return {"receipt": told}
