"""The configuration file as typed, frozen values; every mistake in it at once, each with its path.

`load` is all that the program needs. Accounts and routes are defined in ``model/``, the options of a provider
beside the provider. Must not know: how anything is carried out.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from smppbridge import logs
from smppbridge.config import file as config_file
from smppbridge.config.problems import Describer
from smppbridge.errors import ConfigError
from smppbridge.model.account import Account, SystemId
from smppbridge.model.duration import PositiveDuration
from smppbridge.model.inbound import InboundRule
from smppbridge.model.route import Route
from smppbridge.model.settings import File, NotBuilt, Secret, Settings, mistake, not_built
from smppbridge.providers.registry import AnyOptions
from smppbridge.smpp.constants import EsmClass

DAY = 86400.0  # seconds
_SQLITE = "sqlite:///"
PASSWORD_LENGTH = 8  # SMPP 3.4 §4.1.1: 9 octets with the NUL
_TELLS_BY_ITSELF = frozenset({"sandbox", "smpp"})  # needs neither callbacks nor questions
_BEGINS_WITH_KEY = re.compile(r"[a-z_]+: ")
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
    key: File
    client_ca: File | None = None  # clients must show a certificate that one of these signed


class Listener(Settings):
    """One address to accept SMPP connections on."""

    host: str = "0.0.0.0"
    port: Port = 2775
    tls: TlsFiles | None = None


class Web(Settings):
    """The HTTP side: metrics, health, callbacks of providers."""

    host: str = "127.0.0.1"
    port: Port = 8080
    public_url: str | None = (
        None  # what providers call back, without a slash at its end; None: statuses are polled
    )
    admin_token: NotBuilt = None
    secret: Secret | None = None  # callback tokens are derived from it

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
    """Where messages are kept, how many and how long."""

    url: str = Field(default=_SQLITE + "bridge.db", validate_default=True)
    keep_days: int = Field(default=90, ge=1, le=3650)  # after which final messages are deleted
    max_queued: int = Field(default=1_000_000, ge=1)  # unsent messages; above, submit_sm get ESME_RMSGQFUL

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str, info: ValidationInfo) -> str:
        if url.startswith(("postgresql:", "postgres:")):
            raise not_built("postgresql", "use sqlite:///FILE")
        name = url.removeprefix(_SQLITE)
        if name in {url, ""}:
            raise mistake(
                "must be sqlite:///FILE, with FILE relative to this file or absolute (sqlite:////var/…)"
            )
        return url if info.context is None else f"{_SQLITE}{info.context['base'] / name}"

    @property
    def path(self) -> Path:
        """The database file."""
        return Path(self.url.removeprefix(_SQLITE))


class SmppDefaults(Settings):
    """What all SMPP sessions share. Times in seconds."""

    system_id: SystemId = "smppbridge"  # what bind_resp says
    bind_timeout: PositiveDuration = 10.0  # from connecting to a bind
    enquire_link: PositiveDuration = 30.0  # of silence, before we ask
    inactivity: PositiveDuration = 600.0  # without any message, before we unbind
    response_timeout: PositiveDuration = 30.0
    max_pdu_octets: int = Field(default=65536, ge=1024, le=1_048_576)


class Log(Settings):
    """How log lines look."""

    format: logs.Format = "text"
    level: logs.Level = "info"
    numbers: Literal["masked", "full"] = "masked"


ProviderOptions = Annotated[AnyOptions, Field(discriminator="kind")]


class Config(Settings):
    """A whole configuration that is right by itself."""

    listen: tuple[Listener, ...] = Field(default=(Listener(),), min_length=1)
    web: Web = Web()
    store: StoreConfig = StoreConfig()
    smpp: SmppDefaults = SmppDefaults()
    accounts: dict[str, Account] = Field(min_length=1)  # by system_id
    providers: dict[ProviderName, ProviderOptions] = Field(min_length=1)
    routes: tuple[Route, ...] = Field(min_length=1)
    inbound: tuple[InboundRule, ...] = ()  # who gets the messages from phones: the first rule that matches
    log: Log = Log()
    _variables: frozenset[str] = PrivateAttr(frozenset())

    @property
    def variables(self) -> frozenset[str]:
        """What was filled in from the environment: secrets, perhaps, wherever they stand."""
        return self._variables

    def callback_token(self, provider: str) -> str:
        """The secret part of a provider's callback URL, the same on all nodes that share a configuration;
        "" for a provider that has no secret and so no callbacks."""
        own = self.web.secret
        secret = self.providers[provider].credential() if own is None else own.get_secret_value()
        if not secret:
            return ""
        return hmac.new(secret.encode(), f"callback {provider}".encode(), hashlib.sha256).hexdigest()[:32]

    @field_validator("listen")
    @classmethod
    def _check_listeners(cls, listen: tuple[Listener, ...]) -> tuple[Listener, ...]:
        for index, one in enumerate(listen):
            if any(_collide(one.host, one.port, other.host, other.port) for other in listen[:index]):
                raise mistake(f"two listeners want port {one.port}; give each its own")
        return listen

    @field_validator("web")
    @classmethod
    def _check_web_port(cls, web: Web, info: ValidationInfo) -> Web:
        for one in info.data.get("listen", ()):
            if _collide(one.host, one.port, web.host, web.port):
                raise mistake(f"port {web.port} is also in listen; give each its own")
        return web

    @field_validator("accounts", mode="before")
    @classmethod
    def _name_accounts(cls, accounts: object) -> object:
        """Tell each account its name, which stands outside of it in the file."""
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


def load(path: Path | str, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and check a configuration file. Raises ConfigError with every mistake in it."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: must be UTF-8 text"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    return parse(text, path.absolute().parent, environ)


def parse(text: str, base: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Like `load`, for the text of a file; relative paths are relative to ``base``."""
    plain_schema = Config.model_json_schema()
    source = config_file.read(text, base, environ, _secret_keys(plain_schema) | {"admin_token"})
    problems = source.problems + list(_unknown_names(source.values))
    # A section without keys is like none; the store is always there, because its default path needs `base`.
    values = {"store": {}} | {key: value for key, value in source.values.items() if value is not None}
    try:
        config = Config.model_validate(values, context={"base": base})
    except ValidationError as error:
        describer = Describer(plain_schema, source.filled)
        for place, what in describer.describe(error):
            if not any(place[:length] in source.broken for length in range(1, len(place) + 1)):
                problems.append(f"{config_file.show(place)}: {what}")
        raise ConfigError(problems) from None
    if problems:
        raise ConfigError(problems)
    config._variables = frozenset(source.variables)
    return config


