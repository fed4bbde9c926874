"""One bind of ours at an SMSC: which host it gets, what it tells, and how it ends."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from smppbridge.link import persistent_bind as module
from smppbridge.link.persistent_bind import (
    TIMINGS,
    UNPROVEN_WINDOW,
    PersistentBind,
    SmscState,
)
from smppbridge.logs import TextFormatter
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.pdu import (
    Bind,
    BindReceiver,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    GenericNack,
    Pdu,
    Response,
    UnbindResp,
)
from smppbridge.smpp.tlv import Tlv, tlv
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually, free_port
from tests.support.system.clock import clock, turns, until
from tests.unit.link.peers import ENDED, QUICK, TIMERS, UP, Owner, answering, bind_pdu, binds, settings, tasks


def connected(centre: CentreSimulator) -> Callable[[], object]:
    return lambda: centre._connections


# --- up and down -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "bind_type", "can_send"),
    [(BindTransceiver, "TRX", True), (BindTransmitter, "TX", True), (BindReceiver, "RX", False)],
)
async def test_up_down_and_up_again(
    kind: type[Bind], bind_type: str, can_send: bool, caplog: pytest.LogCaptureFixture
) -> None:
    owner = Owner()
    with caplog.at_level(logging.INFO):
        async with CentreSimulator() as centre, binds(owner, settings(centre.port), kind) as (bind,):
            assert (bind.client, bind.room, bind.can_send) == (None, 0, can_send)
            await eventually(lambda: owner.changes == [UP])
            assert bind.room == (UNPROVEN_WINDOW if can_send else 0)
            bind.proven = True  # as soon as an answer came
            assert bind.room == (10 if can_send else 0)
            assert [session.bind_type for session in centre.sessions] == [bind_type]
            centre.hang_up()
            await eventually(lambda: owner.changes == [UP, ENDED, UP])
            assert owner.tries == ["ESME_ROK"] * 2
        assert centre.counts["unbinds"] == 1
    said = [record.message for record in caplog.records if record.name == module.__name__]
    assert said == ["upstream bound", "upstream bind ended", "upstream bound"]
    assert "secret" not in str([vars(record) for record in caplog.records])


async def test_an_smsc_that_unbinds_is_bound_again() -> None:
    owner = Owner()
    async with CentreSimulator() as centre, binds(owner, settings(centre.port)) as (bind,):
        await eventually(lambda: owner.changes == [UP])
        centre.unbind()
        await eventually(lambda: owner.changes == [UP, ENDED, UP])
        assert (bind.is_up, bind.room) == (True, UNPROVEN_WINDOW)


# --- versions --------------------------------------------------------------------------------------


async def versions_told(caplog: pytest.LogCaptureFixture, theirs: int | None, ours: int) -> list[str]:
    """What two binds make the log say of the version, where the SMSC says ``theirs``."""
    tlvs: tuple[Tlv, ...] = () if theirs is None else (tlv(Tag.SC_INTERFACE_VERSION, theirs),)

    def answer(pdu: Pdu) -> Response:
        return BindTransceiverResp(tlvs=tlvs) if isinstance(pdu, Bind) else UnbindResp()

    def bind(kind: type[Bind]) -> Bind:
        pdu = bind_pdu(kind)
        pdu.interface_version = ours
        return pdu

    owner = Owner()
    async with answering(answer) as port:
        own = settings(port, bind=bind, timers=TIMERS)
        async with binds(owner, own, BindTransceiver, BindTransceiver):
            await eventually(lambda: owner.changes == [UP, UP])
    return [TextFormatter(mask=False).format(one) for one in caplog.records if "older" in one.message]


@pytest.mark.parametrize("version", [0x01, 0x33])
async def test_an_older_smsc_is_told_of_once(version: int, caplog: pytest.LogCaptureFixture) -> None:
    (told,) = await versions_told(caplog, version, 0x34)
    assert "provider=link" in told
    assert f"version={version:#04x}" in told
    assert "set interface_version: 0x33" in told


@pytest.mark.parametrize(
    ("theirs", "ours"), [(0x34, 0x34), (0x50, 0x34), (0, 0x34), (None, 0x34), (0x33, 0x33)]
)
async def test_a_version_that_is_nothing_to_say(
    theirs: int | None, ours: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert await versions_told(caplog, theirs, ours) == []


# --- hosts -----------------------------------------------------------------------------------------


async def test_hosts_are_tried_in_order() -> None:
    owner, dead = Owner(), free_port()
    async with (
        CentreSimulator() as second,
        CentreSimulator() as third,
        binds(owner, settings(dead, second.port, third.port)),
    ):
        await eventually(lambda: owner.changes == [UP])
        assert owner.tries == ["unreachable", "ESME_ROK"]
        second.stop_listening()
        second.hang_up()
        await eventually(lambda: len(third.sessions) == 1)
        assert owner.tries == ["unreachable", "ESME_ROK", "unreachable", "unreachable", "ESME_ROK"]
        third.stop_listening()
        third.hang_up()
        await eventually(lambda: len(owner.changes) > 4)
        why = f"cannot connect to 127.0.0.1:{third.port}: Connection refused"
        assert owner.changes[:5] == [UP, ENDED, UP, ENDED, (why, False)]


async def test_a_host_that_is_full_sends_us_to_the_next() -> None:
    owner = Owner()
    full = Rules(bind_status=lambda bind: Status.ESME_RBINDFAIL)
    async with (
        CentreSimulator(full) as first,
        CentreSimulator() as second,
        binds(owner, settings(first.port, second.port)),
    ):
        await eventually(lambda: owner.changes)
        assert owner.tries == ["ESME_RBINDFAIL", "ESME_ROK"]
        assert owner.changes == [UP]


@pytest.mark.parametrize("status", [Status.ESME_RINVPASWD, Status.ESME_RINVSYSID])
async def test_who_is_not_known_does_not_try_his_password_everywhere(status: Status) -> None:
    owner = Owner()
    async with (
        CentreSimulator(Rules(bind_status=lambda bind: status)) as first,
        CentreSimulator() as second,
        binds(owner, settings(first.port, second.port), BindTransceiver, BindTransceiver),
    ):
        await eventually(lambda: owner.changes)
        clock().forward(QUICK.refused_first - 10.0)
        await turns()
        assert owner.tries == [status.name]
        why = f"127.0.0.1:{first.port} refused the bind: {status.name} ({int(status):#x})"
        assert owner.changes == [(why, True)]
        assert second.counts["binds"] == 0
        first.rules.bind_status = None
        clock().forward(10.0)
        await eventually(lambda: len(first.sessions) == 2)
        assert owner.tries == [status.name, "ESME_ROK", "ESME_ROK"]


async def test_one_bind_too_many_leaves_the_others_alone() -> None:
    owner = Owner()
    async with (
        CentreSimulator(Rules(max_binds=1)) as centre,
        binds(owner, settings(centre.port), BindTransceiver, BindTransceiver) as (one, other),
    ):
        await eventually(lambda: "ESME_RBINDFAIL" in owner.tries)
        assert {one.client is None, other.client is None} == {True, False}
        centre.rules.max_binds = 0
        await eventually(lambda: len(owner.changes) == 2)
        clock().forward(QUICK.refused_first)
        await eventually(lambda: one.client is not None and other.client is not None)
        assert owner.tries == ["ESME_ROK", "ESME_RBINDFAIL", "ESME_ROK"]


@pytest.mark.parametrize(
    ("answer", "tried"),
    [(GenericNack(command_status=Status.ESME_RINVCMDID), "ESME_RINVCMDID"), (GenericNack(), "other")],
)
async def test_an_answer_that_is_no_bind_resp(answer: GenericNack, tried: str) -> None:
    owner = Owner()
    async with answering(lambda pdu: answer) as port, binds(owner, settings(port)) as (bind,):
        await eventually(lambda: len(owner.tries) > 1)
        assert set(owner.tries) == {tried}
        assert bind.client is None
        assert not owner.changes[0][1]


async def test_a_host_with_an_impossible_name_is_passed_over() -> None:
    owner = Owner()
    async with CentreSimulator() as centre:
        own = settings(hosts=(("a..b", 2775), ("127.0.0.1", centre.port)))
        async with binds(owner, own):
            await eventually(lambda: owner.tries == ["unreachable", "ESME_ROK"])


async def test_a_listener_that_says_nothing_holds_up_no_other_host() -> None:
    owner = Owner()
    async with (
        CentreSimulator(Rules(mute_binds=True)) as first,
        CentreSimulator() as second,
        binds(owner, settings(first.port, second.port)),
    ):
        await eventually(connected(first))
        await turns()
        clock().forward(TIMERS.response)
        await eventually(lambda: owner.changes == [UP])
        assert owner.tries == ["timeout", "ESME_ROK"]


async def test_tls_that_is_never_spoken() -> None:
    owner = Owner()
    async with (
        CentreSimulator(Rules(mute_binds=True)) as centre,
        binds(owner, settings(centre.port, tls=ssl.create_default_context())),
    ):
        await eventually(connected(centre))
        clock().forward(10.0)
        await eventually(lambda: owner.changes)
        assert owner.tries == ["unreachable"]
        assert owner.changes == [(f"no connection to 127.0.0.1:{centre.port} within 10 s", False)]


# --- the end ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [{}, {"tls": ssl.create_default_context()}], ids=["plain", "tls"])
async def test_close_while_connecting_leaves_nothing(keys: dict[str, Any]) -> None:
    owner = Owner()
    async with CentreSimulator(Rules(mute_binds=True)) as centre:
        before = tasks()
        async with binds(owner, settings(centre.port, **keys)) as (bind,):
            await eventually(connected(centre))
            clock().stop_clock()  # nothing is waited for
            closing = asyncio.ensure_future(bind.close())
            await until(closing.done)
        await until(lambda: not connected(centre)())
        assert tasks() == before
        assert owner.changes == []


async def test_close_while_it_waits() -> None:
    owner = Owner()
    async with CentreSimulator(Rules(password="other")) as centre:
        before = tasks()
        async with binds(owner, settings(centre.port), BindTransceiver, BindTransceiver):
            await eventually(lambda: owner.changes)
        assert tasks() - before <= {task for task in tasks() if task.cancelling()}
        assert owner.tries == ["ESME_RINVPASWD"]


async def test_close_of_what_was_never_started() -> None:
    await PersistentBind(settings(free_port()), BindTransceiver, SmscState(TIMINGS), Owner()).close()
