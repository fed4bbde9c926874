"""What the operator declares for `kind: webhook`: `providers.<name>` as typed values, checked as a whole."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, quote_plus, urlsplit

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from smppbridge.model.duration import Duration, PositiveDuration
from smppbridge.model.settings import Currency, Secret, mistake
from smppbridge.providers.options import FlashPolicy, HttpOptions
from smppbridge.providers.webhook.callback import CallbackOptions
from smppbridge.providers.webhook.codes import DEFAULT, ErrorTable, StateTable
from smppbridge.providers.webhook.extract import Extract, Extracts
from smppbridge.providers.webhook.placeholders import (
    BINARY_FIELDS,
    BOOL_FIELDS,
    FIND_FIELDS,
    HEADER,
    MESSAGE_FIELDS,
    NUMBER_FIELDS,
    SCHEDULE_FIELDS,
    SECRET,
    SIGNATURE_FIELDS,
    STATUS_FIELDS,
    lookup_in,
)
from smppbridge.providers.webhook.regex import is_whole, safe_regex
from smppbridge.providers.webhook.request import DeclaredRequest, Success
from smppbridge.providers.webhook.template import Template, Text
from smppbridge.providers.webhook.told import ToldPlaces

_SECRET_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_SECRET_FILE_MAX = 65536  # octets
_SPEAKING = re.compile(r"[a-z_]{1,24}(?:\.[a-z_-]{1,24})?")  # a field name that surely is no secret
_FILE = "_file"


class SendRequest(DeclaredRequest):
    """`send` and `send_binary`: how a message is handed over."""

    message_id: Extracts = ()
    """Where the answer holds the provider's id of the message."""
    own_id: Text | None = None
    """Instead of `message_id`: the id that we gave the message, and that statuses name."""
    packet_id: Extracts = ()
    """Where the answer holds the provider's id of the whole request."""
    balance: Extracts = ()
    """Where the answer tells the money left."""
    told: ToldPlaces = ToldPlaces()
    """Where price, parts, operator and the like of a message are."""

    @model_validator(mode="after")
    def _one_id(self) -> "SendRequest":
        if bool(self.message_id) == (self.own_id is not None):
            raise mistake("must have one of message_id, own_id")
        if self.batch is not None and self.batch.list is None:
            raise mistake("batch.list: is required; it leads to the list in json")
        return self

    def templates(self) -> Iterator[tuple[str, Template]]:
        yield from super().templates()
        if self.own_id is not None:
            yield "own_id", self.own_id


class StatusRequest(DeclaredRequest):
    """`status`: how the state of messages is asked for: one ``{ref}``, or many with `batch`."""

    method: Literal["GET", "POST", "PUT", "PATCH"] = "GET"
    """The HTTP method."""
    state: Extracts = Field(min_length=1)
    """Where the answer holds the state: a word of `states`."""
    message_error: Extracts = ()
    """Where it is said why a message was not delivered, for the receipt."""
    message_text: Extracts = ()
    """Where the same is said in words."""
    told: ToldPlaces = ToldPlaces()
    """Where price, parts, operator and the like of a message are."""

    @model_validator(mode="after")
    def _asks_for_messages(self) -> "StatusRequest":
        if self.batch is None:
            if "refs" in self.asked:
                raise mistake("{refs} needs batch, which says where each result is")
            if "ref" not in self.asked:
                raise mistake("does not hold {ref}, or {refs} with batch")
        elif self.batch.match is None:
            raise mistake("batch.match: is required")
        elif not {field.name for field in self.batch.match.equals.fields} & {"ref", "recipient"}:
            raise mistake("batch.match.equals: does not hold {ref} or {recipient}")
        return self


class FindRequest(DeclaredRequest):
    """`find`: how it is asked by our own ``{id}`` whether the provider has a message."""

    method: Literal["GET", "POST", "PUT", "PATCH"] = "GET"
    """The HTTP method."""
    message_id: Extracts = Field(min_length=1)
    """Where the answer holds the provider's ids of the message; every match is one."""
    absent: Success
    """The answer that says: it is certainly not there."""
    interval: PositiveDuration = 60.0
    """Between two questions about the same message."""

    @field_validator("absent")
    @classmethod
    def _says_something(cls, absent: Success) -> Success:
        if not absent.status and not absent.when:
            raise mistake("must have status or when: not to find a message must be certain")
        return absent


class BalanceRequest(DeclaredRequest):
    """`balance`: how the money left is asked for."""

    method: Literal["GET", "POST", "PUT", "PATCH"] = "GET"
    """The HTTP method."""
    value: Extracts = Field(min_length=1)
    """Where the answer tells the money left."""


