"""Status questions of sms-assistent.by that go out inside a package of messages (§3: "and/or").

A question waits a moment for a package of messages that is about to be sent. The package takes the question
along, and the answer to the package holds the answer to the question. That saves a request.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

from smppbridge.providers.sms_assistent.records import StatusRow

MAX_WAITING = 16  # questions that wait for a package


class PiggybackedQuestion:
    """A status question for ``refs``. ``answer`` becomes its rows, or None when it has to be asked alone."""

    def __init__(self, refs: Sequence[str]) -> None:
        self.refs = refs
        self.taken = asyncio.Event()  # a package has taken it along
        self.answer: asyncio.Future[Sequence[StatusRow] | None] = asyncio.get_running_loop().create_future()

    def settle(self, rows: Sequence[StatusRow] | None) -> None:
        """Set the answer. Only the first call counts."""
        if not self.answer.done():
            self.answer.set_result(rows)


class PiggybackQueue:
    """Status questions that wait for a package of messages, each for at most ``patience`` seconds."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._waiting: deque[PiggybackedQuestion] = deque()

    async def ask(self, refs: Sequence[str]) -> Sequence[StatusRow] | None:
        """The rows of the answer to ``refs``. None when no package took them along, or when its answer had
        no statuses."""
        if not self._patience or len(self._waiting) >= MAX_WAITING:
            return None
        question = PiggybackedQuestion(refs)
        self._waiting.append(question)
        try:
            async with asyncio.timeout(self._patience):
                await question.taken.wait()
        except TimeoutError:
            if not question.taken.is_set():
                return None
        finally:
            if question in self._waiting:
                self._waiting.remove(question)
        return await question.answer

    def take(self) -> PiggybackedQuestion | None:
        """The question that has waited longest, for a package to take along. The package must `settle` it."""
        if not self._waiting:
            return None
        question = self._waiting.popleft()
        question.taken.set()
        return question
