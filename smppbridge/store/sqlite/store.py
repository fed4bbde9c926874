"""The embedded store: one SQLite file, one process.

Each verb of `store.base.Store` is a function of a connection, in the modules beside this one. It is handed to
the group-commit `Writer`. This file joins them, and holds what lives no longer than the process.
"""

import asyncio
import sqlite3
from asyncio import Future
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from smppbridge.errors import StoreError
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
from smppbridge.store.sqlite import (
    alerts,
    hastening,
    inbound,
    joins,
    lookups,
    messages,
    receipts,
    retention,
    settling,
    views,
)
from smppbridge.store.sqlite.address_index import AddressIndex
from smppbridge.store.sqlite.checkpoint import LOG_PAGE, PASSIVE_PAGES, RESTART_PAGES, Checkpointer
from smppbridge.store.sqlite.connections import Connections
from smppbridge.store.sqlite.writer import SLOW_COMMIT, Writer, commit

T = TypeVar("T")


class _Opened(NamedTuple):
    """What exists between open and close."""

    connections: Connections
    writer: Writer
    checkpointer: Checkpointer
    addresses: AddressIndex


class SqliteStore:
    """`store.base.Store` in a file. Everything but `open` and `close` belongs to one event loop."""

    def __init__(
        self,
        path: str | Path,
        *,
        commit: Callable[[sqlite3.Connection], None] = commit,
        on_commit: Callable[[float, int], None] = lambda seconds, rows: None,
        slow_commit: float = SLOW_COMMIT,
        passive_pages: int = PASSIVE_PAGES,
        restart_pages: int = RESTART_PAGES,
    ) -> None:
        """``on_commit(seconds, rows)`` hears of every COMMIT that changed rows. The rest is for tests and
        unusual disks:

        1. ``commit``: the COMMIT itself.
        2. ``slow_commit``: seconds; a COMMIT that takes longer is slow.
        3. ``passive_pages``, ``restart_pages``: pages of log, 4 KiB each, at which they are moved into the
           database, and at which the log begins anew."""
        self._path = Path(path)
        self._commit = commit
        self._on_commit = on_commit
        self._slow_commit = slow_commit
        self._passive_pages = passive_pages
        self._restart_pages = restart_pages
        self._opened: _Opened | None = None
        self._live: set[tuple[str, int]] = set()  # (account, origin) of binds that claim receipts
        self._leaving: set[tuple[str, int]] = set()  # binds that are gone and may have left receipts
        self._purged = retention.Walk()

    async def open(self) -> Backlog:
        """See base. Raises StoreError for a directory that is missing, a file of another program, a second
        process, and for whatever SQLite refuses."""
        if self._opened is not None:
            raise StoreError("the store is open already")
        connections = Connections(self._path, self._restart_pages * LOG_PAGE, self._passive_pages * LOG_PAGE)
        backlog, trial = await asyncio.to_thread(connections.open, self._commit)
        writer = Writer(
            connections.writer,
            connections.damage,
            commit=self._commit,
            on_commit=self._on_commit,
            slow=trial > self._slow_commit,
            slow_commit=self._slow_commit,
        )
        checkpointer = Checkpointer(
            connections.checkpointer,
            connections.wal,
            writer,
            passive_pages=self._passive_pages,
            restart_pages=self._restart_pages,
        )
        writer.after_commit = checkpointer.look
        addresses = AddressIndex(writer.call, connections.read)
        self._opened = _Opened(connections, writer, checkpointer, addresses)
        return backlog

    async def close(self) -> None:
        """See base. Closing twice does no harm."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.writer.close()
            await opened.addresses.close()
            await opened.checkpointer.close()
            await asyncio.to_thread(opened.connections.close)

    @property
    def _running(self) -> _Opened:
        if self._opened is None:
            raise StoreError("the store is not open")
        return self._opened

    def _call(self, work: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        return self._running.writer.call(work)

    async def _read(self, view: Callable[[sqlite3.Connection], T], *, as_of_now: bool = False) -> T:
        """Run a query on a connection of its own, in a thread; ``as_of_now``: on what is committed now."""
        connections = self._running.connections
        return await asyncio.to_thread(connections.read, view, connections.snapshot() if as_of_now else None)

    # --- accepting -------------------------------------------------------------------------------

    def add_segments(self, segments: Sequence[Segment]) -> "Future[None]":
        return self._call(lambda connection: messages.add(connection, segments))

    def take_short_ids(self, count: int) -> "Future[int]":
        if not 1 <= count <= messages.SHORT_ID_MAX:
            raise ValueError(f"count must be 1..{messages.SHORT_ID_MAX}, not {count}")
        return self._call(lambda connection: messages.take_short_ids(connection, count))

    # --- joining ---------------------------------------------------------------------------------

    def add_parts(self, parts: Sequence[Part]) -> "Future[list[Collected]]":
        return self._call(lambda connection: joins.add(connection, parts))

    def await_parts(self, now: int) -> "Future[None]":
        return self._call(lambda connection: joins.await_parts(connection, now))

    def take_joins(self, now: int, limit: int) -> "Future[list[Join]]":
        return self._call(lambda connection: joins.take(connection, now, limit))

    def join(self, joined: Sequence[Joined], given_up: Sequence[GivenUp], now: int) -> "Future[Made]":
        return self._call(lambda connection: settling.join(connection, joined, given_up, self._live))

    def forget_joins(self, now: int, limit: int) -> "Future[int]":
        return self._call(lambda connection: joins.forget(connection, now, limit))

    # --- what ESMEs ask about messages of theirs ---------------------------------------------------

    def add_or_replace(
        self, segments: Sequence[Segment], replacing: Collection[int]
    ) -> "Future[dict[int, Kept]]":
        work = partial(lookups.add_or_replace, segments=segments, replacing=replacing)
        return self._running.addresses.find(segments[0].account, work)

    def find_messages(self, account: str, wire_id: str) -> "Future[list[Found]]":
        return self._call(lambda connection: lookups.find(connection, account, wire_id))

    def cancel(
        self, account: str, wire_id: str, source: str, destination: str, now: int
    ) -> "Future[Cancelled]":
        return self._call(
            lambda one: lookups.cancel(one, account, wire_id, source, destination, now, self._live)
        )

    def cancel_pending(
        self, account: str, recipient: str, source: str, service_type: str | None, before: int, now: int
    ) -> "Future[Cancelled]":
        return self._running.addresses.find(
            account,
            lambda connection: lookups.cancel_pending(
                connection, account, recipient, source, service_type, before, now, self._live
            ),
        )

    def replace(self, message_id: int, replacement: Replacement, now: int) -> "Future[bool]":
        return self._call(lambda connection: lookups.replace(connection, message_id, replacement, now))

    # --- sending ---------------------------------------------------------------------------------

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
        return self._call(
            lambda one: messages.claim(one, provider, account, limit, now, lease_until, among, least)
        )

    def put_off(self, provider: str, account: str, until: int, limit: int) -> "Future[int]":
        return self._call(lambda connection: messages.put_off(connection, provider, account, until, limit))

    def record(
        self, sent: Sequence[Sent], unsent: Sequence[Unsent], outcomes: Sequence[Outcome], now: int
    ) -> "Future[Recorded]":
        return self._call(lambda one: settling.record(one, sent, unsent, outcomes, now, self._live))

    def hand_back(self, items: Sequence[tuple[int, int, int]]) -> "Future[None]":
        return self._call(lambda connection: messages.hand_back(connection, items))

    def claim_doubts(self, provider: str, now: int, limit: int, next_at: int) -> "Future[list[Doubt]]":
        return self._call(lambda connection: messages.claim_doubts(connection, provider, now, limit, next_at))

    def note_doubts(self, missed: Sequence[int], unclear: Sequence[int]) -> "Future[None]":
        return self._call(lambda connection: messages.note_doubts(connection, missed, unclear))

    def in_flight(self, provider: str) -> "Future[frozenset[tuple[str, str]]]":
        return self._call(lambda connection: messages.in_flight(connection, provider))

    def known_refs(self, provider: str, refs: Sequence[str]) -> "Future[frozenset[str]]":
        return self._call(lambda connection: messages.known_refs(connection, provider, refs))

    def reroute(self, provider: str, usable: Sequence[str], after: int, limit: int) -> "Future[Rerouted]":
        return self._call(lambda connection: messages.reroute(connection, provider, usable, after, limit))

    # --- settling --------------------------------------------------------------------------------

    def settle(self, provider: str, reports: Sequence[StatusReport], now: int) -> "Future[Settlement]":
        return self._call(lambda connection: settling.settle(connection, provider, reports, now, self._live))

    def claim_polls(
        self, provider: str, now: int, limit: int, interval: int, slowest: int, early: Sequence[int] = ()
    ) -> "Future[list[Poll]]":
        return self._call(
            lambda one: messages.claim_polls(one, provider, now, limit, interval, slowest, early)
        )

    # --- receipts --------------------------------------------------------------------------------

    def claim_receipts(
        self, account: str, origin: int, now: int, lease_until: int, limit: int
    ) -> "Future[list[Receipt]]":
        """See base. From now until `release_origin` new receipts for messages of this bind are for this bind.
        Receipts for messages whose bind never claimed, or is gone, are for any bind of the account."""
        if origin:
            self._live.add((account, origin))
            self._leaving.discard((account, origin))

        def work(connection: sqlite3.Connection) -> list[Receipt]:
            for owner, gone in self._leaving:
                if owner == account:
                    receipts.release(connection, account, gone, now)
            return receipts.claim(connection, account, origin, now, lease_until, limit)

        return self._call(work)

    def pay_receipts(self, ids: Sequence[int]) -> "Future[None]":
        return self._call(lambda connection: receipts.pay(connection, ids))

    def defer_receipts(self, items: Sequence[tuple[int, int, int]]) -> "Future[None]":
        return self._call(lambda connection: receipts.defer(connection, items))

    def release_origin(self, account: str, origin: int, now: int) -> "Future[None]":
        """See base. It takes several transactions when the bind leaves very many receipts. After a StoreError
        every later `claim_receipts` of the account goes on with it."""
        self._live.discard((account, origin))
        self._leaving.add((account, origin))
        return asyncio.ensure_future(self._release(account, origin, now))

    async def _release(self, account: str, origin: int, now: int) -> None:
        work = partial(receipts.release, account=account, origin=origin, now=now)
        while await self._call(work) == receipts.RELEASE_CHUNK:
            pass
        self._leaving.discard((account, origin))

    def owes(self, account: str, now: int) -> "Future[bool]":
        return self._call(lambda connection: receipts.owes(connection, account, now))

    # --- alerts ----------------------------------------------------------------------------------

    def claim_alerts(self, account: str, now: int, lease_until: int, limit: int) -> "Future[list[Alert]]":
        return self._call(lambda connection: alerts.claim(connection, account, now, lease_until, limit))

    def pay_alerts(self, ids: Sequence[int]) -> "Future[None]":
        return self._call(lambda connection: alerts.delete(connection, ids))

    # --- messages from phones ---------------------------------------------------------------------

    def add_inbound(self, arrivals: Sequence[Arrival], now: int) -> "Future[list[Arrival]]":
        return self._call(lambda connection: inbound.add(connection, arrivals, now))

    def claim_inbound(
        self, account: str, now: int, lease_until: int, limit: int
    ) -> "Future[list[InboundPart]]":
        return self._call(lambda connection: inbound.claim(connection, account, now, lease_until, limit))

    def pay_inbound(self, ids: Sequence[int]) -> "Future[None]":
        return self._call(lambda connection: inbound.pay(connection, ids))

    def defer_inbound(self, items: Sequence[tuple[int, int, int]]) -> "Future[None]":
        return self._call(lambda connection: inbound.defer(connection, items))

    def set_mark(self, name: str, value: int) -> "Future[None]":
        return self._call(lambda connection: messages.set_mark(connection, name, value))

    def mark(self, name: str) -> "Future[int | None]":
        return self._call(lambda connection: messages.mark(connection, name))

    # --- keeping house ---------------------------------------------------------------------------

    def promote(self, provider: str, now: int, limit: int) -> "Future[frozenset[str]]":
        return self._call(lambda connection: messages.promote(connection, provider, now, limit))

    def hasten(self, provider: str, now: int, after: Reached, limit: int) -> "Future[Reached]":
        return self._call(lambda one: hastening.messages(one, provider, now, after, limit))

    def hasten_owed(self, account: str, now: int, limit: int) -> "Future[int]":
        return self._call(lambda connection: hastening.owed(connection, account, now, limit))

    def overdue(self, provider: str, now: int, limit: int) -> "Future[list[Overdue]]":
        return self._call(lambda connection: messages.overdue(connection, provider, now, limit))

    def expire_receipts(self, account: str, before: int, limit: int) -> "Future[int]":
        return self._call(lambda connection: retention.expire_owed(connection, account, before, limit))

    def purge(self, before: int, orphans_before: int, now: int, limit: int) -> "Future[int]":
        """See base. Messages that owe a receipt stay. A call looks at a bounded number of rows, and the next
        call goes on from there: 0 may also mean that there was nothing to delete among those rows."""

        def work(connection: sqlite3.Connection) -> int:
            ends = retention.Ends(before, orphans_before, now)
            count, self._purged = retention.purge(connection, self._purged, ends, limit)
            return count

        return self._call(work)

    def probe(self) -> "Future[None]":
        return self._call(self._running.connections.probe)

    async def waiting(self) -> dict[str, int]:
        return await self._read(views.waiting, as_of_now=True)

    async def gauges(self, now: int) -> Gauges:
        files = self._running.checkpointer.files()
        return await self._read(lambda connection: views.gauges(connection, now, files))

    async def list_stage(self, stage: int, limit: int) -> list[Overdue]:
        return await self._read(lambda connection: views.list_stage(connection, stage, limit))

    async def story(self, message_id: int) -> Story | None:
        return await self._read(lambda connection: views.story(connection, message_id))
