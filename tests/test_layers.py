"""The shape of the program: who may import whom, and a few habits that hold everywhere.

Reads the sources, runs nothing of them. The rules are functions over any tree, so that the tests below can
show on small trees that a breach is found.
"""

import ast
import gc
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "smppbridge"

# From the top down: a part may import from lines below its own, and from itself. Parts of one line do not
# know each other.
LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(line.split())
    for line in (
        "__main__",
        "cli",
        "commands",
        "app",
        "config",
        "web",
        "flow",
        "providers store submission",
        "link",
        "model",
        "smpp",
        "metrics logs",
        "errors",
        "__init__",
    )
)
RANK = {part: rank for rank, parts in enumerate(reversed(LAYERS)) for part in parts}
# The inner parts: no clock, no network, nothing that watches them.
PURE = frozenset({"smpp", "model", "submission"})
PURE_IMPORTS = PURE | {"errors"}
IMPURE_MODULES = frozenset({"asyncio", "socket", "time"})
# The rules that all stores share: no clock, no database, and no store in particular.
RULES = "smppbridge.store.rules"
NOT_IN_RULES = IMPURE_MODULES | {"sqlite3"}
# All that the workers know of providers: which kind of provider it is they must not ask.
PROVIDERS_FOR_FLOW = frozenset({"smppbridge.providers.base"})
MAX_LINES = 400
MAX_CALLABLES = 3
SKIPPING = frozenset({"skip", "skipif", "xfail", "importorskip", "SkipTest", "skipTest"})


def parsed(text: str, name: str = "") -> ast.Module:
    """The tree of a source. No garbage is collected meanwhile: before Python 3.11.8 another thread that then
    has its turn, and makes trees too, spoils this one (SystemError, CPython gh-106905)."""
    gc.disable()
    try:
        return ast.parse(text, name)
    finally:
        gc.enable()


