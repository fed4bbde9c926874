"""What smsc.ru tells of a message besides its status: price, parts, operator, country, sender."""

from typing import Any

import pytest

from smppbridge.errors import Uncertain
from smppbridge.model.message import UNTOLD, Particulars, StatusReport
from smppbridge.providers.base import Callback, SendResult, Taken
from smppbridge.providers.smsc_ru.statuses import StatusReader
from tests.support.builders.messages import NOW, doubt, message
from tests.unit.providers.smsc_ru.centre import PHONE, Centre, ok, poll, told

ROW = {"phone": PHONE, "mccmnc": "25001", "cost": "2.80", "status": "-1", "error": "0"}
FULL: dict[str, Any] = {"cost": "2.80", "sender_id": "SMSC.RU", "country": "Россия", "operator": "МТС"}
FULL |= {"mccmnc": "25001", "region": "Москва", "status_name": "Доставлено", "message": "secret"}
OPERATOR = "operator=MTS country=Rossiya mccmnc=25001"


async def send(centre: Centre, **changes: Any) -> SendResult:
    (result,) = await centre.provider.send([message(1, **changes)], NOW)
    return result


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ok(cnt=2, cost="2.80", phones=[ROW]), Particulars(2_800_000, "RUB", 2, "mccmnc=25001")),
        (ok(cnt=2, cost="2.80"), Particulars(2_800_000, "RUB", 2)),
        (ok(cnt=10**19, cost="2.80"), Particulars(2_800_000, "RUB")),  # more than the store could hold
        ("b1.1,2,2.80,97\n79001112233,25001,2.80,-1,0", Particulars(2_800_000, "RUB", 2, "mccmnc=25001")),
        ("OK - 1 SMS, ID - b1.1, COST - 1.4, BALANCE - 5", Particulars(1_400_000, "RUB", 1)),
        ("b1.1,1", Particulars(parts=1)),
        ('{"id":"b1.1"}', UNTOLD),
    ],
)
async def test_a_message_that_was_taken(answer: str, expected: Particulars) -> None:
    async with Centre(answer) as centre:
        assert await send(centre) == Taken("b1.1", told=expected)


async def test_seconds_of_a_call_are_no_parts_and_a_currency_is_the_operators() -> None:
    async with Centre(ok(cnt=37, cost="9"), currency="KZT") as centre:
        assert await send(centre, service_type="CALL") == Taken("b1.1", told=Particulars(9_000_000, "KZT"))


async def test_statuses_in_full() -> None:
    async with Centre(told(("b1.1", 1), ("b2.1", -1), **FULL), told(("b1.1", 1))) as centre:
        reports = await centre.provider.status([poll("b1.1"), poll("b2.1")])
        assert [report.told for report in reports] == [
            Particulars(2_800_000, "RUB", 0, OPERATOR, "SMSC.RU")
        ] * 2
        assert centre.forms[0]["all"] == "2"
        (report,) = await centre.provider.status([poll("b1.1")])
        assert report.told == UNTOLD


@pytest.mark.parametrize("format_", ["text", "numbers", "xml"])
async def test_a_text_must_not_look_like_a_status(format_: str) -> None:
    """Only in JSON the texts that come with the rest are told apart from it."""
    async with Centre("[]", format=format_) as centre:
        await centre.provider.status([poll("b1.1")])
        assert "all" not in centre.forms[0]


async def test_a_full_answer_without_sense_is_not_asked_for_again_at_once() -> None:
    async with Centre('[{"message":"a"b', "[]", "[]") as centre:
        with pytest.raises(Uncertain):
            await centre.provider.status([poll("b1.1")])
        await centre.provider.status([poll("b1.1")])
        await centre.provider.status([poll("b1.1")])
        assert [form.get("all") for form in centre.forms] == ["2", None, "2"]


async def test_doubts_are_asked_about_without_texts() -> None:
    async with Centre("[]") as centre:
        await centre.provider.find([doubt(message(1))], NOW)
        assert "all" not in centre.forms[0]


async def test_callback() -> None:
    async with Centre() as centre:
        form = {"id": "b1.1", "phone": PHONE, "status": "1", "cost": "1.40", "sender_id": "Demo", "type": "0"}
        (report,) = centre.provider.parse_callback(Callback("POST", {}, {}, form))
        assert isinstance(report, StatusReport)
        assert report.told == Particulars(1_400_000, "RUB", 0, "", "Demo")


@pytest.mark.parametrize(
    ("fields", "sender"),
    [
        ({"sender_id": "Demo", "type": "0"}, "Demo"),
        ({"sender_id": "Demo"}, "Demo"),
        ({"sender_id": "+79001112233", "type": "7"}, "79001112233"),
        *(({"sender_id": "SMSC.RU", "type": kind}, "") for kind in "458"),  # none was asked for
        ({}, ""),
    ],
)
def test_the_sender_that_the_phone_shows(fields: dict[str, str], sender: str) -> None:
    assert StatusReader("RUB", ()).told(fields).sender == sender


def test_reasons_are_told_without_secrets_and_numbers() -> None:
    reader = StatusReader("RUB", ("SECRET",))
    reason = reader.reason(20, 6, {"status_name": f"SECRET {PHONE}"})
    assert reason.endswith("out of reach: *** 7900***")
    assert reader.report("b1.1", 77, 0, {}) is reader.report("b1.1", None, 0, {}) is None
