"""From submit_sm to a stored segment: every check of the bridge itself, then one COMMIT for all of a read.

The response with status 0 leaves only after that COMMIT, and for an account that waits for the provider
(`mode: sync`) when its result is known. Must not know: sockets, providers beyond the `check` they offer.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple, Protocol
from uuid import uuid4

from smppbridge.errors import Refused, StoreError
from smppbridge.flow.decide import Choice, first_provider
from smppbridge.flow.submitted import (
    check_fields,
    coding_of,
    content_of,
    is_part,
    recipient_of,
    reference_of,
    sender_of,
    service_of,
    times_of,
    tlvs_of,
)
from smppbridge.flow.waiters import Waiters, Withheld
from smppbridge.link.server import Answer, BoundLink
from smppbridge.logs import Seldom, event
from smppbridge.model.account import Account
from smppbridge.model.ids import IdSource
from smppbridge.model.limits import TokenBucket
from smppbridge.model.message import ROUTE_SEPARATOR, Segment, Stage
from smppbridge.model.route import Router
from smppbridge.providers.base import Draft
from smppbridge.smpp.constants import EsmClass, RegisteredDelivery, Status, status_name
from smppbridge.smpp.pdu import SubmitSm, SubmitSmResp
from smppbridge.store.base import Store

log = logging.getLogger(__name__)

MAX_UNSAVED = 50_000  # segments waiting for a COMMIT, all accounts together
_SHORT_IDS_AT_ONCE = 10_000
_KEPT_BITS = RegisteredDelivery.RECEIPT_MASK | RegisteredDelivery.INTERMEDIATE


class Checker(Protocol):
    """The part of a provider that intake uses."""

    services: frozenset[str]
    takes_parts: bool

    def check(self, draft: Draft) -> None: ...

    def schedules(self, send_at: int, now: int) -> bool: ...


class _Path(NamedTuple):
    """The providers of a route that sell a service, and take parts where there are any."""

    route: str  # as it is stored
    names: tuple[str, ...]
    checks: tuple[Callable[[Draft], None], ...]
    provider: str  # the one to begin with
    schedules: Callable[[int, int], bool]  # whether that one keeps scheduled messages
    down: int  # command_status that says why none of them works; 0 = one does


_PathOf = Callable[[tuple[str, ...], str, bool], _Path]


class _Read(NamedTuple):
    """The submit_sm of one read, and what comes of them."""

    link: BoundLink
    submits: list[SubmitSm]
    answer: Answer
    segments: list[Segment]  # one for each that is taken
    responses: list[SubmitSmResp]  # one for each


class Intake:
    """Turns submit_sm into segments. ``accept`` fits ``link.server.Accept``.

    ``queued(provider, account, count)`` hears of new work, ``waiting()`` is how many messages wait already.
    """

    def __init__(
        self,
        store: Store,
        router: Router,
        ids: IdSource,
        clock: Callable[[], int],
        *,
        checkers: Mapping[str, Checker],
        choice: Choice,
        waiters: Waiters,
        queued: Callable[[str, str, int], None],
        waiting: Callable[[], int],
        max_queued: int,
    ) -> None:
        self.router = router
        self._store = store
        self._ids = ids
        self._clock = clock
        self._checkers = checkers
        self._choice = choice
        self._waiters = waiters
        self._queued = queued
        self._waiting = waiting
        self.max_queued = max_queued
        self._unsaved = 0
        self._buckets: dict[str, tuple[Account, TokenBucket]] = {}
        self._short_ids = range(0)
        self._taking_short_ids: asyncio.Task[None] | None = None
        self._complaints = Seldom(interval=60.0)
        self._loop = asyncio.get_running_loop()

    async def start(self) -> None:
        """Reserve ids of 8 characters, so that the first message of an old client need not wait for them."""
        await self._take_short_ids()

    def accept(self, link: BoundLink, submits: list[SubmitSm], answer: Answer) -> None:
        """Check and store the submit_sm of one read; ``answer`` gets their responses."""
        now = self._clock()
        allowed = self._bucket(link.account).take(len(submits), self._loop.time())
        full = self._unsaved >= MAX_UNSAVED or self._waiting() >= self.max_queued
        path_of = cache(self._path)  # anew for each read: providers come and go
        segments: list[Segment] = []
        responses: list[SubmitSmResp] = []
        for index, submit in enumerate(submits):
            try:
                if index >= allowed:
                    raise Refused(Status.ESME_RTHROTTLED, "above the account's rate")
                if full:
                    raise Refused(Status.ESME_RMSGQFUL, "too many messages are waiting")
                segment = self._segment(link, submit, now, path_of)
            except Refused as refusal:
                responses.append(self._refusal(link.account, submit, refusal))
            except Exception:  # one message that we cannot bear must not cost the others their answer
                log.exception("unexpected error with a submit_sm of account %s", link.account.name)
                responses.append(SubmitSmResp(command_status=Status.ESME_RSYSERR))
            else:
                segments.append(segment)
                responses.append(SubmitSmResp(message_id=segment.wire_id))
        if segments:
            self._save(_Read(link, submits, answer, segments, responses))
        else:
            answer(submits, responses)

    # --- saving --------------------------------------------------------------------------------

    def _save(self, read: "_Read") -> None:
        self._unsaved += len(read.segments)
        give = self._withhold if read.link.account.mode == "sync" else _answer_all

        def saved(future: "asyncio.Future[None]") -> None:
            self._unsaved -= len(read.segments)
            error = ConnectionError("stopped") if future.cancelled() else future.exception()
            if error is None:
                give(read)
                self._announce(read.segments)
                return
            self._complain("submit_sm not saved", error=str(error))
            if not isinstance(error, StoreError | ConnectionError):
                log.error("unexpected error while saving", exc_info=error)
            read.answer(read.submits, [self._unsaved_response(response) for response in read.responses])

        self._store.add_segments(read.segments).add_done_callback(saved)

    def _withhold(self, read: "_Read") -> None:
        """Answer what no provider gets now; the others have to wait for its result."""
        stored = iter(read.segments)
        submits: list[SubmitSm] = []
        responses: list[SubmitSmResp] = []
        for submit, response in zip(read.submits, read.responses, strict=True):
            if response.command_status == Status.ESME_ROK:
                segment = next(stored)
                withheld = Withheld(read.link, submit, response, read.answer)
                if segment.stage == Stage.QUEUED and self._waiters.add(segment.id, withheld):
                    continue
            submits.append(submit)
            responses.append(response)
        if submits:
            read.answer(submits, responses)

    def _unsaved_response(self, response: SubmitSmResp) -> SubmitSmResp:
        if response.command_status:
            return response
        return SubmitSmResp(command_status=Status.ESME_RSYSERR)

    def _announce(self, segments: list[Segment]) -> None:
        queued = Counter((item.provider, item.account) for item in segments if item.stage == Stage.QUEUED)
        for (provider, account), count in queued.items():
            self._queued(provider, account, count)

    # --- checking ------------------------------------------------------------------------------

    def _path(self, route: tuple[str, ...], service: str, part: bool) -> "_Path":
        """Those of a route that sell the service: such a message must never go out as an ordinary one; and,
        for a part of a long message, those that pass it on as it is."""
        if service:
            route = tuple(name for name in route if service in self._checkers[name].services)
            if not route:
                raise Refused(Status.ESME_RINVSERTYP, f"no provider of the route sells {service}")
        if part:
            route = tuple(name for name in route if self._checkers[name].takes_parts)
            if not route:
                raise Refused(Status.ESME_RINVESMCLASS, "no provider of the route takes parts of messages")
        names = ROUTE_SEPARATOR.join(route)
        provider = first_provider(names, self._choice)
        checks = tuple(self._checkers[name].check for name in route)
        works = any(map(self._choice.working, route))
        down = Status.ESME_ROK if works else self._choice.status(provider)
        return _Path(names, route, checks, provider, self._checkers[provider].schedules, down)

    def _segment(self, link: BoundLink, submit: SubmitSm, now: int, path_of: "_PathOf") -> Segment:
        """What is stored for one submit_sm. Raises Refused with the command_status of its answer."""
        account = link.account
        check_fields(submit)
        service = service_of(account, submit.service_type)
        recipient = recipient_of(account, submit, service)
        content = content_of(account, submit, service)
        data_coding = coding_of(account, submit, content)
        sender = sender_of(account, submit.source_addr)
        route = self.router.find(account.name, recipient)
        if route is None:
            raise Refused(Status.ESME_RNOROUTE, "no route for this recipient")
        part = content.octets is not None and is_part(submit)
        path = path_of(route, service, part)
        carriers = _carriers(path, Draft(recipient, sender, *content, service, data_coding))
        if len(carriers) < len(path.names):
            path = path_of(carriers, service, part)
        not_before, deadline = times_of(submit, now, round(account.validity * 1000))
        kept_there = not_before > now and path.schedules(not_before, now)
        at_once = not_before <= now or kept_there
        if path.down and at_once and account.mode == "sync":
            raise Refused(path.down, "no provider of the route works")
        datagram = submit.esm_class & EsmClass.MODE_MASK == EsmClass.MODE_DATAGRAM
        message_id = self._ids.next(now)
        return Segment(
            id=message_id,
            account=account.name,
            wire_id=self._wire_id(link, message_id),
            origin=link.id if link.can_receive else 0,
            source_addr_ton=submit.source_addr_ton,
            source_addr_npi=submit.source_addr_npi,
            source_addr=submit.source_addr,
            dest_addr_ton=submit.dest_addr_ton,
            dest_addr_npi=submit.dest_addr_npi,
            destination_addr=submit.destination_addr,
            recipient=recipient,
            sender=sender,
            text=content.text,
            octets=content.octets,
            flash=content.flash,
            protocol_id=submit.protocol_id,
            tlvs=tlvs_of(submit) if submit.tlvs else None,
            data_coding=data_coding,
            registered_delivery=0 if datagram else submit.registered_delivery & _KEPT_BITS,
            priority=submit.priority_flag,
            service_type=service,
            user_message_reference=reference_of(submit) if submit.tlvs else None,
            route=path.route,
            provider=path.provider,
            stage=Stage.QUEUED if at_once else Stage.WAITING,
            send_at=not_before if kept_there else 0,
            submitted_at=now,
            due_at=deadline if at_once else not_before,
            deadline=deadline,
        )

    def _wire_id(self, link: BoundLink, message_id: int) -> str:
        if not link.takes_tlvs:  # interface_version 3.3: at most 8 characters, hexadecimal
            return self._short_id()
        match link.account.message_id:
            case "decimal":
                return str(message_id)
            case "hex":
                return f"{message_id:X}"
            case _:
                return str(uuid4())

    def _short_id(self) -> str:
        if len(self._short_ids) < _SHORT_IDS_AT_ONCE // 2 and self._taking_short_ids is None:
            self._taking_short_ids = self._loop.create_task(self._take_short_ids())
        if not self._short_ids:
            raise Refused(Status.ESME_RTHROTTLED, "ids of 8 characters are being reserved; try again")
        number, self._short_ids = self._short_ids[0], self._short_ids[1:]
        return f"{number:08X}"

    async def _take_short_ids(self) -> None:
        try:
            first = await self._store.take_short_ids(_SHORT_IDS_AT_ONCE)
            self._short_ids = range(first, first + _SHORT_IDS_AT_ONCE)
        except StoreError as error:
            self._complain("cannot reserve ids of 8 characters", error=str(error))
        finally:
            self._taking_short_ids = None

    def _bucket(self, account: Account) -> TokenBucket:
        known = self._buckets.get(account.name)
        if known is None or known[0] is not account:  # new settings after a reload start a new bucket
            known = (account, TokenBucket(account.rate, account.burst, self._loop.time()))
            self._buckets[account.name] = known
        return known[1]

    def _refusal(self, account: Account, submit: SubmitSm, refusal: Refused) -> SubmitSmResp:
        status = account.status_for(refusal.status)
        self._complain(
            "submit_sm refused",
            account=account.name,
            status=status_name(status),
            reason=refusal.reason,
            destination=submit.destination_addr,
        )
        return SubmitSmResp(command_status=status)

    def _complain(self, what: str, **fields: object) -> None:
        key = (what, fields.get("account"), fields.get("status"), fields.get("reason"))
        if self._complaints.allows(key, self._loop.time()):
            event(log, logging.WARNING, what, **fields)


def _answer_all(read: _Read) -> None:
    read.answer(read.submits, read.responses)


def _carriers(path: _Path, draft: Draft) -> tuple[str, ...]:
    """Those that can carry the message, as it may come to each of them. Raises the first one's refusal."""
    refusals: dict[str, Refused] = {}
    for name, check in zip(path.names, path.checks, strict=True):
        try:
            check(draft)
        except Refused as refusal:
            refusals[name] = refusal
    if not refusals:
        return path.names
    if len(refusals) == len(path.names):
        raise refusals[path.names[0]]
    return tuple(name for name in path.names if name not in refusals)
