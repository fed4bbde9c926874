"""What send.php is asked for one message, and which messages must not become such a request.

The API reads commands out of texts and recipients: prefixes such as ``__CALL__`` buy another service, a line
``~~~`` cuts the text off, macros in the texts of calls, Viber messages and e-mails dial numbers and send
messages, ``G7`` or a comma in the recipient sends to many. All of that is refused or made harmless here, so
that a message buys what its service_type says and nothing else. Macros pass where the operator wishes it.

Parameters of send.php that have no place here:

1. ``list``, ``nl`` and several ``phones``: such messages share one id and one verdict.
2. ``period`` and ``freq`` spread the phones of one request over hours. Here each request has one; `rate`
   slows messages down.
3. ``time=h1-h2`` names the hours in which smsc.ru may send. `quiet` of an account keeps messages here
   instead: urgent ones pass, and query_sm, cancel_sm and the next provider still reach those that wait.
4. ``tz``: times are sent as Unix seconds.
5. ``mms`` (files); ``fileurl`` but for calls: a text for Viber may hold ``<file …>``.
6. ``smsreq``, ``imgcode``, ``userip`` (captchas of web sites); ``pp`` (referrals).
7. ``err``: ``op`` says the same of every number. ``bin=1``: raw octets do not survive JSON, ``bin=2`` has
   them in hex.
"""

import math
import re
import unicodedata
from typing import Literal, NamedTuple

from smppbridge.errors import Refused
from smppbridge.model.message import Draft, Message
from smppbridge.model.services import SERVICES, special_address
from smppbridge.smpp.concat import has_ports, ports_among
from smppbridge.smpp.constants import Status
from smppbridge.smpp.gsm import ESCAPE, decode_gsm, encode_gsm
from smppbridge.smpp.text import flavour

MAX_TEXT = 1000  # characters (send.php, mes)
MAX_OCTETS = 140  # of binary content, with its user data header; the 0 that says "none" does not count
MAX_VALIDITY = 24 * 60  # minutes (send.php, valid)
MAX_SUBJECT = 100  # characters of a mail's first line; the manual states no limit

# Nothing says what smsc.ru skips before it looks for a command: here everything that nobody sees. The planes
# between these have no such characters.
_BLANKS = {
    char
    for char in map(chr, (*range(0x20000), *range(0xE0000, 0xE1000)))
    if unicodedata.category(char) in {"Cc", "Cf", "Zs", "Zl", "Zp"}
}
_ENDS = set("\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")  # of a line: those of str.splitlines


def _any_of(chars: set[str]) -> str:
    return f"[{re.escape(''.join(sorted(chars)))}]"


_BLANK, _INSIDE, _END = f"{_any_of(_BLANKS)}*", f"{_any_of(_BLANKS - _ENDS)}*", _any_of(_ENDS)
# Looked for in what `_plain` returns; what is "bad" in a comment is replaced.
_PREFIX = re.compile(
    rf"{_BLANK}(?:__(?:CALL|VIBER|SOC|MAIL|BOT)__|__(?:PING|HLR)__{_BLANK}\Z)", re.IGNORECASE
)
_COMMENT = re.compile(rf"(?:\A|(?<={_END})){_INSIDE}(?P<bad>~~~)(?={_INSIDE}(?:\Z|{_END}))")
_MACRO = re.compile(rf"[{{<]{_BLANK}(?:menu|button|file)\b", re.IGNORECASE)

_PHONE = re.compile(r"[0-9]{7,15}")
_GROUP = re.compile(r"[Gg][0-9]+")
_SENDER = re.compile(r"[ -~]{1,11}|\+?[0-9]{1,15}")
_PUSH = re.compile(r"https?://\S+\r?\n.*\S.*", re.DOTALL)

# service_type -> the parameter that asks for it; for BOT its value is the bot's name
_PARAMETERS = {
    "HLR": "hlr",
    "PING": "ping",
    "CALL": "call",
    "VIBER": "viber",
    "WAPP": "whatsapp",
    "SOC": "soc",
    "TG": "tg",
    "BOT": "bot",
    "MAIL": "mail",
    "PUSH": "push",
}
_WITHOUT_SENDER = frozenset({"HLR", "PING", "MAIL"})  # nobody sees one, or it is the mail's own

