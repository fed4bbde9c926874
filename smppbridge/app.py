"""The bridge, built from a configuration: its parts, who knows whom, and the order of start and stop.

The only place that knows everything.

    equipment ── Server ── Intake, Requests ── Store ── Fleet of Dispatchers ── providers
        │                     Joiner             │          Rerouter               │
        └───────── Courier, OutbindCaller ───────┴── Outcomes, InboundRouter ──────┴── Web (callbacks)
"""

import asyncio
import itertools
import logging
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

from smppbridge.config.changes import changed_keys
from smppbridge.config.sections import Config, TlsFiles
from smppbridge.errors import ConfigError, StoreError
from smppbridge.flow.accept.intake import Intake
from smppbridge.flow.accept.joiner import Joiner
from smppbridge.flow.accept.rates import Rates
from smppbridge.flow.accept.requests import Requests
from smppbridge.flow.accept.wire_ids import WireIds
from smppbridge.flow.accounts import Accounts
from smppbridge.flow.budgets import show_budgets
from smppbridge.flow.deliver.courier import Courier
from smppbridge.flow.deliver.inbound import InboundRouter
from smppbridge.flow.deliver.inbound_poller import InboundPoller
from smppbridge.flow.deliver.outbind import OutbindCaller
from smppbridge.flow.drain import Drain
from smppbridge.flow.health.balance import BalancePoller
from smppbridge.flow.housekeeper import Housekeeper
from smppbridge.flow.news import ProviderNews, ProviderUpcalls
from smppbridge.flow.readiness import Readiness
from smppbridge.flow.remarks import Remarks
from smppbridge.flow.send.dispatcher import Dispatcher
from smppbridge.flow.send.finder import Finder
from smppbridge.flow.send.fleet import Fleet
from smppbridge.flow.send.rerouter import Rerouter
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.settle.pending import PendingResponses
from smppbridge.flow.settle.poller import Poller
from smppbridge.flow.settle.recorder import Recorder
from smppbridge.flow.waiting import Waiting
from smppbridge.flow.wall_clock import WallClock, elapsed_ms, now_ms
from smppbridge.flow.worker import Asker
from smppbridge.link.admission import CLOSING, Admission, connections_for
from smppbridge.link.authentication import Authenticator
from smppbridge.link.server import Server
from smppbridge.link.tls import configured, server_context
from smppbridge.logs import event
from smppbridge.metrics import Metrics
from smppbridge.model.ids import IdSource
from smppbridge.model.route import Router
from smppbridge.providers.base import LimitKeeper, Provider
from smppbridge.providers.registry import build_provider
from smppbridge.smpp.session import Timers
from smppbridge.store.opening import make_store
from smppbridge.store.results import CERTAIN_FROM, Backlog
from smppbridge.submission.appraisal import Appraiser
from smppbridge.web.callbacks import Callbacks
from smppbridge.web.server import Web

log = logging.getLogger(__name__)

_RELOADED = ("accounts.", "routes", "inbound", "store.keep_days", "store.max_queued", "log.", "drain")
# How keys begin that a reload changes. `serve` takes over those of `log`.

_OWN_DESCRIPTORS = 24 + CLOSING  # of the store, the log, the loop, the web, and a few for threads

# Shares of the time for a stop (`drain`), at whose ends what is not done is cut off.
_HAND_OVERS = 0.7
_UNBINDING = 0.8
_LINKS = 0.85
_WEB = 0.9
_SAVING = 0.95


