"""A whole bridge in front of a strict smsc.ru."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from smppbridge.app import App
from smppbridge.smpp.constants import Tag
from tests.simulators.smsc_ru.simulator import Rules, SmscRuSimulator
from tests.support.bridge.running import bridge, config, eventually, free_port, metric
from tests.support.esme.esme import Esme, submit

BAD = "79001110000"
CENTRE = "centre"


def others(count: int) -> list[str]:
    return [f"7900222{number:04d}" for number in range(count)]


@asynccontextmanager
async def smsc(
    directory: Path,
    rules: Rules,
    keys: str = "",
    *,
    entries: Sequence[str] = (CENTRE,),
    query: str = "?charset=utf-8",
) -> AsyncIterator[tuple[SmscRuSimulator, App]]:
    """A simulator that calls back, and a bridge whose ``entries`` use one login there.

    ``query``: of the callback address. Numbers that begin with 7900222 go by the last entry.
    """
    port = free_port()
    async with SmscRuSimulator(rules) as simulator:
        rights = "login: LOGIN, password: PASSWORD, balance_interval: 0"
        entry = f"{{kind: smsc, url: '{simulator.url}', {rights}, {keys}}}"
        sections = f"""
providers: {{{", ".join(f"{name}: {entry}" for name in entries)}}}
routes: [{{destination: '7900222', to: [{entries[-1]}]}}, {{to: [{entries[0]}]}}]
web: {{host: 127.0.0.1, port: {port}, public_url: 'http://127.0.0.1:{port}'}}
"""
        rules.callback_url = f"{config(directory, sections).callback_url(entries[0])}{query}"
        async with bridge(directory, sections) as app:
            yield simulator, app


# --- one bad message -------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [3, 7, 9, 50])
async def test_whatever_one_recipient_gets_the_others_are_handed_over(tmp_path: Path, code: int) -> None:
    rules = Rules(errors={BAD: code}, latency=0.0)
    async with (
        smsc(tmp_path, rules) as (simulator, app),
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        first, *rest = others(9)
        await esme.submit(submit(to=first))
        await eventually(lambda: len(simulator.accepted) == 1)
        for phone in rest:
            await esme.submit_many([submit(to=BAD, text=f"to {phone}"), submit(to=phone)])
        await eventually(lambda: len(simulator.accepted) == 9)
        assert metric(app, "provider_up", provider="centre") == 1
        label = str(code) if code < 10 else "other"
        await eventually(lambda: metric(app, "refusals_total", provider="centre", code=label))
        assert simulator.violations == []


# --- what is told besides --------------------------------------------------------------------------


async def test_the_price_of_a_message_is_counted_once(tmp_path: Path) -> None:
    """The answer to the send request tells it, and so does each callback."""
    rules = Rules(delay=0.05, latency=0.0)
    async with (
        smsc(tmp_path, rules, "currency: KZT") as (_, app),
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit(to=BAD, text="x" * 161))
        receipt = await esme.receipt()
        assert metric(app, "spent_total", provider="centre", currency="KZT") == pytest.approx(2.8)
        assert receipt.tlv(Tag.DETAILS) == b"mccmnc=25001\0"


async def test_a_sender_that_smsc_replaces_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rules = Rules(delay=0.02, latency=0.0, senders=frozenset({"DOOR"}), replaces_senders=True)
    async with smsc(tmp_path, rules) as (_, app), await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit_many([submit(to=BAD), submit(to=BAD, text="x", source_addr="DOOR")])
        await esme.receipts(2)
        assert metric(app, "replaced_senders_total", provider=CENTRE) == 1
    fields = [getattr(record, "fields", {}) for record in caplog.records]
    assert [(one["asked"], one["used"]) for one in fields if "asked" in one] == [("ALARM", "SMSC.RU")]
