"""What smsc.ru is asked about messages, by (id, phone), and what it tells by itself."""

import json
import time
from typing import Any

import pytest
from starlette.responses import Response

from smppbridge.errors import (
    Disabled,
    Postponed,
    ProviderError,
    Rejected,
    Throttled,
    Uncertain,
    WrongSignature,
)
from smppbridge.model.message import Inbound, State, StatusReport
from smppbridge.providers.base import Callback, Trace
from tests.support.builders.messages import NOW, doubt, message
from tests.unit.providers.smsc_ru.centre import PHONE, Centre, poll, refuse, told

# --- statuses --------------------------------------------------------------------------------------


async def test_one_status() -> None:
    async with Centre('{"status":20,"last_timestamp":5,"err":6}') as centre:
        reports = await centre.provider.status([poll("b1.1")])
        reports = [report._replace(reason="") for report in reports]
        assert reports == [StatusReport("b1.1", State.UNDELIVERABLE, True, 6, "20/6")]
        assert centre.paths == ["/sys/status.php"]
        form = centre.forms[0]
        assert (form["id"], form["phone"], form["charset"]) == ("b1.1", PHONE, "utf-8")


async def test_several_statuses_in_one_question() -> None:
    async with Centre(told(("b2.1", 1), ("b1.1", -1), ("b9.1", 1), ("b3.1", 77))) as centre:
        reports = await centre.provider.status([poll(ref) for ref in ("b1.1", "b2.1", "b3.1", "123")])
        assert [(report.provider_ref, report.state) for report in reports] == [
            ("b1.1", State.ACCEPTED),
            ("b2.1", State.DELIVERED),
        ]
        assert (centre.forms[0]["id"], centre.forms[0]["phone"]) == (
            "b1.1,b2.1,b3.1,123",
            ",".join([PHONE] * 4),
        )


async def test_the_phone_is_part_of_the_key() -> None:
    async with Centre(told(("b1.1", 1))) as centre:
        reports = await centre.provider.status([poll("b1.1", "79001112244"), poll("b2.1")])
        assert reports == []


async def test_recipients_of_other_services_are_named_as_they_were_sent() -> None:
    async with Centre("[]") as centre:
        await centre.provider.status([poll("b1.1", "alex_nick"), poll("b2.1", "a@example.org")])
        assert centre.forms[0]["phone"] == "@alex_nick,a@example.org"


async def test_at_most_fifty_are_asked_for() -> None:
    async with Centre("[]") as centre:
        await centre.provider.status([poll(f"b{number}.1") for number in range(60)])
        assert len(centre.forms[0]["id"].split(",")) == 50 == centre.provider.limits.poll_batch


@pytest.mark.parametrize("ref", ["", "nonsense", "b1", "b1.1,b2.1", "b1.1 ", "x1.1", "-5"])
async def test_odd_references_are_not_asked_for(ref: str) -> None:
    async with Centre("[]") as centre:
        assert await centre.provider.status([poll(ref)]) == []
        assert await centre.provider.status([poll("b1.1", "7900,7901"), poll("b1.1", "")]) == []
        assert centre.paths == []


@pytest.mark.parametrize("answer", ['{"status":-3,"err":0}', refuse(3, "message not found"), "0,-3"])
@pytest.mark.parametrize(("age", "final"), [(0, False), (1700, False), (1900, True)])
async def test_a_message_that_smsc_does_not_know(answer: str, age: float, final: bool) -> None:
    async with Centre(answer) as centre:
        reports = await centre.provider.status([poll("b1.1", age=age)])
        reason = "smsc.ru status -3: no such message is known there"
        lost = StatusReport("b1.1", State.UNKNOWN, True, 0, "-3", reason=reason)
        assert reports == ([lost] if final else [])


async def test_old_and_young_messages_that_smsc_does_not_know() -> None:
    async with Centre(told(("b1.1", -3), ("b2.1", -3))) as centre:
        reports = await centre.provider.status([poll("b1.1"), poll("b2.1", age=3600)])
        assert [(report.provider_ref, report.final) for report in reports] == [("b2.1", True)]


