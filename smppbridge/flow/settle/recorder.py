"""Saves what became of messages, and tells those who wait for it once it is on disk.

Must not know: SMPP beyond its statuses, how a provider talks, how it was decided what becomes of a message.
"""

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.settle.pending import PendingResponses
from smppbridge.model.message import Outcome, Sent, Unsent
from smppbridge.smpp.constants import Status
from smppbridge.store.base import Sending
from smppbridge.store.results import Recorded

_NONE: Mapping[int, int] = MappingProxyType({})


class Recorder:
    """One for all providers."""

    def __init__(self, store: Sending, outcomes: Outcomes, pending: PendingResponses) -> None:
        self._store = store
        self._outcomes = outcomes
        self._pending = pending

    def waits(self, message_id: int) -> bool:
        """Whether an ESME waits for what becomes of this message."""
        return self._pending.waits(message_id)

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
        """Save what became of messages of ``provider``, all of it or nothing; returns after COMMIT. Raises
        StoreError when it was not saved: who was to be refused has been told then that the message is taken,
        as it is stored, so decide and record all of it anew.

        ``statuses``: by message id, what an ESME that waits is refused with (else ESME_RSYSERR). Call it in
        the turn of the loop in which the decisions were made: an ESME that waited then waits still.

        Cancelling the caller neither ends the saving nor keeps an answer back. Two limits: while the disk
        hangs, a refusal waits for it, longer than the patience if need be; and an ESME that goes away while
        its refusal is being saved gets neither that answer nor a receipt. It has no message_id to know the
        message by, and nobody has sent it: it may submit the same once more.
        """
        refused = {
            outcome.id: statuses.get(outcome.id, Status.ESME_RSYSERR)
            for outcome in outcomes
            if outcome.silent
        }

        def saved(future: "asyncio.Future[Recorded]") -> None:
            if future.cancelled() or future.exception() is not None:
                self._pending.unsaved(refused)
                return
            # Answers first: a receipt that overtakes its submit_sm_resp is unknown to the ESME.
            self._pending.saved([*(item.id for item in sent), *(outcome.id for outcome in outcomes)])
            self._outcomes.applied(provider, future.result().settlement)
            self._outcomes.settled(future.result().settled)

        saving = self._store.record(sent, unsent, outcomes, now)
        self._pending.refuse(refused)
        # Not after an await: a courier that asked for receipts in this transaction goes on before we do.
        saving.add_done_callback(saved)
        await asyncio.shield(saving)
