"""What `pip install` gives: the wheel, built here, and the same wheel as the Dockerfile builds it."""

import os
import shutil
import subprocess
import sys
from email import message_from_string
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.unit.config.test_examples import EXAMPLE

pytestmark = pytest.mark.timeout(180)  # seconds: programs of their own, one after the other

PROCESS_PATIENCE = 120  # seconds
ROOT = Path(__file__).parents[2]
EXAMPLES = ("demo.yaml", "smppbridge.yaml")  # of config/; its folder providers/ goes with them, whole


def build(source: Path, target: Path) -> Path:
    """The wheel of the tree ``source``."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=PROCESS_PATIENCE)
    (wheel,) = target.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel unpacked: what a Python finds there goes before the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def files(folder: Path) -> set[str]:
    """Names of what belongs to the project under ``folder``."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


def metadata(installed: Path) -> Message:
    (path,) = installed.glob("smppbridge-*.dist-info/METADATA")
    return message_from_string(path.read_text(encoding="utf-8"))


def run(installed: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`smppbridge` of the wheel, away from the checkout."""
    return subprocess.run(
        [sys.executable, "-m", "smppbridge", *arguments],
        cwd=installed,
        env=os.environ | {"PYTHONPATH": str(installed)} | environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=PROCESS_PATIENCE,
    )


def test_the_wheel_holds_the_program_the_examples_and_the_licence(wheel: Path) -> None:
    held = names(wheel)
    about = {name for name in held if ".dist-info/" in name}
    program = {f"smppbridge/{name}" for name in files(ROOT / "smppbridge")}
    examples = {f"smppbridge/examples/{name}" for name in EXAMPLES}
    providers = {f"smppbridge/examples/providers/{name}" for name in files(ROOT / "config" / "providers")}
    assert held - about == program | examples | providers
    assert {name.partition("/")[2] for name in about} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }
    assert {"smppbridge/py.typed", "smppbridge/examples/providers/README.md"} < held


def test_the_examples_are_those_of_the_checkout(installed: Path) -> None:
    for name in files(installed / "smppbridge" / "examples"):
        packed = installed / "smppbridge" / "examples" / name
        assert packed.read_bytes() == (ROOT / "config" / name).read_bytes(), name


def test_the_metadata_names_the_licence_and_shows_the_readme(installed: Path) -> None:
    told = metadata(installed)
    assert told["License-Expression"] == "Apache-2.0"
    assert told.get_all("License-File") == ["LICENSE"]
    assert told.get_all("Provides-Extra") == ["dev", "fuzz", "mutate"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert str(told.get_payload()).strip() == readme.strip()
    (licence,) = installed.glob("smppbridge-*.dist-info/licenses/LICENSE")
    assert licence.read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_demo_runs_from_the_wheel(installed: Path) -> None:
    ended = run(installed, "demo", "--once")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count('"stat": "DELIVRD"') == 2


def test_the_example_of_the_wheel_is_sound(installed: Path) -> None:
    example = str(installed / "smppbridge" / "examples" / "smppbridge.yaml")
    ended = run(installed, "check", "-c", example, SMPPBRIDGE_PUBLIC_URL="https://sms.test", **EXAMPLE)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[0] == f"{example}: ok"


def test_the_image_is_built_from_enough(wheel: Path, tmp_path: Path) -> None:
    """What the Dockerfile copies, and .dockerignore lets through, makes the same wheel."""
    passed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"]
    context, source = tmp_path / "context", tmp_path / "source"
    for name in passed:
        copy(ROOT / name, context / name)
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not words[1].startswith("--"):
            *wanted, into = words[1:]
            for name in wanted:
                copy(context / name, source / into / name if into == "./" else source / into)
    assert names(build(source, tmp_path)) == names(wheel)


def copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, to, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(path, to)
