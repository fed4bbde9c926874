"""The provider against the simulator, where the contract does not look: formats, services, tests, times."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smppbridge.errors import Disabled, ProviderError, Rejected, Uncertain
from smppbridge.model.message import UNTOLD, Inbound, Message, Particulars, Poll, State, StatusReport
from smppbridge.providers.base import Callback, SendResult, Taken
from smppbridge.providers.smspilot.provider import Smspilot, SmspilotOptions
from tests.simulators.smspilot.simulator import Rules, SmspilotSimulator
from tests.support.builders.messages import DAY, doubt, message
from tests.support.builders.upcalls import Upcalls
from tests.support.http.server import Fault, HttpServer
from tests.unit.providers.smspilot.test_provider import no_report

WIRES: dict[str, dict[str, object]] = {
    "api2-json": {},
    "api2-xml": {"api": "api2-xml"},
    **{f"api1-{format}": {"api": "api1", "format": format} for format in ("json", "xml", "text", "v")},
}


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> dict[str, object]:
    return WIRES[request.param]


class Both:
    """A simulator and a provider that talks to it."""

    def __init__(self, simulator: SmspilotSimulator, provider: Smspilot) -> None:
        self.simulator = simulator
        self.provider = provider

    async def send(self, *messages: Message) -> list[SendResult]:
        return await self.provider.send(messages, now())

    async def final(self, *results: SendResult) -> list[StatusReport]:
        """Final statuses, asked for one by one, which any format can answer."""
        taken = [result for result in results if isinstance(result, Taken)]
        assert len(taken) == len(results)
        return [await self._final(one) for one in taken]

    async def _final(self, taken: Taken) -> StatusReport:
        for _ in range(200):
            found = await self.provider.status([Poll(1, taken.ref, taken.packet, "79001112233", now())])
            if found and found[0].final:
                return found[0]
            await asyncio.sleep(0.01)
        raise AssertionError("no final status")


def now() -> int:
    return time.time_ns() // 1_000_000


def fresh(number: int, **changes: Any) -> Message:
    return message(number, **{"submitted_at": now(), "deadline": now() + DAY, **changes})


@asynccontextmanager
async def both(wire: dict[str, object], callback_url: str | None = None, **rules: Any) -> AsyncIterator[Both]:
    async with SmspilotSimulator(Rules(**{"delay": 0.02, "poll_interval": 0, **rules})) as simulator:
        own = {"kind": "smspilot", "apikey": "KEY", "url": simulator.url, "poll_interval": "20ms"}
        keys = {**own, **wire}
        provider = Smspilot("pilot", SmspilotOptions.model_validate(keys), callback_url=callback_url)
        await provider.start(Upcalls(no_report))
        yield Both(simulator, provider)
        await provider.close()


@pytest.mark.parametrize("sloppy", [False, True])
async def test_one_text_to_many_and_what_became_of_it(wire: dict[str, object], sloppy: bool) -> None:
    async with both(wire, sloppy=sloppy) as it:
        it.simulator.rules.outcomes = {fresh(2).recipient: (-1, 601)}
        results = await it.send(*(fresh(number, text="Всем, всем!") for number in (1, 2, 3)))
        reports = await it.final(*results)
        assert [report.state for report in reports] == [State.DELIVERED, State.UNDELIVERABLE, State.DELIVERED]
        assert reports[1].err == (1 if _lacks_codes(wire, sloppy) else 601)
        assert [row["text"] for row in it.simulator.accepted] == ["Всем, всем!"] * 3
        assert it.simulator.packets == (3 if wire.get("format") == "v" else 1)
        assert it.simulator.violations == []


def _lacks_codes(wire: dict[str, object], sloppy: bool) -> bool:
    """Whether the format has no place for the error of one message."""
    return wire.get("format") == "v" or (wire.get("format") == "text" and sloppy)


@pytest.mark.parametrize("sloppy", [False, True])
@pytest.mark.parametrize("bad", [(2,), (1, 2, 3), (1, 2, 3, 4)])
async def test_refused_numbers(wire: dict[str, object], bad: tuple[int, ...], sloppy: bool) -> None:
    async with both(wire, sloppy=sloppy) as it:
        it.simulator.rules.black_list = frozenset(fresh(number).recipient for number in bad)
        results = await it.send(*(fresh(number, text="Всем") for number in (1, 2, 3, 4)))
        for number, result in enumerate(results, 1):
            if number in bad:
                assert isinstance(result, Rejected)
                assert result.status == 0x45
                assert result.code in (("212", "-2") if _lacks_codes(wire, sloppy) else ("212",))
            else:
                assert isinstance(result, Taken)
        assert len(it.simulator.accepted) == 4 - len(bad)


@pytest.mark.parametrize("code", [105, 106, 107, 110, 112, 118, 122, 212, 226, 240, 241, 243, 600, 604, 715])
@pytest.mark.parametrize("name", [name for name in WIRES if name != "api1-v"])
async def test_whatever_one_recipient_gets_the_others_go(name: str, code: int) -> None:
    """Where several go in one request, that is: a code beside messages that were taken is about its own."""
    async with both(WIRES[name], errors={fresh(2).recipient: code}) as it:
        same = {"text": "Всем"}
        messages = [fresh(number, **same) for number in (1, 2, 3)] + [fresh(4, sender="Other", **same)]
        results = await it.send(*messages)
    bad = results.pop(1)
    assert isinstance(bad, ProviderError)
    assert bad.about_message
    assert [type(result) for result in results] == [Taken] * 3


async def test_what_it_costs_and_what_the_phone_shows(wire: dict[str, object]) -> None:
    async with both(wire, replaced={"Demo": "INFORM"}) as it:
        (taken,) = await it.send(fresh(1, text="Всем " * 20))
        assert isinstance(taken, Taken)
        (report,) = await it.final(taken)
    named = Particulars(2_580_000, "RUB", 2, "operator=TELE2 country=RU", "INFORM")
    unnamed = {"text": Particulars(2_580_000, "RUB"), "v": UNTOLD}
    assert taken.told == unnamed.get(str(wire.get("format")), named)
    if wire.get("format") in ("json", "xml"):
        assert report.told == named._replace(sender="")


async def test_a_callback_address_that_is_refused_stops_nothing(wire: dict[str, object]) -> None:
    async with both(wire, "http://127.0.0.1:9/callbacks/pilot/token", takes_callbacks=False) as it:
        (report,) = await it.final(*await it.send(fresh(1)))
        assert report.state == State.DELIVERED
        assert len(it.simulator.accepted) == 1


async def test_no_money(wire: dict[str, object]) -> None:
    async with both(wire, balance=0.5) as it:
        (error,) = await it.send(fresh(1))
        assert isinstance(error, Disabled)
        assert error.status == 0x4A4


async def test_money_for_some_of_a_packet(wire: dict[str, object]) -> None:
    """The packet is refused whole: the account cannot pay for all of it."""
    async with both(wire, balance=3.0) as it:
        results = await it.send(*(fresh(number, text="x") for number in range(1, 9)))
        assert [isinstance(result, Taken) for result in results] == [True] * 2 + [False] * 6
        assert {type(result) for result in results[2:]} == {Disabled}
        assert it.provider.last_balance == pytest.approx(3.0 - 2 * 1.29)


async def test_balance(wire: dict[str, object]) -> None:
    async with both(wire, balance=100.0) as it:
        assert await it.provider.balance() == 100.0
        await it.send(fresh(1, text="x"))
        assert await it.provider.balance() == pytest.approx(98.71)


SOLD = [
    ("HLR", "HLR"),
    ("PING", "PING"),
    ("HLRV", "HLRVIP"),
    ("CALL", "GOLOS"),
    ("FLSHC", "FLASHCALL"),
    ("2WAY", "2WAY"),
]


@pytest.mark.parametrize(("service", "sold"), SOLD)
async def test_services(wire: dict[str, object], service: str, sold: str) -> None:
    async with both(wire, survey_template=True) as it:
        text = "0123" if service == "FLSHC" else "Да или нет?"
        (report,) = await it.final(*await it.send(fresh(1, service_type=service, text=text)))
        assert report.state == State.DELIVERED
        (row,) = it.simulator.accepted
        assert row["service"] == sold
        assert row["text"] == (
            "HLRVIP" if service == "HLRV" else service if sold == service != "2WAY" else text
        )
        told = service == "HLRV" and wire.get("format") not in ("text", "v")
        assert bool(report.details) == told


async def test_a_survey_without_a_template(wire: dict[str, object]) -> None:
    async with both(wire) as it:
        (error,) = await it.send(fresh(1, service_type="2WAY"))
        assert isinstance(error, Rejected)
        assert error.code == "227"


async def test_a_scheduled_message_waits_at_smspilot(wire: dict[str, object]) -> None:
    async with both({**wire, "schedule": "provider"}) as it:
        later = now() + 3_600_000
        (taken,) = await it.send(fresh(1, send_at=later, deadline=later + 600_000))
        assert isinstance(taken, Taken)
        (report,) = await it.provider.status([Poll(1, taken.ref, taken.packet, "", now())])
        assert (report.state, report.final) == (State.ACCEPTED, False)
        assert it.simulator.accepted[0]["ttl"] == 10


async def test_a_test_delivers_nothing(wire: dict[str, object]) -> None:
    async with both({**wire, "test": True}) as it:
        (taken,) = await it.send(fresh(1))
        assert isinstance(taken, Taken)
        reports = await it.provider.status([Poll(1, taken.ref, taken.packet, "", now())])
        assert [report.provider_ref for report in reports] == [taken.ref]
        assert it.simulator.accepted == []
        assert it.simulator.violations == []


async def test_what_was_taken_without_an_answer_is_found(wire: dict[str, object]) -> None:
    async with both(wire) as it:
        it.simulator.faults.append(Fault.RESET_AFTER)
        lost = fresh(1, text="Привет,\n1,2 <3>\r\n")
        assert [type(result) for result in await it.send(lost)] == [Uncertain]
        (trace,) = await it.provider.find([doubt(lost)], now())
        assert trace.refs == (it.simulator.accepted[0]["server_id"],)


async def test_messages_from_phones(wire: dict[str, object]) -> None:
    async with both(wire) as it:
        ref = it.simulator.receive("79087964781", "да,\n79001112233,0", "79533984570")
        told = await it.provider.inbound(None)
        assert await it.provider.inbound(None) == []
        assert await it.provider.inbound(now() - 60_000) == told
    (arrived,) = told
    assert arrived._replace(at=0) == Inbound(ref, "79087964781", "79533984570", "да,\n79001112233,0", 0)
    assert now() - 60_000 < arrived.at <= now()


@pytest.mark.parametrize("method", ["get", "post"])
async def test_callbacks_bring_the_password_and_the_fields(wire: dict[str, object], method: str) -> None:
    heard: asyncio.Queue[Callback] = asyncio.Queue()
    async with listener(heard) as url:
        keys = {"callback_user": "us er", "callback_password": "p@s:s/w", "callback_fields": "all"}
        async with both({**wire, **keys, "callback_method": method}, callback_url=url) as it:
            (taken,) = await it.send(fresh(1, text="", service_type="HLRV"))
            assert isinstance(taken, Taken)
            callbacks = [await asyncio.wait_for(heard.get(), 30) for _ in range(2)]
            reports = [news for callback in callbacks for news in it.provider.parse_callback(callback)]
    assert {callback.method for callback in callbacks} == {method.upper()}
    assert "country" in {**callbacks[1].query, **callbacks[1].form}
    assert [(r.provider_ref, r.state) for r in reports if isinstance(r, StatusReport)] == [
        (taken.ref, State.ENROUTE),
        (taken.ref, State.DELIVERED),
    ]
    assert isinstance(reports[1], StatusReport)
    assert reports[1].details.startswith("imsi=")


@asynccontextmanager
async def listener(heard: "asyncio.Queue[Callback]") -> AsyncIterator[str]:
    """Our side of callbacks."""

    async def hear(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        heard.put_nowait(Callback(request.method, dict(request.query_params), dict(request.headers), form))
        return Response("ok")

    async with HttpServer(Starlette(routes=[Route("/token", hear, methods=["GET", "POST"])])) as server:
        yield f"{server.url}/token"
