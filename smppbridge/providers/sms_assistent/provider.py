"""sms-assistent.by over its HTTP API v1: JSON and XML packages, PLAIN for single urgent messages.

What the manual demands shapes this file: PLAIN is for one-time passwords and the like, few a minute, and
everything else goes in as few packages as possible (§2, §3, §4), else an account is slowed down or blocked
(-13). There is no client id: answers are matched by their position, and nothing can be asked about a message
whose hand-over ended without an answer.

Left out on purpose: GET, which writes the password into access logs; `default`, which saves nothing here.
What v1 does not have, only v1.2: other services than SMS (number checks, Viber, confirmation by code),
callbacks, templates, a token instead of the password. Messages from phones are in neither.
"""

import asyncio
import logging
import re
from collections import Counter, deque
from collections.abc import Sequence

from smppbridge.errors import Postponed, ProviderError, Refused, Uncertain
from smppbridge.model.message import Draft, Message, Poll, StatusReport
from smppbridge.providers.base import Callback, News, Provider, SendResult, Taken
from smppbridge.providers.error_table import Kind
from smppbridge.providers.http.sending import SENDING_TIME, RequestRun
from smppbridge.providers.sms_assistent import codes, wire_json, wire_plain, wire_xml
from smppbridge.providers.sms_assistent.api import SmsAssistentApi
from smppbridge.providers.sms_assistent.options import SmsAssistentOptions, sender_problem
from smppbridge.providers.sms_assistent.plan import (
    SOONEST,
    Allowance,
    Package,
    date_of,
    packages,
    plan,
    too_near,
)
from smppbridge.providers.sms_assistent.records import AssistAnswer, SentRow
from smppbridge.providers.sms_assistent.statuses import DOUBTED, StatusQuestions
from smppbridge.providers.sms_assistent.suspicion import Suspicion
from smppbridge.smpp.constants import Status
from smppbridge.smpp.text import parts

__all__ = ["SmsAssistent", "SmsAssistentOptions"]

MAX_PARTS = 10  # the manual has no number; §5.3 only says that a text may be too long
TOO_NEAR = "too near to be scheduled there"
WAVES, WAVE = 10, 30.0  # messages outside the hours come back in so many waves, so many seconds apart
SCHEDULE_SLACK = 60_000  # ms from here to the hand-over of a message that they are to keep

_RECIPIENT = re.compile(r"[1-9][0-9]{10,14}")
# No shorter text can have too many parts: 67 UTF-16 units each, two for a character beyond the basic plane.
_SURELY_SHORT = MAX_PARTS * 67 // 2


