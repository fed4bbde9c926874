"""Every answer that sms-assistent.by's manual (API v1) prints, replayed: what each becomes.

§1.2 and §1.3 are the values of all three formats, so each value comes in every place that has one.
"""

from collections import Counter
from typing import NamedTuple

import pytest

from smppbridge.errors import Disabled, Postponed, ProviderError, Rejected, Unavailable
from smppbridge.model.message import Particulars, State
from smppbridge.providers.base import SendResult, Taken
from smppbridge.providers.upstream import codes as upstream
from smppbridge.providers.upstream.options import SMS_ASSISTENT
from tests.support.builders.messages import NOW, message, poll
from tests.unit.providers.sms_assistent.steps import Assist
from tests.unit.providers.upstream.samples import receipt, report_of

ONE_PART = Particulars(parts=1)


class Code(NamedTuple):
    """A row of §1.2: what becomes of a request with this code, and of one message beside others."""

    code: int
    whole: type[ProviderError]
    beside: type[ProviderError]
    status: int


CODES = [
    Code(-1, Disabled, Disabled, 0x4A4),
    Code(-2, Disabled, Disabled, 0x08),
    Code(-3, Rejected, Rejected, 0x4A5),
    Code(-4, Rejected, Rejected, 0x0B),
    Code(-5, Rejected, Rejected, 0x0A),
    Code(-6, Rejected, Rejected, 0x08),
    Code(-7, Rejected, Rejected, 0x08),
    Code(-10, Unavailable, Unavailable, 0x08),
    Code(-11, Rejected, Rejected, 0x0C),
    Code(-12, Unavailable, Unavailable, 0x08),
    Code(-13, Disabled, Disabled, 0x08),
    Code(-14, Postponed, Postponed, 0x45),
    Code(-15, Rejected, Rejected, 0x61),
]

WORDS = [  # §1.3
    ("Queued", State.ACCEPTED, False, 0),
    ("Sent", State.ENROUTE, False, 0),
    ("Delivered", State.DELIVERED, True, 0),
    ("Expired", State.EXPIRED, True, 451),
    ("Rejected", State.UNDELIVERABLE, True, 452),
    ("Unknown", State.UNKNOWN, False, 454),
    ("Failed", State.REJECTED, True, 453),
]

SENT_XML = """<?xml version="1.0" encoding="utf-8" ?>
<package>
  <message>
    <msg sms_id="0" sms_count="1">-5</msg>
    <msg sms_id="1234568" sms_count="1"/>
  </message>
</package>
"""
ERROR_XML = """<?xml version="1.0" encoding="utf-8" ?>
<package>
  <error>-2</error>
</package>
"""
STATUS_XML = """<?xml version="1.0" encoding="utf-8" ?>
<package>
  <status>
    <msg sms_id="1234568" sms_count="1">Delivered</msg>
  </status>
</package>
"""
SENT_JSON = """{
  "message":
    {"msg":[
      {"sms_id":12345678,"sms_count":1,"error_code":0},
      {"sms_id":0,"sms_count":1,"error_code":-5}
    ]}
}
"""
STATUS_JSON = """{
  "status": {
    "msg": [
      {"sms_id":12345678,"sms_count":1,"sms_status":"Delivered"}
    ]
  }
}
"""
SENT = {  # by section: format, answer, what the two messages become (a reference, or a code)
    "3.1.1": ("xml", SENT_XML, ["-5", "1234568"]),
    "3.1.2": ("xml", ERROR_XML, ["-2", "-2"]),
    "4.1.1": ("json", SENT_JSON, ["12345678", "-5"]),
}
ASKED = {"3.2": ("xml", STATUS_XML, "1234568"), "4.2": ("json", STATUS_JSON, "12345678")}
CREDITS = [("0", 0.0), ("100", 100.0), ("1250", 1250.0)]  # §2.3: the number of credits; none is printed

STATS = {  # §5.3.5
    "DELIVRD": State.DELIVERED,
    "EXPIRED": State.EXPIRED,
    "DELETED": State.DELETED,
    "UNDELIV": State.UNDELIVERABLE,
    "DELIVERY": State.DELIVERED,
    "UNKNOWN": State.UNKNOWN,
    "REJECTED": State.REJECTED,
}
STATUSES: dict[int, tuple[type[ProviderError], int]] = {  # §5.3.6: what becomes of it, command_status onward
    0x22: (Unavailable, 0x22),
    0x0B: (Rejected, 0x0B),
    0x04: (Unavailable, 0x08),
    0x02: (Rejected, 0x08),
    0x0E: (Disabled, 0x08),
    0x0A: (Rejected, 0x0A),
    0x4A3: (Rejected, 0x4A3),
    0x4A4: (Disabled, 0x4A4),
    0x4A5: (Rejected, 0x4A5),
}

