"""What is to be sent: the text or octets of a submit_sm, of a part of a long message, or of all its parts.

Octets are joined first and decoded after, because some senders cut an escape or a surrogate pair in two.
Must not know: sockets, providers, the store.
"""

from collections.abc import Sequence
from typing import NamedTuple

from smppbridge.errors import Refused
from smppbridge.model.account import Account
from smppbridge.model.message import Message
from smppbridge.model.services import check_text
from smppbridge.smpp.concat import SINGLE_SEPTETS, Concat, Header, port_element, read_header, read_sar
from smppbridge.smpp.concat import header as udh
from smppbridge.smpp.constants import SILENT, SUBUNIT_DISPLAY, EsmClass, Status, Tag
from smppbridge.smpp.fields import MAX_SHORT_MESSAGE
from smppbridge.smpp.gsm import ESCAPE, LANGUAGES, encode_gsm, unpack_septets, without_padding
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.text import NAMES, decode_text, flavour

_MAX_BINARY = 140  # octets that one short message carries, with its user data header
_CODINGS = {"gsm": 0, **{name: data_coding for data_coding, name in NAMES.items()}}
_UCS2 = 8
_NO_HEADER = Header(b"\0")


class Content(NamedTuple):
    """What is to be sent: a text, or octets with their user data header (at least its length octet)."""

    text: str  # "" beside `octets`
    octets: bytes | None
    flash: bool  # to be shown at once and not kept (message class 0)
    concat: Concat | None = None  # `octets` are a part of a text, which has to be joined first


def content_of(account: Account, submit: SubmitSm, service: str) -> Content:
    """The text, the binary content, or the part of a text, that a submit_sm holds.

    1. A data_coding of binary data, which means no text to the account either: octets.
    2. A part of a text, and a text whose header addresses an application: octets as they came. A part for an
       application, named by its header or by TLVs, is not joined, and neither is one that no phone shows.
    3. Anything else: the text. A ``service`` (see `service_of`) takes only this.

    Raises Refused: 0x01 two texts, or one too long; 0x43 a part for a service; 0x4A3 a data_coding without
    meaning; 0x4A5 no text, octets that make none, or binary content that is empty or too long.
    """
    octets = _octets(submit)
    alphabet, flash = flavour(submit.data_coding)
    header, concat = _NO_HEADER, None
    if submit.tlvs or submit.esm_class & EsmClass.UDHI:
        own = _header(submit, octets)
        header, concat = own or _NO_HEADER, _concat(submit, own)
        if submit.tlvs and submit.tlv(Tag.DEST_ADDR_SUBUNIT) == SUBUNIT_DISPLAY:
            flash = True
    if alphabet is None and not service and submit.data_coding not in account.encodings:
        return Content("", _binary(submit, octets), flash)
    data = _data(account, submit.data_coding, octets, header, concat)
    foreign = header.foreign
    if concat is not None and (submit.protocol_id == SILENT or port_element(submit.tlvs)):
        foreign = True
        header = header if header.concat else Header(udh(concat.reference, concat.total, concat.number))
    if concat is not None and (concat.total == 1 or foreign):
        concat = None  # nothing to join; ports belong to an application, not to a reader
    if foreign or concat is not None:
        if service:
            raise Refused(Status.ESME_RINVESMCLASS, "a service takes no parts of long messages")
        return Content("", _sized(header.octets + data, MAX_SHORT_MESSAGE), flash, concat)
    text = _text(account, submit.data_coding, data, header)
    if service:
        check_text(service, text)
    elif not text:
        raise Refused(Status.ESME_RINVTEXT, "the text is empty")
    return Content(text, None, flash)


def joined_text(account: Account, data_coding: int, parts: Sequence[bytes]) -> str:
    """The text of ``parts`` in their order, each with its header.

    Raises Refused (0x4A3, 0x4A5) where they make no text.
    """
    headers = [read_header(part) or _NO_HEADER for part in parts]
    pieces = [part[len(header.octets) :] for part, header in zip(parts, headers, strict=True)]
    if account.septets == "packed" and is_gsm(account, data_coding):
        behind = [*pieces[1:], b""]
        pieces = [_trimmed(*part) for part in zip(headers, pieces, behind, strict=True)]
    # A sender may name the language of the alphabet in the first part only.
    named = next((header for header in headers if header.locking or header.single), _NO_HEADER)
    text = _text(account, data_coding, b"".join(pieces), named)
    if not text:
        raise Refused(Status.ESME_RINVTEXT, "the text is empty")
    return text


def as_sent(account: Account, message: Message) -> Message:
    """The message as a provider is to get it, whole: joined if it came in parts.

    With `use_latin_when_it_fits` a UCS-2 text whose characters GSM 03.38 has all counts as one in the default
    alphabet: an SMSC then gets 160 characters a message instead of 70. Latin-1 is no measure: what it has
    beyond GSM 03.38 reaches phones in UCS-2 anyway. HTTP providers choose by the characters themselves. The
    stored message keeps its data_coding, in which a replace_sm comes.
    """
    if not account.use_latin_when_it_fits or message.octets is not None:
        return message
    if flavour(message.data_coding).alphabet != _UCS2 or encode_gsm(message.text) is None:
        return message
    return message._replace(data_coding=0)


