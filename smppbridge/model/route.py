"""Routes: which providers may carry a message, and in which order.

The first route that matches is taken. When a provider of its ``to`` fails, the next one is tried.
"""

from collections.abc import Sequence
from typing import Annotated, Protocol

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from smppbridge.model.message import ROUTE_SEPARATOR
from smppbridge.model.settings import Settings, Text, mistake


def as_list(value: object) -> object:
    """One value as a list of one."""
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


def _digits(value: str) -> str:
    if not (value.isascii() and value.isdigit()):
        raise mistake('must be the first digits of an international number, without "+", such as "37529"')
    return value


def distinct(value: tuple[str, ...]) -> tuple[str, ...]:
    """The same names. Raises a mistake where a name stands twice."""
    if len(set(value)) != len(value):
        raise mistake("must not name the same one twice")
    return value


_ONE_OR_MORE = BeforeValidator(as_list)
_TEXTS = WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
)


class Route(Settings):
    """One entry of ``routes``. An empty ``account`` or ``destination`` matches everything."""

    account: Annotated[tuple[Text, ...], Field(min_length=1), _ONE_OR_MORE, _TEXTS] = ()
    """An account or a list of them; without it, every account."""
    destination: Annotated[
        tuple[Annotated[Text, AfterValidator(_digits)], ...], Field(min_length=1), _ONE_OR_MORE, _TEXTS
    ] = ()
    """How the international number begins, or a list; without it, every number."""
    to: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(distinct)]
    """Providers in the order in which they are tried."""

    @property
    def catches_all(self) -> bool:
        """Whether this route matches every message."""
        return not self.account and not self.destination


class Router:
    """Finds the route of a message. It is used for every submit_sm."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = tuple(routes)
        self._by_account: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}

    def find(self, account: str, digits: str) -> tuple[str, ...] | None:
        """The providers, in order, for a recipient in international digits. None when no route matches."""
        table = self._by_account.get(account)
        if table is None:
            table = self._by_account[account] = self._table(account)
        for prefixes, to in table:
            if digits.startswith(prefixes):
                return to
        return None

    def _table(self, account: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """The routes of one account as (prefixes, providers); ``""`` is a prefix of everything."""
        return [
            (route.destination or ("",), route.to)
            for route in self._routes
            if not route.account or account in route.account
        ]


class Choice(Protocol):
    """Which providers may be used now, by their names."""

    def usable(self, provider: str) -> bool:
        """Whether messages may be queued for the provider: it works, and its balance need not be spared."""

    def working(self, provider: str) -> bool:
        """Whether the provider works, even if its balance is to be spared."""

    def status(self, provider: str) -> int:
        """The command_status that tells an ESME why the provider does not work."""


def best_provider(providers: Sequence[str], choice: Choice) -> str | None:
    """The first of ``providers`` that is usable, else the first that works. None when none works."""
    spared = (name for name in providers if choice.working(name))
    return next((name for name in providers if choice.usable(name)), None) or next(spared, None)


def first_provider(route: str, choice: Choice) -> str:
    """The `best_provider` of the whole route; its first provider when none works. ``route`` is as in
    `Segment.route`."""
    providers = route.split(ROUTE_SEPARATOR)
    return best_provider(providers, choice) or providers[0]


def next_provider(route: str, current: str, choice: Choice) -> str | None:
    """The `best_provider` after ``current`` in the route. None when none works, or when ``current`` is not,
    or no longer, in the route."""
    providers = route.split(ROUTE_SEPARATOR)
    following = providers[providers.index(current) + 1 :] if current in providers else []
    return best_provider(following, choice)
