"""Saves what became of messages, and tells those who wait for it once it is on disk.

Must not know: SMPP beyond its statuses, how a provider talks, how it was decided what becomes of a message.
"""

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from smppbridge.flow.tracker import Tracker
from smppbridge.flow.waiters import Waiters
from smppbridge.model.message import Outcome, Sent, Unsent
from smppbridge.smpp.constants import Status
from smppbridge.store.base import Store

_NONE: Mapping[int, int] = MappingProxyType({})


class Recorder:
    """One for all providers."""

    def __init__(self, store: Store, tracker: Tracker, waiters: Waiters) -> None:
        self._store = store
        self._tracker = tracker
        self._waiters = waiters

    def waits(self, message_id: int) -> bool:
        """Whether an ESME waits for what becomes of this message."""
        return self._waiters.waits(message_id)

    async def record(
        self,
        provider: str,
        now: int,
        *,
        sent: Sequence[Sent] = (),
        unsent: Sequence[Unsent] = (),
        outcomes: Sequence[Outcome] = (),
        statuses: Mapping[int, int] = _NONE,
    ) -> None:
        """Save what became of messages of ``provider``; returns after COMMIT. Raises StoreError when any of
        it was not saved: decide and record all of it again then.

        ``statuses``: by message id, what an ESME that waits is refused with (else ESME_RSYSERR). Call it in
        the turn of the loop in which the decisions were made: an ESME that waited then waits still.
        """
        saving = (
            self._store.record_sent(sent, now),
            self._store.record_unsent(unsent),
            self._store.finish(outcomes),
        )
        refused = {
            outcome.id: statuses.get(outcome.id, Status.ESME_RSYSERR)
            for outcome in outcomes
            if outcome.silent
        }
        self._waiters.refuse(refused)
        results = settlement, _, settled = await asyncio.gather(*saving, return_exceptions=True)
        # Answers first: a receipt that overtakes its submit_sm_resp is unknown to the ESME.
        if not isinstance(settlement, BaseException):
            self._waiters.saved(item.id for item in sent)
            self._tracker.applied(provider, settlement)
        if not isinstance(settled, BaseException):
            self._waiters.saved(outcome.id for outcome in outcomes)
            self._tracker.settled(settled)
        else:
            self._waiters.unsaved(refused)
        for result in results:
            if isinstance(result, BaseException):
                raise result
