"""The requests of `kind: webhook` as the operator describes them, and how one is made."""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from smppbridge.model.settings import Settings, mistake
from smppbridge.providers.options import base_url
from smppbridge.providers.webhook.extract import (
    ANY,
    Extract,
    Extracts,
    JsonPath,
    Steps,
    compile_path,
    one_or_many,
)
from smppbridge.providers.webhook.regex import safe_regex
from smppbridge.providers.webhook.template import (
    JsonBody,
    Lookup,
    Template,
    Text,
    Tree,
    escape_for,
    in_form,
    in_header,
    in_path,
    in_xml,
    render_tree,
    templates_in,
)

_HEADER_NAME = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
_OURS = frozenset({"content-length", "content-type", "host", "transfer-encoding", "connection"})
JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


class Prepared(NamedTuple):
    """A request that is ready to go. Holds secrets, numbers and texts: never to be logged."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    content: bytes


class Condition(Extract):
    """What must be found somewhere: one of the values, a match of the first, or (without both) anything."""

    equals: tuple[str, ...] | None = None
    """One value or a list of them: the place must hold one of these."""
    matches: str | None = None
    """Regular expression that the first value must match."""

    @field_validator("equals", mode="before")
    @classmethod
    def _as_texts(cls, value: object) -> object:
        values = one_or_many(value)
        assert isinstance(values, Sequence)
        return tuple(str(one).lower() if isinstance(one, bool | int) else one for one in values)

    @field_validator("matches")
    @classmethod
    def _check_matches(cls, regex: str | None) -> str | None:
        return regex if regex is None else safe_regex(regex)

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """``matches``, compiled."""
        return None if self.matches is None else re.compile(self.matches)


class Success(Settings):
    """When a request counts as done: all of it must hold."""

    status: Annotated[tuple[int, ...], BeforeValidator(one_or_many)] = ()
    """HTTP statuses; without it, 200 to 299."""
    when: Annotated[tuple[Condition, ...], BeforeValidator(one_or_many), Field(max_length=10)] = ()
    """Conditions for what the answer holds."""


class BasicAuth(Settings):
    """Sent as the header Authorization."""

    user: Text
    """The user."""
    password: Text
    """The password: {secret.NAME}."""

    @field_validator("password")
    @classmethod
    def _from_secrets(cls, password: Template) -> Template:
        if password.constant or not password.fields:
            raise mistake("must be {secret.NAME}, with NAME under secrets")
        return password

    def login(self, lookup: Lookup) -> str:
        """What stands in the header after "Basic "."""
        login = f"{self.user.render(lookup)}:{self.password.render(lookup)}"
        return base64.b64encode(login.encode()).decode()


class Match(Settings):
    """Which result is a message's: the one whose value at ``json``, or whose ``key``, is ``equals``."""

    model_config = ConfigDict(populate_by_name=True)

    json_path: JsonPath | None = Field(default=None, alias="json")
    """Where the name of a result stands inside it."""
    key: bool = False
    """true: a result is named by its key in the mapping of `results`."""
    equals: Text
    """What the name equals, such as {id}."""

    @model_validator(mode="after")
    def _one_way(self) -> "Match":
        if self.key == (self.json_path is not None):
            raise mistake("must have either json: PATH or key: true")
        return self

    @cached_property
    def place(self) -> Extract:
        """Where the name of a result stands inside it."""
        return Extract(json=self.json_path)


def _one_place(path: str) -> str:
    if ANY in compile_path(path):
        raise mistake("must lead to one place, without *")
    return path


OnePlace = Annotated[JsonPath, AfterValidator(_one_place)]


class BatchOptions(Settings):
    """Many messages in one request."""

    size: int = Field(default=100, ge=1, le=1000)
    """Messages in one request."""
    list: OnePlace | None = None
    """Where in `json` the list is whose only entry is written for one message."""
    results: OnePlace
    """Where in the answer the results are: a list, or a mapping."""
    match: Match | None = None
    """Which result is a message's; without it, results stand in the order of the messages."""


