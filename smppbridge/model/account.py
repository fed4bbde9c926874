"""An Account: everything that the configuration says about one system_id (``accounts.<name>``)."""

import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import tzinfo
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from smppbridge.model.duration import Duration, PositiveDuration, write_duration
from smppbridge.model.hosts import Network, is_host, is_within
from smppbridge.model.numbers import COUNTRIES
from smppbridge.model.passwords import parse_hash, same, verify_hash
from smppbridge.model.profiles import PROFILES, fill_in
from smppbridge.model.quiet import Quiet
from smppbridge.model.receipt_profile import ReceiptProfile
from smppbridge.model.services import SERVICES
from smppbridge.model.settings import Octet, Secret, Settings, Text, mistake, number_with_base
from smppbridge.model.time_zone import TimeZone, zone_of
from smppbridge.model.tls_settings import TlsSetting
from smppbridge.smpp.constants import Status
from smppbridge.smpp.gsm import LANGUAGES
from smppbridge.smpp.text import ENCODINGS

SYSTEM_ID_MAX = 15  # SMPP 3.4 §4.1.1: 16 octets with the NUL
SENDER_MAX = 20  # SMPP 3.4 §4.4.1: source_addr has 21 octets with the NUL
ID_LENGTHS = {"decimal": 19, "hex": 16, "uuid": 36}  # characters of a message_id that is not shortened
_ID_LENGTH_MIN = 6
_STANDARD_CODES: dict[int, int] = {
    Status.ESME_RNOROUTE: Status.ESME_RSUBMITFAIL,
    Status.ESME_RINVENCODING: Status.ESME_RSUBMITFAIL,
    Status.ESME_RNOMONEY: Status.ESME_RSYSERR,
    Status.ESME_RINVTEXT: Status.ESME_RINVMSGLEN,
}
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


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


def _one_of(names: Collection[str]) -> Callable[[str], str]:
    """A validator like Literal, for names that another module keeps."""

    def check(name: str) -> str:
        if name not in names:
            raise mistake(f"must be one of {', '.join(names)}")
        return name

    return check


ServiceName = Annotated[Text, AfterValidator(_one_of(SERVICES)), WithJsonSchema({"enum": list(SERVICES)})]
ProfileName = Annotated[Text, AfterValidator(_one_of(PROFILES)), WithJsonSchema({"enum": list(PROFILES)})]
EncodingName = Annotated[str, AfterValidator(_one_of(ENCODINGS)), WithJsonSchema({"enum": list(ENCODINGS)})]
LanguageName = Annotated[str, AfterValidator(_one_of(LANGUAGES)), WithJsonSchema({"enum": list(LANGUAGES)})]


def _once(encodings: object) -> object:
    """Refuse the same data_coding written in two ways (3 and 0x03): one would silently win."""
    numbers: list[object] = []
    if isinstance(encodings, Mapping):
        with suppress(ValueError):  # for a key that is no number: reported later, with its place
            numbers = [number_with_base(key) for key in encodings]
    if len(set(numbers)) != len(numbers):
        raise mistake("must not name the same data_coding twice")
    return encodings


Encodings = Annotated[
    dict[Octet, EncodingName],
    BeforeValidator(_once),
    WithJsonSchema({"type": "object", "additionalProperties": {"enum": list(ENCODINGS)}}),
]


def _country(code: str) -> str:
    if code not in COUNTRIES:
        raise mistake("must be the code of a country in two capitals (ISO 3166), such as BY")
    return code


Country = Annotated[str, AfterValidator(_country), WithJsonSchema({"enum": sorted(COUNTRIES)})]


def _host(text: str) -> str:
    if not is_host(text):
        raise mistake("must be a host name or an IP address, without a port")
    return text


def _password(value: Secret | None) -> Secret | None:
    if value is not None and not _PRINTABLE.fullmatch(value.get_secret_value()):
        raise mistake("must consist of printable ASCII characters, no spaces: SMPP carries no others")
    return value


IdLength = Annotated[int, Field(ge=_ID_LENGTH_MIN, le=ID_LENGTHS["decimal"])]


class JoinRules(Settings):
    """How long messages that the equipment sends in parts are joined."""

    timeout: Annotated[Duration, Field(ge=1, le=600)] = 60.0
    """How long to wait for all parts, 1s to 10m."""
    incomplete: Literal["fail", "send"] = "fail"
    """When parts are missing then: fail (a receipt says so), or send (the parts that came)."""


