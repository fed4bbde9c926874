"""ESMEs of many makes in front of the bridge, each as an account of every profile: a refused bind, a bind,
messages, their receipts, unbind. What they do exactly is said in tests/support/foreign/esmes/shape.py.

Those that PyPI has run always, the others with the option --clients.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import yaml

from smppbridge.app import App
from smppbridge.model.account import Account
from smppbridge.model.profiles import PROFILES
from smppbridge.smpp.receipt import parse_receipt
from smppbridge.smpp.text import encode_text
from tests.simulators.smspilot.simulator import Rules, SmspilotSimulator
from tests.support.bridge.running import bridge, eventually, free_port, metric, pilot
from tests.support.builders import accounts as builders
from tests.support.foreign.esmes.makes import Make, parametrize
from tests.support.foreign.esmes.program import run
from tests.support.foreign.esmes.shape import PASSWORD, SENDER, UCS2, Errand, Order, Receipt, Visit

PLAIN = "Door 3 opened"  # the same octets in every encoding
SPOKEN = {"gsm": "Preis: 5 € @home", "latin-1": "Grüße, café", "utf-8": "Дверь", "cp1251": "Дверь 3"}
LONG = "Дверь 3 открыта: «тревога», ёлка. " * 6
PHONE = "375297654321"
LATER = "ESME_RX_T_APPN"  # what Kannel answers while it starts; it is asked again
REFUSED = 0x0E  # ESME_RINVPASWD
SUBMIT_FAILED = 0x45  # ESME_RSUBMITFAIL: there is no route
VENDOR = "sms-assistent"  # the profile with codes of its own
NO_ROUTE = 0x22  # the same in its manual
LONGEST_ID = 19  # characters, when the account does not ask for shorter ones
DELIVERED = 2  # message_state
Told = dict[str, object]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests run with each make of ESME that is to be had."""
    parametrize(metafunc, "make")


def account(profile: str) -> Account:
    return builders.account(profile=profile)


def order(number: int, profile: str, make: Make) -> Order:
    """What an ESME does as the account of this name; numbers of phones tell who sent what."""
    encoding = account(profile).default_encoding
    readable = not make.encodes or (encoding == "gsm" and make.profile in ("", profile))
    text = SPOKEN[encoding] if readable else PLAIN
    octets = encode_text(text, 0, encoding).hex()

    def errand(to: str, text: str, octets: str, data_coding: int = 0) -> Errand:
        return Errand(f"{to}{number:02}", text, octets, data_coding, reference=number + 1)

    return Order(
        profile,
        short=errand("3752912345", text, octets),
        long=errand("3752976543", LONG, LONG.encode("utf-16-be").hex(), UCS2),
        lost=errand("791612345", PLAIN, PLAIN.encode("ascii").hex()),
    )


@asynccontextmanager
async def running(directory: Path, make: Make) -> AsyncIterator[tuple[App, SmspilotSimulator]]:
    """A bridge with an account of every profile, and its provider, which takes numbers of one country."""
    async with SmspilotSimulator(Rules(delay=0.05)) as simulator:
        sections = yaml.safe_load(pilot(simulator.url, "inbound_interval: 0.2", free_port()))
        sections["routes"] = [{"destination": "375", "to": ["pilot"]}]
        sections["accounts"] = {name: {"password": PASSWORD, "profile": name} for name in PROFILES}
        sections["inbound"] = [
            {"number": service(number), "to": name} for number, name in enumerate(PROFILES)
        ]
        if not make.vendor:
            sections["accounts"][VENDOR]["status_codes"] = "standard"
        for number, name in enumerate(PROFILES):
            simulator.receive(PHONE, greeting(name), service(number))
        async with bridge(directory, yaml.safe_dump(sections)) as app:
            for name in PROFILES:
                await eventually(
                    partial(metric, app, "inbound_messages_total", provider="pilot", account=name)
                )
            yield app, simulator


