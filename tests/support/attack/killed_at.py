"""The program, but it kills itself at a step of a message's life.

Run as ``python -m tests.support.attack.killed_at FILE``: `kills.dying` does. For each line of stdin, a STEP,
it runs ``smppbridge serve -c FILE`` in a fork of itself, which spares the time of importing. SIGKILL comes
the first time that the step is reached. The lines on stderr are those of the bridge. Before them comes
``life PID``, at its end ``killed at STEP``, and after them ``end STATUS``, as `os.waitpid` tells it.

A STEP is one of these:

1. ``VERB before COMMIT``, ``VERB after COMMIT``: of the transaction in which this verb of the store changed a
   row. Nobody was told of it yet, "after" neither.
2. ``COMMAND written``, ``COMMAND came``: a PDU with this command is the first of those that were written to a
   socket, or came from one.
3. ``request before``, ``request written``, ``request answered``: of an HTTP request to a provider.
4. ``stop begun``, ``sessions ended``, ``work saved``, ``store closing``, ``store closed``: of a clean stop,
   which begins as soon as messages are claimed.
5. ``migration N before COMMIT``, ``migration N after COMMIT``: the N-th that runs at this start.
6. ``none``: it lives until SIGTERM.
"""

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smppbridge import cli
from smppbridge.app import App
from smppbridge.link.connection import Connection
from smppbridge.link.server import Server
from smppbridge.providers.http import client
from smppbridge.smpp.constants import Command
from smppbridge.store.sqlite import connections
from smppbridge.store.sqlite.connections import Connections
from smppbridge.store.sqlite.store import SqliteStore
from smppbridge.store.sqlite.writer import Writer

Work = Callable[[sqlite3.Connection], Any]


def die() -> None:
    """As a machine does that loses its power, but the disk has what was written to it."""
    os.write(2, f"killed at {STEP}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


def replace(owner: object, name: str, function: Callable[..., Any]) -> None:
    """Put ``function`` in the place of what the program calls by this name."""
    assert hasattr(owner, name)
    setattr(owner, name, function)


def before(owner: type, name: str) -> None:
    """Die when this method is called."""

    def doomed(*arguments: Any, **named: Any) -> None:
        die()

    replace(owner, name, doomed)


def after(owner: type, name: str) -> None:
    """Die when this coroutine function, or this function, is done."""
    original = getattr(owner, name)

    async def doomed(*arguments: Any, **named: Any) -> None:
        await original(*arguments, **named)
        die()

    def doomed_at_once(*arguments: Any) -> None:
        original(*arguments)
        die()

    replace(owner, name, doomed_at_once if owner is Connections else doomed)


def at_commit(verb: str, when: str, act: Callable[[], None] = die) -> None:
    """Die, or ``act``, before or after the COMMIT of what ``verb`` changes."""
    verb_of_store, call, commit = getattr(SqliteStore, verb), Writer.call, Writer._timed_commit
    inside = changed = False

    def watched_verb(*arguments: Any, **named: Any) -> Any:
        nonlocal inside
        inside = True
        try:
            return verb_of_store(*arguments, **named)
        finally:
            inside = False

    def watched_call(writer: Writer, work: Work) -> Any:
        def watched(connection: sqlite3.Connection) -> Any:
            nonlocal changed
            rows = connection.total_changes
            result = work(connection)
            changed = changed or connection.total_changes > rows
            return result

        return call(writer, watched if inside else work)

    def watched_commit(writer: Writer) -> float:
        if changed and when == "before":
            act()
        seconds = commit(writer)
        if changed:
            act()
        return seconds

    for owner, name, function in (
        (SqliteStore, verb, watched_verb),
        (Writer, "call", watched_call),
        (Writer, "_timed_commit", watched_commit),
    ):
        replace(owner, name, function)


def at_pdu(command: str, when: str) -> None:
    """Die when such a PDU was written, or came."""
    wanted = Command[command.upper()].to_bytes(4)
    original = getattr(Connection, name := {"written": "_write", "came": "data_received"}[when])

    def watched(connection: Connection, octets: bytes) -> None:
        hit = octets[4:8] == wanted
        if hit and when == "came":
            die()
        original(connection, octets)
        if hit:
            die()

    replace(Connection, name, watched)


def at_request(when: str) -> None:
    """Die at a point of an HTTP request to a provider."""
    if when == "before":
        before(client.HttpClient, "_exchange")
    elif when == "answered":
        after(client.HttpClient, "request")
    else:
        trace = client._Progress.trace

        async def watched(progress: Any, event: str, info: Any) -> None:
            await trace(progress, event, info)
            if event.endswith(".send_request_body.complete"):
                die()

        replace(client._Progress, "trace", watched)


def at_migration(number: int, when: str) -> None:
    """Die at a script of `migrate`."""
    migrate: Callable[..., None] = vars(connections)["migrate"]

    class Watched:
        """A connection whose scripts are counted."""

        def __init__(self, connection: sqlite3.Connection) -> None:
            self._connection = connection
            self._scripts = 0

        def executescript(self, script: str) -> None:
            self._scripts += 1
            if self._scripts < number:
                self._connection.executescript(script)
                return
            self._connection.executescript(script if when == "after" else script.removesuffix("COMMIT;"))
            die()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._connection, name)

    def watched(connection: sqlite3.Connection, path: Path) -> None:
        migrate(Watched(connection), path)

    replace(connections, "migrate", watched)


def stop_cleanly() -> None:
    """SIGTERM, once, when messages were claimed: their hand-over is about to begin."""
    signals = [signal.SIGTERM]

    def act() -> None:
        if signals:
            os.kill(os.getpid(), signals.pop())

    at_commit("claim_messages", "after", act)


STOP: dict[str, Callable[[], None]] = {
    "stop begun": lambda: before(App, "stop"),
    "sessions ended": lambda: after(Server, "stop"),
    "work saved": lambda: after(App, "_settle_down"),
    "store closing": lambda: before(Connections, "close"),
    "store closed": lambda: after(Connections, "close"),
}


def prepare(step: str) -> None:
    """See the module."""
    match step.split():
        case ["none"]:
            pass
        case _ if step in STOP:
            stop_cleanly()
            STOP[step]()
        case [verb, ("before" | "after") as when, "COMMIT"]:
            at_commit(verb, when)
        case ["request", when]:
            at_request(when)
        case [command, ("written" | "came") as when]:
            at_pdu(command, when)
        case ["migration", number, when, "COMMIT"]:
            at_migration(int(number), when)
        case _:
            raise SystemExit(f"there is no step {step}")


def live(config: str) -> None:
    """The whole program."""
    sys.argv[1:] = ["serve", "-c", config]
    cli.main()


if __name__ == "__main__":
    for STEP in map(str.strip, sys.stdin):
        if not (life := os.fork()):
            prepare(STEP)
            live(sys.argv[1])
            sys.exit(0)
        os.write(2, f"life {life}\n".encode())
        os.write(2, f"end {os.waitpid(life, 0)[1]}\n".encode())
