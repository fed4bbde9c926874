"""Messages in doubt, a provider that can be asked about them, and a finder that asks."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from smppbridge.errors import Uncertain
from smppbridge.flow.send.finder import Finder
from smppbridge.model.message import Doubt, Segment
from smppbridge.providers.base import Taken, Trace
from tests.support.builders.rows import NOW, claim, segment
from tests.support.system.virtual_time import moment
from tests.unit.flow.send.rig import Lab, Rig, sending

FIRST, AGAIN = 20.0, 60.0  # seconds to the first question, and to the next one


def asked_lab(**limits: Any) -> Lab:
    return Lab(**{"find_first": FIRST, "find_interval": AGAIN, **limits})


@asynccontextmanager
async def finding(
    lab: Lab, *doubtful: Segment, others: tuple[Lab, ...] = (), **account: Any
) -> AsyncIterator[Rig]:
    """A finder at work; the hand-over of ``doubtful`` ended without an answer, at 0 s."""
    async with sending(lab, *others, **account) as rig:
        lab.answers += [Uncertain("read timeout")] * len(doubtful)
        await rig.queue(*doubtful)
        await moment()
        finder = Finder(lab, rig.store.store, rig.recorder, rig.fleet, rig.clock)
        finder.start()
        yield rig
        await finder.stop()


def questions(lab: Lab) -> list[list[int]]:
    """The messages of each question."""
    return [[doubt.id for doubt in doubts] for doubts in lab.found]


def traces(*refs: str, complete: bool = True, unlikely: tuple[str, ...] = ()) -> Callable[[Doubt], Trace]:
    """The same answer about every message."""
    return lambda doubt: Trace(doubt.id, refs, complete, unlikely)


async def taken(rig: Rig, *refs: str) -> None:
    """The provider has messages of ours with these references, numbered from 101."""
    rig_lab = rig.fleet["lab"]
    segments = [segment(number, text=f"another text {number}") for number, _ in enumerate(refs, 101)]
    await rig.disk.add_segments(segments)
    claimed = await claim(rig.disk)
    sent = [rig_lab.sent(message, Taken(ref), NOW) for message, ref in zip(claimed, refs, strict=True)]
    await rig.disk.record(sent, (), (), NOW)


async def ref_of(rig: Rig, *refs: str) -> frozenset[str]:
    """Those that messages have."""
    return await rig.disk.known_refs("lab", refs)
