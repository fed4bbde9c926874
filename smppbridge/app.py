"""Builds the bridge from a configuration and joins its parts; the order of start and stop.

The only place that knows everything. Parts that must talk upward get a callable from here.
"""

import asyncio
import hashlib
import hmac
import logging
import ssl
import time
from collections.abc import Callable, Sequence

from smppbridge.config import Config, Listener, TlsFiles
from smppbridge.errors import ConfigError, SmppBridgeError, StoreError
from smppbridge.flow.courier import Courier
from smppbridge.flow.dispatcher import Dispatcher
from smppbridge.flow.intake import Intake
from smppbridge.flow.keeper import Keeper
from smppbridge.flow.tracker import Poller, Tracker
from smppbridge.link.authentication import Authenticator
from smppbridge.link.server import Server
from smppbridge.logs import event
from smppbridge.metrics import Metrics
from smppbridge.model.account import Account
from smppbridge.model.ids import IdSource
from smppbridge.model.message import StatusReport
from smppbridge.model.route import Router
from smppbridge.providers.base import Provider
from smppbridge.providers.registry import build_provider, credential
from smppbridge.smpp.session import Timers
from smppbridge.store.base import Backlog
from smppbridge.store.sqlite import SqliteStore
from smppbridge.web.server import Web

log = logging.getLogger(__name__)

