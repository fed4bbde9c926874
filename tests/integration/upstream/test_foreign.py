"""The whole bridge in front of message centres of foreign make: our ESME - bridge - link - centre, and back.

What the centres have read is compared with octets written down here, not with what our codec would make.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from smppbridge.app import App
from smppbridge.logs import TextFormatter
from smppbridge.smpp.pdu import DeliverSm
from smppbridge.smpp.receipt import parse_receipt
from tests.support.bridge.failing_store import failing, rows
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import link, questions, sections, upstream_bridge
from tests.support.esme.esme import PHONE, Esme, submit
from tests.support.esme.phones import text_of
from tests.support.foreign.centre import ForeignCentre
from tests.support.foreign.makes import Make, parametrize
from tests.support.foreign.shape import MESSAGE_PAYLOAD, UCS2, Centre, Conduct, Submitted
from tests.support.system.clock import clock, until
from tests.support.system.ports import reserved_ports

UDHI = 0x40  # esm_class
LATIN_1 = 3  # data_coding
SAR_TOTAL, SAR_NUMBER = 0x020E, 0x020F  # TLVs
LONG = {
    "Latin": "Door 3 was opened at noon. " * 20,
    "Cyrillic": "Дверь 3 открыта в полдень. " * 10,
}
SETTLED = "SELECT count(*), min(stage), min(state), max(state) FROM messages"
STAGES = "SELECT stage, count(*) FROM messages GROUP BY stage ORDER BY stage"
UNCERTAIN, FINAL = 4, 6  # stages
DELIVERED = 2  # state


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests run against each make of centre that is to be had."""
    parametrize(metafunc, "make")
    parametrize(metafunc, "guarded", passwords=True)


class Scene(NamedTuple):
    """Everybody who takes part."""

    centre: Centre
    app: App
    esme: Esme

    async def submitted(self, count: int) -> list[Submitted]:
        """The messages that the centre has read, as soon as there are so many."""
        await eventually(lambda: len(self.centre.submitted) >= count)
        assert len(self.centre.submitted) == count
        return self.centre.submitted


def bound(app: App, count: int = 1) -> Callable[[], bool]:
    """Whether the bridge has so many binds at the centre."""
    return lambda: metric(app, "upstream_binds", provider="link") == count


def receipted(centre: Centre, count: int) -> Callable[[], bool]:
    """Whether the centre has answers to so many receipts."""
    return lambda: len(centre.receipted) == count


def tried(app: App, status: str = "ESME_ROK") -> float:
    """How many binds got this answer."""
    return metric(app, "upstream_bind_attempts_total", provider="link", status=status)


@asynccontextmanager
async def scene(
    directory: Path, make: Make, conduct: Conduct | None = None, *, up: int = 1, **keys: Any
) -> AsyncIterator[Scene]:
    """A bridge that is bound to such a centre, and an ESME that is bound to the bridge."""
    async with make(conduct) as centre:
        text = sections(link(centre.port, **keys), inbound=[{"to": "pbx"}])
        async with upstream_bridge(directory, text) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            await eventually(bound(app, up))
            yield Scene(centre, app, esme)
    if isinstance(centre, ForeignCentre):
        assert centre.unreadable == []


def as_sent(text: str) -> tuple[bytes, int]:
    """What the ESME submits, and its data_coding: Latin-1 where that does."""
    try:
        return text.encode("latin-1"), LATIN_1
    except UnicodeEncodeError:
        return text.encode("utf-16-be"), UCS2


def parts_by_header(came: list[Submitted]) -> list[Submitted]:
    """In the order that their user data headers say; each header is 05 00 03 and one reference."""
    headers = [message["short_message"][:6] for message in came]
    assert {header[:3] for header in headers} == {b"\5\0\3"}
    assert {header[3:5] for header in headers} == {bytes([headers[0][3], len(came)])}
    assert sorted(header[5] for header in headers) == list(range(1, len(came) + 1))
    assert {message["esm_class"] for message in came} == {UDHI}
    return sorted(came, key=lambda message: message["short_message"][5])


def parts_by_tlvs(came: list[Submitted]) -> list[Submitted]:
    """In the order that their sar_* TLVs say."""
    assert {message["tlvs"][SAR_TOTAL] for message in came} == {bytes([len(came)])}
    assert {message["esm_class"] for message in came} == {0}
    return sorted(came, key=lambda message: message["tlvs"][SAR_NUMBER])


# --- messages --------------------------------------------------------------------------------------


