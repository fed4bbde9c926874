"""Which providers of a route carry a message, and when it begins its way."""

from typing import Any

import pytest

from smppbridge.errors import Refused
from smppbridge.model.message import Draft, Stage
from smppbridge.model.route import Choice
from smppbridge.smpp.constants import Status
from smppbridge.submission.paths import Path, Timing, path_among, path_maker, timing_of
from tests.support.builders.choice import Available
from tests.unit.submission.checkers import HOUR, NOW, FakeChecker, choice

TEXT = Draft("375291234567", "ALARM", "Door")
HEADED = TEXT._replace(text="", octets=b"\6\5\4\1\2\3\4text", data_coding=0)


def short(name: str, status: int = 1) -> FakeChecker:
    """Carries short texts only."""
    return FakeChecker(name, status, takes=lambda draft: len(draft.text or "") < 5)


def among(*checkers: FakeChecker, draft: Draft = TEXT, by: Choice | None = None) -> Path:
    named = {one.name: one for one in checkers}
    return path_among(tuple(named), draft, path_maker(named, by or choice()))


def refusal(*checkers: FakeChecker, draft: Draft = TEXT) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        among(*checkers, draft=draft)
    return caught.value.status, caught.value.reason


# --- who can carry it --------------------------------------------------------------------------------


def test_one_provider() -> None:
    lab = FakeChecker(keeps=True)
    path = among(lab)
    assert path[:2] == ("lab", ("lab",))
    assert (path.provider, path.down) == ("lab", 0)
    assert path.schedules(5, 3)
    assert lab.times == [(5, 3)]
    assert lab.asked == [TEXT]
    assert refusal(FakeChecker(status=0x0A)) == (0x0A, "lab does not carry it")


def test_every_provider_of_the_route_is_asked() -> None:
    first, second = FakeChecker("first"), FakeChecker("second")
    path = among(first, second)
    assert (path.route, path.names, path.provider) == ("first,second", ("first", "second"), "first")
    path.checks[1](HEADED)
    assert (first.asked, second.asked) == ([TEXT], [TEXT, HEADED])


@pytest.mark.parametrize(
    ("text", "names"),
    [("Door", ("a", "b", "c")), ("a long text", ("b",))],
)
def test_those_that_cannot_carry_it_are_left_out(text: str, names: tuple[str, ...]) -> None:
    path = among(short("a"), FakeChecker("b"), short("c"), draft=TEXT._replace(text=text))
    assert (path.route, path.names, path.provider) == (",".join(names), names, names[0])
    assert len(path.checks) == len(names)


def test_the_first_refusal_counts_where_nobody_carries_it() -> None:
    long = TEXT._replace(text="a long text")
    assert refusal(short("a", 1), short("b", 2), draft=long) == (1, "a does not carry it")
    assert refusal(short("b", 2), short("a", 1), draft=long) == (2, "b does not carry it")


# --- services ----------------------------------------------------------------------------------------


def test_a_service_goes_only_to_those_that_sell_it() -> None:
    seller = FakeChecker("seller", services=frozenset({"HLR", "CALL"}))
    other, second = FakeChecker("other", services=frozenset({"PING"})), FakeChecker("second")
    path = among(other, seller, second, draft=TEXT._replace(service_type="CALL"))
    assert (path.route, path.provider) == ("seller", "seller")
    assert other.asked == second.asked == []
    reason = "no provider of the route sells VIBER"
    assert refusal(seller, other, draft=TEXT._replace(service_type="VIBER")) == (
        Status.ESME_RINVSERTYP,
        reason,
    )


def test_a_seller_that_cannot_carry_it_is_no_seller() -> None:
    sells: Any = {"services": frozenset({"CALL"})}
    draft = TEXT._replace(service_type="CALL")
    path = among(FakeChecker("a", 9, **sells), FakeChecker("b", **sells), FakeChecker("c"), draft=draft)
    assert path.names == ("b",)


# --- texts with a user data header of their own ------------------------------------------------------


def test_a_headed_text_goes_only_to_those_that_pass_it_on() -> None:
    passing, other = FakeChecker("passing", takes_parts=True), FakeChecker("other")
    assert among(other, passing, draft=HEADED).names == ("passing",)
    assert other.asked == []
    assert refusal(other, draft=HEADED) == (
        Status.ESME_RINVESMCLASS,
        "no provider of the route takes user data headers or ports",
    )


