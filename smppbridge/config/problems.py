"""Turns errors of pydantic into lines for the author of a configuration: where, what is wrong, what to do.

Values are quoted only where they help and cannot be secret. Everything about the sections comes from their
JSON Schema; why an installed provider cannot be used, from the registry.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from smppbridge.config.file import KeyPath
from smppbridge.providers.registry import UNUSABLE

Schema = Mapping[str, Any]

_TEXTS = {
    "missing": "is required; add it",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "too_short": "must have at least one entry",
    "list_type": "must be a list, such as [a, b]",
    "tuple_type": "must be a list, such as [a, b]",
    "frozen_set_type": "must be a list, such as [a, b]",
    "dict_type": "must be a mapping with keys of its own",
    "model_type": "must be a mapping with keys of its own",
    "model_attributes_type": "must be a mapping with keys of its own",
}
_RANGES = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal"})
_REPEATED = frozenset({"literal_error", "int_parsing", "int_from_float", "float_parsing", "bool_parsing"})
# These errors follow from another one, which is reported, too.
_CONSEQUENCES = frozenset({"default_factory_not_called"})
NAME = "name"  # the field of an account that is no key of its section
_SHOWN_MAX = 60  # characters of a quoted value
_ALIKE = 0.7  # of 1: how like a word must be to the one that was meant (difflib)


class _Place(NamedTuple):
    """The place of an error."""

    path: KeyPath  # in the file
    schema: Schema  # of the value there
    around: Schema  # of the mapping around it


class Describer:
    """Describes validation errors of one model."""

    def __init__(self, schema: Schema, private: Collection[KeyPath]) -> None:
        """``private``: places of values that must not be quoted."""
        self._schema = schema
        self._definitions: Schema = schema.get("$defs", {})
        self._private = private

    def describe(self, error: ValidationError) -> Iterator[tuple[KeyPath, str]]:
        """Each mistake as (path, what is wrong and what to do)."""
        details = [one for one in error.errors(include_url=False) if one["type"] not in _CONSEQUENCES]
        for detail in details:
            depth = len(detail["loc"])
            inside = any(
                other["loc"][:depth] == detail["loc"] for other in details if len(other["loc"]) > depth
            )
            if detail["type"] == "too_short" and inside:
                continue  # pydantic does not count entries that are wrong themselves
            place = self._place(detail["loc"])
            if detail["type"].startswith("union_tag_"):
                place = place._replace(path=(*place.path, str(detail["ctx"]["discriminator"]).strip("'")))
            elif detail["type"] == "mistake" and len(place.path) > 2 and place.path[-1] == NAME:
                place = place._replace(path=place.path[:-1])  # stands outside, as the key of the mapping
            yield place.path, self._text(detail, place)

    def _place(self, loc: KeyPath) -> _Place:
        path: list[str | int] = []
        node = around = self._resolve(self._schema)
        for step in loc:
            kinds = node.get("discriminator", {}).get("mapping", {})
            if step in kinds:  # pydantic names the chosen kind; the file does not
                node = self._resolve({"$ref": kinds[step]})
            elif step != "[key]":
                path.append(step)
                around = node
                node = self._child(node, step)
        return _Place(tuple(path), node, around)

    def _child(self, node: Schema, step: str | int) -> Schema:
        if isinstance(step, int):
            return self._resolve(node.get("items", {}))
        inside = node.get("properties", {}).get(step, node.get("additionalProperties"))
        return self._resolve(inside) if isinstance(inside, Mapping) else {}

    def _resolve(self, node: Schema) -> Schema:
        if "$ref" in node:
            return self._resolve(self._definitions[node["$ref"].rsplit("/", 1)[-1]])
        options = [option for option in node.get("anyOf", ()) if option.get("type") != "null"]
        return self._resolve(options[0]) if len(options) == 1 else node

    def _text(self, detail: ErrorDetails, place: _Place) -> str:
        kind, message = detail["type"], detail["msg"]
        if kind == "extra_forbidden":
            return self._unknown_key(str(place.path[-1]), place.around)
        if kind in _RANGES:
            return _range(detail, place.schema) + self._got(detail["input"], place)
        if kind == "union_tag_not_found":
            return f"is required; add one of {', '.join(_kinds(place.schema))}"
        if kind == "union_tag_invalid":
            return self._unknown_kind(detail["ctx"]["tag"], place)
        text = _TEXTS.get(kind) or message.removeprefix("Value error, ").replace("Input should be", "must be")
        text = text.replace("True", "true").replace("False", "false")  # as YAML writes them
        if kind in _REPEATED:
            text += self._got(detail["input"], place)
        return text + self._meant(detail["input"], place)

    def _unknown_key(self, key: str, around: Schema) -> str:
        known = list(around.get("properties", {}))
        return "unknown key" + (did_you_mean(key, known) or f"; known here: {', '.join(known)}")

    def _unknown_kind(self, kind: str, place: _Place) -> str:
        why = (
            f'; the provider installed as "{kind}" cannot be used: {UNUSABLE[kind]}'
            if kind in UNUSABLE
            else ""
        )
        text = f"must be one of {', '.join(_kinds(place.schema))}{self._got(kind, place)}{why}"
        return text if why else text + did_you_mean(kind, _kinds(place.schema))

    def _meant(self, value: object, place: _Place) -> str:
        """The word that may stand there and is most like the value."""
        if place.path in self._private or not isinstance(value, str):
            return ""
        if place.schema.get("type") == "boolean":
            return did_you_mean(value, ("true", "false"))
        words = [one for one in place.schema.get("enum", ()) if isinstance(one, str)]
        return "" if value in words else did_you_mean(value, words)

    def _got(self, value: object, place: _Place) -> str:
        """The value in brackets, if it is short and cannot be secret. Else ""."""
        if place.path in self._private or place.schema.get("writeOnly"):
            return ""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return ""
        text = f'"{value}"' if isinstance(value, str) else str(value).removesuffix(".0")
        return f" (got {text})" if len(text) <= _SHOWN_MAX and text.isprintable() else ""


def _range(detail: ErrorDetails, schema: Schema) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f"must be between {schema['minimum']} and {schema['maximum']}"
    words = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
    ((limit, value),) = detail["ctx"].items()
    return f"must be {words[limit]} {value:g}"


def _kinds(schema: Schema) -> list[str]:
    return sorted(schema.get("discriminator", {}).get("mapping", ()))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question with the known word that is most like ``word``; "" where none is."""
    by_lower = {one.lower(): one for one in known}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=_ALIKE)
    return f'; did you mean "{by_lower[close[0]]}"?' if close else ""
