"""What a declared provider tells of a message besides its id and its state."""

from typing import Any

import pytest
from pydantic import ValidationError
from starlette.responses import JSONResponse

from smppbridge.model.message import UNTOLD, Particulars, StatusReport
from smppbridge.providers.base import Callback, Taken
from smppbridge.providers.webhook.options import WebhookOptions
from smppbridge.providers.webhook.told import particulars
from tests.support.builders.messages import DAY, NOW, message, poll
from tests.unit.providers.webhook.gate import MANY, SINGLE, TOKEN, of, served

WORDS = ("price", "currency", "parts", "operator", "country", "mccmnc", "sender")
PLACES = {name: {"json": f"$.{name}"} for name in WORDS}
TELLS = {
    "price": "1.25",
    "currency": "eur",
    "parts": 2,
    "operator": "MTS Беларусь",
    "country": "BY",
    "mccmnc": "25702",
    "sender": "+CMC",
}
TOLD = Particulars(1_250_000, "EUR", 2, "operator=MTS_Belarus country=BY mccmnc=25702", "CMC")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({}, UNTOLD),
        ({"price": "0.0351"}, Particulars(35_100, "RUB")),
        ({"price": "-1", "currency": "EUR"}, UNTOLD),
        ({"price": "free", "parts": "many"}, UNTOLD),
        ({"price": "1", "currency": "credits"}, Particulars(1_000_000, "RUB")),
        ({"parts": "3"}, Particulars(parts=3)),
        ({"parts": "256"}, UNTOLD),
        ({"parts": "0"}, UNTOLD),
        ({"mccmnc": "25702"}, Particulars(operator="mccmnc=25702")),
    ],
)
def test_what_makes_sense(words: dict[str, str], told: Particulars) -> None:
    assert particulars(words, "RUB") == told


@pytest.mark.parametrize("many", [False, True])
async def test_an_answer_to_sending(many: bool) -> None:
    keys = MANY if many else SINGLE
    row = {"id": "r-1", **TELLS}
    answer = JSONResponse({"results": [row]} if many else row)
    async with served({**keys, "send": {**keys["send"], "told": PLACES}}, answer) as (provider, _):
        assert await provider.send([message(1, deadline=NOW + DAY)], NOW) == [Taken("r-1", told=TOLD)]


async def test_an_answer_about_a_status() -> None:
    places = {"state": {"json": "$.state"}, "message_error": {"json": "$.error"}}
    status = {"path": "/m/{ref}", **places, "message_text": {"json": "$.why"}, "told": PLACES}
    words = f"subscriber 375291234567 is away, key {TOKEN}"
    lost = JSONResponse({"state": "lost", "error": 7, "why": words, **TELLS})
    done = JSONResponse({"state": "done", "error": 7, "why": words})
    async with served({**SINGLE, "status": status}, lost, done) as (provider, _):
        reports = await provider.status([poll("a", NOW), poll("b", NOW)])
        host = reports[0].reason.split()[0]
        assert reports[0].reason == f"{host} state lost: 7: subscriber 3752*** is away, key ***"
        assert (reports[0].code, reports[0].told) == ("7", TOLD)
        assert (reports[1].reason, reports[1].told) == ("", UNTOLD)


def test_a_callback() -> None:
    places = {"message_id": {"json": "$.id"}, "state": {"json": "$.state"}, "error_text": {"json": "$.why"}}
    hook = of(SINGLE, callback={**places, "told": {"price": {"json": "$.price"}}}, currency="BYN")
    body = b'{"id": "r-1", "state": "lost", "why": "no such number", "price": 0.5}'
    (report,) = hook.parse_callback(Callback("POST", {}, {}, {}, body))
    assert isinstance(report, StatusReport)
    assert report.reason == "h state lost: no such number"
    assert report.told == Particulars(500_000, "BYN")


def test_a_callback_about_many() -> None:
    row = {"message_id": {"json": "$.id"}, "state": {"json": "$.state"}, "told": PLACES}
    hook = of(SINGLE, callback={"each": "$.all", **row})
    body = b'{"all": [{"id": "a", "state": "done", "parts": 2}, {"id": "b", "state": "done"}]}'
    told = [report.told for report in hook.parse_callback(Callback("POST", {}, {}, {}, body))]  # type: ignore[union-attr]  # they are statuses
    assert told == [Particulars(parts=2), UNTOLD]


SIGNED = {"header": "X-Sign", "hmac": "sha256", "key": "{secret.token}"}


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"send": {**SINGLE["send"], "told": {"price": {"query": "p"}}}}, "is read by json, xpath or regex"),
        ({"send": {**MANY["send"], "told": {"price": {"xpath": "p"}}}}, "with batch only"),
        ({"send": {**SINGLE["send"], "told": {"cost": {"json": "$.p"}}}}, "cost"),
        ({"currency": "rubles"}, "currency"),
        (
            {
                "callback": {
                    "message_id": {"json": "$.id"},
                    "state": {"json": "$.state"},
                    "told": {"price": {"query": "p"}},
                    "signature": SIGNED,
                }
            },
            "not signed",
        ),
    ],
)
def test_mistakes(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        WebhookOptions.model_validate({"url": "https://h", **SINGLE, **keys})
