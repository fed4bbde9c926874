"""The end of one session is the end of nothing else: what is open is answered, what waits goes elsewhere."""

import asyncio
import time
from pathlib import Path

from smppbridge.link.persistent_bind import UNPROVEN_WINDOW
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import DeliverSm, DeliverSmResp, SubmitSm, SubmitSmResp, Unbind, UnbindResp
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.failing_store import rows
from tests.support.bridge.hand_centre import hand_centre
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import PATIENCE, Held, link, linked, sections, upstream_bridge
from tests.support.bridge.upstream_steps import FINAL, SENT, UNCERTAIN, newest_stage, stages
from tests.support.esme.esme import PHONE, Esme, submit
from tests.support.system.clock import clock, time_flies


async def prove(esme: Esme) -> None:
    """From now on the whole window is used."""
    await esme.submit(submit("the first one is sent alone"))
    await esme.receipt()


async def test_an_smsc_that_unbinds_and_answers_a_little_later(tmp_path: Path) -> None:
    rules = Rules()
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await prove(esme)
        rules.latency = 5.0
        await esme.submit_many([submit(str(number)) for number in range(20)])
        await eventually(lambda: len(centre.submitted) == 11)
        rules.latency = 0.0
        centre.unbind()
        clock().forward(5.0)
        await eventually(lambda: stages(tmp_path) == {FINAL: 21})
        assert len(centre.submitted) == 21
        assert rows(tmp_path, "SELECT count(*) FROM attempts") == [(0,)]


async def test_an_smsc_that_unbinds_answers_and_then_goes(tmp_path: Path) -> None:
    async with (
        hand_centre() as centre,
        upstream_bridge(tmp_path, sections(link(centre.port))) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        session = await centre.session()
        await esme.submit(submit("x"))
        request = await session.expect(SubmitSm)
        session.send(Unbind())
        await session.silence(UnbindResp, 0.3)  # its answer is waited for
        session.reply(request, SubmitSmResp("1"))
        await session.expect(UnbindResp)
        await eventually(lambda: stages(tmp_path) == {SENT: 1})


async def test_an_smsc_that_unbinds_and_never_answers_holds_up_no_other_message(tmp_path: Path) -> None:
    """It has no bind for as long as answers may take: what comes meanwhile goes elsewhere."""
    async with hand_centre() as first, CentreSimulator() as second:
        config = sections(link(first.port, response_timeout=20), link(second.port))
        async with upstream_bridge(tmp_path, config) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            session = await first.session()
            await eventually(lambda: metric(app, "upstream_binds", provider="link") == 1)
            await esme.submit(submit("one"))
            session.reply(await session.expect(SubmitSm), SubmitSmResp("1"))
            await esme.submit(submit("two"))
            await session.expect(SubmitSm)
            session.send(Unbind())
            await esme.submit(submit("three"))
            clock().forward(PATIENCE)
            await eventually(lambda: second.submitted)
            assert [one.pdu.short_message for one in second.submitted] == [b"three"]
            clock().forward(20 - PATIENCE)


async def test_a_session_that_the_smsc_knows_nothing_of_is_left_and_its_answers_count(
    tmp_path: Path,
) -> None:
    """ESME_RINVBNDSTS is about one message; the others that are under way have their own answers."""
    rules = Rules()
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await prove(esme)
        rules.latency = 5.0
        await esme.submit_many([submit(str(number)) for number in range(5)])
        await eventually(lambda: len(centre.submitted) == 6)
        rules.latency = 0.0
        rules.status_of = lambda pdu: Status.ESME_RINVBNDSTS
        await esme.submit(submit("bad"))
        await eventually(lambda: len(centre.submitted) == 7)
        rules.status_of = None
        clock().forward(5.0)
        await eventually(lambda: centre.counts["binds"] == 2)
        await eventually(lambda: stages(tmp_path).get(FINAL, 0) >= 6)
        assert stages(tmp_path).get(UNCERTAIN, 0) == 0
        assert rows(tmp_path, "SELECT DISTINCT result FROM attempts") == [("unavailable",)]
        assert centre.counts["unbinds"] == 1


async def test_a_receipt_that_crosses_our_unbind_is_saved_and_answered(tmp_path: Path) -> None:
    async with (
        hand_centre() as centre,
        upstream_bridge(tmp_path, sections(link(centre.port))) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        session = await centre.session()
        await esme.submit(submit("x"))
        session.reply(await session.expect(SubmitSm), SubmitSmResp("4711"))
        await eventually(lambda: newest_stage(tmp_path) == SENT)
        closing = asyncio.ensure_future(app.providers["link"].close())
        unbind = await session.expect(Unbind)
        day = time.strftime("%y%m%d%H%M")
        text = f"id:4711 sub:001 dlvrd:001 submit date:{day} done date:{day} stat:DELIVRD err:000 text:"
        session.send(DeliverSm(source_addr=PHONE, esm_class=4, short_message=text.encode()))
        session.reply(unbind, UnbindResp())
        assert (await session.expect(DeliverSmResp)).command_status == Status.ESME_ROK
        assert newest_stage(tmp_path) == FINAL
        await closing


async def test_a_receipt_that_crosses_our_unbind_is_answered_when_it_is_saved(tmp_path: Path) -> None:
    async with (
        hand_centre() as centre,
        upstream_bridge(tmp_path, sections(link(centre.port)), make=Held) as app,
    ):
        provider = app.providers["link"]
        assert isinstance(provider, Held)
        session = await centre.session()
        await eventually(lambda: metric(app, "upstream_binds", provider="link") == 1)
        closing = asyncio.ensure_future(app.providers["link"].close())
        unbind = await session.expect(Unbind)
        text = b"id:4711 sub:001 dlvrd:001 stat:DELIVRD err:000 text:"
        session.send(DeliverSm(source_addr=PHONE, esm_class=4, short_message=text))
        session.reply(unbind, UnbindResp())
        await session.silence(DeliverSmResp)
        provider.go_on.set()
        assert (await session.expect(DeliverSmResp)).command_status == Status.ESME_ROK
        assert rows(tmp_path, "SELECT DISTINCT provider FROM orphans") == [("link",)]
        await closing


async def test_an_smsc_that_hangs_up_at_the_first_message_costs_one_for_each_bind(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(hang_up_after=1)) as centre,
        linked(tmp_path, centre, window=10, reconnect_max=0.1) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(str(number)) for number in range(40)])
        await time_flies(lambda: centre.counts["binds"] >= 5)
        assert 1 <= stages(tmp_path)[UNCERTAIN] <= centre.counts["binds"]
        assert len(centre.submitted) <= centre.counts["binds"]


async def test_one_that_was_well_before_costs_a_few_once_and_then_one_for_each_bind(tmp_path: Path) -> None:
    rules = Rules()
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre, window=10, reconnect_max=0.1) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await prove(esme)
        rules.hang_up_after = 1
        centre.hang_up()
        await eventually(lambda: metric(app, "upstream_binds", provider="link") == 0)
        await esme.submit_many([submit(str(number)) for number in range(40)])
        await time_flies(lambda: centre.counts["binds"] >= 6)
        after_the_first = UNPROVEN_WINDOW, centre.counts["binds"] - 2
        assert 1 <= stages(tmp_path)[UNCERTAIN] <= sum(after_the_first)
        assert len(centre.submitted) <= centre.counts["binds"]