async def test_a_message_and_its_receipt(tmp_path: Path, make: Make) -> None:
    async with scene(tmp_path, make) as (centre, app, esme):
        message_id = await esme.submit(submit("Door 3 opened"))
        receipt = await esme.receipt()
        fields = parse_receipt(receipt.short_message.decode())
        assert (fields.id, fields.stat, fields.err) == (message_id, "DELIVRD", "000")
        assert (receipt.source_addr, receipt.destination_addr) == (PHONE, "ALARM")
        await eventually(lambda: centre.submitted)  # a process tells it besides
        (message,) = centre.submitted
        assert (message["source"], message["source_ton"], message["source_npi"]) == ("ALARM", 5, 0)
        assert (message["destination"], message["destination_ton"]) == (PHONE, 1)
        assert (message["destination_npi"], message["registered_delivery"]) == (1, 1)
        await eventually(lambda: centre.receipted == {message["message_id"]: 0})
        assert rows(tmp_path, SETTLED) == [(1, FINAL, DELIVERED, DELIVERED)]
        assert metric(app, "unreadable_answers_total", provider="link") == 0


@pytest.mark.parametrize(
    ("text", "keys", "octets", "data_coding"),
    [
        ("Door 3", {}, b"Door 3", 0),
        ("{été} @ 5", {}, b"\x1b\x28\x05t\x05\x1b\x29 \0 5", 0),
        ("{été} @ 5", {"data_codings": [LATIN_1, UCS2]}, b"{\xe9t\xe9} @ 5", LATIN_1),
        ("Да", {}, b"\4\x14\4\x30", UCS2),
        ("Да", {"default_encoding": "cp1251", "data_codings": 0}, b"\xc4\xe0", 0),
        ("ok 😀", {}, "ok ".encode("utf-16-be") + b"\xd8\x3d\xde\0", UCS2),
    ],
    ids=["ASCII", "GSM", "Latin-1", "UCS-2", "Windows-1251", "surrogates"],
)
async def test_texts(
    tmp_path: Path, make: Make, text: str, keys: dict[str, Any], octets: bytes, data_coding: int
) -> None:
    async with scene(tmp_path, make, **keys) as now:
        sent, sent_coding = as_sent(text)
        await now.esme.submit(submit(sent, data_coding=sent_coding, registered_delivery=0))
        (message,) = await now.submitted(1)
        assert (message["short_message"], message["data_coding"]) == (octets, data_coding)
        assert (message["esm_class"], message["tlvs"]) == (0, {})


