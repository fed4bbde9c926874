"""What time brings about, in four workers:

1. Deadlines: messages that become due are queued, overdue ones are ended or put in doubt.
2. Housekeeping: old messages and receipts are deleted, messages of providers that are down are rerouted.
3. Gauges: the queues are counted.
4. Recount: what waits is counted in the store, and the count that is kept of it corrected.

While the clock is suspect (`wall_clock`), nothing is ended, put in doubt or deleted.
"""

import asyncio
import logging
from collections.abc import Iterable

from smppbridge.flow.accounts import Accounts
from smppbridge.flow.send.decide import when_overdue
from smppbridge.flow.send.fleet import Fleet
from smppbridge.flow.send.rerouter import Rerouter
from smppbridge.flow.settle.recorder import Recorder
from smppbridge.flow.waiting import Waiting
from smppbridge.flow.wall_clock import WallClock
from smppbridge.flow.worker import Worker
from smppbridge.logs import event
from smppbridge.metrics import Metrics
from smppbridge.model.message import Outcome, Stage, Unsent
from smppbridge.store.base import Housekeeping
from smppbridge.store.results import CERTAIN_FROM, CLOCK, HASTENED, Gauges, Reached

log = logging.getLogger(__name__)

_TICK = 1.0  # seconds
_CHUNK = 500  # rows
_MORE = 0.05  # seconds
_HOUSEKEEPING = 60.0  # seconds
_COUNTING = 5.0  # seconds
_RECOUNTING = 12  # times the pause between two counts: a recount only corrects what should be right
_COUNTING_SHARE = 100  # of the time that a count takes: long queues must not cost more
_ORPHAN_MS = 24 * 3600 * 1000  # how long a status for an unknown reference is kept
_DAY_MS = 24 * 3600 * 1000


