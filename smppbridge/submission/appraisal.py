"""What one submit_sm comes to: every decision about it, in their order, and what is stored of it.

Nothing is stored or sent here. Two callers go through the same steps, which stand once in `Appraiser`:

1. `appraise`, for intake: the first step that refuses ends it.
2. `examine`, for people: each step gives its value or its refusal.

Must not know: sockets, the store, providers beyond `Checker`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from smppbridge.errors import Refused
from smppbridge.model.account import Account
from smppbridge.model.message import Draft, Segment, Stage
from smppbridge.model.route import Choice, Router
from smppbridge.model.services import PING, named_by
from smppbridge.smpp.concat import port_element
from smppbridge.smpp.constants import SILENT, Status
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.submission.checks import (
    check_fields,
    delivery_of,
    is_unlisted,
    recipient_of,
    reference_of,
    sender_of,
    service_of,
    times_of,
    tlvs_of,
)
from smppbridge.submission.content import Content, coding_of, content_of
from smppbridge.submission.paths import Checker, Path, PathOf, Timing, path_among, path_maker, timing_of


@dataclass(slots=True)
class Appraisal:
    """A submit_sm and what it comes to. Times in ms.

    The steps of `Appraiser` fill it in, in the order of the fields; nobody changes it afterwards.
    """

    account: Account
    submit: SubmitSm
    now: int  # when it came
    path_of: PathOf  # as providers are now
    service: str = field(default="", init=False)  # "" = an ordinary message, or a service that was refused
    recipient: str = field(init=False)
    content: Content = field(init=False)
    sender: str = field(init=False)
    data_coding: int = field(init=False)  # of the octets that go on, else as it came
    draft: Draft = field(init=False)  # what providers are asked about
    path: Path = field(init=False)
    not_before: int = field(init=False)  # when to send it
    deadline: int = field(init=False)  # given up after this
    timing: Timing = field(init=False)


class AppraisalStep(NamedTuple):
    """One decision about a submit_sm."""

    name: str
    decide: Callable[[Appraisal], None]  # fills in what it decides; raises Refused
    needs: tuple[str, ...] = ()  # the steps whose values it cannot do without


@dataclass(frozen=True, slots=True)
class Examination:
    """What every step says about a submit_sm.

    The value of a step that refuses is its Refused. A step that needs its value is left out: None.
    """

    refusals: Mapping[str, Refused]  # by the name of the step, in the order of the steps
    left_out: frozenset[str]  # names of steps
    appraisal: Appraisal  # with the values of the other steps only

    @property
    def service(self) -> str | Refused:
        """The special service that is asked for, "" = none. A refused one counts as none in later steps."""
        return self.refusals.get("service") or self.appraisal.service

    @property
    def recipient(self) -> str | Refused:
        """International digits, or an address of the service."""
        return self.refusals.get("recipient") or self.appraisal.recipient

    @property
    def content(self) -> Content | Refused:
        """What is to be sent."""
        return self.refusals.get("content") or self.appraisal.content

    @property
    def sender(self) -> str | Refused:
        """The sender after the account's rules."""
        return self.refusals.get("sender") or self.appraisal.sender

    @property
    def draft(self) -> Draft | Refused | None:
        """What providers are asked about."""
        if "draft" in self.left_out:
            return None
        return self.refusals.get("draft") or self.appraisal.draft

    @property
    def result(self) -> Appraisal | Refused:
        """What `Appraiser.appraise` returns or raises: the first refusal counts."""
        return next(iter(self.refusals.values()), self.appraisal)


class Appraiser:
    """Appraises submit_sm by the routes and providers of now. ``router`` may be changed at any time."""

    def __init__(self, router: Router, checkers: Mapping[str, Checker], choice: Choice) -> None:
        self.router = router
        self._checkers = checkers
        self._choice = choice
        self.steps = (
            AppraisalStep("fields", _decide_fields),
            AppraisalStep("service", _decide_service),
            AppraisalStep("recipient", _decide_recipient),
            AppraisalStep("content", _decide_content),
            AppraisalStep("sender", _decide_sender),
            AppraisalStep("draft", _decide_draft, needs=("service", "recipient", "content", "sender")),
            AppraisalStep("path", self._decide_path, needs=("draft",)),
            AppraisalStep("times", _decide_times),
            AppraisalStep("timing", _decide_timing, needs=("path", "times")),
        )
        self._decisions = tuple(step.decide for step in self.steps)

    def paths(self) -> PathOf:
        """Makes paths as providers are now, each only once: ask anew for each read."""
        return path_maker(self._checkers, self._choice)

    def appraise(self, account: Account, submit: SubmitSm, now: int, path_of: PathOf) -> Appraisal:
        """Every step in its order. Raises Refused with the command_status of the answer. ``now`` in ms."""
        appraisal = Appraisal(account, submit, now, path_of)
        for decide in self._decisions:
            decide(appraisal)
        return appraisal

    def examine(self, account: Account, submit: SubmitSm, now: int, path_of: PathOf) -> Examination:
        """The same steps in the same order, also behind a refusal. ``now`` in ms."""
        appraisal = Appraisal(account, submit, now, path_of)
        refusals: dict[str, Refused] = {}
        left_out: set[str] = set()
        for step in self.steps:
            if any(name in refusals or name in left_out for name in step.needs):
                left_out.add(step.name)
                continue
            try:
                step.decide(appraisal)
            except Refused as refused:
                refusals[step.name] = refused
        return Examination(refusals, frozenset(left_out), appraisal)

    def _path_for(self, account: str, draft: Draft, path_of: PathOf) -> Path:
        """The providers of its route that can carry a message.

        Raises Refused: 0x22 where no route matches, else as `path_among`.
        """
        route = self.router.find(account, draft.recipient)
        if route is None:
            raise Refused(Status.ESME_RNOROUTE, "no route for this recipient")
        return path_among(route, draft, path_of)

    def appraise_joined(
        self, account: Account, draft: Draft, not_before: int, deadline: int, now: int, path_of: PathOf
    ) -> tuple[Path, Timing]:
        """The way of a long message whose parts are joined, and where it begins. Times in ms.

        Raises Refused where no provider carries the whole text. Its parts were answered already: ``mode:
        sync`` refuses nothing here.
        """
        path = self._path_for(account.name, draft, path_of)
        return path, timing_of(path, not_before, deadline, now, held=_held(account, not_before, now))

    def _decide_path(self, appraisal: Appraisal) -> None:
        appraisal.path = self._path_for(appraisal.account.name, appraisal.draft, appraisal.path_of)


