"""Messages through the upstream link and receipts back: a real bridge, a real SMSC at the other end."""

from pathlib import Path

import pytest

from smppbridge.smpp.constants import EsmClass
from smppbridge.smpp.pdu import DeliverSm
from smppbridge.smpp.receipt import parse_receipt
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.failing_store import rows
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import linked
from tests.support.esme.esme import PHONE, Esme, submit


async def test_a_message_goes_out_and_its_receipt_comes_back(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        message_id = await esme.submit(submit("Door 3 opened"))
        receipt = parse_receipt((await esme.receipt()).short_message.decode())
        assert (receipt.id, receipt.stat, receipt.err) == (message_id, "DELIVRD", "000")
        (taken,) = centre.submitted
        assert taken.message_id != message_id
        assert taken.pdu.destination_addr == PHONE
        assert (taken.pdu.source_addr, taken.pdu.source_addr_ton) == ("ALARM", 5)
        assert taken.pdu.registered_delivery == 1
        await centre.settled()


@pytest.mark.parametrize("dialect", ["standard", "sms-assistent"])
@pytest.mark.parametrize("text", ["Door 3 opened", "Дверь открыта", "naïve", "😀 [door] €"])
async def test_texts_arrive_as_they_were_sent(tmp_path: Path, dialect: str, text: str) -> None:
    async with (
        CentreSimulator(Rules(dialect=dialect)) as centre,
        linked(tmp_path, centre, profile=dialect) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit(text.encode("utf-16-be"), data_coding=8))
        await esme.receipt()
        (taken,) = centre.submitted
        assert taken.pdu.data_coding in ((3, 8) if dialect == "sms-assistent" else (0, 8))
        coding = {0: "latin-1", 3: "latin-1", 8: "utf-16-be"}[taken.pdu.data_coding]
        assert taken.pdu.short_message.decode(coding) == text


async def test_a_long_text_is_one_message_with_one_receipt(tmp_path: Path) -> None:
    text = "Long text. " * 40
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        payload = submit(b"", tlvs=((0x0424, text.encode()),))
        message_id = await esme.submit(payload)
        receipt = await esme.receipt()
        assert parse_receipt(receipt.short_message.decode()).id == message_id
        await esme.silence(DeliverSm)
        assert [one.pdu.short_message[:6].hex() for one in centre.submitted][-1].endswith("0303")
        assert "".join(one.pdu.short_message[6:].decode() for one in centre.submitted) == text
        assert {one.pdu.esm_class for one in centre.submitted} == {int(EsmClass.UDHI)}


async def test_one_bad_part_decides_about_the_whole(tmp_path: Path) -> None:
    def outcome(pdu: object) -> str:
        return "UNDELIV" if getattr(pdu, "short_message", b"")[5:6] == b"\x02" else "DELIVRD"

    async with (
        CentreSimulator(Rules(outcomes=outcome, err="017")) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit(b"", tlvs=((0x0424, b"Long text. " * 40),)))
        receipt = parse_receipt((await esme.receipt()).short_message.decode())
        assert (receipt.stat, receipt.err) == ("UNDELIV", "017")


async def test_several_binds_share_the_messages(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre, binds=3, window=2, up=3) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert len(centre.sessions) == 3
        ids = await esme.submit_many([submit(str(number)) for number in range(60)])
        texts = [(await esme.receipt()).short_message.decode() for _ in ids]
        assert {parse_receipt(text).id for text in texts} == set(ids)


async def test_transmitter_and_receiver_in_a_pair(tmp_path: Path) -> None:
    async with CentreSimulator(Rules()) as centre:
        async with (
            linked(tmp_path, centre, bind="pair", up=2) as app,
            await Esme.bound(app.smpp_ports[0]) as esme,
        ):
            await esme.submit(submit("x"))
            await esme.receipt()
            assert metric(app, "upstream_bind_attempts_total", provider="link", status="ESME_ROK") == 2
        await eventually(lambda: centre.counts["unbinds"] == 2)


async def test_shutdown_says_unbind(tmp_path: Path) -> None:
    async with CentreSimulator(Rules()) as centre:
        async with linked(tmp_path, centre):
            pass
        assert centre.counts["unbinds"] == 1


async def test_nothing_is_left_open(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        ids = await esme.submit_many([submit(str(number)) for number in range(500)])
        for _ in ids:
            await esme.receipt()
        await centre.settled()
        assert rows(tmp_path, "SELECT count(*), min(stage), max(state) FROM messages") == [(500, 6, 2)]
        assert rows(tmp_path, "SELECT count(*) FROM orphans") == [(0,)]
