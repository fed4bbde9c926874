"""Messages that a provider got in several parts, each with a reference and a status of its own.

What is said of a part is noted with it. What follows from that for the message is a verdict like any other:
a state on the way at once, the end when all parts have ended, and then the end of the worst part.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from smppbridge.model.message import State
from smppbridge.store.rules.verdicts import Verdict, Word, Words


class PartState(NamedTuple):
    """How far one part has come."""

    final: int
    state: int
    err: int
    code: str


# In the order of the columns: state, final, err, code, and the provider, reference and message id of a part.
Change = tuple[int, bool, int, str, str, str | None, int]


class Noted(NamedTuple):
    """What words about parts do."""

    changes: list[Change]
    follows: Words  # what the messages are told at once
    ended: dict[int, Word]  # by message id: the last word that ended a part of it
    late: int  # words that contradict the final state of a part: ignored


# The message is as badly off as the worst of its parts. Any other final state stands in between.
_BADNESS: dict[int, int] = {
    State.REJECTED: 6,
    State.UNDELIVERABLE: 5,
    State.DELETED: 4,
    State.EXPIRED: 3,
    State.UNKNOWN: 2,
    State.DELIVERED: 0,
}
_OTHERWISE = 1


def _badness(said: PartState | Verdict) -> int:
    return _BADNESS.get(said.state, _OTHERWISE)


def note(words: Iterable[Word]) -> Noted:
    """What words about parts do, in their order. The first final word about a part stays."""
    noted = Noted([], [], {}, 0)
    last: dict[tuple[str, str | None, int], tuple[int | None, int]] = {}  # part -> its state, whether final
    late = 0
    for row, verdict in words:
        part = (row.provider, row.ref, row.id)
        state, final = last.get(part, (row.part_state, row.part_final))
        if final:
            late += verdict.state != state
            continue
        last[part] = (verdict.state, verdict.final)
        noted.changes.append((*verdict[:4], *part))
        if verdict.final:
            noted.ended[row.id] = (row, verdict)
        else:
            noted.follows.append((row, verdict))
    return noted._replace(late=late)


def ends(ended: Mapping[int, Word], of_messages: Mapping[int, Sequence[PartState]]) -> Words:
    """The ends of those messages in ``ended`` whose parts have all ended: of the worst part, at the time of
    the last one. They have no details: only number checks bring some, and those have no parts.

    ``of_messages``: the parts of each message, by its id, as they are with the words in ``ended``."""
    found: Words = []
    for message_id, parts in of_messages.items():
        if all(part.final for part in parts):
            row, last = ended[message_id]
            worst = max(parts, key=_badness)
            found.append((row, Verdict(worst.state, True, worst.err, worst.code, last.at)))
    return found


def given_up(words: Iterable[Word], of_messages: Mapping[int, Sequence[PartState]]) -> Words:
    """Ends that the bridge decides, each changed to that of the message's worst final part where this is
    worse. Parts that are still on their way say nothing."""
    told: Words = []
    for row, end in words:
        known = [part for part in of_messages.get(row.id, ()) if part.final]
        worst = max(known, key=_badness, default=None)
        if worst is None or _badness(worst) <= _badness(end):
            told.append((row, end))
        else:
            told.append((row, end._replace(state=worst.state, err=worst.err, code=worst.code)))
    return told
