"""The sections of the configuration file as typed, frozen values.

Accounts and routes are defined in ``model/``, the options of a provider beside the provider. `loading` reads
files.
"""

import hashlib
import hmac
import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from smppbridge import logs
from smppbridge.model.account import Account, SystemId
from smppbridge.model.duration import PositiveDuration
from smppbridge.model.inbound import InboundRule
from smppbridge.model.route import Route
from smppbridge.model.settings import File, NotBuilt, Secret, Settings, mistake, not_built
from smppbridge.providers.registry import AnyOptions
from smppbridge.store.opening import SQLITE, sqlite_file

DAY = 86400.0  # seconds
PASSWORD_LENGTH = 8  # SMPP 3.4 §4.1.1: 9 octets with the NUL
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})


Port = Annotated[int, Field(ge=0, le=65535)]  # 0: a free one
_PROVIDER_NAME = re.compile(r"[a-z0-9_-]{1,32}")


def _provider_name(name: str) -> str:
    if not _PROVIDER_NAME.fullmatch(name):  # it is part of callback addresses and of stored routes
        raise mistake("the name must have 1 to 32 characters of a-z, 0-9, _ and -")
    return name


ProviderName = Annotated[str, AfterValidator(_provider_name)]


class TlsFiles(Settings):
    """PEM files of one TLS listener."""

    cert: File
    """PEM file of the certificate."""
    key: File
    """PEM file of its key."""
    client_ca: File | None = None
    """PEM file of CAs: clients must show a certificate that one of them signed."""


class Listener(Settings):
    """An address that accepts SMPP connections."""

    host: str = "0.0.0.0"
    """Address on which to listen."""
    port: Port = 2775
    """Port on which to listen; 0: a free one."""
    tls: TlsFiles | None = None
    """Certificate for TLS; without it, the connections are in clear."""


class WebConfig(Settings):
    """The HTTP side: metrics, health, callbacks of providers."""

    host: str = "127.0.0.1"
    """Address on which to listen."""
    port: Port = 8080
    """Port on which to listen; 0: a free one."""
    public_url: str | None = None
    """Address under which providers reach this bridge; without it, statuses are asked for."""
    admin_token: NotBuilt = None
    """Not in this version."""
    metrics_token: Secret | None = None
    """What /metrics asks for as a bearer token; without it, the page is for everybody."""
    secret: Secret | None = None
    """The secret part of callback addresses is derived from it; without it, from each provider's
    credential."""

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        plain = not (parts.query or parts.fragment or parts.username or parts.password)
        if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
            raise mistake(
                "must be an address such as https://sms.example.org, without user, query and fragment"
            )
        return url.rstrip("/")


class StoreConfig(Settings):
    """Where messages are stored, how many, and for how long."""

    url: str = Field(default=SQLITE + "bridge.db", validate_default=True)
    """sqlite:///FILE, relative to this file, or sqlite:////FILE."""
    keep_days: int = Field(default=90, ge=1, le=3650)
    """Final messages are deleted after so many days."""
    max_queued: int = Field(default=1_000_000, ge=1)
    """Unsent messages; with more, who has an equal share of it is answered ESME_RMSGQFUL."""

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str, info: ValidationInfo) -> str:
        if url.startswith(("postgresql:", "postgres:")):
            raise not_built("postgresql", "use sqlite:///FILE")
        name = sqlite_file(url)
        if not name:
            raise mistake(
                "must be sqlite:///FILE, with FILE relative to this file or absolute (sqlite:////var/…)"
            )
        return url if info.context is None else f"{SQLITE}{info.context['base'] / name}"


class SmppDefaults(Settings):
    """Settings of all SMPP sessions. Times in seconds."""

    system_id: SystemId = "smppbridge"
    """Our name in bind_resp."""
    bind_timeout: PositiveDuration = 10.0
    """From connecting to a bind."""
    enquire_link: PositiveDuration = 30.0
    """Silence after which we ask whether the equipment is there."""
    inactivity: PositiveDuration = 600.0
    """Without any message the session ends after this."""
    response_timeout: PositiveDuration = 30.0
    """For a response of the equipment."""
    max_pdu_octets: int = Field(default=65536, ge=1024, le=1_048_576)
    """Octets of the longest PDU that is read."""


class Log(Settings):
    """How log lines look."""

    format: logs.Format = "text"
    """How lines are written."""
    level: logs.Level = "info"
    """The least that is written."""
    numbers: Literal["masked", "full"] = "masked"
    """How telephone numbers are written: masked (37529*****67) or full."""


