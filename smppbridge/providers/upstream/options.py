"""`providers.<name>` with `kind: smpp`: another SMSC, to which we are the ESME; and which senders it takes.

A `profile` is a set of defaults, and of rules where the SMSC has a manual.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from smppbridge.link.outbind_listener import CONNECTIONS
from smppbridge.link.persistent_bind import UNPROVEN_WINDOW
from smppbridge.model.account import SystemId
from smppbridge.model.duration import PositiveDuration
from smppbridge.model.hosts import Network
from smppbridge.model.route import as_list
from smppbridge.model.settings import File, Secret, Settings, Text, mistake, number_as_text, number_with_base
from smppbridge.model.tls_settings import TlsSetting
from smppbridge.providers.base import Limits
from smppbridge.providers.options import FlashPolicy
from smppbridge.providers.sms_assistent import options as sms_assistent_options
from smppbridge.providers.upstream.hosts import Host, parse_address

SMS_ASSISTENT = "sms-assistent"
VALIDITY_MAX = 7 * 86400.0  # seconds: longer is asked of no SMSC
SENDING_TIME = 60.0  # seconds in which the messages of one batch may begin their way
FINISHING_TIME = 30.0  # seconds more, for the further parts of those that have begun
_LEASE_SLACK = 30.0
_SPECIFIED_PASSWORD = 8  # characters (SMPP 3.4 §4.1.1)
_USUAL_WINDOW = 100
_ALPHA_MAX, _NUMBER_MAX = 11, 15  # characters of a name (3GPP 23.040 §9.1.2.5), digits of a number (E.164)

PROFILES: dict[str, dict[str, object]] = {
    "standard": {},  # the defaults of the keys themselves
    SMS_ASSISTENT: {
        "host": "smpp.sms-assistent.by",
        "port": 2776,
        "data_codings": (3, 8),
        "binary": False,
        "flash": "none",
        "tlvs": "reference",
        "parts": "septets",
        "numeric_npi": 0,
        "short_ton": 1,
        "short_npi": 0,
    },
}
"""What a profile sets where the operator does not (sms-assistent.by API v1 §5)."""

_NAMES = "wants ton 5, npi 0 for names (§5.3.8)"
_NUMBERS = "wants ton 1, npi 0 for numbers as senders (§5.3.8)"
_RECIPIENTS = "wants ton 1, npi 1 for recipients (§5.3.8)"
# Values that sms-assistent's manual leaves no choice about, and where it says so.
_PINNED: dict[str, tuple[int, str]] = {
    "interface_version": (0x34, "speaks SMPP 3.4 only (§5.3.1)"),
    "binary": (False, "takes Latin-1 and UCS-2 texts only (§5.3.2)"),
    "alpha_ton": (5, _NAMES),
    "alpha_npi": (0, _NAMES),
    "numeric_ton": (1, _NUMBERS),
    "numeric_npi": (0, _NUMBERS),
    "short_ton": (1, _NUMBERS),
    "short_npi": (0, _NUMBERS),
    "dest_ton": (1, _RECIPIENTS),
    "dest_npi": (1, _RECIPIENTS),
}

_PASSWORD = re.compile(r"[ -~]{1,64}")
_C_STRING = re.compile(r"[ -~]*")
_NUMBER = re.compile(r"[0-9]+")


def _distinct(codings: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(codings)) != len(codings):
        raise mistake("must not name the same one twice")
    return codings


def _c_string(value: str) -> str:
    if not _C_STRING.fullmatch(value):
        raise mistake("must consist of printable ASCII characters: SMPP carries no others")
    return value


CString = Annotated[Text, AfterValidator(_c_string)]
Octet = Annotated[int, Field(ge=0, le=255)]
CodingList = Annotated[
    tuple[Literal[0, 1, 3, 8], ...], Field(min_length=1), AfterValidator(_distinct), BeforeValidator(as_list)
]
Treatment = Literal["permanent", "retry", "throttle", "account"]
"""What an operator may say about a command_status: which class of `providers.error_table` it belongs to."""
CommandStatus = Annotated[int, BeforeValidator(number_with_base), Field(ge=1, le=0xFFFFFFFF)]


class OutbindTls(Settings):
    """What we show to an SMSC that calls us over TLS."""

    cert: File
    """PEM file of our certificate."""
    key: File
    """PEM file of its key."""


class OutbindOptions(Settings):
    """Where we listen for the outbind of an SMSC that calls us (SMPP 3.4 §4.1.7)."""

    host: str = "0.0.0.0"
    """Address on which we listen."""
    port: int = Field(ge=0, le=65535)
    """Port on which we listen; 0: a free one."""
    allow_from: tuple[Network, ...] = Field(min_length=1)
    """Addresses and networks from which the SMSC may call."""
    password: Secret
    """Password that the SMSC must show."""
    system_id: SystemId | None = None
    """Name that the SMSC must show; without it, any."""
    tls: OutbindTls | None = None
    """Our certificate, where the SMSC calls over TLS; without it, it calls in clear."""


class SmppOptions(FlashPolicy):
    """Options of one upstream SMSC."""

    kind: Literal["smpp"]
    """Another SMSC, to which the bridge is the ESME."""
    profile: Literal["standard", "sms-assistent"] = "standard"
    """Defaults for the other keys; sms-assistent: as smpp.sms-assistent.by wants them."""

    # the link
    host: Annotated[
        tuple[Host, ...],
        Field(max_length=8),
        BeforeValidator(as_list),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = ()
    """Hosts in the order in which they are tried: "host", "host:port" or "[v6]:port"."""
    port: int = Field(default=2775, ge=1, le=65535)
    """Port of hosts that name none."""
    tls: TlsSetting = None
    """Whether the link uses TLS: true, false, or a mapping."""
    system_id: Annotated[SystemId, BeforeValidator(number_as_text)]
    """Our system_id there."""
    password: Secret
    """Our password there, of 1 to 64 characters."""
    system_type: CString = Field(default="", max_length=12)
    """system_type in the bind."""
    address_range: CString = Field(default="", max_length=40)
    """address_range in the bind: which numbers we serve."""
    addr_ton: Octet = 0
    """TON of `address_range`."""
    addr_npi: Octet = 0
    """NPI of `address_range`."""
    interface_version: Annotated[
        Literal[0x33, 0x34, 0x50],
        BeforeValidator(number_with_base),
        WithJsonSchema({"enum": ["0x33", "0x34", "0x50", 0x33, 0x34, 0x50]}),
    ] = 0x34
    """Version of SMPP that the bind names."""
    bind: Literal["transceiver", "pair"] = "transceiver"
    """transceiver, or pair: a transmitter and a receiver."""
    binds: int = Field(default=1, ge=1, le=64)
    """So many of them at once."""
    window: int = Field(default=10, ge=1, le=1000)
    """Unanswered submit_sm per bind."""
    rate: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """submit_sm per second; 0: as fast as the SMSC takes them."""
    enquire_link: PositiveDuration = 20.0
    """Silence after which we ask whether the SMSC is there."""
    response_timeout: PositiveDuration = Field(default=30.0, le=120)
    """For a response; what has none then is uncertain."""
    reconnect_max: PositiveDuration = Field(default=60.0, le=3600)
    """Longest pause between two tries to bind."""
    outbind: OutbindOptions | None = None
    """Where we listen for an SMSC that calls us."""

    # what is sent
    data_codings: CodingList = (0, 8)
    """data_codings that the SMSC reads, the preferred one first."""
    default_encoding: Literal["gsm", "latin-1", "ascii", "cp1251", "utf-8"] = "gsm"
    """What data_coding 0 means there."""
    long: Literal["udh", "udh16", "sar", "payload"] = "udh"
    """How texts go that do not fit one short message; udh16: with 16-bit references."""
    parts: Literal["octets", "septets"] = "octets"
    """How Latin-1 and ASCII are cut: octets: at 140 characters (134 in parts); septets: at 160 (153) where
    GSM 03.38 has all of them."""
    max_parts: int = Field(default=10, ge=1, le=255)
    """Short messages of one text; longer texts are refused."""
    binary: bool = True
    """Whether the SMSC takes 8-bit data."""
    flash: Literal["data_coding", "subunit", "none"] = "data_coding"
    """How a text is marked as flash; none: the SMSC cannot flash."""
    tlvs: Literal["none", "reference", "known", "all"] = "known"
    """Which TLVs of the equipment are passed on."""
    validity: Literal["relative", "absolute", "none"] = "relative"
    """How validity_period is written; none: the SMSC is not told."""
    service_type: CString = Field(default="", max_length=5)
    """service_type of every message."""
    alpha_ton: Octet = 5
    """TON of senders that are names."""
    alpha_npi: Octet = 0
    """NPI of senders that are names."""
    numeric_ton: Octet = 1
    """TON of senders that are telephone numbers."""
    numeric_npi: Octet = 1
    """NPI of senders that are telephone numbers."""
    short_ton: Octet = 3
    """TON of senders that are service numbers of up to 6 digits."""
    short_npi: Octet = 0
    """NPI of senders that are service numbers of up to 6 digits."""
    dest_ton: Octet = 1
    """TON of recipients."""
    dest_npi: Octet = 1
    """NPI of recipients."""
    default_sender: Text = ""
    """Sender of messages without one; without it, the one that is set at the SMSC."""

    # what comes back
    intermediate: bool = False
    """Whether to ask for intermediate notifications, too."""
    message_id: Literal["as-is", "hex", "decimal", "auto"] = "auto"
    """How ids in answers and in receipts differ: hex: answers are hexadecimal, receipts decimal."""
    receipts_by_text: bool = True
    """What reads like a receipt is one, even when its esm_class does not say so."""
    errors: Annotated[
        dict[CommandStatus, Treatment],
        WithJsonSchema(
            {
                "type": "object",
                "additionalProperties": {"enum": ["permanent", "retry", "throttle", "account"]},
            }
        ),
    ] = Field(default_factory=dict)
    """What a command_status of submit_sm_resp (not of binds) means, such as {0x0B: permanent}."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: object) -> object:
        if not isinstance(values, Mapping):
            return values
        profile = values.get("profile")
        return {**PROFILES.get(profile if isinstance(profile, str) else "", {}), **values}

    @field_validator("password")
    @classmethod
    def _check_password(cls, value: SecretStr) -> SecretStr:
        if not _PASSWORD.fullmatch(value.get_secret_value()):
            raise mistake("must have 1 to 64 printable ASCII characters: SMPP carries no others")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        problem = next(_contradictions(self), "")
        if problem:
            raise mistake(problem)
        return self

    @property
    def hosts(self) -> tuple[tuple[str, int], ...]:
        """Host and port of the SMSC, in the order in which they are tried."""
        return tuple((host, port or self.port) for host, port in map(parse_address, self.host))

    @property
    def takes_tlvs(self) -> bool:
        """Whether the SMSC knows optional parameters, which came with SMPP 3.4."""
        return self.interface_version >= 0x34

    @property
    def secrets(self) -> tuple[str, ...]:
        """The passwords, which must never be logged."""
        kept = (self.password, self.outbind.password if self.outbind else None)
        return tuple(secret.get_secret_value() for secret in kept if secret is not None)

    def calls_back(self) -> bool:
        """Receipts come over the link."""
        return False

    def connections(self) -> int:
        """Its binds, a reconnect beside each, and who calls us."""
        return 2 * self.binds + (0 if self.outbind is None else CONNECTIONS)

    def limits(self) -> Limits:
        """The send policy. Statuses and messages from phones come by themselves, so nothing is asked."""
        return Limits(
            # Few beyond what the window takes: after a crash whatever was claimed is uncertain.
            batch=min(1000, max(10, 2 * self.window * self.binds)),
            parallel=2,
            unproven=min(UNPROVEN_WINDOW, self.window * self.binds),
            rate=self.rate,
            poll_interval=0.0,
            inbound_interval=0.0,
            balance_interval=0.0,
            validity_max=VALIDITY_MAX,
            lease=SENDING_TIME + FINISHING_TIME + self.response_timeout + _LEASE_SLACK,
        )

    def sender_problem(self, sender: str) -> str:
        """See `sender_problem` of this module."""
        return sender_problem(sender, self.profile)

    def warnings(self, *, callbacks: bool) -> list[str]:
        """Settings that work, but can be overheard or are refused by some SMSCs."""
        return list(_warnings(self))


