"""One bind of ours at an upstream SMSC, kept alive: it is opened, watched, and opened again for ever.

The bind tries the hosts of the SMSC in order. After a failure it waits, longer each time. After a refusal of
our name or password all binds at this SMSC wait, because many tries could earn a ban.
"""

import asyncio
import logging
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from smppbridge.errors import LinkError
from smppbridge.link.client import Client, Verdict
from smppbridge.link.connection import LIMITS, ConnectionLimits
from smppbridge.logs import Complaints, event
from smppbridge.model.backoff import backoff
from smppbridge.model.pace import SLOWEST
from smppbridge.smpp.constants import Status, status_name
from smppbridge.smpp.pdu import Bind, BindReceiver, BindResp, BindTransceiver, BindTransmitter, Pdu
from smppbridge.smpp.session import Fault, Timers

log = logging.getLogger(__name__)

UNPROVEN_WINDOW = 5  # requests at once until the first answer: so many are in doubt if the SMSC is mute
_FIRST_TLV_VERSION = 0x34
_UNKNOWN_TO_SMSC = frozenset({Status.ESME_RINVPASWD, Status.ESME_RINVSYSID})  # every bind would hear it
_REFUSED = _UNKNOWN_TO_SMSC | {Status.ESME_RBINDFAIL, Status.ESME_RINVSYSTYP, Status.ESME_RINVBNDSTS}
BIND_TYPES: dict[type[Bind], str] = {BindTransceiver: "TRX", BindTransmitter: "TX", BindReceiver: "RX"}


@dataclass(frozen=True, slots=True)
class BindTimings:
    """Pauses and limits that nobody configures, in seconds unless it says otherwise. The defaults are those
    of the bridge; tests take others."""

    connect: float = 10.0  # for TCP and TLS, to the SMSC
    handshake: float = 10.0  # for TLS, of an SMSC that calls us
    first_pause: float = 0.5  # the shortest between two tries to bind
    steady: float = 30.0  # a bind that lasted so long was a good one: the next pause is short again
    refused_first: float = 30.0  # pauses after a refusal that will not change soon: the first
    refused_last: float = 600.0  # and the longest
    patience: float = 3.0  # without a bind, before messages should go elsewhere
    unbind_grace: float = 1.0  # for the unbind_resp of a session that answers nothing
    slowest: float = SLOWEST  # requests per second, however often the SMSC says that it is too much
    connection: ConnectionLimits = LIMITS


TIMINGS = BindTimings()


class BindSettings(NamedTuple):
    """Where and how to bind."""

    name: str  # of the provider, for the log
    hosts: tuple[tuple[str, int], ...]  # tried in order
    tls: ssl.SSLContext | None
    tls_name: str  # what the certificate must name; "" = the host
    timers: Timers
    window: int
    max_pdu_octets: int
    bind: Callable[[type[Bind]], Bind]  # the PDU, with our credentials
    longest_pause: float  # seconds between two tries
    timings: BindTimings = TIMINGS

    def client(
        self,
        incoming: Callable[[Client, list[Pdu]], None],
        fault: Callable[[Fault], None],
        verdicts: Callable[[Client, list[Verdict]], None] = lambda client, verdicts: None,
    ) -> Client:
        """A session that is not connected yet. What it tells: see `Client`."""
        return Client(
            incoming,
            verdicts=verdicts,
            fault=fault,
            timers=self.timers,
            window=self.window,
            max_pdu_octets=self.max_pdu_octets,
            limits=self.timings.connection,
        )


class BindOwner(Protocol):
    """The user of the binds, which is told what happens on them."""

    def incoming(self, client: Client, pdus: list[Pdu]) -> None:
        """The SMSC sent these requests (see `Client`)."""

    def verdicts(self, client: Client, verdicts: list[Verdict]) -> None:
        """These requests of ours met their fate (see `Client`)."""

    def fault(self, fault: Fault) -> None:
        """The SMSC broke the protocol."""

    def tried(self, status: str) -> None:
        """A bind was tried. ``status``: name of the command_status, "unreachable", "timeout" or "other"."""

    def changed(self, why: str, *, hopeless: bool = False) -> None:
        """A bind came up (``why`` is ""), or went down, or could not be opened. ``hopeless``: it was refused,
        so the next try comes late."""


