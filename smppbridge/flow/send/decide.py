"""What becomes of a message whose attempt did not end SENT, or whose time ran out: rules without I/O.

Must not know: the store, providers, the clock (an argument).
"""

from typing import NamedTuple

from smppbridge.errors import Postponed, ProviderError, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.model.backoff import backoff
from smppbridge.model.message import Doubt, Message, Outcome, Overdue, Stage, State, Unsent
from smppbridge.model.route import Choice, first_provider, next_provider

LEASE_OVER = "lease over"
# A provider may need a moment until it can find what it has taken, so once is not enough.
MISSES_ARE_CERTAIN = 2
# So many questions without an answer, and those who would rather have it twice than late get it.
ASKED_IN_VAIN = 5


class Situation(NamedTuple):
    """What a decision depends on besides the message."""

    now: int  # ms
    choice: Choice
    uncertain: str  # the account's policy: hold | resend | fail
    jitter: float  # 0..1
    ask_after: float = 0.0  # seconds until its provider may be asked about a doubt; 0 = it cannot be asked
    waited: bool = False  # its ESME waits for the answer to its submit_sm, and can be told of a refusal there


def after_error(message: Message | Doubt, error: ProviderError, here: Situation) -> Unsent | Outcome:
    """The next stage of a message that a provider did not take. One that is waited for is refused rather than
    kept for later, when no provider after this one in its route may be used: its route is gone through once,
    and those before are not tried again. Only one that came too fast waits its turn."""
    if isinstance(error, Rejected):
        return _refused(message, error.err, error.code, here)
    if isinstance(error, Uncertain):
        return in_doubt(message, here, error.code, error.reason)
    if isinstance(error, Throttled) or (isinstance(error, Postponed) and not here.waited):
        return _unsent(message, Stage.WAITING, message.provider, error.after, message.tries, error, here)
    following = next_provider(message.route, message.provider, here.choice)
    if following is not None:
        return _unsent(message, Stage.QUEUED, following, 0.0, message.tries, error, here)
    if here.waited:
        return _refused(message, 0, error.code, here)
    first = first_provider(message.route, here.choice)
    pause = backoff(message.tries, jitter=here.jitter)
    return _unsent(message, Stage.WAITING, first, pause, message.tries + 1, error, here)


def in_doubt(message: Message | Overdue | Doubt, here: Situation, code: str, reason: str) -> Unsent | Outcome:
    """The provider may or may not have the message: it is asked, or else the account's policy decides. It is
    never refused to an ESME that waits: that would submit once more what may have gone out already."""
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
    """What becomes of a message that its provider did not find (``missing``), or could not tell anything
    about; None = it is asked again. Only what is certainly not there goes out once more."""
    if missing:
        if doubt.misses + 1 < MISSES_ARE_CERTAIN:
            return None
        return after_error(doubt, Unavailable("the provider does not have it"), here)
    if here.uncertain == "hold" or doubt.asked + 1 < ASKED_IN_VAIN:
        return None
    return in_doubt(doubt, here._replace(ask_after=0.0), "", "the provider cannot tell")


def when_overdue(message: Overdue, here: Situation) -> Unsent | Outcome:
    """The end of a stage: EXPIRED for what was never sent, UNKNOWN for what nobody can tell any more."""
    if message.stage == Stage.SENDING:
        return in_doubt(message, here, "", LEASE_OVER)
    if message.stage == Stage.UNCERTAIN:
        return Outcome(message.id, State.UNKNOWN, 0, "", here.now, attempt=message.attempt)
    if message.stage == Stage.SENT and not message.answered:
        return Outcome(message.id, State.UNKNOWN, 0, "", here.now)
    return Outcome(message.id, State.EXPIRED, 0, "", here.now)


def _refused(message: Message | Doubt, err: int, code: str, here: Situation) -> Outcome:
    """The end of a message that no provider takes: in silence where its ESME can be told at once."""
    state, attempt = State.REJECTED, message.attempt
    return Outcome(message.id, state, err, code, here.now, silent=here.waited, attempt=attempt)


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
    """The word for an attempt's result: a label of attempts_total, and a column of the history."""
    return "sent" if error is None else type(error).__name__.lower()
