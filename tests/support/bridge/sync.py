"""What tests of a bridge share: `mode: sync`, a provider that takes its time, what receipts say."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from smppbridge.errors import Unavailable
from smppbridge.flow.settle.pending import PendingResponses
from smppbridge.model.message import Message, State, StatusReport
from smppbridge.providers.base import SendResult
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import DeliverSm, SubmitSm, SubmitSmResp
from smppbridge.smpp.receipt import parse_receipt
from tests.support.bridge.failing_store import rows
from tests.support.bridge.pauses import build_with
from tests.support.bridge.scripted_provider import ScriptedProvider
from tests.support.esme.esme import Esme, submit

QUIET = 0.3  # seconds in which what must not come would have come
SYNC = "accounts: {pbx: {password: secret, mode: sync, status_codes: sms-assistent}}"


class Slow(ScriptedProvider):
    """Says what became of messages while ``answer`` is set."""

    def __init__(self, name: str, **limits: Any) -> None:
        super().__init__(name, **limits)
        self.answer = asyncio.Event()
        self.stopped = False

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        results = await super().send(messages, now)
        await self.answer.wait()
        return [Unavailable("stopped") for _ in messages] if self.stopped else results

    def stop(self) -> None:
        self.stopped = not self.answer.is_set()
        self.answer.set()


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on ESMEs of new bridges wait for half a second only."""
    build_with(monkeypatch, PendingResponses, patience=0.5)


def few(monkeypatch: pytest.MonkeyPatch, most_of_one: int) -> None:
    """From now on new bridges withhold so many answers of a connection only."""
    build_with(monkeypatch, PendingResponses, most_of_one=most_of_one)


async def ask(esme: Esme, pdu: SubmitSm | None = None) -> tuple[int, str]:
    """What a submit_sm is answered: command_status and message_id."""
    answer = await esme.ask(pdu or submit())
    assert isinstance(answer, SubmitSmResp)
    return answer.command_status, answer.message_id


async def answers(esme: Esme, count: int) -> dict[int, tuple[int, str]]:
    """By sequence_number: command_status and message_id."""
    came = [await esme.expect(SubmitSmResp) for _ in range(count)]
    found = {answer.sequence_number: (answer.command_status, answer.message_id) for answer in came}
    assert len(found) == count
    return found


def stages(directory: Path) -> list[tuple[object, ...]]:
    """Stage and state of every message, in their order."""
    return rows(directory, "SELECT stage, state FROM messages ORDER BY id")


def delivered(ref: str) -> StatusReport:
    return StatusReport(ref, int(State.DELIVERED), True, 0, "2")


def stat(pdu: DeliverSm) -> str | None:
    return parse_receipt(pdu.short_message.decode("ascii")).stat


def id_of(pdu: DeliverSm) -> object:
    return pdu.tlv(Tag.RECEIPTED_MESSAGE_ID)


async def nothing_owed(directory: Path, esme: Esme) -> None:
    await esme.quiet(DeliverSm)
    assert rows(directory, "SELECT id FROM receipts") == []
