"""What the flow asks of a store, in verbs of its own domain.

`Store` is made of five roles, so that a constructor shows what its worker may touch: `Accepting`, `Sending`,
`Settling`, `Delivering` and `Housekeeping`. Four of them are `Marking`, too. All times are arguments:
integer milliseconds since 1970, UTC.

Every verb that returns a future promises this:

1. It is one atomic step. Verbs called in the same turn of the event loop may share a transaction.
2. When its future is done, the step is on disk.
3. When its future has StoreError, nothing of the step has happened. The verb itself raises StoreError when
   the store is not open.
4. Verbs take effect in the order in which they were called. Each one sees what those before it have done.
5. Their futures are done in that order too, whether they succeed or fail. So the callbacks that were added
   to them before run in the order of the calls, and a coroutine that awaits its call at once is woken in that
   order as well. Say that `record` and then `claim_receipts` are called in one turn: a callback of the first
   runs before anybody has the receipts. Whoever waits through a task, `gather` or `shield` goes on later.
   The exception is `release_origin`, which may take several transactions.
6. Cancelling a future before its turn takes its step out; later than that, the step happens all the same.
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
    Reached,
    Recorded,
    Rerouted,
    Settlement,
    Story,
)


class Accepting(Protocol):
    """What equipment submits, the parts of its long messages, and what it asks about its messages."""

    def add_segments(self, segments: Sequence[Segment]) -> "Future[None]":
        """Store accepted segments, all or none."""

    def add_or_replace(
        self, segments: Sequence[Segment], replacing: Collection[int]
    ) -> "Future[dict[int, Kept]]":
        """Store accepted segments of one account, all or none. Those whose id is in ``replacing`` may take
        the place of a stored message.

        1. The message that is replaced has the same account, recipient, source_addr and service_type, is
           WAITING or QUEUED, and its deadline has not come. No attempt of it ended "uncertain", after which
           a provider may have it after all. Of several such messages it is the latest before the segment.
        2. It keeps its id, its wire_id and the time when it was submitted. Everything else is new.
        3. Where there is no such message, the segment is added.

        Returns the messages that were replaced, by the ids of the segments that took their places."""

    def take_short_ids(self, count: int) -> "Future[int]":
        """Reserve ``count`` consecutive numbers for short message ids; the first of them. Numbers
        are 1..2^31-1 and begin again at 1 after that. Raises ValueError for another ``count`` than that."""

    def add_parts(self, parts: Sequence[Part]) -> "Future[list[Collected]]":
        """Store parts of long messages, all or none; one `Collected` for each part, in order.

        1. Parts belong together by account, recipient, source_addr, reference, width of the reference, and
           total.
        2. A part that is stored already (the same number and the same octets) is not stored again.
        3. A part with a number that is stored and with other octets begins another message. All further
           parts belong to that one."""

    def await_parts(self, now: int) -> "Future[None]":
        """Wait for missing parts from ``now`` on for as long as at first, but for a minute at most: nobody
        could bring them for a while, or the clock has jumped. None is waited for any longer than at first."""

    def take_joins(self, now: int, limit: int) -> "Future[list[Join]]":
        """Up to ``limit`` long messages: first those whose parts are all there, then those whose missing
        parts are waited for no longer. Changes nothing: `join` ends them, until then they come again."""

    def join(self, joined: Sequence[Joined], given_up: Sequence[GivenUp], now: int) -> "Future[Made]":
        """End the waiting for parts.

        1. Heads of ``joined`` go on as messages with the whole text.
        2. Heads of ``given_up`` end, and with them all parts that are there.
        3. A message that got another part since `take_joins` is left alone in both cases.
        4. Until the time for parts is over, a part that comes again is known if none was missing. Otherwise
           it begins a new message."""

    def forget_joins(self, now: int, limit: int) -> "Future[int]":
        """Forget up to ``limit`` ended long messages whose time for parts is over; how many. A part that
        comes again begins a new message then."""

    def find_messages(self, account: str, wire_id: str) -> "Future[list[Found]]":
        """The messages with this message_id: one, or one for each destination of a submit_multi. A part of a
        long message is found with its head's id, stage, state and content."""

    def cancel(
        self, account: str, wire_id: str, source: str, destination: str, now: int
    ) -> "Future[Cancelled]":
        """Messages that are WAITING or QUEUED become DELETED, and the receipts that they asked for are owed:
        those with this message_id, this source_addr and, unless it is "", this destination_addr. Messages in
        other stages stay as they are."""

    def cancel_pending(
        self, account: str, recipient: str, source: str, service_type: str | None, before: int, now: int
    ) -> "Future[Cancelled]":
        """The same with the messages for ``recipient`` (international digits) that have this source_addr,
        this service_type (None: any) and an id below ``before``. A call takes a bounded number of them: call
        again until ``found`` is 0."""

    def replace(self, message_id: int, replacement: Replacement, now: int) -> "Future[bool]":
        """Give a stored message new content. False, and nothing has changed, unless all of this holds:

        1. It is WAITING or QUEUED, and its deadline has not come.
        2. No provider was to keep it until it is time to send it (send_at is 0).
        3. No attempt of it ended "uncertain", after which a provider may have it after all."""