class Housekeeper:
    """The timers of all messages."""

    def __init__(
        self,
        store: Housekeeping,
        recorder: Recorder,
        fleet: Fleet,
        rerouter: Rerouter,
        accounts: Accounts,
        waiting: Waiting,
        metrics: Metrics,
        clock: WallClock,
        *,
        providers: Iterable[str],
        keep_days: int,
        tick: float = _TICK,
        chunk: int = _CHUNK,
        housekeeping: float = _HOUSEKEEPING,
        counting: float = _COUNTING,
    ) -> None:
        """``providers``: those that are configured, and those that have messages still. ``keep_days``: how
        long final messages are kept; a reload may change it.

        ``tick``: seconds between two looks at deadlines. ``chunk``: rows of one step, as no step may hold up
        the loop. ``housekeeping``: seconds between two rounds of housekeeping. ``counting``: seconds between
        two counts of the queues, at least; a hundred times as long as the count takes, if that is more."""
        self._store = store
        self._recorder = recorder
        self._metrics = metrics
        self._clock = clock
        self._providers = sorted(providers)
        self._fleet = fleet
        self._rerouter = rerouter
        self._accounts = accounts
        self._waiting = waiting
        self.keep_days = keep_days
        self._tick = tick
        self._chunk = chunk
        self._housekeeping_pause = housekeeping
        self._counting_pause = counting
        self._workers = [
            Worker("deadlines", self._timers),
            Worker("housekeeping", self._housekeeping),
            Worker("gauges", self._count),
            Worker("recount", self._recount),
        ]
        self._put_back = 0  # how often the clock was, when what waits was last looked through
        self._owing: set[str] = set()  # accounts with anything owed, as of the last count

    def start(self) -> None:
        """Begin."""
        for worker in self._workers:
            worker.start()

    async def stop(self) -> None:
        """End."""
        for worker in self._workers:
            await worker.stop()

    # --- deadlines -----------------------------------------------------------------------------

    async def _timers(self) -> float:
        more = False
        now = self._clock()
        self._metrics.clock_suspect.set(self._clock.suspect)
        put_back = self._clock.put_back
        if put_back != self._put_back:
            await self._hasten(now)
            self._put_back = put_back
        for provider in self._providers:
            now = self._clock()
            suspect = self._clock.suspect  # in the turn of that reading
            promoted = await self._store.promote(provider, now, self._chunk)
            if provider in self._fleet:
                for account in promoted:
                    self._fleet.wake(provider, account)
            elif promoted:
                self._rerouter.soon(provider)
            more |= bool(promoted) | await self._end_overdue(provider, now, suspect)
        return 0.0 if more else self._tick

    async def _hasten(self, now: int) -> None:
        """The clock was put back: what waits by pauses of our own must not wait for so much longer."""
        await self._store.set_mark(CERTAIN_FROM, self._clock.certain_from)
        for provider in self._providers:
            place = Reached()
            while place != HASTENED:
                place = await self._store.hasten(provider, now, place, self._chunk)
        for account in self._owing | self._accounts.keys():
            while await self._store.hasten_owed(account, now, self._chunk) == self._chunk:
                pass

    async def _end_overdue(self, provider: str, now: int, suspect: bool) -> bool:
        """True when there may be more. With a ``suspect`` clock only leases end that a restart has ended."""
        found = await self._store.overdue(provider, 0 if suspect else now, self._chunk)
        overdue = [one for one in found if not self._fleet.in_hand(provider, one.id)]
        outcomes: list[Outcome] = []
        unsent: list[Unsent] = []
        for message in overdue:
            decision = when_overdue(message, self._fleet.situation(provider, message, now))
            if isinstance(decision, Outcome):
                outcomes.append(decision)
            else:
                unsent.append(decision)
        if unsent:
            held = sum(1 for item in unsent if item.stage == Stage.UNCERTAIN)
            event(
                log,
                logging.WARNING,
                "hand-overs ended without a result",
                provider=provider,
                count=len(unsent),
                held=held,
            )
        if overdue:
            await self._recorder.record(provider, now, unsent=unsent, outcomes=outcomes)
        return len(found) == self._chunk and bool(overdue)

    # --- house ---------------------------------------------------------------------------------

    async def _housekeeping(self) -> float:
        now = self._clock()
        full = False if self._clock.suspect else await self._delete(now)
        for provider in self._providers:
            if not self._fleet.usable(provider):  # what became due since then may have another way
                self._rerouter.soon(provider)
        return _MORE if full else self._housekeeping_pause

    async def _delete(self, now: int) -> bool:
        """True when there may be more."""
        await self._store.set_mark(CLOCK, now)
        before = now - self.keep_days * _DAY_MS
        full = await self._store.purge(before, now - _ORPHAN_MS, now, self._chunk) >= self._chunk
        for account in self._owing | self._accounts.keys():
            full |= await self._expire_receipts(account, now)
        return full

    async def _expire_receipts(self, account: str, now: int) -> bool:
        """True when there may be more."""
        keep = self._accounts.receipt(account).keep
        dropped = await self._store.expire_receipts(account, now - round(keep * 1000), self._chunk)
        if dropped:
            event(
                log,
                logging.WARNING,
                "receipts dropped: nobody bound to take them in time",
                account=account,
                count=dropped,
            )
        return dropped == self._chunk

    async def _count(self) -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        gauges = await self._store.gauges(self._clock())
        took = loop.time() - began
        self._publish(gauges)
        self._owing = {*gauges.owed, *gauges.inbound}
        return max(self._counting_pause, took * _COUNTING_SHARE)

    async def _recount(self) -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        stored = self._waiting.stored()  # at the moment of the call, as the count of the store
        self._waiting.correct(stored, await self._store.waiting())
        return max(_RECOUNTING * self._counting_pause, (loop.time() - began) * _COUNTING_SHARE)

    def _publish(self, gauges: Gauges) -> None:
        now = self._clock()
        metrics = self._metrics
        metrics.store_wal_bytes.set(gauges.files.log_octets)
        metrics.store_wal_held_seconds.set(gauges.files.log_held_up)
        metrics.disk_free_bytes.set(gauges.files.disk_free)
        for provider in self._providers:
            count, oldest = gauges.queued.get(provider, (0, now))
            metrics.queued_messages.labels(provider).set(count)
            metrics.oldest_queued_seconds.labels(provider).set(max(0, now - oldest) / 1000)
            metrics.uncertain_messages.labels(provider).set(gauges.uncertain.get(provider, 0))
            metrics.unknown_statuses.labels(provider).set(gauges.unknown.get(provider, 0))
        for account in self._accounts:
            count, oldest = gauges.owed.get(account, (0, now))
            metrics.owed_receipts.labels(account).set(count)
            metrics.oldest_owed_receipt_seconds.labels(account).set(max(0, now - oldest) / 1000)
            metrics.owed_inbound.labels(account).set(gauges.inbound.get(account, 0))
            metrics.collecting_parts.labels(account).set(gauges.collecting.get(account, 0))
        for account, settings in self._accounts.items():
            metrics.waiting_messages.labels(account).set(max(0, self._waiting.messages.held[account]))
            metrics.waiting_limit.labels(account).set(self._waiting.limit(settings))
