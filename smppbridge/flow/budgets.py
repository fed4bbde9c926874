"""Every budget of the process in the metrics: its limit beside its use, as the part counts that keeps it.

Nothing is counted for this: the numbers are read when /metrics is.
"""

from functools import partial

from smppbridge.flow.settle.pending import PendingResponses
from smppbridge.flow.waiting import Waiting
from smppbridge.link.admission import Admission
from smppbridge.link.authentication import Authenticator
from smppbridge.metrics import Metrics


def show_budgets(
    metrics: Metrics,
    admission: Admission,
    authenticator: Authenticator,
    waiting: Waiting,
    pending: PendingResponses,
) -> None:
    """Show them from now on. Those of connections must have been made."""

    def show(name: str, of: object, limit: str = "limit", used: str = "used") -> None:
        metrics.budget_limit.labels(name).set_function(partial(getattr, of, limit))
        metrics.budget_used.labels(name).set_function(partial(getattr, of, used))

    show("connections", admission)
    for budget in admission.budgets:
        show(budget.name, budget)
    show("hashes", authenticator.slots)
    show("hashes_waiting", authenticator.slots, "most_waiting", "waiting")
    show("lockouts", authenticator.lockouts)
    for name, shares in (
        ("messages", waiting.messages),
        ("unsaved", waiting.unsaved),
        ("pending_responses", pending.shares),
    ):
        show(name, shares, "most", "total")
