"""Questions to a provider besides messages: what it says to them must not keep messages from being sent.

Questions about doubts and about the balance: see tests/unit/flow/send/test_finder and health/test_balance.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from smppbridge.errors import Disabled, ProviderError, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.flow.health.health import PROBES_BEFORE_TRIAL
from smppbridge.model.message import Inbound, Poll, StatusReport
from tests.support.bridge.running import eventually, get, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.esme.esme import Esme, submit
from tests.support.esme.phones import ALL_TO_PBX

QUESTIONS: dict[str, dict[str, Any]] = {
    "inbound": {"inbound_interval": 0.05},
    "status": {"poll_first": 0, "poll_interval": 0.05},
}
HARMLESS = [
    Unavailable("connection refused"),
    Uncertain("the page is HTML"),
    Rejected("not in this contract", code="300"),
]


class Deaf(ScriptedProvider):
    """Takes messages; whatever else it is asked ends in ``error``."""

    def __init__(self, question: str, error: ProviderError) -> None:
        super().__init__("lab", **QUESTIONS[question])
        self.error = error
        self.asked = 0

    def fail(self) -> ProviderError:
        self.asked += 1
        return self.error

    async def inbound(self, since: int | None) -> list[Inbound]:
        raise self.fail()

    async def status(self, polls: Sequence[Poll]) -> list[StatusReport]:
        raise self.fail()


@pytest.mark.parametrize("error", HARMLESS, ids=["unavailable", "uncertain", "rejected"])
@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_question_that_fails_does_not_stop_messages(
    tmp_path: Path, question: str, error: ProviderError
) -> None:
    lab = Deaf(question, error)
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit("first"))
        times = 1 if (question, type(error)) == ("status", Rejected) else 4  # that message is given up
        await eventually(lambda: lab.asked >= times)
        assert metric(app, "provider_up", provider="lab") == 1
        assert (await get(app, "/readyz")).status_code == 200
        await esme.submit(submit("second"))
        await eventually(lambda: [message.text for message in lab.sent] == ["first", "second"])


@pytest.mark.parametrize(
    ("error", "up"), [(Disabled("wrong key", pause=600.0), 0), (Throttled("slow down", after=600.0), 1)]
)
@pytest.mark.parametrize("question", QUESTIONS)
async def test_an_answer_about_us_stops_everything(
    tmp_path: Path, question: str, error: ProviderError, up: int
) -> None:
    lab = Deaf(question, error)
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        if question == "status":  # without a message there is nothing to ask
            await esme.submit(submit())
        await eventually(lambda: app.fleet["lab"].health.pause() > 0)
        sent = len(lab.sent)
        await esme.submit(submit("second"))
        assert (lab.asked, len(lab.sent)) == (1, sent)
        assert metric(app, "provider_up", provider="lab") == up
        if not up:
            assert error.reason in (await get(app, "/readyz")).json()["reasons"][0]


# --- before a provider that was down is trusted with a message ---------------------------------------


async def test_after_some_questions_in_vain_a_message_is_tried(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    lab.answers.append(Disabled("wrong key", pause=0.05))
    lab.money = Uncertain("the page is HTML")
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit_many([submit("tried in vain"), submit("next")])
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        assert [message.text for message in lab.sent] == ["tried in vain", "next"]
        assert lab.balances_asked == PROBES_BEFORE_TRIAL
        assert metric(app, "provider_up", provider="lab") == 1
