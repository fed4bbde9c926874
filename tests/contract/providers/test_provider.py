"""What every HTTP provider must do with messages, against its simulator over real sockets.

A provider joins by a rig in `providers.rigs`: its simulator, and the facts in which it differs.
"""

import asyncio

import pytest
from pydantic import TypeAdapter, ValidationError

from smppbridge.errors import Disabled, Refused, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.model.services import SERVICES
from smppbridge.providers.base import Taken
from smppbridge.providers.registry import AnyOptions, build_provider
from smppbridge.smpp.constants import Status
from tests.contract.providers.rig import WRONG_SECRET, Rig
from tests.contract.providers.rigs import with_providers, with_rigs
from tests.contract.providers.steps import (
    PHONE,
    after,
    apart,
    as_message,
    assert_silent,
    batch,
    errors_of,
    fresh,
    no_report,
    pairs,
    pairs_of,
    refs_of,
    submit,
    told_by,
)
from tests.support.builders.messages import draft
from tests.support.builders.upcalls import Upcalls
from tests.support.http.server import Fault

OPTIONS: TypeAdapter[AnyOptions] = TypeAdapter(AnyOptions)
every = with_rigs()

# Each buys something else than an SMS at one provider or another, or several messages at once, unless it is
# refused or made harmless.
COSTLY_TEXTS = (
    *("HLR", "hlr", " HLR ", "PING", "Ping\0", "HLRVIP", "__HLR__", "__PING__", " __PING__ ", "__hlr__"),
    *("__CALL__:allo", "__VIBER__:allo", "__SOC__:allo", "__MAIL__:allo", "__BOT__:allo", "__viber__:allo"),
    *("\n__CALL__:allo", "\ufeff__CALL__:allo", "one\n~~~\npid: 64, dcs: 4", "one\r\n~~~\r\ntwo", "~~~"),
    *("{menu:1}", '<file name="a.wav">', "79001112244:another one\n79001112255:and one more"),
)
COSTLY_SENDERS = (
    *("HLR", "PING", "HLRVIP", "GOLOS", "GOLOSM", "golos", "FLASHCALL", "2WAY", "VIBER", "VIBERSMS"),
    *("Viber", "VIBER ", "__CALL__", "1234", "79001112244"),
)
COSTLY_RECIPIENTS = (
    *("79001112244,79001112255", "79001112244;79001112255", "79001112244\n79001112255", "79001112244 "),
    *("a@example.org", "#112233", "@nick", "nick", "G777", "+79001112244", "79001112244:allo", ""),
)
COSTLY = (
    *(draft(text=text) for text in COSTLY_TEXTS),
    *(draft(sender=sender) for sender in COSTLY_SENDERS),
    *(draft(recipient=recipient) for recipient in COSTLY_RECIPIENTS),
)

STOPS = (Disabled, Throttled, Unavailable)  # the rest of a batch is not tried after these


# --- success ---------------------------------------------------------------------------------------


@every
async def test_batch_is_taken_whole_in_few_requests_and_arrives_unchanged(rig: Rig) -> None:
    provider = await rig.open(no_report)
    messages = batch(*range(1, 31))
    refs = refs_of(await submit(provider, messages))
    assert len(set(refs)) == 30
    assert pairs(rig) == pairs_of(messages)
    assert [kept.ref for kept in rig.taken()] == refs
    assert rig.requests == rig.requests_for(30)


@every
@pytest.mark.parametrize(
    "text",
    ["Ёлка, €uro", 'с "кавычками" \\ и \n строкой', "a&b=c;<d>%20+'", "🙂" * 20],
    ids=["letters", "quotes", "marks", "emoji"],
)
async def test_text_arrives_exactly(rig: Rig, text: str) -> None:
    provider = await rig.open(no_report)
    refs_of(await submit(provider, [fresh(1, text=text)]))
    assert pairs(rig) == [(fresh(1).recipient, text)]


@every
@pytest.mark.parametrize("recipient", ["79001112233", "375291234567", "375447654321"])
async def test_numbers_of_both_countries(rig: Rig, recipient: str) -> None:
    provider = await rig.open(no_report)
    refs_of(await submit(provider, [fresh(1, recipient=recipient)]))
    assert pairs(rig) == [(recipient, fresh(1).text)]


@every
async def test_the_same_recipient_twice_gets_both_messages_in_order(rig: Rig) -> None:
    provider = await rig.open(no_report)
    messages = [fresh(n, recipient=PHONE) for n in (1, 2, 3)]
    assert len(set(refs_of(await submit(provider, messages)))) == 3
    assert pairs(rig) == pairs_of(messages)


