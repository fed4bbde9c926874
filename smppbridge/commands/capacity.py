"""What machine and configuration allow, for `smppbridge check`: connections, open files, memory, messages.

Everything is computed from the limits that the parts keep; nothing is opened. Memory is an upper estimate:
every budget is full at the same time, and with the dearest that there can be.
"""

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from smppbridge.app import descriptors
from smppbridge.commands.serve import open_files
from smppbridge.config.sections import Config
from smppbridge.flow.settle.pending import MOST as MOST_PENDING
from smppbridge.flow.waiting import MAX_UNSAVED, Waiting
from smppbridge.link.admission import FEWEST_CONNECTIONS, MOST_CONNECTIONS, most_connections
from smppbridge.link.connection import LIMITS
from smppbridge.link.hash_slots import AT_ONCE, WAITING
from smppbridge.link.listeners import STRANGERS, most_bound
from smppbridge.link.lockouts import ENTRIES
from smppbridge.model.passwords import memory_of
from smppbridge.providers.http.client import MAX_ANSWER_OCTETS
from smppbridge.providers.options import HttpOptions
from smppbridge.smpp.before_bind import MAX_OCTETS, OCTETS_BEHIND_BIND
from smppbridge.store.sqlite.checkpoint import RESTART_PAGES
from smppbridge.web.callbacks import MAX_BODY
from smppbridge.web.server import MOST_ANSWERING, MOST_HEAD, MOST_WAITING, OF_ONE

KB, MB = 1000, 1_000_000

# Octets, measured and rounded up (CPython 3.11, Linux, x86-64).
_PROGRAM = 70 * MB  # after a start, with a small configuration
_CONNECTION = 8 * KB  # open, and nothing said
_TLS = 64 * KB  # besides, with the buffer of a handshake
_OF_SESSION = 100 * KB  # answers of one read, on top of those that lie unread, and deliver_sm in the window
_WEB = 128 * KB  # a connection of the web port whose body nobody reads
_SUBMIT = 2 * KB  # a submit_sm of 70 characters with its row and its answer
_LOCKOUT = 3 * KB  # an address and what it guessed
_PAGES = 64 * MB  # of the database, of its two connections
_READ_ANSWER = 12  # times: an answer of a provider as octets, as text and as values
_ANSWERS = "answers of providers"
_ON_DISK = 400  # a message of 70 characters with its place in the indexes


class Machine(NamedTuple):
    """What the machine lets a process have."""

    files: int  # open files, RLIM_INFINITY for any number
    memory: int | None  # octets; None: it does not tell


class Line(NamedTuple):
    """A budget. ``amount`` is in MB where the label says memory or disk."""

    label: str
    amount: int
    what: str


