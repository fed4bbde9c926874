"""What the ESMEs of foreign make have in common: what they are told to do, and what they tell of it.

Each make is a program. It gets its orders as one JSON object in the command line (`Task`), and does them for
every account, side by side where it can:

1. bind as a transceiver with a wrong password, and note the command_status of the refusal;
2. bind with the right one, and take a message from a phone, which has waited for that;
3. submit three messages that ask for a receipt: `short`, `long` (in parts, or as message_payload: the way of
   the library) and `lost`, to a number that no provider takes;
4. take the receipts of the first two, and acknowledge them;
5. unbind.

It writes one object in a line for each account (`Visit`), or ``{"account", "error"}``. Octets are in hex.

Must not know: the program under test. Nothing of it may be used here, or a mistake of its codec would be made
on both sides and stay unseen.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Self

HOST = "127.0.0.1"
SENDER = "ALARM"
ALPHANUMERIC = 5  # TON
INTERNATIONAL = ISDN = 1  # TON, NPI
UCS2 = 8  # data_coding
MAX_TEXT = 254  # octets of a short_message (SMPP 3.4 §4.4.1)
RECEIPT = 0x04  # esm_class, among other bits
RECEIPTED_MESSAGE_ID, USER_MESSAGE_REFERENCE, MESSAGE_PAYLOAD, MESSAGE_STATE = 0x001E, 0x0204, 0x0424, 0x0427
PASSWORD, WRONG = "secret", "wrong"
VISIT_PATIENCE = 30.0  # seconds for one account


class Errand(NamedTuple):
    """A message to submit. Libraries that encode by themselves take ``text``, others ``octets``."""

    to: str
    text: str
    octets: str  # in hex
    data_coding: int
    reference: int  # user_message_reference

    @property
    def data(self) -> bytes:
        return bytes.fromhex(self.octets)

    @property
    def halves(self) -> tuple[str, str]:
        """The text in two parts, for libraries that leave that to their user."""
        middle = len(self.text) // 2
        return self.text[:middle], self.text[middle:]


class Order(NamedTuple):
    """What an ESME does as one account."""

    account: str
    short: Errand
    long: Errand
    lost: Errand


class Receipt(NamedTuple):
    """A receipt as the library gave it; TLVs are None where it gave none."""

    source: str
    octets: str  # short_message, in hex
    message_id: str | None  # receipted_message_id
    state: int | None  # message_state
    reference: int | None  # user_message_reference

    @property
    def text(self) -> str:
        return bytes.fromhex(self.octets).decode("ascii")


class Greeting(NamedTuple):
    """The message from a phone; from a library that decodes by itself, in UCS-2."""

    source: str
    octets: str  # in hex
    data_coding: int = UCS2

    @property
    def text(self) -> str:
        """Raises UnicodeDecodeError when it is neither ASCII nor UCS-2."""
        return bytes.fromhex(self.octets).decode("utf-16-be" if self.data_coding == UCS2 else "ascii")


class Visit(NamedTuple):
    """What an ESME saw as one account."""

    account: str
    refused: int | None  # command_status of the bind with a wrong password; None: the library does not tell
    greetings: list[Greeting]
    short: str  # message_id
    long: list[str]  # message_id of each part
    lost: int  # command_status of the submit_sm_resp
    receipts: list[Receipt]
    unbound: bool  # unbind was answered

    @classmethod
    def read(cls, told: dict[str, Any]) -> Self:
        """A line that the program wrote. Raises TypeError when fields are missing."""
        receipts = [Receipt(**receipt) for receipt in told["receipts"]]
        greetings = [Greeting(**greeting) for greeting in told["greetings"]]
        return cls(**{**told, "receipts": receipts, "greetings": greetings})


class Task(NamedTuple):
    """Everything that a program is told."""

    port: int
    orders: list[Order]

    def text(self) -> str:
        """The JSON object."""
        orders = [{**order._asdict(), **_errands(order)} for order in self.orders]
        fixed = {"password": PASSWORD, "wrong": WRONG, "sender": SENDER}
        return json.dumps({"port": self.port, "orders": orders} | fixed)

    @classmethod
    def read(cls, text: str) -> Self:
        told = json.loads(text)
        return cls(told["port"], [_order(**order) for order in told["orders"]])


def _errands(order: Order) -> dict[str, dict[str, Any]]:
    return {name: value._asdict() for name, value in order._asdict().items() if isinstance(value, Errand)}


def _order(account: str, **errands: dict[str, Any]) -> Order:
    return Order(account, **{name: Errand(**errand) for name, errand in errands.items()})


# --- for programs in Python --------------------------------------------------------------------------


class Diary:
    """What comes to an ESME, in any order, until it is all there."""

    def __init__(self, order: Order, parts: int = 1) -> None:
        self.order = order
        self.refused: int | None = None
        self.unbound = False
        self._parts = parts
        self._answers: dict[str, tuple[int, str]] = {}  # by the name of the message, or part
        self._receipts: list[Receipt] = []
        self._greetings: list[Greeting] = []

    def answered(self, name: str, status: int, message_id: str = "") -> None:
        """A submit_sm_resp; ``name``: short, lost, or long0, long1, ..."""
        self._answers[name] = (status, message_id)

    def receipt(
        self,
        source: str,
        octets: bytes,
        message_id: str | bytes | None = None,
        state: int | None = None,
        reference: int | None = None,
    ) -> None:
        """A deliver_sm that is a receipt."""
        text = message_id.decode("ascii").rstrip("\0") if isinstance(message_id, bytes) else message_id
        self._receipts.append(Receipt(source, octets.hex(), text, state, reference))

    def greeting(self, source: str, octets: bytes, data_coding: int = UCS2) -> None:
        """A deliver_sm that is none."""
        self._greetings.append(Greeting(source, octets.hex(), data_coding))

    def deliver_sm(
        self, esm_class: int, source: str, octets: bytes, data_coding: int, tlvs: Mapping[int, bytes]
    ) -> None:
        """Either, of a library that leaves TLVs, by tag, to its user."""
        if not esm_class & RECEIPT:
            self.greeting(source, octets, data_coding)
            return
        state, reference = tlvs.get(MESSAGE_STATE), tlvs.get(USER_MESSAGE_REFERENCE)
        self.receipt(
            source,
            octets,
            tlvs.get(RECEIPTED_MESSAGE_ID),
            None if state is None else int.from_bytes(state),
            None if reference is None else int.from_bytes(reference),
        )

    @property
    def complete(self) -> bool:
        """Whether all answers and receipts have come."""
        came = (len(self._answers), len(self._receipts), len(self._greetings))
        return came == (self._parts + 2, self._parts + 1, 1)

    def visit(self) -> Visit:
        """All of it."""
        long = [self._answers[f"long{number}"][1] for number in range(self._parts)]
        return Visit(
            self.order.account,
            self.refused,
            self._greetings,
            short=self._answers["short"][1],
            long=long,
            lost=self._answers["lost"][0],
            receipts=self._receipts,
            unbound=self.unbound,
        )


Going = Callable[[int, Order], Awaitable[Visit]]
"""What an ESME does as one account, at a port."""


async def visits(task: Task, go: Going) -> None:
    """Everything at once; a line for each."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(len(task.orders)))
    await asyncio.gather(*(_visit(task.port, order, go) for order in task.orders))


async def _visit(port: int, order: Order, go: Going) -> None:
    try:
        async with asyncio.timeout(VISIT_PATIENCE):
            tell(await go(port, order))
    except Exception as error:
        tell_error(order.account, error)


def tell(visit: Visit) -> None:
    """Write it as a line."""
    told = {name: [value._asdict() for value in getattr(visit, name)] for name in ("receipts", "greetings")}
    print(json.dumps(visit._asdict() | told), flush=True)


def tell_error(account: str, error: Exception) -> None:
    """Write as a line why there is no visit."""
    print(json.dumps({"account": account, "error": repr(error)}), flush=True)


def main(go: Going, arguments: Sequence[str] = sys.argv) -> None:
    """The program."""
    asyncio.run(visits(Task.read(arguments[1]), go))


async def until(condition: Callable[[], object]) -> None:
    """As soon as it holds."""
    while not condition():
        await asyncio.sleep(0.01)
