"""Forwards messages to another SMSC over SMPP 3.4: smpp.sms-assistent.by, or any other.

`wire` makes submit_sm, `deliver_sm` reads receipts and messages from phones, `codes` knows what answers mean,
`jobs` keeps what became of a batch, `link.upstream` keeps the binds; this file joins them. Statuses come by
themselves, so nothing is ever asked.
"""

import asyncio
import itertools
import logging
import random
import ssl
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial

from smppbridge.errors import (
    Disabled,
    ProviderError,
    StoreError,
    Throttled,
    Unavailable,
    Uncertain,
)
from smppbridge.link.client import Client, Verdict
from smppbridge.link.outbind_listener import OutbindSettings
from smppbridge.link.persistent_bind import BindSettings
from smppbridge.link.tls import client_context, configured, server_context
from smppbridge.link.upstream import Upstream
from smppbridge.logs import Complaints
from smppbridge.model.hosts import is_within
from smppbridge.model.message import Doubt, Draft, Inbound, Message, Poll, StatusReport
from smppbridge.providers.base import Callback, News, SendResult, Trace, Upcalls
from smppbridge.providers.error_table import Kind
from smppbridge.providers.upstream.codes import CODES, reason_of, rule_for, to_error
from smppbridge.providers.upstream.deliver_sm import Reader
from smppbridge.providers.upstream.jobs import BatchProgress, Job
from smppbridge.providers.upstream.message_ids import stored_id
from smppbridge.providers.upstream.options import SmppOptions
from smppbridge.providers.upstream.timings import SMPP_TIMINGS, SmppTimings
from smppbridge.providers.upstream.wire import Wire
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.events import Answered, Fault
from smppbridge.smpp.pdu import (
    Bind,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DataSm,
    DeliverSm,
    Pdu,
    Response,
    SubmitSm,
    SubmitSmResp,
)
from smppbridge.smpp.session import Timers

logger = logging.getLogger(__name__)

MAX_PDU_OCTETS = 70_000  # of an SMSC, which may use message_payload; more is damage
MAX_REFERENCE = 0xFFFF
PHONES_IN_DOUBT = 2  # refused because of the account, and the account is at fault