def this_machine() -> Machine:
    """The one that this process runs on, with the limits of its container."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Machine(open_files(soft, hard), min(_memories(), default=None))


def _memories() -> Iterator[int]:
    """All limits of memory that Linux tells: of the control group (version 2 and 1), and of the machine."""
    for place in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            yield int(Path(place).read_text())
        except (OSError, ValueError):
            continue
    try:
        yield int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return


class Capacity:
    """What a configuration comes to on a machine."""

    def __init__(self, config: Config, machine: Machine) -> None:
        self._config = config
        self._machine = machine
        self._reserve = descriptors(config)
        self.connections = most_connections(machine.files, self._reserve)
        self._binds = sum(account.binds for account in config.accounts.values())
        self._waiting = Waiting(config.store.max_queued, config.accounts)
        hashes = [
            one.password_hash.get_secret_value() for one in config.accounts.values() if one.password_hash
        ]
        self._hash = max(map(memory_of, hashes), default=0)

    def lines(self) -> Iterator[Line]:
        """Everything, for people."""
        yield from self._connections()
        yield from self._messages()
        memory = list(self._memory())
        there = f", {self._machine.memory // MB} MB there" if self._machine.memory else ""
        yield Line("memory", sum(line.amount for line in memory), f"MB at worst{there}")
        yield from memory
        log = RESTART_PAGES * 4096
        yield Line(
            "disk", (self._queues() * _ON_DISK + log) // MB, "MB with all queues full of short messages"
        )

    def shortfalls(self) -> Iterator[str]:
        """Where the machine allows less than the configuration asks for."""
        wanted = min(self._binds + STRANGERS.unbound, MOST_CONNECTIONS)
        if self._machine.files != resource.RLIM_INFINITY:
            if self._machine.files - self._reserve < FEWEST_CONNECTIONS:
                yield (
                    f"open files: the limit is {self._machine.files}, and {self._reserve} are needed besides"
                    " connections; raise it (ulimit -Hn, LimitNOFILE)"
                )
            elif self.connections < wanted:
                yield (
                    f"open files: the limit of {self._machine.files} allows {self.connections} connections,"
                    f" fewer than {self._binds} binds and {STRANGERS.unbound} newcomers;"
                    " raise it (ulimit -Hn, LimitNOFILE)"
                )
        if self._binds > (most := most_bound(MOST_CONNECTIONS)):
            yield f"accounts: their binds are {self._binds} in all, and {most} at once are the most"
        worst = sum(line.amount for line in self._memory() if line.label.strip() != _ANSWERS)
        if self._machine.memory and worst * MB > self._machine.memory:
            yield (
                f"memory: {worst} MB may be needed at worst, whatever providers answer, and there are"
                f" {self._machine.memory // MB} MB; the lines under memory say for what"
            )

    def _queues(self) -> int:
        """Messages that wait at most, see `Waiting`."""
        own = sum(account.max_queued or 0 for account in self._config.accounts.values())
        return 2 * self._config.store.max_queued + own

    # --- inside --------------------------------------------------------------------------------

    def _connections(self) -> Iterator[Line]:
        strangers, most = STRANGERS, self.connections
        of_one = f"{strangers.of_one} of one address"
        yield Line("connections", most, "at once, of all kinds")
        yield Line("  before the bind", min(most, strangers.unbound), of_one)
        yield Line("  bind looked at", min(most, strangers.binding), "")
        if self._has_tls:
            yield Line("  TLS handshakes", min(most, strangers.handshakes), of_one)
        yield Line("  bound", self._bound, f"of {most_bound(most)}, by the binds of the accounts")
        yield Line("  web, idle", min(most, MOST_WAITING), f"{OF_ONE} of one address")
        yield Line("  web, answering", min(most, MOST_ANSWERING), "")
        yield Line("open files", most + self._reserve, f"at worst, {_number(self._machine.files)} allowed")
        if self._hash:
            yield Line("password hashes", AT_ONCE, f"at once, {WAITING} wait")
        yield Line("lock-outs", 2 * ENTRIES, "addresses remembered")

    def _messages(self) -> Iterator[Line]:
        yield Line("messages", self._config.store.max_queued, "may wait (store.max_queued)")
        for name, account in self._config.accounts.items():
            yield Line(f"  {name}", self._waiting.limit(account), "whatever others have")
        yield Line("  not on disk", MAX_UNSAVED, "are being saved")
        if self._is_sync:
            yield Line("  not answered", MOST_PENDING, "wait for their provider (mode: sync)")

    def _memory(self) -> Iterator[Line]:
        config, strangers, most = self._config, STRANGERS, self.connections
        stranger = _CONNECTION + MAX_OCTETS + OCTETS_BEHIND_BIND + self._tls
        yield _memory("the program", _PROGRAM)
        yield _memory("before the bind", min(most, strangers.unbound + strangers.binding) * stranger)
        yield _memory("TLS handshakes", min(most, strangers.handshakes) * self._tls)
        session = _CONNECTION + self._tls + _OF_SESSION + LIMITS.unread + config.smpp.max_pdu_octets
        yield _memory("bound", self._bound * session)
        called = any(config.callbacks_below(name) for name in config.providers)
        body = MAX_BODY if called else 0  # only who was told an address of callbacks is listened to so long
        web = min(most, MOST_WAITING) * (_WEB + MOST_HEAD) + min(most, MOST_ANSWERING) * body
        yield _memory("web", web)
        yield _memory("password hashes", AT_ONCE * self._hash)
        yield _memory("lock-outs", 2 * ENTRIES * _LOCKOUT)
        yield _memory("messages being saved", 2 * MAX_UNSAVED * _SUBMIT)
        yield _memory("answers held back", 2 * MOST_PENDING * _SUBMIT * self._is_sync)
        http = (one.connections() for one in config.providers.values() if isinstance(one, HttpOptions))
        yield _memory(_ANSWERS, sum(http) * MAX_ANSWER_OCTETS * _READ_ANSWER)
        yield _memory("pages of the database", _PAGES)

    @property
    def _bound(self) -> int:
        return min(most_bound(self.connections), self._binds)

    @property
    def _has_tls(self) -> bool:
        return any(listener.tls is not None for listener in self._config.listen)

    @property
    def _is_sync(self) -> bool:
        return any(account.mode == "sync" for account in self._config.accounts.values())

    @property
    def _tls(self) -> int:
        return _TLS if self._has_tls else 0


def shown(lines: Iterator[Line]) -> Iterator[str]:
    """The lines in columns, without those of which there is nothing."""
    for label, amount, what in lines:
        if amount:
            yield f"{label:<24}{amount:>10}  {what}".rstrip()


def _memory(label: str, octets: int) -> Line:
    return Line(f"  {label}", -(-octets // MB), "MB")


def _number(files: int) -> str:
    return "any number" if files == resource.RLIM_INFINITY else str(files)
