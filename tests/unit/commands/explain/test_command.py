"""The options of `smppbridge explain`: what they come to, and which of them do not go together."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from smppbridge.commands.explain.command import explain_command
from smppbridge.smpp.codec import encode
from tests.support.esme.esme import submit
from tests.unit.commands.explain.told import SECTIONS

PHONE = "375291234567"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "bridge.yaml"
    path.write_text(yaml.safe_dump(SECTIONS), encoding="utf-8")
    return path


def run(path: Path, *arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(explain_command, ["-c", str(path), *arguments], input=stdin)


def parameters(path: Path, *arguments: str) -> dict[str, Any]:
    """Those of the submit_sm that the options come to."""
    ended = run(path, "--to", PHONE, "--json", *arguments)
    assert ended.exit_code == 0, ended.output
    said: dict[str, Any] = json.loads(ended.stdout)["parameters"]
    return {name: one.get("value", one) if isinstance(one, dict) else one for name, one in said.items()}


def test_a_message_as_most_equipment_sends_it(path: Path) -> None:
    said = parameters(path, "--from", "ALARM", "--text", "Door")
    assert (said["source_addr"], said["source_addr_ton"], said["source_addr_npi"]) == ("ALARM", 5, 0)
    assert (said["destination_addr"], said["dest_addr_ton"], said["dest_addr_npi"]) == (PHONE, 0, 1)
    assert (said["registered_delivery"], said["data_coding"], said["priority_flag"]) == (1, "0x00", 0)


def test_every_parameter_may_be_given(path: Path) -> None:
    words = "--source-ton 1 --source-npi 8 --ton 2 --npi 9 --esm-class 0x03 --protocol-id 65 --priority 3"
    more = "--registered-delivery 0 --data-coding 0x08 --service-type CMT"
    times = "--validity 000001000000000R --schedule 261231235900000+"
    said = parameters(path, "--octets", "04 14", *words.split(), *more.split(), *times.split())
    assert (said["source_addr_ton"], said["source_addr_npi"]) == (1, 8)
    assert (said["dest_addr_ton"], said["dest_addr_npi"]) == (2, 9)
    assert (said["esm_class"], said["protocol_id"], said["priority_flag"]) == ("0x03", 65, 3)
    assert (said["registered_delivery"], said["data_coding"], said["service_type"]) == (0, "0x08", "CMT")
    assert said["validity_period"] == "000001000000000R"
    assert said["schedule_delivery_time"] == "261231235900000+"
    assert said["short_message"] == {"octets": 2, "hex": "0414"}


def test_octets_on_stdin_and_a_limit(path: Path) -> None:
    octets = encode(submit()).hex(" ")
    ended = run(path, "--hex", "-", "--limit", "1", stdin=f"{octets}\n{octets}\n")
    assert ended.exit_code == 0
    assert ended.stdout.count("submit_sm\n  verdict:") == 1
    assert "2 PDUs, 1 of them shown; --limit shows more" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give exactly one of --hex, --pcap and --to"),
        (("--hex", "00", "--to", PHONE), "give exactly one of --hex, --pcap and --to"),
        (("--hex", "00", "--port", "2775"), "--port belongs to --pcap"),
        (("--to", PHONE), "--to needs exactly one of --text and --octets"),
        (("--to", PHONE, "--text", "x", "--octets", "00"), "--to needs exactly one of --text and --octets"),
        (("--to", PHONE, "--octets", "0"), "--octets has an odd number of digits: 1"),
        (("--hex", "0g"), "--hex is not hexadecimal: 'g' after 1 digits"),
        (("--to", PHONE, "--text", "x", "--priority", "256"), "256 is not 0 to 255"),
        (("--to", PHONE, "--text", "x", "--esm-class", "0x1G"), "'0x1G' is no number such as 8 or 0x08"),
        (
            ("--account", "gate\x1b", "--hex", "00"),
            "'gate\\x1b' is not in the configuration; known there: ",
        ),
        (("--to", PHONE, "--text", "Ж", "--data-coding", "3"), "data_coding 0x03 is latin-1 to this account"),
        (("--to", PHONE, "--text", "x", "--data-coding", "256"), "256 is not 0 to 255"),
        (("--hex", "00", "--to", "1", "--text", "x"), "give exactly one of --hex, --pcap and --to"),
        (("--hex", "00 0g"), "--hex is not hexadecimal"),
        (("--to", "1" * 30, "--text", "x"), "Error: destination_addr: at most"),
        (("--to", "номер", "--text", "x"), "Error: destination_addr: only Latin-1"),
        (("--pcap", "/nonexistent"), "does not exist"),
    ],
)
def test_what_does_not_go_together(path: Path, arguments: tuple[str, ...], words: str) -> None:
    ended = run(path, *arguments)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert words in ended.stderr
