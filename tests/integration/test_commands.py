"""The command line as people use it: `python -m smppbridge` in a process of its own."""

import asyncio
import json
import re
import signal
import socket
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme

from smppbridge.model.passwords import verify_hash
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import SubmitSmResp, Unbind
from tests.simulators.smspilot.simulator import SmspilotSimulator
from tests.support.bridge.commands import Ended, run
from tests.support.bridge.running import (
    PATIENCE,
    Served,
    bridge,
    config_text,
    eventually,
    free_port,
    pilot,
    serving,
)
from tests.support.esme.esme import PHONE, Esme, submit

pytestmark = pytest.mark.timeout(180)  # seconds: programs of their own, one after the other


def written(directory: Path, sections: str = "") -> Path:
    """A configuration file."""
    path = directory / "bridge.yaml"
    path.write_text(config_text(sections), encoding="utf-8")
    return path


def send_to(port: int, *more: str, text: str = "Door 3 opened", password: str = "secret") -> tuple[str, ...]:
    """The arguments of `send`."""
    fixed = ("send", "--port", str(port), "--system-id", "pbx", "--password", password, "--from", "ALARM")
    return (*fixed, "--to", PHONE, "--text", text, *more)


def events(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.out.splitlines()]


# --- usage -----------------------------------------------------------------------------------------


async def test_help_and_usage() -> None:
    commands = ("serve", "demo", "check", "send", "config-schema", "hash-password", "store", "store salvage")
    lines = [name.split() for name in commands]
    whole, *each = await asyncio.gather(run("--help"), *(run(*line, "--help") for line in lines))
    assert whole.code == 0
    assert all(words[0] in whole.out for words in lines)
    for name, ended in zip(commands, each, strict=True):
        assert (ended.code, ended.err) == (0, ""), name
        assert ended.out.startswith(f"Usage: smppbridge {name}"), ended.out


async def test_wrong_usage() -> None:
    wrong = [
        ("fly",),
        ("serve",),
        ("send", "--to", PHONE),
        ("check", "--colour", "-c", "x"),
        ("send", "--port", "many"),
        ("send", "--system-id", "pbx", "--to", PHONE, "--text", "x"),
        send_to(2775, "--password-file", "-"),
    ]
    for arguments, ended in zip(wrong, await asyncio.gather(*(run(*words) for words in wrong)), strict=True):
        assert (ended.code, ended.out) == (2, ""), arguments
        assert "Usage: smppbridge" in ended.err
        assert "Error: " in ended.err


# --- configuration ---------------------------------------------------------------------------------


async def test_check(tmp_path: Path) -> None:
    ended = await run("check", "-c", str(written(tmp_path)))
    assert ended.code == 0
    head, *capacity = ended.out.splitlines()
    assert head.endswith("bridge.yaml: ok")
    assert [line.split()[0] for line in capacity if line[0] != " "] == [
        *("connections", "open", "lock-outs", "messages", "memory", "disk")
    ]
    assert list(tmp_path.iterdir()) == [tmp_path / "bridge.yaml"]  # nothing was opened


async def test_check_names_every_mistake(tmp_path: Path) -> None:
    mistakes = """
accounts: {pbx: {password: secret, colour: red}}
providers: {lab: {kind: sandbox, delay: soon}}
routes: [{to: [nowhere]}]
"""
    path = written(tmp_path, mistakes)
    ended = await run("check", "-c", str(path))
    assert (ended.code, ended.out) == (2, "")
    lines = ended.err.splitlines()
    assert all(line.startswith("smppbridge: ") for line in lines)
    places = {line.split(": ")[2]: line.split(": ")[1] for line in lines}
    assert list(places) == ["accounts.pbx.colour", "providers.lab.delay", "routes[0].to"]
    written_there = path.read_text().splitlines()
    lines_named = [int(place.removeprefix("line ")) for place in places.values()]
    assert [written_there[line - 1].split(":")[0].strip(" -") for line in lines_named] == [
        "colour",
        "delay",
        "to",
    ]


async def test_check_prints_callback_urls_that_work(tmp_path: Path) -> None:
    port = free_port()
    async with SmspilotSimulator() as simulator:
        settings = pilot(simulator.url, web_port=port).replace("public_url", "secret: word, public_url")
        path = written(tmp_path, settings.replace("providers: {", "providers: {lab: {kind: sandbox}, "))
        ended = await run("check", "--urls", "-c", str(path))
        assert ended.code == 0
        name, url = ended.out.split()
        assert (name, url.startswith(f"http://127.0.0.1:{port}/callbacks/pilot/")) == ("pilot", True)
        async with (
            bridge(tmp_path, settings),
            httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client,
        ):
            answer = await client.get(url, params={"server_id": "1", "status": "2"})
            assert answer.status_code == 200


