"""kind: webhook, regex: patterns that could take for ever are refused, whatever dress they wear."""

import re
import time

import pytest

from smppbridge.providers.webhook.regex import MAX_MATCHED, MAX_WHOLE, is_whole, safe_regex


@pytest.mark.parametrize("pattern", ["(", "[", "*", "a{9,1}", "(" * 5000])
def test_what_is_no_regular_expression_is_a_mistake(pattern: str) -> None:
    with pytest.raises(ValueError, match="must be a regular expression"):
        safe_regex(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a*)*b",
        "(?:[a-z]{2,})+",
        "((a+))+$",
        "(?:(?:a+)b?)+$",
        "(?:a|a)+$",
        r"(?P<x>(\w+))*;",
        "(?:ab|cd)*",
        "(?:a?b)*",
        "(?:a+?)+",
        "(?:(?=a*)b)+",
        "(?:(a)(?(1)b*|c))+",
        "x|(?:a+b)+",
        "(?:(?>a+))+",
        "(?:a{1,3}){1,200}",
        "(?:a+){5}",
        "(?:(?:a{0,200})b){0,50}",
    ],
)
def test_a_repetition_in_a_repetition_is_a_mistake(pattern: str) -> None:
    with pytest.raises(ValueError, match="must not repeat a group"):
        safe_regex(pattern)


@pytest.mark.parametrize("pattern", [".*.*.*.*=x", "a+b+c+", r"(\d*)|(\w*)|(\s*)", "a{1,200}b{2,}c*?"])
def test_three_open_repetitions_are_a_mistake(pattern: str) -> None:
    with pytest.raises(ValueError, match="must not hold more than 2"):
        safe_regex(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "SM[0-9a-f]{32}|MM[0-9a-f]{32}",
        r"^OK - (\d+) SMS, ID - (\d+)",
        r"[!-~]{1,128}",
        r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}",
        r"id=(\d+)?;?",
        "(?:a|b)+",
        "(?:ab)+",
        "(?:ab|cd){2}",
    ],
)
def test_other_patterns_may_be_written(pattern: str) -> None:
    assert safe_regex(pattern) == pattern


def test_the_slowest_pattern_that_may_be_written_ends_soon() -> None:
    began = time.process_time()
    assert re.search(safe_regex(".*.*=x"), "a" * MAX_MATCHED) is None
    assert time.process_time() - began < 5


def test_a_text_that_is_too_long_is_no_match() -> None:
    pattern = re.compile("a*")
    assert is_whole(pattern, "a" * MAX_WHOLE)
    assert not is_whole(pattern, "a" * (MAX_WHOLE + 1))
    assert not is_whole(pattern, "ab")
