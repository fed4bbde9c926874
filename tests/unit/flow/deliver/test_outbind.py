"""Whom the caller calls, and when: over a real store, with a telephone of the test's own."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from smppbridge.flow.accounts import Accounts
from smppbridge.flow.deliver import outbind as caller_module
from smppbridge.flow.deliver.outbind import OutbindCaller
from smppbridge.link.outbind_calls import Endpoint
from smppbridge.metrics import Metrics
from smppbridge.model.account import Account
from smppbridge.model.message import Inbound, InboundPart
from smppbridge.smpp.pdu import Outbind
from smppbridge.store.results import Arrival
from smppbridge.store.sqlite.store import SqliteStore
from tests.support.bridge.running import eventually
from tests.support.builders.accounts import account
from tests.support.builders.rows import HOUR, NOW

PORTS = {"pbx": 1, "door": 2}


def callable_account(name: str = "pbx", **outbind: Any) -> Account:
    keys = {"host": "127.0.0.1", "port": PORTS[name], "password": "word", **outbind}
    return account(name=name, outbind=keys)


class Scene:
    """A caller and all that it knows. ``answer`` is what becomes of its calls."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.metrics = Metrics()
        self.accounts = Accounts({"pbx": callable_account()})
        self.there: set[str] = set()  # accounts with a bind that may receive
        self.answer: Callable[[], bool] = lambda: False
        self.hold = asyncio.Event()  # calls end when it is set
        self.hold.set()
        self.calls: list[tuple[str, Endpoint, Outbind]] = []
        self.at: list[float] = []  # when (loop's clock)
        self.outbind_caller = OutbindCaller(
            store,
            self.metrics,
            lambda: NOW,
            accounts=self.accounts,
            binds=self,
            call=self.call,
            system_id="bridge",
        )

    def put(self, account: Account) -> None:
        """A reload adds this account, or changes it."""
        self.accounts.reload({**self.accounts, account.name: account})

    def reaches(self, account: str) -> bool:
        return account in self.there

    async def call(self, name: str, place: Endpoint, outbind: Outbind) -> bool:
        self.calls.append((name, place, outbind))
        self.at.append(asyncio.get_running_loop().time())
        await self.hold.wait()
        return self.answer()

    async def owe(self, name: str = "pbx", due: int = NOW) -> None:
        """Something comes to be owed."""
        part = InboundPart(0, name, "lab", "375291234567", "1234", 0, 0, b"yes", due, 0)
        ref = f"{name} {len(self.calls)}"
        await self.store.add_inbound(
            [Arrival("lab", Inbound(ref, "375291234567", "1234", "yes", due), [part])], due
        )
        self.outbind_caller.owed(name)

    def count(self, name: str, result: str) -> float:
        labels = {"account": name, "result": result}
        return self.metrics.registry.get_sample_value("smppbridge_outbind_calls_total", labels) or 0.0


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(caller_module, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(caller_module, "LAST_PAUSE", 0.2)
    store = SqliteStore(tmp_path / "bridge.db")
    await store.open()
    scene = Scene(store)
    scene.outbind_caller.start()
    yield scene
    await scene.outbind_caller.stop()
    await store.close()


async def test_what_is_said_and_where(scene: Scene) -> None:
    await scene.owe()
    await eventually(lambda: scene.calls)
    name, place, outbind = scene.calls[0]
    assert (name, place) == ("pbx", Endpoint("127.0.0.1", 1))
    assert (outbind.system_id, outbind.password) == ("bridge", "word")


async def test_nobody_is_called_who_is_owed_nothing_yet(scene: Scene) -> None:
    await scene.owe(due=NOW + HOUR)
    await asyncio.sleep(0.1)
    assert scene.calls == []


async def test_an_account_without_an_address_is_not_called(scene: Scene) -> None:
    scene.put(account())
    await scene.owe()
    await scene.owe("gone")
    await asyncio.sleep(0.1)
    assert scene.calls == []


async def test_one_call_at_a_time_for_an_account(scene: Scene) -> None:
    scene.put(callable_account("door"))
    scene.hold.clear()
    await scene.owe()
    await scene.owe()
    await scene.owe("door")
    scene.outbind_caller.reload()
    await eventually(lambda: len(scene.calls) == 2)
    await asyncio.sleep(0.1)
    assert sorted(name for name, _, _ in scene.calls) == ["door", "pbx"]


async def test_pauses_grow_up_to_the_longest(scene: Scene) -> None:
    await scene.owe()
    await eventually(lambda: len(scene.at) == 7)
    pauses = [later - earlier for earlier, later in zip(scene.at, scene.at[1:], strict=False)]
    floors = [0.05, 0.05, 0.1, 0.1, 0.1, 0.1]  # the upper half of 0.05, 0.1, 0.2, 0.2, ...
    assert all(pause >= floor for pause, floor in zip(pauses, floors, strict=True)), pauses
    assert scene.count("pbx", "no_bind") >= 6


async def test_new_receipts_do_not_cut_a_pause_short(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller_module, "FIRST_PAUSE", 0.3)
    monkeypatch.setattr(caller_module, "LAST_PAUSE", 0.3)
    await scene.owe()
    await eventually(lambda: scene.count("pbx", "no_bind"))
    for _ in range(5):
        await scene.owe()
    await eventually(lambda: len(scene.at) == 2)
    assert scene.at[1] - scene.at[0] >= 0.3


async def test_a_bind_that_may_receive_ends_the_growth(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller_module, "LAST_PAUSE", 60.0)
    scene.outbind_caller._rests["pbx"] = caller_module._Rest(9, asyncio.get_running_loop().time() + 60.0)
    scene.there.add("pbx")
    scene.outbind_caller._worker.wake()  # the next look
    await asyncio.sleep(0.05)
    scene.there.clear()
    await scene.owe()
    await eventually(lambda: scene.calls, patience=1.0)


async def test_a_reload_ends_pauses(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller_module, "FIRST_PAUSE", 60.0)
    monkeypatch.setattr(caller_module, "LAST_PAUSE", 60.0)
    await scene.owe()
    await eventually(lambda: scene.count("pbx", "no_bind"))
    scene.put(callable_account(port=3, system_id="centre"))
    scene.outbind_caller.reload()
    await eventually(lambda: len(scene.calls) == 2)
    assert (scene.calls[1][1].port, scene.calls[1][2].system_id) == (3, "centre")


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
    scene: Scene, answer: bool | Exception, result: str, caplog: pytest.LogCaptureFixture
) -> None:
    def end() -> bool:
        if isinstance(answer, Exception):
            raise answer
        return answer

    scene.answer = end
    await scene.owe()
    await eventually(lambda: scene.count("pbx", result) >= 2)  # still owed: called again
    told = [record for record in caplog.records if record.getMessage() == "equipment was called"]
    assert [record.levelno for record in told] == ([logging.WARNING] if result != "bound" else [])


