"""The answers, callbacks and messages from phones that smspilot's manuals print, read as the provider reads
them.

``replay/api1.yaml`` and ``replay/api2.yaml`` hold each block once, with every place where it stands: manual,
section, and line of the text that was transcribed. What a page break tears apart is one block; two answers in
API-1 §4 and two in §11 stand outside of frames. Blocks that are requests, scripts or addresses are not here.

The provider never asks what a message would cost or who its user is. Such an answer is read as if it came to
an order or to a question for the balance. It asks for messages from phones in JSON or XML alone.
"""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from smppbridge.errors import ProviderError
from smppbridge.model.message import Inbound, Message, Particulars, State, StatusReport
from smppbridge.providers.base import Callback, News, SendResult, Taken
from smppbridge.providers.smspilot.api1 import Api1, Format
from smppbridge.providers.smspilot.provider import Smspilot, SmspilotOptions
from smppbridge.providers.smspilot.records import Packet, PacketLine, PilotAnswer, PilotWire, Question
from smppbridge.providers.smspilot.results import PilotResults
from smppbridge.providers.smspilot.split import pair, pair_by_number
from smppbridge.providers.smspilot.wire_json import JsonWire
from smppbridge.providers.smspilot.wire_xml import XmlWire
from smppbridge.web.forms import form_fields
from tests.support.builders.messages import NOW, message

HERE = Path(__file__).parent / "replay"
RESULTS = PilotResults("smspilot.ru", str)
PROVIDER = Smspilot(
    "pilot", SmspilotOptions.model_validate({"kind": "smspilot", "apikey": "K"}), clock=lambda: NOW / 1000
)
SEVERAL = Packet((PacketLine(1, "79087964781"), PacketLine(2, "79161231212")), text="Hello")

# Blocks by manual and section. API-1 1.12 of 2024-08-13 ends before §4.
COUNTS = {
    "API-2 2.5": {
        "1.1": 4, "1.2": 4, "1.3": 2, "2.2": 4, "3.1": 2, "3.2": 2, "3.3": 2, "4": 4, "5.1": 1, "5.2": 4,
        "7": 4, "8": 3, "10": 2,
    },
    "API-1 1.11": {
        "0": 2, "1.1": 8, "1.2": 8, "1.3": 4, "2.1": 3, "2.2": 8, "3.1": 7, "3.2": 7, "3.3": 7, "4": 8,
        "5": 8, "6.1": 1, "6.2": 5, "7": 8, "8": 4, "9": 6, "11": 4,
    },
    "API-1 1.12": {
        "0": 2, "1.1": 8, "1.2": 8, "1.3": 4, "2.1": 3, "2.2": 8, "3.1": 7, "3.2": 7, "3.3": 7,
    },
}  # fmt: skip


class Block(NamedTuple):
    """One block: where it stands ("API-1 1.11 §1.1 L121"), the question that it answers, what it means."""

    at: tuple[str, ...]
    asked: str  # "send json", "check v" …; "callback" and "push" are no answers
    body: str
    reads: tuple[str, ...]
    api: int


@cache
def blocks() -> tuple[Block, ...]:
    return tuple(_blocks())


def _blocks() -> Iterator[Block]:
    for api in (1, 2):
        for one in yaml.safe_load((HERE / f"api{api}.yaml").read_text(encoding="utf-8")):
            yield Block(tuple(one["at"]), one["asked"], one["body"], tuple(one["reads"]), api)


def test_the_replay_is_complete() -> None:
    places = [place.split(" §") for block in blocks() for place in block.at]
    found = Counter((manual, where.split(" L")[0]) for manual, where in places)
    assert found == {
        (manual, section): count for manual, sections in COUNTS.items() for section, count in sections.items()
    }
    assert sum(found.values()) == 190  # 180 framed answers and 4 others, 4 callbacks, 2 messages from phones
    assert len({tuple(place) for place in places}) == 190


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.at[0].replace(" ", "_"))
def test_what_a_block_means(block: Block) -> None:
    assert tuple(meanings(block)) == block.reads


