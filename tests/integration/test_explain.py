"""`smppbridge explain` as people use it, and over the traffic of a real ESME with a real bridge."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import smpplib.client
import smpplib.gsm

from smppbridge.commands.explain.printing import ExplainOptions
from smppbridge.commands.explain.run import explain
from smppbridge.commands.explain.sources import from_capture
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import BindTransceiver
from tests.integration.test_commands import written
from tests.support.bridge.commands import Ended, run
from tests.support.bridge.running import PATIENCE, bridge, config
from tests.support.esme.esme import PHONE, submit
from tests.support.system.capture import Conversation, Recorder, pcap, recording

pytestmark = pytest.mark.timeout(180)  # seconds: programs of their own, one after the other

SECRET = "5ECRET12"
SECTIONS = f"""
accounts: {{pbx: {{password: {SECRET}, country: BY, default_encoding: gsm}}}}
providers:
  lab: {{kind: sandbox, delay: 0, outcomes: {{DELIVRD: 1}}}}
  assist: {{kind: sms-assistent, login: firma, password: {SECRET}, default_sender: CMC}}
routes: [{{destination: "37533", to: [assist]}}, {{to: [lab]}}]
"""
TEXT = "Door 3 opened, please come and look. " * 12


class Esme:
    """smpplib, which blocks: in a thread."""

    def __init__(self, port: int) -> None:
        self._client = smpplib.client.Client(
            "127.0.0.1", port, timeout=PATIENCE, allow_unknown_opt_params=True
        )
        self.receipts: list[bytes] = []
        self._client.set_message_sent_handler(lambda pdu: None)
        self._client.set_message_received_handler(self._take)

    def _take(self, pdu: Any) -> None:
        self.receipts.append(pdu.short_message)

    def talk(self, texts: list[str]) -> None:
        """Bind, submit, read everything up to the receipts of all parts, unbind."""
        self._client.connect()
        self._client.bind_transceiver(system_id="pbx", password=SECRET)
        count = 0
        for text in texts:
            parts, coding, esm_class = smpplib.gsm.make_parts(text)
            for octets in parts:
                count += 1
                self._client.send_message(
                    source_addr="ALARM",
                    source_addr_ton=5,
                    dest_addr_ton=1,
                    dest_addr_npi=1,
                    destination_addr=PHONE,
                    short_message=octets,
                    data_coding=coding,
                    esm_class=esm_class,
                    registered_delivery=True,
                )
        while len(self.receipts) < count:
            self._client.read_once()
        self._client.unbind()
        self._client.disconnect()


async def lines_of(path: Path, tmp_path: Path, port: int | None = None) -> list[dict[str, Any]]:
    lines: list[str] = []
    settings = config(tmp_path, SECTIONS)
    await explain(settings, from_capture(path, port), ExplainOptions(limit=0, json=True), lines.append)
    assert SECRET not in "".join(lines)
    return [json.loads(line) for line in lines]


async def test_traffic_of_a_real_esme(tmp_path: Path) -> None:
    """Bound, submitted, answered, receipted: all of it is found again in the capture, in order, and what
    `explain` says about each submit_sm is what the bridge answered."""
    texts = ["Door 3 opened", "Дверь 3 открыта", TEXT]
    async with bridge(tmp_path, SECTIONS) as app, recording(app.smpp_ports[0]) as recorder:
        await asyncio.wait_for(asyncio.to_thread(Esme(recorder.port).talk, texts), PATIENCE)
    path = tmp_path / "trace.pcapng"
    path.write_bytes(recorder.file())
    database = sorted(one.name for one in tmp_path.iterdir())
    lines = await lines_of(path, tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == database
    pdus = [line for line in lines if line["kind"] == "pdu"]
    assert [line for line in lines if line["kind"] == "remark"] == []
    commands = [one["command"] for one in pdus]
    assert commands[:2] == ["bind_transceiver", "bind_transceiver_resp"]
    assert {"unbind", "unbind_resp"} == set(commands[-2:])
    submits = [one for one in pdus if one["command"] == "submit_sm"]
    answers = {one["header"]["sequence_number"]: one for one in pdus if one["command"] == "submit_sm_resp"}
    assert len(submits) == len(answers) == 5
    for one in submits:
        answer = answers[one["header"]["sequence_number"]]["header"]["command_status"]
        assert one["outcome"]["answer"]["command_status"] == answer
        assert one["account"] == "pbx"
    assert [one["message"].get("text") for one in submits[:2]] == texts[:2]
    assert [one["joined"]["text"] for one in submits if isinstance(one.get("joined"), dict)] == [TEXT]
    receipts = [one["receipt"] for one in pdus if one["command"] == "deliver_sm"]
    ids = {one["parameters"]["message_id"] for one in answers.values()}
    assert {receipt["id"] for receipt in receipts} == ids
    assert {receipt["stat"]["value"] for receipt in receipts} == {"DELIVRD"}


async def test_refusals_are_foretold(tmp_path: Path) -> None:
    """What the bridge refuses, `explain` refuses with the same command_status."""
    cases = [
        submit(to="G777"),
        submit(priority_flag=4),
        submit(esm_class=0x04),
        submit(b"abc", data_coding=8),
        submit(b"\x1b", data_coding=0),
        submit(service_type="HLR"),
        submit(sm_default_msg_id=3),
        submit(validity_period="xx"),
        submit(schedule_delivery_time="990000000000000R"),
        submit(""),
        submit("x" * 200, esm_class=0x40, short_message=b"\x05\x00\x03\x01\x02"),
        submit(),
    ]
    for number, pdu in enumerate(cases, 2):
        pdu.sequence_number = number
    octets = b"".join(map(encode, cases))
    async with bridge(tmp_path, SECTIONS) as app, recording(app.smpp_ports[0]) as recorder:
        await _converse(recorder, octets, len(cases))
    path = tmp_path / "trace.pcapng"
    path.write_bytes(recorder.file("vlan"))
    pdus = [line for line in await lines_of(path, tmp_path) if line["kind"] == "pdu"]
    answered = {
        one["header"]["sequence_number"]: one["header"]["command_status"]
        for one in pdus
        if one["command"] == "submit_sm_resp"
    }
    foretold = {
        one["header"]["sequence_number"]: one["outcome"]["answer"]["command_status"]
        for one in pdus
        if one["command"] == "submit_sm"
    }
    assert foretold == answered
    assert len({one["value"] for one in foretold.values()}) >= 8


async def _converse(recorder: Recorder, octets: bytes, answers: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", recorder.port)
    bind = BindTransceiver(system_id="pbx", password=SECRET, interface_version=0x34, sequence_number=1)
    writer.write(encode(bind))
    await reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4)
    writer.write(octets)
    for _ in range(answers):
        await asyncio.wait_for(reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4), PATIENCE)
    writer.close()
    await writer.wait_closed()


# --- the command line ----------------------------------------------------------------------------------


async def explained(tmp_path: Path, *arguments: str, stdin: str = "") -> Ended:
    """`explain` in a process of its own, with SECTIONS; nothing but the configuration is in its folder."""
    folder = tmp_path / "settings"
    folder.mkdir(exist_ok=True)
    ended = await run("explain", "-c", str(written(folder, SECTIONS)), *arguments, stdin=stdin)
    assert [one.name for one in folder.iterdir()] == ["bridge.yaml"]
    assert SECRET not in ended.out + ended.err
    return ended


async def test_fields(tmp_path: Path) -> None:
    ended = await explained(
        tmp_path, "--from", "ALARM", "--to", "8 033 123-45-67", "--text", "Дверь", "--json"
    )
    assert (ended.code, ended.err) == (0, "")
    (one,) = map(json.loads, ended.out.splitlines())
    assert one["outcome"]["recipient"]["value"] == "375331234567"
    assert one["outcome"]["request"]["provider"]["value"] == "assist"
    octets = "c4 e2 e5 f0 fc 20 ee f2 ea f0 fb f2 e0"
    numbers = "--data-coding 0x03 --ton 1 --npi 1 --registered-delivery 0 --esm-class 3 --service-type CMT"
    times = "--validity 000000010000000R --schedule 000000000500000R"
    ended = await explained(tmp_path, "--to", PHONE, "--octets", octets, *numbers.split(), *times.split())
    assert ended.code == 0
    assert "data_coding: 0x03 (Latin-1)" in ended.out
    assert "cp1251" in ended.out
    assert "the bridge keeps it until then" in ended.out


async def test_hexadecimal_text(tmp_path: Path) -> None:
    octets = encode(submit("Door 3 opened"))
    ended = await explained(tmp_path, "--hex", octets.hex(":"))
    assert (ended.code, ended.err) == (0, "")
    assert "text: Door 3 opened" in ended.out
    ended = await explained(tmp_path, "--hex", "-", "--json", stdin=(octets * 3).hex(" ") + "\n")
    assert [json.loads(line)["kind"] for line in ended.out.splitlines()] == ["pdu", "pdu", "pdu", "summary"]


async def test_captures(tmp_path: Path) -> None:
    talk = Conversation(port=2775)
    talk.send(encode(submit("Door 3 opened")))
    path = tmp_path / "trace.pcap"
    path.write_bytes(pcap(talk.packets))
    ended = await explained(tmp_path, "--pcap", str(path), "--port", "2775")
    assert (ended.code, ended.err) == (0, "")
    assert "192.0.2.7:40001 > 192.0.2.1:2775" in ended.out
    path.write_bytes(pcap(talk.packets)[:-7])
    ended = await explained(tmp_path, "--pcap", str(path))
    assert ended.code == 1
    assert ended.err.splitlines() == ["smppbridge: the file ends within a frame"]


async def test_unknown_account(tmp_path: Path) -> None:
    """A name that is typed must be known; one that a bind says is only a warning."""
    octets = encode(BindTransceiver(system_id="gate", password="x")) + encode(submit("Door"))
    for what in (("--to", PHONE, "--text", "Door"), ("--hex", octets.hex())):
        ended = await explained(tmp_path, "--account", "gate\x1b", *what)
        assert (ended.code, ended.out) == (2, "")
        assert "'gate\\x1b' is not in the configuration; known there: pbx" in ended.err


async def test_help_is_enough() -> None:
    ended = await run("explain", "--help")
    assert ended.code == 0
    for word in ("--hex", "--pcap", "--port", "--to", "--text", "--octets", "--json", "--limit", "Examples:"):
        assert word in ended.out
    assert "explain" in (await run("--help")).out
