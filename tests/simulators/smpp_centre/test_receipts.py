"""The simulated SMSC itself: every form of its receipts, octet by octet."""

import asyncio
import re
import time

import pytest

from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import DataSm, DataSmResp, DeliverSm, SubmitSm
from smppbridge.smpp.tlv import tlv
from tests.simulators.smpp_centre.rules import WORDS
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually
from tests.support.esme.esme import PHONE, Esme, submit

ID = "2882400001"
HEAD, DATES = f"id:{ID} sub:001 dlvrd:001 ", r"submit date:\d{10} done date:\d{10} "
TAIL = "text:Door 3 opened at mid"
TEXT = f"{HEAD}{DATES}stat:DELIVRD err:000 {TAIL}"


def dates(form: str) -> str:
    return TEXT.replace(r"\d{10}", form)


async def receipt_of(rules: Rules, message: SubmitSm | None = None) -> tuple[str, DeliverSm]:
    """The id that submit_sm_resp gave, and the receipt."""
    centre = CentreSimulator(rules)
    async with centre, await Esme.bound(centre.port, "user") as esme:
        message_id = await esme.submit(message or submit("Door 3 opened at midnight"))
        return message_id, await esme.receipt()


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("standard", TEXT),
        ("no-text", f"{HEAD}{DATES}stat:DELIVRD err:000"),
        ("no-counts", f"id:{ID} {DATES}stat:DELIVRD err:000 {TAIL}"),
        (
            "reordered",
            rf"sub:001 id:{ID} err:000 dlvrd:001 done date:\d{{10}} submit date:\d{{10}} {TAIL} stat:DELIVRD",
        ),
        ("seconds", dates(r"(?!20)\d{12}")),
        ("century", dates(r"20\d{10}")),
        ("long-dates", dates(r"20\d{12}")),
        ("smpp-dates", dates(r"\d{12}000\+")),
        ("no-dates", dates("0000000000")),
        ("upper", TEXT.replace("text:", "Text:")),
        ("lower", TEXT.replace("DELIVRD", "delivrd")),
        ("no-err", f"{HEAD}{DATES}stat:DELIVRD {TAIL}"),
        (
            "short",
            f"id:{ID} sub:1 dlvrd:001 {DATES}stat:DELIVRD err:000 {TAIL.replace('text:', 'text: ')}",
        ),
        ("minimal", f"id:{ID} stat:DELIVRD"),
        ("no-id", TEXT.removeprefix(f"id:{ID} ")),
        (
            "lines",
            HEAD.replace(" ", "\r\n") + "submit date:\\d{10}\r\ndone date:\\d{10}\r\nstat:DELIVRD\r\nerr:000",
        ),
        ("free", "Your message [a-z ,]+[.]"),
        ("nul", TEXT + "\0"),
        ("blank", TEXT + " "),
        ("esm0", TEXT),
        ("esm24", TEXT),
        ("esm44", TEXT),
    ],
)
async def test_text(word: str, text: str) -> None:
    began = time.gmtime()
    message_id, receipt = await receipt_of(Rules(receipt_text=word))
    written = receipt.short_message.decode("ascii")
    assert message_id == ID
    assert re.fullmatch(text, written), written
    esm_classes = {"esm0": 0, "esm24": 0x24, "esm44": 0x44}
    assert receipt.esm_class == esm_classes.get(word, 0x04)
    if word == "standard":
        done = re.findall(r"date:(\d{10})", written)[1]
        assert done in (time.strftime("%y%m%d%H%M", began), time.strftime("%y%m%d%H%M", time.gmtime()))


def test_every_text_is_tested() -> None:
    parameters = next(mark for mark in test_text.pytestmark if mark.name == "parametrize")  # type: ignore[attr-defined]  # set by pytest
    assert tuple(word for word, _ in parameters.args[1]) == WORDS["receipt_text"]


async def test_failures() -> None:
    rules = Rules(outcomes=lambda pdu: "UNDELIV", err="0B7")
    _, receipt = await receipt_of(rules)
    assert b" dlvrd:000 " in receipt.short_message
    assert b" stat:UNDELIV err:0B7 " in receipt.short_message
    assert receipt.tlv(Tag.MESSAGE_STATE) == 5
    rules.err = "042"
    _, receipt = await receipt_of(rules)
    assert receipt.tlv(Tag.NETWORK_ERROR_CODE) == b"\3\0\x2a"


# --- where it stands -------------------------------------------------------------------------------

TAGS = [Tag.RECEIPTED_MESSAGE_ID, Tag.MESSAGE_STATE, Tag.NETWORK_ERROR_CODE]


@pytest.mark.parametrize(
    ("word", "tags"),
    [("text+tlvs", TAGS), ("text", []), ("tlvs", TAGS), ("payload", [Tag.MESSAGE_PAYLOAD]), ("ucs2", [])],
)
async def test_place(word: str, tags: list[Tag]) -> None:
    _, receipt = await receipt_of(Rules(receipts=word))
    assert [tag for tag, _ in receipt.tlvs] == tags
    payload = receipt.tlv(Tag.MESSAGE_PAYLOAD)
    octets = receipt.short_message or payload or b""
    assert isinstance(octets, bytes)
    text = octets.decode("utf-16-be" if word == "ucs2" else "ascii")
    assert receipt.data_coding == (8 if word == "ucs2" else 0)
    assert re.fullmatch("" if word == "tlvs" else TEXT, text)


