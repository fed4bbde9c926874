"""What the flow asks of a store, in verbs of its own domain. One file per backend implements it.

Every verb is one atomic step: when its future is done the step is on disk, when it raises StoreError
nothing of it has happened. Verbs called in the same turn of the event loop may share a transaction.
Times are integer milliseconds since 1970, UTC, and always an argument. Must not know: SMPP, providers, HTTP.
"""

from asyncio import Future
from collections.abc import Collection, Sequence
from typing import Protocol

from smppbridge.model.joining import Collected, GivenUp, Join, Joined, Part
from smppbridge.model.message import (
    Alert,
    Doubt,
    Found,
    InboundPart,
    Message,
    Outcome,
    Overdue,
    Poll,
    Receipt,
    Replacement,
    Segment,
    Sent,
    StatusReport,
    Unsent,
)
from smppbridge.store.results import (
    Arrival,
    Backlog,
    Cancelled,
    Gauges,
    Kept,
    Made,
    Recorded,
    Rerouted,
    Settlement,
)


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

    # --- joining ---------------------------------------------------------------------------------

    def add_parts(self, parts: Sequence[Part]) -> "Future[list[Collected]]":
        """Store parts of long messages, all or none; one `Collected` for each, in order. Parts belong
        together by account, recipient, source_addr, reference, its width, and total. One that is there
        already (the same octets under the same number) is not stored again; one with other octets begins
        another message, to which all further parts belong."""

    def await_parts(self, now: int) -> "Future[None]":
        """Wait for missing parts as long as at first, up to a minute: nobody could bring them for a while."""

    def take_joins(self, now: int, limit: int) -> "Future[list[Join]]":
        """Up to ``limit`` messages whose parts are all there, then those of which some are missing and no
        longer waited for. Changes nothing: they come again until `join`."""

    def join(self, joined: Sequence[Joined], given_up: Sequence[GivenUp], now: int) -> "Future[Made]":
        """``joined``: their heads go on with the whole text. ``given_up``: their heads end, and with them all
        parts that are there. Nothing happens to those that got another part since they were taken. Parts that
        come again are known until the time for parts is over, if none was missing; else they are new."""

    def forget_joins(self, now: int, limit: int) -> "Future[int]":
        """Up to ``limit`` messages whose time for parts is over: one that comes again is new; how many."""

    # --- what ESMEs ask about messages of theirs ---------------------------------------------------

    def add_or_replace(
        self, segments: Sequence[Segment], replacing: Collection[int]
    ) -> "Future[dict[int, Kept]]":
        """Store accepted segments, all or none. One whose id is in ``replacing`` takes the place of the
        latest message WAITING or QUEUED, its deadline not come, with the same account, recipient, source_addr
        and service_type. That keeps its id, its wire_id and when it was submitted, and gets everything else.
        Where there is none the segment is added. By the ids that took a place: the message it is now."""

    def find_messages(self, account: str, wire_id: str) -> "Future[list[Found]]":
        """The messages with this message_id: one, or one for each destination of a submit_multi. A part of a
        long message is found with its head's id, stage, state and content."""

    def cancel(
        self, account: str, wire_id: str, source: str, destination: str, now: int
    ) -> "Future[Cancelled]":
        """Those messages with this message_id, source_addr and, unless it is "", destination_addr that are
        WAITING or QUEUED become DELETED, with the receipts owed. All others stay as they are."""

    def cancel_pending(
        self, account: str, recipient: str, source: str, service_type: str | None, before: int, now: int
    ) -> "Future[Cancelled]":
        """The same with those for a recipient (international digits), with this source_addr and service_type
        (None: any), and with an id below ``before``. A bounded number at a time: call it again until
        ``found`` is 0."""

    def replace(self, message_id: int, replacement: Replacement, now: int) -> "Future[bool]":
        """New content for a message that is WAITING or QUEUED, has not come to its deadline, and is not to
        be kept by a provider until it is time to send it; False when it is not, and nothing has changed."""

    # --- sending ---------------------------------------------------------------------------------

    def claim_messages(
        self, provider: str, account: str, limit: int, now: int, lease_until: int
    ) -> "Future[list[Message]]":
        """Take up to ``limit`` QUEUED messages whose deadline has not come, higher priority first, then in
        order of id. The same statement records the attempt: SENDING, attempt + 1, due at ``lease_until``."""

    def record(
        self, sent: Sequence[Sent], unsent: Sequence[Unsent], outcomes: Sequence[Outcome], now: int
    ) -> "Future[Recorded]":
        """What became of attempts, all of it or nothing.

        ``sent`` -> SENT from any stage before it, as long as no newer attempt has begun: even when the lease
        ran out and the message went back to a queue, the provider of this attempt has it, and it is that
        provider's again. Statuses that came before their reference was known are applied in the same step.
        Where it names `Sent.parts`, each part (the first one, ``provider_ref``, among them) has a status of
        its own: the message is FINAL when all parts are, with the state, err and code of the worst.
        One status is for one message, or one part, only: see `settle`.

        ``unsent``: move the message on and keep the attempt for the history. Only from SENDING or UNCERTAIN,
        if the attempt is still the last one.

        ``outcomes``: final states decided here, by our own ids; no receipt is owed for a ``silent`` one.
        Messages already FINAL are left alone. One with an ``attempt`` is for a message SENDING or UNCERTAIN
        whose last attempt this still is. Where a message in parts is given up, a final part that is worse off
        than the outcome says speaks for it."""

    def hand_back(self, items: Sequence[tuple[int, int, int]]) -> "Future[None]":
        """(message id, attempt, due at) each: claimed, but no provider has seen it. WAITING until ``due at``,
        and the attempt does not count."""

    def claim_doubts(self, provider: str, now: int, limit: int, next_at: int) -> "Future[list[Doubt]]":
        """Up to ``limit`` UNCERTAIN messages due for a question to their provider, longest overdue first;
        due again at ``next_at``. The question counts as asked."""

    def note_doubts(self, missed: Sequence[int], unclear: Sequence[int]) -> "Future[None]":
        """The provider certainly did not know ``missed`` (one miss more); about ``unclear`` it could not tell
        (misses count from zero again)."""

    def in_flight(self, provider: str) -> "Future[frozenset[tuple[str, str]]]":
        """(recipient, text) of the messages SENDING there: their references are not on record yet."""

    def known_refs(self, provider: str, refs: Sequence[str]) -> "Future[frozenset[str]]":
        """Those of ``refs`` that messages of ``provider``, or parts of them, have already."""

    def promote(self, provider: str, now: int, limit: int) -> "Future[frozenset[str]]":
        """WAITING messages whose time has come -> QUEUED; the accounts they belong to."""

    def reroute(self, provider: str, usable: Sequence[str], after: int, limit: int) -> "Future[Rerouted]":
        """Move QUEUED messages of a paused ``provider`` with id > ``after`` to the first provider of their
        route that is in ``usable``. Looks at up to ``limit`` rows in order of id."""

    # --- settling --------------------------------------------------------------------------------

    def settle(self, provider: str, reports: Sequence[StatusReport], now: int) -> "Future[Settlement]":
        """Apply provider statuses in order: outcome and owed receipts together. Idempotent; FINAL never
        changes. A non-final status is noted (and notified where registered_delivery bit 4 asks, once per
        state).

        A status is for the first of these messages, or parts of one: that with its ``provider_ref`` whose
        recipient agrees (any, where the status has none); that with a reference in ``also`` whose recipient
        agrees, in their order; that with its ``provider_ref``. Where a reference is used again, for the
        latest. Recipients agree in the last 9 digits, or in all of a shorter number (6 digits or more; below
        that they must be equal). Where that message is FINAL, an ``early`` status is for none.

        For a reference not known yet the first final or else the last status is kept under each of its
        notations. The first `record` with messages that it may be for brings it to one of these, by the same
        order; then it is gone. See `purge` for those that nobody takes."""

    def claim_polls(
        self, provider: str, now: int, limit: int, interval: int, slowest: int
    ) -> "Future[list[Poll]]":
        """Up to ``limit`` SENT messages due for a status question, longest overdue first; each is due again
        after as long as it has been under way, but in ``interval`` ms at least and ``slowest`` at most."""

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
        """Drop up to ``limit`` receipts of ``account`` with a state reached before ``before``, and parts of
        messages from phones taken before it; how many. Not counted: alerts, owed or only watched for, of
        messages that ended before it, as many again."""

    def owes(self, account: str, now: int) -> "Future[bool]":
        """Whether anything is due for an account that has no bind to take it."""

    # --- alerts ------------------------------------------------------------------------------------

    def claim_alerts(self, account: str, now: int, lease_until: int, limit: int) -> "Future[list[Alert]]":
        """Alerts due for any bind of the account; not due again before ``lease_until``. A message that asked
        for one by its TLVs and became UNDELIVERABLE or EXPIRED is owed it as soon as another message of its
        account to the same recipient becomes DELIVERED; of several with the same source_addr, the latest."""

    def pay_alerts(self, ids: Sequence[int]) -> "Future[None]":
        """These are sent: delete them."""

    # --- messages from phones ---------------------------------------------------------------------

    def add_inbound(self, arrivals: Sequence[Arrival], now: int) -> "Future[list[Arrival]]":
        """Take messages from phones, and owe their parts; those that are new. One whose (provider, ref) was
        taken before is left out."""

    def claim_inbound(
        self, account: str, now: int, lease_until: int, limit: int
    ) -> "Future[list[InboundPart]]":
        """Parts due for any bind of the account, in order; not due again before ``lease_until``."""

    def pay_inbound(self, ids: Sequence[int]) -> "Future[None]":
        """These parts are delivered (or given up): delete them."""

    def defer_inbound(self, items: Sequence[tuple[int, int, int]]) -> "Future[None]":
        """Owed still: (part id, due at, tries) each."""

    def set_mark(self, name: str, value: int) -> "Future[None]":
        """Remember a number under a name."""

    def mark(self, name: str) -> "Future[int | None]":
        """The number remembered under a name."""

    # --- keeping house ---------------------------------------------------------------------------

    def purge(self, before: int, orphans_before: int, limit: int) -> "Future[int]":
        """Delete up to ``limit`` FINAL messages submitted before ``before`` with their attempts and parts,
        messages from phones taken before it, and statuses for unknown references older than
        ``orphans_before`` (one row for each notation); how many rows."""

    def probe(self) -> "Future[None]":
        """Write and commit one small thing: raises StoreError when the store takes no writes."""

    async def gauges(self, now: int) -> Gauges:
        """Count the queues. Slow; on a connection of its own, beside the work. ``now`` is for what counts
        only from an age on (`Gauges.unknown`)."""

    async def list_stage(self, stage: int, limit: int) -> list[Overdue]:
        """Up to ``limit`` messages in a stage, oldest first, for people. Beside the work, like gauges."""
