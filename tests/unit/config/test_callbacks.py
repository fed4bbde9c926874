"""The addresses at which providers call back, and the secret part of each."""

import json
import re
from pathlib import Path

import pytest
import yaml

from smppbridge.config.loading import parse
from smppbridge.config.sections import Config
from tests.unit.config.minimal import MINIMAL

THREE = """
providers:
  one: {kind: smspilot, apikey: K}
  two: {kind: smspilot, apikey: K}
  lab: {kind: sandbox}
routes: [{to: [one, two, lab]}]
"""


def configured(web: str) -> Config:
    values = yaml.safe_load(MINIMAL) | yaml.safe_load(THREE) | {"web": yaml.safe_load(web)}
    return parse(json.dumps(values), Path("/nowhere"), {})


@pytest.mark.parametrize("secret", ["", ", secret: W"])
def test_each_provider_has_a_token_of_its_own(secret: str) -> None:
    """Also where all tokens come from one secret: who learns one token can speak for one provider only."""
    config = configured(f"{{public_url: 'https://sms.example.org/'{secret}}}")
    tokens = {name: config.callback_token(name) for name in config.providers}
    assert len(set(tokens.values())) == len(tokens) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", token) for token in tokens.values() if token)
    assert bool(tokens["lab"]) == bool(secret)  # the sandbox has no secret to derive one from


def test_an_address_ends_in_the_token() -> None:
    config = configured("{public_url: 'https://sms.example.org/'}")
    below = "https://sms.example.org/callbacks/one"
    assert config.callbacks_below("one") == below
    assert config.callback_url("one") == f"{below}/{config.callback_token('one')}"
    assert config.callbacks_below("lab") is config.callback_url("lab") is None


def test_without_a_public_address_nobody_can_call_back() -> None:
    config = configured("{}")
    assert config.callback_token("one")
    assert config.callbacks_below("one") is config.callback_url("one") is None
