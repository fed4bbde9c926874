"""What providers say about a part of a long message: its text is not known yet, everything else is."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from smppbridge.config.loading import parse
from smppbridge.errors import Refused
from smppbridge.model.message import Draft
from smppbridge.providers.base import Provider
from smppbridge.providers.registry import build_provider
from smppbridge.smpp.constants import Status
from tests.unit.providers.webhook.gate import SINGLE

SECRET = "5ECRET12"
KINDS: dict[str, dict[str, Any]] = {
    "smspilot": {"kind": "smspilot", "apikey": SECRET},
    "sms-assistent": {"kind": "sms-assistent", "login": "us", "password": SECRET, "default_sender": "CMC"},
    "smsc": {"kind": "smsc", "login": "us", "password": SECRET, "service_texts": "reject"},
    "smpp": {"kind": "smpp", "host": "127.0.0.1", "system_id": "us", "password": SECRET, "flash": "none"},
    "webhook": {
        "kind": "webhook",
        "url": "http://127.0.0.1:9",
        "sender_pattern": "[A-Za-z]+",
        "refuse_texts": ["."],
        **SINGLE,
    },
    "sandbox": {"kind": "sandbox"},
}
STRICT = {"flash_unsupported": "reject"}
REFUSED_SENDERS = {  # by everybody but the sandbox
    "smspilot": "Имя",
    "sms-assistent": "3753312",
    "smsc": "a" * 12,
    "smpp": "a" * 21,
    "webhook": "123",
}


@cache
def built(kind: str, strict: bool = False) -> Provider:
    keys = {**KINDS[kind], **(STRICT if strict else {})}
    sections = {
        "accounts": {"pbx": {"password": SECRET}},
        "providers": {"lab": keys},
        "routes": [{"to": ["lab"]}],
    }
    config = parse(yaml.safe_dump(sections), Path("/nonexistent"))
    return build_provider("lab", config.providers["lab"], None)


def part(sender: str = "Demo", *, flash: bool = False) -> Draft:
    return Draft("375291234567", sender, None, flash=flash)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flash", [False, True])
def test_a_part_is_carried_whatever_its_text_will_be(kind: str, flash: bool) -> None:
    built(kind).check(part(flash=flash))


@pytest.mark.parametrize("kind", REFUSED_SENDERS)
def test_its_sender_is_looked_at(kind: str) -> None:
    with pytest.raises(Refused) as refused:
        built(kind).check(part(REFUSED_SENDERS[kind]))
    assert refused.value.status == Status.ESME_RINVSRCADR


@pytest.mark.parametrize("kind", ["smspilot", "sms-assistent", "smpp", "webhook"])
def test_that_it_is_flash_is_looked_at(kind: str) -> None:
    strict = built(kind, strict=True)
    strict.check(part())
    with pytest.raises(Refused) as refused:
        strict.check(part(flash=True))
    assert refused.value.status == Status.ESME_RINVENCODING
