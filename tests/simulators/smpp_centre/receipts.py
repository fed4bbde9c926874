"""How a simulated SMSC writes message ids and receipts: every form that real ones are known to use.

Written apart from the bridge's own receipts, so that a mistake there is not made twice. Must not know:
sessions, when a receipt is due.
"""

import string
import time
import uuid
from collections.abc import Callable
from functools import lru_cache

from smppbridge.smpp.constants import EsmClass, MessageState, Tag
from smppbridge.smpp.fields import MAX_SHORT_MESSAGE
from smppbridge.smpp.pdu import DataSm, DeliverSm, SubmitSm
from smppbridge.smpp.receipt import state_of
from smppbridge.smpp.tlv import Tlv
from tests.simulators.smpp_centre.rules import Rules, Submitted

Delivered = DeliverSm | DataSm

_PADDED_DIGITS = 16
_TEXT_OCTETS = 20
_GSM_NETWORK = b"\3"  # first octet of network_error_code (SMPP 3.4 §5.3.2.31)
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def _base62(number: int) -> str:
    digits = []
    while number:
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))


_NOTATIONS: dict[str, Callable[[int], str]] = {
    "decimal": str,
    "hex": lambda number: f"{number:x}",
    "HEX": lambda number: f"{number:X}",
    "padded": lambda number: str(number).zfill(_PADDED_DIGITS),
    "uuid": lambda number: str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))),
    "mixed": lambda number: f"Sm-{_base62(number)}",
}


def message_id(rules: Rules, number: int) -> str:
    """What submit_sm_resp calls the message with this number (from 1)."""
    return _NOTATIONS[rules.ids](rules.first_id + number)


def receipted_id(rules: Rules, message: Submitted) -> str:
    """What the receipt calls it."""
    if rules.receipt_ids == "same":
        return message.message_id
    if rules.receipt_ids == "stripped":
        return message.message_id.lstrip("0")
    return _NOTATIONS[rules.receipt_ids](rules.first_id + message.number)


_STANDARD = (
    "id:{id} sub:001 dlvrd:{dlvrd} submit date:{submit} done date:{done} stat:{stat} err:{err} text:{text}"
)
_NO_TEXT = _STANDARD.removesuffix(" text:{text}")
_TEXTS: dict[str, str] = {
    "no-text": _NO_TEXT,
    "no-counts": _STANDARD.replace(" sub:001 dlvrd:{dlvrd}", ""),
    "reordered": "sub:001 id:{id} err:{err} dlvrd:{dlvrd} done date:{done} submit date:{submit} "
    "text:{text} stat:{stat}",
    "upper": _STANDARD.replace("text:", "Text:"),
    "no-err": _STANDARD.replace(" err:{err}", ""),
    "short": _STANDARD.replace("001", "1").replace("text:", "text: "),
    "minimal": "id:{id} stat:{stat}",
    "no-id": _STANDARD.removeprefix("id:{id} "),
    "lines": _NO_TEXT.replace(" ", "\r\n")
    .replace("submit\r\ndate", "submit date")
    .replace("done\r\ndate", "done date"),
    "free": "Your message to a subscriber has reached its destination, thank you.",
    "nul": _STANDARD + "\0",
    "blank": _STANDARD + " ",
}
_DATES: dict[str, str] = {
    "seconds": "%y%m%d%H%M%S",
    "century": "%Y%m%d%H%M",
    "long-dates": "%Y%m%d%H%M%S",
    "smpp-dates": "%y%m%d%H%M%S000+",
    "no-dates": "0000000000",
}
_ESM_CLASSES = {"esm0": 0, "esm24": 0x24, "esm44": 0x44}


def receipt(rules: Rules, message: Submitted, stat: str, *, done: float, submitted: float) -> Delivered:
    """The receipt that ``stat`` is this message's state. ``done`` and ``submitted`` in seconds since 1970."""
    form = "no-text" if rules.strict and rules.unchanged("receipt_text") else rules.receipt_text
    where = "text" if rules.strict and rules.unchanged("receipts") else rules.receipts
    esm_class = _ESM_CLASSES.get(form, EsmClass.RECEIPT)
    written_id = receipted_id(rules, message)
    octets = _text(rules, form, message, written_id, stat, done=done, submitted=submitted)
    tlvs = _tlvs(rules, message.pdu, written_id, stat) if where in ("text+tlvs", "tlvs", "data_sm") else ()
    return addressed(message.pdu, esm_class, octets, tlvs, where)


