"""Finds values in answers and callbacks by what the operator wrote: JSONPath, XPath, a regular expression, a
header, a parameter.

Small on purpose: of JSONPath only names, numbers and ``*``; of XPath what the standard library knows. What is
read comes from the network: it is bounded, decoded strictly and never crashes a reader.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated
from xml.etree.ElementTree import Element

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from smppbridge.model.settings import Settings, mistake
from smppbridge.providers.http.lenient import parse_lenient
from smppbridge.providers.http.xml import parse_xml
from smppbridge.providers.webhook.regex import MAX_MATCHED, safe_regex

MAX_FOUND = 2000  # nodes that one JSONPath may find
MAX_XML = 1024 * 1024  # octets
MAX_WORD = 200  # characters of an id, a code or a state; longer ones are none
_STEP = re.compile(r"""\.([A-Za-z_][\w-]*|\*)|\['([^']+)'\]|\["([^"]+)"\]|\[(-?[0-9]{1,4}|\*)\]""")
_ATTRIBUTE = re.compile(r"(?:(?P<path>.*)/)?@(?P<name>[\w:.-]+)")
Steps = tuple[str | int, ...]
ANY = "*"


def compile_path(text: str) -> Steps:
    """``$.a.b[0]['c d'].*`` as its steps. Raises ValueError."""
    if not text.startswith("$"):
        raise ValueError("must begin with $, as in $.messages[0].id")
    steps: list[str | int] = []
    position = 1
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            raise ValueError(
                f"is not understood at its character {position + 1}; write it as $.a.b[0]['c d'].*"
            )
        name = step[1] or step[2] or step[3]
        steps.append(name or (ANY if step[4] == ANY else int(step[4])))
        position = step.end()
    return tuple(steps)


def _understood(path: str) -> str:
    try:
        compile_path(path)
    except ValueError as error:
        raise mistake(str(error)) from None
    return path


JsonPath = Annotated[str, AfterValidator(_understood)]
"""A key of the configuration that holds a JSONPath."""


def walk(value: object, steps: Steps) -> list[object]:
    """Everything that a path leads to, at most 2000."""
    found = [value]
    for step in steps:
        below: list[object] = []
        for node in found:
            below += _children(node, step)
            if len(below) > MAX_FOUND:
                break
        found = below[:MAX_FOUND]
    return found


def _children(node: object, step: str | int) -> Sequence[object]:
    if isinstance(node, dict):
        if step == ANY:
            return list(node.values())
        return [node[step]] if step in node else []
    if isinstance(node, list):
        if step == ANY:
            return node
        return node[step : step + 1 or None] if isinstance(step, int) else []
    return []