class Marking(Protocol):
    """Numbers that a worker remembers."""

    def set_mark(self, name: str, value: int) -> "Future[None]":
        """Remember a number under a name: when a provider was asked, up to when it has told everything."""

    def mark(self, name: str) -> "Future[int | None]":
        """The number remembered under a name."""


class Sending(Marking, Protocol):
    """Hand-overs to providers, and what became of them."""

    def claim_messages(
        self,
        provider: str,
        account: str,
        limit: int,
        now: int,
        lease_until: int,
        among: int = 0,
        least: int = 0,
    ) -> "Future[list[Message]]":
        """Take up to ``limit`` QUEUED messages whose deadline has not come: higher priority first, then in
        order of id. The same statement records the attempt: SENDING, attempt + 1, due at ``lease_until``.

        With ``among`` the messages are those of the first ``among`` with the fewest attempts so far. With
        ``least`` only messages of this priority and above are taken."""

    def put_off(self, provider: str, account: str, until: int, limit: int) -> "Future[int]":
        """Up to ``limit`` QUEUED messages without priority become WAITING until ``until``, their deadline at
        the latest; how many. No attempt of theirs counts."""

    def record(
        self, sent: Sequence[Sent], unsent: Sequence[Unsent], outcomes: Sequence[Outcome], now: int
    ) -> "Future[Recorded]":
        """Record what became of attempts, all of it or nothing.

        ``sent``: the provider took the message.

        1. It becomes SENT from any stage before, unless a newer attempt has begun. Its lease may have run
           out, and it may wait for another provider by now: it belongs to the provider of this attempt again.
        2. Where `Sent.parts` names further parts, each part has a status of its own; the first part is the
           one with ``provider_ref``. The message becomes FINAL when all its parts are, with the state, err
           and code of the worst part: REJECTED, UNDELIVERABLE, DELETED, EXPIRED, UNKNOWN, others, DELIVERED.
        3. Statuses that came before the reference was known are applied in the same step, each of them to
           one message or to one part only. `settle` says which.

        ``unsent``: the provider did not take the message, or nobody knows.

        1. It moves on as `Unsent` says, and the attempt is kept for the history.
        2. It is left alone unless it is SENDING or UNCERTAIN, and this attempt is still its last one.

        ``outcomes``: final states that the bridge decides, by our own ids.

        1. The message becomes FINAL, and the receipt that it asked for is owed, unless the outcome is
           ``silent``.
        2. A FINAL message is left alone. Of two outcomes for one message only the first counts.
        3. An outcome with an ``attempt`` is void unless the message is SENDING or UNCERTAIN, and this
           attempt is still its last one.
        4. A SENT message in parts takes the state, err and code of its worst final part instead, where that
           is worse than the outcome's state."""

    def hand_back(self, items: Sequence[tuple[int, int, int]]) -> "Future[None]":
        """Each item is (message id, attempt, due at): claimed, but no provider has seen it. The message is
        WAITING until ``due at``, its deadline at the latest, and the attempt does not count."""

    def claim_doubts(self, provider: str, now: int, limit: int, next_at: int) -> "Future[list[Doubt]]":
        """Take up to ``limit`` UNCERTAIN messages about which it is time to ask their provider, longest
        overdue first. They are due again at ``next_at``, and the question counts as asked."""

    def note_doubts(self, missed: Sequence[int], unclear: Sequence[int]) -> "Future[None]":
        """Note answers about UNCERTAIN messages, by id. The provider certainly did not know ``missed``: one
        miss more each. It could not tell about ``unclear``: their misses count from zero again."""

    def in_flight(self, provider: str) -> "Future[frozenset[tuple[str, str]]]":
        """(recipient, text) of the messages SENDING at ``provider``: their references are not stored yet."""

    def known_refs(self, provider: str, refs: Sequence[str]) -> "Future[frozenset[str]]":
        """Those of ``refs`` that messages of ``provider``, or parts of them, have already."""

    def reroute(self, provider: str, usable: Sequence[str], after: int, limit: int) -> "Future[Rerouted]":
        """Move QUEUED messages of ``provider`` to the first other provider of their route that is in
        ``usable``. Looks at up to ``limit`` messages with an id above ``after``, in order of id."""


