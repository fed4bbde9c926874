"""A customer that fills the store, as a process sees it: the others go on."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import SubmitSm, SubmitSmResp
from tests.support.attack.rig import attacked
from tests.support.esme.esme import Esme, submit

STORE = "store: {url: 'sqlite:///bridge.db', max_queued: 600}"  # 200 for each of the three accounts
NEXT_WEEK = "000007000000000R"
IN_2125 = "990000000000000R"


async def statuses(esme: Esme, pdus: Iterable[SubmitSm], window: int = 50) -> Counter[int]:
    """The answers to these, so many unanswered at a time."""
    told: Counter[int] = Counter()
    unanswered = 0
    for pdu in pdus:
        esme.send(pdu)
        unanswered += 1
        if unanswered == window:
            told[(await esme.expect(SubmitSmResp)).command_status] += 1
            unanswered -= 1
    for _ in range(unanswered):
        told[(await esme.expect(SubmitSmResp)).command_status] += 1
    return told


async def test_a_customer_that_fills_the_store_fills_it_for_nobody_else(tmp_path: Path) -> None:
    async with (
        attacked(tmp_path, STORE) as bridge,
        await Esme.bound(bridge.smpp_port, "pbx", kind="TX") as pbx,
        await Esme.bound(bridge.smpp_port, "other", kind="TX") as other,
    ):
        for_ever = (submit(schedule_delivery_time=IN_2125) for _ in range(100))
        assert await statuses(pbx, for_ever) == {Status.ESME_RINVSCHED: 100}
        told = await statuses(pbx, (submit(schedule_delivery_time=NEXT_WEEK) for _ in range(1000)))
        assert set(told) == {Status.ESME_ROK, Status.ESME_RMSGQFUL}
        assert 580 < told[Status.ESME_ROK] <= 600
        await bridge.heart.beat(3)
        # Far more than its share, but never at once: what leaves makes room again.
        assert await statuses(other, (submit() for _ in range(1000)), window=10) == {Status.ESME_ROK: 1000}
        assert await statuses(pbx, [submit()]) == {Status.ESME_RMSGQFUL: 1}
        await bridge.heart.is_well()
        assert bridge.log_lines["submit_sm refused"] == 2  # for each cause
