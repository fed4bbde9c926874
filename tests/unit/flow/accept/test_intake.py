"""From submit_sm to stored segments: limits, answers after the COMMIT, and who is woken."""

import asyncio
import logging

import pytest

from smppbridge.errors import Disabled, Rejected
from smppbridge.link.scheduler import MOST_ASKED
from smppbridge.model.message import Stage
from smppbridge.smpp.constants import Status
from tests.support.bridge.failing_store import failing, rows
from tests.support.builders.accounts import account
from tests.unit.flow.accept.scene import PHONE, part, scene, submit, turns

pytestmark = pytest.mark.virtual_time


# --- answers ---------------------------------------------------------------------------------------


async def test_it_is_on_disk_before_it_is_answered() -> None:
    async with scene() as here:
        here.accept(submit(), submit())
        assert here.answers == []
        await turns()
        assert len(here.answers) == 1  # one call for one read
        ids = [response.message_id for response in here.answers[0]]
        found = [await here.store.find_messages("pbx", message_id) for message_id in ids]
        assert [message.destination_addr for [message] in found] == [PHONE, PHONE]
        assert here.passed == 0


async def test_a_refusal_keeps_its_place_among_the_others() -> None:
    async with scene() as here:
        responses = await here.submit(submit(), submit(to="G777"), submit(), submit(b""), submit())
        assert [one.command_status for one in responses] == [0, 0x0B, 0, 0x4A5, 0]
        assert [bool(one.message_id) for one in responses] == [True, False, True, False, True]
        assert len(await here.stored(Stage.QUEUED)) == 3


async def test_refusals_alone_are_answered_at_once() -> None:
    async with scene() as here:
        here.accept(submit(to="G777"), submit(b""))
        assert [one.command_status for one in here.answers[0]] == [
            Status.ESME_RINVDSTADR,
            here.link.account.status_for(Status.ESME_RINVTEXT),
        ]


async def test_one_that_breaks_us_costs_the_others_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with scene() as here:
        broken = submit()
        broken.short_message = None  # type: ignore[assignment]  # what no decoder makes
        assert await here.statuses(submit(), broken, submit()) == [0, Status.ESME_RSYSERR, 0]
        assert "unexpected error with a submit_sm of account pbx" in caplog.text


async def test_what_is_not_saved_is_not_acknowledged(caplog: pytest.LogCaptureFixture) -> None:
    async with scene() as here:
        with failing(here.directory, "INSERT ON messages"):
            statuses = await here.statuses(submit(), submit(to="G777"), submit())
        assert statuses == [Status.ESME_RSYSERR, Status.ESME_RINVDSTADR, Status.ESME_RSYSERR]
        assert "submit_sm not saved" in caplog.text
        assert (here.waits, here.waiting.unsaved.total) == (0, 0)
        assert await here.statuses(submit()) == [0]


