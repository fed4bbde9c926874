"""The files in config/: they load, and say what holds."""

import re
from pathlib import Path

import pytest

from smppbridge.config.advice import warnings
from smppbridge.config.loading import load, parse
from smppbridge.errors import ConfigError
from smppbridge.model.profiles import PROFILES
from smppbridge.smpp.gsm import LANGUAGES
from smppbridge.smpp.text import ENCODINGS

CONFIG = Path(__file__).parents[3] / "config"

EXAMPLE = {
    "PBX_PASSWORD": "secret12",
    "SMSPILOT_APIKEY": "key",
    "SMSC_LOGIN": "login",
    "SMSC_PASSWORD": "password",
    "SMSC_SECRET": "secret",
    "ASSIST_LOGIN": "login",
    "ASSIST_PASSWORD": "password",
    "ASSIST_SMPP_PASSWORD": "password",
}  # what config/smppbridge.yaml needs to know


def test_the_example_loads_and_is_sound() -> None:
    config = load(CONFIG / "smppbridge.yaml", EXAMPLE | {"SMPPBRIDGE_PUBLIC_URL": "https://sms.test/"})
    assert warnings(config) == []
    assert config.web.public_url == "https://sms.test"
    assert config.accounts["pbx"].receipt.time_zone == "Europe/Minsk"


def test_the_example_names_the_variables_it_needs() -> None:
    with pytest.raises(ConfigError) as caught:
        load(CONFIG / "smppbridge.yaml", {})
    assert [problem.split(": ")[1] for problem in caught.value.problems] == [
        "accounts.pbx.password",
        "providers.pilot.apikey",
        "providers.centre.login",
        "providers.centre.password",
        "providers.centre.callback_secret",
        "providers.assist.login",
        "providers.assist.password",
        "providers.link.system_id",
        "providers.link.password",
    ]


def test_the_example_says_which_defaults_hold() -> None:
    """Lines marked "# default" in the example show the real defaults."""
    text = (CONFIG / "smppbridge.yaml").read_text(encoding="utf-8")
    marked = [line for line in text.splitlines() if "# default;" in line or line.endswith("# default")]
    without = "\n".join(line for line in text.splitlines() if line not in marked)
    assert len(marked) > 20
    assert parse(without, CONFIG, EXAMPLE) == parse(text, CONFIG, EXAMPLE)


def test_the_example_names_what_other_modules_list() -> None:
    text = (CONFIG / "smppbridge.yaml").read_text(encoding="utf-8")
    for names in (PROFILES, ENCODINGS, LANGUAGES):
        assert all(re.search(rf"\b{re.escape(name)}\b", text) for name in names)


def test_the_demo_loads_without_an_environment() -> None:
    config = load(CONFIG / "demo.yaml", {})
    assert config.listen[0].host == config.web.host == "127.0.0.1"
    assert list(config.accounts) == ["demo"]
    assert [warning.split(":")[0] for warning in warnings(config)] == ["accounts.demo.password"]