def as_text(value: object) -> str:
    """A found JSON value as text; "" for null, objects and lists."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else ""


class Document:
    """One answer or callback. Parsed when a value is looked for, once, even if that fails."""

    def __init__(
        self,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> None:
        self.body = body
        self.headers, self.query, self.form = headers or {}, query or {}, form or {}

    @cached_property
    def text(self) -> str:
        """The body. Raises ValueError when it is not UTF-8."""
        return self.body.decode("utf-8-sig")

    @property
    def json(self) -> object:
        """The value of a JSON body. Raises ValueError."""
        value, readable = self._json
        if not readable:
            raise ValueError("not JSON")
        return value

    @property
    def xml(self) -> Element:
        """The root of an XML body. Raises ValueError for what is none, or is not read here."""
        if self._xml is None:
            raise ValueError("not an XML that is read here")
        return self._xml

    @cached_property
    def _json(self) -> tuple[object, bool]:
        try:
            return parse_lenient(self.text), True
        except ValueError:
            return None, False

    @cached_property
    def _xml(self) -> Element | None:
        try:
            return parse_xml(self.text) if len(self.body) <= MAX_XML else None
        except ValueError:
            return None

    def part(self, value: object) -> "Document":
        """One item of a list in this document, to be read as if it were a whole JSON body."""
        part = Document(b"", headers=self.headers, query=self.query, form=self.form)
        part.__dict__["_json"] = value, True
        return part


class Extract(Settings):
    """Where a value is: exactly one of the keys."""

    model_config = ConfigDict(populate_by_name=True)

    json_path: JsonPath | None = Field(default=None, alias="json")
    """Place in a JSON body: a JSONPath such as $.messages[0].id."""
    xpath: str | None = None
    """Place in an XML body below the root element; ends in /@name for an attribute."""
    regex: str | None = None
    """Regular expression for the body: its first group counts, or all of it."""
    header: str | None = None
    """Name of a header; in callbacks only."""
    query: str | None = None
    """Name of a parameter of the address; in callbacks only."""
    form: str | None = None
    """Name of a field of a form; in callbacks only."""
    param: str | None = None
    """Name of a parameter of the address or the form; in callbacks only."""

    @field_validator("xpath")
    @classmethod
    def _check_xpath(cls, path: str | None) -> str | None:
        if path is not None:
            try:
                if path.startswith("/"):
                    raise SyntaxError
                list(_elements(Element("x"), path))
            except (SyntaxError, KeyError, ValueError, TypeError):
                raise mistake(
                    "must be a simple XPath below the root element, as in messages/message/@id"
                ) from None
        return path

    @field_validator("regex")
    @classmethod
    def _check_regex(cls, regex: str | None) -> str | None:
        return regex if regex is None else safe_regex(regex)

    @model_validator(mode="after")
    def _one_place(self, _info: ValidationInfo) -> "Extract":
        if len(self._given()) != 1:
            raise mistake("must have exactly one of json, xpath, regex, header, query, form, param")
        return self

    def _given(self) -> list[str]:
        return [name for name in Extract.model_fields if getattr(self, name) is not None]

    @property
    def only_callbacks(self) -> bool:
        """Whether an answer to a request of ours has no such place."""
        return self._given()[0] in ("header", "query", "form", "param")

    @cached_property
    def steps(self) -> Steps:
        """``json`` as steps."""
        return compile_path(self.json_path or "$")

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """``regex``."""
        return re.compile(self.regex or "")

    def every(self, document: Document) -> list[str]:
        """All values, without empty ones. Raises ValueError when the document is not of the expected kind."""
        return [value.strip() for value in self._find(document) if value.strip()]

    def word(self, document: Document) -> str:
        """The first value, "" when there is none or it is too long for an id, a code or a state."""
        value = next(iter(self.every(document)), "")
        return value if len(value) <= MAX_WORD else ""

    def content(self, document: Document) -> str:
        """The first value exactly as it is, of any length; "" when there is none."""
        return next((value for value in self._find(document) if value), "")

    def _find(self, document: Document) -> Iterator[str]:
        if self.json_path is not None:
            yield from map(as_text, walk(document.json, self.steps))
        elif self.xpath is not None:
            yield from _elements(document.xml, self.xpath)
        elif self.regex is not None:
            found = self.compiled.search(document.text[:MAX_MATCHED])
            if found:
                yield (found[1] if self.compiled.groups else found[0]) or ""
        elif self.header is not None:
            yield document.headers.get(self.header.lower(), "")
        else:
            yield self._parameter(document)

    def _parameter(self, document: Document) -> str:
        if self.query is not None:
            return document.query.get(self.query, "")
        if self.form is not None:
            return document.form.get(self.form, "")
        return document.form.get(self.param or "", "") or document.query.get(self.param or "", "")


def _elements(root: Element, path: str) -> Iterator[str]:
    attribute = _ATTRIBUTE.fullmatch(path)
    if attribute is None:
        return (element.text or "" for element in root.findall(path))
    nodes = root.findall(attribute["path"]) if attribute["path"] else [root]
    return (node.get(attribute["name"], "") for node in nodes)


def one_or_many(value: object) -> object:
    """``x`` and ``[x]`` are the same."""
    return value if isinstance(value, list | tuple) else [value]


Extracts = Annotated[tuple[Extract, ...], BeforeValidator(one_or_many), Field(max_length=10)]
"""Where a value is; of several places the first that holds one counts."""


def first_word(places: tuple[Extract, ...], document: Document) -> str:
    """The value of the first place that has one; "" without any. Places that the document cannot have are
    skipped."""
    for place in places:
        try:
            word = place.word(document)
        except ValueError:
            continue
        if word:
            return word
    return ""
