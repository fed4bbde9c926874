"""A provider whose answers come one by one, by a script."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from smppbridge.model.message import Message
from smppbridge.providers.base import Progress, SendResult, Taken
from tests.unit.flow.send.rig import Lab


class Step(NamedTuple):
    """What is told after so many seconds: results by their places, and whether some messages still wait."""

    after: float
    told: tuple[tuple[int, SendResult], ...] = ()
    holding: bool = False
    began: float = 0.0


class Script:
    """Implements ``providers.base.Progress`` by a script."""

    def __init__(self, steps: Sequence[Step | Exception]) -> None:
        self._steps = deque(steps)
        self.holding = True
        self.began = 0.0

    @property
    def done(self) -> bool:
        return not self._steps

    async def more(self) -> Sequence[tuple[int, SendResult]]:
        step = self._steps.popleft()
        if isinstance(step, Exception):
            raise step
        await asyncio.sleep(step.after)
        self.holding = step.holding
        self.began = step.began
        return step.told


class Streamed(Lab):
    """Implements ``providers.base.Stream``: each batch follows its own script."""

    def __init__(self, *scripts: Sequence[Step | Exception], **limits: Any) -> None:
        super().__init__(**limits)
        self._scripts = deque(scripts)

    def begin(self, messages: Sequence[Message], now: int) -> Progress:
        self.batches.append([message.id for message in messages])
        self.sent_at += [asyncio.get_running_loop().time()] * len(messages)
        self.sent += messages
        return Script(self._scripts.popleft())


def ok(place: int) -> tuple[int, SendResult]:
    return (place, Taken(f"ref-{place}"))
