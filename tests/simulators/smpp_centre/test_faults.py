"""The simulated SMSC itself: what goes wrong on it."""

import asyncio

import pytest

from smppbridge.smpp.codec import Decoder, Item, encode
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import (
    BindTransceiver,
    DeliverSm,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    SubmitSm,
    SubmitSmResp,
)
from smppbridge.smpp.tlv import tlv
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import PATIENCE, eventually
from tests.support.esme.esme import Esme, submit
from tests.support.system.clock import clock


async def bound(centre: CentreSimulator, kind: str = "TRX") -> Esme:
    return await Esme.bound(centre.port, "user", kind)


async def statuses(esme: Esme, count: int) -> list[int]:
    """Submit ``count`` messages in one write; the statuses of their answers."""
    esme.send(*[submit(registered_delivery=0) for _ in range(count)])
    return [(await esme.expect(SubmitSmResp)).command_status for _ in range(count)]


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("nack", [False, True])
async def test_refusal(nack: bool) -> None:
    rules = Rules(status_of=lambda pdu: 0x0B if pdu.destination_addr == "1" else 0, nack=nack)
    async with CentreSimulator(rules) as centre, await bound(centre) as esme:
        refusal = await esme.ask(submit(to="1"))
        assert (type(refusal), refusal.command_status) == (GenericNack if nack else SubmitSmResp, 0x0B)
        await esme.submit(submit())
        await esme.receipt()  # of the second; the first has none
        await asyncio.wait_for(centre.settled(), PATIENCE)
        assert [(one.status, one.message_id) for one in centre.submitted] == [(0x0B, ""), (0, "2882400002")]
        assert (centre.counts["taken"], centre.counts["refused"]) == (1, 1)


async def test_senders() -> None:
    rules = Rules(senders=frozenset({"ALARM"}))
    async with CentreSimulator(rules) as centre, await bound(centre) as esme:
        assert (await esme.ask(submit(source_addr="Alarm"))).command_status == 0x0A
        assert (await esme.ask(submit(source_addr="ALARM"))).command_status == 0


async def test_a_text_in_two_places() -> None:
    async with CentreSimulator() as centre, await bound(centre) as esme:
        payload = (tlv(Tag.MESSAGE_PAYLOAD, b"text"),)
        assert (await esme.ask(submit(tlvs=payload))).command_status == 0x01
        assert (await esme.ask(submit(b"", tlvs=payload))).command_status == 0


async def test_rate() -> None:
    async with CentreSimulator(Rules(rate=2)) as centre, await bound(centre) as esme:
        assert await statuses(esme, 30) == [0] * 2 + [0x58] * 28
        clock().forward(0.6)
        assert await statuses(esme, 1) == [0]
        assert (centre.counts["taken"], centre.counts["refused"]) == (3, 0)


async def test_queue() -> None:
    async with CentreSimulator(Rules(queue=3, delay=3600)) as centre, await bound(centre) as esme:
        assert await statuses(esme, 5) == [0, 0, 0, 0x14, 0x14]
        assert await statuses(esme, 1) == [0x14]
        centre.move_on()
        assert await statuses(esme, 1) == [0]
        assert centre.counts["refused"] == 3


# --- binds -----------------------------------------------------------------------------------------


async def test_refused_binds() -> None:
    rules = Rules(bind_status=lambda bind: 0x08 if isinstance(bind, BindTransceiver) else 0)
    async with CentreSimulator(rules) as centre, await Esme.connect(centre.port) as esme:
        assert (await esme.bind("user")).command_status == 0x08
        await esme.closed()
        async with await bound(centre, "RX"):
            assert centre.counts["binds"] == 1


async def test_max_binds() -> None:
    async with CentreSimulator(Rules(max_binds=1)) as centre, await Esme.connect(centre.port) as late:
        async with await bound(centre):
            assert (await late.bind("user")).command_status == 0x0D
        await eventually(lambda: not centre.sessions)
        async with await bound(centre):
            assert len(centre.sessions) == 1


async def test_mute_binds() -> None:
    async with CentreSimulator(Rules(mute_binds=True)) as centre, await Esme.connect(centre.port) as esme:
        esme.send(BindTransceiver("user", "secret", interface_version=0x34), EnquireLink())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(esme.reader.read(1), 0.1)
        assert centre.sessions == []
        centre.hang_up()
        await esme.closed()


# --- answers ---------------------------------------------------------------------------------------


async def test_mute() -> None:
    async with CentreSimulator(Rules(mute=True)) as centre, await bound(centre) as esme:
        esme.send(submit(), submit())
        assert isinstance(await esme.ask(EnquireLink()), EnquireLinkResp)
        await esme.receipts(2)
        await esme.silence(SubmitSmResp, 0.05)
        assert (centre.counts["taken"], centre.counts["lost"]) == (2, 2)
        assert [one.message_id for one in centre.submitted] == ["2882400001", "2882400002"]


async def test_deaf() -> None:
    async with CentreSimulator() as centre, await bound(centre) as esme:
        centre.rules.deaf = True
        esme.send(submit(), EnquireLink())
        await esme.silence(EnquireLinkResp, 0.1)
        assert centre.submitted == []
        centre.rules.deaf = False
        await esme.ask(EnquireLink())


