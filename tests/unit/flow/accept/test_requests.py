"""Every request is answered once, whatever happens behind it."""

import logging
from asyncio import Future, get_running_loop
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from smppbridge.errors import StoreError
from smppbridge.flow.accept.rates import Rates
from smppbridge.flow.accept.requests import Requests
from smppbridge.flow.accounts import Accounts
from smppbridge.flow.remarks import Remarks
from smppbridge.flow.send.fleet import Fleet
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.settle.pending import PendingResponses
from smppbridge.flow.waiting import Waiting
from smppbridge.link.server import Answer, BoundLink
from smppbridge.metrics import Metrics
from smppbridge.model.ids import IdSource
from smppbridge.smpp.addresses import DistributionList, SmeAddress
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import (
    CancelSm,
    DataSm,
    QuerySm,
    ReplaceSm,
    Request,
    Response,
    SubmitMulti,
    SubmitSm,
    SubmitSmResp,
)
from smppbridge.store.base import Store
from smppbridge.store.results import Cancelled, Settlement
from smppbridge.submission.appraisal import Appraiser
from tests.support.builders.accounts import account
from tests.support.esme.pending import connected

PHONE = "375291234567"
MULTI = SubmitMulti(dest_address=(SmeAddress(1, 1, PHONE), SmeAddress(1, 1, PHONE)))
STORED = (QuerySm("7"), CancelSm(message_id="7"), CancelSm(destination_addr=PHONE), ReplaceSm("7"))
NOTHING = Settlement([], frozenset(), 0)


class Answers:
    """What is replied, with the statuses of the submit_sm that it stands for."""

    def __init__(self) -> None:
        self.all: list[tuple[int, list[int]]] = []

    def __call__(self, response: Response, submitted: Sequence[int]) -> None:
        self.all.append((response.command_status, list(submitted)))


class Stub:
    """A store all of whose verbs do the same."""

    def __init__(self, verb: Callable[[], Any]) -> None:
        self.called: list[tuple[Any, ...]] = []
        self._verb = verb

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def verb(*arguments: Any) -> Any:
            self.called.append((name, *arguments))
            return self._verb()

        return verb


def after(outcome: Any) -> "Future[Any]":
    """A future that is done already."""
    future: Future[Any] = get_running_loop().create_future()
    if isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
    return future


def never(link: BoundLink, submits: list[SubmitSm], answer: Answer, **how: Any) -> None:
    raise AssertionError("nothing is submitted here")


def requests(store: Stub, accept: Any = never) -> Requests:
    there = cast(Store, store)
    remarks, waiting = Remarks(Metrics(), {}), Waiting(1000, {})
    outcomes = Outcomes(there, Metrics(), lambda: 0, remarks, waiting, lambda account: None)
    appraiser = cast(Appraiser, None)  # nothing comes that far
    fleet = Fleet(Accounts({}))
    rates, pending = Rates(get_running_loop().time), PendingResponses(())
    return Requests(there, accept, appraiser, rates, outcomes, pending, fleet, IdSource(), lambda: 0)


async def turn() -> None:
    """Let callbacks run, and those that they bring."""
    for _ in range(5):
        await after(None)
        future: Future[None] = get_running_loop().create_future()
        get_running_loop().call_soon(future.set_result, None)
        await future


def failing() -> Any:
    raise StoreError("the store is closed")


def cancelled() -> "Future[Any]":
    future: Future[Any] = get_running_loop().create_future()
    future.cancel()
    return future


