"""README.md and CONTRIBUTING.md: the places that they name exist, and the house is drawn as it stands."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.test_layers import LAYERS, PACKAGE

ROOT = Path(__file__).parents[2]
HOUSE = "cli → commands →"  # how the line of the layers begins
# Above and below that line: the entry point, and the version number.
UNDRAWN = frozenset({"__main__", "__init__"})


def text_of(paper: str) -> str:
    return (ROOT / paper).read_text(encoding="utf-8")


def places(text: str) -> set[str]:
    """Paths in backticks, from the project or from its package. Scripts have a test of their own."""
    tops = (path for folder in (ROOT, ROOT / PACKAGE) for path in folder.iterdir() if path.name[0] != ".")
    roots = {path.name for path in tops} - {"scripts"}
    named = {words.split()[0] for words in re.findall(r"`([^`\n]+)`", text)}
    return {name for name in named if "<" not in name and "/" in name and name.partition("/")[0] in roots}


def is_there(place: str) -> bool:
    return (ROOT / place).exists() or (ROOT / PACKAGE / place).exists()


@pytest.mark.parametrize(("paper", "at_least"), [("README.md", 15), ("CONTRIBUTING.md", 30)])
def test_places_that_are_named_exist(paper: str, at_least: int) -> None:
    named = places(text_of(paper))
    assert len(named) >= at_least
    assert {place for place in named if not is_there(place)} == set()


def test_the_drawing_of_the_house_is_the_table_of_layers() -> None:
    (line,) = (line for line in text_of("CONTRIBUTING.md").splitlines() if line.startswith(HOUSE))
    drawn = [frozenset(floor.strip(" ()").split(" | ")) for floor in line.split("→")]
    assert drawn == [floor for floor in LAYERS if not floor <= UNDRAWN]


def test_every_folder_and_every_script_is_told() -> None:
    text = text_of("CONTRIBUTING.md")
    folders = {path.parent.name for path in (ROOT / PACKAGE).glob("*/__init__.py")}
    scripts = {
        f"scripts/{path.name}" for path in (ROOT / "scripts").iterdir() if not path.suffix and path.is_file()
    }
    assert {name for name in folders if f"{name}/`" not in text} == set()
    assert {name for name in scripts if name not in text} == set()


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    names = {re.split(r"[^\w-]", wanted)[0] for wanted in project["dependencies"]}
    told = text_of("README.md").partition("## Built on")[2].lower()
    assert {name for name in names if name not in told} == set()
