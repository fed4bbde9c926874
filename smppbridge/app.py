"""Builds the bridge from a configuration and joins its parts; the order of start and stop.

The only place that knows everything. Parts that must talk upward get a callable from here.
"""

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Callable, Sequence

from smppbridge.config.sections import Config, Listener, TlsFiles
from smppbridge.errors import ConfigError, StoreError
from smppbridge.flow.accept.intake import Intake
from smppbridge.flow.accept.joiner import Joiner
from smppbridge.flow.accept.requests import Requests
from smppbridge.flow.accept.wire_ids import WireIds
from smppbridge.flow.deliver.courier import Courier
from smppbridge.flow.deliver.inbound import InboundHandler
from smppbridge.flow.deliver.inbound_poller import InboundPoller
from smppbridge.flow.deliver.outbind import OutbindCaller
from smppbridge.flow.health.balance import BalancePoller
from smppbridge.flow.housekeeper import Housekeeper
from smppbridge.flow.send.decide import Situation
from smppbridge.flow.send.dispatcher import Dispatcher
from smppbridge.flow.send.finder import Finder
from smppbridge.flow.send.rerouter import Rerouter
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.settle.pending import PendingResponses
from smppbridge.flow.settle.poller import Poller
from smppbridge.flow.settle.recorder import Recorder
from smppbridge.flow.worker import Asker
from smppbridge.link.authentication import Authenticator
from smppbridge.link.server import Server
from smppbridge.link.tls import server_context
from smppbridge.logs import event
from smppbridge.metrics import Metrics
from smppbridge.model.account import Account
from smppbridge.model.ids import IdSource
from smppbridge.model.message import Inbound, Overdue, StatusReport
from smppbridge.model.route import Choice, Router
from smppbridge.providers.base import News, Provider, Upcalls
from smppbridge.providers.registry import build_provider
from smppbridge.smpp.constants import Status
from smppbridge.smpp.session import Timers
from smppbridge.store.opening import make_store
from smppbridge.store.results import Backlog
from smppbridge.submission.appraisal import Appraiser
from smppbridge.web.callbacks import Callbacks
from smppbridge.web.server import Web

log = logging.getLogger(__name__)

_UNBIND_GRACE = 5.0  # seconds for ESMEs to answer our unbind
_SEND_GRACE = 35.0  # seconds for hand-overs under way
_PROBE_INTERVAL = 1.0  # seconds between two trial writes for /readyz


