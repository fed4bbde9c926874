"""smspilot's own rules: how a batch becomes packets, whose answer is whose."""

import json
import threading
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

import pytest

from smppbridge.errors import Disabled, Postponed, ProviderError, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.providers.base import News, SendResult, Taken
from smppbridge.providers.http import provider as http_provider
from smppbridge.providers.http.sending import SENDING_TIME
from smppbridge.providers.smspilot.provider import Smspilot, SmspilotOptions
from smppbridge.providers.smspilot.records import PilotAnswer
from smppbridge.providers.smspilot.wire_json import decode
from tests.support.builders.messages import NOW, message
from tests.support.builders.upcalls import Upcalls
from tests.support.http.scripted import ScriptedServer


async def no_report(reports: Sequence[News]) -> None:
    raise AssertionError


EMPTY: Mapping[str, Any] = {}


class Pilot(AsyncExitStack):
    """A provider and a server that answers as prepared."""

    def __init__(
        self,
        *answers: str,
        callback_url: str | None = None,
        arguments: Mapping[str, Any] = EMPTY,
        **keys: object,
    ) -> None:
        """``arguments``: of the provider; ``keys``: of its options."""
        super().__init__()
        self.server = ScriptedServer(*answers)
        self._keys = keys
        self._callback_url = callback_url
        self._arguments = arguments

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.enter_async_context(self.server)
        options = SmspilotOptions.model_validate(
            {"kind": "smspilot", "apikey": "SECRET", "url": self.server.url, "timeout": 5, **self._keys}
        )
        self.provider = Smspilot("pilot", options, callback_url=self._callback_url, **self._arguments)
        await self.provider.start(Upcalls(no_report))
        self.push_async_callback(self.provider.close)
        return self

    @property
    def packets(self) -> list[dict[str, Any]]:
        assert {path for path, _ in self.server.asked} <= {"/api2.php"}
        return [json.loads(body) for _, body in self.server.asked]


def ok(*numbers: int) -> str:
    items = [{"id": str(n), "server_id": str(1000 + n), "status": 0, "error": 0} for n in numbers]
    return json.dumps({"server_packet_id": "77", "balance": 5.5, "send": items})


def refuse(code: int, words: str = "no") -> str:
    return json.dumps({"error": {"code": code, "description": words}})


def kinds(results: Sequence[SendResult]) -> list[type[object]]:
    return [type(result) for result in results]


plain = Smspilot("pilot", SmspilotOptions.model_validate({"kind": "smspilot", "apikey": "K"}))


# --- packets ---------------------------------------------------------------------------------------


async def test_one_packet_for_each_sender() -> None:
    async with Pilot(ok(1, 2, 3), default_sender="Main") as pilot:
        messages = [
            message(1, sender="One"),
            message(2, sender=""),
            message(3, sender="Main"),
            message(4, sender="One"),
        ]
        await pilot.provider.send(messages, NOW)
        packets = [(packet["from"], [item["id"] for item in packet["send"]]) for packet in pilot.packets]
        assert packets == [("One", [1, 4]), ("Main", [2, 3])]


async def test_no_sender_at_all_leaves_the_choice_to_the_account() -> None:
    async with Pilot(ok(1)) as pilot:
        await pilot.provider.send([message(1, sender="")], NOW)
        assert "from" not in pilot.packets[0]


async def test_a_recipient_stands_once_in_a_packet() -> None:
    async with Pilot(ok(1, 3, 5), ok(2), ok(4)) as pilot:
        messages = [
            message(n, recipient="79001112233" if n in (1, 2, 4) else f"7900{n:07d}") for n in range(1, 6)
        ]
        results = await pilot.provider.send(messages, NOW)
        assert [[item["id"] for item in packet["send"]] for packet in pilot.packets] == [[1, 3, 5], [2], [4]]
        assert kinds(results) == [Taken] * 5


async def test_halving_finds_the_bad_message() -> None:
    answers = [refuse(215), ok(1, 2), refuse(215), ok(3), refuse(215, "Invalid phone 79000000004")]
    async with Pilot(*answers) as pilot:
        results = await pilot.provider.send([message(n) for n in range(1, 5)], NOW)
        assert [[item["id"] for item in packet["send"]] for packet in pilot.packets] == [
            [1, 2, 3, 4],
            [1, 2],
            [3, 4],
            [3],
            [4],
        ]
        assert results[:3] == [Taken("1001", "77"), Taken("1002", "77"), Taken("1003", "77")]
        (bad,) = results[3:]
        assert isinstance(bad, Rejected)
        assert (bad.code, bad.err, bad.status) == ("215", 215, 0x0B)
        assert "79000000004" not in bad.reason


async def test_halving_stops_at_an_account_error() -> None:
    async with Pilot(refuse(223), ok(1, 2), refuse(113)) as pilot:
        results = await pilot.provider.send([message(n) for n in range(1, 5)], NOW)
        assert kinds(results) == [Taken, Taken, Disabled, Disabled]
        assert len(pilot.packets) == 3


