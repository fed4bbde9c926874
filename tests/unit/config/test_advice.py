"""The configuration as a whole: what is only unwise."""

import json
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from smppbridge.config.advice import warnings
from smppbridge.config.loading import parse
from smppbridge.model.profiles import PROFILES
from tests.unit.config.minimal import MINIMAL


def advice(text: str) -> list[str]:
    values = yaml.safe_load(MINIMAL) | yaml.safe_load(dedent(text))
    return warnings(parse(json.dumps(values), Path("/nowhere"), {}))


LOCAL = "listen: [{host: 127.0.0.1}]"


def test_nothing_to_warn_of() -> None:
    assert advice(LOCAL) == []


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("listen: [{}]", "accounts.pbx.allow_from: is not set"),
        (
            "accounts: {pbx: {password: short, allow_from: [10.0.0.0/8]}}",
            "accounts.pbx.password: is shorter than the 8 characters of SMPP 3.4; can be guessed",
        ),
        (
            LOCAL + "\naccounts: {pbx: {password: '1234567'}}",
            "accounts.pbx.password: is shorter than the 8 characters of SMPP 3.4, and anybody may guess",
        ),
        (
            "accounts: {pbx: {password: longer than 8, allow_from: [10.0.0.0/8]}}",
            "accounts.pbx.password: is longer",
        ),
        (LOCAL + "\nroutes: [{destination: '7', to: [lab]}]", "routes: no route takes every destination"),
        (LOCAL + "\nroutes: [{to: [lab]}, {account: pbx, to: [lab]}]", "routes[1]: is never reached"),
        (
            LOCAL + "\nproviders: {lab: {kind: sandbox}, spare: {kind: sandbox}}",
            "providers.spare: is named by no",
        ),
        (LOCAL + "\nweb: {public_url: 'http://sms.example.org'}", "web.public_url: is plain http"),
        (LOCAL + "\nweb: {host: 0.0.0.0}", "web.metrics_token: is not set"),
    ],
)
def test_warns(text: str, warning: str) -> None:
    (only,) = advice(text.replace("longer than 8", "123456789"))
    assert only.startswith(warning)


CALLED_BACK = (
    LOCAL
    + """
web: {public_url: 'https://sms.example.org', %s}
providers:
  lab:
    kind: webhook
    url: https://api.example.org
    send: {json: {to: "{recipient}", text: "{text}"}, message_id: {json: "$.id"}}
    states: {ok: DELIVRD}
    callback: {message_id: {json: "$.id"}, state: {json: "$.state"}}
"""
)


def test_warns_of_a_callback_without_anything_to_make_its_address_of() -> None:
    assert [line.split(",")[0] for line in advice(CALLED_BACK % "")] == [
        "web.secret: is not set",
        "providers.lab: statuses are neither asked for nor called back",
    ]
    assert advice(CALLED_BACK % "secret: word") == []


ACCOUNT = LOCAL + "\naccounts: {pbx: {password: secret12, allow_from: [10.0.0.0/8], %s}}"


@pytest.mark.parametrize(
    ("keys", "warning"),
    [
        ("message_id_upper: false", "accounts.pbx.message_id_upper: is for message_id: hex"),
        (
            "message_id: uuid, message_id_upper: false",
            "accounts.pbx.message_id_upper: is for message_id: hex",
        ),
        ("receipt: {text: true, fields: [id, stat]}", "accounts.pbx.receipt.text: is true, but fields has"),
        (
            "profile: sms-assistent, receipt: {text: true}",
            "accounts.pbx.receipt.text: is true, but fields has",
        ),
        ("quiet: 22-8", "accounts.pbx.quiet: these are hours of UTC; set quiet_time_zone"),
        ("receipt: {esm_class: 0}", "accounts.pbx.receipt.esm_class: 0x00 does not say that it is a receipt"),
        ("receipt: {esm_class: 0x20}", "accounts.pbx.receipt.esm_class: 0x20 does not say"),
        (
            "outbind: {host: esme, password: '123456789'}",
            "accounts.pbx.outbind.password: is longer than the 8",
        ),
    ],
)
def test_warns_of_an_account(keys: str, warning: str) -> None:
    (only,) = advice(ACCOUNT % keys)
    assert only.startswith(warning)