def now_ms() -> int:
    """The clock of the bridge: milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


class App:
    """One running bridge. `start`, then `stop`; both once."""

    def __init__(self, config: Config, clock: Callable[[], int] = now_ms) -> None:
        self._config = config
        self._clock = clock
        self._accounts = dict(config.accounts)
        self.metrics = Metrics()
        self.smpp_ports: list[int] = []
        self.web_port = 0
        self.store = make_store(config.store.url, self._committed)
        self._tokens = {name: config.callback_token(name) for name in config.providers}
        self.providers = {name: self._provider(name) for name in config.providers}
        self.dispatchers: dict[str, Dispatcher] = {}
        self._choice = Choice(self._usable, self._working, self._status_of)
        self._askers: list[Asker] = []
        self._probed: tuple[float, list[str]] = (-_PROBE_INTERVAL, [])  # when the store was tried, and how

    async def start(self) -> None:
        """Open the store, recover, begin to work, and only then listen. Raises SmppBridgeError, OSError."""
        backlog = await self.store.open()
        try:
            self._join(backlog)
        except BaseException:
            await self.store.close()
            raise
        try:
            await self._begin(backlog)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Take nothing new, finish what was begun, let go. Loses nothing, whenever it is cut short."""
        self.server.close_listeners()
        self.pending.close()
        for asker in self._askers:
            await asker.stop()
        await asyncio.gather(*(dispatcher.stop(_SEND_GRACE) for dispatcher in self.dispatchers.values()))
        await self.joiner.stop()
        await self.housekeeper.stop()
        await self.rerouter.stop()
        await self.outbind_caller.stop()
        await self.courier.stop()
        await self.server.stop(_UNBIND_GRACE)
        await self.courier.settle_down()
        await self.web.stop()
        for provider in self.providers.values():
            await provider.close()
        await self.store.close()

    def reload(self, config: Config) -> None:
        """Take over accounts, routes and limits of a new configuration; providers that are down are tried
        at once. The rest stays as it is until a restart. Raises ConfigError for a route to a new provider.
        """
        missing = {name for route in config.routes for name in route.to} - set(self.providers)
        if missing:
            raise ConfigError(
                [f"routes: provider {name} is new: restart to use it" for name in sorted(missing)]
            )
        for section in ("listen", "web", "smpp", "providers"):
            if getattr(config, section) != getattr(self._config, section):
                event(log, logging.WARNING, "changes take effect with a restart only", section=section)
        self._accounts = dict(config.accounts)
        self.rerouter.routes = config.routes
        self.inbound.rules = config.inbound
        self.appraiser.router = Router(config.routes)
        self.intake.max_queued = config.store.max_queued
        self.server.reload(self._accounts)
        self.outbind_caller.reload()
        for dispatcher in self.dispatchers.values():
            dispatcher.retry()

    # --- building ------------------------------------------------------------------------------

    def _provider(self, name: str) -> Provider:
        web = self._config.web
        token = self._tokens[name]
        callback = (
            f"{web.public_url.rstrip('/')}/callbacks/{name}/{token}" if web.public_url and token else None
        )
        return build_provider(name, self._config.providers[name], callback)

    def _join(self, backlog: Backlog) -> None:
        self._ids = IdSource(last_id=backlog.last_id)
        self._join_returning()
        self._join_providers(backlog)
        self._join_intake()
        self._join_sessions()
        self.web = Web(self.metrics, Callbacks(self.providers, self._tokens, self._hear), self.readiness)

    def _join_returning(self) -> None:
        """What comes back from providers, and goes on to equipment."""
        config, clock, metrics, store = self._config, self._clock, self.metrics, self.store
        timeout = config.smpp.response_timeout
        self.courier = Courier(store, metrics, clock, response_timeout=timeout, absent=self._absent)
        self.outcomes = Outcomes(store, metrics, clock, self.courier.owed, self.courier.owed_inbound)
        self.inbound = InboundHandler(
            store,
            metrics,
            clock,
            config.inbound,
            accounts=lambda: self._accounts,
            owed=self.courier.owed_inbound,
        )
        self.pending = PendingResponses()
        self.recorder = Recorder(store, self.outcomes, self.pending)

    def _join_providers(self, backlog: Backlog) -> None:
        """What goes out to providers, and when."""
        config, clock, metrics, store = self._config, self._clock, self.metrics, self.store
        self.rerouter = Rerouter(store, self.dispatchers, config.routes, self._choice)
        for name, provider in self.providers.items():
            self.dispatchers[name] = Dispatcher(
                provider,
                store,
                self.recorder,
                metrics,
                clock,
                policy=self._policy,
                choice=self._choice,
                requeued=self._requeued,
                changed=self.rerouter.provider_changed,
            )
            self._askers += self._askers_of(provider, self.dispatchers[name])
        self.housekeeper = Housekeeper(
            store,
            self.recorder,
            metrics,
            clock,
            providers=backlog.providers | set(self.providers),
            dispatchers=self.dispatchers,
            accounts=lambda: self._accounts,
            situation=self._situation,
            usable=self._usable,
            unserved=self.rerouter.soon,
            keep_days=config.store.keep_days,
        )

    def _join_intake(self) -> None:
        """What equipment submits."""
        config, clock, metrics, store = self._config, self._clock, self.metrics, self.store
        self.appraiser = Appraiser(Router(config.routes), self.providers, self._choice)
        self.joiner = Joiner(
            store,
            self.appraiser,
            self.outcomes,
            metrics,
            clock,
            accounts=lambda: self._accounts,
            queued=self._requeued,
        )
        self.wire_ids = WireIds(store)
        self.intake = Intake(
            store,
            self.appraiser,
            self._ids,
            self.wire_ids,
            clock,
            pending=self.pending,
            queued=self._queued,
            collected=self._collected,
            joinable=self.joiner.wake,
            waiting=lambda: self.housekeeper.waiting,
            max_queued=config.store.max_queued,
        )

    def _join_sessions(self) -> None:
        """Whom equipment talks to."""
        clock, metrics, store, smpp = self._clock, self.metrics, self.store, self._config.smpp
        requests = Requests(
            store,
            self.intake.accept,
            self.appraiser,
            self.outcomes,
            self.pending,
            clock,
            next_id=self._next_id,
            requeued=self._requeued,
        )
        self.server = Server(
            Authenticator(self._accounts),
            self.intake.accept,
            requests.handle,
            self.courier,
            metrics,
            system_id=smpp.system_id,
            timers=Timers(smpp.bind_timeout, smpp.enquire_link, smpp.inactivity, smpp.response_timeout),
            max_pdu_octets=smpp.max_pdu_octets,
            new_link_id=self._next_id,
        )
        self.outbind_caller = OutbindCaller(
            store,
            metrics,
            clock,
            accounts=lambda: self._accounts,
            reaches=self.courier.reaches,
            call=self.server.call,
            system_id=smpp.system_id,
        )

    def _askers_of(self, provider: Provider, dispatcher: Dispatcher) -> list[Asker]:
        """Who asks a provider something, each in its own time."""
        store, outcomes, clock, health = self.store, self.outcomes, self._clock, dispatcher.health
        return [
            Poller(provider, store, outcomes, clock, health),
            Finder(provider, store, self.recorder, dispatcher, clock, requeued=self._requeued),
            BalancePoller(provider, health),
            InboundPoller(provider, store, self.inbound, clock, health),
        ]

    async def _begin(self, backlog: Backlog) -> None:
        for name, provider in self.providers.items():
            await provider.start(self._upcalls(name))
        for provider_name, account in backlog.queued:
            if provider_name in self.dispatchers:
                self.dispatchers[provider_name].wake(account)
            else:
                self.rerouter.soon(provider_name)
        for dispatcher in self.dispatchers.values():
            dispatcher.start()
        for asker in self._askers:
            asker.start()
        for account in backlog.inbound:
            self.courier.owed_inbound(account)
        self.rerouter.start()
        self.housekeeper.start()
        self.joiner.start()
        await self.wire_ids.start()
        for listener in self._config.listen:
            self.smpp_ports.append(await self._listen(listener))
        self.outbind_caller.start()
        self.web_port = await self.web.start(self._config.web.host, self._config.web.port)
        event(log, logging.INFO, "ready", smpp_ports=self.smpp_ports, web_port=self.web_port)

    async def _listen(self, listener: Listener) -> int:
        tls = tls_context(listener.tls) if listener.tls is not None else None
        return await self.server.listen(listener.host, listener.port, tls)

    # --- what parts ask of each other ----------------------------------------------------------

    async def readiness(self) -> list[str]:
        """Why the bridge cannot do its work now; empty when it can."""
        reasons = await self._store_reasons()
        if not any(self._working(name) for name in self.providers):
            everyone = [dispatcher.health for dispatcher in self.dispatchers.values()]
            reasons += [f"provider {health.name}: {health.reason}" for health in everyone]
        return reasons

    async def _store_reasons(self) -> list[str]:
        """Why the store takes no writes, as of a second ago at most: who asks must not cost a write each."""
        now = asyncio.get_running_loop().time()
        asked_at, reasons = self._probed
        if now - asked_at < _PROBE_INTERVAL:
            return list(reasons)
        try:
            await self.store.probe()
        except StoreError as error:
            reasons = [f"store: {error}"]
        else:
            reasons = []
        self._probed = (now, reasons)
        return list(reasons)

    def _usable(self, provider: str) -> bool:
        dispatcher = self.dispatchers.get(provider)
        return dispatcher is not None and dispatcher.health.usable

    def _working(self, provider: str) -> bool:
        dispatcher = self.dispatchers.get(provider)
        return dispatcher is not None and dispatcher.health.working

    def _status_of(self, provider: str) -> int:
        """Why it does not work, for an ESME that would wait for it."""
        dispatcher = self.dispatchers.get(provider)
        return dispatcher.health.status if dispatcher is not None else Status.ESME_RSYSERR

    def _next_id(self) -> int:
        return self._ids.next(self._clock())

    def _absent(self, account: str) -> None:
        self.outbind_caller.owed(account)

    def _requeued(self, provider: str, account: str) -> None:
        self.dispatchers[provider].wake(account)

    def _situation(self, provider: str, message: Overdue, now: int) -> Situation:
        """What a decision about a message depends on, also for a provider that is no longer configured."""
        if provider in self.dispatchers:
            return self.dispatchers[provider].situation(message, now)
        return Situation(now, self._choice, self._policy(message.account), random.random())

    async def _hear(self, provider: str, news: Sequence[News]) -> None:
        """Statuses and messages from phones that a provider tells; returns after COMMIT."""
        reports = [item for item in news if isinstance(item, StatusReport)]
        inbound = [item for item in news if isinstance(item, Inbound)]
        if reports:
            await self.outcomes.settle(provider, reports)
        if inbound:
            await self.inbound.arrive(provider, inbound)

    def _policy(self, account: str) -> str:
        known: Account | None = self._accounts.get(account)
        return known.uncertain if known is not None else "hold"

    def _upcalls(self, provider: str) -> Upcalls:
        metrics = self.metrics
        return Upcalls(
            report=lambda news: self._hear(provider, news),
            linked=self.dispatchers[provider].linked,
            binds=lambda count: metrics.upstream_binds.labels(provider).set(count),
            tried=lambda status: metrics.upstream_bind_attempts.labels(provider, status).inc(),
            unreadable=lambda: metrics.unreadable_answers.labels(provider).inc(),
        )

    def _queued(self, provider: str, account: str, count: int) -> None:
        self.housekeeper.waiting += count
        self.dispatchers[provider].wake(account, count)

    def _collected(self, count: int) -> None:
        self.housekeeper.waiting += count

    def _committed(self, seconds: float, rows: int) -> None:
        self.metrics.store_commit_seconds.observe(seconds)
        self.metrics.store_batch_rows.observe(rows)


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """The server side of TLS 1.2 or newer; with ``client_ca`` clients must show a certificate of it."""
    try:
        return server_context(files.cert, files.key, files.client_ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError([f"listen.tls: cannot load {files.cert}, {files.key}: {error}"]) from error
