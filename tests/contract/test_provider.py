"""What every HTTP provider must do, against its simulator over real sockets.

A provider joins by a rig in `RIGS`: its simulator, and the few words in which providers differ.
"""

import asyncio
import logging
import socket
import time
import traceback
from collections.abc import AsyncIterator, Sequence

import pytest

from smppbridge.errors import Disabled, ProviderError, Refused, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.model.message import Message, State, StatusReport
from smppbridge.providers.base import SendResult, Taken
from tests.contract.rig import Rig
from tests.contract.smspilot_rig import SmspilotRig
from tests.support.http_server import Fault
from tests.support.messages import DAY, message, poll

RIGS: list[type[Rig]] = [SmspilotRig]

NOW = int(time.time() * 1000)


async def _no_report(reports: Sequence[StatusReport]) -> None:
    raise AssertionError("an HTTP provider does not push statuses by itself")


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with request.param() as started:
        yield started


@pytest.fixture(autouse=True)
def no_secret_is_logged(caplog: pytest.LogCaptureFixture, rig: Rig) -> None:
    caplog.set_level(logging.DEBUG)


def batch(*numbers: int) -> list[Message]:
    return [message(number, submitted_at=NOW, deadline=NOW + DAY) for number in numbers]


def patience(fault: Fault) -> float:
    """Seconds to wait for an answer: long on a busy machine, unless there will be none."""
    return 0.8 if fault in {Fault.HANG_BEFORE, Fault.HANG_AFTER} else 10.0


def errors_of(results: Sequence[SendResult]) -> list[ProviderError]:
    return [result for result in results if isinstance(result, ProviderError)]


def refs_of(results: Sequence[SendResult]) -> list[str]:
    assert all(isinstance(result, Taken) for result in results), results
    return [result.ref for result in results if isinstance(result, Taken)]


def assert_no_secret(rig: Rig, caplog: pytest.LogCaptureFixture, errors: Sequence[BaseException]) -> None:
    told = [f"{error!r}\n{''.join(traceback.format_exception(error))}" for error in errors]
    told += [record.getMessage() + str(record.exc_text) for record in caplog.records]
    for text in told:
        for secret in rig.secrets:
            assert secret not in text
        assert "Привет" not in text


async def wait_final(rig: Rig, refs: Sequence[str]) -> list[StatusReport]:
    provider = await rig.open(_no_report)
    for _ in range(100):
        reports = await provider.status([poll(ref, NOW) for ref in refs])
        if reports and all(report.final for report in reports):
            return list(reports)
        await asyncio.sleep(0.02)
    raise AssertionError("no final status")


# --- sending ---------------------------------------------------------------------------------------


async def test_batch_is_taken_whole_in_one_request_and_arrives_unchanged(rig: Rig) -> None:
    provider = await rig.open(_no_report)
    messages = batch(*range(1, 31))
    results = await provider.send(messages, NOW)
    refs = refs_of(results)
    assert len(set(refs)) == 30
    assert rig.taken() == [(m.recipient, m.text) for m in messages]
    assert rig.requests == 1


@pytest.mark.parametrize("text", ["Ёлка, €uro", 'с "кавычками" \\ и \n строкой', "a&b=c;<d>%20+'", "🙂" * 20])
async def test_text_arrives_exactly(rig: Rig, text: str) -> None:
    provider = await rig.open(_no_report)
    refs_of(await provider.send([message(1, text=text, deadline=NOW + DAY)], NOW))
    assert rig.taken() == [(message(1).recipient, text)]


@pytest.mark.parametrize(
    "bad", [(2,), (1, 4, 9), (1, 2, 3, 4, 5), (1, 2, 3, 4, 6, 7, 10), tuple(range(1, 11))]
)
async def test_partly_failed_batch_refuses_only_the_bad_ones(rig: Rig, bad: tuple[int, ...]) -> None:
    provider = await rig.open(_no_report)
    messages = batch(*range(1, 11))
    rig.refuse_recipients(*(m.recipient for m in messages if m.id in bad))
    results = await provider.send(messages, NOW)
    for sent, result in zip(messages, results, strict=True):
        assert isinstance(result, Rejected if sent.id in bad else Taken)
    assert sorted(rig.taken()) == sorted((m.recipient, m.text) for m in messages if m.id not in bad)


async def test_the_same_recipient_twice_gets_both_messages_in_order(rig: Rig) -> None:
    provider = await rig.open(_no_report)
    messages = [message(n, recipient="79001112233", deadline=NOW + DAY) for n in (1, 2, 3)]
    refs_of(await provider.send(messages, NOW))
    assert rig.taken() == [("79001112233", m.text) for m in messages]


