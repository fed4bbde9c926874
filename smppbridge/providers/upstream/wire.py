"""A message -> the submit_sm that carry it to an upstream SMSC, as its options say.

No character is lost or replaced on the way: a text goes out in a coding that has all of its characters, or
not at all.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from smppbridge.errors import Refused
from smppbridge.model.message import Draft, Message
from smppbridge.providers.upstream.options import VALIDITY_MAX, SmppOptions, sender_problem
from smppbridge.smpp.concat import (
    PART_SEPTETS,
    SINGLE_OCTETS,
    SINGLE_SEPTETS,
    elements,
    has_ports,
    header,
    split_characters,
    split_octets,
)
from smppbridge.smpp.constants import SUBUNIT_DISPLAY, EsmClass, RegisteredDelivery, Status, Tag
from smppbridge.smpp.fields import MAX_SHORT_MESSAGE
from smppbridge.smpp.gsm import encode_gsm
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.text import decode_text, encode_text, flavour
from smppbridge.smpp.times import format_absolute, format_relative
from smppbridge.smpp.tlv import Tlv, read_tlvs, tlv
from smppbridge.smpp.ton import AddressKind, kind_of

_UCS2 = 8
_FLASH_GSM, _FLASH_UCS2 = 0x10, 0x18  # data_coding of message class 0 (3GPP 23.038 §4)
_SURE_PART = 33  # characters of any kind that surely fit one part: two UTF-16 units each, one pair not cut
# Elements of a user data header that leave the alphabet alone: parts and ports (3GPP 23.040 §9.2.3.24).
_HARMLESS = frozenset({0x00, 0x08, 0x04, 0x05})

# Optional parameters about how a text is cut: always ours, never those of the ESME.
_OWN = frozenset({Tag.MESSAGE_PAYLOAD, Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM})
_LISTED = frozenset(
    {
        *(Tag.USER_MESSAGE_REFERENCE, Tag.SOURCE_PORT, Tag.SOURCE_ADDR_SUBUNIT, Tag.DESTINATION_PORT),
        *(Tag.DEST_ADDR_SUBUNIT, Tag.MORE_MESSAGES_TO_SEND, Tag.PAYLOAD_TYPE, Tag.PRIVACY_INDICATOR),
        *(Tag.CALLBACK_NUM, Tag.CALLBACK_NUM_PRES_IND, Tag.CALLBACK_NUM_ATAG, Tag.SOURCE_SUBADDRESS),
        *(Tag.DEST_SUBADDRESS, Tag.USER_RESPONSE_CODE, Tag.DISPLAY_TIME, Tag.SMS_SIGNAL, Tag.MS_VALIDITY),
        *(Tag.MS_MSG_WAIT_FACILITIES, Tag.NUMBER_OF_MESSAGES, Tag.ALERT_ON_MESSAGE_DELIVERY),
        *(Tag.LANGUAGE_INDICATOR, Tag.ITS_REPLY_TYPE, Tag.ITS_SESSION_INFO, Tag.USSD_SERVICE_OP),
    }
)
"""Optional parameters of submit_sm (SMPP 3.4 §4.4.1) without the text and those about how it is cut."""

_NO_PORTS = "source_port and destination_port would be lost: this provider needs tlvs: known or all"


class _Content(NamedTuple):
    """What differs between the submit_sm of one message."""

    esm_class: int
    data_coding: int
    short_message: bytes
    tlvs: tuple[Tlv, ...]


class _Piece(NamedTuple):
    """Octets with a user data header of their own (b"" = none)."""

    data_coding: int  # 0, 1, 3 or 8 for a text, else that of the data
    is_text: bool
    header: bytes
    data: bytes


class Wire:
    """Writes submit_sm for one SMSC."""

    def __init__(self, options: SmppOptions) -> None:
        self._own = options
        self._gsm = options.default_encoding == "gsm"
        self._reference_bits = 16 if options.long == "udh16" else 8
        self._passes_ports = options.takes_tlvs and options.tlvs in {"known", "all"}
        codings = options.data_codings
        self._order: dict[int | None, tuple[int, ...]] = {  # a text's own coding goes first
            own: (own, *(one for one in codings if one != own)) for own in codings
        }
        self._surely_fits = _SURE_PART * options.max_parts if _UCS2 in options.data_codings else 0
        self._registered = int(RegisteredDelivery.SUCCESS_OR_FAILURE)
        if options.intermediate:
            self._registered |= RegisteredDelivery.INTERMEDIATE

    def check(self, draft: Draft) -> None:
        """Raise Refused for a message that can never be sent there: 0x0A for its sender, 0x4A3 for its coding
        or flash, 0x43 for ports that would be lost, 0x4A5 for an empty or too long text."""
        problem = sender_problem(draft.sender, self._own.profile)
        if problem:
            raise Refused(Status.ESME_RINVSRCADR, problem)
        if draft.ports and not self._passes_ports and not (draft.octets and has_ports(draft.octets)):
            raise Refused(Status.ESME_RINVESMCLASS, _NO_PORTS)
        if draft.octets is not None:
            if self._piece(draft.octets, draft.data_coding).is_text:
                self._check_flash(draft.flash)
            return
        text = draft.text
        if text == "":
            raise Refused(Status.ESME_RINVTEXT, "the text is empty")
        if text is not None and len(text) > self._surely_fits:
            self._split(text, self._own.data_codings)
        self._check_flash(draft.flash)

    def submits(self, message: Message, now: int, reference: int) -> list[SubmitSm]:
        """The submit_sm that carry ``message``, at least one; ``now`` in ms.

        ``reference`` joins its parts: messages to one phone that are under way at the same time must have
        different references. Raises Refused as `check` does.
        """
        if message.octets is None:
            contents = self._of_text(message, reference)
        else:
            contents = [self._of_octets(message, message.octets)]
        own = self._own
        ton, npi, source = self._source(message.sender)
        validity = self._validity(message.deadline, now)
        return [
            SubmitSm(
                service_type=own.service_type,
                source_addr_ton=ton,
                source_addr_npi=npi,
                source_addr=source,
                dest_addr_ton=own.dest_ton,
                dest_addr_npi=own.dest_npi,
                destination_addr=message.recipient,
                esm_class=content.esm_class,
                protocol_id=message.protocol_id,
                priority_flag=message.priority,
                validity_period=validity,
                registered_delivery=self._registered,
                data_coding=content.data_coding,
                short_message=content.short_message,
                tlvs=content.tlvs,
            )
            for content in contents
        ]

    # --- fields --------------------------------------------------------------------------------

    def _source(self, sender: str) -> tuple[int, int, str]:
        """ton, npi and source_addr; all empty when the sender is the one set at the SMSC."""
        own = self._own
        sender = sender or own.default_sender
        match kind_of(sender):  # the SMSC may want other types than the usual ones
            case AddressKind.EMPTY:
                return 0, 0, ""
            case AddressKind.NAME:
                return own.alpha_ton, own.alpha_npi, sender
            case AddressKind.SHORT:
                return own.short_ton, own.short_npi, sender
            case AddressKind.NUMBER:
                return own.numeric_ton, own.numeric_npi, sender

    def _validity(self, deadline: int, now: int) -> str:
        """validity_period: the seconds that are left, rounded up, from 1 to VALIDITY_MAX."""
        seconds = min(max(-(-(deadline - now) // 1000), 1), int(VALIDITY_MAX))
        match self._own.validity:
            case "relative":
                return _relative(seconds)
            case "absolute":
                return format_absolute(datetime.fromtimestamp(-(-now // 1000) + seconds, UTC))
            case "none":
                return ""

    def _marked(self, coding: int, flash: bool) -> tuple[int, tuple[Tlv, ...]]:
        """data_coding of a text in ``coding``, and a TLV when data_coding cannot say that it is flash.

        Raises Refused (0x4A3) when the text cannot be flash and must not be sent as an ordinary one.
        """
        self._check_flash(flash)
        how = self._own.flash
        if not flash or how == "none":
            return coding, ()
        if how == "data_coding" and coding == _UCS2:
            return _FLASH_UCS2, ()
        if how == "data_coding" and coding == 0 and self._gsm:
            return _FLASH_GSM, ()
        return coding, (tlv(Tag.DEST_ADDR_SUBUNIT, SUBUNIT_DISPLAY),) if self._own.takes_tlvs else ()

    def _check_flash(self, flash: bool) -> None:
        if self._own.flash == "none":
            self._own.check_flash(flash)

    def _passed_on(self, raw: bytes | None, ours: tuple[Tlv, ...]) -> tuple[Tlv, ...]:
        """The optional parameters of the ESME that are passed on, octet for octet; not those that ``ours``
        has."""
        if not raw or not self._own.takes_tlvs or self._own.tlvs == "none":
            return ()
        found = read_tlvs(raw, 0, tolerant=True)
        match self._own.tlvs:
            case "reference":
                kept = [pair for pair in found if pair[0] == Tag.USER_MESSAGE_REFERENCE]
            case "known":
                kept = [pair for pair in found if pair[0] in _LISTED]
            case _:
                kept = list(found)
        without = _OWN | {tag for tag, _ in ours}
        return tuple(pair for pair in kept if pair[0] not in without)

    # --- texts ---------------------------------------------------------------------------------

    def _of_text(self, message: Message, reference: int) -> list[_Content]:
        own = flavour(message.data_coding).alphabet
        coding, pieces = self._split(message.text, self._order.get(own, self._own.data_codings))
        data_coding, marks = self._marked(coding, message.flash)
        tlvs = self._passed_on(message.tlvs, marks) + marks
        total = len(pieces)
        if total == 1:
            return [_Content(0, data_coding, pieces[0], tlvs)]
        match self._own.long:
            case "udh" | "udh16":
                width = self._reference_bits
                heads = (header(reference, total, number, width=width) for number in range(1, total + 1))
                headed = (head + piece for head, piece in zip(heads, pieces, strict=True))
                return [_Content(EsmClass.UDHI, data_coding, octets, tlvs) for octets in headed]
            case "sar":
                return [
                    _Content(0, data_coding, piece, tlvs + _sar_tlvs(reference, total, number))
                    for number, piece in enumerate(pieces, 1)
                ]
            case "payload":
                payload = tlv(Tag.MESSAGE_PAYLOAD, b"".join(pieces))
                return [_Content(0, data_coding, b"", (*tlvs, payload))]

    def _split(self, text: str, codings: Sequence[int]) -> tuple[int, list[bytes]]:
        """The first of ``codings`` that has all characters, and the octets of each short message.

        Raises Refused: 0x4A5 when only the length is wrong, else 0x4A3.
        """
        readable = False
        for coding in codings:
            octets = self._encoded(text, coding)
            if octets is None:
                continue
            readable = True
            pieces = self._pieces(text, octets, coding)
            if pieces:
                return coding, pieces
        if readable:
            raise Refused(Status.ESME_RINVTEXT, f"the text needs more than {self._own.max_parts} parts")
        raise Refused(Status.ESME_RINVENCODING, "no data_coding of the SMSC has all characters of the text")

    def _encoded(self, text: str, coding: int) -> bytes | None:
        """The text in ``coding``, None when the coding lacks a character."""
        try:
            return encode_text(text, coding, self._own.default_encoding)
        except ValueError:
            return None

    def _pieces(self, text: str, octets: bytes, coding: int) -> list[bytes]:
        """The octets of each short message that carry ``text`` in ``coding``; [] when there would be too
        many."""
        most, width = self._own.max_parts, self._reference_bits
        if len(octets) > max(SINGLE_SEPTETS, most * PART_SEPTETS):
            return []
        if coding == _UCS2:
            pieces = split_octets(octets, wide=True, width=width)
        elif coding == 0 and self._gsm:
            pieces = split_octets(octets, wide=False, width=width)
        elif len(octets) > SINGLE_OCTETS and (septets := self._septets(text, coding)) is not None:
            cut = split_octets(septets, wide=False, width=width)
            pieces = [
                encode_text(decode_text(piece, 0, "gsm"), coding, self._own.default_encoding) for piece in cut
            ]
        else:
            utf8 = coding == 0 and self._own.default_encoding == "utf-8"
            pieces = split_characters(octets, utf8=utf8, width=width)
        complete = sum(map(len, pieces)) == len(octets)  # beyond 255 parts they are cut off
        return pieces if complete and len(pieces) <= most else []

    def _septets(self, text: str, coding: int) -> bytes | None:
        """The text in GSM 03.38, where the SMSC sends what it gets in ``coding`` in that; else None."""
        default = self._own.default_encoding
        if self._own.parts == "octets" or coding == _UCS2 or (coding == 0 and default == "utf-8"):
            return None
        return encode_gsm(text)

    # --- binary content, and texts with a user data header ---------------------------------------

    def _of_octets(self, message: Message, octets: bytes) -> _Content:
        piece = self._piece(octets, message.data_coding)
        data_coding = piece.data_coding
        marks: tuple[Tlv, ...] = ()
        if piece.is_text:
            data_coding, marks = self._marked(data_coding, message.flash)
        tlvs = self._passed_on(message.tlvs, marks) + marks
        return _Content(EsmClass.UDHI if piece.header else 0, data_coding, piece.header + piece.data, tlvs)

    def _piece(self, octets: bytes, data_coding: int) -> _Piece:
        """``octets`` (header and data) as they go out: unchanged, or the same text in another coding.

        Raises Refused: 0x4A3 when the SMSC does not read it, 0x4A5 when it is too long.
        """
        length = octets[0] if octets else 0
        head, data = octets[: 1 + length] if length else b"", octets[1 + length :]
        alphabet = flavour(data_coding).alphabet
        if alphabet is None:
            if not self._own.binary:
                raise Refused(Status.ESME_RINVENCODING, "the SMSC takes no binary messages")
            piece = _Piece(data_coding, False, head, data)
        elif alphabet in self._own.data_codings and (alphabet or self._gsm):
            piece = _Piece(alphabet, True, head, data)
        else:
            return self._transcoded(head, data, alphabet)
        if len(head + data) > MAX_SHORT_MESSAGE:
            raise Refused(Status.ESME_RINVTEXT, "the content is too long for a short message")
        return piece

    def _transcoded(self, head: bytes, data: bytes, alphabet: int) -> _Piece:
        if any(element not in _HARMLESS for element, _ in elements(head)):
            raise Refused(Status.ESME_RINVENCODING, "its user data header may change the alphabet")
        text = decode_text(data, alphabet, "gsm")
        for coding in self._own.data_codings:
            octets = self._encoded(text, coding)
            if octets is not None and self._fits(text, octets, len(head), coding):
                return _Piece(coding, True, head, octets)
        raise Refused(Status.ESME_RINVENCODING, "the text does not fit in any data_coding of the SMSC")

    def _fits(self, text: str, octets: bytes, head: int, coding: int) -> bool:
        """Whether one short message holds ``text``, which is ``octets`` in ``coding``, beside a header."""
        septets = octets if coding == 0 and self._gsm else self._septets(text, coding)
        if septets is not None:
            return -(-head * 8 // 7) + len(septets) <= SINGLE_SEPTETS
        return head + len(octets) <= SINGLE_OCTETS


@lru_cache(maxsize=1024)  # messages of one second have the same
def _relative(seconds: int) -> str:
    return format_relative(seconds)


def _sar_tlvs(reference: int, total: int, number: int) -> tuple[Tlv, ...]:
    return (
        tlv(Tag.SAR_MSG_REF_NUM, reference & 0xFFFF),
        tlv(Tag.SAR_TOTAL_SEGMENTS, total),
        tlv(Tag.SAR_SEGMENT_SEQNUM, number),
    )
