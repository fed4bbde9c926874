"""We act as SMSC: listeners, binds, and the way of a request from its bind to whoever answers it, and back.

1. submit_sm go to ``accept``, all other requests of a bind to ``serve``.
2. Binds that may receive, and the answers to deliver_sm, go to a `Receiver`.
"""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from smppbridge.link.admission import Admission
from smppbridge.link.authentication import Authenticator
from smppbridge.link.connection import LIMITS, Connection, ConnectionLimits
from smppbridge.link.listeners import STRANGERS, Listeners, StrangerLimits
from smppbridge.link.outbind_calls import Endpoint, OutbindCalls
from smppbridge.link.refused_binds import BindRefusal, RefusedBinds
from smppbridge.link.refused_connections import RefusedConnections
from smppbridge.link.reloading import sessions_of, unwanted
from smppbridge.logs import Complaints, event
from smppbridge.metrics import Metrics
from smppbridge.model.account import Account
from smppbridge.smpp.constants import Status, status_name
from smppbridge.smpp.pdu import Bind, Outbind, Pdu, Request, Response, SubmitSm, SubmitSmResp
from smppbridge.smpp.session import Answered, Event, Fault, Received, Role, State, Timers, Unanswered

log = logging.getLogger(__name__)

_BIND_TYPES = {State.BOUND_TX: "TX", State.BOUND_RX: "RX", State.BOUND_TRX: "TRX"}
_FIRST_TLV_VERSION = 0x34


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Limits that nobody configures. The defaults are those of the bridge; tests take others."""

    strangers: StrangerLimits = STRANGERS
    refused: int = 200  # connections after the refusal of their bind
    refusal: float = 1.0  # seconds that such a one stays open, unless its peer ends it
    tick: float = 0.5  # seconds between two looks at the timers
    connection: ConnectionLimits = LIMITS


_LIMITS = ServerLimits()


@dataclass(eq=False, slots=True)
class BoundLink:
    """One bound session of an account: where its messages come from and where receipts may go."""

    id: int
    account: Account
    connection: Connection
    bind_type: str  # TX, RX or TRX

    @property
    def can_receive(self) -> bool:
        """Whether deliver_sm may be sent on it at all (SMPP 3.4 §2.3)."""
        return self.bind_type != "TX"

    @property
    def takes_tlvs(self) -> bool:
        """Whether the peer knows TLVs: not with interface_version 3.3 or older (SMPP 3.4 §2.4)."""
        return self.connection.session.peer_version >= _FIRST_TLV_VERSION

    @property
    def room(self) -> int:
        """How many deliver_sm may be sent now."""
        connection = self.connection
        return 0 if connection.closing or not connection.writable else connection.session.room


Answer = Callable[[Sequence[SubmitSm], Sequence[SubmitSmResp]], None]
"""Takes some submit_sm of one read and the response to each. One call for all that are answered together is
cheapest. It may be called after the end of the connection: nothing is written then."""
Accept = Callable[[BoundLink, list[SubmitSm], Answer], None]
"""Takes the submit_sm of one read and answers each of them exactly once, now or later. The answer is due even
when the bind is gone by then: the connection waits for it, and it is counted."""
Reply = Callable[[Response, Sequence[int]], None]
"""Takes the response to one request, and the command_status of each submit_sm that the request stood for."""
Serve = Callable[[BoundLink, Request, Reply], None]
"""Takes a request other than submit_sm and answers it exactly once, as `Accept` does."""


class Receiver(Protocol):
    """Delivers to binds. All binds are told, also those that may not receive."""

    def bound(self, link: BoundLink) -> None:
        """A bind was accepted."""

    def unbound(self, link: BoundLink) -> None:
        """A bind has ended."""

    def answered(self, link: BoundLink, events: Sequence[Answered | Unanswered]) -> None:
        """The fate of requests that were sent on ``link``."""

    def roomy(self, link: BoundLink) -> None:
        """More may be sent on ``link`` than before."""


class Server:
    """All listeners and all bound links of this process."""

    def __init__(
        self,
        authenticator: Authenticator,
        accept: Accept,
        serve: Serve,
        receiver: Receiver,
        metrics: Metrics,
        admission: Admission,
        *,
        system_id: str,
        timers: Timers,
        max_pdu_octets: int,
        new_link_id: Callable[[], int],
        limits: ServerLimits = _LIMITS,
    ) -> None:
        self._authenticator = authenticator
        self._accept = accept
        self._serve = serve
        self._receiver = receiver
        self._metrics = metrics
        self._system_id = system_id
        self._new_link_id = new_link_id
        self._limits = limits
        self._new_connection = partial(
            Connection,
            Role.SMSC,
            self._handle,
            self._ended,
            timers=timers,
            window=1,  # the account's window takes its place at the bind
            max_pdu_octets=max_pdu_octets,
            began=self._began,
            limits=limits.connection,
        )
        self._listeners = Listeners(
            admission, limits.strangers, self._new_connection, authenticator.addresses, timers.bind or None
        )
        self._connections: set[Connection] = set()
        self._links: dict[Connection, BoundLink] = {}
        self._calls = OutbindCalls()
        self._binding: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.Task[None] | None = None
        self._complaints = Complaints(log)
        self._refused_binds = RefusedBinds()
        self._refused = RefusedConnections(limits.refused, limits.refusal)

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Open a listener; the port it got (``port`` 0: a free one). Raises OSError."""
        bound = await self._listeners.open(host, port, tls)
        self._start_ticking()
        return bound

    async def call(self, account: str, to: Endpoint, outbind: Outbind) -> bool:
        """Connect to the ESME of ``account`` and say outbind. True once it is bound on that connection, False
        when the connection ended before. Raises OSError and UnicodeError when there is no connection."""

        def began(connection: Connection) -> None:
            self._began(connection)
            connection.request(outbind)

        self._start_ticking()
        return await self._calls.call(account, to, partial(self._new_connection, began=began))

    def reload(self, accounts: dict[str, Account]) -> None:
        """Use these accounts from now on. Binds get the new settings at once; those that may not be there any
        more are ended with unbind."""
        self._authenticator.reload(accounts)
        for link, why in unwanted(self._links.values(), accounts):
            event(
                log,
                logging.WARNING,
                "unbinding",
                account=link.account.name,
                cause=why,
                bind_type=link.bind_type,
                peer=link.connection.peer,
            )
            link.connection.unbind()
        for link in self._links.values():
            link.account = accounts.get(link.account.name, link.account)
            link.connection.session.window = link.account.window

    def close_listeners(self) -> None:
        """Accept no further connections."""
        self._listeners.close()

    async def stop(self, grace: float) -> None:
        """Unbind every session and close. After ``grace`` seconds what is left is cut off."""
        await self._listeners.stop()
        for connection in list(self._connections):
            connection.unbind() if connection in self._links else connection.close()
        deadline = asyncio.get_running_loop().time() + grace
        while self._connections and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)
        for connection in list(self._connections):
            connection.abort()
        if self._ticker is not None:
            self._ticker.cancel()

    # --- connections ---------------------------------------------------------------------------

    def _start_ticking(self) -> None:
        if self._ticker is None:
            self._ticker = asyncio.get_running_loop().create_task(self._tick())

    def _began(self, connection: Connection) -> None:
        self._connections.add(connection)
        self._listeners.unbound(connection)

    def _ended(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._calls.ended(connection)
        self._refused.ended(connection)
        link = self._links.pop(connection, None)
        if link is None:
            return
        self._metrics.binds.labels(link.account.name, link.bind_type).dec()
        event(
            log,
            logging.INFO,
            "bind ended",
            account=link.account.name,
            bind_type=link.bind_type,
            peer=connection.peer,
        )
        self._receiver.unbound(link)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._limits.tick)
            for connection in list(self._connections):
                try:
                    connection.tick()
                except Exception:  # one broken session must not stop the timers of the others
                    log.exception("unexpected error in a session of %s", connection.peer)
                    connection.abort()

    # --- events --------------------------------------------------------------------------------

    def _handle(self, connection: Connection, events: list[Event]) -> None:
        link = self._links.get(connection)
        submits: list[SubmitSm] = []
        answers: list[Answered | Unanswered] = []
        for item in events:
            if type(item) is Received:
                if type(item.pdu) is SubmitSm and link is not None:
                    submits.append(item.pdu)
                else:
                    self._request(connection, link, item.pdu, submits)
            elif isinstance(item, Answered | Unanswered):
                answers.append(item)
            elif isinstance(item, Fault):
                self._fault(connection, item)
        if link is None:
            return
        self._submit(link, submits)
        if answers:
            self._receiver.answered(link, answers)
        if answers or not events:
            self._receiver.roomy(link)

    def _request(
        self, connection: Connection, link: BoundLink | None, pdu: Pdu, before: list[SubmitSm]
    ) -> None:
        """Pass on anything but a submit_sm. The submit_sm ``before`` it, which it may be about, go first."""
        if isinstance(pdu, Bind):
            task = asyncio.get_running_loop().create_task(self._bind(connection, pdu))
            self._binding.add(task)
            task.add_done_callback(self._binding.discard)
        elif link is not None and isinstance(pdu, Request):
            self._submit(link, before.copy())
            before.clear()
            self._ask(link, pdu)

    def _fault(self, connection: Connection, fault: Fault) -> None:
        """Count it, and log it once a minute for each kind and account: all strangers are one."""
        self._metrics.protocol_errors.labels(fault.kind).inc()
        link = self._links.get(connection)
        self._complaints(
            asyncio.get_running_loop().time(),
            "protocol error",
            (fault.kind, link.account.name if link is not None else ""),
            kind=fault.kind,
            detail=fault.detail,
            peer=connection.peer,
        )

    def _submit(self, link: BoundLink, submits: list[SubmitSm]) -> None:
        if not submits:
            return
        connection = link.connection
        account = link.account.name
        received = asyncio.get_running_loop().time()
        connection.hold(len(submits))

        def answer(answered: Sequence[SubmitSm], responses: Sequence[SubmitSmResp]) -> None:
            session = connection.session
            for submit, response in zip(answered, responses, strict=True):
                session.respond(submit, response)
            connection.answered(len(answered))
            self._count(account, received, [response.command_status for response in responses])

        self._accept(link, submits, answer)

    def _ask(self, link: BoundLink, request: Request) -> None:
        connection = link.connection
        account = link.account.name
        received = asyncio.get_running_loop().time()
        connection.hold_request(request)

        def reply(response: Response, submitted: Sequence[int]) -> None:
            connection.answer_request(request, response)
            self._count(account, received, submitted)

        self._serve(link, request, reply)

    def _count(self, account: str, received: float, submitted: Sequence[int]) -> None:
        """Count submit_sm that came at ``received`` and are answered now, with the statuses ``submitted``."""
        seconds = asyncio.get_running_loop().time() - received
        observe = self._metrics.submit_seconds.labels(account).observe
        for _ in submitted:
            observe(seconds)
        for status, count in Counter(submitted).items():
            self._metrics.submit_sm.labels(account, status_name(status)).inc(count)

    # --- binding -------------------------------------------------------------------------------

    async def _bind(self, connection: Connection, pdu: Bind) -> None:
        came = asyncio.get_running_loop().time()
        self._listeners.binding(connection)
        verdict = await self._authenticator.check(
            pdu.system_id, pdu.password, connection.peer, gone=lambda: connection.closing
        )
        if connection.closing:
            return
        if isinstance(verdict, Account):
            verdict = self._fits(connection, pdu, verdict)
        refusal = verdict if isinstance(verdict, BindRefusal) else None
        name = pdu.system_id if refusal is None or refusal.authentic else ""
        status = Status.ESME_ROK if refusal is None else refusal.status
        self._metrics.bind_attempts.labels(name, status_name(status)).inc()
        if refusal is BindRefusal.LOCKED_OUT:
            self._metrics.locked_out_binds.inc()
        if isinstance(verdict, Account):
            self._bound(connection, pdu, verdict)
            return
        self._refused_binds.refused(came, connection.peer, pdu.system_id, verdict)
        self._listeners.unbound(connection)
        await self._authenticator.wait(verdict, came)
        if not connection.closing:
            connection.session.refuse(pdu, status)
            self._refused.keep(connection)

    def _fits(self, connection: Connection, pdu: Bind, account: Account) -> Account | BindRefusal:
        """The account, or why it may not bind once more."""
        if self._listeners.full or len(sessions_of(account.name, self._links.values())) >= account.binds:
            return BindRefusal.TOO_MANY
        return account if self._calls.may_bind(connection, account.name, pdu) else BindRefusal.NOT_CALLED

    def _bound(self, connection: Connection, pdu: Bind, account: Account) -> None:
        session = connection.session
        session.respond(pdu, pdu.response(system_id=self._system_id))
        session.window = account.window
        connection.belongs_to(account.name)
        connection.flush()
        bind_type = _BIND_TYPES[session.state]
        link = BoundLink(self._new_link_id(), account, connection, bind_type)
        self._links[connection] = link
        self._listeners.bound(connection)
        self._metrics.binds.labels(account.name, bind_type).inc()
        event(
            log,
            logging.INFO,
            "bind accepted",
            account=account.name,
            bind_type=bind_type,
            peer=connection.peer,
            interface_version=f"{session.peer_version:#04x}",
        )
        self._receiver.bound(link)
        self._calls.bound(connection)
        connection.bind_answered()
