"""smspilot.ru over API-2 (https://smspilot.ru/api2.php, JSON).

One packet carries many messages of one sender. What the manual demands shapes this file: a recipient may
stand only once in a packet (error 214); a packet with more bad messages than good ones is refused whole,
without saying which are bad, and is halved until that is clear; a refused key stops everything.

Left out on purpose: `debug` mails the key and all texts to an address; `translit` alters texts.

Must not know: the store, SMPP sessions, other providers.
"""

import asyncio
import logging
import re
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from pydantic import Field, SecretStr, field_validator

from smppbridge.errors import Disabled, ProviderError, Refused, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.model.fields import not_built
from smppbridge.model.message import Message, Poll, StatusReport
from smppbridge.providers import smspilot_codes as codes
from smppbridge.providers import smspilot_json as wire
from smppbridge.providers.base import Callback, Limits, Report, SendResult, Taken
from smppbridge.providers.http import HttpClient, host_of, not_understood
from smppbridge.providers.options import HttpOptions
from smppbridge.providers.rules import Kind, Rule, safe_reason, to_error
from smppbridge.smpp.constants import Status
from smppbridge.smpp.text import parts

logger = logging.getLogger(__name__)

PATH = "/api2.php"
MAX_PARTS = 10  # API-2 §1
POLL_BATCH = 500
POLL_ADVISED, POLL_BANNED = 300.0, 120.0  # seconds between status questions (API-2 §2.2, flood)
ARCHIVED_AFTER = 70 * 86400  # seconds; asking for older messages counts as flood
VALIDITY_MAX = 86400.0  # every message is final after a day (API-2 §2.2)
SENDING_TIME = 120.0  # seconds in which one send() may begin requests
MAX_NOTED = 100  # error codes that were logged
LARGE_ANSWER = 64 * 1024  # octets; above, an answer is read in a thread
SPARE_CONNECTIONS = 2  # a status or balance question does not wait behind messages

# Texts and senders that would buy another service than an SMS (API-2 §3, §4, §6)
SERVICE_TEXTS = frozenset({"HLR", "PING", "HLRVIP"})
SERVICE_SENDERS = SERVICE_TEXTS | {"GOLOS", "GOLOSM", "FLASHCALL", "2WAY", "VIBER", "VIBERSMS"}
_LONGEST_SERVICE_TEXT = max(map(len, SERVICE_TEXTS))
_SENDER = re.compile(r"[A-Za-z0-9.-]{3,11}")
# No shorter text can have too many parts: 67 UTF-16 units each, two for a character beyond the basic plane.
_SURELY_SHORT = MAX_PARTS * 67 // 2


class SmspilotOptions(HttpOptions):
    """`providers.<name>` with `kind: smspilot`."""

    kind: Literal["smspilot"]
    apikey: SecretStr = Field(min_length=1)
    url: str = "https://smspilot.ru"
    api: Literal["api2-json"] = "api2-json"

    @field_validator("api", mode="before")
    @classmethod
    def _built_api(cls, value: object) -> object:
        if value in ("api2-xml", "api1"):
            raise not_built(f'"{value}"', 'use "api2-json"')
        return value

    @field_validator("default_sender")
    @classmethod
    def _usable_sender(cls, sender: str) -> str:
        problem = sender_problem(sender)
        if problem:
            raise ValueError(problem)
        return sender

    def warnings(self, *, callbacks: bool) -> list[str]:
        """Polling that smspilot advises against, punishes, or that cannot keep up."""
        found = []
        if 0 < self.poll_interval < POLL_BANNED:
            found.append(
                f"poll_interval: smspilot bans accounts that ask more often than every {POLL_BANNED:.0f}s"
            )
        elif 0 < self.poll_interval < POLL_ADVISED:
            found.append(f"poll_interval: smspilot advises at least {POLL_ADVISED:.0f}s")
        if callbacks:
            return found
        if self.poll_interval == 0:
            found.append("poll_interval: is 0 and web.public_url is not set, so no status will ever be known")
        else:
            found.append(
                f"without web.public_url at most {POLL_BATCH} statuses come every {self.poll_interval:.0f}s;"
                " messages beyond that rate end as UNKNOWN"
            )
        return found


