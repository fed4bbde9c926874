"""The examples show every key that the schema knows."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from smppbridge.config.loading import schema
from smppbridge.providers.kind import ProviderKind
from smppbridge.providers.options import FlashPolicy, HttpOptions
from smppbridge.providers.registry import KINDS

CONFIG = Path(__file__).parents[3] / "config"
KeyPath = tuple[str, ...]

WHOLE = schema()
SECTIONS: dict[str, str] = WHOLE["properties"]["providers"]["additionalProperties"]["discriminator"][
    "mapping"
]


def shown_keys(text: str) -> set[KeyPath]:
    """The paths of the keys in an example, also of those in comments and in braces. List items and the names
    of accounts are left out; a provider stands under its kind."""
    kinds = {name: keys["kind"] for name, keys in yaml.safe_load(text)["providers"].items()}
    found: set[KeyPath] = set()
    around: list[tuple[int, str]] = []
    for line in text.splitlines():
        written = re.match(r"( *)((?:- )?)([a-z_]+):(?= |$)(.*)", re.sub(r"^( *)# ", r"\1", line))
        if written is None:
            continue
        column = len(written[1] + written[2])
        around = [*(one for one in around if one[0] < column), (column, written[3])]
        path = [key for _, key in around]
        if path[0] in ("accounts", "providers"):
            path[1:2] = [kinds[name] for name in path[1:2] if name in kinds]
        found |= {tuple(path), *((*path, key) for key in re.findall(r"[{,] ?([a-z_]+): ", written[4]))}
    return found


def section_of(node: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = WHOLE["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return found


def sections_in(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The sections that a value may be, or hold."""
    if "$ref" in node:
        yield section_of(node)
    inside = [node[key] for key in ("items", "additionalProperties") if isinstance(node.get(key), dict)]
    for one in (*node.get("anyOf", ()), *inside):
        yield from sections_in(one)


def keys_of(section: dict[str, Any]) -> set[str]:
    return {key for key in section["properties"] if not key.endswith("_file")}


def shared_keys(kind: ProviderKind) -> set[str]:
    """The keys that a kind of provider has in common with others."""
    shared = [base for base in (HttpOptions, FlashPolicy) if issubclass(kind.options, base)]
    return {key for base in shared for key in base.model_fields}


def places(section: dict[str, Any], path: KeyPath = ()) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    """Every place below ``path`` where a section may stand, with that section."""
    yield path, section
    for key in keys_of(section):
        for below in sections_in(section["properties"][key]):
            yield from places(below, (*path, key))


def test_the_example_shows_every_key() -> None:
    """Each section is shown at one of its places; keys that providers share are shown of smspilot."""
    shown = shown_keys((CONFIG / "smppbridge.yaml").read_text(encoding="utf-8"))
    wanted = [*places(WHOLE)]
    for kind in SECTIONS.keys() - {"webhook"}:
        wanted += places(section_of({"$ref": SECTIONS[kind]}), ("providers", kind))
    missing: dict[str, set[str]] = {}
    for path, section in wanted:
        name = section["title"]
        missing[name] = missing.get(name, keys_of(section)) - {one[-1] for one in shown if one[:-1] == path}
    for provider in KINDS.values():
        if provider.name not in {"smspilot", "webhook"}:
            missing[provider.options.__name__] -= shared_keys(provider) - missing["SmspilotOptions"]
    assert {name: keys for name, keys in missing.items() if keys} == {}


def test_the_guide_to_declared_providers_names_every_key() -> None:
    """Those of a webhook. The keys of all HTTP providers are in the other example."""
    text = (CONFIG / "providers" / "README.md").read_text(encoding="utf-8")
    common = shared_keys(KINDS["webhook"])
    missing = {
        f"{section['title']}.{key}"
        for _, section in places(section_of({"$ref": SECTIONS["webhook"]}))
        for key in keys_of(section) - common
        if not re.search(rf"\b{key}\b", text)
    }
    assert missing == set()