async def test_an_error_of_ours_while_saving_is_logged_with_its_trace(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene() as here:
        error = here.loop.create_future()
        error.set_exception(RuntimeError("a bug"))
        monkeypatch.setattr(here.store, "add_segments", lambda segments: error)
        assert await here.statuses(submit()) == [Status.ESME_RSYSERR]
        assert "unexpected error while saving" in caplog.text


async def test_a_saving_that_is_cancelled_acknowledges_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene() as here:
        saving: asyncio.Future[None] = here.loop.create_future()
        monkeypatch.setattr(here.store, "add_segments", lambda segments: saving)
        here.accept(submit())
        saving.cancel()
        await turns()
        assert [one.command_status for one in here.answers[0]] == [Status.ESME_RSYSERR]


async def test_refusals_of_one_kind_are_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    async with scene() as here:
        caplog.set_level(logging.WARNING)

        def told() -> int:
            return caplog.text.count("submit_sm refused")

        await here.submit(submit(to="G777"), submit(to="G778"))
        assert told() == 1
        await here.submit(submit(b""))  # another kind
        assert told() == 2
        await asyncio.sleep(59)
        await here.submit(submit(to="G777"))
        assert told() == 2
        await asyncio.sleep(1.1)
        await here.submit(submit(to="G777"))
        assert told() == 3


# --- limits ----------------------------------------------------------------------------------------


async def test_no_more_than_the_rate() -> None:
    async with scene() as here:
        here.settings(rate=5, burst=3)
        throttled = Status.ESME_RTHROTTLED
        assert await here.statuses(*(submit() for _ in range(5))) == [0, 0, 0, throttled, throttled]
        ours, here.link.account = here.link.account, account(name="other")
        assert await here.statuses(submit()) == [0]
        here.link.account = ours
        await asyncio.sleep(0.2)
        assert await here.statuses(submit(), submit()) == [0, throttled]
        here.settings(rate=5, burst=3)  # a reload begins anew
        assert await here.statuses(submit(), submit()) == [0, 0]


async def test_what_is_refused_for_the_rate_does_not_count_against_it() -> None:
    async with scene() as here:
        here.settings(rate=1, burst=1)
        await here.submit(submit(), submit(), submit())
        await asyncio.sleep(1)
        assert await here.statuses(submit()) == [0]


FULL = Status.ESME_RMSGQFUL


async def test_a_full_queue_takes_nothing() -> None:
    async with scene() as here:
        here.settings(max_queued=2)
        bad = submit(to="G777")
        assert await here.statuses(submit(), bad, submit(), submit()) == [0, Status.ESME_RINVDSTADR, 0, FULL]
        assert here.waits == 2
        assert await here.statuses(submit(), bad, part(1)) == [FULL] * 3
        here.settings(max_queued=4)
        assert await here.statuses(part(1), submit()) == [0, 0]
        assert await here.statuses(part(2)) == [FULL]


async def test_what_leaves_makes_room_at_once() -> None:
    """Two places, and a thousand messages one after the other."""
    async with scene() as here:
        here.settings(max_queued=2)
        here.fleet.start()
        await turns()
        for _ in range(500):
            assert await here.statuses(submit(), submit()) == [0, 0]
        assert (here.passed, here.waits, len(here.providers["lab"].sent)) == (0, 0, 1000)


async def test_what_is_on_its_way_to_the_disk_takes_its_place() -> None:
    async with scene() as here:
        here.settings(max_queued=2)
        for _ in range(3):
            here.accept(submit())
        await turns()
        assert [one.command_status for call in here.answers for one in call] == [FULL, 0, 0]


async def test_an_account_is_refused_for_what_it_has_itself(caplog: pytest.LogCaptureFixture) -> None:
    """One of two accounts fills the store: the other has its half of it."""
    async with scene() as here:
        here.waiting.messages.most = 6
        ours, theirs = here.link.account, account("other")
        here.accounts.reload({"pbx": ours, "other": theirs})
        assert await here.statuses(*[submit()] * 8) == [0] * 6 + [FULL] * 2
        here.link.account = theirs
        assert await here.statuses(*[submit()] * 4) == [0] * 3 + [FULL]
        here.link.account = ours
        assert await here.statuses(submit()) == [FULL]
        refused = [one for one in caplog.records if one.getMessage() == "submit_sm refused"]
        assert [one.__dict__["fields"]["reason"] for one in refused] == [
            f"store.max_queued is reached, and {name} has its share; see why messages wait, or raise it"
            for name in ("pbx", "other")
        ]


async def test_what_waits_for_its_commit_is_bounded() -> None:
    async with scene(max_unsaved=3) as here:
        here.accept(submit(), submit(), submit())
        here.accept(submit())
        assert [one.command_status for one in here.answers[0]] == [FULL]
        await turns()
        # What is saved makes room again, and so does what could not be saved.
        assert await here.statuses(submit(), submit(), submit()) == [0, 0, 0]
        with failing(here.directory, "INSERT ON messages"):
            await here.submit(submit(), submit(), submit())
        assert await here.statuses(part(1), part(2), submit()) == [0, 0, 0]
        assert await here.statuses(submit(), submit(), submit()) == [0, 0, 0]


async def test_an_account_that_the_store_has_much_to_save_of_is_read_later() -> None:
    """Else the messages of others, which the store saves in the order of their coming, wait for seconds."""
    async with scene(max_unsaved=2 * MOST_ASKED) as here:
        share = here.link.connection.share
        for pdu in (submit(), part(1)):
            here.accept(*[pdu] * (MOST_ASKED // 2 - 1))
        here.accept(submit(to="G777"))
        assert not share.busy
        here.accept(submit(), submit())
        assert share.busy
        await turns()
        assert not share.busy
        with failing(here.directory, "INSERT ON messages"):
            here.accept(*[submit()] * MOST_ASKED)
            assert share.busy
            await turns()
        assert share.asked == 0


async def test_one_account_does_not_use_up_the_commits_of_others() -> None:
    async with scene(max_unsaved=3) as here:
        ours, theirs = here.link.account, account("other")
        here.accounts.reload({"pbx": ours, "other": theirs})
        here.accept(*[submit()] * 5)
        here.link.account = theirs
        here.accept(*[submit()] * 2)
        await turns()
        assert [[one.command_status for one in call] for call in here.answers] == [
            [0, 0, 0, FULL, FULL],
            [0, FULL],  # its share is one
        ]


# --- what is woken ---------------------------------------------------------------------------------


async def test_the_provider_gets_it_at_once() -> None:
    async with scene() as here:
        here.fleet.start()
        await turns()
        await here.submit(submit(), submit())
        assert len(here.providers["lab"].sent) == 2
        assert here.passed == 0
        assert here.waits == 0


async def test_a_scheduled_message_waits_and_wakes_nobody() -> None:
    async with scene() as here:
        here.fleet.start()
        await here.submit(submit(schedule_delivery_time="000000010000000R"))
        assert here.waits == 1
        assert len(await here.stored(Stage.WAITING)) == 1
        await asyncio.sleep(1)
        assert not here.providers["lab"].sent


async def test_parts_count_when_they_are_new_and_wake_the_joiner_when_all_are_there() -> None:
    async with scene() as here:
        here.fleet.start()
        here.joiner.start()
        await turns()
        first = await here.submit(part(1, text=b"Hello, "))
        assert here.waits == 1
        again = await here.submit(part(1, text=b"Hello, "))
        assert here.waits == 1
        assert again[0].message_id == first[0].message_id
        await here.submit(part(2, text=b"world"))
        assert here.waits == 0
        assert [message.text for message in here.providers["lab"].sent] == ["Hello, world"]
        assert here.passed == 0


async def test_parts_that_are_not_saved_are_not_acknowledged() -> None:
    async with scene() as here:
        with failing(here.directory, "INSERT ON messages"):
            assert await here.statuses(part(1), submit()) == [Status.ESME_RSYSERR] * 2


# --- sync: the answer waits for the provider -------------------------------------------------------


async def test_sync_answers_when_the_provider_has_answered() -> None:
    async with scene() as here:
        here.settings(mode="sync")
        here.accept(submit(), submit(to="G777"))
        await turns()
        # The refusal needs no provider, the other one has to wait.
        assert [one.command_status for call in here.answers for one in call] == [Status.ESME_RINVDSTADR]
        here.providers["lab"].answers.append(Rejected("no such number", code="7", status=0x0B))
        here.fleet.start()
        await turns()
        assert [one.command_status for one in here.answers[-1]] == [0x0B]
        assert here.owed == []  # the ESME knows: no receipt


async def test_sync_answers_at_once_what_no_provider_gets_now() -> None:
    async with scene() as here:
        here.settings(mode="sync")
        later = "000000010000000R"
        assert await here.statuses(submit(schedule_delivery_time=later), part(1)) == [0, 0]


async def test_sync_is_refused_where_no_provider_works() -> None:
    async with scene() as here:
        here.settings(mode="sync")
        for name in here.fleet:
            here.fleet[name].health.record_failure(
                Disabled("no money", status=Status.ESME_RNOMONEY, pause=60)
            )
        assert await here.statuses(submit()) == [here.link.account.status_for(Status.ESME_RNOMONEY)]
        here.settings(mode="queued")
        assert await here.statuses(submit()) == [0]


# --- replace_if_present_flag -----------------------------------------------------------------------


async def test_a_message_takes_the_place_of_one_that_waits() -> None:
    async with scene() as here:
        [first] = await here.submit(submit(b"old"))
        [other] = await here.submit(submit(b"new", replace_if_present_flag=1))
        assert other.message_id == first.message_id
        here.fleet.start()
        await here.submit(submit(b"next", to="375297654321", replace_if_present_flag=1))
        assert [message.text for message in here.providers["lab"].sent] == ["new", "next"]


async def test_one_that_replaces_among_others_of_its_read() -> None:
    async with scene() as here:
        [first] = await here.submit(submit(b"old"))
        new = await here.submit(
            submit(b"a", to="375297654321"), submit(b"b", replace_if_present_flag=1), submit(b"c")
        )
        assert [one.message_id == first.message_id for one in new] == [False, True, False]
        assert len(await here.stored(Stage.QUEUED)) == 3


async def test_sync_what_replaces_is_answered_with_the_first_answer() -> None:
    """The first answer is given then, too: whoever waits for one id gets one word about it."""
    async with scene() as here:
        here.settings(mode="sync")
        here.accept(submit(b"old"))
        await turns()
        assert here.answers == []
        here.accept(submit(b"new", replace_if_present_flag=1))
        await turns()
        assert [one.command_status for call in here.answers for one in call] == [0, 0]
        assert len({one.message_id for call in here.answers for one in call}) == 1


# --- ids -------------------------------------------------------------------------------------------


async def test_one_id_for_all_of_a_submit_multi() -> None:
    async with scene() as here:
        responses = await here.submit(submit(), submit(to="375297654321"), one_id=True)
        assert len({one.message_id for one in responses}) == 1
        assert len(await here.store.find_messages("pbx", responses[0].message_id)) == 2


async def test_ids_differ_and_have_the_form_of_the_account() -> None:
    async with scene() as here:
        here.settings(message_id="hex", message_id_upper=True)
        ids = [one.message_id for one in await here.submit(*(submit() for _ in range(10)))]
        assert len(set(ids)) == 10
        assert all(int(one, 16) and one == one.upper() for one in ids)


async def test_likely_mistakes_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async with scene() as here:
        here.settings(default_encoding="latin-1")
        cyrillic = "Дверь открыта".encode("cp1251")
        await here.submit(submit(cyrillic))
        await asyncio.sleep(2)
        await here.submit(submit(cyrillic))
        assert caplog.text.count("a likely mistake") == 1


async def test_whose_receipts_they_are() -> None:
    """A receipt goes to the bind that submitted, where that may receive and the account wants it so."""
    async with scene() as here:
        assert here.link.can_receive
        await here.submit(submit())
        here.settings(receipt={"to": "any"})
        await here.submit(submit())
        here.settings()
        here.link.bind_type = "TX"
        await here.submit(submit())
        assert rows(here.directory, "SELECT origin FROM messages ORDER BY id") == [
            (here.link.id,),
            (0,),
            (0,),
        ]
