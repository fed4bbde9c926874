"""What is reported about one PDU: what it is, what it says, what would become of it."""

from dataclasses import dataclass, field

from smppbridge.commands.explain.judge import (
    AnswerReport,
    DestinationOutcome,
    JoinedRefusal,
    JoinedWay,
    StatusAnswer,
    SubmitOutcome,
)
from smppbridge.commands.explain.parameters import HeaderParameters, Malformed, OptionalParameter
from smppbridge.commands.explain.texts import DeliveredReport, MessageText, TextShape
from smppbridge.commands.explain.values import INLINE, Instant, Meant, ReportValues


@dataclass(frozen=True, slots=True)
class BindOutcome:
    """Whose bind it is, and its answer as far as it is known."""

    account: str | Meant[str]
    then: str | None = None
    answer: StatusAnswer | None = None


@dataclass(frozen=True, slots=True)
class BindReport:
    """A bind."""

    bind: BindOutcome


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A request about a message that is stored."""

    then: str


@dataclass(frozen=True, slots=True)
class PartNumber:
    """Which part of a long message a submit_sm says it is."""

    number: int
    total: int
    reference: int
    told_by: str


@dataclass(frozen=True, slots=True)
class UnreadableText:
    """Parts that make no text."""

    unreadable: str
    then: str = "its receipts say REJECTD"


@dataclass(frozen=True, slots=True)
class JoinedText:
    """A long message whose parts are all there. ``outcome`` None: its account is not known."""

    shape: TextShape = field(metadata=INLINE)
    outcome: JoinedWay | JoinedRefusal | None = field(default=None, metadata=INLINE)


@dataclass(frozen=True, slots=True)
class Whose:
    """The account of a message, or why it is not known."""

    account: str | None = None
    warning: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitReport:
    """A submit_sm, or a data_sm that is one."""

    whose: Whose = field(metadata=INLINE)
    message: MessageText
    hints: tuple[str, ...] | None = None
    part: PartNumber | None = None
    outcome: SubmitOutcome | None = None
    joined: str | JoinedText | UnreadableText | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiReport:
    """A submit_multi: the text once, and what becomes of it for each destination."""

    whose: Whose = field(metadata=INLINE)
    message: MessageText | None = None
    hints: tuple[str, ...] | None = None
    outcomes: tuple[DestinationOutcome, ...]


About = BindReport | SubmitReport | MultiReport | DeliveredReport | LookedUp | AnswerReport
"""What a PDU comes to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PduReport:
    """Everything about one PDU."""

    place: str | None = None
    time: Instant | None = None  # None: its source does not tell it
    header: HeaderParameters
    malformed: Malformed | None = None
    parameters: ReportValues | None = None
    tlvs: tuple[OptionalParameter, ...] | None = None
    about: About | None = field(default=None, metadata=INLINE)

    @property
    def warning(self) -> str | None:
        """What a person should know before reading on."""
        return self.about.whose.warning if isinstance(self.about, SubmitReport | MultiReport) else None
