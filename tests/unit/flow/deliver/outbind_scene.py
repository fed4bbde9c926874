"""An outbind caller over a real store, with a telephone of the test's own."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from smppbridge.flow.accounts import Accounts
from smppbridge.flow.deliver.outbind import OutbindCaller
from smppbridge.link.outbind_calls import Endpoint
from smppbridge.metrics import Metrics
from smppbridge.model.account import Account
from smppbridge.smpp.pdu import Outbind
from smppbridge.store.base import Store
from tests.support.builders.clock import Clock
from tests.support.builders.metrics import value
from tests.support.builders.rows import arrival, inbound_part
from tests.support.system.virtual_time import moment

LOOK = 10.0  # seconds between two looks without being woken
FIRST_PAUSE = 10.0  # seconds from the end of a call to the next one
LAST_PAUSE = 600.0
PORTS = {"pbx": 1, "door": 2}


def account(name: str = "pbx", **outbind: Any) -> Account:
    keys = {"host": "127.0.0.1", "port": PORTS[name], "password": "word", **outbind}
    return Account.model_validate({"name": name, "password": "secret", "outbind": keys})


class OutbindScene:
    """An outbind caller and all that it knows. ``answer`` is what becomes of its calls."""

    def __init__(self, store: Store, **pauses: float) -> None:
        self.store = store
        self.metrics = Metrics()
        self.clock = Clock()
        self.accounts = Accounts({"pbx": account()})
        self.there: set[str] = set()  # accounts with a bind that may receive
        self.answer: Callable[[], bool] = lambda: False
        self.hold = asyncio.Event()  # calls end when it is set
        self.hold.set()
        self.calls: list[tuple[str, Endpoint, Outbind]] = []
        self.began = asyncio.get_running_loop().time()
        self.at: list[float] = []  # when calls were made, in seconds since then
        self.refs = itertools.count()
        self.outbind_caller = OutbindCaller(
            store,
            self.metrics,
            self.clock,
            accounts=self.accounts,
            binds=self,
            call=self.call,
            system_id="bridge",
            **pauses,
        )

    def put(self, account: Account) -> None:
        """A reload adds this account, or changes it."""
        self.accounts.reload({**self.accounts, account.name: account})

    def reaches(self, account: str) -> bool:
        return account in self.there

    async def call(self, name: str, place: Endpoint, outbind: Outbind) -> bool:
        self.calls.append((name, place, outbind))
        self.at.append(asyncio.get_running_loop().time() - self.began)
        await self.hold.wait()
        return self.answer()

    async def add(self, name: str = "pbx") -> None:
        """Something is owed, but nobody says so."""
        ref = str(next(self.refs))
        part = inbound_part(name, at=self.clock())
        await self.store.add_inbound([arrival(ref, part, at=self.clock())], self.clock())

    async def owe(self, name: str = "pbx") -> None:
        """Something comes to be owed."""
        await self.add(name)
        self.outbind_caller.owed(name)
        await moment()

    def count(self, name: str, result: str) -> float:
        return value(self.metrics, "outbind_calls_total", account=name, result=result)
