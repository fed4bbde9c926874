"""The ESMEs that wait for a provider's result (`mode: sync`): which answers are withheld, and who gives them.

Pure bookkeeping on the loop: whoever takes an answer first gives it, a result that is on disk or the end of
the patience. All wait equally long, so one alarm for the oldest is enough. An answer to a connection that is
gone is given like any other: it reaches nobody, but there it is waited for no longer, and it is counted.
Must not know: the store, providers, why a message is refused.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from smppbridge.link.server import Answer, BoundLink
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import SubmitSm, SubmitSmResp

PATIENCE = 20.0  # seconds: many clients give up after 30, and would submit the same once more
# One connection may leave 5,000 requests unanswered before it is not read any more. What waits for a provider
# must stay far below: an enquire_link behind it has to be read, or the peer takes us for dead.
MOST_OF_ONE = 1_000
MOST = 20_000  # of all connections


class PendingResponse(NamedTuple):
    """A submit_sm whose message is stored, and the answer that it gets unless it is refused."""

    link: BoundLink
    submit: SubmitSm
    response: SubmitSmResp
    answer: Answer

    @property
    def gone(self) -> bool:
        """True when nobody can be answered any more."""
        return self.link.connection.closing


class PendingResponses:
    """Withheld answers by message id. ``patience`` is in seconds; at most ``most_of_one`` of one connection
    and ``most`` in all are withheld at a time."""

    def __init__(
        self, patience: float = PATIENCE, *, most_of_one: int = MOST_OF_ONE, most: int = MOST
    ) -> None:
        self._patience = patience
        self._most_of_one = most_of_one
        self._most = most
        self._loop = asyncio.get_running_loop()
        self._waiting: OrderedDict[int, tuple[float, PendingResponse]] = OrderedDict()  # the oldest first
        self._refused: dict[int, tuple[int, PendingResponse]] = {}  # with their status, until that is on disk
        self._count: Counter[BoundLink] = Counter()  # of both; none where there are none
        self._alarm: asyncio.TimerHandle | None = None
        self._closed = False

    def add(self, message_id: int, withheld: PendingResponse) -> bool:
        """Withhold an answer; False when it must be given at once: as a queued message's, because nothing is
        waited for any more or too much is already."""
        if self._closed or withheld.gone:
            return False
        link = withheld.link
        if self._count[link] >= self._most_of_one or len(self._waiting) + len(self._refused) >= self._most:
            return False
        self._count[link] += 1
        deadline = self._loop.time() + self._patience
        self._waiting[message_id] = (deadline, withheld)
        if self._alarm is None:
            self._alarm = self._loop.call_at(deadline, self._ring)
        return True

    def waits(self, message_id: int) -> bool:
        """Whether a refusal would reach somebody. One whose connection is gone waits no longer."""
        entry = self._waiting.get(message_id)
        return entry is not None and not entry[1].gone

    def refuse(self, statuses: Mapping[int, int]) -> None:
        """These messages (id: command_status) are to be refused as soon as that is on disk, see `saved`:
        nothing else answers them from now on, not even the end of the patience."""
        for message_id, status in statuses.items():
            entry = self._waiting.pop(message_id, None)
            if entry is not None:
                self._refused[message_id] = (status, entry[1])

    def saved(self, message_ids: Iterable[int]) -> None:
        """What became of these messages is on disk: answer those that are waited for."""
        if not (self._waiting or self._refused):
            return
        told = []
        for message_id in message_ids:
            if message_id in self._refused:
                told.append(self._refused.pop(message_id))
            elif message_id in self._waiting:
                told.append((0, self._waiting.pop(message_id)[1]))
        self._tell(told)

    def unsaved(self, message_ids: Iterable[int]) -> None:
        """The refusal of these messages could not be saved: they are stored as before, so they are taken."""
        refused = [self._refused.pop(message_id, None) for message_id in message_ids]
        self._tell([(0, entry[1]) for entry in refused if entry is not None])

    def close(self) -> None:
        """Nobody waits any longer: all have it in writing that their messages are taken."""
        self._closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        waiting = list(self._waiting.values())
        self._waiting.clear()
        self._tell([(0, withheld) for _, withheld in waiting])

    # --- inside --------------------------------------------------------------------------------

    def _ring(self) -> None:
        """The patience of the oldest is over: its message becomes a queued one."""
        self._alarm = None
        now = self._loop.time()
        late = []
        while self._waiting:
            message_id, (deadline, withheld) = next(iter(self._waiting.items()))
            if deadline > now:
                self._alarm = self._loop.call_at(deadline, self._ring)
                break
            del self._waiting[message_id]
            late.append((0, withheld))
        self._tell(late)

    def _tell(self, told: Iterable[tuple[int, PendingResponse]]) -> None:
        """Answer, with one call for what came in one read."""
        calls: dict[Answer, tuple[list[SubmitSm], list[SubmitSmResp]]] = {}
        for status, withheld in told:
            link = withheld.link
            self._count[link] -= 1
            if not self._count[link]:
                del self._count[link]
            submits, responses = calls.setdefault(withheld.answer, ([], []))
            submits.append(withheld.submit)
            responses.append(_response(status, withheld))
        for answer, (submits, responses) in calls.items():
            answer(submits, responses)


def _response(status: int, withheld: PendingResponse) -> SubmitSmResp:
    if status == Status.ESME_ROK:
        return withheld.response
    return SubmitSmResp(command_status=withheld.link.account.status_for(status))
