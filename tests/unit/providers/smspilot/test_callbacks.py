"""Callbacks: the address that smspilot gets, who may use it, and what comes."""

from base64 import b64encode
from urllib.parse import unquote, urlsplit

import pytest

from smppbridge.errors import WrongSignature
from smppbridge.model.message import Inbound, Particulars, State, StatusReport
from smppbridge.providers.base import Callback
from smppbridge.providers.smspilot.callbacks import callback_address
from smppbridge.providers.smspilot.provider import Smspilot, SmspilotOptions
from tests.support.builders.messages import NOW

URL = "https://a.example/callbacks/pilot/token"
PASSWORD = "p@ss:w/ord&?#%"


def options(**keys: object) -> SmspilotOptions:
    return SmspilotOptions.model_validate({"kind": "smspilot", "apikey": "K", **keys})


plain = Smspilot("pilot", options(), callback_url=URL)
guarded = Smspilot("pilot", options(callback_user="smspilot", callback_password=PASSWORD), callback_url=URL)

STATUS = {"server_id": "10005", "phone": "79001112233", "status": "2", "error": "0"}
INBOUND = {
    "phone": "79087964781",
    "message": "да & нет",
    "user_id": "12345",
    "id": "54321",
    "num": "79533984570",
}


def basic(user: str, password: str, scheme: str = "Basic") -> dict[str, str]:
    return {"authorization": f"{scheme} {b64encode(f'{user}:{password}'.encode()).decode()}"}


def test_address_as_it_is() -> None:
    assert callback_address(URL, options()) == URL


def test_address_with_fields() -> None:
    assert callback_address(URL, options(callback_fields="all")) == f"{URL}?fields=all"
    with_query = callback_address(f"{URL}?a=b", options(callback_fields="message,country"))
    assert with_query == f"{URL}?a=b&fields=message,country"
    assert options(callback_fields="all").callback_query() == "?fields=all"
    assert options().callback_query() == ""


def test_address_with_password() -> None:
    parts = urlsplit(callback_address(URL, options(callback_user="us er", callback_password=PASSWORD)))
    assert (parts.hostname, parts.path, parts.query) == ("a.example", "/callbacks/pilot/token", "")
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == ("us er", PASSWORD)


@pytest.mark.parametrize("fields", [STATUS, INBOUND])
@pytest.mark.parametrize("scheme", ["Basic", "basic"])
def test_right_password(fields: dict[str, str], scheme: str) -> None:
    assert guarded.parse_callback(Callback("GET", fields, basic("smspilot", PASSWORD, scheme)))


@pytest.mark.parametrize("fields", [STATUS, INBOUND, {}])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Basic"},
        {"authorization": f"smspilot:{PASSWORD}"},
        {"authorization": "Basic \ud800"},
        basic("smspilot", "wrong"),
        basic("someone", PASSWORD),
        basic("smspilot", PASSWORD, "Bearer"),
        basic("smspilot", PASSWORD + "\n"),
    ],
)
def test_wrong_password(fields: dict[str, str], headers: dict[str, str]) -> None:
    with pytest.raises(WrongSignature) as raised:
        guarded.parse_callback(Callback("GET", fields, headers))
    assert PASSWORD not in str(raised.value)


def test_a_password_that_was_not_set_does_not_matter() -> None:
    assert plain.parse_callback(Callback("GET", STATUS, basic("who", "ever")))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_status(method: str) -> None:
    fields = {**STATUS, "status": "-1", "error": "604", "error_en": "Cancelled"}
    callback = Callback(method, fields, {}) if method == "GET" else Callback(method, {}, {}, fields)
    why = "604: the message was cancelled, or cannot be delivered: Cancelled"
    assert plain.parse_callback(callback) == [
        StatusReport("10005", State.DELETED, True, 604, "604", reason=why)
    ]


TOLD = Particulars(operator="country=RU")


def test_status_with_all_fields_is_no_message_from_a_phone() -> None:
    fields = {
        **STATUS,
        "message": "text",
        "sender": "Demo",
        "created": "2021-10-14 10:14:06",
        "country": "RU",
    }
    assert plain.parse_callback(Callback("GET", {"fields": "all"}, {}, fields)) == [
        StatusReport("10005", State.DELIVERED, True, 0, "2", told=TOLD)
    ]


def test_status_of_a_number_check() -> None:
    found = {"imsi": "250201112233", "mcc": "250", "mnc": "20", "net": "Tele2", "gnet": ""}
    (report,) = plain.parse_callback(Callback("POST", {}, {}, {**STATUS, **found}))
    assert isinstance(report, StatusReport)
    assert report.details == "imsi=250201112233 mcc=250 mnc=20 net=Tele2"
    assert report.told.operator == "operator=Tele2 mccmnc=25020"


def test_status_that_no_manual_names() -> None:
    assert plain.parse_callback(Callback("GET", {"server_id": "10005", "status": "9"}, {})) == []


def test_message_from_a_phone() -> None:
    now = Smspilot("pilot", options(), clock=lambda: NOW / 1000)
    assert now.parse_callback(Callback("POST", {}, {}, INBOUND)) == [
        Inbound("54321", "79087964781", "79533984570", "да & нет", NOW)
    ]
    empty = {"id": "7", "phone": "+79087964781", "message": ""}
    assert now.parse_callback(Callback("POST", {}, {}, empty)) == [Inbound("7", "79087964781", "", "", NOW)]
    named = {"id": "7", "phone": "MTS", "message": "x"}
    assert now.parse_callback(Callback("POST", {}, {}, named)) == [Inbound("7", "MTS", "", "x", NOW)]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"server_id": "10005"},
        {"status": "2"},
        {"server_id": "0", "status": "2"},
        {"server_id": "10005", "status": "delivered"},
        {"message": "да"},
        {"message": "да", "id": "5"},
        {"message": "да", "phone": "79001112233"},
        {"message": "да", "phone": "+", "id": "5"},
        {"message": "да", "phone": "79001112233", "id": "0"},
        {"phone": "79001112233", "id": "5"},
        {"server_id": "", "message": "да", "phone": "79001112233", "id": "5"},
    ],
)
def test_neither(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        plain.parse_callback(Callback("POST", {}, {}, fields))
