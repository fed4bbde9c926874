"""The health of one provider: whether it works, has money, and may be used now.

Everything that talks to the provider reports here how that went: hand-overs of messages, questions, and the
provider itself where it keeps connections.
"""

import logging
from collections.abc import Callable, Sequence

from smppbridge.errors import UNFIT, UNREADABLE, Disabled, Postponed, ProviderError, Rejected, Throttled
from smppbridge.flow.health.send_policy import SendPolicy
from smppbridge.logs import event
from smppbridge.metrics import Metrics
from smppbridge.model.message import Message
from smppbridge.providers.base import Limits, Provider, SendResult, Taken
from smppbridge.smpp.constants import Status

log = logging.getLogger(__name__)

_UNLINKED_PAUSE = 60.0  # seconds between two looks; the provider says itself when it can be reached again
PROBES_BEFORE_TRIAL = 3  # questions in a row that fail before a message is tried without an answer
# Trouble that may be that of one message is ours when so many phones, or so many messages, met it in a row.
PHONES_BEFORE_PAUSE = 3
MESSAGES_BEFORE_PAUSE = 10


class ProviderHealth:
    """The health of one provider.

    ``clock`` gives seconds that do not jump. ``changed(provider)`` is called when the provider goes down,
    when it works again, when a trial of it failed, and when its balance passes the threshold at which
    messages are diverted.
    """

    def __init__(
        self, provider: Provider, metrics: Metrics, clock: Callable[[], float], changed: Callable[[str], None]
    ) -> None:
        self.name = provider.name
        self.send_policy = SendPolicy(provider.limits, clock())
        self.breaker = self.send_policy.breaker
        self._provider = provider
        self._metrics = metrics
        self._clock = clock
        self._changed = changed
        self._account: list[ProviderHealth] = [self]  # all entries that use the same account there
        self._said_works = True
        self._failed_probes = 0
        self._unlinked = ""  # why it cannot be reached
        self._failed_at = 0.0  # when the last failure was heard of
        self._worked_at = 0.0  # when the last message began its way of which that is known and that went well
        self._suspected: dict[int, str] = {}  # phones of messages that met trouble, since the last was taken
        metrics.provider_up.labels(self.name).set(1)
        metrics.provider_low_balance.labels(self.name).set(0)

    def join(self, other: "ProviderHealth") -> None:
        """This entry uses the same account as ``other``: from now on they share its limits, its pauses and
        its balance. To be called before anything else is."""
        self.send_policy, self.breaker = other.send_policy, other.breaker
        self.send_policy.tighten(self._provider.limits, self._clock())
        self._account = other._account
        self._account.append(self)

    # --- what others ask -----------------------------------------------------------------------

    @property
    def account(self) -> str:
        """Names the account at the provider, the same for all entries that use it."""
        return self._account[0].name

    def asks_for_all(self, interval_of: Callable[[Limits], float]) -> bool:
        """Whether this is the first entry of its account that has an interval for this question: what belongs
        to the account, and not to its messages, is asked for by one entry."""
        asking = (entry for entry in self._account if interval_of(entry._provider.limits))
        return next(asking, self) is self

    @property
    def works(self) -> bool:
        """False from a failure until a hand-over succeeds, and while the provider cannot be reached."""
        return self.breaker.works and not self._unlinked

    @property
    def working(self) -> bool:
        """False while the provider is down. Once its pause is over it may be tried: then True."""
        return not self._unlinked and (self.breaker.works or self.breaker.allows(self._clock()))

    @property
    def reason(self) -> str:
        """Why the provider does not work; "" while it does."""
        return self._unlinked or self.breaker.reason

    @property
    def usable(self) -> bool:
        """Whether messages may be queued for the provider: it works, and its balance need not be spared."""
        return self.working and not self.send_policy.diverts

    @property
    def trials(self) -> int:
        """How many hand-overs, of one message each, may be without an answer until one shows whether the
        provider works; 0 = any number, as it does."""
        if not self.breaker.on_trial:
            return 0
        return 1 if self.breaker.in_doubt else self._provider.limits.unproven

    def pause(self) -> float:
        """Seconds for which the provider is to be left alone."""
        return _UNLINKED_PAUSE if self._unlinked else self.breaker.wait(self._clock())

    @property
    def status(self) -> int:
        """The command_status for an ESME that waits while the provider does not work."""
        return int(Status.ESME_RSYSERR) if self._unlinked else self.breaker.status

    # --- what others report --------------------------------------------------------------------

    def record_results(
        self,
        results: Sequence[SendResult],
        messages: Sequence[Message] = (),
        *,
        began: float = float("inf"),
        partly: bool = False,
        in_order: bool = False,
    ) -> None:
        """A hand-over of ``messages``, or of a part of them, ended with these results.

        ``began`` is when the hand-over began, in seconds of the clock; ``in_order``: when these messages
        themselves did, as the provider takes one after the other. ``partly``: it took other messages of the
        same hand-over before. In this order:

        1. Messages that were not even sent (`UNFIT`) say nothing about the provider.
        2. `Throttled` that is not about one message, or too many refusals in a row, is a failure.
        3. `Disabled` is a failure too, unless it may be about the messages alone: see `_about_messages`.
        4. One message that was taken or rejected proves that the provider works, unless the hand-over began
           before the last failure; ``in_order``: unless it began before the message that failed.
        5. What is left is a failure, except where the hand-over went well in part, the provider cannot be
           reached anyway, or the messages were only postponed.
        """
        handed_over = zip(messages, results, strict=False)
        results = [result for result in results if isinstance(result, Taken) or result.code != UNFIT]
        errors = [result for result in results if isinstance(result, ProviderError)]
        too_fast = (error for error in errors if isinstance(error, Throttled) and not error.about_message)
        grave: ProviderError | None = next(too_fast, None)
        grave = grave or self.send_policy.count_refusals(results, self._clock())
        trouble = next((error for error in errors if isinstance(error, Disabled)), None)
        if any(isinstance(result, Taken) for result in results):
            self._suspected.clear()
        elif trouble is not None:
            troubled = [message for message, result in handed_over if isinstance(result, Disabled)]
            overtaken = in_order and began < self._worked_at
            if not self._about_messages(trouble, troubled, partly or overtaken):
                grave = grave or trouble
        if grave is not None:
            self.record_failure(grave, began if in_order else None)
        elif any(isinstance(result, Taken | Rejected) for result in results):
            self._worked_at = max(self._worked_at, began) if in_order else self._worked_at
            if began >= self.breaker.failed_at:
                self._record_success()
        elif errors and trouble is None:
            self._record_errors(errors[0], messages, partly, began)

    def record_failure(self, error: ProviderError, at: float | None = None) -> None:
        """A whole hand-over met ``error``: leave the provider alone for as long as that asks for. ``at``:
        what began later and goes well disproves it; None = now."""
        self._suspected.clear()
        self._failed_at = self._clock()
        self._count_unreadable(error)
        if error.status == Status.ESME_RNOMONEY:
            self.send_policy.spent = self.send_policy.balance
        worked_before = self.works
        self.breaker.record_failure(error, self._clock())
        if self.breaker.reason:
            self.breaker.failed_at = max(self.breaker.failed_at, self._clock() if at is None else at)
        self._announce(worked_before)

    def question_failed(self, error: ProviderError) -> None:
        """A question (statuses, doubts, money, messages from phones) met ``error``. Only an error about us
        (`Disabled`, `Throttled`) keeps messages from being sent; others are about the question."""
        if isinstance(error, Disabled | Throttled):
            self.record_failure(error)
        else:
            self._count_unreadable(error)

    def record_balance(self, balance: float | None) -> None:
        """The account has this much money left; None = the provider did not say.

        Below ``low_balance`` of its limits an error is logged, and, with ``leave_when_low``, messages are
        diverted to other providers.
        """
        if balance is None or balance == self.send_policy.balance:
            return
        was_low, diverted = self.send_policy.is_low, self.send_policy.diverts
        self.send_policy.balance = balance
        for entry in self._account:
            self._metrics.provider_balance.labels(entry.name).set(balance)
            self._metrics.provider_low_balance.labels(entry.name).set(int(self.send_policy.is_low))
        if self.send_policy.is_low != was_low:
            level, what = (
                (logging.WARNING, "balance is well again") if was_low else (logging.ERROR, "balance is low")
            )
            event(log, level, what, provider=self.name, balance=balance)
        if self.send_policy.diverts != diverted:
            for entry in self._account:
                entry._changed(entry.name)

    async def probe(self) -> bool:
        """Ask a provider that was down for its balance, which harms nobody. Whether a message may be tried:

        1. After an answer, yes; but while money lacks, only if some was paid in.
        2. After `Disabled` or `Throttled`, no.
        3. After another error, at every `PROBES_BEFORE_TRIAL`th question without an answer: perhaps only the
           balance cannot be had.
        """
        try:
            balance = await self._provider.balance()
        except ProviderError as error:
            self._failed_probes += 1
            lasting = isinstance(error, Disabled | Throttled)
            if lasting or self._failed_probes % PROBES_BEFORE_TRIAL:
                why = self.breaker.reason
                self.record_failure(error)
                self.breaker.reason = self.breaker.reason if lasting else why
                return False
            return True
        self._failed_probes = 0
        self.record_balance(balance)
        if self.breaker.lacks_money and balance is not None and self._still_spent(balance):
            self.record_failure(Disabled(self.breaker.reason, status=Status.ESME_RNOMONEY))
            return False
        return True

    def linked(self, why: str) -> None:
        """A provider that keeps connections can be reached (""), or cannot for this reason. Whether it works
        is another question: after a reconnection the first messages find that out (`trials`)."""
        worked_before = self.works
        self._unlinked = why
        if why:
            self.breaker.require_trial()
        self._announce(worked_before)

    def trial_unused(self) -> None:
        """`probe` allowed a trial, but there was no message: the next `probe` may allow it again."""
        self._failed_probes = max(0, self._failed_probes - 1)

    # --- inside --------------------------------------------------------------------------------

    def _record_success(self) -> None:
        worked_before = self.works
        self.breaker.record_success()
        self._announce(worked_before)

    def _record_errors(
        self, error: ProviderError, messages: Sequence[Message], partly: bool, began: float
    ) -> None:
        """A hand-over went wrong that took no message, and did not refuse us either."""
        if partly or self._unlinked or isinstance(error, Postponed):
            return
        if self.breaker.on_trial and began < self._failed_at:
            return  # several trials that went out together are one
        if not (error.about_message and self._about_messages(error, messages, partly)):
            self.record_failure(error)

    def _about_messages(self, error: ProviderError, messages: Sequence[Message], partly: bool) -> bool:
        """Whether trouble of ``messages``, none of which was taken, may be about them alone:

        1. the provider said so;
        2. it took others of the same hand-over, or messages that went out later;
        3. it says that money lacks, although some was there when it was last asked;
        4. all of them failed before, and others were taken since.

        Then they wait, and the others go on. But when messages to `PHONES_BEFORE_PAUSE` phones, or
        `MESSAGES_BEFORE_PAUSE` messages to fewer, met trouble, and none was taken in between, it is ours.
        """
        moneyed = error.status == Status.ESME_RNOMONEY and (self.send_policy.balance or 0.0) > 0.0
        failed_before = all(message.tries for message in messages) and bool(messages)
        if not (error.about_message or partly or moneyed or (failed_before and not self.breaker.on_trial)):
            return False
        self._suspected.update((message.id, message.recipient) for message in messages)
        phones = len(set(self._suspected.values()))
        return phones < PHONES_BEFORE_PAUSE and len(self._suspected) < MESSAGES_BEFORE_PAUSE

    def _still_spent(self, balance: float) -> bool:
        """Whether nothing was paid in since money lacked. Some accounts live below zero, so a balance that
        grew is as good as one above the threshold."""
        spent = self.send_policy.spent
        paid_in = spent is not None and balance > spent
        return not paid_in and balance <= self.send_policy.low_balance

    def _count_unreadable(self, error: ProviderError) -> None:
        if error.code == UNREADABLE:
            self._metrics.unreadable_answers.labels(self.name).inc()

    def _announce(self, worked_before: bool) -> None:
        """Tell of a change, for each entry of the account."""
        for entry in self._account:
            entry._announce_own(failed_again=not (worked_before or self.works))

    def _announce_own(self, *, failed_again: bool) -> None:
        if self.works == self._said_works:
            if failed_again:
                self._changed(self.name)  # a trial failed: messages that came meanwhile may have another way
            return
        self._said_works = self.works
        self._metrics.provider_up.labels(self.name).set(int(self.works))
        if self.works:
            event(log, logging.WARNING, "provider works again", provider=self.name)
        else:
            pause = round(self.pause())
            reason = self.reason
            event(log, logging.ERROR, "provider is down", provider=self.name, reason=reason, pause_s=pause)
        self._changed(self.name)
