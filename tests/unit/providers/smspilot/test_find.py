"""Whose hand-over is in doubt is looked for in the list of the last day: what is found, what is certain."""

from collections.abc import Sequence

import pytest

from smppbridge.providers.base import Trace
from smppbridge.providers.smspilot.find import LISTED, SPREAD, Recent, plain
from smppbridge.providers.smspilot.records import Item
from tests.support.builders.messages import NOW, doubt, message

HOUR, MINUTE = 3_600_000, 60_000
LOST = doubt(message(1, text="Привет"), tried_at=NOW)
LATER = NOW + MINUTE


def item(
    ref: int, created: int | None = NOW, *, phone: str = LOST.recipient, text: str | None = "Привет"
) -> Item:
    return Item(None, str(ref), phone, 1, 0, "", text, created)


def listed(*items: Item, last: bool = True) -> Recent:
    recent = Recent()
    recent.add(items)
    if last:
        recent.add(items[recent.offset :])
    return recent


def others(count: int, newest: int, step: int) -> list[Item]:
    return [item(1000 + n, newest - n * step, phone="79009999999") for n in range(count)]


def test_found_by_number_and_text() -> None:
    recent = listed(item(5), item(6, phone="79990000000"))
    assert recent.trace(LOST, LATER) == Trace(1, ("5",), True)


@pytest.mark.parametrize("phone", [f"+{LOST.recipient}", f" +{LOST.recipient[0]} ({LOST.recipient[1:]})"])
def test_the_number_may_be_spelt_otherwise(phone: str) -> None:
    assert listed(item(5, phone=phone)).trace(LOST, LATER) == Trace(1, ("5",), True)


def test_the_number_may_begin_otherwise() -> None:
    domestic = item(5, phone="8" + LOST.recipient[1:])
    assert listed(domestic).trace(LOST, LATER) == Trace(1, (), True, ("5",))


@pytest.mark.parametrize("text", ["другой", "Приве", "Privet", "", None])
@pytest.mark.parametrize("service", ["", "HLR", "PING", "HLRV", "CALL"])
def test_another_text_to_the_number_may_be_it(service: str, text: str | None) -> None:
    lost = LOST._replace(service_type=service)
    rows = [item(5, text=text), item(6, NOW - 15 * HOUR, text=text), item(7, phone="79990000000", text=text)]
    assert listed(*rows).trace(lost, LATER) == Trace(1, (), True, ("5",))


def test_certainly_not_there() -> None:
    assert listed(item(6, phone="79990000000")).trace(LOST, LATER) == Trace(1, (), True)
    assert listed().trace(LOST, LATER) == Trace(1, (), True)


@pytest.mark.parametrize("text", ["Привет ", "Привет\r\n", " Привет"])
def test_white_space_may_be_altered(text: str) -> None:
    assert listed(item(5, text=text)).trace(LOST, LATER).refs == ("5",)


def test_what_no_format_carries_is_compared_as_it_was_sent() -> None:
    assert plain("a\x01b\ud800c\r\nd") == plain("a?b?c\nd") == "a?b?c d"


@pytest.mark.parametrize(("service", "text"), [("HLR", "HLR"), ("PING", "PING"), ("HLRV", "HLRVIP")])
def test_number_checks_are_found_by_what_orders_them(service: str, text: str) -> None:
    lost = LOST._replace(service_type=service, text="")
    assert listed(item(5, text=text), item(6, text="")).trace(lost, LATER).refs == ("5",)


def test_every_candidate_is_named_the_likeliest_first() -> None:
    refused = item(1)._replace(status=-2)
    rows = [
        refused,
        item(2, None),
        item(3, NOW - 40 * MINUTE),
        item(4, NOW + 3 * HOUR + 5_000),  # Moscow's time
        item(5, NOW + 3 * HOUR - 10 * MINUTE),
        item(6, NOW - 11 * HOUR + 5_000),
    ]
    assert listed(*rows).trace(LOST, LATER) == Trace(1, ("4", "6", "2", "1"), True, ("5", "3"))


