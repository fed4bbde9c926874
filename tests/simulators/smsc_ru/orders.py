"""What a send request to smsc.ru asks for: who gets what, by which service. As literal as the manual.

Nothing here protects a client: lists, groups, prefixes, comments and corrected numbers all take effect.
"""

import re
from dataclasses import dataclass, field

from smppbridge.smpp.text import parts
from tests.simulators.smsc_ru.parameters import EMAIL, FLAGS, check_parameters, explicit_service, used_param
from tests.simulators.smsc_ru.rules import Refusal, Rules
from tests.simulators.smsc_ru.wire import Query

MAX_TEXT = 1000  # characters (send.php, mes)
MAX_BINARY = 140  # octets
WITHOUT_TEXT = frozenset({"hlr", "ping"})
ALPHABETIC = frozenset({"tg", "bot"})  # services that take a nick or #ID for a recipient

_NOT_OPTIONS = frozenset(
    (*FLAGS, "login", "psw", "apikey", "phones", "mes", "list", "id", "sender", "fmt", "cost", "op", "err")
)
_COMMENT = re.compile(r"\r?\n~~~\r?\n")
_PREFIX = re.compile(r"__(CALL|VIBER|SOC|MAIL|BOT)__:\s*", re.IGNORECASE)
_CODING = re.compile(r"pid: (\d{1,3}), dcs: (\d{1,3})")
_SENDER = re.compile(r"[A-Za-z0-9 ._&'!+#-]{1,11}|\+?\d{1,15}")
_LINE = re.compile(
    r"(?:(?P<sender>[^|:;,]*)(?:,(?P<tz>[^|:;]*))?\|)?(?P<phones>[^:;]+)[:;](?P<mes>.*)", re.DOTALL
)


@dataclass(slots=True)
class Order:
    """One message to one recipient. ``error``: why it cannot be sent (6, 7 ...), 0 if it can."""

    phone: str
    text: str
    sender: str
    service: str
    options: dict[str, str] = field(default_factory=dict)
    error: int = 0

    @property
    def parts(self) -> int:
        return parts(self.text) if self.service in ("", "flash") else 1

    @property
    def same(self) -> tuple[str, str, str, str]:
        """What makes two requests identical; the client's id does not tell them apart."""
        return self.phone, self.text, self.service, self.sender


def read_orders(query: Query, rules: Rules) -> list[Order]:
    """Every message that the request asks for. Raises `Refusal`: 1, or 5 for a bad time."""
    check_parameters(query)
    orders: list[Order] = []
    for phones, mes, given_sender, tz in _requested(query):
        service, text, found = _interpret(query, mes)
        options = {name: value for name, value in query.values.items() if value and name not in _NOT_OPTIONS}
        options |= found | ({"tz": tz} if tz else {})
        if service == "call":
            options["used_param"] = used_param(options.get("param", ""))
        _check_text(query, service, text, found)
        sender = given_sender or rules.default_sender
        if rules.replaces_senders and rules.senders is not None and sender not in rules.senders:
            sender = rules.default_sender
        denied = 0 if _may_send(sender, service, rules) else 6
        for raw in phones:
            phone, kind = _recipient(raw, service)
            orders.append(Order(phone or raw, text, sender, kind, options, denied if phone else 7))
    if not orders:
        raise Refusal(1)
    return orders


def _requested(query: Query) -> list[tuple[list[str], str, str, str]]:
    """(phones, mes, sender, tz) of each line of ``list``, or of the plain parameters."""
    sender, whole = query.get("sender"), query.get("list")
    if not whole:
        return [(_split(query.get("phones")), query.get("mes"), sender, "")]
    lines = re.split(r"\r?\n", whole)
    if query.get("nl") == "1":
        lines = _joined(lines)
    found = [_LINE.fullmatch(line) for line in lines if line]
    if not all(found):
        raise Refusal(1)
    return [
        (_split(m["phones"]), m["mes"].replace(r"\n", "\n"), m["sender"] or sender, m["tz"] or "")
        for m in found
        if m is not None
    ]


def _joined(lines: list[str]) -> list[str]:
    """nl=1: a line that does not begin with recipients belongs to the text before it."""
    joined: list[str] = []
    for line in lines:
        if joined and not re.match(r"(?:[^|:;]*\|)?\+?\d[\d,+]*[:;]", line):
            joined[-1] += "\n" + line
        else:
            joined.append(line)
    return joined


