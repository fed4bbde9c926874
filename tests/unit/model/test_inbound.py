"""Whose messages from phones are: rules by service number, keyword and provider."""

from typing import Any

import pytest
from pydantic import ValidationError

from smppbridge.model.inbound import InboundRule, owners

STOP_WORDS = {"to": "stops", "keyword": ["STOP", "стоп"]}
SHORT = {"to": ["pbx", "log"], "number": "+1234", "provider": "lab"}
REST = {"to": "rest"}


def rules(*lines: dict[str, Any]) -> list[InboundRule]:
    return [InboundRule.model_validate(line) for line in lines]


@pytest.mark.parametrize(
    ("provider", "number", "text", "expected"),
    [
        ("lab", "1234", "hello", ("pbx", "log")),
        ("spare", "1234", "hello", ("rest",)),
        ("lab", "12345", "hello", ("rest",)),
        ("lab", "", "hello", ("rest",)),
        ("lab", "1234", "stop", ("stops",)),
        ("lab", "1234", " \n Стоп, пожалуйста", ("pbx", "log")),  # "стоп," is another word
        ("lab", "1234", " \n Стоп пожалуйста", ("stops",)),
        ("lab", "1234", "unstop", ("pbx", "log")),
        ("lab", "1234", "please stop", ("pbx", "log")),
        ("spare", "", "", ("rest",)),
        ("spare", "", " \t", ("rest",)),
    ],
)
def test_the_first_rule_that_matches(
    provider: str, number: str, text: str, expected: tuple[str, ...]
) -> None:
    assert owners(rules(STOP_WORDS, SHORT, REST), [provider], number, text) == expected


def test_nobody_where_no_rule_matches() -> None:
    assert owners(rules(STOP_WORDS, SHORT), ["spare"], "1234", "hello") == ()
    assert owners([], ["lab"], "1234", "stop") == ()


def test_a_message_without_text_has_no_keyword() -> None:
    assert owners(rules(STOP_WORDS), ["lab"], "1234", "") == ()


def test_numbers_need_no_quotes() -> None:
    assert owners(rules({"to": "pbx", "number": [1234, "+5678"]}), ["lab"], "5678", "") == ("pbx",)
    assert owners(rules({"to": "pbx", "number": 1234}), ["lab"], "1234", "") == ("pbx",)


@pytest.mark.parametrize(
    ("line", "path", "words"),
    [
        ({}, "to", "required"),
        ({"to": []}, "to", "at least 1"),
        ({"to": ["pbx", "pbx"]}, "to", "twice"),
        ({"to": "pbx", "keyword": "STOP NOW"}, "keyword.0", "one word"),
        ({"to": "pbx", "keyword": " STOP"}, "keyword.0", "one word"),
        ({"to": "pbx", "keyword": ""}, "keyword.0", "one word"),
        ({"to": "pbx", "keyword": []}, "keyword", "at least 1"),
        ({"to": "pbx", "number": "+"}, "number.0", "service number"),
        ({"to": "pbx", "provider": []}, "provider", "at least 1"),
        ({"to": "pbx", "nmber": "1234"}, "nmber", "Extra inputs"),
    ],
)
def test_refuses(line: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        rules(line)
    found = {".".join(map(str, one["loc"])): one["msg"] for one in caught.value.errors()}
    assert words.lower() in found[path].lower()
