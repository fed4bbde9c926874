"""What only some HTTP providers can do: find a message whose hand-over is in doubt, and sell services."""

import pytest

from smppbridge.errors import ProviderError, Uncertain
from smppbridge.model.message import Message, State
from smppbridge.providers.base import Provider, Trace
from tests.contract.providers.rig import Rig
from tests.contract.providers.rigs import with_providers, with_rigs
from tests.contract.providers.steps import (
    PHONE,
    after,
    batch,
    errors_of,
    fresh,
    no_report,
    now,
    poll_of,
    polls_of,
    refs_of,
    submit,
    wait_final,
)
from tests.support.builders.messages import doubt, draft
from tests.support.http.server import Fault

finders = with_rigs(lambda rig: rig.can_find)
checkers = with_rigs(lambda rig: bool(rig.number_check))


async def lose(rig: Rig, fault: Fault, lost: Message) -> Provider:
    """A provider that took some messages, one to the same phone, and then had a fault with ``lost``."""
    provider = await rig.open(no_report)
    refs_of(await submit(provider, [*batch(1, 2), fresh(3, recipient=lost.recipient, text="другой")]))
    rig.faults.append(fault)
    assert [type(error) for error in errors_of(await after(rig, fault, submit(provider, [lost])))] == [
        Uncertain
    ]
    return provider


def assert_absent(rig: Rig, trace: Trace) -> None:
    """What may be it, though hardly, belongs to other messages, and the flow knows that."""
    assert (trace.refs, trace.complete) == ((), True)
    assert {kept.ref for kept in rig.taken()}.issuperset(trace.unlikely)


# --- find() ----------------------------------------------------------------------------------------


@finders
async def test_limits_switch_it_on(rig: Rig) -> None:
    limits = (await rig.open(no_report)).limits
    assert limits.find_interval > 0
    assert limits.find_first > 0
    assert limits.find_batch > 0


@with_rigs(lambda rig: not rig.can_find)
async def test_who_cannot_find_is_not_asked(rig: Rig) -> None:
    provider = await rig.open(no_report)
    assert provider.limits.find_interval == 0
    assert not any(trace.complete for trace in await provider.find([doubt(fresh(1))], now()))
    assert rig.requests == 0


@finders
@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.CUT_ANSWER])
async def test_a_message_that_was_taken_is_found(rig: Rig, fault: Fault) -> None:
    lost = fresh(4, recipient=PHONE)
    provider = await lose(rig, fault, lost)
    (trace,) = await provider.find([doubt(lost)], now())
    kept = rig.taken()[-1]
    assert (kept.recipient, kept.text) == (lost.recipient, lost.text)
    assert (trace.id, trace.refs[:1]) == (lost.id, (kept.ref,))
    (report,) = await wait_final(provider, [poll_of(lost, trace.refs[0])])
    assert report.state == State.DELIVERED


@finders
async def test_a_message_that_was_never_taken_is_certainly_not_there(rig: Rig) -> None:
    lost = fresh(4, recipient=PHONE)
    provider = await lose(rig, Fault.RESET_BEFORE, lost)
    assert_absent(rig, *await provider.find([doubt(lost)], now()))


@with_providers(lambda rig: rig.can_find)
@pytest.mark.slow
async def test_a_message_whose_hand_over_timed_out_is_asked_about(rig: Rig) -> None:
    lost = fresh(4, recipient=PHONE)
    provider = await lose(rig, Fault.HANG_BEFORE, lost)
    assert_absent(rig, *await provider.find([doubt(lost)], now()))


@finders
async def test_several_doubts_are_answered_each(rig: Rig) -> None:
    provider = await rig.open(no_report)
    lost = batch(*range(1, 7))
    for number, message in enumerate(lost):
        rig.faults.append(Fault.RESET_AFTER if number % 2 else Fault.RESET_BEFORE)
        errors_of(await submit(provider, [message]))
    traces = {trace.id: trace for trace in await provider.find([doubt(one) for one in lost], now())}
    for kept in rig.taken():
        (sent,) = (one for one in lost if one.recipient == kept.recipient)
        assert traces.pop(sent.id).refs[:1] == (kept.ref,)
    assert list(traces.values()) == [Trace(one.id, (), complete=True) for one in lost[::2]]


@finders
@pytest.mark.parametrize("fault", [Fault.GARBAGE, Fault.EMPTY, Fault.RESET_AFTER, Fault.HTTP_503])
async def test_a_question_without_an_answer_makes_nothing_certain(rig: Rig, fault: Fault) -> None:
    lost = fresh(4, recipient=PHONE)
    provider = await lose(rig, Fault.RESET_AFTER, lost)
    rig.faults.append(fault)
    with pytest.raises(ProviderError):
        await provider.find([doubt(lost)], now())
    (trace,) = await provider.find([doubt(lost)], now())
    assert trace.refs


@with_rigs(lambda rig: rig.lists_are_cut)
@pytest.mark.slow
async def test_a_list_that_was_cut_makes_nothing_certain(rig: Rig) -> None:
    lost = fresh(4, recipient=PHONE)
    provider = await lose(rig, Fault.RESET_BEFORE, lost)
    rig.cut_list()
    assert not any(trace.complete for trace in await provider.find([doubt(lost)], now()))


@finders
async def test_nobody_is_asked_about_what_a_refused_account_sent(rig: Rig) -> None:
    """A refusal of the account answers no question about a message."""
    lost = fresh(4, recipient=PHONE)
    provider = await lose(rig, Fault.RESET_BEFORE, lost)
    rig.refuse_all(rig.account_refusals[0].code)
    with pytest.raises(ProviderError):
        await provider.find([doubt(lost)], now())


# --- services --------------------------------------------------------------------------------------


@checkers
async def test_a_number_check_ends_with_details(rig: Rig) -> None:
    provider = await rig.open(no_report)
    assert rig.number_check in provider.services
    check = fresh(1, service_type=rig.number_check, text="")
    provider.check(draft(text="", service_type=rig.number_check))
    results = await submit(provider, [check])
    (report,) = await wait_final(provider, polls_of([check], results))
    assert (report.state, report.final) == (State.DELIVERED, True)
    words = dict(word.split("=", 1) for word in report.details.split())
    assert words
    assert all(words.values())
    assert report.details.isascii()
    assert len(rig.services_sold()) == 1
    assert rig.taken() == []


@checkers
async def test_a_number_check_and_messages_in_one_batch(rig: Rig) -> None:
    provider = await rig.open(no_report)
    messages = [fresh(1), fresh(2, service_type=rig.number_check, text=""), fresh(3)]
    polls = polls_of(messages, await submit(provider, messages))
    assert [bool(report.details) for report in await wait_final(provider, polls)] == [False, True, False]
    assert [kept.recipient for kept in rig.taken()] == [messages[0].recipient, messages[2].recipient]
    assert len(rig.services_sold()) == 1


@with_rigs(lambda rig: not rig.number_check)
async def test_no_number_check_is_sold(rig: Rig) -> None:
    provider = await rig.open(no_report)
    assert not provider.services & {"HLR", "HLRV", "PING"}