async def test_error_3_about_several_messages_says_nothing_of_each() -> None:
    async with Centre(refuse(3)) as centre:
        assert await centre.provider.status([poll("b1.1", age=3600), poll("b2.1", age=3600)]) == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refuse(1), Rejected),
        (refuse(2), Disabled),
        (refuse(4), Disabled),
        (refuse(9, "more than one mass request"), Postponed),  # messages go out meanwhile
        (refuse(9, "too many concurrent requests"), Throttled),
        ("nonsense", Uncertain),
    ],
)
async def test_refused_question(answer: str, expected: type[ProviderError]) -> None:
    async with Centre(answer) as centre:
        with pytest.raises(expected):
            await centre.provider.status([poll("b1.1")])
        with pytest.raises(expected):
            await centre.provider.find([doubt(message(1))], NOW)


async def test_number_check() -> None:
    found = {"imsi": "250010123456789", "msc": "79168960000", "mcc": "250", "mnc": "1", "cn": "Россия"}
    found |= {"net": "MTS RUS", "rcn": "", "rnet": "Orange", "region": "Moscow"}
    async with Centre(told(("b1.1", 1), ("b2.1", -3), **found)) as centre:
        (report,) = await centre.provider.status([poll("b1.1"), poll("b2.1")])
        assert (
            report.details
            == "imsi=250010123456789 msc=79168960000 mcc=250 mnc=1 cn=Rossiya net=MTS_RUS rnet=Orange"
        )


@pytest.mark.parametrize(
    ("status", "more", "reason"),
    [
        (24, {}, "smsc.ru status 24: there was less money than this costs"),
        (20, {"err": 6}, "smsc.ru status 20/6: it cannot be delivered; the phone is off or out of reach"),
        (22, {"status_name": "Неверный номер"}, "smsc.ru status 22: the number is wrong: Неверный номер"),
        (23, {"status_name": f"SECRET {PHONE}"}, "the sender: *** 7900***"),
        (1, {}, ""),
        (0, {}, ""),
    ],
)
async def test_why_a_message_was_not_delivered(status: int, more: dict[str, object], reason: str) -> None:
    async with Centre(told(("b1.1", status), **more)) as centre:
        (report,) = await centre.provider.status([poll("b1.1")])
        assert report.reason.endswith(reason)
        assert bool(report.reason) == bool(reason)


# --- doubts ----------------------------------------------------------------------------------------


def doubts(*numbers: int, attempt: int = 1) -> Any:
    return [doubt(message(number, recipient=PHONE, attempt=attempt)) for number in numbers]


@pytest.mark.parametrize(
    ("answer", "trace"),
    [
        ('{"status":0,"err":0}', Trace(1, ("b1.1",))),
        ('{"status":23,"err":254}', Trace(1, ("b1.1",))),
        ('{"status":-3,"err":0}', Trace(1, ())),
        (refuse(3, "message not found"), Trace(1, ())),
        ("ERROR = 3 (message not found)", Trace(1, ())),
        ("[]", Trace(1, (), complete=False)),
    ],
)
async def test_find_one(answer: str, trace: Trace) -> None:
    async with Centre(answer) as centre:
        assert await centre.provider.find(doubts(1), NOW) == [trace]
        assert (centre.forms[0]["id"], centre.forms[0]["phone"]) == ("b1.1", PHONE)


async def test_find_asks_about_earlier_attempts_too() -> None:
    answer = told(("b1.3", -3), ("b1.2", -3), ("b1.1", 1))
    async with Centre(answer) as centre:
        assert await centre.provider.find(doubts(1, attempt=3), NOW) == [Trace(1, ("b1.1",))]
        assert centre.forms[0]["id"] == "b1.3,b1.2,b1.1"