async def test_config_schema() -> None:
    ended = await run("config-schema")
    assert ended.code == 0
    schema = json.loads(ended.out)
    assert {"listen", "web", "store", "smpp", "accounts", "providers", "routes"} <= schema[
        "properties"
    ].keys()


async def test_hash_password(tmp_path: Path) -> None:
    ended = await run("hash-password", stdin="hidden words\n")
    assert ended.code == 0
    assert "hidden" not in ended.out
    assert verify_hash("hidden words", ended.out.strip())
    assert not verify_hash("other words", ended.out.strip())
    assert ended.err == ""
    assert "can be guessed" in (await run("hash-password", stdin="hidden\n")).err
    assert (await run("hash-password", stdin="\n")).code == 2
    good = written(tmp_path, f"accounts: {{pbx: {{password_hash: '{ended.out.strip()}'}}}}")
    assert (await run("check", "-c", str(good))).code == 0


# --- send ------------------------------------------------------------------------------------------


async def test_send_to_nobody() -> None:
    ended = await run(*send_to(free_port()))
    assert (ended.code, ended.out) == (1, "")
    assert re.fullmatch(r"smppbridge: cannot connect to 127\.0\.0\.1:\d+: .+\n", ended.err)


async def test_send_what_is_refused(tmp_path: Path) -> None:
    async with bridge(tmp_path, "accounts: {pbx: {password: secret, senders: [OTHER]}}") as app:
        port = app.smpp_ports[0]
        wrong, refused = await asyncio.gather(run(*send_to(port, password="wrong")), run(*send_to(port)))
    assert (wrong.code, wrong.out) == (1, "")
    assert wrong.err == "smppbridge: bind refused: ESME_RINVPASWD (0xe)\n"
    assert refused.code == 1
    assert [event["event"] for event in events(refused)] == ["bound", "refused"]
    assert events(refused)[1]["command_status"] == 0x0A
    assert refused.err == "smppbridge: submit_sm refused: ESME_RINVSRCADR (0xa)\n"


async def test_send_over_tls_with_a_password_that_no_process_list_shows(tmp_path: Path) -> None:
    authority = trustme.CA()
    ours = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "us.pem")
    ours.private_key_pem.write_to_path(tmp_path / "us.key")
    (tmp_path / "word").write_text("secret\n")
    listen = "listen: [{host: 127.0.0.1, port: 0, tls: {cert: us.pem, key: us.key}}]"
    async with bridge(tmp_path, listen) as app:
        fixed = ("send", "--port", str(app.smpp_ports[0]), "--system-id", "pbx", "--to", PHONE, "--text", "x")
        trusted = ("--ca", str(tmp_path / "ca.pem"))
        *taken, stranger = await asyncio.gather(
            run(*fixed, *trusted, "--password-file", str(tmp_path / "word")),
            run(*fixed, *trusted, "--password-file", "-", stdin="secret"),
            run(*fixed, *trusted, SMPPBRIDGE_PASSWORD="secret"),
            run(*fixed, "--tls", SMPPBRIDGE_PASSWORD="secret"),
        )
    assert [(ended.code, ended.err) for ended in taken] == [(0, "")] * 3
    assert stranger.code == 1
    assert "its certificate is not accepted" in stranger.err


async def test_send_and_wait_in_vain(tmp_path: Path) -> None:
    async with bridge(tmp_path, "providers: {lab: {kind: sandbox, delay: 1h}}") as app:
        ended = await run(*send_to(app.smpp_ports[0], "--wait", "0.2"))
    assert ended.code == 1
    assert [event["event"] for event in events(ended)] == ["bound", "submitted"]
    assert ended.err.startswith("smppbridge: no receipt within 0.2 s")


# --- demo ------------------------------------------------------------------------------------------


async def test_demo_once() -> None:
    ended = await run("demo", "--once")
    assert (ended.code, ended.err) == (0, "")
    receipts = [json.loads(line) for line in ended.out.splitlines() if line.startswith('{"event": "receipt"')]
    assert [receipt["stat"] for receipt in receipts] == ["DELIVRD", "DELIVRD"]
    assert receipts[1]["text"].endswith(" text:")
    assert ended.out.endswith("With `receipt: {data_coding: 8}` they are UCS-2 and show this text, too.)\n")


