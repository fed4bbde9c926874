"""How much waits to be sent, counted so that no submit_sm has to ask the store."""


class Waiting:
    """The number of messages and parts that are not sent yet: as of the last count of the store, and those
    added since. ``most``: at this number no more are taken; a reload may change it."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.count = 0

    @property
    def full(self) -> bool:
        """Whether no more may be taken."""
        return self.count >= self.most

    def add(self, count: int) -> None:
        """So many were stored."""
        self.count += count

    def recount(self, count: int) -> None:
        """The store has so many."""
        self.count = count