def _unknown_names(values: Mapping[str, object]) -> Iterator[str]:
    """Routes and inbound rules that name an account or a provider that is not there.

    Looks at the plain values, so that these mistakes are found beside those of other sections.
    """
    for lines, key, section in (
        ("routes", "account", "accounts"),
        ("routes", "to", "providers"),
        ("inbound", "provider", "providers"),
        ("inbound", "to", "accounts"),
    ):
        rules, known = values.get(lines), values.get(section)
        for index, rule in enumerate(rules if isinstance(rules, list) else ()):
            named = rule.get(key) if isinstance(rule, dict) else None
            for name in named if isinstance(named, list) else [named]:
                if isinstance(known, dict) and isinstance(name, str | int) and str(name) not in known:
                    names = ", ".join(known)
                    yield f'{lines}[{index}].{key}: "{name}" is not in {section}; known there: {names}'


def _secret_keys(schema: Mapping[str, Any]) -> frozenset[str]:
    """The names of all keys that hold secrets."""
    sections = [schema, *schema.get("$defs", {}).values()]
    return frozenset(
        key
        for section in sections
        for key, node in section.get("properties", {}).items()
        if any(option.get("writeOnly") for option in (node, *node.get("anyOf", ())))
    )


def schema() -> dict[str, Any]:
    """JSON Schema of the configuration file, for editors."""
    result = Config.model_json_schema()
    secrets = _secret_keys(result)
    for section in [result, *result["$defs"].values()]:
        properties = section.get("properties", {})
        for key in secrets & properties.keys():
            properties[f"{key}_file"] = {"type": "string", "description": f"File that holds {key}"}
            if key in section.get("required", ()):
                section["required"].remove(key)  # its _file will do as well
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **result, "title": "smppbridge"}