class Settling(Marking, Protocol):
    """What providers say about messages that they took."""

    def settle(self, provider: str, reports: Sequence[StatusReport], now: int) -> "Future[Settlement]":
        """Apply statuses of ``provider`` in their order. Applying them again changes nothing.

        What a status does:

        1. Final: the message becomes FINAL, and the receipt that it asked for is owed.
        2. Not final: its state is noted. A notification is owed where registered_delivery bit 4 asks for
           it, once for each state.
        3. For a FINAL message: nothing. It counts as `Settlement.late` where its state is another one.
        4. For a part of a message: the same with the part. See `Sending.record` for the message.

        A status is for one message, or for one part of a message. It is the first of these that there is:

        1. with its ``provider_ref``, and a recipient that agrees (any, where the status names none);
        2. with a reference in ``also``, in the order of those, and a recipient that agrees;
        3. with its ``provider_ref``.

        Of several messages with the same reference the latest is meant. Recipients agree when their last 9
        digits are equal; where one of them has fewer digits, all of those; below 6 digits both must be
        equal. An ``early`` status is for no message where the one that was found is FINAL.

        A status that is for no message is kept:

        1. It is kept under ``provider_ref`` and each reference in ``also``. Of several statuses under one of
           them and for one recipient the first final status stays, else the last.
        2. The first `record` with a message that it may be for applies it, by the order above.
        3. Then it is gone under all its references. `purge` deletes those that no message ever takes."""

    def claim_polls(
        self,
        provider: str,
        now: int,
        limit: int,
        interval: int,
        slowest: int,
        early: Sequence[int] = (),
    ) -> "Future[list[Poll]]":
        """Take up to ``limit`` SENT messages whose status is to be asked now, longest overdue first. Each is
        due again when `rules.polls.next_question` says."""


class Delivering(Marking, Protocol):
    """What is owed to equipment: receipts, alerts, messages from phones."""

    def claim_receipts(
        self, account: str, origin: int, now: int, lease_until: int, limit: int
    ) -> "Future[list[Receipt]]":
        """Take up to ``limit`` receipts that are due, for the bind ``origin``: first those of messages that
        this bind submitted, then those of no bind in particular (origin 0). Longest due first. They are not
        due again before ``lease_until``."""

    def pay_receipts(self, ids: Sequence[int]) -> "Future[None]":
        """Delete receipts that are delivered, or given up."""

    def defer_receipts(self, items: Sequence[tuple[int, int, int]]) -> "Future[None]":
        """Each item is (receipt id, due at, tries): owed still."""

    def release_origin(self, account: str, origin: int, now: int) -> "Future[None]":
        """The bind ``origin`` is gone: its receipts may go to any bind of the account, at once."""

    def owes(self, account: str, now: int) -> "Future[bool]":
        """Whether anything is due for an account that has no bind to take it."""

    def claim_alerts(self, account: str, now: int, lease_until: int, limit: int) -> "Future[list[Alert]]":
        """Take up to ``limit`` alerts that are due, for any bind of the account. They are not due again
        before ``lease_until``.

        1. A message that asked for an alert by its TLVs, was handed over, and became UNDELIVERABLE or
           EXPIRED, is watched for.
        2. Of several with the same account, recipient and source_addr only the latest is watched for.
        3. The alert is owed as soon as another message of the account to the same recipient is DELIVERED."""

    def pay_alerts(self, ids: Sequence[int]) -> "Future[None]":
        """Delete alerts that are sent."""

    def add_inbound(self, arrivals: Sequence[Arrival], now: int) -> "Future[list[Arrival]]":
        """Store messages from phones, and owe their parts; returns those that are new. A message whose
        (provider, ref) was stored before is left out."""

    def claim_inbound(
        self, account: str, now: int, lease_until: int, limit: int
    ) -> "Future[list[InboundPart]]":
        """Take up to ``limit`` parts that are due, for any bind of the account, in order. They are not due
        again before ``lease_until``."""

    def pay_inbound(self, ids: Sequence[int]) -> "Future[None]":
        """Delete parts that are delivered, or given up."""

    def defer_inbound(self, items: Sequence[tuple[int, int, int]]) -> "Future[None]":
        """Each item is (part id, due at, tries): owed still."""


