"""submit_sm, data_sm and submit_multi with any values in their fields, for accounts with different settings.

1. Only Refused leaves an appraisal, with a command_status and a reason. What `explain` is told is the same.
2. What is stored fits the schema, and a receipt for it can be written.
3. Parts of long messages are joined or given up. None is left behind.
"""

import logging
import sqlite3
from asyncio import Future, get_running_loop
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast

from smppbridge.commands.explain.judge import Examiner
from smppbridge.errors import PduError, Refused
from smppbridge.flow.accept.joiner import Joiner
from smppbridge.flow.accounts import Accounts
from smppbridge.flow.deliver.pdus import alert_pdu, receipt_pdu, receipt_style
from smppbridge.flow.send.fleet import Fleet
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.waiting import Waiting
from smppbridge.flow.wall_clock import WallClock
from smppbridge.metrics import Metrics
from smppbridge.model.account import Account
from smppbridge.model.joining import GivenUp, Join, Joined, Part
from smppbridge.model.message import Alert, Outcome, Stage, State
from smppbridge.model.route import Router
from smppbridge.providers.preview import unarmed
from smppbridge.smpp.codec import Decoder, encode
from smppbridge.smpp.constants import EsmClass, Tag
from smppbridge.smpp.pdu import DataSm, Pdu, SubmitMulti, SubmitSm
from smppbridge.smpp.tlv import tlv
from smppbridge.store.base import Accepting
from smppbridge.store.results import Made
from smppbridge.store.sqlite import joins, messages, receipts, settling
from smppbridge.submission.appraisal import Appraisal, Appraiser, segment_of
from smppbridge.submission.hints import hints_for
from smppbridge.submission.paths import PathOf
from smppbridge.submission.rewritten import from_data_sm, of_destinations
from tests.fuzz.database import transaction
from tests.fuzz.loops import run
from tests.fuzz.pdus import read_pdu, write_pdus
from tests.fuzz.reading import Octets
from tests.fuzz.settings import config
from tests.support.builders.choice import Available
from tests.support.builders.rows import NOW
from tests.support.system.virtual_time import moment

T = TypeVar("T")

MOST = 6  # PDUs of one input
KINDS: tuple[type[Pdu], ...] = (SubmitSm, SubmitSm, DataSm, SubmitMulti)
TIMES = (0, 3_600_000 * 10, 86_400_000 * 59)  # ms from NOW: in quiet hours and outside, another month
LATER = 3_600_000  # ms: nobody waits for parts that long


def target(data: bytes) -> None:
    """Some PDUs of one account. Raises whatever the code under test should not raise."""
    octets = Octets(data)
    account = octets.choice(tuple(config().accounts.values()))
    now = NOW + octets.choice(TIMES)
    submits = [submit for _ in range(MOST) if octets.more for submit in _submits(octets)]
    path_of = _appraiser().paths()
    appraised = [found for submit in submits if (found := _appraise(account, submit, now, path_of))]
    run(_keep(account, appraised, now))


def seeds() -> Iterator[bytes]:
    """Messages of every kind for every account."""
    for place in range(len(config().accounts)):
        for pdus in _conversations():
            yield bytes((place, place % len(TIMES))) + b"".join(b"\0" + write_pdus([one]) for one in pdus)
        tlvs = (tlv(Tag.MESSAGE_PAYLOAD, b"text"), tlv(Tag.QOS_TIME_TO_LIVE, 60))
        yield bytes((place, 0, 2)) + write_pdus([DataSm(**_TO, tlvs=tlvs)])


_TO: Mapping[str, Any] = {
    "source_addr": "ALARM",
    "source_addr_ton": 5,
    "destination_addr": "375291234567",
    "dest_addr_ton": 1,
}


def _sms(content: bytes = b"", **changes: Any) -> SubmitSm:
    return SubmitSm(**{**_TO, "short_message": content, **changes})


