"""What every HTTP provider must tell: statuses, asked for or pushed, messages from phones, and money."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from smppbridge.errors import WrongSignature
from smppbridge.model.message import Inbound, State, StatusReport
from smppbridge.providers.base import Callback
from tests.contract.providers.rig import Rig, form_callback, query_callback
from tests.contract.providers.rigs import with_rigs
from tests.contract.providers.steps import (
    batch,
    fresh,
    no_report,
    now,
    poll_of,
    polls_of,
    refs_of,
    submit,
    wait_final,
)

HOUR = 3_600_000  # ms
PHONE_TEXT = 'Да, "еду"; 100% & <скоро>\nдо 5'
HOSTILE = ("", "\0", "-1", "9" * 5000, "1e400", "nan", "٣", "é\ud800", "'; DROP TABLE", "[]", "true")

every = with_rigs()
called_back = with_rigs(lambda rig: rig.has_callbacks)


# --- statuses --------------------------------------------------------------------------------------


@every
async def test_status_becomes_final(rig: Rig) -> None:
    provider = await rig.open(no_report)
    messages = batch(1, 2, 3)
    polls = polls_of(messages, await submit(provider, messages))
    reports = await wait_final(provider, polls)
    assert {(report.state, report.err, report.details) for report in reports} == {(State.DELIVERED, 0, "")}


@every
async def test_the_way_to_the_end_is_told(rig: Rig) -> None:
    """What is not final yet is a state in which a message can be under way."""
    provider = await rig.open(no_report)
    messages = batch(1)
    polls = polls_of(messages, await submit(provider, messages))
    for report in await provider.status(polls):
        if not report.final:
            assert (State(report.state), report.err) in {(State.ACCEPTED, 0), (State.ENROUTE, 0)}
    await wait_final(provider, polls)
    assert await wait_final(provider, polls) == await wait_final(provider, polls)


@every
async def test_undelivered_has_an_error(rig: Rig) -> None:
    rig.never_deliver()
    provider = await rig.open(no_report)
    messages = batch(1)
    (report,) = await wait_final(provider, polls_of(messages, await submit(provider, messages)))
    assert report.state in {State.UNDELIVERABLE, State.EXPIRED, State.REJECTED}
    assert 0 < report.err <= 999
    assert report.code


@every
async def test_unknown_ids_are_left_out(rig: Rig) -> None:
    provider = await rig.open(no_report)
    messages = batch(1)
    (known,) = polls_of(messages, await submit(provider, messages))
    polls = [poll_of(fresh(2), rig.unknown_ref()), known, poll_of(fresh(3), "nonsense")]
    final = [report for report in await provider.status(polls) if report.provider_ref != known.provider_ref]
    assert not any(report.state == State.DELIVERED for report in final)
    assert [report.provider_ref for report in await wait_final(provider, [known])] == [known.provider_ref]


@every
async def test_nothing_to_ask_makes_no_request(rig: Rig) -> None:
    provider = await rig.open(no_report)
    assert list(await provider.status([])) == []
    assert list(await provider.status([poll_of(fresh(1), "non sense")])) == []
    assert list(await provider.status([poll_of(fresh(1), "")])) == []
    assert list(await provider.find([], now())) == []
    assert rig.requests == 0


# --- callbacks -------------------------------------------------------------------------------------


@called_back
@pytest.mark.parametrize("delivered", [True, False])
async def test_callback(rig: Rig, delivered: bool) -> None:
    provider = await rig.open(no_report)
    (ref,) = refs_of(await submit(provider, batch(1)))
    (report,) = provider.parse_callback(rig.callback(ref, delivered=delivered))
    assert isinstance(report, StatusReport)
    assert (report.provider_ref, report.final) == (ref, True)
    assert (report.state == State.DELIVERED, report.err == 0) == (delivered, delivered)


@called_back
async def test_a_callback_that_comes_twice_tells_the_same_twice(rig: Rig) -> None:
    provider = await rig.open(no_report)
    callback = rig.callback(rig.unknown_ref(), delivered=True)
    assert list(provider.parse_callback(callback)) == list(provider.parse_callback(callback)) != []


@every
async def test_garbage_is_no_callback(rig: Rig) -> None:
    provider = await rig.open(no_report)
    garbage = rig.garbage_callbacks()
    assert garbage
    for callback in garbage:
        with pytest.raises(ValueError):
            provider.parse_callback(callback)


@with_rigs(lambda rig: not rig.has_callbacks)
async def test_where_nothing_calls_back_everything_is_garbage(rig: Rig) -> None:
    provider = await rig.open(no_report)
    (ref,) = refs_of(await submit(provider, batch(1)))
    fields = {"id": ref, "sms_id": ref, "status": "Delivered", "phone": fresh(1).recipient}
    for callback in (query_callback({}), query_callback(fields), form_callback(fields)):
        with pytest.raises(ValueError):
            provider.parse_callback(callback)


@with_rigs(lambda rig: rig.signs_callbacks)
async def test_a_forged_callback_tells_nothing(rig: Rig) -> None:
    provider = await rig.open(no_report)
    forged = rig.forged_callbacks()
    assert forged
    for callback in forged:
        with pytest.raises(WrongSignature):
            provider.parse_callback(callback)


def spoilt(fields: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """``fields`` with each of them missing, or holding something hostile."""
    for name in fields:
        yield {other: value for other, value in fields.items() if other != name}
        for value in HOSTILE:
            yield {**fields, name: value}


def hostile_copies(callback: Callback) -> Iterator[Callback]:
    """What a stranger who knows the shape of callbacks may send."""
    for query in spoilt(callback.query):
        yield replace(callback, query=query)
    for form in spoilt(callback.form):
        yield replace(callback, form=form)
    for headers in spoilt(callback.headers):
        yield replace(callback, headers=headers)
    for body in (b"", b"\xff\xfe\0", b"{}", b"[" * 100_000, b'{"a":' * 9000, callback.body[:-1]):
        yield replace(callback, form={}, body=body)


@called_back
async def test_a_hostile_callback_is_refused_in_an_orderly_way(rig: Rig) -> None:
    provider = await rig.open(no_report)
    good = rig.callback(rig.unknown_ref(), delivered=True)
    refused = 0
    for callback in hostile_copies(good):
        try:
            news = provider.parse_callback(callback)
        except (ValueError, WrongSignature):
            refused += 1
        else:
            for told in news:  # fields that do not matter may hold anything
                assert isinstance(told, StatusReport)
                assert 0 <= told.err <= 999
    assert refused


# --- messages from phones --------------------------------------------------------------------------


@with_rigs(lambda rig: rig.inbound_by_callback)
async def test_inbound_by_callback(rig: Rig) -> None:
    provider = await rig.open(no_report)
    first = rig.inbound_callback("79001112233", PHONE_TEXT)
    second = rig.inbound_callback("79001112233", "Да")
    told = [news for one in (first, first, second) for news in provider.parse_callback(one)]
    assert [type(news) for news in told] == [Inbound] * 3
    assert [(n.source, n.text) for n in told if isinstance(n, Inbound)] == [
        ("79001112233", PHONE_TEXT),
        ("79001112233", PHONE_TEXT),
        ("79001112233", "Да"),
    ]
    again, once, other = (news.ref for news in told if isinstance(news, Inbound))
    assert again == once != other


@with_rigs(lambda rig: rig.inbound_by_polling)
async def test_inbound_by_polling(rig: Rig) -> None:
    provider = await rig.open(no_report)
    rig.phone_sends("79001112233", PHONE_TEXT)
    rig.phone_sends("79001112244", "Да")
    since = now() - HOUR
    first = await provider.inbound(since)
    assert {(told.source, told.text) for told in first} == {
        ("79001112233", PHONE_TEXT),
        ("79001112244", "Да"),
    }
    assert {told.ref for told in await provider.inbound(since)} == {told.ref for told in first}
    assert all(since < told.at < now() + HOUR for told in first)
    rig.phone_sends("79001112233", "Да")
    later = await provider.inbound(None)
    assert ("79001112233", "Да") in {(told.source, told.text) for told in later}
    assert len({told.ref for told in (*first, *later)}) == 3


@with_rigs(lambda rig: not rig.inbound_by_polling)
async def test_where_no_messages_from_phones_can_be_asked_nothing_is(rig: Rig) -> None:
    provider = await rig.open(no_report)
    assert list(await provider.inbound(now() - HOUR)) == list(await provider.inbound(None)) == []
    assert rig.requests == 0


# --- money -----------------------------------------------------------------------------------------


@every
async def test_balance(rig: Rig) -> None:
    provider = await rig.open(no_report)
    assert provider.last_balance is None
    balance = await provider.balance()
    assert balance is not None
    assert balance > 0
    assert provider.last_balance == balance
    refs_of(await submit(provider, batch(1)))
    assert (provider.last_balance < balance) == rig.balance_in_answers
    left = await provider.balance()
    assert left is not None
    assert provider.last_balance == left < balance