def _contradictions(own: SmppOptions) -> Iterator[str]:
    """Settings that contradict each other, each with its reason."""
    if not own.host:
        yield "host: is required; only the profile sms-assistent has one of its own"
    if not own.takes_tlvs and (own.long in {"sar", "payload"} or own.flash == "subunit"):
        key = "long" if own.long in {"sar", "payload"} else "flash"
        yield f"{key}: {getattr(own, key)} needs optional parameters, which SMPP 3.3 does not have"
    if own.tls is not None and own.outbind is not None and own.outbind.tls is None:
        yield (
            "outbind.tls: is required where tls is on, {cert, key} of a certificate of ours; without it the "
            "password would go in clear to who says outbind"
        )
    problem = sender_problem(own.default_sender, own.profile)
    if problem:
        yield f"default_sender: {problem}"
    if own.profile == SMS_ASSISTENT:
        yield from _against_the_manual(own)


def _against_the_manual(own: SmppOptions) -> Iterator[str]:
    """Settings that sms-assistent.by's manual excludes (API v1 §5.3)."""
    for key, (value, reason) in _PINNED.items():
        if getattr(own, key) != value:
            yield f"{key}: sms-assistent {reason}"
    if not set(own.data_codings) <= {3, 8}:
        yield "data_codings: sms-assistent reads Latin-1 (3) and UCS-2 (8) only (§5.3.2)"
    if own.flash == "data_coding":
        yield "flash: sms-assistent reads no other data_coding than 3 and 8 (§5.3.2)"
    if own.long == "payload":
        yield "long: sms-assistent takes texts in short_message only, not in message_payload (§5.3.7)"


