"""A provider that the project does not know: found by its entry point or by its folder, and nothing else is
touched. It runs in a whole bridge, against a real HTTP server."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from smppbridge.smpp.constants import Tag
from smppbridge.smpp.receipt import parse_receipt
from tests.support.bridge import tiny_provider
from tests.support.bridge.running import PROGRAM, config_text, serving
from tests.support.esme.esme import PHONE, Esme, submit
from tests.support.http.scripted import ScriptedServer

pytestmark = pytest.mark.timeout(180)  # seconds: programs of their own, one after the other

PROCESS_PATIENCE = 120  # seconds
SOURCE = Path(tiny_provider.__file__)
MAX_LINES = 150
ROOT = Path(__file__).parents[2]


def installed(site: Path, *, source: str | None = None) -> dict[str, str]:
    """The environment in which the tiny provider is installed in ``site``, as pip would do it."""
    (site / "tiny_sms").mkdir(parents=True)
    (site / "tiny_sms" / "__init__.py").write_text(SOURCE.read_text() if source is None else source)
    about = site / "tiny_sms-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-sms\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[smppbridge.providers]\ntiny = tiny_sms:KIND\n")
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(site), str(ROOT)))}


def configured(directory: Path, url: str) -> Path:
    path = directory / "bridge.yaml"
    sections = {
        "providers": {
            "mine": {"kind": "tiny", "url": url, "key": "K", "poll_first": "0.1s", "poll_interval": "0.1s"}
        },
        "routes": [{"to": ["mine"]}],
    }
    path.write_text(config_text(json.dumps(sections)))
    return path


def checked(path: Path, environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    line = (*PROGRAM, "check", "-c", str(path))
    return subprocess.run(
        line, env=environ, capture_output=True, text=True, check=False, timeout=PROCESS_PATIENCE
    )


async def check_a_message(path: Path, program: Sequence[str], environ: dict[str, str]) -> None:
    """From submit_sm over HTTP to the receipt."""
    async with ScriptedServer("OK 77", "SENT", "DONE") as server:
        configured(path.parent, server.url)
        async with (
            serving(path, program=program, environ=environ) as served,
            await Esme.bound(served.smpp_port) as esme,
        ):
            message_id = await esme.submit(submit("Door 3 opened"))
            receipt = await esme.receipt()
        assert receipt.tlv(Tag.RECEIPTED_MESSAGE_ID) == message_id
        assert parse_receipt(receipt.short_message.decode("latin-1")).stat == "DELIVRD"
        (path_sent, form), *questions = server.asked
        assert path_sent == "/send"
        assert dict(parse_qsl(form.decode())) == {"key": "K", "to": PHONE, "text": "Door 3 opened"}
        assert [asked for asked, _ in questions] == ["/status"] * 2


async def test_found_by_its_entry_point(tmp_path: Path) -> None:
    environ = installed(tmp_path / "site")
    await check_a_message(tmp_path / "bridge.yaml", PROGRAM, environ)


async def test_found_by_its_folder(tmp_path: Path) -> None:
    """As if the folder lay in smppbridge/providers/: the path of that package gets a second place."""
    folder = tmp_path / "more" / "tiny"
    folder.mkdir(parents=True)
    shutil.copy(SOURCE, folder / "__init__.py")
    code = (
        f"import smppbridge.providers as found; found.__path__.append({str(folder.parent)!r});"
        " from smppbridge.cli import main; main()"
    )
    await check_a_message(tmp_path / "bridge.yaml", (sys.executable, "-c", code), dict(os.environ))


def test_it_is_small_and_its_keys_are_checked(tmp_path: Path) -> None:
    assert len(SOURCE.read_text().splitlines()) < MAX_LINES
    environ = installed(tmp_path / "site")
    path = configured(tmp_path, "http://127.0.0.1:1")
    done = checked(path, environ)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"{path}: ok")
    path.write_text(path.read_text().replace("poll_first", "pol_first"))
    done = checked(path, environ)
    assert (done.returncode, done.stdout) == (2, "")
    said = r'smppbridge: line \d+: providers.mine.pol_first: unknown key; did you mean "poll_first"\?\n'
    assert re.fullmatch(said, done.stderr)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import nothing_like_it", "ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("KIND = 1", "TypeError: tiny_sms:KIND is no ProviderKind"),
        (
            "from smppbridge.providers.sandbox import KIND",
            "TypeError: there is a kind sandbox already",
        ),
        (
            "from smppbridge.providers.kind import ProviderKind\n"
            "from smppbridge.providers.options import HttpOptions\n"
            "KIND = ProviderKind(HttpOptions, print)",
            'TypeError: HttpOptions needs kind: Literal["NAME"]',
        ),
    ],
)
def test_one_that_is_broken_is_missed_only_where_it_is_used(tmp_path: Path, source: str, why: str) -> None:
    environ = installed(tmp_path / "site", source=source)
    path = configured(tmp_path, "http://127.0.0.1:1")
    done = checked(path, environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.sub(r"line \d+: ", "", done.stderr) == (
        "smppbridge: providers.mine.kind: must be one of sandbox, smpp, sms-assistent, smsc, smspilot,"
        f' webhook (got "tiny"); the provider installed as "tiny" cannot be used: {why}\n'
    )
    path.write_text(config_text(""))
    assert checked(path, environ).returncode == 0
