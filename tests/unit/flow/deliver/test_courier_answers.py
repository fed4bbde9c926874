"""What the answers of equipment do: delivered, ended, or deferred, and when something comes again."""

import asyncio
import itertools
import logging
from collections.abc import Callable

import pytest

from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import AlertNotification, DeliverSm, GenericNack, SubmitSm
from smppbridge.smpp.session import Answered
from tests.support.system.virtual_time import moment
from tests.unit.flow.deliver.scene import RESPONSE_TIMEOUT, Scene, ids, scene

pytestmark = pytest.mark.virtual_time

LONG = 200.0  # longer than leases, looks and first pauses
TEMPORARY = [Status.ESME_RX_T_APPN, Status.ESME_RSYSERR, Status.ESME_RINVDSTADR, 0x7FFFFFFF]


def once(status: int | None) -> Callable[[DeliverSm], int | None]:
    """Answer the first deliver_sm so, and take all others."""
    came: list[DeliverSm] = []

    def answer(pdu: DeliverSm) -> int | None:
        came.append(pdu)
        return status if len(came) == 1 else 0

    return answer


def always(status: int | None) -> Callable[[DeliverSm], int | None]:
    return lambda pdu: status


async def owe(now: Scene, what: str) -> None:
    """Something, announced: a receipt or a message from a phone."""
    await (now.receipts(1) if what == "receipt" else now.phone("yes"))


BOTH = pytest.mark.parametrize("what", ["receipt", "inbound"])


# --- the end ---------------------------------------------------------------------------------------


@BOTH
async def test_a_good_answer_ends_it(what: str) -> None:
    async with scene() as now:
        bound = await now.bind()
        await owe(now, what)
        await asyncio.sleep(LONG)
        assert len(bound.came) == 1
        assert (now.answers("ESME_ROK"), await now.owed()) == (1, (0, 0))


@BOTH
async def test_nothing_is_paid_before_it_is_answered(what: str) -> None:
    async with scene() as now:
        bound = await now.bind(status=always(None))
        await owe(now, what)
        await asyncio.sleep(RESPONSE_TIMEOUT - 1)
        assert (now.answers("ESME_ROK"), sum(await now.owed())) == (0, 1)
        bound.answer(bound.came[0])
        await moment()
        assert (now.answers("ESME_ROK"), sum(await now.owed())) == (1, 0)


@BOTH
@pytest.mark.parametrize("status", [Status.ESME_RX_P_APPN, Status.ESME_RX_R_APPN])
async def test_a_refusal_for_good_ends_it_too(
    what: str, status: Status, caplog: pytest.LogCaptureFixture
) -> None:
    async with scene() as now:
        bound = await now.bind(status=always(status))
        await owe(now, what)
        await asyncio.sleep(LONG)
        assert len(bound.came) == 1
        assert (now.answers(status.name), await now.owed()) == (1, (0, 0))
    (told,) = caplog.records
    assert (told.levelno, told.getMessage()) == (logging.WARNING, f"{what} refused for good")
    assert getattr(told, "fields", None) == {"account": "pbx", "id": "1" if what == "receipt" else "lab 1"}


# --- later -----------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("status", TEMPORARY)
async def test_any_other_answer_puts_it_off(what: str, status: int) -> None:
    """By five seconds, and at most one more until the next look."""
    async with scene() as now:
        bound = await now.bind(status=once(status))
        await owe(now, what)
        await asyncio.sleep(LONG)
        first, second = now.at(bound)
        assert 5.0 <= second - first <= 6.0
        assert (sum(await now.owed()), now.answers("ESME_ROK")) == (0, 1)


async def test_what_is_put_off_stands_behind_the_others() -> None:
    async with scene() as now:
        now.put(window=1)
        message_ids = await now.receipts(4)
        bound = await now.bind(status=once(Status.ESME_RX_T_APPN))
        assert ids(bound) == message_ids
        await asyncio.sleep(6.0)
        assert ids(bound) == [*message_ids, message_ids[0]]
        assert await now.owed() == (0, 0)


async def test_one_that_is_refused_every_time_holds_up_nobody() -> None:
    async with scene() as now:
        now.put(window=1)
        poison, *good = await now.receipts(20)
        delivered: list[str] = []

        def answer(pdu: DeliverSm) -> int:
            (message_id,) = ids(bound)[-1:]
            if message_id == poison:
                return Status.ESME_RSYSERR
            delivered.append(message_id)
            return Status.ESME_ROK

        bound = await now.bind(status=always(None))
        bound.status = answer
        bound.answer(bound.came[0], Status.ESME_RSYSERR)
        await moment()
        assert delivered == good
        for _ in range(3):  # the poisonous one becomes due beside a new one
            await asyncio.sleep(100.0)
            good += await now.receipts(1)
            await moment()
        assert delivered == good
        assert ids(bound).count(poison) >= 5
        assert await now.owed() == (1, 0)


