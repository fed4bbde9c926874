"""What an upstream SMSC delivers: receipts of every habit, and messages from phones.

Also the notations of message ids, because SMSCs write the same id in one way in submit_sm_resp and in another
in a receipt. Must not know: which messages there are, sessions.
"""

import re
from collections.abc import Callable
from typing import NamedTuple
from uuid import uuid4

from smppbridge.errors import Refused
from smppbridge.model.message import Inbound, State, StatusReport
from smppbridge.providers.upstream.options import SmppOptions
from smppbridge.smpp.concat import header, read_sar
from smppbridge.smpp.constants import EsmClass, MessageState, Tag
from smppbridge.smpp.fields import MAX_SHORT_MESSAGE
from smppbridge.smpp.pdu import DataSm, DeliverSm
from smppbridge.smpp.receipt import STAT, ParsedReceipt, parse_receipt, state_of
from smppbridge.smpp.text import decode_text, flavour

_ID_MAX = 65  # octets of a message_id (SMPP 3.4 §4.4.2): what is longer is no number to convert
_REF_MAX = 255  # characters; what is longer is nobody's id
_CODE_MAX = 32  # characters
_ERR_MAX = 999
_DECIMAL = re.compile(r"[0-9]+")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_HEX_OR_DASHES = re.compile(r"[0-9A-Fa-f-]+")
_ERR = re.compile(r"[0-9]{1,3}")
_RECEIPT_TEXT = re.compile(r"\s*id\s*:", re.IGNORECASE)
_UCS2 = 8
_LETTERS = 0x20  # a first octet from here on is text: some SMSCs set the UDH indicator without a header
_RECEIPTS = frozenset({EsmClass.RECEIPT, EsmClass.RECEIPT | EsmClass.INTERMEDIATE})

# --- ids -------------------------------------------------------------------------------------------


class Reference(NamedTuple):
    """The id of a receipt, as a StatusReport names it: see there."""

    ref: str
    also: tuple[str, ...] = ()


def stored_id(rule: str, message_id: str) -> str:
    """The form in which the id of a submit_sm_resp is stored; ``rule``: SmppOptions.message_id.

    "hex", "decimal": the id is a number in that notation, stored in decimal without leading zeros. "auto": an
    id of hexadecimal digits is stored in small letters without leading zeros. Anything else as it came,
    without blanks and NULs around it. "" (no id) for more than 255 characters, which no receipt may have
    either.
    """
    message_id = _trimmed(message_id)
    if len(message_id) > _REF_MAX:
        return ""
    if rule == "hex":
        return _from_hex(message_id) or message_id
    if rule == "decimal":
        return _from_decimal(message_id) or message_id
    return _canonical(message_id) if rule == "auto" else message_id


def receipt_reference(rule: str, message_id: str) -> Reference:
    """The id of a receipt in terms of stored ids. With the rules "hex" and "decimal" the receipt has the
    other notation; with "auto" nobody knows, so each one that is possible counts."""
    message_id = _trimmed(message_id)
    if rule in {"hex", "decimal"}:
        number = _from_decimal(message_id) if rule == "hex" else _from_hex(message_id)
        return Reference("", (number,)) if number else Reference(message_id)
    if rule == "as-is":
        return Reference(message_id)
    ref = _canonical(message_id)
    # Answers in hexadecimal with receipts in decimal are by far the more frequent mixture.
    others = (_to_hex(ref), _from_hex(ref))
    return Reference(ref, tuple(other for other in others if other and other != ref))


def _trimmed(message_id: str) -> str:
    return message_id.strip(" \t\r\n\0")


def _canonical(message_id: str) -> str:
    if len(message_id) > _ID_MAX or not _HEX_OR_DASHES.fullmatch(message_id):
        return message_id
    return message_id.lower().lstrip("0") or "0"


def _from_hex(digits: str) -> str:
    return _converted(digits, _HEX, lambda: str(int(digits, 16)))


def _from_decimal(digits: str) -> str:
    return _converted(digits, _DECIMAL, lambda: str(int(digits)))


def _to_hex(digits: str) -> str:
    return _converted(digits, _DECIMAL, lambda: f"{int(digits):x}")


def _converted(digits: str, pattern: re.Pattern[str], convert: Callable[[], str]) -> str:
    """ "" for what is no number in that notation."""
    return convert() if len(digits) <= _ID_MAX and pattern.fullmatch(digits) else ""


# --- deliver_sm and data_sm ------------------------------------------------------------------------


