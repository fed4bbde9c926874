"""Reading a configuration file: it is checked, and all mistakes are reported at once, each with its path."""

import os
from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from smppbridge.config import file as config_file
from smppbridge.config.problems import Describer, did_you_mean
from smppbridge.config.sections import Config
from smppbridge.config.senders import bad_senders
from smppbridge.errors import ConfigError


class Located(NamedTuple):
    """A configuration, and where its keys stand in the file."""

    config: Config
    lines: Mapping[str, int]  # as in config.file.Source


def load(path: Path | str, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and check a configuration file. Raises ConfigError with every mistake in it."""
    return load_located(path, environ).config


def load_located(path: Path | str, environ: Mapping[str, str] = os.environ) -> Located:
    """Like `load`, for who has more to say about the keys of the file."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: must be UTF-8 text"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    return _parse(text, path.absolute().parent, environ)


def parse(text: str, base: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Like `load`, for the text of a file. Relative paths in it are relative to ``base``."""
    return _parse(text, base, environ).config


def _parse(text: str, base: Path, environ: Mapping[str, str]) -> Located:
    plain_schema = _plain_schema()
    source = config_file.read(text, base, environ, _secret_keys(plain_schema) | {"admin_token"})
    problems = source.problems + list(_unknown_names(source.values, source.filled))
    # A section without keys counts as missing. The store is never missing: its default path needs `base`.
    values = {"store": {}} | {key: value for key, value in source.values.items() if value is not None}
    config = None
    try:
        config = Config.model_validate(values, context={"base": base})
    except ValidationError as error:
        describer = Describer(plain_schema, source.filled)
        for place, what in describer.describe(error):
            if not any(place[:length] in source.broken for length in range(1, len(place) + 1)):
                problems.append(f"{config_file.show(place)}: {what}")
    else:
        config._variables = frozenset(source.variables)
        problems = problems or [str(one) for one in bad_senders(config) if one.everywhere]
    if config is None or problems:
        raise ConfigError(config_file.located(problems, source.lines))
    return Located(config, source.lines)


def _unknown_names(values: Mapping[str, object], private: Collection[config_file.KeyPath]) -> Iterator[str]:
    """Mistakes of routes and inbound rules: names of accounts and providers that do not exist. Those at the
    places in ``private`` are not quoted.

    It works on the plain values, so these mistakes are reported together with those of other sections.
    """
    for lines, key, section in (
        ("routes", "account", "accounts"),
        ("routes", "to", "providers"),
        ("inbound", "provider", "providers"),
        ("inbound", "to", "accounts"),
    ):
        rules, known = values.get(lines), values.get(section)
        for index, rule in enumerate(rules if isinstance(rules, list) else ()):
            named = rule.get(key) if isinstance(rule, dict) else None
            at: config_file.KeyPath = (lines, index, key)
            places = {at: named}
            if isinstance(named, list):
                places = {(*at, number): one for number, one in enumerate(named)}
            for place, name in places.items():
                if isinstance(known, dict) and isinstance(name, str | int) and str(name) not in known:
                    what = "the name" if place in private else f'"{name}"'
                    meant = did_you_mean(str(name), known) or f"; known there: {', '.join(known)}"
                    yield f"{config_file.show(at)}: {what} is not in {section}{meant}"


@cache
def _plain_schema() -> dict[str, Any]:
    """The JSON Schema of `Config`. Callers must not change it.

    It is made once, because that takes about 100 ms of CPU, which each reload would take from the traffic.
    """
    return Config.model_json_schema()


def _secret_keys(schema: Mapping[str, Any]) -> frozenset[str]:
    """The names of all keys whose values are secret."""
    sections = [schema, *schema.get("$defs", {}).values()]
    return frozenset(
        key
        for section in sections
        for key, node in section.get("properties", {}).items()
        if any(option.get("writeOnly") for option in (node, *node.get("anyOf", ())))
    )


def schema() -> dict[str, Any]:
    """The JSON Schema of the configuration file, for editors."""
    result = deepcopy(_plain_schema())
    secrets = _secret_keys(result)
    for section in [result, *result["$defs"].values()]:
        properties = section.get("properties", {})
        for node in properties.values():
            if "description" in node:  # one line, however it is wrapped in our source
                node["description"] = " ".join(node["description"].split())
        for key in secrets & properties.keys():
            properties[f"{key}_file"] = {"type": "string", "description": f"File that holds {key}."}
            if key in section.get("required", ()):
                section["required"].remove(key)  # its _file will do as well
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **result, "title": "smppbridge"}
