"""Joins long messages whose parts are all there, and ends the waiting for parts that never came.

Every step begins and ends at rows of the store, so joining goes on after a restart where it was.
"""

import asyncio
import logging
from collections.abc import Sequence

from smppbridge.errors import Refused
from smppbridge.flow.accounts import Accounts
from smppbridge.flow.send.fleet import Fleet
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.waiting import Waiting
from smppbridge.flow.wall_clock import WallClock
from smppbridge.flow.worker import Worker
from smppbridge.logs import Complaints
from smppbridge.metrics import Metrics
from smppbridge.model.account import Account
from smppbridge.model.joining import GivenUp, Join, Joined
from smppbridge.model.message import Draft, Outcome, Stage, State
from smppbridge.smpp.constants import RegisteredDelivery, Status, status_name
from smppbridge.store.base import Accepting
from smppbridge.store.results import Made
from smppbridge.submission.appraisal import Appraiser
from smppbridge.submission.content import joined_text
from smppbridge.submission.paths import PathOf

log = logging.getLogger(__name__)

PARTS_MISSING = 241  # err of the receipts of a message whose parts did not all come
_TICK = 1.0  # seconds between two looks at what is waited for no longer
_CHUNK = 100  # messages of one step: no step may hold up the loop


class _Step:
    """What one look comes to."""

    def __init__(self) -> None:
        self.joined: list[Joined] = []
        self.given_up: list[GivenUp] = []
        self.results: dict[int, tuple[str, str, int]] = {}  # by head: account, how it ends, parts


class Joiner:
    """Takes messages whose parts need not be waited for any longer, and joins them or gives them up."""

    def __init__(
        self,
        store: Accepting,
        appraiser: Appraiser,
        outcomes: Outcomes,
        waiting: Waiting,
        fleet: Fleet,
        accounts: Accounts,
        metrics: Metrics,
        clock: WallClock,
    ) -> None:
        self._store = store
        self._appraiser = appraiser
        self._outcomes = outcomes
        self._waiting = waiting
        self._metrics = metrics
        self._clock = clock
        self._fleet = fleet
        self._accounts = accounts
        self._worker = Worker("joiner", self._step)
        self._complaints = Complaints(log)
        self._moves = -1  # of the clock, when the waiting was last set right

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
        moves, suspect = self._clock.moves, self._clock.suspect  # in the turn of that reading
        if moves != self._moves:
            await self._store.await_parts(now)  # nobody could take them while we were away
            self._moves = moves
        joins = await self._store.take_joins(0 if suspect else now, _CHUNK)
        if joins:
            step = self._decide(joins, now)
            self._tell(step, await self._store.join(step.joined, step.given_up, now))
        forgotten = 0 if suspect else await self._store.forget_joins(now, _CHUNK)
        return 0.0 if _CHUNK in (len(joins), forgotten) else _TICK

    def _tell(self, step: _Step, made: Made) -> None:
        self._outcomes.announce(made.settlement)
        for head in made.heads:
            account, result, parts = step.results[head]
            self._metrics.joined_messages.labels(account, result).inc()
            self._waiting.left(account, parts - 1)  # they wait in their message, or have ended with it
        for one in step.joined:
            if one.head in made.heads and one.stage == Stage.QUEUED:
                self._fleet.wake(one.provider, step.results[one.head][0])

    def _decide(self, joins: Sequence[Join], now: int) -> _Step:
        step = _Step()
        path_of = self._appraiser.paths()
        for join in joins:
            account = self._accounts.get(join.account)
            try:
                result = self._end(step, join, account, now, path_of)
            except Refused as refusal:
                self._complain(join, refusal.reason)
                step.given_up.append(_given_up(join, account, State.REJECTED, 0, now, refusal.status))
                result = "rejected"
            except Exception:  # one message that we cannot bear must not keep the others here
                log.exception("unexpected error with the parts of message %d", join.head)
                step.given_up.append(_given_up(join, account, State.REJECTED, 0, now))
                result = "rejected"
            if join.missing:
                self._complain(join, "some parts did not come in time")
            step.results[join.head] = (join.account, result, len(join.parts))
        return step

    def _end(self, step: _Step, join: Join, account: Account | None, now: int, path_of: PathOf) -> str:
        """How the waiting for parts ends. Raises Refused where they make no text that can be sent."""
        if account is None:
            raise Refused(Status.ESME_RSYSERR, "its account is no longer configured")
        if join.missing and account.join.incomplete == "fail":
            step.given_up.append(_given_up(join, account, State.UNDELIVERABLE, PARTS_MISSING, now))
            return "incomplete"
        step.joined.append(self._joined(join, account, now, path_of))
        return "sent_incomplete" if join.missing else "joined"

    def _joined(self, join: Join, account: Account, now: int, path_of: PathOf) -> Joined:
        data_coding = join.parts[0].data_coding
        text = joined_text(account, data_coding, [part.octets for part in join.parts])
        draft = Draft(join.recipient, join.sender, text, flash=join.flash)
        path, timing = self._appraiser.appraise_joined(
            account, draft, join.not_before, join.deadline, now, path_of
        )
        return Joined(
            head=join.head,
            missing=join.missing,
            segments=len(join.parts),
            silent=_silent(join, account),
            text=text,
            flash=join.flash,
            data_coding=data_coding,
            route=path.route,
            provider=path.provider,
            stage=timing.stage,
            send_at=timing.send_at,
            due_at=timing.due_at,
        )

    def _complain(self, join: Join, why: str) -> None:
        self._complaints(
            asyncio.get_running_loop().time(),
            "parts of a long message",
            (join.account, why),
            account=join.account,
            id=join.head,
            missing=join.missing,
            reason=why,
        )


def _given_up(
    join: Join, account: Account | None, state: int, err: int, now: int, status: int = 0
) -> GivenUp:
    code = status_name(status) if status else ""
    outcome = Outcome(join.head, int(state), err, code, now)
    return GivenUp(join.head, join.missing, len(join.parts), _silent(join, account), outcome)


def _silent(join: Join, account: Account | None) -> tuple[int, ...]:
    """With merged receipts all parts that ask, but the first that asks for a receipt of the end."""
    if account is None or account.receipt.parts == "each":
        return ()
    asking = [part for part in join.parts if part.registered_delivery]
    final = (part for part in asking if part.registered_delivery & RegisteredDelivery.RECEIPT_MASK)
    speaker = next(final, asking[0] if asking else None)
    return tuple(part.id for part in asking if part is not speaker)