@pytest.mark.parametrize(
    ("code", "first", "second"),
    [
        (102, Disabled, Disabled),
        (106, Disabled, Disabled),
        (110, Unavailable, Unavailable),
        (118, Throttled, Throttled),
        (201, Rejected, Rejected),  # this sender is wrong, the next may be right
    ],
)
async def test_envelope_about_the_whole_packet(
    code: int, first: type[ProviderError], second: type[ProviderError]
) -> None:
    async with Pilot(refuse(code)) as pilot:
        messages = [message(1, sender="One"), message(2, sender="One"), message(3, sender="Two")]
        assert kinds(await pilot.provider.send(messages, NOW)) == [first, first, second]
        assert len(pilot.packets) == (2 if first is Rejected else 1)


async def test_refusal_of_one_message_does_not_stop_the_packets_behind() -> None:
    first = json.dumps({"send": [row(id=1, status=-2, error=212)]})
    async with Pilot(first, ok(2)) as pilot:
        results = await pilot.provider.send([message(1, sender="One"), message(2, sender="Two")], NOW)
        assert kinds(results) == [Rejected, Taken]


async def test_ten_messages_refused_alone_make_the_rest_wait() -> None:
    async with Pilot(refuse(223)) as pilot:
        results = await pilot.provider.send([message(n) for n in range(1, 201)], NOW)
        assert kinds(results) == [Rejected] * 10 + [Postponed] * 190
        assert len(pilot.packets) < 40
    last = results[-1]
    assert isinstance(last, Postponed)
    assert last.after == 60


@pytest.mark.parametrize("other", [refuse(212), ok(5)])
async def test_only_one_code_in_a_row_makes_the_rest_wait(other: str) -> None:
    """One packet for each sender."""
    async with Pilot(*[refuse(223)] * 4, other, *[refuse(223)] * 9, ok(15)) as pilot:
        results = await pilot.provider.send([message(n, sender=f"Demo{n}") for n in range(1, 16)], NOW)
        assert kinds(results)[5:] == [Rejected] * 9 + [Taken]


async def test_large_answers_are_read_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    readers: list[threading.Thread] = []

    def watched(body: bytes) -> PilotAnswer:
        readers.append(threading.current_thread())
        return decode(body)

    monkeypatch.setattr("smppbridge.providers.smspilot.wire_json.decode", watched)
    padding = " " * http_provider.LARGE_ANSWER
    async with Pilot(ok(1), ok(2) + padding, "{" + padding) as pilot:
        assert kinds(await pilot.provider.send([FIRST], NOW)) == [Taken]
        assert kinds(await pilot.provider.send([SECOND], NOW)) == [Taken]
        assert kinds(await pilot.provider.send([FIRST], NOW)) == [Uncertain]
    assert [reader is threading.current_thread() for reader in readers] == [True, False, False]


@pytest.mark.parametrize(
    ("keys", "status"), [({"text": "HLR"}, 0x4A5), ({"text": ""}, 0x4A5), ({"sender": "ab"}, 0x0A)]
)
async def test_unfit_message_is_rejected_as_check_refuses_it(keys: dict[str, str], status: int) -> None:
    async with Pilot(ok(2)) as pilot:
        rejected, taken = await pilot.provider.send([message(1, **keys), SECOND], NOW)
        assert [item["id"] for packet in pilot.packets for item in packet["send"]] == [2]
    assert isinstance(rejected, Rejected)
    assert (rejected.status, rejected.err, rejected.code) == (status, 0, "unfit")
    assert isinstance(taken, Taken)


async def test_no_request_begins_when_the_lease_is_near() -> None:
    async with Pilot(ok(1), arguments={"sending_time": 0.0}) as pilot:
        results = await pilot.provider.send([message(1)], NOW)
        assert kinds(results) == [Unavailable]
        assert pilot.packets == []


async def test_ttl_shrinks_while_packets_are_on_their_way() -> None:
    async with Pilot(ok(1), ok(2)) as pilot:
        left = 120_001
        await pilot.provider.send(
            [message(n, sender=f"Demo{n}", deadline=NOW + left) for n in (1, 2)], NOW - 1
        )
        first, second = (packet["send"][0]["ttl"] for packet in pilot.packets)
        assert (first, second) in {(3, 3), (3, 2)}


# --- whose answer is whose -------------------------------------------------------------------------

FIRST, SECOND = message(1), message(2)


