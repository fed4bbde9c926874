"""The submit_sm_resp that are held back until a provider's result is known (`mode: sync`).

A pending response is given exactly once, by the first of these:

1. The result is on disk: `PendingResponses.saved`.
2. A refusal could not be saved: `PendingResponses.unsaved`. The message is stored, so the answer is status 0.
3. The patience is over: status 0, and the message goes on as a queued one. This does not apply to a refusal
   that is being saved.
4. The bridge stops: `PendingResponses.close`. Status 0, except for a refusal that is being saved.

All responses have the same patience, so one timer, for the oldest, is enough. A response to a connection that
has ended is given as well: the connection does not wait for it any longer, and it is counted.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sized
from typing import NamedTuple

from smppbridge.link.server import Answer, BoundLink
from smppbridge.model.shares import Shares
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import SubmitSm, SubmitSmResp

PATIENCE = 20.0  # seconds: many clients give up after 30, and would submit the same once more
# One connection may leave 5,000 requests unanswered before it is not read any more. What waits for a provider
# must stay far below: an enquire_link behind it has to be read, or the peer takes us for dead.
MOST_OF_ONE = 1_000
MOST = 20_000  # of all connections; accounts share it


class PendingResponse(NamedTuple):
    """A submit_sm whose message is stored, and the response that it gets unless the message is refused."""

    link: BoundLink
    submit: SubmitSm
    response: SubmitSmResp
    answer: Answer

    @property
    def gone(self) -> bool:
        """True when the connection has ended, so that an answer reaches nobody."""
        return self.link.connection.closing


class PendingResponses:
    """Pending responses by message id. Pure bookkeeping on the event loop."""

    def __init__(
        self,
        accounts: Sized,
        patience: float = PATIENCE,
        *,
        most_of_one: int = MOST_OF_ONE,
        most: int = MOST,
    ) -> None:
        """``accounts``: those that there are, at any time. ``patience`` in seconds. At most ``most_of_one``
        responses of one connection are pending at a time, and of all accounts ``most`` as `Shares` says."""
        self.shares = Shares(most, accounts)
        self._patience = patience
        self._most_of_one = most_of_one
        self._loop = asyncio.get_running_loop()
        self._waiting: OrderedDict[int, tuple[float, PendingResponse]] = OrderedDict()  # the oldest first
        self._refused: dict[int, tuple[int, PendingResponse]] = {}  # with their status, until that is on disk
        self._count: Counter[BoundLink] = Counter()  # of both; none where there are none
        self._alarm: asyncio.TimerHandle | None = None
        self._closed = False

    def add(self, message_id: int, pending: PendingResponse) -> bool:
        """Hold a response back. False when it must be given at once instead:

        1. The bridge stops.
        2. The connection has ended.
        3. Too many responses of this connection, or of its account, are pending already.
        """
        if self._closed or pending.gone:
            return False
        link = pending.link
        if self._count[link] >= self._most_of_one or self.shares.room(link.account.name) <= 0:
            return False
        self._count[link] += 1
        self.shares.add(link.account.name, 1)
        deadline = self._loop.time() + self._patience
        self._waiting[message_id] = (deadline, pending)
        if self._alarm is None:
            self._alarm = self._loop.call_at(deadline, self._ring)
        return True

    def waits(self, message_id: int) -> bool:
        """Whether the message may be refused: its response is pending, and its connection is up."""
        entry = self._waiting.get(message_id)
        return entry is not None and not entry[1].gone

    def refuse(self, statuses: Mapping[int, int]) -> None:
        """These messages (id: command_status) are refused, and that is being saved. Only `saved` or `unsaved`
        gives their responses from now on. Messages without a pending response are passed over."""
        for message_id, status in statuses.items():
            entry = self._waiting.pop(message_id, None)
            if entry is not None:
                self._refused[message_id] = (status, entry[1])

    def saved(self, message_ids: Iterable[int]) -> None:
        """What became of these messages is on disk: give their responses, where they are pending."""
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
        """The refusal of these messages could not be saved. They are stored as before: status 0."""
        refused = [self._refused.pop(message_id, None) for message_id in message_ids]
        self._tell([(0, entry[1]) for entry in refused if entry is not None])

    def close(self) -> None:
        """Hold nothing back any longer: all messages are stored, so all responses have status 0."""
        self._closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        waiting = list(self._waiting.values())
        self._waiting.clear()
        self._tell([(0, pending) for _, pending in waiting])

    # --- inside --------------------------------------------------------------------------------

    def _ring(self) -> None:
        """The patience of the oldest is over, and perhaps that of others."""
        self._alarm = None
        now = self._loop.time()
        late = []
        while self._waiting:
            message_id, (deadline, pending) = next(iter(self._waiting.items()))
            if deadline > now:
                self._alarm = self._loop.call_at(deadline, self._ring)
                break
            del self._waiting[message_id]
            late.append((0, pending))
        self._tell(late)

    def _tell(self, told: Iterable[tuple[int, PendingResponse]]) -> None:
        """Give responses, with one call for what came in one read."""
        calls: dict[Answer, tuple[list[SubmitSm], list[SubmitSmResp]]] = {}
        for status, pending in told:
            link = pending.link
            self._count[link] -= 1
            self.shares.add(link.account.name, -1)
            if not self._count[link]:
                del self._count[link]
            submits, responses = calls.setdefault(pending.answer, ([], []))
            submits.append(pending.submit)
            responses.append(_response(status, pending))
        for answer, (submits, responses) in calls.items():
            answer(submits, responses)


def _response(status: int, pending: PendingResponse) -> SubmitSmResp:
    if status == Status.ESME_ROK:
        return pending.response
    return SubmitSmResp(command_status=pending.link.account.status_for(status))
