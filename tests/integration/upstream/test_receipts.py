"""Receipts of an SMSC in all their forms, through a whole bridge to the equipment that waits for them."""

from itertools import product
from pathlib import Path

import pytest

from smppbridge.smpp.constants import EsmClass
from smppbridge.smpp.pdu import (
    Bind,
    BindReceiver,
    BindTransmitter,
    DeliverSm,
    DeliverSmResp,
    SubmitSm,
    SubmitSmResp,
)
from tests.simulators.smpp_centre.rules import WORDS
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.failing_store import rows
from tests.support.bridge.hand_centre import hand_centre
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import link, linked, sections, upstream_bridge
from tests.support.bridge.upstream_steps import FINAL, NEVER, SENT, kept, newest_stage, read
from tests.support.esme.esme import PHONE, Esme, submit

OTHER_PHONE = "375447654321"


async def is_settled(directory: Path, centre: CentreSimulator, esme: Esme, message: SubmitSm) -> bool:
    """Submit a message; whether its receipt was taken for it, once both are saved."""
    count = len(centre.submitted) + 1
    await esme.submit(message)
    await eventually(lambda: len(centre.submitted) == count)
    await centre.settled()
    await eventually(lambda: newest_stage(directory) in (SENT, FINAL))
    return newest_stage(directory) == FINAL


# --- whose receipt it is ---------------------------------------------------------------------------

NUMBERS = ("decimal", "hex", "HEX", "padded")
NOTATIONS = WORDS["receipt_ids"]
SAME = {("uuid", "same"), ("mixed", "same")}
TRIED = {(ids, written) for ids in NUMBERS for written in NOTATIONS} | SAME
FOUND = {
    "auto": TRIED,
    "as-is": SAME
    | {(ids, written) for ids in ("decimal", "hex", "HEX") for written in ("same", "stripped", ids)}
    | {("padded", "same"), ("padded", "padded")},
    "hex": SAME | {(ids, written) for ids in ("hex", "HEX") for written in ("decimal", "padded")},
    "decimal": SAME | {(ids, written) for ids in ("decimal", "padded") for written in ("hex", "HEX")},
}
"""By `message_id`: (how submit_sm_resp writes ids, how receipts do), where a receipt finds its message."""


@pytest.mark.parametrize("rule", FOUND)
async def test_notations_of_ids(tmp_path: Path, rule: str) -> None:
    rules = Rules()
    found = set()
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre, message_id=rule) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        for ids, written in sorted(TRIED):
            rules.ids, rules.receipt_ids = ids, written
            if await is_settled(tmp_path, centre, esme, submit(f"{ids} {written}")):
                found.add((ids, written))
        assert found == FOUND[rule]
        told = {read(await esme.receipt()).id for _ in found}
        mine = {
            wire_id for (wire_id,) in rows(tmp_path, f"SELECT wire_id FROM messages WHERE stage = {FINAL}")
        }
        assert told == mine
        assert len(told) == len(found)
        await esme.silence(DeliverSm, 0.1)
        assert (kept(tmp_path) > 0) == (found != TRIED)


@pytest.mark.parametrize("first_id", [0x12345677, 0x10, 0x99999998])
async def test_ids_that_could_be_either_notation(tmp_path: Path, first_id: int) -> None:
    """Hexadecimal without letters: nothing shows that it is no decimal number."""
    rules = Rules(ids="hex", receipt_ids="decimal", first_id=first_id)
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        ids = [await esme.submit(submit(to=f"37529000000{number}")) for number in range(5)]
        assert {read(pdu).id for pdu in await esme.receipts(5)} == set(ids)
        await centre.settled()
        assert kept(tmp_path) == 0


