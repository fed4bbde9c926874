"""Brings provider statuses home: from callbacks, from providers that push, and by asking.

Must not know: SMPP, how a provider talks, who waits for a receipt.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence

from smppbridge.logs import event
from smppbridge.metrics import Metrics
from smppbridge.model.message import Settled, State, StatusReport
from smppbridge.store.base import Settling
from smppbridge.store.results import Settlement

log = logging.getLogger(__name__)


class Outcomes:
    """Settles statuses and tells the courier whom they concern."""

    def __init__(
        self,
        store: Settling,
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
