"""What a batch of messages is waiting for while its parts are on their way to an SMSC.

Must not know: PDUs, sessions.
"""

import asyncio

from smppbridge.errors import ProviderError, Rejected, Uncertain
from smppbridge.model.message import Message
from smppbridge.providers.base import SendResult, Taken


class Batch:
    """One call of `send`: its results, and who waits for them."""

    __slots__ = ("closed", "done", "left", "refs", "results")

    def __init__(self, size: int) -> None:
        self.results: list[SendResult] = [Uncertain("no result")] * size
        self.left = size
        self.refs: list[str] = []  # of all parts that were taken
        self.closed = False  # nothing of it may begin any more
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def put(self, index: int, result: SendResult) -> None:
        """The result of one message."""
        self.results[index] = result
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)


class Job:
    """One message of a batch: what became of each of its parts."""

    __slots__ = ("batch", "errors", "index", "left", "message", "refs")

    def __init__(self, batch: Batch, index: int, message: Message, parts: int) -> None:
        self.batch = batch
        self.index = index
        self.message = message
        self.refs: list[str | None] = [None] * parts
        self.errors: list[ProviderError] = []
        self.left = parts

    def taken(self, part: int, ref: str) -> None:
        """The SMSC took a part under ``ref``, "" when it named none."""
        self.refs[part] = ref
        self._one_less()

    def failed(self, error: ProviderError) -> None:
        """A part met ``error``."""
        self.errors.append(error)
        self._one_less()

    def _one_less(self) -> None:
        self.left -= 1
        if not self.left:
            self.batch.put(self.index, self._result())

    def _result(self) -> SendResult:
        """A refusal is final whatever became of the rest; half a message is neither sent nor unsent."""
        refs = [ref for ref in self.refs if ref is not None]
        if not self.errors:
            named = [ref for ref in refs if ref]
            return Taken(named[0], parts=tuple(named[1:])) if len(named) == len(refs) else Taken("")
        refusal = next((error for error in self.errors if isinstance(error, Rejected)), None)
        if refusal is not None:
            return refusal
        doubt = next((error for error in self.errors if isinstance(error, Uncertain)), None)
        if doubt is None and refs:
            doubt = Uncertain(f"only a part of it was taken: {self.errors[0].reason}")
        return doubt or self.errors[0]