class SmscState:
    """What the binds at one SMSC know together.

    1. They bind one after another (``lock``).
    2. After a refusal of our name or password none of them tries for a while.
    3. Once an SMSC older than SMPP 3.4 was found and logged, ``is_older`` is true.
    """

    def __init__(self, timings: BindTimings) -> None:
        self.lock = asyncio.Lock()
        self.is_older = False
        self._timings = timings
        self._refusals = 0
        self._closed_until = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next try may begin."""
        return max(0.0, self._closed_until - now)

    def accepted(self) -> None:
        """A bind was accepted."""
        self._refusals = 0
        self._closed_until = 0.0

    def refused(self, now: float) -> None:
        """Our name or password was refused."""
        self._closed_until = now + refusal_pause(self._refusals, self._timings)
        self._refusals += 1


def refusal_pause(times: int, timings: BindTimings) -> float:
    """Seconds to wait after a refusal that ``times`` others came before."""
    return backoff(times, first=timings.refused_first, last=timings.refused_last, jitter=random.random())


class PersistentBind:
    """One of our binds at an SMSC. ``client`` is the bound session, None while there is none."""

    def __init__(self, settings: BindSettings, kind: type[Bind], smsc: SmscState, owner: BindOwner) -> None:
        self.client: Client | None = None
        self.can_send = kind is not BindReceiver
        self.proven = False  # an answer came over this session: before, `UNPROVEN_WINDOW` requests must do
        self.suspected = False  # the SMSC may answer nothing: one request at a time finds out
        self.silent = 0  # requests in a row that got no answer
        self.late = 0  # how many of them went out after the last answer came
        self.heard_at = 0.0  # when the last answer came (loop's clock)
        self._settings = settings
        self._timings = settings.timings
        self._kind = kind
        self._smsc = smsc
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._opening: Client | None = None
        self._refusals = 0  # of this bind in a row
        self._complaints = Complaints(log, interval=300.0)

    @property
    def room(self) -> int:
        """How many requests may be sent over it now."""
        if self.client is None or not self.can_send:
            return 0
        room, window = self.client.room, self._settings.window
        if self.proven:
            return room
        most = 1 if self.suspected else min(window, UNPROVEN_WINDOW)
        return max(0, most - (window - room))

    @property
    def is_up(self) -> bool:
        """Whether requests can be sent over it, now or as soon as there is room."""
        return self.can_send and self.client is not None and self.client.bound

    def heard(self, now: float) -> None:
        """An answer came."""
        self.proven, self.suspected = True, False
        self.silent, self.late, self.heard_at = 0, 0, now

    def start(self) -> None:
        """Begin to bind."""
        self._task = self._loop.create_task(self._keep(), name=f"bind {self._settings.name}")

    async def close(self) -> None:
        """Unbind, and bind no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        clients, self.client, self._opening = (self.client, self._opening), None, None
        for client in filter(None, clients):
            await client.close()

    # --- inside --------------------------------------------------------------------------------

    async def _keep(self) -> None:
        tries = 0
        while True:
            if (wait := self._smsc.wait(self._loop.time())) > 0:
                await asyncio.sleep(wait)
                continue
            lived = 0.0
            try:
                async with self._smsc.lock:
                    if self._smsc.wait(self._loop.time()) > 0:
                        continue  # another bind was refused meanwhile: this one has not tried
                    client = await self._open()
                lived = await self._live(client) if client is not None else 0.0
            except Exception:  # whatever it was: a bind never ends by itself
                log.exception("unexpected error with an upstream bind of %s", self._settings.name)
            tries = 0 if lived >= self._timings.steady else tries + 1
            await asyncio.sleep(self._pause(tries))

    def _pause(self, tries: int) -> float:
        """Seconds until the next try, after ``tries`` in a row that brought no good bind."""
        first = self._timings.first_pause
        last = max(first, self._settings.longest_pause)
        pause = backoff(tries, first=first, last=last, jitter=random.random())
        return max(pause, refusal_pause(self._refusals - 1, self._timings)) if self._refusals else pause

    async def _live(self, client: Client) -> float:
        """Serve until the session ends; how many seconds that took."""
        began = self._loop.time()
        self.client, self._opening, self._refusals = client, None, 0
        # After a session that ended without an answer the next one may end like that: it shall cost less.
        unheard = not self.proven and (self.suspected or self.silent > 0)
        self.heard(began)
        self.proven, self.suspected = False, unheard
        self._owner.changed("")
        await client.lost()
        self.client = None
        lived = self._loop.time() - began
        event(log, logging.WARNING, "upstream bind ended", provider=self._settings.name, lived_s=round(lived))
        self._owner.changed("the connection to the SMSC ended")
        return lived

    async def _open(self) -> Client | None:
        """A bound session with the first host that accepts the bind."""
        owner = self._owner
        why, status = "", 0
        for host, port in self._settings.hosts:
            client = self._opening = self._settings.client(owner.incoming, owner.fault, owner.verdicts)
            why, status = await self._try(client, host, port)
            if not why:
                self._smsc.accepted()
                event(
                    log,
                    logging.INFO,
                    "upstream bound",
                    provider=self._settings.name,
                    host=f"{host}:{port}",
                    bind_type=BIND_TYPES[self._kind],
                )
                self._look_at_version(client)
                return client
            await client.close(grace=1.0)
            self._opening = None
            self._complain(f"{host}:{port}", why, status)
            if status in _UNKNOWN_TO_SMSC:  # the other hosts would say the same
                self._smsc.refused(self._loop.time())
                break
        refused = status in _REFUSED
        self._refusals = self._refusals + 1 if refused else 0
        self._owner.changed(why, hopeless=refused)
        return None

    def _look_at_version(self, client: Client) -> None:
        """An SMSC before SMPP 3.4 may choke on optional parameters (SMPP 3.4 §3.4)."""
        ours = self._settings.bind(self._kind).interface_version
        if 0 < client.peer_version < _FIRST_TLV_VERSION <= ours and not self._smsc.is_older:
            self._smsc.is_older = True
            event(
                log,
                logging.WARNING,
                "the SMSC speaks an older version of SMPP, set interface_version: 0x33",
                provider=self._settings.name,
                version=f"{client.peer_version:#04x}",
            )

    def _complain(self, host: str, why: str, status: int) -> None:
        level, what = logging.WARNING, "upstream bind failed"
        if status in _REFUSED:
            level, what = logging.ERROR, "upstream bind refused"
        now, provider = self._loop.time(), self._settings.name
        self._complaints(now, what, (host, status), level, provider=provider, host=host, reason=why)

    async def _try(self, client: Client, host: str, port: int) -> tuple[str, int]:
        """Connect and bind: why that did not work ("" = it did), and the status of the answer."""
        settings, limit = self._settings, self._timings.connect
        try:
            async with asyncio.timeout(limit):
                await client.connect(host, port, settings.tls, settings.tls_name)
        except (LinkError, TimeoutError) as error:
            self._owner.tried("unreachable")
            return str(error) or f"no connection to {host}:{port} within {limit:g} s", 0
        try:
            answer = await client.bind(settings.bind(self._kind))
        except LinkError as error:
            self._owner.tried("timeout")
            return f"{host}:{port} did not answer the bind: {error}", 0
        status = answer.command_status
        if status == Status.ESME_ROK and isinstance(answer, BindResp):
            self._owner.tried(status_name(status))
            return "", status
        self._owner.tried(status_name(status) if status else "other")
        return f"{host}:{port} refused the bind: {status_name(status)} ({status:#x})", status
