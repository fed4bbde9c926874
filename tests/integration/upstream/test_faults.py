"""What goes wrong between the bridge and its SMSC: nothing is lost, nothing is sent twice without leave."""

import logging
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from smppbridge.errors import StoreError
from smppbridge.link.persistent_bind import UNPROVEN_WINDOW
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import DeliverSm, SubmitSm
from smppbridge.smpp.receipt import parse_receipt
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.failing_store import rows
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import BINDS, PATIENCE, link, linked, sections, upstream_bridge
from tests.support.bridge.upstream_steps import FINAL, SENDING, SENT, UNCERTAIN, stages
from tests.support.esme.esme import Esme, submit
from tests.support.system.clock import clock, time_flies, turns

TRIES = "upstream_bind_attempts_total"


def texts(centre: CentreSimulator) -> Counter[bytes]:
    """How often the SMSC took each text."""
    return Counter(one.pdu.short_message for one in centre.submitted if not one.status)


# --- connections that end --------------------------------------------------------------------------


async def test_what_was_unanswered_when_the_connection_ended_is_held(tmp_path: Path) -> None:
    rules = Rules()
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre, window=5) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit("the first one is sent alone"))
        await esme.receipt()
        rules.mute = True
        await esme.submit_many([submit(str(number)) for number in range(20)])
        await eventually(lambda: len(centre.submitted) == 6)
        rules.mute = False
        centre.hang_up()
        await eventually(lambda: stages(tmp_path) == {UNCERTAIN: 5, FINAL: 16})
        assert max(texts(centre).values()) == 1
        receipts = [parse_receipt((await esme.receipt()).short_message.decode()) for _ in range(15)]
        assert {receipt.stat for receipt in receipts} == {"DELIVRD"}


@pytest.mark.parametrize(("policy", "word"), [("resend", "DELIVRD"), ("fail", "UNDELIV")])
async def test_the_account_says_what_becomes_of_them(tmp_path: Path, policy: str, word: str) -> None:
    async with (
        CentreSimulator(Rules(cut_answer_of=1)) as centre,
        linked(tmp_path, centre, account={"uncertain": policy}) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit("once or twice"))
        if policy == "resend":
            await time_flies(lambda: len(centre.submitted) == 2)
        receipt = parse_receipt((await esme.receipt()).short_message.decode())
        assert receipt.stat == word
        assert len(centre.submitted) == (2 if policy == "resend" else 1)


async def test_an_smsc_that_hangs_up_again_and_again_gets_everything_once(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(hang_up_after=7)) as centre,
        linked(tmp_path, centre, window=3, reconnect_max=0.1) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(str(number)) for number in range(40)])

        def settled() -> bool:
            found = stages(tmp_path)
            return found.get(UNCERTAIN, 0) + found.get(FINAL, 0) == 40

        await time_flies(settled)
        assert max(texts(centre).values()) == 1
        assert len(texts(centre)) >= stages(tmp_path)[FINAL]
        assert stages(tmp_path).get(UNCERTAIN, 0) <= 3 * (centre.counts["binds"] + 1)


async def test_messages_wait_for_the_bind_and_then_go(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        centre.stop_listening()
        centre.hang_up()
        await eventually(lambda: metric(app, "upstream_binds", provider="link") == 0)
        await esme.submit_many([submit(str(number)) for number in range(10)])
        await eventually(lambda: metric(app, TRIES, provider="link", status="unreachable") >= 1)
        clock().forward(PATIENCE)
        await eventually(lambda: metric(app, "provider_up", provider="link") == 0)
        assert "Connection refused" in " ".join(await app.readiness.reasons())
        centre.listen_again()
        await time_flies(lambda: stages(tmp_path) == {FINAL: 10})
        for _ in range(10):
            await esme.receipt()
        assert metric(app, "provider_up", provider="link") == 1
        assert await app.readiness.reasons() == []
        assert max(texts(centre).values()) == 1


async def test_a_short_interruption_sends_nothing_elsewhere(tmp_path: Path) -> None:
    async with CentreSimulator(Rules()) as first, CentreSimulator(Rules()) as second:
        config = sections(link(first.port), link(second.port))
        async with upstream_bridge(tmp_path, config) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            await eventually(lambda: metric(app, "upstream_binds", provider="link") == 1)
            first.hang_up()
            await esme.submit_many([submit(str(number)) for number in range(10)])
            for _ in range(10):
                await esme.receipt()
            assert len(first.submitted) == 10


async def test_a_long_one_does(tmp_path: Path) -> None:
    async with CentreSimulator(Rules()) as first, CentreSimulator(Rules()) as second:
        config = sections(link(first.port), link(second.port))
        async with upstream_bridge(tmp_path, config) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            await eventually(lambda: metric(app, "upstream_binds", provider="link") == 1)
            first.stop_listening()
            first.hang_up()
            await eventually(lambda: metric(app, "upstream_binds", provider="link") == 0)
            clock().forward(PATIENCE)
            await esme.submit_many([submit(str(number)) for number in range(10)])
            for _ in range(10):
                await esme.receipt()
            assert len(second.submitted) == 10


# --- answers ---------------------------------------------------------------------------------------


async def test_slow_answers_in_another_order_find_their_messages(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(latency=0.2, shuffle=True)) as centre,
        linked(tmp_path, centre, window=50) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(str(number), to=f"3752912{number:05}") for number in range(100)])
        for _ in range(100):
            receipt = await esme.receipt()
            assert b"stat:DELIVRD" in receipt.short_message
        answered = {one.message_id: one.pdu.destination_addr for one in centre.submitted}
        found = rows(tmp_path, "SELECT provider_ref, recipient FROM messages")
        assert set(found) == {(ref.lstrip("0"), number) for ref, number in answered.items()}


