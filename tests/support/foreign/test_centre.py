"""The message centres of foreign make do what they promise to smpplib, an ESME that was not written here.

node-smpp's is not among them: it needs Node.js and a package from the network.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import smpplib.client
import smpplib.exceptions
import smpplib.smpp

from smppbridge.smpp.receipt import parse_receipt
from tests.support.foreign.centre import ForeignCentre
from tests.support.foreign.makes import Make, parametrize
from tests.support.foreign.shape import MESSAGE_PAYLOAD, PATIENCE, UCS2, Conduct

PHONE = "375291234567"
SAR = {0x020C: b"\x01\x02", 0x020E: b"\x02", 0x020F: b"\x01"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One make of centre after the other."""
    parametrize(metafunc, "make")


class Client:
    """smpplib, which blocks: every call runs in a thread."""

    def __init__(self, port: int, kind: str = "transceiver", password: str = "secret") -> None:
        self.ids: list[str] = []
        self.came: list[Any] = []
        self._client = smpplib.client.Client(
            "127.0.0.1", port, timeout=PATIENCE, allow_unknown_opt_params=True
        )
        self._client.set_message_sent_handler(lambda pdu: self.ids.append(pdu.message_id.decode()))
        self._client.set_message_received_handler(self._take)
        self._bind = getattr(self._client, f"bind_{kind}")
        self._password = password

    async def __aenter__(self) -> "Client":
        try:
            await asyncio.to_thread(self._client.connect)
            await asyncio.to_thread(self._bind, system_id="pbx", password=self._password)
        except BaseException:
            self._client.disconnect()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        self._client.state = smpplib.consts.SMPP_CLIENT_STATE_OPEN  # else it unbinds, and waits
        self._client.disconnect()

    def _take(self, pdu: Any) -> None:
        self.came.append(pdu)

    async def submit(self, octets: bytes = b"Door 3 opened", **fields: Any) -> None:
        """Send a submit_sm that asks for a receipt."""
        request = {
            "source_addr_ton": 5,
            "source_addr": "ALARM",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": PHONE,
            "short_message": octets,
            "data_coding": 3,
            "registered_delivery": 1,
        }
        await asyncio.to_thread(self._client.send_message, **{**request, **fields})

    async def read_until(self, condition: Callable[[], object]) -> None:
        """Read PDUs, and answer them, until it holds."""
        while not condition():
            await asyncio.to_thread(self._client.read_once, auto_send_enquire_link=False)

    async def ask(self, command: str) -> Any:
        """Send a request without a body; its answer."""
        self._client.send_pdu(smpplib.smpp.make_pdu(command, client=self._client))
        return await asyncio.to_thread(self._client.read_pdu)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_message_is_noted_answered_and_receipted(make: Make) -> None:
    async with make(None) as centre, Client(centre.port) as client:
        text = "Дверь 3 открыта".encode("utf-16-be")
        await client.submit(text, data_coding=UCS2)
        await client.read_until(lambda: client.came)
        await until(lambda: centre.submitted)
        (message,) = centre.submitted
        assert message["message_id"] == client.ids[0]
        assert (message["source"], message["source_ton"], message["source_npi"]) == ("ALARM", 5, 0)
        assert (message["destination"], message["destination_ton"]) == (PHONE, 1)
        assert message["destination_npi"] == 1
        assert (message["short_message"], message["data_coding"]) == (text, UCS2)
        assert (message["esm_class"], message["registered_delivery"], message["tlvs"]) == (0, 1, {})
        (receipt,) = client.came
        assert receipt.esm_class == 0x04
        assert (receipt.source_addr, receipt.destination_addr) == (PHONE.encode(), b"ALARM")
        assert receipt.receipted_message_id.decode() == client.ids[0]
        assert receipt.message_state == 2
        fields = parse_receipt(receipt.short_message.decode("ascii"))
        assert (fields.id, fields.stat, fields.err) == (client.ids[0], "DELIVRD", "000")
        await until(lambda: centre.receipted == {client.ids[0]: 0})


async def test_parts_and_tlvs_come_as_they_were_sent(make: Make) -> None:
    async with make(None) as centre, Client(centre.port) as client:
        header = bytes.fromhex("0500030a0201")
        await client.submit(header + b"one", esm_class=0x40, registered_delivery=0)
        await client.submit(
            b"two", registered_delivery=0, sar_msg_ref_num=0x0102, sar_total_segments=2, sar_segment_seqnum=1
        )
        await client.submit(b"", registered_delivery=0, message_payload=b"x" * 1000)
        await client.read_until(lambda: len(client.ids) == 3)
        await until(lambda: len(centre.submitted) == 3)
        parts = {message["short_message"]: message for message in centre.submitted}
        assert parts[header + b"one"]["esm_class"] == 0x40
        assert parts[b"two"]["tlvs"] == SAR
        assert parts[b""]["tlvs"] == {MESSAGE_PAYLOAD: b"x" * 1000}
        assert len({message["message_id"] for message in centre.submitted}) == 3


async def test_no_receipt_unless_it_is_asked_for(make: Make) -> None:
    async with make(Conduct(receipt_delay=0, stat="UNDELIV")) as centre, Client(centre.port) as client:
        await client.submit(registered_delivery=0)
        await client.submit()
        await client.read_until(lambda: client.came and len(client.ids) == 2)
        await until(lambda: len(centre.submitted) == 2)
        silent, asked = sorted(centre.submitted, key=lambda message: message["registered_delivery"])
        await until(lambda: asked["message_id"] in centre.receipted)
        assert silent["message_id"] not in centre.receipted
        assert b" stat:UNDELIV err:001 " in client.came[0].short_message
        assert client.came[0].message_state == 5