def _warnings(own: SmppOptions) -> Iterator[str]:
    could = own.profile != SMS_ASSISTENT  # which offers no TLS
    if could and own.tls is None and not all(_is_loopback(host) for host, _ in own.hosts):
        yield "tls: is off, so texts, numbers and the password travel in clear"
    if len(own.password.get_secret_value()) > _SPECIFIED_PASSWORD:
        yield "password: is longer than the 8 characters of SMPP 3.4; some SMSCs refuse it"
    if own.profile == SMS_ASSISTENT and own.enquire_link >= 30:
        yield "enquire_link: sms-assistent may end a link that is silent for 30s (§5.1.6)"
    if own.window > _USUAL_WINDOW:
        yield f"window: few SMSCs take {own.window} unanswered submit_sm; many refuse more than 10"
    if not own.takes_tlvs and own.bind == "transceiver":
        yield "bind: SMPP 3.3 has no transceiver; use pair"
    if own.outbind is not None and any(network.prefixlen == 0 for network in own.outbind.allow_from):
        yield "outbind.allow_from: lets everybody try the password"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@lru_cache(maxsize=4096)
def sender_problem(sender: str, profile: str) -> str:
    """Why the SMSC would not take this sender; "" when it may be used, or is empty (the SMSC's default).

    A name has 1 to 11 printable ASCII characters, a number up to 15 digits. sms-assistent has rules of its
    own for names (§1.1), and takes numbers over SMPP though not over HTTP (§5.3.8).
    """
    if not sender:
        return ""
    if _NUMBER.fullmatch(sender):
        return "" if len(sender) <= _NUMBER_MAX else f"sender must have at most {_NUMBER_MAX} digits"
    if profile == SMS_ASSISTENT:
        return sms_assistent_options.sender_problem(sender)
    if len(sender) > _ALPHA_MAX or not _C_STRING.fullmatch(sender) or not sender.strip():
        return f"sender must be 1 to {_ALPHA_MAX} printable ASCII characters, or up to {_NUMBER_MAX} digits"
    return ""