def coding_of(account: Account, data_coding: int, octets: bytes | None) -> int:
    """The data_coding under which ``octets`` go on, so that 0 means GSM 03.38 to everybody.

    Without octets it stays as it came. Raises Refused (0x4A3) where no data_coding says what the account
    means.
    """
    name = None if octets is None else encoding_of(account, data_coding)
    if name is None:
        return data_coding
    if name not in _CODINGS:
        raise Refused(Status.ESME_RINVENCODING, f"octets cannot go on in {name}")
    own = _CODINGS[name]
    return data_coding if flavour(data_coding).alphabet == own else own


def encoding_of(account: Account, data_coding: int) -> str | None:
    """The encoding that the account means by a data_coding; None: the one that everybody means."""
    own = account.encodings.get(data_coding)
    return account.default_encoding if own is None and flavour(data_coding).alphabet == 0 else own


def is_gsm(account: Account, data_coding: int) -> bool:
    """Whether the account means GSM 03.38 by this data_coding."""
    return encoding_of(account, data_coding) == "gsm"


def octets_of(submit: SubmitSm) -> bytes:
    """short_message, or message_payload where that is empty."""
    if submit.short_message or not submit.tlvs:
        return submit.short_message
    payload = submit.tlv(Tag.MESSAGE_PAYLOAD)
    return payload if isinstance(payload, bytes) else b""


def concat_of(submit: SubmitSm) -> Concat | None:
    """Which part of a long message a submit_sm says it is, whether or not the bridge would join it."""
    return _concat(submit, _header(submit, octets_of(submit)))


def _octets(submit: SubmitSm) -> bytes:
    """The octets of short_message or message_payload (SMPP 3.4 §4.4.1). Raises Refused (0x01) for both at
    once, and for a short_message above 254 octets."""
    octets = submit.short_message
    if len(octets) > MAX_SHORT_MESSAGE:
        raise Refused(Status.ESME_RINVMSGLEN, "sm_length must be 0 to 254")
    if not submit.tlvs:
        return octets
    if octets and isinstance(submit.tlv(Tag.MESSAGE_PAYLOAD), bytes):
        raise Refused(Status.ESME_RINVMSGLEN, "both short_message and message_payload hold a text")
    return octets_of(submit)


def _header(submit: SubmitSm, octets: bytes) -> Header | None:
    """The user data header. None: there is none, or it reaches past the message, which is plain text then."""
    return read_header(octets) if submit.esm_class & EsmClass.UDHI else None


def _concat(submit: SubmitSm, header: Header | None) -> Concat | None:
    """Which part it is. A header that names a part, or an application, counts more than sar_* TLVs."""
    if header is not None and (header.concat is not None or header.foreign):
        return header.concat
    return read_sar(submit.tlvs) if submit.tlvs else None


def _binary(submit: SubmitSm, octets: bytes) -> bytes:
    """Binary content with its header. A part is not joined: it goes on as it is, its sar_* TLVs as a header.

    Raises Refused (0x4A5) for a header longer than the message, and for more than 140 octets.
    """
    if submit.esm_class & EsmClass.UDHI:
        if read_header(octets) is None:
            raise Refused(Status.ESME_RINVTEXT, "the user data header is longer than the message")
        return _sized(octets, _MAX_BINARY)
    sar = read_sar(submit.tlvs) if submit.tlvs else None
    own = b"\0" if sar is None else udh(sar.reference, sar.total, sar.number)
    return _sized(own + octets, _MAX_BINARY)


def _data(account: Account, data_coding: int, octets: bytes, header: Header, concat: Concat | None) -> bytes:
    """What follows the header; packed septets of GSM 03.38 are unpacked, one in an octet."""
    size = 0 if header is _NO_HEADER else len(header.octets)
    data = octets[size:]
    if account.septets == "packed" and is_gsm(account, data_coding):
        more = concat is not None and concat.number < concat.total
        return unpack_septets(data, size, more=more)
    return data


def _trimmed(header: Header, piece: bytes, behind: bytes) -> bytes:
    """Unpacked septets of a part, without a last one that is only spare bits.

    Nothing says whether the last seven bits are spare, or ``@`` or CR. ``behind``: the septets of the next
    part, b"" for the last part.

    1. A part that is as full as can be ends with a character.
    2. But where the next part begins with an escape, the sender has most likely kept that character whole,
       and left its place here empty: spare bits.
    3. A part that is not full was cut at a word or so: spare bits, which are likelier than ``@`` and CR.
    4. So is the end of the text.
    """
    size = len(header.octets) if len(header.octets) > 1 else 0
    # Without a header its reference, of 16 bits, needs one of 7 octets at the end of the way.
    full = len(piece) >= SINGLE_SEPTETS - -(-8 * (size or 7) // 7)
    if full and behind and behind[0] != ESCAPE:
        return piece
    return without_padding(piece, size)


def _text(account: Account, data_coding: int, data: bytes, header: Header) -> str:
    name = encoding_of(account, data_coding)
    if name is None:
        alphabet = flavour(data_coding).alphabet
        return decode_text(data, data_coding if alphabet is None else alphabet, "gsm", came=data_coding)
    locking, single = header.locking, header.single
    if account.gsm_language and not (locking or single):
        single = LANGUAGES[account.gsm_language]
    return decode_text(data, 0, name, locking, single, came=data_coding)


def _sized(content: bytes, longest: int) -> bytes:
    """``content`` with its header. Raises Refused (0x4A5) where it is empty or longer than ``longest``."""
    length = len(content) - (not content[0])  # a header of no elements is not sent
    if not 0 < length <= longest:
        raise Refused(Status.ESME_RINVTEXT, f"binary content and parts must have 1 to {longest} octets")
    return content