def _conversations() -> Iterator[tuple[SubmitSm, ...]]:
    yield (_sms(b"Door 3 opened", registered_delivery=0x11),)
    yield tuple(_sms(b"\5\0\3\7\2" + bytes((n,)) + b"Door", esm_class=EsmClass.UDHI) for n in (1, 2))
    numbers = tlv(Tag.SAR_MSG_REF_NUM, 7), tlv(Tag.SAR_TOTAL_SEGMENTS, 2)
    yield tuple(_sms(b"Door", tlvs=(*numbers, tlv(Tag.SAR_SEGMENT_SEQNUM, n))) for n in (2, 1))
    yield (_sms(b"\6\x08\4\0\7\2\1\4\x1f", esm_class=EsmClass.UDHI, data_coding=8),)
    yield (_sms(b"\6\5\4\x0b\x84\x23\xf0\1\2\3", esm_class=EsmClass.UDHI, data_coding=4),)
    yield (_sms(b"x", destination_addr="80291234567", dest_addr_ton=2),)
    yield _sms(service_type="HLR"), _sms(b"call", source_addr="GOLOS")
    yield (
        _sms(b"later", priority_flag=3, schedule_delivery_time="000001000000000R"),
        _sms(b"silent", validity_period="000000010000000R", protocol_id=0x40),
        _sms(b"flash", replace_if_present_flag=1, data_coding=0xF0),
    )
    ports = tlv(Tag.SOURCE_PORT, 9), tlv(Tag.DESTINATION_PORT, 80), tlv(Tag.SET_DPF, 1)
    payload = tlv(Tag.MESSAGE_PAYLOAD, b"payload" * 30), tlv(Tag.USER_MESSAGE_REFERENCE, 5)
    yield _sms(b"ports", tlvs=ports), _sms(tlvs=payload)
    yield (_sms(b"\xc4\xe2", destination_addr="4912345678", data_coding=2),)


def _submits(octets: Octets) -> Iterator[SubmitSm]:
    """The submit_sm that one PDU is, as far as the codec takes it."""
    kind = octets.choice(KINDS)
    if kind is SubmitMulti:
        yield from _of_multi(octets)
        return
    pdu = read_pdu(kind, octets)
    try:
        (read,) = Decoder().feed(encode(pdu))
    except ValueError:
        return  # it cannot be written
    if isinstance(read, PduError):
        return
    assert read == pdu, (read, pdu)
    if isinstance(read, SubmitSm):
        yield read
    elif isinstance(read, DataSm):
        try:
            yield from_data_sm(read)
        except Refused as refused:
            _check_refusal(refused)


def _of_multi(octets: Octets) -> Iterator[SubmitSm]:
    """Destinations and all, straight from octets: their list has a form of its own."""
    body = octets.rest()
    header = (16 + len(body)).to_bytes(4, "big") + SubmitMulti.command_id.to_bytes(4, "big") + bytes(8)
    (read,) = Decoder().feed(header + body)
    if isinstance(read, SubmitMulti):
        try:
            submits, _ = of_destinations(read)
        except Refused as refused:
            _check_refusal(refused)
            return
        yield from submits[:MOST]


@cache
def _appraiser() -> Appraiser:
    """With every provider as it is configured, without secrets and sockets."""
    providers = {
        name: unarmed(name, options, callbacks_at=config().callbacks_below(name))
        for name, options in config().providers.items()
    }
    return Appraiser(Router(config().routes), providers, Available(down=("assist",), spared=("pilot",)))


@cache
def _examiner() -> Examiner:
    return Examiner(config())


def _appraise(account: Account, submit: SubmitSm, now: int, path_of: PathOf) -> Appraisal | None:
    for hint in hints_for(account, submit):
        assert hint.text
    examined = _examiner().examine(account, submit, now)
    try:
        appraisal = _appraiser().appraise(account, submit, now, path_of)
    except Refused as refused:
        _check_refusal(refused)
        assert isinstance(examined.result, Refused) or refused.status == 0x08 or account.mode == "sync"
        return None
    assert isinstance(examined.result, Appraisal), examined.result
    assert appraisal.deadline > appraisal.not_before >= now
    return appraisal


