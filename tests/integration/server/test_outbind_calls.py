"""Equipment that does not bind by itself is called when something waits for it (SMPP 3.4 §2.2.1, §4.1.7)."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from smppbridge.app import App
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.pdu import SubmitSmResp
from tests.support.bridge.running import bridge, config, eventually, metric
from tests.support.esme.callee import WORD, Callee, callee, outbind
from tests.support.esme.esme import Esme, submit
from tests.support.esme.phones import ALL_TO_PBX, from_phone, text_of
from tests.support.system.clock import clock, turns
from tests.support.system.ports import reserved_ports

LONGEST_PAUSE = 600.0  # seconds between two calls
LOOK = 10.0  # seconds between two looks at what is owed


def accounts(port: int, keys: str = "", more: str = "") -> str:
    """Sections: pbx is called at ``port``."""
    return (
        f"accounts: {{pbx: {{password: secret, {outbind(port, keys)}, {more}}}, other: {{password: secret}}}}"
    )


@asynccontextmanager
async def scene(
    directory: Path, keys: str = "", more: str = "", sections: str = "", tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[App, Callee]]:
    """A bridge, and equipment that it may call."""
    async with (
        callee(tls=tls) as equipment,
        bridge(directory, f"{accounts(equipment.port, keys, more)}\n{sections}") as app,
    ):
        yield app, equipment
        await equipment.close()  # it would not answer our unbind


async def owe(app: App, *texts: str) -> list[str]:
    """Submit over a transmitter, which gets no receipts; the ids of these."""
    async with await Esme.bound(app.smpp_ports[0], kind="TX") as esme:
        return await esme.submit_many([submit(text) for text in texts or ("Door 3 opened",)])


def calls(app: App, result: str) -> float:
    """How many calls ended so."""
    return metric(app, "outbind_calls_total", account="pbx", result=result)


async def over(app: App, result: str, count: int) -> None:
    """So many calls ended so, and the pause after the last one is over."""
    await eventually(lambda: calls(app, result) == count)
    clock().forward(LONGEST_PAUSE)


async def ids(esme: Esme, count: int) -> set[object]:
    """Of the next receipts."""
    return {pdu.tlv(Tag.RECEIPTED_MESSAGE_ID) for pdu in await esme.receipts(count)}


# --- what a call brings ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["RX", "TRX"])
async def test_receipts_are_delivered_where_the_equipment_was_called(tmp_path: Path, kind: str) -> None:
    async with scene(tmp_path) as (app, equipment):
        message_ids = await owe(app, "one", "two")
        esme, called = await equipment.outbind()
        assert (called.system_id, called.password, called.command_status) == ("smppbridge", WORD, 0)
        answer = await esme.bind(kind=kind)
        assert (answer.command_status, answer.system_id) == (0, "smppbridge")
        assert await ids(esme, 2) == set(message_ids)
        assert await ids(esme, len(await owe(app))) != set(message_ids)  # it is bound: no other call
        assert (equipment.count, calls(app, "bound")) == (1, 1)
        assert metric(app, "binds", account="pbx", bind_type=kind) == 1


async def test_a_transceiver_may_submit_as_ever(tmp_path: Path) -> None:
    async with scene(tmp_path) as (app, equipment):
        await owe(app)
        esme = await equipment.bound(kind="TRX")
        await esme.receipt()
        message_id = await esme.submit(submit())
        assert await ids(esme, 1) == {message_id}


async def test_a_message_from_a_phone(tmp_path: Path) -> None:
    async with scene(tmp_path, sections=ALL_TO_PBX) as (app, equipment):
        await app.inbound.arrive("lab", [from_phone("Yes")])
        assert text_of(await (await equipment.bound()).receipt()) == "Yes"


async def test_nobody_is_called_for_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as (app, equipment):
        async with await Esme.bound(app.smpp_ports[0], kind="TX") as esme:
            await esme.submit(submit(registered_delivery=0))
        await eventually(lambda: metric(app, "outcomes_total", provider="lab", state="DELIVERED") == 1)
        async with await Esme.bound(app.smpp_ports[0], "other") as other:
            await other.submit(submit())
            await other.receipt()
        for _ in range(3):
            clock().forward(LOOK)
            await turns(50)
        assert equipment.count == 0


async def test_equipment_that_is_there_is_not_called(tmp_path: Path) -> None:
    async with scene(tmp_path) as (app, equipment):
        async with await Esme.bound(app.smpp_ports[0], kind="RX") as esme:
            await owe(app)
            await esme.receipt(None)
            await owe(app)
            await esme.receipt()
            assert equipment.count == 0
        await (await equipment.bound()).receipt()  # it left without an answer


async def test_called_again_once_it_has_left(tmp_path: Path) -> None:
    async with scene(tmp_path) as (app, equipment):
        for _ in range(3):
            message_ids = await owe(app)
            esme = await equipment.bound()
            assert await ids(esme, 1) == set(message_ids)
            await esme.close()
            await eventually(lambda: not app.courier.reaches("pbx"))
            clock().forward(LOOK)
        assert calls(app, "bound") == 3


async def test_receipts_that_wait_at_a_start(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app:
        message_ids = await owe(app, "one", "two")
        await eventually(lambda: metric(app, "outcomes_total", provider="lab", state="DELIVERED") == 2)
    async with scene(tmp_path) as (app, equipment):
        assert await ids(await equipment.bound(), 2) == set(message_ids)


# --- what can go wrong -----------------------------------------------------------------------------


async def test_nobody_listens_yet(tmp_path: Path) -> None:
    with reserved_ports(1) as (port,):
        async with bridge(tmp_path, accounts(port)) as app:
            message_ids = await owe(app)
            for count in range(1, 3):
                await over(app, "unreachable", count)
            await eventually(lambda: calls(app, "unreachable") == 3)
            async with callee(port) as equipment:
                clock().forward(LONGEST_PAUSE)
                assert await ids(await equipment.bound(), 1) == set(message_ids)
            assert calls(app, "bound") == 1


async def test_equipment_that_hangs_up(tmp_path: Path) -> None:
    async with scene(tmp_path) as (app, equipment):
        message_ids = await owe(app)
        for count in range(1, 3):
            await (await equipment.call()).close()
            await over(app, "no_bind", count)
        assert await ids(await equipment.bound(), 1) == set(message_ids)
        assert (calls(app, "no_bind"), calls(app, "bound")) == (2, 1)


async def test_nobody_submits_before_a_bind(tmp_path: Path) -> None:
    async with scene(tmp_path) as (app, equipment):
        await owe(app)
        esme, _ = await equipment.outbind()
        answer = await esme.ask(submit())
        assert isinstance(answer, SubmitSmResp)
        assert answer.command_status == Status.ESME_RINVBNDSTS
        assert metric(app, "submit_sm_total", account="pbx", status="ESME_ROK") == 1


async def test_the_number_of_binds_counts_as_ever(tmp_path: Path) -> None:
    async with scene(tmp_path, more="binds: 1") as (app, equipment):
        async with await Esme.bound(app.smpp_ports[0], kind="TX") as esme:
            message_id = await esme.submit(submit())
            called, _ = await equipment.outbind()
            assert (await called.bind(kind="RX")).command_status == Status.ESME_RBINDFAIL
        await eventually(lambda: metric(app, "binds", account="pbx", bind_type="TX") == 0)
        await over(app, "no_bind", 1)
        assert message_id in await ids(await equipment.bound(), 1)


async def test_the_address_of_the_equipment_counts_as_ever(tmp_path: Path) -> None:
    async with scene(tmp_path, more="allow_from: [192.0.2.1]", sections=ALL_TO_PBX) as (app, equipment):
        await app.inbound.arrive("lab", [from_phone()])
        called, _ = await equipment.outbind()
        assert (await called.bind(kind="RX")).command_status == Status.ESME_RINVPASWD


async def test_one_line_for_each_change_and_no_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with reserved_ports(1) as (port,):
        async with bridge(tmp_path, accounts(port)) as app:
            await owe(app)
            for count in range(1, 3):
                await over(app, "unreachable", count)
            await eventually(lambda: calls(app, "unreachable") == 3)
            async with callee(port) as equipment:
                clock().forward(LONGEST_PAUSE)
                await (await equipment.bound()).receipt()
                await eventually(lambda: calls(app, "bound") == 1)
    lines = [record for record in caplog.records if record.getMessage() == "equipment was called"]
    told = [getattr(record, "fields", {}) for record in lines]
    assert [(one["account"], one["host"], one["result"]) for one in told] == [
        ("pbx", f"127.0.0.1:{port}", "unreachable"),
        ("pbx", f"127.0.0.1:{port}", "bound"),
    ]
    assert told[0]["reason"]
    assert not any(WORD in f"{record.getMessage()} {record.__dict__}".split() for record in caplog.records)


# --- TLS -------------------------------------------------------------------------------------------


def certified(directory: Path, name: str) -> ssl.SSLContext:
    """For equipment with a certificate for ``name``, of the authority in ca.pem."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("name", "keys"), [("127.0.0.1", "ca: ca.pem"), ("pbx.example", "ca: ca.pem, server_name: pbx.example")]
)
async def test_over_tls(tmp_path: Path, name: str, keys: str) -> None:
    context = certified(tmp_path, name)
    async with scene(tmp_path, f"tls: {{{keys}}}", tls=context) as (app, equipment):
        message_ids = await owe(app)
        assert await ids(await equipment.bound(), 1) == set(message_ids)