FAULTS: dict[str, Callable[[], Any]] = {
    "a store that is closed": failing,
    "a store that fails": lambda: after(StoreError("disk full")),
    "a mistake of ours": lambda: after(ZeroDivisionError()),
    "an answer that makes no sense": lambda: after(object()),
    "the end": cancelled,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("pdu", STORED, ids=lambda pdu: type(pdu).__name__)
async def test_a_fault_is_answered_once(pdu: Request, fault: str) -> None:
    async with connected() as link:
        answers = Answers()
        requests(Stub(FAULTS[fault])).handle(link, pdu, answers)
        await turn()
        assert answers.all == [(Status.ESME_RSYSERR, [])]


@pytest.mark.parametrize(("pdu", "count"), [(MULTI, 2), (DataSm(), 1)])
async def test_a_fault_with_submits_is_counted_for_each(pdu: Request, count: int) -> None:
    async with connected() as link:
        answers = Answers()
        requests(Stub(failing), accept=lambda *read, **how: failing()).handle(link, pdu, answers)
        assert answers.all == [(Status.ESME_RSYSERR, [Status.ESME_RSYSERR] * count)]


@pytest.mark.parametrize("pdu", [*STORED, MULTI, DataSm()], ids=lambda pdu: type(pdu).__name__)
async def test_above_the_rate_nothing_is_looked_up(pdu: Request) -> None:
    async with connected() as link:
        link.account = account(rate=0.001, burst=1)
        answers, store = Answers(), Stub(lambda: after(StoreError("disk full")))
        asked = requests(store)
        asked.handle(link, QuerySm("7"), answers)
        await turn()
        assert len(store.called) == 1
        asked.handle(link, pdu, answers)
        count = {SubmitMulti: 2, DataSm: 1}.get(type(pdu), 0)
        assert answers.all[1:] == [(Status.ESME_RTHROTTLED, [Status.ESME_RTHROTTLED] * count)]
        assert len(store.called) == 1


async def test_each_destination_takes_a_token_also_one_that_is_no_phone() -> None:
    came: list[tuple[int, int]] = []

    def accept(link: BoundLink, submits: list[SubmitSm], answer: Answer, **how: Any) -> None:
        came.append((len(submits), how["allowed"]))

    async with connected() as link:
        link.account = account(rate=0.001, burst=8)
        asked = requests(Stub(failing), accept)
        mixed = SubmitMulti(dest_address=(DistributionList("all"), *MULTI.dest_address))
        for _ in range(3):
            asked.handle(link, mixed, Answers())
        assert came == [(2, 2), (2, 2), (2, 1)]
        answers = Answers()
        asked.handle(link, QuerySm("7"), answers)
        assert answers.all == [(Status.ESME_RTHROTTLED, [])]


async def test_the_same_complaint_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async with connected() as link:
        asked = requests(Stub(lambda: after([])))
        for number in range(5):
            asked.handle(link, QuerySm(str(number)), Answers())
            asked.handle(link, ReplaceSm(str(number)), Answers())
        with caplog.at_level(logging.WARNING):
            await turn()
        assert len(caplog.records) == 2


async def test_a_submit_multi_is_answered_with_its_last_destination() -> None:
    came: list[tuple[list[SubmitSm], Answer]] = []

    def accept(link: BoundLink, submits: list[SubmitSm], answer: Answer, **how: Any) -> None:
        assert how == {"one_id": True, "allowed": 2}
        came.append((submits, answer))

    async with connected() as link:
        answers = Answers()
        requests(Stub(failing), accept).handle(link, MULTI, answers)
        [(submits, answer)] = came
        answer(submits[1:], [SubmitSmResp(command_status=Status.ESME_RTHROTTLED)])
        assert answers.all == []
        answer(submits[:1], [SubmitSmResp(message_id="7")])
        assert answers.all == [(0, [0, Status.ESME_RTHROTTLED])]


async def test_cancelling_goes_on_until_nothing_is_left() -> None:
    chunks = [Cancelled(2, [1, 2], NOTHING), Cancelled(1, [3], NOTHING), Cancelled(0, [], NOTHING)]
    async with connected() as link:
        answers, store = Answers(), Stub(lambda: after(chunks.pop(0)))
        requests(store).handle(link, CancelSm(source_addr="A", destination_addr=PHONE), answers)
        await turn()
        assert answers.all == [(0, [])]
        assert (
            store.called
            == [("cancel_pending", link.account.name, PHONE, "A", None, IdSource().next(0), 0)] * 3
        )


async def test_cancelling_that_fails_half_way() -> None:
    chunks: list[Any] = [Cancelled(2, [1, 2], NOTHING), StoreError("disk full")]
    async with connected() as link:
        answers = Answers()
        pdu = CancelSm(destination_addr=PHONE)
        requests(Stub(lambda: after(chunks.pop(0)))).handle(link, pdu, answers)
        await turn()
        assert answers.all == [(Status.ESME_RSYSERR, [])]
