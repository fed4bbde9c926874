"""replace_sm and replace_if_present_flag over real sockets (SMPP 3.4 §4.10, §5.2.18)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from smppbridge.errors import Refused, Rejected
from smppbridge.model.message import Draft, Stage
from smppbridge.smpp.constants import EsmClass, Status
from smppbridge.smpp.pdu import DeliverSm, SubmitSm, SubmitSmResp
from smppbridge.smpp.times import format_relative
from tests.support.bridge.failing_store import rows
from tests.support.bridge.running import Clock, eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.bridge.sync import QUIET, SYNC, delivered, id_of, stages, stat
from tests.support.esme.asking import (
    HOUR,
    OTHER,
    bound,
    cancel,
    in_hand,
    later,
    multi,
    replace,
    slow,
    status,
    texts,
    to_many,
)
from tests.support.esme.esme import PHONE, Esme, submit

# --- replace_sm --------------------------------------------------------------------------------------


async def test_a_scheduled_message_gets_a_new_text(tmp_path: Path) -> None:
    lab, clock = ScriptedProvider("lab"), Clock()
    async with bound(tmp_path, lab, clock=clock) as (_, esme):
        message_id = await esme.submit(later("Дверь 3 открыта".encode("utf-16-be"), data_coding=8))
        new = replace(message_id, "Дверь 3 закрыта".encode("utf-16-be"))
        assert await status(esme, new) == Status.ESME_ROK
        assert lab.sent == []
        clock.forward(3700)
        await eventually(lambda: lab.sent)
        assert texts(lab) == ["Дверь 3 закрыта"]
        await lab.push(delivered("ref-1"))
        assert id_of(await esme.receipt()) == message_id


async def test_so_does_a_queued_one(tmp_path: Path) -> None:
    lab = slow()
    async with bound(tmp_path, lab) as (_, esme):
        await in_hand(lab, esme)
        message_id = await esme.submit(submit())
        assert await status(esme, replace(message_id, registered_delivery=0)) == Status.ESME_ROK
        lab.answer.set()
        await eventually(lambda: len(lab.sent) == 2)
        assert texts(lab)[1] == "Door 3 closed"
        await eventually(lambda: stages(tmp_path)[1][0] == Stage.SENT)
        await lab.push(delivered("ref-2"))
        await esme.silence(DeliverSm)


async def test_it_may_be_sent_earlier_than_it_was_to_be(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (_, esme):
        message_id = await esme.submit(later())
        at_once = replace(message_id, schedule_delivery_time=format_relative(0))
        assert await status(esme, at_once) == Status.ESME_ROK
        await eventually(lambda: lab.sent)
        assert texts(lab) == ["Door 3 closed"]


async def test_or_later(tmp_path: Path) -> None:
    """Beyond the end that it had by default, which moves with it."""
    lab, clock = slow(), Clock()
    async with bound(tmp_path, lab, clock=clock) as (_, esme):
        await in_hand(lab, esme)
        message_id = await esme.submit(submit())
        tomorrow = replace(message_id, schedule_delivery_time=format_relative(2 * 86400))
        assert await status(esme, tomorrow) == Status.ESME_ROK
        lab.answer.set()
        await esme.silence(DeliverSm)
        assert len(lab.sent) == 1
        clock.forward(2 * 86400 + 60)
        await eventually(lambda: len(lab.sent) == 2)
        assert texts(lab)[1] == "Door 3 closed"


async def test_but_not_beyond_the_end_that_it_was_given(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, esme):
        message_id = await esme.submit(later(validity_period=format_relative(7200)))
        late = replace(message_id, schedule_delivery_time=format_relative(7300))
        assert await status(esme, late) == Status.ESME_RINVEXPIRY
        late.validity_period = format_relative(7400)
        assert await status(esme, late) == Status.ESME_ROK


async def test_a_new_validity_period(tmp_path: Path) -> None:
    lab, clock = slow(), Clock()
    async with bound(tmp_path, lab, clock=clock) as (_, esme):
        await in_hand(lab, esme)
        message_id = await esme.submit(submit())
        assert await status(esme, replace(message_id, validity_period=format_relative(60))) == Status.ESME_ROK
        clock.forward(61)
        receipt = await esme.receipt()
        assert (id_of(receipt), stat(receipt)) == (message_id, "EXPIRED")


BAD: dict[str, tuple[dict[str, Any], int]] = {
    "a predefined message": ({"sm_default_msg_id": 1}, Status.ESME_RINVDFTMSGID),
    "no time": ({"schedule_delivery_time": "2" * 16}, Status.ESME_RINVSCHED),
    "a time in 2125": ({"schedule_delivery_time": "990000000000000R"}, Status.ESME_RINVSCHED),
    "a period until 2125": ({"validity_period": "990000000000000R"}, Status.ESME_RINVEXPIRY),
    "no period": ({"validity_period": "9" * 15 + "+"}, Status.ESME_RINVEXPIRY),
    "an end before the scheduled time": ({"validity_period": format_relative(60)}, Status.ESME_RINVEXPIRY),
    "an end that is over": ({"validity_period": "200101000000000+"}, Status.ESME_RINVEXPIRY),
    "no text": ({"short_message": b""}, Status.ESME_RINVTEXT),
    "half a character": ({"short_message": b"\x04\x14\x04"}, Status.ESME_RINVTEXT),
    "another sender": ({"source_addr": "OTHER"}, Status.ESME_RINVMSGID),
}


@pytest.mark.parametrize("codes", ["sms-assistent", "standard"])
async def test_what_would_not_be_taken_does_not_replace(tmp_path: Path, codes: str) -> None:
    accounts = f"accounts: {{pbx: {{password: secret, status_codes: {codes}}}}}"
    text_is_bad = Status.ESME_RINVMSGLEN if codes == "standard" else Status.ESME_RINVTEXT
    async with bound(tmp_path, sections=accounts) as (_, esme):
        message_id = await esme.submit(later("Дверь".encode("utf-16-be"), data_coding=8))
        for why, (changes, status_code) in BAD.items():
            expected = text_is_bad if status_code == Status.ESME_RINVTEXT else status_code
            assert await status(esme, replace(message_id, b"\x04\x14", **changes)) == expected, why
            assert rows(tmp_path, "SELECT text FROM messages") == [("Дверь",)], why


class Picky(ScriptedProvider):
    """Carries no text with a swear word."""

    def check(self, draft: Draft) -> None:
        if "damn" in (draft.text or ""):
            raise Refused(Status.ESME_RINVTEXT, "swearing")


async def test_the_provider_must_be_able_to_carry_it(tmp_path: Path) -> None:
    async with (
        scripted(tmp_path, Picky("lab"), ScriptedProvider("spare")) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        message_id = await esme.submit(later())
        assert await status(esme, replace(message_id, "damn door")) == Status.ESME_ROK
        [(provider, text)] = rows(tmp_path, "SELECT provider, text FROM messages")
        assert (provider, text) == ("spare", "damn door")


async def test_what_left_the_bridge_is_not_replaced(tmp_path: Path) -> None:
    lab = slow()
    async with bound(tmp_path, lab) as (_, esme):
        message_id = await in_hand(lab, esme)
        refusals = [await status(esme, replace(message_id))]
        lab.answer.set()
        await eventually(lambda: stages(tmp_path)[0][0] == Stage.SENT)
        refusals.append(await status(esme, replace(message_id)))
        await lab.push(delivered("ref-1"))
        refusals.append(await status(esme, replace(message_id)))
        cancelled = await esme.submit(later())
        await status(esme, cancel(cancelled))
        refusals.append(await status(esme, replace(cancelled)))
        assert refusals == [Status.ESME_RREPLACEFAIL] * 4


async def test_nor_what_the_provider_keeps_until_its_time(tmp_path: Path) -> None:
    lab = slow()
    lab.schedules_itself = True
    async with bound(tmp_path, lab) as (_, esme):
        await in_hand(lab, esme)
        message_id = await esme.submit(later())
        assert await status(esme, replace(message_id)) == Status.ESME_RREPLACEFAIL
        assert await status(esme, cancel(message_id)) == Status.ESME_ROK


async def test_all_destinations_that_still_wait_get_it(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, esme):
        message_id = (await to_many(esme, multi([PHONE, OTHER], schedule_delivery_time=HOUR))).message_id
        assert await status(esme, replace(message_id)) == Status.ESME_ROK
        assert rows(tmp_path, "SELECT text FROM messages") == [("Door 3 closed",)] * 2


async def test_a_long_message_is_replaced_by_any_of_its_parts(tmp_path: Path) -> None:
    lab, clock = ScriptedProvider("lab"), Clock()
    async with bound(tmp_path, lab, clock=clock) as (_, esme):
        parts = [
            later(b"\x05\0\x03\x09\x02" + bytes((number,)) + b"Door ", esm_class=int(EsmClass.UDHI))
            for number in (1, 2)
        ]
        ids = await esme.submit_many(parts)
        await eventually(lambda: Stage.WAITING in [row[0] for row in stages(tmp_path)])
        assert await status(esme, replace(ids[1])) == Status.ESME_ROK
        clock.forward(3700)
        await eventually(lambda: lab.sent)
        assert texts(lab) == ["Door 3 closed"]


async def test_a_message_is_replaced_after_a_restart(tmp_path: Path) -> None:
    lab, clock = ScriptedProvider("lab"), Clock()
    async with bound(tmp_path, lab, clock=clock) as (_, esme):
        message_id = await esme.submit(later())
    async with bound(tmp_path, lab, clock=clock) as (_, esme):
        assert await status(esme, replace(message_id)) == Status.ESME_ROK
    async with scripted(tmp_path, lab, clock=clock):
        clock.forward(3700)
        await eventually(lambda: lab.sent)
        assert texts(lab) == ["Door 3 closed"]


# --- replace_if_present_flag -------------------------------------------------------------------------


def instead(text: str | bytes = "Door 3 closed", to: str = PHONE, **changes: object) -> SubmitSm:
    """In the place of what waits."""
    return submit(text, to, **{"replace_if_present_flag": 1, **changes})


async def test_what_waits_gets_the_new_content_under_its_old_id(tmp_path: Path) -> None:
    lab = slow()
    async with bound(tmp_path, lab) as (_, esme):
        await in_hand(lab, esme)
        message_id = await esme.submit(submit())
        assert await esme.submit(instead()) == message_id
        lab.answer.set()
        await eventually(lambda: len(lab.sent) == 2)
        assert texts(lab)[1] == "Door 3 closed"
        await eventually(lambda: stages(tmp_path)[1][0] == Stage.SENT)
        await lab.push(delivered("ref-2"))
        assert id_of(await esme.receipt()) == message_id
        await esme.silence(DeliverSm)


async def test_what_is_scheduled_is_sent_when_the_new_one_is_to_be(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (_, esme):
        message_id = await esme.submit(later())
        later_still = instead(schedule_delivery_time=format_relative(7200))
        assert await esme.submit(later_still) == message_id
        assert lab.sent == []
        assert await esme.submit(instead("Door 3 on fire")) == message_id
        await eventually(lambda: lab.sent)
        assert texts(lab) == ["Door 3 on fire"]


async def test_the_latest_of_several_is_replaced(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, esme):
        ids = [await esme.submit(later()) for _ in range(3)]
        assert await esme.submit(instead(schedule_delivery_time=HOUR)) == ids[2]
        assert rows(tmp_path, "SELECT text FROM messages ORDER BY id") == [
            ("Door 3 opened",), ("Door 3 opened",), ("Door 3 closed",),
        ]  # fmt: skip


async def test_where_nothing_waits_it_is_a_message_of_its_own(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (_, esme):
        ids = [
            await esme.submit(instead()),
            await esme.submit(later(to=OTHER)),
            await esme.submit(later(source_addr="DOOR")),
        ]
        await eventually(lambda: lab.sent)
        ids.append(await esme.submit(instead("again")))
        await eventually(lambda: len(lab.sent) == 2)
        assert len(set(ids)) == 4
        assert texts(lab) == ["Door 3 closed", "again"]


async def test_what_the_provider_is_being_given_is_not_replaced(tmp_path: Path) -> None:
    lab = slow()
    async with bound(tmp_path, lab) as (_, esme):
        first = await in_hand(lab, esme)
        second = await esme.submit(instead(to=OTHER))
        assert second != first
        assert await esme.submit(instead("third", to=OTHER)) == second
        lab.answer.set()
        await eventually(lambda: len(lab.sent) == 2)
        assert texts(lab) == ["Door 3 opened", "third"]


async def test_of_one_write_the_last_is_sent(tmp_path: Path) -> None:
    lab = slow()
    async with bound(tmp_path, lab) as (_, esme):
        await in_hand(lab, esme)
        pdus = [submit("first"), instead("second"), submit("other", to=OTHER), instead("third")]
        ids = await esme.submit_many(pdus)
        assert ids[0] == ids[1] == ids[3] != ids[2]
        lab.answer.set()
        await eventually(lambda: len(lab.sent) == 3)
        assert texts(lab)[1:] == ["third", "other"]


@pytest.mark.parametrize("flag", [2, 255])
async def test_other_flags_are_refused(tmp_path: Path, flag: int) -> None:
    async with bound(tmp_path) as (_, esme):
        assert await status(esme, instead(replace_if_present_flag=flag)) == Status.ESME_RINVREPFLAG


async def test_what_is_refused_replaces_nothing(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, esme):
        await esme.submit(later())
        assert await status(esme, instead("")) == Status.ESME_RINVTEXT
        assert rows(tmp_path, "SELECT text FROM messages") == [("Door 3 opened",)]


async def test_it_replaces_after_a_restart(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (_, esme):
        message_id = await esme.submit(later())
    async with bound(tmp_path, lab) as (_, esme):
        assert await esme.submit(instead()) == message_id
        await eventually(lambda: lab.sent)
        assert texts(lab) == ["Door 3 closed"]


async def test_all_who_wait_for_what_is_replaced_are_answered(tmp_path: Path) -> None:
    """Each has it that its message was taken. They share an id: a refusal is told by a receipt for it."""
    lab = slow()
    async with bound(tmp_path, lab, SYNC) as (app, esme):
        esme.send(submit(to=OTHER))
        await eventually(lambda: lab.sent)
        esme.send(submit("first"))
        await esme.silence(SubmitSmResp, QUIET)
        esme.send(instead("second"))
        first, second = [await esme.expect(SubmitSmResp) for _ in range(2)]
        esme.send(instead("third"))
        third = await esme.expect(SubmitSmResp)
        assert [one.sequence_number for one in (first, second, third)] == [3, 4, 5]
        assert {(one.command_status, one.message_id) for one in (first, second, third)} == {
            (0, first.message_id)
        }
        lab.answers.append(Rejected("x", status=int(Status.ESME_RINVDSTADR)))
        lab.answer.set()
        assert (await esme.expect(SubmitSmResp)).command_status == 0
        receipt = await esme.receipt()
        assert (id_of(receipt), stat(receipt)) == (first.message_id, "REJECTD")
        assert texts(lab) == ["Door 3 opened", "third"]
        assert metric(app, "submit_sm_total", account="pbx", status="ESME_ROK") == 4


async def test_a_flood_of_claims_and_replacements_loses_nothing(tmp_path: Path) -> None:
    """Each submit_sm is either sent, or another one was sent in its place: the last one always is."""
    lab = ScriptedProvider("lab", batch=1)
    async with bound(tmp_path, lab) as (_, esme):
        for number in range(300):
            esme.send(instead(f"text {number}"))
            if number % 7 == 0:
                await asyncio.sleep(0.001)
        answers = [await esme.expect(SubmitSmResp) for _ in range(300)]
        assert {answer.command_status for answer in answers} == {0}
        await eventually(lambda: lab.sent and texts(lab)[-1] == "text 299")
        numbers = [int(text.split()[1]) for text in texts(lab)]
        assert numbers == sorted(set(numbers))
        assert len({answer.message_id for answer in answers}) == len(numbers)
