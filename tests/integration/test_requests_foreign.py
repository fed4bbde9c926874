"""The same requests by codecs that were not written here: smpplib, which has query_sm and data_sm, and
smpp.pdu3, which reads strictly and has all but submit_multi and replace_sm."""

import asyncio
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import smpplib.client
import smpplib.smpp
from smpp.pdu import operations, pdu_encoding, pdu_types

from smppbridge.model.message import Stage, State, StatusReport
from tests.support.bridge.running import PATIENCE, eventually
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.bridge.sync import stages
from tests.support.esme.asking import HOUR, bound, later, texts
from tests.support.esme.esme import PHONE, Esme, submit

STATUS = pdu_types.CommandStatus
SOURCE = {
    "source_addr_ton": pdu_types.AddrTon.ALPHANUMERIC,
    "source_addr_npi": pdu_types.AddrNpi.UNKNOWN,
    "source_addr": "ALARM",
}
PHONE_OF_PDU3 = {
    "dest_addr_ton": pdu_types.AddrTon.INTERNATIONAL,
    "dest_addr_npi": pdu_types.AddrNpi.ISDN,
    "destination_addr": PHONE,
}


def with_smpplib(port: int) -> tuple[str, list[Any]]:
    """Submit a scheduled message, ask about it, and about none; then a data_sm: its id, and all answers."""
    client = smpplib.client.Client("127.0.0.1", port, timeout=PATIENCE, allow_unknown_opt_params=True)
    ids: list[str] = []
    client.set_message_sent_handler(lambda pdu: ids.append(pdu.message_id.decode()))
    addresses = {"source_addr_ton": 5, "source_addr_npi": 0, "source_addr": "ALARM"}
    phone = {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": PHONE}
    client.connect()
    try:
        client.bind_transceiver(system_id="pbx", password="secret")
        client.send_message(**addresses, **phone, short_message=b"later", schedule_delivery_time=HOUR)
        client.read_once(auto_send_enquire_link=False)
        answers = []
        for message_id in (ids[0], "4711"):
            client.query_message(message_id=message_id, **addresses)
            answers.append(client.read_pdu())
        data = smpplib.smpp.make_pdu(
            "data_sm", client=client, **addresses, **phone, registered_delivery=1, message_payload=b"at once"
        )
        client.send_pdu(data)
        answers.append(client.read_pdu())
        client.unbind()
    finally:
        client.disconnect()
    return ids[0], answers


async def test_smpplib(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with scripted(tmp_path, lab) as app:
        message_id, (known, unknown, data) = await asyncio.to_thread(with_smpplib, app.smpp_ports[0])
        assert (known.command, known.status, known.message_state) == ("query_sm_resp", 0, State.ENROUTE)
        assert (known.message_id.decode(), known.final_date) == (message_id, b"")
        assert (unknown.command, unknown.status) == ("query_sm_resp", 0x0C)
        assert (data.command, data.status) == ("data_sm_resp", 0)
        assert data.message_id.decode() != message_id
        await eventually(lambda: lab.sent)
        assert texts(lab) == ["at once"]


async def ask(esme: Esme, pdu: Any) -> Any:
    """The answer to a PDU of smpp.pdu3, as that reads it."""
    codec = pdu_encoding.PDUEncoder()
    esme.writer.write(codec.encode(pdu))
    async with asyncio.timeout(PATIENCE):
        head = await esme.reader.readexactly(4)
        octets = head + await esme.reader.readexactly(int.from_bytes(head, "big") - 4)
    answer = codec.decode(BytesIO(octets))
    assert type(answer) is pdu.requireAck
    assert answer.seqNum == pdu.seqNum
    return answer


async def test_query_sm_of_pdu3(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (_, esme):
        ids = [await esme.submit(later()), await esme.submit(submit(registered_delivery=0))]
        await eventually(lambda: stages(tmp_path)[1][0] == Stage.SENT)
        await lab.push(StatusReport("ref-1", int(State.DELIVERED), True, 0, "2"))
        answers = [
            await ask(esme, operations.QuerySM(90 + number, message_id=message_id, **SOURCE))
            for number, message_id in enumerate([*ids, "4711"])
        ]
        assert [one.status for one in answers] == [STATUS.ESME_ROK, STATUS.ESME_ROK, STATUS.ESME_RINVMSGID]
        assert [one.params["message_id"].decode() for one in answers] == [*ids, "4711"]
        states = pdu_types.MessageState
        assert [one.params["message_state"] for one in answers] == [
            states.ENROUTE, states.DELIVERED, states.UNKNOWN,
        ]  # fmt: skip
        assert answers[0].params["final_date"] is None
        done = answers[1].params["final_date"].replace(tzinfo=UTC)
        assert abs((datetime.now(UTC) - done).total_seconds()) < 60


async def test_cancel_sm_of_pdu3(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, esme):
        message_id = await esme.submit(later(registered_delivery=0))
        cancel = {"service_type": "", **SOURCE, **PHONE_OF_PDU3}
        answers = [
            await ask(esme, operations.CancelSM(90 + number, message_id=one, **cancel))
            for number, one in enumerate([message_id, message_id, "4711", ""])
        ]
        assert [one.status for one in answers] == [
            STATUS.ESME_ROK, STATUS.ESME_RCANCELFAIL, STATUS.ESME_RINVMSGID, STATUS.ESME_RCANCELFAIL,
        ]  # fmt: skip


async def test_data_sm_of_pdu3(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (_, esme):
        data = operations.DataSM(
            90,
            service_type="",
            **SOURCE,
            **PHONE_OF_PDU3,
            esm_class=pdu_types.EsmClass(pdu_types.EsmClassMode.DEFAULT, pdu_types.EsmClassType.DEFAULT),
            registered_delivery=pdu_types.RegisteredDelivery(
                pdu_types.RegisteredDeliveryReceipt.NO_SMSC_DELIVERY_RECEIPT_REQUESTED
            ),
            data_coding=pdu_types.DataCoding(schemeData=pdu_types.DataCodingDefault.UCS2),
            message_payload="Дверь".encode("utf-16-be"),
            qos_time_to_live=600,
        )
        answer = await ask(esme, data)
        assert (answer.status, answer.params["message_id"].decode().isdigit()) == (STATUS.ESME_ROK, True)
        await eventually(lambda: lab.sent)
        [message] = lab.sent
        assert (message.text, message.deadline - message.submitted_at) == ("Дверь", 600_000)