class Config(Settings):
    """A whole configuration without mistakes."""

    listen: tuple[Listener, ...] = Field(default=(Listener(),), min_length=1)
    """Where equipment connects."""
    web: WebConfig = WebConfig()
    """HTTP: metrics, health, callbacks of providers."""
    store: StoreConfig = StoreConfig()
    """Where messages are kept."""
    smpp: SmppDefaults = SmppDefaults()
    """SMPP sessions."""
    accounts: dict[str, Account] = Field(min_length=1)
    """Who may connect, by system_id."""
    providers: dict[ProviderName, AnyOptions] = Field(min_length=1)
    """Who carries messages, by a name of your choice."""
    routes: tuple[Route, ...] = Field(min_length=1)
    """Which provider carries what; the first route that matches wins."""
    inbound: tuple[InboundRule, ...] = ()
    """Who gets messages from phones; the first rule that matches wins."""
    log: Log = Log()
    """Log lines, on stderr."""
    drain: PositiveDuration = Field(default=8.0, le=3600)
    """How long a stop may take. What is not answered by then is in doubt, as after a crash."""
    _variables: frozenset[str] = PrivateAttr(frozenset())

    @property
    def variables(self) -> frozenset[str]:
        """The values that came from the environment. They may be secrets, whatever key they stand at."""
        return self._variables

    def logins(self) -> list[list[str]]:
        """The providers that use the same account, together: those that use one alone are left out."""
        entries: dict[tuple[str, str], list[str]] = {}
        for name, options in self.providers.items():
            key = options.login_key()
            if key:
                entries.setdefault((options.kind, key), []).append(name)
        return [names for names in entries.values() if len(names) > 1]

    def providers_of(self, account: str) -> list[str]:
        """The providers of the routes that messages of ``account`` may take, by name."""
        reached: set[str] = set()
        for route in self.routes:
            if not route.account or account in route.account:
                reached.update(route.to)
                if not route.destination:
                    break  # it takes all that is left
        return sorted(reached)

    def callback_token(self, provider: str) -> str:
        """The secret part of a provider's callback URL. It is the same on all nodes with this configuration.

        "" for a provider without a secret, which has no callbacks.
        """
        own = self.web.secret
        secret = self.providers[provider].credential() if own is None else own.get_secret_value()
        if not secret:
            return ""
        return hmac.new(secret.encode(), f"callback {provider}".encode(), hashlib.sha256).hexdigest()[:32]

    def callbacks_below(self, provider: str) -> str | None:
        """A provider's callback URL up to the secret part. None where it cannot call back."""
        public = self.web.public_url
        return f"{public}/callbacks/{provider}" if public and self.callback_token(provider) else None

    def callback_url(self, provider: str) -> str | None:
        """A provider's whole callback URL. None where it cannot call back."""
        below = self.callbacks_below(provider)
        return None if below is None else f"{below}/{self.callback_token(provider)}"

    @field_validator("listen")
    @classmethod
    def _check_listeners(cls, listen: tuple[Listener, ...]) -> tuple[Listener, ...]:
        for index, one in enumerate(listen):
            if any(_collide(one.host, one.port, other.host, other.port) for other in listen[:index]):
                raise mistake(f"two listeners want port {one.port}; give each its own")
        return listen

    @field_validator("web")
    @classmethod
    def _check_web_port(cls, web: WebConfig, info: ValidationInfo) -> WebConfig:
        for one in info.data.get("listen", ()):
            if _collide(one.host, one.port, web.host, web.port):
                raise mistake(f"port {web.port} is also in listen; give each its own")
        return web

    @field_validator("accounts", mode="before")
    @classmethod
    def _name_accounts(cls, accounts: object) -> object:
        """Give each account its name, which is the key of its section in the file."""
        if not isinstance(accounts, dict):
            return accounts
        for name, keys in accounts.items():
            if isinstance(keys, dict) and "name" in keys:
                raise mistake(f'"{name}" has a key "name"; delete it, "{name}" is the name')
        return {
            name: {**keys, "name": name} if isinstance(keys, dict) else keys
            for name, keys in accounts.items()
        }

    @field_validator("accounts")
    @classmethod
    def _check_receipts(cls, accounts: dict[str, Account], info: ValidationInfo) -> dict[str, Account]:
        if "store" in info.data:
            days = info.data["store"].keep_days
            late = [name for name, one in accounts.items() if one.receipt.keep > days * DAY]
            if late:
                raise mistake(f"receipt.keep of {', '.join(late)} is longer than store.keep_days ({days}d)")
        return accounts


def _collide(host: str, port: int, other_host: str, other_port: int) -> bool:
    same_host = host == other_host or bool({host, other_host} & _EVERYWHERE)
    return port == other_port != 0 and same_host
