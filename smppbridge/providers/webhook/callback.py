"""What a provider of `kind: webhook` tells us by HTTP: statuses and messages from phones, signed or not."""

import base64
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from pydantic import ConfigDict, Field, model_validator

from smppbridge.errors import WrongSignature
from smppbridge.model.message import Inbound
from smppbridge.model.settings import Settings, mistake
from smppbridge.providers.base import Callback
from smppbridge.providers.webhook.extract import (
    Document,
    Extract,
    Extracts,
    JsonPath,
    compile_path,
    first_word,
    walk,
)
from smppbridge.providers.webhook.placeholders import HEADER, SECRET
from smppbridge.providers.webhook.request import BasicAuth
from smppbridge.providers.webhook.template import Lookup, Template, Text
from smppbridge.providers.webhook.told import ToldPlaces

MAX_NEWS = 1000  # items of one callback
MAX_NUMBER = 20  # digits
_MILLISECONDS = 10**11  # a larger number is no Unix time in seconds before the year 5138


class Signature(Settings):
    """How a callback proves where it comes from: an HMAC, a fixed value or HTTP Basic."""

    model_config = ConfigDict(populate_by_name=True)

    header: str | None = None
    """Header that holds the signature or the value."""
    hmac: Literal["md5", "sha1", "sha256", "sha512"] | None = None
    """Hash of the HMAC."""
    key: Text | None = None
    """Key of the HMAC: a text with {secret.NAME}."""
    signed: Text = Field(default_factory=lambda: Template("{body}"))
    """What the HMAC is of: {body}, {url}, {form_sorted}, {header.NAME}."""
    encoding: Literal["hex", "base64"] = "hex"
    """How the HMAC is written."""
    prefix: str = ""
    """What stands before the signature in the header, such as sha256=."""
    equals: Text | None = None
    """Instead of an HMAC: the value that the header must have, a text with {secret.NAME}."""
    basic_auth: BasicAuth | None = None
    """Instead of an HMAC: user and password that callbacks must bring along."""

    @model_validator(mode="after")
    def _one_way(self) -> "Signature":
        ways = [self.hmac is not None, self.equals is not None, self.basic_auth is not None]
        if sum(ways) != 1:
            raise mistake("must have one of hmac, equals, basic_auth")
        if (self.header is None) != (self.basic_auth is not None):
            raise mistake("header: names the header for hmac and equals, and only for these")
        if (self.key is None) != (self.hmac is None):
            raise mistake("key: belongs to hmac")
        if self.hmac is not None and not self.covered & {"body", "form_sorted"}:
            raise mistake("signed: must hold {body} or {form_sorted}; else anybody can change the rest")
        for name in ("key", "equals"):
            template: Template | None = getattr(self, name)
            if template is not None and not any(one.name.startswith(SECRET) for one in template.fields):
                raise mistake(f"{name}: must hold a {{secret.NAME}}, with NAME under secrets")
        return self

    @property
    def covered(self) -> set[str]:
        """The fields of `signed`."""
        return {field.name for field in self.signed.fields}

    def templates(self) -> Iterator[tuple[str, Template]]:
        """Every template with its key."""
        for name in ("key", "equals"):
            template: Template | None = getattr(self, name)
            if template is not None:
                yield name, template
        if self.basic_auth is not None:
            yield "basic_auth.user", self.basic_auth.user
            yield "basic_auth.password", self.basic_auth.password

    def check(self, callback: Callback, url: str, lookup: Lookup) -> None:
        """Raise WrongSignature unless the callback is signed. ``url``: ours, as the provider knows it."""
        if self.basic_auth is not None:
            expected = f"Basic {self.basic_auth.login(lookup)}"
            given = callback.headers.get("authorization", "")
        elif self.equals is not None:
            expected, given = (
                self.equals.render(lookup),
                callback.headers.get((self.header or "").lower(), ""),
            )
        else:
            expected = self.prefix + self._sign(callback, url, lookup)
            given = callback.headers.get((self.header or "").lower(), "")
            if self.encoding == "hex":
                start = len(self.prefix)
                given = given[:start] + given[start:].lower()
        if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
            raise WrongSignature("the callback's signature or password is missing or wrong")

    def _sign(self, callback: Callback, url: str, lookup: Lookup) -> str:
        assert self.hmac is not None
        assert self.key is not None
        digest = hmac.new(self.key.render(lookup).encode(), self._payload(callback, url), self.hmac).digest()
        return digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode()

    def _payload(self, callback: Callback, url: str) -> bytes:
        """``signed`` as octets: the body goes in as it came, whatever it holds, and the fields of a form in
        their character set."""

        def value(name: str) -> str:
            charset = "utf-8"
            if name.startswith(HEADER):
                text = callback.headers.get(name.removeprefix(HEADER).lower(), "")
            elif name == "url":
                text = url
            elif name == "form_sorted":
                text = "".join(key + callback.form[key] for key in sorted(callback.form))
                charset = callback.charset
            else:
                return callback.body.decode("latin-1")  # one character an octet
            return text.encode(charset, "replace").decode("latin-1")

        return self.signed.render(value).encode("latin-1", "replace")


