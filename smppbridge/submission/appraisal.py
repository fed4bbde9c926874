"""What one submit_sm comes to: its content, its recipient, the providers that can carry it, and when.

Everything that can be told without storing or sending anything, so that `intake` acts on it and a person can
ask for it. Must not know: sockets, the store, providers beyond the `check` they offer.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple, Protocol

from smppbridge.errors import Refused
from smppbridge.model.account import Account
from smppbridge.model.message import ROUTE_SEPARATOR, Draft, Stage
from smppbridge.model.route import Choice, Router, first_provider
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.text import flavour
from smppbridge.submission.checks import check_fields, recipient_of, sender_of, service_of, times_of
from smppbridge.submission.content import Content, coding_of, content_of


class Checker(Protocol):
    """The part of a provider that decides what it can carry."""

    services: frozenset[str]
    takes_parts: bool

    def check(self, draft: Draft) -> None: ...

    def schedules(self, send_at: int, now: int) -> bool: ...


class Path(NamedTuple):
    """The providers of a route that sell a service, and take headed texts where there is one."""

    route: str  # as it is stored
    names: tuple[str, ...]
    checks: tuple[Callable[[Draft], None], ...]
    provider: str  # the one to begin with
    schedules: Callable[[int, int], bool]  # whether that one keeps scheduled messages
    down: int  # command_status that says why none of them works; 0 = one does


PathOf = Callable[[tuple[str, ...], str, bool], Path]


class Timing(NamedTuple):
    """Where a message begins its way. Times in ms."""

    stage: Stage  # QUEUED: a provider gets it now; WAITING: it is held here
    due_at: int  # QUEUED: when it is given up; WAITING: when it may be sent
    send_at: int  # when the provider is to send it, 0 = when it gets it

    @property
    def at_once(self) -> bool:
        """Whether a provider gets it now."""
        return self.stage == Stage.QUEUED


class Appraisal(NamedTuple):
    """What a submit_sm comes to."""

    recipient: str
    sender: str
    content: Content
    data_coding: int
    service: str
    path: Path
    not_before: int  # ms: when to send it
    deadline: int  # ms: given up after this
    timing: Timing


class Appraiser:
    """Appraises submit_sm by the routes and providers of now. ``router`` may be changed at any time."""

    def __init__(self, router: Router, checkers: Mapping[str, Checker], choice: Choice) -> None:
        self.router = router
        self._checkers = checkers
        self._choice = choice

    def paths(self) -> PathOf:
        """Finds paths as providers are now, each only once: ask anew for each read."""
        return cache(self._path)

    def appraise(self, account: Account, submit: SubmitSm, now: int, path_of: PathOf) -> Appraisal:
        """Raises Refused with the command_status of the answer. ``now`` in ms."""
        check_fields(submit)
        service = service_of(account, submit.service_type)
        recipient = recipient_of(account, submit, service)
        content = content_of(account, submit, service)
        sender = sender_of(account, submit.source_addr)
        if content.concat is None:
            data_coding = coding_of(account, submit.data_coding, content.octets)
            draft = Draft(recipient, sender, *content[:3], service, data_coding)
        else:
            data_coding = submit.data_coding
            draft = Draft(recipient, sender, None, flash=content.flash)
        path = self.path_for(account.name, draft, path_of)
        not_before, deadline = times_of(submit, now, round(account.validity * 1000))
        timing = timing_of(path, not_before, deadline, now)
        if path.down and timing.at_once and account.mode == "sync":
            raise Refused(path.down, "no provider of the route works")
        return Appraisal(recipient, sender, content, data_coding, service, path, not_before, deadline, timing)

    def path_for(self, account: str, draft: Draft, path_of: PathOf) -> Path:
        """Those of its route that can carry a message. Raises Refused: 0x22 where there is no route, else
        what keeps the first one from carrying it."""
        route = self.router.find(account, draft.recipient)
        if route is None:
            raise Refused(Status.ESME_RNOROUTE, "no route for this recipient")
        headed = draft.octets is not None and flavour(draft.data_coding).alphabet is not None
        path = path_of(route, draft.service_type, headed)
        carriers = _carriers(path, draft)
        return path if len(carriers) == len(path.names) else path_of(carriers, draft.service_type, headed)

    def _path(self, route: tuple[str, ...], service: str, headed: bool) -> Path:
        """Those of a route that sell the service: such a message must never go out as an ordinary one; and,
        for a text with a user data header of its own, those that pass it on as it is."""
        if service:
            route = tuple(name for name in route if service in self._checkers[name].services)
            if not route:
                raise Refused(Status.ESME_RINVSERTYP, f"no provider of the route sells {service}")
        if headed:
            route = tuple(name for name in route if self._checkers[name].takes_parts)
            if not route:
                raise Refused(Status.ESME_RINVESMCLASS, "no provider of the route takes user data headers")
        names = ROUTE_SEPARATOR.join(route)
        provider = first_provider(names, self._choice)
        checks = tuple(self._checkers[name].check for name in route)
        works = any(map(self._choice.working, route))
        down = Status.ESME_ROK if works else self._choice.status(provider)
        return Path(names, route, checks, provider, self._checkers[provider].schedules, down)


def timing_of(path: Path, not_before: int, deadline: int, now: int) -> Timing:
    """A message with a schedule waits here, unless its provider keeps it."""
    if not_before <= now:
        return Timing(Stage.QUEUED, deadline, 0)
    if path.schedules(not_before, now):
        return Timing(Stage.QUEUED, deadline, not_before)
    return Timing(Stage.WAITING, not_before, 0)


def _carriers(path: Path, draft: Draft) -> tuple[str, ...]:
    """Those that can carry the message, as it may come to each of them. Raises the first one's refusal."""
    if len(path.names) == 1:
        path.checks[0](draft)
        return path.names
    refusals: dict[str, Refused] = {}
    for name, check in zip(path.names, path.checks, strict=True):
        try:
            check(draft)
        except Refused as refusal:
            refusals[name] = refusal
    if not refusals:
        return path.names
    if len(refusals) == len(path.names):
        raise refusals[path.names[0]]
    return tuple(name for name in path.names if name not in refusals)
