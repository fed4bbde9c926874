"""An SMSC as a provider: what becomes of a batch while binds come and go, and what is told to the bridge."""

import asyncio
import logging
from pathlib import Path

import pytest

from smppbridge.errors import (
    UNFIT,
    ConfigError,
    ProviderError,
    Rejected,
    StoreError,
    Unavailable,
    Uncertain,
)
from smppbridge.model.message import Inbound, StatusReport
from smppbridge.providers.base import Callback, Taken
from smppbridge.providers.upstream.options import FINISHING_TIME, SENDING_TIME
from smppbridge.providers.upstream.provider import Smpp
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import AlertNotification, DeliverSm, SubmitSm
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually, free_port
from tests.support.builders.messages import NOW, message
from tests.support.system.clock import clock, soon, until
from tests.unit.providers.upstream.link import (
    PATIENCE,
    Bridge,
    batch,
    kinds,
    linked,
    options_of,
    prove,
    slowest,
)
from tests.unit.providers.upstream.samples import SECRET, options

# --- before and after ------------------------------------------------------------------------------


async def test_before_the_start() -> None:
    provider = Smpp("link", options())
    (result,) = await provider.send(batch(1), NOW)
    assert isinstance(result, Unavailable)
    assert result.reason == "not started"
    with pytest.raises(Unavailable, match="not started"):
        await provider.balance()
    provider.stop()
    await provider.close()


async def test_after_the_stop() -> None:
    async with CentreSimulator() as centre, linked(centre) as provider:
        provider.stop()
        (result,) = await provider.send(batch(1), NOW)
        assert isinstance(result, Unavailable)
        assert "stopping" in result.reason
        await provider.close()
        await provider.close()
        assert kinds(await provider.send(batch(1), NOW)) == [Unavailable]
        assert centre.submitted == []
        assert centre.counts["unbinds"] == 1


async def test_a_stop_lets_what_was_sent_have_its_answer() -> None:
    rules = Rules()
    async with CentreSimulator(rules) as centre, linked(centre, window=2) as provider:
        await prove(provider, centre)
        rules.latency = 5.0
        sending = asyncio.ensure_future(provider.send(batch(1, 2, 3, 4), NOW))
        await eventually(lambda: len(centre.submitted) == 2)
        provider.stop()
        clock().forward(5.0)
        results = await soon(sending)
        assert kinds(results) == [Taken, Taken, Unavailable, Unavailable]
        assert len(centre.submitted) == 2


async def test_a_stop_lets_what_was_begun_be_whole() -> None:
    async with CentreSimulator(Rules(latency=0.05)) as centre, linked(centre, window=1) as provider:
        texts = [message(number, text="x" * 400, data_coding=0) for number in (1, 2)]
        sending = asyncio.ensure_future(provider.send(texts, NOW))
        await eventually(lambda: len(centre.submitted) == 1)
        provider.stop()
        begun, other = await soon(sending)
        assert isinstance(begun, Taken)
        assert len(begun.parts) == 2
        assert isinstance(other, Unavailable)
        assert len(centre.submitted) == 3


async def test_what_is_never_asked() -> None:
    provider = Smpp("link", options())
    assert await provider.status([]) == []
    assert await provider.find([], NOW) == []
    assert await provider.inbound(None) == []
    assert not provider.schedules(NOW + 1, NOW)
    with pytest.raises(ValueError, match="call back"):
        provider.parse_callback(Callback("POST", {}, {}))
    assert (provider.limits.poll_interval, provider.limits.balance_interval) == (0, 0)


async def test_balance_is_unknown() -> None:
    async with CentreSimulator() as centre, linked(centre) as provider:
        assert await provider.balance() is None