class DeclaredRequest(Settings):
    """One kind of request, and how its answer is read."""

    model_config = ConfigDict(populate_by_name=True)

    method: Literal["GET", "POST", "PUT", "PATCH"] = "POST"
    """The HTTP method."""
    url: str | None = None
    """Another base than the provider's `url`."""
    path: Text = Field(default_factory=lambda: Template(""))
    """What is appended to the base; begins with /."""
    query: dict[str, Text] = Field(default_factory=dict)
    """Parameters of the address."""
    headers: dict[str, Text] = Field(default_factory=dict)
    """Headers of the request."""
    basic_auth: BasicAuth | None = None
    """User and password of HTTP Basic."""
    form: dict[str, Text] | None = None
    """Fields of a form as the body."""
    json_body: JsonBody | None = Field(default=None, alias="json")
    """A JSON value as the body."""
    body: Text | None = None
    """A text as the body, with its `content_type`."""
    content_type: str | None = None
    """Of `body`: JSON, XML or a form, in UTF-8."""
    success: Success = Success()
    """When the request counts as done."""
    error_code: Extracts = ()
    """Where the answer holds the code of an error, to be looked up in `errors`."""
    error_text: Extracts = ()
    """Where the answer explains an error."""
    batch: BatchOptions | None = None
    """How many messages go in one request."""

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str | None) -> str | None:
        return url if url is None else base_url(url)

    @field_validator("path")
    @classmethod
    def _check_path(cls, path: Template) -> Template:
        constant = path.constant
        if not constant.startswith("/") and (constant or path.fields):
            raise mistake("must begin with /")
        if not constant.isascii() or not constant.isprintable() or set(constant) & set(' ?#"<>\\^`'):
            raise mistake("must be a plain path; parameters belong under query")
        return path

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, Template]) -> dict[str, Template]:
        for name, value in headers.items():
            if not name or not set(name.lower()) <= _HEADER_NAME:
                raise mistake(f'"{name[:40]}" is no name of a header')
            if name.lower() in _OURS:
                raise mistake(f"{name} is set by itself; see content_type")
            if not (value.constant.isascii() and value.constant.isprintable()):
                raise mistake(f"{name} must have printable ASCII characters only")
        return headers

    @field_validator("content_type")
    @classmethod
    def _check_content_type(cls, content_type: str | None) -> str | None:
        if content_type is None:
            return None
        if escape_for(content_type) is None:
            raise mistake("must be application/json, application/xml or application/x-www-form-urlencoded")
        for parameter in content_type.split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset" and value.strip(' "').lower() != "utf-8":
                raise mistake("must have no other charset than utf-8")
        return content_type

    @model_validator(mode="after")
    def _one_body(self) -> "DeclaredRequest":
        bodies = [one for one in (self.form, self.json_body, self.body) if one is not None]
        if len(bodies) > 1:
            raise mistake("must have only one of form, json, body")
        if bodies and self.method == "GET":
            raise mistake("method: a GET has no form, json or body; use query, or POST")
        if (self.body is None) != (self.content_type is None):
            raise mistake("body and content_type go together; form and json have their own content_type")
        if self.batch is not None and self.batch.list is not None:
            _check_list(self.json_body, compile_path(self.batch.list))
        return self

    @property
    def is_xml(self) -> bool:
        """Whether some characters have no place in the body."""
        return self.content_type is not None and escape_for(self.content_type) is in_xml

    def templates(self) -> Iterator[tuple[str, Template]]:
        """Every template with its key."""
        yield "path", self.path
        for section in ("query", "headers", "form"):
            for name, template in (getattr(self, section) or {}).items():
                yield f"{section}.{name}", template
        if self.json_body is not None:
            yield from templates_in(self.json_body, "json")
        if self.body is not None:
            yield "body", self.body
        if self.basic_auth is not None:
            yield "basic_auth.user", self.basic_auth.user
            yield "basic_auth.password", self.basic_auth.password
        if self.batch is not None and self.batch.match is not None:
            yield "batch.match.equals", self.batch.match.equals

    @property
    def asked(self) -> set[str]:
        """The fields that it names."""
        return {field.name for _, template in self.templates() for field in template.fields}

    def prepare(self, base: str, lookup: Lookup, items: Sequence[Lookup] = ()) -> Prepared:
        """The request for ``lookup``; ``items``: the messages of its list. Raises ValueError."""
        url = (self.url or base) + self.path.render(lookup, in_path)
        query = _form(self.query, lookup)
        content, content_type = self._content(lookup, items)
        headers = {name: value.render(lookup, in_header).strip() for name, value in self.headers.items()}
        if self.basic_auth is not None:
            headers["Authorization"] = f"Basic {self.basic_auth.login(lookup)}"
        if content_type:
            headers["Content-Type"] = content_type
        sent = tuple((name, value) for name, value in headers.items() if value)
        return Prepared(self.method, f"{url}?{query}" if query else url, sent, content)

    def _content(self, lookup: Lookup, items: Sequence[Lookup]) -> tuple[bytes, str]:
        if self.json_body is not None:
            path = compile_path(self.batch.list) if self.batch and self.batch.list else None
            value = _with_list(self.json_body, path, lookup, items)
            return json.dumps(value, ensure_ascii=False).encode(), JSON_TYPE
        if self.form is not None:
            return _form(self.form, lookup).encode(), FORM_TYPE
        if self.body is not None and self.content_type is not None:
            return self.body.render(lookup, escape_for(self.content_type) or str).encode(), self.content_type
        return b"", ""


def _form(fields: Mapping[str, Template], lookup: Lookup) -> str:
    values = ((name, template.value(lookup)) for name, template in fields.items())
    return "&".join(
        f"{in_form(name)}={in_form(_plain(value))}" for name, value in values if value is not None
    )


def _plain(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_list(tree: Tree, path: Steps | None, lookup: Lookup, items: Sequence[Lookup]) -> object:
    """The JSON body, with one entry of its list for each of ``items``."""
    if path is None:
        return render_tree(tree, lookup)
    if not path:
        assert isinstance(tree, list)
        return [render_tree(tree[0], item) for item in items]
    assert isinstance(tree, dict)
    rendered: dict[str, Any] = {}
    for key, value in tree.items():
        if key == path[0]:
            rendered[key] = _with_list(value, path[1:], lookup, items)
        else:
            below = render_tree(value, lookup)
            if below is not None or value is None:
                rendered[key] = below
    return rendered


def _check_list(tree: Tree, path: Steps) -> None:
    for step in path:
        tree = tree.get(step) if isinstance(tree, dict) and isinstance(step, str) else None
    if not isinstance(tree, list) or len(tree) != 1:
        raise mistake("batch.list: must lead to a list in json with one entry, written for one message")
