"""Pending responses over a real connection, and what is told of them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from smppbridge.flow.settle.pending import PendingResponse
from smppbridge.link.server import Answer, BoundLink
from smppbridge.smpp.pdu import SubmitSm, SubmitSmResp
from tests.support.builders.accounts import account
from tests.support.esme.bound import Deaf, bind

Call = list[tuple[str, int, str]]  # destination_addr, command_status, message_id


class Read:
    """What came in one read, and every call that answers some of it."""

    def __init__(self, link: BoundLink) -> None:
        self._link = link
        self.calls: list[Call] = []
        self._answer: Answer = self._note  # one object: what is answered together is known by it

    def pending(self, number: int) -> PendingResponse:
        submit = SubmitSm(destination_addr=f"to {number}")
        return PendingResponse(self._link, submit, SubmitSmResp(message_id=str(number)), self._answer)

    def _note(self, submits: Sequence[SubmitSm], responses: Sequence[SubmitSmResp]) -> None:
        self.calls.append(
            [
                (submit.destination_addr, response.command_status, response.message_id)
                for submit, response in zip(submits, responses, strict=True)
            ]
        )


def taken(number: int) -> tuple[str, int, str]:
    return (f"to {number}", 0, str(number))


def refused(number: int, status: int) -> tuple[str, int, str]:
    return (f"to {number}", status, "")


@asynccontextmanager
async def connected(status_codes: str = "sms-assistent") -> AsyncIterator[BoundLink]:
    """A link whose other end says nothing."""
    bound = await bind(account(status_codes=status_codes), Deaf())
    try:
        yield bound.link
    finally:
        bound.link.connection.abort()
