"""What becomes of a message, in one sentence."""

from smppbridge.commands.explain import meanings
from smppbridge.commands.explain.judge import (
    Acceptance,
    AnswerReport,
    JoinedRefusal,
    JoinedWay,
    Schedule,
    StatusAnswer,
    SubmitOutcome,
)
from smppbridge.commands.explain.parameters import Malformed
from smppbridge.commands.explain.report import (
    JoinedText,
    MultiReport,
    PduReport,
    SubmitReport,
    UnreadableText,
    Whose,
)
from smppbridge.commands.explain.request import NoCall, ProviderRequest
from smppbridge.commands.explain.values import Meant


def verdict(report: PduReport) -> str:
    """Whether a message would be sent, and how; "" for what is no message."""
    if report.malformed is not None:
        return _malformed(report.malformed)
    match report.about:
        case MultiReport(whose=Whose(warning=None), outcomes=outcomes):
            taken = sum(isinstance(one.outcome.answer, Acceptance) for one in outcomes)
            return f"would be taken for {taken} of {len(outcomes)} destinations"
        case (
            SubmitReport(outcome=SubmitOutcome(answer=StatusAnswer() as answer)) | AnswerReport(answer=answer)
        ):
            return _refused(answer)
        case SubmitReport(outcome=SubmitOutcome() as outcome) as about:
            return f"would be answered ESME_ROK{_way(about, outcome)}"
    return ""


def _malformed(malformed: Malformed) -> str:
    answer = malformed.answer
    code = f" {answer.command_status.name}" if answer.command_status else ""
    return f"malformed; would be answered {answer.pdu}{code}: {malformed.reason}"


def _refused(answer: StatusAnswer) -> str:
    return f"would be answered {answer.command_status.name}: {answer.reason or ''}".rstrip(": ")


def _way(about: SubmitReport, outcome: SubmitOutcome) -> str:
    """What becomes of a message that is taken."""
    match about.joined:
        case str() as sentence:
            return f"; {sentence}"
        case UnreadableText(unreadable=reason):
            return f"; joined, it would be REJECTD: {reason}"
        case JoinedText(outcome=JoinedRefusal(refused=refused)):
            return f"; joined, it would be REJECTD: {refused.reason}"
        case JoinedText(outcome=JoinedWay() as way):
            assert outcome.times is not None  # its last part was taken
            return f"; joined, it would {_goes(outcome, way.request)}{_later(outcome.times)}"
    assert outcome.request is not None and outcome.times is not None  # of what is taken and does not wait
    return f" and {_goes(outcome, outcome.request)}{_later(outcome.times)}"


def _goes(outcome: SubmitOutcome, request: ProviderRequest) -> str:
    recipient = outcome.recipient.value if isinstance(outcome.recipient, Meant) else outcome.recipient
    sentence = f"go to {recipient} through {request.provider.value}"
    return f"{sentence}; {request.call.nothing}" if isinstance(request.call, NoCall) else sentence


def _later(times: Schedule) -> str:
    return "" if isinstance(times.sent, str) else f", not before {meanings.instant(times.sent.value.ms)}"
