"""Asks a provider for the statuses of messages (polling), where its callbacks do not suffice."""

import logging
from collections.abc import Sequence

from smppbridge.errors import ProviderError, Rejected
from smppbridge.flow.health.health import ProviderHealth
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.turns import Turns
from smppbridge.flow.wall_clock import WallClock
from smppbridge.flow.worker import Asker
from smppbridge.logs import event
from smppbridge.model.message import Poll
from smppbridge.providers.base import Provider
from smppbridge.store.base import Settling

log = logging.getLogger(__name__)

_LOOK = 10.0  # seconds


class Poller(Asker):
    """Polls one provider, by the rules in its ``limits``.

    1. Only messages that are due are asked about, at most ``poll_batch`` in one question. The same message is
       due again after ``poll_interval``, later after as long as it is under way, up to ``poll_slowest``.
       Before that a few messages are asked about early (``poll_early``): see `SendPolicy.asks_early`.
    2. No message older than ``poll_max_age`` is asked about. While the clock is suspect all messages count as
       new: providers end messages that they should know by now, and do not.
    3. Two questions to the provider are ``poll_gap`` apart, also over a restart. None is asked while it is to
       be left alone.
    4. A question that the provider rejects is halved, until the message that spoils it is found. That one
       is not asked about again in this run of the program.
    """

    def __init__(
        self,
        provider: Provider,
        store: Settling,
        outcomes: Outcomes,
        clock: WallClock,
        health: ProviderHealth,
        *,
        look: float = _LOOK,
    ) -> None:
        """``look``: seconds between two looks, at most."""
        super().__init__(f"poller {provider.name}", provider.limits.poll_interval)
        self._provider = provider
        self._store = store
        self._outcomes = outcomes
        self._clock = clock
        self._health = health
        self._look = look
        self._turns = Turns("statuses", store, health, clock)
        self._limit = provider.limits.poll_batch
        ages = (*provider.limits.poll_early, provider.limits.poll_first) if provider.limits.poll_early else ()
        self._early = tuple(round(age * 1000) for age in ages)
        self._refused: set[int] = set()  # ids of messages that spoil a question

    async def _step(self) -> float:
        limits = self._provider.limits
        wait = await self._turns.wait()
        if wait > 0:
            return min(wait, self._look)
        now = self._clock()
        new_at = self._clock.machine() if self._clock.suspect else None  # in the turn of that reading
        claimed = await self._store.claim_polls(
            self._provider.name,
            now,
            self._limit,
            round(limits.poll_interval * 1000),
            round(limits.poll_slowest * 1000),
            self._early,
        )
        oldest = now - round(limits.poll_max_age * 1000)
        polls = [poll for poll in claimed if poll.id not in self._refused]
        if new_at is None:
            polls = [poll for poll in polls if poll.sent_at > oldest]
        else:
            polls = [poll._replace(sent_at=new_at) for poll in polls]
        if not polls:
            self._turns.withdraw()
            return 0.0 if claimed else min(limits.poll_interval, self._look)
        await self._turns.take()
        try:
            reports = await self._provider.status(polls)
        except ProviderError as error:
            self._failed(error, polls)
        else:
            self._limit = limits.poll_batch
            await self._outcomes.settle(self._provider.name, reports)
        return 0.0 if len(claimed) == self._limit else min(limits.poll_interval, self._look)

    def _failed(self, error: ProviderError, polls: Sequence[Poll]) -> None:
        event(
            log, logging.WARNING, "status question failed", provider=self._provider.name, reason=error.reason
        )
        if not isinstance(error, Rejected):
            self._health.question_failed(error)
        elif len(polls) > 1:
            self._limit = len(polls) // 2  # one of them spoils the question
        else:
            self._limit = self._provider.limits.poll_batch
            self._refused.add(polls[0].id)
            event(log, logging.WARNING, "message is not asked about any more", id=polls[0].id)
