"""Equipment that vanishes, or reads or writes an octet at a time: others are served as ever, and nothing that
it was owed is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

from smppbridge.errors import ProtocolError
from smppbridge.smpp.codec import Decoder, encode
from smppbridge.smpp.pdu import DeliverSm, EnquireLink, EnquireLinkResp, Pdu, SubmitSmResp
from tests.support.attack.rig import MOST_MB, attacked
from tests.support.attack.strangers import may_open
from tests.support.bridge.running import eventually
from tests.support.esme.esme import Esme, submit

KB_A_BIND = 30  # without TLS
QUICK = """
smpp: {enquire_link: 0.5s, response_timeout: 3s}
accounts: {pbx: {password: secret, binds: 4, window: 10}}
"""


async def test_equipment_that_vanishes(tmp_path: Path) -> None:
    """It says no word and closes nothing, as when its cable is pulled. Its receipts come over the next
    bind."""
    async with attacked(tmp_path, QUICK) as bridge, AsyncExitStack() as stack:
        gone = [await stack.enter_async_context(await Esme.bound(bridge.smpp_port)) for _ in range(4)]
        ids = [await esme.submit(submit()) for esme in gone]
        for esme in gone:
            esme.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a socket's
        await eventually(lambda: bridge.log_lines["bind ended"] >= len(gone))
        assert await bridge.metric("binds", account="pbx") == 0
        async with await Esme.bound(bridge.smpp_port) as esme:
            assert sorted([await receipt(esme) for _ in ids]) == sorted(f"id:{one}" for one in ids)
        await bridge.is_well()


async def receipt(esme: Esme) -> str:
    """The id in the next receipt. It may have been put off, and the ESME says meanwhile that it is there."""
    while isinstance(pdu := await esme.next(), EnquireLink):
        esme.reply(pdu, EnquireLinkResp())
    assert isinstance(pdu, DeliverSm)
    esme.answer(pdu)
    return pdu.short_message.decode().split()[0]


async def test_equipment_that_reads_or_writes_too_little(tmp_path: Path, faults: bool) -> None:
    """Who takes no answer is not read any more. Who reads and writes an octet at a time is served, as slowly
    as that."""
    async with (
        attacked(tmp_path, QUICK) as bridge,
        await Esme.bound(bridge.smpp_port) as deaf,
        await Esme.bound(bridge.smpp_port, "other") as slow,
    ):
        before = bridge.rss
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a socket's
        questions = b"".join(encode(deaf.number(EnquireLink())) for _ in range(1000))
        for _ in range(1000 if faults else 150):
            deaf.writer.write(questions)
            await asyncio.sleep(0)
        for octet in encode(slow.number(submit())):
            slow.writer.write(bytes([octet]))
            await asyncio.sleep(0.001)
        answer, owed = [pdu async for pdu in octet_by_octet(slow)]
        assert isinstance(answer, SubmitSmResp) and not answer.command_status
        assert isinstance(owed, DeliverSm)
        assert bridge.rss <= before + 20
        await bridge.is_well()


async def octet_by_octet(esme: Esme) -> AsyncIterator[Pdu]:
    """What comes until there is a receipt. The ESME says meanwhile that it is there."""
    decoder = Decoder()
    pdu: Pdu | ProtocolError | None = None
    while not isinstance(pdu, DeliverSm):
        octet = await esme.reader.read(1)
        assert octet, "closed by the bridge"
        for pdu in decoder.feed(octet):
            if isinstance(pdu, EnquireLink):
                esme.reply(pdu, EnquireLinkResp())
            else:
                assert not isinstance(pdu, ProtocolError), pdu
                yield pdu


async def test_idle_binds(tmp_path: Path, faults: bool) -> None:
    count = 2000 if faults else 150
    may_open(count + 500)
    settings = "accounts: {pbx: {password: secret, binds: 1000}, crm: {password: secret, binds: 1000}}"
    async with attacked(tmp_path, settings) as bridge, AsyncExitStack() as stack:
        await bridge.newcomer()  # the first one costs what is loaded for it
        before = bridge.rss
        for number in range(count):
            system_id = ("pbx", "crm")[number % 2]
            await stack.enter_async_context(await Esme.bound(bridge.smpp_port, system_id))
        await bridge.heart.beat(2)
        await bridge.newcomer()
        print(f"{1024 * (bridge.rss - before) / count:.0f} KB a bind")
        assert 1024 * (bridge.rss - before) <= KB_A_BIND * count
        assert await bridge.metric("binds") == count + 1
        assert bridge.peak_rss <= MOST_MB
        await bridge.heart.is_well()