class SmsAssistent(SmsAssistentApi):
    """One sms-assistent account."""

    codes = codes.CODES

    def __init__(
        self, name: str, options: SmsAssistentOptions, *, sending_time: float = SENDING_TIME
    ) -> None:
        super().__init__(name, options, sending_time=sending_time)
        self._plain_allowed = True  # until they say -13 to it
        self._allowance = Allowance(options.plain_per_minute)
        self._questions = StatusQuestions(self)
        self._suspicion = {way: Suspicion() for way in ("plain", "json", "xml")}  # one may be down alone

    def share_limits(self, first: Provider) -> None:
        """PLAIN is counted for the account (§2): see `LimitKeeper`."""
        if isinstance(first, SmsAssistent):
            self._allowance = first._allowance
            self._allowance.tighten(self.own.plain_per_minute)

    def check(self, draft: Draft) -> None:
        """Raise Refused (0x0A, 0x0B, 0x4A3, 0x4A5) for what API v1 does not take."""
        if not _RECIPIENT.fullmatch(draft.recipient):
            raise Refused(Status.ESME_RINVDSTADR, "recipient must be 11 to 15 digits")
        problem = sender_problem(draft.sender)
        if problem:
            raise Refused(Status.ESME_RINVSRCADR, problem)
        if draft.octets is not None:
            raise Refused(Status.ESME_RINVENCODING, "sms-assistent takes no binary messages")
        text = draft.text
        if text is not None and not text.strip():
            raise Refused(Status.ESME_RINVTEXT, "the text is empty")
        if text is not None and len(text) > _SURELY_SHORT and _too_long(text):
            raise Refused(Status.ESME_RINVTEXT, f"the text needs more than {MAX_PARTS} parts")
        self.own.check_flash(draft.flash)

    def schedules(self, send_at: int, now: int) -> bool:
        """With `schedule: provider`, from 12 minutes ahead on: date_send must be 10 ahead (§2.1)."""
        return self.own.schedule == "provider" and send_at >= now + SOONEST + SCHEDULE_SLACK

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        """Send urgent messages in PLAIN, then the others in packages, one after the other. A failure that is
        not about messages ends it: what was not sent yet is then Unavailable, or meets the same pause."""
        run, fit = self.start_run(messages, now)
        planned = plan(
            fit,
            api=self.own.api,
            default_sender=self.own.default_sender,
            plain_allowed=self._plain_allowed,
            now=now,
        )
        run.note({message.id: _until_its_time(message, now, TOO_NEAR, "") for message in planned.early})
        packed = [*await self._send_plain(run, planned.plain), *planned.packed]

        async def hand_over(package: Package) -> bool:
            return await self._send_package(run, package)

        await run.send(packages(packed, api=self.own.api, now=run.now()), hand_over)
        return run.in_order(messages)

    async def status(self, polls: Sequence[Poll]) -> list[StatusReport]:
        """Ask for statuses, 100 in a request or, with `api: plain`, one. Raises ProviderError."""
        return await self._questions.ask(polls)

    def parse_callback(self, callback: Callback) -> Sequence[News]:
        """API v1 calls nobody, so nothing that comes is from sms-assistent. Raises ValueError."""
        raise ValueError("sms-assistent's API v1 has no callbacks")

    # --- PLAIN -------------------------------------------------------------------------------------

    async def _send_plain(self, run: RequestRun, messages: Sequence[Message]) -> list[Message]:
        """One request each, some at once. Returns those that have to go in a package after all."""
        allowed = len(messages)
        if self.own.api != "plain":
            allowed = self._allowance.take(allowed, asyncio.get_running_loop().time())
        queue, packed = deque(messages[:allowed]), list(messages[allowed:])

        async def work() -> None:
            while queue:
                message = queue.popleft()
                if not self._plain_allowed or not await self._send_one(run, message):
                    packed.append(message)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.own.parallel, len(queue))):
                group.create_task(work())
        return packed

    async def _send_one(self, run: RequestRun, message: Message) -> bool:
        """Send one message in PLAIN. False where nothing was taken because the account may not use PLAIN."""
        try:
            async with self.turn(run):
                now = run.now()
                _not_too_near([message], now)
                answer = await self.plain_send(self._encode_plain(message, now))
        except ProviderError as error:
            run.fail([message], error)
            return True
        await self._money_of(answer)
        if answer.failure == codes.BLOCKED:
            self._plain_allowed = False
            told = f"PLAIN is blocked ({codes.BLOCKED}): urgent messages go in packages from now on"
            self.note("plain", logging.ERROR, told)
            return False
        if answer.failure:
            self._refused(run, "plain", [message], answer.failure)
        else:
            self._suspicion["plain"].passed([message])
            run.results[message.id] = Taken(answer.sent[0].ref)
        return True

    def _encode_plain(self, message: Message, now: int) -> bytes:
        sender = message.sender or self.own.default_sender
        date = date_of(message, now)
        return wire_plain.encode_send(self.login, message, sender=sender, date=date, now=now)

    # --- packages ----------------------------------------------------------------------------------

    async def _send_package(self, run: RequestRun, package: Package) -> bool:
        """Send a package. True where it was refused as a whole, perhaps for one of its messages."""
        question = self.piggybacked.take() if package.format == "xml" else None
        try:
            answer = await self._exchange(run, package, question.refs if question else ())
            if question is not None and answer.statuses:
                question.settle(answer.statuses)
        except ProviderError as error:
            run.fail(package.messages, error)
            return False
        finally:
            if question is not None:
                question.settle(None)
        if answer.failure == codes.BAD_ID and question is not None:
            # The question was refused; no manual says that its messages were, too.
            run.fail(package.messages, Uncertain(f"with a status question: {self.code_reason(codes.BAD_ID)}"))
            return False
        await self._money_of(answer)
        if answer.failure:
            return self._refused(run, package.format, package.messages, answer.failure)
        self._suspicion[package.format].passed(package.messages)
        self._match(run, package.messages, answer.sent)
        return False

    async def _exchange(self, run: RequestRun, package: Package, refs: Sequence[str]) -> AssistAnswer:
        login, sender, messages = self.login, self.own.default_sender, package.messages
        async with self.turn(run):
            now, date = run.now(), package.date
            _not_too_near(messages, now)
            if package.format == "json":
                return await self.json(
                    wire_json.encode_send(login, messages, default_sender=sender, date=date, now=now)
                )
            return await self.xml(
                wire_xml.encode(login, messages, refs, default_sender=sender, date=date, now=now)
            )

    def _refused(self, run: RequestRun, way: str, messages: Sequence[Message], code: int) -> bool:
        """Note that a request was refused with ``code``: nothing of it was taken. True where one of several
        messages may be at fault."""
        likely = code == codes.NO_MONEY and self.has_money
        suspected = self._suspicion[way].refused(messages, likely=likely)
        if len(messages) > 1 and (suspected or self._is_final(messages, code, run.now())):
            return True
        for message in messages:
            error = self._refusal(message, code, run.now(), about_message=suspected, evident=suspected)
            if suspected and code == codes.SERVICE_DOWN:
                error.reason = self.in_words(code, codes.MALFORMED)
            run.fail([message], error)
        return False

    def _is_final(self, messages: Sequence[Message], code: int, now: int) -> bool:
        """Whether a message would be lost: not before it is clear which one the code is about."""
        waits = code == codes.BAD_DATE and all(message.send_at > now for message in messages)
        return not waits and codes.rule_for(code, 0).kind in (Kind.PERM, Kind.BUG)

    def _match(self, run: RequestRun, messages: Sequence[Message], rows: Sequence[SentRow]) -> None:
        """Note the results of a package. Rows belong to messages by their position; where that is not
        certain, all messages are uncertain."""
        if len(rows) != len(messages) or not all(map(_fits, messages, rows)):
            run.fail(messages, Uncertain("sms-assistent's answer does not fit the messages"))
            return
        times = Counter(row.ref for row in rows)
        some_taken = any(row.ref and row.error == 0 for row in rows)
        for message, row in zip(messages, rows, strict=True):
            unique = times[row.ref] == 1
            result = self._result(message, row, run.now(), unique=unique, beside=some_taken)
            if isinstance(result, ProviderError):
                ours = row.error == codes.NO_MONEY and not self.has_money
                result.about_message = some_taken or not ours
            run.note({message.id: result})

    def _result(self, message: Message, row: SentRow, now: int, *, unique: bool, beside: bool) -> SendResult:
        if row.error is not None and row.error < 0 and not row.ref:
            return self._refusal(message, row.error, now, about_message=True, evident=beside)
        if row.error == 0 and row.ref and unique:
            # an id for no SMS at all is how they take a malformed number: their last word is asked for
            return Taken(row.ref + DOUBTED if row.parts == 0 else row.ref, told=row.told)
        return Uncertain("sms-assistent did not say clearly what became of the message")

    def _refusal(
        self, message: Message, code: int, now: int, *, about_message: bool, evident: bool
    ) -> ProviderError:
        """``evident``: other messages were taken, so it is not the gateway that is down."""
        if code == codes.BAD_DATE and message.send_at > now:
            reason = self.code_reason(code)
            self.note("date", logging.WARNING, f"messages wait here instead, is the clock right? {reason}")
            return _until_its_time(message, now, reason, str(code))
        patient = about_message if code == codes.OTHER else not evident
        tries = 0 if patient else message.tries
        error = self.refusal(code, tries, message.sender or self.own.default_sender)
        error.about_message = about_message
        if isinstance(error, Postponed):
            # those that wait together do not come back together: one of them may be what is refused
            error.after += message.id % WAVES * WAVE
        return error

    async def _money_of(self, answer: AssistAnswer) -> None:
        """Ask for the balance if an answer says that money lacks."""
        if codes.NO_MONEY in {answer.failure, *(row.error for row in answer.sent)}:
            await self.look_for_money()


def _not_too_near(messages: Sequence[Message], now: int) -> None:
    """Raise Postponed when the common date_send of these messages came too near while they waited."""
    if any(too_near(message, now) for message in messages):
        raise _until_its_time(max(messages, key=lambda message: message.send_at), now, TOO_NEAR, "")


def _until_its_time(message: Message, now: int, reason: str, code: str) -> Postponed:
    return Postponed(reason, after=(message.send_at - now) / 1000, code=code, status=Status.ESME_RINVSCHED)


def _fits(message: Message, row: SentRow) -> bool:
    """Whether a row may be about this message: where it has an id, its number must not say otherwise."""
    ours, theirs = message.recipient, row.recipient
    return not row.ref or not theirs or ours.endswith(theirs) or theirs.endswith(ours)


def _too_long(text: str) -> bool:
    try:
        return parts(text) > MAX_PARTS
    except ValueError:
        return True  # a lone surrogate: no text that a phone can show
