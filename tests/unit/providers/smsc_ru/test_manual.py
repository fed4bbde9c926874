"""Every answer that smsc.ru's manual prints, replayed: what it decodes to, and what becomes of a message."""

import json
from collections import Counter
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from smppbridge.errors import Disabled, Postponed, ProviderError, Rejected
from smppbridge.model.message import Inbound, Particulars, State, StatusReport
from smppbridge.providers.base import Callback, News, Taken
from smppbridge.providers.smsc_ru.wire import (
    MessageRow,
    SmscRuAnswer,
    SmscRuFailure,
    decode_balance,
    decode_list,
    decode_sent,
    decode_statuses,
)
from tests.support.builders.messages import NOW, message
from tests.unit.providers.smsc_ru.centre import Centre, poll
from tests.unit.providers.smsc_ru.manual import BLOCKS, ID, PHONE, ROWS, WORDS, Block, with_row

ROW = {"phone": PHONE, "mccmnc": "25001", "cost": "1.40", "status": "1", "error": "0"}
FORMATS = {0: "text", 1: "numbers", 2: "xml", 3: "json"}
BLOCKS_OF = {
    "send: errors": 4,
    "send: errors with an id": 4,
    **{f"send: cost={cost}": 4 for cost in range(4)},
    "send: op": 3,
    "send: fmt": 5,
    "templates: errors": 4,
    "templates: add": 4,
    "templates: chg, del": 3,
    "templates: get": 4,
    "op_templates: errors": 4,
    "op_templates: add": 4,
    "op_templates: get": 4,
    "ping: errors": 4,
    "ping: done": 3,
}


def test_the_blocks_of_the_manual_are_all_there() -> None:
    assert Counter(block.section for block in BLOCKS) == BLOCKS_OF
    assert len(BLOCKS) == 66


def of(*sections: str) -> list[Block]:
    """The blocks of these sections, which are named by how they begin."""
    return [block for block in BLOCKS if block.section.startswith(sections)]


# --- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.codes])
def test_error_of_any_script(block: Block) -> None:
    words = "" if block.fmt == 1 else WORDS
    ref = ID if "id" in block.section.split() else ""
    for code, text in block.answers():
        for decode in (decode_sent, decode_statuses, decode_balance, decode_list):
            assert decode(text.encode()) == SmscRuAnswer(SmscRuFailure(code, words, ref))


BECOMES: dict[int, tuple[type[ProviderError], int]] = {
    1: (Rejected, 0x08),
    2: (Disabled, 0x08),
    3: (Disabled, 0x4A4),
    4: (Disabled, 0x08),
    5: (Rejected, 0x61),
    6: (Rejected, 0x45),
    7: (Rejected, 0x0B),
    8: (Rejected, 0x22),
    9: (Postponed, 0x58),
}


@pytest.mark.parametrize("block", of("send: errors"))
async def test_what_becomes_of_a_refused_message(block: Block) -> None:
    assert block.fmt is not None
    for code, text in block.answers():
        async with Centre(text, format=FORMATS[block.fmt]) as centre:
            (error,) = await centre.send(1)
            assert isinstance(error, ProviderError)
            assert (type(error), error.status, error.code) == (*BECOMES[code], str(code))
            assert error.about_message == (code in {6, 7, 8})  # of 3: while money is known to be left


# --- messages that were taken ----------------------------------------------------------------------

TAKEN = {
    "send: cost=0": SmscRuAnswer(id=ID, sms=1),
    "send: cost=2": SmscRuAnswer(id=ID, sms=1, cost=1_400_000),
    "send: cost=3": SmscRuAnswer(id=ID, sms=1, cost=1_400_000, balance=100.5),
}


@pytest.mark.parametrize("block", of(*TAKEN))
def test_taken(block: Block) -> None:
    assert decode_sent(block.text.encode()) == TAKEN[block.section]


@pytest.mark.parametrize("block", of("send: cost=1"))
async def test_a_price_is_nothing_that_was_taken(block: Block) -> None:
    """Nothing here asks for a price alone."""
    async with Centre(block.text) as centre:
        (error,) = await centre.send(1)
        assert isinstance(error, ProviderError)


