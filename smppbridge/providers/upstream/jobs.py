"""A batch of messages on its way to an SMSC: which parts are sent, and the results as they come."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from smppbridge.errors import UNFIT, ProviderError, Refused, Rejected, Uncertain
from smppbridge.model.message import Message
from smppbridge.providers.base import SendResult, Taken
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import Pdu, SubmitSm

logger = logging.getLogger(__name__)

LATER_AT_MOST = 5.0  # seconds
GROUP = 0.01  # seconds for which a result waits for others, so that they are recorded together

Build = Callable[[Message], Sequence[SubmitSm]]


class BatchProgress:
    """The results of one batch: a ``providers.base.Progress``. ``ended(batch)`` is called at the last one."""

    def __init__(
        self,
        size: int,
        ended: "Callable[[BatchProgress], None]" = lambda batch: None,
        group: float = GROUP,
    ) -> None:
        self.left = size  # messages without a result
        self.unsent = size  # messages of which not everything is on its way
        self.closed = False  # no message of it may begin any more
        self.given_up = False  # no part of it may go out any more
        self.refs: list[str] = []  # of all parts that were taken
        self.jobs: list[Job] = []
        self.alarm: asyncio.TimerHandle | None = None  # the end of its time
        self._ended = ended
        self._group = group
        self.began = 0.0  # see `Progress.began`
        self._fresh: list[tuple[int, SendResult]] = []
        self._good_began = 0.0  # of the fresh ones, see `Progress.began`
        self._bad_began = 0.0
        self._changed = asyncio.Event()
        self._all = asyncio.Event()

    @property
    def done(self) -> bool:
        """Whether `more` has returned all results."""
        return not self.left and not self._fresh

    @property
    def holding(self) -> bool:
        """Whether some part of a message has not gone out yet."""
        return self.unsent > 0

    async def more(self) -> Sequence[tuple[int, SendResult]]:
        """The results that came since the last call, with the places of their messages. Waits for the first
        one, and then a moment for others."""
        if not self._fresh and self.left:
            await self._changed.wait()
        if self._fresh and self.left:
            try:
                async with asyncio.timeout(self._group):
                    await self._all.wait()
            except TimeoutError:
                pass  # the others take longer
        self._changed.clear()
        fresh, self._fresh = self._fresh, []
        self.began = self._good_began or self._bad_began
        self._good_began = self._bad_began = 0.0
        return fresh

    def put(self, place: int, result: SendResult, began: float = 0.0) -> None:
        """The result of one message that began its way at ``began`` (loop's clock)."""
        self._fresh.append((place, result))
        if isinstance(result, Taken | Rejected):
            self._good_began = max(self._good_began, began)
        else:
            self._bad_began = max(self._bad_began, began)
        self.left -= 1
        self._changed.set()
        if not self.left:
            self._all.set()
            self._ended(self)

    def one_sent(self) -> None:
        """All parts of one message went out, or never will."""
        self.unsent -= 1
        if not self.unsent:
            self._changed.set()

    def one_back(self) -> None:
        """A part of one message has to go out again."""
        self.unsent += 1


class Job:
    """One message of a batch, and the fate of each of its parts: a ``link.upstream.RequestGroup``."""

    __slots__ = (
        *("batch", "errors", "message", "place", "queued", "refs"),
        *("_again", "_began", "_build", "_counted", "_given", "_left", "_out", "_pdus", "_throttled"),
    )

    def __init__(self, batch: BatchProgress, place: int, message: Message, build: Build) -> None:
        self.batch = batch
        self.place = place
        self.message = message
        self.queued = False
        self.refs: list[str | None] = []
        self.errors: list[ProviderError] = []
        self._build = build
        self._pdus: Sequence[SubmitSm] | None = None  # made when its turn comes
        self._given = 0  # how many of them went out
        self._again: list[tuple[int, Pdu]] = []  # what the SMSC did not take: it must go out again
        self._left = 0  # parts whose fate is open
        self._out = 0  # of these, how many are at the SMSC now
        self._counted = True  # among batch.unsent
        self._began = 0.0
        self._throttled: tuple[float, int] | None = None  # see `wanted_later`

    # --- RequestGroup --------------------------------------------------------------------------

    @property
    def begun(self) -> bool:
        """Whether the SMSC has some of it, or may have."""
        return self._out > 0 or not self.alone

    @property
    def alone(self) -> bool:
        """Whether the SMSC can have no other part of the message than one that has no answer yet."""
        return self._out <= 1 and not any(ref is not None for ref in self.refs)

    def next(self) -> tuple[int, Pdu] | None:
        """See `link.upstream.RequestGroup`."""
        if self._pdus is None and not self._make():
            return None
        pdus = self._pdus or ()
        if self._again:
            item = self._again.pop()
        elif self._given < len(pdus):
            item = self._given, pdus[self._given]
            self._given += 1
        else:
            return None
        self._out += 1
        self._count()
        return item

    def back(self, place: int, pdu: Pdu) -> None:
        """See `link.upstream.RequestGroup`."""
        self._out -= 1
        self._again.append((place, pdu))
        self._count()

    def unsendable(self, place: int, why: str) -> None:
        """See `link.upstream.RequestGroup`."""
        self.failed(Rejected(why, code=UNFIT, status=Status.ESME_RSYSERR))

    # --- what became of its parts --------------------------------------------------------------

    def taken(self, place: int, ref: str) -> None:
        """The SMSC took the part at ``place`` under ``ref``, "" when it gave no id."""
        self._out -= 1
        self.refs[place] = ref
        self._less(1)

    def failed(self, error: ProviderError) -> None:
        """A part ended with ``error``. Parts that have not gone out are dropped."""
        self._out -= 1
        self.errors.append(error)
        self._less(1 + self._drop())

    def abandon(self, error: ProviderError) -> None:
        """Drop the parts that have not gone out; they end with ``error``."""
        if self._pdus is None:
            self._pdus = ()
            self._count()
            self.batch.put(self.place, error)
        elif dropped := self._drop():
            self.errors.append(error)
            self._less(dropped)

    def wanted_later(self, now: float, taken: int) -> bool:
        """The SMSC wants a part later, and has taken so many submit_sm by now. Whether that is the first
        time."""
        first = self._throttled is None
        self._throttled = self._throttled or (now, taken)
        return first

    def waits_alone(self, now: float, taken: int) -> bool:
        """Whether the SMSC has wanted it later for `LATER_AT_MOST` seconds and took others meanwhile: then it
        minds this message, and not our speed."""
        if self._throttled is None:
            return False
        since, taken_then = self._throttled
        return now - since >= LATER_AT_MOST and taken > taken_then

    # --- inside --------------------------------------------------------------------------------

    def _make(self) -> bool:
        try:
            self._pdus = self._build(self.message)
        except Refused as refused:
            self.abandon(Rejected(refused.reason, code=UNFIT, status=refused.status))
            return False
        except Exception:  # a mistake with one message must not cost the others their result
            logger.exception("unexpected error with message %d", self.message.id)
            self.abandon(Rejected("internal error", code=UNFIT, status=Status.ESME_RSYSERR))
            return False
        self._left = len(self._pdus)
        self._began = asyncio.get_running_loop().time()
        self.refs = [None] * self._left
        return True

    def _drop(self) -> int:
        """Drop the parts that have not gone out; how many."""
        dropped = len(self._pdus or ()) - self._given + len(self._again)
        self._given = len(self._pdus or ())
        self._again.clear()
        self._count()
        return dropped

    def _count(self) -> None:
        unsent = self._pdus is None or self._given < len(self._pdus) or bool(self._again)
        if unsent != self._counted:
            self._counted = unsent
            self.batch.one_back() if unsent else self.batch.one_sent()

    def _less(self, parts: int) -> None:
        self._left -= parts
        if not self._left:
            self.batch.put(self.place, self._result(), self._began)

    def _result(self) -> SendResult:
        """The result of the message.

        1. All parts were taken: Taken, with their references if every part has one.
        2. A part was refused: that refusal, which is final whatever became of the others.
        3. A part is in doubt, or some were taken and others not: Uncertain.
        4. No part was taken: the first error.
        """
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
