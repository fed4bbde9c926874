"""What smspilot's answers say of messages: a result for each that was sent, a report for each that was asked
about.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from smppbridge.errors import ProviderError, Rejected, Uncertain
from smppbridge.model.message import Message, StatusReport
from smppbridge.providers.base import SendResult, Taken
from smppbridge.providers.error_table import Rule, to_error
from smppbridge.providers.smspilot import codes
from smppbridge.providers.smspilot.records import Item, PilotAnswer, PilotFailure
from smppbridge.smpp.constants import Status


class PilotResults:
    """Results and reports of one entry. ``host``: whom reasons name. ``safe`` makes words of smspilot fit to
    be logged and kept."""

    def __init__(self, host: str, safe: Callable[[str], str]) -> None:
        self._unclear = f"{host} did not say clearly what became of the message"
        self._safe = safe

    def of_packet(
        self, packet: Sequence[Message], items: Mapping[int, Item], answer: PilotAnswer
    ) -> dict[int, SendResult]:
        """What became of each message, by our id. One that the answer does not mention is uncertain."""
        times = Counter(item.ref for item in answer.items)
        shared = {ref for ref in times if times[ref] > 1}
        others_taken = any(item.status not in (None, -2) for item in items.values())
        results: dict[int, SendResult] = {}
        for message in packet:
            item = items.get(message.id)
            if item is not None and item.status == -2:
                results[message.id] = self._of_row(message, item, others_taken=others_taken)
            elif item is not None and item.status is not None and item.ref and item.ref not in shared:
                results[message.id] = Taken(item.ref, answer.packet)
            else:
                results[message.id] = Uncertain(self._unclear)
        return results

    def _of_row(self, message: Message, item: Item, *, others_taken: bool) -> ProviderError:
        rule = codes.rule_of_row(item.error)
        error = self._refusal(message, rule, item.error, item.words)
        error.about_message = codes.is_about_message(rule, others_taken=others_taken)
        return error

    def refused(self, message: Message, failure: PilotFailure) -> ProviderError:
        """The packet was refused whole; this is one of its messages."""
        rule = codes.rule_for(failure.code, message.tries, failure.status)
        error = self._refusal(message, rule, failure.code, failure.words)
        error.about_message = rule.about_message
        return error

    def _refusal(self, message: Message, rule: Rule, code: int, words: str) -> ProviderError:
        reason = self._reason(code, words)
        if code == codes.DUPLICATE and message.attempt > 1:
            # The first try may be what this one is a duplicate of.
            return Uncertain(reason, code=str(code), status=Status.ESME_RSUBMITFAIL)
        if code <= 0:
            return Rejected(reason, code="-2", err=codes.NO_CODE)  # refused, but nobody says why
        return to_error(rule, code, reason)

    def unanswered(self, failure: PilotFailure) -> ProviderError:
        """A question was refused."""
        rule = codes.rule_for(failure.code, 0, failure.status)
        return to_error(rule, failure.code, self._reason(failure.code, failure.words))

    def _reason(self, code: int, words: str) -> str:
        return f"smspilot error {code}: {self._safe(words)}"


def report_of(item: Item) -> StatusReport | None:
    """The status of a message; None where it is none that a manual names."""
    if item.status is None:
        return None
    found = codes.state_of(item.status, item.error, item.words)
    if found is None:
        return None
    state, final, err = found
    return StatusReport(item.ref, state, final, err, str(item.error or item.status), item.details)


def reports_of(items: Sequence[Item], known: set[str]) -> list[StatusReport]:
    """The statuses of the messages whose references are ``known``."""
    reports = (report_of(item) for item in items if item.ref in known)
    return [report for report in reports if report is not None]
