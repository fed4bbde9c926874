"""Delivers owed receipts to the binds that may receive them: claim, deliver_sm, record the answer.

A receipt goes to the bind that submitted the message if it is still there, else to any of the account;
it is paid only by deliver_sm_resp 0, ended by 0x65 and 0x66, and put behind the others by anything else
(design §6). Must not know: providers, how receipts come about.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence

from smppbridge.errors import InvalidState, StoreError
from smppbridge.flow.receipts import receipt_pdu, receipt_style
from smppbridge.flow.worker import Worker, persist
from smppbridge.link.server import BoundLink
from smppbridge.logs import event
from smppbridge.metrics import Metrics
from smppbridge.model.message import Receipt
from smppbridge.model.retry import backoff
from smppbridge.smpp.constants import Status, status_name
from smppbridge.smpp.session import Answered, Unanswered
from smppbridge.store.base import Store

log = logging.getLogger(__name__)

_ENDS_RECEIPT = (Status.ESME_RX_P_APPN, Status.ESME_RX_R_APPN)
_CLAIM_AT_MOST = 200
_IDLE = 30.0  # seconds between two looks without being woken
_LEASE_SLACK_MS = 30_000


class Courier:
    """One worker for each bind that may receive. Implements ``link.server.Receiver``."""

    def __init__(
        self, store: Store, metrics: Metrics, clock: Callable[[], int], *, response_timeout: float
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._lease_ms = round(response_timeout * 1000) + _LEASE_SLACK_MS
        self._workers: dict[int, Worker] = {}
        self._links: dict[str, list[BoundLink]] = {}
        self._saving: set[asyncio.Task[None]] = set()

    # --- Receiver ------------------------------------------------------------------------------

    def bound(self, link: BoundLink) -> None:
        """A bind that may receive gets what waits for it."""
        if link.can_receive:
            worker = Worker(f"courier {link.account.name} {link.id}", lambda: self._step(link))
            self._workers[link.id] = worker
            self._links.setdefault(link.account.name, []).append(link)
            worker.start()

    def unbound(self, link: BoundLink) -> None:
        """Its receipts may go to the other binds of the account."""
        worker = self._workers.pop(link.id, None)
        if worker is None:
            return
        self._links[link.account.name].remove(link)
        self._save(self._release(link, worker))

    def roomy(self, link: BoundLink) -> None:
        """The window has room again."""
        if worker := self._workers.get(link.id):
            worker.wake()

    def answered(self, link: BoundLink, events: Sequence[Answered | Unanswered]) -> None:
        """Record the answers of one read together."""
        paid: list[int] = []
        deferred: list[tuple[int, int, int]] = []
        words: Counter[str] = Counter()
        for item in events:
            receipt = item.context
            if not isinstance(receipt, Receipt):
                continue
            status = item.response.command_status if isinstance(item, Answered) else None
            words["timeout" if status is None else status_name(status)] += 1
            if status == Status.ESME_ROK:
                paid.append(receipt.id)
            elif status in _ENDS_RECEIPT:
                paid.append(receipt.id)
                event(
                    log,
                    logging.WARNING,
                    "receipt refused for good",
                    account=receipt.account,
                    id=receipt.wire_id,
                )
            else:
                deferred.append(self._deferral(receipt, lost=status is None and link.connection.closing))
        for word, count in words.items():
            self._metrics.deliver_sm.labels(link.account.name, word).inc(count)
        if paid or deferred:
            self._save(self._record(link.account.name, paid, deferred))

    # --- for the other workers -----------------------------------------------------------------

    def owed(self, account: str) -> None:
        """A receipt was added for this account."""
        for link in self._links.get(account, ()):
            self._workers[link.id].wake()

    async def stop(self) -> None:
        """Deliver no more. Binds may go on answering; call `settle_down` when they are gone."""
        await asyncio.gather(*(worker.stop() for worker in self._workers.values()))

    async def settle_down(self) -> None:
        """Wait until the last answers are recorded."""
        while self._saving:
            await asyncio.wait(self._saving)

    # --- inside --------------------------------------------------------------------------------

    async def _step(self, link: BoundLink) -> float:
        room = min(link.room, _CLAIM_AT_MOST)
        if room <= 0:
            return _IDLE
        now = self._clock()
        receipts = await self._store.claim_receipts(
            link.account.name, link.id, now, now + self._lease_ms, room
        )
        undelivered = self._deliver(link, receipts)
        if undelivered:
            await self._store.defer_receipts([(receipt.id, now, receipt.tries) for receipt in undelivered])
            return _IDLE
        return _IDLE if len(receipts) < room else 0.0

    def _deliver(self, link: BoundLink, receipts: Sequence[Receipt]) -> Sequence[Receipt]:
        """Send; the ones that could not be sent because the session ended meanwhile."""
        profile = link.account.receipt
        style = receipt_style(profile)
        for index, receipt in enumerate(receipts):
            try:
                link.connection.request(
                    receipt_pdu(receipt, style, profile.tlvs and link.takes_tlvs), receipt
                )
            except InvalidState:
                return receipts[index:]
            except ValueError as error:  # this one cannot be written: the others must not wait for it
                event(log, logging.ERROR, "receipt cannot be encoded", id=receipt.wire_id, error=str(error))
                self._save(self._record(link.account.name, [], [self._deferral(receipt, lost=False)]))
        return ()

    def _deferral(self, receipt: Receipt, lost: bool) -> tuple[int, int, int]:
        """(id, due, tries): at once when the connection went away, else with backoff behind the others."""
        now = self._clock()
        if lost:
            return receipt.id, now, receipt.tries
        pause = backoff(receipt.tries, jitter=random.random())
        asyncio.get_running_loop().call_later(pause + 0.05, self.owed, receipt.account)
        return receipt.id, now + round(pause * 1000), receipt.tries + 1

    async def _record(self, account: str, paid: list[int], deferred: list[tuple[int, int, int]]) -> None:
        async def save() -> None:
            await asyncio.gather(self._store.pay_receipts(paid), self._store.defer_receipts(deferred))

        await persist(f"receipts of {account}", save)

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
        if not task.cancelled() and isinstance(task.exception(), StoreError):
            event(log, logging.ERROR, "answers to receipts not saved: they will be delivered again")
