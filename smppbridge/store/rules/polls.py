"""When the provider of a message is asked for its status again. Times in ms."""

from collections.abc import Sequence


def next_question(sent_at: int, now: int, interval: int, slowest: int, early: Sequence[int]) -> int:
    """When to ask again about a message that went out at ``sent_at`` and is asked about ``now``.

    1. At the next of the ages ``early``, in ascending order. Questions are no closer to each other than the
       first of these ages is to the beginning.
    2. Then after as long as the message has been under way: ``interval`` at least, ``slowest`` at most.
    """
    age = now - sent_at
    soon = next((after for after in early if after >= age + early[0]), None)
    return now + max(interval, min(slowest, age)) if soon is None else sent_at + soon