@pytest.mark.parametrize(
    ("source", "written", "its"),
    [
        (PHONE, "decimal", True),
        ("80" + PHONE[3:], "decimal", True),
        (PHONE[3:], "decimal", True),
        ("+" + PHONE, "decimal", True),
        (OTHER_PHONE, "decimal", False),
        ("1234", "decimal", False),
        ("", "decimal", False),
        (OTHER_PHONE, "same", True),
        ("", "same", True),
    ],
)
async def test_a_converted_id_counts_for_its_own_phone_only(
    tmp_path: Path, source: str, written: str, its: bool
) -> None:
    async with (
        CentreSimulator(Rules(ids="hex", outcomes=lambda pdu: NEVER)) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        message_id = await esme.submit(submit())
        await eventually(lambda: newest_stage(tmp_path) == SENT)
        (taken,) = centre.submitted
        answer = await centre.send_receipt(
            taken.message_id, "UNDELIV", receipt_ids=written, source_addr=source
        )
        assert answer.command_status == 0
        if not its:
            await esme.silence(DeliverSm, 0.1)
            assert newest_stage(tmp_path) == SENT
            await centre.send_receipt(taken.message_id, "DELIVRD")
        receipt = read(await esme.receipt())
        assert (receipt.id, receipt.stat) == (message_id, "UNDELIV" if its else "DELIVRD")


async def test_a_text_that_reads_like_a_receipt_counts_for_its_own_phone_only(tmp_path: Path) -> None:
    """Anybody can write one with a phone."""
    more = {"inbound": [{"to": "pbx"}]}
    async with (
        CentreSimulator(Rules(outcomes=lambda pdu: NEVER)) as centre,
        linked(tmp_path, centre, more=more) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit())
        await eventually(lambda: newest_stage(tmp_path) == SENT)
        (taken,) = centre.submitted
        forged = {"receipts": "text", "receipt_text": "esm0"}
        await centre.send_receipt(taken.message_id, "UNDELIV", source_addr=OTHER_PHONE, **forged)
        await esme.silence(DeliverSm, 0.1)
        assert newest_stage(tmp_path) == SENT
        await centre.send_receipt(taken.message_id, "DELIVRD", **forged)
        assert read(await esme.receipt()).stat == "DELIVRD"


# --- how it is written -----------------------------------------------------------------------------

WITH_TLVS = ("text+tlvs", "tlvs", "data_sm")
PLACES = (*WITH_TLVS, "text", "payload", "ucs2")
SPEECHLESS = {(form, place) for form in ("no-id", "free") for place in PLACES if place not in WITH_TLVS}
"""Only TLVs say there what the text does not."""


@pytest.mark.parametrize("form", WORDS["receipt_text"])
async def test_forms_of_receipts(tmp_path: Path, form: str) -> None:
    """Half of them with stray octets, over-long fields and TLVs where none belong."""
    rules = Rules(receipt_text=form, outcomes=lambda pdu: "UNDELIV", err="017")
    told = {}
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        for rules.receipts, rules.stray in product(PLACES, (False, True)):
            if await is_settled(tmp_path, centre, esme, submit()):
                receipt = await esme.receipt()
                assert receipt.esm_class == EsmClass.RECEIPT
                told[rules.receipts, rules.stray] = (read(receipt).stat, read(receipt).err)
        without_err = form in ("no-err", "minimal")
        assert told == {
            (place, stray): ("UNDELIV", "000" if without_err and place not in WITH_TLVS else "017")
            for place, stray in product(PLACES, (False, True))
            if (form, place) not in SPEECHLESS
        }
        unreadable = metric(app, "unreadable_answers_total", provider="link")
        assert unreadable == 2 * len(PLACES) - len(told)
        assert centre.counts["binds"] == 1


STANDARD_WORDS = {
    "DELIVERY": "DELIVRD",
    "DELIVRD": "DELIVRD",
    "delivrd": "DELIVRD",
    "EXPIRED": "EXPIRED",
    "DELETED": "DELETED",
    "UNDELIV": "UNDELIV",
    "UNKNOWN": "UNKNOWN",
    "REJECTED": "REJECTD",
    "REJECTD": "REJECTD",
}


@pytest.mark.parametrize("words", ["standard", "sms-assistent"])
@pytest.mark.parametrize("dialect", WORDS["dialect"])
async def test_words_become_those_of_the_account(tmp_path: Path, dialect: str, words: str) -> None:
    rules = Rules(dialect=dialect, outcomes=lambda pdu: pdu.short_message.decode())
    expected = dict(STANDARD_WORDS)
    if words == "sms-assistent":
        expected |= {"REJECTED": "REJECTED", "REJECTD": "REJECTED"}
    told = {}
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre, account={"receipt": {"words": words}}, profile=dialect) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        for word in expected:
            message_id = await esme.submit(submit(word))
            receipt = read(await esme.receipt())
            assert receipt.id == message_id
            told[word] = receipt.stat
    assert told == expected


@pytest.mark.parametrize("word", ["ENROUTE", "ACCEPTD", "QUEUED"])
async def test_words_that_are_not_the_end(tmp_path: Path, word: str) -> None:
    async with (
        CentreSimulator(Rules(outcomes=lambda pdu: NEVER)) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit())
        await eventually(lambda: newest_stage(tmp_path) == SENT)
        (taken,) = centre.submitted
        await centre.send_receipt(taken.message_id, word, receipts="text")
        await esme.silence(DeliverSm, 0.1)
        assert newest_stage(tmp_path) == SENT
        await centre.send_receipt(taken.message_id, "DELIVRD", receipts="text")
        assert read(await esme.receipt()).stat == "DELIVRD"


# --- over which bind it comes ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [BindTransmitter, BindReceiver])
async def test_over_any_bind_of_a_pair(tmp_path: Path, kind: type[Bind]) -> None:
    """Some SMSCs deliver on the transmitter, which submitted the message."""
    async with (
        hand_centre() as centre,
        upstream_bridge(tmp_path, sections(link(centre.port, bind="pair"))) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        kinds: tuple[type[Bind], ...] = (BindTransmitter, BindReceiver)
        binds = {one: await centre.session(one) for one in kinds}
        message_id = await esme.submit(submit("x"))
        request = await binds[BindTransmitter].expect(SubmitSm)
        binds[BindTransmitter].reply(request, SubmitSmResp("4711"))
        binds[kind].send(
            DeliverSm(source_addr=PHONE, esm_class=4, short_message=b"id:4711 stat:DELIVRD err:000")
        )
        assert (await binds[kind].expect(DeliverSmResp)).command_status == 0
        assert read(await esme.receipt()).id == message_id
        centre.close()  # a stop would wait for its unbind_resp
