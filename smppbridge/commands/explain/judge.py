"""What would become of one message: its recipient, its route, its times, its answer, its request.

The bridge's own steps (`submission.appraisal`) decide all of it, as when the message came. But every provider
counts as working here, and nothing is stored.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from smppbridge.commands.explain.request import ProviderRequest, request_for
from smppbridge.commands.explain.values import INLINE, Instant, Meant, NamedStatus
from smppbridge.config.sections import Config
from smppbridge.errors import Refused
from smppbridge.model.account import Account
from smppbridge.model.ids import IdSource
from smppbridge.model.message import Draft, Message, Segment
from smppbridge.model.route import Route, Router
from smppbridge.providers.preview import unarmed
from smppbridge.smpp.constants import RegisteredDelivery, Status
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.submission.appraisal import Appraisal, Appraiser, Examination, segment_of
from smppbridge.submission.checks import delivery_of
from smppbridge.submission.content import as_sent
from smppbridge.submission.paths import path_among

_RECEIPT = {0: "none is asked for", 1: "yes", 2: "only if it fails", 3: "only if it is delivered"}


class _AllWork:
    """No provider is asked how it does: each may be used. Implements ``model.route.Choice``."""

    def usable(self, provider: str) -> bool:
        return True

    def working(self, provider: str) -> bool:
        return True

    def status(self, provider: str) -> int:
        return Status.ESME_ROK


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """A command_status, and why it is not ESME_ROK."""

    command_status: NamedStatus
    reason: str | None = None


Derived = str | Meant[str] | StatusAnswer
"""A parameter as it goes on, with where it is from unless it goes on as it came; or why it does not."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The answer to what is taken, and what follows it."""

    command_status: NamedStatus
    then: str
    receipt: str
    replaces: str | None = None
    unless: str | None = None


@dataclass(frozen=True, slots=True)
class RouteLine:
    """Which line of `routes` matches, and who of it can carry the message."""

    line: Meant[str] | str
    providers: tuple[str, ...] | str | None = None
    left_out: Mapping[str, str] | None = None  # why, by the name of the provider
    order: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a message comes, is sent and is given up."""

    received: Instant
    sent: Meant[Instant] | str
    given_up: Meant[Instant]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOutcome:
    """What becomes of a submit_sm."""

    recipient: Derived
    sender: Derived
    service: Derived | None = None
    route: RouteLine | None = None
    times: Schedule | None = None
    answer: Acceptance | StatusAnswer
    request: ProviderRequest | None = None  # None: it is refused, or a part that waits for the others


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """An answer of which nothing else can be said."""

    answer: StatusAnswer


@dataclass(frozen=True, slots=True)
class DestinationOutcome:
    """What becomes of one destination of a submit_multi."""

    destination: str
    outcome: SubmitOutcome | AnswerReport = field(metadata=INLINE)


@dataclass(frozen=True, slots=True)
class JoinedWay:
    """The way of a long message whose parts are all there."""

    route: RouteLine
    request: ProviderRequest


@dataclass(frozen=True, slots=True)
class JoinedRefusal:
    """A long message that cannot be sent. Its parts were answered already."""

    refused: StatusAnswer
    then: str = "its receipts say REJECTD"


class Examiner:
    """Examines messages by one configuration."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._appraiser = Appraiser(
            Router(config.routes),
            {
                name: unarmed(
                    name, options, callbacks_at=config.callbacks_below(name), variables=config.variables
                )
                for name, options in config.providers.items()
            },
            _AllWork(),
        )
        self._path_of = self._appraiser.paths()
        self._ids = IdSource()

    def examine(self, account: Account, submit: SubmitSm, now: int) -> Examination:
        """Every step about a submit_sm that came at ``now`` (ms)."""
        return self._appraiser.examine(account, submit, now, self._path_of)

    async def outcome(self, examined: Examination) -> SubmitOutcome:
        """What becomes of a submit_sm. Needs a running loop."""
        account, submit = examined.appraisal.account, examined.appraisal.submit
        result, draft = examined.result, examined.draft
        outcome = SubmitOutcome(
            recipient=_derived(account, examined.recipient, submit.destination_addr),
            sender=_derived(account, examined.sender, submit.source_addr),
            service=_derived(account, examined.service, submit.service_type) if examined.service else None,
            route=self._route(account, draft) if isinstance(draft, Draft) else None,
            answer=_refusal(account, result) if isinstance(result, Refused) else _acceptance(result),
        )
        if isinstance(result, Refused):
            return outcome
        request = None if result.content.concat is not None else await self._request(result)
        return dataclasses.replace(outcome, times=_schedule(result), request=request)

    async def joined_outcome(
        self, account: Account, first: SubmitSm, text: str, now: int
    ) -> JoinedWay | JoinedRefusal:
        """What becomes of a long message at ``now`` (ms), when its last part has come; ``first``: its first
        part. Needs a running loop."""
        try:
            part = self._appraiser.appraise(account, first, now, self._path_of)
            draft = Draft(part.recipient, part.sender, text, flash=part.content.flash)
            path, timing = self._appraiser.appraise_joined(
                account, draft, part.not_before, part.deadline, now, self._path_of
            )
        except Refused as refused:
            return JoinedRefusal(_refusal(account, refused))
        whole = self._segment(part)._replace(
            text=text, octets=None, route=path.route, provider=path.provider, send_at=timing.send_at
        )
        moment = now if timing.at_once else part.not_before
        request = await request_for(self._config, _as_claimed(account, whole), moment)
        return JoinedWay(self._route(account, draft), request)

    def _route(self, account: Account, draft: Draft) -> RouteLine:
        for index, route in enumerate(self._config.routes):
            if Router((route,)).find(account.name, draft.recipient) is not None:
                left_out = {name: why for name in route.to if (why := self._objection(draft, name))}
                taken = tuple(name for name in route.to if name not in left_out)
                in_order = f"{taken[0]} first; the next one when it fails or is paused" if taken[1:] else None
                return RouteLine(
                    Meant(f"routes[{index}]", _conditions(route)),
                    taken or "none of it can carry this message",
                    left_out or None,
                    in_order,
                )
        return RouteLine("none of the routes matches")

    def _objection(self, draft: Draft, provider: str) -> str:
        """Why this provider cannot carry the message; "" = it can."""
        try:
            path_among((provider,), draft, self._path_of)
        except Refused as refused:
            return refused.reason
        return ""

    async def _request(self, appraisal: Appraisal) -> ProviderRequest:
        """What the first provider would be asked, when it would be."""
        moment = appraisal.now if appraisal.timing.at_once else appraisal.not_before
        message = _as_claimed(appraisal.account, self._segment(appraisal))
        return await request_for(self._config, message, moment)

    def _segment(self, appraisal: Appraisal) -> Segment:
        return segment_of(appraisal, self._ids.next(appraisal.now), wire_id="", origin=0)