# Octets without a coding scheme go as in the manual's examples: 8-bit data, and text in ASCII. A data_coding
# of UCS-2 or of binary data with its class, or one that shows a waiting message, is its own scheme
# (3GPP TS 23.038 §4).
_GSM, _EIGHT_BIT, _UCS2 = 0x00, 0x04, 0x08
_SCHEMES = frozenset({_UCS2, *range(0x14, 0x1C), *range(0xC0, 0xF0), *range(0xF4, 0xF8)})
_SAME = frozenset(
    octet for octet in range(0x80) if octet != ESCAPE and decode_gsm(bytes([octet])) == chr(octet)
)
"""Octets that are the same character in ASCII and in GSM 03.38."""


class Wishes(NamedTuple):
    """What the operator set about messages."""

    default_sender: str = ""
    service_texts: Literal["escape", "reject", "pass"] = "escape"
    translit: int = 0
    tinyurl: bool = False
    maxsms: int = 0  # 0 = no limit
    voice: str = ""
    param: str = ""
    fileurl: str = ""
    bot: str = ""  # "" = the service is not sold
    mail_sender: str = ""  # "" = the service is not sold
    mail_subject: str = ""  # "" = the first line of the text

    @property
    def services(self) -> frozenset[str]:
        """The service_types that can be sold with these."""
        lacking = {"BOT": not self.bot, "MAIL": not self.mail_sender}
        return frozenset(name for name in _PARAMETERS if not lacking.get(name))


# --- what may be sent ------------------------------------------------------------------------------


def check(draft: Draft, wishes: Wishes) -> None:
    """Raise Refused: 0x0B for the recipient, 0x0A for the sender, 0x4A5 for the content, 0x4A3 for binary
    content of a service, and for text in another alphabet behind a user data header."""
    service = draft.service_type
    _check_recipient(draft.recipient, service)
    problem = "" if service in _WITHOUT_SENDER else sender_problem(draft.sender)
    if problem:
        raise Refused(Status.ESME_RINVSRCADR, problem)
    if draft.octets is not None and service:
        raise Refused(Status.ESME_RINVENCODING, f"service_type {service} takes no binary content")
    if draft.octets is not None or draft.ports:
        octets, data_coding = _as_octets(draft.text or "", draft.octets, draft.data_coding, draft.ports)
        _check_octets(octets)
        _check_alphabet(octets, data_coding)
    elif draft.text is not None and not (service and SERVICES[service].without_text):
        _check_text(draft.text, service, wishes)


def sender_problem(sender: str) -> str:
    """Why send.php would not take this sender; "" if it may be used, or is the account's default."""
    if sender and not _SENDER.fullmatch(sender):
        return "sender must be at most 11 Latin letters, digits and signs, or at most 15 digits"
    return ""


def _check_recipient(recipient: str, service: str) -> None:
    if service and special_address(service, recipient):
        if _GROUP.fullmatch(recipient):
            raise Refused(Status.ESME_RINVDSTADR, "destination_addr is a group of recipients")
    elif not _PHONE.fullmatch(recipient):
        raise Refused(Status.ESME_RINVDSTADR, "destination_addr is not a telephone number")


def _as_octets(text: str, octets: bytes | None, data_coding: int, ports: bytes) -> tuple[bytes, int]:
    """Octets with ``ports`` in their header, and their data_coding. Raises Refused (0x4A5) for half a
    character."""
    if octets is None:
        septets = encode_gsm(text)
        octets, data_coding = (
            b"\0" + (_utf_16(text) if septets is None else septets),
            _UCS2 if septets is None else _GSM,
        )
    if not ports or not octets or len(octets) > MAX_OCTETS or has_ports(octets):
        return octets, data_coding
    return bytes((octets[0] + len(ports),)) + ports + octets[1:], data_coding


