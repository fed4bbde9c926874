"""kind: webhook, callback: who signed it, and what it says."""

import base64
import hmac
import json
from typing import Any

import pytest
from pydantic import ValidationError

from smppbridge.errors import WrongSignature
from smppbridge.model.message import Inbound
from smppbridge.providers.base import Callback
from smppbridge.providers.webhook.callback import (
    CallbackOptions,
    Heard,
    InboundFields,
    Signature,
    inbound_in,
    status_in,
)
from smppbridge.providers.webhook.extract import Document
from smppbridge.providers.webhook.placeholders import lookup_in

BODY = '{"id": "r-1", "text": "Привет"}'.encode() + b"\xff"
URL = "https://sms.example.org/callbacks/x/t"
SECRETS = lookup_in({}, {"key": "K", "user": "u"})


def check(keys: dict[str, Any], headers: dict[str, str], **rest: Any) -> None:
    callback = Callback("POST", {}, headers, **{"body": BODY, **rest})
    Signature.model_validate(keys).check(callback, URL, SECRETS)


def sign(payload: bytes, kind: str = "sha256") -> bytes:
    return hmac.new(b"K", payload, kind).digest()


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256", "sha512"])
def test_hmac_of_the_body(kind: str) -> None:
    keys = {"header": "X-Sign", "hmac": kind, "key": "{secret.key}"}
    check(keys, {"x-sign": sign(BODY, kind).hex()})
    check(keys, {"x-sign": sign(BODY, kind).hex().upper()})
    check({**keys, "prefix": "V="}, {"x-sign": f"V={sign(BODY, kind).hex().upper()}"})
    with pytest.raises(WrongSignature):
        check({**keys, "prefix": "V="}, {"x-sign": f"v={sign(BODY, kind).hex()}"})
    for wrong in ("", "ü", sign(BODY + b"!", kind).hex(), "0" * 64):
        with pytest.raises(WrongSignature):
            check(keys, {"x-sign": wrong})
    with pytest.raises(WrongSignature):
        check(keys, {})


def test_hmac_of_more_than_the_body() -> None:
    keys = {
        "header": "X-Sign",
        "hmac": "sha256",
        "key": "{secret.key}",
        "signed": "{header.X-Time}.{url}.{form_sorted}.{body}",
        "encoding": "base64",
        "prefix": "v1=",
    }
    form = {"b": "ё", "a": "1"}
    payload = f"17.{URL}.a1bё.".encode() + BODY
    signature = "v1=" + base64.b64encode(sign(payload)).decode()
    check(keys, {"x-sign": signature, "x-time": "17"}, form=form)
    for headers in ({"x-sign": signature, "x-time": "18"}, {"x-sign": signature.lower(), "x-time": "17"}):
        with pytest.raises(WrongSignature):
            check(keys, headers, form=form)


def test_hmac_of_a_form_in_another_character_set() -> None:
    keys = {"header": "X-Sign", "hmac": "md5", "key": "{secret.key}", "signed": "{form_sorted}"}
    signature = sign("a1bё".encode("koi8-r"), "md5").hex()
    check(keys, {"x-sign": signature}, form={"b": "ё", "a": "1"}, charset="koi8-r")


def test_a_fixed_value() -> None:
    keys = {"header": "Authorization", "equals": "Bearer {secret.key}"}
    check(keys, {"authorization": "Bearer K"})
    for wrong in ("bearer K", "Bearer", ""):
        with pytest.raises(WrongSignature):
            check(keys, {"authorization": wrong})