class Reader:
    """Reads what one SMSC delivers."""

    def __init__(self, options: SmppOptions) -> None:
        self._rule = options.message_id
        self._by_text = options.receipts_by_text
        self._default = options.default_encoding

    def read(self, pdu: DeliverSm | DataSm, now: int) -> StatusReport | Inbound:
        """A status, or a message from a phone; ``now`` in ms.

        Raises ValueError for a receipt that names no message or no state, and for binary content that no
        short message holds.
        """
        octets = _octets(pdu)
        kind = pdu.esm_class & EsmClass.TYPE_MASK
        if kind in _RECEIPTS or kind == EsmClass.INTERMEDIATE or pdu.tlv(Tag.RECEIPTED_MESSAGE_ID):
            return self._report(pdu, parse_receipt(_receipt_text(pdu, octets)))
        if self._by_text and kind == 0 and not pdu.esm_class & EsmClass.UDHI:
            text = _receipt_text(pdu, octets)
            if _RECEIPT_TEXT.match(text) and (receipt := parse_receipt(text)).id and receipt.stat:
                return _of_its_phone_only(self._report(pdu, receipt))
        return self._inbound(pdu, octets, now)

    # --- receipts ------------------------------------------------------------------------------

    def _report(self, pdu: DeliverSm | DataSm, receipt: ParsedReceipt) -> StatusReport:
        """The TLVs go before the text, which cannot be written wrongly in so many ways (SMPP 3.4 §5.3.2)."""
        named = pdu.tlv(Tag.RECEIPTED_MESSAGE_ID)
        message_id = (_trimmed(named) if isinstance(named, str) else "") or receipt.id or ""
        if not 0 < len(message_id) <= _REF_MAX:
            raise ValueError("a receipt without a message id")
        reference = receipt_reference(self._rule, message_id)
        state, final, word = _state(pdu, receipt)
        intermediate = pdu.esm_class & EsmClass.TYPE_MASK == EsmClass.INTERMEDIATE
        err, rest = _err(pdu, receipt)
        return StatusReport(
            provider_ref=reference.ref,
            state=state,
            final=final and not intermediate,
            err=err,
            code=_printable(f"{word[:_CODE_MAX]} {rest}"),
            also=reference.also,
            recipient=_digits(pdu.source_addr),
        )

    # --- messages from phones ------------------------------------------------------------------

    def _inbound(self, pdu: DeliverSm | DataSm, octets: bytes, now: int) -> Inbound:
        text, kept, esm_class = "", octets, 0
        if pdu.esm_class & EsmClass.UDHI and octets and octets[0] < len(octets):
            esm_class = EsmClass.UDHI
        elif part := _sar_header(pdu):
            esm_class, kept = EsmClass.UDHI, part + octets
        else:
            decoded = self._text(octets, pdu.data_coding)
            if decoded is not None:
                text, kept = decoded, b""
        if len(kept) > MAX_SHORT_MESSAGE:
            raise ValueError("binary content that is longer than a short message")
        binary = bool(esm_class or kept)
        return Inbound(
            ref=uuid4().hex,
            source=pdu.source_addr.removeprefix("+"),
            destination=pdu.destination_addr.removeprefix("+"),
            text=text,
            at=now,
            octets=kept if binary else None,
            data_coding=pdu.data_coding if binary else 0,
            esm_class=int(esm_class),
        )

    def _text(self, octets: bytes, data_coding: int) -> str | None:
        """None for data, and for octets that their coding does not define: those go on as they are."""
        alphabet = flavour(data_coding).alphabet
        if alphabet is None:
            return None
        try:
            return decode_text(octets, alphabet, self._default)
        except Refused:
            return None


def _of_its_phone_only(report: StatusReport) -> StatusReport:
    """Anybody can write such a text with a phone: it must not decide about messages to other phones."""
    own = (report.provider_ref,) if report.provider_ref else ()
    return report._replace(provider_ref="", also=(*own, *report.also))


def _octets(pdu: DeliverSm | DataSm) -> bytes:
    """Of short_message, else of message_payload."""
    short = pdu.short_message if isinstance(pdu, DeliverSm) else b""
    payload = None if short else pdu.tlv(Tag.MESSAGE_PAYLOAD)
    return payload if isinstance(payload, bytes) else short


def _receipt_text(pdu: DeliverSm | DataSm, octets: bytes) -> str:
    """Receipts are ASCII, which Latin-1 reads under any name; only UCS-2 is something else."""
    if pdu.esm_class & EsmClass.UDHI and octets and 0 < octets[0] < _LETTERS:
        octets = octets[1 + octets[0] :]
    coding = "utf-16-be" if flavour(pdu.data_coding).alphabet == _UCS2 else "latin-1"
    return octets.decode(coding, "replace").removeprefix("\ufeff")


def _state(pdu: DeliverSm | DataSm, receipt: ParsedReceipt) -> tuple[int, bool, str]:
    """State, whether it is final, and the SMSC's own word for it."""
    number = pdu.tlv(Tag.MESSAGE_STATE)
    if isinstance(number, int):
        if number not in STAT["standard"]:
            return State.UNKNOWN, False, receipt.stat or f"message_state {number}"
        final = number not in (MessageState.ENROUTE, MessageState.ACCEPTED)
        return number, final, receipt.stat or STAT["standard"][number]
    if receipt.stat is None:
        raise ValueError("a receipt without a state")
    state, final = state_of(receipt.stat)
    return state, final, receipt.stat


def _err(pdu: DeliverSm | DataSm, receipt: ParsedReceipt) -> tuple[int, str]:
    """err (0..999), and what the text says instead of three digits ("" for nothing)."""
    written = receipt.err or ""
    if _ERR.fullmatch(written):
        return int(written), ""
    network = pdu.tlv(Tag.NETWORK_ERROR_CODE)
    code = int.from_bytes(network[-2:], "big") if isinstance(network, bytes) else 0
    return min(code, _ERR_MAX), written if written.strip("0") and written.lower() != "null" else ""


def _sar_header(pdu: DeliverSm | DataSm) -> bytes:
    """A user data header that says what the sar_* TLVs say; b"" where they are not those of a part."""
    concat = read_sar(pdu.tlvs)
    return header(concat.reference, concat.total, concat.number) if concat else b""


def _digits(address: str) -> str:
    if address.isascii() and address.isdigit():
        return address
    return "".join(char for char in address if "0" <= char <= "9")


def _printable(word: str) -> str:
    if word.isascii() and word.isprintable():
        return word[:_CODE_MAX].strip()
    return "".join(char for char in word if " " <= char <= "~")[:_CODE_MAX].strip()