def row(**keys: object) -> dict[str, object]:
    return {"status": 0, "error": 0, **keys}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        # by the echoed id, as string or number, in any order
        ([row(id=2, server_id=12), row(id="1", server_id="11")], ["11", "12"]),
        # other states than "accepted" are taken, too
        ([row(id=1, server_id=11, status=3), row(id=2, server_id=12, status="1")], ["11", "12"]),
        # one is not mentioned
        ([row(id=2, server_id=12)], [Uncertain, "12"]),
        ([], [Uncertain, Uncertain]),
        # an id twice
        ([row(id=1, server_id=11), row(id=1, server_id=12)], [Uncertain, Uncertain]),
        # a reference twice: whose would its status be?
        ([row(id=1, server_id=11), row(id=2, server_id=11)], [Uncertain, Uncertain]),
        # no reference, no status, no sense
        ([row(id=1), row(id=2, server_id=12, status="x")], [Uncertain, Uncertain]),
        ([row(id=1, server_id=0), 5], [Uncertain, Uncertain]),
        # refused
        ([row(id=1, server_id=0, status=-2, error="212"), row(id=2, server_id=12)], [Rejected, "12"]),
        ([row(id=1, server_id=11, status="-2"), row(id=2, server_id=12)], [Rejected, "12"]),
        ([row(id=1, server_id=0, status=-2, error=241), row(id=2, server_id=12)], [Disabled, "12"]),
        # no ids: by position, if the numbers agree
        ([row(to=FIRST.recipient, server_id=11), row(to=SECOND.recipient, server_id=12)], ["11", "12"]),
        (
            [row(id="0", to=FIRST.recipient, server_id=11), row(id=0, to=SECOND.recipient, server_id=12)],
            ["11", "12"],
        ),
        (
            [row(to=SECOND.recipient, server_id=11), row(to=FIRST.recipient, server_id=12)],
            [Uncertain, Uncertain],
        ),
        ([row(to=FIRST.recipient, server_id=11)], [Uncertain, Uncertain]),
        ([row(server_id=11), row(server_id=12)], [Uncertain, Uncertain]),
        # ids that a narrower column has cut are none
        (
            [row(id=2147483647, to=m.recipient, server_id=n) for n, m in ((11, FIRST), (12, SECOND))],
            ["11", "12"],
        ),
    ],
)
async def test_matching(items: list[object], expected: list[str | type[ProviderError]]) -> None:
    async with Pilot(json.dumps({"server_packet_id": 9, "send": items})) as pilot:
        results = await pilot.provider.send([FIRST, SECOND], NOW)
    assert [result.ref if isinstance(result, Taken) else type(result) for result in results] == expected
    assert all(result.packet == "9" for result in results if isinstance(result, Taken))


@pytest.mark.parametrize(("attempt", "expected"), [(1, Rejected), (2, Uncertain)])
@pytest.mark.parametrize("answer", [refuse(243), json.dumps({"send": [row(id=1, status=-2, error=243)]})])
async def test_duplicate_of_our_own_earlier_try(
    attempt: int, expected: type[ProviderError], answer: str
) -> None:
    async with Pilot(answer, ok(2)) as pilot:
        messages = [message(1, attempt=attempt), message(2, sender="Other")]
        results = await pilot.provider.send(messages, NOW)
    assert kinds(results) == [expected, Taken]
    assert isinstance(results[0], ProviderError)
    assert results[0].code == "243"


async def test_balance_is_kept_from_every_answer() -> None:
    async with Pilot(ok(1)) as pilot:
        assert pilot.provider.last_balance is None
        await pilot.provider.send([message(1)], NOW)
        assert pilot.provider.last_balance == 5.5


async def test_no_secret_in_what_the_provider_says() -> None:
    async with Pilot(refuse(102, "key SECRET of\n+79001112233 not found " + "x" * 500)) as pilot:
        (error,) = await pilot.provider.send([message(1)], NOW)
    assert isinstance(error, Disabled)
    assert error.reason.startswith(
        "102: the apikey is not known at smspilot: key *** of +7900*** not found x"
    )
    assert len(error.reason) < 280


async def test_before_start_nothing_is_sent() -> None:
    assert kinds(await plain.send([message(1)], NOW)) == [Unavailable]


# --- limits ----------------------------------------------------------------------------------------


def test_limits_follow_the_options_and_the_callback() -> None:
    def limits(callback_url: str | None, **keys: object) -> tuple[float, float]:
        options = SmspilotOptions.model_validate({"kind": "smspilot", "apikey": "K", **keys})
        chosen = Smspilot("pilot", options, callback_url=callback_url).limits
        assert chosen.poll_batch == 1000  # a packet may hold so many
        assert chosen.lease > 3 * options.timeout + SENDING_TIME
        return chosen.poll_first, chosen.poll_interval

    assert limits(None) == (300, 300)
    assert limits("https://a.example/c") == (600, 600)
    assert limits("https://a.example/c", poll_first="2m", poll_interval="4m") == (120, 240)
    assert limits(None, timeout=300) == (300, 300)


async def test_callback_url_goes_with_every_packet() -> None:
    async with Pilot(ok(1), callback_url="https://a.example/callbacks/pilot/token") as pilot:
        await pilot.provider.send([message(1)], NOW)
        assert pilot.packets[0]["callback"] == "https://a.example/callbacks/pilot/token"
        assert pilot.server.headers[0]["content-type"] == "application/json; charset=utf-8"