@BOTH
async def test_pauses_grow_up_to_five_minutes(what: str) -> None:
    async with scene() as now:
        bound = await now.bind(status=always(Status.ESME_RX_T_APPN))
        await owe(now, what)
        await asyncio.sleep(1000.0)
        at = now.at(bound)
        pauses = [later - earlier for earlier, later in itertools.pairwise(at)]
        ceilings = [min(5.0 * 2**n, 300.0) for n in range(len(pauses))]
        assert len(pauses) >= 8
        for pause, ceiling in zip(pauses, ceilings, strict=True):
            assert max(5.0, ceiling / 2) <= pause <= ceiling + 1.0, pauses
        assert len({round(pause) for pause in pauses}) > 3  # by chance, so that not all come together


async def test_when_to_look_again_may_be_set() -> None:
    async with scene(look_again=4.0) as now:
        bound = await now.bind(status=once(Status.ESME_RX_T_APPN))
        await now.receipts(1)
        await asyncio.sleep(LONG)
        assert now.at(bound)[1] - now.at(bound)[0] == pytest.approx(8.0, abs=0.01)


async def test_looks_end_when_nothing_is_put_off_any_more() -> None:
    async with scene() as now:
        await now.bind(status=once(Status.ESME_RX_T_APPN))
        await now.receipts(1)
        await asyncio.sleep(7.0)
        assert await now.owed() == (0, 0)
        now.failing.fail_at(0)
        await asyncio.sleep(23.0)  # until just before the idle look
        assert now.failing.called == []


async def test_two_that_are_put_off_are_looked_for_together() -> None:
    """One timer for an account, and it does not end before the later one is due."""
    async with scene() as now:
        answers = itertools.chain([0x64] * 3, itertools.repeat(0))
        bound = await now.bind(status=lambda pdu: next(answers))
        await now.receipts(1)
        await asyncio.sleep(3.5)
        await now.receipts(1)
        await asyncio.sleep(30.0)
        assert await now.owed() == (0, 0)
        assert len(bound.came) == 5
        at = now.at(bound)
        assert 5.0 <= at[2] <= 6.0  # the first again
        assert 8.5 <= at[3] <= 9.5  # the second again
        assert 10.0 <= at[4] <= 17.0  # the first for the third time
        now.failing.fail_at(0)
        await moment()
        assert len(now.called("claim_receipts")) <= 1


@BOTH
async def test_no_answer_is_like_a_bad_one(what: str) -> None:
    async with scene() as now:
        bound = await now.bind(status=once(None))
        await owe(now, what)
        await asyncio.sleep(LONG)
        first, second = now.at(bound)
        assert RESPONSE_TIMEOUT + 5.0 <= second - first <= RESPONSE_TIMEOUT + 7.0
        assert (now.answers("timeout"), now.answers("ESME_ROK"), sum(await now.owed())) == (1, 1, 0)


async def test_a_generic_nack_is_like_no_answer() -> None:
    async with scene() as now:
        bound = await now.bind()
        bound.answer_with = GenericNack
        await now.receipts(1)
        await moment()
        assert now.answers("timeout") == 1
        bound.answer_with = type(bound.came[0]).response or GenericNack
        await asyncio.sleep(6.0)
        assert (len(bound.came), now.answers("ESME_ROK"), await now.owed()) == (2, 1, (0, 0))


async def test_answers_to_what_the_courier_did_not_send_are_nothing_to_it() -> None:
    async with scene() as now:
        bound = await now.bind()
        await now.receipts(1)
        await moment()
        strange = Answered(SubmitSm(), GenericNack(), None)
        now.courier.answered(bound.link, [strange])
        now.courier.answered(bound.link, [Answered(AlertNotification(), GenericNack(), object())])
        await moment()
        assert (now.answers("timeout"), now.answers("ESME_ROK")) == (0, 1)


async def test_the_answers_of_one_read_are_saved_together() -> None:
    async with scene() as now:
        now.put(window=10)
        message_ids = await now.receipts(6)
        await now.phone("one", "two")
        statuses = itertools.chain([0, 0x64, 0, 0, 0x64, 0x65], itertools.repeat(0))
        now.failing.fail_at(0)
        bound = await now.bind(status=lambda pdu: next(statuses))
        assert bound.texts[:2] == ["one", "two"]
        assert [len(call[0]) for call in now.called("pay_receipts")] == [5]
        assert [len(call[0]) for call in now.called("defer_receipts")] == [1]
        assert [len(call[0]) for call in now.called("pay_inbound")] == [1]
        assert [len(call[0]) for call in now.called("defer_inbound")] == [1]
        await asyncio.sleep(6.0)
        assert ids(bound) == [*message_ids, message_ids[2]]
        assert sum(await now.owed()) == 0
        assert (now.answers("ESME_RX_T_APPN"), now.answers("ESME_RX_P_APPN")) == (2, 1)
        assert now.answers("ESME_ROK") == 7


