"""Receipts: the one form that is written, the many that are read."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smppbridge.smpp.constants import MessageState
from smppbridge.smpp.receipt import (
    DATES,
    FIELDS,
    STAT,
    ReceiptFields,
    ReceiptStyle,
    format_receipt,
    parse_receipt,
    receipt_tlvs,
    state_of,
)
from smppbridge.smpp.text import decode_text
from tests.support.system.vectors import vectors

# What php-smpp, the strictest of the known readers, insists on.
STRICT = re.compile(
    rb"id:([^ ]+) sub:(\d{1,3}) dlvrd:(\d{3}) submit date:(\d{10,12}) done date:(\d{10,12}) "
    rb"stat:([A-Z ]{7}) err:(\d{2,3}) text:(.*)",
    re.DOTALL,
)
SUBMITTED = int(datetime(2026, 2, 28, 21, 59, 58, 999_000, UTC).timestamp() * 1000)
DONE = SUBMITTED + 2_000


def fields(state: int = MessageState.DELIVERED, err: int = 0, text: str = "Hello") -> ReceiptFields:
    return ReceiptFields("12345", state, err, SUBMITTED, DONE, text)


def test_standard_form() -> None:
    assert format_receipt(fields(text="A text of more than twenty characters"), ReceiptStyle()) == (
        b"id:12345 sub:001 dlvrd:001 submit date:2602282159 done date:2602282200 "
        b"stat:DELIVRD err:000 text:A text of more than "
    )


def test_styles() -> None:
    style = ReceiptStyle(
        dates="YYMMDDhhmmss", zone=ZoneInfo("Europe/Minsk"), text=False, words="sms-assistent"
    )
    assert format_receipt(fields(MessageState.REJECTED, 603), style) == (
        b"id:12345 sub:001 dlvrd:000 submit date:260301005958 done date:260301010000 "
        b"stat:REJECTED err:603 text:"
    )


FULL = ReceiptFields("a-1", MessageState.UNDELIVERABLE, 27, SUBMITTED, DONE, "Hello: a b")


@pytest.mark.parametrize(
    ("style", "written"),
    [
        (ReceiptStyle(fields=("stat", "id")), "stat:UNDELIV id:a-1"),
        (
            ReceiptStyle(fields=("id", "done date", "submit date", "stat", "err", "text")),
            "id:a-1 done date:2602282200 submit date:2602282159 stat:UNDELIV err:027 text:Hello: a b",
        ),
        (
            ReceiptStyle(dates="YYYYMMDDhhmmss", fields=("id", "submit date", "stat")),
            "id:a-1 submit date:20260228215958 stat:UNDELIV",
        ),
        (ReceiptStyle(err_digits=1, fields=("err", "stat", "id")), "err:9 stat:UNDELIV id:a-1"),
        (ReceiptStyle(err_digits=2, fields=("err", "stat", "id")), "err:27 stat:UNDELIV id:a-1"),
        (ReceiptStyle(err_digits=8, fields=("err", "stat", "id")), "err:00000027 stat:UNDELIV id:a-1"),
    ],
)
def test_layouts(style: ReceiptStyle, written: str) -> None:
    assert format_receipt(FULL, style).decode("ascii") == written


@given(
    st.permutations(FIELDS[:-1]),
    st.integers(2, 7),
    st.booleans(),
    st.sampled_from(list(DATES)),
    st.integers(1, 8),
    st.sampled_from([0, 1, 3, 8]),
    st.sampled_from(list(STAT["standard"])),
    st.integers(0, 99_999),
)
def test_every_layout_is_read_back(
    order: list[str],
    count: int,
    with_text: bool,
    dates: str,
    err_digits: int,
    data_coding: int,
    state: int,
    err: int,
) -> None:
    chosen = tuple(dict.fromkeys((*order[:count], "id", "stat"))) + ("text",) * with_text
    style = ReceiptStyle(fields=chosen, dates=dates, err_digits=err_digits, data_coding=data_coding)
    octets = format_receipt(ReceiptFields("77", state, err, SUBMITTED, DONE, "Hi"), style)
    read = parse_receipt(decode_text(octets, data_coding, "ascii"))
    assert (read.id, state_of(read.stat or "")[0]) == ("77", state)
    assert read.err == (str(min(err, 10**err_digits - 1)).zfill(err_digits) if "err" in chosen else None)
    assert read.sub == ("001" if "sub" in chosen else None)
    assert read.dlvrd == (("001" if state == 2 else "000") if "dlvrd" in chosen else None)
    assert (read.submit_date is not None) is ("submit date" in chosen)
    assert (read.done_date is not None) is ("done date" in chosen)
    assert read.text == ("Hi" if with_text else None)


@pytest.mark.parametrize("err_digits", [3, 5])
def test_the_usual_form_and_the_others_agree(err_digits: int) -> None:
    """Both ways of writing, for what they have in common."""
    usual, other = ReceiptStyle(), ReceiptStyle(err_digits=err_digits, count_parts=True)
    assert usual.usual and not other.usual
    for state in STAT["standard"]:
        receipt = fields(state, 12, "two\nlines")
        expected = format_receipt(receipt, usual).replace(b"err:012", b"err:" + b"12".rjust(err_digits, b"0"))
        assert format_receipt(receipt, other) == expected


@pytest.mark.parametrize(
    ("text", "sub"),
    [("", "001"), ("x" * 160, "001"), ("x" * 161, "002"), ("ы" * 71, "002"), ("ы" * 70_000, "999")],
)
def test_counts_short_messages(text: str, sub: str) -> None:
    style = ReceiptStyle(count_parts=True)
    for state, dlvrd in ((MessageState.DELIVERED, sub), (MessageState.UNDELIVERABLE, "000")):
        read = parse_receipt(format_receipt(fields(state, text=text), style).decode())
        assert (read.sub, read.dlvrd) == (sub, dlvrd)


@pytest.mark.parametrize(
    ("data_coding", "text", "written"),
    [
        (0, "café", ""),
        (1, "café", ""),
        (3, "café", "café"),
        (3, "Дверь", ""),
        (8, "Дверь открыта, двадцать знаков", "Дверь открыта, двадц"),
        (8, "две\u2028строки", "две строки"),
    ],
)
def test_the_text_is_there_where_the_alphabet_has_it(data_coding: int, text: str, written: str) -> None:
    octets = format_receipt(fields(text=text), ReceiptStyle(data_coding=data_coding))
    assert parse_receipt(decode_text(octets, data_coding, "ascii")).text == written


@pytest.mark.parametrize("id_length", [20, 21])
def test_ucs2_is_cut_between_characters(id_length: int) -> None:
    """At 254 octets one of the two would have half of a surrogate pair at its end."""
    receipt = ReceiptFields("9" * id_length, 2, 0, SUBMITTED, DONE, "", "😀" * 100)
    octets = format_receipt(receipt, ReceiptStyle(data_coding=8))
    assert 252 <= len(octets) <= 254
    text = octets.decode("utf-16-be")
    assert parse_receipt(text).text == "😀" * text.count("😀")


CHECKED = "imsi=257010000000000 mcc=257 mnc=01 net=A1 ported=0"


def with_details(details: str, message_id: str = "12345") -> ReceiptFields:
    return ReceiptFields(message_id, MessageState.DELIVERED, 0, SUBMITTED, DONE, "Hello", details)


def test_the_details_of_a_number_check_stand_in_place_of_the_text() -> None:
    assert format_receipt(with_details(CHECKED), ReceiptStyle()).endswith(
        b" err:000 text:" + CHECKED.encode("ascii")
    )
    assert format_receipt(with_details(CHECKED), ReceiptStyle(text=False)).endswith(b" err:000 text:")
    assert dict(receipt_tlvs("1", 2, 0, details=CHECKED))[0x1402] == CHECKED.encode("ascii") + b"\0"
    assert 0x1402 not in dict(receipt_tlvs("1", 2, 0))


@given(
    st.text(max_size=400) | st.text(st.characters(max_codepoint=0x7F), min_size=190, max_size=400),
    st.sampled_from(list(DATES)),
    st.sampled_from(["1", "9" * 20, "f" * 64]),
)
@example("x" * 400, "YYMMDDhhmm", "1")
def test_a_receipt_fits_a_short_message_whatever_the_details(
    details: str, dates: str, message_id: str
) -> None:
    receipt = format_receipt(with_details(details, message_id), ReceiptStyle(dates=dates))
    assert len(receipt) <= 254
    assert receipt.isascii()
    read = parse_receipt(receipt.decode("ascii"))
    assert (read.id, read.stat, read.err) == (message_id, "DELIVRD", "000")
    found = dict(receipt_tlvs(message_id, 2, 0, details=details))
    if 0x1402 in found:
        assert len(found[0x1402]) <= 201
        assert found[0x1402].index(0) == len(found[0x1402]) - 1


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", b""),
        ("Привет", b""),
        ("twenty characters ok, then é", b""),
        ("two\r\nlines\0", b"two  lines "),
    ],
)
def test_text_is_ascii_on_one_line_or_empty(text: str, written: bytes) -> None:
    assert format_receipt(fields(text=text), ReceiptStyle()).partition(b" text:")[2] == written


@pytest.mark.parametrize(("state", "word"), list(STAT["standard"].items()))
def test_word_and_dlvrd_of_every_state(state: int, word: str) -> None:
    parsed = parse_receipt(format_receipt(fields(state), ReceiptStyle()).decode())
    assert (parsed.stat, parsed.dlvrd) == (word, "001" if state == 2 else "000")
    assert len(word) == 7
    assert state_of(word) == (state, state not in (1, 6))


@given(st.integers(0, 255), st.integers(0, 99_999), st.text(max_size=30), st.integers(0, 2**41))
def test_strict_readers_read_every_receipt(state: int, err: int, text: str, at: int) -> None:
    octets = format_receipt(ReceiptFields("a-1", state, err, at, at, text), ReceiptStyle())
    match = STRICT.fullmatch(octets)
    assert match is not None
    assert len(match[8]) <= 20


@given(st.integers(0, 4_000_000_000), st.sampled_from(["UTC", "Europe/Minsk", "Asia/Kathmandu"]))
def test_dates_are_local_and_cut(seconds: int, zone: str) -> None:
    seconds %= int(datetime(2038, 1, 1, tzinfo=UTC).timestamp()) - 86400
    receipt = ReceiptFields("1", 2, 0, seconds * 1000 + 999, seconds * 1000, "")
    local = datetime.fromtimestamp(seconds, ZoneInfo(zone)).replace(tzinfo=None)
    for dates in DATES:
        style = ReceiptStyle(dates=dates, zone=ZoneInfo(zone))
        text = format_receipt(receipt, style).decode()
        read = parse_receipt(text)
        known = local if dates.endswith("ss") else local.replace(second=0)
        if dates != "YYYYMMDDhhmm" or local.year >= 2013:  # before, this form reads like YYMMDDhhmmss
            assert read.submit_date == read.done_date == known
        assert f"submit date:{known:{DATES[dates][0]}} " in text


def test_tlvs() -> None:
    assert receipt_tlvs("12345", 5, 601, "pilot", "-1") == (
        (0x001E, b"12345\0"),
        (0x0427, b"\x05"),
        (0x1400, b"pilot\0"),
        (0x1401, b"-1\0"),
        (0x0423, b"\x03\x02\x59"),
    )
    assert [tag for tag, _ in receipt_tlvs("1", 2, 0)] == [0x001E, 0x0427, 0x0423]


def test_no_provider_code_can_spoil_a_receipt() -> None:
    tlvs = dict(receipt_tlvs("1", 5, 12_345, "p", "отказ\0" + "x" * 70_000))
    assert tlvs[0x0423] == b"\x03\x03\xe7"
    assert len(tlvs[0x1401]) == 65
    assert tlvs[0x1401].startswith(b"????? xxx")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ID:7 Stat:delivrd Text:x", {"id": "7", "stat": "delivrd", "text": "x"}),
        ("id: 7  sub: 001\r\nstat : DELIVRD", {"id": "7", "sub": "001", "stat": "DELIVRD"}),
        ("id:7 stat:DELIVRD err: text:hi", {"err": "", "text": "hi"}),
        ("id: stat:DELIVRD", {"id": None, "stat": "DELIVRD"}),
        ("id:7 stat:DELIVRD\0", {"stat": "DELIVRD", "text": None}),
        ("stat:UNDELIV id:7 text:stat:DELIVRD id:8 err:9", {"id": "7", "stat": "UNDELIV", "err": None}),
        ("id:7 id:8 stat:DELIVRD stat:UNDELIV", {"id": "7", "stat": "DELIVRD"}),
        ("text:hi id:7 stat:EXPIRED", {"id": "7", "stat": "EXPIRED"}),
        ("id:7 stat:DND_REJECTED err:0000000A", {"stat": "DND_REJECTED", "err": "0000000A"}),
        ("valid:7 estate:1 stat:DELIVRD", {"id": None, "stat": "DELIVRD"}),
        ("SubmitDate:2602282159", {"submit_date": datetime(2026, 2, 28, 21, 59)}),
        ("", {"id": None, "stat": None, "text": None}),
    ],
)
def test_reads_variants(text: str, expected: dict[str, object]) -> None:
    parsed = parse_receipt(text)
    assert {name: getattr(parsed, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2602282159", datetime(2026, 2, 28, 21, 59)),
        ("260228215958", datetime(2026, 2, 28, 21, 59, 58)),
        ("202602282159", datetime(2026, 2, 28, 21, 59)),
        ("201506201641", datetime(2015, 6, 20, 16, 41)),
        ("20260228215958", datetime(2026, 2, 28, 21, 59, 58)),
        ("260228215958012+", datetime(2026, 2, 28, 18, 59, 58, tzinfo=UTC)),
        ("260228215958099+", None),
        ("000000001000000R", None),
        ("0000000000", None),
        ("000000000000", None),
        ("00000000000000", None),
        ("2602302159", None),
        ("null", None),
        ("26022821", None),
        ("", None),
    ],
)
def test_reads_dates(date: str, expected: datetime | None) -> None:
    parsed = parse_receipt(f"id:1 done date:{date} stat:DELIVRD")
    assert parsed.done_date == expected
    assert parsed.stat == "DELIVRD"


@pytest.mark.parametrize(
    ("stat", "state", "final"),
    [
        ("DELIVERY", 2, True),
        ("delivered", 2, True),
        ("Expired", 3, True),
        ("DELETED", 4, True),
        ("UNDELIV", 5, True),
        ("FAILED", 5, True),
        ("REJECTED", 8, True),
        ("REJECTD", 8, True),
        ("DND_REJECTED", 8, True),
        ("UNKNOWN", 7, True),
        ("ACCEPTD", 6, False),
        ("ACCEPTED", 6, False),
        ("ENROUTE", 1, False),
        ("BADSTAT", 7, False),
        ("", 7, False),
    ],
)
def test_state_of(stat: str, state: int, final: bool) -> None:
    assert state_of(stat) == (state, final)


FRAGMENTS = ["id:", "stat:", "text:", "done date:", "0", "12", " ", "\0", "+"]


@given(st.text() | st.lists(st.sampled_from(FRAGMENTS)).map("".join))
def test_reading_never_raises(text: str) -> None:
    parsed = parse_receipt(text)
    state_of(parsed.stat or "")


def test_shared_vectors(subtests: pytest.Subtests) -> None:
    for vector in vectors("receipt"):
        with subtests.test(vector["name"]):
            check(vector)


def check(vector: dict[str, Any]) -> None:
    octets = bytes.fromhex(vector["hex"])
    parsed = parse_receipt(decode_text(octets, vector.get("data_coding", 0), "latin-1"))
    for name, value in vector["expect"].items():
        got = getattr(parsed, name)
        assert (got.isoformat() if isinstance(got, datetime) else got) == value, name


_WORDS = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1, max_size=12)


@given(st.lists(_WORDS, min_size=7, max_size=7), st.none() | st.text(max_size=30))
def test_the_usual_form_reads_like_any_other(words: list[str], text: str | None) -> None:
    """With a blank in front it is not the usual form any more, and says the same."""
    keys = ("id", "sub", "dlvrd", "submit date", "done date", "stat", "err")
    receipt = " ".join(f"{key}:{word}" for key, word in zip(keys, words, strict=True))
    if text is not None:
        receipt += f" text:{text}"
    assert parse_receipt(receipt) == parse_receipt(" " + receipt)
