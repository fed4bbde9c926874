"""Tells the operator, once for each account, what its equipment seems to do wrong with its texts."""

import logging
from collections.abc import Callable

from smppbridge.logs import Seldom, event
from smppbridge.model.account import Account
from smppbridge.smpp.hints import suspicious
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.submission.content import octets_of
from smppbridge.submission.hints import hints_for

log = logging.getLogger(__name__)

_PAUSE = 1.0  # seconds between two closer looks at the messages of one account


class CodingHints:
    """Looks for likely mistakes. ``time``: seconds on a clock that never goes back."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._looks = Seldom(interval=_PAUSE)
        self._told: dict[str, tuple[Account, set[str]]] = {}

    def look(self, account: Account, submit: SubmitSm) -> None:
        """Called for every submit_sm, whether it is taken or not."""
        if not suspicious(octets_of(submit), submit.data_coding):
            return
        if not self._looks.allows(account.name, self._time()):
            return
        told = self._told_of(account)
        for hint in hints_for(account, submit):
            if hint.key not in told:
                told.add(hint.key)
                event(log, logging.WARNING, "a likely mistake", account=account.name, hint=hint.text)

    def _told_of(self, account: Account) -> set[str]:
        known = self._told.get(account.name)
        if known is None or known[0] is not account:  # new settings after a reload: look anew
            known = self._told[account.name] = (account, set())
        return known[1]
