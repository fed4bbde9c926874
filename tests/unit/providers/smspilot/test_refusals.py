"""Whom a refusal concerns: one message, the packet, or the account."""

import json

import pytest

from smppbridge.errors import Disabled, ProviderError, Rejected
from smppbridge.providers.base import Taken
from tests.support.builders.messages import NOW, message
from tests.unit.providers.smspilot.test_provider import Pilot, kinds, ok, refuse, row


@pytest.mark.parametrize("code", [105, 106, 110, 112, 118, 241, 715])
async def test_what_is_said_beside_a_message_that_was_taken_is_about_one_message(code: int) -> None:
    first = [row(id=1, status=-2, error=code), row(id=2, server_id=12)]
    async with Pilot(json.dumps({"send": first}), ok(3)) as pilot:
        messages = [message(n, sender="One") for n in (1, 2)] + [message(3, sender="Two")]
        bad, *others = await pilot.provider.send(messages, NOW)
    assert isinstance(bad, ProviderError)
    assert bad.about_message
    assert kinds(others) == [Taken, Taken]


@pytest.mark.parametrize(("code", "about_message"), [(112, True), (241, True), (106, False), (107, False)])
async def test_account_error_of_a_message_alone(code: int, about_message: bool) -> None:
    """Money may lack for this one; an account that is blocked is blocked for all."""
    first = [row(id=1, status=-2, error=code)]
    async with Pilot(json.dumps({"send": first}), ok(3)) as pilot:
        messages = [message(1, sender="One"), message(3, sender="Two")]
        bad, other = await pilot.provider.send(messages, NOW)
    assert isinstance(bad, Disabled)
    assert bad.about_message == about_message
    assert type(other) is (Taken if about_message else Disabled)


@pytest.mark.parametrize(("code", "about_message"), [(212, True), (215, True), (201, False), (241, False)])
async def test_envelope_of_one_message(code: int, about_message: bool) -> None:
    async with Pilot(refuse(code)) as pilot:
        (error,) = await pilot.provider.send([message(1)], NOW)
    assert isinstance(error, ProviderError)
    assert error.about_message == about_message


@pytest.mark.parametrize("code", [600, 601, 602, 603, 604, 605, 715])
async def test_a_message_that_the_answer_calls_undeliverable_is_not_sent_again(code: int) -> None:
    answer = json.dumps({"send": [row(id=1, status=-2, error=code), row(id=2, server_id=12)]})
    async with Pilot(answer) as pilot:
        error, taken = await pilot.provider.send([message(1), message(2)], NOW)
    assert isinstance(error, Rejected)
    assert error.err == code
    assert isinstance(taken, Taken)


BLOCKED = {"code": 106, "description": "User is blocked", "description_ru": "Закрыто"}
BLOCKED_XML = "<error><code>106</code><description>User is blocked</description>{}</error>"


@pytest.mark.parametrize(
    ("told", "xml", "status"),
    [
        ({"status": "-2", "status_ru": "Отключен"}, "<status>-2</status>", 0x4A4),
        ({"status": -2}, "<status> -2 </status>", 0x4A4),
        ({"status": -5, "status_ru": "Почта"}, "<status>-5</status>", 0x08),
        ({}, "", 0x08),
    ],
)
@pytest.mark.parametrize("api", ["api2-json", "api2-xml", "api1"])
async def test_an_account_that_is_blocked_for_its_balance_has_no_money(
    api: str, told: dict[str, object], xml: str, status: int
) -> None:
    is_xml = api == "api2-xml"
    answer = BLOCKED_XML.format(xml) if is_xml else json.dumps({"error": {**BLOCKED, **told}})
    async with Pilot(answer, api=api) as pilot:
        (error,) = await pilot.provider.send([message(1)], NOW)
        assert isinstance(error, Disabled)
        assert (error.code, error.status) == ("106", status)
        with pytest.raises(Disabled) as asked:
            await pilot.provider.balance()
    assert asked.value.status == status
