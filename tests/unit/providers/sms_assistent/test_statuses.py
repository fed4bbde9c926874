"""Status questions to sms-assistent: lists, halves of lists, one by one, and inside packages of messages."""

import asyncio
import json
import time
from collections.abc import Sequence

import pytest

from smppbridge.errors import Disabled, Throttled, Unavailable, Uncertain
from smppbridge.model.message import Poll, State, StatusReport
from smppbridge.providers.base import Taken
from smppbridge.providers.sms_assistent import codes
from smppbridge.providers.sms_assistent.records import StatusRow
from smppbridge.providers.sms_assistent.statuses import StatusQuestions
from tests.simulators.sms_assistent.simulator import Rules, SmsAssistentSimulator
from tests.support.builders.messages import DAY, message, poll
from tests.support.http.server import Fault
from tests.unit.providers.sms_assistent.steps import SECRET, Assist, Gate, kinds, packed, refused

NOW = int(time.time() * 1000)
OLD = NOW - 11 * 60_000


def polls(*refs: object, at: int = NOW) -> list[Poll]:
    return [poll(str(ref), at) for ref in refs]


NOT_DELIVERED = codes.words_of_status("Rejected")


def words_told(code: int) -> str:
    """The reason of a message that ends with this code."""
    return f"{code}: {codes.words_of(code)}"


BAD_NUMBER = StatusReport("7?", State.REJECTED, True, 404, "-4", reason=words_told(-4))


def words(**row: str) -> str:
    """An answer in JSON; keys are the ids with a letter in front."""
    rows = [{"sms_id": int(ref[1:]), "sms_count": 1, "sms_status": word} for ref, word in row.items()]
    return json.dumps({"status": {"msg": rows}})


async def test_reports() -> None:
    async with Assist(words(i1="Queued", i2="DELIVERED", i3="Rejected", i4="Lost", i9="Sent")) as assist:
        assert await assist.provider.status(polls(1, 2, 3, 4, 5)) == [
            StatusReport("1", State.ACCEPTED, False, 0, "Queued"),
            StatusReport("2", State.DELIVERED, True, 0, "Delivered"),
            StatusReport("3", State.UNDELIVERABLE, True, 452, "Rejected", reason=NOT_DELIVERED),
        ]
        assert assist.packages[0]["status"] == {"msg": [{"sms_id": str(n)} for n in range(1, 6)]}


async def test_a_status_of_no_list_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async with Assist(words(i1="Lost", i2="lost", i3="Lost", i4="\n375296717259" * 9)) as assist:
        assert await assist.provider.status(polls(1, 2, 3, 4)) == []
        assert await assist.provider.status(polls(1, 2, 3, 4)) == []
    told = [record.getMessage() for record in caplog.records]
    assert [text.rpartition("holds: ")[2] for text in told] == ['"Lost"', '"lost"', '"3752***"']


async def test_rejected_as_the_operator_wants() -> None:
    async with Assist(words(i3="Rejected"), rejected_as="REJECTD") as assist:
        assert await assist.provider.status(polls(3)) == [
            StatusReport("3", State.REJECTED, True, 452, "Rejected", reason=NOT_DELIVERED)
        ]


async def test_lists_have_at_most_a_hundred() -> None:
    async with Assist(words(i1="Sent"), words(i101="Sent")) as assist:
        reports = await assist.provider.status(polls(*range(1, 202)))
        assert [len(package["status"]["msg"]) for package in assist.packages] == [100, 100, 1]
        assert [report.provider_ref for report in reports] == ["1", "101"]


@pytest.mark.parametrize("ref", ["", "0", "?", "01", "1??", "-1", "x", "1 ", "9" * 21, "٣"])
async def test_odd_references_are_not_asked_for(ref: str) -> None:
    async with Assist(words(i1="Sent")) as assist:
        assert await assist.provider.status(polls(ref)) == []
        assert assist.ways == []


# --- unknown ids -----------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [refused(-11), '{"status":{"msg":[{"sms_id":5,"sms_status":"-11"}]}}'])
async def test_an_unknown_id_ends_only_an_old_message(answer: str) -> None:
    async with Assist(answer) as assist:
        assert await assist.provider.status(polls(5)) == []
        assert await assist.provider.status(polls(5, at=OLD)) == [
            StatusReport("5", State.UNKNOWN, True, 454, "-11", reason=words_told(-11))
        ]


