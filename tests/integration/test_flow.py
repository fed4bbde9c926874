"""Messages on their way through providers that fail, pause, answer late or not at all."""

import asyncio
from pathlib import Path

import pytest

from smppbridge.errors import ConfigError
from smppbridge.model.message import Stage
from smppbridge.providers.http import client as http
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.pdu import DeliverSm, Unbind
from smppbridge.smpp.receipt import parse_receipt
from smppbridge.smpp.times import format_relative
from tests.simulators.smspilot.simulator import Rules, SmspilotSimulator
from tests.support.bridge.running import (
    Clock,
    bridge,
    config,
    eventually,
    free_port,
    get,
    metric,
    pilot,
    unreachable,
)
from tests.support.bridge.sync import id_of
from tests.support.esme.esme import Esme, submit
from tests.support.http.server import Fault

QUICK_POLLS = "poll_first: 0, poll_interval: 0.1s"


def with_spare(first: str) -> str:
    """The smspilot provider of ``first`` and, for 375, a sandbox behind it."""
    lab = "lab: {kind: sandbox, delay: 0, outcomes: {DELIVRD: 1}}"
    return first.replace("}}\nroutes", f"}}, {lab}}}\nroutes", 1).replace(
        "routes: [{to: [pilot]}]", "routes: [{destination: '375', to: [pilot, lab]}, {to: [pilot]}]"
    )


# --- providers that do not work --------------------------------------------------------------------


async def test_the_next_provider_at_once_when_the_first_is_unreachable(tmp_path: Path) -> None:
    now = Clock()()
    async with (
        bridge(tmp_path, with_spare(unreachable()), clock=lambda: now) as app,  # no pause ever ends
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        message_id = await esme.submit(submit())
        pdu = await esme.receipt()
        assert (id_of(pdu), pdu.tlv(Tag.PROVIDER)) == (message_id, b"lab\0")
        assert metric(app, "attempts_total", provider="pilot", result="unavailable") == 1


async def test_a_provider_that_refuses_us_is_paused(tmp_path: Path) -> None:
    async with SmspilotSimulator(Rules(apikey="OTHER")) as simulator:
        settings = with_spare(pilot(simulator.url, "parallel: 1"))
        async with bridge(tmp_path, settings) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            movable = await esme.submit_many([submit() for _ in range(20)])
            stuck = await esme.submit_many([submit(to="79021234567") for _ in range(5)])
            assert {id_of(pdu) for pdu in await esme.receipts(20)} == set(movable)
            asked = simulator.server.requests
            movable = [await esme.submit(submit())]  # straight to the other one now
            assert [id_of(pdu) for pdu in await esme.receipts(1)] == movable
            assert simulator.server.requests == asked
            assert metric(app, "provider_up", provider="pilot") == 0
            assert metric(app, "provider_up", provider="lab") == 1
            assert (await get(app, "/readyz")).status_code == 200  # one is enough
            simulator.rules.apikey = "KEY"
            app.reload(config(tmp_path, settings))  # a person has mended it
            await eventually(lambda: len(simulator.accepted) == len(stuck))
            await eventually(lambda: metric(app, "provider_up", provider="pilot") == 1)


async def test_not_ready_while_the_only_provider_refuses_us(tmp_path: Path) -> None:
    async with (
        SmspilotSimulator(Rules(blocked=106)) as simulator,
        bridge(tmp_path, pilot(simulator.url)) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit())
        await eventually(lambda: metric(app, "attempts_total", provider="pilot", result="disabled") == 1)
        answer = await get(app, "/readyz")
        assert answer.status_code == 503
        assert "106: the account is blocked at smspilot" in answer.json()["reasons"][0]
        assert await esme.submit(submit())  # still accepted
        waiting = [await app.store.list_stage(stage, 10) for stage in (Stage.WAITING, Stage.QUEUED)]
        assert sum(map(len, waiting)) == 2  # and not failed


async def test_a_provider_that_is_too_busy_is_given_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "DEFAULT_RETRY_AFTER", 1.0)
    async with SmspilotSimulator() as simulator:
        simulator.faults.append(Fault.HTTP_429_PLAIN)
        async with bridge(tmp_path, pilot(simulator.url)) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            loop = asyncio.get_running_loop()
            began = loop.time()
            await esme.submit(submit())
            await eventually(lambda: metric(app, "attempts_total", provider="pilot", result="throttled") == 1)
            assert metric(app, "provider_up", provider="pilot") == 1
            assert (await get(app, "/readyz")).status_code == 200
            await eventually(lambda: simulator.accepted)
            assert loop.time() - began > 0.9
            assert simulator.server.requests == 2


# --- answers that do not come ----------------------------------------------------------------------


async def test_a_status_that_comes_before_the_answer(tmp_path: Path) -> None:
    port = free_port()
    async with SmspilotSimulator(Rules(delay=0.02)) as simulator:
        simulator.faults.append(Fault.HANG_AFTER)
        async with (
            bridge(tmp_path, pilot(simulator.url, web_port=port)) as app,
            await Esme.bound(app.smpp_ports[0]) as esme,
        ):
            message_id = await esme.submit(submit())
            await eventually(lambda: simulator.callbacks.answered == 2)
            assert metric(app, "attempts_total", provider="pilot", result="sent") == 0
            simulator.server.go_on.set()
            pdu = await esme.receipt()
            assert (id_of(pdu), pdu.tlv(Tag.MESSAGE_STATE)) == (message_id, 2)