@cache
def modules(root: Path) -> dict[str, ast.Module]:
    """Every module of the package in ``root``, by its dotted name; a package by the name of its folder."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = parsed(path.read_text(encoding="utf-8"), str(path))
    return found


def imports(name: str, tree: ast.Module, is_package: bool) -> Iterator[str]:
    """Dotted names that a module imports anywhere: also inside functions and for type checkers only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = name.split(".")[
                    : None if is_package and node.level == 1 else -node.level + is_package
                ]
                base = ".".join([*parents, *([base] if base else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def part_of(module: str) -> str:
    """The part of the program that a module belongs to: ``smppbridge.store.sqlite`` -> ``store``."""
    names = module.split(".")
    return names[1] if len(names) > 1 else "__init__"


def graph(root: Path) -> dict[str, set[str]]:
    """Which modules of the package each one imports."""
    trees = modules(root)
    packages = {name.rpartition(".")[0] for name in trees} | {PACKAGE}
    edges: dict[str, set[str]] = {}
    for name, tree in trees.items():
        edges[name] = set()
        for target in imports(name, tree, name in packages):
            # `from package import name`: the module of that name, else a name inside the package.
            known = target if target in trees else target.rpartition(".")[0]
            if known in trees and known != name:
                edges[name].add(known)
    return edges


def layer_breaches(root: Path) -> list[str]:
    """Imports that do not point down, and parts that the table does not know."""
    found = []
    for name, targets in graph(root).items():
        part = part_of(name)
        if part not in RANK:
            found.append(f"{name}: in no layer")
            continue
        for target in sorted(targets):
            other = part_of(target)
            down = other == part or RANK.get(other, len(LAYERS)) < RANK[part]
            if not down or (part in PURE and other not in PURE_IMPORTS | {"__init__"}):
                found.append(f"{name} imports {target}")
    return found


def provider_breaches(root: Path) -> list[str]:
    """Imports by which a worker would know more of a provider than what every provider has."""
    return [
        f"{name} imports {target}"
        for name, targets in graph(root).items()
        if part_of(name) == "flow"
        for target in sorted(targets)
        if part_of(target) == "providers" and target not in PROVIDERS_FOR_FLOW
    ]


def impure_imports(root: Path) -> list[str]:
    """Imports of the clock or the network in parts that must not know them."""
    return [
        f"{name} imports {target}"
        for name, tree in modules(root).items()
        if part_of(name) in PURE
        for target in imports(name, tree, is_package=False)
        if target.split(".")[0] in IMPURE_MODULES
    ]


def rule_breaches(root: Path) -> list[str]:
    """Imports of the rules of stores that tie them to an event loop, a clock or a backend."""
    return [
        f"{name} imports {target}"
        for name, tree in modules(root).items()
        if f"{name}.".startswith(f"{RULES}.")
        for target in imports(name, tree, is_package=False)
        if target.split(".")[0] in NOT_IN_RULES or target.startswith("smppbridge.store.sqlite")
    ]


def skipping(tree: ast.Module) -> list[int]:
    """Lines where a test could leave itself out."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in SKIPPING)
        or (isinstance(node, ast.ImportFrom) and any(alias.name in SKIPPING for alias in node.names))
    ]


def classes(root: Path) -> Iterator[tuple[str, ast.ClassDef]]:
    """Every class of the package with its module, those inside others too."""
    for name, tree in modules(root).items():
        yield from ((name, node) for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def names_given_twice(root: Path) -> dict[str, list[str]]:
    """Public classes of one name in several modules: who reads the name must know which one is meant."""
    found: dict[str, list[str]] = {}
    for module, node in classes(root):
        if not node.name.startswith("_"):
            found.setdefault(node.name, []).append(module)
    return {name: where for name, where in found.items() if len(where) > 1}


def callables_of(node: ast.ClassDef) -> int:
    """How many callables a class is made with: by its ``__init__``, else by the fields of its dataclass."""
    made = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
    fields = [one.annotation for one in node.body if isinstance(one, ast.AnnAssign)]
    arguments = [one.annotation for init in made for one in (*init.args.args, *init.args.kwonlyargs)]
    annotations = [ast.unparse(one) for one in (arguments if made else fields) if one is not None]
    return sum("Callable[" in text for text in annotations)


def test_imports_point_down() -> None:
    assert layer_breaches(ROOT) == []


def test_workers_know_no_kind_of_provider() -> None:
    assert provider_breaches(ROOT) == []


def test_no_import_cycle() -> None:
    TopologicalSorter(graph(ROOT)).prepare()


def test_no_clock_and_no_network_in_the_core() -> None:
    assert impure_imports(ROOT) == []


def test_the_rules_of_stores_know_no_store() -> None:
    assert rule_breaches(ROOT) == []


def test_errors_import_nothing() -> None:
    assert list(imports("smppbridge.errors", modules(ROOT)["smppbridge.errors"], is_package=False)) == []


def test_every_part_is_there() -> None:
    assert {part_of(name) for name in modules(ROOT)} == set(RANK)


def test_no_long_file() -> None:
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / PACKAGE).rglob("*.py")
    }
    assert {str(path): lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def test_no_test_is_left_out() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")}
    trees = {path: parsed(text) for path, text in texts.items() if any(word in text for word in SKIPPING)}
    assert {str(path): lines for path, tree in trees.items() if (lines := skipping(tree))} == {}


def test_no_class_name_twice() -> None:
    assert names_given_twice(ROOT) == {}


def test_objects_instead_of_callables() -> None:
    many = {node.name: count for _, node in classes(ROOT) if (count := callables_of(node)) > MAX_CALLABLES}
    assert many == {}


def build(root: Path, files: dict[str, str]) -> Path:
    """A tree with these sources; every folder becomes a package."""
    for name, text in files.items():
        path = root / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        (path.parent / "__init__.py").touch()
    (root / PACKAGE / "__init__.py").touch()
    return root


@pytest.mark.parametrize(
    ("name", "text", "breach"),
    [
        ("link/a.py", "from smppbridge.flow import b", "smppbridge.link.a imports smppbridge.flow.b"),
        ("link/a.py", "import smppbridge.flow.b", "smppbridge.link.a imports smppbridge.flow.b"),
        ("link/a.py", "from ..flow.b import X", "smppbridge.link.a imports smppbridge.flow.b"),
        ("link/a.py", "from .. import flow", "smppbridge.link.a imports smppbridge.flow"),
        ("flow/b.py", "from smppbridge.web.b import X", "smppbridge.flow.b imports smppbridge.web.b"),
        (
            "submission/a.py",
            "from smppbridge.logs import X",
            "smppbridge.submission.a imports smppbridge.logs",
        ),
        ("model/a.py", "from smppbridge.logs import X", "smppbridge.model.a imports smppbridge.logs"),
        ("flow/b.py", "def f():\n    import smppbridge.app", "smppbridge.flow.b imports smppbridge.app"),
        ("other/a.py", "", "smppbridge.other: in no layer"),
    ],
)
def test_finds_imports_that_point_up(tmp_path: Path, name: str, text: str, breach: str) -> None:
    empty = ("logs.py", "app.py", "link/b.py", "flow/b.py", "web/b.py")
    build(tmp_path, dict.fromkeys(empty, "") | {name: text})
    assert breach in layer_breaches(tmp_path)


def test_lets_imports_that_point_down_pass(tmp_path: Path) -> None:
    build(
        tmp_path,
        {
            "errors.py": "class E(Exception): ...",
            "smpp/pdu.py": "from smppbridge.errors import E",
            "link/a.py": "from smppbridge.smpp import pdu\nfrom . import b",
            "link/b.py": "import asyncio",
            "config/sections.py": "from smppbridge.config.file import X",
            "config/file.py": "X = 1",
        },
    )
    assert layer_breaches(tmp_path) == []
    assert impure_imports(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["providers/http/client.py", "providers/webhook/codes.py", "providers/registry.py"]
)
def test_finds_a_worker_that_knows_a_kind_of_provider(tmp_path: Path, name: str) -> None:
    target = f"smppbridge.{name.removesuffix('.py').replace('/', '.')}"
    text = f"from smppbridge.providers.base import Provider\nfrom {target} import X"
    build(tmp_path, {"providers/base.py": "", name: "", "flow/send/a.py": text, "app.py": text})
    assert provider_breaches(tmp_path) == [f"smppbridge.flow.send.a imports {target}"]


def test_finds_a_cycle(tmp_path: Path) -> None:
    build(tmp_path, {"link/a.py": "from smppbridge.link.b import X", "link/b.py": "from . import a"})
    with pytest.raises(CycleError):
        TopologicalSorter(graph(tmp_path)).prepare()


@pytest.mark.parametrize("text", ["import asyncio", "from time import monotonic", "import socket as s"])
def test_finds_the_clock_and_the_network(tmp_path: Path, text: str) -> None:
    build(tmp_path, {"smpp/a.py": text, "link/b.py": text})
    assert [line.split()[0] for line in impure_imports(tmp_path)] == ["smppbridge.smpp.a"]


@pytest.mark.parametrize(
    "text",
    [
        "import sqlite3",
        "from asyncio import Future",
        "from time import time",
        "from smppbridge.store.sqlite.rows import select_in",
        "from smppbridge.store.sqlite import rows",
        "from smppbridge.store import sqlite",
        "from ..sqlite import rows",
    ],
)
def test_finds_rules_that_know_a_store(tmp_path: Path, text: str) -> None:
    build(tmp_path, {"store/rules/a.py": text, "store/sqlite/rows.py": text, "store/rules_of.py": text})
    assert [line.split()[0] for line in rule_breaches(tmp_path)] == ["smppbridge.store.rules.a"]


@pytest.mark.parametrize(
    "text",
    [
        "pytest.skip('x')",
        "@pytest.mark.xfail\ndef f(): ...",
        "from pytest import skip",
        "raise unittest.SkipTest",
    ],
)
def test_finds_a_test_that_leaves_itself_out(text: str) -> None:
    assert skipping(parsed(text)) == [1]


def test_finds_a_class_name_that_stands_twice(tmp_path: Path) -> None:
    files = {
        "smpp/a.py": "class Answer: ...\nclass _Own: ...",
        "link/b.py": "class Answer: ...\nclass _Own: ...",
    }
    build(tmp_path, files)
    assert names_given_twice(tmp_path) == {"Answer": ["smppbridge.link.b", "smppbridge.smpp.a"]}


@pytest.mark.parametrize(
    "text",
    [
        "class A:\n    def __init__(self, a: Callable[[], int], *, b: 'Callable[[A], int]', c: int): ...",
        "class A(NamedTuple):\n    a: Callable[[], int]\n    b: dict[str, Callable[[], int]]\n    c: int",
    ],
)
def test_counts_callables(text: str) -> None:
    node = parsed(text).body[0]
    assert isinstance(node, ast.ClassDef)
    assert callables_of(node) == 2
