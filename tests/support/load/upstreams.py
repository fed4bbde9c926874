"""What the bridge of a load rig sends through: smspilot (simulated) or an SMSC (simulated), slow and eager.

Both outlive the bridge, remember everything that they took, and tell it again until the bridge has answered.
Must not know: the bridge's store.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from smppbridge.smpp.constants import EsmClass
from smppbridge.smpp.pdu import SubmitSm
from tests.simulators.smpp_centre import simulator as smpp_centre
from tests.simulators.smpp_centre.simulator import CentreSimulator
from tests.simulators.smspilot import simulator as smspilot
from tests.simulators.smspilot.simulator import SmspilotSimulator
from tests.support.http.server import Fault
from tests.support.load.recorder import long_text

Kind = Literal["smspilot", "smpp"]
KINDS: tuple[Kind, ...] = ("smspilot", "smpp")
SLOWNESS = 0.1  # seconds that an SMSC takes for an answer
# Statuses come 0.2 and 0.4 s after a message, the answer to its packet after 0.3 s: in between.
PILOT_RULES = smspilot.Rules(delay=0.2, poll_interval=0, retry_pause=0.5)
PLENTY = 100_000
PART = 153  # characters of GSM 03.38 beside a user data header (3GPP 23.040 §9.2.3.24.1)
_NAME = re.compile(r"alarm \d{6}")


class Piece(NamedTuple):
    """One text that was taken, or one part of it."""

    name: str  # see `recorder.name_of`
    whole: int  # the same for the parts that belong together
    number: int  # from 1
    total: int


class Upstream(Protocol):
    """One of them."""

    entry: str  # of the bridge's configuration

    @property
    def taken(self) -> list[Piece]:
        """Everything that it took so far."""
        ...

    @property
    def violations(self) -> list[str]:
        """What the bridge did against its rules."""
        ...

    def slow(self) -> None:
        """From now on what comes is answered after a while only."""

    def quick(self) -> None:
        """From now on what comes is answered at once."""

    def hang(self) -> None:
        """From now on what comes is taken, and not answered."""

    async def settled(self) -> None:
        """Return when it has nothing to tell any more."""


class PilotUpstream:
    """smspilot, which may be asked about doubts after ``ask`` seconds (0 = never)."""

    def __init__(self, simulator: SmspilotSimulator, ask: float) -> None:
        self.entry = (
            f"{{kind: smspilot, apikey: KEY, url: '{simulator.url}', batch: 30, poll_first: 1s,"
            f" poll_interval: 1s, find_first: {ask}s, find_interval: {ask}s}}"
        )
        self._simulator = simulator

    @property
    def taken(self) -> list[Piece]:
        return [_piece(row["text"]) for row in self._simulator.accepted]

    @property
    def violations(self) -> list[str]:
        return [str(violation) for violation in self._simulator.violations]

    def slow(self) -> None:
        self._fault(Fault.SLOW)

    def quick(self) -> None:
        self._simulator.faults.clear()

    def hang(self) -> None:
        self._fault(Fault.HANG_AFTER)

    async def settled(self) -> None:
        """What it could not tell, it was asked."""

    def _fault(self, fault: Fault) -> None:
        self.quick()
        self._simulator.faults.extend([fault] * PLENTY)


class CentreUpstream:
    """An SMSC whose answers and receipts do not write ids alike."""

    def __init__(self, centre: CentreSimulator) -> None:
        self.entry = (
            f"{{kind: smpp, host: 127.0.0.1, port: {centre.port}, system_id: user, password: secret,"
            " window: 20, reconnect_max: 0.5s}"
        )
        self._centre = centre

    @property
    def taken(self) -> list[Piece]:
        return [_piece_of(one.pdu) for one in self._centre.submitted if not one.status]

    @property
    def violations(self) -> list[str]:
        return [str(fault) for fault in self._centre.faults]

    def slow(self) -> None:
        self._centre.rules.latency = SLOWNESS

    def quick(self) -> None:
        self._centre.rules.latency = 0
        self._centre.rules.lose_answer = None

    def hang(self) -> None:
        so_far = len(self._centre.submitted)
        self._centre.rules.lose_answer = lambda number: number > so_far

    async def settled(self) -> None:
        await self._centre.settled()


def _piece_of(pdu: SubmitSm) -> Piece:
    """A part has a user data header of 6 octets: 05 00 03, its reference, how many, which one."""
    octets = pdu.short_message
    if not pdu.esm_class & EsmClass.UDHI:
        return _piece(octets.decode("ascii"))
    reference, total, number = octets[3:6]
    return _piece(octets[6:].decode("ascii"), reference, number, total)


def _piece(text: str, reference: int = 0, number: int = 1, total: int = 1) -> Piece:
    """Raises AssertionError where the text is not what was submitted."""
    found = _NAME.search(text)
    assert found is not None, text
    name = found[0]
    long = long_text(name)
    assert text in ((name, long) if total == 1 else (long[(number - 1) * PART : number * PART],)), text
    return Piece(name, reference, number, total)


@asynccontextmanager
async def upstream(kind: Kind, directory: Path, ask: float) -> AsyncIterator[Upstream]:
    """One of them, running until the block ends."""
    if kind == "smspilot":
        async with SmspilotSimulator(PILOT_RULES, journal=directory / "journal.jsonl") as simulator:
            yield PilotUpstream(simulator, ask)
    else:
        rules = smpp_centre.Rules(ids="hex", receipt_ids="decimal", delay=0.2)
        async with CentreSimulator(rules) as centre:
            yield CentreUpstream(centre)