def warnings(config: Config) -> list[str]:
    """What works but is probably not meant, or unwise; one line each, with its path."""
    found: list[str] = []
    for name, provider in config.providers.items():
        advice = provider.warnings(callbacks=config.web.public_url is not None)
        found += [f"providers.{name}{'.' if _BEGINS_WITH_KEY.match(text) else ': '}{text}" for text in advice]
    return [
        *_web_warnings(config),
        *_account_warnings(config),
        *_service_warnings(config),
        *found,
        *_route_warnings(config),
    ]


def _web_warnings(config: Config) -> Iterator[str]:
    url = config.web.public_url
    if url is None:
        if any(provider.kind not in _TELLS_BY_ITSELF for provider in config.providers.values()):
            yield "web.public_url: is not set, so statuses are asked for and come minutes later"
    elif urlsplit(url).scheme == "http" and not _is_loopback(urlsplit(url).hostname or ""):
        yield "web.public_url: is plain http; numbers can be read on the way, use https"


def _account_warnings(config: Config) -> Iterator[str]:
    exposed = any(not _is_loopback(one.host) for one in config.listen)
    for name, account in config.accounts.items():
        length = len(account.password.get_secret_value()) if account.password else PASSWORD_LENGTH
        if length != PASSWORD_LENGTH:
            judgement = "shorter" if length < PASSWORD_LENGTH else "longer"
            risk = "can be guessed" if length < PASSWORD_LENGTH else "some equipment cannot send it"
            yield f"accounts.{name}.password: is {judgement} than the 8 characters of SMPP 3.4; {risk}"
        if exposed and account.allow_from is None:
            yield f"accounts.{name}.allow_from: is not set, so binds are taken from every address"
        yield from (f"accounts.{name}.{text}" for text in _equipment_warnings(account))


def _equipment_warnings(account: Account) -> Iterator[str]:
    """Keys that change nothing, and what few kinds of equipment understand."""
    if not account.message_id_upper and account.message_id != "hex":
        yield "message_id_upper: is for message_id: hex, so it changes nothing here"
    receipt = account.receipt
    if receipt.text and "text" in receipt.model_fields_set and "text" not in receipt.fields:
        yield "receipt.text: is true, but fields has no text, so receipts have none"
    if receipt.esm_class & EsmClass.TYPE_MASK != EsmClass.RECEIPT:
        yield (
            f"receipt.esm_class: 0x{receipt.esm_class:02X} does not say that it is a receipt, as 0x04 does;"
            " most equipment takes it for a message"
        )
    if account.outbind and len(account.outbind.password.get_secret_value()) > PASSWORD_LENGTH:
        yield "outbind.password: is longer than the 8 characters of SMPP 3.4; some equipment refuses it"


def _service_warnings(config: Config) -> Iterator[str]:
    sold = frozenset().union(*(provider.sells() for provider in config.providers.values()))
    for name, account in config.accounts.items():
        if missing := sorted(account.services - sold):
            yield f"accounts.{name}.services: no provider sells {', '.join(missing)}, so it is refused"


def _route_warnings(config: Config) -> Iterator[str]:
    used = {name for route in config.routes for name in route.to}
    for name in config.providers:
        if name not in used:
            yield f"providers.{name}: is named by no route, so it is never used"
    catch_all = [index for index, route in enumerate(config.routes) if route.catches_all]
    if not catch_all:
        yield "routes: no route takes every destination; messages that match none are refused"
    elif catch_all[0] < len(config.routes) - 1:
        yield f"routes[{catch_all[0] + 1}]: is never reached, because routes[{catch_all[0]}] takes everything"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
