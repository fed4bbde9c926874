"""Saves what became of messages. Once that is on disk, answers the ESMEs that wait and announces receipts."""

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
    """One recorder serves all providers."""

    def __init__(self, store: Sending, outcomes: Outcomes, pending: PendingResponses) -> None:
        self._store = store
        self._outcomes = outcomes
        self._pending = pending

    def waits(self, message_id: int) -> bool:
        """Whether an ESME waits for what becomes of this message (`mode: sync`)."""
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
        """Save what became of messages of ``provider``: all of it, or nothing. ``now`` in ms.

        An ESME that waits for a message is answered after COMMIT:

        1. The message is in ``sent``: its submit_sm_resp has status 0 and the message_id.
        2. It is in ``outcomes`` and ``silent``: its submit_sm_resp has the command_status that ``statuses``
           gives for the message id, ESME_RSYSERR where it gives none. No receipt is owed.
        3. It is in ``outcomes`` and not ``silent``: status 0, then the receipt.
        4. It is in ``unsent``: it waits on.

        Raises StoreError when nothing was saved. The messages are still stored as before, so each ESME that
        was to be refused has been answered with status 0 by then. Decide again what becomes of the messages,
        and record that.

        Call this in the same turn of the loop in which `waits` was asked: an ESME that waited then waits
        still.

        A caller that is cancelled does not end the saving, and answers are given all the same. Two limits:

        1. While the disk hangs, a refusal waits for it, even longer than the patience of `PendingResponses`.
        2. An ESME that disconnects while its refusal is being saved gets neither the answer nor a receipt. It
           has no message_id, and no provider has the message: it may submit the message again.
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
            recorded = future.result()
            self._outcomes.announce_left(recorded.sent)
            self._outcomes.announce_statuses(provider, recorded.settlement)
            self._outcomes.announce_final(recorded.settled)

        saving = self._store.record(sent, unsent, outcomes, now)
        self._pending.refuse(refused)
        # A callback, not the code after an await: a courier that claims receipts in the same transaction is
        # woken before this coroutine is.
        saving.add_done_callback(saved)
        await asyncio.shield(saving)
