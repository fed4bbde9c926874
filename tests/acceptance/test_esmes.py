"""ESMEs of three makes, each from submit_sm through smspilot (simulated), or an SMSC of foreign make, to the
receipt."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from smppbridge.app import App
from tests.simulators.smspilot.simulator import Rules, SmspilotSimulator
from tests.support.bridge.running import bridge, command, eventually, free_port, metric, pilot
from tests.support.bridge.upstream import link, sections
from tests.support.esme.foreign import Run, Sms, run_aiosmpplib, run_smpplib
from tests.support.foreign.centre import ForeignCentre
from tests.support.foreign.shape import Conduct

ACCOUNTS = """
accounts:
  latin: {password: secret, binds: 8, default_encoding: latin-1}
  gsm: {password: secret, default_encoding: gsm}
  sync: {password: secret, mode: sync}
"""
LATIN = "Door 3 opened: 5 > 3 & [alarm]"
ACCENTS = "Grüße, café, señor: 20 £"
CYRILLIC = "Дверь 3 открыта: «тревога», ёлка"
EMOJI = "Тревога 😀"
UDHI = 0x40  # esm_class
GSM = "Preis: 5 € @home, Ω {x}"


def phone(number: int) -> str:
    return f"3752912345{number:02}"


@asynccontextmanager
async def running(
    directory: Path, rules: Rules | None = None
) -> AsyncIterator[tuple[int, SmspilotSimulator]]:
    """A bridge that smspilot calls back: its SMPP port, and the simulator."""
    async with SmspilotSimulator(rules or Rules(delay=0.05)) as simulator:
        settings = pilot(simulator.url, web_port=free_port()) + ACCOUNTS
        async with bridge(directory, settings) as app:
            yield app.smpp_ports[0], simulator


@asynccontextmanager
async def linked(directory: Path, conduct: Conduct) -> AsyncIterator[tuple[App, ForeignCentre]]:
    """A bridge that is bound to an SMSC, and the SMSC."""
    async with ForeignCentre(conduct) as centre:
        settings = sections(link(centre.port), **yaml.safe_load(ACCOUNTS))
        async with bridge(directory, settings) as app:
            await eventually(lambda: metric(app, "upstream_binds", provider="link") == 1)
            yield app, centre


def check(run: Run, messages: Sequence[Sms], simulator: SmspilotSimulator) -> None:
    """Every text arrived exactly, and every message has its one receipt."""
    assert {row["to"]: row["text"] for row in simulator.accepted} == {sms.to: sms.text for sms in messages}
    assert all(row["from"] == "ALARM" for row in simulator.accepted)
    assert not simulator.violations
    check_receipts(run, messages)


async def check_octets(centre: ForeignCentre, expected: dict[str, tuple[bytes, int]]) -> None:
    """These octets, in this data_coding, arrived at these numbers; those of long texts in parts."""
    arrived: dict[str, tuple[bytes, int]] = {}
    for came in sorted(centre.submitted, key=lambda message: message["short_message"][:6]):
        before, _ = arrived.get(came["destination"], (b"", 0))
        octets = came["short_message"][6:] if came["esm_class"] & UDHI else came["short_message"]
        arrived[came["destination"]] = (before + octets, came["data_coding"])
    assert arrived == expected
    assert {(message["source"], message["source_ton"]) for message in centre.submitted} == {("ALARM", 5)}
    assert centre.unreadable == []
    await eventually(lambda: len(centre.receipted) == len(centre.submitted))
    assert {*centre.receipted.values()} == {0}


def check_receipts(run: Run, messages: Sequence[Sms]) -> None:
    """Every message has its one receipt."""
    assert len(set(run.ids)) == len(messages)
    assert sorted(came.fields.id or "" for came in run.receipts) == sorted(run.ids)
    text_of = dict(zip(run.ids, messages, strict=True))
    for came in run.receipts:
        fields = came.fields
        sms = text_of[fields.id or ""]
        assert came.source == sms.to
        assert (fields.sub, fields.dlvrd, fields.stat, fields.err) == ("001", "001", "DELIVRD", "000")
        assert fields.text == (sms.text[:20] if sms.text.isascii() else "")
        assert fields.submit_date is not None
        assert fields.done_date is not None
        assert abs((datetime.now(UTC).replace(tzinfo=None) - fields.done_date).total_seconds()) < 120
        assert (came.receipted_message_id, came.message_state) == (fields.id, 2)
        assert came.network_error_code in (None, b"\x03\0\0")


# --- smpplib ---------------------------------------------------------------------------------------


async def test_smpplib(tmp_path: Path) -> None:
    messages = [
        Sms(phone(1), LATIN, 0, LATIN.encode("latin-1")),
        Sms(phone(2), ACCENTS, 0, ACCENTS.encode("latin-1")),
        Sms(phone(3), LATIN, 1, LATIN.encode("ascii")),
        Sms(phone(4), ACCENTS, 3, ACCENTS.encode("latin-1")),
        Sms(phone(5), CYRILLIC, 8, CYRILLIC.encode("utf-16-be")),
        Sms(phone(6), EMOJI, 8, EMOJI.encode("utf-16-be")),
    ]
    async with running(tmp_path) as (port, simulator):
        check(await run_smpplib(port, "latin", messages), messages, simulator)


async def test_smpplib_with_the_gsm_alphabet(tmp_path: Path) -> None:
    octets = (
        b"Preis: 5 \x1be \0home, \x15 \x1b(x\x1b)"  # 3GPP 23.038: euro 1B65, @ 00, omega 15, braces 1B28 1B29
    )
    messages = [Sms(phone(1), GSM, 0, octets), Sms(phone(2), CYRILLIC, 8, CYRILLIC.encode("utf-16-be"))]
    async with running(tmp_path) as (port, simulator):
        check(await run_smpplib(port, "gsm", messages), messages, simulator)


# --- aiosmpplib ------------------------------------------------------------------------------------


async def test_aiosmpplib(tmp_path: Path) -> None:
    messages = [
        Sms(phone(1), LATIN, 3, encoding="latin_1"),
        Sms(phone(2), ACCENTS, 3, encoding="latin_1"),
        Sms(phone(3), CYRILLIC, 8, encoding="ucs2"),
        Sms(phone(4), LATIN, 1, encoding="ascii"),
        Sms(phone(5), CYRILLIC * 6, 8, encoding="ucs2"),  # more than 254 octets: message_payload
    ]
    async with running(tmp_path) as (port, simulator):
        check(await run_aiosmpplib(port, "latin", messages), messages, simulator)


async def test_aiosmpplib_with_its_default_alphabet(tmp_path: Path) -> None:
    messages = [Sms(phone(1), GSM, 0), Sms(phone(2), CYRILLIC, 8), Sms(phone(3), "Straße à Genève", 0)]
    async with running(tmp_path) as (port, simulator):
        check(await run_aiosmpplib(port, "gsm", messages), messages, simulator)


# --- an SMSC upstream ------------------------------------------------------------------------------

LATIN_GSM = (b"Door 3 opened: 5 > 3 & \x1b<alarm\x1b>", 0)  # 3GPP 23.038: brackets 1B3C 1B3E
CYRILLIC_UCS2 = (CYRILLIC.encode("utf-16-be"), 8)


async def test_smpplib_to_an_smsc(tmp_path: Path) -> None:
    messages = [
        Sms(phone(1), LATIN, 3, LATIN.encode("latin-1")),
        Sms(phone(2), CYRILLIC, 8, CYRILLIC.encode("utf-16-be")),
    ]
    async with linked(tmp_path, Conduct()) as (app, centre):
        check_receipts(await run_smpplib(app.smpp_ports[0], "latin", messages), messages)
        await check_octets(centre, {phone(1): LATIN_GSM, phone(2): CYRILLIC_UCS2})


async def test_aiosmpplib_waits_for_an_smsc(tmp_path: Path) -> None:
    """With `mode: sync` submit_sm_resp comes when the SMSC has answered."""
    messages = [
        Sms(phone(1), LATIN, 3, encoding="latin_1"),
        Sms(phone(2), CYRILLIC, 8, encoding="ucs2"),
        Sms(phone(3), CYRILLIC * 6, 8, encoding="ucs2"),  # message_payload here, three parts there
    ]
    conduct = Conduct(answer_delay=0.2)
    async with linked(tmp_path, conduct) as (app, centre):
        check_receipts(await run_aiosmpplib(app.smpp_ports[0], "sync", messages), messages)
        expected = {phone(1): LATIN_GSM, phone(2): CYRILLIC_UCS2, phone(3): (CYRILLIC_UCS2[0] * 6, 8)}
        await check_octets(centre, expected)
        assert len(centre.submitted) == 5
        waited = metric(app, "submit_seconds_sum", account="sync")
        assert waited >= conduct.answer_delay * len(messages)


# --- smppbridge send -------------------------------------------------------------------------------


async def send(port: int, to: str, text: str, account: str = "latin") -> list[dict[str, object]]:
    """The events that the command prints."""
    process = await asyncio.create_subprocess_exec(
        *command("send", "--port", str(port), "--system-id", account, "--password", "secret"),
        *("--from", "ALARM", "--to", to, "--text", text, "--wait", "20"),
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    return [json.loads(line) for line in out.splitlines()]


async def test_send(tmp_path: Path) -> None:
    texts = {phone(1): LATIN, phone(2): ACCENTS, phone(3): CYRILLIC, phone(4): EMOJI, phone(5): CYRILLIC * 10}
    async with running(tmp_path) as (port, simulator):
        runs = await asyncio.gather(*(send(port, to, text) for to, text in texts.items()))
        assert {row["to"]: row["text"] for row in simulator.accepted} == texts
    for bound, submitted, receipt in runs:
        assert bound == {"event": "bound", "system_id": "smppbridge"}
        assert submitted["event"] == "submitted"
        assert receipt["event"] == "receipt"
        assert receipt["message_id"] == submitted["message_id"]
        assert (receipt["stat"], receipt["err"]) == ("DELIVRD", "000")


@pytest.mark.parametrize(
    ("outcome", "stat", "err"),
    [((-1, 600), "EXPIRED", "600"), ((-1, 601), "UNDELIV", "601"), ((-1, 603), "REJECTD", "603")],
)
async def test_send_what_does_not_arrive(
    tmp_path: Path, outcome: tuple[int, int], stat: str, err: str
) -> None:
    async with running(tmp_path, Rules(delay=0.05, outcome=outcome)) as (port, _):
        _, _, receipt = await send(port, phone(1), LATIN)
        assert (receipt["stat"], receipt["err"]) == (stat, err)
