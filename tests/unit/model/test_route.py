"""Routes: what may be written, and which one wins."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from smppbridge.model.route import Route, Router, best_provider, first_provider, next_provider
from tests.support.builders.choice import Available


def route(**keys: Any) -> Route:
    return Route.model_validate(keys)


def test_one_or_several_with_or_without_quotes() -> None:
    one = route(account="pbx", destination=37529, to=["lab"])
    assert (one.account, one.destination, one.to) == (("pbx",), ("37529",), ("lab",))
    several = route(account=["pbx", "crm"], destination=["7", 375], to=["a", "b"])
    assert (several.account, several.destination, several.to) == (("pbx", "crm"), ("7", "375"), ("a", "b"))


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"to": []},
        {"to": ["lab", "lab"]},
        {"to": ["lab"], "destination": "+375"},
        {"to": ["lab"], "destination": ""},
        {"to": ["lab"], "destination": []},
        {"to": ["lab"], "destination": "٣٧٥"},
        {"to": ["lab"], "destination": True},
        {"to": ["lab"], "destination": -7},
        {"to": ["lab"], "account": []},
        {"to": ["lab"], "recipient": "7"},
    ],
)
def test_refuses(keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        route(**keys)


def test_the_first_route_that_matches_wins() -> None:
    router = Router(
        [
            route(account="pbx", destination=["37525", "37529"], to=["link", "assist"]),
            route(destination="7", to=["pilot"]),
            route(account=["crm"], to=["crm-only"]),
            route(destination="375", to=["assist"]),
        ]
    )
    assert router.find("pbx", "375291234567") == ("link", "assist")
    assert router.find("pbx", "375331234567") == ("assist",)
    assert router.find("crm", "375291234567") == ("crm-only",)
    assert router.find("crm", "79161234567") == ("pilot",)
    assert router.find("pbx", "48123456789") is None


def test_a_route_without_conditions_takes_everything() -> None:
    catch_all = route(to=["lab"])
    assert catch_all.catches_all
    assert not route(account="pbx", to=["lab"]).catches_all
    assert not route(destination="7", to=["lab"]).catches_all
    assert Router([catch_all]).find("anybody", "") == ("lab",)


ACCOUNTS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=2, unique=True)
PREFIXES = st.lists(st.text("12", min_size=1, max_size=3), max_size=3)


@given(st.lists(st.tuples(ACCOUNTS, PREFIXES), max_size=5), st.sampled_from("abc"), st.text("12", max_size=5))
def test_finds_what_a_plain_search_finds(
    lines: list[tuple[list[str], list[str]]], account: str, digits: str
) -> None:
    routes = [
        Route(
            account=tuple(accounts) or ("a", "b", "c"), destination=tuple(prefixes or "12"), to=(str(index),)
        )
        for index, (accounts, prefixes) in enumerate(lines)
    ]
    expected = None
    for one in routes:
        if account in one.account and any(digits.startswith(prefix) for prefix in one.destination):
            expected = one.to
            break
    router = Router(routes)
    assert router.find(account, digits) == expected
    assert router.find(account, digits) == expected  # from the table kept for the account


# --- who carries a message now -----------------------------------------------------------------------


def test_the_best_provider_is_the_first_that_may_be_used() -> None:
    assert best_provider("abc", Available()) == "a"
    assert best_provider("abc", Available(down="a", spared="b")) == "c"
    assert best_provider("abc", Available(down="a", spared="bc")) == "b"
    assert best_provider("abc", Available(down="abc")) is None
    assert best_provider("", Available()) is None


def test_the_first_provider_is_the_first_of_all_when_none_works() -> None:
    assert first_provider("a,b", Available(down="a")) == "b"
    assert first_provider("a,b", Available(down="ab")) == "a"


def test_one_that_is_to_be_spared_is_better_than_none() -> None:
    assert first_provider("a,b", Available(spared="a")) == "b"
    assert first_provider("a,b", Available(spared="ab")) == "a"
    assert first_provider("a,b", Available(down="a", spared="b")) == "b"
    assert next_provider("a,b,c", "a", Available(spared="b")) == "c"
    assert next_provider("a,b,c", "a", Available(spared="b", down="c")) == "b"


def test_a_provider_no_longer_in_the_route_has_no_next_one() -> None:
    assert next_provider("a,b", "gone", Available()) is None
