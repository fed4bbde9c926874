"""kind: webhook, request: what the operator describes is exactly what is sent."""

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import ValidationError

from smppbridge.providers.webhook.placeholders import SendingContext, lookup_of
from smppbridge.providers.webhook.request import DeclaredRequest, Prepared
from smppbridge.providers.webhook.template import Lookup
from tests.support.builders.messages import DAY, NOW, message

SECRETS = {"token": "t0/ken", "user": "üser"}
NASTY = 'a"b\\c\r\nX-Evil: 1\r\n\r\n&d=e#</t>%00/../ {text}'


def fields(number: int = 7, **changes: Any) -> Lookup:
    sent = message(number, **{"deadline": NOW + 90_001, **changes})
    return lookup_of(SendingContext(sent, sent.sender, NOW, 86400, "https://us/cb?a=b"), SECRETS)


def prepare(keys: dict[str, Any], **changes: Any) -> Prepared:
    return DeclaredRequest.model_validate(keys).prepare("https://api.example.com/base", fields(**changes))


def test_everything_stands_in_its_place() -> None:
    prepared = prepare(
        {
            "method": "PUT",
            "path": "/v1/{secret.token}/send/{id}",
            "query": {"to": "{recipient}", "from": "{sender}", "v": 2, "none": "{send_at_unix}"},
            "headers": {"Authorization": "Bearer {secret.token}", "X-None": "{send_at_iso}"},
            "form": {"text": "{text}", "ttl": "{ttl_seconds}", "cb": "{callback_url}"},
        }
    )
    url = urlsplit(prepared.url)
    assert prepared.method == "PUT"
    assert (url.netloc, url.path) == ("api.example.com", "/base/v1/t0%2Fken/send/7")
    assert parse_qsl(url.query) == [("to", "79000000007"), ("from", "Demo"), ("v", "2")]
    assert dict(prepared.headers) == {
        "Authorization": "Bearer t0/ken",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    assert dict(parse_qsl(prepared.content.decode())) == {
        "text": "Привет, 7",
        "ttl": "91",
        "cb": "https://us/cb?a=b",
    }


def test_a_json_body_keeps_its_types() -> None:
    prepared = prepare(
        {"json": {"id": "{id:number}", "list": ["{plus}", 5], "flash": "{flash:bool}", "t": "{text}"}}
    )
    assert json.loads(prepared.content) == {
        "id": 7,
        "list": ["+79000000007", 5],
        "flash": False,
        "t": "Привет, 7",
    }
    assert dict(prepared.headers) == {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/xml", "<m a='{text}'/>", b"<m a='a&#60;&#38;&#34;'/>"),
        ("application/json", '{{"t": "{text}"}}', b'{"t": "a<&\\""}'),
        ("application/x-www-form-urlencoded", "t={text}", b"t=a%3C%26%22"),
        ('text/xml; charset="UTF-8"', "<m>{text}</m>", b"<m>a&#60;&#38;&#34;</m>"),
        ("application/soap+xml; action=send", "<m/>", b"<m/>"),
    ],
)
def test_a_body_of_ones_own(content_type: str, body: str, expected: bytes) -> None:
    prepared = prepare({"body": body, "content_type": content_type}, text='a<&"')
    assert prepared.content == expected
    assert dict(prepared.headers)["Content-Type"] == content_type


def test_nothing_that_a_stranger_sends_breaks_out() -> None:
    prepared = prepare(
        {
            "path": "/v1/{sender}",
            "query": {"q": "{text}"},
            "headers": {"X-Sender": "{sender}"},
            "json": {"t": "{text}"},
        },
        text=NASTY,
        sender=NASTY,
    )
    url = urlsplit(prepared.url)
    assert url.path.startswith("/base/v1/")
    assert url.path.count("/") == 3
    assert parse_qsl(url.query) == [("q", NASTY)]
    assert url.fragment == ""
    header = dict(prepared.headers)["X-Sender"]
    assert header.isascii()
    assert header.isprintable()
    assert json.loads(prepared.content) == {"t": NASTY}


def test_headers_have_no_spaces_around_them() -> None:
    prepared = prepare({"headers": {"X-Sender": " {sender} ", "X-None": " "}}, sender="Demo ")
    assert dict(prepared.headers) == {"X-Sender": "Demo"}


def test_validity_counts_from_the_time_of_sending() -> None:
    lookup = fields(send_at=NOW + 3_600_000, deadline=NOW + 3_660_001)
    assert (lookup("ttl_seconds"), lookup("ttl_minutes")) == ("61", "2")


def test_basic_auth_is_utf8() -> None:
    prepared = prepare({"basic_auth": {"user": "{secret.user}", "password": "{secret.token}"}})
    kind, login = dict(prepared.headers)["Authorization"].split()
    assert kind == "Basic"
    assert base64.b64decode(login).decode() == "üser:t0/ken"