async def test_ucs2_that_does_not_fit_is_in_the_payload() -> None:
    _, receipt = await receipt_of(Rules(receipts="ucs2", ids="uuid"))
    payload = receipt.tlv(Tag.MESSAGE_PAYLOAD)
    assert isinstance(payload, bytes)
    assert receipt.short_message == b""
    assert payload.decode("utf-16-be").startswith("id:")


async def test_data_sm() -> None:
    async with (
        CentreSimulator(Rules(receipts="data_sm")) as centre,
        await Esme.bound(centre.port, "user") as esme,
    ):
        message_id = await esme.submit(submit("Door 3 opened at midnight"))
        receipt = await esme.expect(DataSm)
        payload = receipt.tlv(Tag.MESSAGE_PAYLOAD)
        assert isinstance(payload, bytes)
        assert re.fullmatch(TEXT, payload.decode("ascii"))
        assert (receipt.source_addr, receipt.destination_addr, receipt.esm_class) == (PHONE, "ALARM", 4)
        assert receipt.tlv(Tag.RECEIPTED_MESSAGE_ID) == message_id
        esme.reply(receipt, DataSmResp())
        await eventually(lambda: not centre.pending)
        assert centre.counts["receipts_answered"] == 1


async def test_no_receipts() -> None:
    async with (
        CentreSimulator(Rules(receipts="none", intermediate=True)) as centre,
        await Esme.bound(centre.port, "user") as esme,
    ):
        await esme.submit(submit(registered_delivery=0x11))
        await eventually(lambda: not centre.pending)
        await esme.silence(DeliverSm, 0.05)


async def test_user_message_reference_comes_back() -> None:
    message = submit(tlvs=(tlv(Tag.USER_MESSAGE_REFERENCE, 77),))
    _, receipt = await receipt_of(Rules(), message)
    assert receipt.tlv(Tag.USER_MESSAGE_REFERENCE) == 77


# --- ids -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answered", "receipted", "ids"),
    [
        ("decimal", "hex", (ID, "abcdef01")),
        ("decimal", "HEX", (ID, "ABCDEF01")),
        ("hex", "decimal", ("abcdef01", ID)),
        ("HEX", "hex", ("ABCDEF01", "abcdef01")),
        ("decimal", "padded", (ID, "000000" + ID)),
        ("padded", "stripped", ("000000" + ID, ID)),
        ("padded", "same", ("000000" + ID, "000000" + ID)),
    ],
)
async def test_ids(answered: str, receipted: str, ids: tuple[str, str]) -> None:
    message_id, receipt = await receipt_of(Rules(ids=answered, receipt_ids=receipted))
    assert (message_id, receipt.tlv(Tag.RECEIPTED_MESSAGE_ID)) == ids
    assert receipt.short_message.startswith(f"id:{ids[1]} ".encode())


async def test_ids_that_begin_elsewhere() -> None:
    message_id, receipt = await receipt_of(Rules(ids="padded", receipt_ids="stripped", first_id=99))
    assert (message_id, receipt.tlv(Tag.RECEIPTED_MESSAGE_ID)) == ("0000000000000100", "100")


# --- receipts on demand ----------------------------------------------------------------------------


async def demanded(rules: Rules, message_id: str, **fields: object) -> DeliverSm:
    """A receipt that a message is EXPIRED, asked for after one message was delivered."""
    centre = CentreSimulator(rules)
    async with centre, await Esme.bound(centre.port, "user") as esme:
        await esme.submit(submit())
        await esme.receipt()
        sending = asyncio.create_task(centre.send_receipt(message_id, "EXPIRED", **fields))
        receipt = await esme.receipt(0x65)
        assert (await sending).command_status == 0x65
        return receipt


async def test_receipt_on_demand_of_a_known_message() -> None:
    receipt = await demanded(Rules(receipt_ids="hex"), ID)
    assert receipt.short_message.startswith(b"id:abcdef01 sub:001 dlvrd:000 ")
    assert (receipt.source_addr, receipt.tlv(Tag.MESSAGE_STATE)) == (PHONE, 3)


async def test_receipt_on_demand_of_an_unknown_message() -> None:
    receipt = await demanded(Rules(receipt_ids="hex"), "no such id", source_addr="375290000000", esm_class=0)
    assert receipt.short_message.startswith(b"id:no such id ")
    assert (receipt.source_addr, receipt.esm_class) == ("375290000000", 0)


async def test_receipt_on_demand_with_rules_of_its_own() -> None:
    receipt = await demanded(Rules(), ID, receipts="text", receipt_text="minimal")
    assert (receipt.short_message, receipt.tlvs) == (f"id:{ID} stat:EXPIRED".encode(), ())
    with pytest.raises(TypeError, match="speed"):
        await CentreSimulator().send_receipt(ID, "EXPIRED", speed=1)
