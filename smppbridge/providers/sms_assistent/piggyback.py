"""Status questions of sms-assistent.by that travel in a package of messages (§3: messages and/or questions).

Must not know: XML, how packages are sent.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

from smppbridge.providers.sms_assistent.records import Status

MAX_WAITING = 16  # questions that wait for a package


class PiggybackedQuestion:
    """One status question. ``answer``: its rows, or None when it has to go alone."""

    def __init__(self, refs: Sequence[str]) -> None:
        self.refs = refs
        self.boarded = asyncio.Event()
        self.answer: asyncio.Future[Sequence[Status] | None] = asyncio.get_running_loop().create_future()

    def tell(self, rows: Sequence[Status] | None) -> None:
        """End its journey; a second word is not heard."""
        if not self.answer.done():
            self.answer.set_result(rows)


class Stop:
    """Where status questions wait until a package comes by, each for at most ``patience`` seconds."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._waiting: deque[PiggybackedQuestion] = deque()

    async def ask(self, refs: Sequence[str]) -> Sequence[Status] | None:
        """The rows of an answer to ``refs``; None: no package took them along, or its answer had none."""
        if not self._patience or len(self._waiting) >= MAX_WAITING:
            return None
        passenger = PiggybackedQuestion(refs)
        self._waiting.append(passenger)
        try:
            async with asyncio.timeout(self._patience):
                await passenger.boarded.wait()
        except TimeoutError:
            if not passenger.boarded.is_set():
                return None
        finally:
            if passenger in self._waiting:
                self._waiting.remove(passenger)
        return await passenger.answer

    def board(self) -> PiggybackedQuestion | None:
        """The question that waits longest; whoever takes it must `tell` it something."""
        if not self._waiting:
            return None
        passenger = self._waiting.popleft()
        passenger.boarded.set()
        return passenger