PRINTED = {
    "1.2": 14,  # the codes, and the id of a message
    "1.3": 7,
    **dict.fromkeys(("3.1.1", "3.1.2", "3.2", "4.1.1", "4.1.2", "4.2"), 1),
    "5.3.4": 1,
    "5.3.5": 7,
    "5.3.6": 9,
}
"""How many answers each section prints."""


def test_nothing_is_left_out() -> None:
    replayed = Counter({"1.2": len(CODES) + 1, "1.3": len(WORDS), "4.1.2": 1, "5.3.4": 1})
    replayed += Counter([*SENT, *ASKED])
    replayed += Counter({"5.3.5": len(STATS), "5.3.6": len(STATUSES)})
    assert replayed == PRINTED


async def ask(api: str, *answers: str, priority: int = 0) -> list[SendResult]:
    """What becomes of two messages that are answered so: in one package, or in PLAIN."""
    async with Assist(*answers, api=api) as assist:
        return await assist.provider.send([message(1, priority=priority), message(2, priority=priority)], NOW)


def told(result: SendResult) -> str:
    """The reference, or the code."""
    return result.ref if isinstance(result, Taken) else result.code


# --- sending ----------------------------------------------------------------------------------------


async def test_an_id_in_plain() -> None:
    """§1.2: a number above 0."""
    assert await ask("plain", "1234568", "1234569") == [Taken("1234568"), Taken("1234569")]


@pytest.mark.parametrize("section", SENT)
async def test_what_became_of_messages(section: str) -> None:
    api, answer, expected = SENT[section]
    results = await ask(api, answer)
    assert [told(result) for result in results] == expected
    assert {result.told for result in results if isinstance(result, Taken)} <= {ONE_PART}


@pytest.mark.parametrize("row", CODES, ids=lambda row: str(row.code))
async def test_each_code_in_every_place(row: Code) -> None:
    code = row.code
    wholes = [  # §2.1, §3.1.2, §4.1.2
        ("plain", str(code)),
        ("xml", ERROR_XML.replace("-2", str(code))),
        ("json", f'{{"error": {code}}}'),
    ]
    for api, answer in wholes:
        if (code, api) == (-13, "plain"):
            continue  # then the message goes in a package: test_provider
        results = await ask(api, answer)
        assert {(type(one), told(one)) for one in results} == {(row.whole, str(code))}, api
        assert {getattr(one, "status", 0) for one in results} == {row.status}, api
    for api, answer in (("xml", SENT_XML), ("json", SENT_JSON)):
        results = await ask(api, answer.replace("-5", str(code)))
        (error,) = [one for one in results if isinstance(one, ProviderError)]
        assert (type(error), error.code, error.status) == (row.beside, str(code), row.status)
        assert error.about_message
        assert error.reason.startswith(f"{code}: ")


# --- asking -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", ASKED)
async def test_a_status(section: str) -> None:
    api, answer, ref = ASKED[section]
    async with Assist(answer, api=api) as assist:
        (report,) = await assist.provider.status([poll(ref, NOW)])
        assert (report.provider_ref, report.state, report.final) == (ref, State.DELIVERED, True)


@pytest.mark.parametrize(("word", "state", "final", "err"), WORDS)
async def test_each_word_in_every_place(word: str, state: State, final: bool, err: int) -> None:
    """§2.2, §3.2, §4.2. The table below §4.2 calls the field `status`, the example above it `sms_status`."""
    answers = [
        ("plain", word, "1"),
        ("xml", STATUS_XML.replace("Delivered", word), "1234568"),
        ("json", STATUS_JSON.replace("Delivered", word), "12345678"),
        ("json", STATUS_JSON.replace("Delivered", word).replace("sms_status", "status"), "12345678"),
    ]
    for api, answer, ref in answers:
        async with Assist(answer, api=api) as assist:
            (report,) = await assist.provider.status([poll(ref, NOW)])
            assert (report.provider_ref, *report[1:5]) == (ref, state, final, err, word)


@pytest.mark.parametrize(("answer", "credits"), CREDITS)
async def test_credits(answer: str, credits: float) -> None:
    """§2.3, §3.3, §4.3: one address for all formats."""
    async with Assist(answer) as assist:
        assert await assist.provider.balance() == credits


# --- SMPP -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "state"), STATS.items())
@pytest.mark.parametrize("between", ["\n", " "])
def test_a_receipt(word: str, state: State, between: str) -> None:
    """§5.3.4 has a field on each line, and no text."""
    fields = ["id:123", "sub:001", "dlvrd:001", "submit date:1703141530", "done date:1703141531"]
    report = report_of(receipt(between.join([*fields, f"stat:{word}", "err:000"])))
    assert (report.provider_ref, report.state, report.final) == ("123", state, True)
    assert report.code == word


@pytest.mark.parametrize("status", STATUSES)
def test_a_command_status(status: int) -> None:
    error = upstream.to_error(upstream.rule_for(SMS_ASSISTENT, {}, status, 0), status, "reason")
    assert (type(error), error.status) == STATUSES[status]
    assert int(error.code, 16) == status
