"""All dispatchers together: which providers there are, and what may be asked of all of them."""

import asyncio

import pytest

from smppbridge.errors import Disabled
from smppbridge.model.message import Overdue, Stage
from smppbridge.smpp.constants import Status
from tests.support.builders.rows import DAY, NOW, segment
from tests.support.system.virtual_time import moment
from tests.unit.flow.send.rig import Lab, rigged, sending, times

pytestmark = pytest.mark.virtual_time

NO_MONEY = Disabled("no money", pause=60.0, status=Status.ESME_RNOMONEY)


async def test_dispatchers_have_the_names_of_their_providers() -> None:
    async with rigged(Lab("lab"), Lab("spare")) as rig:
        assert (list(rig.fleet), len(rig.fleet)) == (["lab", "spare"], 2)
        assert rig.fleet["spare"].name == "spare"
        assert "gone" not in rig.fleet


async def test_a_provider_may_be_used_unless_it_is_down_or_to_be_spared() -> None:
    async with rigged(Lab("lab", low_balance=10.0, leave_when_low=True), Lab("spare")) as rig:
        fleet = rig.fleet
        assert [(fleet.usable(name), fleet.working(name)) for name in fleet] == [(True, True)] * 2
        fleet["lab"].health.record_balance(9.0)
        fleet["spare"].health.record_failure(NO_MONEY)
        assert [(fleet.usable(name), fleet.working(name)) for name in fleet] == [
            (False, True),
            (False, False),
        ]
        assert [fleet.status(name) for name in fleet] == [Status.ESME_RSYSERR, Status.ESME_RNOMONEY]
        await asyncio.sleep(60)
        assert fleet.working("spare")  # it may be tried


async def test_a_provider_that_is_not_configured_may_not_be_used() -> None:
    async with rigged(Lab("lab")) as rig:
        assert (rig.fleet.usable("gone"), rig.fleet.working("gone")) == (False, False)
        assert rig.fleet.status("gone") == Status.ESME_RSYSERR
        with pytest.raises(KeyError):
            rig.fleet.wake("gone", "pbx")


@pytest.mark.parametrize("provider", ["lab", "gone"])
async def test_what_a_decision_depends_on(provider: str) -> None:
    async with rigged(Lab("lab", find_interval=60.0, find_first=20.0), uncertain="resend") as rig:
        message = Overdue(1, "pbx", Stage.SENDING, "lab", provider, 1, 0, False, NOW + DAY)
        here = rig.fleet.situation(provider, message, NOW + 5)
        assert (here.now, here.choice, here.uncertain, here.waited) == (NOW + 5, rig.fleet, "resend", False)
        assert here.ask_after == (20.0 if provider == "lab" else 0.0)
        assert 0.0 <= here.jitter < 1.0
        assert rig.fleet.situation(provider, message._replace(account="gone"), NOW).uncertain == "hold"


async def test_messages_that_fail_together_do_not_come_back_together() -> None:
    async with rigged(Lab("lab")) as rig:
        for provider in ("lab", "gone"):
            message = Overdue(1, "pbx", Stage.SENDING, "lab", provider, 1, 0, False, NOW + DAY)
            assert len({rig.fleet.situation(provider, message, NOW).jitter for _ in range(9)}) > 1


async def test_a_retry_is_for_all_that_are_down() -> None:
    labs = [Lab(name) for name in ("lab", "spare", "other")]
    async with sending(*labs) as rig:
        for name in ("lab", "other"):
            rig.fleet[name].health.record_failure(NO_MONEY)
        await rig.queue(*(segment(number, provider=lab.name) for number, lab in enumerate(labs, 1)))
        await asyncio.sleep(5)
        rig.fleet.retry()
        await moment()
        assert [times(lab) for lab in labs] == [[5.0], [0.0], [5.0]]


async def test_messages_are_counted_with_their_wake() -> None:
    lab = Lab("lab", batch=3, batch_wait=60.0)
    async with sending(lab) as rig:
        await rig.disk.add_segments([segment(number) for number in (1, 2, 3)])
        rig.fleet.wake("lab", "pbx")
        await moment()
        assert lab.batches == []
        rig.fleet.wake("lab", "pbx", 2)
        await moment()
        assert lab.batches == [[1, 2, 3]]