@pytest.mark.parametrize("content", [None, "no certificate"])
@pytest.mark.parametrize("key", ["tls", "outbind.tls"])
async def test_files_of_tls_that_cannot_be_used(tmp_path: Path, key: str, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    files = {"cert": str(path), "key": str(path)}
    outbind = {"port": 0, "allow_from": ["127.0.0.1"], "password": "word", "tls": files}
    with pytest.raises(ConfigError) as raised:
        Smpp("link", options(**({"tls": {"ca": str(path)}} if key == "tls" else {"outbind": outbind})))
    (problem,) = raised.value.problems
    assert problem.startswith(f"providers.link.{key}: ")
    assert SECRET not in problem


async def test_a_lease_is_longer_than_a_batch_may_take() -> None:
    """A batch may begin its last message just before SENDING_TIME is over, send its last part just before
    FINISHING_TIME is, and wait for that answer."""
    for keys in ({}, {"response_timeout": 120}):
        own = options(**keys)
        assert own.limits().lease > SENDING_TIME + FINISHING_TIME + own.response_timeout


# --- batches ---------------------------------------------------------------------------------------


async def test_results_stand_in_the_order_of_the_messages() -> None:
    def status_of(pdu: SubmitSm) -> int:
        return Status.ESME_RINVDSTADR if pdu.short_message == b"text 2" else 0

    async with CentreSimulator(Rules(status_of=status_of, shuffle=True, latency=0.05)) as centre:
        async with linked(centre, data_codings=[0]) as provider:
            messages = batch(1, 2, 3)
            messages.insert(1, message(9, text="кириллица"))
            taken, unfit, refused, also_taken = await provider.send(messages, NOW)
        given = {one.pdu.short_message: one.message_id for one in centre.submitted}
        assert (taken, also_taken) == (
            Taken(given[b"text 1"].lstrip("0")),
            Taken(given[b"text 3"].lstrip("0")),
        )
        assert isinstance(unfit, Rejected)
        assert (unfit.code, unfit.status) == (UNFIT, Status.ESME_RINVENCODING)
        assert isinstance(refused, Rejected)
        assert (refused.code, refused.status) == ("0x0B", Status.ESME_RINVDSTADR)


async def test_a_batch_of_nothing_but_unfit_messages() -> None:
    async with CentreSimulator() as centre, linked(centre, data_codings=[0]) as provider:
        results = await soon(provider.send([message(1), message(2)], NOW))
        assert kinds(results) == [Rejected, Rejected]


async def test_batches_at_once() -> None:
    async with CentreSimulator(Rules(latency=0.02)) as centre, linked(centre, window=3) as provider:
        sends = [provider.send(batch(*range(first, first + 10)), NOW) for first in (0, 10, 20, 30)]
        refs = [result for results in await asyncio.gather(*sends) for result in results]
        assert kinds(refs) == [Taken] * 40
        assert len(set(refs)) == 40
        assert len(centre.submitted) == 40


@pytest.mark.parametrize("window", [1, 10])
async def test_a_refused_part_ends_its_message(window: int) -> None:
    """What was not sent of it never is; not even what was too much."""

    def status_of(pdu: SubmitSm) -> int:
        if not pdu.esm_class:
            return 0
        return {1: Status.ESME_RINVDSTADR, 2: Status.ESME_RTHROTTLED}.get(pdu.short_message[5], 0)

    async with (
        CentreSimulator(Rules(status_of=status_of)) as centre,
        linked(centre, timings=slowest(50.0), window=window) as provider,
    ):
        await prove(provider, centre)
        messages = [message(1, text="x" * 400, data_coding=0), *batch(2)]
        refused, taken = await soon(provider.send(messages, NOW))
        assert isinstance(refused, Rejected)
        assert refused.code == "0x0B"
        assert isinstance(taken, Taken)
        sent = [one.pdu.short_message[5] for one in centre.submitted if one.pdu.esm_class]
        assert sent == ([1] if window == 1 else [1, 2, 3])


async def test_a_connection_that_ends() -> None:
    rules = Rules()
    async with CentreSimulator(rules) as centre, linked(centre, window=2) as provider:
        await prove(provider, centre)
        rules.mute = True
        sending = asyncio.ensure_future(provider.send(batch(1, 2, 3), NOW))
        await eventually(lambda: len(centre.submitted) == 2)
        rules.mute = False
        centre.hang_up()
        assert kinds(await sending) == [Uncertain, Uncertain, Taken]


async def test_no_bind_for_a_while() -> None:
    bridge = Bridge()
    async with CentreSimulator() as centre, linked(centre, bridge) as provider:
        centre.stop_listening()
        centre.hang_up()
        await eventually(lambda: bridge.counts[-1] == 0)
        sending = asyncio.ensure_future(provider.send(batch(1, 2), NOW))
        await eventually(lambda: "unreachable" in bridge.tries)
        assert not sending.done()
        clock().forward(PATIENCE)
        results = await soon(sending)
        assert kinds(results) == [Unavailable, Unavailable]
        assert isinstance(results[0], ProviderError)
        assert "Connection refused" in results[0].reason
        assert bridge.links[-1] == results[0].reason
        with pytest.raises(Unavailable, match="Connection refused"):
            await provider.balance()
        centre.listen_again()
        await eventually(lambda: bridge.links[-1] == "")
        assert kinds(await provider.send(batch(3), NOW)) == [Taken]
        assert [one.pdu.short_message for one in centre.submitted] == [b"text 3"]


async def test_never_bound() -> None:
    bridge = Bridge()
    provider = Smpp("link", options_of(free_port()))
    await provider.start(bridge.upcalls())
    await eventually(lambda: "unreachable" in bridge.tries)
    clock().stop_clock()  # nothing is waited for
    provider.stop()
    closing = asyncio.ensure_future(provider.close())
    await until(closing.done)
    assert "" not in bridge.links


# --- what comes in ---------------------------------------------------------------------------------


async def test_receipts_and_messages_from_phones() -> None:
    bridge = Bridge()
    async with CentreSimulator() as centre, linked(centre, bridge) as provider:
        (taken,) = await provider.send(batch(1), NOW)
        await centre.settled()
        await centre.deliver(DeliverSm(source_addr="375291234567", short_message=b"yes"))
        report, inbound = bridge.news
        assert isinstance(taken, Taken)
        assert isinstance(report, StatusReport)
        assert isinstance(inbound, Inbound)
        assert taken.ref in (report.provider_ref, *report.also)
        assert inbound.text == "yes"
        await centre.deliver_raw(
            bytes.fromhex("0000001b 00000102 00000000 00000009 00003100 00003200") + b"\0\0\0"
        )
        assert AlertNotification.command_id == 0x102
        (taken,) = await provider.send(batch(2), NOW)
        assert isinstance(taken, Taken)


@pytest.mark.parametrize("error", [StoreError("disk full"), RuntimeError("a mistake")])
async def test_what_is_not_saved_is_to_come_again(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    bridge = Bridge()
    async with CentreSimulator() as centre, linked(centre, bridge):
        bridge.error = error
        with caplog.at_level(logging.ERROR):
            answer = await centre.deliver(DeliverSm(source_addr="375291234567", short_message=b"yes"))
        assert answer.command_status == Status.ESME_RX_T_APPN
        assert ("a mistake" in caplog.text) == isinstance(error, RuntimeError)
        bridge.error = None
        assert (await centre.deliver(DeliverSm(source_addr="1", short_message=b"no"))).command_status == 0
        assert [getattr(one, "text", "") for one in bridge.news] == ["no"]


async def test_what_makes_no_sense_is_answered_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    bridge = Bridge()
    async with CentreSimulator() as centre, linked(centre, bridge):
        for _ in range(3):
            nonsense = DeliverSm(
                source_addr="375291234567", esm_class=4, short_message=b"stat:DELIVRD secret"
            )
            assert (await centre.deliver(nonsense)).command_status == 0
        assert (bridge.nonsense, bridge.news) == (3, [])
    assert caplog.text.count("receipt not understood") == 1
    assert "secret" not in str([vars(record) for record in caplog.records])
