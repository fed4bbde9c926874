"""An upstream SMSC that is hostile, and strangers at the door where an SMSC may call us (outbind): equipment
is served as ever, memory and log stay small."""

import asyncio
import struct
from pathlib import Path
from random import Random

from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import BindReceiver, BindTransceiver, DeliverSm, Outbind
from tests.support.attack.conduct import conducting
from tests.support.attack.rig import attacked
from tests.support.attack.strangers import crowd
from tests.support.bridge.hand_centre import hand_centre
from tests.support.bridge.running import eventually
from tests.support.esme.esme import Esme, submit
from tests.support.system.ports import reserved_ports

MB_FOR_A_FLOOD = 60


def link(port: int, **keys: object) -> dict[str, object]:
    """An entry for an SMSC."""
    login = {"host": "127.0.0.1", "port": port, "system_id": "user", "password": "secret"}
    return {"kind": "smpp", **login, "reconnect_max": "0.1s", **keys}


def sections(port: int, **keys: object) -> str:
    """An SMSC beside a provider that works."""
    return f"""
providers:
  lab: {{kind: sandbox, delay: 0, outcomes: {{DELIVRD: 1}}}}
  link: {link(port, **keys)}
routes: [{{account: pbx, to: [link]}}, {{to: [lab]}}]
"""


async def take_bind(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a bind_transceiver as an SMSC does."""
    length, _, _, sequence = struct.unpack(">4I", await reader.readexactly(16))
    await reader.readexactly(length - 16)
    response = BindTransceiver().response(system_id="CENTRE")
    response.sequence_number = sequence
    writer.write(encode(response))


async def test_smscs_that_send_garbage_or_nothing(tmp_path: Path) -> None:
    """Garbage, huge PDUs, and no answer to a bind."""
    chance = Random(7)
    huge = (
        struct.pack(">4I", 0x7FFFFFFF, 0x5, 0, 1),
        struct.pack(">4I", 1 << 20, 0x5, 0, 1) + bytes(1 << 20),
        struct.pack(">4I", 0, 0, 0, 0),
    )

    async def loud(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if chance.random() < 0.8:
            await take_bind(reader, writer)
        writer.write(chance.randbytes(5000) if chance.random() < 0.5 else chance.choice(huge))
        await reader.read()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with conducting(loud) as (port, calls), conducting(silent) as (other, mute):
        settings = f"""
providers:
  lab: {{kind: sandbox, delay: 0, outcomes: {{DELIVRD: 1}}}}
  loud: {link(port)}
  mute: {link(other, response_timeout="1s")}
routes: [{{account: pbx, to: [mute, loud]}}, {{to: [lab]}}]
"""
        async with attacked(tmp_path, settings) as bridge, await Esme.bound(bridge.smpp_port) as esme:
            before = bridge.rss
            assert await esme.submit(submit())  # it waits for better times
            await eventually(lambda: len(calls) >= 8 and len(mute) >= 2)
            await bridge.heart.beat(1)
            assert bridge.rss <= before + MB_FOR_A_FLOOD
            await bridge.is_well()


def flood(count: int) -> bytes:
    """deliver_sm with receipts for messages that nobody knows."""
    pdus = []
    for number in range(1, count + 1):
        text = (
            f"id:{number:010} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000"
            " stat:DELIVRD err:000 text:"
        )
        pdu = DeliverSm(
            source_addr="375291234567", destination_addr="1234", esm_class=4, short_message=text.encode()
        )
        pdu.sequence_number = number
        pdus.append(encode(pdu))
    return b"".join(pdus)


async def test_an_smsc_that_floods_with_receipts_for_nobody(tmp_path: Path, faults: bool) -> None:
    count = 100_000 if faults else 5_000
    octets = flood(count)
    answered = 0

    async def conduct(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        await take_bind(reader, writer)
        writer.write(octets)
        while answers := await reader.read(1 << 16):
            answered += answers.count(struct.pack(">2I", 0x80000005, 0))

    async with conducting(conduct) as (port, _), attacked(tmp_path, sections(port)) as bridge:
        before = bridge.rss
        await eventually(lambda: answered >= count * 0.99)
        await bridge.heart.beat(2)

        assert bridge.rss <= before + MB_FOR_A_FLOOD
        await bridge.is_well()


async def test_strangers_at_the_door_for_outbind(tmp_path: Path, faults: bool) -> None:
    """Idle, garbage, wrong passwords, and in between the SMSC itself."""
    with reserved_ports(1) as (door,):
        outbind = {"host": "127.0.0.1", "port": door, "allow_from": ["127.0.0.1"], "password": "word"}
        async with (
            hand_centre() as home,
            attacked(tmp_path, sections(home.port, outbind=outbind)) as bridge,
        ):
            await home.session()
            before = bridge.rss
            with crowd(door, "127.0.0.2") as idle, crowd(door, "127.0.0.3") as loud:
                await idle.connect(2000 if faults else 300)
                await loud.connect(200)
                loud.say(Random(8).randbytes(3000))
                await bridge.heart.beat(3)
                async with await Esme.connect(door) as wrong:
                    wrong.send(Outbind(system_id="centre", password="guess"))
                    await wrong.closed()
                async with await Esme.connect(door) as caller:
                    caller.send(Outbind(system_id="centre", password="word"))
                    assert (await caller.expect(BindReceiver)).system_id == "user"
            assert bridge.rss <= before + MB_FOR_A_FLOOD
            await bridge.is_well()
