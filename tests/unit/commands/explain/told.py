"""Runs `explain` on octets for tests, and reads back what it says."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from smppbridge.commands.explain.printing import ExplainOptions
from smppbridge.commands.explain.run import explain
from smppbridge.commands.explain.sources import Sources, from_octets
from smppbridge.config.loading import parse
from smppbridge.config.sections import Config
from smppbridge.flow.wall_clock import now_ms
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import Pdu, SubmitSm
from tests.support.esme.esme import submit

SECRETS = ("5ECRETpass", "5ECRETkey", "5ECRETword", "5ECRETcall")
SECTIONS: dict[str, Any] = {
    "web": {"public_url": "https://sms.example.org"},
    "accounts": {"pbx": {"password": SECRETS[0], "country": "BY", "status_codes": "sms-assistent"}},
    "providers": {
        "pilot": {"kind": "smspilot", "apikey": SECRETS[1]},
        "assist": {
            "kind": "sms-assistent",
            "login": "firma",
            "password": SECRETS[2],
            "default_sender": "CMC",
        },
        "centre": {"kind": "smsc", "login": "alex", "password": SECRETS[2], "callback_secret": SECRETS[3]},
        "link": {"kind": "smpp", "host": "smsc.example.org", "system_id": "us", "password": SECRETS[2]},
        "lab": {"kind": "sandbox"},
    },
    "routes": [
        {"account": "pbx", "destination": ["37525", "37529"], "to": ["assist", "link"]},
        {"destination": "7", "to": ["pilot", "centre"]},
        {"destination": "4", "to": ["link"]},
        {"destination": "1", "to": ["lab"]},
    ],
}


class Told(NamedTuple):
    """What was said, in both forms."""

    lines: list[dict[str, Any]]  # of --json
    text: str
    warnings: list[str]

    @property
    def pdus(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["kind"] == "pdu"]

    @property
    def remarks(self) -> list[str]:
        return [line["remark"] for line in self.lines if line["kind"] == "remark"]


def config(**sections: Any) -> Config:
    """A configuration: SECTIONS with some replaced. Nothing lies in its folder."""
    return _parsed(yaml.safe_dump({**SECTIONS, **sections}))


@cache  # it takes longer than everything else here
def _parsed(text: str) -> Config:
    return parse(text, Path("/nonexistent"))


def account(**keys: Any) -> dict[str, Any]:
    """The section `accounts` with these keys of pbx."""
    return {"accounts": {"pbx": {**SECTIONS["accounts"]["pbx"], **keys}}}


async def told_of(
    source: Callable[[], Sources],
    settings: Config | None = None,
    *,
    name: str | None = None,
    limit: int = 0,
    at: int | None = None,
) -> Told:
    """What `explain` says about a source at ``at`` (ms; now), without and with --json. Holds no secret."""
    settings = settings or config()
    lines: list[str] = []
    text: list[str] = []
    warnings: list[str] = []
    now = at or now_ms()  # both say the same times

    def clock() -> int:
        return now

    as_json = ExplainOptions(name, limit, json=True)
    await explain(settings, source(), as_json, lines.append, warnings.append, clock)
    await explain(settings, source(), ExplainOptions(name, limit), text.append, lambda line: None, clock)
    whole = "\n".join(text)
    whole.encode()  # no half characters
    for secret in SECRETS:
        assert secret not in whole + "".join(lines)
    return Told([json.loads(line) for line in lines], whole, warnings)


async def told(
    *pdus: Pdu | bytes,
    settings: Config | None = None,
    name: str | None = None,
    limit: int = 0,
    at: int | None = None,
) -> Told:
    """The same about PDUs, one behind the other."""
    octets = b"".join(pdu if isinstance(pdu, bytes) else encode(pdu) for pdu in pdus)
    return await told_of(lambda: from_octets(octets), settings, name=name, limit=limit, at=at)


async def told_one(pdu: Pdu | bytes, at: int | None = None, **keys: Any) -> dict[str, Any]:
    """About a single PDU; ``keys`` are of the account pbx."""
    found = await told(pdu, settings=config(**account(**keys)), at=at)
    (one,) = found.pdus
    return one


def refusal(outcome: dict[str, Any]) -> str:
    return str(outcome["answer"]["command_status"]["meaning"])


def part(number: int, total: int, octets: bytes, reference: int = 7) -> SubmitSm:
    head = bytes((5, 0, 3, reference, total, number))
    return submit(head + octets, esm_class=0x40, data_coding=8, sequence_number=number)
