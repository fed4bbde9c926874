"""Which sessions may not go on with a new configuration, and why."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from smppbridge.link.connection import Connection
from smppbridge.model.account import Account
from smppbridge.smpp.states import BOUND


class Bound(Protocol):
    """A session of an account."""

    account: Account
    connection: Connection


Link = TypeVar("Link", bound=Bound)


def sessions_of(account: str, links: Iterable[Link]) -> list[Link]:
    """The sessions of an account. Those that say unbind, or are told so, do not count any more."""
    return [link for link in links if link.account.name == account and _lives(link)]


def unwanted(links: Iterable[Link], accounts: Mapping[str, Account]) -> list[tuple[Link, str]]:
    """Sessions that ``accounts`` do not permit, each with the reason. ``links``: the oldest first. Where an
    account has too many, the youngest go."""
    found: list[tuple[Link, str]] = []
    kept: Counter[str] = Counter()
    for link in filter(_lives, links):
        name = link.account.name
        why = _why_not(link, accounts.get(name), kept[name])
        if why:
            found.append((link, why))
        else:
            kept[name] += 1
    return found


def _why_not(link: Bound, account: Account | None, others: int) -> str:
    """ "" when it may go on beside so many ``others``."""
    if account is None:
        return "the account was removed"
    if (account.password, account.password_hash) != (link.account.password, link.account.password_hash):
        return "its password was changed"
    if not account.allows(link.connection.peer):
        return "its address is not allowed any more"
    return "the account may have fewer binds" if others >= account.binds else ""


def _lives(link: Bound) -> bool:
    return link.connection.session.state in BOUND
