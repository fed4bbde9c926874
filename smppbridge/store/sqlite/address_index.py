"""Messages that wait, found by their addresses: only in accounts that ask for it, from the first time on.

Their messages are in the index `messages_pending` (see 0004.sql): new ones as they are added, those that wait
already when the account asks for the first time. A few of them are entered at once. Many are entered step by
step, each step in a transaction of its own, so that nobody else waits; what the account asks meanwhile is
done afterwards, in its order. A restart in between begins the entering anew.
"""

import asyncio
import re
import sqlite3
from asyncio import Future
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from smppbridge.model.message import Stage
from smppbridge.store.sqlite import messages

T = TypeVar("T")

STEP = 1000  # messages entered by one transaction; with more of them due in all accounts there are steps

_NOT_YET = object()

# Looks at so many rows and no more, whatever their stage is.
_FIRST_DUE = """
SELECT id, account, stage FROM messages INDEXED BY messages_due WHERE due_at IS NOT NULL LIMIT ?"""
# One row: between two rows sqlite3 would wait for the GIL.
_WAITING = f"""
SELECT group_concat(id) FROM messages INDEXED BY messages_due
WHERE account = ? AND due_at IS NOT NULL AND stage < {Stage.SENT:d}"""
_ENTER = "UPDATE messages SET addressed = 1 WHERE id = ?"


class AddressIndex:
    """The accounts whose messages are found by their addresses. ``call`` is `Writer.call`; ``read`` runs a
    query on a connection of its own, and blocks."""

    def __init__(
        self,
        call: "Callable[[Callable[[sqlite3.Connection], Any]], Future[Any]]",
        read: Callable[[Callable[[sqlite3.Connection], str]], str],
    ) -> None:
        self._call = call
        self._read = read
        self._found: set[str] = set()  # accounts all of whose messages are in the index
        self._waiting: dict[str, list[tuple[Callable[[sqlite3.Connection], Any], Future[Any]]]] = {}
        self._entering: set[asyncio.Task[None]] = set()

    def find(self, account: str, work: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        """Run ``work``, which finds messages of ``account`` by their addresses. Raises StoreError when the
        store is closed."""
        if account in self._found:
            return self._call(work)
        future: Future[T] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(account)
        if waiting is not None:
            waiting.append((work, future))
            return future
        attempt = self._call(lambda connection: work(connection) if _ready(connection, account) else _NOT_YET)
        self._waiting[account] = []
        task = asyncio.ensure_future(self._begin(account, work, attempt, future))
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)
        return future

    async def close(self) -> None:
        """Wait for what is under way. The writer is closed already."""
        while self._entering:
            await asyncio.wait(self._entering)

    async def _begin(
        self,
        account: str,
        work: Callable[[sqlite3.Connection], Any],
        attempt: "Future[Any]",
        future: "Future[Any]",
    ) -> None:
        try:
            result = await attempt
            if result is _NOT_YET:
                await self._enter_all(account)
            self._found.add(account)
        except Exception as error:
            if not future.done():
                future.set_exception(error)
        else:
            if result is _NOT_YET:
                self._waiting[account].insert(0, (work, future))
            elif not future.done():
                future.set_result(result)
        for later, its in self._waiting.pop(account):
            if not its.done():  # else it was cancelled
                self._pass_on(account, later, its)

    async def _enter_all(self, account: str) -> None:
        ids = await asyncio.to_thread(self._read, partial(_waiting, account=account))
        for some in _chunks(ids):
            await self._call(partial(_enter, ids=some))
        await self._call(partial(_end, account=account))

    def _pass_on(
        self, account: str, work: Callable[[sqlite3.Connection], Any], future: "Future[Any]"
    ) -> None:
        def done(source: "Future[Any]") -> None:
            if future.done():
                return
            if source.cancelled():
                future.cancel()
            elif error := source.exception():
                future.set_exception(error)
            else:
                future.set_result(source.result())

        try:
            self.find(account, work).add_done_callback(done)
        except Exception as error:
            future.set_exception(error)


def _ready(connection: sqlite3.Connection, account: str) -> bool:
    """Whether all messages of the account that wait are in the index. New ones are, from now on."""
    if connection.execute("SELECT 1 FROM addressed WHERE account = ?", (account,)).fetchone():
        return messages.mark(connection, _mark(account)) is None
    connection.execute("INSERT INTO addressed VALUES (?)", (account,))
    due = connection.execute(_FIRST_DUE, (STEP + 1,)).fetchall()
    if len(due) > STEP:
        messages.set_mark(connection, _mark(account), 1)
        return False
    _enter(connection, [row[0] for row in due if row[1] == account and row[2] < Stage.SENT])
    return True


def _mark(account: str) -> str:
    """The name of the mark that lasts until all messages are in the index."""
    return f"addressing {account}"


def _waiting(connection: sqlite3.Connection, account: str) -> str:
    return connection.execute(_WAITING, (account,)).fetchone()[0] or ""


def _chunks(ids: str) -> Iterator[list[int]]:
    found = re.finditer(r"\d+", ids)
    while some := [int(match[0]) for match in islice(found, STEP)]:
        yield some


def _enter(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    connection.executemany(_ENTER, [(message_id,) for message_id in ids])


def _end(connection: sqlite3.Connection, account: str) -> None:
    connection.execute("DELETE FROM counters WHERE name = ?", (_mark(account),))
