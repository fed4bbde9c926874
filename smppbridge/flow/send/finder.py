"""Asks a provider what became of messages in doubt: those whose hand-over ended without a clear answer.

A message that the provider has is SENT after all. A message that the provider certainly does not have goes
out again. Until either is clear, the message stays UNCERTAIN.
"""

import logging
from collections.abc import Sequence

from smppbridge.errors import ProviderError
from smppbridge.flow.send.decide import after_question
from smppbridge.flow.send.fleet import Fleet
from smppbridge.flow.settle.recorder import Recorder
from smppbridge.flow.turns import Turns
from smppbridge.flow.wall_clock import WallClock
from smppbridge.flow.worker import Asker, persist
from smppbridge.logs import event
from smppbridge.model.message import Doubt, Outcome, Sent, Stage, Unsent
from smppbridge.providers.base import Provider, Taken, Trace
from smppbridge.store.base import Sending

log = logging.getLogger(__name__)

_LOOK = 10.0  # seconds between two looks for something to ask about


class Finder(Asker):
    """The messages in doubt of one provider. ``clock`` is in ms."""

    def __init__(
        self,
        provider: Provider,
        store: Sending,
        recorder: Recorder,
        fleet: Fleet,
        clock: WallClock,
    ) -> None:
        super().__init__(f"finder {provider.name}", provider.limits.find_interval)
        self._provider = provider
        self._store = store
        self._recorder = recorder
        self._fleet = fleet
        self._dispatcher = fleet[provider.name]
        self._health = self._dispatcher.health
        self._clock = clock
        self._turns = Turns("doubts", store, self._health, clock)

    async def _step(self) -> float:
        limits, name = self._provider.limits, self._provider.name
        wait = await self._turns.wait()
        if wait > 0:
            return min(wait, _LOOK)
        now = self._clock()
        next_at = now + round(limits.find_interval * 1000)
        doubts = await self._store.claim_doubts(name, now, limits.find_batch, next_at)
        if not doubts:
            self._turns.withdraw()
            return min(limits.find_interval, _LOOK)
        await self._turns.take()
        traces: Sequence[Trace] = ()
        try:
            traces = await self._provider.find(doubts, now)
        except ProviderError as error:
            event(log, logging.WARNING, "question about doubts failed", provider=name, reason=error.reason)
            self._health.question_failed(error)
        await self._resolve(doubts, traces)
        return 0.0 if len(doubts) == limits.find_batch else min(limits.find_interval, _LOOK)

    async def _resolve(self, doubts: Sequence[Doubt], traces: Sequence[Trace]) -> None:
        """Sort the messages by what the provider said, and save that:

        1. Found: the first of its ``refs`` that no other message of ours has.
        2. Unclear, despite such a reference, while an equal message is SENDING: the reference may belong to
           that message.
        3. Missing: no such reference, a complete answer, and all ``unlikely`` references belong to others.
           But where the clock was put back since the hand-over, the list may not reach back to that.
        4. Else unclear.
        """
        told = {trace.id: trace for trace in traces}
        # In this order: an equal message whose answer is recorded in between is known by its reference.
        in_flight = await self._store.in_flight(self._provider.name)
        refs = list(dict.fromkeys(ref for trace in traces for ref in (*trace.refs, *trace.unlikely)))
        used = set(await self._store.known_refs(self._provider.name, refs)) if refs else set()
        found: list[Sent] = []
        missing: list[Doubt] = []
        unclear: list[Doubt] = []
        now = self._clock()
        for doubt in doubts:
            trace = told.get(doubt.id, Trace(doubt.id, complete=False))
            ref = next((ref for ref in trace.refs if ref not in used), None)
            if ref is not None and (doubt.recipient, doubt.text) in in_flight:
                unclear.append(doubt)
            elif ref is not None:
                used.add(ref)
                found.append(self._dispatcher.sent(doubt, Taken(ref), now))
            elif trace.complete and used.issuperset(trace.unlikely) and self._dated(doubt):
                missing.append(doubt)
            else:
                unclear.append(doubt)
        what = f"doubts of {self._provider.name}"
        missed, untold = await persist(what, lambda: self._record(found, missing, unclear, now))
        # A miss counts only when the rest is saved, and only once: not in `_record`, which may run again.
        await persist(what, lambda: self._store.note_doubts(missed, untold))

    def _dated(self, doubt: Doubt) -> bool:
        return doubt.tried_at > self._clock.certain_from

    async def _record(
        self, found: list[Sent], missing: list[Doubt], unclear: list[Doubt], now: int
    ) -> tuple[list[int], list[int]]:
        """Save what became of them. Returns the ids that stay open: of ``missing``, and of ``unclear``."""
        unsent: list[Unsent] = []
        outcomes: list[Outcome] = []
        still: tuple[list[int], list[int]] = ([], [])
        for doubts, is_missing, open_ids in ((missing, True, still[0]), (unclear, False, still[1])):
            for doubt in doubts:
                here = self._dispatcher.situation(doubt, now)
                decision = after_question(doubt, here, missing=is_missing)
                if isinstance(decision, Outcome):
                    outcomes.append(decision)
                elif decision is not None:
                    unsent.append(decision)
                else:
                    open_ids.append(doubt.id)
        await self._recorder.record(self._provider.name, now, sent=found, unsent=unsent, outcomes=outcomes)
        self._announce(found, missing + unclear, unsent, len(outcomes))
        return still

    def _announce(self, found: list[Sent], others: list[Doubt], unsent: list[Unsent], given_up: int) -> None:
        account_of = {doubt.id: doubt.account for doubt in others}
        for item in unsent:
            if item.stage == Stage.QUEUED:
                self._fleet.wake(item.provider, account_of[item.id])
        event(
            log,
            logging.WARNING,
            "asked about uncertain messages",
            provider=self._provider.name,
            found=len(found),
            again=len(unsent),
            given_up=given_up,
            open=len(others) - len(unsent) - given_up,
        )