@every
async def test_messages_that_go_apart_are_answered_in_order(rig: Rig) -> None:
    provider = await rig.open(no_report)
    messages = apart(rig, 1, 2, 3, 4)
    refs = refs_of(await submit(provider, messages))
    assert rig.requests == 4
    assert {(kept.ref, kept.recipient) for kept in rig.taken()} == {
        (ref, sent.recipient) for ref, sent in zip(refs, messages, strict=True)
    }


@every
async def test_batches_sent_at_once_do_not_mix(rig: Rig) -> None:
    provider = await rig.open(no_report)
    batches = [batch(*range(start, start + 5)) for start in (1, 11, 21)]
    all_refs = [refs_of(results) for results in await asyncio.gather(*(submit(provider, b) for b in batches))]
    recipients = {kept.ref: kept.recipient for kept in rig.taken()}
    for refs, messages in zip(all_refs, batches, strict=True):
        assert [recipients[ref] for ref in refs] == [sent.recipient for sent in messages]


# --- refusals --------------------------------------------------------------------------------------


@every
@pytest.mark.parametrize(
    "bad", [(2,), (1, 4, 9), (1, 2, 3, 4, 5), (1, 2, 3, 4, 6, 7, 10), tuple(range(1, 11))]
)
async def test_partly_failed_batch_refuses_only_the_bad_ones(rig: Rig, bad: tuple[int, ...]) -> None:
    provider = await rig.open(no_report)
    messages = batch(*range(1, 11))
    rig.refuse_recipients([m.recipient for m in messages if m.id in bad], rig.message_refusals[0].code)
    results = await submit(provider, messages)
    for sent, result in zip(messages, results, strict=True):
        assert isinstance(result, rig.message_refusals[0].expected if sent.id in bad else Taken)
    assert sorted(pairs(rig)) == sorted(pairs_of(m for m in messages if m.id not in bad))


@every
async def test_what_is_said_about_one_message(rig: Rig) -> None:
    for number, refusal in enumerate(rig.message_refusals, 1):
        provider = await rig.open(no_report)
        good, bad = batch(number, 1000 + number)
        rig.refuse_recipients([bad.recipient], refusal.code)
        taken, error = await submit(provider, [good, bad])
        refs_of([taken])
        assert isinstance(error, refusal.expected)
        assert (error.code, error.status) == (str(refusal.code), refusal.status)
        assert_silent(rig, [told_by(error)])
    assert len(rig.taken()) == len(rig.message_refusals)


@every
async def test_account_errors_stop_the_provider_not_the_messages(rig: Rig) -> None:
    for refusal in rig.account_refusals:
        provider = await rig.open(no_report)
        rig.refuse_all(refusal.code)
        asked = rig.requests
        errors = errors_of(await submit(provider, apart(rig, 1, 2, 3)))
        assert [type(error) for error in errors] == [refusal.expected] * 3, refusal
        assert {(error.code, error.status) for error in errors} == {(str(refusal.code), refusal.status)}
        for_balance = {0, 1} if refusal.status == Status.ESME_RNOMONEY else {0}
        sent = 1 if issubclass(refusal.expected, STOPS) else 3
        assert rig.requests - asked - sent in for_balance, refusal
        assert_silent(rig, map(told_by, errors))
    assert rig.taken() == []
    rig.refuse_all(0)
    refs_of(await submit(await rig.open(no_report), batch(1)))


@every
async def test_wrong_credential_asks_once_and_pauses(rig: Rig) -> None:
    provider = await rig.open(no_report, secret=WRONG_SECRET)
    errors = errors_of(await submit(provider, apart(rig, 1, 2, 3, 4, 5)))
    assert [type(error) for error in errors] == [Disabled] * 5
    assert all(isinstance(error, Disabled) and error.pause >= 1800 for error in errors)
    assert rig.requests == 1
    assert not any(WRONG_SECRET in told_by(error) for error in errors)


@every
async def test_out_of_money(rig: Rig) -> None:
    provider = await rig.open(no_report)
    rig.spend_everything()
    errors = errors_of(await submit(provider, batch(1, 2)))
    assert [(type(error), error.status) for error in errors] == [(Disabled, Status.ESME_RNOMONEY)] * 2
    assert rig.taken() == []


# --- what must not be sent -------------------------------------------------------------------------


@every
async def test_what_check_refuses_is_not_sent_either(rig: Rig) -> None:
    """Intake asks only the first provider of a route; a message can come here from another one."""
    provider = await rig.open(no_report)
    for unfit in rig.unfit:
        with pytest.raises(Refused):
            provider.check(unfit)
    messages = [as_message(number, unfit) for number, unfit in enumerate(rig.unfit, 10)]
    good = batch(1, 2)
    results = await submit(provider, [good[0], *messages, good[1]])
    refs_of([results[0], results[-1]])
    assert [type(result) for result in results[1:-1]] == [Rejected] * len(messages)
    assert pairs(rig) == pairs_of(good)