def test_what_is_certainly_older_is_not_it() -> None:
    rows = [item(5, NOW - 14 * HOUR), item(6, NOW - 14 * HOUR - 1)]
    assert listed(*rows).trace(LOST, LATER) == Trace(1, ("5",), True)


@pytest.mark.parametrize("row", [item(0)._replace(ref=""), item(5, phone=""), item(5, phone="hidden")])
def test_nothing_is_certain_when_a_row_cannot_be_read(row: Item) -> None:
    assert not listed(row, *others(3, NOW, MINUTE)).trace(LOST, LATER).complete


def test_nothing_is_certain_about_what_may_have_left_the_list() -> None:
    assert listed().trace(LOST, NOW + LISTED - 1).complete
    assert not listed().trace(LOST, NOW + LISTED).complete


# --- a list in pages -------------------------------------------------------------------------------


def pages(*numbers: Sequence[int]) -> Recent:
    recent = Recent()
    for page in numbers:
        recent.add([item(n, None, phone="79009999999") for n in page])
    return recent


def complete(recent: Recent) -> bool:
    return recent.trace(LOST, LATER).complete


@pytest.mark.parametrize("size", [1, 3, 4, 100, 1000])
def test_no_page_is_the_last_because_it_is_short(size: int) -> None:
    recent = pages(range(size, 0, -1))
    assert not complete(recent)
    recent.add([item(n, None) for n in range(size - recent.offset, 0, -1)])
    assert complete(recent)


def test_pages_overlap_where_there_is_room() -> None:
    assert [pages(range(size)).offset for size in (0, 1, 3, 4, 100, 1000)] == [0, 1, 3, 3, 75, 900]
    assert pages(range(100), range(75, 175)).offset == 150


def test_a_list_goes_on_while_there_is_something_new() -> None:
    assert not complete(pages([9, 8, 7, 6], [6, 5]))
    assert complete(pages([9, 8, 7, 6], [6, 5], [5]))
    assert complete(pages([9, 8, 7, 6], [7, 6]))  # one has come meanwhile


def test_an_overlap_that_is_cut_is_not_the_end() -> None:
    assert not complete(pages(range(1000, 0, -1), range(100, 50, -1)))


def test_pages_that_do_not_overlap_may_have_lost_something() -> None:
    assert not complete(pages([9, 8, 7, 6], [5, 4], [4]))
    assert not complete(pages([9, 8, 7, 6], []))


def test_the_same_page_again_is_not_the_next() -> None:
    assert not complete(pages([9, 8, 7, 6], [9, 8, 7, 6]))


@pytest.mark.parametrize("zone", [-12 * HOUR, 0, 3 * HOUR, 14 * HOUR])
@pytest.mark.parametrize(("span", "enough"), [(MINUTE + SPREAD, False), (MINUTE + SPREAD + 1000, True)])
def test_a_cut_list_that_reaches_far_enough_back_is_enough(zone: int, span: int, enough: bool) -> None:
    """Whatever its time zone: what is not listed is older by the whole span than what stands first."""
    rows = [item(9, LATER + zone, phone="79009999999"), item(8, LATER + zone - span, phone="79009999999")]
    assert listed(*rows, last=False).trace(LOST, LATER) == Trace(1, (), enough)


def test_a_cut_list_that_begins_with_the_oldest_tells_nothing() -> None:
    rows = others(5, NOW, HOUR)[::-1]
    assert not listed(*rows, last=False).trace(LOST, LATER).complete


def test_a_cut_list_in_no_order_tells_nothing() -> None:
    times = (LATER, LATER - 3 * HOUR, LATER - HOUR, LATER - 2 * HOUR)
    rows = [item(n, at, phone="79009999999") for n, at in enumerate(times, 1)]
    assert not listed(*rows, last=False).trace(LOST, LATER).complete


def test_a_cut_list_without_times_tells_nothing() -> None:
    rows = [*others(5, NOW, HOUR), item(7, None, phone="79009999999")]
    assert not listed(*rows, last=False).trace(LOST, LATER).complete


def test_what_was_found_counts_even_in_a_cut_list() -> None:
    assert listed(item(5), last=False).trace(LOST, LATER) == Trace(1, ("5",), False)