def _refusal(account: Account, refused: Refused) -> StatusAnswer:
    """The command_status as the account gets it, and the reason."""
    return StatusAnswer(NamedStatus(account.status_for(refused.status)), refused.reason)


def _as_claimed(account: Account, segment: Segment) -> Message:
    """A stored message as its provider gets it first."""
    names = Message._fields
    stored = {name: value for name, value in segment._asdict().items() if name in names}
    return as_sent(account, Message(**stored, attempt=1, tries=0))


def _derived(account: Account, found: str | Refused, original: str) -> Derived:
    if isinstance(found, Refused):
        return _refusal(account, found)
    if found == original:
        return found
    if not found:
        return Meant(found, "the provider's own default")
    return Meant(found, f"from {original!r}" if original else "the account's default")


def _acceptance(appraisal: Appraisal) -> Acceptance:
    account, submit = appraisal.account, appraisal.submit
    if appraisal.content.concat is not None:
        then = (
            f"the part waits up to {account.join.timeout:g}s for the others;"
            f" without them: {account.join.incomplete}"
        )
    elif account.mode == "sync" and appraisal.timing.at_once:
        then = "only after the provider has taken it: otherwise with a command_status that says why not"
    else:
        then = "as soon as the message is on disk; it is in the queue, whatever the providers do"
    asked = submit.registered_delivery & RegisteredDelivery.RECEIPT_MASK
    dropped = asked and not delivery_of(submit) & RegisteredDelivery.RECEIPT_MASK
    replaces = "an earlier message that still waits, of the same service_type and addresses"
    unless = f"more than {account.rate:g} messages a second come from the account: ESME_RTHROTTLED"
    return Acceptance(
        NamedStatus(Status.ESME_ROK),
        then,
        "no: datagram mode" if dropped else _RECEIPT[asked],
        replaces if submit.replace_if_present_flag else None,
        unless if account.rate else None,
    )


def _schedule(appraisal: Appraisal) -> Schedule:
    now, not_before = appraisal.now, appraisal.not_before
    sent: Meant[Instant] | str = "at once"
    if not_before > now:
        account = appraisal.account
        keeper = f"the provider {appraisal.path.provider}" if appraisal.timing.send_at else "the bridge"
        quiet = account.quiet_ends(not_before) and not appraisal.submit.priority_flag
        why = f"quiet hours {account.quiet}: " if quiet else ""
        sent = Meant(Instant(not_before), f"{why}{keeper} keeps it until then")
    seconds = (appraisal.deadline - max(now, not_before)) / 1000
    given_up = Meant(Instant(appraisal.deadline), f"after {seconds:g}s, as EXPIRED")
    return Schedule(Instant(now), sent, given_up)


def _conditions(route: Route) -> str:
    words = [f"account {', '.join(route.account)}"] if route.account else []
    words += [f"destination {', '.join(route.destination)}"] if route.destination else []
    return "; ".join(words) or "takes everything"
