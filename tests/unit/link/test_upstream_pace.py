"""What the SMSC says is too much: it goes again, before all others, and more slowly."""

from collections import Counter
from dataclasses import replace

import pytest

from smppbridge.link.client import Client, Verdict
from smppbridge.link.upstream import Upstream
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.session import Answered
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually
from tests.support.system.clock import time_flies
from tests.unit.link.peers import (
    QUICK,
    Owner,
    items,
    settings,
    texts,
    upstream,
)

# --- too fast --------------------------------------------------------------------------------------


FAST = replace(QUICK, slowest=100.0)  # requests per second


class Patient(Owner):
    """Tries again what was too much."""

    link: Upstream
    behind = False

    def answered(self, client: Client, verdicts: list[Verdict]) -> None:
        for one in verdicts:
            if isinstance(one, Answered) and one.response.command_status == Status.ESME_RTHROTTLED:
                task, place = one.context
                self.link.again(task, place, one.request, behind=self.behind)
            else:
                self.heard.append(one)


async def test_what_was_too_much_goes_first_and_slowly(caplog: pytest.LogCaptureFixture) -> None:
    owner = Patient()
    seen: list[bytes] = []

    def status_of(pdu: SubmitSm) -> int:
        seen.append(pdu.short_message)
        return Status.ESME_RTHROTTLED if seen.count(b"2") == 1 and pdu.short_message == b"2" else 0

    async with (
        CentreSimulator(Rules(status_of=status_of)) as centre,
        upstream(owner, settings(centre.port, window=1, timings=replace(QUICK, slowest=0.2))) as link,
    ):
        owner.link = link
        link.submit(items(*range(5)))
        await eventually(lambda: b"2" in seen)
        await eventually(lambda: link.pause > 0)
        await time_flies(lambda: len(owner.taken) == 5)
        assert texts(centre) == [0, 1, 2, 2, 3, 4]
    assert "sending slower" in caplog.text


async def test_what_is_too_much_again_goes_behind_the_others() -> None:
    owner = Patient()
    seen: list[bytes] = []

    def status_of(pdu: SubmitSm) -> int:
        seen.append(pdu.short_message)
        return Status.ESME_RTHROTTLED if pdu.short_message == b"0" and len(seen) < 5 else 0

    async with (
        CentreSimulator(Rules(status_of=status_of)) as centre,
        upstream(owner, settings(centre.port, window=1, timings=FAST)) as link,
    ):
        owner.link, owner.behind = link, True
        link.submit(items(*range(4)))
        await eventually(lambda: len(owner.taken) == 4)
        assert texts(centre) == [0, 1, 2, 3, 0]


async def test_what_was_too_much_keeps_its_place_in_a_wide_window() -> None:
    owner = Patient()
    seen: Counter[bytes] = Counter()

    def status_of(pdu: SubmitSm) -> int:
        seen[pdu.short_message] += 1
        third = int(pdu.short_message) % 3 == 0
        return Status.ESME_RTHROTTLED if third and seen[pdu.short_message] == 1 else 0

    async with (
        CentreSimulator(Rules(status_of=status_of)) as centre,
        upstream(owner, settings(centre.port, timings=FAST)) as link,
    ):
        owner.link = link
        link.submit(items(*range(30)))
        await eventually(lambda: len(owner.taken) == 30)
        assert centre.counts["throttled"] == 10
        assert sorted(owner.taken) == list(range(30))
