"""Which messages of `kind: webhook` go in one request, or are asked for by one."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from smppbridge.errors import Uncertain
from smppbridge.model.message import Message, Poll
from smppbridge.providers.base import SendResult, Taken
from smppbridge.providers.http.sending import SubBatch
from smppbridge.providers.webhook.options import SendRequest, StatusRequest
from smppbridge.providers.webhook.template import Lookup


@dataclass(frozen=True, slots=True)
class DeclaredPacket(SubBatch):
    """One request to be made."""

    section: SendRequest


def packets_of(
    messages: Iterable[Message],
    section_of: Callable[[Message], SendRequest],
    lookup_of: Callable[[Message], Lookup],
) -> Iterator[DeclaredPacket]:
    """Messages whose requests are the same outside of the list together, no number twice, in order."""
    packets: dict[object, tuple[SendRequest, list[Message]]] = {}
    turns: Counter[object] = Counter()
    sizes: Counter[object] = Counter()
    for message in messages:
        section = section_of(message)
        if section.batch is None:
            packets[message.id] = section, [message]
            continue
        kind: object = (id(section), section.prepare("", lookup_of(message)))
        turn = turns[kind, message.recipient]
        turns[kind, message.recipient] += 1
        page = sizes[kind, turn] // section.batch.size
        sizes[kind, turn] += 1
        packets.setdefault((kind, turn, page), (section, []))[1].append(message)
    return (DeclaredPacket(together, section) for section, together in packets.values())


def questions_of(
    polls: Sequence[Poll], section: StatusRequest, lookup_of: Callable[[Poll], Lookup]
) -> Iterator[list[Poll]]:
    """Messages whose questions are the same but for their references together, in order."""
    if section.batch is None:
        yield from ([poll] for poll in polls)
        return
    alike: dict[object, list[Poll]] = {}
    for poll in polls:
        alike.setdefault(section.prepare("", lookup_of(poll)), []).append(poll)
    for together in alike.values():
        for start in range(0, len(together), section.batch.size):
            yield together[start : start + section.batch.size]


def without_shared(results: dict[int, SendResult]) -> dict[int, SendResult]:
    """The results, where a reference that two messages got makes both uncertain."""
    times = Counter(result.ref for result in results.values() if isinstance(result, Taken))
    return {
        number: Uncertain("two messages were answered with one reference")
        if isinstance(result, Taken) and times[result.ref] > 1
        else result
        for number, result in results.items()
    }