@pytest.mark.parametrize(
    ("text", "octets", "data_coding"), [("Yes", b"Yes", 0), ("Да", b"\4\x14\4\x30", UCS2)]
)
async def test_an_inbound_message_is_delivered(
    make: Make, text: str, octets: bytes, data_coding: int
) -> None:
    async with make(None) as centre, Client(centre.port) as client:
        assert (await client.ask("enquire_link")).command == "enquire_link_resp"
        delivering = asyncio.create_task(centre.deliver(PHONE, "375170000000", text))
        await client.read_until(lambda: client.came)
        assert await delivering == 0
        (pdu,) = client.came
        assert (pdu.source_addr, pdu.destination_addr) == (PHONE.encode(), b"375170000000")
        assert (pdu.short_message, pdu.data_coding, pdu.esm_class) == (octets, data_coding, 0)


async def test_a_receipt_goes_to_the_receiver_of_the_same_system(
    make: Make,
) -> None:
    async with (
        make(None) as centre,
        Client(centre.port, "transmitter") as sender,
        Client(centre.port, "receiver") as receiver,
    ):
        await sender.submit()
        await sender.read_until(lambda: sender.ids)
        await receiver.read_until(lambda: receiver.came)
        assert receiver.came[0].receipted_message_id.decode() == sender.ids[0]


async def test_a_receipt_waits_for_somebody_to_take_it(make: Make) -> None:
    async with make(None) as centre:
        async with Client(centre.port, "transmitter") as sender:
            await sender.submit()
            await sender.read_until(lambda: sender.ids)
        async with Client(centre.port) as client:
            await client.read_until(lambda: client.came)
            assert client.came[0].receipted_message_id.decode() == sender.ids[0]


async def test_an_inbound_message_waits_for_somebody_to_take_it(
    make: Make,
) -> None:
    async with make(None) as centre:
        delivering = asyncio.create_task(centre.deliver(PHONE, "375170000000", "Yes"))
        async with Client(centre.port) as client:
            await client.read_until(lambda: client.came)
            assert await delivering == 0


async def test_answers_may_take_their_time(make: Make) -> None:
    async with make(Conduct(answer_delay=1.0)) as centre, Client(centre.port) as client:
        start = time.monotonic()
        for _ in range(5):
            await client.submit(registered_delivery=0)
        assert (await client.ask("enquire_link")).command == "enquire_link_resp"  # overtakes
        await client.read_until(lambda: len(client.ids) == 5)
        assert 1.0 <= time.monotonic() - start < 5.0  # not one after the other


async def test_a_wrong_password_is_refused_with_0x0e() -> None:
    async with ForeignCentre(password="secret") as centre:
        with pytest.raises(smpplib.exceptions.PDUError) as refused:
            await Client(centre.port, password="wrong").__aenter__()
        assert refused.value.args[1] == 0x0E
        async with Client(centre.port):
            await until(lambda: centre.bound == 1)


async def test_unbind_is_answered_and_the_connection_closed() -> None:
    async with ForeignCentre() as centre, Client(centre.port) as client:
        assert (await client.ask("unbind")).command == "unbind_resp"
        await until(lambda: centre.bound == 0)
        with pytest.raises(smpplib.exceptions.ConnectionError):
            await client.read_until(lambda: False)


async def test_a_receiver_may_not_submit_and_nobody_binds_twice() -> None:
    async with ForeignCentre() as centre:
        reader, writer = await asyncio.open_connection("127.0.0.1", centre.port)
        with closing(writer):
            bind = bytes.fromhex("00000020 00000001 00000000 00000001") + b"pbx\0secret\0\0\x34\0\0\0"
            message = bytes.fromhex("00000024 00000004 00000000 00000002") + bytes(6) + b"375\0" + bytes(10)
            writer.write(bind + bind + message)
            assert (await reader.readexactly(24))[4:12] == b"\x80\0\0\1" + bytes(4)
            assert (await reader.readexactly(16))[4:12] == b"\x80\0\0\1" + b"\0\0\0\5"
            assert (await reader.readexactly(16))[4:12] == b"\x80\0\0\4" + b"\0\0\0\4"
            assert not centre.unreadable


async def test_what_the_codec_cannot_read_is_told() -> None:
    async with ForeignCentre() as centre:
        reader, writer = await asyncio.open_connection("127.0.0.1", centre.port)
        with closing(writer):
            writer.write(bytes.fromhex("00000010 00000077 00000000 0000002a"))
            nack = await reader.readexactly(16)
            assert (nack[4:8], nack[12:]) == (b"\x80\0\0\0", b"\0\0\0\x2a")
            assert len(centre.unreadable) == 1
            writer.write(bytes(16))
            assert await reader.read() == b""
            assert len(centre.unreadable) == 2


async def test_a_cut_connection_ends_what_waits_for_it() -> None:
    async with ForeignCentre() as centre, Client(centre.port):
        delivering = asyncio.create_task(centre.deliver(PHONE, "375170000000", "Yes"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # now it waits for the answer
        centre.drop()
        with pytest.raises(ConnectionError):
            await delivering
