"""Whom the bridge calls, and when."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from smppbridge.link.outbind_calls import Endpoint
from smppbridge.model.account import Account
from tests.support.builders.failing import FailingStore
from tests.support.builders.stores import fast_store
from tests.support.system.virtual_time import moment
from tests.unit.flow.deliver.outbind_scene import FIRST_PAUSE, LAST_PAUSE, LOOK, OutbindScene, account

pytestmark = pytest.mark.virtual_time


@pytest.fixture
async def scene() -> AsyncIterator[OutbindScene]:
    async with fast_store() as store:
        scene = OutbindScene(store)
        scene.outbind_caller.start()
        await moment()
        yield scene
        await scene.outbind_caller.stop()


async def test_what_is_said_and_where(scene: OutbindScene) -> None:
    await scene.owe()
    ((name, place, outbind),) = scene.calls
    assert (name, place) == ("pbx", Endpoint("127.0.0.1", 1))
    assert (outbind.system_id, outbind.password) == ("bridge", "word")


async def test_the_name_that_the_equipment_wants_to_hear(scene: OutbindScene) -> None:
    scene.put(account(system_id="centre"))
    await scene.owe()
    assert scene.calls[0][2].system_id == "centre"


async def test_who_is_owed_nothing_is_not_called(scene: OutbindScene) -> None:
    scene.put(account("door"))
    scene.outbind_caller.owed("pbx")  # it was paid meanwhile
    await scene.add("door")
    scene.outbind_caller.owed("pbx")
    await asyncio.sleep(2 * LOOK)
    assert {name for name, _, _ in scene.calls} == {"door"}


async def test_an_account_without_an_address_is_not_called(scene: OutbindScene) -> None:
    scene.put(Account.model_validate({"name": "pbx", "password": "secret"}))
    await scene.owe()
    await scene.owe("gone")
    await asyncio.sleep(2 * LOOK)
    assert scene.calls == []


async def test_an_address_that_a_reload_takes_away(scene: OutbindScene) -> None:
    await scene.owe()
    scene.put(Account.model_validate({"name": "pbx", "password": "secret"}))
    scene.outbind_caller.reload()
    await asyncio.sleep(2 * FIRST_PAUSE)
    await scene.owe()
    assert len(scene.calls) == 1


async def test_equipment_that_is_there_is_not_called(scene: OutbindScene) -> None:
    scene.there.add("pbx")
    await scene.owe()
    await asyncio.sleep(2 * LOOK)
    assert scene.calls == []


async def test_what_is_owed_is_found_without_being_told(scene: OutbindScene) -> None:
    """At the next look: 10 s after the one before."""
    await scene.add()
    await asyncio.sleep(LOOK)
    assert scene.at == [pytest.approx(LOOK)]


async def test_a_call_is_made_at_once(scene: OutbindScene) -> None:
    await asyncio.sleep(1.0)
    began = asyncio.get_running_loop().time() - scene.began
    await scene.owe()
    assert scene.at == [pytest.approx(began)]


async def test_equipment_that_comes_while_the_store_is_asked(scene: OutbindScene) -> None:
    await scene.add()
    scene.outbind_caller.owed("pbx")
    asyncio.get_running_loop().call_soon(scene.there.add, "pbx")  # the look has begun
    await asyncio.sleep(2 * LOOK)
    assert scene.calls == []


async def test_one_call_at_a_time_for_an_account(scene: OutbindScene) -> None:
    scene.put(account("door"))
    scene.hold.clear()
    await scene.owe()
    await scene.owe()
    await scene.owe("door")
    scene.outbind_caller.reload()
    await asyncio.sleep(60.0)
    assert sorted(name for name, _, _ in scene.calls) == ["door", "pbx"]


async def test_pauses_grow_up_to_the_longest(scene: OutbindScene) -> None:
    """10 s, then within the upper half of 20, 40, 80, 160, 320, 600, 600."""
    await scene.owe()
    await asyncio.sleep(3600.0)
    pauses = [later - earlier for earlier, later in itertools.pairwise(scene.at)]
    ceilings = [min(FIRST_PAUSE * 2**n, LAST_PAUSE) for n in range(len(pauses))]
    assert len(pauses) >= 9
    assert pauses[0] == pytest.approx(FIRST_PAUSE)
    for pause, ceiling in zip(pauses, ceilings, strict=True):
        assert max(FIRST_PAUSE, ceiling / 2) - 1e-6 <= pause <= ceiling + 1e-6, pauses
    assert len(set(map(round, pauses))) > 3  # by chance, so that not all come together
    assert scene.count("pbx", "no_bind") == len(scene.calls)


async def test_the_pause_begins_when_a_call_ends(scene: OutbindScene) -> None:
    scene.hold.clear()
    await scene.owe()
    await asyncio.sleep(100.0)
    scene.hold.set()
    await asyncio.sleep(FIRST_PAUSE + 0.1)
    assert scene.at == [pytest.approx(0.0, abs=0.001), pytest.approx(100.0 + FIRST_PAUSE, abs=0.001)]


async def test_after_a_call_that_brought_a_bind_the_next_is_soon(scene: OutbindScene) -> None:
    await scene.owe()
    await asyncio.sleep(100.0)
    answers = itertools.chain([True, True], itertools.repeat(False))
    scene.answer = lambda: next(answers)
    scene.calls.clear()
    await asyncio.sleep(LAST_PAUSE)
    last = scene.at[-len(scene.calls) :]
    pauses = [later - earlier for earlier, later in itertools.pairwise(last)]
    assert pauses[:3] == [pytest.approx(FIRST_PAUSE)] * 3  # two that brought one, and the first that did not
    assert FIRST_PAUSE <= pauses[3] <= 2 * FIRST_PAUSE


async def test_new_receipts_do_not_cut_a_pause_short(scene: OutbindScene) -> None:
    await scene.owe()
    await asyncio.sleep(FIRST_PAUSE / 2)
    for _ in range(5):
        await scene.owe()
    assert len(scene.calls) == 1
    await asyncio.sleep(FIRST_PAUSE / 2)
    assert len(scene.calls) == 2


async def test_a_pause_that_is_over_does_not_wait_for_the_next_look(scene: OutbindScene) -> None:
    """Looks come at 0, 10, ...; the pause ends at 13.7."""
    await asyncio.sleep(3.7)
    await scene.owe()
    await asyncio.sleep(FIRST_PAUSE)
    assert scene.at == [pytest.approx(3.7, abs=0.001), pytest.approx(13.7, abs=0.001)]


async def fail_for_an_hour(scene: OutbindScene) -> None:
    """Until pauses are at their longest."""
    await scene.owe()
    await asyncio.sleep(3600.0)
    scene.calls.clear()


async def test_a_bind_that_may_receive_ends_the_growth(scene: OutbindScene) -> None:
    """However it came. Then the next call may be made 10 s after that was noticed."""
    await fail_for_an_hour(scene)
    scene.there.add("pbx")
    await asyncio.sleep(2 * LOOK)
    scene.there.clear()
    await scene.owe()
    assert len(scene.calls) == 1
    await asyncio.sleep(FIRST_PAUSE)
    assert len(scene.calls) == 2


async def test_the_next_call_is_not_made_as_soon_as_the_equipment_has_left() -> None:
    """It may be about to come again by itself."""
    async with fast_store() as store:
        scene = OutbindScene(store, look=1.0)
        scene.outbind_caller.start()
        await fail_for_an_hour(scene)
        scene.there.add("pbx")
        await asyncio.sleep(1.1)
        scene.there.clear()
        await scene.owe()
        await asyncio.sleep(8.5)
        assert scene.calls == []
        await asyncio.sleep(1.5)
        assert len(scene.calls) == 1
        await scene.outbind_caller.stop()


async def test_pauses_may_be_others() -> None:
    async with fast_store() as store:
        scene = OutbindScene(store, first_pause=1.0, last_pause=3.0)
        scene.outbind_caller.start()
        await scene.owe()
        await asyncio.sleep(60.0)
        pauses = [later - earlier for earlier, later in itertools.pairwise(scene.at)]
        assert pauses[0] == pytest.approx(1.0)
        assert all(1.5 <= pause <= 3.0 for pause in pauses[3:])
        assert max(pauses) > 2.0
        await scene.outbind_caller.stop()


async def test_a_bind_that_comes_and_goes_does_not_put_a_call_off(scene: OutbindScene) -> None:
    await scene.owe()
    scene.there.add("pbx")
    await asyncio.sleep(LOOK)  # the pause of 10 s is over by now
    scene.there.clear()
    await scene.owe()
    assert len(scene.calls) == 2


async def test_a_reload_ends_pauses(scene: OutbindScene) -> None:
    await fail_for_an_hour(scene)
    scene.put(account(port=3, system_id="centre"))
    scene.outbind_caller.reload()
    await moment()
    assert [(place.port, outbind.system_id) for _, place, outbind in scene.calls] == [(3, "centre")]
    await asyncio.sleep(FIRST_PAUSE)
    assert len(scene.calls) == 2  # its growth ended, too


async def test_a_call_by_old_settings_keeps_nobody_waiting(scene: OutbindScene) -> None:
    """It was under way when they changed; its end says nothing about the new place."""
    scene.hold.clear()
    await scene.owe()
    scene.put(account(port=3))
    scene.outbind_caller.reload()
    scene.hold.set()
    await moment()
    assert [place.port for _, place, _ in scene.calls] == [1, 3]
    assert scene.count("pbx", "no_bind") == 2


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (True, "bound"),
        (False, "no_bind"),
        (OSError(111, "refused"), "unreachable"),
        (TimeoutError(), "unreachable"),
        (UnicodeError("label"), "unreachable"),
        (KeyError(), "no_bind"),
    ],
)
async def test_every_end_is_counted_and_survived(
    scene: OutbindScene, answer: bool | Exception, result: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    def end() -> bool:
        if isinstance(answer, Exception):
            raise answer
        return answer

    scene.answer = end
    await scene.owe()
    await asyncio.sleep(FIRST_PAUSE)  # still owed: called again
    assert scene.count("pbx", result) == 2
    unexpected = [one for one in caplog.records if "unexpected error while calling pbx" in one.getMessage()]
    assert len(unexpected) == (2 if isinstance(answer, KeyError) else 0)
    (told,) = [record for record in caplog.records if record.getMessage() == "equipment was called"]
    assert told.levelno == (logging.INFO if result == "bound" else logging.WARNING)
    reasons = {"TimeoutError()": "TimeoutError", "UnicodeError('label')": "label"}
    assert getattr(told, "fields", None) == {
        "account": "pbx",
        "host": "127.0.0.1:1",
        "result": result,
        "reason": "[Errno 111] refused"
        if isinstance(answer, OSError) and answer.args
        else reasons.get(repr(answer), ""),
    }


async def test_each_change_is_told_once(scene: OutbindScene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ends = itertools.chain([False, False, True, True], itertools.repeat(False))
    scene.answer = lambda: next(ends)
    await scene.owe()
    await asyncio.sleep(LAST_PAUSE)
    told = [record for record in caplog.records if record.getMessage() == "equipment was called"]
    assert [getattr(record, "fields", {})["result"] for record in told] == ["no_bind", "bound", "no_bind"]


async def test_files_for_tls_that_cannot_be_used(scene: OutbindScene, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    scene.put(account(tls={"ca": str(tmp_path / "ca.pem")}))
    await scene.owe()
    assert scene.count("pbx", "unreachable") == 1
    assert scene.calls == []


@pytest.mark.parametrize(("keys", "name"), [({}, ""), ({"server_name": "pbx.example"}, "pbx.example")])
async def test_a_call_over_tls(scene: OutbindScene, keys: dict[str, str], name: str) -> None:
    scene.put(account(tls=keys))
    await scene.owe()
    ((_, place, _),) = scene.calls
    assert (place.host, place.port, place.tls_name) == ("127.0.0.1", 1, name)
    assert place.tls is not None


async def test_a_stop_ends_calls(scene: OutbindScene) -> None:
    scene.hold.clear()
    await scene.owe()
    await scene.outbind_caller.stop()
    scene.hold.set()
    await asyncio.sleep(60.0)
    assert len(scene.calls) == 1
    assert scene.count("pbx", "bound") == scene.count("pbx", "no_bind") == 0


@pytest.mark.parametrize("nth", [1, 2])
async def test_a_store_that_fails_puts_calls_off_and_no_more(nth: int) -> None:
    """Each account is called once; the look comes again after a second."""
    async with fast_store() as real:
        failing = FailingStore(real)
        scene = OutbindScene(failing.store)
        scene.put(account("door"))
        await scene.add("pbx")
        await scene.add("door")
        failing.fail_at(nth)
        scene.outbind_caller.start()
        await asyncio.sleep(1.1)
        assert failing.failed == ["owes"]
        assert [name for name, _, _ in scene.calls] == ["pbx", "door"]
        await scene.outbind_caller.stop()