@pytest.mark.parametrize(
    ("block", "section"),
    list(zip(of("send: fmt"), [*(f"send: cost={cost}" for cost in (0, 0, 2, 3)), ""], strict=True)),
)
def test_examples_beside_fmt(block: Block, section: str) -> None:
    answer = decode_sent(block.text.encode())
    assert answer == (TAKEN[section] if section else SmscRuAnswer(id="1.40", sms=1))


@pytest.mark.parametrize("fmt", FORMATS)
async def test_what_op_adds(fmt: int) -> None:
    answer = decode_sent(with_row(fmt).encode())
    assert answer == TAKEN["send: cost=3"]._replace(rows=(MessageRow(1, 0, ROW),))
    async with Centre(with_row(fmt), format=FORMATS[fmt]) as centre:
        (taken,) = await centre.provider.send([message(1)], NOW)
        assert taken == Taken(ID, told=Particulars(1_400_000, "RUB", 1, "mccmnc=25001"))
        assert centre.provider.last_balance == 100.5


def test_all_rows_stand_in_these_answers() -> None:
    assert all(any(row in with_row(fmt) for fmt in FORMATS) for row in ROWS.values())


# --- scripts that nothing here calls ---------------------------------------------------------------

NOT_CALLED = [block for block in of("templates", "op_templates", "ping") if not block.codes]


@pytest.mark.parametrize("block", NOT_CALLED)
async def test_answers_of_other_scripts_take_no_message(block: Block) -> None:
    """They come to nothing clear even where they look like an answer to a send request."""
    async with Centre(block.text) as centre:
        (result,) = await centre.send(1)
        looks_taken = block.section == "templates: add" and block.text.startswith(("<", "{"))
        assert result == Taken("7") if looks_taken else isinstance(result, ProviderError)


def test_each_block_was_replayed() -> None:
    errors = [block for block in BLOCKS if block.codes]
    taken = of(*TAKEN, "send: cost=1", "send: fmt", "send: op")
    assert {*errors, *taken, *NOT_CALLED} == {*BLOCKS}


# --- what public clients show of status.php, balance.php, get.php and callbacks --------------------

ON_THE_WAY, THERE = (State.ENROUTE, False), (State.DELIVERED, True)
STATUS = {"status": 1, "last_date": "10.10.2010 10:10:10", "last_timestamp": 1286524541, "err": 0}
MORE = {"send_date": "10.10.2010 10:10:09", "send_timestamp": 1286524540, "phone": PHONE, "cost": "1.40"}
MORE |= {"sender_id": "Demo", "status_name": "Доставлено"}
WIDE = {"country": "Россия", "operator": "МТС", "region": "Москва", "mccmnc": "25001"}
TEXT = {"message": "Hello, World!", "type": 0, "flag": 0}
HLR = {
    "imsi": "250010123456789",
    "msc": "79168960000",
    "mcc": "250",
    "mnc": "1",
    "cn": "Россия",
    "net": "МТС",
}
DETAILS = "imsi=250010123456789 msc=79168960000 mcc=250 mnc=1 cn=Rossiya net=MTS"
STATUSES = {
    "Status = 1, check_time = 10.10.2010 10:10:10": THERE,
    "Status = 20, check_time = 10.10.2010 10:10:10, err = 6": (State.UNDELIVERABLE, True),
    "1,1286524541,0": THERE,
    "0,1286524541,0": ON_THE_WAY,
    "1,1286524541,0,1286524540,79999999999,1.40,Demo,Доставлено,Hello, World!": THERE,
    json.dumps(STATUS): THERE,
    json.dumps(STATUS | MORE | TEXT, ensure_ascii=False): THERE,
    json.dumps(STATUS | MORE | WIDE | TEXT, ensure_ascii=False): THERE,
    json.dumps([STATUS | {"id": "b1.1", "phone": PHONE}]): THERE,
    "<status>\n<status>1</status>\n<last_timestamp>12865</last_timestamp>\n<err>0</err>\n</status>": THERE,
    json.dumps([{"status": -3, "err": 0, "id": "b1.1", "phone": PHONE}]): None,
    "0,-3": None,
    json.dumps({"error": "not found", "error_code": 3}): None,
}