@pytest.mark.parametrize("draft", [TEXT, HEADED._replace(data_coding=4), TEXT._replace(text=None)])
def test_what_is_for_a_port_goes_only_to_those_that_pass_it_on(draft: Draft) -> None:
    passing, other = FakeChecker("passing", takes_parts=True), FakeChecker("other")
    draft = draft._replace(ports=bytes.fromhex("050415B30000"))
    assert among(other, passing, draft=draft).names == ("passing",)
    assert refusal(other, draft=draft)[0] == Status.ESME_RINVESMCLASS


@pytest.mark.parametrize(
    "draft",
    [
        TEXT,
        HEADED._replace(data_coding=4),  # binary content
        HEADED._replace(data_coding=0xF5),
        TEXT._replace(text=None),  # a part, which is joined here
    ],
)
def test_anything_else_goes_to_everybody(draft: Draft) -> None:
    assert among(FakeChecker("a"), FakeChecker("b", takes_parts=True), draft=draft).names == ("a", "b")


def test_those_that_pass_it_on_and_cannot_carry_it_are_left_out() -> None:
    both = FakeChecker("a", 9, takes_parts=True), FakeChecker("b", takes_parts=True)
    assert among(*both, FakeChecker("c"), draft=HEADED).names == ("b",)


# --- texts that no phone is to show ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ping", "names"),
    [(None, ("plain", "seller", "passing")), (True, ("seller", "passing")), (False, ("passing",))],
)
def test_a_silent_text_goes_only_to_those_that_keep_it_silent(
    ping: bool | None, names: tuple[str, ...]
) -> None:
    seller = FakeChecker("seller", services=frozenset({"PING"}))
    three = FakeChecker("plain"), seller, FakeChecker("passing", takes_protocol_id=True)
    assert among(*three, draft=TEXT._replace(ping=ping)).names == names


@pytest.mark.parametrize(
    ("ping", "why"), [(True, "no phone is to show"), (False, "may not use service PING")]
)
def test_nobody_keeps_a_text_silent(ping: bool, why: str) -> None:
    status, reason = refusal(FakeChecker("a"), draft=TEXT._replace(ping=ping))
    assert (status, reason.endswith(why)) == (Status.ESME_RSUBMITFAIL, True)


# --- who works ---------------------------------------------------------------------------------------

A, B, C = FakeChecker("a"), FakeChecker("b"), FakeChecker("c")


@pytest.mark.parametrize(
    ("down", "spared", "provider", "status"),
    [
        ((), (), "a", 0),
        (("a",), (), "b", 0),
        ((), ("a",), "b", 0),
        (("a",), ("b", "c"), "b", 0),
        (("a", "b"), ("c",), "c", 0),
        (("a", "b", "c"), (), "a", 0x58),
    ],
)
def test_the_provider_to_begin_with(
    down: tuple[str, ...], spared: tuple[str, ...], provider: str, status: int
) -> None:
    path = among(A, B, C, by=choice(down, spared, status=0x58))
    assert (path.route, path.provider, path.down) == ("a,b,c", provider, status)


def test_the_schedule_is_kept_by_the_one_to_begin_with() -> None:
    keeping = FakeChecker("keeping", keeps=True)
    assert among(A, keeping, by=choice(down=["a"])).schedules(1, 0)
    assert not among(A, keeping).schedules(1, 0)


def test_only_those_that_carry_it_are_looked_at() -> None:
    path = among(FakeChecker("a", 9), B, by=choice(down=["b"], status=0x58))
    assert (path.provider, path.down) == ("b", 0x58)


def test_a_path_is_made_once_and_a_refusal_each_time() -> None:
    path_of = path_maker({"a": A}, Available())
    assert path_of(("a",), "", False, None) is path_of(("a",), "", False, None)
    for _ in range(2):
        with pytest.raises(Refused):
            path_of(("a",), "CALL", False, None)


# --- when --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("not_before", [NOW, NOW - 1])
def test_at_once(not_before: int) -> None:
    timing = timing_of(among(FakeChecker(keeps=True)), not_before, NOW + HOUR, NOW)
    assert timing == Timing(Stage.QUEUED, NOW + HOUR, 0)
    assert timing.at_once


def test_later_and_kept_by_the_provider() -> None:
    lab = FakeChecker(keeps=True)
    timing = timing_of(among(lab), NOW + 1, NOW + HOUR, NOW)
    assert timing == Timing(Stage.QUEUED, NOW + HOUR, NOW + 1)
    assert timing.at_once
    assert lab.times == [(NOW + 1, NOW)]


def test_later_and_kept_here() -> None:
    timing = timing_of(among(FakeChecker()), NOW + 1, NOW + HOUR, NOW)
    assert timing == Timing(Stage.WAITING, NOW + 1, 0)
    assert not timing.at_once