async def test_files_for_tls_that_cannot_be_used(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    scene.put(callable_account(tls={"ca": str(tmp_path / "ca.pem")}))
    await scene.owe()
    await eventually(lambda: scene.count("pbx", "unreachable"))
    assert scene.calls == []


async def test_looks_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller_module, "LOOK", 0.05)
    store = SqliteStore(tmp_path / "bridge.db")
    await store.open()
    scene = Scene(store)
    scene.outbind_caller.start()
    await asyncio.sleep(0.05)
    part = InboundPart(0, "pbx", "lab", "375291234567", "1234", 0, 0, b"yes", NOW, 0)
    await store.add_inbound([Arrival("lab", Inbound("1", "375291234567", "1234", "yes", NOW), [part])], NOW)
    await eventually(lambda: scene.calls)
    await scene.outbind_caller.stop()
    await store.close()


async def test_a_stop_ends_calls(scene: Scene) -> None:
    scene.hold.clear()
    await scene.owe()
    await eventually(lambda: scene.calls)
    async with asyncio.timeout(1.0):
        await scene.outbind_caller.stop()
    assert scene.outbind_caller._calls == {}


async def test_a_call_by_old_settings_keeps_nobody_waiting(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was under way when they changed; its end says nothing about the new place."""
    monkeypatch.setattr(caller_module, "FIRST_PAUSE", 60.0)
    monkeypatch.setattr(caller_module, "LAST_PAUSE", 60.0)
    await scene.owe()
    scene.hold.clear()
    scene.outbind_caller.start()
    await eventually(lambda: len(scene.calls) == 1)
    scene.put(callable_account(port=3))
    scene.outbind_caller.reload()
    scene.hold.set()
    await eventually(lambda: len(scene.calls) == 2, patience=5.0)
    assert [place.port for _, place, _ in scene.calls] == [1, 3]