class Housekeeping(Marking, Protocol):
    """What time alone changes, what is too old, and how full the store is."""

    def promote(self, provider: str, now: int, limit: int) -> "Future[frozenset[str]]":
        """Up to ``limit`` WAITING messages whose time has come become QUEUED; the accounts of these."""

    def hasten(self, provider: str, now: int, after: Reached, limit: int) -> "Future[Reached]":
        """The clock was put back to ``now``: messages that are due later by a pause of the bridge's own are
        due now. Looks at up to ``limit`` from ``after`` on. Returns where to go on, HASTENED at the end.

        1. WAITING, because an attempt failed, or because they were handed back or put off. What waits for its
           schedule stays.
        2. UNCERTAIN or SENT, with a question before the deadline.
        3. What a provider is to keep until later stays as it is (send_at)."""

    def hasten_owed(self, account: str, now: int, limit: int) -> "Future[int]":
        """The clock was put back to ``now``: what is owed to the account, and due later, is due now. Up to
        ``limit`` receipts, parts of messages from phones, and alerts; how many."""

    def overdue(self, provider: str, now: int, limit: int) -> "Future[list[Overdue]]":
        """Up to ``limit`` messages to give up on. Changes nothing.

        1. SENDING, and the lease is over.
        2. UNCERTAIN or SENT, past the deadline.
        3. QUEUED or WAITING, past the deadline. A message must not be put WAITING for a time after its
           deadline: it is not found before that time."""

    def expire_receipts(self, account: str, before: int, limit: int) -> "Future[int]":
        """Delete up to ``limit`` of what is owed to ``account`` for too long; how many.

        1. Receipts for a state that was reached before ``before``.
        2. Parts of messages from phones that were taken before it.
        3. Not counted, and up to ``limit`` more: alerts, and watches for them, of messages that ended
           before it."""

    def purge(self, before: int, orphans_before: int, now: int, limit: int) -> "Future[int]":
        """Delete up to ``limit`` rows that are too old; how many.

        1. FINAL messages that were submitted before ``before``, with their attempts and parts.
        2. FINAL messages that were submitted after ``now``, by a clock that was ahead, once one that was
           stored later is too old.
        3. Messages from phones that were taken before ``before``.
        4. Statuses for unknown references that came before ``orphans_before``, or after ``now``; a row for
           each reference."""

    def probe(self) -> "Future[None]":
        """Write one small thing. StoreError when the store takes no writes."""

    async def waiting(self) -> dict[str, int]:
        """How many messages of each account no provider has taken yet (COLLECTING to UNCERTAIN). The parts of
        a long message count one by one until they are joined. Slow; beside the work, like `gauges`.

        They are counted as they are at the moment of the call, whatever changes while it runs. What is in a
        COMMIT at that moment may count or not."""

    async def gauges(self, now: int) -> Gauges:
        """Count the queues. Slow; on a connection of its own, beside the work. ``now`` is for what counts
        only from a certain age on (`Gauges.unknown`)."""

    async def list_stage(self, stage: int, limit: int) -> list[Overdue]:
        """Up to ``limit`` messages in a stage, oldest first, for people. Beside the work, like `gauges`."""

    async def story(self, message_id: int) -> Story | None:
        """What is kept of a message; None for an unknown id. Beside the work, like `gauges`."""


class Store(Accepting, Sending, Settling, Delivering, Housekeeping, Protocol):
    """Durable state of messages and receipts. One folder per backend implements it."""

    async def open(self) -> Backlog:
        """Open, migrate and recover. Raises StoreError with what to do.

        Nobody holds anything after a stop, so the leases of SENDING messages, receipts and parts of messages
        from phones are over, and receipts lose their origin."""

    async def close(self) -> None:
        """Finish what was begun and close. Verbs called later raise StoreError."""
