"""A whole bridge in front of a strict smsc.ru."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from smppbridge.app import App
from tests.simulators.smsc_ru.simulator import Rules, SmscRuSimulator
from tests.support.bridge.running import bridge, eventually, metric
from tests.support.esme.esme import Esme, submit

BAD = "79001110000"
RIGHTS = "login: LOGIN, password: PASSWORD, balance_interval: 0"


def others(count: int) -> list[str]:
    return [f"7900222{number:04d}" for number in range(count)]


@asynccontextmanager
async def smsc(directory: Path, rules: Rules, keys: str = "") -> AsyncIterator[tuple[SmscRuSimulator, App]]:
    """A simulator, and a bridge with one entry that uses it."""
    async with SmscRuSimulator(rules) as simulator:
        entry = f"{{kind: smsc, url: '{simulator.url}', {RIGHTS}, {keys}}}"
        async with bridge(directory, f"providers: {{centre: {entry}}}\nroutes: [{{to: [centre]}}]") as app:
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