def test_another_base() -> None:
    assert prepare({"url": "https://other.example.com/", "path": "/x", "method": "GET"}).url == (
        "https://other.example.com/x"
    )


def test_a_list_gets_one_entry_for_each_message() -> None:
    request = DeclaredRequest.model_validate(
        {
            "json": {"from": "{sender}", "data": {"list": [{"to": "{recipient}", "n": 1}], "x": "{flash}"}},
            "batch": {"list": "$.data.list", "results": "$.results"},
        }
    )
    prepared = request.prepare("https://h", fields(1), [fields(1), fields(2)])
    assert json.loads(prepared.content) == {
        "from": "Demo",
        "data": {"list": [{"to": "79000000001", "n": 1}, {"to": "79000000002", "n": 1}]},
    }


def test_times_and_binary_content() -> None:
    changes: dict[str, Any] = {
        "send_at": NOW + 3_600_500,
        "deadline": NOW + 10 * DAY,
        "text": "",
        "octets": b"\x05\x00\x03\x01\x02\x01data",
    }
    names = "ttl_seconds ttl_minutes deadline_unix deadline_iso send_at_unix send_at_iso udh_hex data_hex"
    prepared = prepare({"json": {name: "{" + name + "}" for name in names.split()}}, **changes)
    assert json.loads(prepared.content) == {
        "ttl_seconds": "86400",
        "ttl_minutes": "1440",
        "deadline_unix": "1700090000",
        "deadline_iso": "2023-11-15T23:13:20Z",
        "send_at_unix": "1700003600",
        "send_at_iso": "2023-11-14T23:13:20Z",
        "udh_hex": "050003010201",
        "data_hex": "64617461",
    }


@pytest.mark.parametrize(
    ("octets", "udh", "data"),
    [
        (b"", "", ""),
        (b"\0", "", ""),
        (b"\0ab", "", "6162"),
        (b"\x09ab", "096162", ""),
        (b"\x01ab", "0161", "62"),
    ],
)
def test_user_data_headers(octets: bytes, udh: str, data: str) -> None:
    lookup = fields(text="", octets=octets)
    assert (lookup("udh_hex"), lookup("data_hex")) == (udh, data)


def test_the_alphabet_is_known() -> None:
    assert [fields(text=text)("unicode") for text in ("Hello €", "Привет")] == ["", "unicode"]
    assert fields(text="é")("text_utf16_hex") == "00E9"
    assert fields(text="a" * 161)("parts") == "2"


@pytest.mark.parametrize(
    "keys",
    [
        {"path": "v1"},
        {"path": "/v1?x=1"},
        {"path": "/v1#x"},
        {"path": "/v 1"},
        {"path": "/{open"},
        {"url": "ftp://h"},
        {"url": "https://u:p@h"},
        {"url": "https://:p@h"},
        {"url": "https://h:99999"},
        {"url": "https://h:0"},
        {"url": "https://[::1"},
        {"url": "https://h?x=1"},
        {"headers": {"X Y": "1"}},
        {"headers": {"X": "a\nb"}},
        {"headers": {"X": "é"}},
        {"headers": {"Content-Type": "text/plain"}},
        {"headers": {"Host": "other"}},
        {"method": "DELETE"},
        {"method": "GET", "form": {}},
        {"form": {}, "json": {}},
        {"json": "text"},
        {"json": {"a": "{"}},
        {"body": "x"},
        {"content_type": "text/plain"},
        {"body": "x", "content_type": "image/png"},
        {"body": "{text}", "content_type": "text/plain"},
        {"body": "<a/>", "content_type": "text/xml; charset=windows-1251"},
        {"body": "<a/>", "content_type": "text/xml;version=1; Charset = 'utf-8'"},
        {"query": {"a": True}},
        {"query": {"a": 1.5}},
        {"basic_auth": {"user": "u", "password": "literal"}},
        {"basic_auth": {"user": "u", "password": ""}},
        {"error_code": [{"json": "$.a"}] * 11},
        {"success": {"when": {"equals": "x"}}},
        {"json": {"a": []}, "batch": {"list": "$.a", "results": "$.r"}},
        {"json": {"a": ["x", "y"]}, "batch": {"list": "$.a", "results": "$.r"}},
        {"json": {"a": ["x"]}, "batch": {"list": "$.b", "results": "$.r"}},
        {"json": {"a": ["x"]}, "batch": {"list": "$.*", "results": "$.r"}},
        {"json": {"a": ["x"]}, "batch": {"list": "$.a", "results": "$.r[*]"}},
        {"json": {"a": ["x"]}, "batch": {"list": "$.a", "results": "$.r", "match": {"equals": "{id}"}}},
        {"form": {}, "batch": {"list": "$.a", "results": "$.r"}},
        {"batch": {"results": "results"}},
        {"batch": {"results": "$.r", "match": {"json": "ref", "equals": "{id}"}}},
        {"unknown": 1},
    ],
)
def test_mistakes_are_found_when_loading(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DeclaredRequest.model_validate(keys)
