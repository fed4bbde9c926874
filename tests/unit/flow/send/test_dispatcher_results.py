"""What becomes of a hand-over: its results are saved, counted and told to who it concerns."""

import asyncio
from typing import Any

import pytest

from smppbridge.errors import (
    UNFIT,
    Disabled,
    Postponed,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from smppbridge.flow.send.dispatcher import GRACE_MS
from smppbridge.model.message import Particulars, Sent, Stage, State
from smppbridge.providers.base import Taken
from smppbridge.smpp.constants import Status
from tests.support.builders import messages
from tests.support.builders.rows import DAY, HOUR, NOW, segment
from tests.support.esme.pending import Read, connected, refused, taken
from tests.support.system.virtual_time import moment
from tests.unit.flow.send.rig import Lab, Rig, rigged, sending, times

pytestmark = pytest.mark.virtual_time

MINUTE = 60_000


async def place(rig: Rig, message_id: int) -> tuple[Stage, str, int]:
    """Stage, provider, and completed rounds through the route."""
    row = await rig.row(message_id)
    return Stage(row.stage), row.provider, row.tries


# --- what was taken --------------------------------------------------------------------------------


async def test_what_was_taken_is_sent_with_its_references() -> None:
    lab = Lab(poll_first=300.0, poll_interval=300.0)
    lab.answers += [Taken("ref-7", "packet-7"), Taken("ref-8", parts=("ref-9",))]
    async with sending(lab) as rig:
        await rig.queue(segment(1), segment(2))
        await moment()
        assert await place(rig, 1) == (Stage.SENT, "lab", 0)
        assert await rig.disk.known_refs("lab", ["ref-7", "ref-8", "ref-9"]) == {"ref-7", "ref-8", "ref-9"}
        assert await rig.disk.claim_polls("lab", NOW + 299_000, 9, 1, 0) == []
        polls = await rig.disk.claim_polls("lab", NOW + 300_000, 9, 1, 0)
        assert [(poll.provider_ref, poll.packet_ref) for poll in polls] == [
            ("ref-7", "packet-7"),
            ("ref-8", ""),
        ]
        assert rig.attempts("lab", "sent") == 2


@pytest.mark.parametrize(
    ("limits", "message", "poll_at", "give_up"),
    [
        ({}, {}, 300_000, DAY),
        ({"validity_max": 3600.0}, {}, 300_000, HOUR),
        ({"validity_max": 3600.0}, {"deadline": NOW + MINUTE}, 300_000, MINUTE),
        (
            {"validity_max": 3600.0},
            {"send_at": NOW + DAY, "deadline": NOW + 7 * DAY},
            DAY + 300_000,
            DAY + HOUR,
        ),
        ({"validity_max": 3600.0}, {"send_at": NOW - DAY}, 300_000, HOUR),
        ({}, {"deadline": NOW - HOUR}, 300_000, 0),
        ({"poll_first": 1.5}, {}, 1_500, DAY),
        ({"poll_interval": 0.0}, {}, DAY + GRACE_MS, DAY),
    ],
    ids=["deadline", "validity_max", "early", "scheduled", "past schedule", "over", "poll_first", "no polls"],
)
async def test_when_a_message_is_asked_about_and_given_up(
    limits: dict[str, Any], message: dict[str, Any], poll_at: int, give_up: int
) -> None:
    lab = Lab(**{"poll_interval": 300.0, "validity_max": 7 * 86400.0, **limits})
    async with rigged(lab) as rig:
        plain = {"deadline": NOW + DAY, "attempt": 3, **message}
        told = Particulars(price=2_960_000, currency="RUB")
        taken = Taken("ref", "packet", ("a", "b"), told)
        sent = rig.fleet["lab"].sent(messages.message(1, **plain), taken, NOW)
        until = NOW + give_up + 15 * MINUTE
        assert sent == Sent(1, "pbx", 3, "ref", "packet", NOW + poll_at, until, ("a", "b"), told)


async def test_few_messages_are_asked_about_early() -> None:
    """A quarter of a question's messages in 10 s: their questions never fill a question each 10 s."""
    lab = Lab(poll_early=(10.0, 30.0), poll_first=60.0, poll_interval=240.0, poll_batch=40)
    async with rigged(lab) as rig:

        def asked_at(count: int, **changes: Any) -> list[int]:
            taken = [
                rig.fleet["lab"].sent(messages.message(1, deadline=NOW + DAY, **changes), Taken("ref"), NOW)
                for _ in range(count)
            ]
            return [sent.poll_at - NOW for sent in taken]

        assert asked_at(3, send_at=NOW + HOUR) == [HOUR + 60_000] * 3  # they may all begin at the same time
        assert asked_at(12) == [10_000] * 10 + [60_000] * 2
        await asyncio.sleep(5.0)
        assert asked_at(6) == [10_000] * 5 + [60_000]


async def test_nobody_is_asked_early_who_does_not_allow_it() -> None:
    async with rigged(Lab(poll_first=60.0, poll_interval=240.0)) as rig:
        sent = rig.fleet["lab"].sent(messages.message(1, deadline=NOW + DAY), Taken("ref"), NOW)
        assert sent.poll_at == NOW + 60_000


# --- what was not taken ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "stage", "provider", "tries", "due"),
    [
        (Throttled("slow down", after=7.0), Stage.WAITING, "lab", 0, 7_000),
        (Postponed("not at night", after=60.0), Stage.WAITING, "lab", 0, MINUTE),
        (Uncertain("read timeout"), Stage.UNCERTAIN, "lab", 0, DAY),
        (Rejected("no such number", code="215", err=215), Stage.FINAL, "lab", 0, None),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_each_message_of_a_batch_has_its_own_result(
    error: ProviderError, stage: Stage, provider: str, tries: int, due: int | None
) -> None:
    lab, spare = Lab(), Lab("spare")
    lab.answers += [Taken("ref-1"), error, Taken("ref-3")]
    async with sending(lab, spare) as rig:
        await rig.queue(*(segment(number) for number in (1, 2, 3)))
        await moment()
        assert [await place(rig, number) for number in (1, 3)] == [(Stage.SENT, "lab", 0)] * 2
        assert await place(rig, 2) == (stage, provider, tries)
        found = await rig.found(2)
        assert found.due_at == (None if due is None else NOW + due)
        if stage == Stage.FINAL:
            assert (found.state, found.err, rig.owed) == (State.REJECTED, 215, ["pbx"])
        word = type(error).__name__.lower()
        assert (rig.attempts("lab", "sent"), rig.attempts("lab", word)) == (2, 1)
        assert spare.batches == []


@pytest.mark.parametrize("error", [Unavailable("connection refused"), Disabled("wrong key", pause=60.0)])
async def test_the_next_provider_gets_at_once_what_the_first_did_not_take(error: ProviderError) -> None:
    lab, spare = Lab(delay=2.0), Lab("spare")
    async with sending(lab, spare) as rig:
        lab.errors.append(error)  # raised: the same for each message
        await rig.queue(segment(1), segment(2))
        await asyncio.sleep(3)
        assert (lab.batches, spare.batches, times(spare)) == ([[1, 2]], [[1, 2]], [2.0, 2.0])
        assert await place(rig, 1) == (Stage.SENT, "spare", 0)


async def test_after_the_last_provider_a_message_backs_off() -> None:
    lab, spare = Lab(), Lab("spare")
    lab.answers.append(Unavailable("connection refused"))
    spare.answers.append(Unavailable("connection refused"))
    async with sending(lab, spare) as rig:
        await rig.queue(segment(1))
        await moment()
        assert await place(rig, 1) == (Stage.WAITING, "lab", 1)
        due = (await rig.found(1)).due_at
        assert due == NOW + 5_000


async def test_a_doubt_that_nobody_can_be_asked_about_is_told(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab()
    lab.answers += [Uncertain("read timeout"), Taken("ref-2"), Throttled("slow down", after=1.0)]
    async with sending(lab) as rig:
        await rig.queue(*(segment(number) for number in (1, 2, 3)))
        await moment()
        [line] = [record for record in caplog.records if "uncertain and held" in record.message]
        assert line.levelname == "WARNING"
        assert line.__dict__["fields"] == {"id": 1, "provider": "lab", "reason": "read timeout"}


@pytest.mark.parametrize(
    ("limits", "due"),
    [({"find_interval": 60.0, "find_first": 20.0}, 20_000), ({"find_first": 20.0}, DAY)],
    ids=["askable", "not askable"],
)
async def test_a_doubt_is_asked_about_first_where_that_can_be_done(limits: dict[str, Any], due: int) -> None:
    lab = Lab(**limits)
    lab.answers.append(Uncertain("read timeout"))
    async with sending(lab) as rig:
        await rig.queue(segment(1))
        await moment()
        held = await rig.found(1)
        assert (held.stage, held.due_at) == (Stage.UNCERTAIN, NOW + due)


@pytest.mark.parametrize(("policy", "stage"), [("resend", Stage.WAITING), ("fail", Stage.FINAL)])
async def test_the_policy_of_the_account_decides_about_a_doubt(policy: str, stage: Stage) -> None:
    lab = Lab()
    lab.answers.append(Uncertain("read timeout"))
    async with sending(lab, uncertain=policy) as rig:
        await rig.queue(segment(1))
        await moment()
        assert (await rig.row(1)).stage == stage


async def test_what_was_not_taken_does_not_count_for_the_limits() -> None:
    lab = Lab(same_text_gap=600.0, flood_count=1, flood_gap=600.0)
    lab.answers += [Throttled("slow down", after=1.0), Postponed("too soon", after=1.0)]
    async with sending(lab) as rig:
        for number in (1, 2, 3, 4):
            await rig.queue(segment(number))
            await asyncio.sleep(2)
        assert lab.batches == [[1], [2], [3]]  # what was taken counts
        assert (await rig.found(4)).due_at == NOW + 604_000


# --- results that make no sense ----------------------------------------------------------------------


async def test_an_unexpected_error_leaves_messages_in_doubt(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab()
    lab.errors.append(ZeroDivisionError("a mistake of ours"))
    async with sending(lab) as rig:
        await rig.queue(segment(1), segment(2))
        await moment()
        assert [await place(rig, number) for number in (1, 2)] == [(Stage.UNCERTAIN, "lab", 0)] * 2
        assert "provider lab: unexpected error while sending" in caplog.text
        assert "ZeroDivisionError" in caplog.text
        await rig.queue(segment(3))
        await moment()
        assert lab.batches == [[1, 2], [3]]
        held = [record for record in caplog.records if "uncertain and held" in record.message]
        assert {line.__dict__["fields"]["reason"] for line in held} == {"internal error while sending"}


async def test_more_results_than_messages_leave_these_in_doubt(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab()
    lab.extra = [Taken("ref-9")]
    async with sending(lab) as rig:
        await rig.queue(segment(1), segment(2))
        await moment()
        assert [await place(rig, number) for number in (1, 2)] == [(Stage.UNCERTAIN, "lab", 0)] * 2
        assert "provider lab gave 3 results for 2 messages" in caplog.text
        held = [record for record in caplog.records if "uncertain and held" in record.message]
        assert {line.__dict__["fields"]["reason"] for line in held} == {
            "internal error: results do not match the batch"
        }


# --- what it says about the provider -----------------------------------------------------------------


async def test_hand_overs_are_counted_and_timed() -> None:
    lab = Lab(delay=2.0, batch=2)
    async with sending(lab) as rig:
        await rig.queue(*(segment(number) for number in (1, 2, 3)))
        await asyncio.sleep(10)
        assert rig.attempts("lab", "sent") == 3
        assert rig.value("provider_seconds_count", provider="lab") == 2
        assert rig.value("provider_seconds_sum", provider="lab") == pytest.approx(4.0)


async def test_a_balance_that_comes_with_an_answer_counts() -> None:
    lab = Lab(low_balance=100.0, leave_when_low=True)
    lab.last_balance = 99.0
    async with sending(lab) as rig:
        await rig.queue(segment(1))
        await moment()
        assert rig.value("provider_balance", provider="lab") == 99
        assert (rig.fleet.usable("lab"), rig.fleet.working("lab")) == (False, True)
        assert rig.value("provider_low_balance", provider="lab") == 1
        assert lab.balances_asked == 0


async def test_three_failures_in_a_row_are_a_pause() -> None:
    lab = Lab(batch=1)
    lab.answers += [Unavailable("connection refused")] * 3
    async with sending(lab) as rig:
        await rig.queue(*(segment(number, route="lab") for number in range(1, 6)))
        await moment()
        assert lab.batches == [[1], [2], [3]]
        assert (rig.fleet.working("lab"), rig.changes) == (False, ["lab"])


async def test_what_began_before_a_failure_proves_nothing() -> None:
    lab = Lab(batch=1, parallel=2, delay=5.0)
    lab.answers += [Taken("ref-1"), Disabled("wrong key", pause=60.0)]
    async with sending(lab) as rig:
        lab.delay = 10.0
        await rig.queue(segment(1, route="lab"))
        await moment()
        lab.delay = 5.0
        await rig.queue(segment(2, route="lab"))
        await asyncio.sleep(11)
        assert lab.ended == [[2], [1]]
        assert not rig.fleet.working("lab")
        assert (await rig.row(1)).stage == Stage.SENT


async def test_what_was_not_even_sent_does_not_prove_that_a_provider_works() -> None:
    lab = Lab(batch=1)
    lab.answers += [Disabled("wrong key", pause=5.0), Rejected("not one of its services", code=UNFIT)]
    async with sending(lab) as rig:
        await rig.queue(*(segment(number, route="lab") for number in (1, 2)))
        await asyncio.sleep(6)
        assert (lab.batches, rig.attempts("lab", "rejected")) == ([[1], [2]], 1)
        assert rig.value("provider_up", provider="lab") == 0
        await rig.queue(segment(3))
        await moment()
        assert rig.value("provider_up", provider="lab") == 1


async def test_refusals_in_a_row_pause_the_provider_until_a_person_has_looked() -> None:
    lab = Lab(batch=1, refusals_in_row=3, refusals_window=600.0)
    lab.answers += [Rejected("no such number", code="215", err=215)] * 3
    async with sending(lab) as rig:
        await rig.queue(*(segment(number, route="lab") for number in range(1, 6)))
        await asyncio.sleep(300)
        assert lab.batches == [[1], [2], [3]]
        assert "3 messages in a row were refused" in rig.fleet["lab"].health.reason
        rig.fleet.retry()
        await moment()
        assert lab.batches == [[1], [2], [3], [4], [5]]
        assert rig.value("provider_up", provider="lab") == 1


async def test_without_money_no_message_is_tried_before_some_is_paid_in() -> None:
    lab = Lab()
    lab.answers.append(Disabled("no money", pause=30.0, status=Status.ESME_RNOMONEY))
    lab.money = -5.0
    async with sending(lab, proven=False) as rig:
        await rig.queue(*(segment(number, route="lab") for number in range(1, 5)))
        await asyncio.sleep(31)
        assert (lab.batches, lab.balances_asked) == ([[1]], 1)
        await asyncio.sleep(300)
        assert (lab.batches, lab.balances_asked) == ([[1]], 2)
        rig.fleet["lab"].retry()
        await moment()
        assert (lab.batches, lab.balances_asked) == ([[1]], 3)
        lab.money = -4.0  # an account that lives below zero
        rig.fleet.retry()
        await moment()
        assert (lab.batches, lab.balances_asked) == ([[1], [2], [3, 4]], 4)


# --- ESMEs that wait for the answer --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Rejected("no such number", status=Status.ESME_RINVDSTADR), Status.ESME_RINVDSTADR),
        (Unavailable("connection refused"), Status.ESME_RSYSERR),
        (Disabled("no money", pause=60.0, status=Status.ESME_RNOMONEY), Status.ESME_RNOMONEY),
    ],
)
async def test_an_esme_that_waits_is_told_why_its_message_is_refused(
    error: ProviderError, status: Status
) -> None:
    lab = Lab()
    lab.answers += [error, Taken("ref-2")]
    async with sending(lab) as rig, connected() as link:
        read = Read(link)
        for number in (1, 2):
            rig.pending.add(number, read.pending(number))
        await rig.queue(segment(1, route="lab"), segment(2, route="lab"))
        await moment()
        assert sorted(answer for call in read.calls for answer in call) == [refused(1, status), taken(2)]
        assert ((await rig.found(1)).state, rig.owed) == (State.REJECTED, [])


# --- stores that fail ----------------------------------------------------------------------------------


async def test_results_are_saved_as_soon_as_the_store_works_again() -> None:
    lab = Lab()
    async with sending(lab) as rig:
        rig.store.failing = {"record"}
        await rig.queue(segment(1))
        await asyncio.sleep(100)
        assert (await rig.row(1)).stage == Stage.SENDING
        rig.store.failing = set()
        await asyncio.sleep(10)
        assert (await rig.row(1)).stage == Stage.SENT
        assert rig.attempts("lab", "sent") == 1
