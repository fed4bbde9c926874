"""An Account: everything the bridge is told about one system_id.

The keys are those of ``accounts.<name>`` in the configuration. Must not know: sessions, how passwords travel,
what is done with any of it.
"""

import re
from datetime import UTC, tzinfo
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, WithJsonSchema, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from smppbridge.model.duration import PositiveDuration
from smppbridge.model.fields import Secret, Settings, Text, mistake, not_built
from smppbridge.model.networks import Network, is_within
from smppbridge.model.passwords import parse_hash
from smppbridge.model.services import SERVICES
from smppbridge.smpp.constants import Status

SYSTEM_ID_MAX = 15  # SMPP 3.4 §4.1.1: 16 octets with the NUL
SENDER_MAX = 20  # SMPP 3.4 §4.4.1: source_addr has 21 octets with the NUL
_STANDARD_CODES: dict[int, int] = {
    Status.ESME_RNOROUTE: Status.ESME_RSUBMITFAIL,
    Status.ESME_RINVENCODING: Status.ESME_RSUBMITFAIL,
    Status.ESME_RNOMONEY: Status.ESME_RSYSERR,
    Status.ESME_RINVTEXT: Status.ESME_RINVMSGLEN,
}
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_COUNTRY_CODE = re.compile(r"[A-Za-z]{2}")


def _time_zone(name: str) -> str:
    if name != "UTC":
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError):  # unknown ones are KeyError, directories OSError
            raise mistake("must be a time zone of the IANA database, such as Europe/Minsk or UTC") from None
    return name


def _system_id(value: str) -> str:
    if len(value) > SYSTEM_ID_MAX or not _PRINTABLE.fullmatch(value):
        raise mistake(f"a system_id must have 1 to {SYSTEM_ID_MAX} printable ASCII characters, no spaces")
    return value


SystemId = Annotated[str, AfterValidator(_system_id)]


def _sender(value: str) -> str:
    if not 1 <= len(value) <= SENDER_MAX:
        raise mistake(f"must have 1 to {SENDER_MAX} characters")
    return value


Sender = Annotated[Text, AfterValidator(_sender)]


def _service(name: str) -> str:
    if name not in SERVICES:
        raise mistake(f"must be one of {', '.join(SERVICES)}")
    return name


ServiceName = Annotated[Text, AfterValidator(_service), WithJsonSchema({"enum": list(SERVICES)})]


class ReceiptProfile(Settings):
    """How receipts towards this account look, and how long they wait for it."""

    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    dates: Literal["YYMMDDhhmm", "YYMMDDhhmmss"] = "YYMMDDhhmm"
    text: bool = True  # the first 20 characters of the message in `text:`
    tlvs: bool = True  # receipted_message_id, message_state, network_error_code
    words: Literal["standard", "sms-assistent"] = "standard"
    keep: PositiveDuration = 3 * 86400.0  # seconds that a receipt waits for a bind

    @property
    def zone(self) -> tzinfo:
        """The time zone of the dates. UTC needs no time zone database."""
        return UTC if self.time_zone == "UTC" else ZoneInfo(self.time_zone)


class Account(Settings):
    """One system_id: who may bind with it, and the rules for its messages."""

    name: SkipJsonSchema[SystemId]  # the system_id: the key of the mapping in the file
    password: Secret | None = None
    password_hash: Secret | None = None  # see model/passwords.py
    allow_from: tuple[Network, ...] | None = Field(default=None, min_length=1)  # None: from everywhere
    binds: int = Field(default=4, ge=1, le=1000)  # at once, of all types together
    window: int = Field(default=100, ge=1, le=10000)  # unanswered deliver_sm towards the equipment
    rate: float = Field(default=0.0, ge=0, allow_inf_nan=False)  # submit_sm per second, 0 = no limit
    burst: int = Field(default=200, ge=1)  # submit_sm at once, where there is a rate
    default_encoding: Literal["gsm", "latin-1", "ascii", "cp1251", "utf-8"] = "latin-1"  # data_coding 0
    country: Literal["BY", "RU"] | None = None  # whose national numbers are understood
    senders: frozenset[Sender] | None = Field(default=None, min_length=1)  # None: any
    default_sender: Sender | None = None
    replace_sender: bool = False  # default_sender instead of a refusal
    services: frozenset[ServiceName] = frozenset()  # paid special services it may ask for
    mode: Literal["queued", "sync"] = "queued"  # answer when stored, or when the provider has answered
    uncertain: Literal["hold", "resend", "fail"] = "hold"
    validity: PositiveDuration = 86400.0  # seconds, when the ESME gives no validity_period
    message_id: Literal["decimal", "hex", "uuid"] = "decimal"
    status_codes: Literal["sms-assistent", "standard"] = "sms-assistent"
    receipt: ReceiptProfile = ReceiptProfile()

    @field_validator("password")
    @classmethod
    def _check_password(cls, value: Secret | None) -> Secret | None:
        if value is not None and not _PRINTABLE.fullmatch(value.get_secret_value()):
            raise mistake("must consist of printable ASCII characters, no spaces: SMPP carries no others")
        return value

    @field_validator("password_hash")
    @classmethod
    def _check_password_hash(cls, value: Secret | None) -> Secret | None:
        if value is not None:
            parse_hash(value.get_secret_value())
        return value

    @field_validator("country", mode="before")
    @classmethod
    def _check_country(cls, value: object) -> object:
        if isinstance(value, str) and value not in {"BY", "RU"} and _COUNTRY_CODE.fullmatch(value):
            raise not_built(f'"{value}"', 'use "BY" or "RU", or leave it out')
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if (self.password is None) == (self.password_hash is None):
            raise mistake("give exactly one of password and password_hash")
        if self.replace_sender and self.default_sender is None:
            raise mistake("replace_sender needs a default_sender")
        return self

    def status_for(self, status: int) -> int:
        """What an ESME gets in place of the command_status ``status`` where only standard ones are wanted:
        some clients fail on the vendor codes of sms-assistent."""
        return _STANDARD_CODES.get(status, status) if self.status_codes == "standard" else status

    def allows(self, ip: str) -> bool:
        """Whether this account may bind from ``ip``, as the socket names it (IPv4 also as ``::ffff:…``)."""
        return self.allow_from is None or is_within(ip, self.allow_from)
