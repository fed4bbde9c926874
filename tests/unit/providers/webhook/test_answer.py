"""kind: webhook, answer: done, refused or open; nothing is guessed."""

import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from smppbridge.providers.webhook.answer import WebhookAnswer, done, holds, number_in, refusal, results_of
from smppbridge.providers.webhook.codes import ErrorTable
from smppbridge.providers.webhook.extract import Document
from smppbridge.providers.webhook.placeholders import lookup_in
from smppbridge.providers.webhook.request import BatchOptions, DeclaredRequest, Success

ERRORS: Any = TypeAdapter(ErrorTable).validate_python({"E1": "perm", "E2": "account", "E0": "uncertain"})
CODE = {"error_code": {"json": "$.code"}, "error_text": {"json": "$.words"}}
WHEN = {**CODE, "success": {"when": {"json": "$.ok", "equals": True}}}


def answer(status: int, body: object) -> WebhookAnswer:
    return WebhookAnswer(status, Document(body if isinstance(body, bytes) else json.dumps(body).encode()))


def request(keys: dict[str, Any]) -> DeclaredRequest:
    return DeclaredRequest.model_validate(keys)


@pytest.mark.parametrize(
    ("success", "status", "body", "expected"),
    [
        ({}, 200, {}, True),
        ({}, 299, b"anything", True),
        ({}, 300, {}, False),
        ({"status": 202}, 202, {}, True),
        ({"status": [200, 201]}, 202, {}, False),
        ({"when": {"json": "$.s"}}, 200, {"s": "x"}, True),
        ({"when": {"json": "$.s"}}, 200, {"s": ""}, False),
        ({"when": {"json": "$.s", "equals": ["a", "b"]}}, 200, {"s": "b"}, True),
        ({"when": {"json": "$.s", "equals": "a"}}, 200, {"s": "ab"}, False),
        ({"when": {"json": "$.s", "equals": 0}}, 200, {"s": 0}, True),
        ({"when": {"json": "$.s", "equals": False}}, 200, {"s": False}, True),
        ({"when": {"json": "$.s", "matches": "^a"}}, 200, {"s": "ab"}, True),
        ({"when": {"json": "$.s", "matches": "^a"}}, 200, {"s": "ba"}, False),
        ({"when": {"json": "$.s[*]", "matches": "b"}}, 200, {"s": ["b", "a"]}, True),
        ({"when": {"json": "$.s[*]", "matches": "b"}}, 200, {"s": ["a", "b"]}, False),
        ({"when": {"json": "$.s[*]", "matches": ""}}, 200, {"s": []}, False),
        ({"when": {"json": "$.s", "matches": "b"}}, 200, {"s": "a" * 1024 + "b"}, False),
        ({"when": [{"json": "$.s"}, {"json": "$.t"}]}, 200, {"s": 1}, False),
        ({"when": {"json": "$.s"}}, 200, b"<html>", False),
        ({"when": {"regex": "^OK"}}, 200, b"OK - 1", True),
    ],
)
def test_success(success: dict[str, Any], status: int, body: object, expected: bool) -> None:
    assert holds(Success.model_validate(success), answer(status, body)) is expected


@pytest.mark.parametrize(
    ("keys", "status", "body", "needed", "expected"),
    [
        (CODE, 200, {}, "ref", True),
        (CODE, 200, {}, "", False),
        (CODE, 200, {"code": "E9"}, "ref", False),
        (WHEN, 200, {"ok": True, "code": "0"}, "ref", True),
        (WHEN, 200, {"ok": False}, "ref", False),
        (WHEN, 400, {"ok": True}, "ref", False),
    ],
)
def test_done(keys: dict[str, Any], status: int, body: object, needed: str, expected: bool) -> None:
    assert done(request(keys), answer(status, body), needed) is expected


@pytest.mark.parametrize(
    ("keys", "status", "body", "kind", "code"),
    [
        (CODE, 200, {"code": "E1"}, "perm", "E1"),
        (CODE, 500, {"code": "E2"}, "account", "E2"),
        (CODE, 200, {"code": "E0"}, "uncertain", "E0"),
        (CODE, 400, {"code": "E9"}, "perm", "E9"),
        (CODE, 401, {"code": "E9"}, "account", "E9"),
        (CODE, 400, b"<html>", "retry", "400"),
        (CODE, 401, b"<html>", "account", "401"),
        (CODE, 503, b"", "retry", "503"),
        ({}, 400, b"<html>", "perm", "400"),
        ({}, 422, {"code": "E1"}, "perm", "422"),
    ],
)
def test_refusals(keys: dict[str, Any], status: int, body: object, kind: str, code: str) -> None:
    found = refusal(request(keys), answer(status, body), ERRORS)
    assert found is not None
    assert (found.rule.kind, found.code) == (kind, code)
    assert found.listed == (code != "E9")


