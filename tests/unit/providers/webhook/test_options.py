"""kind: webhook, options: a declaration is checked as a whole, and every mistake names its key."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from smppbridge.providers.webhook.options import WebhookOptions

SECRET = "5ecret-value"


def declared(**keys: Any) -> dict[str, Any]:
    return {
        "kind": "webhook",
        "url": "https://api.example.com",
        "secrets": {"token": SECRET},
        "send": send(),
        **keys,
    }


def send(**keys: Any) -> dict[str, Any]:
    return {
        "path": "/send",
        "headers": {"Authorization": "Bearer {secret.token}"},
        "json": {"to": "{recipient}", "text": "{text}"},
        "message_id": {"json": "$.id"},
        **keys,
    }


STATUS = {"path": "/m/{ref}", "state": {"json": "$.state"}}
STATES = {"states": {"ok": "DELIVRD"}}
MANY = {**STATUS, "batch": {"results": "$.r", "match": {"json": "$.id", "equals": "{ref}"}}}
BATCH: dict[str, Any] = {
    "json": {"list": [{"to": "{recipient}", "text": "{text}"}]},
    "batch": {"list": "$.list", "results": "$.results"},
}
CALLBACK = {"message_id": {"json": "$.id"}, "state": {"json": "$.state"}}


def load(**keys: Any) -> WebhookOptions:
    return WebhookOptions.model_validate(declared(**keys))


def test_the_smallest_declaration() -> None:
    options = load()
    assert options.credential() == SECRET
    assert SECRET not in repr(options)
    assert options.warnings(callbacks=True) == [
        "statuses are neither asked for nor called back, so none will ever be known"
    ]


def test_without_secrets_there_is_no_credential() -> None:
    options = load(secrets={}, send=send(headers={}))
    assert options.credential() == ""


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"send": send(query={"x": "{txt}"})}, "send.query.x: there is no field {txt}; known here: attempt,"),
        (
            {"send": send(json={"a": ["{text}", {"b": "{recipients}"}], "to": "{plus}"})},
            "send.json.a[1].b: there",
        ),
        ({"send": send(path="/{secret.tokn}")}, "send.path: there is no {secret.tokn} under secrets"),
        ({"send": send(headers={"X": "{ref}"})}, "send.headers.X: there is no field {ref}"),
        ({"send": send(query={"x": "{udh_hex}"})}, "send.query.x: there is no field {udh_hex}"),
        (
            {"send": send(json={"to": "{recipient}", "text": "{text:number}"})},
            "send.json.text: {text} is no number",
        ),
        ({"send": send(query={"x": "{id:bool}"})}, "send.query.x: {id} is no bool"),
        ({"send": send(json={"to": "{recipient}"})}, "send: does not hold {text}"),
        ({"send": send(json={"text": "{text}"})}, "send: does not hold {recipient} or {plus}"),
        (
            {"schedule": "provider"},
            "schedule: the provider is not told {send_at_unix} or {send_at_iso} in send",
        ),
        ({"status": STATUS}, "states: is required with status or callback"),
        ({"callback": CALLBACK}, "states: is required with status or callback"),
        (
            {"status": {**STATUS, "query": {"t": "{text}"}}, **STATES},
            "status.query.t: there is no field {text}",
        ),
        ({"balance": {"path": "/{id}", "value": {"json": "$.b"}}}, "balance.path: there is no field {id}"),
        (
            {"send": send(message_id={"header": "Location"})},
            "send: an answer is read by json, xpath or regex",
        ),
        ({"send": send(success={"when": {"form": "x"}})}, "send: an answer is read by json, xpath or regex"),
        ({"send": send(**BATCH, message_id={"regex": "id=(.+)"})}, "send: with batch only error_code"),
        ({"send": send(**BATCH, success={"when": {"xpath": "ok"}})}, "send: with batch only error_code"),
        ({"status": {**MANY, "state": {"regex": "OK"}}, **STATES}, "status: with batch only error_code"),
        ({"status": {**MANY, "message_error": {"xpath": "e"}}, **STATES}, "status: with batch only"),
        (
            {"send": send(message_id=(), own_id="{id}"), "errors": {"default": "perm"}},
            "send.success.when: is required with own_id and errors: default",
        ),
        (
            {"default_sender": "Ünfit", "sender_pattern": "[a-z]+"},
            "default_sender: does not match sender_pattern",
        ),
    ],
)
def test_mistakes_name_their_key(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as raised:
        load(**keys)
    (error,) = raised.value.errors()
    assert told in error["msg"]


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as raised:
        load(send=send(query={"a": "{x}", "b": "{y}"}))
    assert "{x}" in str(raised.value)
    assert "{y}" in str(raised.value)


def test_what_may_be_a_secret_is_not_repeated() -> None:
    for keys in ({"send": send(query={"a": "{Pa55word}"})}, {"secrets": {"token": "line\nPa55word"}}):
        with pytest.raises(ValidationError) as raised:
            load(**keys)
        assert "Pa55word" not in str(raised.value)


@pytest.mark.parametrize(
    "keys",
    [
        {"url": "api.example.com"},
        {"kind": "other"},
        {"secrets": {"Token": "x"}},
        {"secrets": {"token": 12345}},
        {"secrets": {"token": ""}},
        {"secrets": {"token": "   "}},
        {"secrets": ["x"]},
        {"send": send(message_id=None)},
        {"send": send(own_id="{id}")},
        {"send": send(batch={"results": "$.r"})},
        {"send": send(unknown=1)},
        {"errors": {"1": "fatal"}},
        {"states": {"ok": "DONE"}},
        {"status": {"path": "/m", "state": {"json": "$.s"}}, **STATES},
        {"status": {**STATUS, "query": {"ids": "{refs}"}}, **STATES},
        {"status": {**STATUS, "batch": {"results": "$.r"}}, **STATES},
        {"status": {**STATUS, "path": "/p/{packet}"}, **STATES},
        {"status": {**STATUS, "path": "/p/{packet}/{recipient}"}, **STATES},
        {
            "status": {**MANY, "batch": {"results": "$.r", "match": {"key": True, "equals": "{packet}"}}},
            **STATES,
        },
        {"status": {**MANY, "batch": {"results": "$.r", "match": {"key": True, "equals": "1"}}}, **STATES},
        {"find": {"path": "/m/{id}", "message_id": {"json": "$.id"}}},
        {"find": {"path": "/m/{id}", "message_id": {"json": "$.id"}, "absent": {}}},
        {"id_pattern": "("},
        {"sender_pattern": "(a+)+"},
        {"max_parts": 0},
        {"inbound_interval": 5},
        {"unknown": 1},
    ],
)
def test_other_mistakes(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        load(**keys)


def test_secrets_in_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n", encoding="utf-8")
    keys = declared(secrets={"token_file": "token"})
    options = WebhookOptions.model_validate(keys, context={"base": tmp_path})
    assert options.credential() == SECRET
    (tmp_path / "binary").write_bytes(b"\xff")
    (tmp_path / "large").write_bytes(b"x" * 65537)
    for secrets in (
        {"token_file": "missing"},
        {"token_file": "binary"},
        {"token_file": "large"},
        {"token": "x", "token_file": "token"},
    ):
        with pytest.raises(ValidationError):
            WebhookOptions.model_validate(declared(secrets=secrets), context={"base": tmp_path})


@pytest.mark.parametrize(
    ("keys", "callbacks", "told"),
    [
        ({"status": STATUS, **STATES}, False, []),
        ({"callback": CALLBACK, **STATES}, True, []),
        ({"callback": CALLBACK, **STATES}, False, ["statuses are neither"]),
        ({"status": STATUS, "poll_interval": 0, **STATES}, True, ["statuses are neither"]),
        ({"status": STATUS, "url": "http://127.0.0.1", **STATES}, True, ["url: is plain http"]),
        (
            {"status": STATUS, "secrets": {"token": "x", "other": "y"}, **STATES},
            True,
            ["secrets: other is used"],
        ),
        (
            {
                "callback": {**CALLBACK, "signature": {"header": "X", "equals": "{secret.hook}"}},
                "secrets": {"token": "x", "hook": "y"},
                **STATES,
            },
            True,
            [],
        ),
    ],
)
def test_warnings(keys: dict[str, Any], callbacks: bool, told: list[str]) -> None:
    warnings = load(**keys).warnings(callbacks=callbacks)
    assert len(warnings) == len(told)
    for warning, beginning in zip(warnings, told, strict=True):
        assert warning.startswith(beginning)


def test_what_may_be_read_otherwise() -> None:
    load(send=send(**BATCH, error_code={"regex": "ERROR ([0-9]+)"}, error_text={"xpath": "text"}))
    load(
        send=send(message_id=(), own_id="{id}", success={"when": {"json": "$.ok"}}),
        errors={"default": "perm"},
    )


def test_the_schema_knows_every_key() -> None:
    schema = WebhookOptions.model_json_schema()
    assert {"send", "errors", "states", "callback", "find", "balance"} <= set(schema["properties"])
    assert "json" in schema["$defs"]["SendRequest"]["properties"]
    assert "class" in schema["$defs"]["ErrorRule"]["properties"]