async def test_find_several() -> None:
    answer = told(("b1.1", -3), ("b2.1", 0))
    async with Centre(answer) as centre:
        assert await centre.provider.find(doubts(1, 2, 3), NOW) == [
            Trace(1, ()),
            Trace(2, ("b2.1",)),
            Trace(3, (), complete=False),  # not a word about it
        ]


async def test_error_3_about_several_doubts_makes_nothing_certain() -> None:
    async with Centre(refuse(3)) as centre:
        assert not any(trace.complete for trace in await centre.provider.find(doubts(1, 2), NOW))


async def test_a_question_about_doubts_is_no_longer_than_one_about_statuses() -> None:
    async with Centre("[]") as centre:
        traces = await centre.provider.find(doubts(*range(1, 30), attempt=9), NOW)
        assert len(traces) == centre.provider.limits.find_batch == 10
        asked = centre.forms[0]["id"].split(",")
        assert len(asked) == 50
        assert asked[:6] == ["b1.9", "b1.8", "b1.7", "b1.6", "b1.5", "b2.9"]


# --- messages from phones, money -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "about_message"),
    [('{"balance":"98.60"}', True), ('{"balance":"0.00"}', False), ('{"error":"no","error_code":9}', False)],
)
async def test_no_money_makes_it_ask_for_the_balance(answer: str, about_message: bool) -> None:
    refusal = json.dumps({"error": "no", "error_code": 3, "id": "b1.1"})
    async with Centre(refusal, answer, refusal) as centre:
        for _ in range(2):
            (refused,) = await centre.send(1)
            assert isinstance(refused, Disabled)
            assert refused.about_message == about_message
        assert centre.paths == ["/sys/send.php", "/sys/balance.php", "/sys/send.php"]


ANSWERS = [
    {
        "id": 7,
        "received": "21.11.2026 13:00:00",
        "phone": "+79001112233",
        "message": "Да",
        "to_phone": "1234",
    },
    {
        "id": 9,
        "received": "21.11.2026 13:01:00",
        "phone": PHONE,
        "message": "a, b",
        "to_phone": "",
        "sent": "",
    },
    {"id": 8, "received": "x", "phone": "@nick", "message": "no", "to_phone": "1234"},
]


async def test_inbound() -> None:
    async with Centre(json.dumps(ANSWERS), "[]", "[]") as centre:
        provider = centre.provider
        found = await provider.inbound(int((time.time() - 5000) * 1000))
        assert [one[1:5] for one in found] == [
            (PHONE, "1234", "Да", 1_795_255_200_000),
            (PHONE, "", "a, b", 1_795_255_260_000),
        ]
        told = posted(phone=PHONE, mes="Да", to="1234", ts="1795255200")
        assert provider.parse_callback(told) == [found[0]]  # the same both ways
        assert await provider.inbound(None) == []
        assert await provider.inbound(int((time.time() - 100 * 86400) * 1000)) == []
        assert centre.paths == ["/sys/get.php"] * 3
        assert [(form.get("hour"), form.get("after_id")) for form in centre.forms] == [
            ("2", None),
            (None, "9"),
            ("168", None),
        ]
        assert {(form["get_answers"], form["charset"], form["fmt"]) for form in centre.forms} == {
            ("1", "utf-8", "3")
        }


async def test_inbound_without_a_beginning_looks_back_a_day() -> None:
    async with Centre(refuse(3, "nothing found")) as centre:
        assert await centre.provider.inbound(None) == []
        assert centre.forms[0]["hour"] == "24"


async def test_inbound_refused() -> None:
    async with Centre(refuse(2)) as centre:
        with pytest.raises(Disabled):
            await centre.provider.inbound(None)


@pytest.mark.parametrize("body", ["1,1286524541,0,250011234567890,79116560000,250,01,Russia,MTS,,", "1,1,0,"])
async def test_one_number_check_in_numbers(body: str) -> None:
    """What it found has no names there, but its status is clear."""
    async with Centre(body, format="numbers") as centre:
        assert await centre.provider.status([poll("b1.1")]) == [
            StatusReport("b1.1", State.DELIVERED, True, 0, "1")
        ]
        assert await centre.provider.find([doubt(message(1))], NOW) == [Trace(1, ("b1.1",))]