async def test_account_errors_stop_the_provider_not_the_messages(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    provider = await rig.open(_no_report)
    for code, expected in rig.refusals:
        rig.refuse_all(code)
        errors = errors_of(await provider.send(batch(1, 2, 3), NOW))
        assert [type(error) for error in errors] == [expected] * 3
        assert {error.code for error in errors} == {str(code)}
        assert_no_secret(rig, caplog, errors)
    assert rig.taken() == []


async def test_wrong_credential_asks_once_and_pauses(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    provider = await rig.open(_no_report, secret="WRONGKEYWRONGKEY")
    messages = [message(n, sender=f"Demo{n}", deadline=NOW + DAY) for n in range(1, 6)]
    errors = errors_of(await provider.send(messages, NOW))
    assert [type(error) for error in errors] == [Disabled] * 5
    assert all(isinstance(error, Disabled) and error.pause >= 1800 for error in errors)
    assert rig.requests == 1
    assert_no_secret(rig, caplog, errors)
    assert all("WRONGKEY" not in str(error) for error in errors)


async def test_out_of_money(rig: Rig) -> None:
    provider = await rig.open(_no_report)
    rig.spend_everything()
    errors = errors_of(await provider.send(batch(1, 2), NOW))
    assert [(type(error), error.status) for error in errors] == [(Disabled, 0x4A4)] * 2


async def test_what_check_refuses_is_not_sent_either(rig: Rig) -> None:
    """Intake asks only the first provider of a route; a message can come here from another one."""
    provider = await rig.open(_no_report)
    for sender, text in rig.unfit:
        with pytest.raises(Refused):
            provider.check(sender, text)
    unfit = [
        message(number, sender=sender, text=text, deadline=NOW + DAY)
        for number, (sender, text) in enumerate(rig.unfit, 10)
    ]
    good = batch(1, 2)
    results = await provider.send([good[0], *unfit, good[1]], NOW)
    refs_of([results[0], results[-1]])
    assert [type(result) for result in results[1:-1]] == [Rejected] * len(unfit)
    assert rig.taken() == [(m.recipient, m.text) for m in good]


async def test_only_unfit_messages_make_no_request(rig: Rig) -> None:
    provider = await rig.open(_no_report)
    sender, text = rig.unfit[0]
    (error,) = errors_of(await provider.send([message(1, sender=sender, text=text)], NOW))
    assert isinstance(error, Rejected)
    assert rig.requests == 0


# --- stopping --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "first"), [(Fault.SLOW, Taken), (Fault.HANG_AFTER, Uncertain)])
async def test_stop_lets_the_request_under_way_end_and_begins_no_other(
    rig: Rig, fault: Fault, first: type[object]
) -> None:
    provider = await rig.open(_no_report, timeout=patience(fault))
    rig.faults.append(fault)
    messages = [message(n, recipient="79001112233", deadline=NOW + DAY) for n in range(1, 6)]  # 5 packets
    sending = asyncio.create_task(provider.send(messages, NOW))
    while not rig.requests:
        await asyncio.sleep(0.01)
    provider.stop()
    results = await sending
    assert [type(result) for result in results] == [first] + [Unavailable] * 4
    assert errors_of(await provider.send(batch(6), NOW))[0].reason == "not sent: stopping"
    with pytest.raises(Unavailable):
        await provider.balance()
    assert rig.requests == 1
    assert rig.taken() == [("79001112233", messages[0].text)]


# --- faults ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.RESET_BEFORE, Uncertain),
        (Fault.RESET_AFTER, Uncertain),
        (Fault.CUT_ANSWER, Uncertain),
        (Fault.HANG_BEFORE, Uncertain),
        (Fault.HANG_AFTER, Uncertain),
        (Fault.GARBAGE, Uncertain),
        (Fault.EMPTY, Uncertain),
        (Fault.HTML, Uncertain),
        (Fault.REDIRECT, Uncertain),
        (Fault.HTTP_408, Uncertain),
        (Fault.HTTP_425, Uncertain),
        (Fault.HTTP_500, Uncertain),
        (Fault.HTTP_502, Uncertain),
        (Fault.HTTP_504, Uncertain),
        (Fault.HTTP_503, Unavailable),
        (Fault.HTTP_429, Throttled),
        (Fault.HTTP_429_PLAIN, Throttled),
    ],
)
async def test_fault_while_sending(
    rig: Rig, fault: Fault, expected: type[ProviderError], caplog: pytest.LogCaptureFixture
) -> None:
    provider = await rig.open(_no_report, timeout=patience(fault))
    rig.faults.append(fault)
    errors = errors_of(await provider.send(batch(1, 2, 3), NOW))
    assert [type(error) for error in errors] == [expected] * 3
    # what is not uncertain must certainly not have been taken; and nothing is sent twice
    assert len(rig.taken()) == (3 if fault.value.acts else 0)
    assert expected is Uncertain or not fault.value.acts
    assert_no_secret(rig, caplog, errors)
    refs_of(await provider.send(batch(4), NOW))


async def test_after_a_fault_the_rest_of_the_batch_is_not_sent(rig: Rig) -> None:
    provider = await rig.open(_no_report)
    rig.faults.append(Fault.RESET_AFTER)
    messages = [message(n, sender=f"Demo{n}", deadline=NOW + DAY) for n in (1, 2, 3)]
    errors = errors_of(await provider.send(messages, NOW))
    assert [type(error) for error in errors] == [Uncertain, Unavailable, Unavailable]
    assert len(rig.taken()) == 1