class InboundFields(Settings):
    """Where a message from a phone stands in a callback."""

    id: Extracts = Field(min_length=1)
    """The provider's id of the message."""
    source: Extracts = Field(min_length=1)
    """The number of the phone."""
    text: Extracts = Field(min_length=1)
    """The text."""
    destination: Extracts = ()
    """The service number that the phone wrote to."""
    at: Extracts = ()
    """When it was sent, in Unix time or ISO 8601; without it, the time of arrival."""


class CallbackOptions(Settings):
    """`callback`: how a status or a message from a phone is read out of a request to us."""

    each: JsonPath | None = None
    """Where the list is, when one callback tells of many messages."""
    message_id: Extracts = ()
    """Where the provider's id of the message is, or our own."""
    state: Extracts = ()
    """Where the state is: a word of `states`."""
    error_code: Extracts = ()
    """Where it is said why a message was not delivered, for the receipt."""
    error_text: Extracts = ()
    """Where the same is said in words."""
    told: ToldPlaces = ToldPlaces()
    """Where price, parts, operator and the like are."""
    inbound: InboundFields | None = None
    """Where the parts of a message from a phone are."""
    signature: Signature | None = None
    """How a callback proves where it comes from."""

    @model_validator(mode="after")
    def _enough(self) -> "CallbackOptions":
        if bool(self.state) != bool(self.message_id):
            raise mistake("message_id and state go together")
        if not self.state and self.inbound is None:
            raise mistake("must have message_id and state, or inbound")
        read = [*self.message_id, *self.state, *self.error_code, *self.error_text, *self.told.places()]
        read += [one for _, places in self.inbound or () for one in places]
        if self.each is not None and any(one.xpath is not None or one.regex is not None for one in read):
            raise mistake("with each, an item is read by json, not by xpath or regex")
        self._only_what_is_signed(read)
        return self

    def _only_what_is_signed(self, read: list[Extract]) -> None:
        if self.signature is None or self.signature.hmac is None:
            return
        if "body" not in self.signature.covered:
            if self.each is not None or any(one.form is None for one in read):
                raise mistake("with {form_sorted} alone the body is not signed; read everything by form")
        elif any(one.only_callbacks and one.form is None for one in read):
            raise mistake(
                "header, query and param are not signed by {body}; read by json, xpath, regex, form"
            )

    def documents(self, callback: Callback) -> list[Document]:
        """What is to be read, one for each message. Raises ValueError."""
        body = callback.body if callback.charset == "utf-8" else callback.text.encode()
        whole = Document(body, headers=callback.headers, query=callback.query, form=callback.form)
        if self.each is None:
            return [whole]
        items = walk(whole.json, compile_path(self.each))
        if len(items) == 1 and isinstance(items[0], list):
            items = items[0]
        if len(items) > MAX_NEWS:
            raise ValueError("a callback about too many messages")
        return [whole.part(item) for item in items]


class Heard(NamedTuple):
    """A status as it stands in a callback."""

    ref: str
    word: str
    code: str
    words: str = ""  # why it was not delivered


def status_in(options: CallbackOptions, document: Document) -> Heard | None:
    """The status in a callback; None where there is none."""
    ref, word = first_word(options.message_id, document), first_word(options.state, document)
    if not ref or not word:
        return None
    code, words = first_word(options.error_code, document), first_word(options.error_text, document)
    return Heard(ref, word, code, words)


def inbound_in(fields: InboundFields, document: Document, now: int) -> Inbound | None:
    """The message from a phone in a callback; None where there is none."""
    ref, source = first_word(fields.id, document), _number(first_word(fields.source, document))
    text = _content(fields.text, document)
    if not ref or not source or text is None:
        return None
    at = _moment(first_word(fields.at, document))
    return Inbound(ref, source, first_word(fields.destination, document).removeprefix("+"), text, at or now)


def _content(places: tuple[Extract, ...], document: Document) -> str | None:
    for place in places:
        try:
            text = place.content(document)
        except ValueError:
            continue
        if text:
            return text
    return None


def _number(text: str) -> str:
    digits = text.removeprefix("+")
    return digits if digits.isascii() and digits.isdigit() and len(digits) <= MAX_NUMBER else ""


def _moment(text: str) -> int:
    """Milliseconds since 1970 of a Unix time or an ISO 8601 one; 0 for anything else."""
    if text.isascii() and text.isdigit() and len(text) <= 13:
        number = int(text)
        return number if number > _MILLISECONDS else number * 1000
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0, int(aware.timestamp() * 1000))
    except (ValueError, OverflowError):
        return 0