async def test_a_lost_answer_makes_one_message_uncertain(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(lose_answer=lambda number: number == 3)) as centre,
        linked(tmp_path, centre, response_timeout=15) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(str(number)) for number in range(10)])
        await eventually(lambda: stages(tmp_path) == {SENDING: 1, FINAL: 9})
        clock().forward(15)
        await eventually(lambda: stages(tmp_path) == {UNCERTAIN: 1, FINAL: 9})
        assert centre.counts["binds"] == 1
        assert max(texts(centre).values()) == 1


async def test_an_smsc_that_answers_nothing_is_bound_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = Rules(mute=True)
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre, response_timeout=5) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(str(number)) for number in range(20)])
        await eventually(partial(submitted, centre, UNPROVEN_WINDOW))
        clock().forward(5)
        await eventually(lambda: centre.counts["binds"] == 2)
        assert "does not answer" in caplog.text
        assert max(texts(centre).values()) == 1


async def test_throttling_slows_down_and_drops_nothing(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(rate=100)) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(str(number)) for number in range(150)])
        for _ in range(150):
            await esme.receipt()
        assert centre.counts["throttled"] > 0
        assert max(texts(centre).values()) == 1
        assert rows(tmp_path, "SELECT max(attempt) FROM messages") == [(1,)]
        assert metric(app, "provider_up", provider="link") == 1


def submitted(centre: CentreSimulator, count: int) -> bool:
    return len(centre.submitted) == count


@pytest.mark.parametrize("nack", [False, True])
@pytest.mark.parametrize("status", [0x0A, 0x0B, 0x4A3, 0x4A5, 0x45])
async def test_a_refusal_ends_the_message(tmp_path: Path, status: int, nack: bool) -> None:
    async with (
        CentreSimulator(Rules(status_of=lambda pdu: status, nack=nack)) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        message_id = await esme.submit(submit("x"))
        receipt = parse_receipt((await esme.receipt()).short_message.decode())
        assert (receipt.id, receipt.stat) == (message_id, "REJECTD")
        assert len(centre.submitted) == 1


@pytest.mark.parametrize("latency", [0.0, 0.01])
@pytest.mark.parametrize("ids", ["decimal", "hex"])
async def test_small_ids_are_not_taken_for_each_other(tmp_path: Path, ids: str, latency: float) -> None:
    """40 may be 28 in hexadecimal, or 64 in decimal; all messages go to one phone."""
    async with (
        CentreSimulator(Rules(first_id=0, ids=ids, latency=latency)) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(str(number)) for number in range(200)])
        await centre.settled()
        await eventually(lambda: stages(tmp_path) == {FINAL: 200})


@pytest.mark.parametrize(
    ("profile", "status", "reason"),
    [
        ("standard", 0x02, "0x02 ESME_RINVCMDLEN: the request has a wrong length"),
        ("sms-assistent", 0x0A, "0x0A ESME_RINVSRCADR: the sender is wrong, or may not be used"),
        ("sms-assistent", 0x4A4, "0x4A4 ESME_RNOMONEY: the money does not suffice for the message"),
    ],
)
async def test_why_it_was_refused_is_stored_counted_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, profile: str, status: int, reason: str
) -> None:
    async with (
        CentreSimulator(Rules(status_of=lambda pdu: status)) as centre,
        linked(tmp_path, centre, profile=profile) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit("x"))
        await eventually(lambda: rows(tmp_path, "SELECT count(*) FROM attempts") == [(1,)])
        code = reason.split(maxsplit=1)[0]
        [(stored, why)] = rows(tmp_path, "SELECT code, reason FROM attempts")
        assert (stored, str(why).startswith(reason)) == (code, True)
        assert metric(app, "refusals_total", provider="link", code=code) == 1
        [line] = [one for one in caplog.records if one.message == "the provider refused a message"]
        assert line.__dict__["fields"]["reason"] == why


