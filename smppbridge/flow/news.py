"""What providers tell of their own accord, by a callback or over a connection of their own."""

import asyncio
from collections.abc import Mapping, Sequence

from smppbridge.flow.deliver.inbound import InboundRouter
from smppbridge.flow.send.dispatcher import Dispatcher
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.metrics import Metrics
from smppbridge.model.message import Inbound, StatusReport
from smppbridge.providers.base import News, Upcalls
from smppbridge.store.base import Sending


class ProviderNews:
    """Passes on statuses to `Outcomes`, and messages from phones to `InboundRouter`."""

    def __init__(
        self, store: Sending, outcomes: Outcomes, inbound: InboundRouter, logins: Sequence[Sequence[str]] = ()
    ) -> None:
        """``logins``: providers that are entries of one account, together."""
        self._store = store
        self._outcomes = outcomes
        self._inbound = inbound
        self._logins = {name: names for names in logins for name in names}

    async def take(self, provider: str, news: Sequence[News]) -> None:
        """Save what ``provider`` tells. Returns after COMMIT.

        Raises StoreError when not all of it was saved: the provider has to tell all of it again, which does
        no harm."""
        reports = [item for item in news if isinstance(item, StatusReport)]
        inbound = [item for item in news if isinstance(item, Inbound)]
        for entry, theirs in (await self._by_entry(provider, reports)).items():
            await self._outcomes.settle(entry, theirs)
        if inbound:
            await self._inbound.arrive(provider, inbound)

    async def _by_entry(
        self, provider: str, reports: Sequence[StatusReport]
    ) -> Mapping[str, Sequence[StatusReport]]:
        """The statuses by the entry that sent their messages. An account has one callback address, so that
        of one entry hears of the messages of all. What nobody knows yet is kept for each of them."""
        if not reports:
            return {}
        names = self._logins.get(provider)
        if names is None:
            return {provider: reports}
        refs = [report.provider_ref for report in reports]
        known = await asyncio.gather(*(self._store.known_refs(name, refs) for name in names))
        anybody = frozenset[str]().union(*known)
        found = {
            name: [
                report
                for report in reports
                if report.provider_ref in theirs or report.provider_ref not in anybody
            ]
            for name, theirs in zip(names, known, strict=True)
        }
        return {name: some for name, some in found.items() if some}


class ProviderUpcalls(Upcalls):
    """What one provider tells by itself reaches its dispatcher, the news and the metrics."""

    def __init__(self, dispatcher: Dispatcher, news: ProviderNews, metrics: Metrics) -> None:
        self._name = dispatcher.name
        self._dispatcher = dispatcher
        self._news = news
        self._metrics = metrics

    async def report(self, news: Sequence[News]) -> None:
        """See `ProviderNews.take`."""
        await self._news.take(self._name, news)

    def linked(self, why: str) -> None:
        """See `Dispatcher.linked`."""
        self._dispatcher.linked(why)

    def binds(self, count: int) -> None:
        """Metric upstream_binds."""
        self._metrics.upstream_binds.labels(self._name).set(count)

    def tried(self, status: str) -> None:
        """Metric upstream_bind_attempts_total."""
        self._metrics.upstream_bind_attempts.labels(self._name, status).inc()

    def unreadable(self) -> None:
        """Metric unreadable_answers_total."""
        self._metrics.unreadable_answers.labels(self._name).inc()
