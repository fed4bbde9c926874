"""What providers tell by themselves, by a callback or over a connection of their own."""

from collections.abc import Sequence

from smppbridge.flow.deliver.inbound import InboundHandler
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.model.message import Inbound, StatusReport
from smppbridge.providers.base import News


class ProviderNews:
    """Brings statuses to their messages, and messages from phones to their accounts."""

    def __init__(self, outcomes: Outcomes, inbound: InboundHandler) -> None:
        self._outcomes = outcomes
        self._inbound = inbound

    async def take(self, provider: str, news: Sequence[News]) -> None:
        """Save what ``provider`` tells; returns after COMMIT. Raises StoreError: it has to be told again."""
        reports = [item for item in news if isinstance(item, StatusReport)]
        inbound = [item for item in news if isinstance(item, Inbound)]
        if reports:
            await self._outcomes.settle(provider, reports)
        if inbound:
            await self._inbound.arrive(provider, inbound)
