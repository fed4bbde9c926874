"""What accepts messages, over a real store and scripted providers, without sessions: on the virtual clock."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from smppbridge.flow.accept.intake import Intake
from smppbridge.flow.accept.joiner import Joiner
from smppbridge.flow.accept.rates import Rates
from smppbridge.flow.accept.requests import Requests
from smppbridge.flow.accept.wire_ids import WireIds
from smppbridge.flow.accounts import Accounts
from smppbridge.flow.remarks import Remarks
from smppbridge.flow.send.dispatcher import Dispatcher
from smppbridge.flow.send.fleet import Fleet
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.settle.pending import PendingResponses
from smppbridge.flow.settle.recorder import Recorder
from smppbridge.flow.waiting import Waiting
from smppbridge.flow.wall_clock import WallClock
from smppbridge.link.server import BoundLink
from smppbridge.metrics import Metrics
from smppbridge.model.ids import IdSource
from smppbridge.model.message import Overdue, Stage
from smppbridge.model.route import Route, Router
from smppbridge.smpp.concat import header
from smppbridge.smpp.constants import EsmClass
from smppbridge.smpp.pdu import Request, Response, SubmitSm, SubmitSmResp
from smppbridge.store.sqlite.store import SqliteStore
from smppbridge.submission.appraisal import Appraiser
from tests.support.bridge.scripted_provider import ScriptedProvider
from tests.support.builders.accounts import account
from tests.support.builders.clock import Clock
from tests.support.builders.failing import FailingStore
from tests.support.builders.stores import fast_store
from tests.support.esme.pending import connected
from tests.unit.flow.fleets import stop_all

PHONE = "375291234567"
_TURNS = 200  # of the loop: more than any chain of callbacks takes


def submit(text: bytes = b"hello", to: str = PHONE, **fields: Any) -> SubmitSm:
    """A submit_sm in Latin letters that asks for a receipt."""
    plain = {"source_addr": "ALARM", "dest_addr_ton": 1, "dest_addr_npi": 1, "registered_delivery": 1}
    return SubmitSm(destination_addr=to, short_message=text, **{**plain, **fields})


def part(number: int, text: bytes = b"part", total: int = 2, reference: int = 7, **fields: Any) -> SubmitSm:
    """One part of a long message; the header says which."""
    return submit(header(reference, total, number) + text, esm_class=EsmClass.UDHI, **fields)


async def turns(count: int = _TURNS) -> None:
    """Let everything happen that needs no time."""
    for _ in range(count):
        await asyncio.sleep(0)


class Scene:
    """Real parts, wired as in `app`. Providers: "lab", then "spare"."""

    def __init__(self, store: SqliteStore, link: BoundLink, max_unsaved: int, **limits: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.began = self.loop.time()
        self.machine = Clock()
        self.clock = WallClock(self.machine, self.machine.elapsed)
        self.file, self.link = store, link
        self.failing = FailingStore(store)
        self.store = self.failing.store
        self.providers = {name: ScriptedProvider(name, **limits) for name in ("lab", "spare")}
        self.accounts = Accounts({link.account.name: link.account})
        self.metrics = Metrics()
        self.owed: list[str] = []
        self.pending = PendingResponses(self.accounts)
        self.waiting = Waiting(10_000, self.accounts, max_unsaved=max_unsaved)
        remarks = Remarks(self.metrics, {})
        self.outcomes = Outcomes(
            self.store, self.metrics, self.clock, remarks, self.waiting, self.owed.append
        )
        self.fleet = Fleet(self.accounts)
        self.recorder = Recorder(self.store, self.outcomes, self.pending)
        for provider in self.providers.values():
            self.fleet.add(
                Dispatcher(
                    provider,
                    self.store,
                    self.recorder,
                    self.fleet,
                    self.accounts,
                    self.metrics,
                    remarks,
                    self.clock,
                    lambda name: None,
                )
            )
        self.directory = store._path.parent
        self.ids = IdSource()
        self.appraiser = Appraiser(Router((Route(to=("lab", "spare")),)), self.providers, self.fleet)
        self.joiner = Joiner(
            self.store,
            self.appraiser,
            self.outcomes,
            self.waiting,
            self.fleet,
            self.accounts,
            self.metrics,
            self.clock,
        )
        self.wire_ids = WireIds(self.store)
        self.rates = Rates(self.loop.time)
        self.intake = Intake(
            self.store,
            self.appraiser,
            self.ids,
            self.wire_ids,
            self.rates,
            self.fleet,
            self.waiting,
            self.pending,
            self.joiner,
            self.clock,
        )
        self.requests = Requests(
            self.store,
            self.intake.accept,
            self.appraiser,
            self.rates,
            self.outcomes,
            self.pending,
            self.fleet,
            self.ids,
            self.clock,
        )
        self.answers: list[list[SubmitSmResp]] = []  # the responses of each call

    @property
    def waits(self) -> int:
        """How many messages and parts wait, by the count that is kept."""
        return self.waiting.messages.held["pbx"]

    @property
    def passed(self) -> float:
        """Seconds since the scene began."""
        return self.loop.time() - self.began

    def settings(self, **keys: Any) -> None:
        """The account of the link has these settings from now on, as after a reload."""
        self.link.account = account(**keys)
        self.accounts.reload({"pbx": self.link.account})

    def accept(self, *submits: SubmitSm, **how: Any) -> None:
        """What came in one read."""
        self.intake.accept(self.link, list(submits), self._answer, **how)

    async def submit(self, *submits: SubmitSm, **how: Any) -> list[SubmitSmResp]:
        """What came in one read, and its answers in order, given without time passing."""
        already = len(self.answers)
        self.accept(*submits, **how)
        await turns()
        return [response for call in self.answers[already:] for response in call]

    async def statuses(self, *submits: SubmitSm) -> list[int]:
        """The command_status of each answer."""
        return [response.command_status for response in await self.submit(*submits)]

    async def ask(self, request: Request) -> list[tuple[Response, list[int]]]:
        """The replies to a request other than submit_sm."""
        replies: list[tuple[Response, list[int]]] = []
        self.requests.handle(
            self.link, request, lambda response, submitted: replies.append((response, list(submitted)))
        )
        await turns()
        return replies

    async def stored(self, stage: Stage) -> list[Overdue]:
        """The messages in a stage, oldest first."""
        return await self.store.list_stage(stage, 1000)

    def _answer(self, submits: Sequence[SubmitSm], responses: Sequence[SubmitSmResp]) -> None:
        assert len(submits) == len(responses)
        self.answers.append(list(responses))


@asynccontextmanager
async def scene(max_unsaved: int = 100, **limits: Any) -> AsyncIterator[Scene]:
    """A scene whose dispatchers do not send until they are started."""
    async with fast_store() as store, connected() as link:
        made = Scene(store, link, max_unsaved, **limits)
        await made.wire_ids.start()
        yield made
        await stop_all(made.fleet, 0)
        await made.joiner.stop()
        counted = {name: count for name, count in made.waiting.stored().items() if count}
        assert counted == await store.waiting()  # whatever has happened