def test_basic_auth() -> None:
    keys = {"basic_auth": {"user": "{secret.user}", "password": "{secret.key}"}}
    check(keys, {"authorization": "Basic " + base64.b64encode(b"u:K").decode()})
    with pytest.raises(WrongSignature):
        check(keys, {"authorization": "Basic " + base64.b64encode(b"u:L").decode()})


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"header": "X", "hmac": "sha256"},
        {"header": "X", "hmac": "crc", "key": "{secret.key}"},
        {"hmac": "sha256", "key": "{secret.key}"},
        {"header": "X", "hmac": "sha256", "key": "literal"},
        {"header": "X", "hmac": "sha1", "key": "{secret.key}", "signed": "{url}"},
        {"header": "X", "hmac": "sha1", "key": "{secret.key}", "signed": "{header.X-Time}"},
        {"header": "X", "hmac": "sha1", "key": "{secret.key}", "signed": "text"},
        {"header": "X", "equals": "literal"},
        {"header": "X", "equals": "{secret.key}", "key": "{secret.key}"},
        {"header": "X", "equals": "{secret.key}", "hmac": "sha1", "key": "{secret.key}"},
        {"header": "X", "basic_auth": {"user": "u", "password": "{secret.key}"}},
    ],
)
def test_signatures_that_prove_nothing_are_mistakes(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Signature.model_validate(keys)


STATE = {"message_id": {"json": "$.id"}, "state": {"json": "$.state"}, "error_code": {"json": "$.error"}}
PLACES = {
    "id": {"param": "id"},
    "source": {"param": "from"},
    "destination": {"param": "to"},
    "text": {"param": "text"},
    "at": {"param": "at"},
}
PHONES = InboundFields.model_validate(PLACES)


@pytest.mark.parametrize(
    ("body", "heard"),
    [
        ({"id": "r-1", "state": "sent", "error": 5}, Heard("r-1", "sent", "5")),
        ({"id": 17, "state": 2}, Heard("17", "2", "")),
        ({"id": "r-1"}, None),
        ({"state": "sent"}, None),
        ({"id": ["r-1"], "state": {}}, None),
        ([], None),
    ],
)
def test_a_status(body: object, heard: Heard | None) -> None:
    options = CallbackOptions.model_validate(STATE)
    (document,) = options.documents(Callback("POST", {}, {}, body=json.dumps(body).encode()))
    assert status_in(options, document) == heard


def test_a_body_in_another_character_set() -> None:
    options = CallbackOptions.model_validate(STATE | {"error_text": {"json": "$.why"}})
    body = '{"id": "r-1", "state": "failed", "why": "Абонент"}'.encode("windows-1251")
    (document,) = options.documents(Callback("POST", {}, {}, {}, body, charset="windows-1251"))
    assert status_in(options, document) == Heard("r-1", "failed", "", "Абонент")


@pytest.mark.parametrize("each", ["$.results", "$.results[*]"])
def test_a_list_of_statuses(each: str) -> None:
    options = CallbackOptions.model_validate({**STATE, "each": each})
    body = json.dumps({"results": [{"id": "a", "state": "x"}, {"id": "b", "state": "y"}]}).encode()
    documents = options.documents(Callback("POST", {}, {}, body=body))
    assert [status_in(options, document) for document in documents] == [
        Heard("a", "x", ""),
        Heard("b", "y", ""),
    ]


def test_too_long_a_list_is_refused() -> None:
    options = CallbackOptions.model_validate({**STATE, "each": "$"})
    with pytest.raises(ValueError, match="many"):
        options.documents(Callback("POST", {}, {}, body=json.dumps([{}] * 1001).encode()))


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        ("1700000000", 1_700_000_000_000),
        ("1700000000123", 1_700_000_000_123),
        ("2023-11-14T22:13:20Z", 1_700_000_000_000),
        ("2023-11-15 01:13:20+03:00", 1_700_000_000_000),
        ("2023-11-14 22:13:20", 1_700_000_000_000),
        ("", 5),
        ("yesterday", 5),
        ("9" * 50, 5),
        ("0001-01-01", 5),
    ],
)
def test_a_message_from_a_phone(at: str, moment: int) -> None:
    form = {"id": "i-1", "from": "+375291112233", "to": "+4444", "text": " Да\n", "at": at}
    found = inbound_in(PHONES, Document(b"", form=form), now=5)
    assert found == Inbound("i-1", "375291112233", "4444", " Да\n", moment)


@pytest.mark.parametrize("missing", ["id", "from", "text"])
def test_half_a_message_from_a_phone_is_none(missing: str) -> None:
    form = {"id": "i-1", "from": "375291112233", "text": "Да"}
    del form[missing]
    assert inbound_in(PHONES, Document(b"", form=form), now=5) is None
    assert inbound_in(PHONES, Document(b"", form={**form, "from": "somebody"}), now=5) is None


HMAC = {"header": "X", "hmac": "sha1", "key": "{secret.key}"}
FORM = {"message_id": {"form": "id"}, "state": {"form": "state"}}


@pytest.mark.parametrize(
    ("keys", "signed"),
    [(FORM, "{url}{form_sorted}"), (FORM, "{body}"), (STATE, "{body}"), (STATE, "{form_sorted}{body}")],
)
def test_what_is_signed_is_read(keys: dict[str, Any], signed: str) -> None:
    CallbackOptions.model_validate({**keys, "signature": {**HMAC, "signed": signed}})


@pytest.mark.parametrize(
    ("keys", "signed"),
    [
        (STATE, "{url}{form_sorted}"),
        ({**FORM, "error_code": {"param": "e"}}, "{form_sorted}"),
        ({**FORM, "each": "$"}, "{form_sorted}"),
        ({"inbound": {**PLACES, "text": {"form": "text"}}}, "{form_sorted}"),
        ({**FORM, "state": {"query": "state"}}, "{body}"),
        ({**FORM, "state": {"param": "state"}}, "{body}"),
        ({**FORM, "state": [{"form": "state"}, {"header": "X-State"}]}, "{body}"),
    ],
)
def test_to_read_what_is_not_signed_is_a_mistake(keys: dict[str, Any], signed: str) -> None:
    with pytest.raises(ValidationError, match="signed"):
        CallbackOptions.model_validate({**keys, "signature": {**HMAC, "signed": signed}})


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"state": {"json": "$.s"}},
        {"message_id": {"json": "$.s"}},
        {**STATE, "each": "results"},
        {**STATE, "each": "$.results", "error_code": {"regex": "E[0-9]+"}},
        {"inbound": {**PLACES, "text": {"xpath": "text"}}, "each": "$.results"},
        {"inbound": {"id": {"json": "$.s"}}},
    ],
)
def test_half_a_declaration_is_a_mistake(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CallbackOptions.model_validate(keys)
