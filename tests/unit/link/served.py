"""A Server of ours on a real port, and who stands behind it: everything is written down, nothing answered."""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from smppbridge.link.admission import Admission
from smppbridge.link.authentication import Authenticator
from smppbridge.link.server import Answer, BoundLink, Reply, Server, ServerLimits
from smppbridge.logs import TextFormatter
from smppbridge.metrics import Metrics
from smppbridge.model.account import Account
from smppbridge.smpp.pdu import Request, SubmitSm, SubmitSmResp
from smppbridge.smpp.session import Answered, Timers, Unanswered
from tests.support.builders.metrics import value
from tests.support.esme.esme import Esme

TIMERS = Timers(bind=10.0, enquire_link=0.0, inactivity=0.0, response=20.0)


def account(name: str = "pbx", **keys: Any) -> Account:
    """Its password is "secret", unless there is a hash."""
    plain = {} if "password_hash" in keys else {"password": "secret"}
    return Account.model_validate({"name": name, **plain, **keys})


def weak_hash(password: bytes) -> str:
    """A password_hash that costs little time."""
    salt = b"salt" * 4
    digest = hashlib.scrypt(password, salt=salt, n=1024, r=8, p=1, dklen=32)
    return f"scrypt$1024$8$1${b64encode(salt).decode()}${b64encode(digest).decode()}"


def lines(caplog: pytest.LogCaptureFixture, what: str) -> list[str]:
    """What was logged of this."""
    written = TextFormatter(mask=False)
    return [written.format(record) for record in caplog.records if record.getMessage() == what]


class Behind:
    """What the server passes on, in its order."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.links: list[BoundLink] = []
        self.submits: list[tuple[BoundLink, list[SubmitSm], Answer]] = []
        self.requests: list[tuple[BoundLink, Request, Reply]] = []
        self.answers: list[Answered | Unanswered] = []
        self.at_bound: Callable[[BoundLink], None] = lambda link: None

    def accept(self, link: BoundLink, submits: list[SubmitSm], answer: Answer) -> None:
        self.order.append(f"accept {len(submits)}")
        self.submits.append((link, submits, answer))

    def serve(self, link: BoundLink, request: Request, reply: Reply) -> None:
        self.order.append(f"serve {type(request).__name__}")
        self.requests.append((link, request, reply))

    def bound(self, link: BoundLink) -> None:
        self.order.append("bound")
        self.links.append(link)
        self.at_bound(link)

    def unbound(self, link: BoundLink) -> None:
        self.order.append("unbound")
        self.links.remove(link)

    def answered(self, link: BoundLink, events: Sequence[Answered | Unanswered]) -> None:
        self.order.append(f"answered {len(events)}")
        self.answers += events

    def roomy(self, link: BoundLink) -> None:
        self.order.append("roomy")

    def take(self) -> None:
        """Answer all submit_sm that wait, those of one read together."""
        for _, submits, answer in self.submits:
            answer(submits, [SubmitSmResp(str(number)) for number in range(len(submits))])
        self.submits.clear()


class Rig:
    """The server, and its surroundings."""

    def __init__(
        self, *accounts: Account, limits: ServerLimits | None = None, connections: int = 100, **keys: Any
    ) -> None:
        self.behind = Behind()
        self.metrics = Metrics()
        self.port = 0
        self.admission = Admission(connections, self.metrics)
        self.server = Server(
            Authenticator({one.name: one for one in accounts or (account(),)}, answer_time=0.0),
            self.behind.accept,
            self.behind.serve,
            self.behind,
            self.metrics,
            self.admission,
            **{
                "system_id": "centre",
                "timers": TIMERS,
                "max_pdu_octets": 65536,
                "new_link_id": count(1).__next__,
                "limits": limits or ServerLimits(),
                **keys,
            },
        )

    def metric(self, name: str, **labels: str) -> float:
        return value(self.metrics, name, **labels)

    async def connect(self, source: str = "127.0.0.1") -> Esme:
        return Esme(*await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0)))

    async def bound(self, system_id: str = "pbx", kind: str = "TRX", version: int = 0x34) -> Esme:
        return await Esme.bound(self.port, system_id, kind, version)


@asynccontextmanager
async def served(*accounts: Account, **keys: Any) -> AsyncIterator[Rig]:
    """One that listens."""
    rig = Rig(*accounts, **keys)
    rig.port = await rig.server.listen("127.0.0.1", 0)
    try:
        yield rig
    finally:
        await rig.server.stop(0.0)
