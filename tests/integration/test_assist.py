"""A bridge in front of sms-assistent.by: what is wrong with one message stops no other."""

from pathlib import Path

import pytest

from tests.simulators.sms_assistent.simulator import Rules, SmsAssistentSimulator
from tests.support.bridge.running import bridge, eventually, metric
from tests.support.esme.esme import Esme, submit

BAD = "375290000000"
OTHERS = 120


def assist(url: str, keys: str = "") -> str:
    """Sections for one sms-assistent provider."""
    login = "login: user, password: PASSWORD, default_sender: CMC"
    return f"""
providers: {{assist: {{kind: sms-assistent, url: '{url}', {login}, {keys}}}}}
routes: [{{to: [assist]}}]
"""


@pytest.mark.parametrize(("code", "api"), [(-12, "json"), (-13, "xml"), (-1, "json"), (-10, "xml")])
async def test_a_code_for_one_message_stops_no_other(tmp_path: Path, code: int, api: str) -> None:
    rules = Rules(errors={BAD: code})
    async with (
        SmsAssistentSimulator(rules) as simulator,
        bridge(tmp_path, assist(simulator.url, f"api: {api}")) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit(to=BAD))
        await eventually(lambda: simulator.requests_by_api[api])
        await esme.submit_many([submit(to=f"37529{number:07d}") for number in range(1, OTHERS + 1)])
        await eventually(lambda: len(simulator.accepted) == OTHERS, patience=5)
        assert metric(app, "provider_up", provider="assist") == 1