@pytest.mark.parametrize("code", [-4, -10, -99])
async def test_no_other_code_of_a_row_ends_a_message(code: int) -> None:
    async with Assist(words(i5=str(code))) as assist:
        assert await assist.provider.status(polls(5, at=OLD)) == []


async def test_a_list_that_an_unknown_id_spoils_is_halved() -> None:
    async with (
        SmsAssistentSimulator(Rules(password=SECRET, delay=0)) as simulator,
        Assist("", url=simulator.url) as assist,
    ):
        sent = await assist.provider.send([message(n, deadline=NOW + DAY) for n in range(1, 98)], NOW)
        refs = [result.ref for result in sent if isinstance(result, Taken)]
        asked = polls(*refs[:40], 1, *refs[40:90], 2, *refs[90:])
        before = simulator.server.requests
        reports = await assist.provider.status(asked)
        assert [report.provider_ref for report in reports] == refs
        assert {report.state for report in reports} == {State.DELIVERED}
        assert simulator.server.requests - before < 30


async def test_many_unknown_ids_do_not_make_questions_without_end() -> None:
    async with Assist(refused(-11)) as assist:
        reports = await assist.provider.status(polls(*range(1, 101), at=OLD))
        assert len(assist.packages) == 41
        assert 0 < len(reports) < 100
        assert {report.state for report in reports} == {State.UNKNOWN}


# --- failures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "error"), [(-2, Disabled), (-13, Disabled), (-10, Unavailable), (-12, Unavailable)]
)
@pytest.mark.parametrize("api", ["json", "xml", "plain"])
async def test_a_question_that_is_refused(code: int, error: type[Exception], api: str) -> None:
    body = {"json": refused(code), "xml": f"<package><error>{code}</error></package>", "plain": str(code)}[
        api
    ]
    async with Assist(body, api=api) as assist:
        with pytest.raises(error):
            await assist.provider.status(polls(1, 2))
        assert len(assist.ways) == 1


async def test_what_was_answered_before_a_failure_is_told() -> None:
    async with Assist(words(i1="Delivered"), refused(-10)) as assist:
        reports = await assist.provider.status(polls(*range(1, 102)))
        assert [report.provider_ref for report in reports] == ["1"]


async def test_senseless_answer() -> None:
    async with Assist("Delivered") as assist:
        with pytest.raises(Uncertain):
            await assist.provider.status(polls(1))


# --- numbers that were taken as no SMS --------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "report"),
    [
        (words(i7="Queued"), BAD_NUMBER),
        (words(i7="Unknown"), BAD_NUMBER),
        (words(i8="Sent"), BAD_NUMBER),
        (refused(-11), BAD_NUMBER),
        (
            words(i7="Failed"),
            StatusReport("7?", State.REJECTED, True, 453, "Failed", reason=codes.words_of_status("Failed")),
        ),
        (words(i7="Delivered"), StatusReport("7?", State.DELIVERED, True, 0, "Delivered")),
    ],
)
async def test_a_doubted_number_is_asked_about_once(answer: str, report: StatusReport) -> None:
    async with Assist(answer) as assist:
        assert await assist.provider.status(polls("7?")) == [report]
        assert assist.packages[0]["status"] == {"msg": [{"sms_id": "7"}]}


async def test_a_doubted_number_about_which_nobody_answers_is_still_open() -> None:
    async with Assist(refused(-10)) as assist:
        with pytest.raises(Unavailable):
            await assist.provider.status(polls("7?"))


@pytest.mark.parametrize("api", ["json", "xml"])
async def test_a_doubted_number_from_end_to_end(api: str) -> None:
    rules = Rules(password=SECRET, accept_bad_numbers=True, extra_keys=True, delay=0)
    async with SmsAssistentSimulator(rules) as simulator, Assist("", url=simulator.url, api=api) as assist:
        messages = [message(1, deadline=NOW + DAY), message(2, recipient="37510123456", deadline=NOW + DAY)]
        good, bad = await assist.provider.send(messages, NOW)
        assert kinds([good, bad]) == [Taken, Taken]
        assert isinstance(good, Taken)
        assert isinstance(bad, Taken)
        assert bad.ref.endswith("?")
        states = [report.state for report in await assist.provider.status(polls(good.ref, bad.ref))]
        assert states == [State.DELIVERED, State.REJECTED]


