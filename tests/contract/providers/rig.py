"""What a provider brings along to join the contract suite: its simulator, and where it differs.

Inherit from `Rig`, set the facts, write the methods, and name the class in `providers.rigs`. Methods
that a fact rules out (``callback`` without ``has_callbacks``, and so on) are never called and need not be
written; ``garbage_callbacks`` always is.

The simulator must be set up quick and patient: statuses follow each other within some 20 ms, and no limit on
how often one may send, ask for statuses or look at the balance is reached by a few dozen requests.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Self
from urllib.parse import urlencode

from smppbridge.errors import ProviderError
from smppbridge.model.message import Draft
from smppbridge.providers.base import Callback, News, Provider
from tests.support.builders.upcalls import Upcalls
from tests.support.http.server import Fault, HttpServer

WRONG_SECRET = "WRONGKEYWRONGKEY"  # what the suite opens a provider with that is to be refused

Report = Callable[[Sequence[News]], Awaitable[None]]
"""Who hears what a provider tells by itself."""


class Refusal(NamedTuple):
    """An error code of the provider, and what we make of it."""

    code: int  # as the simulator takes it; as text it is the error's ``code``
    expected: type[ProviderError]
    status: int = 0x08  # command_status


class Kept(NamedTuple):
    """A plain SMS that the simulator has taken."""

    ref: str  # as `Taken.ref` names it
    recipient: str  # international digits
    text: str


class Rig(Protocol):
    """A running simulator, and providers that talk to it. The facts are class attributes."""

    name: str  # of the provider's kind, for the names of tests
    secrets: tuple[str, ...]  # must never be told
    account_refusals: tuple[Refusal, ...]  # codes that every request may get
    message_refusals: tuple[Refusal, ...]  # codes that one recipient of many may get
    unfit: tuple[Draft, ...]  # what `check` must refuse, though the provider might take it
    has_callbacks: bool = True  # False: parse_callback refuses everything
    balance_in_answers: bool = True  # what is left is told by every send, too
    signs_callbacks: bool = False
    can_find: bool = False
    lists_are_cut: bool = False  # find() reads a list that may be too long to be told whole
    number_check: str = ""  # service_type of a number check; "" = none is sold
    carries_octets: bool = False  # binary content; else `check` refuses it with 0x4A3
    sends_flash: bool = False  # else `flash_unsupported` says what becomes of such texts
    inbound_by_callback: bool = False
    inbound_by_polling: bool = False

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: object) -> None: ...

    async def open(
        self, report: Report, *, url: str = "", timeout: float = 10.0, secret: str = ""
    ) -> Provider:
        """A started provider that `__aexit__` closes; ``url`` and ``secret`` when they are to be wrong.
        ``timeout`` in seconds. Secrets of callbacks and signatures are set wherever there are such."""

    def settings(self) -> dict[str, Any]:
        """What stands below ``providers.<name>`` in a configuration that uses this simulator."""

    def use_callback_url(self, url: str) -> None:
        """The operator enters ``url`` at the provider. Nothing where each request brings its own."""

    # --- how the provider's requests are cut ---------------------------------------------------------

    def requests_for(self, count: int) -> int:
        """Requests in which send() hands over ``count`` alike messages to as many numbers."""
        return 1

    def apart(self, number: int) -> dict[str, Any]:
        """Fields of message ``number`` that give it a request of its own, after those before it."""
        return {"sender": f"Demo{number}"}

    # --- what the simulator does and knows -----------------------------------------------------------

    @property
    def faults(self) -> deque[Fault]:
        """What goes wrong with the requests to come, one each."""

    @property
    def requests(self) -> int:
        """How many requests the simulator has seen."""

    @property
    def hung(self) -> int:
        """How many requests have come to where they wait for their answer, as their fault says."""

    def go_on(self) -> None:
        """Requests that wait so are answered now."""

    def taken(self) -> Sequence[Kept]:
        """The plain SMS that the provider's side has really taken, in order."""

    def services_sold(self) -> Sequence[str]:
        """Names of everything else that was bought, number checks included."""
        return ()

    def refuse_recipients(self, recipients: Sequence[str], code: int) -> None:
        """Messages to these numbers are refused with this one of `message_refusals`."""

    def refuse_all(self, code: int) -> None:
        """Every request gets this one of `account_refusals`; 0 = no longer."""

    def spend_everything(self) -> None:
        """The account has no money left."""

    def never_deliver(self) -> None:
        """Messages end undelivered, not delivered."""

    def unknown_ref(self) -> str:
        """A well-formed reference of no message, another one each time."""

    # --- callbacks, where `has_callbacks` ------------------------------------------------------------

    def callback(self, ref: str, *, delivered: bool) -> Callback:
        """What the provider tells us about a final status, signed as the provider of `open` expects."""
        raise AssertionError("has_callbacks is not true")

    def forged_callbacks(self) -> list[Callback]:
        """Well-formed callbacks whose signature is wrong or missing."""
        raise AssertionError("signs_callbacks is not true")

    def garbage_callbacks(self) -> list[Callback]:
        """Requests that are none of the provider's callbacks, properly signed as far as they can be."""

    # --- what only some have -------------------------------------------------------------------------

    def cut_list(self) -> None:
        """From now on the list of messages that find() looks into is one that was cut short."""
        raise AssertionError("lists_are_cut is not true")

    def inbound_callback(self, source: str, text: str) -> Callback:
        """What the provider posts when the phone ``source`` has sent ``text``; each time a new message."""
        raise AssertionError("inbound_by_callback is not true")

    def phone_sends(self, source: str, text: str) -> None:
        """A message from a phone arrives at the provider; inbound() is to tell it."""
        raise AssertionError("inbound_by_polling is not true")


class Simulator(Protocol):
    """What all simulators have in common."""

    server: HttpServer

    @property
    def faults(self) -> deque[Fault]: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: object) -> None: ...


class SimulatedRig(Rig):
    """The part of a rig that is the same for all: one simulator, and the providers opened beside it."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._opened: list[Provider] = []

    async def __aenter__(self) -> Self:
        await self._simulator.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        for provider in self._opened:
            await provider.close()
        await self._simulator.__aexit__(*error)

    async def opened(self, provider: Provider, report: Report) -> Provider:
        """``provider``, started; `__aexit__` closes it."""
        await provider.start(Upcalls(report))
        self._opened.append(provider)
        return provider

    @property
    def faults(self) -> deque[Fault]:
        return self._simulator.faults

    @property
    def requests(self) -> int:
        return self._simulator.server.requests

    @property
    def hung(self) -> int:
        return self._simulator.server.hung

    def go_on(self) -> None:
        self._simulator.server.go_on.set()


def query_callback(query: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Callback:
    """A GET callback."""
    return Callback("GET", dict(query), dict(headers or {}))


def form_callback(
    form: Mapping[str, str],
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Callback:
    """A POST callback with a form, in UTF-8; ``body`` is what the form was read from."""
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return Callback("POST", dict(query or {}), kind | dict(headers or {}), form, urlencode(form).encode())


def body_callback(
    body: bytes, headers: Mapping[str, str] | None = None, content_type: str = "application/json"
) -> Callback:
    """A POST callback with any other body."""
    return Callback("POST", {}, {"content-type": content_type} | dict(headers or {}), {}, body)
