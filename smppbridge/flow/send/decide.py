"""What becomes of a message whose attempt did not end SENT, or whose time ran out.

Rules without I/O. The clock and chance are arguments.
"""

from typing import NamedTuple

from smppbridge.errors import Postponed, ProviderError, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.model.backoff import backoff
from smppbridge.model.message import Doubt, Message, Outcome, Overdue, Stage, State, Unsent
from smppbridge.model.route import Choice, first_provider, next_provider

LEASE_OVER = "lease over"
# So many times in a row the provider has to say that it does not have a message: it may need a moment until
# it can find what it has taken.
MISSES_ARE_CERTAIN = 2
# After so many questions without an answer the account's policy decides, if that is "resend" or "fail".
ASKED_IN_VAIN = 5
THROTTLED_BEFORE_BACKOFF = 2


class Situation(NamedTuple):
    """What a decision depends on besides the message."""

    now: int  # ms
    choice: Choice
    uncertain: str  # the account's policy: hold | resend | fail
    jitter: float  # 0..1
    ask_after: float = 0.0  # seconds until the provider is asked about a doubt; 0 = it cannot be asked
    waited: bool = False  # the ESME waits for its submit_sm_resp, and can be told of a refusal there


def after_error(message: Message | Doubt, error: ProviderError, here: Situation) -> Unsent | Outcome:
    """What becomes of a message that a provider did not take:

    1. Rejected: it is final, REJECTED.
    2. Uncertain: see `in_doubt`.
    3. Throttled, or Postponed: it waits, and stays with its provider. After `THROTTLED_BEFORE_BACKOFF`
       attempts Throttled makes it wait longer each time, as it may be the message that is not liked.
    4. Any other error: it goes to the next provider of its route that may be used.
    5. After the last one: it waits, backs off, and begins its route anew.

    While its ESME waits for the submit_sm_resp (`Situation.waited`), the message goes through its route only
    once: then Postponed is an error like others (4), and after the last provider the message is REJECTED (5).
    """
    if isinstance(error, Rejected):
        return _refused(message, error.err, error, here)
    if isinstance(error, Uncertain):
        return in_doubt(message, here, error.code, error.reason)
    if isinstance(error, Throttled) or (isinstance(error, Postponed) and not here.waited):
        pause = error.after + _impatience(message, error, here)
        return _unsent(message, Stage.WAITING, message.provider, pause, message.tries, error, here)
    following = next_provider(message.route, message.provider, here.choice)
    if following is not None:
        return _unsent(message, Stage.QUEUED, following, 0.0, message.tries, error, here)
    if here.waited:
        return _refused(message, 0, error, here)
    first = first_provider(message.route, here.choice)
    pause = backoff(message.tries, jitter=here.jitter)
    return _unsent(message, Stage.WAITING, first, pause, message.tries + 1, error, here)


def _impatience(message: Message | Doubt, error: ProviderError, here: Situation) -> float:
    """Seconds that a message waits longer because it was throttled so often."""
    if not isinstance(error, Throttled) or not error.after or message.attempt <= THROTTLED_BEFORE_BACKOFF:
        return 0.0
    return backoff(message.attempt - THROTTLED_BEFORE_BACKOFF - 1, jitter=here.jitter)


def in_doubt(message: Message | Overdue | Doubt, here: Situation, code: str, reason: str) -> Unsent | Outcome:
    """What becomes of a message that the provider may or may not have:

    1. The provider can be asked: UNCERTAIN, until the first question.
    2. The account's policy is "fail": UNDELIVERABLE.
    3. The policy is "resend": it waits, backs off, and goes to the same provider once more.
    4. The policy is "hold": UNCERTAIN until its deadline.

    It is never refused to an ESME that waits: the ESME would submit again what may have gone out already.
    """
    if here.ask_after:
        return _unsent(
            message,
            Stage.UNCERTAIN,
            message.provider,
            here.ask_after,
            message.tries,
            Uncertain(reason, code=code),
            here,
        )
    if here.uncertain == "fail":
        return Outcome(message.id, State.UNDELIVERABLE, 0, code, here.now, attempt=message.attempt)
    doubt = Uncertain(reason, code=code)
    if here.uncertain == "resend":
        pause = backoff(message.tries, jitter=here.jitter)
        return _unsent(message, Stage.WAITING, message.provider, pause, message.tries + 1, doubt, here)
    waiting = (message.deadline - here.now) / 1000
    return _unsent(message, Stage.UNCERTAIN, message.provider, waiting, message.tries, doubt, here)


def after_question(doubt: Doubt, here: Situation, *, missing: bool) -> Unsent | Outcome | None:
    """What becomes of a message after a question about it. None = it is asked about again.

    1. ``missing``, for the `MISSES_ARE_CERTAIN`th time in a row: the provider certainly does not have it, so
       it goes out again as after Unavailable.
    2. The provider could not tell, for the `ASKED_IN_VAIN`th time, and the account's policy is not "hold":
       that policy decides.
    """
    if missing:
        if doubt.misses + 1 < MISSES_ARE_CERTAIN:
            return None
        return after_error(doubt, Unavailable("the provider does not have it"), here)
    if here.uncertain == "hold" or doubt.asked + 1 < ASKED_IN_VAIN:
        return None
    return in_doubt(doubt, here._replace(ask_after=0.0), "", "the provider cannot tell")


def when_overdue(message: Overdue, here: Situation) -> Unsent | Outcome:
    """What becomes of a message whose time in its stage is over:

    1. SENDING, past its lease: it is in doubt.
    2. UNCERTAIN, or SENT without any status of the provider: UNKNOWN.
    3. Else, never sent or still under way by its last status: EXPIRED.
    """
    if message.stage == Stage.SENDING:
        return in_doubt(message, here, "", LEASE_OVER)
    if message.stage == Stage.UNCERTAIN:
        return Outcome(message.id, State.UNKNOWN, 0, "", here.now, attempt=message.attempt)
    if message.stage == Stage.SENT and not message.answered:
        return Outcome(message.id, State.UNKNOWN, 0, "", here.now)
    return Outcome(message.id, State.EXPIRED, 0, "", here.now)


def _refused(message: Message | Doubt, err: int, error: ProviderError, here: Situation) -> Outcome:
    """REJECTED; without a receipt (silent) where the ESME is told in its submit_sm_resp."""
    return Outcome(
        message.id,
        State.REJECTED,
        err,
        error.code,
        here.now,
        silent=here.waited,
        attempt=message.attempt,
        reason=error.reason,
    )


def _unsent(
    message: Message | Overdue | Doubt,
    stage: Stage,
    provider: str,
    pause: float,
    tries: int,
    error: ProviderError,
    here: Situation,
) -> Unsent:
    due = here.now + round(pause * 1000)
    if stage == Stage.QUEUED:
        due = message.deadline
    elif stage == Stage.WAITING:
        due = min(due, message.deadline)
    return Unsent(
        id=message.id,
        attempt=message.attempt,
        stage=stage,
        provider=provider,
        due_at=due,
        tries=tries,
        tried=message.provider,
        result=result_word(error),
        code=error.code,
        reason=error.reason,
        at=here.now,
    )


def result_word(error: ProviderError | None) -> str:
    """The word for the result of an attempt: a label of attempts_total, and a column of the history."""
    return "sent" if error is None else type(error).__name__.lower()
