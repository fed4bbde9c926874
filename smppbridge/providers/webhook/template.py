"""Texts with ``{fields}``, as the operator writes them for `kind: webhook`.

What a value must look like depends on where it lands (a path, a header, JSON, XML …). That is decided here,
never by the author of a template.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote, quote_plus

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from smppbridge.model.settings import mistake

Lookup = Callable[[str], str]
"""The value of a field; "" when it has none."""

Escape = Callable[[str], str]

MAX_TEMPLATE = 10_000  # characters
MAX_DEPTH = 20  # of a JSON body
_TOKEN = re.compile(r"\{\{|\}\}|\{([A-Za-z][A-Za-z0-9_.-]{0,63})(?::(number|bool))?\}|[{}]")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XML = {ord(c): f"&#{ord(c)};" for c in "&<>\"'\t\n\r"}


class Field(NamedTuple):
    """A place in a template. ``type``: "number" or "bool" where JSON is to get one instead of text."""

    name: str
    type: str = ""


class Template:
    """A compiled text. ``fields`` in order; a template without any always renders to the same text."""

    __slots__ = ("_parts", "fields")

    def __init__(self, text: str) -> None:
        """Raises ValueError for braces that are no field."""
        if len(text) > MAX_TEMPLATE:
            raise ValueError(f"must have at most {MAX_TEMPLATE} characters")
        self._parts = tuple(_compile(text))
        self.fields = tuple(part for part in self._parts if isinstance(part, Field))

    @property
    def constant(self) -> str:
        """What stands in it besides fields."""
        return "".join(part for part in self._parts if isinstance(part, str))

    def altered(self, change: Callable[[str], str]) -> "Template":
        """The template with other text between its fields; the same object where no text changes."""
        parts = tuple(change(part) if isinstance(part, str) else part for part in self._parts)
        if parts == self._parts:
            return self
        other = Template("")
        other._parts, other.fields = parts, self.fields
        return other

    def render(self, lookup: Lookup, escape: Escape = str) -> str:
        """The text with its values, each one escaped."""
        return "".join(part if isinstance(part, str) else escape(lookup(part.name)) for part in self._parts)

    def value(self, lookup: Lookup) -> str | int | bool | None:
        """What goes into JSON, a form or a query; None = leave it out: all its fields are empty, and nothing
        else stands there. A field with a type becomes that type. Raises ValueError when it cannot."""
        if len(self._parts) == 1 and self.fields and self.fields[0].type:
            return _typed(lookup(self.fields[0].name), self.fields[0].type)
        text = self.render(lookup)
        return None if not text and self.fields else text


def _compile(text: str) -> Iterator[str | Field]:
    plain, position = "", 0
    for token in _TOKEN.finditer(text):
        plain += text[position : token.start()]
        position = token.end()
        if token[1] is None:
            if len(token[0]) == 1:
                raise ValueError(
                    f'has a "{token[0]}" that belongs to no {{field}}; write it twice for itself'
                )
            plain += token[0][0]
            continue
        if plain:
            yield plain
        plain = ""
        yield Field(token[1], token[2] or "")
    plain += text[position:]
    if plain or not text:
        yield plain


def _typed(text: str, kind: str) -> int | bool | None:
    if kind == "bool":
        return text not in ("", "0", "false")
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise ValueError("a :number field holds something else")
    return int(text)


def in_path(value: str) -> str:
    """As one segment of a URL's path. "." and ".." would be resolved away."""
    return quote(value, safe="") if value.strip(".") else value.replace(".", "%2E")


def in_form(value: str) -> str:
    """As a value of a query or a form."""
    return quote_plus(value)


def in_header(value: str) -> str:
    """Anything but printable ASCII is percent-encoded: no line can be broken."""
    return value if value.isascii() and value.isprintable() else quote(value, safe=_PRINTABLE)


def in_json(value: str) -> str:
    """Inside the quotes of a JSON string."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


def in_xml(value: str) -> str:
    """As text of an element or of an attribute; characters that XML 1.0 cannot carry are dropped."""
    return _NOT_XML.sub("", value).translate(_XML)


def fits_xml(text: str) -> bool:
    """Whether XML 1.0 can carry every character."""
    return _NOT_XML.search(text) is None


def escape_for(content_type: str) -> Escape | None:
    """How values are escaped in a body of this type; None where no escaping keeps them apart."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("application/json", "text/json") or kind.endswith("+json"):
        return in_json
    if kind in ("application/xml", "text/xml") or kind.endswith("+xml"):
        return in_xml
    return in_form if kind == "application/x-www-form-urlencoded" else None


Tree = Template | dict[str, Any] | list[Any] | int | float | bool | None
"""A JSON value whose texts are templates."""


def compile_tree(value: object, depth: int = 0) -> Tree:
    """A JSON body as it stands in the configuration. Raises ValueError."""
    if depth > MAX_DEPTH:
        raise ValueError("is nested too deeply")
    if isinstance(value, str):
        return Template(value)
    if isinstance(value, Mapping):
        return {str(key): compile_tree(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [compile_tree(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    raise ValueError("must be JSON: text, numbers, true, false, lists, mappings")


def render_tree(tree: Tree, lookup: Lookup) -> object:
    """The JSON value. Keys without a value are left out, and so are mappings that have no key left."""
    if isinstance(tree, Template):
        return tree.value(lookup)
    if isinstance(tree, dict):
        rendered = ((key, item, render_tree(item, lookup)) for key, item in tree.items())
        kept = {key: value for key, item, value in rendered if value is not None or item is None}
        return kept if kept or not tree else None
    if isinstance(tree, list):
        items = [(item, render_tree(item, lookup)) for item in tree]
        return [value for item, value in items if value is not None or item is None]
    return tree


def templates_in(tree: Tree, path: str) -> Iterator[tuple[str, Template]]:
    """Every template of a JSON body with its path."""
    if isinstance(tree, Template):
        yield path, tree
    elif isinstance(tree, dict):
        for key, item in tree.items():
            yield from templates_in(item, f"{path}.{key}")
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from templates_in(item, f"{path}[{index}]")


def _template(value: object) -> Template:
    if isinstance(value, Template):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise mistake("must be text; put it in quotes")
    try:
        return Template(str(value))
    except ValueError as error:
        raise mistake(str(error)) from None


def _tree(value: object) -> Tree:
    if not isinstance(value, dict | list):
        raise mistake("must be a mapping or a list")
    try:
        return compile_tree(value)
    except ValueError as error:
        raise mistake(str(error)) from None


Text = Annotated[
    Template,
    PlainValidator(_template),
    PlainSerializer(lambda _: "..."),
    WithJsonSchema({"type": "string", "description": "Text with {fields}"}),
]
"""A key of the configuration that holds a template."""

JsonBody = Annotated[
    Any,  # a Tree
    PlainValidator(_tree),
    PlainSerializer(lambda _: "..."),
    WithJsonSchema({"type": ["object", "array"], "description": "JSON whose texts may hold {fields}"}),
]
"""A key of the configuration that holds a JSON body."""