def _utf_16(text: str) -> bytes:
    try:
        return text.encode("utf-16-be")
    except UnicodeEncodeError:
        raise Refused(Status.ESME_RINVTEXT, "the text has half a character") from None


def _check_octets(octets: bytes) -> None:
    """The user data header must be whole, or smsc.ru says that the request is wrong."""
    if len(octets) - octets.startswith(b"\0") > MAX_OCTETS:
        raise Refused(Status.ESME_RINVTEXT, f"the content has more than {MAX_OCTETS} octets")
    header = octets[1 : 1 + octets[0]] if octets else b""
    at = 0
    while at + 1 < len(header):
        at += 2 + header[at + 1]
    if len(octets) < 2 or len(header) != octets[0] or at != len(header):
        raise Refused(Status.ESME_RINVTEXT, "the content or its user data header is not whole")


def _check_alphabet(octets: bytes, data_coding: int) -> None:
    """Text behind a user data header must be in a coding that a scheme names, or in ASCII."""
    if flavour(data_coding).alphabet not in {None, _UCS2} and not octets[1 + octets[0] :].isascii():
        raise Refused(
            Status.ESME_RINVENCODING, "smsc.ru takes text with a user data header in GSM 03.38 or UCS-2 only"
        )


def _check_text(text: str, service: str, wishes: Wishes) -> None:
    if not text:
        raise Refused(Status.ESME_RINVTEXT, "the text is empty")
    if len(text) > MAX_TEXT:  # before the patterns look at it
        raise Refused(Status.ESME_RINVTEXT, f"the text has more than {MAX_TEXT} characters")
    plain = _plain(text)
    if wishes.service_texts == "reject" and (_PREFIX.match(plain) or _COMMENT.search(plain)):
        raise Refused(Status.ESME_RINVTEXT, "smsc.ru would read a command out of this text")
    if service and wishes.service_texts != "pass" and _MACRO.search(plain):
        raise Refused(
            Status.ESME_RINVTEXT,
            "the text has a menu, button or file of smsc.ru, which service_texts: pass allows",
        )
    if len(guarded(text)) > MAX_TEXT:
        raise Refused(Status.ESME_RINVTEXT, f"made harmless, the text has more than {MAX_TEXT} characters")
    if service == "PUSH" and not _PUSH.fullmatch(text):
        raise Refused(Status.ESME_RINVTEXT, "service_type PUSH takes an address, a new line and a title")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise Refused(Status.ESME_RINVTEXT, "the text has half a character")  # a lone surrogate


def guarded(text: str) -> str:
    """``text`` without commands: a space before a prefix, and ``~~`` for a line ``~~~``.

    Macros stay: an SMS has none, and `check` decides about those of services.
    """
    found = _replaced(_COMMENT, text, "~~")
    return " " + found if _PREFIX.match(_plain(found)) and not found.startswith(" ") else found


def _plain(text: str) -> str:
    """``text`` with the usual characters in place of look-alikes, such as full-width letters. The length
    stays."""
    if unicodedata.is_normalized("NFKC", text):
        return text
    folded = (unicodedata.normalize("NFKC", char) for char in text)
    return "".join(new if len(new) == 1 else old for old, new in zip(text, folded, strict=True))


def _replaced(pattern: re.Pattern[str], text: str, harmless: str) -> str:
    found, at = [], 0
    for match in pattern.finditer(_plain(text)):
        start, end = match.span("bad")
        found += [text[at:start], harmless]
        at = end
    return "".join([*found, text[at:]])


# --- the request -----------------------------------------------------------------------------------


def ref_of(message_id: int, attempt: int) -> str:
    """Our id of an attempt at smsc.ru (send.php, id). Its letter keeps it apart from ids that smsc.ru gives,
    and from being read as a number anywhere."""
    return f"b{message_id}.{attempt}"


def subscriber(recipient: str) -> str:
    """How smsc.ru names the recipient in statuses: digits, an e-mail address, ``@nick`` or ``#id``."""
    is_nick = recipient[:1].isalpha() and "@" not in recipient
    return f"@{recipient}" if is_nick else recipient


