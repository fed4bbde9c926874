"""Connections after the refusal of their bind.

1. Each is left open for a moment: jSMPP loses a refusal that the end of the connection follows at once, and
   waits for it in vain.
2. Whoever knows no password cannot keep many: when there are too many the oldest ends.
"""

from smppbridge.link.connection import Connection


class RefusedConnections:
    """Those that are still open. Nothing is read from them but their end."""

    def __init__(self, most: int, seconds: float) -> None:
        """``most``: connections at once. ``seconds`` that each may stay."""
        self._most = most
        self._seconds = seconds
        self._kept: dict[Connection, None] = {}  # the oldest first

    def keep(self, connection: Connection) -> None:
        """Its peer was told why. End it when the peer does, or when its time is over."""
        self._kept[connection] = None
        connection.leave_open(self._seconds)
        if len(self._kept) > self._most:
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            oldest.close()

    def ended(self, connection: Connection) -> None:
        """The connection is gone. It may be one that was never refused."""
        self._kept.pop(connection, None)