class CallOut(Settings):
    """Where equipment that does not bind by itself waits for our outbind (SMPP 3.4 §4.1.7)."""

    host: Annotated[str, AfterValidator(_host)]
    """Where the equipment listens: a host name or an IP address."""
    port: int = Field(default=2775, ge=1, le=65535)
    """Its port."""
    system_id: SystemId | None = None
    """Our name in the outbind; without it, that of `smpp.system_id`."""
    password: Annotated[Secret, AfterValidator(_password), Field(max_length=64)]
    """Our password in the outbind."""
    tls: TlsSetting = None
    """Whether the equipment is called over TLS: true, false, or a mapping."""


class Account(Settings):
    """One system_id: who may bind with it, and the rules for its messages."""

    name: SkipJsonSchema[SystemId]
    """The system_id. In the file it is the key of the mapping."""
    profile: ProfileName | None = None
    """What is known of a make of equipment, as defaults for the other keys."""
    password: Annotated[Secret | None, AfterValidator(_password)] = None
    """What the equipment binds with. Up to 8 characters work with any equipment."""
    password_hash: Secret | None = None
    """Instead of `password`: what `smppbridge hash-password` prints."""
    allow_from: tuple[Network, ...] | None = Field(default=None, min_length=1)
    """Addresses and networks from which it may bind; without it, from everywhere."""
    binds: int = Field(default=4, ge=1, le=1000)
    """Sessions at once, of all types together."""
    window: int = Field(default=100, ge=1, le=10000)
    """Unanswered deliver_sm towards the equipment."""
    rate: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Requests per second (a submit_multi: destinations); 0: no limit."""
    burst: int = Field(default=200, ge=1)
    """Requests at once above the rate, where there is one."""
    max_queued: int | None = Field(default=None, ge=1)
    """Unsent messages that it may have; without it, an equal share of `store.max_queued`, or what is free."""
    default_encoding: EncodingName = "latin-1"
    """What data_coding 0 means."""
    encodings: Encodings = Field(default_factory=dict)
    """data_codings that mean something else on this equipment, such as {0x03: cp1251}."""
    septets: Literal["unpacked", "packed"] = "unpacked"
    """GSM 03.38 texts: unpacked (one character in an octet) or packed (8 characters in 7 octets)."""
    gsm_language: LanguageName | None = None
    """National extension table of GSM 03.38 texts whose user data header names no language."""
    use_latin_when_it_fits: bool = False
    """true: UCS-2 texts that GSM 03.38 holds are taken as such, for equipment that sends all in UCS-2."""
    join: JoinRules = JoinRules()
    """Long messages that come in parts are joined."""
    country: Country | None = None
    """Country (ISO 3166) whose national numbers are understood; without it, international ones only."""
    senders: frozenset[Sender] | None = Field(default=None, min_length=1)
    """Senders that it may use; others are answered 0x0A. Without it, any."""
    default_sender: Sender | None = None
    """Sender of messages without one."""
    replace_sender: bool = False
    """true: a sender that is not in `senders`, or any without `senders`, is replaced by `default_sender`."""
    services: frozenset[ServiceName] = frozenset()
    """Paid services besides SMS that it may ask for by service_type."""
    default_service: ServiceName | None = None
    """One of `services`, for messages without a service_type."""
    mode: Literal["queued", "sync"] = "queued"
    """When a submit_sm is answered: queued (it is stored), or sync (the provider has answered)."""
    uncertain: Literal["hold", "resend", "fail"] = "hold"
    """When a provider may or may not have a message and cannot be asked: hold, resend or fail."""
    horizon: PositiveDuration = 30 * 86400.0
    """How far ahead a schedule_delivery_time may be, and how long after it a validity_period may end."""
    validity: PositiveDuration = Field(default=86400.0, validate_default=True)
    """How long messages without a validity_period are tried."""
    quiet: Quiet | None = None
    """Hours of the day when messages without a priority wait here, such as 22-8."""
    quiet_time_zone: TimeZone | None = None
    """Time zone of `quiet`; without it, that of receipts."""
    message_id: Literal["decimal", "hex", "uuid"] = "decimal"
    """How our ids are written."""
    message_id_length: IdLength | None = None
    """Characters at most: 6 to 19 of decimal, 6 to 16 of hex; without it, as many as it takes."""
    message_id_upper: bool = True
    """Of hex: true for 1A2B, false for 1a2b."""
    status_codes: Literal["sms-assistent", "standard"] = "standard"
    """standard: only command_status values of SMPP 3.4; sms-assistent: also those of its manual."""
    receipt: ReceiptProfile = ReceiptProfile()
    """How receipts look, and how long they wait."""
    outbind: CallOut | None = None
    """Where equipment listens that does not bind by itself: it is told to bind when something waits."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: object) -> object:
        return fill_in(values) if isinstance(values, Mapping) else values

    @field_validator("password_hash")
    @classmethod
    def _check_password_hash(cls, value: Secret | None) -> Secret | None:
        if value is not None:
            parse_hash(value.get_secret_value())
        return value

    # Each of these checks belongs to one key, so that the error names it. They use the keys declared before.

    @field_validator("septets", "gsm_language")
    @classmethod
    def _check_gsm(cls, value: str | None, info: ValidationInfo) -> str | None:
        if not {"default_encoding", "encodings"} <= info.data.keys() or value in {None, "unpacked"}:
            return value
        if "gsm" not in {info.data["default_encoding"], *info.data["encodings"].values()}:
            raise mistake("is for GSM 03.38 only: set default_encoding: gsm, or leave it out")
        return value

    @field_validator("validity")
    @classmethod
    def _check_validity(cls, validity: float, info: ValidationInfo) -> float:
        horizon = info.data.get("horizon", validity)
        if validity > horizon:
            raise mistake(
                f"must be at most horizon ({write_duration(horizon)}); shorten it, or raise horizon"
            )
        return validity

    @field_validator("default_service")
    @classmethod
    def _check_default_service(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name is not None and name not in info.data.get("services", {name}):
            raise mistake(f"must be one of the account's services; add {name} to services")
        return name

    @field_validator("message_id_length")
    @classmethod
    def _check_id_length(cls, length: int | None, info: ValidationInfo) -> int | None:
        form = info.data.get("message_id")
        if length is None or form is None:
            return length
        if form == "uuid":
            raise mistake("a uuid has 36 characters; leave the key out, or set it to null")
        if length > ID_LENGTHS[form]:
            raise mistake(f"must be {ID_LENGTHS[form]} at most where message_id is {form}")
        return length

    @field_validator("receipt")
    @classmethod
    def _check_receipt(cls, receipt: ReceiptProfile, info: ValidationInfo) -> ReceiptProfile:
        if not {"message_id", "message_id_length"} <= info.data.keys():
            return receipt
        length = info.data["message_id_length"] or ID_LENGTHS[info.data["message_id"]]
        if not receipt.fits(length):
            raise mistake(
                f"the fields do not fit 254 octets of UCS-2 beside a message_id of {length} characters;"
                " use fewer fields, shorter dates or another message_id"
            )
        return receipt

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if (self.password is None) == (self.password_hash is None):
            raise mistake("give exactly one of password and password_hash")
        if self.replace_sender and self.default_sender is None:
            raise mistake("replace_sender needs a default_sender")
        return self

    def status_for(self, status: int) -> int:
        """The command_status that this ESME gets for ``status``.

        With ``status_codes: standard`` a code of sms-assistent becomes the closest code of SMPP 3.4 §5.1.3,
        because some clients fail on codes that are not listed there.
        """
        return _STANDARD_CODES.get(status, status) if self.status_codes == "standard" else status

    def quiet_over(self, at: int) -> int:
        """When a message without priority that may go at ``at`` may go after all, in ms: at the end of the
        quiet hours, or at ``at`` outside of them."""
        return at if self.quiet is None else self.quiet.over(at, self._quiet_zone)

    def quiet_ends(self, at: int) -> bool:
        """Whether quiet hours end at this very moment (ms)."""
        return self.quiet is not None and self.quiet.end_at(at, self._quiet_zone)

    @property
    def _quiet_zone(self) -> tzinfo:
        return self.receipt.zone if self.quiet_time_zone is None else zone_of(self.quiet_time_zone)

    def takes(self, password: str) -> bool:
        """Whether ``password`` is that of this account. Slow where there is a `password_hash`."""
        if self.password is not None:
            return same(self.password.get_secret_value(), password)
        return self.password_hash is not None and verify_hash(password, self.password_hash.get_secret_value())

    def allows(self, ip: str) -> bool:
        """Whether this account may bind from ``ip``. IPv4 may also be written as ``::ffff:…``."""
        return self.allow_from is None or is_within(ip, self.allow_from)