async def test_statuses_are_asked_for_where_nobody_calls_back(tmp_path: Path) -> None:
    async with SmspilotSimulator(Rules(delay=0.05, poll_interval=0, outcome=(-1, 600))) as simulator:
        settings = pilot(simulator.url, QUICK_POLLS)
        async with bridge(tmp_path, settings) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            ids = await esme.submit_many([submit(to=f"3752912345{n}") for n in range(10, 20)])
            pdus = await esme.receipts(10)
            assert {id_of(pdu) for pdu in pdus} == set(ids)
            assert {parse_receipt(pdu.short_message.decode()).err for pdu in pdus} == {"600"}
        assert not simulator.violations


async def test_what_was_queued_or_sent_before_a_restart_goes_on(tmp_path: Path) -> None:
    clock = Clock()
    async with SmspilotSimulator(Rules(delay=0.02, poll_interval=0)) as simulator:
        async with (
            bridge(tmp_path, pilot(simulator.url), clock) as app,
            await Esme.bound(app.smpp_ports[0]) as esme,
        ):
            sent = await esme.submit(submit())
            await eventually(lambda: metric(app, "attempts_total", provider="pilot", result="sent") == 1)
        async with bridge(tmp_path, unreachable(), clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            queued = await esme.submit(submit())
            await eventually(
                lambda: metric(app, "attempts_total", provider="pilot", result="unavailable") == 1
            )
        clock.forward(600)
        settings = pilot(simulator.url, QUICK_POLLS)
        async with bridge(tmp_path, settings, clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            assert {id_of(pdu) for pdu in await esme.receipts(2)} == {sent, queued}
            assert len(simulator.accepted) == 2


async def test_messages_of_a_provider_that_is_gone_take_another_way(tmp_path: Path) -> None:
    clock = Clock()
    hour = format_relative(3600)
    async with (
        bridge(tmp_path, with_spare(unreachable()), clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        message_id = await esme.submit(submit(schedule_delivery_time=hour))
    async with bridge(tmp_path, clock=clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        clock.forward(3601)
        pdu = await esme.receipt()
        assert (id_of(pdu), pdu.tlv(Tag.PROVIDER)) == (message_id, b"lab\0")


# --- several accounts ------------------------------------------------------------------------------


async def test_a_bulk_does_not_hold_up_another_account(tmp_path: Path) -> None:
    async with SmspilotSimulator() as simulator:
        settings = pilot(simulator.url, "rate: 400, batch: 20, parallel: 1")
        settings += "accounts: {bulk: {password: secret}, login: {password: secret}}"
        async with (
            bridge(tmp_path, settings) as app,
            await Esme.bound(app.smpp_ports[0], "bulk") as bulk,
        ):
            await bulk.submit_many(
                [submit("Sale!", f"37529{n:07}", registered_delivery=0) for n in range(2000)]
            )
            async with await Esme.bound(app.smpp_ports[0], "login") as login:
                before = len(simulator.accepted)
                await login.submit(submit("Your code is 1234"))
                await eventually(lambda: any("code" in row["text"] for row in simulator.accepted[before:]))
                texts = [row["text"] for row in simulator.accepted[before:]]
                assert texts.index("Your code is 1234") <= 60  # two batches under way, and a shared one


# --- reload ----------------------------------------------------------------------------------------

TWO_LABS = """
providers: {lab: {kind: sandbox, delay: 0}, spare: {kind: sandbox, delay: 0}}
routes: [{to: [%s]}]
accounts: {%s}
"""
VENDOR = "receipt: {tlvs: true}"  # a receipt says which provider had its message


async def test_reload(tmp_path: Path) -> None:
    before = TWO_LABS % ("lab", f"pbx: {{password: secret, {VENDOR}}}, old: {{password: secret}}")
    later = f"pbx: {{password: secret, window: 1, {VENDOR}}}, new: {{password: secret, {VENDOR}}}"
    after = TWO_LABS % ("spare", later)
    async with bridge(tmp_path, before) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        old = await Esme.bound(app.smpp_ports[0], "old")
        await esme.submit(submit())
        assert (await esme.receipt()).tlv(Tag.PROVIDER) == b"lab\0"
        app.reload(config(tmp_path, after))
        await old.expect(Unbind)
        await old.close()
        async with await Esme.connect(app.smpp_ports[0]) as gone:
            assert (await gone.bind("old")).command_status == Status.ESME_RINVPASWD
        async with await Esme.bound(app.smpp_ports[0], "new") as new:
            await new.submit(submit())
            assert (await new.receipt()).tlv(Tag.PROVIDER) == b"spare\0"
        await esme.submit_many([submit(), submit()])
        only = await esme.receipt(None)
        await esme.silence(DeliverSm)  # the window is 1 now
        esme.answer(only)
        assert (await esme.receipt()).tlv(Tag.PROVIDER) == b"spare\0"


async def test_a_reload_says_what_it_does_not_change(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with bridge(tmp_path) as app:
        changed = "{url: 'sqlite:///other.db', keep_days: 7, max_queued: 9}"
        app.reload(config(tmp_path, f"store: {changed}\nlog: {{level: debug}}\nsmpp: {{inactivity: 5m}}"))
        assert app.housekeeper.keep_days == 7
        assert app.waiting.messages.most == 9
    (line,) = [line for line in caplog.messages if "restart" in line]
    (named,) = [vars(one)["fields"] for one in caplog.records if one.getMessage() == line]
    assert named == {"keys": "store.url, smpp.inactivity"}


async def test_a_reload_that_needs_a_new_provider_changes_nothing(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app:
        with pytest.raises(ConfigError, match="provider spare is new"):
            app.reload(config(tmp_path, TWO_LABS % ("spare", "new: {password: secret}")))
        async with await Esme.bound(app.smpp_ports[0]) as esme:
            await esme.submit(submit())
            assert (await esme.receipt()).tlv(Tag.PROVIDER) == b"lab\0"
