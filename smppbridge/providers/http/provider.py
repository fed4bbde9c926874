"""What all HTTP providers do alike: one client, an orderly stop, and complaints that a person reads once.

A provider inherits this and adds its API.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

import httpx2

from smppbridge.errors import UNFIT, ProviderError, Refused, Rejected, Unavailable
from smppbridge.logs import Complaints
from smppbridge.model.message import Doubt, Draft, Inbound, Message
from smppbridge.model.services import PING
from smppbridge.providers.base import Limits, Trace, Upcalls
from smppbridge.providers.error_table import safe_reason
from smppbridge.providers.http.client import NOT_HERE, HttpAnswer, HttpClient, host_of, not_understood
from smppbridge.providers.http.sending import SENDING_TIME, RequestRun
from smppbridge.providers.options import HttpOptions
from smppbridge.smpp.concat import ports_among
from smppbridge.smpp.constants import SILENT

logger = logging.getLogger(__name__)

LARGE_ANSWER = 64 * 1024  # octets; above, an answer is read in a thread
MAX_NOTED = 100  # kinds of complaints that were logged
MONEY_PAUSE = 10.0  # seconds between two questions for the balance because of a refusal

Answer = TypeVar("Answer")


class HttpProvider:
    """Base of the HTTP providers.

    ``secrets`` are never told in a reason or a log line. ``sending_time``: seconds in which one send() may
    begin requests.
    """

    services: frozenset[str] = frozenset()
    takes_parts = False
    takes_protocol_id = False
    codes: frozenset[str] = frozenset()
    fixed_paths = True  # False: the paths of requests hold values of messages, so they are not told
    transport: httpx2.AsyncBaseTransport | None = None  # what carries the requests instead of the network

    def __init__(
        self,
        name: str,
        options: HttpOptions,
        limits: Limits,
        *,
        secrets: Iterable[str],
        sending_time: float = SENDING_TIME,
    ) -> None:
        self.name = name
        self.limits = limits
        self.last_balance: float | None = None  # from the last answer that told
        self._options: HttpOptions = options
        self._secrets = tuple(secrets)
        self._sending_time = sending_time
        self._client: HttpClient | None = None
        self._stopping = False
        self._noted: set[object] = set()
        self._money_again = 0.0  # when the balance may be asked for again (loop's clock)
        self._complain = Complaints(logger)

    async def start(self, upcalls: Upcalls) -> None:
        """Open the HTTP client; statuses come by callback or poll, so there is nothing to call."""
        self._client = HttpClient(
            timeout=self._options.timeout,
            connections=self._options.connections(),
            transport=self.transport,
        )

    def stop(self) -> None:
        """Begin no further request; the one under way gets its answer."""
        self._stopping = True

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def check(self, draft: Draft) -> None:
        """Take everything; a provider says what it cannot carry."""

    def schedules(self, send_at: int, now: int) -> bool:
        """Whatever is scheduled is kept here."""
        return False

    async def find(self, doubts: Sequence[Doubt], now: int) -> Sequence[Trace]:
        """Nothing can be asked."""
        return []

    async def inbound(self, since: int | None) -> Sequence[Inbound]:
        """No messages from phones."""
        return []

    async def balance(self) -> float | None:
        """Nothing can be asked."""
        return None

    async def look_for_money(self) -> None:
        """Ask for the balance, because an answer says that money lacks: perhaps it does for a dear message
        only."""
        now = asyncio.get_running_loop().time()
        if now < self._money_again:
            return
        self._money_again = now + MONEY_PAUSE
        with contextlib.suppress(ProviderError):
            await self.balance()

    @property
    def has_money(self) -> bool:
        """Whether some was left when the provider last told."""
        return (self.last_balance or 0.0) > 0.0

    async def call(
        self,
        url: str,
        content: bytes,
        headers: Mapping[str, str],
        decode: Callable[[bytes], Answer],
        *,
        method: str = "POST",
    ) -> Answer:
        """One request and its answer as ``decode`` reads it, which raises ValueError for one without sense.

        Raises ProviderError: Unavailable when nothing was sent, Uncertain when that is open.
        """
        http = await self.exchange(method, url, content, headers)
        return await self._read(http, url, decode)

    async def call_for_word(
        self,
        url: str,
        content: bytes,
        headers: Mapping[str, str],
        decode: Callable[[bytes], Answer],
        is_error: Callable[[Answer], bool],
    ) -> Answer:
        """Like `call`, for answers of one word or number: a web server's error page may look the same.

        An answer that is no error of the API (``is_error``) counts only with an HTTP status of 200 to 299.
        """
        http = await self.exchange("POST", url, content, headers)
        answer = await self._read(http, url, decode)
        if not is_error(answer) and not 200 <= http.status < 300:
            raise self.senseless(http, url)
        return answer

    async def _read(self, http: HttpAnswer, url: str, decode: Callable[[bytes], Answer]) -> Answer:
        try:
            if len(http.body) > LARGE_ANSWER:  # a broken one of 2 MiB takes most of a second
                return await asyncio.to_thread(decode, http.body)
            return decode(http.body)
        except ValueError:
            raise self.senseless(http, url) from None

    async def exchange(self, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """One request and its answer as it came. Raises ProviderError like `call`, and Unavailable where the
        answer says that the address has moved."""
        if self._client is None:
            raise Unavailable("the provider is not started")
        if self._stopping:
            raise Unavailable("not sent: stopping")
        answer = await self._client.request(method, url, content, headers)
        if answer.status in NOT_HERE:
            raise self._moved(answer, url)
        return answer

    def _moved(self, answer: HttpAnswer, url: str) -> Unavailable:
        """The error for an address that has moved; a person is told, once a minute at most."""
        host, parts = host_of(url), urlsplit(answer.location)
        told = answer.location if self.fixed_paths else f"{parts.scheme}://{parts.netloc}"
        address = safe_reason(told, *self._secrets) if answer.location else "an address that it does not name"
        reason = f"{host} answered HTTP {answer.status}: it has moved to {address}; change url"
        now = asyncio.get_running_loop().time()
        self._complain(now, "provider has moved", host, logging.ERROR, provider=self.name, reason=reason)
        return Unavailable(reason)

    def senseless(self, answer: HttpAnswer, url: str) -> ProviderError:
        """The error for an answer that makes no sense; a person is told, once a minute at most."""
        error = not_understood(answer, url)
        now, host = asyncio.get_running_loop().time(), host_of(url)
        self._complain(
            now, "answer not understood", host, logging.ERROR, provider=self.name, reason=error.reason
        )
        return error

    def run(self, now: int = 0, units: str = "requests") -> RequestRun:
        """A run of requests that begins now, at ``now`` (ms)."""
        return RequestRun(now, seconds=self._sending_time, units=units)

    def start_run(
        self, messages: Sequence[Message], now: int, units: str = "requests"
    ) -> tuple[RequestRun, list[Message]]:
        """The run of a send() at ``now`` (ms), and the messages to hand over: those that `check` takes. The
        others are Rejected already. ``units``: what reasons call the requests."""
        run = self.run(now, units)
        run.note(dict(self.unfit(messages, self._options.default_sender)))
        return run, [self._silent(message) for message in messages if message.id not in run.results]

    def _silent(self, message: Message) -> Message:
        """A text that no phone is to show goes as the check that no phone shows: see submission.paths."""
        shown = message.protocol_id != SILENT or message.octets is not None or message.service_type
        return message if shown or PING not in self.services else message._replace(service_type=PING)

    def unfit(self, messages: Iterable[Message], default_sender: str) -> Iterator[tuple[int, Rejected]]:
        """Messages that `check` refuses, by our id: they may have been checked by another provider only."""
        for message in messages:
            draft = Draft(
                message.recipient,
                message.sender or default_sender,
                message.text,
                message.octets,
                message.flash,
                message.service_type,
                message.data_coding,
                ports=ports_among(message.tlvs),
            )
            try:
                if message.service_type and message.service_type not in self.services:
                    raise Refused(0x45, f"{self.name} does not sell service_type {message.service_type}")
                self.check(draft)
            except Refused as refused:
                yield message.id, Rejected(refused.reason, code=UNFIT, status=refused.status)

    def reason(self, who: str, code: object, words: str) -> str:
        """``who error code: words`` without secrets and numbers: may be logged and kept."""
        return f"{who} error {code}: {safe_reason(words, *self._secrets)}"

    def note(self, key: object, level: int, text: str) -> None:
        """Tell a person, once for each ``key``, what no retry will mend."""
        if key not in self._noted and len(self._noted) < MAX_NOTED:
            self._noted.add(key)
            logger.log(level, "provider %s: %s", self.name, text)
