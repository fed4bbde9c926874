"""The requests of one sms-assistent.by account, in all three formats, and when they may begin."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from smppbridge.errors import ProviderError
from smppbridge.providers.error_table import safe_reason
from smppbridge.providers.http.provider import HttpProvider
from smppbridge.providers.http.sending import SENDING_TIME, RequestRun
from smppbridge.providers.sms_assistent import codes, wire_json, wire_plain, wire_xml
from smppbridge.providers.sms_assistent.addresses import addresses
from smppbridge.providers.sms_assistent.options import SmsAssistentOptions
from smppbridge.providers.sms_assistent.piggyback import PiggybackQueue
from smppbridge.providers.sms_assistent.records import MAX_VALIDITY, AssistAnswer, Login

POLL_BATCH = 100
POLL_SLOWEST = 600.0  # seconds


class SmsAssistentApi(HttpProvider):
    """Base of the provider: everything that makes a request goes through here."""

    def __init__(
        self, name: str, options: SmsAssistentOptions, *, sending_time: float = SENDING_TIME
    ) -> None:
        password = options.password.get_secret_value()
        limits = options.limits(
            poll_early=options.early_questions,  # "at any time" (§2.2, §3.2)
            poll_slowest=max(POLL_SLOWEST, options.poll_interval),
            poll_gap=0.0,
            poll_batch=POLL_BATCH,
            find_interval=0.0,  # no question leads from our id to theirs
            inbound_interval=0.0,
            validity_max=float(MAX_VALIDITY),
            lease=sending_time + 3 * options.timeout,  # the last request, one for the balance, and spare time
        )
        super().__init__(name, options, limits, secrets=(password,), sending_time=sending_time)
        self.own = options
        self._at = addresses(options.url, options.urls)
        self.login = Login(options.login, password)
        self.piggybacked = PiggybackQueue(options.batch_wait)
        self._slots = asyncio.Semaphore(options.parallel)

    @asynccontextmanager
    async def turn(self, run: RequestRun) -> AsyncIterator[None]:
        """A place among the requests that may run at once. Raises what ended the run, or Unavailable when
        its time is over."""
        try:
            async with asyncio.timeout_at(run.deadline):
                await self._slots.acquire()
        except TimeoutError:
            raise run.too_late() from None
        try:
            if run.is_over:
                raise run.too_late()
            if run.stop is not None:
                raise run.stop.with_traceback(None)  # it is raised for many messages: no endless traceback
            yield
        finally:
            self._slots.release()

    async def json(self, content: bytes) -> AssistAnswer:
        """A package in JSON. Raises ProviderError when no answer came that can be read."""
        wire = wire_json
        return await self.call(self._at.json, content, wire.HEADERS, wire.decode)

    async def xml(self, content: bytes) -> AssistAnswer:
        """A package in XML. Raises ProviderError when no answer came that can be read."""
        wire = wire_xml
        return await self.call(self._at.xml, content, wire.HEADERS, wire.decode)

    async def plain_send(self, content: bytes) -> AssistAnswer:
        """One message in PLAIN. Raises ProviderError when no answer came that can be read."""
        return await self._plain(self._at.send, content, wire_plain.decode_send)

    async def plain_status(self, ref: str) -> AssistAnswer:
        """The status of one message in PLAIN. Raises ProviderError when no answer came that can be read."""
        wire = wire_plain
        return await self._plain(self._at.statuses, wire.encode_status(self.login, ref), wire.decode_status)

    async def balance(self) -> float | None:
        """Credits left (§2.3). Raises ProviderError."""
        wire = wire_plain
        answer = await self._plain(self._at.credits, wire.encode_credits(self.login), wire.decode_credits)
        self.raise_failure(answer)
        self.last_balance = answer.credits
        return answer.credits

    async def _plain(self, url: str, content: bytes, decode: Callable[[bytes], AssistAnswer]) -> AssistAnswer:
        """One question in PLAIN. Raises ProviderError."""
        return await self.call_for_word(url, content, wire_plain.HEADERS, decode, _is_code)

    def refusal(self, code: int, tries: int, sender: str = "") -> ProviderError:
        """What a negative code stands for. ``tries``: finished rounds of the message. ``sender``: its own."""
        return codes.to_error(codes.rule_for(code, tries), code, self.code_reason(code, sender))

    def code_reason(self, code: int, sender: str = "") -> str:
        """A code in words: may be logged and kept."""
        return self.in_words(code, codes.words_of(code, sender))

    def in_words(self, code: int, words: str) -> str:
        """A code and what it means here, without secrets."""
        return f"{code}: {safe_reason(words, *self._secrets)}"

    def raise_failure(self, answer: AssistAnswer) -> None:
        """Raise ProviderError for an answer that is a code."""
        if answer.failure:
            raise self.refusal(answer.failure, 0)


def _is_code(answer: AssistAnswer) -> bool:
    return answer.failure != 0
