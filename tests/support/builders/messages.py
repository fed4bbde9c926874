"""Messages, as providers get them, and questions about them, for tests that need some."""

from typing import Any

from smppbridge.model.message import Doubt, Draft, Message, Poll, Segment

NOW = 1_700_000_000_000  # ms
DAY = 86_400_000  # ms


def message(number: int, **changes: Any) -> Message:
    """A message with id ``number`` to a phone of its own."""
    plain = Message(
        id=number,
        account="pbx",
        recipient=f"7900{number:07d}",
        sender="Demo",
        text=f"Привет, {number}",
        octets=None,
        flash=False,
        protocol_id=0,
        tlvs=None,
        data_coding=8,
        priority=0,
        service_type="",
        send_at=0,
        route="pilot",
        provider="pilot",
        attempt=1,
        tries=0,
        submitted_at=NOW,
        deadline=NOW + DAY,
    )
    return plain._replace(**changes)


def claimed(added: Segment, **changes: Any) -> Message:
    """What the first claim of ``added`` gives its provider."""
    same = {name: getattr(added, name) for name in Message._fields if hasattr(added, name)}
    return Message(**{**same, "attempt": 1, "tries": 0, **changes})


def poll(ref: str, sent_at: int) -> Poll:
    """A status question for one reference; ``sent_at`` in ms."""
    return Poll(id=1, provider_ref=ref, packet_ref="", recipient="79000000001", sent_at=sent_at)


def draft(sender: str = "Demo", text: str = "text", **changes: Any) -> Draft:
    """What `check` is shown of a message."""
    return Draft("79000000001", sender, text)._replace(**changes)


def doubt(message: Message, **changes: Any) -> Doubt:
    """The question what became of a message whose hand-over began when it was submitted."""
    same = {name: getattr(message, name) for name in Doubt._fields if hasattr(message, name)}
    return Doubt(**{**same, "tried_at": message.submitted_at, "asked": 0, "misses": 0, **changes})