def _check_refusal(refused: Refused) -> None:
    assert 0 < refused.status <= 0x4FF, refused.status
    assert refused.reason and len(refused.reason) < 400 and "\n" not in refused.reason


# --- what is kept ----------------------------------------------------------------------------------


class _Store:
    """As much of a store as parts and their joining need, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def await_parts(self, now: int) -> "Future[None]":
        return self._call(lambda connection: joins.await_parts(connection, now))

    def take_joins(self, now: int, limit: int) -> "Future[list[Join]]":
        return self._call(lambda connection: joins.take(connection, now, limit))

    def join(self, joined: Sequence[Joined], given_up: Sequence[GivenUp], now: int) -> "Future[Made]":
        return self._call(lambda connection: settling.join(connection, joined, given_up, ()))

    def forget_joins(self, now: int, limit: int) -> "Future[int]":
        return self._call(lambda connection: joins.forget(connection, now, limit))

    def _call(self, work: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        future = get_running_loop().create_future()
        future.set_result(work(self._connection))
        return future


class _Fleet:
    """No provider runs."""

    def wake(self, provider: str, account: str, count: int = 1) -> None:
        assert provider in config().providers


class _Errors(logging.Handler):
    """Errors that a worker survives, and logs, are findings all the same."""

    def emit(self, record: logging.LogRecord) -> None:
        raise AssertionError(record.getMessage()) from (record.exc_info or (None, None))[1]


async def _keep(account: Account, appraised: Sequence[Appraisal], now: int) -> None:
    with transaction() as connection:
        for number, appraisal in enumerate(appraised, 1):
            segment = segment_of(appraisal, number, str(number), 0)
            concat, octets = appraisal.content.concat, appraisal.content.octets
            if concat is None or octets is None:
                messages.add(connection, [segment])
            else:
                joins.add(connection, [Part(segment, *concat, octets, now + LATER)])
        await _join(connection, now)
        left = connection.execute("SELECT count(*) FROM joins WHERE made = 0").fetchone()
        assert left == (0,), "parts were left behind"
        _deliver(connection, account, now)


async def _join(connection: sqlite3.Connection, now: int) -> None:
    store = cast(Accepting, _Store(connection))
    # From the log, because a step that fails is survived, and said there.
    log, handler = logging.getLogger("smppbridge.flow"), _Errors(logging.ERROR)
    log.addHandler(handler)
    accounts = Accounts(config().accounts)
    outcomes = cast(Outcomes, _Announcements())
    time = [now]
    joiner = Joiner(
        store,
        _appraiser(),
        outcomes,
        Waiting(1000, accounts),
        cast(Fleet, _Fleet()),
        accounts,
        _metrics(),
        WallClock(lambda: time[0], lambda: time[0]),
    )
    try:
        joiner.start()
        await moment()
        time[0] += 2 * LATER  # nobody waits for parts any more
        joiner.wake()
        await moment()
        await joiner.stop()
    finally:
        log.removeHandler(handler)


@cache
def _metrics() -> Metrics:
    return Metrics()


class _Announcements:
    """Nobody waits for them."""

    def announce(self, settlement: object) -> None:
        pass


def _deliver(connection: sqlite3.Connection, account: Account, now: int) -> None:
    """Every message ends, and the receipts that are owed can be written."""
    ids = [row[0] for row in connection.execute("SELECT id FROM messages WHERE stage <> 6 AND stage <> 0")]
    ends = [Outcome(one, int(State.DELIVERED), 0, "", now + 1) for one in ids]
    settling.finish(connection, ends, ())
    style = receipt_style(account.receipt)
    for receipt in receipts.claim(connection, account.name, 0, now + 3 * LATER, now + 3 * LATER, 100):
        encode(receipt_pdu(receipt, style, with_tlvs=True))
    for row in connection.execute(f"SELECT {','.join(Alert._fields)} FROM messages").fetchall():
        encode(alert_pdu(Alert._make(row)))
    assert {row[0] for row in connection.execute("SELECT stage FROM messages")} <= {
        Stage.FINAL,
        Stage.COLLECTING,
    }