class Smspilot:
    """One smspilot account."""

    def __init__(self, name: str, options: SmspilotOptions, *, callback_url: str | None = None) -> None:
        """``callback_url``: where smspilot reports statuses, with its token; None = they are only polled."""
        self.name = name
        self.last_balance: float | None = None  # roubles, from the last answer that told
        self._options = options
        self._apikey = options.apikey.get_secret_value()
        self._callback_url = callback_url
        self._url = options.url + PATH
        self._client: HttpClient | None = None
        self._stopping = False
        self._noted: set[int] = set()
        polling = 2 * POLL_ADVISED if callback_url else POLL_ADVISED
        self.limits = Limits(
            batch=options.batch,
            parallel=options.parallel,
            rate=options.rate,
            batch_wait=options.batch_wait,
            poll_first=options.set_or("poll_first", polling),
            poll_interval=options.set_or("poll_interval", polling),
            poll_batch=POLL_BATCH,
            validity_max=VALIDITY_MAX,
            lease=SENDING_TIME + 2 * options.timeout,
        )

    async def start(self, report: Report) -> None:
        """Open the HTTP client; statuses come by callback or poll, never through ``report``."""
        self._client = HttpClient(
            timeout=self._options.timeout, connections=self._options.parallel + SPARE_CONNECTIONS
        )

    def stop(self) -> None:
        """Begin no further request; the one under way gets its answer."""
        self._stopping = True

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def check(self, sender: str, text: str) -> None:
        """Raise Refused (0x0A, 0x4A5) for what API-2 does not take, or takes for a paid service."""
        problem = sender_problem(sender)
        if problem:
            raise Refused(Status.ESME_RINVSRCADR, problem)
        if not text:
            raise Refused(Status.ESME_RINVTEXT, "the text is empty")
        if is_service_text(text):
            raise Refused(Status.ESME_RINVTEXT, "smspilot would take this text for a number check")
        if len(text) > _SURELY_SHORT and _too_long(text):
            raise Refused(Status.ESME_RINVTEXT, f"the text needs more than {MAX_PARTS} parts")

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        """Send in as few packets as the rules allow, one after the other. A failure that is not about
        messages ends it: what was not sent yet is then Unavailable, or meets the same pause. What check()
        refuses is Rejected: the message may have been checked by another provider, before it came here."""
        clock = asyncio.get_running_loop().time
        began = clock()
        results: dict[int, SendResult] = dict(self._unfit(messages))
        fit = (message for message in messages if message.id not in results)
        pending = deque(_packets(fit, self._options.default_sender))
        stop: ProviderError | None = None
        while pending:
            packet = pending.popleft()
            elapsed = clock() - began
            if stop is None and elapsed > SENDING_TIME:
                stop = Unavailable("not sent: the packets before it took too long")
            if stop is not None:
                results |= dict.fromkeys(_ids(packet), stop)
                continue
            outcome = await self._hand_over(packet, now + int(elapsed * 1000))
            results |= outcome.results
            pending.extendleft(outcome.halves)
            stop = outcome.stop
        return [results[message.id] for message in messages]

    async def status(self, polls: Sequence[Poll]) -> list[StatusReport]:
        """Ask for up to 500 messages; more, archived ones and odd references are not asked for."""
        oldest = (time.time() - ARCHIVED_AFTER) * 1000
        refs = [p.provider_ref for p in polls if p.sent_at > oldest and wire.server_id(p.provider_ref)]
        if not refs:
            return []
        asked = refs[:POLL_BATCH]
        answer = await self._call(wire.encode_check(self._apikey, asked))
        self._raise_failure(answer)
        known = set(asked)
        reports = (_report(item) for item in answer.items if item.ref in known)
        return [report for report in reports if report is not None]

    def parse_callback(self, callback: Callback) -> list[StatusReport]:
        """The status in a GET or POST callback (API-2 §2.1); [] for a status that no manual names.

        Raises ValueError without a server_id and a status.
        """
        fields = {**callback.query, **callback.form}
        ref, status = wire.server_id(fields.get("server_id")), wire.integer(fields.get("status"))
        if not ref or status is None:
            raise ValueError("not a smspilot status: server_id or status is missing")
        error = wire.integer(fields.get("error")) or 0
        report = _report(
            wire.Item(None, ref, fields.get("phone", ""), status, error, fields.get("error_en", ""))
        )
        return [] if report is None else [report]

    async def balance(self) -> float | None:
        """Roubles left. Raises ProviderError."""
        answer = await self._call(wire.encode_balance(self._apikey))
        self._raise_failure(answer)
        return answer.balance

    def _unfit(self, messages: Iterable[Message]) -> Iterator[tuple[int, Rejected]]:
        for message in messages:
            try:
                self.check(message.sender or self._options.default_sender, message.text)
            except Refused as refused:
                yield message.id, Rejected(refused.reason, status=refused.status)

    async def _hand_over(self, packet: list[Message], now: int) -> "_Outcome":
        try:
            answer = await self._call(self._encode(packet, now))
        except ProviderError as error:
            return _Outcome(dict.fromkeys(_ids(packet), error), _after(error))
        if answer.failure is None:
            return _Outcome(self._match(packet, answer))
        code, words = answer.failure
        if len(packet) > 1 and codes.rule_for(code, 0).about_message:
            middle = len(packet) // 2
            return _Outcome({}, halves=(packet[middle:], packet[:middle]))
        errors = {message.id: self._refusal(message, code, words) for message in packet}
        first = errors[packet[0].id]
        return _Outcome(dict(errors), None if isinstance(first, Uncertain) else _after(first))

    def _encode(self, packet: Sequence[Message], now: int) -> bytes:
        return wire.encode_send(
            self._apikey,
            packet,
            sender=packet[0].sender or self._options.default_sender,
            callback_url=self._callback_url,
            now=now,
        )

    async def _call(self, content: bytes) -> wire.Answer:
        if self._client is None:
            raise Unavailable("the provider is not started")
        if self._stopping:
            raise Unavailable("not sent: stopping")
        http = await self._client.post(self._url, content, {"Content-Type": wire.CONTENT_TYPE})
        try:
            if len(http.body) > LARGE_ANSWER:  # a broken one of 2 MiB takes most of a second
                answer = await asyncio.to_thread(wire.decode, http.body)
            else:
                answer = wire.decode(http.body)
        except ValueError:
            raise not_understood(http, self._url) from None
        if answer.balance is not None:
            self.last_balance = answer.balance
        return answer

    def _match(self, packet: Sequence[Message], answer: wire.Answer) -> dict[int, SendResult]:
        """Which item of the answer belongs to which message. Silence about a message is uncertainty."""
        by_id = _pair(packet, answer.items)
        shared = {ref for ref, times in Counter(item.ref for item in answer.items).items() if times > 1}
        results: dict[int, SendResult] = {}
        for message in packet:
            item = by_id.get(message.id)
            results[message.id] = self._result(message, item, answer.packet, shared)
        return results

    def _result(self, message: Message, item: wire.Item | None, packet: str, shared: set[str]) -> SendResult:
        if item is not None and item.status == -2:
            return self._refusal(message, item.error, item.words)
        if item is not None and item.status is not None and item.ref and item.ref not in shared:
            return Taken(item.ref, packet)
        return Uncertain(f"{host_of(self._url)} did not say clearly what became of the message")

    def _refusal(self, message: Message, code: int, words: str) -> ProviderError:
        reason = self._reason(code, words)
        if code == codes.DUPLICATE and message.attempt > 1:
            # The first try may be what this one is a duplicate of.
            return Uncertain(reason, code=str(code), status=Status.ESME_RSUBMITFAIL)
        if code <= 0:
            return Rejected(reason, code="-2", err=codes.NO_CODE)  # refused, but nobody says why
        rule = codes.rule_for(code, message.tries)
        self._note(rule, code, reason)
        return to_error(rule, code, reason)

    def _raise_failure(self, answer: wire.Answer) -> None:
        if answer.failure is not None:
            code = answer.failure.code
            raise to_error(codes.rule_for(code, 0), code, self._reason(code, answer.failure.reason))

    def _reason(self, code: int, words: str) -> str:
        return f"smspilot error {code}: {safe_reason(words, self._apikey)}"

    def _note(self, rule: Rule, code: int, reason: str) -> None:
        """Tell a person, once for each code, what no retry will mend."""
        if code in self._noted or len(self._noted) >= MAX_NOTED:
            return
        if rule.kind is Kind.BUG:
            logger.error("provider %s: our request is wrong, please report this: %s", self.name, reason)
            self._noted.add(code)
        elif code not in codes.ERRORS:
            logger.warning("provider %s: an error code that no list holds: %s", self.name, reason)
            self._noted.add(code)