# --- PLAIN ------------------------------------------------------------------------------------------


async def test_one_by_one() -> None:
    async with Assist("Sent", "-11", "nonsense", "Failed", api="plain") as assist:
        reports = await assist.provider.status(polls(1, 2, 3, 4, at=OLD))
        assert [form["id"] for form in assist.forms] == ["1", "2", "3", "4"]
        assert set(assist.ways) == {"statuses/plain"}
        assert [(report.provider_ref, report.state) for report in reports] == [
            ("1", State.ENROUTE),
            ("2", State.UNKNOWN),
            ("4", State.REJECTED),
        ]


async def test_one_by_one_stops_at_a_failure_and_tells_what_it_has() -> None:
    async with Assist("Sent", "-2", api="plain") as assist:
        reports = await assist.provider.status(polls(1, 2, 3, 4))
        assert [report.provider_ref for report in reports] == ["1"]
        assert len(assist.forms) == 2


@pytest.mark.slow
async def test_one_by_one_but_several_at_once() -> None:
    async with (
        Gate("Delivered") as gate,
        Assist("", url=gate.url, api="plain", parallel=3) as assist,
    ):
        asking = asyncio.create_task(assist.provider.status(polls(*range(1, 9))))
        await gate.crowd(3)
        gate.open()
        assert len(await asking) == gate.requests == 8


# --- inside packages of messages (XML) ------------------------------------------------------------


def in_xml(sent: str = "", statuses: str = "") -> str:
    parts = (f"<message>{sent}</message>" if sent else "") + (
        f"<status>{statuses}</status>" if statuses else ""
    )
    return f"<package>{parts}</package>"


QUEUED = in_xml(statuses='<msg sms_id="5" sms_count="1">Queued</msg>')
SENT, DELIVERED = '<msg sms_id="11" sms_count="1"/>', '<msg sms_id="5" sms_count="1">Delivered</msg>'
REPORT = StatusReport("5", State.DELIVERED, True, 0, "Delivered")
ONE = [message(1, deadline=NOW + DAY)]


async def together(assist: Assist, *refs: object) -> tuple[object, list[StatusReport]]:
    """Ask and send at the same time."""
    asking = asyncio.create_task(assist.provider.status(polls(*refs)))
    await asyncio.sleep(0)
    (result,) = await assist.provider.send(ONE, NOW)
    return result, await asyncio.wait_for(asking, 30)


async def test_a_package_takes_a_question_along() -> None:
    async with Assist(QUEUED, in_xml(SENT, DELIVERED), api="xml", batch_wait=5) as assist:
        await assist.provider.status(polls(5))
        assert await together(assist, 5) == (packed(11), [REPORT])
        _, document = assist.documents
        assert [part.tag for part in document] == ["message", "status"]
        assert document[1][0].attrib == {"sms_id": "5"}


async def test_a_question_that_no_package_takes_goes_alone() -> None:
    async with Assist(QUEUED, in_xml(statuses=DELIVERED), api="xml", batch_wait=0.05) as assist:
        await assist.provider.status(polls(5))
        began = time.monotonic()
        assert await assist.provider.status(polls(5)) == [REPORT]
        assert time.monotonic() - began >= 0.04
        assert [[part.tag for part in document] for document in assist.documents] == [["status"]] * 2


async def test_halves_of_a_question_do_not_wait_again(monkeypatch: pytest.MonkeyPatch) -> None:
    queued = "".join(f'<msg sms_id="{number}" sms_count="1">Queued</msg>' for number in (4, 5))
    answers = [in_xml(statuses=queued), *["<package><error>-11</error></package>"] * 2]
    async with Assist(*answers, in_xml(statuses=DELIVERED), api="xml", batch_wait=0.01) as assist:
        await assist.provider.status(polls(4, 5))  # only ids that they know wait for a package
        wait, waits = assist.provider.piggybacked.ask, list[Sequence[str]]()

        async def noted(refs: Sequence[str]) -> Sequence[StatusRow] | None:
            waits.append(refs)
            return await wait(refs)

        monkeypatch.setattr(assist.provider.piggybacked, "ask", noted)
        assert await assist.provider.status(polls(4, 5)) == [REPORT]
        assert waits == [["4", "5"]]
        assert len(assist.documents) == 4


