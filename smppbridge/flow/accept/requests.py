"""What an ESME asks besides submit_sm: submit_multi, data_sm, query_sm, cancel_sm and replace_sm.

All of them count against the account's rate. Above it they are refused before anything is looked up.

1. submit_multi and data_sm are submit_sm in other words. `intake` takes them as such.
2. The others are about stored messages. Each is one step of the store, or two of which the second checks
   again, because a message may go to a provider at any moment.
"""

import asyncio
import logging
from asyncio import Future
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from smppbridge.errors import Refused, StoreError
from smppbridge.flow.accept.rates import Rates
from smppbridge.flow.send.fleet import Fleet
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.settle.pending import PendingResponses
from smppbridge.link.server import Answer, BoundLink, Reply
from smppbridge.logs import Complaints
from smppbridge.model.account import Account
from smppbridge.model.ids import IdSource
from smppbridge.model.message import Found, Replacement, Stage
from smppbridge.smpp.constants import MessageState, Status, status_name
from smppbridge.smpp.pdu import (
    CancelSm,
    CancelSmResp,
    DataSm,
    DataSmResp,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    Request,
    Response,
    SubmitMulti,
    SubmitSm,
    SubmitSmResp,
)
from smppbridge.smpp.times import format_absolute
from smppbridge.store.base import Accepting
from smppbridge.store.results import Cancelled
from smppbridge.submission.appraisal import Appraiser
from smppbridge.submission.checks import recipient_of, service_of
from smppbridge.submission.rewritten import (
    from_data_sm,
    from_replace_sm,
    multi_response,
    of_destinations,
    replacement_of,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

_PENDING = (Stage.WAITING, Stage.QUEUED)  # no provider has been given it
_MAX_ERROR_CODE = 255  # one octet on the wire


class Accept(Protocol):
    """`Intake.accept`."""

    def __call__(
        self,
        link: BoundLink,
        submits: list[SubmitSm],
        answer: Answer,
        *,
        one_id: bool = False,
        allowed: int | None = None,
    ) -> None: ...


class _Asked:
    """One request, which is answered once."""

    def __init__(self, link: BoundLink, request: Request, reply: Reply) -> None:
        self.link = link
        self.account: Account = link.account
        self.request = request
        self.allowed = 0  # messages and questions that are within the account's rate
        self._reply = reply
        self._answered = False

    def answer(self, response: Response, submitted: Sequence[int] = ()) -> None:
        """``submitted``: the command_status of each submit_sm that it stood for."""
        if not self._answered:
            self._answered = True
            self._reply(response, submitted)

    def refuse(self, status: int) -> None:
        """The request comes to nothing."""
        response = self.request.response
        assert response is not None  # only outbind and alert_notification have none, and are none of ours
        match self.request:
            case SubmitMulti(dest_address=destinations):
                self.answer(response(command_status=status), [status] * len(destinations))
            case DataSm():
                self.answer(response(command_status=status), [status])
            case QuerySm(message_id=message_id):  # its answer has a body always (SMPP 3.4 §4.8.2)
                nothing = QuerySmResp(message_id=message_id, message_state=MessageState.UNKNOWN)
                nothing.command_status = status
                self.answer(nothing)
            case _:
                self.answer(response(command_status=status))


class Requests:
    """Answers requests. ``handle`` fits ``link.server.Serve``."""

    def __init__(
        self,
        store: Accepting,
        accept: Accept,
        appraiser: Appraiser,
        rates: Rates,
        outcomes: Outcomes,
        pending: PendingResponses,
        fleet: Fleet,
        ids: IdSource,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._rates = rates
        self._accept = accept
        self._appraiser = appraiser
        self._outcomes = outcomes
        self._pending = pending
        self._clock = clock
        self._ids = ids
        self._fleet = fleet
        self._complaints = Complaints(log)
        self._loop = asyncio.get_running_loop()
        self._steps: dict[type[Request], Callable[[_Asked, Any], None]] = {
            SubmitMulti: self._submit_multi,
            DataSm: self._data,
            QuerySm: self._query,
            CancelSm: self._cancel,
            ReplaceSm: self._replace,
        }

    def handle(self, link: BoundLink, request: Request, reply: Reply) -> None:
        """Answer a request, now or when the store has done its part."""
        asked = _Asked(link, request, reply)
        self._try(asked, lambda: self._begin(asked, request))

    def _begin(self, asked: _Asked, request: Request) -> None:
        count = len(request.dest_address) if isinstance(request, SubmitMulti) else 1
        asked.allowed = self._rates.take(asked.account, count)
        if not asked.allowed:
            raise Refused(Status.ESME_RTHROTTLED, "above the account's rate")
        self._steps[type(request)](asked, request)

    # --- submitting ----------------------------------------------------------------------------

    def _submit_multi(self, asked: _Asked, pdu: SubmitMulti) -> None:
        submits, failed = of_destinations(pdu)
        taken: dict[int, SubmitSmResp] = {}

        def answer(answered: Sequence[SubmitSm], responses: Sequence[SubmitSmResp]) -> None:
            for submit, response in zip(answered, responses, strict=True):
                if response.command_status:
                    failed[submit.sequence_number] = response.command_status
                else:
                    taken[submit.sequence_number] = response
            if len(taken) + len(failed) == len(pdu.dest_address):
                asked.answer(multi_response(pdu, taken, failed), [0] * len(taken) + list(failed.values()))

        if submits:
            allowed = max(0, asked.allowed - len(failed))
            self._accept(asked.link, submits, answer, one_id=True, allowed=allowed)
        else:
            answer((), ())

    def _data(self, asked: _Asked, pdu: DataSm) -> None:
        def answer(answered: Sequence[SubmitSm], responses: Sequence[SubmitSmResp]) -> None:
            for response in responses:
                status, message_id = response.command_status, response.message_id
                asked.answer(DataSmResp(command_status=status, message_id=message_id), [status])

        self._accept(asked.link, [from_data_sm(pdu)], answer, allowed=asked.allowed)

    # --- asking --------------------------------------------------------------------------------

    def _query(self, asked: _Asked, pdu: QuerySm) -> None:
        def answer(found: list[Found]) -> None:
            message = min(_named(found, pdu), key=lambda one: (one.stage, -one.done_at))
            ended = message.stage == Stage.FINAL
            done = datetime.fromtimestamp(message.done_at / 1000, UTC)
            asked.answer(
                QuerySmResp(
                    message_id=pdu.message_id,
                    final_date=format_absolute(done) if ended else "",
                    # Another state than ENROUTE counts as final (SMPP 3.4 §5.2.28).
                    message_state=message.state if ended else MessageState.ENROUTE,
                    error_code=min(message.err, _MAX_ERROR_CODE),
                )
            )

        self._when(asked, self._store.find_messages(asked.account.name, pdu.message_id), answer)

    # --- cancelling ----------------------------------------------------------------------------

    def _cancel(self, asked: _Asked, pdu: CancelSm) -> None:
        if not pdu.message_id:
            self._cancel_pending(asked, pdu)
            return

        def answer(cancelled: Cancelled) -> None:
            if not cancelled.found:
                raise Refused(Status.ESME_RINVMSGID, "there is no such message")
            if not cancelled.ids:
                raise Refused(Status.ESME_RCANCELFAIL, "the message is not in the bridge any more")
            self._ended(cancelled)
            asked.answer(CancelSmResp())

        cancelling = self._store.cancel(
            asked.account.name, pdu.message_id, pdu.source_addr, pdu.destination_addr, self._clock()
        )
        self._when(asked, cancelling, answer)

    def _cancel_pending(self, asked: _Asked, pdu: CancelSm) -> None:
        """All between two addresses, of one service_type if there is one (SMPP 3.4 §4.9)."""
        account = asked.account
        service = service_of(account, pdu.service_type)
        addressed = SubmitSm(dest_addr_ton=pdu.dest_addr_ton, destination_addr=pdu.destination_addr)
        recipient = recipient_of(account, addressed, service)
        wanted = service if pdu.service_type else None
        before = self._ids.next(self._clock())  # what is submitted while this goes on is not meant
        count = 0

        def go_on() -> None:
            cancelling = self._store.cancel_pending(
                account.name, recipient, pdu.source_addr, wanted, before, self._clock()
            )
            self._when(asked, cancelling, some)

        def some(cancelled: Cancelled) -> None:
            nonlocal count
            count += len(cancelled.ids)
            self._ended(cancelled)
            if cancelled.found:
                go_on()
            elif count:
                asked.answer(CancelSmResp())
            else:
                raise Refused(Status.ESME_RCANCELFAIL, "no message waits between these addresses")

        go_on()

    def _ended(self, cancelled: Cancelled) -> None:
        self._pending.saved(cancelled.ids)  # a receipt that overtakes its submit_sm_resp is unknown
        self._outcomes.announce(cancelled.settlement)

    # --- replacing -----------------------------------------------------------------------------

    def _replace(self, asked: _Asked, pdu: ReplaceSm) -> None:
        def found(messages: list[Found]) -> None:
            waiting = [one for one in _named(messages, pdu) if one.stage in _PENDING]
            changes = [(one, self._replacement(asked.account, pdu, one)) for one in waiting]
            if not changes:
                raise Refused(Status.ESME_RREPLACEFAIL, "the message is not in the bridge any more")
            now = self._clock()
            steps = [self._store.replace(one.id, change, now) for one, change in changes]
            self._when(asked, asyncio.gather(*steps), lambda done: replaced(changes, done))

        def replaced(changes: list[tuple[Found, Replacement]], done: list[bool]) -> None:
            if not any(done):
                raise Refused(Status.ESME_RREPLACEFAIL, "the message is a provider's by now")
            self._pending.saved([one.id for (one, _), made in zip(changes, done, strict=True) if made])
            asked.answer(ReplaceSmResp())
            for provider in {change.provider for _, change in changes}:
                self._fleet.wake(provider, asked.account.name)

        self._when(asked, self._store.find_messages(asked.account.name, pdu.message_id), found)

    def _replacement(self, account: Account, pdu: ReplaceSm, found: Found) -> Replacement:
        """Raises Refused where the new content would not have been taken either."""
        submit = from_replace_sm(pdu, found)
        patient = account.model_copy(update={"mode": "queued"})  # this answer waits for no provider
        appraisal = self._appraiser.appraise(patient, submit, self._clock(), self._appraiser.paths())
        return replacement_of(pdu, found, appraisal)

    # --- inside --------------------------------------------------------------------------------

    def _when(self, asked: _Asked, future: "Future[T]", then: Callable[[T], None]) -> None:
        """Go on with what the store has done. Without a task: nothing that waits for the same COMMIT may come
        in between, such as a courier with a receipt."""

        def done(future: "Future[T]") -> None:
            self._try(asked, lambda: then(future.result()))

        future.add_done_callback(done)

    def _try(self, asked: _Asked, step: Callable[[], None]) -> None:
        """Whatever happens in ``step``, the ESME gets its answer."""
        try:
            step()
        except Refused as refusal:
            status = asked.account.status_for(refusal.status)
            self._complain(asked, "request refused", status=status_name(status), reason=refusal.reason)
            asked.refuse(status)
        except (StoreError, asyncio.CancelledError) as error:
            self._complain(asked, "request not carried out", error=str(error) or "stopped")
            asked.refuse(Status.ESME_RSYSERR)
        except Exception:
            log.exception("unexpected error with a request of account %s", asked.account.name)
            asked.refuse(Status.ESME_RSYSERR)

    def _complain(self, asked: _Asked, what: str, **fields: object) -> None:
        command = type(asked.request).__name__
        account = asked.account.name
        key = (command, account, *fields.values())
        self._complaints(self._loop.time(), what, key, account=account, command=command, **fields)


def _named(found: list[Found], pdu: QuerySm | ReplaceSm) -> list[Found]:
    """Those that the PDU means: the address proves whose they are. Raises Refused when there are none."""
    named = [message for message in found if message.source_addr == pdu.source_addr]
    if not named:
        raise Refused(Status.ESME_RINVMSGID, "there is no such message")
    return named
