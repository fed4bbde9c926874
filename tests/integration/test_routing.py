"""Which provider of a route a message goes to: those that cannot carry it, are down, or are to be spared."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smppbridge.errors import Disabled, Refused, Unavailable
from smppbridge.model.message import Draft
from smppbridge.smpp.constants import Status
from tests.support.bridge.failing_store import rows
from tests.support.bridge.running import Clock, eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.esme.esme import Esme, submit

BALANCE: dict[str, Any] = {"balance_interval": 0.05, "low_balance": 100.0, "leave_when_low": True}
ROUTES = "SELECT route, provider FROM messages ORDER BY id"


class Choosy(ScriptedProvider):
    """Carries only what ``takes`` says."""

    def __init__(self, name: str, takes: Callable[[Draft], bool], status: Status) -> None:
        super().__init__(name)
        self._takes = takes
        self._status = status

    def check(self, draft: Draft) -> None:
        if not self._takes(draft):
            raise Refused(self._status, f"{self.name} does not carry it")


def short_only(name: str) -> Choosy:
    return Choosy(name, lambda draft: len(draft.text or "") < 10, Status.ESME_RINVMSGLEN)


def texts(provider: ScriptedProvider) -> list[str]:
    return [message.text for message in provider.sent]


# --- who can carry it ------------------------------------------------------------------------------


async def test_a_message_never_moves_to_a_provider_that_cannot_carry_it(tmp_path: Path) -> None:
    clock = Clock()
    clock.stop()  # the message is not tried again before it is looked at
    lab, spare = ScriptedProvider("lab"), short_only("spare")
    async with (
        scripted(tmp_path, lab, spare, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        lab.answers.append(Unavailable("connection refused"))
        await esme.submit(submit("a long message"))
        await eventually(lambda: rows(tmp_path, "SELECT tries FROM messages") == [(1,)])
        assert rows(tmp_path, ROUTES) == [("lab", "lab")]
        lab.answers.append(Unavailable("connection refused"))
        await esme.submit(submit("short"))
        await eventually(lambda: texts(spare) == ["short"])
        clock.forward(10)
        await eventually(lambda: texts(lab) == ["a long message", "short", "a long message"])
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        assert texts(spare) == ["short"]


async def test_a_message_begins_at_the_first_provider_that_can_carry_it(tmp_path: Path) -> None:
    lab, spare = short_only("lab"), ScriptedProvider("spare")
    async with scripted(tmp_path, lab, spare) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit_many([submit("a long message"), submit("short")])
        await eventually(lambda: (texts(lab), texts(spare)) == (["short"], ["a long message"]))
        assert rows(tmp_path, ROUTES) == [("spare", "spare"), ("lab,spare", "lab")]


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
async def test_what_nobody_carries_is_refused_as_the_first_one_refuses_it(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    statuses = {"a": Status.ESME_RINVSRCADR, "b": Status.ESME_RINVMSGLEN}
    providers = [Choosy(name, lambda draft: False, statuses[name]) for name in names]
    async with scripted(tmp_path, *providers) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        answer = await esme.ask(submit())
        assert answer.command_status == statuses[names[0]]
        assert rows(tmp_path, ROUTES) == []


# --- who is to be spared ---------------------------------------------------------------------------


async def test_a_provider_that_is_to_be_spared_is_better_than_none(tmp_path: Path) -> None:
    lab, low = ScriptedProvider("lab"), ScriptedProvider("low", **BALANCE)
    low.money = 50.0
    lab.answers.append(Disabled("wrong key", pause=600.0))
    async with scripted(tmp_path, lab, low) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await eventually(lambda: metric(app, "provider_low_balance", provider="low") == 1)
        await esme.submit_many([submit("tried"), submit("queued"), submit("queued too")])
        await eventually(lambda: sorted(texts(low)) == ["queued", "queued too", "tried"])
        await esme.submit(submit("later"))
        await eventually(lambda: texts(low)[3:] == ["later"])
        assert texts(lab) == ["tried"]


async def test_a_spared_provider_that_goes_down_leaves_to_another_spared_one(tmp_path: Path) -> None:
    first, second = ScriptedProvider("first", **BALANCE), ScriptedProvider("second", **BALANCE)
    first.money = second.money = 50.0
    names = ("first", "second")
    async with scripted(tmp_path, first, second) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await eventually(
            lambda: sum(metric(app, "provider_low_balance", provider=name) for name in names) == 2
        )
        await esme.submit(submit("one"))
        await eventually(lambda: texts(first) == ["one"])  # in their order as long as both work
        await eventually(lambda: metric(app, "attempts_total", provider="first", result="sent") == 1)
        first.answers.append(Disabled("wrong key", pause=600.0))
        await esme.submit(submit("two"))
        await eventually(lambda: texts(second) == ["two"])


async def test_a_spared_provider_that_comes_back_helps_the_others(tmp_path: Path) -> None:
    lab, low = ScriptedProvider("lab"), ScriptedProvider("low", **BALANCE)
    low.money = 50.0
    lab.answers.append(Disabled("wrong key", pause=600.0))
    low.answers.append(Disabled("wrong address", pause=1.0))
    clock = Clock()
    async with scripted(tmp_path, lab, low, clock=clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await eventually(lambda: metric(app, "provider_low_balance", provider="low") == 1)
        await esme.submit_many([submit("tried"), submit("queued")])
        await eventually(lambda: len(lab.sent) == 1 and len(low.sent) == 1)
        clock.forward(30)
        clock.stop()  # nothing comes by its own time any more
        await esme.submit(submit("new"))
        await eventually(lambda: set(texts(low)) == {"tried", "queued", "new"})