@pytest.mark.parametrize(("text", "expected"), STATUSES.items())
async def test_status(text: str, expected: tuple[State, bool] | None) -> None:
    async with Centre(text) as centre:
        reports = await centre.provider.status([poll("b1.1", PHONE)])
        assert [(report.state, report.final) for report in reports] == (
            [] if expected is None else [expected]
        )


async def test_number_check() -> None:
    async with Centre(json.dumps(STATUS | HLR, ensure_ascii=False)) as centre:
        (report,) = await centre.provider.status([poll("b1.1", PHONE)])
        assert (report.state, report.details) == (State.DELIVERED, DETAILS)


@pytest.mark.parametrize("text", ["178.10", '{"balance":"178.10"}', "<balance>178.10</balance>"])
def test_balance(text: str) -> None:
    assert decode_balance(text.encode()) == SmscRuAnswer(balance=178.1)


def test_answer_of_rest() -> None:
    answer = decode_sent(b'{"id":14,"cnt":1,"cost":"4.1","balance":"83.6"}')
    assert answer == SmscRuAnswer(id="14", sms=1, cost=4_100_000, balance=83.6)


async def test_messages_from_phones() -> None:
    item = {"id": 5, "received": "10.10.2010 10:10:10", "phone": PHONE, "message": "Да", "to_phone": "7900"}
    async with Centre(json.dumps([item | {"sent": "10.10.2010 10:10:09"}])) as centre:
        (inbound,) = await centre.provider.inbound(0)
        assert inbound[1:] == (PHONE, "7900", "Да", 1286694610000, None, 0, 0)


OF_STATUS = {"id": "b1.1", "phone": PHONE, "status": "1", "time": "10.10.2010 10:10:10", "ts": "1286694610"}
OF_STATUS |= {"err": "0", "type": "0", "flag": "0", "cost": "1.40", "sender_id": "Demo"}
OF_PHONE = {"id": "5", "phone": PHONE, "mes": "Да", "to": "7900", "time": "10.10.2010 10:10:10"}
PAID = Particulars(1_400_000, "RUB")
REPORT = StatusReport("b1.1", State.DELIVERED, True, 0, "1", told=PAID._replace(sender="Demo"))
CALLBACKS: list[tuple[Mapping[str, str], News | None]] = [
    (OF_STATUS, REPORT),
    (OF_STATUS | HLR | {"type": "4"}, REPORT._replace(details=DETAILS, told=PAID)),
    (OF_PHONE, Inbound("", PHONE, "7900", "Да", 1286694610000)),
    ({"waitcall": "1", "phone": PHONE, "ts": "1286694610"}, None),  # nothing here asks for such calls
]


@pytest.mark.parametrize("form", ["form", "query", "json", "xml"])
@pytest.mark.parametrize(("fields", "news"), CALLBACKS)
async def test_callback(form: str, fields: Mapping[str, str], news: News | None) -> None:
    xml = "<result>" + "".join(f"<{name}>{value}</{name}>" for name, value in fields.items()) + "</result>"
    callback = {
        "form": Callback("POST", {}, {}, fields, urlencode(fields).encode()),
        "query": Callback("GET", fields, {}),
        "json": Callback("POST", {"fmt": "3"}, {}, {}, json.dumps(fields).encode()),
        "xml": Callback("POST", {"fmt": "2"}, {}, {}, xml.encode()),
    }[form]
    async with Centre() as centre:
        if news is None:
            with pytest.raises(ValueError, match="confirmation"):
                centre.provider.parse_callback(callback)
            return
        (told,) = centre.provider.parse_callback(callback)
        assert (told._replace(ref="") if isinstance(told, Inbound) else told) == news
