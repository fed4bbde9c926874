"""What the bridge keeps of what others say: it fits the store, it is no longer than an honest value, and the
PDUs that are made of it can be written.
"""

from asyncio import Future, get_running_loop
from collections.abc import Sequence
from typing import cast

from smppbridge.flow.accounts import Accounts
from smppbridge.flow.deliver.inbound import InboundRouter
from smppbridge.flow.deliver.pdus import inbound_pdu, receipt_pdu, receipt_style
from smppbridge.metrics import Metrics
from smppbridge.model.inbound import InboundRule
from smppbridge.model.message import Inbound, InboundPart, Particulars, Sent, Stage, State, StatusReport
from smppbridge.providers.base import News
from smppbridge.smpp.codec import encode
from smppbridge.store.base import Delivering
from smppbridge.store.results import Arrival
from smppbridge.store.sqlite import inbound, messages, receipts, settling
from tests.fuzz.database import transaction
from tests.support.builders.accounts import account
from tests.support.builders.rows import NOW, segment

LONGEST_WORD = 256  # characters of an id, a code or a reason
PROVIDER, PHONE = "lab", "375291234567"
ACCOUNTS = Accounts(
    {
        "pbx": account("pbx", receipt={"tlvs": True}),
        "gsm": account("gsm", default_encoding="gsm", septets="packed", default_sender="1234"),
        "odd": account("odd", default_encoding="utf-8", encodings={8: "ucs2-le"}, receipt={"data_coding": 8}),
    }
)
METRICS = Metrics()


class _Inbox:
    """The part of a store that messages from phones come to. Nothing stays in it."""

    def __init__(self) -> None:
        self.parts: list[InboundPart] = []

    def add_inbound(self, arrivals: Sequence[Arrival], now: int) -> "Future[list[Arrival]]":
        self.parts = [part for arrival in arrivals for part in arrival.parts]
        future = get_running_loop().create_future()
        with transaction() as connection:
            future.set_result(inbound.add(connection, arrivals, now))
        return future


async def keep(news: Sequence[News]) -> None:
    """Store what a provider tells as the bridge does, and make what equipment gets of it."""
    await keep_inbound([one for one in news if isinstance(one, Inbound)])
    for one in news:
        if isinstance(one, StatusReport):
            keep_report(one)


async def keep_inbound(told: Sequence[Inbound]) -> None:
    """Messages from phones, each to accounts with different encodings."""
    inbox, rules = _Inbox(), [InboundRule(to=tuple(ACCOUNTS))]
    router = InboundRouter(
        cast(Delivering, inbox), METRICS, lambda: NOW, rules, ACCOUNTS, owed=lambda name: None
    )
    await router.arrive(PROVIDER, told)
    for part in inbox.parts:
        assert len(encode(inbound_pdu(part))) < 400


def keep_report(report: StatusReport) -> None:
    """A status of a message that is there, and of one that is not."""
    assert report.state in set(State), report.state
    assert 0 <= report.err <= 999, report.err
    check_words(report.code, report.details, report.reason, report.recipient)
    assert all(len(ref) <= LONGEST_WORD for ref in (report.provider_ref, *report.also))  # keys of any octets
    check_told(report.told)
    ref = report.provider_ref or next(iter(report.also), "")
    with transaction() as connection:
        settling.settle(connection, PROVIDER, [report], NOW, ())
        row = segment(1, recipient=report.recipient or PHONE, registered_delivery=0x11, provider=PROVIDER)
        messages.add(connection, [row])
        (claimed,) = messages.claim(connection, PROVIDER, row.account, 1, NOW, NOW + 1, 0, 0)
        sent = Sent(1, row.account, claimed.attempt, ref, "", NOW, NOW + 1, told=report.told)
        messages.record_sent(connection, [sent], NOW)
        settling.adopt(connection, [1], ())
        settling.settle(connection, PROVIDER, [report], NOW, ())
        for receipt in receipts.claim(connection, row.account, 0, NOW, NOW + 1, 10):
            for owner in ACCOUNTS.values():
                encode(receipt_pdu(receipt, receipt_style(owner.receipt), with_tlvs=True))
        (stage,) = connection.execute("SELECT stage FROM messages").fetchone()
        assert stage in (Stage.SENT, Stage.FINAL)


def check_told(told: Particulars) -> None:
    """What a provider tells besides."""
    assert told.price >= 0
    assert 0 <= told.parts <= 255
    check_words(told.currency, told.operator)  # the sender is logged, and not kept


def check_words(*words: str) -> None:
    """None is longer than any honest word, or more than one line."""
    for word in words:
        assert len(word) <= LONGEST_WORD, f"{len(word)} characters"
        assert "\n" not in word, repr(word)