# --- reload and end --------------------------------------------------------------------------------


async def test_a_reload_counts_at_once(tmp_path: Path) -> None:
    with reserved_ports(1) as (port,):
        async with callee() as equipment, bridge(tmp_path) as app:
            message_ids = await owe(app)
            app.reload(config(tmp_path, accounts(port)))  # its address is new
            await eventually(lambda: calls(app, "unreachable") == 1)
            app.reload(config(tmp_path, accounts(equipment.port)))  # it has moved
            esme = await equipment.bound()
            assert await ids(esme, 1) == set(message_ids)
            app.reload(config(tmp_path, ""))  # it is not called any more
            await esme.close()
            await owe(app)
            await eventually(lambda: metric(app, "outcomes_total", provider="lab", state="DELIVERED") == 2)
            app.reload(config(tmp_path, ""))
            clock().forward(LONGEST_PAUSE)
            await turns(50)
            assert equipment.count == 1


async def test_a_stop_ends_calls(tmp_path: Path) -> None:
    async with callee() as equipment:
        async with bridge(tmp_path, accounts(equipment.port)) as app:
            await owe(app)
            esme, _ = await equipment.outbind()
            began = asyncio.get_running_loop().time()
        await esme.closed()
        assert (
            asyncio.get_running_loop().time() - began < 4.5
        )  # not the 5 s that a peer has for its last words
        assert (calls(app, "bound"), calls(app, "no_bind")) == (0, 0)
