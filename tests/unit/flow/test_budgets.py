"""Limit and use of every budget stand in the metrics, without anybody telling them."""

from smppbridge.flow.accounts import Accounts
from smppbridge.flow.budgets import show_budgets
from smppbridge.flow.settle.pending import MOST, PendingResponses
from smppbridge.flow.waiting import MAX_UNSAVED, Waiting
from smppbridge.link.admission import Admission
from smppbridge.link.authentication import Authenticator
from smppbridge.link.hash_slots import AT_ONCE, WAITING
from smppbridge.link.lockouts import ENTRIES
from smppbridge.metrics import Metrics
from tests.support.builders.accounts import account
from tests.support.builders.metrics import value


def of(metrics: Metrics, name: str) -> tuple[float, float]:
    """Use and limit."""
    return value(metrics, "budget_used", budget=name), value(metrics, "budget_limit", budget=name)


async def test_every_budget_beside_its_use() -> None:
    metrics, accounts = Metrics(), Accounts({"pbx": account("pbx")})
    admission, waiting = Admission(100, metrics), Waiting(1000, accounts)
    unbound = admission.budget("unbound", 50)
    show_budgets(metrics, admission, Authenticator(accounts), waiting, PendingResponses(accounts))
    for name, limit in {
        "connections": 100,
        "unbound": 50,
        "hashes": AT_ONCE,
        "hashes_waiting": WAITING,
        "lockouts": ENTRIES,
        "messages": 1000,
        "unsaved": MAX_UNSAVED,
        "pending_responses": MOST,
    }.items():
        assert of(metrics, name) == (0, limit)
    place = admission.admit("192.0.2.1", unbound)
    waiting.save("pbx", 7)
    waiting.messages.most = 500  # a reload
    assert place is not None
    assert (of(metrics, "connections"), of(metrics, "unbound")) == ((1, 100), (1, 50))
    assert (of(metrics, "messages"), of(metrics, "unsaved")) == ((7, 500), (7, MAX_UNSAVED))
    place.give_back()
    assert of(metrics, "connections") == (0, 100)