@pytest.mark.parametrize(
    ("keys", "status", "body"),
    [
        (CODE, 200, {}),
        (CODE, 200, {"code": "E9"}),  # no list holds it: it may be a word for success
        (CODE, 200, b"garbage"),
        (CODE, 302, {}),
        (CODE, 409, {"code": "E9"}),
        (CODE, 500, {"code": "E9"}),
        (CODE, 504, b""),
        (WHEN, 200, {"ok": True, "code": "E1"}),  # carried out, whatever else it says
    ],
)
def test_what_is_open(keys: dict[str, Any], status: int, body: object) -> None:
    assert refusal(request(keys), answer(status, body), ERRORS) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, "perm"), (400, "perm"), (401, "account"), (409, None), (500, None), (302, None)],
)
def test_default_is_for_codes_that_say_nothing_else(status: int, kind: str | None) -> None:
    table: Any = TypeAdapter(ErrorTable).validate_python({"default": "perm"})
    found = refusal(request(CODE), answer(status, {"code": "E9"}), table)
    assert (found and found.rule.kind) == kind


@pytest.mark.parametrize(
    ("keys", "status", "body", "kind"),
    [
        (CODE, 200, {"code": "0"}, None),
        (WHEN, 200, {"ok": False, "code": "0"}, None),
        (CODE, 200, {"code": "E1"}, "account"),
        (CODE, 400, {"code": "0"}, "perm"),
    ],
)
def test_default_says_nothing_of_a_message_that_was_given_an_id(
    keys: dict[str, Any], status: int, body: object, kind: str | None
) -> None:
    table: Any = TypeAdapter(ErrorTable).validate_python({"default": "retry", "E1": "account"})
    found = refusal(request(keys), answer(status, body), table, named=True)
    assert (found and found.rule.kind) == kind


NAMES = [lookup_in({"id": number}, {}) for number in ("1", "2")]


def refs(batch: dict[str, Any], body: object) -> list[object] | None:
    found = results_of(BatchOptions.model_validate({"results": "$.r", **batch}), answer(200, body), NAMES)
    return found if found is None else [one and one.document.json for one in found]


BY_NAME = {"match": {"json": "$.ref", "equals": "{id}"}}
BY_KEY = {"match": {"key": True, "equals": "{id}"}}
ONE, TWO = {"ref": "1"}, {"ref": 2}


@pytest.mark.parametrize(
    ("batch", "body", "expected"),
    [
        ({}, {"r": ["a", "b"]}, ["a", "b"]),
        ({}, {"r": ["a"]}, [None, None]),
        ({}, {"r": ["a", "b", "c"]}, [None, None]),
        ({}, {"r": {"1": "a", "2": "b"}}, [None, None]),
        ({}, {"x": []}, None),
        ({}, {"r": "text"}, None),
        (BY_NAME, {"r": [ONE] * 2001}, None),  # to look through a million takes seconds
        ({}, b"garbage", None),
        (BY_NAME, {"r": [TWO, ONE]}, [ONE, TWO]),
        (BY_NAME, {"r": {"x": TWO, "y": ONE}}, [ONE, TWO]),
        (BY_NAME, {"r": [TWO]}, [None, TWO]),
        (BY_NAME, {"r": [ONE, ONE, TWO]}, [None, TWO]),
        (BY_NAME, {"r": [ONE, "odd", None, {"ref": ["2"]}]}, [ONE, None]),
        (BY_KEY, {"r": {"2": "b", "1": "a"}}, ["a", "b"]),
        (BY_KEY, {"r": {"2": "b"}}, [None, "b"]),
        (BY_KEY, {"r": ["a", "b"]}, [None, None]),
    ],
)
def test_which_result_is_whose(batch: dict[str, Any], body: object, expected: object) -> None:
    assert refs(batch, body) == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5", 1.5), ("-2", -2.0), ("", None), ("nan", None), ("inf", None), ("1e999", None), ("money", None)],
)
def test_numbers(text: str, number: float | None) -> None:
    assert number_in(text) == number
