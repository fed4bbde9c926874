"""The simulated SMSC itself: as strict as sms-assistent.by's manual (§5)."""

import re
from typing import Any

import pytest

from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import DataSm, QuerySm
from smppbridge.smpp.tlv import tlv
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.esme.esme import PHONE, Esme, submit

TEXT = r"id:\d+ sub:001 dlvrd:{dlvrd} submit date:\d{{10}} done date:\d{{10}} stat:{stat} err:000"


def strict() -> CentreSimulator:
    return CentreSimulator(Rules(dialect="sms-assistent", senders=frozenset({"ALARM", "Alarm-1", "375291"})))


@pytest.mark.parametrize(
    ("system_id", "password", "version", "status"),
    [
        ("user", "secret", 0x34, 0),
        ("user", "secret", 0x33, 0x04),
        ("user", "secret", 0x00, 0x04),
        ("user", "secret", 0x50, 0x04),
        ("user", "wrong", 0x34, 0x0E),
        ("other", "secret", 0x34, 0x0E),
    ],
)
async def test_binds(system_id: str, password: str, version: int, status: int) -> None:
    async with strict() as centre, await Esme.connect(centre.port) as esme:
        assert (await esme.bind(system_id, password, version=version)).command_status == status


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 0),
        ({"data_coding": 8, "short_message": "Дверь".encode("utf-16-be")}, 0),
        ({"data_coding": 8, "short_message": b"odd"}, 0x4A5),
        ({"data_coding": 0}, 0x4A3),
        ({"data_coding": 1}, 0x4A3),
        ({"short_message": b""}, 0x4A5),
        ({"short_message": b"\5\0\3\1\2\1", "esm_class": 0x40}, 0x4A5),
        ({"short_message": b"\5\0\3\1\2\1text", "esm_class": 0x40}, 0),
        ({"short_message": b"", "tlvs": (tlv(Tag.MESSAGE_PAYLOAD, b"text"),)}, 0x4A5),
        ({"tlvs": (tlv(Tag.MESSAGE_PAYLOAD, b""),)}, 0x4A5),
        ({"source_addr": "Alarm-1"}, 0),
        ({"source_addr": "alarm"}, 0x0A),
        ({"source_addr_npi": 1}, 0x0A),
        ({"source_addr_ton": 1}, 0x0A),
        ({"source_addr_ton": 0}, 0x0A),
        ({"source_addr_ton": 1, "source_addr": "375291"}, 0),
        ({"source_addr_ton": 1, "source_addr_npi": 1, "source_addr": "375291"}, 0x0A),
        ({"destination_addr": "375291234567"}, 0),
        ({"destination_addr": "+375291234567"}, 0x0B),
        ({"destination_addr": "37529123456"}, 0x0B),
        ({"destination_addr": "79031234567"}, 0x0B),
        ({"dest_addr_ton": 0}, 0x0B),
        ({"dest_addr_npi": 0}, 0x0B),
    ],
)
async def test_messages(changes: dict[str, Any], status: int) -> None:
    async with strict() as centre, await Esme.bound(centre.port, "user") as esme:
        assert (await esme.ask(submit(**changes))).command_status == status
        assert centre.submitted[0].status == status


@pytest.mark.parametrize("name", ["Twelve-chars", "Тревога", "a b", ""])
async def test_names_that_no_sender_may_have(name: str) -> None:
    async with strict() as centre, await Esme.bound(centre.port, "user") as esme:
        centre.rules.senders = None
        octets = name.encode("cp1251").decode("latin-1")
        assert (await esme.ask(submit(source_addr=octets))).command_status == 0x0A
        assert (await esme.ask(submit(source_addr="Eleven+char"))).command_status == 0


@pytest.mark.parametrize("pdu", [QuerySm("1"), DataSm(destination_addr=PHONE)])
async def test_requests_that_it_does_not_know(pdu: QuerySm | DataSm) -> None:
    async with strict() as centre, await Esme.bound(centre.port, "user") as esme:
        assert (await esme.ask(pdu)).command_status == 0x03


@pytest.mark.parametrize(
    ("outcome", "stat", "dlvrd"),
    [
        (None, "DELIVERY", "001"),
        ("DELIVRD", "DELIVRD", "001"),
        ("REJECTD", "REJECTED", "000"),
        ("UNDELIV", "UNDELIV", "000"),
    ],
)
async def test_receipts(outcome: str | None, stat: str, dlvrd: str) -> None:
    async with strict() as centre, await Esme.bound(centre.port, "user") as esme:
        if outcome is not None:
            centre.rules.outcomes = lambda pdu: outcome
        await esme.submit(submit())
        receipt = await esme.receipt()
        assert re.fullmatch(TEXT.format(stat=stat, dlvrd=dlvrd), receipt.short_message.decode())
        assert receipt.tlvs == ()


async def test_receipts_of_another_form_on_demand() -> None:
    async with strict() as centre, await Esme.bound(centre.port, "user") as esme:
        centre.rules.receipts, centre.rules.receipt_text = "tlvs", "seconds"
        await esme.submit(submit())
        receipt = await esme.receipt()
        assert receipt.short_message == b""
        assert receipt.tlv(Tag.MESSAGE_STATE) == 2
        centre.rules.receipts = "payload"
        await esme.submit(submit())
        payload = (await esme.receipt()).tlv(Tag.MESSAGE_PAYLOAD)
        assert isinstance(payload, bytes)
        assert re.search(rb"done date:\d{12} ", payload)
