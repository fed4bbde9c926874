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
        await eventually(lambda: len(simulator.accepted) == OTHERS)
        assert metric(app, "provider_up", provider="assist") == 1


async def test_entries_of_one_login_together_send_no_more_in_plain_than_is_allowed(tmp_path: Path) -> None:
    rules = Rules(plain_per_minute=6)
    async with SmsAssistentSimulator(rules) as simulator:
        entry = f"{{kind: sms-assistent, url: '{simulator.url}', login: user, password: PASSWORD}}"
        sections = f"""
providers: {{one: {entry[:-1]}, plain_per_minute: 6}}, two: {entry[:-1]}, plain_per_minute: 9}}}}
routes: [{{destination: "37529", to: [one]}}, {{to: [two]}}]
"""
        async with bridge(tmp_path, sections) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            urgent = [
                submit(to=f"375{code}000000{number}", priority_flag=1)
                for number in range(9)
                for code in (29, 33)
            ]
            await esme.submit_many(urgent)
            await eventually(lambda: len(simulator.accepted) == len(urgent))
            assert simulator.requests_by_api["plain"] == 6
            assert simulator.violations == []


async def test_a_person_is_told_why_a_message_was_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = Rules(senders=frozenset({"CMC"}), outcome="Failed", delay=0.01)
    keys = "poll_first: 0.1s, poll_interval: 0.1s"
    async with (
        SmsAssistentSimulator(rules) as simulator,
        bridge(tmp_path, assist(simulator.url, keys)) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        refused = await esme.submit(submit(source_addr="ALARM"))
        failed = await esme.submit(submit(source_addr="CMC", text="x" * 200))
        await esme.receipts(2)
        why = {
            refused: "-5: sender ALARM is not registered at sms-assistent",
            failed: "Failed: sms-assistent did not send it: stop list, bad number, network, length or money",
        }
        for message_id, reason in why.items():
            story = await app.store.story(int(message_id))
            assert story is not None
            assert [attempt.reason for attempt in story.attempts][-1] == reason
        assert story is not None and story.told.parts == 2
        assert metric(app, "refusals_total", provider="assist", code="-5") == 1
        assert metric(app, "refusals_total", provider="assist", code="Failed") == 1
        told = [one.__dict__["fields"] for one in caplog.records if "refused a message" in one.getMessage()]
        assert {(fields["provider"], fields["reason"]) for fields in told} == {
            ("assist", reason) for reason in why.values()
        }