def meanings(block: Block) -> Iterator[str]:
    """A line for what the block says of the account, then one for each message."""
    if block.asked in ("callback", "push"):
        yield from map(_news, PROVIDER.parse_callback(_callback(block)))
        return
    verb, _, format = block.asked.partition(" ")
    try:
        answer = _question(block.api, verb, format).decode(block.body.encode())
    except ValueError:
        yield "makes no sense"
        return
    if answer.failure is not None:
        whole = RESULTS.refused(message(1), answer.failure)
        yield _refusal(whole if verb == "send" else RESULTS.unanswered(answer.failure))
    if answer.packet or answer.balance is not None:
        yield f"packet {answer.packet or '-'}, balance {answer.balance}"
    if verb == "send":
        for sent, result in _sent(block.api, answer):
            yield f"{sent.recipient}: {_result(result)}"
    for report in (
        RESULTS.reports(answer.items, {item.ref for item in answer.items}) if verb == "check" else ()
    ):
        yield _news(report)
    for told in answer.arrivals:
        yield f"{told.id} from {told.phone} to {told.num} at {told.created}: {told.text}"


def _question(api: int, verb: str, format: str) -> Question:
    wires: dict[str, PilotWire] = {"json": JsonWire("K"), "xml": XmlWire("K")}
    wire = wires[format] if api == 2 else Api1("K", _format(format))
    match verb:
        case "send" | "cost":
            return wire.encode_send(SEVERAL)
        case "check":
            return wire.encode_check(["4566"])
        case "inbound":
            return (wires[format] if format == "xml" else wire).encode_inbound("new")
    return wire.encode_balance()


def _format(word: str) -> Format:
    formats: dict[str, Format] = {"json": "json", "xml": "xml", "text": "text", "v": "v"}
    return formats[word]


def _callback(block: Block) -> Callback:
    """A block is a whole request, whose first line the page may have torn."""
    if block.asked == "callback":
        target = "".join(line.rstrip() for line in block.body.splitlines()).split(" ")[1]
        return Callback("GET", dict(parse_qsl(urlsplit(target).query)), {})
    head, _, body = block.body.partition("\n\n")
    content_type = head.partition("Content-Type: ")[2]
    return Callback("POST", {}, {}, form_fields(content_type, body.strip().encode()))


def _sent(api: int, answer: PilotAnswer) -> Iterator[tuple[Message, SendResult]]:
    """The messages that the rows are about, numbered as the manuals do, and what became of them."""
    phones = [item.phone for item in answer.items if item.phone] or ["the only one"] * len(answer.items)
    packet = [message(number, recipient=phone) for number, phone in enumerate(phones, 1)]
    items = (pair_by_number if api == 1 else pair)(packet, answer.items)
    results = RESULTS.of_packet(packet, items, answer)
    for one in packet:
        yield one, results[one.id]


def _result(result: SendResult) -> str:
    return (
        _words(f"taken as {result.ref}", *_told(result.told))
        if isinstance(result, Taken)
        else _refusal(result)
    )


def _told(told: Particulars) -> Iterator[str]:
    yield f"{told.price / 1_000_000} {told.currency}" if told.price else ""
    yield f"parts {told.parts}" if told.parts else ""
    yield f"from {told.sender}" if told.sender else ""
    yield told.operator


def _words(*words: str) -> str:
    return ", ".join(filter(None, words))


def _refusal(error: ProviderError) -> str:
    return f"{type(error).__name__} {error.status:#04x}, {error.reason}"


def _news(news: News) -> str:
    if isinstance(news, Inbound):
        return f"{news.ref} from {news.source} to {news.destination}: {news.text}"
    assert isinstance(news, StatusReport)
    final = "final" if news.final else "not final"
    state = f"{news.provider_ref}: {State(news.state).name}"
    return _words(state, final, f"err {news.err}", news.reason, *_told(news.told))