@pytest.mark.parametrize("language", LONG)
@pytest.mark.parametrize("way", ["udh", "sar", "payload"])
async def test_a_long_text_has_one_receipt(tmp_path: Path, make: Make, way: str, language: str) -> None:
    text = LONG[language]
    octets, coding, per_part = (
        (text.encode("ascii"), 0, 153) if text.isascii() else (text.encode("utf-16-be"), UCS2, 134)
    )
    count = 1 if way == "payload" else -(-len(octets) // per_part)
    async with scene(tmp_path, make, long=way) as now:
        sent, sent_coding = as_sent(text)
        payload = (MESSAGE_PAYLOAD, sent)
        message_id = await now.esme.submit(submit(b"", data_coding=sent_coding, tlvs=(payload,)))
        fields = parse_receipt((await now.esme.receipt()).short_message.decode())
        assert (fields.id, fields.stat) == (message_id, "DELIVRD")
        came = await now.submitted(count)
        if way == "payload":
            assert came[0]["tlvs"] == {MESSAGE_PAYLOAD: octets}
        elif way == "udh":
            assert b"".join(part["short_message"][6:] for part in parts_by_header(came)) == octets
        else:
            assert b"".join(part["short_message"] for part in parts_by_tlvs(came)) == octets
        assert {part["data_coding"] for part in came} == {coding}
        await eventually(lambda: now.centre.receipted == {part["message_id"]: 0 for part in came})
        await now.esme.silence(DeliverSm, 0.05)
        assert rows(tmp_path, SETTLED) == [(1, FINAL, DELIVERED, DELIVERED)]


@pytest.mark.parametrize(
    ("keys", "changes"),
    [
        ({"validity": "absolute", "service_type": "CMT"}, {}),
        ({"validity": "none", "intermediate": True}, {}),
        ({}, {"source_addr": "1234", "source_addr_ton": 3, "priority_flag": 3, "protocol_id": 0x41}),
        ({}, {"data_coding": 0x18, "short_message": b"\4\x14\4\x30"}),
        ({"flash": "subunit"}, {"data_coding": 0x18, "short_message": b"\4\x14\4\x30"}),
        ({"interface_version": 0x33}, {}),
        ({}, {"tlvs": ((0x0204, b"\0\7"), (0x020A, b"\x1f\x90"))}),
        ({}, {"data_coding": 4, "short_message": bytes(range(140))}),
        ({}, {"data_coding": 0xF5, "esm_class": UDHI, "short_message": b"\6\5\4\x0b\x84\x23\xf0\1\2"}),
    ],
    ids=[
        *("absolute", "no validity", "sender and priority", "flash", "flash by TLV", "version 3.3"),
        *("TLVs", "binary", "ports"),
    ],
)
async def test_fields_that_others_read(
    tmp_path: Path, make: Make, keys: dict[str, Any], changes: dict[str, Any]
) -> None:
    async with scene(tmp_path, make, **keys) as now:
        await now.esme.submit(submit(**changes))
        assert b" stat:DELIVRD " in (await now.esme.receipt()).short_message
        (message,) = await now.submitted(1)
        if "short_message" in changes:
            assert message["short_message"] == changes["short_message"]
        if "tlvs" in changes:
            assert message["tlvs"] == dict(changes["tlvs"])


async def test_a_receipt_that_says_no(tmp_path: Path, make: Make) -> None:
    async with scene(tmp_path, make, Conduct(stat="UNDELIV")) as now:
        message_id = await now.esme.submit(submit())
        fields = parse_receipt((await now.esme.receipt()).short_message.decode())
        assert (fields.id, fields.stat, fields.err) == (message_id, "UNDELIV", "001")


@pytest.mark.parametrize(("text", "data_coding"), [("Yes: 5", 0), ("Да 😀", UCS2)])
async def test_a_message_from_a_phone(tmp_path: Path, make: Make, text: str, data_coding: int) -> None:
    async with scene(tmp_path, make) as (centre, app, esme):
        delivering = asyncio.create_task(centre.deliver(PHONE, "375170000000", text))
        pdu = await esme.receipt()
        assert (text_of(pdu), pdu.data_coding, pdu.esm_class) == (text, data_coding, 0)
        assert (pdu.source_addr, pdu.destination_addr) == (PHONE, "375170000000")
        assert await delivering == 0
        assert metric(app, "inbound_messages_total", provider="link", account="pbx") == 1
        await esme.silence(DeliverSm, 0.05)


async def test_a_message_from_a_phone_that_cannot_be_kept(tmp_path: Path, make: Make) -> None:
    """The SMSC reads the refusal: OpenSMPP and smpp.pdu3 read none without message_id (§4.6.2)."""
    async with scene(tmp_path, make) as (centre, _, esme):
        with failing(tmp_path, "INSERT ON inbound"):
            assert await centre.deliver(PHONE, "375170000000", "Yes") == 0x64  # ESME_RX_T_APPN
        await esme.silence(DeliverSm, 0.05)


async def test_a_message_from_a_phone_comes_to_the_receiver(tmp_path: Path) -> None:
    async with scene(tmp_path, ForeignCentre, up=2, bind="pair") as (centre, _, esme):
        delivering = asyncio.create_task(centre.deliver(PHONE, "375170000000", "Yes"))
        assert text_of(await esme.receipt()) == "Yes"
        assert await delivering == 0


# --- binds -----------------------------------------------------------------------------------------


async def test_many_messages_at_once(tmp_path: Path, make: Make) -> None:
    async with scene(tmp_path, make, Conduct(answer_delay=0.01), window=10) as now:
        ids = await now.esme.submit_many([submit(f"number {number}") for number in range(200)])
        receipts = [parse_receipt((await now.esme.receipt()).short_message.decode()) for _ in ids]
        assert Counter(receipt.id for receipt in receipts) == Counter(ids)
        assert {receipt.stat for receipt in receipts} == {"DELIVRD"}
        came = await now.submitted(200)
        assert len({message["short_message"] for message in came}) == 200
        await eventually(receipted(now.centre, 200))
        assert set(now.centre.receipted.values()) == {0}
        assert rows(tmp_path, SETTLED) == [(200, FINAL, DELIVERED, DELIVERED)]
        if isinstance(now.centre, ForeignCentre):
            assert now.centre.most_unanswered == 10


async def test_several_binds(tmp_path: Path, make: Make) -> None:
    conduct = Conduct(answer_delay=0.01)
    async with scene(tmp_path, make, conduct, up=3, binds=3, window=2) as now:
        ids = await now.esme.submit_many([submit(str(number)) for number in range(40)])
        receipts = [parse_receipt((await now.esme.receipt()).short_message.decode()) for _ in ids]
        assert Counter(receipt.id for receipt in receipts) == Counter(ids)
        assert tried(now.app) == 3
        if isinstance(now.centre, ForeignCentre):
            assert now.centre.came["bind_transceiver"] == 3


async def test_a_transmitter_and_a_receiver(tmp_path: Path, make: Make) -> None:
    """Few messages: smpp34 ignores the answers of a receiver, and delivers no more than 16 without any."""
    async with scene(tmp_path, make, up=2, bind="pair") as (centre, app, esme):
        ids = await esme.submit_many([submit(str(number)) for number in range(10)])
        receipts = [parse_receipt((await esme.receipt()).short_message.decode()) for _ in ids]
        assert Counter(receipt.id for receipt in receipts) == Counter(ids)
        assert tried(app) == 2
        if isinstance(centre, ForeignCentre):
            assert (centre.came["bind_transmitter"], centre.came["bind_receiver"]) == (1, 1)


async def test_a_wrong_password(tmp_path: Path, guarded: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.setFormatter(TextFormatter(mask=False))
    async with guarded(password="else") as centre:
        async with upstream_bridge(tmp_path, sections(link(centre.port, password="wrong"))) as app:
            await eventually(lambda: tried(app, "ESME_RINVPASWD") == 1)
            await eventually(lambda: metric(app, "provider_up", provider="link") == 0)
            assert any("ESME_RINVPASWD" in line for line in await app.readiness.reasons())
            assert bound(app, 0)()
        assert "ESME_RINVPASWD" in caplog.text
        assert "wrong" not in caplog.text
        async with upstream_bridge(tmp_path, sections(link(centre.port, password="else"))) as app:
            await eventually(bound(app))


async def test_a_silent_link_is_kept(tmp_path: Path, make: Make) -> None:
    """Longer than an enquire_link may stay unanswered."""
    async with scene(tmp_path, make, enquire_link=9) as (centre, app, esme):
        for _ in range(4):
            clock().forward(9)
            await until(lambda: questions(app))
            await until(lambda: not questions(app))
        assert (bound(app)(), tried(app)) == (True, 1)
        await esme.submit(submit())
        await esme.receipt()
        if isinstance(centre, ForeignCentre):
            assert centre.came["enquire_link"] == 4


async def test_shutdown_says_unbind(tmp_path: Path, make: Make) -> None:
    loop = asyncio.get_running_loop()
    async with make() as centre:
        async with upstream_bridge(tmp_path, sections(link(centre.port, bind="pair", binds=2))) as app:
            await eventually(bound(app, 4))
            stopped_at = loop.time()
        assert loop.time() - stopped_at < 4.5  # each session has 5 s: nobody is waited for in vain
        if isinstance(centre, ForeignCentre):
            assert (centre.came["unbind"], centre.bound) == (4, 0)


# --- centres that go away --------------------------------------------------------------------------


async def test_a_centre_goes_and_comes_back(tmp_path: Path, make: Make) -> None:
    """Messages wait for it; one that begins anew may give ids that it has given before."""
    with reserved_ports(1) as (port,):
        text = sections(link(port, reconnect_max=0.1))
        async with upstream_bridge(tmp_path, text) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            for visit in range(3):
                ids = await esme.submit_many([submit(f"{visit}-{number}") for number in range(5)])
                async with make(port=port) as centre:
                    receipts = [parse_receipt((await esme.receipt()).short_message.decode()) for _ in ids]
                    assert {receipt.id for receipt in receipts} == set(ids)
                    await eventually(receipted(centre, 5))
                    assert len({message["short_message"] for message in centre.submitted}) == 5
                await eventually(bound(app, 0))
            assert tried(app) == 3
            assert rows(tmp_path, SETTLED) == [(15, FINAL, DELIVERED, DELIVERED)]


async def test_a_connection_that_is_cut_has_nothing_sent_twice(tmp_path: Path) -> None:
    async with scene(tmp_path, ForeignCentre, Conduct(answer_delay=5.0), window=5) as (centre, app, esme):
        assert isinstance(centre, ForeignCentre)
        await esme.submit_many([submit(str(number)) for number in range(20)])
        await eventually(lambda: len(centre.submitted) == 5)
        centre.conduct = Conduct()
        centre.drop()
        await eventually(lambda: tried(app) == 2)
        clock().forward(5.0)  # the pause of the provider
        receipts = [parse_receipt((await esme.receipt()).short_message.decode()) for _ in range(15)]
        assert {receipt.stat for receipt in receipts} == {"DELIVRD"}
        assert len({message["short_message"] for message in centre.submitted}) == 20
        assert len(centre.submitted) == 20
        assert rows(tmp_path, STAGES) == [(UNCERTAIN, 5), (FINAL, 15)]
