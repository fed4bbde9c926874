"""Joins long messages whose parts are all there, and ends the waiting for parts that never came.

The only one that does, and it begins and ends at rows, so it goes on after a restart where it was. Must not
know: sockets, SMPP sessions, how a provider talks.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from smppbridge.errors import Refused
from smppbridge.flow.appraisal import Appraiser, PathOf
from smppbridge.flow.content import joined_text
from smppbridge.flow.tracker import Tracker
from smppbridge.flow.worker import Worker
from smppbridge.logs import Seldom, event
from smppbridge.metrics import Metrics
from smppbridge.model.account import Account
from smppbridge.model.joining import Join, Joined, JoinPart
from smppbridge.model.message import Outcome, Stage, State
from smppbridge.providers.base import Draft
from smppbridge.smpp.constants import Status, status_name
from smppbridge.store.base import Store

log = logging.getLogger(__name__)

PARTS_MISSING = 241  # err of the receipts of a message whose parts did not all come
_TICK = 1.0  # seconds between two looks at what is waited for no longer
_CHUNK = 100  # messages of one step: no step may hold up the loop


class _Step:
    """What one look comes to."""

    def __init__(self) -> None:
        self.joined: list[Joined] = []
        self.given_up: dict[int, Sequence[Outcome]] = {}
        self.queued: list[tuple[str, str]] = []  # (provider, account)
        self.results: list[tuple[str, str]] = []  # (account, what became of a message)


class Joiner:
    """``accounts`` is looked up anew each time; ``queued(provider, account, count)`` hears of new work."""

    def __init__(
        self,
        store: Store,
        appraiser: Appraiser,
        tracker: Tracker,
        metrics: Metrics,
        clock: Callable[[], int],
        *,
        accounts: Callable[[], Mapping[str, Account]],
        queued: Callable[[str, str, int], None],
    ) -> None:
        self._store = store
        self._appraiser = appraiser
        self._tracker = tracker
        self._metrics = metrics
        self._clock = clock
        self._accounts = accounts
        self._queued = queued
        self._worker = Worker("joiner", self._step)
        self._complaints = Seldom(interval=60.0)
        self._begun = False

    def start(self) -> None:
        """Begin, with what was left when the bridge stopped."""
        self._worker.start()

    async def stop(self) -> None:
        """End; what is not joined yet waits for the next start."""
        await self._worker.stop()

    def wake(self) -> None:
        """The parts of a message are all there."""
        self._worker.wake()

    async def _step(self) -> float:
        now = self._clock()
        if not self._begun:
            await self._store.await_parts(now)  # nobody could take them while we were away
            self._begun = True
        joins = await self._store.take_joins(now, _CHUNK)
        if joins:
            step = self._decide(joins, now)
            settlement = await self._store.join(step.joined, step.given_up, now)
            self._tracker.ended(settlement)
            for labels in step.results:
                self._metrics.joined_messages.labels(*labels).inc()
            for provider, account in step.queued:
                self._queued(provider, account, 1)
        forgotten = await self._store.forget_joins(now, _CHUNK)
        return 0.0 if _CHUNK in (len(joins), forgotten) else _TICK

    def _decide(self, joins: Sequence[Join], now: int) -> _Step:
        step = _Step()
        path_of = self._appraiser.paths()
        for join in joins:
            account = self._accounts().get(join.account)
            try:
                if account is None:
                    raise Refused(Status.ESME_RSYSERR, "its account is no longer configured")
                if join.missing and account.join.incomplete == "fail":
                    self._give_up(step, join, State.UNDELIVERABLE, PARTS_MISSING, "", now)
                    result = "incomplete"
                else:
                    self._go_on(step, join, account, now, path_of)
                    result = "sent_incomplete" if join.missing else "joined"
            except Refused as refusal:
                self._give_up(step, join, State.REJECTED, 0, status_name(refusal.status), now)
                result = "rejected"
                self._complain(join, refusal.reason)
            except Exception:  # one message that we cannot bear must not keep the others here
                log.exception("unexpected error with the parts of message %d", join.head)
                self._give_up(step, join, State.REJECTED, 0, "", now)
                result = "rejected"
            if join.missing:
                self._complain(join, "some parts did not come in time")
            step.results.append((join.account, result))
        return step

    def _give_up(self, step: _Step, join: Join, state: int, err: int, code: str, now: int) -> None:
        step.given_up[join.head] = [Outcome(part.id, int(state), err, code, now) for part in join.parts]

    def _go_on(self, step: _Step, join: Join, account: Account, now: int, path_of: PathOf) -> None:
        """Raises Refused where the parts make no text that can be sent."""
        data_coding = join.parts[0].data_coding
        text = joined_text(account, data_coding, [part.octets for part in join.parts])
        draft = Draft(join.recipient, join.sender, text, flash=join.flash)
        path = self._appraiser.path_for(join.account, draft, path_of)
        kept_there = join.not_before > now and path.schedules(join.not_before, now)
        at_once = join.not_before <= now or kept_there
        step.joined.append(
            Joined(
                head=join.head,
                text=text,
                flash=join.flash,
                data_coding=data_coding,
                segments=len(join.parts),
                route=path.route,
                provider=path.provider,
                stage=Stage.QUEUED if at_once else Stage.WAITING,
                send_at=join.not_before if kept_there else 0,
                due_at=join.deadline if at_once else join.not_before,
                silent=_silent(join.parts) if account.receipt.parts == "merged" else (),
            )
        )
        if at_once:
            step.queued.append((path.provider, join.account))

    def _complain(self, join: Join, why: str) -> None:
        if self._complaints.allows((join.account, why), time.monotonic()):
            event(
                log,
                logging.WARNING,
                "parts of a long message",
                account=join.account,
                id=join.head,
                missing=join.missing,
                reason=why,
            )


def _silent(parts: Sequence[JoinPart]) -> tuple[int, ...]:
    """All but the first part that asks for receipts."""
    asking = [part.id for part in parts if part.registered_delivery]
    return tuple(asking[1:])
