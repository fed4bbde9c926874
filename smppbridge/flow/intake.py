"""From submit_sm to a stored segment: every check of the bridge itself, then one COMMIT for all of a read.

The response with status 0 leaves only after that COMMIT. Must not know: sockets, providers beyond the
`check` they offer.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple, Protocol
from uuid import uuid4

from smppbridge.errors import Refused, StoreError
from smppbridge.flow.decide import first_usable
from smppbridge.link.server import Answer, BoundLink
from smppbridge.logs import Seldom, event
from smppbridge.model.account import Account
from smppbridge.model.ids import IdSource
from smppbridge.model.limits import TokenBucket
from smppbridge.model.message import ROUTE_SEPARATOR, Segment, Stage
from smppbridge.model.numbers import normalise
from smppbridge.model.route import Router
from smppbridge.smpp.constants import EsmClass, RegisteredDelivery, Status, Tag, status_name
from smppbridge.smpp.pdu import SubmitSm, SubmitSmResp
from smppbridge.smpp.text import decode_text
from smppbridge.smpp.times import parse_time
from smppbridge.store.base import Store

log = logging.getLogger(__name__)

MAX_UNSAVED = 50_000  # segments waiting for a COMMIT, all accounts together
_SHORT_IDS_AT_ONCE = 10_000
_SERVICE_TYPES = frozenset({"", "CMT"})
_KEPT_BITS = RegisteredDelivery.RECEIPT_MASK | RegisteredDelivery.INTERMEDIATE
_UNSUPPORTED_CLASS = EsmClass.TYPE_MASK | EsmClass.UDHI
_STANDARD_CODES = {
    Status.ESME_RNOROUTE: Status.ESME_RSUBMITFAIL,
    Status.ESME_RINVENCODING: Status.ESME_RSUBMITFAIL,
    Status.ESME_RNOMONEY: Status.ESME_RSYSERR,
    Status.ESME_RINVTEXT: Status.ESME_RINVMSGLEN,
}


class Checker(Protocol):
    """The part of a provider that intake uses."""

    def check(self, sender: str, text: str) -> None: ...


class _Choice(NamedTuple):
    """A route as it is stored, its first usable provider, and that provider's check."""

    route: str
    provider: str
    check: Callable[[str, str], None]


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
        usable: Callable[[str], bool],
        queued: Callable[[str, str, int], None],
        waiting: Callable[[], int],
        max_queued: int,
    ) -> None:
        self.router = router
        self._store = store
        self._ids = ids
        self._clock = clock
        self._checkers = checkers
        self._usable = usable
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
        """Check and store the submit_sm of one read; ``answer`` gets their responses in order."""
        now = self._clock()
        allowed = self._bucket(link.account).take(len(submits), self._loop.time())
        full = self._unsaved >= MAX_UNSAVED or self._waiting() >= self.max_queued
        choose = cache(self._choice)  # anew for each read: providers come and go
        segments: list[Segment] = []
        responses: list[SubmitSmResp] = []
        for index, submit in enumerate(submits):
            try:
                if index >= allowed:
                    raise Refused(Status.ESME_RTHROTTLED, "above the account's rate")
                if full:
                    raise Refused(Status.ESME_RMSGQFUL, "too many messages are waiting")
                segment = self._segment(link, submit, now, choose)
            except Refused as refusal:
                responses.append(self._refusal(link.account, submit, refusal))
            except Exception:  # one message that we cannot bear must not cost the others their answer
                log.exception("unexpected error with a submit_sm of account %s", link.account.name)
                responses.append(SubmitSmResp(command_status=Status.ESME_RSYSERR))
            else:
                segments.append(segment)
                responses.append(SubmitSmResp(message_id=segment.wire_id))
        if segments:
            self._save(segments, responses, answer)
        else:
            answer(responses)

    # --- saving --------------------------------------------------------------------------------

    def _save(self, segments: list[Segment], responses: list[SubmitSmResp], answer: Answer) -> None:
        self._unsaved += len(segments)

        def saved(future: "asyncio.Future[None]") -> None:
            self._unsaved -= len(segments)
            error = ConnectionError("stopped") if future.cancelled() else future.exception()
            if error is None:
                answer(responses)
                self._announce(segments)
                return
            self._complain("submit_sm not saved", error=str(error))
            if not isinstance(error, StoreError | ConnectionError):
                log.error("unexpected error while saving", exc_info=error)
            answer([self._unsaved_response(response) for response in responses])

        self._store.add_segments(segments).add_done_callback(saved)

    def _unsaved_response(self, response: SubmitSmResp) -> SubmitSmResp:
        if response.command_status:
            return response
        return SubmitSmResp(command_status=Status.ESME_RSYSERR)

    def _announce(self, segments: list[Segment]) -> None:
        queued = Counter((item.provider, item.account) for item in segments if item.stage == Stage.QUEUED)
        for (provider, account), count in queued.items():
            self._queued(provider, account, count)

    # --- checking ------------------------------------------------------------------------------

    def _choice(self, route: tuple[str, ...]) -> "_Choice":
        names = ROUTE_SEPARATOR.join(route)
        provider = first_usable(names, self._usable)
        return _Choice(names, provider, self._checkers[provider].check)

    def _segment(
        self, link: BoundLink, submit: SubmitSm, now: int, choose: Callable[[tuple[str, ...]], "_Choice"]
    ) -> Segment:
        """What is stored for one submit_sm. Raises Refused with the command_status of its answer."""
        account = link.account
        _check_fields(submit)
        recipient = normalise(submit.destination_addr, submit.dest_addr_ton, account.country)
        text = decode_text(_octets(submit), submit.data_coding, account.default_encoding)
        if not text:
            raise Refused(Status.ESME_RINVTEXT, "the text is empty")
        sender = _sender(account, submit.source_addr)
        route = self.router.find(account.name, recipient)
        if route is None:
            raise Refused(Status.ESME_RNOROUTE, "no route for this recipient")
        choice = choose(route)
        choice.check(sender, text)
        not_before, deadline = _times(submit, now, round(account.validity * 1000))
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
            text=text,
            data_coding=submit.data_coding,
            registered_delivery=0 if datagram else submit.registered_delivery & _KEPT_BITS,
            priority=submit.priority_flag,
            service_type=submit.service_type,
            user_message_reference=_reference(submit) if submit.tlvs else None,
            route=choice.route,
            provider=choice.provider,
            stage=Stage.QUEUED if not_before <= now else Stage.WAITING,
            submitted_at=now,
            due_at=deadline if not_before <= now else not_before,
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
        status = refusal.status
        if account.status_codes == "standard":
            status = _STANDARD_CODES.get(Status(status), status)
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