MANY = """
store: {max_queued: 100}
accounts:
  pbx: {password: secret12, allow_from: [10.0.0.0/8], max_queued: 60}
  door: {password: secret12, allow_from: [10.0.0.0/8], max_queued: %d}
  gate: {password: secret12, allow_from: [10.0.0.0/8]}
"""


def test_warns_of_accounts_that_may_have_more_than_the_store() -> None:
    assert advice(LOCAL + MANY % 40) == []
    assert advice(LOCAL + MANY % 41) == [
        "store.max_queued: is 100, but max_queued of accounts allows 101 in all; raise it"
    ]


@pytest.mark.parametrize(
    "keys",
    [
        *(f"profile: {name}" for name in PROFILES),
        "message_id: hex, message_id_upper: false",
        "message_id_upper: true",
        "quiet: 22-8, quiet_time_zone: UTC",
        "quiet: 22-8, receipt: {time_zone: Europe/Minsk}",
        "receipt: {text: true}",
        "receipt: {text: false, fields: [id, stat]}",
        "receipt: {esm_class: 0x84}",
        "outbind: {host: esme, password: '12345678'}",
        "outbind: {host: esme, password: '1'}",
    ],
)
def test_nothing_to_warn_of_in_an_account(keys: str) -> None:
    assert advice(ACCOUNT % keys) == []


def test_warns_with_the_advice_of_a_provider() -> None:
    text = "\nproviders: {lab: {kind: smspilot, apikey: k, poll_interval: 60s}}"
    found = advice(LOCAL + text)
    assert found[0].startswith("web.public_url: is not set")
    assert any(warning.startswith("providers.lab.poll_interval: smspilot bans") for warning in found)
    assert any(warning.startswith("providers.lab: without web.public_url") for warning in found)


@pytest.mark.parametrize("url", ["https://sms.example.org", "http://localhost:8080", "http://127.0.0.1:8080"])
def test_does_not_warn_of_https_or_this_machine(url: str) -> None:
    assert advice(f"{LOCAL}\nweb: {{public_url: '{url}'}}") == []


@pytest.mark.parametrize(
    ("account", "provider", "words"),
    [
        ("", "", "some SMSCs refuse that"),
        ("", "profile: sms-assistent", "registered names only"),
        ("default_sender: ALARM", "profile: sms-assistent", ""),
        ("", "default_sender: ALARM", ""),
    ],
)
def test_an_smsc_that_may_get_an_empty_sender(account: str, provider: str, words: str) -> None:
    warned = advice(
        f"""
        {LOCAL}
        accounts: {{pbx: {{password: "12345678", {account}}}}}
        providers: {{lab: {{kind: smpp, host: 127.0.0.1, system_id: us, password: "12345678", {provider}}}}}
        """
    )
    assert len(warned) == bool(words)
    assert all(one.startswith("providers.lab.default_sender: is not set") and words in one for one in warned)


BY_ROUTE = """
listen: [{host: 127.0.0.1}]
accounts:
  pbx: {password: "12345678", services: [HLR, CALL]}
  crm: {password: "12345678", default_sender: ALARM}
providers:
  centre: {kind: smpp, host: 127.0.0.1, system_id: us, password: "12345678"}
  calls: {kind: smsc, login: us, password: "12345678", poll_interval: 1h}
routes: [{account: %s, to: [centre]}, {account: %s, to: [calls]}, {to: [calls, centre]}]
"""


@pytest.mark.parametrize(
    ("accounts", "warned"),
    [
        (
            ("pbx", "crm"),
            ["accounts.pbx.services: no provider", "providers.centre.default_sender: is not set"],
        ),
        (("crm", "pbx"), []),
    ],
)
def test_only_providers_that_an_account_may_reach_count(accounts: tuple[str, str], warned: list[str]) -> None:
    told = [one for one in advice(BY_ROUTE % accounts) if "services" in one or "default_sender" in one]
    assert [one[: len(begins)] for one, begins in zip(told, warned, strict=True)] == warned


@pytest.mark.parametrize(
    "web", ["{host: 0.0.0.0, metrics_token: secret}", "{host: '::1'}", "{host: localhost}"]
)
def test_metrics_that_are_for_nobody_or_stay_on_this_machine(web: str) -> None:
    assert advice(f"{LOCAL}\nweb: {web}") == []
