"""Whose a message from a phone is, and what of it is owed."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from smppbridge.errors import StoreError
from smppbridge.flow.accounts import Accounts
from smppbridge.flow.deliver.inbound import InboundRouter
from smppbridge.metrics import Metrics
from smppbridge.model.inbound import InboundRule
from smppbridge.model.message import Inbound, InboundPart
from smppbridge.smpp.text import decode_text
from tests.support.builders.accounts import account
from tests.support.builders.failing import FailingStore
from tests.support.builders.metrics import value
from tests.support.builders.rows import HOUR, NOW
from tests.support.builders.stores import fast_store
from tests.support.esme.phones import PHONE, from_phone

pytestmark = pytest.mark.virtual_time


def rules(*keys: dict[str, Any]) -> list[InboundRule]:
    return [InboundRule.model_validate(one) for one in keys]


class Rig:
    """A router with two accounts, a clock that stands still, and everything for "pbx" unless told else."""

    def __init__(self, failing: FailingStore) -> None:
        self.failing = failing
        self.store = failing.store
        self.metrics = Metrics()
        self.owed: list[str] = []
        self.accounts = Accounts({name: account(name) for name in ("pbx", "log")})
        self.router = InboundRouter(
            self.store,
            self.metrics,
            lambda: NOW,
            rules({"to": "pbx"}),
            self.accounts,
            self.owed.append,
        )

    def put(self, **keys: Any) -> None:
        """Account "pbx" has these settings from now on."""
        self.accounts.reload({**self.accounts, "pbx": account("pbx", **keys)})

    async def parts(self, name: str = "pbx") -> list[InboundPart]:
        """What is owed to the account, in order."""
        return await self.store.claim_inbound(name, NOW, NOW, 1000)

    async def texts(self, name: str = "pbx") -> list[str]:
        return [part.octets.decode("latin-1") for part in await self.parts(name)]

    def counted(self, name: str = "pbx", provider: str = "lab") -> float:
        return value(self.metrics, "inbound_messages_total", provider=provider, account=name)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with fast_store() as store:
        yield Rig(FailingStore(store))


# --- whose it is -----------------------------------------------------------------------------------


async def test_entries_of_one_login_hear_of_the_same_messages(rig: Rig) -> None:
    """One entry is called back, another one asks: a message arrives once, and a rule may name either."""
    rig.router.rules = rules({"provider": "twin", "to": "pbx"})
    shared = InboundRouter(
        rig.store,
        rig.metrics,
        lambda: NOW,
        rig.router.rules,
        rig.accounts,
        rig.owed.append,
        [("lab", "twin")],
    )
    await shared.arrive("lab", [from_phone("once", "1")])
    await shared.arrive("twin", [from_phone("once", "1")])
    assert await rig.texts() == ["once"]
    await shared.arrive("spare", [from_phone("of another", "2")])
    assert rig.counted("") == 0
    assert rig.counted("", provider="spare") == 1


async def test_a_message(rig: Rig) -> None:
    await rig.router.arrive("lab", [from_phone("Yes: 5 $", at=NOW - 2000)])
    (part,) = await rig.parts()
    assert part == InboundPart(
        id=part.id,
        account="pbx",
        provider="lab",
        source=PHONE,
        destination="1234",
        esm_class=0,
        data_coding=0,
        octets=b"Yes: 5 $",
        at=NOW - 2000,
        tries=0,
    )
    assert (rig.owed, rig.counted()) == (["pbx"], 1)


async def test_rules_by_keyword_number_and_provider(rig: Rig) -> None:
    rig.router.rules = rules(
        {"keyword": ["STOP", "стоп"], "to": "log"},
        {"number": "1234", "provider": "lab", "to": ["pbx", "log"]},
        {"to": "pbx"},
    )
    await rig.router.arrive("lab", [from_phone("both", "1"), from_phone("stop it", "2")])
    await rig.router.arrive("spare", [from_phone("rest", "3")])
    await rig.router.arrive("lab", [from_phone("other number", "4", destination="5678")])
    await rig.router.arrive("lab", [from_phone("Стоп!", "5")])  # another word
    of_pbx, of_log = [
        [decode_text(part.octets, part.data_coding, "latin-1") for part in await rig.parts(name)]
        for name in ("pbx", "log")
    ]
    assert of_pbx == ["both", "rest", "other number", "Стоп!"]
    assert of_log == ["both", "stop it", "Стоп!"]
    assert (rig.counted("pbx"), rig.counted("log"), rig.counted("pbx", "spare")) == (3, 3, 1)
    assert rig.owed == ["pbx", "log", "log", "pbx", "pbx", "pbx", "log"]


async def test_an_account_that_is_not_there_gets_nothing(rig: Rig) -> None:
    rig.router.rules = rules({"to": ["gone", "log"]})
    await rig.router.arrive("lab", [from_phone("yes")])
    assert (await rig.texts("log"), rig.owed, rig.counted("gone")) == (["yes"], ["log"], 0)


@pytest.mark.parametrize("rule", [{"number": "9999", "to": "pbx"}, {"to": "gone"}])
async def test_what_belongs_to_nobody_is_counted_and_told(
    rig: Rig, rule: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    rig.router.rules = rules(rule)
    await rig.router.arrive("lab", [from_phone("whose is it?")])
    assert (rig.owed, rig.counted(""), rig.counted("pbx")) == ([], 1, 0)
    (told,) = caplog.records
    assert told.levelno == logging.WARNING
    assert "belongs to nobody" in told.getMessage()
    assert getattr(told, "fields", None) == {"provider": "lab", "source": PHONE, "destination": "1234"}
    await rig.router.arrive("lab", [from_phone("whose is it?")])
    assert (rig.counted(""), len(caplog.records)) == (1, 1)  # it was taken, and stays nobody's


async def test_what_is_somebodys_is_not_worth_a_line(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    await rig.router.arrive("lab", [from_phone()])
    assert caplog.records == []


# --- once ------------------------------------------------------------------------------------------


async def test_what_was_taken_before_is_not_taken_again(rig: Rig) -> None:
    await rig.router.arrive("lab", [from_phone("yes", "1"), from_phone("yes", "1"), from_phone("no", "2")])
    await rig.router.arrive("lab", [from_phone("other words", "1")])
    assert (await rig.texts(), rig.counted()) == (["yes", "no"], 2)
    await rig.router.arrive("spare", [from_phone("another provider's", "1")])
    assert (await rig.texts())[2:] == ["another provider's"]
    assert rig.owed == ["pbx"] * 3


@pytest.mark.parametrize(
    "change", [{"text": "no"}, {"source": "375290000000"}, {"destination": "5678"}, {"at": 2000}]
)
async def test_without_an_id_messages_are_told_apart_by_what_they_say(
    rig: Rig, change: dict[str, Any]
) -> None:
    plain = from_phone("yes", "", at=1000)
    for _ in range(2):
        await rig.router.arrive("lab", [plain, plain._replace(**change)])
    assert (len(await rig.parts()), rig.counted()) == (2, 2)


async def test_a_provider_whose_clock_is_ahead_is_not_taken_twice(rig: Rig) -> None:
    told = from_phone("yes", "", at=NOW + HOUR)
    await rig.router.arrive("lab", [told])
    await rig.router.arrive("lab", [told])
    assert rig.counted() == 1


async def test_what_is_not_saved_is_not_told(rig: Rig) -> None:
    rig.failing.failing.add("add_inbound")
    with pytest.raises(StoreError):
        await rig.router.arrive("lab", [from_phone()])
    assert (await rig.parts(), rig.owed, rig.counted()) == ([], [], 0)
    rig.failing.failing.clear()
    await rig.router.arrive("lab", [from_phone()])
    assert (await rig.texts(), rig.owed, rig.counted()) == (["yes"], ["pbx"], 1)


# --- nonsense --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "kept"),
    [(NOW - 1, NOW - 1), (NOW, NOW), (NOW + 1, NOW), (1, 1), (0, NOW), (-1, NOW), (10**30, NOW)],
)
async def test_when_it_was_sent(rig: Rig, at: int, kept: int) -> None:
    """Never in the future, and never before all time."""
    await rig.router.arrive("lab", [from_phone(at=at)])
    assert [part.at for part in await rig.parts()] == [kept]


@pytest.mark.parametrize("name", ["ref", "source", "destination", "text"])
async def test_half_a_surrogate_pair_does_not_hold_up_the_others(rig: Rig, name: str) -> None:
    changes: dict[str, Any] = {name: "\ud83d"}
    bad = from_phone("bad", "1")._replace(**changes)
    for _ in range(2):
        await rig.router.arrive("lab", [bad, from_phone("good", "2")])
    assert await rig.texts() == ["?" if name == "text" else "bad", "good"]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("+375 29 1234567", "+375291234567"),
        ("Замок", ""),
        ("x" * 20, "x" * 20),
        ("x" * 21, "x" * 20),
        ("Замок " + "x" * 30, "x" * 20),
        ("a!~\x7f\0b", "a!~b"),
    ],
)
async def test_addresses_are_such_as_smpp_can_hold(rig: Rig, told: str, kept: str) -> None:
    await rig.router.arrive("lab", [from_phone(source=told, destination=told)])
    (part,) = await rig.parts()
    assert (part.source, part.destination) == (kept, kept)


@pytest.mark.parametrize(("keys", "destination"), [({}, ""), ({"default_sender": "CASTLE"}, "CASTLE")])
async def test_a_provider_that_does_not_say_to_whom_it_was_sent(
    rig: Rig, keys: dict[str, Any], destination: str
) -> None:
    rig.put(**keys)
    await rig.router.arrive("lab", [from_phone(destination="")])
    assert [part.destination for part in await rig.parts()] == [destination]


# --- what is owed ----------------------------------------------------------------------------------


async def test_a_text_is_written_as_the_account_reads_it(rig: Rig) -> None:
    rig.put(default_encoding="cp1251")
    rig.router.rules = rules({"to": ["pbx", "log"]})
    await rig.router.arrive("lab", [from_phone("Да")])
    of_pbx, of_log = await rig.parts("pbx"), await rig.parts("log")
    assert [(part.data_coding, part.octets) for part in of_pbx] == [(0, b"\xc4\xe0")]
    assert [(part.data_coding, part.octets) for part in of_log] == [(8, b"\x04\x14\x04\x30")]


@pytest.mark.parametrize(("text", "data_coding"), [("5 € {yes}", 0), ("5 € {да}", 8)])
async def test_a_text_that_gsm_does_not_hold_is_ucs2(rig: Rig, text: str, data_coding: int) -> None:
    rig.put(default_encoding="gsm")
    await rig.router.arrive("lab", [from_phone(text)])
    (part,) = await rig.parts()
    assert (part.data_coding, decode_text(part.octets, part.data_coding, "gsm")) == (data_coding, text)


async def test_a_long_text_comes_in_parts(rig: Rig) -> None:
    text = "0123456789" * 40
    await rig.router.arrive("lab", [from_phone(text, "1"), from_phone(text, "2")])
    first, second = (await rig.parts())[:3], (await rig.parts())[3:]
    assert {part.esm_class for part in first} == {0x40}
    assert b"".join(part.octets[6:] for part in first).decode() == text
    assert [part.octets[:3] + part.octets[4:6] for part in first] == [
        b"\5\0\3\3\1",
        b"\5\0\3\3\2",
        b"\5\0\3\3\3",
    ]
    references = [{part.octets[3] for part in parts} for parts in (first, second)]
    assert [len(one) for one in references] == [1, 1]
    assert references[0] != references[1]
    assert (len(rig.owed), rig.counted()) == (2, 2)


async def test_octets_go_on_as_they_came(rig: Rig) -> None:
    message = Inbound("1", PHONE, "1234", "", NOW, octets=b"\5\0\3\7\2\1ab", data_coding=4, esm_class=0x40)
    await rig.router.arrive("lab", [message, message._replace(ref="2", octets=b"", esm_class=0)])
    parts = await rig.parts()
    assert [(part.octets, part.data_coding, part.esm_class) for part in parts] == [
        (b"\5\0\3\7\2\1ab", 4, 0x40),
        (b"", 4, 0),
    ]
