"""Messages that a dispatcher is handing over at this moment, whatever the clock says about their leases."""

from collections.abc import Iterable

from smppbridge.model.message import Message


class InHand:
    """Messages by id, and until when they are certainly being handed over. Times in seconds of a clock that
    does not jump."""

    def __init__(self) -> None:
        self._until: dict[int, float] = {}

    def take(self, messages: Iterable[Message], until: float) -> None:
        """These are handed over from now on. After ``until`` something has gone wrong with them."""
        self._until.update((message.id, until) for message in messages)

    def let_go(self, messages: Iterable[Message]) -> None:
        """It is saved what became of these."""
        for message in messages:
            self._until.pop(message.id, None)

    def holds(self, message_id: int, now: float) -> bool:
        """Whether the message is being handed over."""
        until = self._until.get(message_id)
        if until is not None and until <= now:
            del self._until[message_id]
            return False
        return until is not None