# --- the steps -------------------------------------------------------------------------------------


def _decide_fields(appraisal: Appraisal) -> None:
    check_fields(appraisal.submit)


def _decide_service(appraisal: Appraisal) -> None:
    submit = appraisal.submit
    appraisal.service = service_of(appraisal.account, submit.service_type, submit.source_addr)


def _decide_recipient(appraisal: Appraisal) -> None:
    appraisal.recipient = recipient_of(appraisal.account, appraisal.submit, appraisal.service)


def _decide_content(appraisal: Appraisal) -> None:
    appraisal.content = content_of(appraisal.account, appraisal.submit, appraisal.service)


def _decide_sender(appraisal: Appraisal) -> None:
    """The name of a service is no sender."""
    source = appraisal.submit.source_addr
    if appraisal.service and named_by(source) == appraisal.service:
        source = ""
    appraisal.sender = sender_of(appraisal.account, source)


def _decide_draft(appraisal: Appraisal) -> None:
    """A part of a long message is asked about without its text, which nobody knows yet."""
    content, data_coding = appraisal.content, appraisal.submit.data_coding
    recipient, sender = appraisal.recipient, appraisal.sender
    unlisted = is_unlisted(appraisal.account, sender)
    if content.concat is None:
        data_coding = coding_of(appraisal.account, data_coding, content.octets)
        tlvs = appraisal.submit.tlvs
        ports = port_element(tlvs) if tlvs and not appraisal.service else b""
        ping = None
        if appraisal.submit.protocol_id == SILENT and content.octets is None and not appraisal.service:
            ping = PING in appraisal.account.services
        appraisal.draft = Draft(
            recipient, sender, *content[:3], appraisal.service, data_coding, unlisted, ports, ping
        )
    else:
        appraisal.draft = Draft(recipient, sender, None, flash=content.flash, unlisted=unlisted)
    appraisal.data_coding = data_coding


def _decide_times(appraisal: Appraisal) -> None:
    appraisal.not_before, appraisal.deadline = times_of(appraisal.account, appraisal.submit, appraisal.now)


def _decide_timing(appraisal: Appraisal) -> None:
    """An account that waits for the provider (`mode: sync`) is told at once that none works."""
    path, not_before, now = appraisal.path, appraisal.not_before, appraisal.now
    held = _held(appraisal.account, not_before, now)
    timing = timing_of(path, not_before, appraisal.deadline, now, held=held)
    if path.down and timing.at_once and appraisal.account.mode == "sync":
        raise Refused(path.down, "no provider of the route works")
    appraisal.timing = timing


def _held(account: Account, not_before: int, now: int) -> bool:
    """Whether a message that is to be sent later is kept here whatever its provider can do: in quiet hours
    nothing is handed over, and what waits for their end may be cancelled and replaced until then."""
    if account.quiet is None or not_before <= now:
        return False
    return account.quiet_ends(not_before) or account.quiet_over(now) > now


# --- what is stored --------------------------------------------------------------------------------


def segment_of(appraisal: Appraisal, message_id: int, wire_id: str, origin: int) -> Segment:
    """What is stored for a submit_sm: a part is COLLECTING, and keeps its octets elsewhere.

    ``wire_id``: its message_id towards the ESME; ``origin``: see `Segment`. The fields go by position: with
    their names they cost another microsecond for every message.
    """
    submit, content, timing = appraisal.submit, appraisal.content, appraisal.timing
    is_part = content.concat is not None
    return Segment(
        message_id,
        appraisal.account.name,
        wire_id,
        origin,
        submit.source_addr_ton,
        submit.source_addr_npi,
        submit.source_addr,
        submit.dest_addr_ton,
        submit.dest_addr_npi,
        submit.destination_addr,
        appraisal.recipient,
        appraisal.sender,
        content.text,
        None if is_part else content.octets,
        content.flash,
        submit.protocol_id,
        tlvs_of(submit) if submit.tlvs else None,
        appraisal.data_coding,
        delivery_of(submit),
        submit.priority_flag,
        appraisal.service,
        reference_of(submit) if submit.tlvs else None,
        appraisal.path.route,
        appraisal.path.provider,
        Stage.COLLECTING if is_part else timing.stage,
        appraisal.not_before if is_part else timing.send_at,
        appraisal.now,
        None if is_part else timing.due_at,
        appraisal.deadline,
    )