# --- too fast --------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("status", [Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL])
async def test_who_is_too_slow_is_left_alone_for_a_second(what: str, status: Status) -> None:
    """Nothing at all comes on that bind, whatever is owed meanwhile; then all the rest."""
    async with scene() as now:
        bound = await now.bind(status=once(status))
        await owe(now, what)
        await asyncio.sleep(0.4)
        others = await now.receipts(3)
        await now.phone("please")
        await asyncio.sleep(0.5)
        assert len(bound.came) == 1
        await asyncio.sleep(0.2)
        assert len(bound.came) == 5
        assert set(ids(bound)) >= set(others)
        assert set(now.at(bound)[1:]) == {1.0}
        await asyncio.sleep(6.0)
        assert (len(bound.came), sum(await now.owed()), now.answers(status.name)) == (6, 0, 1)


async def test_what_stood_behind_it_comes_after_the_rest() -> None:
    async with scene() as now:
        now.put(window=1)
        message_ids = await now.receipts(3)
        bound = await now.bind(status=once(Status.ESME_RTHROTTLED))
        await asyncio.sleep(1.1)
        assert ids(bound) == message_ids
        assert now.at(bound) == [0.0, 1.0, 1.0]


async def test_other_binds_get_theirs_meanwhile() -> None:
    async with scene() as now:
        slow = await now.bind(status=always(Status.ESME_RTHROTTLED))
        await now.receipts(1, origin=slow.link.id)
        await moment()
        assert len(slow.came) == 1
        other = await now.bind()
        message_ids = await now.receipts(3)
        await moment()
        assert (ids(other), len(slow.came)) == (message_ids, 1)


async def test_a_rest_may_be_longer() -> None:
    async with scene(rest=3.0) as now:
        bound = await now.bind(status=once(Status.ESME_RTHROTTLED))
        await now.receipts(1)
        await moment()
        await now.receipts(1)
        await asyncio.sleep(4.0)
        assert now.at(bound) == [0.0, 3.0]


async def test_a_bind_that_comes_after_one_that_rested_does_not_rest() -> None:
    async with scene() as now:
        slow = await now.bind(status=always(Status.ESME_RTHROTTLED))
        await now.receipts(1)
        await moment()
        slow.hang_up()
        await moment()
        await now.receipts(1)
        assert len((await now.bind()).came) == 1
        assert now.courier._resting == {}


# --- a connection that is lost ---------------------------------------------------------------------


@BOTH
async def test_what_was_not_answered_comes_to_the_next_bind_at_once(what: str) -> None:
    async with scene() as now:
        first = await now.bind(status=always(None))
        second = await now.bind(status=always(None))
        second.link.connection.session.window = 0
        await owe(now, what)
        await asyncio.sleep(2.0)
        second.link.connection.session.window = 10
        lost_at = now.now
        first.hang_up()
        await moment()
        assert (len(first.came), now.at(second)) == (1, [lost_at])
        assert now.answers("timeout") == 1
        second.hang_up()
        await moment()
        third = await now.bind()
        assert third.came == []  # once may be chance; now it waits
        await asyncio.sleep(11.0)
        (at,) = now.at(third)
        assert 5.0 <= at - lost_at <= 11.1
        assert sum(await now.owed()) == 0


@BOTH
async def test_what_makes_clients_hang_up_does_not_stand_before_the_others(what: str) -> None:
    async with scene() as now:
        now.put(window=1)
        await owe(now, what)
        for _ in range(2):
            bound = await now.bind(status=always(None))
            assert len(bound.came) == 1
            bound.hang_up()
            await moment()
        others = await now.receipts(2)
        bound = await now.bind()
        assert ids(bound) == others
        assert len(bound.came) == 2


async def test_a_bad_answer_just_before_the_end_of_a_connection_is_an_answer() -> None:
    async with scene() as now:
        bound = await now.bind(status=always(None))
        await now.receipts(1)
        await moment()
        bound.answer(bound.came[0], Status.ESME_RX_T_APPN)
        await moment()
        bound.hang_up()
        await moment()
        other = await now.bind()
        await asyncio.sleep(4.9)
        assert other.came == []
        await asyncio.sleep(1.2)
        assert len(other.came) == 1


# --- what cannot be written ------------------------------------------------------------------------


async def test_a_receipt_that_cannot_be_encoded_is_put_off_and_the_others_come(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with scene() as now:
        (bad,) = await now.receipts(1, source_addr="x" * 30)
        good = await now.receipts(2)
        bound = await now.bind()
        assert ids(bound) == good
        assert await now.owed() == (1, 0)
        told = [one.getMessage() for one in caplog.records]
        assert told == [f"receipt {bad} cannot be encoded, it is put off"]
        await asyncio.sleep(4.9)
        assert len(caplog.records) == 1
        await asyncio.sleep(1.2)
        assert len(caplog.records) == 2
        await asyncio.sleep(4.0)
        assert len(caplog.records) == 2  # the pauses grow
        await now.receipts(1)
        await moment()
        assert len(bound.came) == 3
