"""Alphabets and receipts as profiles and accounts set them, with ESMEs that were not written here.

Every profile with every make: test_clients.py.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from smppbridge.model.account import Account
from smppbridge.smpp.text import encode_text
from tests.simulators.smspilot.simulator import Rules, SmspilotSimulator
from tests.support.bridge.running import bridge, free_port, pilot
from tests.support.builders import accounts as builders
from tests.support.esme.foreign import Came, Run, Sms, run_aiosmpplib, run_smpplib

PHONE = "375291234501"
SPOKEN = {"gsm": "Preis: 5 € @home", "utf-8": "Дверь", "cp1251": "Дверь 3"}
DELIVERED = 2  # message_state


def settings(profile: str, **receipt: object) -> Account:
    return builders.account(profile=profile, receipt=receipt)


@asynccontextmanager
async def running(directory: Path, **account: object) -> AsyncIterator[tuple[int, SmspilotSimulator]]:
    """A bridge with one account, `pbx`: its SMPP port, and the provider."""
    async with SmspilotSimulator(Rules(delay=0.05)) as simulator:
        accounts = yaml.safe_dump({"accounts": {"pbx": {"password": "secret"} | account}})
        async with bridge(directory, pilot(simulator.url, web_port=free_port()) + accounts) as app:
            yield app.smpp_ports[0], simulator


def check(run: Run, profile: str, text: str, simulator: SmspilotSimulator) -> None:
    """The text arrived, and the receipt says so in the words of the profile."""
    assert [row["text"] for row in simulator.accepted] == [text]
    account = settings(profile)
    (message_id,), (came,) = run
    assert len(message_id) <= (account.message_id_length or 19)
    _check_fields(came, account, message_id)
    tlvs = (message_id, DELIVERED) if account.receipt.tlvs else (None, None)
    assert (came.receipted_message_id, came.message_state) == tlvs


def _check_fields(came: Came, account: Account, message_id: str) -> None:
    fields = came.fields
    assert (came.source, fields.id, fields.stat) == (PHONE, message_id, "DELIVRD")
    assert (fields.sub, fields.dlvrd, fields.err) == ("001", "001", "000")
    assert fields.submit_date is not None
    assert fields.done_date is not None
    assert (fields.text is not None) is ("text" in account.receipt.fields)


@pytest.mark.parametrize("name", ["node-smpp", "utf-8", "cp1251"])
async def test_alphabets_that_say_they_are_others(tmp_path: Path, name: str) -> None:
    encoding = settings(name).default_encoding
    text = SPOKEN[encoding]
    for data_coding in settings(name).encodings:
        message = Sms(PHONE, text, data_coding, encode_text(text, 0, encoding))
        (tmp_path / str(data_coding)).mkdir()
        async with running(tmp_path / str(data_coding), profile=name) as (port, simulator):
            check(await run_smpplib(port, "pbx", [message]), name, text, simulator)


@pytest.mark.parametrize(
    "receipt",
    [
        {"data_coding": 8, "fields": ["id", "stat", "err", "text"]},
        {"data_coding": 3, "fields": ["stat", "id", "done date", "err"], "err_digits": 1},
        {"counts": "parts", "tlvs": "standard", "data_coding": 1},
    ],
)
async def test_layouts_that_both_understand(tmp_path: Path, receipt: dict[str, object]) -> None:
    text = "Дверь 3 открыта"
    message = Sms(PHONE, text, 8, text.encode("utf-16-be"), encoding="ucs2")
    for number, esme in enumerate((run_smpplib, run_aiosmpplib)):
        (tmp_path / str(number)).mkdir()
        async with running(tmp_path / str(number), receipt=receipt) as (port, _):
            (message_id,), (came,) = await esme(port, "pbx", [message])
        assert (came.fields.id, came.fields.stat) == (message_id, "DELIVRD")
        assert came.receipted_message_id == message_id
        assert came.fields.text == {8: text, 1: ""}.get(int(str(receipt["data_coding"])))