def _read_files(value: object, info: ValidationInfo) -> object:
    """``name_file: FILE`` instead of ``name: VALUE``, relative to the configuration."""
    if not isinstance(value, Mapping):
        return value
    base = (info.context or {}).get("base", Path())
    secrets: dict[str, object] = {}
    for name, secret in value.items():
        goal = str(name).removesuffix(_FILE)
        if goal in secrets:
            raise mistake(f"{goal} is given twice, as {goal} and as {goal}{_FILE}; delete one")
        secrets[goal] = secret if goal == name else _content(base / str(secret), str(name))
    return secrets


def _content(path: Path, name: str) -> str:
    try:
        content = path.read_bytes()
        if len(content) > _SECRET_FILE_MAX:
            raise mistake(f"{name} must be a file of at most {_SECRET_FILE_MAX} octets")
        return content.decode().rstrip("\r\n")
    except OSError as error:
        raise mistake(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise mistake(f"{name} must be a file of UTF-8 text") from None


Secrets = Annotated[dict[str, Secret], BeforeValidator(_read_files)]


class WebhookOptions(FlashPolicy, HttpOptions):
    """`providers.<name>` with `kind: webhook`."""

    kind: Literal["webhook"]
    """Any HTTP provider, declared by the other keys."""
    secrets: Secrets = Field(default_factory=dict)
    """The only place for secrets, by a name of your choice: {secret.NAME} in templates."""
    send: SendRequest
    """How a message is handed over."""
    send_binary: SendRequest | None = None
    """How binary content is handed over; without it, it is refused."""
    errors: ErrorTable = Field(default_factory=dict)
    """What the provider's codes mean: a class, or {class, status, pause}."""
    states: StateTable = Field(default_factory=dict)
    """What the provider's words for states mean, such as {delivered: DELIVRD}."""
    status: StatusRequest | None = None
    """How the state of messages is asked for."""
    callback: CallbackOptions | None = None
    """How a status or a message from a phone is read out of a request to us."""
    find: FindRequest | None = None
    """How it is asked by our own {id} whether the provider has a message."""
    balance: BalanceRequest | None = None
    """How the money left is asked for."""
    currency: Currency = ""
    """Currency of prices that come without one."""
    id_pattern: str = r"[!-~]{1,128}"
    """What the provider's ids look like; others are not asked for."""
    max_parts: int = Field(default=10, ge=1, le=255)
    """Short messages of one text; longer texts are refused."""
    sender_pattern: str = ".*"
    """What senders look like; others are refused."""
    refuse_texts: tuple[str, ...] = ()
    """Whole texts that the provider takes for orders of another service; they are refused."""
    validity_max: PositiveDuration = Field(default=86400.0, le=30 * 86400)
    """The provider gives up a message by itself after this."""
    inbound_interval: Duration = Field(default=0.0, le=0)
    """Always 0: messages from phones come by callback only."""

    @field_validator("secrets")
    @classmethod
    def _check_secrets(cls, secrets: dict[str, Secret]) -> dict[str, Secret]:
        for name, secret in secrets.items():
            if not _SECRET_NAME.fullmatch(name):
                raise mistake("names must have 1 to 32 characters of a-z, 0-9 and _")
            if not secret.get_secret_value().isprintable() or not secret.get_secret_value().strip():
                raise mistake(f"{name} must be one line of text")
        return secrets

    @field_validator("id_pattern", "sender_pattern")
    @classmethod
    def _check_pattern(cls, pattern: str) -> str:
        return safe_regex(pattern)

    @model_validator(mode="after")
    def _whole(self) -> "WebhookOptions":
        problems = [problem for section in self._sections() for problem in self._unknown_fields(*section)]
        problems += [*self._contradictions(), *self._unreadable()]
        if problems:
            raise mistake("; ".join(problems))
        return self

    def _sections(self) -> Iterator[tuple[str, Iterator[tuple[str, Template]], frozenset[str]]]:
        """Each section that holds templates, these, and what fields they may name."""
        yield "send", self.send.templates(), frozenset(MESSAGE_FIELDS) - BINARY_FIELDS
        if self.send_binary is not None:
            yield "send_binary", self.send_binary.templates(), frozenset(MESSAGE_FIELDS)
        if self.status is not None:
            yield "status", self.status.templates(), STATUS_FIELDS
        if self.find is not None:
            yield "find", self.find.templates(), FIND_FIELDS
        if self.balance is not None:
            yield "balance", self.balance.templates(), frozenset()
        signature = self.callback.signature if self.callback else None
        if signature is not None:
            yield "callback.signature", signature.templates(), frozenset()
            yield "callback.signature", iter([("signed", signature.signed)]), SIGNATURE_FIELDS

    def _unknown_fields(
        self, section: str, templates: Iterator[tuple[str, Template]], known: frozenset[str]
    ) -> Iterator[str]:
        for key, template in templates:
            for name, kind in template.fields:
                place, shown = f"{section}.{key}", name if _SPEAKING.fullmatch(name) else "..."
                if name.startswith(SECRET):
                    if name.removeprefix(SECRET) not in self.secrets:
                        yield f"{place}: there is no {{{shown}}} under secrets"
                elif name not in known and not (known is SIGNATURE_FIELDS and name.startswith(HEADER)):
                    yield f"{place}: there is no field {{{shown}}}; known here: {', '.join(sorted(known))}"
                elif kind and name not in (NUMBER_FIELDS if kind == "number" else BOOL_FIELDS):
                    yield f"{place}: {{{shown}}} is no {kind}"

    def _contradictions(self) -> Iterator[str]:
        if self.default_sender and not re.fullmatch(self.sender_pattern, self.default_sender):
            yield "default_sender: does not match sender_pattern"
        used = self.send.asked
        if "text" not in used and "text_utf16_hex" not in used:
            yield "send: does not hold {text}"
        if not used & {"recipient", "plus"}:
            yield "send: does not hold {recipient} or {plus}"
        if self.schedule == "provider" and not used & SCHEDULE_FIELDS:
            yield "schedule: the provider is not told {send_at_unix} or {send_at_iso} in send"
        if (self.status or (self.callback and self.callback.state)) and not self.states:
            yield "states: is required with status or callback"

    def _unreadable(self) -> Iterator[str]:
        """Places where nothing can be found in an answer, and answers that could mean two things."""
        for name in ("send", "send_binary", "status", "find", "balance"):
            request: DeclaredRequest | None = getattr(self, name)
            if request is None:
                continue
            if any(one.only_callbacks for one in _places(request)):
                yield f"{name}: an answer is read by json, xpath or regex"
            if request.batch is not None and any(one.json_path is None for one in _of_each(request)):
                yield f"{name}: with batch only error_code and error_text may be read by xpath or regex"
        for name in ("send", "send_binary"):
            send: SendRequest | None = getattr(self, name)
            if send is not None and send.own_id and DEFAULT in self.errors and not send.success.when:
                yield f"{name}.success.when: is required with own_id and errors: default"

    def calls_back(self) -> bool:
        """Whether it is declared how to read a callback."""
        return self.callback is not None

    def warnings(self, *, callbacks: bool) -> list[str]:
        """Secrets that nothing uses, and statuses that nobody will ever know."""
        used = {
            field.name.removeprefix(SECRET)
            for _, templates, _ in self._sections()
            for _, template in templates
            for field in template.fields
        }
        found = [f"secrets: {name} is used by nothing" for name in self.secrets if name not in used]
        told = callbacks and self.callback is not None and bool(self.callback.state)
        if not told and (self.status is None or self.poll_interval == 0):
            found.append("statuses are neither asked for nor called back, so none will ever be known")
        if self.url.startswith("http://"):
            found.append("url: is plain http; secrets, numbers and texts can be read on the way")
        return found

    def requests(self) -> list[DeclaredRequest]:
        """All requests that are declared."""
        sections = (self.send, self.send_binary, self.status, self.find, self.balance)
        return [section for section in sections if section is not None]

    def hidden(self, secrets: Mapping[str, str], callback_url: str) -> list[str]:
        """Values that a provider gets and may repeat, but that must not be read in reasons and logs: secrets,
        and our address with its token, in every form in which they are sent. The longest first."""
        asked = self.requests()
        logins = {one.basic_auth.login(lookup_in({}, secrets)) for one in asked if one.basic_auth}
        plain = {*secrets.values(), callback_url, urlsplit(callback_url).path.rpartition("/")[2]}
        forms = plain | logins | {quote(one, safe="") for one in plain} | {quote_plus(one) for one in plain}
        return sorted(forms, key=len, reverse=True)

    def sender_problem(self, sender: str) -> str:
        """Whether it has the declared form."""
        fits = sender.isprintable() and is_whole(re.compile(self.sender_pattern), sender)
        return "" if fits or not sender else "it does not match sender_pattern"

    def credential(self) -> str:
        """The first of the secrets."""
        return next((secret.get_secret_value() for secret in self.secrets.values()), "")


def _places(request: DeclaredRequest) -> Iterator[Extract]:
    for name in type(request).model_fields:
        value = getattr(request, name)
        if isinstance(value, Success):
            yield from value.when
        elif isinstance(value, ToldPlaces):
            yield from value.places()
        elif isinstance(value, tuple):
            yield from (one for one in value if isinstance(one, Extract))


def _of_each(request: DeclaredRequest) -> Iterator[Extract]:
    """What is looked for in each result of many."""
    yield from request.success.when
    for name in ("message_id", "state", "message_error", "message_text"):
        yield from getattr(request, name, ())
    if isinstance(request, SendRequest | StatusRequest):
        yield from request.told.places()
