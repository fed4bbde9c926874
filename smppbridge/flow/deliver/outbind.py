"""Calls equipment that does not bind by itself for what it is owed: outbind (SMPP 3.4 §2.2.1).

1. An account is called when it has an ``outbind`` address, has no bind that may receive, and something is due
   for it: as soon as that comes to be owed, else at the next look.
2. An account is called by one call at a time.
3. From the end of a call to the next one it takes 10 s at least. After calls in a row that brought no bind
   the pause grows to 10 min. New receipts do not cut it short.
4. A bind that may receive, however it came, ends the growth. A reload of the configuration ends the pause.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from smppbridge.flow.accounts import Accounts
from smppbridge.flow.worker import Worker
from smppbridge.link.outbind_calls import Endpoint
from smppbridge.link.tls import client_context
from smppbridge.logs import event
from smppbridge.metrics import Metrics
from smppbridge.model.account import Account, CallOut
from smppbridge.model.backoff import backoff
from smppbridge.smpp.pdu import Outbind
from smppbridge.store.base import Delivering

log = logging.getLogger(__name__)

LOOK = 10.0  # seconds between two looks without being woken
FIRST_PAUSE = 10.0  # seconds from the end of a call to the next one
LAST_PAUSE = 600.0
_BOUND, _NO_BIND, _UNREACHABLE = "bound", "no_bind", "unreachable"  # how a call can end


class _Rest(NamedTuple):
    """No call before ``until`` (loop's clock), after so many in a row that brought no bind."""

    failures: int
    until: float


_RESTED = _Rest(0, 0.0)


class Binds(Protocol):
    """Knows which accounts have a bind that may receive: `Courier`."""

    def reaches(self, account: str) -> bool: ...


class OutbindCaller:
    """Calls the equipment of all accounts."""

    def __init__(
        self,
        store: Delivering,
        metrics: Metrics,
        clock: Callable[[], int],
        *,
        accounts: Accounts,
        binds: Binds,
        call: Callable[[str, Endpoint, Outbind], Awaitable[bool]],
        system_id: str,
        look: float = LOOK,
        first_pause: float = FIRST_PAUSE,
        last_pause: float = LAST_PAUSE,
    ) -> None:
        """``call(account, place, outbind)`` is `link.server.Server.call`. ``system_id`` is the bridge's own.
        ``look``: seconds between two looks, at most. ``first_pause`` and ``last_pause``: seconds."""
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._accounts = accounts
        self._binds = binds
        self._call = call
        self._system_id = system_id
        self._look = look
        self._first_pause = first_pause
        self._last_pause = last_pause
        self._rests: dict[str, _Rest] = {}
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._last: dict[str, str] = {}  # account -> how its last call ended
        self._worker = Worker("caller", self._step)
        self._reloads = 0

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    async def stop(self) -> None:
        """End. Calls under way are cancelled; the binds that calls have brought stay."""
        await self._worker.stop()
        calls = list(self._calls.values())
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def owed(self, account: str) -> None:
        """Something is owed to an account that has no bind that may receive."""
        known = self._accounts.get(account)
        if known is not None and self._may_call(known):
            self._worker.wake()

    def reload(self) -> None:
        """The accounts have changed: call at once where a call is due, without a pause."""
        self._reloads += 1
        self._rests.clear()
        self._worker.wake()

    # --- inside --------------------------------------------------------------------------------

    async def _step(self) -> float:
        for account in list(self._accounts.values()):
            if self._binds.reaches(account.name):
                self._came(account.name)
            elif self._may_call(account) and await self._store.owes(account.name, self._clock()):
                self._begin(account)
        now = asyncio.get_running_loop().time()
        ends = [rest.until - now for rest in self._rests.values()]
        return min([self._look, *(end for end in ends if end > 0)])

    def _may_call(self, account: Account) -> bool:
        name, now = account.name, asyncio.get_running_loop().time()
        if account.outbind is None or name in self._calls or self._binds.reaches(name):
            return False
        return self._rests.get(name, _RESTED).until <= now

    def _came(self, name: str) -> None:
        """The account has a bind that may receive: what went wrong before does not count any more."""
        if name in self._rests:
            soon = asyncio.get_running_loop().time() + self._first_pause
            self._rests[name] = _Rest(0, min(self._rests[name].until, soon))

    def _begin(self, account: Account) -> None:
        if account.outbind is None or not self._may_call(account):
            return  # it was bound while the store was asked
        name = account.name
        task = asyncio.get_running_loop().create_task(self._carry_out(name, account.outbind))
        self._calls[name] = task

        def ended(task: "asyncio.Task[None]") -> None:
            del self._calls[name]
            self._worker.wake()

        task.add_done_callback(ended)

    async def _carry_out(self, name: str, to: CallOut) -> None:
        reason, reloads = "", self._reloads
        try:
            result = await self._place(name, to)
        except (OSError, UnicodeError) as error:  # the latter: a host name that is none
            result, reason = _UNREACHABLE, str(error) or type(error).__name__
        except Exception:
            log.exception("unexpected error while calling %s", name)
            result = _NO_BIND
        self._metrics.outbind_calls.labels(name, result).inc()
        self._tell(name, to, result, reason)
        if reloads != self._reloads:
            return  # the call was made with settings that do not hold any more
        failures = 0 if result == _BOUND else self._rests.get(name, _RESTED).failures + 1
        pause = backoff(
            max(0, failures - 1), first=self._first_pause, last=self._last_pause, jitter=random.random()
        )
        self._rests[name] = _Rest(failures, asyncio.get_running_loop().time() + pause)

    async def _place(self, name: str, to: CallOut) -> str:
        place = Endpoint(to.host, to.port)
        if to.tls is not None:  # in a thread, as it reads files
            context = await asyncio.to_thread(client_context, to.tls.ca, to.tls.cert, to.tls.key)
            place = Endpoint(to.host, to.port, context, to.tls.server_name or "")
        outbind = Outbind(system_id=to.system_id or self._system_id, password=to.password.get_secret_value())
        return _BOUND if await self._call(name, place, outbind) else _NO_BIND

    def _tell(self, name: str, to: CallOut, result: str, reason: str) -> None:
        """One line for each change, not for each call."""
        if self._last.get(name) == result:
            return
        self._last[name] = result
        level = logging.INFO if result == _BOUND else logging.WARNING
        event(
            log,
            level,
            "equipment was called",
            account=name,
            host=f"{to.host}:{to.port}",
            result=result,
            reason=reason,
        )
