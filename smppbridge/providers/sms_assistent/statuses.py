"""Status questions to sms-assistent.by: in lists, or one by one in PLAIN, and what the answers say."""

import asyncio
import logging
import re
import time
from collections import deque
from collections.abc import Sequence

from smppbridge.errors import ProviderError
from smppbridge.model.message import Poll, State, StatusReport
from smppbridge.providers.error_table import safe_reason
from smppbridge.providers.http.sending import RequestRun
from smppbridge.providers.sms_assistent import codes, wire_json, wire_xml
from smppbridge.providers.sms_assistent.api import POLL_BATCH, SmsAssistentApi
from smppbridge.providers.sms_assistent.records import AssistAnswer, StatusRow

MAX_QUESTIONS = 40  # more than one for each list: what one call may spend on finding unknown ids
MAX_KNOWN = 20_000  # ids whose messages they know, remembered
FORGIVEN = 10 * 60_000  # ms in which a message need not be known yet by its own id
MAX_WORD = 20  # characters of an unknown status that are told
DOUBTED = "?"  # ends the reference of a message that was taken as no SMS at all: its number is bad
BAD_NUMBER_ERR = codes.refusal_err(codes.BAD_RECIPIENT)

_REF = re.compile(r"([1-9][0-9]{0,19})\??")

Rows = dict[str, StatusRow | None]
"""sms_id -> what the answer says about it; None: nothing."""


class StatusQuestions:
    """Asks for the statuses of one account."""

    def __init__(self, api: SmsAssistentApi, *, max_known: int = MAX_KNOWN) -> None:
        self._api = api
        self._max_known = max_known
        self._known: dict[str, None] = {}  # answered at least once, oldest first

    async def ask(self, polls: Sequence[Poll]) -> list[StatusReport]:
        """The statuses of messages that sms-assistent knows. References of another form are not asked for.

        Raises ProviderError when no question was answered. After an answer, a later error only ends the
        asking.
        """
        wanted = {found[1]: poll for poll in polls if (found := _REF.fullmatch(poll.provider_ref))}
        rows: Rows = {}
        try:
            if self._api.own.api == "plain":
                await self._ask_one_by_one(list(wanted), rows)
            else:
                await self._ask_lists(await self._ask_in_a_package(list(wanted), rows), rows)
        except ProviderError:
            if not rows:
                raise
        self._remember(rows)
        now = time.time() * 1000
        reports = (self._report(wanted[ref], row, now) for ref, row in rows.items())
        return [report for report in reports if report is not None]

    async def _ask_lists(self, refs: Sequence[str], rows: Rows) -> None:
        """An unknown id may spoil its whole list (-11): that is halved until it is clear which one."""
        pending = deque(refs[start : start + POLL_BATCH] for start in range(0, len(refs), POLL_BATCH))
        for _ in range(len(pending) + MAX_QUESTIONS):
            if not pending:
                return
            asked = pending.popleft()
            answer = await self._ask_list(asked)
            if answer.failure == codes.BAD_ID:
                if len(asked) == 1:
                    rows[asked[0]] = StatusRow(asked[0], "", codes.BAD_ID)
                else:
                    middle = len(asked) // 2
                    pending.extendleft((asked[middle:], asked[:middle]))
                continue
            self._api.raise_failure(answer)
            _fill(rows, asked, answer.statuses)

    async def _ask_in_a_package(self, refs: Sequence[str], rows: Rows) -> Sequence[str]:
        """Ask about ids that a package of messages can take along. Returns what is still to be asked.

        Only ids that were answered before go along: an unknown one may spoil the package.
        """
        known = [ref for ref in refs if ref in self._known][:POLL_BATCH]
        found = await self._api.piggybacked.ask(known) if known and self._api.own.api == "xml" else None
        if found is None:
            return refs
        _fill(rows, known, found)
        return [ref for ref in refs if ref not in rows]

    def _remember(self, rows: Rows) -> None:
        for ref, row in rows.items():
            self._known.pop(ref, None)
            if row is not None and row.word:
                self._known[ref] = None
        while len(self._known) > self._max_known:
            del self._known[next(iter(self._known))]

    async def _ask_list(self, refs: Sequence[str]) -> AssistAnswer:
        api = self._api
        if api.own.api == "json":
            return await api.json(wire_json.encode_status(api.login, refs))
        return await api.xml(wire_xml.encode(api.login, (), refs))

    async def _ask_one_by_one(self, refs: Sequence[str], rows: Rows) -> None:
        run = self._api.run()
        queue = deque(refs)

        async def work() -> None:
            while queue:  # none of them is asked after a failure
                ref = queue.popleft()
                try:
                    rows[ref] = await self._ask_one(run, ref)
                except ProviderError as error:
                    run.stop = error

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._api.own.parallel, len(queue))):
                group.create_task(work())
        if run.stop is not None:
            raise run.stop

    async def _ask_one(self, run: RequestRun, ref: str) -> StatusRow:
        async with self._api.turn(run):
            answer = await self._api.plain_status(ref)
        if answer.failure == codes.BAD_ID:
            return StatusRow(ref, "", codes.BAD_ID)
        self._api.raise_failure(answer)
        return answer.statuses[0]._replace(ref=ref)

    def _report(self, poll: Poll, row: StatusRow | None, now: float) -> StatusReport | None:
        """``row``: None when an answer came without one; ``now`` in ms."""
        ref = poll.provider_ref
        found = self._state(row.word) if row is not None and row.word else None
        if ref.endswith(DOUBTED) and (found is None or not found[2]):
            return self._ended(ref, State.REJECTED, codes.BAD_RECIPIENT, BAD_NUMBER_ERR)
        if found is not None:
            word, state, final, err = found
            return StatusReport(ref, state, final, err, word, reason=codes.words_of_status(word))
        if row is not None and row.error == codes.BAD_ID and now - poll.sent_at > FORGIVEN:
            return self._ended(ref, State.UNKNOWN, codes.BAD_ID, codes.UNKNOWN_ERR)
        return None

    def _ended(self, ref: str, state: State, code: int, err: int) -> StatusReport:
        """The end of a message for which they have no word."""
        return StatusReport(ref, state, True, err, str(code), reason=self._api.code_reason(code))

    def _state(self, word: str) -> tuple[str, State, bool, int] | None:
        found = codes.state_of(word, self._api.own.rejected_as)
        if found is None:
            told = safe_reason(word[:MAX_WORD])
            self._api.note(("status", told), logging.WARNING, f'a status that no list holds: "{told}"')
        return found


def _fill(rows: Rows, asked: Sequence[str], statuses: Sequence[StatusRow]) -> None:
    """Note an answer to the question for ``asked``."""
    found = {row.ref: row for row in statuses}
    rows |= {ref: found.get(ref) for ref in asked}