@every
async def test_only_unfit_messages_make_no_request(rig: Rig) -> None:
    provider = await rig.open(no_report)
    results = await submit(provider, [as_message(number, unfit) for number, unfit in enumerate(rig.unfit, 1)])
    assert {type(result) for result in results} == {Rejected}
    assert rig.requests == 0


@every
async def test_binary_content_is_refused_where_it_cannot_be_carried(rig: Rig) -> None:
    provider = await rig.open(no_report)
    binary = draft(text="", octets=b"\x00\x01\x02")
    if rig.carries_octets:
        provider.check(binary)
        return
    with pytest.raises(Refused) as refused:
        provider.check(binary)
    assert refused.value.status == Status.ESME_RINVENCODING
    (result,) = await submit(provider, [as_message(1, binary)])
    assert isinstance(result, Rejected)
    assert rig.requests == 0


@every
async def test_a_flash_text_goes_everywhere_unless_it_is_not_to(rig: Rig) -> None:
    provider = await rig.open(no_report)
    provider.check(draft(flash=True))
    refs_of(await submit(provider, [fresh(1, flash=True)]))
    assert rig.requests == 1


@with_rigs(lambda rig: not rig.sends_flash)
async def test_a_flash_text_is_refused_where_the_operator_wants_no_other(rig: Rig) -> None:
    options = OPTIONS.validate_python({**rig.settings(), "flash_unsupported": "reject"})
    provider = build_provider("one", options, None)
    with pytest.raises(Refused) as refused:
        provider.check(draft(flash=True))
    assert refused.value.status == Status.ESME_RINVENCODING
    await provider.start(Upcalls(no_report))
    try:
        flash, plain = await submit(provider, [fresh(1, flash=True), fresh(2)])
    finally:
        await provider.close()
    assert isinstance(flash, Rejected)
    assert flash.status == Status.ESME_RINVENCODING
    refs_of([plain])
    assert pairs(rig) == pairs_of([fresh(2)])


@with_rigs(lambda rig: rig.sends_flash)
async def test_who_sends_flash_needs_no_such_key(rig: Rig) -> None:
    with pytest.raises(ValidationError, match="flash_unsupported"):
        OPTIONS.validate_python({**rig.settings(), "flash_unsupported": "reject"})


@every
async def test_an_ordinary_message_never_buys_anything_but_itself(rig: Rig) -> None:
    provider = await rig.open(no_report)
    messages = [as_message(number, costly) for number, costly in enumerate(COSTLY, 1)]
    messages = [
        sent._replace(recipient=fresh(sent.id).recipient) if sent.recipient == draft().recipient else sent
        for sent in messages
    ]
    taken = [sent for sent in messages if isinstance((await submit(provider, [sent]))[0], Taken)]
    assert list(rig.services_sold()) == []
    assert [kept.recipient for kept in rig.taken()] == [sent.recipient.removeprefix("+") for sent in taken]


@every
async def test_a_service_that_is_not_sold_here_is_refused(rig: Rig) -> None:
    provider = await rig.open(no_report)
    (name, *_) = sorted(SERVICES.keys() - provider.services)
    (error,) = errors_of(await submit(provider, [fresh(1, service_type=name, text="1234")]))
    assert isinstance(error, Rejected)
    assert rig.requests == 0


# --- stopping --------------------------------------------------------------------------------------


@every
async def test_stop_lets_the_request_under_way_end_and_begins_no_other(rig: Rig) -> None:
    await check_stop(rig, Fault.SLOW, Taken)


@with_providers()
@pytest.mark.slow
async def test_stop_during_a_request_that_is_not_answered(rig: Rig) -> None:
    await check_stop(rig, Fault.HANG_AFTER, Uncertain)


async def check_stop(rig: Rig, fault: Fault, first: type[object]) -> None:
    provider = await rig.open(no_report)
    rig.faults.append(fault)
    messages = apart(rig, 1, 2, 3, 4, 5)
    sending = asyncio.create_task(submit(provider, messages))
    while not rig.requests:
        await asyncio.sleep(0.01)
    provider.stop()
    results = await after(rig, fault, sending)
    assert [type(result) for result in results] == [first] + [Unavailable] * 4
    assert errors_of(await submit(provider, batch(6)))[0].reason == "not sent: stopping"
    assert rig.requests == 1
    assert pairs(rig) == pairs_of(messages[:1])


@every
async def test_nothing_is_sent_after_the_end(rig: Rig) -> None:
    provider = await rig.open(no_report)
    await provider.close()
    assert [type(result) for result in await submit(provider, batch(1, 2))] == [Unavailable] * 2
    assert rig.requests == 0