async def test_only_ids_that_they_know_go_along() -> None:
    async with Assist(QUEUED, in_xml(SENT, DELIVERED), QUEUED, api="xml", batch_wait=5) as assist:
        await assist.provider.status(polls(5))
        assert await together(assist, 4, 5) == (packed(11), [REPORT])
        _, both, alone = assist.documents
        assert [row.attrib["sms_id"] for row in both[1]] == ["5"]
        assert [row.attrib["sms_id"] for row in alone[0]] == ["4"]


async def test_an_id_that_they_forgot_goes_along_no_more() -> None:
    forgotten = "<package><error>-11</error></package>"
    async with Assist(QUEUED, forgotten, in_xml(SENT), api="xml", batch_wait=0.01) as assist:
        for _ in range(2):
            await assist.provider.status(polls(5))
        assert (await together(assist, 5))[0] == packed(11)
        assert [[part.tag for part in document] for document in assist.documents[2:]].count(["message"]) == 1


async def test_remembered_ids_are_bounded() -> None:
    async with Assist(words(i1="Queued", i2="Queued", i3="Sent")) as assist:
        questions = StatusQuestions(assist.provider, max_known=2)
        await questions.ask(polls(1, 2, 3))
        assert list(questions._known) == ["2", "3"]


async def test_messages_with_a_refused_question_are_in_doubt() -> None:
    """Whether they were taken no manual says: sent again they might go out twice."""
    answers = (QUEUED, "<package><error>-11</error></package>", in_xml(statuses=DELIVERED))
    async with Assist(*answers, api="xml", batch_wait=5) as assist:
        await assist.provider.status(polls(5))
        result, reports = await together(assist, 5)
        assert (type(result), reports) == (Uncertain, [REPORT])
        assert [[part.tag for part in document] for document in assist.documents] == [
            ["status"],
            ["message", "status"],
            ["status"],
        ]


async def test_an_unknown_id_does_not_spoil_the_messages() -> None:
    async with SmsAssistentSimulator(Rules(password=SECRET)) as simulator:
        async with Assist("", url=simulator.url, api="xml", batch_wait=5) as assist:
            result, reports = await together(assist, 5)
        assert (type(result), reports) == (Taken, [])
        assert len(simulator.accepted) == 1
        assert simulator.requests_by_api["xml"] == 2


@pytest.mark.parametrize("answer", [in_xml(SENT), "<package><error>-10</error></package>", "<html>"])
async def test_a_package_without_the_answer_is_followed_by_a_question(answer: str) -> None:
    async with Assist(QUEUED, answer, in_xml(statuses=DELIVERED), api="xml", batch_wait=5) as assist:
        await assist.provider.status(polls(5))
        result, reports = await together(assist, 5)
        assert isinstance(result, Taken if "<message>" in answer else (Unavailable, Uncertain))
        assert reports == [REPORT]
        assert len(assist.documents) == 3


async def test_a_package_that_did_not_arrive_leaves_nobody_waiting() -> None:
    async with SmsAssistentSimulator(Rules(password=SECRET, delay=0)) as simulator:
        async with Assist("", url=simulator.url, api="xml", batch_wait=5) as assist:
            (first,) = await assist.provider.send(ONE, NOW)
            assert isinstance(first, Taken)
            await assist.provider.status(polls(first.ref))
            simulator.faults.append(Fault.HTTP_429)
            result, reports = await together(assist, first.ref)
        assert isinstance(result, Throttled)
        assert [report.state for report in reports] == [State.DELIVERED]


async def test_json_packages_take_nobody_along() -> None:
    """Short messages go in XML there, too, but a question has a way of its own."""
    async with Assist(words(i5="Delivered"), in_xml(SENT), batch_wait=5) as assist:
        assert await assist.provider.status(polls(5)) == [REPORT]
        await assist.provider.send([message(1, deadline=NOW + 60_000)], NOW)
        assert assist.ways == ["json", "xml"]


# --- money -----------------------------------------------------------------------------------------


async def test_balance() -> None:
    async with Assist("12.50", "-2") as assist:
        assert await assist.provider.balance() == assist.provider.last_balance == 12.5
        assert assist.server.asked[0][0] == "/api/v1/credits/plain"
        assert assist.forms[0] == {"user": "user", "password": SECRET}
        with pytest.raises(Disabled):
            await assist.provider.balance()
        assert assist.provider.last_balance == 12.5
