"""Every Prometheus series of the bridge, named once.

Values of labels come from the configuration or from a fixed table. Nothing that a stranger sends becomes a
label, so the number of series stays bounded.
"""

import platform

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from smppbridge import __version__

CONTENT_TYPE = CONTENT_TYPE_LATEST

# The library would add a series <name>_created for every counter.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types for it

# Buckets of histograms: seconds, except _ROWS.
_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_REQUEST = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_DELIVERY = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
_ROWS = (1, 5, 10, 50, 100, 250, 500, 1000, 2500, 5000)


class Metrics:
    """All series, in a registry of their own. Dashboards and alerts rely on the names: they do not change.

    Each name gets the prefix ``smppbridge_``; a counter also gets the suffix ``_total``.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)

        self.build_info = self._gauge("build_info", "Version of the running program.", "version", "python")
        self.binds = self._gauge("binds", "Bound sessions.", "account", "bind_type")
        self.connections = self._gauge(
            "connections", "Connections that peers opened, by their state.", "state"
        )
        self.refused_connections = self._counter(
            "refused_connections", "Connections ended before anybody knew whose they are.", "cause"
        )
        self.bind_attempts = self._counter("bind_attempts", "Answered binds.", "account", "status")
        self.locked_out_binds = self._counter(
            "locked_out_binds", "Binds refused because their address guessed too many passwords."
        )
        self.outbind_calls = self._counter(
            "outbind_calls", "Calls of equipment that did not come for its receipts.", "account", "result"
        )
        self.submit_sm = self._counter("submit_sm", "Answered submit_sm.", "account", "status")
        self.submit_seconds = self._histogram(
            "submit_seconds", "From a submit_sm received to its answer.", _QUICK, "account"
        )
        self.waiting_messages = self._gauge(
            "waiting_messages", "Messages and parts that no provider has taken yet.", "account"
        )
        self.waiting_limit = self._gauge(
            "waiting_limit", "So many of them an account may have, whatever others have.", "account"
        )
        self.collecting_parts = self._gauge(
            "collecting_parts", "Parts of long messages that wait for the others.", "account"
        )
        self.joined_messages = self._counter(
            "joined_messages", "Long messages whose parts were joined, or given up.", "account", "result"
        )
        self.deliver_sm = self._counter(
            "deliver_sm", "deliver_sm by the answer they got.", "account", "status"
        )
        self.owed_receipts = self._gauge("owed_receipts", "Receipts waiting for their account.", "account")
        self.oldest_owed_receipt_seconds = self._gauge(
            "oldest_owed_receipt_seconds", "Age of the oldest receipt owed.", "account"
        )
        self.protocol_errors = self._counter("protocol_errors", "What peers did wrong in SMPP.", "kind")

        self.queued_messages = self._gauge("queued_messages", "Messages waiting to be sent.", "provider")
        self.oldest_queued_seconds = self._gauge(
            "oldest_queued_seconds",
            "Age of the oldest message waiting to be sent within 10 minutes.",
            "provider",
        )
        self.uncertain_messages = self._gauge(
            "uncertain_messages", "Messages that the provider may or may not have.", "provider"
        )
        self.attempts = self._counter(
            "attempts", "Hand-overs of a message by their result.", "provider", "result"
        )
        self.refusals = self._counter("refusals", "Messages refused by their provider.", "provider", "code")
        self.spent = self._counter("spent", "Money for messages, as told.", "provider", "currency")
        self.replaced_senders = self._counter(
            "replaced_senders", "Messages whose sender the provider replaced.", "provider"
        )
        self.provider_seconds = self._histogram(
            "provider_seconds", "Duration of one hand-over of a batch.", _REQUEST, "provider"
        )
        self.provider_up = self._gauge("provider_up", "1 while messages are sent there.", "provider")
        self.provider_balance = self._gauge("provider_balance", "Money left at the provider.", "provider")
        self.provider_low_balance = self._gauge(
            "provider_low_balance", "1 while the balance is below low_balance.", "provider"
        )
        self.unreadable_answers = self._counter(
            "unreadable_answers", "Answers of a provider that make no sense.", "provider"
        )
        self.outcomes = self._counter("outcomes", "Messages by their final state.", "provider", "state")
        self.delivery_seconds = self._histogram(
            "delivery_seconds", "From submit_sm to the final state.", _DELIVERY, "provider"
        )
        self.late_statuses = self._counter(
            "late_statuses", "Provider statuses ignored because the message was final.", "provider"
        )

        self.inbound_messages = self._counter(
            "inbound_messages", "Messages from phones by who got them.", "provider", "account"
        )
        self.owed_inbound = self._gauge(
            "owed_inbound", "Parts of messages from phones waiting for their account.", "account"
        )

        self.upstream_binds = self._gauge("upstream_binds", "Our binds at an upstream SMSC.", "provider")
        self.upstream_bind_attempts = self._counter(
            "upstream_bind_attempts", "Our binds at an upstream SMSC by their answer.", "provider", "status"
        )
        self.unknown_statuses = self._gauge(
            "unknown_statuses", "Statuses kept whose message nobody knows.", "provider"
        )
        self.clock_suspect = self._gauge(
            "clock_suspect", "1 while the clock is not believed: nothing is given up or deleted."
        )
        self.budget_limit = self._gauge("budget_limit", "How much of a budget there is.", "budget")
        self.budget_used = self._gauge("budget_used", "How much of it is used now.", "budget")
        self.store_commit_seconds = self._histogram("store_commit_seconds", "Duration of COMMIT.", _QUICK)
        self.store_wal_bytes = self._gauge("store_wal_bytes", "Size of the write-ahead log.")
        self.store_wal_held_seconds = self._gauge(
            "store_wal_held_seconds", "For how long a reader has kept the log from beginning anew."
        )
        self.disk_free_bytes = self._gauge("disk_free_bytes", "Room left on the disk of the store.")
        self.store_batch_rows = self._histogram("store_batch_rows", "Rows written in one transaction.", _ROWS)

        self.build_info.labels(version=__version__, python=platform.python_version()).set(1)

    def expose(self) -> bytes:
        """All series in the text format that Prometheus scrapes."""
        return generate_latest(self.registry)

    def committed(self, seconds: float, rows: int) -> None:
        """A transaction of the store was committed."""
        self.store_commit_seconds.observe(seconds)
        self.store_batch_rows.observe(rows)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"smppbridge_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"smppbridge_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"smppbridge_{name}", text, labels, buckets=buckets, registry=self.registry)
