"""Delivers what accounts are owed: receipts, messages from phones (inbound) and alerts.

To whom:

1. A receipt goes to the bind that submitted its message, if that is still there and may receive; else to any
   bind of the account that may receive.
2. Inbound and alerts go to any bind of the account that may receive; alerts only to binds that know TLVs.

What the answer to a deliver_sm does:

1. deliver_sm_resp with status 0: it is delivered ("paid").
2. 0x65 or 0x66: it is refused for good, and not sent again.
3. Anything else, or no answer: it is deferred with backoff, behind the others. After 0x58 or 0x14 nothing at
   all is sent on this bind for a second.
4. The connection ended before the answer: it is due again at once the first time, deferred after that.

An alert_notification has no answer: an alert is paid once it is written.

A new bind gets nothing for a moment: OpenSMPP loses what comes before it listens, and that would be deferred.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence

from smppbridge.errors import InvalidState
from smppbridge.flow.deliver.pdus import alert_pdu, inbound_pdu, receipt_pdu, receipt_style
from smppbridge.flow.worker import Worker, persist
from smppbridge.link.server import BoundLink
from smppbridge.logs import event
from smppbridge.metrics import Metrics
from smppbridge.model.backoff import backoff
from smppbridge.model.message import InboundPart, Receipt
from smppbridge.smpp.constants import Status, status_name
from smppbridge.smpp.pdu import DeliverSm, DeliverSmResp
from smppbridge.smpp.receipt import ReceiptStyle
from smppbridge.smpp.session import Answered, Unanswered
from smppbridge.store.base import Delivering

log = logging.getLogger(__name__)

Owed = Receipt | InboundPart
Key = tuple[bool, int]  # is it a receipt, and its id
Deferral = tuple[Owed, int, int]  # what, when it is due again, tries

_ENDS_RECEIPT = (Status.ESME_RX_P_APPN, Status.ESME_RX_R_APPN)
_TOO_FAST = (Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL)
AFTER_BIND = 0.05  # seconds
_REST = 1.0  # seconds
_LOOK_AGAIN = 1.0  # seconds
_SAVING_GRACE = 10.0  # seconds
_CLAIM_AT_MOST = 200
_IDLE = 30.0  # seconds
_LEASE_SLACK_MS = 30_000


class Courier:
    """One worker for each bind that may receive. Implements ``link.server.Receiver``."""

    def __init__(
        self,
        store: Delivering,
        metrics: Metrics,
        clock: Callable[[], int],
        *,
        response_timeout: float,
        absent: Callable[[str], None],
        after_bind: float = AFTER_BIND,
        rest: float = _REST,
        look_again: float = _LOOK_AGAIN,
        idle: float = _IDLE,
        saving_grace: float = _SAVING_GRACE,
        claim_at_most: int = _CLAIM_AT_MOST,
    ) -> None:
        """``absent(account)`` is called when something is owed to an account without a bind that may receive.
        ``response_timeout``: seconds after which a deliver_sm counts as unanswered.

        ``after_bind``: seconds between bind_resp and the first delivery. ``rest``: seconds that a bind is
        left alone after 0x58 or 0x14. ``look_again``: seconds between two looks for what was deferred.
        ``idle``: seconds between two looks without being woken. ``saving_grace``: seconds that
        `settle_down` waits for a store that does not take the last answers. ``claim_at_most``: of what is
        owed, in one step."""
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._absent = absent
        self._after_bind = after_bind
        self._rest = rest
        self._look_again_pause = look_again
        self._idle = idle
        self._saving_grace = saving_grace
        self._claim_at_most = claim_at_most
        self._lease_ms = round(response_timeout * 1000) + _LEASE_SLACK_MS
        self._workers: dict[int, Worker] = {}
        self._links: dict[str, list[BoundLink]] = {}
        self._saving: set[asyncio.Task[None]] = set()
        self._sent: dict[Key, float] = {}  # not answered: until when that may take (loop's clock)
        self._answered: set[Key] = set()  # their answers are being saved: not to be sent again
        self._inbound: set[str] = set()  # accounts that may be owed messages from phones, and alerts
        self._looked: dict[str, float] = {}  # account -> when these were last looked for (loop's clock)
        self._resting: dict[int, float] = {}  # link id -> until when (loop's clock)
        self._new: set[int] = set()  # link ids of binds that have not claimed yet
        self._put_off_until: dict[str, float] = {}  # account -> when the last of its deferred is due
        self._alarms: dict[str, asyncio.TimerHandle] = {}

    # --- Receiver ------------------------------------------------------------------------------

    def bound(self, link: BoundLink) -> None:
        """Deliver on this bind, if it may receive."""
        if link.can_receive:
            self._new.add(link.id)
            self._resting[link.id] = asyncio.get_running_loop().time() + self._after_bind
            worker = Worker(f"courier {link.account.name} {link.id}", lambda: self._step(link))
            self._workers[link.id] = worker
            self._links.setdefault(link.account.name, []).append(link)
            worker.start()

    def unbound(self, link: BoundLink) -> None:
        """The bind is gone: its receipts may go to the other binds of the account."""
        worker = self._workers.pop(link.id, None)
        if worker is None:
            return
        self._links[link.account.name].remove(link)
        self._resting.pop(link.id, None)
        self._new.discard(link.id)
        self._save(self._release(link, worker))

    def roomy(self, link: BoundLink) -> None:
        """The window has room again."""
        if worker := self._workers.get(link.id):
            worker.wake()

    def answered(self, link: BoundLink, events: Sequence[Answered | Unanswered]) -> None:
        """The answers to deliver_sm that came in one read: save together what they do."""
        paid: list[Owed] = []
        deferred: list[Deferral] = []
        words: Counter[str] = Counter()
        for item in events:
            owed = item.context
            if not isinstance(owed, Receipt | InboundPart):
                continue
            self._sent.pop(_key(owed), None)
            status = _status(item)
            words["timeout" if status is None else status_name(status)] += 1
            if status in _TOO_FAST:
                self._resting[link.id] = asyncio.get_running_loop().time() + self._rest
            if status == Status.ESME_ROK:
                paid.append(owed)
            elif status in _ENDS_RECEIPT:
                paid.append(owed)
                event(
                    log,
                    logging.WARNING,
                    "receipt refused for good" if isinstance(owed, Receipt) else "inbound refused for good",
                    account=owed.account,
                    id=_name(owed),
                )
            else:
                deferred.append(self._deferral(owed, lost=status is None and link.connection.closing))
        for word, count in words.items():
            self._metrics.deliver_sm.labels(link.account.name, word).inc(count)
        if paid or deferred:
            self._save(self._record(link.account.name, paid, deferred))

    # --- for the other workers -----------------------------------------------------------------

    def owed_inbound(self, account: str) -> None:
        """A message from a phone, or an alert, was added for this account."""
        self._inbound.add(account)
        self.owed(account)

    def owed(self, account: str) -> None:
        """A receipt was added for this account."""
        for link in self._links.get(account, ()):
            self._workers[link.id].wake()
        if not self.reaches(account):
            self._absent(account)

    def reaches(self, account: str) -> bool:
        """Whether the account has a bind that may receive."""
        return bool(self._links.get(account))

    async def stop(self) -> None:
        """Deliver no more. Binds may go on answering: call `settle_down` when they are gone."""
        await asyncio.gather(*(worker.stop() for worker in self._workers.values()))

    async def settle_down(self) -> None:
        """Wait until the last answers are saved. What a failing store does not take is delivered again by the
        next run."""
        for alarm in self._alarms.values():
            alarm.cancel()
        if self._saving:
            await asyncio.wait(self._saving, timeout=self._saving_grace)
        for task in list(self._saving):
            task.cancel()
        await asyncio.gather(*self._saving, return_exceptions=True)

    # --- inside --------------------------------------------------------------------------------

    async def _step(self, link: BoundLink) -> float:
        room = min(link.room, self._claim_at_most)
        if room <= 0:
            return self._idle
        rest = self._resting.get(link.id, 0.0) - asyncio.get_running_loop().time()
        if rest > 0:
            return await self._rests(link, rest)
        self._resting.pop(link.id, None)
        self._new.discard(link.id)
        now = self._clock()
        claimed = await self._claim(link, now, room)
        undelivered = self._deliver(link, claimed)
        if undelivered:
            await self._defer([(owed, now, owed.tries) for owed in undelivered])
            return self._idle
        return self._idle if len(claimed) < room else 0.0

    async def _rests(self, link: BoundLink, rest: float) -> float:
        """Deliver nothing for ``rest`` seconds. A new bind is made known to the store by claiming nothing:
        receipts for its messages are its own from now on."""
        if link.id not in self._new:
            return rest
        now = self._clock()
        await self._store.claim_receipts(link.account.name, link.id, now, now, 0)
        self._new.discard(link.id)
        return self._resting.get(link.id, 0.0) - asyncio.get_running_loop().time()

    async def _claim(self, link: BoundLink, now: int, room: int) -> list[Owed]:
        name, lease_until = link.account.name, now + self._lease_ms
        claimed: list[Owed] = []
        at = asyncio.get_running_loop().time()
        # Now and then also unasked: a lease may have been left behind when the store failed.
        if name in self._inbound or at - self._looked.get(name, 0.0) >= self._idle:
            self._looked[name] = at
            claimed += await self._claim_inbound(link, now, lease_until, room)
        if len(claimed) < room:
            room -= len(claimed)
            claimed += await self._store.claim_receipts(name, link.id, now, lease_until, room)
        return claimed

    async def _claim_inbound(
        self, link: BoundLink, now: int, lease_until: int, room: int
    ) -> list[InboundPart]:
        name = link.account.name
        self._inbound.discard(name)  # first: what is added meanwhile is to be looked for again
        try:
            await self._alert(link, now)
            claimed = await self._store.claim_inbound(name, now, lease_until, room)
        except BaseException:
            self._inbound.add(name)
            raise
        if len(claimed) == room:  # there may be more, for binds that have room
            self.owed_inbound(name)
        return claimed

    async def _alert(self, link: BoundLink, now: int) -> None:
        """Send alerts. One that cannot be written comes again when its lease is over."""
        if not link.takes_tlvs:  # SMPP 3.3 does not know them
            return
        account = link.account.name
        written: list[int] = []
        for alert in await self._store.claim_alerts(account, now, now + self._lease_ms, self._claim_at_most):
            try:
                link.connection.request(alert_pdu(alert))
            except InvalidState:
                break
            written.append(alert.id)
        if written:
            self._save(persist(f"alerts of {account}", lambda: self._store.pay_alerts(written)))

    def _deliver(self, link: BoundLink, claimed: Sequence[Owed]) -> Sequence[Owed]:
        """Send deliver_sm. Returns what could not be sent because the session had ended."""
        profile = link.account.receipt
        style = receipt_style(profile)
        with_tlvs = profile.tlvs and link.takes_tlvs
        now = asyncio.get_running_loop().time()
        until = now + self._lease_ms / 1000
        for index, owed in enumerate(claimed):
            key = _key(owed)
            if key in self._answered or self._sent.get(key, now) > now:  # a lease that a jump has ended
                continue
            try:
                link.connection.request(_pdu(owed, style, with_tlvs), owed)
                self._sent[key] = until
            except InvalidState:
                return claimed[index:]
            except Exception:  # one that cannot be encoded must not hold up the others
                log.exception("receipt %s cannot be encoded, it is put off", _name(owed))
                self._save(self._record(link.account.name, [], [self._deferral(owed, lost=False)]))
        return ()

    def _deferral(self, owed: Owed, lost: bool) -> Deferral:
        """``lost``: the connection ended before the answer. That may be chance once. A client that hangs up
        on this very deliver_sm must not be made to do so again and again, hence the backoff after that."""
        now = self._clock()
        if lost and not owed.tries:
            return owed, now, 1
        pause = backoff(owed.tries, jitter=random.random())
        self._look_again(owed.account, pause)
        return owed, now + round(pause * 1000), owed.tries + 1

    def _look_again(self, account: str, pause: float) -> None:
        """Wake the account's binds until what was deferred is due: one timer for each account."""
        loop = asyncio.get_running_loop()
        until = loop.time() + pause + self._look_again_pause
        self._put_off_until[account] = max(self._put_off_until.get(account, 0.0), until)
        if account not in self._alarms:
            self._alarms[account] = loop.call_later(self._look_again_pause, self._alarm, account)

    def _alarm(self, account: str) -> None:
        loop = asyncio.get_running_loop()
        self.owed_inbound(account)
        if loop.time() < self._put_off_until[account]:
            self._alarms[account] = loop.call_later(self._look_again_pause, self._alarm, account)
        else:
            del self._alarms[account], self._put_off_until[account]

    async def _record(self, account: str, paid: list[Owed], deferred: list[Deferral]) -> None:
        async def save() -> None:
            await asyncio.gather(self._pay(paid), self._defer(deferred))

        answered = set(map(_key, (*paid, *(owed for owed, _, _ in deferred))))
        self._answered |= answered
        try:
            await persist(f"receipts of {account}", save)
        finally:
            self._answered -= answered
        now = self._clock()
        if any(due <= now for _, due, _ in deferred):  # the looks for what is due by now may have ended
            self.owed(account)

    async def _pay(self, paid: Sequence[Owed]) -> None:
        receipts = [owed.id for owed in paid if isinstance(owed, Receipt)]
        if receipts:
            await self._store.pay_receipts(receipts)
        if len(receipts) < len(paid):
            await self._store.pay_inbound([owed.id for owed in paid if isinstance(owed, InboundPart)])

    async def _defer(self, deferred: Sequence[Deferral]) -> None:
        receipts = [(owed.id, due, tries) for owed, due, tries in deferred if isinstance(owed, Receipt)]
        if receipts:
            await self._store.defer_receipts(receipts)
        if len(receipts) < len(deferred):
            parts = [(owed.id, due, tries) for owed, due, tries in deferred if isinstance(owed, InboundPart)]
            await self._store.defer_inbound(parts)
            self._inbound.update(owed.account for owed, _, _ in deferred)

    async def _release(self, link: BoundLink, worker: Worker) -> None:
        await worker.stop()
        await persist(
            f"receipts of {link.account.name}",
            lambda: self._store.release_origin(link.account.name, link.id, self._clock()),
        )
        self.owed(link.account.name)

    def _save(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._saving.add(task)
        task.add_done_callback(self._saved)

    def _saved(self, task: "asyncio.Task[None]") -> None:
        self._saving.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("unexpected error while saving the fate of receipts", exc_info=error)


def _pdu(owed: Owed, style: ReceiptStyle, with_tlvs: bool) -> DeliverSm:
    return receipt_pdu(owed, style, with_tlvs) if isinstance(owed, Receipt) else inbound_pdu(owed)


def _key(owed: Owed) -> Key:
    return isinstance(owed, Receipt), owed.id


def _name(owed: Owed) -> str:
    return owed.wire_id if isinstance(owed, Receipt) else f"{owed.provider} {owed.id}"


def _status(item: Answered | Unanswered) -> int | None:
    """The status of a deliver_sm_resp; None for silence, and for any other PDU, such as generic_nack."""
    if isinstance(item, Answered) and isinstance(item.response, DeliverSmResp):
        return item.response.command_status
    return None