def notification(rules: Rules, message: Submitted, *, now: float) -> Delivered:
    """The intermediate notification that the message is on its way (SMPP 3.4 §2.11)."""
    pdu = receipt(rules, message, "ENROUTE", done=now, submitted=now)
    pdu.esm_class = EsmClass.INTERMEDIATE
    return pdu


def addressed(
    submit: SubmitSm, esm_class: int, octets: bytes, tlvs: tuple[Tlv, ...], where: str
) -> Delivered:
    """A PDU to the sender of ``submit``, from its recipient; ``where`` is a word of Rules.receipts."""
    if where == "data_sm":
        return DataSm(
            source_addr_ton=submit.dest_addr_ton,
            source_addr_npi=submit.dest_addr_npi,
            source_addr=submit.destination_addr,
            dest_addr_ton=submit.source_addr_ton,
            dest_addr_npi=submit.source_addr_npi,
            destination_addr=submit.source_addr,
            esm_class=esm_class,
            tlvs=(*tlvs, (Tag.MESSAGE_PAYLOAD, octets)),
        )
    data_coding = 0
    if where == "ucs2":
        octets, data_coding = octets.decode("latin-1").encode("utf-16-be"), 8
    if where == "payload" or len(octets) > MAX_SHORT_MESSAGE:
        octets, tlvs = b"", (*tlvs, (Tag.MESSAGE_PAYLOAD, octets))
    return DeliverSm(
        source_addr_ton=submit.dest_addr_ton,
        source_addr_npi=submit.dest_addr_npi,
        source_addr=submit.destination_addr,
        dest_addr_ton=submit.source_addr_ton,
        dest_addr_npi=submit.source_addr_npi,
        destination_addr=submit.source_addr,
        esm_class=esm_class,
        data_coding=data_coding,
        short_message=b"" if where == "tlvs" else octets,
        tlvs=tlvs,
    )


def _text(
    rules: Rules,
    form: str,
    message: Submitted,
    written_id: str,
    stat: str,
    *,
    done: float,
    submitted: float,
) -> bytes:
    dates = _DATES.get(form, "%y%m%d%H%M")
    text = _TEXTS.get(form, _STANDARD).format(
        id=written_id,
        dlvrd="001" if state_of(stat)[0] == MessageState.DELIVERED else "000",
        submit=_stamp(int(submitted), dates),
        done=_stamp(int(done), dates),
        stat=stat.lower() if form == "lower" else stat,
        err=rules.err,
        text=_beginning(message.pdu),
    )
    return text.encode("latin-1")


def _tlvs(rules: Rules, submit: SubmitSm, written_id: str, stat: str) -> tuple[Tlv, ...]:
    """Its user_message_reference comes back as it was given (SMPP 3.4 §5.3.2.17)."""
    code = int(rules.err) if rules.err.isascii() and rules.err.isdigit() else 0
    return (
        (Tag.RECEIPTED_MESSAGE_ID, written_id.encode() + (b"" if rules.stray else b"\0")),
        (Tag.MESSAGE_STATE, bytes((state_of(stat)[0],))),
        (Tag.NETWORK_ERROR_CODE, _GSM_NETWORK + (code & 0xFFFF).to_bytes(2)),
        *(tlv for tlv in submit.tlvs if tlv[0] == Tag.USER_MESSAGE_REFERENCE),
    )


def _beginning(submit: SubmitSm) -> str:
    """The first octets, whatever their coding is; real centres do not look either."""
    return submit.short_message[:_TEXT_OCTETS].decode("latin-1")


@lru_cache(maxsize=1024)
def _stamp(second: int, form: str) -> str:
    return time.strftime(form, time.gmtime(second))
