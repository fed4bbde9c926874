"""What is to be sent: the text or the octets of one submit_sm, of a part of a long one, or of all its parts.

Octets are joined first and decoded after, because some senders cut an escape or a surrogate pair in two.
Must not know: routes, providers, the store.
"""

from collections.abc import Iterable
from typing import NamedTuple

from smppbridge.errors import Refused
from smppbridge.model.account import Account
from smppbridge.model.services import check_text
from smppbridge.smpp.concat import Concat, Header, read_header, read_sar
from smppbridge.smpp.concat import header as udh
from smppbridge.smpp.constants import EsmClass, Status, Tag
from smppbridge.smpp.fields import MAX_SHORT_MESSAGE
from smppbridge.smpp.gsm import LANGUAGES, unpack_septets
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.text import decode_text, flavour

_MAX_BINARY = 140  # octets that one short message carries, with its user data header
_CODINGS = {"gsm": 0, "latin-1": 3, "ascii": 1}  # of a default_encoding that has a name of its own
_DISPLAY = 1  # dest_addr_subunit (SMPP 3.4 §5.3.2.1): mobile equipment display
_NO_HEADER = Header(b"\0")


class Content(NamedTuple):
    """What is to be sent: a text, or octets with their user data header (at least its length octet)."""

    text: str
    octets: bytes | None
    flash: bool
    concat: Concat | None = None  # it is a part of a text, which has to be joined first


def content_of(account: Account, submit: SubmitSm, service: str) -> Content:
    """Text, binary data, or a part of a text. Raises Refused for what no service and no phone can use."""
    octets = _octets(submit)
    header = read_header(octets) if submit.esm_class & EsmClass.UDHI else _NO_HEADER
    alphabet, flash = flavour(submit.data_coding)
    if submit.tlvs and submit.tlv(Tag.DEST_ADDR_SUBUNIT) == _DISPLAY:
        flash = True
    if alphabet is None and not service and submit.data_coding not in account.encodings:
        return Content("", _binary(submit, octets, header), flash)
    if header is None:
        header = _NO_HEADER  # it reaches past the message, which is plain text then
    data = _data(account, submit.data_coding, octets, header)
    concat = _concat(submit, header)
    if header.foreign or concat is not None:
        if service:
            raise Refused(Status.ESME_RINVESMCLASS, "a service takes no parts of long messages")
        return Content("", _sized(header.octets + data, MAX_SHORT_MESSAGE), flash, concat)
    text = _text(account, submit.data_coding, data, header)
    if service:
        check_text(service, text)
    elif not text:
        raise Refused(Status.ESME_RINVTEXT, "the text is empty")
    return Content(text, None, flash)


def joined_text(account: Account, data_coding: int, parts: Iterable[bytes]) -> str:
    """The text of ``parts`` in their order, each with its header. Raises Refused where they make none."""
    headers: list[Header] = []
    octets = b""
    for part in parts:
        header = read_header(part) or _NO_HEADER
        headers.append(header)
        octets += part[len(header.octets) :]
    # A sender may name the language of the alphabet in the first part only.
    named = next((header for header in headers if header.locking or header.single), _NO_HEADER)
    text = _text(account, data_coding, octets, named)
    if not text:
        raise Refused(Status.ESME_RINVTEXT, "the text is empty")
    return text


def coding_of(account: Account, data_coding: int, octets: bytes | None) -> int:
    """data_coding of what goes on as octets, by its own name where the ESME's is the account's default:
    then 0 is GSM 03.38 for everybody."""
    if octets is None or flavour(data_coding).alphabet != 0:
        return data_coding
    if account.default_encoding not in _CODINGS:
        raise Refused(Status.ESME_RINVENCODING, f"octets cannot go on in {account.default_encoding}")
    return _CODINGS[account.default_encoding] or data_coding


def _octets(submit: SubmitSm) -> bytes:
    """The text's octets: short_message or message_payload, never both (SMPP 3.4 §4.4.1)."""
    octets = submit.short_message
    if len(octets) > MAX_SHORT_MESSAGE:
        raise Refused(Status.ESME_RINVMSGLEN, "sm_length must be 0 to 254")
    payload = submit.tlv(Tag.MESSAGE_PAYLOAD) if submit.tlvs else None
    if not isinstance(payload, bytes):
        return octets
    if octets:
        raise Refused(Status.ESME_RINVMSGLEN, "both short_message and message_payload hold a text")
    return payload


def _binary(submit: SubmitSm, octets: bytes, header: Header | None) -> bytes:
    """Binary content is not joined: a part goes on as one, its sar_* TLVs as a header."""
    if header is None:
        raise Refused(Status.ESME_RINVTEXT, "the user data header is longer than the message")
    if header is not _NO_HEADER:
        return _sized(octets, _MAX_BINARY)
    sar = read_sar(submit.tlvs) if submit.tlvs else None
    own = b"\0" if sar is None else udh(sar.reference, sar.total, sar.number)
    return _sized(own + octets, _MAX_BINARY)


def _concat(submit: SubmitSm, header: Header) -> Concat | None:
    """Which part it is, where it is one that may be joined: ports belong to an application, not to a reader.
    A header counts more than sar_* TLVs."""
    if header is _NO_HEADER:
        return read_sar(submit.tlvs) if submit.tlvs else None
    concat = header.concat
    return None if concat is None or concat.total == 1 or header.foreign else concat


def is_gsm(account: Account, data_coding: int) -> bool:
    """Whether the account means GSM 03.38 by this data_coding."""
    return account.encodings.get(data_coding, account.default_encoding) == "gsm" and (
        flavour(data_coding).alphabet == 0
    )


def _data(account: Account, data_coding: int, octets: bytes, header: Header) -> bytes:
    """What follows the header, one septet per octet where it is GSM 03.38."""
    size = 0 if header is _NO_HEADER else len(header.octets)
    data = octets[size:]
    if account.septets == "packed" and is_gsm(account, data_coding):
        return unpack_septets(data, size)
    return data


def _text(account: Account, data_coding: int, data: bytes, header: Header) -> str:
    default = account.encodings.get(data_coding)
    if default is not None:
        data_coding = 0
    else:
        default = account.default_encoding
        alphabet = flavour(data_coding).alphabet
        data_coding = data_coding if alphabet is None else alphabet
    language = LANGUAGES[account.gsm_language] if account.gsm_language else 0
    locking, single = header.locking or language, header.single or language
    return decode_text(data, data_coding, default, locking=locking, single=single)


def _sized(content: bytes, longest: int) -> bytes:
    """Raises Refused unless ``content`` (with its header) has something in it, and is not too long."""
    length = len(content) - (not content[0])  # a header of no elements is not sent
    if not 0 < length <= longest:
        raise Refused(Status.ESME_RINVTEXT, f"binary content and parts must have 1 to {longest} octets")
    return content
