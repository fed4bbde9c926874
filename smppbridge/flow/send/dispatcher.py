"""Hands queued messages to one provider: claims a batch under a lease, sends it, records the results.

Claims take turns between accounts, so that one sender's bulk never delays another's one-time password. There
is a task for each request, never for each message.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from smppbridge.errors import ProviderError, Throttled, Unavailable, Uncertain
from smppbridge.flow.accounts import Accounts
from smppbridge.flow.health.health import ProviderHealth
from smppbridge.flow.remarks import Remarks
from smppbridge.flow.send.decide import Situation, after_error, result_word
from smppbridge.flow.send.in_hand import InHand
from smppbridge.flow.settle.recorder import Recorder
from smppbridge.flow.worker import Worker, complain, persist
from smppbridge.logs import Complaints, event
from smppbridge.metrics import Metrics
from smppbridge.model.message import Doubt, Message, Outcome, Overdue, Sent, Stage, Unsent
from smppbridge.model.route import Choice
from smppbridge.providers.base import Progress, Provider, SendResult, Stream, Taken
from smppbridge.store.base import Sending
from smppbridge.submission.content import as_sent

log = logging.getLogger(__name__)

GRACE_MS = 15 * 60 * 1000  # how long after the provider's own limit a final status may still come
_CLAIM_AGAIN = 1.0  # seconds after the store refused
_TRIAL_CHOICE = 20  # messages of which, after a pause, the one with the fewest attempts is tried first
_CHUNK = 500  # messages that one step puts off: none may hold up the loop
_IDLE = 60.0  # seconds; a wake comes before when there is work


class Others(Choice, Protocol):
    """All dispatchers: which providers may be used now, and whom to wake for messages that are passed on."""

    def wake(self, provider: str, account: str, count: int = 1) -> None:
        """``count`` messages of the account were queued for this provider."""


class Dispatcher:
    """The queue of one provider.

    ``others`` are all dispatchers, this one among them. ``changed(provider)`` is called when other providers
    may have to take this one's messages, or may pass theirs to it: see `ProviderHealth`. ``clock`` is in ms.
    """

    def __init__(
        self,
        provider: Provider,
        store: Sending,
        recorder: Recorder,
        others: Others,
        accounts: Accounts,
        metrics: Metrics,
        remarks: Remarks,
        clock: Callable[[], int],
        changed: Callable[[str], None],
    ) -> None:
        self.name = provider.name
        self._provider = provider
        self._limits = provider.limits
        self._store = store
        self._metrics = metrics
        self._remarks = remarks
        self._clock = clock
        self._recorder = recorder
        self._others = others
        self._accounts = accounts
        self._loop = asyncio.get_running_loop()
        self._worker = Worker(f"dispatcher {self.name}", self._step)
        self._complaints = Complaints(log)
        self.health = ProviderHealth(provider, metrics, self._loop.time, changed)
        self._turns: dict[str, None] = {}  # accounts that may have queued messages, next turn first
        self._fresh = 0  # messages heard of since the last claim
        self._fill_until = 0.0  # until then a batch is waited for that is full
        self._stopping = False
        self._in_hand = InHand()
        self._saving: set[asyncio.Task[None]] = set()  # messages on their way back to the queue
        self._tasks: set[asyncio.Task[None]] = set()  # hand-overs that take a slot
        self._answering: set[asyncio.Task[None]] = set()  # those that only wait for their last answers

    def start(self) -> None:
        """Begin to send."""
        self._worker.start()

    async def stop(self, grace: float) -> None:
        """Claim no more, and wait up to ``grace`` seconds for the hand-overs under way.

        The provider begins no further request: messages that it has not sent go back to the queue. Hand-overs
        that take longer are cancelled: the next start finds their messages by the lease.
        """
        self._stopping = True
        self._provider.stop()
        ends = self._loop.time() + grace
        await self._worker.stop(grace)
        tasks = self._tasks | self._answering | self._saving
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, ends - self._loop.time()))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self, account: str, count: int = 1) -> None:
        """``count`` messages of the account were queued here. The worker is woken only where that changes
        what it waits for: at the first message of an account, and when a batch is full."""
        if not self._turns:
            self._fill_until = self._loop.time() + self._limits.batch_wait
        known = account in self._turns
        self._turns.setdefault(account)
        self._fresh += count
        if not known or self._fresh - count < self._limits.batch <= self._fresh:
            self._worker.wake()

    def linked(self, why: str) -> None:
        """The provider can be reached (""), or cannot for this reason, for the time being."""
        self.health.linked(why)
        self._worker.wake()

    def in_hand(self, message_id: int) -> bool:
        """Whether the message is being handed over, and its lease not over by a clock that does not jump."""
        return self._in_hand.holds(message_id, self._loop.time())

    def retry(self) -> None:
        """If the provider is down: try it now instead of after its pause."""
        if not self.health.breaker.works:
            self.health.breaker.retry_now()
            self._worker.wake()

    # --- claim ---------------------------------------------------------------------------------

    async def _step(self) -> float:
        now = self._loop.time()
        if not self._turns:
            return _IDLE
        pause = self.health.pause()
        if pause > 0:
            return min(pause, _IDLE)
        if self._fresh < self._limits.batch and now < self._fill_until:
            return self._fill_until - now
        slots = self.health.send_policy.slots
        if not slots.take(self.health.trials, self._worker.wake):
            return _IDLE
        begun = False
        try:
            batch, pause = await self._next_batch()
            if batch:
                self._in_hand.take(batch, now + self._limits.lease)
                task = self._loop.create_task(self._hand_over(batch), name=f"send {self.name}")
                self._tasks.add(task)
                task.add_done_callback(self._handed_over)
                begun = True
        finally:
            if not begun:
                slots.release()
        return pause

    async def _next_batch(self) -> tuple[list[Message], float]:
        """What is to be handed over next, perhaps nothing, and the seconds until there may be more."""
        breaker, bucket = self.health.breaker, self.health.send_policy.bucket
        if breaker.reason and not await self.health.probe():
            return [], min(breaker.wait(self._loop.time()), _IDLE)
        allowed = bucket.take(1 if breaker.on_trial else self._limits.batch, self._loop.time())
        if not allowed:
            return [], bucket.wait(self._loop.time())
        claimed = await self._claim(allowed, among=_TRIAL_CHOICE if breaker.in_doubt else 0)
        if breaker.reason and not claimed:
            self.health.trial_unused()
        batch = self._hold_back(claimed)
        bucket.put_back(allowed - len(batch))
        return batch, 0.0 if self._turns else _IDLE

    async def _claim(self, limit: int, among: int = 0) -> list[Message]:
        """Up to ``limit`` messages: an equal share of each account that may have some, one at least.
        ``among``: see `Sending.claim_messages`.

        An account that used its whole share may have more: it goes to the end of the turns. After a claim
        that failed the account gets its next turn a second later. In its quiet hours an account gets only
        messages with a priority.
        """
        turn = list(self._turns)[:limit]
        share = max(1, limit // len(turn))
        quiet = await self._put_off(turn)
        now = self._clock()
        lease_until = now + round(self._limits.lease * 1000)
        for account in turn:
            del self._turns[account]
        self._fresh = 0
        claims = await asyncio.gather(
            *(
                self._store.claim_messages(
                    self.name, account, share, now, lease_until, among, int(account in quiet)
                )
                for account in turn
            ),
            return_exceptions=True,  # what one claim got must not be lost by the failure of another
        )
        batch: list[Message] = []
        for account, claim in zip(turn, claims, strict=True):
            if isinstance(claim, BaseException):
                complain("claim failed", self.name, claim, provider=self.name)
                self._loop.call_later(_CLAIM_AGAIN, self.wake, account)
                continue
            if len(claim) == share:
                self._turns.setdefault(account)
            settings = self._accounts.get(account)
            batch += claim if settings is None else [as_sent(settings, message) for message in claim]
        return batch

    async def _put_off(self, turn: Sequence[str]) -> frozenset[str]:
        """Those of these accounts that have quiet hours now. Their messages without a priority wait until the
        end of these hours, whatever way they came back to the queue."""
        now, quiet = self._clock(), set()
        for account in turn:
            until = self._accounts.quiet_over(account, now)
            if until > now:
                quiet.add(account)
                while await self._store.put_off(self.name, account, until, _CHUNK) == _CHUNK:
                    pass
        return frozenset(quiet)

    def _hold_back(self, claimed: list[Message]) -> list[Message]:
        """Those that may be sent now. The others are put back to wait: that is saved beside the work, as a
        slow store must not delay the batch."""
        waits = [self._wait(message) for message in claimed]
        if not any(waits):
            return claimed
        now = self._clock()
        held = [
            (message.id, message.attempt, now + round(wait * 1000))
            for message, wait in zip(claimed, waits, strict=True)
            if wait
        ]
        saving = self._loop.create_task(
            persist(f"waits of {self.name}", lambda: self._store.hand_back(held)), name=f"hold {self.name}"
        )
        self._saving.add(saving)
        saving.add_done_callback(self._saving.discard)
        return [message for message, wait in zip(claimed, waits, strict=True) if not wait]

    def _wait(self, message: Message) -> float:
        """Seconds for which a message must not be sent; 0 = it goes now, and counts as sent.

        1. It came from a provider that was to keep its schedule, and this one does not keep schedules.
        2. A limit of this provider: `SendPolicy.hold_back`.
        """
        now = self._clock()
        if message.send_at > now and not self._provider.schedules(message.send_at, now):
            return (message.send_at - now) / 1000
        return self.health.send_policy.hold_back(message, self._loop.time())

    # --- act -----------------------------------------------------------------------------------

    async def _hand_over(self, batch: list[Message]) -> None:
        """Send a batch, and save what becomes of it."""
        began = self._loop.time()
        if isinstance(self._provider, Stream):
            await self._follow(batch, self._provider.begin(batch, self._clock()), began)
        else:
            await self._report(batch, await self._send(batch), began)
        self._metrics.provider_seconds.labels(self.name).observe(self._loop.time() - began)

    async def _follow(self, batch: list[Message], progress: Progress, began: float) -> None:
        """Note results as they come. The slot is free when all messages of the batch are on their way."""
        partly = False
        while not progress.done:
            told = await progress.more()
            if told:
                results = [result for _, result in told]
                messages = [batch[place] for place, _ in told]
                latest = max(began, progress.began)
                await self._report(messages, results, latest, partly=partly, in_order=True)
                partly = partly or any(isinstance(result, Taken) for result in results)
            task = asyncio.current_task()
            if not progress.holding and task in self._tasks:
                self._tasks.discard(task)
                self._answering.add(task)
                self.health.send_policy.slots.sent()
                self._worker.wake()

    async def _report(
        self,
        batch: Sequence[Message],
        results: Sequence[SendResult],
        began: float,
        *,
        partly: bool = False,
        in_order: bool = False,
    ) -> None:
        """Tell metrics and health how messages of a hand-over fared, and save that. ``began``, ``partly`` and
        ``in_order``: see `ProviderHealth.record_results`."""
        self.health.record_balance(self._provider.last_balance)
        for word, count in Counter(
            result_word(None if isinstance(result, Taken) else result) for result in results
        ).items():
            self._metrics.attempts.labels(self.name, word).inc(count)
        self._remarks.results(self.name, batch, results)
        self.health.send_policy.release(batch, results)
        if not self._stopping:
            self.health.record_results(results, batch, began=began, partly=partly, in_order=in_order)
        await persist(f"results of {self.name}", lambda: self._record(batch, results))
        self._in_hand.let_go(batch)

    async def _send(self, batch: list[Message]) -> Sequence[SendResult]:
        """One result for each message. After a mistake in the provider's code all of them are in doubt."""
        try:
            results = await self._provider.send(batch, self._clock())
        except ProviderError as error:
            return [error] * len(batch)
        except Exception:
            log.exception("provider %s: unexpected error while sending", self.name)
            return [Uncertain("internal error while sending")] * len(batch)
        if len(results) == len(batch):
            return results
        log.error("provider %s gave %d results for %d messages", self.name, len(results), len(batch))
        return [Uncertain("internal error: results do not match the batch")] * len(batch)

    def _handed_over(self, task: "asyncio.Task[None]") -> None:
        slots = self.health.send_policy.slots
        if task in self._answering:
            self._answering.discard(task)
            slots.answered()
        else:
            self._tasks.discard(task)
            slots.release()
        self._worker.wake()
        if not task.cancelled() and (error := task.exception()) is not None:
            event(log, logging.ERROR, "hand-over not recorded", provider=self.name, error=str(error))

    # --- record --------------------------------------------------------------------------------

    async def _record(self, batch: Sequence[Message], results: Sequence[SendResult]) -> None:
        """Decide what becomes of each message, and save all of it. Raises StoreError: then nothing is
        saved."""
        now = self._clock()
        sent: list[Sent] = []
        unsent: list[Unsent] = []
        outcomes: list[Outcome] = []
        statuses: dict[int, int] = {}
        for message, result in zip(batch, results, strict=True):
            if isinstance(result, Taken):
                sent.append(self.sent(message, result, now))
                continue
            error: ProviderError = result
            if self._stopping and isinstance(error, Unavailable):
                error = Throttled(error.reason, after=0.0)  # we ended it: the message stays with its provider
            statuses[message.id] = error.status
            decision = after_error(message, error, self.situation(message, now))
            if isinstance(decision, Outcome):
                outcomes.append(decision)
            else:
                unsent.append(decision)
        await self._recorder.record(
            self.name, now, sent=sent, unsent=unsent, outcomes=outcomes, statuses=statuses
        )
        self._pass_on(batch, unsent)

    def situation(self, message: Message | Doubt | Overdue, now: int) -> Situation:
        """What a decision about a message depends on. ``now`` in ms."""
        ask_after = self._limits.find_first if self._limits.find_interval else 0.0
        policy, waited = self._accounts.uncertain(message.account), self._recorder.waits(message.id)
        return Situation(now, self._others, policy, random.random(), ask_after, waited)

    def sent(self, message: Message | Doubt, taken: Taken, now: int) -> Sent:
        """The record of a message that the provider has, with the times (ms) of its status questions.

        Both count from when the provider sends the message, which may be later than ``now``. A few of those
        that it sends now are asked about early, where it allows that. The message is given up
        `GRACE_MS` after its deadline, or after the provider's own limit where that comes first.
        """
        limits, begins = self._limits, max(now, message.send_at)
        validity = min(message.deadline - begins, round(limits.validity_max * 1000))
        give_up = begins + max(validity, 0) + GRACE_MS
        first = limits.poll_first
        if limits.poll_early and begins <= now and self.health.send_policy.asks_early(self._loop.time()):
            first = limits.poll_early[0]
        poll_at = begins + round(first * 1000) if limits.poll_interval else give_up
        whose = (message.id, message.account, message.attempt)
        return Sent(*whose, taken.ref, taken.packet, poll_at, give_up, taken.parts, taken.told)

    def _pass_on(self, batch: Sequence[Message], unsent: Sequence[Unsent]) -> None:
        account_of = {message.id: message.account for message in batch}
        for item in unsent:
            if item.stage == Stage.QUEUED:
                self._others.wake(item.provider, account_of[item.id])
            elif item.stage == Stage.UNCERTAIN:
                what = "message is uncertain and held: the provider may or may not have it"
                now, reason = self._loop.time(), item.reason
                self._complaints(now, what, reason, id=item.id, provider=self.name, reason=reason)