class App:
    """One running bridge. `start`, then `stop`; both once."""

    def __init__(
        self, config: Config, clock: Callable[[], int] = now_ms, elapsed: Callable[[], int] = elapsed_ms
    ) -> None:
        """``clock`` and ``elapsed``: see `WallClock`. A clock of its own, which may be put forward, needs an
        ``elapsed`` of its own."""
        self._config = config
        self._clock = WallClock(clock, elapsed)
        self._running = AsyncExitStack()
        self._drain = Drain(config.drain)
        self._open: list[str] = []  # providers that were started, or tried to
        self.smpp_ports: list[int] = []
        self.web_port = 0
        self.metrics = Metrics()
        self.admission = Admission(connections_for(descriptors(config)), self.metrics)
        self.accounts = Accounts(config.accounts)
        self.store = make_store(config.store.url, self.metrics.committed)
        self.providers = {
            name: build_provider(name, options, config.callback_url(name))
            for name, options in config.providers.items()
        }

    async def start(self) -> None:
        """Open the store, recover, begin to work, and only then listen. Raises SmppBridgeError, OSError."""
        async with AsyncExitStack() as starting:
            backlog = await self.store.open()
            starting.push_async_callback(self.store.close)
            self._clock.certain_from = await self.store.mark(CERTAIN_FROM) or 0
            self._clock.compare(backlog.latest)
            self._build(backlog)
            await self._start(starting, backlog)
            self._running = starting.pop_all()
        event(log, logging.INFO, "ready", smpp_ports=self.smpp_ports, web_port=self.web_port)

    async def stop(self) -> None:
        """Take nothing new, finish what was begun, let go; within `drain`. Loses nothing, whenever it is cut
        short."""
        await self._running.aclose()

    def reload(self, config: Config) -> None:
        """Take over accounts, routes and limits of a new configuration; providers that are down are tried
        at once. The rest stays as it is until a restart; the log names what of it has changed. Raises
        ConfigError for a route to a new provider.
        """
        missing = {name for route in config.routes for name in route.to} - set(self.providers)
        if missing:
            raise ConfigError(
                [f"routes: provider {name} is new: restart to use it" for name in sorted(missing)]
            )
        waiting = [key for key in changed_keys(self._config, config) if not key.startswith(_RELOADED)]
        if waiting:
            event(log, logging.WARNING, "changes take effect with a restart only", keys=", ".join(waiting))
        self.accounts.reload(config.accounts)
        self.rerouter.routes = config.routes
        self.inbound.rules = config.inbound
        self.appraiser.router = Router(config.routes)
        self.waiting.messages.most = config.store.max_queued
        self.housekeeper.keep_days = config.store.keep_days
        self._drain = Drain(config.drain)
        self.server.reload(dict(config.accounts))
        self.outbind_caller.reload()
        self.fleet.retry()

    # --- building ------------------------------------------------------------------------------

    def _build(self, backlog: Backlog) -> None:
        self.ids = IdSource(last_id=backlog.last_id)
        self.waiting = Waiting(self._config.store.max_queued, self.accounts)
        self._build_settling()
        self._build_sending(backlog)
        self._build_accepting()
        self._build_sessions()
        self.readiness = Readiness(self.store, self.fleet)
        tokens = {name: self._config.callback_token(name) for name in self._config.providers}
        callbacks = Callbacks(self.providers, tokens, self.news.take)
        token = self._config.web.metrics_token
        self.web = Web(
            self.metrics,
            callbacks,
            self.readiness.reasons,
            self.admission,
            metrics_token=token.get_secret_value() if token else "",
        )
        show_budgets(self.metrics, self.admission, self.authenticator, self.waiting, self.pending)

    def _build_settling(self) -> None:
        """What comes back from providers, and goes on to equipment."""
        config, clock, metrics, store = self._config, self._clock, self.metrics, self.store
        timeout = config.smpp.response_timeout
        self.courier = Courier(store, metrics, clock, response_timeout=timeout, absent=self._absent)
        self.remarks = Remarks(metrics, {name: provider.codes for name, provider in self.providers.items()})
        owed, owed_inbound = self.courier.owed, self.courier.owed_inbound
        self.outcomes = Outcomes(store, metrics, clock, self.remarks, self.waiting, owed, owed_inbound)
        logins = config.logins()
        self.inbound = InboundRouter(
            store, metrics, clock, config.inbound, self.accounts, owed_inbound, logins
        )
        self.news = ProviderNews(store, self.outcomes, self.inbound, logins)
        self.pending = PendingResponses(self.accounts)
        self.recorder = Recorder(store, self.outcomes, self.pending)

    def _build_sending(self, backlog: Backlog) -> None:
        """What goes out to providers, and when."""
        config, clock, metrics, store = self._config, self._clock, self.metrics, self.store
        self.fleet = Fleet(self.accounts)
        self.rerouter = Rerouter(store, self.fleet, config.routes)
        for provider in self.providers.values():
            changed = self.rerouter.provider_changed
            self.fleet.add(
                Dispatcher(
                    provider,
                    store,
                    self.recorder,
                    self.fleet,
                    self.accounts,
                    metrics,
                    self.remarks,
                    clock,
                    changed,
                )
            )
        for names in config.logins():
            self.fleet.share(names)
            first, *others = (self.providers[name] for name in names)
            for other in others:
                if isinstance(other, LimitKeeper):
                    other.share_limits(first)
        self.askers = {name: self._askers_of(provider) for name, provider in self.providers.items()}
        self.housekeeper = Housekeeper(
            store,
            self.recorder,
            self.fleet,
            self.rerouter,
            self.accounts,
            self.waiting,
            metrics,
            clock,
            providers=backlog.providers | set(self.providers),
            keep_days=config.store.keep_days,
        )

    def _askers_of(self, provider: Provider) -> list[Asker]:
        """Who asks a provider something, each in its own time."""
        store, clock, health = self.store, self._clock, self.fleet[provider.name].health
        askers: list[Asker] = [
            Poller(provider, store, self.outcomes, clock, health),
            Finder(provider, store, self.recorder, self.fleet, clock),
        ]
        if health.asks_for_all(lambda limits: limits.inbound_interval):
            askers.append(InboundPoller(provider, store, self.inbound, clock, health))
        if health.asks_for_all(lambda limits: limits.balance_interval):
            askers.append(BalancePoller(provider, health))
        return askers

    def _build_accepting(self) -> None:
        """What equipment submits."""
        clock, store, fleet = self._clock, self.store, self.fleet
        self.appraiser = Appraiser(Router(self._config.routes), self.providers, fleet)
        outcomes, waiting, accounts, metrics = self.outcomes, self.waiting, self.accounts, self.metrics
        self.joiner = Joiner(store, self.appraiser, outcomes, waiting, fleet, accounts, metrics, clock)
        self.wire_ids = WireIds(store)
        self.rates = Rates(asyncio.get_running_loop().time)
        self.intake = Intake(
            store,
            self.appraiser,
            self.ids,
            self.wire_ids,
            self.rates,
            fleet,
            self.waiting,
            self.pending,
            self.joiner,
            clock,
        )

    def _build_sessions(self) -> None:
        """Whom equipment talks to."""
        clock, metrics, store, smpp = self._clock, self.metrics, self.store, self._config.smpp
        requests = Requests(
            store,
            self.intake.accept,
            self.appraiser,
            self.rates,
            self.outcomes,
            self.pending,
            self.fleet,
            self.ids,
            clock,
        )
        self.authenticator = Authenticator(dict(self.accounts))
        self.server = Server(
            self.authenticator,
            self.intake.accept,
            requests.handle,
            self.courier,
            metrics,
            self.admission,
            system_id=smpp.system_id,
            timers=Timers(smpp.bind_timeout, smpp.enquire_link, smpp.inactivity, smpp.response_timeout),
            max_pdu_octets=smpp.max_pdu_octets,
            new_link_id=lambda: self.ids.next(clock()),
        )
        self.outbind_caller = OutbindCaller(
            store,
            metrics,
            clock,
            accounts=self.accounts,
            binds=self.courier,
            call=self.server.call,
            system_id=smpp.system_id,
        )

    # --- starting, and stopping in the opposite order ------------------------------------------

    async def _start(self, stack: AsyncExitStack, backlog: Backlog) -> None:
        """Start every part, and put its end on ``stack``."""
        stack.push_async_callback(self._settle_down)
        stack.push_async_callback(self._let_go)
        with suppress(StoreError):  # it has become slow: then the housekeeper tries again
            self.waiting.correct({}, await self.store.waiting())
        for name, provider in self.providers.items():
            self._open.append(name)
            await provider.start(ProviderUpcalls(self.fleet[name], self.news, self.metrics))
        for worker in (self.rerouter, self.housekeeper, self.joiner):
            worker.start()
        self._wake(backlog)
        self.fleet.start()
        for asker in itertools.chain.from_iterable(self.askers.values()):
            asker.start()
        stack.callback(self.pending.close)
        await self.wire_ids.start()
        await self._listen(stack)

    async def _let_go(self) -> None:
        """End all links side by side, each as soon as it has nothing under way; then what stands behind."""
        drain = self._drain
        ends = {f"provider {name}": self._end_provider(name) for name in self._open}
        await drain.until(_LINKS, equipment=self._end_sessions(), **ends)
        await drain.until(_WEB, web=self.web.stop())  # callbacks are taken to the end

    async def _end_provider(self, name: str) -> None:
        """Finish its hand-overs, then close it."""
        asked = [asker.stop() for asker in self.askers[name]]
        await asyncio.gather(self.fleet[name].stop(self._drain.left(_HAND_OVERS)), *asked)
        await self.providers[name].close()

    async def _end_sessions(self) -> None:
        """Deliver no more to equipment, and unbind it."""
        await self.courier.stop()
        await self.server.stop(self._drain.left(_UNBINDING))

    async def _settle_down(self) -> None:
        """Let what is being saved be saved."""
        await self._drain.until(
            _SAVING,
            courier=self.courier.settle_down(),
            rerouter=self.rerouter.stop(),
            housekeeper=self.housekeeper.stop(),
            joiner=self.joiner.stop(),
        )

    def _wake(self, backlog: Backlog) -> None:
        """Tell the workers what was left when the bridge stopped."""
        for provider, account in backlog.queued:
            if provider in self.fleet:
                self.fleet.wake(provider, account)
            else:
                self.rerouter.soon(provider)
        for account in backlog.inbound:
            self.courier.owed_inbound(account)

    async def _listen(self, stack: AsyncExitStack) -> None:
        stack.callback(self.server.close_listeners)
        for listener in self._config.listen:
            tls = tls_context(listener.tls) if listener.tls is not None else None
            self.smpp_ports.append(await self.server.listen(listener.host, listener.port, tls))
        stack.push_async_callback(self._end_calls)
        self.outbind_caller.start()
        self.web_port = await self.web.start(self._config.web.host, self._config.web.port)

    async def _end_calls(self) -> None:
        await self._drain.until(_LINKS, outbind=self.outbind_caller.stop())

    # --- what parts ask of each other ----------------------------------------------------------

    def _absent(self, account: str) -> None:
        """Something is owed to an account without a bind that may receive."""
        self.outbind_caller.owed(account)


def descriptors(config: Config) -> int:
    """How many descriptors are needed besides those of connections that come to us."""
    providers = sum(provider.connections() for provider in config.providers.values())
    calls = sum(account.outbind is not None for account in config.accounts.values())
    return _OWN_DESCRIPTORS + len(config.listen) + providers + calls


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """The server side of TLS 1.2 or newer; with ``client_ca`` clients must show a certificate of it."""
    return configured(
        "listen.tls",
        lambda: server_context(files.cert, files.key, files.client_ca),
        f"{files.cert}, {files.key}",
    )
