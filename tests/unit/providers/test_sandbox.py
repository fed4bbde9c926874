"""The provider without a network."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import pytest

from smppbridge.errors import StoreError, Unavailable
from smppbridge.model.message import Draft, State, StatusReport
from smppbridge.providers.base import Callback, News, Provider, Taken
from smppbridge.providers.sandbox import MAX_WAITING, RETRY_PAUSE, Sandbox, SandboxOptions
from tests.support.builders.messages import NOW, message, poll
from tests.support.builders.upcalls import Upcalls

pytestmark = pytest.mark.virtual_time


class Store:
    """Collects what is reported; the first ``failures`` reports raise ``error``."""

    def __init__(self, failures: int = 0, error: Exception | None = None) -> None:
        self.reports: list[StatusReport] = []
        self.batches = 0
        self._failures = failures
        self._error = error or StoreError("disk full")

    async def report(self, news: Sequence[News]) -> None:
        self.batches += 1
        await asyncio.sleep(0)
        if self._failures:
            self._failures -= 1
            raise self._error
        self.reports.extend(one for one in news if isinstance(one, StatusReport))

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.reports) < count:
                await asyncio.sleep(0.005)


def make(*, retry_pause: float = RETRY_PAUSE, max_waiting: int = MAX_WAITING, **keys: object) -> Sandbox:
    options = {"kind": "sandbox", "delay": 0.05, "outcomes": {"DELIVRD": 1}, **keys}
    return Sandbox(
        "lab", SandboxOptions.model_validate(options), retry_pause=retry_pause, max_waiting=max_waiting
    )


async def test_everything_is_taken_and_reported_after_the_delay() -> None:
    provider, store = make(), Store()
    await provider.start(Upcalls(store.report))
    began = asyncio.get_running_loop().time()
    results = await provider.send([message(n) for n in range(1, 4)], NOW)
    refs = [result.ref for result in results if isinstance(result, Taken)]
    assert len(set(refs)) == 3
    assert store.reports == []
    await store.wait(3)
    assert asyncio.get_running_loop().time() - began >= 0.05
    assert store.reports == [StatusReport(ref, State.DELIVERED, True, 0, "DELIVRD") for ref in refs]
    await provider.close()


async def test_later_batches_come_too() -> None:
    provider, store = make(delay=0.01), Store()
    await provider.start(Upcalls(store.report))
    for n in range(1, 4):
        await provider.send([message(n)], NOW)
        await store.wait(n)
    await provider.close()


async def test_a_refused_report_is_tried_again() -> None:
    provider, store = make(delay=0, retry_pause=0.01), Store(failures=3)
    await provider.start(Upcalls(store.report))
    await provider.send([message(1), message(2)], NOW)
    await store.wait(2)
    assert (len(store.reports), store.batches) == (2, 4)
    await provider.close()


async def test_any_other_failure_is_logged_and_later_outcomes_come(
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider, store = make(delay=0, retry_pause=0.01), Store(failures=1, error=ZeroDivisionError("a mistake"))
    await provider.start(Upcalls(store.report))
    (lost,) = await refs_for(provider, range(1, 2))
    async with asyncio.timeout(30):
        while not caplog.records:
            await asyncio.sleep(0.005)
    (later,) = await refs_for(provider, range(2, 3))
    await store.wait(1)
    assert [report.provider_ref for report in store.reports] == [later]
    assert [report.final for report in await provider.status([poll(lost, NOW)])] == [True]
    (record,) = caplog.records
    assert (record.levelname, record.exc_info is not None) == ("ERROR", True)
    assert "lab" in record.getMessage()
    await provider.close()


async def test_after_stop_nothing_is_taken_and_what_was_taken_is_reported() -> None:
    provider, store = make(), Store()
    await provider.start(Upcalls(store.report))
    refs = await refs_for(provider, range(2))
    provider.stop()
    results = await provider.send([message(3), message(4)], NOW)
    assert [type(result) for result in results] == [Unavailable] * 2
    await store.wait(2)
    assert [report.provider_ref for report in store.reports] == refs
    await provider.close()


def outcomes_of(refs: Sequence[str]) -> Counter[str]:
    return Counter(ref.rpartition(".")[2] for ref in refs)


async def refs_for(provider: Sandbox, ids: range) -> list[str]:
    results = await provider.send([message(n) for n in ids], NOW)
    return [result.ref for result in results if isinstance(result, Taken)]


async def test_outcomes_follow_the_weights_and_repeat() -> None:
    provider = make(outcomes={"DELIVRD": 70, "UNDELIV": 20, "EXPIRED": 10, "DELETED": 0})
    refs = await refs_for(provider, range(10_000))
    counted = outcomes_of(refs)
    assert counted.keys() == {"DELIVRD", "UNDELIV", "EXPIRED"}
    for word, share in (("DELIVRD", 7000), ("UNDELIV", 2000), ("EXPIRED", 1000)):
        assert abs(counted[word] - share) < 200
    assert (
        await refs_for(
            make(outcomes={"DELIVRD": 70, "UNDELIV": 20, "EXPIRED": 10, "DELETED": 0}), range(10_000)
        )
        == refs
    )


@pytest.mark.parametrize(
    ("word", "state", "err"),
    [
        ("DELIVRD", State.DELIVERED, 0),
        ("UNDELIV", State.UNDELIVERABLE, 1),
        ("EXPIRED", State.EXPIRED, 1),
        ("REJECTD", State.REJECTED, 1),
        ("DELETED", State.DELETED, 1),
        ("UNKNOWN", State.UNKNOWN, 1),
    ],
)
async def test_every_outcome_by_status_question_after_a_restart(word: str, state: State, err: int) -> None:
    before = make(outcomes={word: 1})
    now = int(time.time() * 1000)
    (early,) = await before.send([message(1)], now - 1000)
    (late,) = await before.send([message(2)], now + 60_000)
    assert isinstance(early, Taken)
    assert isinstance(late, Taken)
    after = make()
    assert await after.status([poll(early.ref, now), poll(late.ref, now)]) == [
        StatusReport(early.ref, state, True, err, word),
        StatusReport(late.ref, State.ENROUTE, False, 0, "ENROUTE"),
    ]


@pytest.mark.parametrize(
    "ref", ["", "1", "1.2", "1.2.LOSTLOST", "1.2.ABCDEFG", "x.2.DELIVRD", "1.2.DELIVRD.3"]
)
async def test_foreign_references_are_left_out(ref: str) -> None:
    assert await make().status([poll(ref, NOW)]) == []


async def test_memory_is_bounded_and_the_rest_is_found_by_asking() -> None:
    provider, store = make(max_waiting=2), Store()
    await provider.start(Upcalls(store.report))
    refs = await refs_for(provider, range(5))
    await store.wait(2)
    await asyncio.sleep(0.02)
    assert [report.provider_ref for report in store.reports] == refs[:2]
    await provider.close()
    assert len(await provider.status([poll(ref, NOW) for ref in refs])) == 5


async def test_closing_twice_or_unstarted_is_harmless() -> None:
    provider = make()
    await provider.close()
    await provider.start(Upcalls(Store().report))
    await provider.close()
    await provider.close()


async def test_the_rest_of_the_protocol() -> None:
    provider: Provider = make(batch=7, parallel=2)
    assert (provider.limits.batch, provider.limits.parallel) == (7, 2)
    assert provider.limits.poll_first > 0.05
    provider.check(Draft("79000000001", "", ""))
    assert await provider.balance() is None
    assert provider.last_balance is None
    with pytest.raises(ValueError):
        provider.parse_callback(Callback("GET", {}, {}))
