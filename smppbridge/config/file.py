"""From the text of a configuration file to plain values: YAML, ``${NAME}``, ``<secret>_file``.

Mistakes are collected. Reading does not stop at the first one.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from smppbridge.errors import ConfigError
from smppbridge.logs import visible

KeyPath = tuple[str | int, ...]
"""Where a value stands: ``("routes", 0, "to")``."""

_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<rest>:-(?P<default>[^}]*))?\}|\$\{")
_SECRET_FILE_MAX = 65536  # octets
_FILE = "_file"
_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"
_MOST_VALUES = 500_000  # in a file, for aliases of aliases multiply
_DEPTH = 50  # levels of mappings and lists, one inside the other; deeper ones would exhaust the stack
_KEYS = re.compile(r"[a-z_]+(\.[\w-]+|\[[0-9]+\])*")
_TAB = (r"character '\t' that cannot start any token", "a tab where a value must begin; use spaces")
_QUOTED = re.compile(r"""'[^'<\s]{2,}'|"[^"<\s]{2,}\"""")


@dataclass(slots=True)
class Source:
    """The values of a file, and what was found while reading them."""

    values: dict[str, object] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    broken: set[KeyPath] = field(
        default_factory=set
    )  # places of `problems`, where others would follow from them
    filled: set[KeyPath] = field(default_factory=set)  # places of values from the environment or from a file
    variables: set[str] = field(default_factory=set)  # values from the environment
    lines: dict[str, int] = field(default_factory=dict)  # of keys and items, by paths as in `show`


def located(problems: Iterable[str], lines: Mapping[str, int]) -> list[str]:
    """``problems``, which begin with a path, in the order of the file, each after its line: that of the key,
    or of what is around it. Names from the file are made `visible`."""
    found = sorted(((_line_of(problem, lines), problem) for problem in problems), key=lambda pair: pair[0])
    return [visible(f"line {line}: {problem}" if line else problem) for line, problem in found]


def _line_of(problem: str, lines: Mapping[str, int]) -> int:
    path, *words = problem.split(": ")
    place = path.partition(" ")[0]  # some have a value behind the key
    if len(words) > 1 and _KEYS.fullmatch(words[0]):  # a section whose keys do not fit together names one
        place = f"{place}.{words[0]}"
    while place and place not in lines:
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    return lines.get(place, 0)


