"""Numbers, ids and times as smspilot prints them, whatever the format."""

import pytest

from smppbridge.providers.http.lenient import integer, number
from smppbridge.providers.smspilot.records import (
    arrival_of,
    failure_of,
    found_out,
    item_of,
    moment_of,
    server_id,
)


@pytest.mark.parametrize(("value", "number"), [(5, 5), ("5", 5), (" 5 ", 5), (5.0, 5), ("-2", -2), (0, 0)])
def test_integer(value: object, number: int) -> None:
    assert integer(value) == number


@pytest.mark.parametrize(
    "value", [2.5, "2.5", True, None, "", "١", [], "9" * 21, 10**20, 1e300, float("inf"), float("nan")]
)
def test_no_integer(value: object) -> None:
    assert integer(value) is None


@pytest.mark.parametrize(
    ("value", "ref"), [("10005", "10005"), (10005, "10005"), ("0", ""), (0, ""), ("-1", ""), ("x", "")]
)
def test_server_id(value: object, ref: str) -> None:
    assert server_id(value) == ref


@pytest.mark.parametrize(("value", "found"), [("2934.76", 2934.76), (5, 5.0), ("-0.5", -0.5), (1.5, 1.5)])
def test_number(value: object, found: float) -> None:
    assert number(value) == found


@pytest.mark.parametrize("value", [None, True, "", "much", "nan", "inf", [], 10**400])
def test_no_number(value: object) -> None:
    assert number(value) is None


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2021-10-14 10:14:06", 1_634_206_446_000),
        ("2011-09-20 21:11", 1_316_553_060_000),
        ("1970-01-01 00:00", 0),
    ],
)
def test_moment(value: object, moment: int) -> None:
    assert moment_of(value) == moment


@pytest.mark.parametrize(
    "value",
    [None, "", 5, "0000-00-00 00:00:00", "2021-13-01 00:00", "2021-10-14T10:14:06", "٢٠٢١-10-14 10:14"],
)
def test_no_moment(value: object) -> None:
    assert moment_of(value) is None


def test_text_is_told_or_not() -> None:
    assert item_of({"server_id": "5", "message": ""}).text == ""
    assert item_of({"server_id": "5"}).text is None


def test_findings_have_one_order_and_no_empty_ones() -> None:
    row = {"gnet": "A1", "imsi": "25020", "status": "2", "mcc": "", "msc": "79043490000", "gcn": "Belarus"}
    assert found_out(row) == "imsi=25020 msc=79043490000 gcn=Belarus gnet=A1"
    assert found_out({"gscn": "Belarus"}) == "gcn=Belarus"
    assert found_out({"server_id": "5", "status": "2", "country": "RU", "operator": "TELE2"}) == ""


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"id": "1"},
        {"id": "1", "phone": " + "},
        {"id": "1", "phone": ["79001"]},
        {"phone": "79001"},
        {"id": "x", "phone": "79001"},
    ],
)
def test_no_arrival(row: dict[str, object]) -> None:
    assert arrival_of(row) is None


@pytest.mark.parametrize(
    ("phone", "source"),
    [
        ("79001112233", "79001112233"),
        ("+79001112233", "79001112233"),
        (79001112233, "79001112233"),
        ("+7 (900) 111-22-33", "79001112233"),
        (" 7.900.1112233 ", "79001112233"),
        ("0890", "0890"),
        ("MTS", "MTS"),
        ("Tele2-Info", "Tele2-Info"),
        ("8-800-bank", "8-800-bank"),
    ],
)
def test_whose_message_it_is(phone: object, source: str) -> None:
    arrival = arrival_of({"id": "1", "phone": phone, "num": "+7 953 398-45-70"})
    assert arrival is not None
    assert (arrival.id, arrival.phone, arrival.num) == ("1", source, "79533984570")


@pytest.mark.parametrize("code", [None, 0, "0", -5, "x"])
def test_no_failure_without_a_code(code: object) -> None:
    with pytest.raises(ValueError):
        failure_of({"code": code, "description": "words"})
