"""The configuration that targets share: a provider of every kind, and accounts that differ."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from smppbridge.config.loading import parse
from smppbridge.config.sections import Config

EXAMPLES = Path(__file__).parent.parent.parent / "config" / "providers"
SECRET = "5ECRETT0KEN5ECRETT0KEN"  # of everybody, so that it is found wherever it leaks
BASE = Path("/nonexistent")
_ACCOUNTS: Mapping[str, Any] = {
    "plain": {},
    "rich": {
        "services": ["HLR", "PING", "CALL", "FLSHC", "MAIL", "BOT"],
        "default_service": "HLR",
        "country": "BY",
        "default_sender": "ALARM",
    },
    "packed": {
        "default_encoding": "gsm",
        "septets": "packed",
        "gsm_language": "turkish",
        "encodings": {2: "cp1251", 8: "ucs2-le"},
        "join": {"incomplete": "send"},
        "use_latin_when_it_fits": True,
    },
    "quiet": {
        "quiet": "22-8",
        "mode": "sync",
        "country": "RU",
        "senders": ["ALARM", "375291234567"],
        "default_sender": "ALARM",
        "replace_sender": True,
        "status_codes": "sms-assistent",
        "receipt": {"parts": "merged", "time_zone": "Europe/Minsk", "data_coding": 8},
    },
    "odd": {"default_encoding": "utf-8", "encodings": {4: "koi8-r", 5: "cp866", 1: "gsm"}, "senders": ["A"]},
}
_PROVIDERS: Mapping[str, Any] = {
    "pilot": {"kind": "smspilot", "apikey": SECRET},
    "centre": {"kind": "smsc", "login": "us", "password": SECRET, "schedule": "provider"},
    "assist": {"kind": "sms-assistent", "login": "us", "password": SECRET, "default_sender": "CMC"},
    "link": {
        "kind": "smpp",
        "host": "smsc.example.org",
        "port": 2775,
        "system_id": "us",
        "password": "pa55word",
    },
    "lab": {"kind": "sandbox"},
}
_ROUTES = (
    {"account": "quiet", "to": ["centre"]},
    {"account": "odd", "destination": ["7"], "to": ["infobip", "twilio"]},
    {"destination": ["375", "7"], "to": ["link", "pilot", "centre", "assist", "infobip"]},
    {"destination": "1", "to": ["assist"]},
    {"account": ["packed", "rich"], "to": ["link", "lab"]},
    {"destination": "4", "to": ["lab"]},
)


class _Environment(dict[str, str]):
    """Every variable that an example wants, with a value that suits it."""

    def get(self, name: str, default: Any = None) -> Any:
        return (
            "https://api.example.org"
            if name.endswith("_URL")
            else SECRET
            if name.endswith(_SECRETS)
            else "15005550006"
        )


_SECRETS = ("TOKEN", "SECRET", "_KEY", "API_ID", "PASSWORD")


@cache
def declared() -> Mapping[str, Any]:
    """The providers of config/providers, by name."""
    found: dict[str, Any] = {}
    for path in sorted(EXAMPLES.glob("*.yaml")):
        found |= yaml.safe_load(path.read_text(encoding="utf-8"))["providers"]
    return found


def values() -> dict[str, Any]:
    """The configuration as plain values."""
    return {
        "web": {"public_url": "https://sms.example.org"},
        "accounts": {name: {"password": SECRET[:8], **keys} for name, keys in _ACCOUNTS.items()},
        "providers": {**_PROVIDERS, **declared()},
        "routes": list(_ROUTES),
        "inbound": [{"to": list(_ACCOUNTS)}],
    }


@cache
def config() -> Config:
    """The configuration."""
    text = yaml.safe_dump(values(), allow_unicode=True, sort_keys=False)
    return parse(text, BASE, _Environment())