def _split(phones: str) -> list[str]:
    return [phone.strip() for phone in re.split("[,;]", phones) if phone.strip()]


def _interpret(query: Query, mes: str) -> tuple[str, str, dict[str, str]]:
    """(service, text, what else the text says): a comment is cut off, a prefix changes the service."""
    if len(mes) > MAX_TEXT:
        raise Refusal(1)
    service = explicit_service(query)
    if service == "bin" and query.get("bin") == "1":
        return service, query.octets.get("mes", b"").hex(), {}
    text, *after = _COMMENT.split(mes, maxsplit=1)
    found = {"comment": after[0]} if after else {}
    if service in ("", "flash"):
        if text.upper() in ("__PING__", "__HLR__"):
            service = text.strip("_").lower()
        elif prefix := _PREFIX.match(text):
            service, text = prefix[1].lower(), text[prefix.end() :]
            if service == "call" and after:
                found = {"param": after[0]}
    elif service == "bin" and after and (coding := _CODING.fullmatch(after[0])):
        found = {"pid": coding[1], "dcs": coding[2]}
    if service in WITHOUT_TEXT:
        text = ""
    elif service in ("", "flash"):
        text = _shortened(text, query.get("maxsms"))
    return service, text, found


def _shortened(text: str, maxsms: str) -> str:
    try:
        while maxsms and parts(text) > int(maxsms):
            text = text[:-1]
        parts(text)
    except ValueError:
        raise Refusal(1) from None  # a lone surrogate
    return text


def _check_text(query: Query, service: str, text: str, found: dict[str, str]) -> None:
    has_file = bool(query.files or query.get("fileurl"))
    subject, sender = query.get("subj"), query.get("sender")
    fits = {
        "bin": _is_binary(text),
        "push": re.fullmatch(r"https?://\S+\r?\n.+", text) is not None,
        "hlr": True,
        "ping": True,
        "mms": has_file and bool(subject or text),
        "mail": bool(text and subject and EMAIL.fullmatch(sender)),
        "tg": re.fullmatch(r"[0-9]{4,8}", text) is not None,
        "call": has_file or bool(text),
        "viber": has_file or bool(text),
    }.get(service, bool(text))
    numbers = [int(found[name]) for name in ("pid", "dcs") if name in found]
    if not fits or any(number > 255 for number in numbers):
        raise Refusal(1)


def _is_binary(text: str) -> bool:
    """Hex; the first octet is the length of the UDH, which consists of whole elements (send.php, bin)."""
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", text):
        return False
    octets = bytes.fromhex(text)
    if len(octets) - octets.startswith(b"\0") > MAX_BINARY:  # 0, no header at all, is not sent to the phone
        return False
    header = octets[1 : 1 + octets[0]]
    at = 0
    while at + 1 < len(header):
        at += 2 + header[at + 1]
    return len(header) == octets[0] and at == len(header)


def _may_send(sender: str, service: str, rules: Rules) -> bool:
    if service == "mail":
        return True
    registered = rules.senders is None or sender in rules.senders or sender == rules.default_sender
    return registered and _SENDER.fullmatch(sender) is not None


def _recipient(raw: str, service: str) -> tuple[str, str]:
    """(phone, service) that a recipient stands for; ("", service) if it is nothing that can be sent to."""
    if service == "mail":
        return (raw if EMAIL.fullmatch(raw) else ""), service
    if re.fullmatch(r"[Gg][0-9]+", raw):
        return raw.upper(), "group"
    if service in ALPHABETIC and re.fullmatch(r"@\w+|#[0-9]+", raw):
        return raw, service
    return correct_phone(raw), service


def correct_phone(raw: str) -> str:
    """A number without + is corrected, one with + is taken as it stands; "" for what is no number."""
    if raw.startswith("+"):
        digits = raw[1:]
    else:
        digits = re.sub(r"[\s().-]", "", raw)
        if re.fullmatch(r"8[0-9]{10}", digits):
            digits = "7" + digits[1:]
        elif re.fullmatch(r"9[0-9]{9}", digits):
            digits = "7" + digits
    return digits if re.fullmatch(r"[0-9]{7,15}", digits) else ""
