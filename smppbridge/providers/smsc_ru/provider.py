"""smsc.ru over its HTTP API (https://smsc.ru/sys/send.php, or /rest/send/ with JSON).

Every message is a request of its own: messages of one request (``list``, several phones) share one id and one
verdict, so nobody could tell later which of them went out. Each attempt has an id of ours, by which smsc.ru
can be asked what became of it when no answer came.

Left out on purpose: jobs.php, templates.php, op_templates.php and ping.php (mailings, templates and
notifications are kept by people, in the account); ``del=1`` (what it does to a message on its way is not
stated); wait_call.php (calls for confirmation).
"""

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from smppbridge.errors import (
    UNREADABLE,
    Postponed,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from smppbridge.model.message import Doubt, Draft, Inbound, Message, Poll, StatusReport
from smppbridge.providers.base import Callback, News, SendResult, Taken, Trace
from smppbridge.providers.http.client import host_of
from smppbridge.providers.http.lenient import counted
from smppbridge.providers.http.provider import HttpProvider
from smppbridge.providers.http.sending import SENDING_TIME, SubBatch
from smppbridge.providers.smsc_ru import callbacks, codes, order, wire
from smppbridge.providers.smsc_ru.codes import CODES
from smppbridge.providers.smsc_ru.options import STATUS_BATCH, STATUS_GAP, SmscRuOptions
from smppbridge.providers.smsc_ru.statuses import StatusReader

SEND, REST, STATUS = "/sys/send.php", "/rest/send/", "/sys/status.php"
BALANCE, GET = "/sys/balance.php", "/sys/get.php"

POLL_INTERVAL, POLL_INTERVAL_WITH_CALLBACKS = 300.0, 900.0
SURELY_MISSING = 1800.0  # seconds after which a message that smsc.ru does not know will not turn up
FIND_BATCH, ATTEMPTS_ASKED = 10, 5  # doubts in a question, and attempts of each: together STATUS_BATCH
SAME_TEXT_GAP = 61.0  # an identical request is taken once a minute
FLOOD_COUNT, FLOOD_GAP = 50, 60.0  # more messages to one number without a pause are blocked
REFUSALS_IN_ROW, REFUSALS_WINDOW = 80, 600.0  # a hundred block our address
VALIDITY_MAX = 86400.0
BALANCE_PAUSE = 60.0
MAX_ANSWERS, MAX_HOURS, FIRST_HOURS = 10_000, 168, 24  # get.php, get_answers

_OURS = re.compile(r"b[0-9]{1,20}\.[0-9]{1,9}")
_THEIRS = re.compile(r"[1-9][0-9]{0,19}")
_PHONE = re.compile(r"[^,;\s]{1,64}")

_Decode = Callable[[bytes], wire.SmscRuAnswer]


class SmscRu(HttpProvider):
    """One smsc.ru account."""

    takes_parts = True  # octets with their header, whatever their data_coding
    codes = CODES

    def __init__(
        self,
        name: str,
        options: SmscRuOptions,
        *,
        callback_url: str | None = None,
        sending_time: float = SENDING_TIME,
        patience: float | None = None,
    ) -> None:
        """``callback_url``: where smsc.ru is told (by a person, in the account) to report statuses; None =
        they are only polled. ``patience``: seconds that a request waits for its turn; None = `timeout`."""
        polling = POLL_INTERVAL_WITH_CALLBACKS if callback_url else POLL_INTERVAL
        limits = options.limits(
            batch=1,
            poll_first=options.set_or("poll_first", polling),
            poll_early=() if callback_url else options.early_questions,
            poll_interval=options.set_or("poll_interval", polling),
            poll_gap=STATUS_GAP,
            poll_batch=STATUS_BATCH,
            find_first=options.find_first,
            find_interval=options.find_interval,
            find_batch=FIND_BATCH,
            same_text_gap=SAME_TEXT_GAP,
            flood_count=FLOOD_COUNT,
            flood_gap=FLOOD_GAP,
            refusals_in_row=REFUSALS_IN_ROW,
            refusals_window=REFUSALS_WINDOW,
            validity_max=VALIDITY_MAX,
            # the last message and the balance, each after waiting for its turn, and spare time
            lease=sending_time + (2 * (len(options.bases) + 1) + 1) * options.timeout,
        )
        super().__init__(name, options, limits, secrets=options.secrets, sending_time=sending_time)
        self._wishes = options.wishes
        self._rights = options.rights
        self._format = wire.FORMATS[options.format]
        self._rest = options.api == "rest"
        self._reader = StatusReader(options.currency, options.secrets)
        self._spoilt = False  # the last answer about statuses in full made no sense
        self._keeps_schedule = options.schedule == "provider"
        secret = options.callback_secret
        self._callback_secret = secret.get_secret_value() if secret else ""
        self._callback_signature = options.callback_signature
        self._places = asyncio.Semaphore(options.parallel)
        self._patience = options.timeout if patience is None else patience
        self._queued = 0  # who waits for one
        self._bases = options.bases
        self._base = 0  # index of the one that could be reached last
        self._last_answer = 0  # id of the newest message from a phone
        self.services = self._wishes.services

    def stop(self) -> None:
        """Begin no further request. Requests that wait for a place end at once."""
        super().stop()
        for _ in range(self._queued):  # no place is needed any more
            self._places.release()

    # --- sending -----------------------------------------------------------------------------------

    def check(self, draft: Draft) -> None:
        """Raise Refused (0x0A, 0x0B, 0x4A3, 0x4A5) for what send.php does not take or would misread."""
        order.check(draft, self._wishes)

    def schedules(self, send_at: int, now: int) -> bool:
        """smsc.ru keeps messages where the operator wants that; a moment in the past means "now" to it."""
        return self._keeps_schedule and send_at > now

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        """Send them one after the other. A failure that is not about a message ends it: what was not sent yet
        is then Unavailable, or meets the same pause. What check() refuses is Rejected."""
        run, fit = self.start_run(messages, now, "messages")

        async def hand_over(alone: SubBatch) -> bool:
            (message,) = alone.messages
            run.note({message.id: await self._hand_over(message, run.now())})
            return False

        await run.send((SubBatch([message]) for message in fit), hand_over)
        return run.in_order(messages)

    async def _hand_over(self, message: Message, now: int) -> SendResult:
        asked = order.parameters(message, self._wishes, now)
        try:
            answer = await self._ask(REST if self._rest else SEND, asked, wire.decode_sent)
        except ProviderError as error:
            return error
        if answer.failure is not None:
            if answer.failure.code == codes.NO_MONEY:
                await self.look_for_money()
            return self._refusal(message, answer.failure)
        if answer.balance is not None:
            self.last_balance = answer.balance
        return self._result(message, asked["id"], answer)

    def _result(self, message: Message, ref: str, answer: wire.SmscRuAnswer) -> SendResult:
        """What became of a message. smsc.ru repeats our id, or gives an id of its own; the message is found
        by either."""
        if answer.sms == 0 or (answer.id != ref and not _THEIRS.fullmatch(answer.id)):
            return Uncertain(f"{self._host} did not say clearly what became of the message")
        row = answer.rows[0] if len(answer.rows) == 1 else wire.MessageRow(None, 0, {})
        refused = self._refused_row(message, row)
        parts = 0 if message.service_type else counted(answer.sms)  # of a call it is seconds
        return refused or Taken(answer.id, told=self._reader.told(row.fields, answer.cost, parts))

    def _refused_row(self, message: Message, row: wire.MessageRow) -> ProviderError | None:
        """What is wrong with a message that was taken, as it seems: a status in which it never goes out, or
        a send error without one. An error after which it could go out again leaves a doubt."""
        if row.status is not None and codes.is_final(row.status):
            reason = self._reader.reason(row.status, row.err, row.fields)
            return codes.refused_at_once(row.status, row.err, reason)
        if row.err not in codes.ERRORS:
            return None
        error = self._refusal(message, wire.SmscRuFailure(row.err, ""))
        error = error if isinstance(error, Rejected) else Uncertain(error.reason, code=error.code)
        error.about_message = True
        return error

    def _refusal(self, message: Message, failure: wire.SmscRuFailure) -> ProviderError:
        code, words, ref = failure
        reason = self._reason(failure, message.sender or self._wishes.default_sender)
        tries = message.tries if ref else 0
        error = codes.to_send_error(code, words, reason, attempt=message.attempt, tries=tries)
        error.about_message = bool(ref) and codes.is_about_message(code, money_left=self.has_money)
        return error

    # --- questions ---------------------------------------------------------------------------------

    async def status(self, polls: Sequence[Poll]) -> list[StatusReport]:
        """Ask for up to 50 messages; more, and odd references, are not asked for.

        A message that smsc.ru does not know may only be late: it is left out for half an hour, then its
        state is UNKNOWN for good.
        """
        sent_at = {poll.provider_ref: poll.sent_at for poll in polls}
        pairs = [(poll.provider_ref, order.subscriber(poll.recipient)) for poll in polls]
        patient_until = (time.time() - SURELY_MISSING) * 1000
        reports = []
        for ref, row in await self._statuses_in_full(pairs):
            missing = row.status == codes.NOT_FOUND
            if missing and sent_at[ref] > patient_until:
                continue
            report = self._reader.report(ref, row.status, row.err, row.fields)
            if report is not None:
                reports.append(report._replace(final=True) if missing else report)
        return reports

    async def find(self, doubts: Sequence[Doubt], now: int) -> list[Trace]:
        """Ask by our ids about all recent attempts: an earlier attempt may be the one that was taken."""
        refs = {doubt.id: _attempts(doubt) for doubt in doubts[:FIND_BATCH]}
        phones = {doubt.id: order.subscriber(doubt.recipient) for doubt in doubts}
        pairs = [(ref, phones[number]) for number, own in refs.items() for ref in own]
        told = {ref: row.status for ref, row in await self._statuses(pairs)}
        return [
            Trace(
                number,
                tuple(ref for ref in own if told.get(ref) not in (None, codes.NOT_FOUND)),
                complete=all(told.get(ref) is not None for ref in own),
            )
            for number, own in refs.items()
        ]

    async def _statuses_in_full(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, wire.MessageRow]]:
        """The same with prices, operators and senders, which come together with the texts of the messages.

        Only in JSON: in the other formats a text could look like a status, or spoil the answer. Should it
        spoil one here, the next question is asked without.
        """
        full = self._format == wire.FORMATS["json"] and not self._spoilt
        try:
            rows = await self._statuses(pairs, full=full)
        except ProviderError as error:
            self._spoilt = full and error.code == UNREADABLE
            raise
        self._spoilt = False
        return rows

    async def _statuses(
        self, pairs: Sequence[tuple[str, str]], *, full: bool = False
    ) -> list[tuple[str, wire.MessageRow]]:
        """What smsc.ru says about messages, each known by (id, phone)."""
        asked = [
            (ref, phone)
            for ref, phone in pairs
            if (_OURS.fullmatch(ref) or _THEIRS.fullmatch(ref)) and _PHONE.fullmatch(phone)
        ][:STATUS_BATCH]
        if not asked:
            return []
        fields = {
            "id": ",".join(ref for ref, _ in asked),
            "phone": ",".join(phone for _, phone in asked),
            "charset": "utf-8",
            **({"all": "2"} if full else {}),
        }
        answer = await self._ask(STATUS, fields, wire.decode_statuses)
        if answer.failure is not None and answer.failure.code == codes.MISSING:
            missing = wire.MessageRow(codes.NOT_FOUND, 0, {})  # the only one, or nobody knows which
            return [(asked[0][0], missing)] if len(asked) == 1 else []
        self._raise_failure(answer)
        return [(ref, row) for ref, _, row in wire.rows_about(answer.rows, asked)]

    async def balance(self) -> float | None:
        """Money left in the account's currency. Raises ProviderError."""
        answer = await self._ask(BALANCE, {}, wire.decode_balance)
        try:
            self._raise_failure(answer)
        except Postponed as error:  # asked too often: there is no message that could wait
            raise Throttled(error.reason, after=BALANCE_PAUSE, code=error.code) from None
        self.last_balance = answer.balance
        return answer.balance

    async def inbound(self, since: int | None) -> list[Inbound]:
        """Messages from phones. The list is asked for in JSON: in the shorter formats a text may look like
        several columns."""
        asked = {"get_answers": "1", "fmt": wire.FORMATS["json"], "charset": "utf-8", "cnt": str(MAX_ANSWERS)}
        if since is None and self._last_answer:
            asked["after_id"] = str(self._last_answer)
        else:
            asked["hour"] = str(_hours_since(since, time.time()))
        answer = await self._ask(GET, asked, wire.decode_list)
        if answer.failure is not None and answer.failure.code == codes.MISSING:
            return []
        self._raise_failure(answer)
        found = []
        for row in answer.rows:
            fields = row.fields
            self._last_answer = max(self._last_answer, wire.integer_of(fields.get("id")) or 0)
            inbound = callbacks.inbound_of(
                fields, text=fields.get("message", ""), destination=fields.get("to_phone", "")
            )
            if inbound is not None:
                found.append(inbound)
        return found

    # --- callbacks ---------------------------------------------------------------------------------

    def parse_callback(self, callback: Callback) -> list[News]:
        """A status or a message from a phone. [] for messages that other programs of the account gave ids,
        for statuses that no list names, and for messages that came from no telephone number.

        Raises ValueError for anything else, calls for confirmation (``waitcall``) among it; WrongSignature.
        """
        told = callbacks.parse(callback, self._callback_secret, self._callback_signature)
        if told is None:
            return []
        if isinstance(told, Inbound):
            return [told]
        if not (_OURS.fullmatch(told.ref) or _THEIRS.fullmatch(told.ref)):
            return []
        report = self._reader.report(told.ref, told.status, told.err, told.fields)
        return [] if report is None else [report]

    # --- requests ----------------------------------------------------------------------------------

    def _raise_failure(self, answer: wire.SmscRuAnswer) -> None:
        if answer.failure is not None:
            code, words, _ = answer.failure
            raise codes.to_send_error(code, words, self._reason(answer.failure))

    def _reason(self, failure: wire.SmscRuFailure, sender: str = "") -> str:
        """Our words for an error, and smsc.ru's."""
        code, words, _ = failure
        told = filter(None, (codes.words_of_error(code, words, sender), words))
        return self.reason("smsc.ru", code, ": ".join(told))

    @property
    def _host(self) -> str:
        return host_of(self._bases[self._base])

    async def _ask(self, path: str, asked: Mapping[str, str], decode: _Decode) -> wire.SmscRuAnswer:
        """One request with our credentials. When an address cannot be reached, the next one is tried.

        Raises ProviderError; Unavailable only when no address has got anything.
        """
        fields = {**self._rights, "fmt": self._format, **asked}
        encode, headers = (wire.encode_json, wire.JSON) if path == REST else (wire.encode_form, wire.FORM)
        content = encode(fields)
        async with self._place():
            return await self._ask_bases(path, content, headers, decode)

    async def _ask_bases(
        self, path: str, content: bytes, headers: Mapping[str, str], decode: _Decode
    ) -> wire.SmscRuAnswer:
        first = self._base  # other requests move it meanwhile
        for turn in range(len(self._bases)):
            index = (first + turn) % len(self._bases)
            try:
                url = self._bases[index] + path
                answer = await self.call_for_word(url, content, headers, decode, _is_error)
            except Unavailable as error:
                # An answer came, though one that says "not now": this address can be reached.
                if error.code == UNREADABLE or self._stopping or turn == len(self._bases) - 1:
                    raise
            else:
                self._base = index
                return answer
        raise AssertionError("there is at least one address")

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """A place among the requests that may run at once, first come, first served. Raises Unavailable:
        nothing was sent."""
        if self._stopping:
            raise Unavailable("not sent: stopping")
        self._queued += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._places.acquire()
        except TimeoutError:
            raise Unavailable("not sent: too many requests at once") from None
        finally:
            self._queued -= 1
        try:
            yield
        finally:
            self._places.release()


def _is_error(answer: wire.SmscRuAnswer) -> bool:
    return answer.failure is not None


def _attempts(doubt: Doubt) -> list[str]:
    """The ids of its last attempts, the latest first."""
    first = max(1, doubt.attempt - ATTEMPTS_ASKED + 1)
    return [order.ref_of(doubt.id, attempt) for attempt in range(doubt.attempt, first - 1, -1)]


def _hours_since(since: int | None, now: float) -> int:
    """Hours to look back, rounded up: 1 to 168."""
    if since is None:
        return FIRST_HOURS
    return min(max(math.ceil((now - since / 1000) / 3600), 1), MAX_HOURS)
