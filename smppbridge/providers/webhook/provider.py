"""Any HTTP provider that the operator declares in YAML, without code: `kind: webhook`.

How a message is sent is written down once (`send`), with the fields of a message in it; what the answer
means, by tables. Where it says neither "taken" nor "refused", the message is uncertain: nothing is guessed.

With `batch` many messages go in one request. Those whose requests would differ outside of the list go apart,
and no number stands twice in one. A request that is refused whole because of one message is halved until it
is clear which one.

Not here: messages from phones that must be asked for, and number checks. An answer is read by its body alone,
not by its headers.
"""

import asyncio
import logging
import re
import time
from collections.abc import Mapping, Sequence

from smppbridge.errors import ProviderError, Rejected, Uncertain
from smppbridge.model.message import Doubt, Draft, Message, Particulars, Poll, State, StatusReport
from smppbridge.providers.base import Callback, News, SendResult, Taken, Trace
from smppbridge.providers.error_table import safe_reason
from smppbridge.providers.http.client import HttpAnswer, host_of
from smppbridge.providers.http.provider import LARGE_ANSWER, HttpProvider
from smppbridge.providers.http.sending import SENDING_TIME, RequestRun
from smppbridge.providers.webhook import answer as answers
from smppbridge.providers.webhook.answer import DeclaredRefusal, WebhookAnswer
from smppbridge.providers.webhook.callback import CallbackOptions, inbound_in, status_in
from smppbridge.providers.webhook.codes import state_for
from smppbridge.providers.webhook.extract import Document, Extracts, first_word
from smppbridge.providers.webhook.fitness import Fitness
from smppbridge.providers.webhook.options import FindRequest, SendRequest, StatusRequest, WebhookOptions
from smppbridge.providers.webhook.placeholders import (
    REFS_SEPARATOR,
    SendingContext,
    doubt_fields,
    lookup_in,
    lookup_of,
    poll_fields,
)
from smppbridge.providers.webhook.regex import is_whole
from smppbridge.providers.webhook.request import DeclaredRequest, Prepared
from smppbridge.providers.webhook.split import DeclaredPacket, packets_of, questions_of, without_shared
from smppbridge.providers.webhook.template import Lookup

logger = logging.getLogger(__name__)

ONE_BY_ONE = 20  # questions about single messages in one call
POLLED, POLLED_BESIDE_CALLBACKS = 300.0, 600.0  # seconds between two status questions about a message
GONE = frozenset({404, 410})  # HTTP statuses of a question about a message that the provider does not know
_PACKET = re.compile(r"[ -~]{1,128}")  # an id of a whole request that can be kept