# --- serve -----------------------------------------------------------------------------------------


async def test_serve_without_a_configuration(tmp_path: Path) -> None:
    ended = await run("serve", "-c", str(tmp_path / "none.yaml"))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith("none.yaml: cannot be read: No such file or directory\n")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    "which", ["listen: [{host: 127.0.0.1, port: %d}]", "web: {host: 127.0.0.1, port: %d}"]
)
async def test_serve_on_a_busy_port(tmp_path: Path, which: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = await run("serve", "-c", str(written(tmp_path, which % port)))
    assert ended.code == 1
    (line,) = [line for line in ended.err.splitlines() if line.startswith("smppbridge: ")]
    assert str(port) in line
    assert "in use" in line


async def test_two_bridges_on_one_store(tmp_path: Path) -> None:
    async with bridge(tmp_path):
        ended = await run("serve", "-c", str(written(tmp_path)))
    assert ended.code == 1
    (line,) = [line for line in ended.err.splitlines() if line.startswith("smppbridge: ")]
    assert "bridge.db" in line


async def test_signals(tmp_path: Path) -> None:
    path = written(tmp_path)
    async with serving(path) as served, await Esme.bound(served.smpp_port) as esme:
        path.write_text(config_text("accounts: {new: {password: secret}}"), encoding="utf-8")
        served.process.send_signal(signal.SIGHUP)
        await esme.expect(Unbind)
        await esme.close()
        async with await Esme.bound(served.smpp_port, "new") as new:
            await reload(served, path, "accounts: what", 'problem="line 1: accounts: must be a mapping')
            await reload(served, path, "[" * 3000, 'problem="line 1: not valid YAML: nested more')
            assert await new.submit(submit())
            await new.receipt()
        good = config_text("log: {format: json}\nstore: {url: 'sqlite:///other.db'}")
        await reload(served, path, good, '"message": "configuration reloaded')
        assert "with a restart only keys=store.url\n" in served.log
        assert await served.stop() == 0
        assert '"message": "stopped"' in served.log


async def reload(served: Served, path: Path, text: str, said: str) -> None:
    """Give the bridge a new configuration, and wait for what it says of it."""
    path.write_text(text, encoding="utf-8")
    served.process.send_signal(signal.SIGHUP)
    await eventually(lambda: said in served.log)


async def test_a_message_under_way_when_sigterm_comes_is_answered(tmp_path: Path) -> None:
    async with serving(written(tmp_path)) as served, await Esme.bound(served.smpp_port) as esme:
        await esme.submit(submit())
        served.process.send_signal(signal.SIGTERM)
        esme.send(submit())
        await esme.expect(SubmitSmResp)
        await esme.expect(Unbind)
        await esme.close()
        assert await served.process.wait() == 0


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_logs_tell_no_secrets(tmp_path: Path, log_format: str) -> None:
    text = "Your code is 246813, tell nobody"
    async with SmspilotSimulator() as simulator:
        simulator.rules.blocked = 106
        settings = pilot(simulator.url).replace("KEY", "APIKEY123456789")
        settings += "accounts: {pbx: {password: hushhush, senders: [ALARM]}}\nlog: {level: debug}"
        path = written(tmp_path, settings)
        async with serving(path, "--log-format", log_format) as served:
            async with await Esme.connect(served.smpp_port) as esme:
                await esme.bind("pbx", "wrongpass")
            async with await Esme.connect(served.smpp_port) as esme:
                assert (await esme.bind("pbx", "hushhush")).command_status == 0
                await esme.submit(submit(text))
                refused = await esme.ask(submit(text, source_addr="Stranger"))
                assert refused.command_status == Status.ESME_RINVSRCADR
                await eventually(lambda: "provider is down" in served.log)
                esme.writer.write(b"hushhush" * 10)
                await esme.closed()
            assert await served.stop() == 0
            log = served.log
    for secret in ("APIKEY123456789", "hushhush", "wrongpass", text, "246813", PHONE, f"+{PHONE}"):
        assert secret not in log
    assert "37529*****67" in log  # masked, yet to be recognised
    if log_format == "json":
        assert all(
            {"time", "level", "logger", "message"} <= json.loads(line).keys() for line in log.splitlines()
        )
