"""What providers tell of their own accord, by a callback or over a connection of their own."""

from collections.abc import Sequence

from smppbridge.flow.deliver.inbound import InboundRouter
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.model.message import Inbound, StatusReport
from smppbridge.providers.base import News


class ProviderNews:
    """Passes on statuses to `Outcomes`, and messages from phones to `InboundRouter`."""

    def __init__(self, outcomes: Outcomes, inbound: InboundRouter) -> None:
        self._outcomes = outcomes
        self._inbound = inbound

    async def take(self, provider: str, news: Sequence[News]) -> None:
        """Save what ``provider`` tells. Returns after COMMIT.

        Raises StoreError when not all of it was saved: the provider has to tell all of it again, which does
        no harm."""
        reports = [item for item in news if isinstance(item, StatusReport)]
        inbound = [item for item in news if isinstance(item, Inbound)]
        if reports:
            await self._outcomes.settle(provider, reports)
        if inbound:
            await self._inbound.arrive(provider, inbound)