_UNBIND_GRACE = 5.0  # seconds for ESMEs to answer our unbind
_SEND_GRACE = 35.0  # seconds for hand-overs under way


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
        self.store = SqliteStore(config.store.path, on_commit=self._committed)
        self._tokens = {name: callback_token(config, name) for name in config.providers}
        self.providers = {name: self._provider(name) for name in config.providers}
        self.dispatchers: dict[str, Dispatcher] = {}
        self._pollers: list[Poller] = []
        self._rerouting: dict[str, asyncio.Task[None]] = {}  # by the provider that is down

    async def start(self) -> None:
        """Open the store, recover, begin to work, and only then listen. Raises SmppBridgeError, OSError."""
        backlog = await self.store.open()
        self._join(backlog)
        try:
            await self._begin(backlog)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Take nothing new, finish what was begun, let go. Loses nothing, whenever it is cut short."""
        self.server.close_listeners()
        for dispatcher in self.dispatchers.values():
            await dispatcher.stop(_SEND_GRACE)
        for poller in self._pollers:
            await poller.stop()
        await self.keeper.stop()
        await self.courier.stop()
        await self.server.stop(_UNBIND_GRACE)
        await self.courier.settle_down()
        await self.web.stop()
        for provider in self.providers.values():
            await provider.close()
        await self.store.close()

    def reload(self, config: Config) -> None:
        """Take over accounts, routes and limits of a new configuration. Listeners, store and providers
        stay as they are, but a provider that is down is tried at once. Raises ConfigError when a route needs a provider that is not running."""
        missing = {name for route in config.routes for name in route.to} - set(self.providers)
        if missing:
            raise ConfigError(
                [f"routes: provider {name} is new: restart to use it" for name in sorted(missing)]
            )
        self._accounts = dict(config.accounts)
        self.intake.router = Router(config.routes)
        self.server.reload(self._accounts)
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
        config, clock, metrics, store = self._config, self._clock, self.metrics, self.store
        smpp = config.smpp
        ids = IdSource(last_id=backlog.last_id)
        self.courier = Courier(store, metrics, clock, response_timeout=smpp.response_timeout)
        self.tracker = Tracker(store, metrics, clock, self.courier.owed)
        for name, provider in self.providers.items():
            self.dispatchers[name] = Dispatcher(
                provider,
                store,
                self.tracker,
                metrics,
                clock,
                policy=self._policy,
                usable=self._usable,
                requeued=self._requeued,
                closed=self._reroute_soon,
            )
            self._pollers.append(Poller(provider, store, self.tracker, clock))
        self.keeper = Keeper(
            store,
            self.tracker,
            metrics,
            clock,
            providers=backlog.providers | set(self.providers),
            dispatchers=self.dispatchers,
            accounts=lambda: self._accounts,
            usable=self._usable,
            unserved=self._reroute_soon,
            keep_days=config.store.keep_days,
        )
        self.intake = Intake(
            store,
            Router(config.routes),
            ids,
            clock,
            checkers=self.providers,
            usable=self._usable,
            queued=lambda provider, account, count: self.dispatchers[provider].wake(account, count),
            waiting=lambda: self.keeper.waiting,
            max_queued=config.store.max_queued,
        )
        self.server = Server(
            Authenticator(self._accounts),
            self.intake.accept,
            self.courier,
            metrics,
            system_id=smpp.system_id,
            timers=Timers(smpp.bind_timeout, smpp.enquire_link, smpp.inactivity, smpp.response_timeout),
            max_pdu_octets=smpp.max_pdu_octets,
            new_link_id=lambda: ids.next(clock()),
        )
        self.web = Web(metrics, self.providers, self._tokens, self.tracker.settle, self.readiness)

    async def _begin(self, backlog: Backlog) -> None:
        for name, provider in self.providers.items():
            await provider.start(self._report_to(name))
        for provider_name, account in backlog.queued:
            if provider_name in self.dispatchers:
                self.dispatchers[provider_name].wake(account)
            else:
                self._reroute_soon(provider_name)
        for dispatcher in self.dispatchers.values():
            dispatcher.start()
        for poller in self._pollers:
            poller.start()
        self.keeper.start()
        await self.intake.start()
        for listener in self._config.listen:
            self.smpp_ports.append(await self._listen(listener))
        self.web_port = await self.web.start(self._config.web.host, self._config.web.port)
        event(log, logging.INFO, "ready", smpp_ports=self.smpp_ports, web_port=self.web_port)

    async def _listen(self, listener: Listener) -> int:
        tls = tls_context(listener.tls) if listener.tls is not None else None
        return await self.server.listen(listener.host, listener.port, tls)

    # --- what parts ask of each other ----------------------------------------------------------

    async def readiness(self) -> list[str]:
        """Why the bridge cannot do its work now; empty when it can."""
        reasons = []
        try:
            await self.store.probe()
        except StoreError as error:
            reasons.append(f"store: {error}")
        if not any(self._usable(name) for name in self.providers):
            reasons += [f"provider {name}: {self.dispatchers[name].gate.reason}" for name in self.providers]
        return reasons

    def _usable(self, provider: str) -> bool:
        dispatcher = self.dispatchers.get(provider)
        return dispatcher is not None and dispatcher.usable

    def _policy(self, account: str) -> str:
        known: Account | None = self._accounts.get(account)
        return known.uncertain if known is not None else "hold"

    def _report_to(self, provider: str) -> Callable[[Sequence[StatusReport]], "asyncio.Future[None]"]:
        return lambda reports: asyncio.ensure_future(self.tracker.settle(provider, reports))

    def _requeued(self, provider: str, account: str) -> None:
        if provider in self.dispatchers:
            self.dispatchers[provider].wake(account)

    def _reroute_soon(self, provider: str) -> None:
        if provider not in self._rerouting:
            task = asyncio.get_running_loop().create_task(self._reroute(provider))
            self._rerouting[provider] = task
            task.add_done_callback(lambda _: self._rerouting.pop(provider))

    async def _reroute(self, provider: str) -> None:
        """Messages of a provider that is down and that have another one in their route move at once."""
        usable = [name for name in self.providers if name != provider and self._usable(name)]
        after, total = 0, 0
        try:
            while usable:
                moved, after = await self.store.reroute(provider, usable, after, 500)
                total += moved
                if not after:
                    break
        except SmppBridgeError as error:
            event(log, logging.ERROR, "messages not rerouted", provider=provider, error=str(error))
        if total:
            event(
                log, logging.WARNING, "messages rerouted", provider=provider, count=total, to=",".join(usable)
            )
            for name in usable:
                for account in self._accounts:
                    self.dispatchers[name].wake(account)

    def _committed(self, seconds: float, rows: int) -> None:
        self.metrics.store_commit_seconds.observe(seconds)
        self.metrics.store_batch_rows.observe(rows)


def callback_token(config: Config, provider: str) -> str:
    """The secret part of a provider's callback URL, the same on all nodes that share a configuration;
    "" for a provider that has no secret and so no callbacks."""
    web_secret = config.web.secret
    secret = (
        web_secret.get_secret_value() if web_secret is not None else credential(config.providers[provider])
    )
    if not secret:
        return ""
    return hmac.new(secret.encode(), f"callback {provider}".encode(), hashlib.sha256).hexdigest()[:32]


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """The server side of TLS 1.2 or newer; with ``client_ca`` clients must show a certificate of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(files.cert, files.key)
        if files.client_ca is not None:
            context.load_verify_locations(files.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise ConfigError([f"listen.tls: cannot load {files.cert}, {files.key}: {error}"]) from error
    return context
