"""Whose hand-over is in doubt is looked for in the list of the last day: what is found, what is certain."""

from collections.abc import Sequence

import pytest

from smppbridge.providers.base import Trace
from smppbridge.providers.smspilot_find import LISTED, SPREAD, Recent, plain
from smppbridge.providers.smspilot_records import Item
from tests.support.messages import NOW, doubt, message

HOUR, MINUTE = 3_600_000, 60_000
LOST = doubt(message(1, text="Привет"), tried_at=NOW)
LATER = NOW + MINUTE


def item(
    ref: int, created: int | None = NOW, *, phone: str = LOST.recipient, text: str | None = "Привет"
) -> Item:
    return Item(None, str(ref), phone, 1, 0, "", text, created)


def listed(*items: Item, last: bool = True) -> Recent:
    recent = Recent()
    recent.add(items, last=last)
    return recent


def others(count: int, newest: int, step: int) -> list[Item]:
    return [item(1000 + n, newest - n * step, phone="79009999999") for n in range(count)]


def test_found_by_number_and_text() -> None:
    recent = listed(item(5), item(6, phone="79990000000"), item(7, text="другой"), item(8, text=""))
    assert recent.trace(LOST, LATER) == Trace(1, ("5",), True)


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


def test_nothing_is_certain_when_a_row_to_the_number_has_no_text() -> None:
    assert listed(item(5, text=None)).trace(LOST, LATER) == Trace(1, (), False)


@pytest.mark.parametrize("row", [item(0)._replace(ref=""), item(5, phone="")])
def test_nothing_is_certain_when_a_row_cannot_be_read(row: Item) -> None:
    assert not listed(row, *others(3, NOW, MINUTE)).trace(LOST, LATER).complete


def test_nothing_is_certain_about_what_may_have_left_the_list() -> None:
    assert listed().trace(LOST, NOW + LISTED - 1).complete
    assert not listed().trace(LOST, NOW + LISTED).complete


# --- a list in pages -------------------------------------------------------------------------------


def pages(*numbers: Sequence[int], last: bool) -> Recent:
    recent = Recent()
    for count, page in enumerate(numbers, 1):
        recent.add([item(n, None, phone="79009999999") for n in page], last=last and count == len(numbers))
    return recent


def test_a_list_is_whole_with_its_last_page() -> None:
    assert pages([9, 8, 7], [7, 6], last=True).trace(LOST, LATER).complete
    assert not pages([9, 8, 7], [7, 6], last=False).trace(LOST, LATER).complete


def test_pages_that_do_not_overlap_may_have_lost_something() -> None:
    assert not pages([9, 8], [7, 6], last=True).trace(LOST, LATER).complete
    assert not pages([9, 8], [], last=True).trace(LOST, LATER).complete


@pytest.mark.parametrize("zone", [-12 * HOUR, 0, 3 * HOUR, 14 * HOUR])
@pytest.mark.parametrize(("span", "complete"), [(MINUTE + SPREAD, False), (MINUTE + SPREAD + 1000, True)])
def test_a_cut_list_that_reaches_far_enough_back_is_enough(zone: int, span: int, complete: bool) -> None:
    """Whatever its time zone: what is not listed is older by the whole span than what stands first."""
    rows = [item(9, LATER + zone, phone="79009999999"), item(8, LATER + zone - span, phone="79009999999")]
    assert listed(*rows, last=False).trace(LOST, LATER) == Trace(1, (), complete)


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