# --- binds that do not come about ------------------------------------------------------------------


async def test_a_wrong_password_does_not_hammer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        async with CentreSimulator(Rules()) as first, CentreSimulator(Rules()) as second:
            config = sections(link(first.port, password="wrong", binds=3), link(second.port))
            async with upstream_bridge(tmp_path, config) as app, await Esme.bound(app.smpp_ports[0]) as esme:
                await eventually(lambda: metric(app, "provider_up", provider="link") == 0)
                await esme.submit(submit("by the other one"))
                await esme.receipt()
                clock().forward(BINDS.refused_first / 2)
                await turns(50)
                tried = metric(app, TRIES, provider="link", status="ESME_RINVPASWD")
                assert tried == 1
                assert metric(app, "upstream_binds", provider="link") == 0
                assert len(second.submitted) == 1
    said = [getattr(record, "fields", {}) for record in caplog.records]
    assert "ESME_RINVPASWD" in str(said)
    assert "wrong" not in str(said)


async def test_an_address_where_nobody_answers_is_passed_over(tmp_path: Path) -> None:
    """The next host of the list."""
    async with CentreSimulator(Rules()) as dead, CentreSimulator(Rules()) as alive:
        dead.stop_listening()
        entry = link(alive.port, host=[f"127.0.0.1:{dead.port}", f"127.0.0.1:{alive.port}"])
        async with (
            upstream_bridge(tmp_path, sections(entry)) as app,
            await Esme.bound(app.smpp_ports[0]) as esme,
        ):
            await esme.submit(submit("x"))
            await esme.receipt()
            assert len(alive.submitted) == 1
            assert metric(app, TRIES, provider="link", status="unreachable") == 1


async def test_a_listener_that_never_answers_is_left(tmp_path: Path) -> None:
    rules = Rules(mute_binds=True)
    async with (
        CentreSimulator(rules) as centre,
        upstream_bridge(tmp_path, sections(link(centre.port))) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit("x"))
        await time_flies(lambda: metric(app, TRIES, provider="link", status="timeout") >= 2)
        rules.mute_binds = False
        await time_flies(lambda: stages(tmp_path) == {FINAL: 1})
        await esme.receipt()
        assert max(texts(centre).values()) == 1


async def test_too_many_binds_leave_the_others_alone(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(max_binds=2)) as centre,
        linked(tmp_path, centre, binds=4, up=2) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await eventually(lambda: metric(app, TRIES, provider="link", status="ESME_RBINDFAIL") >= 2)
        await esme.submit(submit("x"))
        await esme.receipt()
        assert metric(app, "provider_up", provider="link") == 1


# --- receipts that make no sense -------------------------------------------------------------------


async def test_a_malformed_receipt_is_answered_logged_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        broken = DeliverSm(source_addr="375291234567", esm_class=4, short_message=b"stat:DELIVRD but whose")
        assert (await centre.deliver(broken)).command_status == 0
        assert metric(app, "unreadable_answers_total", provider="link") == 1
        assert "receipt not understood" in caplog.text
        await esme.submit(submit("x"))
        await esme.receipt()
        assert centre.counts["binds"] == 1


async def test_receipts_for_unknown_ids_are_kept(tmp_path: Path) -> None:
    async with CentreSimulator(Rules()) as centre, linked(tmp_path, centre):
        await centre.send_receipt("777777", "DELIVRD")
        await eventually(lambda: rows(tmp_path, "SELECT DISTINCT provider FROM orphans") == [("link",)])
        await centre.settled()


async def test_a_store_that_takes_nothing_has_the_receipt_sent_again(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(delay=5.0)) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit("x"))
        await eventually(lambda: stages(tmp_path) == {SENT: 1})

        async def broken(*_: object) -> None:
            raise StoreError("disk full")

        with pytest.MonkeyPatch.context() as patch:
            # The store is to fail here only, and no other write of it.
            patch.setattr(app.outcomes, "settle", broken)
            clock().forward(5.0)
            await eventually(lambda: centre.counts["receipts_refused"] >= 1)
        await esme.receipt()
        await centre.settled()


async def test_an_unexpected_submit_sm_from_the_smsc_changes_nothing(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await centre.deliver_raw(encode(SubmitSm(destination_addr="1", sequence_number=9)))
        await esme.submit(submit("x"))
        await esme.receipt()
        assert centre.counts["binds"] == 1