class Webhook(HttpProvider):
    """One account at a declared provider."""

    def __init__(
        self,
        name: str,
        options: WebhookOptions,
        *,
        callback_url: str | None = None,
        sending_time: float = SENDING_TIME,
    ) -> None:
        """``callback_url``: where the provider reaches us, with its token; None = it cannot."""
        self._secret_values = {key: value.get_secret_value() for key, value in options.secrets.items()}
        called_back = callback_url is not None and options.callback is not None
        polled = POLLED_BESIDE_CALLBACKS if called_back else POLLED
        asked, find = options.status, options.find
        limits = options.limits(
            batch=min(options.batch, options.send.batch.size) if options.send.batch else 1,
            poll_first=options.set_or("poll_first", polled),
            poll_interval=options.set_or("poll_interval", polled) if asked else 0.0,
            poll_batch=asked.batch.size if asked and asked.batch else ONE_BY_ONE,
            find_interval=find.interval if find else 0.0,
            find_batch=ONE_BY_ONE,
            inbound_interval=0.0,
            balance_interval=options.balance_interval if options.balance else 0.0,
            validity_max=options.validity_max,
            lease=sending_time + 2 * options.timeout,
        )
        hidden = options.hidden(self._secret_values, callback_url or "")
        super().__init__(name, options, limits, secrets=hidden, sending_time=sending_time)
        self.codes = frozenset(options.errors) | {word for word, state in options.states.items() if state}
        self.fixed_paths = not any(section.path.fields for section in options.requests())
        self._declared = options
        self._callback_url = callback_url or ""
        self._id = re.compile(options.id_pattern)
        self._fitness = Fitness(options)

    def check(self, draft: Draft) -> None:
        """Raise Refused (0x0A, 0x0B, 0x4A3, 0x4A5) for what the declared rules do not let through."""
        self._fitness.check(draft)

    def schedules(self, send_at: int, now: int) -> bool:
        """Whether the operator wants the provider to keep it: `schedule: provider`."""
        return self._declared.schedule == "provider" and send_at > now

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        """Send one request after the other. A failure that is not about single messages ends it."""
        run, fit = self.start_run(messages, now)

        async def hand_over(packet: DeclaredPacket) -> bool:
            return await self._hand_over(run, packet)

        await run.send(packets_of(fit, self._section, lambda message: self._lookup(message, now)), hand_over)
        return run.in_order(messages)

    def _lookup(self, message: Message, now: int) -> Lookup:
        sender = message.sender or self._declared.default_sender
        sending = SendingContext(message, sender, now, self._declared.validity_max, self._callback_url)
        return lookup_of(sending, self._secret_values)

    def _section(self, message: Message) -> SendRequest:
        if message.octets is None:
            return self._declared.send
        assert self._declared.send_binary is not None  # check() has refused it
        return self._declared.send_binary

    async def _hand_over(self, run: RequestRun, packet: DeclaredPacket) -> bool:
        """Make one request. True where it was refused as a whole, perhaps for one of its messages."""
        now = run.now()
        lookups = [self._lookup(message, now) for message in packet.messages]
        try:
            prepared = packet.section.prepare(self._declared.url, lookups[0], lookups)
            answer = await self._ask(prepared)
        except ProviderError as error:
            run.fail(packet.messages, error)
            return False
        batch = packet.section.batch
        if batch is None:
            (message,) = packet.messages
            run.note({message.id: self._result(packet, message, answer, answer)})
            return False
        found = answers.results_of(batch, answer, lookups)
        if found is None:
            return self._refused_whole(run, packet, answer)
        results = {
            message.id: self._result(packet, message, answer, result)
            for message, result in zip(packet.messages, found, strict=True)
        }
        _beside_taken(results)
        run.note(without_shared(results))
        return False

    def _refused_whole(self, run: RequestRun, packet: DeclaredPacket, answer: WebhookAnswer) -> bool:
        refusal = self._refusal(packet.section, answer)
        if refusal is not None and refusal.about_message and len(packet.messages) > 1:
            return True
        run.note({one.id: self._error(packet.section, answer, one) for one in packet.messages})
        return False

    def _result(
        self, packet: DeclaredPacket, message: Message, whole: WebhookAnswer, own: WebhookAnswer | None
    ) -> SendResult:
        if own is None:
            return Uncertain(f"{self._host(packet.section)} did not say clearly what became of the message")
        self._note_balance(packet.section, whole.document)
        if packet.section.own_id is not None:
            ref = packet.section.own_id.render(self._lookup(message, 0))
        else:
            ref = first_word(packet.section.message_id, own.document)
        if is_whole(self._id, ref) and answers.done(packet.section, own, ref):
            packet_ref = first_word(packet.section.packet_id, whole.document)
            told = packet.section.told.read(own.document, self._declared.currency)
            return Taken(ref, packet_ref if _PACKET.fullmatch(packet_ref) else "", told=told)
        return self._error(packet.section, own, message)

    def _note_balance(self, section: SendRequest, document: Document) -> None:
        balance = answers.number_in(first_word(section.balance, document))
        if balance is not None:
            self.last_balance = balance

    def _error(
        self, section: DeclaredRequest, answer: WebhookAnswer, message: Message | None = None
    ) -> ProviderError:
        """What an answer that is no success means."""
        refusal = self._refusal(section, answer)
        if refusal is None:
            return self._senseless(section, answer)
        code = safe_reason(refusal.code, *self._secrets)
        ours = "the request is declared wrong" if refusal.rule.kind == "bug" else ""
        ours = ours or ("" if refusal.listed else "errors does not hold this code")
        reason = self.reason(self._host(section), code, ": ".join(filter(None, (ours, refusal.words))))
        error = refusal.error(reason, message.attempt if message else 1)
        error.code = code
        return error

    def _refusal(self, section: DeclaredRequest, answer: WebhookAnswer) -> DeclaredRefusal | None:
        places = section.message_id if isinstance(section, SendRequest) else ()
        named = is_whole(self._id, first_word(places, answer.document))
        return answers.refusal(section, answer, self._declared.errors, named=named)

    def _senseless(self, section: DeclaredRequest, answer: WebhookAnswer) -> ProviderError:
        http = HttpAnswer(answer.status, answer.document.body, answer.location)
        return self.senseless(http, section.url or self._declared.url)

    def _host(self, section: DeclaredRequest) -> str:
        return host_of(section.url or self._declared.url)

    async def _ask(self, prepared: Prepared) -> WebhookAnswer:
        """One request. Raises ProviderError."""
        http = await self.exchange(prepared.method, prepared.url, prepared.content, dict(prepared.headers))
        document = Document(http.body)
        if len(http.body) > LARGE_ANSWER:  # a broken one of 2 MiB takes most of a second
            await asyncio.to_thread(_read_ahead, document)
        return WebhookAnswer(http.status, document, http.location)

    async def status(self, polls: Sequence[Poll]) -> list[StatusReport]:
        """Ask about many messages at once, or about one after the other. References of another form are not
        asked for.

        Raises ProviderError when the first question fails. When a later one fails, what is known is returned.
        """
        section = self._declared.status
        if section is None:
            return []
        needs_packet = "packet" in section.asked
        asked = [
            poll
            for poll in polls
            if is_whole(self._id, poll.provider_ref) and (poll.packet_ref or not needs_packet)
        ]
        reports: list[StatusReport] = []
        for together in questions_of(asked[: self.limits.poll_batch], section, self._of_poll):
            try:
                reports += await self._ask_states(section, together)
            except ProviderError:
                if not reports:
                    raise
                break
        return reports

    def _of_poll(self, poll: Poll) -> Lookup:
        return lookup_in(poll_fields(poll), self._secret_values)

    async def _ask_states(self, section: StatusRequest, polls: Sequence[Poll]) -> list[StatusReport]:
        refs = REFS_SEPARATOR.join(poll.provider_ref for poll in polls)
        lookups = [self._of_poll(poll) for poll in polls]
        whole = lookup_in({**poll_fields(polls[0]), "refs": refs}, self._secret_values)
        answer = await self._ask(section.prepare(self._declared.url, whole, lookups))
        own: Sequence[WebhookAnswer | None] | None = [answer]
        if section.batch is not None:
            own = answers.results_of(section.batch, answer, lookups)
        if own is None or not answers.holds(section.success, answer):
            return self._nothing_known(section, answer)
        reports = (
            self._report(
                poll.provider_ref,
                first_word(section.state, one.document),
                first_word(section.message_error, one.document),
                first_word(section.message_text, one.document),
                section.told.read(one.document, self._declared.currency),
            )
            for poll, one in zip(polls, own, strict=True)
            if one is not None
        )
        found = [report for report in reports if report is not None]
        if not found and section.batch is None and not first_word(section.state, answer.document):
            return self._nothing_known(section, answer)
        return found

    def _nothing_known(self, section: DeclaredRequest, answer: WebhookAnswer) -> list[StatusReport]:
        """No reports, if the provider says that it does not know the message. Raises ProviderError."""
        code = first_word(section.error_code, answer.document)
        if answer.status in GONE and code not in self._declared.errors:
            return []
        error = self._error(section, answer)
        if isinstance(error, Rejected):
            return []
        raise error

    def _report(self, ref: str, word: str, code: str, words: str, told: Particulars) -> StatusReport | None:
        if not word:
            return None
        found = state_for(self._declared.states, word, code)
        if found is None:
            shown = safe_reason(word, *self._secrets)
            if word.lower() not in self._declared.states:
                self.note(("state", word), logging.WARNING, f"states does not hold this word: {shown}")
            return None
        state, final, err = found
        shown, reason = safe_reason(code or word, *self._secrets), ""
        if final and state is not State.DELIVERED:
            said = ": ".join(filter(None, (f"state {word}", code, words)))
            reason = safe_reason(f"{host_of(self._declared.url)} {said}", *self._secrets)
        return StatusReport(ref, state, final, err, shown, reason=reason, told=told)

    async def find(self, doubts: Sequence[Doubt], now: int) -> list[Trace]:
        """Ask by our id, one after the other. Raises ProviderError when the first question fails."""
        section = self._declared.find
        traces: list[Trace] = []
        if section is None:
            return traces
        for doubt in doubts[:ONE_BY_ONE]:
            try:
                trace = await self._trace(section, doubt)
            except ProviderError:
                if not traces:
                    raise
                break
            traces += [] if trace is None else [trace]
        return traces

    async def _trace(self, section: FindRequest, doubt: Doubt) -> Trace | None:
        lookup = lookup_in(doubt_fields(doubt), self._secret_values)
        answer = await self._ask(section.prepare(self._declared.url, lookup))
        named = _every(section.message_id, answer.document)
        refs = tuple(dict.fromkeys(ref for ref in named if is_whole(self._id, ref)))
        if refs and answers.holds(section.success, answer):
            return Trace(doubt.id, refs)
        if not refs and answers.holds(section.absent, answer):
            return Trace(doubt.id)
        error = self._error(section, answer)
        if isinstance(error, Rejected):
            return None
        raise error

    async def balance(self) -> float | None:
        """Money left. Raises ProviderError."""
        section = self._declared.balance
        if section is None:
            return None
        answer = await self._ask(section.prepare(self._declared.url, lookup_in({}, self._secret_values)))
        text = first_word(section.value, answer.document)
        balance = answers.number_in(text)
        if balance is None or not answers.done(section, answer, text):
            raise self._error(section, answer)
        self.last_balance = balance
        return balance

    def parse_callback(self, callback: Callback) -> list[News]:
        """Statuses and messages from phones, as `callback` says. Raises ValueError, WrongSignature."""
        options = self._declared.callback
        if options is None:
            raise ValueError("no callback is declared for this provider")
        if options.signature is not None:
            options.signature.check(callback, self._callback_url, lookup_in({}, self._secret_values))
        told = [self._news(options, document) for document in options.documents(callback)]
        if all(one is None for one in told):
            raise ValueError("neither a status nor a message from a phone")
        return [news for one in told if one is not None for news in one]

    def _news(self, options: CallbackOptions, document: Document) -> list[News] | None:
        """What one item of a callback tells; None for an item that is not understood."""
        heard = status_in(options, document)
        if heard is not None:
            if not is_whole(self._id, heard.ref):
                return None
            report = self._report(*heard, options.told.read(document, self._declared.currency))
            return [] if report is None else [report]
        if options.inbound is None:
            return None
        inbound = inbound_in(options.inbound, document, int(time.time() * 1000))
        return None if inbound is None else [inbound]


def _beside_taken(results: Mapping[int, SendResult]) -> None:
    """An error beside messages that were taken is about its message."""
    if any(isinstance(result, Taken) for result in results.values()):
        for result in results.values():
            if isinstance(result, ProviderError):
                result.about_message = True


def _every(places: Extracts, document: Document) -> list[str]:
    try:
        return [word for place in places for word in place.every(document)]
    except ValueError:
        return []


def _read_ahead(document: Document) -> None:
    """Parse a large body in a thread. A body that is not JSON is parsed later, when it is needed."""
    try:
        _ = document.json
    except ValueError:
        return