def parameters(message: Message, wishes: Wishes, now: int) -> dict[str, str]:
    """The parameters of send.php for a message that `check` takes, without the credentials. ``now`` in ms."""
    phone = subscriber(message.recipient)
    asked = {
        "phones": f"+{phone}" if phone.isdigit() else phone,  # the + keeps a number as it is
        "id": ref_of(message.id, message.attempt),
        "charset": "utf-8",
        "cost": "3",
        "op": "1",
        "valid": _validity(message, now),
    }
    sender = message.sender or wishes.default_sender
    if sender and message.service_type not in _WITHOUT_SENDER:
        asked["sender"] = sender
    if message.send_at > now:
        asked["time"] = f"0{math.ceil(message.send_at / 1000)}"  # the 0 says that these are Unix seconds
    return asked | _content(message, wishes)


def _validity(message: Message, now: int) -> str:
    """What is left until the deadline as hh:mm, rounded up: 00:01 to 24:00."""
    left = message.deadline - max(now, message.send_at)
    minutes = min(max(math.ceil(left / 60_000), 1), MAX_VALIDITY)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _content(message: Message, wishes: Wishes) -> dict[str, str]:
    service = message.service_type
    ports = b"" if service else ports_among(message.tlvs)
    if message.octets is not None or ports:
        octets, data_coding = _as_octets(message.text, message.octets, message.data_coding, ports)
        coding = _coding(octets, data_coding, message.protocol_id)
        return {"bin": "2", "mes": octets.hex().upper() + coding}
    if service == "MAIL":
        return _mail(message.text, wishes)
    asked = (
        {_PARAMETERS[service]: wishes.bot if service == "BOT" else "1"}
        if service
        else _shape(message, wishes)
    )
    if not service or not SERVICES[service].without_text:
        asked["mes"] = guarded(message.text)
    if service == "CALL":
        asked |= _given({"voice": wishes.voice, "param": wishes.param, "fileurl": wishes.fileurl})
    return asked


def _shape(message: Message, wishes: Wishes) -> dict[str, str]:
    """How a plain text SMS is to look."""
    return _given(
        {
            "flash": "1" if message.flash else "",
            "translit": str(wishes.translit or ""),
            "tinyurl": "1" if wishes.tinyurl else "",
            "maxsms": str(wishes.maxsms or ""),
        }
    )


def _coding(octets: bytes, data_coding: int, protocol_id: int) -> str:
    """pid and dcs behind binary content, only where they are not what smsc.ru takes anyway."""
    scheme = _scheme(octets, data_coding)
    if not protocol_id and scheme is None:
        return ""
    return f"\n~~~\npid: {protocol_id}, dcs: {_EIGHT_BIT if scheme is None else scheme}"


def _scheme(octets: bytes, data_coding: int) -> int | None:
    """The coding scheme of octets; None where none need be named: nothing says how smsc.ru packs text of
    GSM 03.38 that is named as such, so that is done only where it must be."""
    if data_coding in _SCHEMES:
        return data_coding
    is_gsm = flavour(data_coding).alphabet == _GSM
    return _GSM if is_gsm and not _SAME.issuperset(octets[1 + octets[0] :]) else None


def _mail(text: str, wishes: Wishes) -> dict[str, str]:
    """Subject, text and sender are all needed: without a set subject the first line is it, and the text, too,
    where it is the only one."""
    subject, body = wishes.mail_subject, text
    if not subject:
        subject = next(iter(text.strip().splitlines()), "")
        body = text.strip()[len(subject) :].strip() or text
    subject = " ".join(subject.splitlines())  # a line break would end the header of the mail
    return {
        "mail": "1",
        "subj": guarded(subject.strip()[:MAX_SUBJECT]),
        "mes": guarded(body),  # what was the second line is now the first
        "sender": wishes.mail_sender,
    }


def _given(asked: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in asked.items() if value}
