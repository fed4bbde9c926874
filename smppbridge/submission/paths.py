"""Which providers of a route carry a message, and when it begins its way.

Must not know: sockets, the store, providers beyond `Checker`.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple, Protocol

from smppbridge.errors import Refused
from smppbridge.model.message import ROUTE_SEPARATOR, Draft, Stage
from smppbridge.model.route import Choice, first_provider
from smppbridge.model.services import PING
from smppbridge.smpp.constants import Status
from smppbridge.smpp.text import flavour

_SHOWN = "protocol_id 64: no provider of the route sends what no phone is to show"
_NO_PING = f"{_SHOWN}, and the account may not use service {PING}"


class Checker(Protocol):
    """The part of a provider that decides what it can carry."""

    services: frozenset[str]  # service_types that it sells besides SMS
    takes_parts: bool  # a text with a user data header of its own, or for a port, goes there as it is
    takes_protocol_id: bool  # of texts

    def check(self, draft: Draft) -> None:
        """Raise Refused for what it cannot carry."""

    def schedules(self, send_at: int, now: int) -> bool:
        """Whether it keeps a message until ``send_at`` (ms) by itself."""


class Path(NamedTuple):
    """The providers of a route that may be asked to carry a message."""

    route: str  # their names as they are stored
    names: tuple[str, ...]
    checks: tuple[Callable[[Draft], None], ...]  # `Checker.check` of each
    provider: str  # the one to begin with
    schedules: Callable[[int, int], bool]  # `Checker.schedules` of that one
    down: int  # command_status that says why none of them works; 0 = one does


PathOf = Callable[[tuple[str, ...], str, bool, bool | None], Path]
"""The Path of a route: names of providers, service_type, whether the text has a user data header, and
`Draft.ping`. Raises Refused where no provider is left."""


class Timing(NamedTuple):
    """Where a message begins its way. Times in ms."""

    stage: Stage  # QUEUED: a provider gets it now; WAITING: it is held here
    due_at: int  # QUEUED: when it is given up; WAITING: when it may be sent
    send_at: int  # when the provider is to send it, 0 = when it gets it

    @property
    def at_once(self) -> bool:
        """Whether a provider gets it now."""
        return self.stage == Stage.QUEUED


def path_maker(checkers: Mapping[str, Checker], choice: Choice) -> PathOf:
    """Makes paths by the providers of now, each path once.

    1. A message of a service goes only to those that sell it: it must never go out as an ordinary one.
    2. A text with a user data header of its own, or for a port of an application, goes only to those that
       pass it on as it is.
    3. A text that no phone is to show goes only to those that pass its protocol_id on, or sell PING where
       the account may use it.
    """

    @cache
    def path_of(route: tuple[str, ...], service: str, headed: bool, ping: bool | None) -> Path:
        if service:
            route = tuple(name for name in route if service in checkers[name].services)
            if not route:
                raise Refused(Status.ESME_RINVSERTYP, f"no provider of the route sells {service}")
        if headed:
            route = tuple(name for name in route if checkers[name].takes_parts)
            if not route:
                raise Refused(
                    Status.ESME_RINVESMCLASS, "no provider of the route takes user data headers or ports"
                )
        if ping is not None:
            route = tuple(name for name in route if _stays_silent(checkers[name], ping))
            if not route:
                raise Refused(Status.ESME_RSUBMITFAIL, _SHOWN if ping else _NO_PING)
        names = ROUTE_SEPARATOR.join(route)
        provider = first_provider(names, choice)
        checks = tuple(checkers[name].check for name in route)
        works = any(map(choice.working, route))
        down = Status.ESME_ROK if works else choice.status(provider)
        return Path(names, route, checks, provider, checkers[provider].schedules, down)

    return path_of


def _stays_silent(checker: Checker, ping: bool) -> bool:
    return checker.takes_protocol_id or (ping and PING in checker.services)


def path_among(route: tuple[str, ...], draft: Draft, path_of: PathOf) -> Path:
    """The providers of ``route`` that can carry a message, since any of them may get it in the end.

    Raises Refused where none can: the refusal of the first.
    """
    headed = draft.octets is not None and flavour(draft.data_coding).alphabet is not None
    headed = headed or bool(draft.ports)  # they go in a header, or with the TLVs
    path = path_of(route, draft.service_type, headed, draft.ping)
    if len(path.names) == 1:
        path.checks[0](draft)
        return path
    refusals: dict[str, Refused] = {}
    for name, check in zip(path.names, path.checks, strict=True):
        try:
            check(draft)
        except Refused as refusal:
            refusals[name] = refusal
    if not refusals:
        return path
    if len(refusals) == len(path.names):
        raise refusals[path.names[0]]
    carriers = tuple(name for name in path.names if name not in refusals)
    return path_of(carriers, draft.service_type, headed, draft.ping)


def timing_of(path: Path, not_before: int, deadline: int, now: int, *, held: bool = False) -> Timing:
    """A message with a schedule waits here, unless its provider keeps it. All times in ms. ``held``: it waits
    here in any case."""
    if not_before <= now:
        return Timing(Stage.QUEUED, deadline, 0)
    if not held and path.schedules(not_before, now):
        return Timing(Stage.QUEUED, deadline, not_before)
    return Timing(Stage.WAITING, not_before, 0)