async def test_429_says_how_long_to_wait(rig: Rig) -> None:
    provider = await rig.open(_no_report)
    rig.faults.extend([Fault.HTTP_429, Fault.HTTP_429_PLAIN])
    waits = []
    for _ in range(2):
        (error,) = errors_of(await provider.send(batch(1), NOW))
        assert isinstance(error, Throttled)
        waits.append(error.after)
    assert waits == [17, 5]


async def test_slow_answer_is_waited_for(rig: Rig) -> None:
    provider = await rig.open(_no_report)
    rig.faults.append(Fault.SLOW)
    refs_of(await provider.send(batch(1), NOW))


async def test_many_timeouts_do_not_use_up_the_connections(rig: Rig) -> None:
    provider = await rig.open(_no_report, timeout=0.5)
    rig.faults.extend([Fault.HANG_AFTER] * 12)
    results = await asyncio.gather(*(provider.send(batch(n), NOW) for n in range(1, 13)))
    assert all(isinstance(result[0], ProviderError) for result in results)
    rig.faults.clear()
    refs_of(await provider.send(batch(20), NOW))


async def test_nobody_listens(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken_port:
        taken_port.bind(("127.0.0.1", 0))
        provider = await rig.open(_no_report, url=f"http://127.0.0.1:{taken_port.getsockname()[1]}")
        errors = errors_of(await provider.send(batch(1, 2), NOW))
    assert [type(error) for error in errors] == [Unavailable] * 2
    assert "connection refused" in str(errors[0])
    assert_no_secret(rig, caplog, errors)


async def test_timeout_before_the_request_left(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """A TLS handshake that never ends: no octet of the request has gone out."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        provider = await rig.open(_no_report, url=url, timeout=0.8)
        errors = errors_of(await provider.send(batch(1), NOW))
    assert [type(error) for error in errors] == [Unavailable]
    assert_no_secret(rig, caplog, errors)


# --- statuses --------------------------------------------------------------------------------------


async def test_status_becomes_final(rig: Rig) -> None:
    provider = await rig.open(_no_report)
    refs = refs_of(await provider.send(batch(1, 2), NOW))
    reports = await wait_final(rig, refs)
    assert {report.provider_ref for report in reports} == set(refs)
    assert {(report.state, report.err) for report in reports} == {(State.DELIVERED, 0)}


async def test_undelivered_has_an_error(rig: Rig) -> None:
    rig.never_deliver()
    provider = await rig.open(_no_report)
    (report,) = await wait_final(rig, refs_of(await provider.send(batch(1), NOW)))
    assert (report.state, report.final) == (State.UNDELIVERABLE, True)
    assert report.err > 0


async def test_unknown_ids_are_left_out(rig: Rig) -> None:
    provider = await rig.open(_no_report)
    (ref,) = refs_of(await provider.send(batch(1), NOW))
    reports = await provider.status([poll(rig.unknown_ref(), NOW), poll(ref, NOW), poll("nonsense", NOW)])
    assert [report.provider_ref for report in reports] == [ref]


async def test_nothing_to_ask_makes_no_request(rig: Rig) -> None:
    provider = await rig.open(_no_report)
    assert list(await provider.status([])) == []
    assert list(await provider.status([poll("nonsense", NOW)])) == []
    assert rig.requests == 0


@pytest.mark.parametrize(
    "fault", [Fault.GARBAGE, Fault.HTML, Fault.RESET_AFTER, Fault.HANG_AFTER, Fault.HTTP_429, Fault.HTTP_503]
)
async def test_fault_while_asking(rig: Rig, fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    provider = await rig.open(_no_report, timeout=patience(fault))
    refs = refs_of(await provider.send(batch(1), NOW))
    for ask in (provider.status([poll(refs[0], NOW)]), provider.balance()):
        rig.faults.append(fault)
        with pytest.raises(ProviderError) as raised:
            await ask
        assert_no_secret(rig, caplog, [raised.value])


async def test_balance(rig: Rig) -> None:
    provider = await rig.open(_no_report)
    assert provider.last_balance is None
    balance = await provider.balance()
    assert balance is not None
    assert balance > 0
    assert provider.last_balance == balance
    refs_of(await provider.send(batch(1), NOW))
    assert provider.last_balance < balance


# --- callbacks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("delivered", "state"), [(True, State.DELIVERED), (False, State.UNDELIVERABLE)])
async def test_callback(rig: Rig, delivered: bool, state: State) -> None:
    provider = await rig.open(_no_report)
    ref = rig.unknown_ref()
    (report,) = provider.parse_callback(rig.callback(ref, delivered=delivered))
    assert (report.provider_ref, report.state, report.final) == (ref, state, True)


async def test_garbage_callback(rig: Rig) -> None:
    provider = await rig.open(_no_report)
    for callback in rig.garbage_callbacks():
        with pytest.raises(ValueError):
            provider.parse_callback(callback)
