"""A bind of an account with no socket between its ends; sessions and PDUs are real ones."""

import asyncio
import itertools
from collections.abc import Callable, Sequence

from smppbridge.link.connection import Connection
from smppbridge.link.server import BoundLink, Receiver
from smppbridge.model.account import Account
from smppbridge.smpp.pdu import AlertNotification, Bind, DeliverSm, DeliverSmResp, Pdu
from smppbridge.smpp.session import Answered, Event, Received, Role, Timers, Unanswered
from tests.support.esme.esme import BINDS
from tests.support.esme.wire import join

_TICK = 0.5  # seconds
_QUIET = Timers(0, 0, 0, 0)


class Deaf(Receiver):
    """Nothing is delivered."""

    def bound(self, link: BoundLink) -> None:
        """Not interesting."""

    def unbound(self, link: BoundLink) -> None:
        """Not interesting."""

    def answered(self, link: BoundLink, events: Sequence[Answered | Unanswered]) -> None:
        """Not interesting."""

    def roomy(self, link: BoundLink) -> None:
        """Not interesting."""


class Bound:
    """The equipment's side of a bind. ``link`` is the bridge's, once `bind` has returned."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.link: BoundLink
        self.status: Callable[[DeliverSm], int | None] = lambda pdu: 0  # how it answers; None: not yet
        self.answer_with: type[Pdu] = DeliverSmResp
        self.came: list[DeliverSm] = []
        self.came_at: list[float] = []  # by the loop's clock
        self.alerts: list[AlertNotification] = []
        self.connection = Connection(
            Role.ESME, self._handle, lambda connection: None, timers=_QUIET, window=10, max_pdu_octets=65536
        )

    @property
    def texts(self) -> list[str]:
        """What came, as Latin-1."""
        return [pdu.short_message.decode("latin-1") for pdu in self.came]

    def answer(self, pdu: DeliverSm, status: int = 0) -> None:
        """Answer late."""
        response = self.answer_with()
        response.command_status = status
        self.connection.session.respond(pdu, response)
        self.connection.flush_soon()

    def hang_up(self) -> None:
        """Without a word."""
        self.connection.abort()

    def unbind(self) -> None:
        """And disconnect, once that is answered."""
        self.connection.unbind()

    def _handle(self, connection: Connection, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Received) and isinstance(event.pdu, AlertNotification):
                self.alerts.append(event.pdu)
            elif isinstance(event, Received) and isinstance(event.pdu, DeliverSm):
                self.came.append(event.pdu)
                self.came_at.append(self._loop.time())
                status = self.status(event.pdu)
                if status is not None:
                    self.answer(event.pdu, status)


_ids = itertools.count(1)


async def bind(
    account: Account,
    receiver: Receiver,
    kind: str = "TRX",
    *,
    version: int = 0x34,
    response_timeout: float = 30.0,
    status: Callable[[DeliverSm], int | None] = lambda pdu: 0,
) -> Bound:
    """Bind, and tell the ``receiver`` what `link.server.Server` would tell it."""
    loop = asyncio.get_running_loop()
    made: asyncio.Future[BoundLink] = loop.create_future()
    bound = Bound()
    bound.status = status

    def handle(connection: Connection, events: list[Event]) -> None:
        if events and isinstance(events[0], Received) and isinstance(events[0].pdu, Bind):
            session, pdu = connection.session, events[0].pdu
            session.respond(pdu, pdu.response(system_id="bridge"))
            session.window = account.window
            made.set_result(BoundLink(next(_ids), account, connection, kind))
            receiver.bound(made.result())
        elif made.done():
            answers = [event for event in events if isinstance(event, Answered | Unanswered)]
            if answers:
                receiver.answered(made.result(), answers)
            if answers or not events:
                receiver.roomy(made.result())

    def tick() -> None:
        if not ours.closing:
            ours.tick()
            loop.call_later(_TICK, tick)

    timers = _QUIET._replace(response=response_timeout)
    ours = Connection(
        Role.SMSC,
        handle,
        lambda connection: receiver.unbound(made.result()),
        timers=timers,
        window=1,
        max_pdu_octets=65536,
    )
    join(ours, bound.connection)
    bound.connection.request(BINDS[kind]("pbx", "secret", interface_version=version))
    bound.link = await made
    loop.call_later(_TICK, tick)
    return bound