class Smpp:
    """One entry with `kind: smpp`: a ``providers.base.Provider`` and a ``link.upstream.UpstreamOwner``."""

    services: frozenset[str] = frozenset()
    takes_parts = True
    takes_protocol_id = True
    last_balance: float | None = None  # SMPP has no such question
    codes = CODES

    def __init__(self, name: str, options: SmppOptions, timings: SmppTimings = SMPP_TIMINGS) -> None:
        """Raises ConfigError when the files of TLS cannot be used."""
        self.name = name
        self.limits = options.limits()
        self._options = options
        self._timings = timings
        self._wire = Wire(options)
        self._reader = Reader(options)
        self._tls, self._outbind_tls = _tls_contexts(name, options)
        self._references = itertools.count(random.randrange(MAX_REFERENCE))
        self._upcalls = Upcalls()
        self._upstream: Upstream | None = None
        self._stopping = False
        self._taken = 0  # submit_sm that the SMSC took
        self._account_doubts: Counter[str] = Counter()  # phones, see `_doubt_account`; until one is taken
        self._hearing: set[asyncio.Task[None]] = set()
        self._complain = Complaints(logger)
        self._unsaved: dict[str, BatchProgress] = {}  # references of messages that were taken just now

    # --- Provider ------------------------------------------------------------------------------

    async def start(self, upcalls: Upcalls) -> None:
        """Begin to bind. Raises OSError when the port for outbind is taken."""
        self._upcalls = upcalls
        options = self._options
        settings = BindSettings(
            name=self.name,
            hosts=options.hosts,
            tls=self._tls,
            tls_name=(options.tls.server_name or "") if options.tls is not None else "",
            timers=Timers(self._timings.bind, options.enquire_link, 0.0, options.response_timeout),
            window=options.window,
            max_pdu_octets=MAX_PDU_OCTETS,
            bind=self._bind_pdu,
            longest_pause=options.reconnect_max,
            timings=self._timings.binds,
        )
        kinds: tuple[type[Bind], ...] = (BindTransceiver,)
        if options.bind == "pair":
            kinds = (BindTransmitter, BindReceiver)
        self._upstream = Upstream(
            settings, self, kinds=kinds * options.binds, rate=options.rate, outbind=self._outbind_settings()
        )
        await self._upstream.start()

    def stop(self) -> None:
        """Begin no further message. A message that has begun is finished, and gets its answer."""
        self._stopping = True
        self._give_back(Unavailable("not sent: stopping"))

    async def close(self) -> None:
        """Finish what came in, and unbind."""
        try:
            if self._hearing:
                await asyncio.wait(self._hearing, timeout=self._timings.bind)
        finally:
            upstream, self._upstream = self._upstream, None
            if upstream is not None:
                await upstream.close()
        await asyncio.gather(*self._hearing, return_exceptions=True)

    def check(self, draft: Draft) -> None:
        """See `Wire.check`."""
        self._wire.check(draft)

    def schedules(self, send_at: int, now: int) -> bool:
        """Never: what is scheduled is kept here, so that it can be cancelled."""
        return False

    async def send(self, messages: Sequence[Message], now: int) -> Sequence[SendResult]:
        """`begin`, then wait for all results."""
        batch = self.begin(messages, now)
        results: dict[int, SendResult] = {}
        while not batch.done:
            results.update(await batch.more())
        return [results[place] for place in range(len(messages))]

    def begin(self, messages: Sequence[Message], now: int) -> BatchProgress:
        """Submit all parts of all messages."""
        loop = asyncio.get_running_loop()
        batch = BatchProgress(len(messages), self._ended)
        build = partial(self._submits, now)
        batch.jobs = [Job(batch, place, message, build) for place, message in enumerate(messages)]
        upstream = self._upstream
        why = "not started" if upstream is None else "not sent: stopping" if self._stopping else upstream.why
        if upstream is None or why:
            for job in batch.jobs:
                job.abandon(Unavailable(why))
        else:
            batch.alarm = loop.call_later(self._timings.sending, self._time_over, batch)
            upstream.submit(batch.jobs)
        return batch

    async def status(self, polls: Sequence[Poll]) -> Sequence[StatusReport]:
        """Never asked: receipts come by themselves."""
        return []

    async def find(self, doubts: Sequence[Doubt], now: int) -> Sequence[Trace]:
        """Never asked: query_sm needs the id that the lost answer held."""
        return []

    async def inbound(self, since: int | None) -> Sequence[Inbound]:
        """Never asked: messages from phones come by themselves."""
        return []

    def parse_callback(self, callback: Callback) -> Sequence[News]:
        """There are none."""
        raise ValueError("an SMSC does not call back over HTTP")

    async def balance(self) -> float | None:
        """Nothing is known of money; raises Unavailable while there is no bind."""
        if self._upstream is None or self._upstream.why:
            raise Unavailable(self._upstream.why if self._upstream is not None else "not started")
        return None

    # --- sending -------------------------------------------------------------------------------

    def _submits(self, now: int, message: Message) -> Sequence[SubmitSm]:
        return self._wire.submits(message, now, next(self._references) & MAX_REFERENCE)

    def _time_over(self, batch: BatchProgress) -> None:
        """The time for the batch is over: messages that have not begun go back, the others get a little more
        time for their further parts."""
        if not batch.left or self._upstream is None:
            return
        batch.closed = True
        late = Throttled("the SMSC takes messages slowly", after=max(1.0, self._upstream.pause))
        for job in batch.jobs:
            if not job.begun:
                job.abandon(late)
        if batch.left:
            batch.alarm = asyncio.get_running_loop().call_later(
                self._timings.finishing, self._give_up, batch, late
            )

    def _give_up(self, batch: BatchProgress, late: ProviderError) -> None:
        batch.given_up = True
        for job in batch.jobs:
            job.abandon(late)

    def _give_back(self, error: ProviderError) -> None:
        """All messages that have not begun end with ``error``."""
        if self._upstream is not None:
            for task in self._upstream.withdraw():
                if isinstance(task, Job):
                    task.abandon(error)

    def answered(self, client: Client, verdicts: list[Verdict]) -> None:
        """See `UpstreamOwner`: what became of submit_sm."""
        rule = self._options.message_id
        for verdict in verdicts:
            job, place = verdict.context
            if not isinstance(verdict, Answered):
                job.failed(Uncertain("no answer to submit_sm"))
            elif type(verdict.response) is SubmitSmResp and not verdict.response.command_status:
                ref = stored_id(rule, verdict.response.message_id)
                if ref:
                    self._unsaved[ref] = job.batch
                    job.batch.refs.append(ref)
                job.taken(place, ref)
                self._taken += 1
                self._account_doubts.clear()
            else:
                self._refused(client, verdict, job, place)

    def _refused(self, client: Client, verdict: Answered, job: Job, place: int) -> None:
        """A submit_sm was refused, by submit_sm_resp or by generic_nack."""
        status = verdict.response.command_status or Status.ESME_RUNKNOWNERR
        rule = rule_for(self._options.profile, self._options.errors, status, job.message.tries)
        upstream = self._upstream
        # A message of which a part was taken is sent to its end though the time is over.
        ending = job.batch.closed or self._stopping
        over = job.errors or job.batch.given_up or (ending and job.alone)
        now = asyncio.get_running_loop().time()
        alone = rule.kind is Kind.THROTTLE and job.alone and job.waits_alone(now, self._taken)
        if rule.kind is Kind.THROTTLE and not (over or alone) and upstream is not None:
            # The second time the others go first.
            upstream.again(job, place, verdict.request, behind=not job.wanted_later(now, self._taken))
            return
        if status == Status.ESME_RINVBNDSTS:
            client.retire()  # to the SMSC this session is not bound
        said = verdict.response.tlv(Tag.ADDITIONAL_STATUS_INFO_TEXT)
        error = to_error(rule, status, reason_of(self._options.profile, status, said))
        error.about_message |= alone
        job.failed(error)
        if isinstance(error, Disabled) and upstream is not None:
            self._doubt_account(upstream, error, job.message.recipient)

    def _doubt_account(self, upstream: Upstream, error: Disabled, recipient: str) -> None:
        """The SMSC refused us, or one message only, for which the money does not suffice.

        A message to another phone finds out. When that is refused as well, or there is none and a second one
        to the same phone is, all others would get the same answer: they end like this one, unsent.
        """
        phones = self._account_doubts
        if recipient in phones or len(phones) < PHONES_IN_DOUBT:
            phones[recipient] += 1
        if len(phones) < PHONES_IN_DOUBT:
            others = upstream.prefer(lambda job: isinstance(job, Job) and job.message.recipient not in phones)
            if others or phones.total() < PHONES_IN_DOUBT:
                return
        self._give_back(Disabled(error.reason, pause=error.pause, status=error.status))

    # --- what comes in -------------------------------------------------------------------------

    def incoming(self, client: Client, pdus: list[Pdu]) -> None:
        """See `UpstreamOwner`: receipts and messages from phones of one read. They are answered when they are
        saved."""
        news: list[News] = []
        answers: list[tuple[Pdu, Response]] = []
        now = time.time_ns() // 1_000_000
        for pdu in pdus:
            if not isinstance(pdu, DeliverSm | DataSm):
                continue  # alert_notification and outbind have no answer
            answers.append((pdu, pdu.response() if pdu.response is not None else Response()))
            try:
                news.append(self._timed(self._reader.read(pdu, now)))
            except ValueError as error:
                self._unreadable(str(error))
        if answers:
            client.hold(len(answers))
            task = asyncio.get_running_loop().create_task(self._hear(client, news, answers))
            self._hearing.add(task)
            task.add_done_callback(self._hearing.discard)

    def _ended(self, batch: BatchProgress) -> None:
        """A batch has its last result. Only its references are kept for a while; its messages are dropped at
        once, as the alarm would keep those of a whole minute in memory."""
        if batch.alarm is not None:
            batch.alarm.cancel()
        batch.jobs = []
        asyncio.get_running_loop().call_later(self._timings.saving, self._forget, batch)

    def _forget(self, batch: BatchProgress) -> None:
        for ref in batch.refs:
            if self._unsaved.get(ref) is batch:  # else the SMSC has used the id again
                del self._unsaved[ref]

    def _timed(self, news: News) -> News:
        """Mark a receipt that came before its reference is stored as early: it must not count for another
        message."""
        if isinstance(news, StatusReport):
            if news.provider_ref in self._unsaved:
                return news._replace(also=(), early=True)
            if not news.provider_ref and news.also and news.also[0] in self._unsaved:
                return news._replace(also=news.also[:1], early=True)
        return news

    async def _hear(
        self, client: Client, news: Sequence[News], answers: Sequence[tuple[Pdu, Response]]
    ) -> None:
        try:
            if news:
                await self._upcalls.report(news)
        except Exception as error:
            if not isinstance(error, StoreError):
                logger.exception("provider %s: unexpected error with a deliver_sm", self.name)
            for _, response in answers:
                response.command_status = Status.ESME_RX_T_APPN  # the SMSC is to try again
        client.release(answers)

    def _unreadable(self, why: str) -> None:
        self._upcalls.unreadable()
        now = asyncio.get_running_loop().time()
        self._complain(now, "receipt not understood", why, provider=self.name, reason=why)

    # --- UpstreamOwner -------------------------------------------------------------------------

    def fault(self, fault: Fault) -> None:
        """See `UpstreamOwner`; the session has answered already."""
        self._upcalls.unreadable()

    def tried(self, status: str) -> None:
        """See `UpstreamOwner`."""
        self._upcalls.tried(status)

    def binds(self, count: int) -> None:
        """See `UpstreamOwner`."""
        self._upcalls.binds(count)

    def linked(self, why: str) -> None:
        """See `UpstreamOwner`; while there is no bind messages go elsewhere."""
        if why:
            self._give_back(Unavailable(why))
        self._upcalls.linked(why)

    # --- settings ------------------------------------------------------------------------------

    def _bind_pdu(self, kind: type[Bind]) -> Bind:
        options = self._options
        return kind(
            system_id=options.system_id,
            password=options.password.get_secret_value(),
            system_type=options.system_type,
            interface_version=options.interface_version,
            addr_ton=options.addr_ton,
            addr_npi=options.addr_npi,
            address_range=options.address_range,
        )

    def _outbind_settings(self) -> OutbindSettings | None:
        outbind = self._options.outbind
        if outbind is None:
            return None
        return OutbindSettings(
            outbind.host,
            outbind.port,
            lambda ip: is_within(ip, outbind.allow_from),
            outbind.system_id or "",
            outbind.password.get_secret_value(),
            self._outbind_tls,
        )


def _tls_contexts(name: str, options: SmppOptions) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    """TLS towards the SMSC, and where we listen for its outbind; None = in clear. Raises ConfigError."""
    ours = called = None
    if (tls := options.tls) is not None:
        ours = configured(f"providers.{name}.tls", lambda: client_context(tls.ca, tls.cert, tls.key))
    if options.outbind is not None and (shown := options.outbind.tls) is not None:
        # No certificate is asked of the SMSC: the password of outbind says who calls.
        called = configured(f"providers.{name}.outbind.tls", lambda: server_context(shown.cert, shown.key))
    return ours, called
