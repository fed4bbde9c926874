"""What verdicts do to messages: which become final, what is owed for it, and what is only noted.

A verdict is a status of a provider, or an outcome that the bridge decides. A store reads the `Row` of each
message that is meant, hands it over with its verdicts, and writes the rows that `Changes` holds.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from smppbridge.model.message import UNTOLD, Outcome, Particulars, Settled, Stage, State
from smppbridge.model.owed import owes_receipt
from smppbridge.store.results import Settlement

Binds = Collection[tuple[str, int]]  # (account, origin) of the binds that claim receipts now


class Row(NamedTuple):
    """What a decision about a message needs to know of it, and of the part that is meant."""

    ref: str | None  # of the message or of the part
    id: int
    account: str
    origin: int
    provider: str
    recipient: str
    stage: int
    state: int
    seen: int  # bit 1 << state for each state on the way that was noted before
    registered_delivery: int
    submitted_at: int
    segments: int  # submit_sm that it was joined of
    price: int  # see Particulars
    sender: str  # that it was handed over with; "" = the provider's own
    part_state: int | None  # None: the message as a whole is meant
    part_final: int


class Verdict(NamedTuple):
    """One status, whoever tells it."""

    state: int
    final: bool
    err: int
    code: str
    at: int
    details: str = ""
    reason: str = ""  # why the provider refused it, or did not deliver it
    told: Particulars = UNTOLD
    silent: bool = False  # no receipt is owed for it


Word = tuple[Row, Verdict]  # what is said, and of what
Words = list[Word]

# Plain tuples, because there are very many of them, and their order is the order of the columns.
Note = tuple[int, int, str, int, int]  # state, err, code, bit of the state, message id
Final = tuple[int, int, str, int, str, int]  # state, err, code, at, details, message id
# account, origin, message id, state, final, err, code, at, due at, details
Owed = tuple[str, int, int, int, bool, int, str, int, int, str]
Told = tuple[int, str, int, str, int]  # price, currency, parts, operator, message id
Reason = tuple[str, str, str, int, int]  # word of the state, code, reason, at, message id
Carried = tuple[str, int]  # provider that carried the message in the end, id of a part

Ended = tuple[int, str, str, int, int]  # a message that became final: id, account, recipient, state, when

_IN_HAND = (Stage.SENDING, Stage.UNCERTAIN)  # the message is with the provider of its last attempt
_NOT_REACHED = (State.UNDELIVERABLE, State.EXPIRED)


class Changes:
    """The rows that a batch of verdicts writes, and what is told of it. `add` each message, then `follow` for
    the other parts of those that were joined."""

    def __init__(self, live: Binds) -> None:
        self._live = live
        self.notes: list[Note] = []
        self.finals: list[Final] = []  # to be written after `notes`: a message may be in both
        self.receipts: list[Owed] = []
        self.told: list[Told] = []
        self.reasons: list[Reason] = []
        self.carried: list[Carried] = []
        self.ended: list[Ended] = []
        self._settled: list[Settled] = []
        self._notified: set[str] = set()
        self._late = 0
        self._refused: list[tuple[str, str]] = []  # code, reason
        self._replaced: list[tuple[str, str]] = []  # senders: asked for, shown
        self._spent: dict[str, int] = {}  # by currency
        self._priced: set[int] = set()  # ids of messages whose prices are in it

    def add(self, row: Row, verdicts: Sequence[Verdict]) -> None:
        """What ``verdicts`` do to one message, in their order.

        1. The first final verdict ends the message, unless it is FINAL already. The receipt that it asked
           for is owed, unless the verdict is silent.
        2. Before that, each new state is noted. A notification is owed where it asked for it, once for each
           state.
        3. After that, a verdict with another state is late, and its state changes nothing. One with the same
           state is only a repetition.
        4. What a verdict tells besides is noted in any case. A price counts as spent the first time, a sender
           that the provider replaced when the message ends.
        """
        ended, last, seen = row.stage == Stage.FINAL, row.state, row.seen
        for verdict in verdicts:
            state, final, err, code, at, details, reason, told, silent = verdict
            if any(told):
                self._note_told(row, told, ends=final and not ended)
            if ended:
                self._late += state != last
                continue
            owed = not silent and owes_receipt(row.registered_delivery, state, final)
            if final:
                ended = True
                self.finals.append((state, err, code, at, details, row.id))
                if code and state != State.DELIVERED:
                    self._refused.append((code, reason))
                if reason:
                    self.reasons.append((State(state).name.lower(), code, reason, at, row.id))
                self.ended.append((row.id, row.account, row.recipient, state, at))
                unsent = row.stage < Stage.SENT
                self._settled.append(
                    Settled(row.account, row.provider, state, row.submitted_at, owed, unsent)
                )
            else:
                bit = 1 << state
                owed = owed and not seen & bit
                seen |= bit
                if last != state:
                    self.notes.append((state, err, code, bit, row.id))
                if owed:
                    self._notified.add(row.account)
            last = state
            if owed:
                self._owe(row, verdict)

    def follow(self, row: Row, head: Row, verdicts: Sequence[Verdict]) -> None:
        """The same to a part of ``head``, a message that was joined. The part owes the receipts that it asked
        for itself; it is counted with its message, not on its own."""
        settled, ended, late, owed = len(self._settled), len(self.ended), self._late, len(self.receipts)
        refused = len(self._refused)
        if row.provider != head.provider:
            self.carried.append((head.provider, row.id))
        self.add(row, [verdict._replace(reason="", told=UNTOLD) for verdict in verdicts])
        del self._settled[settled:], self.ended[ended:], self._refused[refused:]
        self._late = late
        if len(self.receipts) > owed:
            self._notified.add(row.account)

    def settlement(self, alerted: frozenset[str]) -> Settlement:
        """What is told of all of it; ``alerted``: the accounts that are owed an alert by it."""
        return Settlement(
            self._settled,
            frozenset(self._notified),
            self._late,
            alerted,
            tuple(self._refused),
            self._spent,
            tuple(self._replaced),
        )

    def _note_told(self, row: Row, told: Particulars, *, ends: bool) -> None:
        """``ends``: it is told by the verdict that ends the message."""
        price, currency, parts, operator, sender = told
        if ends and sender and row.sender and sender != row.sender:
            self._replaced.append((row.sender, sender))
        self.told.append((price, currency, parts, operator, row.id))
        if price and not row.price and row.id not in self._priced:
            self._priced.add(row.id)
            self._spent[currency] = self._spent.get(currency, 0) + price

    def _owe(self, row: Row, verdict: Verdict) -> None:
        """A bind that is not there, or claims no receipts, leaves them to any bind of the account."""
        origin = row.origin if (row.account, row.origin) in self._live else 0
        state, final, err, code, at, details = verdict[:6]
        self.receipts.append((row.account, origin, row.id, state, final, err, code, at, at, details))


def by_message(words: Iterable[Word]) -> Collection[tuple[Row, list[Verdict]]]:
    """Each message once, with its verdicts in their order."""
    said: dict[int, tuple[Row, list[Verdict]]] = {}
    for row, verdict in words:
        earlier = said.get(row.id)
        if earlier is None:
            said[row.id] = (row, [verdict])
        else:
            earlier[1].append(verdict)
    return said.values()


def first_outcomes(outcomes: Iterable[Outcome]) -> dict[int, Outcome]:
    """The outcome of each message, by its id: of several the first."""
    first: dict[int, Outcome] = {}
    for outcome in outcomes:
        first.setdefault(outcome.id, outcome)
    return first


def end_of(row: Row, attempt: int, outcome: Outcome) -> Verdict | None:
    """The verdict of an outcome about a message whose last attempt is ``attempt``. None where the outcome is
    void: it is the end of an attempt, and another has begun, or the message has left its provider since."""
    if outcome.attempt and (outcome.attempt != attempt or row.stage not in _IN_HAND):
        return None
    return Verdict(
        outcome.state,
        True,
        outcome.err,
        outcome.code,
        outcome.at,
        reason=outcome.reason,
        silent=outcome.silent,
    )


def unreached(ended: Iterable[Ended]) -> list[int]:
    """The ids of messages that did not reach their phones. Those of them that asked for an alert are to be
    watched for."""
    return [message_id for message_id, _, _, state, _ in ended if state in _NOT_REACHED]


def phones(ended: Iterable[Ended], asking: Collection[int]) -> Iterator[tuple[Ended, bool]]:
    """What ends of messages say about their phones, in order. Others than these say nothing.

    1. (end, True): the phone was reached. Alerts that were watched for are owed.
    2. (end, False): it was not, and the message is in ``asking`` (ids). The phone is watched from now on."""
    for one in ended:
        if one[3] == State.DELIVERED:
            yield one, True
        elif one[0] in asking:
            yield one, False
