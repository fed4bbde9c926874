"""How the bridge stands with one provider: whether it works, has money, and may be used now.

Everybody who asked the provider something says here how that went. Must not know: the store, messages' fates.
"""

import logging
from collections.abc import Callable, Sequence

from smppbridge.errors import Disabled, Postponed, ProviderError, Rejected, Throttled
from smppbridge.flow.health.send_policy import SendPolicy
from smppbridge.logs import event
from smppbridge.metrics import Metrics
from smppbridge.providers.base import Provider, SendResult, Taken
from smppbridge.providers.http.client import UNREADABLE
from smppbridge.providers.http.provider import UNFIT
from smppbridge.smpp.constants import Status

log = logging.getLogger(__name__)

_UNLINKED_PAUSE = 60.0  # seconds between two looks; the provider says itself when it can be reached again
PROBES_BEFORE_TRIAL = 3  # questions in a row that fail before a message is tried without an answer


class ProviderHealth:
    """One provider's. ``clock`` does not jump (seconds); ``changed(provider)`` hears that it went down, works
    again, or that messages should go elsewhere because of its balance."""

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
        self._failed_probes = 0
        self._unlinked = ""  # why it cannot be reached
        self._troubled_at = 0.0  # when it was last found not to work
        self._spent: float | None = None  # the balance when there was not enough of it
        metrics.provider_up.labels(self.name).set(1)
        metrics.provider_low_balance.labels(self.name).set(0)

    # --- what others ask -----------------------------------------------------------------------

    @property
    def works(self) -> bool:
        """False from a failure until a hand-over succeeds, and while it cannot be reached."""
        return self.breaker.works and not self._unlinked

    @property
    def working(self) -> bool:
        """True unless the provider is down; once its pause is over it may be tried."""
        return not self._unlinked and (self.breaker.works or self.breaker.is_open(self._clock()))

    @property
    def reason(self) -> str:
        """Why it does not work, "" while it does."""
        return self._unlinked or self.breaker.reason

    @property
    def usable(self) -> bool:
        """True unless the provider is down, or is to be spared: messages may be queued for it."""
        return self.working and not self.send_policy.leaves()

    def pause(self) -> float:
        """Seconds for which the provider is to be left alone."""
        return _UNLINKED_PAUSE if self._unlinked else self.breaker.wait(self._clock())

    @property
    def status(self) -> int:
        """The command_status that says so to an ESME that would wait."""
        return int(Status.ESME_RSYSERR) if self._unlinked else self.breaker.status

    # --- what others tell ----------------------------------------------------------------------

    def judge(
        self, results: Sequence[SendResult], *, began: float = float("inf"), partly: bool = False
    ) -> None:
        """A hand-over that began then ended so; ``partly``: some of it was taken before. What was not
        even sent says nothing about the provider, and what began before there was trouble nothing about
        now."""
        results = [result for result in results if isinstance(result, Taken) or result.code != UNFIT]
        errors = [result for result in results if isinstance(result, ProviderError)]
        grave = next((error for error in errors if isinstance(error, Disabled | Throttled)), None)
        grave = grave or self.send_policy.count_refusals(results, self._clock())
        if grave is not None:
            self.trouble(grave)
        elif any(isinstance(result, Taken | Rejected) for result in results):
            if began < self._troubled_at:
                return
            worked_before = self.works
            self.breaker.succeeded()
            self._announce(worked_before)
        elif errors and not (partly or self._unlinked or isinstance(errors[0], Postponed)):
            self.trouble(errors[0])

    def trouble(self, error: ProviderError) -> None:
        """A whole hand-over met ``error``: leave the provider alone for as long as that asks for."""
        self._count_unreadable(error)
        if error.status == Status.ESME_RNOMONEY:
            self._spent = self.send_policy.balance
        worked_before = self.works
        self.breaker.failed(error, self._clock())
        if self.breaker.reason:
            self._troubled_at = self._clock()
        self._announce(worked_before)

    def question_failed(self, error: ProviderError) -> None:
        """A question (statuses, doubts, money, messages from phones) met ``error``. Only what is about us,
        not about the question, keeps messages from being sent."""
        if isinstance(error, Disabled | Throttled):
            self.trouble(error)
        else:
            self._count_unreadable(error)

    def note_balance(self, balance: float | None) -> None:
        """The provider said how much money is left: below the threshold a person is told, and, where that is
        configured, messages go elsewhere."""
        if balance is None or balance == self.send_policy.balance:
            return
        was_low, left = self.send_policy.is_low, self.send_policy.leaves()
        self.send_policy.balance = balance
        self._metrics.provider_balance.labels(self.name).set(balance)
        if self.send_policy.is_low != was_low:
            self._metrics.provider_low_balance.labels(self.name).set(int(self.send_policy.is_low))
            level, what = (
                (logging.WARNING, "balance is well again") if was_low else (logging.ERROR, "balance is low")
            )
            event(log, level, what, provider=self.name, balance=balance)
        if self.send_policy.leaves() != left:
            self._changed(self.name)

    async def probe(self) -> bool:
        """Ask a provider that was down for something harmless; whether it may be trusted with a message."""
        try:
            balance = await self._provider.balance()
        except ProviderError as error:
            self._failed_probes += 1
            lasting = isinstance(error, Disabled | Throttled)
            if lasting or self._failed_probes % PROBES_BEFORE_TRIAL:
                why = self.breaker.reason
                self.trouble(error)
                self.breaker.reason = self.breaker.reason if lasting else why
                return False
            return True  # perhaps only the balance cannot be had
        self._failed_probes = 0
        self.note_balance(balance)
        if self.breaker.lacks_money and balance is not None and self._still_spent(balance):
            self.trouble(Disabled(self.breaker.reason, status=Status.ESME_RNOMONEY))
            return False
        return True

    def linked(self, why: str) -> None:
        """A provider that keeps connections can be reached (""), or cannot for that reason; whether it
        works is another question, which a first message has to answer anew."""
        worked_before = self.works
        self._unlinked = why
        if why:
            self.breaker.doubt()
        self._announce(worked_before)

    def trial_unused(self) -> None:
        """There was no message to try: the next one may be tried."""
        self._failed_probes = max(0, self._failed_probes - 1)

    # --- inside --------------------------------------------------------------------------------

    def _still_spent(self, balance: float) -> bool:
        """Whether nothing was paid in since there was not enough (some accounts live below zero)."""
        paid_in = self._spent is not None and balance > self._spent
        return balance <= self._provider.limits.low_balance and not paid_in

    def _count_unreadable(self, error: ProviderError) -> None:
        if error.code == UNREADABLE:
            self._metrics.unreadable_answers.labels(self.name).inc()

    def _announce(self, worked_before: bool) -> None:
        if self.works == worked_before:
            if not worked_before:
                self._changed(self.name)  # a trial failed: what came meanwhile may have another way
            return
        self._metrics.provider_up.labels(self.name).set(int(self.works))
        if self.works:
            event(log, logging.WARNING, "provider works again", provider=self.name)
        else:
            pause = round(self.pause())
            reason = self.reason
            event(log, logging.ERROR, "provider is down", provider=self.name, reason=reason, pause_s=pause)
        self._changed(self.name)
