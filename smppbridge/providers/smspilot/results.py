"""What smspilot's answers say of messages: a result for each that was sent, a report for each that was asked
about.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from smppbridge.errors import ProviderError, Rejected, Uncertain
from smppbridge.model.message import Message, Particulars, State, StatusReport
from smppbridge.providers.base import SendResult, Taken
from smppbridge.providers.error_table import Rule, to_error
from smppbridge.providers.smspilot import codes
from smppbridge.providers.smspilot.meanings import meaning_of
from smppbridge.providers.smspilot.records import Item, PilotAnswer, PilotFailure, once
from smppbridge.smpp.constants import Status

REFUSED = -2  # the status of a message that was refused, and its code where none is told


class PilotResults:
    """Results and reports of one entry. ``host``: whom reasons name. ``safe`` makes words of smspilot fit to
    be logged and kept. ``free``: it is all a test, which costs nothing."""

    def __init__(self, host: str, safe: Callable[[str], str], *, free: bool = False) -> None:
        self._unclear = f"{host} did not say clearly what became of the message"
        self._safe = safe
        self._free = free

    def of_packet(
        self, packet: Sequence[Message], items: Mapping[int, Item], answer: PilotAnswer
    ) -> dict[int, SendResult]:
        """What became of each message, by our id. One that the answer does not mention is uncertain."""
        times = Counter(item.ref for item in answer.items)
        shared = {ref for ref in times if times[ref] > 1}
        others_taken = any(item.status not in (None, REFUSED) for item in items.values())
        results: dict[int, SendResult] = {}
        for message in packet:
            item = items.get(message.id)
            if item is not None and item.status == REFUSED:
                results[message.id] = self._of_row(message, item, others_taken=others_taken)
            elif item is not None and item.status is not None and item.ref and item.ref not in shared:
                results[message.id] = Taken(
                    item.ref, answer.packet, told=self._told(item, shown=not message.service_type)
                )
            else:
                results[message.id] = Uncertain(self._unclear)
        return results

    def _told(self, item: Item, *, shown: bool = False) -> Particulars:
        """``shown``: whether its sender is one that stands for ours."""
        told = item.told
        if self._free:
            told = told._replace(price=0, currency="")
        return told if shown else told._replace(sender="")

    def _of_row(self, message: Message, item: Item, *, others_taken: bool) -> ProviderError:
        rule = codes.rule_of_row(item.error)
        error = self._refusal(
            message, rule, PilotFailure(item.error or REFUSED, once((item.words, item.words_ru)))
        )
        error.about_message = codes.is_about_message(rule, others_taken=others_taken)
        return error

    def refused(self, message: Message, failure: PilotFailure) -> ProviderError:
        """The packet was refused whole; this is one of its messages."""
        rule = codes.rule_for(failure.code, failure.status)
        error = self._refusal(message, rule, failure)
        error.about_message = rule.about_message
        return error

    def _refusal(self, message: Message, rule: Rule, failure: PilotFailure) -> ProviderError:
        code, reason = failure.code, self._reason(failure, message.sender)
        if code == codes.DUPLICATE and message.attempt > 1:
            # The first try may be what this one is a duplicate of.
            return Uncertain(reason, code=str(code), status=Status.ESME_RSUBMITFAIL)
        if code <= 0:
            return Rejected(reason, code=str(code), err=codes.NO_CODE)  # refused, but nobody says why
        return to_error(rule, code, reason)

    def unanswered(self, failure: PilotFailure) -> ProviderError:
        """A question was refused."""
        rule = codes.rule_for(failure.code, failure.status)
        return to_error(rule, failure.code, self._reason(failure))

    def reports(self, items: Sequence[Item], known: Collection[str]) -> list[StatusReport]:
        """The statuses of the messages whose references are ``known``."""
        reports = (self.report(item) for item in items if item.ref in known)
        return [report for report in reports if report is not None]

    def report(self, item: Item) -> StatusReport | None:
        """The status of a message; None where it is none that a manual names. Its sender was told when it was
        taken."""
        if item.status is None:
            return None
        found = codes.state_of(item.status, item.error, item.words)
        if found is None:
            return None
        state, final, err = found
        report = StatusReport(
            item.ref,
            state,
            final,
            err,
            code=str(item.error or item.status),
            details=item.details,
            told=self._told(item),
        )
        if not final or state == State.DELIVERED:
            return report
        reason = self._reason(PilotFailure(item.error or item.status, once((item.words, item.words_ru))))
        return report._replace(reason=reason)

    def _reason(self, failure: PilotFailure, sender: str = "") -> str:
        """The code and what it means, then smspilot's own words."""
        ours = meaning_of(failure.code, self._safe(sender), failure.address)
        return ": ".join(filter(None, (str(failure.code), ours, self._safe(failure.words))))
