"""How many messages wait to be sent, so that no submit_sm has to ask the store."""


class Waiting:
    """The number of messages and parts that are not sent yet: those that the store had when it was last
    counted, and those added since."""

    def __init__(self, most: int) -> None:
        """``most``: from this number on no more may be taken. A reload may change it."""
        self.most = most
        self.count = 0

    @property
    def full(self) -> bool:
        """Whether no more may be taken."""
        return self.count >= self.most

    def add(self, count: int) -> None:
        """``count`` more are stored."""
        self.count += count

    def recount(self, count: int) -> None:
        """The store has ``count`` of them now."""
        self.count = count
