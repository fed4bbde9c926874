"""What texts cost: decoding and normalising on the way in, and joining long messages."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from timeit import timeit

from scripts.benchmarks.durable import measure
from scripts.benchmarks.setting import Figures, Setting
from smppbridge.model.joining import Joined, Part
from smppbridge.model.message import Stage
from smppbridge.smpp.gsm import encode_gsm
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.store.sqlite.store import SqliteStore
from smppbridge.submission.checks import recipient_of
from smppbridge.submission.content import content_of
from tests.support.builders.accounts import account
from tests.support.builders.rows import segment

_ROUNDS = 20_000
_GSM = (
    "Door 3 opened at 12:34, alarm set. The fine is 10 €, señor; please call the gate @ 9. "
    + "Door 3 opened. " * 9
)
_PLAIN = "accounts:\n  load: {password: load, binds: 100, default_encoding: ascii}\n"
_FULL = "accounts:\n  load: {password: load, binds: 100, default_encoding: gsm, country: BY}\n"

_OPEN = (0, 10_000, 100_000)  # messages whose second part has not come
_JOINED = 5_000  # messages that are joined beside them
_BATCH = 100


def _gsm() -> SubmitSm:
    """160 septets, one character of the extension table among them, to a number as people dial it."""
    octets = (encode_gsm(_GSM) or b"")[:160]
    return SubmitSm(
        source_addr_ton=5,
        source_addr="ALARM",
        destination_addr="8 (029) 1234567",
        short_message=octets.rstrip(b"\x1b"),
    )


def _plain() -> SubmitSm:
    """As many octets that need no table, to a number as providers take it."""
    return SubmitSm(
        source_addr_ton=5,
        source_addr="ALARM",
        dest_addr_ton=1,
        destination_addr="375291234567",
        short_message=b"x" * len(_gsm().short_message),
    )


async def texts(setting: Setting) -> Figures:
    """Durable accept of 160 characters: ASCII, and beside it GSM 03.38 to a number as people dial it."""
    figures: Figures = {}
    costs = []
    for name, accounts, submit in (("plain", _PLAIN, _plain()), ("gsm", _FULL, _gsm())):
        found = await measure(setting, setting.messages or 200_000, accounts=accounts, submit=submit)
        costs.append(found["server_cpu_us"])
        figures |= {f"{name}_{key}": value for key, value in found.items()}
    steps = _steps()
    both = sum(steps.values())
    return {
        **figures,
        **steps,
        "steps_add_percent": both / (costs[1] - both) * 100,
        "gsm_beside_plain_percent": (costs[1] / costs[0] - 1) * 100,
    }


def _steps() -> Figures:
    """Microseconds of the two steps alone."""
    owner = account(default_encoding="gsm", country="BY")
    submit = _gsm()
    steps = {
        "decode_us": lambda: content_of(owner, submit, ""),
        "normalise_us": lambda: recipient_of(owner, submit, ""),
    }
    return {name: timeit(step, number=_ROUNDS) / _ROUNDS * 1e6 for name, step in steps.items()}


async def joins(setting: Setting) -> Figures:
    """Messages of two parts, stored and joined beside open ones: microseconds each, COMMITs included."""
    figures: Figures = {}
    for many in _OPEN:
        with tempfile.TemporaryDirectory(prefix="smppbridge-bench-", dir=setting.directory) as scratch:
            store = SqliteStore(Path(scratch) / "bench.db")
            await store.open()
            try:
                for batch in _batches(1, many, numbers=(1,)):
                    await store.add_parts(batch)
                figures[f"us_beside_{many}"] = await _join(store, many + 1, setting.messages or _JOINED)
            finally:
                await store.close()
    return figures


async def _join(store: SqliteStore, first: int, count: int) -> float:
    began = time.perf_counter()
    for batch in _batches(first, count, numbers=(2, 1)):
        await store.add_parts(batch)
        found = await store.take_joins(0, _BATCH)
        await store.join(
            [
                Joined(one.head, 0, 2, (), "text", False, 0, "lab", "lab", Stage.QUEUED, 0, one.deadline)
                for one in found
            ],
            [],
            0,
        )
    return (time.perf_counter() - began) / count * 1e6


def _batches(first: int, count: int, numbers: tuple[int, ...]) -> Iterator[list[Part]]:
    for start in range(first, first + count, _BATCH):
        yield [_part(n, number) for n in range(start, start + _BATCH) for number in numbers]


def _part(n: int, number: int) -> Part:
    """Part ``number`` of two of message ``n``."""
    message_id = 2 * n + number
    added = segment(
        message_id,
        account="load",
        origin=0,
        destination_addr=f"37529{n:07}",
        recipient=f"37529{n:07}",
        text="",
        data_coding=0,
        route="lab",
        stage=int(Stage.COLLECTING),
        submitted_at=0,
        due_at=None,
        deadline=10**12,
    )
    return Part(added, n & 0xFF, 8, 2, number, b"\5\0\3\7\2" + bytes((number,)) + b"x" * 153, 10**12)
