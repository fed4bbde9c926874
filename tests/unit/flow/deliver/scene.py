"""A courier over a real store, what comes to be owed, and who binds to get it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from smppbridge.flow.accounts import Accounts
from smppbridge.flow.deliver.courier import Courier
from smppbridge.flow.deliver.inbound import InboundRouter
from smppbridge.flow.remarks import Remarks
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.waiting import Waiting
from smppbridge.flow.wall_clock import WallClock
from smppbridge.metrics import Metrics
from smppbridge.model.inbound import InboundRule
from smppbridge.model.message import State
from smppbridge.smpp.pdu import DeliverSm
from tests.support.builders.accounts import account
from tests.support.builders.clock import Clock
from tests.support.builders.failing import FailingStore
from tests.support.builders.metrics import value
from tests.support.builders.rows import ASKS_FOR_AN_ALERT, report, segment, send
from tests.support.builders.stores import fast_store
from tests.support.esme.bound import Bound, bind
from tests.support.esme.phones import from_phone
from tests.support.system.virtual_time import moment

RESPONSE_TIMEOUT = 30.0  # seconds
LEASE = RESPONSE_TIMEOUT + 30.0


class Scene:
    """What `courier` is told is told as in an App. All times are seconds since the beginning."""

    def __init__(self, failing: FailingStore, **pauses: Any) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._numbers = itertools.count(1)
        self.failing = failing
        self.store = failing.store
        self.metrics = Metrics()
        self.machine = Clock()
        self.clock = WallClock(self.machine, self.machine.elapsed)
        self.absent: list[str] = []
        self._bound: list[Bound] = []
        self.accounts = Accounts({name: account(name) for name in ("pbx", "door")})
        self.courier = self.new_courier(**pauses)
        self.inbound = InboundRouter(
            self.store,
            self.metrics,
            self.clock,
            [InboundRule.model_validate({"to": "pbx"})],
            self.accounts,
            self.courier.owed_inbound,
        )

    def new_courier(self, **pauses: Any) -> Courier:
        """As after a restart. Unless a test asks for it, a bind gets what is owed at once."""
        pauses = {"after_bind": 0.0, **pauses}
        courier = Courier(
            self.store,
            self.metrics,
            self.clock,
            response_timeout=RESPONSE_TIMEOUT,
            absent=self.absent.append,
            **pauses,
        )
        remarks = Remarks(self.metrics, {})
        self.outcomes = Outcomes(
            self.store,
            self.metrics,
            self.clock,
            remarks,
            Waiting(1000, self.accounts),
            courier.owed,
            courier.owed_inbound,
        )
        return courier

    def put(self, **keys: Any) -> None:
        """The account "pbx" has these settings from now on."""
        self.accounts.reload({**self.accounts, "pbx": account(**keys)})

    @property
    def now(self) -> float:
        return round(self._loop.time() - self._began, 3)

    def at(self, bound: Bound) -> list[float]:
        """When deliver_sm came there."""
        return [round(at - self._began, 3) for at in bound.came_at]

    # --- what comes to be owed -----------------------------------------------------------------

    async def receipts(self, count: int, account: str = "pbx", **changes: Any) -> list[str]:
        """Messages become DELIVERED, and their receipts are announced; their message_ids."""
        numbers = list(itertools.islice(self._numbers, count))
        await send(self.store, *(segment(one, account=account, **changes) for one in numbers))
        await self.outcomes.settle("lab", [report(one) for one in numbers])
        return [str(one) for one in numbers]

    async def phone(self, *texts: str) -> None:
        """A phone sends these to account "pbx"."""
        messages = [from_phone(text, f"ref {next(self._numbers)}", at=self.clock()) for text in texts]
        await self.inbound.arrive("lab", messages)

    async def alert(self, recipient: str = "375291234567") -> None:
        """A phone is reached that was not reached before."""
        lost, good = next(self._numbers), next(self._numbers)
        same: dict[str, Any] = {
            "recipient": recipient,
            "registered_delivery": 0,
            "destination_addr": recipient,
        }
        await send(self.store, segment(lost, tlvs=ASKS_FOR_AN_ALERT, **same), segment(good, **same))
        await self.outcomes.settle("lab", [report(lost, State.UNDELIVERABLE)])
        await self.outcomes.settle("lab", [report(good)])

    async def owed(self) -> tuple[int, int]:
        """How many receipts, and parts of messages from phones, are owed to "pbx"."""
        gauges = await self.store.gauges(self.clock())
        return gauges.owed.get("pbx", (0, 0))[0], gauges.inbound.get("pbx", 0)

    # --- who gets it ---------------------------------------------------------------------------

    async def bind(
        self,
        kind: str = "TRX",
        name: str = "pbx",
        *,
        version: int = 0x34,
        status: Callable[[DeliverSm], int | None] = lambda pdu: 0,
    ) -> Bound:
        """Equipment binds, and everything comes that needs no time."""
        bound = await bind(
            self.accounts[name],
            self.courier,
            kind,
            version=version,
            response_timeout=RESPONSE_TIMEOUT,
            status=status,
        )
        self._bound.append(bound)
        await moment()
        return bound

    async def end(self) -> None:
        """As an App ends."""
        await self.courier.stop()
        for bound in self._bound:
            bound.hang_up()
        await moment()
        await self.courier.settle_down()

    def answers(self, word: str, account: str = "pbx") -> float:
        """How many deliver_sm ended so."""
        return value(self.metrics, "deliver_sm_total", account=account, status=word)

    def called(self, verb: str) -> list[tuple[Any, ...]]:
        """With which arguments the store was asked for it since `FailingStore.fail_at`."""
        calls = zip(self.failing.called, self.failing.arguments, strict=True)
        return [arguments for name, arguments in calls if name == verb]


def ids(bound: Bound) -> list[str]:
    """The message_ids of the receipts that came, in order."""
    return [text.split()[0].removeprefix("id:") for text in bound.texts if text.startswith("id:")]


@asynccontextmanager
async def scene(**pauses: Any) -> AsyncIterator[Scene]:
    async with fast_store() as store:
        this = Scene(FailingStore(store), **pauses)
        try:
            yield this
        finally:
            this.failing.failing.clear()
            await this.end()
