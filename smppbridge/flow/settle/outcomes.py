"""What became of messages: provider statuses are stored here, and results are announced here.

Statuses come from callbacks, from providers that push, and from the poller (`poller.Poller`).
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from smppbridge.flow.remarks import Remarks
from smppbridge.flow.waiting import Waiting
from smppbridge.logs import event
from smppbridge.metrics import Metrics
from smppbridge.model.message import Settled, State, StatusReport
from smppbridge.store.base import Settling
from smppbridge.store.results import Settlement

log = logging.getLogger(__name__)


class Outcomes:
    """Stores provider statuses. Announces final states to the metrics and to the courier, and to the count of
    those that wait what waits no longer."""

    def __init__(
        self,
        store: Settling,
        metrics: Metrics,
        clock: Callable[[], int],
        remarks: Remarks,
        waiting: Waiting,
        owed: Callable[[str], None],
        alerted: Callable[[str], None] = lambda account: None,
    ) -> None:
        """``owed(account)`` is called when a receipt is owed, ``alerted(account)`` when an alert is."""
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._owed = owed
        self._alerted = alerted
        self._remarks = remarks
        self._waiting = waiting

    async def settle(self, provider: str, reports: Sequence[StatusReport]) -> None:
        """Apply statuses of ``provider`` and announce what they did. Returns after COMMIT.

        Raises StoreError: then nothing was applied, and the statuses have to be told again."""
        settlement = await self._store.settle(provider, reports, self._clock())
        self.announce_statuses(provider, settlement)

    def announce_statuses(self, provider: str, settlement: Settlement) -> None:
        """Announce what statuses of ``provider`` did, and count those that came too late."""
        self._remarks.refused(provider, settlement.refused)
        self._remarks.spent(provider, settlement.spent)
        self._remarks.replaced(provider, settlement.replaced)
        if settlement.late:
            self._metrics.late_statuses.labels(provider).inc(settlement.late)
            event(
                log,
                logging.INFO,
                "status for a final message ignored",
                provider=provider,
                count=settlement.late,
            )
        self.announce(settlement)

    def announce(self, settlement: Settlement) -> None:
        """Announce a settlement, whatever brought it about."""
        for account in settlement.notified:
            self._owed(account)
        for account in settlement.alerted:
            self._alerted(account)
        self.announce_final(settlement.settled)

    def announce_left(self, counts: Mapping[str, int]) -> None:
        """So many messages of these accounts wait no longer: a provider took them, or they ended."""
        for account, count in counts.items():
            self._waiting.left(account, count)

    def announce_final(self, messages: Sequence[Settled]) -> None:
        """These messages became final: count them, and wake the courier for the receipts that are owed."""
        now = self._clock()
        for (provider, state), count in Counter((item.provider, item.state) for item in messages).items():
            self._metrics.outcomes.labels(provider, State(state).name).inc(count)
        for item in messages:
            self._metrics.delivery_seconds.labels(item.provider).observe((now - item.submitted_at) / 1000)
        self.announce_left(Counter(item.account for item in messages if item.unsent))
        for account in {item.account for item in messages if item.owed}:
            self._owed(account)
