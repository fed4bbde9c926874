"""A whole bridge in front of a strict smsc.ru."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from smppbridge.app import App
from smppbridge.smpp.constants import EsmClass, Tag
from smppbridge.smpp.tlv import tlv
from tests.simulators.smsc_ru.simulator import Rules, SmscRuSimulator
from tests.support.bridge.running import bridge, config, eventually, free_port, metric
from tests.support.esme.esme import Esme, submit
from tests.support.esme.phones import ALL_TO_PBX

BAD = "79001110000"
CENTRE = "centre"


def others(count: int, entry: int = 0) -> list[str]:
    return [f"7902{entry}{number:06d}" for number in range(count)]


@asynccontextmanager
async def smsc(
    directory: Path,
    rules: Rules,
    keys: str = "",
    *,
    entries: Sequence[str] = (CENTRE,),
    sections: str = "",
    query: str = "?charset=utf-8",
) -> AsyncIterator[tuple[SmscRuSimulator, App]]:
    """A simulator that calls back, and a bridge whose ``entries`` use one login there.

    ``query``: of the callback address, which is that of the first entry. Numbers that begin with 7902 and the
    place of an entry go by that one, others by the first.
    """
    port = free_port()
    async with SmscRuSimulator(rules) as simulator:
        rights = "login: LOGIN, password: PASSWORD, balance_interval: 0"
        entry = f"{{kind: smsc, url: '{simulator.url}', {rights}, {keys}}}"
        routes = [f"{{destination: '7902{place}', to: [{name}]}}" for place, name in enumerate(entries)]
        sections += f"""
