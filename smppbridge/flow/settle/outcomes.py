"""Brings provider statuses home: from callbacks, from providers that push, and by asking.

Must not know: SMPP, how a provider talks, who waits for a receipt.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence

from smppbridge.errors import ProviderError, Rejected
from smppbridge.flow.health.health import Standing
from smppbridge.flow.worker import Asker
from smppbridge.logs import event
from smppbridge.metrics import Metrics
from smppbridge.model.message import Poll, Settled, State, StatusReport
from smppbridge.providers.base import Provider
from smppbridge.store.base import Settlement, Store

log = logging.getLogger(__name__)

_KIND = "statuses"
_LOOK = 10.0  # seconds between two looks for something to ask about


class Tracker:
    """Settles statuses and tells the courier whom they concern."""

    def __init__(
        self,
        store: Store,
        metrics: Metrics,
        clock: Callable[[], int],
        owed: Callable[[str], None],
        alerted: Callable[[str], None] = lambda account: None,
    ) -> None:
        """``owed(account)`` hears of receipts, ``alerted(account)`` of alerts."""
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._owed = owed
        self._alerted = alerted

    async def settle(self, provider: str, reports: Sequence[StatusReport]) -> None:
        """Apply statuses; returns after COMMIT. Raises StoreError: then nothing was applied."""
        settlement = await self._store.settle(provider, reports, self._clock())
        self.applied(provider, settlement)

    def applied(self, provider: str, settlement: Settlement) -> None:
        """Count and pass on what a settlement did."""
        if settlement.late:
            self._metrics.late_statuses.labels(provider).inc(settlement.late)
            event(
                log,
                logging.INFO,
                "status for a final message ignored",
                provider=provider,
                count=settlement.late,
            )
        self.ended(settlement)

    def ended(self, settlement: Settlement) -> None:
        """Pass on what became final, and who is owed receipts for it."""
        for account in settlement.notified:
            self._owed(account)
        for account in settlement.alerted:
            self._alerted(account)
        self.settled(settlement.settled)

    def settled(self, messages: Sequence[Settled]) -> None:
        """These became final: count them, and wake whoever delivers their receipts."""
        now = self._clock()
        for (provider, state), count in Counter((item.provider, item.state) for item in messages).items():
            self._metrics.outcomes.labels(provider, State(state).name).inc(count)
        for item in messages:
            self._metrics.delivery_seconds.labels(item.provider).observe((now - item.submitted_at) / 1000)
        for account in {item.account for item in messages if item.owed}:
            self._owed(account)


class Poller(Asker):
    """Asks one provider for statuses: never for nothing, for too many, for too old ones, or too often."""

    def __init__(
        self,
        provider: Provider,
        store: Store,
        tracker: Tracker,
        clock: Callable[[], int],
        standing: Standing,
    ) -> None:
        super().__init__(f"poller {provider.name}", provider.limits.poll_interval)
        self._provider = provider
        self._store = store
        self._tracker = tracker
        self._clock = clock
        self._standing = standing
        self._questions = standing.conduct.questions
        self._limit = provider.limits.poll_batch
        self._refused: set[int] = set()  # messages about which the provider does not want to be asked

    async def _step(self) -> float:
        limits = self._provider.limits
        loop = asyncio.get_running_loop()
        wait = self._standing.pause() or self._questions.wait(_KIND, loop.time())
        if wait > 0:
            return min(wait, _LOOK)
        now = self._clock()
        claimed = await self._store.claim_polls(
            self._provider.name,
            now,
            self._limit,
            round(limits.poll_interval * 1000),
            round(limits.poll_slowest * 1000),
        )
        oldest = now - round(limits.poll_max_age * 1000)
        polls = [poll for poll in claimed if poll.id not in self._refused and poll.sent_at > oldest]
        if not polls:
            self._questions.withdraw(_KIND)
            return 0.0 if claimed else min(limits.poll_interval, _LOOK)
        self._questions.asked(_KIND, loop.time())
        try:
            reports = await self._provider.status(polls)
        except ProviderError as error:
            self._failed(error, polls)
        else:
            self._limit = limits.poll_batch
            await self._tracker.settle(self._provider.name, reports)
        return 0.0 if len(claimed) == self._limit else min(limits.poll_interval, _LOOK)

    def _failed(self, error: ProviderError, polls: Sequence[Poll]) -> None:
        event(
            log, logging.WARNING, "status question failed", provider=self._provider.name, reason=error.reason
        )
        if not isinstance(error, Rejected):
            self._standing.question_failed(error)
        elif len(polls) > 1:
            self._limit = len(polls) // 2  # one of them spoils the question: find out which
        else:
            self._limit = self._provider.limits.poll_batch
            self._refused.add(polls[0].id)
            event(log, logging.WARNING, "message is not asked about any more", id=polls[0].id)