class _Outcome(NamedTuple):
    """What became of one packet."""

    results: dict[int, SendResult]  # by our id
    stop: ProviderError | None = None  # nothing more may be sent now; the error of the rest
    halves: tuple[list[Message], ...] = ()  # to be sent instead, the last one first


@lru_cache(maxsize=4096)
def sender_problem(sender: str) -> str:
    """Why API-2 would not take this sender, or would sell another service for it; "" if it may be used."""
    if not sender:
        return ""  # the account's default
    if not _SENDER.fullmatch(sender):
        return "sender must be 3 to 11 of A-Z a-z 0-9 . -"
    if sender.isdigit():
        return "sender must not be a number"
    if sender.upper() in SERVICE_SENDERS:
        return "sender is the name of a paid service"
    return ""


def is_service_text(text: str) -> bool:
    """Whether smspilot takes the whole text for the name of a number check."""
    word = text.replace("\0", " ").strip()  # PHP's trim() takes NUL away, too
    return len(word) <= _LONGEST_SERVICE_TEXT and word.upper() in SERVICE_TEXTS


def _too_long(text: str) -> bool:
    try:
        return parts(text) > MAX_PARTS
    except ValueError:
        return True  # a lone surrogate: no text that a phone can show


def _packets(messages: Iterable[Message], default_sender: str) -> Iterator[list[Message]]:
    """Messages of one sender together, no recipient twice in a packet, in order."""
    packets: dict[tuple[str, int], list[Message]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for message in messages:
        sender = message.sender or default_sender
        turn = seen[sender, message.recipient]
        seen[sender, message.recipient] += 1
        packets.setdefault((sender, turn), []).append(message)
    return iter(packets.values())


def _ids(packet: Iterable[Message]) -> list[int]:
    return [message.id for message in packet]


def _after(error: ProviderError) -> ProviderError | None:
    """What this end of one packet means for those behind it; None = go on."""
    if isinstance(error, Disabled | Throttled | Unavailable):
        return error
    if isinstance(error, Uncertain):
        return Unavailable("not sent: it is uncertain what became of the packet before it")
    return None


def _pair(packet: Sequence[Message], items: Sequence[wire.Item]) -> dict[int, wire.Item]:
    """Our id -> item, by the echoed id; where none of ours is echoed, by position if the numbers agree."""
    ids = {message.id for message in packet}
    times = Counter(item.id for item in items)
    if ids.isdisjoint(times):
        agree = len(items) == len(packet) and all(
            item.phone == message.recipient for item, message in zip(items, packet, strict=True)
        )
        return dict(zip(_ids(packet), items, strict=True)) if agree else {}
    return {item.id: item for item in items if item.id in ids and times[item.id] == 1}


def _report(item: wire.Item) -> StatusReport | None:
    if item.status is None:
        return None
    found = codes.state_of(item.status, item.error, item.words)
    if found is None:
        return None
    state, final, err = found
    return StatusReport(item.ref, state, final, err, str(item.error or item.status))