providers: {{{", ".join(f"{name}: {entry}" for name in entries)}}}
routes: [{", ".join(routes)}, {{to: [{entries[0]}]}}]
web: {{host: 127.0.0.1, port: {port}, public_url: 'http://127.0.0.1:{port}'}}
"""
        rules.callback_url = f"{config(directory, sections).callback_url(entries[0])}{query}"
        async with bridge(directory, sections) as app:
            yield simulator, app


# --- one bad message -------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [3, 7, 9, 50])
async def test_whatever_one_recipient_gets_the_others_are_handed_over(tmp_path: Path, code: int) -> None:
    rules = Rules(errors={BAD: code}, latency=0.0)
    async with (
        smsc(tmp_path, rules) as (simulator, app),
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        first, *rest = others(9)
        await esme.submit(submit(to=first))
        await eventually(lambda: len(simulator.accepted) == 1)
        for phone in rest:
            await esme.submit_many([submit(to=BAD, text=f"to {phone}"), submit(to=phone)])
        await eventually(lambda: len(simulator.accepted) == 9)
        assert metric(app, "provider_up", provider="centre") == 1
        label = str(code) if code < 10 else "other"
        await eventually(lambda: metric(app, "refusals_total", provider="centre", code=label))
        assert simulator.violations == []


# --- what is told besides --------------------------------------------------------------------------


async def test_the_price_of_a_message_is_counted_once(tmp_path: Path) -> None:
    """The answer to the send request tells it, and so does each callback."""
    rules = Rules(delay=0.05, latency=0.0)
    async with (
        smsc(tmp_path, rules, "currency: KZT") as (_, app),
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit(to=BAD, text="x" * 161))
        receipt = await esme.receipt()
        assert metric(app, "spent_total", provider="centre", currency="KZT") == pytest.approx(2.8)
        assert receipt.tlv(Tag.DETAILS) == b"mccmnc=25001\0"


async def test_a_sender_that_smsc_replaces_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rules = Rules(delay=0.02, latency=0.0, senders=frozenset({"DOOR"}), replaces_senders=True)
    async with smsc(tmp_path, rules) as (_, app), await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit_many([submit(to=BAD), submit(to=BAD, text="x", source_addr="DOOR")])
        await esme.receipts(2)
        assert metric(app, "replaced_senders_total", provider=CENTRE) == 1
    fields = [getattr(record, "fields", {}) for record in caplog.records]
    assert [(one["sender"], one["shown"]) for one in fields if "shown" in one] == [("ALARM", "SMSC.RU")]


# --- what smsc.ru gets -----------------------------------------------------------------------------

ITALICS = bytes.fromhex("050A0307056048656C6C6F")  # "Hello" in italics: EMS


@pytest.mark.parametrize("data_coding", [0, 4, 8])
async def test_text_with_a_header_of_its_own(tmp_path: Path, data_coding: int) -> None:
    octets = ITALICS if data_coding != 8 else ITALICS[:6] + "Привет".encode("utf-16-be")
    async with (
        smsc(tmp_path, Rules(latency=0.0)) as (simulator, app),
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit(octets, esm_class=EsmClass.UDHI, data_coding=data_coding))
        await eventually(lambda: simulator.accepted)
        (row,) = simulator.accepted
        assert (row["service"], row["text"]) == ("bin", octets.hex().upper())
        assert row.get("dcs") == ("8" if data_coding == 8 else None)


async def test_ports_that_tlvs_name(tmp_path: Path) -> None:
    async with (
        smsc(tmp_path, Rules(latency=0.0)) as (simulator, app),
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        ports = (tlv(Tag.SOURCE_PORT, 9200), tlv(Tag.DESTINATION_PORT, 2948))
        await esme.submit(submit("Door", tlvs=ports))
        await eventually(lambda: simulator.accepted)
        assert simulator.accepted[0]["text"] == "0605040B8423F0" + b"Door".hex().upper()


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_silent_sms_is_a_ping_or_refused(tmp_path: Path, allowed: bool) -> None:
    """protocol_id 0x40: it must not come out visible."""
    services = "services: [PING]" if allowed else ""
    sections = f"accounts: {{pbx: {{password: secret, {services}}}}}"
    async with (
        smsc(tmp_path, Rules(latency=0.0), sections=sections) as (simulator, app),
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        answer = await esme.ask(submit(protocol_id=0x40))
        assert answer.command_status == (0 if allowed else 0x45)
        if allowed:
            await eventually(lambda: simulator.accepted)
            assert (simulator.accepted[0]["service"], simulator.accepted[0]["text"]) == ("ping", "")


@pytest.mark.parametrize("allowed", [False, True])
async def test_macros_take_effect_or_are_refused(tmp_path: Path, allowed: bool) -> None:
    sections = "accounts: {pbx: {password: secret, services: [VIBER], status_codes: sms-assistent}}"
    keys = "service_texts: pass" if allowed else ""
    text = "Door {button,https://example.org,open} <file https://example.org/door.png>"
    async with (
        smsc(tmp_path, Rules(latency=0.0), keys, sections=sections) as (simulator, app),
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        answer = await esme.ask(submit(text, service_type="VIBER"))
        assert answer.command_status == (0 if allowed else 0x4A5)
        if allowed:
            await eventually(lambda: simulator.accepted)
            assert (simulator.accepted[0]["service"], simulator.accepted[0]["text"]) == ("viber", text)


# --- callbacks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "guesses"),
    [
        ("?md5", 1),
        ("?md5&fmt=2", 0),  # its content type names the charset
        ("?md5&fmt=3", 0),
        ("?charset=windows-1251&md5", 0),
        ("?charset=koi8-r&md5", 0),
        ("?charset=utf-8&md5", 0),
    ],
)
async def test_letters_of_callbacks(
    tmp_path: Path, query: str, guesses: int, caplog: pytest.LogCaptureFixture
) -> None:
    await check_letters(tmp_path, query)
    said = [record for record in caplog.records if record.getMessage() == "callback not in UTF-8"]
    assert len(said) == guesses


async def check_letters(directory: Path, query: str) -> None:
    """Two number checks and a message from a phone come with their letters, and rightly signed."""
    rules = Rules(delay=0.02, latency=0.0, secret="WORD")
    keys = "callback_secret: WORD, callback_signature: md5"
    sections = "accounts: {pbx: {password: secret, services: [HLR]}}\ninbound: [{to: pbx}]"
    async with (
        smsc(directory, rules, keys, query=query, sections=sections) as (simulator, app),
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(to=phone, service_type="HLR") for phone in others(2)])
        for receipt in await esme.receipts(2):
            assert b"cn=Rossiya net=MTS" in receipt.short_message
        simulator.receive(BAD, "Привет", "79009009090")
        inbound = await esme.receipt()
        assert inbound.short_message.decode("utf-16-be") == "Привет"


# --- entries of one login --------------------------------------------------------------------------

FIVE = [f"entry{place}" for place in range(5)]


async def test_entries_of_one_login_together_stay_below_what_gets_refused(tmp_path: Path) -> None:
    async with (
        smsc(tmp_path, Rules(latency=0.02, delay=0.02), "inbound_interval: 0.2", entries=FIVE) as (one, app),
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        phones = [phone for entry in range(5) for phone in others(8, entry)]
        await esme.submit_many([submit(to=phone) for phone in phones])
        await esme.receipts(40)  # though the callbacks of all come to the first entry
        assert sorted(row["phone"] for row in one.accepted) == phones
        assert one.peak <= 6  # four messages, and a question or two
        assert one.violations == []


async def test_a_wrong_password_is_tried_a_few_times_for_all_entries(tmp_path: Path) -> None:
    rules = Rules(password="OTHER", latency=0.0)
    async with (
        smsc(tmp_path, rules, "inbound_interval: 0.2", entries=FIVE) as (simulator, app),
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(to=phone) for entry in range(5) for phone in others(3, entry)])
        await eventually(lambda: not any(metric(app, "provider_up", provider=name) for name in FIVE))
        assert simulator.violations == []  # five refused logins would block the address


async def test_a_message_from_a_phone_is_asked_for_by_one_entry(tmp_path: Path) -> None:
    async with (
        smsc(tmp_path, Rules(latency=0.0), "inbound_interval: 0.2", entries=FIVE, sections=ALL_TO_PBX) as (
            simulator,
            app,
        ),
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        simulator.rules.callback_url = ""
        await esme.submit(submit(to=BAD))
        await eventually(lambda: simulator.accepted)
        for text in ("one", "two", "three"):
            simulator.receive(BAD, text, "79009009090")
            assert (await esme.receipt()).short_message == text.encode()