async def test_the_number_of_an_error_page_says_nothing() -> None:
    async with Centre(Response("1", 502), format="numbers") as centre:
        with pytest.raises(Uncertain):
            await centre.provider.status([poll("b1.1")])
        with pytest.raises(Uncertain):
            await centre.provider.balance()
        assert centre.provider.last_balance is None
    async with Centre(Response("0,-7", 400), format="numbers") as centre:
        (result,) = await centre.send(1)
        assert isinstance(result, Rejected)


async def test_balance() -> None:
    async with Centre('{"balance":"178.10"}') as centre:
        assert await centre.provider.balance() == centre.provider.last_balance == 178.1
        assert centre.paths == ["/sys/balance.php"]


@pytest.mark.parametrize(
    ("answer", "expected"), [(refuse(2), Disabled), (refuse(9), Throttled), ("much", Uncertain)]
)
async def test_balance_refused(answer: str, expected: type[ProviderError]) -> None:
    async with Centre(answer) as centre:
        with pytest.raises(expected) as raised:
            await centre.provider.balance()
        assert not isinstance(raised.value, Throttled) or raised.value.after == 60


# --- callbacks -------------------------------------------------------------------------------------


def posted(**fields: str) -> Callback:
    return Callback("POST", {"charset": "utf-8"}, {}, fields)


@pytest.mark.parametrize("ref", ["0", "01", "order-5", "b5", "B5.1", "b5.1.1", "b5.1\n", "5.1"])
async def test_messages_of_other_programs_are_nothing_to_us(ref: str) -> None:
    async with Centre("") as centre:
        assert centre.provider.parse_callback(posted(id=ref, phone=PHONE, status="1")) == []


async def test_an_id_of_smsc_may_be_that_of_a_message_of_ours() -> None:
    async with Centre("") as centre:
        assert centre.provider.parse_callback(posted(id="1234", phone=PHONE, status="1")) == [
            StatusReport("1234", State.DELIVERED, True, 0, "1")
        ]


@pytest.mark.parametrize("status", ["1", "2", "4"])
async def test_delivered_read_and_clicked_are_all_delivered(status: str) -> None:
    async with Centre("") as centre:
        assert centre.provider.parse_callback(posted(id="b5.1", phone=PHONE, status=status)) == [
            StatusReport("b5.1", State.DELIVERED, True, 0, status)
        ]


async def test_callback_of_a_number_check() -> None:
    async with Centre("") as centre:
        (news,) = centre.provider.parse_callback(
            posted(id="b5.1", phone=PHONE, status="1", err="0", imsi="25001", cn="Россия", net="MTS")
        )
        assert isinstance(news, StatusReport)
        assert news.details == "imsi=25001 cn=Rossiya net=MTS"


async def test_callbacks_that_tell_nothing() -> None:
    async with Centre("") as centre:
        assert centre.provider.parse_callback(posted(id="b5.1", phone=PHONE, status="77")) == []
        assert centre.provider.parse_callback(posted(id="5", phone="@nick", mes="Да", to="1234")) == []


async def test_callback_of_a_message_from_a_phone() -> None:
    async with Centre("") as centre:
        fields = {"id": "5", "phone": PHONE, "mes": "Да", "to": "1234", "ts": "1795255200"}
        (news,) = centre.provider.parse_callback(posted(**fields))
        assert isinstance(news, Inbound)
        assert news[1:5] == (PHONE, "1234", "Да", 1_795_255_200_000)


async def test_callbacks_need_a_signature_where_a_secret_is_set() -> None:
    async with Centre("", callback_secret="S") as centre:
        for fields in (
            {"id": "b5.1", "status": "1"},
            {"id": "order-5", "status": "1"},
            {"mes": "x", "to": ""},
        ):
            with pytest.raises(WrongSignature):
                centre.provider.parse_callback(posted(phone=PHONE, **fields))