def _check_fields(submit: SubmitSm) -> None:
    """Refuse what this bridge does not carry out, field by field."""
    if submit.esm_class & _UNSUPPORTED_CLASS:
        raise Refused(
            Status.ESME_RINVESMCLASS, "esm_class: parts of long messages and acknowledgements are not taken"
        )
    if submit.priority_flag > 3:
        raise Refused(Status.ESME_RINVPRTFLG, "priority_flag must be 0 to 3")
    if submit.replace_if_present_flag:
        raise Refused(Status.ESME_RINVREPFLAG, "replace_if_present_flag must be 0")
    if submit.sm_default_msg_id:
        raise Refused(Status.ESME_RINVDFTMSGID, "there are no predefined messages")
    if submit.service_type not in _SERVICE_TYPES:
        raise Refused(Status.ESME_RINVSERTYP, 'service_type must be empty or "CMT"')
    if submit.tlvs and submit.tlv(Tag.SAR_TOTAL_SEGMENTS) not in (None, 0, 1):
        raise Refused(Status.ESME_RINVESMCLASS, "sar_total_segments: parts of long messages are not taken")


def _octets(submit: SubmitSm) -> bytes:
    """The text's octets: short_message or message_payload, never both (SMPP 3.4 §4.4.1)."""
    octets = submit.short_message
    if len(octets) > 254:
        raise Refused(Status.ESME_RINVMSGLEN, "sm_length must be 0 to 254")
    payload = submit.tlv(Tag.MESSAGE_PAYLOAD) if submit.tlvs else None
    if not isinstance(payload, bytes):
        return octets
    if octets:
        raise Refused(Status.ESME_RINVMSGLEN, "both short_message and message_payload hold a text")
    return payload


def _reference(submit: SubmitSm) -> int | None:
    """user_message_reference (SMPP 3.4 §5.3.2.17) when it fits its two octets."""
    reference = submit.tlv(Tag.USER_MESSAGE_REFERENCE)
    return reference if isinstance(reference, int) and reference <= 0xFFFF else None


def _sender(account: Account, source_addr: str) -> str:
    """The sender's name or number after the account's rules."""
    source = source_addr.removeprefix("+")
    if not source:
        return account.default_sender or ""
    if account.senders is None or source in account.senders or source_addr in account.senders:
        return source
    if account.replace_sender and account.default_sender is not None:
        return account.default_sender
    raise Refused(Status.ESME_RINVSRCADR, "source_addr is not one of the account's senders")


def _times(submit: SubmitSm, now: int, validity_ms: int) -> tuple[int, int]:
    """When to send and when to give up, in ms. An absolute schedule in the past means at once."""
    if not submit.schedule_delivery_time and not submit.validity_period:
        return now, now + validity_ms
    not_before = _time(submit.schedule_delivery_time, now, Status.ESME_RINVSCHED)
    not_before = now if not_before is None else max(now, not_before)
    deadline = _time(submit.validity_period, now, Status.ESME_RINVEXPIRY)
    if deadline is None:
        return not_before, not_before + validity_ms
    if deadline <= not_before:
        raise Refused(Status.ESME_RINVEXPIRY, "validity_period ends before the message may be sent")
    return not_before, deadline


def _time(value: str, now: int, status: Status) -> int | None:
    try:
        moment = parse_time(value, datetime.fromtimestamp(now / 1000, UTC))
    except ValueError as error:
        raise Refused(status, str(error)) from error
    return None if moment is None else round(moment.timestamp() * 1000)
