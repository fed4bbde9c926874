"""deliver_sm and data_sm of an upstream SMSC: receipts in all notations, and messages from phones."""

import re
from uuid import uuid4

from smppbridge.errors import Refused
from smppbridge.model.message import Inbound, State, StatusReport
from smppbridge.providers.error_table import safe_reason
from smppbridge.providers.upstream.message_ids import MAX_REFERENCE, receipt_reference, trimmed
from smppbridge.providers.upstream.options import SmppOptions
from smppbridge.smpp.concat import header, read_sar
from smppbridge.smpp.constants import EsmClass, MessageState, Tag
from smppbridge.smpp.fields import MAX_SHORT_MESSAGE
from smppbridge.smpp.pdu import DataSm, DeliverSm
from smppbridge.smpp.receipt import STAT, ParsedReceipt, parse_receipt, state_of
from smppbridge.smpp.text import decode_text, flavour

_CODE_MAX = 32  # characters
_ERR_MAX = 999
_ERR = re.compile(r"[0-9]{1,3}")
_RECEIPT_TEXT = re.compile(r"\s*id\s*:", re.IGNORECASE)
_UCS2 = 8
_LETTERS = 0x20  # a first octet from here on is text: some SMSCs set the UDH indicator without a header
_WELL = frozenset({State.DELIVERED, State.ENROUTE, State.ACCEPTED})
_NETWORK_ERROR = 3  # octets of network_error_code: the type of the network, and its error (§5.3.2.31)
_NETWORKS = {1: "ANSI-136", 2: "IS-95", 3: "GSM"}
_RECEIPTS = frozenset({EsmClass.RECEIPT, EsmClass.RECEIPT | EsmClass.INTERMEDIATE})


class Reader:
    """Reads what one SMSC delivers."""

    def __init__(self, options: SmppOptions) -> None:
        self._rule = options.message_id
        self._by_text = options.receipts_by_text
        self._default = options.default_encoding

    def read(self, pdu: DeliverSm | DataSm, now: int) -> StatusReport | Inbound:
        """A status, or a message from a phone; ``now`` in ms.

        It is a status when
        1. esm_class says that it is a receipt or an intermediate notification, or
        2. it has the TLV receipted_message_id, or
        3. ``receipts_by_text`` is on and the text reads like a receipt.

        Raises ValueError for a receipt without a message id or a state, and for binary content that is longer
        than a short message.
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
        message_id = (trimmed(named) if isinstance(named, str) else "") or receipt.id or ""
        if not 0 < len(message_id) <= MAX_REFERENCE:
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
            reason="" if state in _WELL else _reason(pdu, word, receipt.err or ""),
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
        """The decoded text. None for data and for octets that their coding does not define: those are passed
        on as they are."""
        alphabet = flavour(data_coding).alphabet
        if alphabet is None:
            return None
        try:
            return decode_text(octets, alphabet, self._default)
        except Refused:
            return None


def _of_its_phone_only(report: StatusReport) -> StatusReport:
    """A report that is known by its text only counts for messages to its own phone: anybody can write such a
    text with a phone."""
    own = (report.provider_ref,) if report.provider_ref else ()
    return report._replace(provider_ref="", also=(*own, *report.also))


def _octets(pdu: DeliverSm | DataSm) -> bytes:
    """The content: short_message, or message_payload when that is empty."""
    short = pdu.short_message if isinstance(pdu, DeliverSm) else b""
    payload = None if short else pdu.tlv(Tag.MESSAGE_PAYLOAD)
    return payload if isinstance(payload, bytes) else short


def _receipt_text(pdu: DeliverSm | DataSm, octets: bytes) -> str:
    """The text of a receipt. Receipts are ASCII, which Latin-1 reads whatever data_coding says; only UCS-2
    needs another decoder."""
    if pdu.esm_class & EsmClass.UDHI and octets and 0 < octets[0] < _LETTERS:
        octets = octets[1 + octets[0] :]
    coding = "utf-16-be" if flavour(pdu.data_coding).alphabet == _UCS2 else "latin-1"
    return octets.decode(coding, "replace").removeprefix("\ufeff")


def _state(pdu: DeliverSm | DataSm, receipt: ParsedReceipt) -> tuple[int, bool, str]:
    """The state, whether it is final, and the SMSC's own word for it."""
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
    """The error code (0..999), and what the text has in place of three digits ("" for nothing)."""
    written = receipt.err or ""
    if _ERR.fullmatch(written):
        return int(written), ""
    network = pdu.tlv(Tag.NETWORK_ERROR_CODE)
    code = int.from_bytes(network[-2:], "big") if isinstance(network, bytes) else 0
    return min(code, _ERR_MAX), written if written.strip("0") and written.lower() != "null" else ""


def _reason(pdu: DeliverSm | DataSm, word: str, err: str) -> str:
    """Why a message did not arrive: the SMSC's word, its err, and what it tells in TLVs. "" where that is no
    more than the word."""
    said = [f"err:{err}"] if err.strip("0") and err.lower() != "null" else []
    network = pdu.tlv(Tag.NETWORK_ERROR_CODE)
    if isinstance(network, bytes) and len(network) == _NETWORK_ERROR and any(network[1:]):
        kind = _NETWORKS.get(network[0], f"type {network[0]}")
        said.append(f"network error {int.from_bytes(network[1:], 'big')} ({kind})")
    info = pdu.tlv(Tag.ADDITIONAL_STATUS_INFO_TEXT)
    if isinstance(info, str) and info:
        said.append(info)
    return safe_reason(" ".join((word, *said))) if said else ""


def _sar_header(pdu: DeliverSm | DataSm) -> bytes:
    """A user data header that says the same as the sar_* TLVs; b"" when they are not those of a part."""
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
