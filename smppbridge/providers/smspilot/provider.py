"""smspilot.ru: API-2 (https://smspilot.ru/api2.php, JSON or XML) or API-1 (https://smspilot.ru/api.php).

One packet carries many messages of one sender. What the manuals demand shapes this file: a recipient may
stand only once in a packet (error 214); a packet with more bad messages than good ones is refused whole,
without saying which are bad, and is halved until that is clear; a refused key stops everything. With
``schedule: provider`` a packet has one time of sending, as in the manuals' examples, so messages with
different times need a request each; what is held here carries no time.

Whatever API is configured, API-1 places calls whose number is the code, and lists the messages of the last
day.

Left out on purpose: `debug` mails the key and all texts to an address; `translit` alters texts; `cost` asks
for a price and sends nothing; `info` tells about the owner of the account what no message needs, and the
balance has a request of its own; `r` names who recruited them; `charset` and `lang` alter what suits as it
is; `login` and `password` open the whole cabinet, a key only the API; `check=all` is `check=recent` and what
is older than anything in doubt; `inbound=all` tells everything again; `balance=sms` is a guess; GOLOSM is
another name of GOLOS; Viber stands in a change log alone; requests in the address (`?json=`, `?xml=`, GET)
would put keys and texts into logs.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeGuard

from smppbridge.errors import Disabled, Postponed, ProviderError, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.model.message import Doubt, Draft, Inbound, Message, Poll, StatusReport
from smppbridge.providers.base import Callback, Limits, News, SendResult, Trace
from smppbridge.providers.error_table import safe_reason
from smppbridge.providers.http.client import host_of
from smppbridge.providers.http.provider import HttpProvider
from smppbridge.providers.http.sending import SENDING_TIME, RequestRun, SubBatch, stops_batch
from smppbridge.providers.smspilot import callbacks, codes
from smppbridge.providers.smspilot.api1 import MAX_RECIPIENTS, Api1
from smppbridge.providers.smspilot.codes import CODES
from smppbridge.providers.smspilot.find import Recent, traces
from smppbridge.providers.smspilot.options import POLL_ADVISED, POLL_BANNED, POLL_BATCH, SmspilotOptions
from smppbridge.providers.smspilot.records import (
    PhoneMessage,
    PilotAnswer,
    PilotFailure,
    PilotWire,
    Question,
    server_id,
)
from smppbridge.providers.smspilot.results import REFUSED, PilotResults
from smppbridge.providers.smspilot.sales import SALES, SERVICES, check_draft
from smppbridge.providers.smspilot.split import MINUTE, Splitter, pair, pair_by_number, planned
from smppbridge.providers.smspilot.wire_json import JsonWire
from smppbridge.providers.smspilot.wire_xml import XmlWire
from smppbridge.smpp.constants import Status

__all__ = ["Smspilot", "SmspilotOptions"]

MAX_PACKET = 1000  # messages; also the most that options.batch allows
API1_BATCH = 50  # unless set: each may need a request of its own, and all must end within SENDING_TIME
ARCHIVED_AFTER = 70 * 86400  # seconds; asking for older messages counts as flood
VALIDITY_MAX = 86400.0  # every message is final after a day (API-2 §2.2)
MAX_PASSED_OVER = 20_000  # messages that are remembered to come first
MAX_PAGES = 20  # of the list of the last day
PAGE_PAUSE = POLL_BANNED  # seconds; every page is a status question
CALLBACK_PAUSE = 3600.0  # seconds without callbacks, once their address was refused
MAX_ALONE = 10  # messages refused alone, one after the other, with one code; then the rest waits
PAUSE_ALONE = 60.0  # seconds
REFUSALS_IN_ROW, REFUSALS_WINDOW = 80, 600.0  # messages, seconds; smspilot blocks who sends too much spam


class Smspilot(HttpProvider):
    """One smspilot account."""

    codes = CODES
    services = SERVICES

    def __init__(
        self,
        name: str,
        options: SmspilotOptions,
        *,
        callback_url: str | None = None,
        sending_time: float = SENDING_TIME,
        page_pause: float = PAGE_PAUSE,
        max_pages: int = MAX_PAGES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``callback_url``: where smspilot reports statuses, with its token; None = they are only polled.
        ``page_pause``: seconds between two pages of the list of the last day; ``max_pages``: of one search.
        ``clock``: seconds since 1970."""
        self._callback = callbacks.callback_address(callback_url, options) if callback_url else ""
        password = options.callback_password.get_secret_value() if options.callback_password else ""
        secrets = (options.credential(), self._callback, callback_url or "", password)
        limits = _limits(options, bool(callback_url), sending_time)
        super().__init__(name, options, limits, secrets=secrets, sending_time=sending_time)
        self._pilot = options
        self._page_pause = page_pause
        self._max_pages = max_pages
        self._clock = clock
        self._results = PilotResults(
            host_of(options.url), lambda words: safe_reason(words, *secrets), free=options.test
        )
        key = options.credential()
        self._api1 = Api1(key, options.format)
        wires: Mapping[str, PilotWire] = {
            "api2-json": JsonWire(key, test=options.test),
            "api2-xml": XmlWire(key, test=options.test),
            "api1": self._api1,
        }
        self._wire = wires[options.api]
        self._is_api1 = options.api == "api1"
        together = 1 if options.format == "v" else MAX_RECIPIENTS if self._is_api1 else MAX_PACKET
        self._splitter = Splitter(options.default_sender, self._is_api1, together)
        self._single = Splitter(options.default_sender, True, 1)
        self._passed_over: frozenset[str] = frozenset()  # messages for which no question had room yet
        self._no_callback_until = 0.0  # by the clock
        self._asked_packet = False  # it was about a packet

    def check(self, draft: Draft) -> None:
        """Raise Refused (0x0A, 0x0B, 0x15, 0x4A3, 0x4A5) for what smspilot does not take, or takes for
        another service than the one that is asked for."""
        check_draft(draft if draft.sender != self._pilot.default_sender else draft._replace(unlisted=False))
        if not draft.service_type:
            self._pilot.check_flash(draft.flash)

    def schedules(self, send_at: int, now: int) -> bool:
        """With ``schedule: provider``, what is at least a minute ahead."""
        return self._pilot.schedule == "provider" and send_at >= now + MINUTE

    # --- sending -----------------------------------------------------------------------------------

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        """Send in as few packets as the rules allow, one after the other. A failure that is not about
        messages ends it: what was not sent yet is then Unavailable, or meets the same pause. What check()
        refuses is Rejected: the message may have been checked by another provider, before it came here."""
        run, fit = self.start_run(messages, now, "packets")
        run.note({message.id: error for message in fit if (error := self._too_early(message, now))})
        split = self._splitter.split((message for message in fit if message.id not in run.results), now)
        streak = _Streak()

        async def hand_over(packet: SubBatch) -> bool:
            halve = await self._hand_over(run, packet.messages)
            if not halve:
                results = [run.results[message.id] for message in packet.messages]
                run.stop = run.stop or streak.after(results)
            return halve

        await run.send(map(SubBatch, split), hand_over)
        return run.in_order(messages)

    def _too_early(self, message: Message, now: int) -> Postponed | None:
        """smspilot schedules no number checks (API-2 §2), and others only with ``schedule: provider``:
        another provider of the route may have been to keep them."""
        schedules = self._pilot.schedule == "provider" and not SALES[message.service_type].check
        if schedules or not planned(message, now):
            return None
        return Postponed("its time has not come", after=(message.send_at - now) / 1000)

    async def _hand_over(self, run: RequestRun, packet: Sequence[Message]) -> bool:
        """Send one packet. True where it was refused as a whole, perhaps for one of its messages."""
        try:
            answer = await self._ask_packet(run, packet)
        except ProviderError as error:
            run.fail(packet, error)
            return False
        if answer.failure is None:
            items = (pair_by_number if self._is_api1 else pair)(packet, answer.items)
            results = self._results.of_packet(packet, items, answer)
            run.results |= results
            run.stop = next(filter(_is_ours, results.values()), None)
            return False
        if await self._may_go_in_part(answer.failure) and len(packet) > 1:
            return True
        errors = {message.id: self._results.refused(message, answer.failure) for message in packet}
        first = errors[packet[0].id]
        run.results |= errors
        run.stop = None if isinstance(first, Uncertain) else stops_batch(first)
        return False

    async def _may_go_in_part(self, failure: PilotFailure) -> bool:
        """Whether a packet may have been refused for some of its messages, or because not all can be paid."""
        rule = codes.rule_for(failure.code, failure.status)
        if rule.status != Status.ESME_RNOMONEY:
            return rule.about_message
        await self.look_for_money()
        return self.has_money

    async def _ask_packet(self, run: RequestRun, packet: Sequence[Message]) -> PilotAnswer:
        """The answer to a packet. Where smspilot does not like our callback address, messages go without one
        for an hour. Raises ProviderError."""
        callback = self._callback if self._clock() >= self._no_callback_until else ""
        answer = await self._ask(self._encode(packet, run.now(), callback))
        if not callback or not _is_about_callback(answer):
            return answer
        self._no_callback_until = self._clock() + CALLBACK_PAUSE
        polled = "statuses are polled" if self._pilot.poll_interval else "poll_interval is 0: no status comes"
        reason = f"smspilot refuses our callback address, see web.public_url; {polled}"
        now = asyncio.get_running_loop().time()
        self._complain(now, "callback address refused", "", logging.ERROR, provider=self.name, reason=reason)
        if answer.failure is None:
            return answer  # others were taken
        return await self._ask(self._encode(packet, run.now(), ""))

    def _encode(self, messages: Sequence[Message], now: int, callback: str) -> Question:
        alone = SALES[messages[0].service_type].alone
        packet = (
            (self._single if alone else self._splitter)
            .packet(messages, now)
            ._replace(callback=callback, callback_method=self._pilot.callback_method, test=self._pilot.test)
        )
        return (self._api1 if alone else self._wire).encode_send(packet)

    async def _ask(self, question: Question) -> PilotAnswer:
        """The answer to a request, which may be a refusal. Raises ProviderError."""
        headers = {"Content-Type": question.content_type}
        url = self._pilot.url + question.path
        answer = await self.call(url, question.content, headers, question.decode)
        if answer.balance is not None:
            self.last_balance = answer.balance
        return answer

    async def _learn(self, question: Question) -> PilotAnswer:
        """The answer to a question. Raises ProviderError, also for a refusal."""
        answer = await self._ask(question)
        if answer.failure is not None:
            raise self._results.unanswered(answer.failure)
        return answer

    # --- statuses ----------------------------------------------------------------------------------

    async def status(self, polls: Sequence[Poll]) -> list[StatusReport]:
        """Ask for up to 500 messages, or for a packet in which there are more. What is archived or has an odd
        reference is not asked for; what there is no room for comes first next time.

        Raises ProviderError: Rejected where one of the messages may spoil the question.
        """
        oldest = (self._clock() - ARCHIVED_AFTER) * 1000
        usable = [p for p in polls if p.sent_at > oldest and server_id(p.provider_ref)]
        if not usable:
            return []
        if self._pilot.test and self._is_api1:
            return await self._status_of_test(usable)
        question, asked = self._choose(usable)
        try:
            answer = await self._learn(question)
        except Rejected as error:
            if len(asked) > 1 or int(error.code) not in codes.WRONG_QUESTIONS:
                raise
            raise Unavailable(error.reason, code=error.code, status=error.status) from None
        return self._results.reports(answer.items, asked)

    def _choose(self, polls: Sequence[Poll]) -> tuple[Question, set[str]]:
        """The next status question, and the references that it asks about."""
        refs = [poll.provider_ref for poll in polls]
        refs.sort(key=lambda ref: ref not in self._passed_over)
        room = min(POLL_BATCH, self.limits.poll_batch)
        packets = Counter(poll.packet_ref for poll in polls if server_id(poll.packet_ref))
        packet, count = max(packets.items(), key=lambda item: item[1], default=("", 0))
        by_packet = count > room and not (self._asked_packet and not self._passed_over.isdisjoint(refs))
        if by_packet:
            question = self._wire.encode_check_packet(packet)
            asked = {poll.provider_ref for poll in polls if poll.packet_ref == packet}
        else:
            question = self._wire.encode_check(refs[:room])
            asked = set(refs[:room])
        self._asked_packet = by_packet
        before = self._passed_over if len(self._passed_over) < MAX_PASSED_OVER else frozenset()
        self._passed_over = (before | frozenset(refs)) - asked
        return question, asked

    async def _status_of_test(self, polls: Sequence[Poll]) -> list[StatusReport]:
        """A test keeps no messages. The status of smspilot's own test message stands for all of them (API-1
        §11)."""
        answer = await self._learn(self._api1.encode_check_test())
        made_up = [report for item in answer.items if (report := self._results.report(item)) is not None]
        return [made_up[0]._replace(provider_ref=poll.provider_ref) for poll in polls if made_up]

    async def find(self, doubts: Sequence[Doubt], now: int) -> list[Trace]:
        """Look among the messages of the last day, from the newest back. Pages stand as far apart as status
        questions must, and there are no more of them than fit before the next question of anybody: two at
        least, so that doubts behind more than some 2000 newer messages stay open."""
        if not doubts:
            return []
        oldest = min(doubt.tried_at for doubt in doubts)
        gap = self.limits.poll_gap
        pause = min(self._page_pause, gap / 2)
        most = self._max_pages
        if gap >= self._page_pause:  # else it is not their own address
            most = min(most, int(gap // pause))
        recent = Recent()
        for page in range(most):
            if page:
                await asyncio.sleep(pause)
            answer = await self._learn(self._api1.encode_recent(recent.offset))
            recent.add(answer.items)
            if recent.reaches(oldest, now):
                break
        return traces(recent, doubts, now)

    # --- messages from phones, callbacks, money ------------------------------------------------------

    async def inbound(self, since: int | None) -> list[Inbound]:
        """What is new, or what came since ``since`` (API-2 §5.2, API-1 §6.2)."""
        answer = await self._learn(self._wire.encode_inbound("new" if since is None else str(since // 1000)))
        if answer.senseless:
            now = asyncio.get_running_loop().time()
            what = "messages from phones that make no sense"
            self._complain(now, what, "", provider=self.name, rows=answer.senseless)
        return [self._inbound(told) for told in answer.arrivals]

    def parse_callback(self, callback: Callback) -> list[News]:
        """The status in a GET or POST callback (API-2 §2.1), or the message from a phone (§5.1); [] for a
        status that no manual names.

        Raises ValueError for what is neither, WrongSignature without the user and password that were set.
        """
        callbacks.verify(callback, self._pilot)
        news = callbacks.read(callback)
        if isinstance(news, PhoneMessage):
            return [self._inbound(news)]
        report = self._results.report(news)
        return [] if report is None else [report]

    def _inbound(self, told: PhoneMessage) -> Inbound:
        at = int(self._clock() * 1000) if told.created is None else told.created
        return Inbound(told.id, told.phone, told.num, told.text, at)

    async def balance(self) -> float | None:
        """Roubles left. Raises ProviderError."""
        return (await self._learn(self._wire.encode_balance())).balance


class _Streak:
    """Messages that were refused alone, one after the other, with one code.

    A long streak tells what the next messages would meet; to go on would look like an attack.
    """

    def __init__(self) -> None:
        self._code = ""
        self._length = 0

    def after(self, results: Sequence[SendResult]) -> Postponed | None:
        """Note what became of the messages of a packet. The error of the rest, when it is enough."""
        if len(results) == 1 and isinstance(error := results[0], Rejected):
            self._length = self._length + 1 if error.code == self._code else 1
            self._code = error.code
        else:
            self._length = 0
        if self._length < MAX_ALONE:
            return None
        reason = f"not sent: {MAX_ALONE} messages before it were refused with error {self._code}"
        return Postponed(reason, after=PAUSE_ALONE)


def _is_about_callback(answer: PilotAnswer) -> bool:
    """Whether the packet, or some of its messages, were refused for the callback address."""
    if answer.failure is not None:
        return answer.failure.code == codes.CALLBACK
    return any(item.status == REFUSED and item.error == codes.CALLBACK for item in answer.items)


def _is_ours(result: SendResult) -> TypeGuard[Disabled | Throttled]:
    """Whether a message was refused for something that those of other packets would meet, too."""
    return isinstance(result, Disabled | Throttled) and not result.about_message


def _limits(options: SmspilotOptions, has_callbacks: bool, sending_time: float) -> Limits:
    """No early questions: smspilot bans who asks more often than every two minutes (API-2 §2.2), and names
    five as the time of the first question (API-1 §1.1)."""
    polling = 2 * POLL_ADVISED if has_callbacks else POLL_ADVISED
    interval = options.set_or("poll_interval", polling)
    one_by_one = options.format == "v"
    batch = API1_BATCH if options.api == "api1" and "batch" not in options.model_fields_set else options.batch
    return options.limits(
        batch=1 if one_by_one else batch,
        poll_first=options.set_or("poll_first", polling),
        poll_interval=interval,
        poll_gap=options.status_gap(interval),
        poll_batch=1 if one_by_one else MAX_PACKET,
        find_first=options.find_first,
        find_interval=options.find_interval,
        find_batch=MAX_PACKET,
        refusals_in_row=REFUSALS_IN_ROW,
        refusals_window=REFUSALS_WINDOW,
        validity_max=VALIDITY_MAX,
        # the last packet, the same without our callback address, the balance, and spare time
        lease=sending_time + 4 * options.timeout,
    )