def greeting(profile: str) -> str:
    """What a phone writes. For an account that wants UTF-8, which clients do not expect, it is ASCII."""
    return "Yes" if account(profile).default_encoding == "utf-8" else "Да 😀"


def service(number: int) -> str:
    """The number that phones write to, for an account."""
    return f"790999999{number:02}"


def told(visit: Visit | str, app: App, profile: str) -> Told | str:
    """What the ESME and the bridge saw of each other, without what differs from run to run."""
    if isinstance(visit, str):
        return visit
    answers = samples(app, "deliver_sm", "status", account=profile)
    return {
        "refused": visit.refused,
        "greetings": [(one.source, one.text) for one in visit.greetings],
        "lost": visit.lost,
        "unbound": visit.unbound,
        "ids": len({visit.short, *visit.long}),
        "length": max(map(len, visit.long)) <= (account(profile).message_id_length or LONGEST_ID),
        "receipts": sorted(_receipt(receipt, account(profile)) for receipt in visit.receipts),
        "reference": next(one.reference for one in visit.receipts if visit.short in one.text),
        "acknowledged": {name: count for name, count in answers.items() if name != LATER},
    }


def expected(visit: Visit | str, order: Order, make: Make) -> Told:
    """What they should have seen; ids are those that the ESME was given."""
    if isinstance(visit, str):
        return {}
    ids = (visit.short, *visit.long)
    profile = account(order.account)
    phones = (order.short.to, *[order.long.to] * (len(ids) - 1))
    return {
        "refused": REFUSED if make.told else None,
        "lost": NO_ROUTE if make.vendor and order.account == VENDOR else SUBMIT_FAILED,
        "greetings": [(PHONE, greeting(order.account))],
        "unbound": True,
        "ids": len(ids),
        "length": True,
        "receipts": sorted(
            (phone, name, "DELIVRD", "001 001 000", "text" in profile.receipt.fields)
            + ((name, DELIVERED) if profile.receipt.tlvs and make.tlvs else (None, None))
            for phone, name in zip(phones, ids, strict=True)
        ),
        "reference": order.short.reference if profile.receipt.tlvs and make.tlvs else None,
        "acknowledged": {"ESME_ROK": len(ids) + 1},
    }


def _receipt(receipt: Receipt, profile: Account) -> tuple[object, ...]:
    fields = parse_receipt(receipt.text)
    assert fields.submit_date is not None
    assert fields.done_date is not None
    counts = f"{fields.sub} {fields.dlvrd} {fields.err}"
    has_text = fields.text is not None
    return receipt.source, fields.id, fields.stat, counts, has_text, receipt.message_id, receipt.state


def samples(app: App, name: str, label: str = "kind", **labels: str) -> dict[str, float]:
    """What a counter has counted, by a label, where its other labels are these."""
    return {
        sample.labels[label]: sample.value
        for family in app.metrics.registry.collect()
        for sample in family.samples
        if sample.name == f"smppbridge_{name}_total" and labels.items() <= sample.labels.items()
    }


async def test_every_profile(tmp_path: Path, make: Make) -> None:
    orders = [order(number, profile, make) for number, profile in enumerate(PROFILES)]
    async with running(tmp_path, make) as (app, simulator):
        seen = await run(await make.program(), app.smpp_ports[0], orders)
        assert {name: told(visit, app, name) for name, visit in seen.items()} == {
            order.account: expected(seen[order.account], order, make) for order in orders
        }
        sent = {errand.to: errand.text for order in orders for errand in (order.short, order.long)}
        assert {row["to"]: row["text"] for row in simulator.accepted} == sent
        assert {row["from"] for row in simulator.accepted} == {SENDER}
        assert samples(app, "protocol_errors") == {}
        await eventually(
            lambda: not any(metric(app, "binds", account=name, bind_type="TRX") for name in seen)
        )
        assert simulator.violations == []
