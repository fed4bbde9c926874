"""What the flow asks of a store, in verbs of its own domain. One file per backend implements it.

Every verb is one atomic step: when its future is done the step is on disk, when it raises StoreError
nothing of it has happened. Verbs called in the same turn of the event loop may share a transaction.
Times are integer milliseconds since 1970, UTC, and always an argument. Must not know: SMPP, providers, HTTP.
"""

from asyncio import Future
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from smppbridge.model.message import (
    Message,
    Outcome,
    Overdue,
    Poll,
    Receipt,
    Segment,
    Sent,
    Settled,
    StatusReport,
    Unsent,
)


class Backlog(NamedTuple):
    """What was there at the start: whom to wake."""

    queued: frozenset[tuple[str, str]]  # (provider, account) with QUEUED messages
    providers: frozenset[str]  # every provider that a message not yet FINAL waits for
    last_id: int  # the highest message id in the store, 0 when empty


class Gauges(NamedTuple):
    """A sample of the queues: counts and the oldest entry's time (ms), for metrics."""

    queued: dict[str, tuple[int, int]]  # provider -> messages WAITING or QUEUED, oldest submitted_at
    uncertain: dict[str, int]  # provider -> messages UNCERTAIN
    owed: dict[str, tuple[int, int]]  # account -> receipts owed, oldest "at"


class Settlement(NamedTuple):
    """What a batch of statuses did."""

    settled: list[Settled]  # became final now
    notified: frozenset[str]  # accounts that are owed an intermediate notification by it
    late: int  # statuses that contradict a final state: ignored


class Rerouted(NamedTuple):
    """What one look at the queue of a paused provider did."""

    accounts: frozenset[str]  # whose messages moved
    moved: int  # how many messages
    last: int  # the last id looked at, to go on after; 0 when the end was reached


class Store(Protocol):
    """Durable state of messages and receipts."""

    async def open(self) -> Backlog:
        """Open, migrate and recover: SENDING rows become overdue at once (nobody holds them any more),
        leases of receipts end, receipts lose their origin. Raises StoreError with what to do."""

    async def close(self) -> None:
        """Finish what was begun and close. Further calls raise StoreError."""

    # --- accepting -------------------------------------------------------------------------------

    def add_segments(self, segments: Sequence[Segment]) -> "Future[None]":
        """Store accepted segments, all or none."""

    def take_short_ids(self, count: int) -> "Future[int]":
        """Reserve ``count`` consecutive numbers (1..2^31-1, wrapping) for ids of 8 characters; the first."""

    # --- sending ---------------------------------------------------------------------------------

    def claim_messages(
        self, provider: str, account: str, limit: int, now: int, lease_until: int
    ) -> "Future[list[Message]]":
        """Take up to ``limit`` QUEUED messages whose deadline has not come, higher priority first, then in
        order of id. The same statement records the attempt: SENDING, attempt + 1, due at ``lease_until``."""

    def record_sent(self, sent: Sequence[Sent], now: int) -> "Future[Settlement]":
        """-> SENT from any stage before it, as long as no newer attempt has begun: even when the lease ran
        out and the message went back to a queue, the provider of this attempt has it, and it is that
        provider's again. Statuses that came before their reference was known are applied in the same step."""

    def record_unsent(self, unsent: Sequence[Unsent]) -> "Future[None]":
        """The attempt did not end SENT: move the message on and keep the attempt for the history. Only from
        SENDING or UNCERTAIN, if the attempt is still the last one."""

    def promote(self, provider: str, now: int, limit: int) -> "Future[frozenset[str]]":
        """WAITING messages whose time has come -> QUEUED; the accounts they belong to."""

    def reroute(self, provider: str, usable: Sequence[str], after: int, limit: int) -> "Future[Rerouted]":
        """Move QUEUED messages of a paused ``provider`` with id > ``after`` to the first provider of their
        route that is in ``usable``. Looks at up to ``limit`` rows in order of id."""

    # --- settling --------------------------------------------------------------------------------

    def settle(self, provider: str, reports: Sequence[StatusReport], now: int) -> "Future[Settlement]":
        """Apply provider statuses in order: outcome and owed receipts together. Idempotent; FINAL never
        changes. A non-final status is noted (and notified where registered_delivery bit 4 asks, once per
        state). For a reference not known yet the first final or else the last status is kept, see `purge`."""

    def finish(self, outcomes: Sequence[Outcome]) -> "Future[list[Settled]]":
        """Final states decided here, by our own ids. Messages already FINAL are left alone."""

    def claim_polls(self, provider: str, now: int, limit: int, next_at: int) -> "Future[list[Poll]]":
        """Up to ``limit`` SENT messages due for a status question, longest overdue first; due again at
        ``next_at``."""

    def overdue(self, provider: str, now: int, limit: int) -> "Future[list[Overdue]]":
        """Up to ``limit`` messages to give up on: WAITING or QUEUED past their deadline, SENDING past the
        lease, UNCERTAIN and SENT past their deadline. Changes nothing. A message must not be put WAITING
        for a time after its deadline: it is not found before that time."""

    # --- receipts --------------------------------------------------------------------------------

    def claim_receipts(
        self, account: str, origin: int, now: int, lease_until: int, limit: int
    ) -> "Future[list[Receipt]]":
        """Receipts due for one bind: those of messages it submitted, then those of no bind in particular
        (origin 0). Oldest due first; not due again before ``lease_until``."""

    def pay_receipts(self, ids: Sequence[int]) -> "Future[None]":
        """These are delivered (or given up): delete them."""

    def defer_receipts(self, items: Sequence[tuple[int, int, int]]) -> "Future[None]":
        """Owed still: (receipt id, due at, tries) each."""

    def release_origin(self, account: str, origin: int, now: int) -> "Future[None]":
        """A bind is gone: its receipts may go to any bind of the account, at once."""

    def expire_receipts(self, account: str, before: int, limit: int) -> "Future[int]":
        """Drop up to ``limit`` receipts of ``account`` with a state reached before ``before``; how many."""

    # --- keeping house ---------------------------------------------------------------------------

    def purge(self, before: int, orphans_before: int, limit: int) -> "Future[int]":
        """Delete up to ``limit`` FINAL messages submitted before ``before`` with their attempts, and statuses
        for unknown references older than ``orphans_before``; how many rows."""

    def probe(self) -> "Future[None]":
        """Write and commit one small thing: raises StoreError when the store takes no writes."""

    async def gauges(self) -> Gauges:
        """Count the queues. Slow; on a connection of its own, beside the work."""

    async def list_stage(self, stage: int, limit: int) -> list[Overdue]:
        """Up to ``limit`` messages in a stage, oldest first, for people. Beside the work, like gauges."""