async def test_lost_answers() -> None:
    rules = Rules(lose_answer=lambda number: number == 2)
    async with CentreSimulator(rules) as centre, await bound(centre) as esme:
        esme.send(submit(), submit(), submit())
        answers = [await esme.expect(SubmitSmResp) for _ in range(2)]
        assert [answer.message_id for answer in answers] == ["2882400001", "2882400003"]
        assert len(await esme.receipts(3)) == 3
        assert (centre.counts["taken"], centre.counts["lost"]) == (3, 1)


async def test_shuffled_answers() -> None:
    async with CentreSimulator(Rules(shuffle=True)) as centre, await bound(centre) as esme:
        esme.send(submit(), submit(), submit())
        answers = [await esme.expect(SubmitSmResp) for _ in range(3)]
        assert [answer.message_id for answer in answers] == ["2882400003", "2882400002", "2882400001"]
        assert [answer.sequence_number for answer in answers] == [4, 3, 2]


@pytest.mark.parametrize("first", [False, True])
async def test_receipt_before_the_answer(first: bool) -> None:
    rules = Rules(receipt_first=first, delay=0.0 if not first else 3600.0)
    async with CentreSimulator(rules) as centre, await bound(centre) as esme:
        esme.send(submit())
        kinds = [type(await esme.next()), type(await esme.next())]
        assert kinds == ([DeliverSm, SubmitSmResp] if first else [SubmitSmResp, DeliverSm])


async def test_receipt_twice() -> None:
    async with CentreSimulator(Rules(receipt_twice=True)) as centre, await bound(centre) as esme:
        await esme.submit(submit())
        one, two = await esme.receipts(2)
        assert one.short_message == two.short_message
        await asyncio.wait_for(centre.settled(), PATIENCE)
        assert centre.counts["receipts_answered"] == 2


# --- broken connections ----------------------------------------------------------------------------


async def rest_of(esme: Esme) -> bytes:
    """Everything that comes until the connection ends."""
    async with asyncio.timeout(PATIENCE):
        return await esme.reader.read()


async def test_connection_cut_in_an_answer() -> None:
    async with CentreSimulator(Rules(cut_answer_of=2)) as centre:
        async with await bound(centre) as esme:
            esme.send(submit(), submit(), submit())
            octets = await rest_of(esme)
        whole = encode(SubmitSmResp("2882400001", sequence_number=2))
        cut = encode(SubmitSmResp("2882400002", sequence_number=3))
        assert octets == whole + cut[: len(cut) // 2]
        assert centre.counts["taken"] == 3
        async with await bound(centre) as esme:
            await esme.receipts(3)
            await esme.submit(submit())


async def test_hang_up_after_some_messages() -> None:
    async with CentreSimulator(Rules(hang_up_after=3, receipts="none")) as centre:
        for _ in range(2):
            async with await bound(centre) as esme:
                await esme.submit(submit())
                esme.send(*[submit()] * 5)
                assert await rest_of(esme) == b""
        assert (centre.counts["taken"], centre.counts["lost"]) == (6, 4)
        assert len(centre.submitted) == 6


async def test_hang_up() -> None:
    async with CentreSimulator() as centre, await bound(centre) as one, await bound(centre, "TX") as two:
        centre.hang_up()
        assert (await rest_of(one), await rest_of(two)) == (b"", b"")
        async with await bound(centre):
            assert len(centre.sessions) == 1


async def test_cut_in_a_pdu() -> None:
    async with CentreSimulator() as centre, await bound(centre) as esme:
        centre.cut_in_pdu()
        octets = await rest_of(esme)
        assert 0 < len(octets) < int.from_bytes(octets[:4])


# --- liberties -------------------------------------------------------------------------------------


def lenient(octets: bytes) -> list[Item]:
    return Decoder(lenient=True).feed(octets)


async def test_stray_octets() -> None:
    async with CentreSimulator() as centre, await bound(centre) as esme:
        centre.rules.stray = True
        esme.send(submit(), EnquireLink())
        octets = b""
        while len(lenient(octets)) < 3:
            octets += await asyncio.wait_for(esme.reader.read(65536), PATIENCE)
        came = {type(item): item for item in lenient(octets)}
        answer, receipt = came[SubmitSmResp], came[DeliverSm]
        assert isinstance(answer, SubmitSmResp)
        assert isinstance(receipt, DeliverSm)
        assert (answer.message_id, answer.tlvs) == ("2882400001", ((0x0428, b"\x0a"),))
        assert (receipt.service_type, receipt.tlvs[-1]) == ("SIMULATION", (0x1501, b"demo"))
        assert receipt.tlvs[0] == (Tag.RECEIPTED_MESSAGE_ID, b"2882400001")  # without its NUL
        assert b"\0\0\0\x11\x80\0\0\x15" in octets  # enquire_link_resp of 17 octets
        assert octets.endswith(b"demo\0")


async def test_stray_octets_spare_refusals() -> None:
    rules = Rules(stray=True, status_of=lambda pdu: 0x45, nack=True)
    async with CentreSimulator(rules) as centre, await Esme.connect(centre.port) as esme:
        assert (await esme.bind("user")).command_status == 0
        assert isinstance(await esme.ask(submit()), GenericNack)
        rules.nack = False
        esme.send(SubmitSm())
        refusal = await asyncio.wait_for(esme.reader.readexactly(16), PATIENCE)
        assert refusal == bytes.fromhex("00000010800000040000004500000003")