def show(path: KeyPath) -> str:
    """A path as people write it: ``routes[0].to``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the file"


def read(
    text: str, base: Path, environ: Mapping[str, str], secrets: Collection[str], most: int = _MOST_VALUES
) -> Source:
    """Read the text of a configuration. A key of ``secrets`` plus ``_file`` names a file below ``base``.

    Raises ConfigError when the text is no YAML mapping, or has more than ``most`` values. All other mistakes
    are in ``problems`` of the result.
    """
    reader = _Reader(base, environ, secrets, most)
    reader.source.values = reader.mapping(_compose(text), ())
    return reader.source


class _Loader(yaml.SafeLoader):
    """A loader with the scalars of YAML 1.2.

    YAML 1.1 would read ``country: NO`` as false, ``0375`` as 253 and ``12:30`` as 750.
    """

    _level = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node, unless it stands too deep."""
        self._level += 1
        if self._level > _DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # its stubs have no types here
            raise yaml.MarkedYAMLError(problem=f"nested more than {_DEPTH} levels deep", problem_mark=mark)
        node = super().compose_node(parent, index)
        self._level -= 1
        return node


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"|~|null|Null|NULL", ["", "~", "n", "N"]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"-?(0|[1-9][0-9]{0,17})", list("-0123456789")),
    ("float", r"-?(0|[1-9][0-9]{0,17})\.[0-9]+", list("-0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _tag, re.compile(f"(?:{_pattern})$"), _first)

_SCALARS: dict[str, Callable[[str], object]] = {
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": int,
    "float": float,
}


def _compose(text: str) -> yaml.MappingNode:
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        # str(error) would quote the line and `problem` may quote a word of it: a secret, perhaps.
        problem = _QUOTED.sub("(...)", (error.problem or "").replace(*_TAB))
        where = f"line {error.problem_mark.line + 1}" if error.problem_mark else "the file"
        raise ConfigError([f"{where}: not valid YAML: {problem}"]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"the character U+{error.character:04X} may not stand in it"
        raise ConfigError([f"line {line}: not valid YAML: {problem}"]) from None
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(["the file: must be a YAML mapping with keys such as accounts, providers, routes"])
    return node


class _Reader:
    """Walks once over a YAML document, and fills in values from the environment and from files."""

    def __init__(self, base: Path, environ: Mapping[str, str], secrets: Collection[str], most: int) -> None:
        self.source = Source()
        self._most = self._left = most  # values, and those that may still come
        self._base = base
        self._environ = environ
        self._secrets = secrets
        self._open: list[yaml.Node] = []  # from the root to here, to notice an alias inside its own anchor

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        """The values by key. A key of the mapping itself goes before a merged one (``<<``)."""
        own: dict[str, object] = {}
        merged: dict[str, object] = {}
        lines: dict[str, int] = {}
        merges_first = sorted(node.value, key=lambda pair: pair[0].tag != _MERGE)
        for key_node, value_node in merges_first:  # so that the lines of own keys count
            if key_node.tag == _MERGE:
                merged = self._merge(value_node, path) | merged
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._complain(path, f"line {key_node.start_mark.line + 1} has a key that is no plain text")
                continue
            key, line = key_node.value, key_node.start_mark.line + 1
            if key in lines:
                where = f", on lines {lines[key]} and {line}" if line != lines[key] else ""
                self.source.problems.append(f"{show((*path, key))}: given twice{where}; delete one")
                continue
            lines[key] = self.source.lines[show((*path, key))] = line
            own[key] = self._value(value_node, (*path, key))
        return self._with_secret_files(merged | own, path)

    def _merge(self, node: yaml.Node, path: KeyPath) -> dict[str, object]:
        value = self._value(node, path)
        if isinstance(value, dict):
            return value
        self._complain((*path, "<<"), "must be an alias of one mapping, such as *defaults")
        return {}

    def _value(self, node: yaml.Node, path: KeyPath) -> object:
        self._left -= 1
        if self._left < 0:
            most = f"the file has more than {self._most} values; an alias counts as often as it is used"
            raise ConfigError(located([f"{show(path[:1])}: {most}"], self.source.lines))
        if node in self._open:
            self._complain(path, "an alias (*name) stands inside its own anchor (&name); write it out")
            return None
        if len(self._open) >= _DEPTH:
            self._complain(path, f"is nested more than {_DEPTH} levels deep")
            return None
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, path)
        finally:
            self._open.pop()

    def _item(self, node: yaml.Node, path: KeyPath) -> object:
        self.source.lines[show(path)] = node.start_mark.line + 1
        return self._value(node, path)

    def _scalar(self, node: yaml.Node, path: KeyPath) -> object:
        text: str = node.value
        tag: str = node.tag.removeprefix(_TAG)
        if tag == "str":
            return self._substitute(text, path)
        if tag != "null" and path[-1] in self._secrets:
            return text  # a password of digits is that text, not a number
        try:
            return _SCALARS[tag](text)
        except (KeyError, ValueError):
            self._complain(path, "a YAML tag (!name) has no meaning here; quote a value that begins with !")
            return None

    def _substitute(self, text: str, path: KeyPath) -> object:
        """Fill in ``${NAME}`` and ``${NAME:-default}``; ``$${`` stands for ``${``."""
        if "${" not in text:
            return text

        def fill(found: re.Match[str]) -> str:
            name = found["name"]
            if name is None:
                if found[0] == "${":
                    self._complain(
                        path, "${ must be followed by NAME} or NAME:-default}; write $${ for ${ itself"
                    )
                return "${"
            self.source.filled.add(path)
            value = self._environ.get(name)
            self.source.variables |= {value} if value else set()
            if found["rest"]:
                return value or found["default"]  # as in a shell: empty counts as not set
            if value is None:
                self._complain(
                    path, f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}"
                )
                return found[0]
            return value

        # `public_url: ${PUBLIC_URL:-}` leaves the key out when there is none.
        return _VARIABLE.sub(fill, text) or None

    def _with_secret_files(self, values: dict[str, object], path: KeyPath) -> dict[str, object]:
        filled: dict[str, object] = {}
        for key, value in values.items():
            name = key.removesuffix(_FILE)
            if name == key or name not in self._secrets:
                filled[key] = value
            elif name in values:
                self._complain((*path, name), f"given twice, as {name} and as {key}; delete one")
            else:
                self.source.filled.add((*path, name))
                filled[name] = self._secret(value, (*path, key), (*path, name))
        return filled

    def _secret(self, file: object, path: KeyPath, goal: KeyPath) -> str:
        """The content of a secret file without the line break at its end."""
        if path in self.source.broken:
            self.source.broken.add(goal)
            return "-"
        try:
            if not isinstance(file, str) or not file:
                raise ValueError("must name a file")
            content = (self._base / file).read_bytes()
            if len(content) > _SECRET_FILE_MAX:
                raise ValueError(f"must be a file of at most {_SECRET_FILE_MAX} octets")
            return content.decode().rstrip("\r\n")
        except OSError as error:
            self._complain(
                path, f"cannot be read: {error.strerror}; it is looked for as {self._base / str(file)}"
            )
        except UnicodeDecodeError:
            self._complain(path, "must be a file of UTF-8 text")
        except ValueError as error:
            self._complain(path, str(error))
        self.source.broken.add(goal)
        return "-"

    def _complain(self, path: KeyPath, what: str) -> None:
        self.source.problems.append(f"{show(path)}: {what}")
        self.source.broken.add(path)
