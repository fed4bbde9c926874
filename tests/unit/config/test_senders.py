"""Senders that no provider takes are mistakes; those that only some take are worth a warning."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from smppbridge.config.advice import warnings
from smppbridge.config.loading import parse
from smppbridge.errors import ConfigError
from tests.unit.config.minimal import MINIMAL

CYRILLIC = "СМС"  # as the manual prints the name CMC
PROVIDERS = {
    "assist": {"kind": "sms-assistent", "login": "user", "password": "secret12"},
    "hook": {
        "kind": "webhook",
        "url": "https://sms.example.org",
        "sender_pattern": "[A-Z]{3,11}",
        "send": {"query": {"to": "{recipient}", "text": "{text}"}, "message_id": {"regex": "[0-9]+"}},
    },
    "lab": {"kind": "sandbox"},
}


def configuration(routes: list[dict[str, Any]], **account: object) -> str:
    other = {"free": {"password": "secret12", "default_sender": CYRILLIC}}
    accounts = {"pbx": {"password": "secret12", "allow_from": ["127.0.0.1"], **account}, **other}
    last = {"account": "free", "to": ["lab"]}
    return json.dumps(
        yaml.safe_load(MINIMAL) | {"providers": PROVIDERS, "routes": [*routes, last], "accounts": accounts}
    )


@pytest.mark.parametrize(
    ("account", "path", "problem"),
    [
        ({"default_sender": CYRILLIC}, "accounts.pbx.default_sender", "Cyrillic letters"),
        ({"senders": ["CMC", CYRILLIC]}, f'accounts.pbx.senders "{CYRILLIC}"', "Cyrillic letters"),
        ({"senders": ["+375291234567"]}, 'accounts.pbx.senders "+375291234567"', "must not be a number"),
    ],
)
@pytest.mark.parametrize(
    "routes",
    [
        [{"to": ["assist"]}],
        [{"account": "pbx", "destination": "7", "to": ["hook"]}, {"to": ["hook", "assist"]}],
    ],
)
def test_a_sender_that_no_provider_takes(
    account: dict[str, object], path: str, problem: str, routes: list[dict[str, Any]]
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(configuration(routes, **account), Path("/nowhere"), {})
    (found,) = [line.partition(": ")[2] for line in caught.value.problems if path in line]
    assert found.startswith(f"{path}: provider assist does not take it: sender ")
    assert problem in found


@pytest.mark.parametrize("to", [["lab", "assist"], ["assist", "lab"]])
def test_a_sender_that_some_provider_takes(to: list[str]) -> None:
    """A list is for all providers, so it may hold what only some of them take."""
    text = configuration([{"account": "pbx", "to": to}], default_sender=CYRILLIC, senders=["375291234567"])
    config = parse(text, Path("/nowhere"), {})
    (warning,) = [line for line in warnings(config) if line.startswith("accounts.pbx")]
    assert warning.startswith("accounts.pbx.default_sender: provider assist does not take it")


@pytest.mark.parametrize(
    ("provider", "sender", "taken"),
    [
        ({"kind": "smpp", "profile": "sms-assistent"}, CYRILLIC, False),
        ({"kind": "smpp", "profile": "sms-assistent"}, "CMC", True),
        ({"kind": "smpp", "profile": "sms-assistent"}, "+375291234567", True),
        ({"kind": "smsc", "login": "alex"}, CYRILLIC, False),
        ({"kind": "smsc", "login": "alex"}, "CMC", True),
        ({"kind": "smspilot", "apikey": "key"}, CYRILLIC, False),
        ({"kind": "smspilot", "apikey": "key"}, "CMC", True),
        ({"kind": "smspilot", "apikey": "key"}, "golos", True),
        ({"kind": "sandbox"}, CYRILLIC, True),
    ],
)
def test_each_kind(provider: dict[str, str], sender: str, taken: bool) -> None:
    secrets = {"smpp": {"system_id": "alex", "password": "secret12"}, "smsc": {"password": "secret12"}}
    one = {**provider, **secrets.get(provider["kind"], {})}
    account = {"password": "secret12", "default_sender": sender}
    text = json.dumps({"accounts": {"pbx": account}, "providers": {"one": one}, "routes": [{"to": ["one"]}]})
    if taken:
        assert parse(text, Path("/nowhere"), {}).accounts["pbx"].default_sender == sender
    else:
        with pytest.raises(ConfigError, match="default_sender: provider one does not take it"):
            parse(text, Path("/nowhere"), {})


def test_senders_of_a_declared_form() -> None:
    text = configuration([{"account": "pbx", "to": ["hook"]}], senders=["ALARM", "CASTLE"])
    assert parse(text, Path("/nowhere"), {}).accounts["pbx"].senders == frozenset({"ALARM", "CASTLE"})
    text = configuration([{"account": "pbx", "to": ["hook"]}], senders=["ALARM", "no"])
    with pytest.raises(ConfigError, match=r'senders "no": provider hook .* does not match sender_pattern'):
        parse(text, Path("/nowhere"), {})
