"""What the tests of providers do again and again: messages, results, questions, the search for secrets."""

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, TypeVar

from smppbridge.errors import ProviderError
from smppbridge.logs import TextFormatter
from smppbridge.model.message import Draft, Message, Poll, StatusReport
from smppbridge.providers.base import News, Provider, SendResult, Taken
from tests.contract.providers.rig import Rig
from tests.support.builders.messages import DAY, message
from tests.support.http.server import Fault
from tests.support.system.clock import clock, until

T = TypeVar("T")

WORD = "Привет"  # every text of `fresh` begins so: no log line and no error may say it
PHONE = "79001112233"  # of nobody else than who uses it by name
HANGING = frozenset({Fault.HANG_BEFORE, Fault.HANG_AFTER})
TIMEOUT = 10.0  # seconds that a provider of `Rig.open` waits for an answer


def now() -> int:
    """The time in ms."""
    return time.time_ns() // 1_000_000


def fresh(number: int, **changes: Any) -> Message:
    """Message ``number``, submitted now, to a phone of its own."""
    moment = now()
    return message(number, **{"submitted_at": moment, "deadline": moment + DAY, **changes})


def batch(*numbers: int) -> list[Message]:
    """Messages that differ in their phones and texts."""
    return [fresh(number) for number in numbers]


def apart(rig: Rig, *numbers: int) -> list[Message]:
    """Messages that need a request each."""
    return [fresh(number, **rig.apart(number)) for number in numbers]


def as_message(number: int, draft: Draft) -> Message:
    """A message like ``draft``."""
    fields = draft._asdict()
    only_intake_knows = ("unlisted", "ports", "ping")
    return fresh(number, **{name: value for name, value in fields.items() if name not in only_intake_knows})


async def after(rig: Rig, fault: Fault, asked: Awaitable[T]) -> T:
    """What comes of it when a request has this fault: where it hangs, the time for its answer is over now."""
    asking = asyncio.ensure_future(asked)
    if fault in HANGING:
        await until(lambda: rig.hung)
        clock().forward(TIMEOUT)
    return await asking


async def no_report(reports: Sequence[News]) -> None:
    """What a provider is started with."""
    raise AssertionError("an HTTP provider does not push statuses by itself")


async def submit(provider: Provider, messages: Sequence[Message]) -> list[SendResult]:
    """Hand over ``messages`` now."""
    results = list(await provider.send(messages, now()))
    assert len(results) == len(messages)
    return results


def errors_of(results: Iterable[SendResult]) -> list[ProviderError]:
    """The errors among the results."""
    return [result for result in results if isinstance(result, ProviderError)]


def refs_of(results: Iterable[SendResult]) -> list[str]:
    """The references of messages that were all taken."""
    taken = [result for result in results if isinstance(result, Taken)]
    assert taken == list(results)
    return [result.ref for result in taken]


def pairs(rig: Rig) -> list[tuple[str, str]]:
    """(recipient, text) of every SMS that the simulator has taken."""
    return [(kept.recipient, kept.text) for kept in rig.taken()]


def pairs_of(messages: Iterable[Message]) -> list[tuple[str, str]]:
    """The same of what was to be sent."""
    return [(message.recipient, message.text) for message in messages]


def poll_of(sent: Message, ref: str, packet: str = "") -> Poll:
    """The question for the status of a message that was taken under ``ref``."""
    return Poll(sent.id, ref, packet, sent.recipient, now())


def polls_of(messages: Sequence[Message], results: Sequence[SendResult]) -> list[Poll]:
    """The questions for the statuses of messages that were all taken."""
    refs_of(results)
    both = zip(messages, results, strict=True)
    return [poll_of(sent, taken.ref, taken.packet) for sent, taken in both if isinstance(taken, Taken)]


async def wait_final(provider: Provider, polls: Sequence[Poll]) -> list[StatusReport]:
    """The final statuses, in the order of ``polls``."""
    for _ in range(200):
        reports = {report.provider_ref: report for report in await provider.status(polls)}
        if len(reports) == len(polls) and all(report.final for report in reports.values()):
            return [reports[poll.provider_ref] for poll in polls]
        await asyncio.sleep(0.02)
    raise AssertionError("no final status")


def assert_silent(rig: Rig, told: Iterable[str], *, texts: Sequence[str] = (WORD,)) -> None:
    """No secret, no text and no whole number is in what was ``told``."""
    numbers = [kept.recipient for kept in rig.taken()]
    for text in told:
        for secret in (*rig.secrets, *texts, *numbers):
            assert secret not in text


def told_by(error: BaseException) -> str:
    """Everything that an error says, wherever it is shown."""
    return f"{error!s} {error!r} {''.join(traceback.format_exception(error))}"


def logged(records: Iterable[logging.LogRecord]) -> list[str]:
    """The lines of a log."""
    formatter = TextFormatter()
    return [formatter.format(record) for record in records]
