"""The smsc.ru provider against a simulator that enforces every limit of the manual."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from smppbridge.errors import Postponed, Uncertain
from smppbridge.model.message import Message, Poll, State
from smppbridge.providers.base import News, Taken, Trace
from smppbridge.providers.smsc_ru.options import SmscRuOptions
from smppbridge.providers.smsc_ru.provider import SmscRu
from tests.simulators.smsc_ru.simulator import Rules, SmscRuSimulator
from tests.support.builders.messages import DAY, doubt, message
from tests.support.builders.upcalls import Upcalls
from tests.support.http.server import Fault
from tests.unit.providers.smsc_ru.centre import hand_over

MINUTE = 60_000  # ms
WAYS: list[dict[str, str]] = [
    *({"format": format_} for format_ in ("json", "xml", "numbers", "text")),
    {"api": "rest"},
]
EXTRAS = {"bot": "@our_bot", "mail_sender": "us@example.org"}


async def no_report(reports: Sequence[News]) -> None:
    raise AssertionError


@asynccontextmanager
async def centre(**keys: Any) -> AsyncIterator[tuple[SmscRuSimulator, SmscRu]]:
    """A simulator, quick but strict, and a provider."""
    async with SmscRuSimulator(Rules(delay=600.0, latency=0.005)) as simulator:
        rights = {"login": "LOGIN", "password": "PASSWORD", "url": simulator.url}
        provider = SmscRu(
            "centre", SmscRuOptions.model_validate({"kind": "smsc", **rights, **EXTRAS, **keys})
        )
        await provider.start(Upcalls(no_report))
        try:
            yield simulator, provider
        finally:
            await provider.close()
        assert simulator.violations == []


def fresh(number: int, **changes: Any) -> Message:
    now = int(time.time() * 1000)
    return message(number, **{"submitted_at": now, "deadline": now + DAY, **changes})


def move_to_the_end(simulator: SmscRuSimulator) -> None:
    """Messages are handed over, and then they end."""
    simulator.move_on()
    simulator.move_on()


def poll_of(sent: Message) -> Poll:
    return Poll(sent.id, f"b{sent.id}.{sent.attempt}", "", sent.recipient, int(time.time() * 1000))


@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_the_whole_life_of_messages(way: dict[str, str]) -> None:
    async with centre(**way) as (simulator, provider):
        messages = [fresh(1, text='Ёлка, "€" <&>'), fresh(2), fresh(3)]
        simulator.rules.errors = {messages[1].recipient: 7}
        results = await hand_over(provider, messages, messages[0].submitted_at)
        assert [getattr(result, "status", result) for result in results] == [
            Taken("b1.1"),
            0x0B,
            Taken("b3.1"),
        ]
        assert [row["text"] for row in simulator.accepted] == [messages[0].text, messages[2].text]
        assert provider.last_balance == pytest.approx(simulator.rules.balance)
        simulator.rules.outcomes = {messages[2].recipient: (20, 6)}
        move_to_the_end(simulator)
        reports = await provider.status([poll_of(messages[0]), poll_of(messages[1]), poll_of(messages[2])])
        assert [(report.provider_ref, report.state, report.final, report.err) for report in reports] == [
            ("b1.1", State.DELIVERED, True, 0),
            ("b3.1", State.UNDELIVERABLE, True, 6),
        ]
        assert await provider.status([poll_of(messages[1])]) == []
        assert await provider.balance() == pytest.approx(simulator.rules.balance)


@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_many_at_once_stay_below_what_gets_refused(way: dict[str, str]) -> None:
    async with centre(**way) as (simulator, provider):
        slots = asyncio.Semaphore(provider.limits.parallel)

        async def send(number: int) -> object:
            async with slots:
                return (await hand_over(provider, [fresh(number)], int(time.time() * 1000)))[0]

        results = await asyncio.gather(*map(send, range(1, 41)), provider.balance(), provider.inbound(None))
        assert results[:40] == [Taken(f"b{number}.1") for number in range(1, 41)]
        assert len(simulator.accepted) == 40


@pytest.mark.parametrize("api", ["form", "rest"])
@pytest.mark.parametrize(
    ("service", "recipient", "text", "bought"),
    [
        ("HLR", "79001112233", "", "hlr"),
        ("PING", "79001112233", "", "ping"),
        ("CALL", "79001112233", "Алло", "call"),
        ("VIBER", "79001112233", "Алло", "viber"),
        ("WAPP", "79001112233", "Алло", "whatsapp"),
        ("SOC", "79001112233", "Алло", "soc"),
        ("TG", "79001112233", "123456", "tg"),
        ("BOT", "79001112233", "Алло", "bot"),
        ("BOT", "@alex_nick", "Алло", "bot"),
        ("BOT", "#1122334455", "Алло", "bot"),
        ("MAIL", "a.b@example.org", "Тема\nПисьмо", "mail"),
        ("PUSH", "79001112233", "http://example.org\nTitle", "push"),
    ],
)
async def test_services(api: str, service: str, recipient: str, text: str, bought: str) -> None:
    async with centre(api=api) as (simulator, provider):
        assert service in provider.services
        sent = fresh(1, service_type=service, recipient=recipient, text=text)
        assert await hand_over(provider, [sent], sent.submitted_at) == [Taken("b1.1")]
        (row,) = simulator.accepted
        assert (row["service"], row["phone"]) == (bought, recipient)
        assert row["text"] == ("Письмо" if service == "MAIL" else text)
        move_to_the_end(simulator)
        (report,) = await provider.status([poll_of(sent)])
        assert report.state == State.DELIVERED
        assert ("imsi=" in report.details) == (service == "HLR")


@pytest.mark.parametrize("api", ["form", "rest"])
async def test_a_call_with_a_recording(api: str) -> None:
    async with centre(api=api, fileurl="http://mysite.com/voice.wav") as (simulator, provider):
        sent = fresh(1, service_type="CALL", text="Алло")
        assert await hand_over(provider, [sent], sent.submitted_at) == [Taken("b1.1")]
        assert simulator.accepted[0]["fileurl"] == "http://mysite.com/voice.wav"


@pytest.mark.parametrize("api", ["form", "rest"])
async def test_binary_and_flash(api: str) -> None:
    async with centre(api=api) as (simulator, provider):
        octets = bytes.fromhex("050A0307056048656C6C6F")
        messages = [
            fresh(1, text="", octets=octets, data_coding=4),
            fresh(2, text="", octets=b"\x00abc", data_coding=0xF5, protocol_id=64),
            fresh(3, flash=True),
        ]
        results = await hand_over(provider, messages, messages[0].submitted_at)
        assert results == [Taken("b1.1"), Taken("b2.1"), Taken("b3.1")]
        plain, coded, flash = simulator.accepted
        assert (plain["service"], bytes.fromhex(plain["text"]), "pid" in plain) == ("bin", octets, False)
        assert (coded["text"], coded["pid"], coded["dcs"]) == ("00616263", "64", "245")
        assert (flash["service"], flash["text"]) == ("flash", messages[2].text)


@pytest.mark.parametrize("api", ["form", "rest"])
async def test_smsc_keeps_a_scheduled_message(api: str) -> None:
    async with centre(api=api, schedule="provider") as (simulator, provider):
        sent = fresh(1)
        sent = sent._replace(send_at=sent.submitted_at + 60 * MINUTE)
        assert await hand_over(provider, [sent], sent.submitted_at) == [Taken("b1.1")]
        assert simulator.accepted[0]["valid"] == "23:00"
        (report,) = await provider.status([poll_of(sent)])
        assert (report.state, report.final) == (State.ACCEPTED, False)


@pytest.mark.parametrize("api", ["form", "rest"])
async def test_a_lost_answer_never_sends_twice(api: str) -> None:
    """The attempt after a lost answer is refused as a repetition, and the first one is found."""
    async with centre(api=api) as (simulator, provider):
        simulator.faults.append(Fault.RESET_AFTER)
        first = fresh(1)
        assert isinstance((await hand_over(provider, [first], first.submitted_at))[0], Uncertain)
        second = first._replace(attempt=2)
        assert isinstance((await hand_over(provider, [second], second.submitted_at))[0], Uncertain)
        assert await provider.find([doubt(second)], second.submitted_at) == [Trace(1, ("b1.1",))]
        assert len(simulator.accepted) == 1


async def test_the_same_text_of_somebody_else_waits_a_minute() -> None:
    async with centre() as (_simulator, provider):
        one, other = fresh(1, recipient="79001112233", text="x"), fresh(2, recipient="79001112233", text="x")
        taken, postponed = await hand_over(provider, [one, other], one.submitted_at)
        assert taken == Taken("b1.1")
        assert isinstance(postponed, Postponed)
        assert postponed.after == 61
