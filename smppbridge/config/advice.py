"""Warnings about a configuration that is valid, but probably not meant so."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from smppbridge.config.sections import PASSWORD_LENGTH, Config
from smppbridge.config.senders import bad_senders
from smppbridge.model.account import Account
from smppbridge.providers.upstream.options import SMS_ASSISTENT, SmppOptions
from smppbridge.smpp.constants import EsmClass

_BEGINS_WITH_KEY = re.compile(r"[a-z_]+: ")


def warnings(config: Config) -> list[str]:
    """What works, but is unwise or probably not meant. Each warning is a line that begins with its path."""
    found: list[str] = []
    for name, provider in config.providers.items():
        advice = provider.warnings(callbacks=config.callbacks_below(name) is not None)
        found += [f"providers.{name}{'.' if _BEGINS_WITH_KEY.match(text) else ': '}{text}" for text in advice]
    return [
        *_web_warnings(config),
        *_account_warnings(config),
        *_store_warnings(config),
        *_service_warnings(config),
        *(str(bad) for bad in bad_senders(config) if bad.path.endswith(".default_sender")),
        *_sender_warnings(config),
        *found,
        *_route_warnings(config),
    ]


def _web_warnings(config: Config) -> Iterator[str]:
    if config.web.metrics_token is None and not _is_loopback(config.web.host):
        yield (
            "web.metrics_token: is not set, and web.host is not this machine alone; whoever reaches it reads"
            " /metrics, with the names of accounts"
        )
    url = config.web.public_url
    callers = [name for name, provider in config.providers.items() if provider.calls_back()]
    if url is None:
        if callers:
            yield "web.public_url: is not set, so statuses are asked for and come minutes later"
        return
    if urlsplit(url).scheme == "http" and not _is_loopback(urlsplit(url).hostname or ""):
        yield "web.public_url: is plain http; numbers can be read on the way, use https"
    without = [name for name in callers if not config.callback_token(name)]
    if without:
        yield (
            f"web.secret: is not set, and {', '.join(without)} has no secret of its own to take its place,"
            " so there is no callback address for it; set it"
        )


def _account_warnings(config: Config) -> Iterator[str]:
    exposed = any(not _is_loopback(one.host) for one in config.listen)
    for name, account in config.accounts.items():
        if account.password is not None:
            length = len(account.password.get_secret_value())
            yield from (f"accounts.{name}.password: {text}" for text in _password_warnings(account, length))
        if exposed and account.allow_from is None:
            yield f"accounts.{name}.allow_from: is not set, so binds are taken from every address"
        yield from (f"accounts.{name}.{text}" for text in _equipment_warnings(account))


def _password_warnings(account: Account, length: int) -> Iterator[str]:
    if length > PASSWORD_LENGTH:
        yield f"is longer than the {PASSWORD_LENGTH} characters of SMPP 3.4; some equipment cannot send it"
    elif length < PASSWORD_LENGTH and account.allow_from is None:
        yield (
            f"is shorter than the {PASSWORD_LENGTH} characters of SMPP 3.4, and anybody may guess it;"
            f" take {PASSWORD_LENGTH} random characters, or set allow_from"
        )
    elif length < PASSWORD_LENGTH:
        yield f"is shorter than the {PASSWORD_LENGTH} characters of SMPP 3.4; can be guessed"


def _store_warnings(config: Config) -> Iterator[str]:
    """Limits of accounts that the store is not meant for."""
    most = config.store.max_queued
    own = sum(account.max_queued or 0 for account in config.accounts.values())
    if own > most:
        yield f"store.max_queued: is {most}, but max_queued of accounts allows {own} in all; raise it"


def _equipment_warnings(account: Account) -> Iterator[str]:
    """Keys that change nothing, and values that little equipment understands."""
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
    told = account.quiet_time_zone or "time_zone" in receipt.model_fields_set
    if account.quiet is not None and not told:
        yield "quiet: these are hours of UTC; set quiet_time_zone"
    if account.outbind and len(account.outbind.password.get_secret_value()) > PASSWORD_LENGTH:
        yield "outbind.password: is longer than the 8 characters of SMPP 3.4; some equipment refuses it"


def _sender_warnings(config: Config) -> Iterator[str]:
    """SMSCs that may get an empty source_addr."""
    without = [name for name, account in config.accounts.items() if not account.default_sender]
    reached = {provider for name in without for provider in config.providers_of(name)}
    for name, provider in config.providers.items():
        if isinstance(provider, SmppOptions) and name in reached and not provider.default_sender:
            manual = provider.profile == SMS_ASSISTENT
            who = "sms-assistent takes registered names only (§5.1.5)" if manual else "some SMSCs refuse that"
            yield (
                f"providers.{name}.default_sender: is not set, so a message without a sender goes out with an"
                f" empty one; {who}"
            )


def _service_warnings(config: Config) -> Iterator[str]:
    for name, account in config.accounts.items():
        sold = frozenset().union(*(config.providers[one].sells() for one in config.providers_of(name)))
        if missing := sorted(account.services - sold):
            yield (
                f"accounts.{name}.services: no provider of its routes sells {', '.join(missing)},"
                " so it is refused"
            )


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
