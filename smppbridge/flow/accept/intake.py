"""From submit_sm to stored segments: limits, the appraisal of each submit_sm, one COMMIT for all of a read.

1. A response with status 0 leaves only after the COMMIT that holds its segment.
2. In an account with `mode: sync` the response waits for the provider's result as well.
3. A part of a long message is stored and answered by itself. `joiner` does the rest.
"""

import asyncio
import logging
from asyncio import Future
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from smppbridge.errors import Refused, StoreError
from smppbridge.flow.accept.hints import CodingHints
from smppbridge.flow.accept.joiner import Joiner
from smppbridge.flow.accept.rates import Rates
from smppbridge.flow.accept.wire_ids import WireIds
from smppbridge.flow.send.fleet import Fleet
from smppbridge.flow.settle.pending import PendingResponse, PendingResponses
from smppbridge.flow.waiting import Waiting
from smppbridge.link.server import Answer, BoundLink
from smppbridge.logs import Complaints
from smppbridge.model.account import Account
from smppbridge.model.ids import IdSource
from smppbridge.model.joining import Collected, Part
from smppbridge.model.message import Segment, Stage
from smppbridge.smpp.constants import Status, status_name
from smppbridge.smpp.pdu import SubmitSm, SubmitSmResp
from smppbridge.store.base import Accepting
from smppbridge.store.results import Kept
from smppbridge.submission.appraisal import Appraiser, segment_of
from smppbridge.submission.paths import PathOf

log = logging.getLogger(__name__)

T = TypeVar("T")

NameOf = Callable[[int], str]
"""The message_id for the ESME by our own id."""


@dataclass(slots=True)
class _Batch:
    """Submit_sm of one read that are stored by one verb, and their responses in the same order."""

    link: BoundLink
    answer: Answer
    submits: list[SubmitSm] = field(default_factory=list)
    responses: list[SubmitSmResp] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)  # one for each response with status 0
    parts: list[Part] = field(default_factory=list)
    replacing: set[int] = field(default_factory=set)  # ids of segments that may take the place of another

    def take(self, submit: SubmitSm, segment: Segment) -> None:
        """Answer this submit_sm with the message_id of its segment."""
        self.submits.append(submit)
        self.responses.append(SubmitSmResp(message_id=segment.wire_id))
        self.segments.append(segment)

    def refuse(self, submit: SubmitSm, response: SubmitSmResp) -> None:
        """Answer this submit_sm with a refusal."""
        self.submits.append(submit)
        self.responses.append(response)

    def rename(self, message_ids: Iterable[str]) -> None:
        """Answer with the ids under which the store knows the parts: it had some of them already."""
        self.responses = [SubmitSmResp(message_id=one) for one in message_ids]

    def replaced(self, kept: Mapping[int, Kept]) -> None:
        """Answer with the ids of the messages that were replaced. ``kept``: those messages, by the ids of the
        segments that took their places."""
        names = {one.wire_id: kept[one.id].wire_id for one in self.segments if one.id in kept}
        ids = {message_id: one.id for message_id, one in kept.items()}
        self.segments = [one._replace(id=ids.get(one.id, one.id)) for one in self.segments]
        for response in self.responses:
            response.message_id = names.get(response.message_id, response.message_id)

    def give(self) -> None:
        """Give the responses to whoever submitted."""
        self.answer(self.submits, self.responses)


class Intake:
    """Takes the submit_sm of all accounts. `accept` fits ``link.server.Accept``."""

    def __init__(
        self,
        store: Accepting,
        appraiser: Appraiser,
        ids: IdSource,
        wire_ids: WireIds,
        rates: Rates,
        fleet: Fleet,
        waiting: Waiting,
        pending: PendingResponses,
        joiner: Joiner,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._appraiser = appraiser
        self._ids = ids
        self._wire_ids = wire_ids
        self._rates = rates
        self._clock = clock
        self._fleet = fleet
        self._waiting = waiting
        self._pending = pending
        self._joiner = joiner
        self._complaints = Complaints(log)
        self._loop = asyncio.get_running_loop()
        self._hints = CodingHints(self._loop.time)

    def accept(
        self,
        link: BoundLink,
        submits: Sequence[SubmitSm],
        answer: Answer,
        *,
        one_id: bool = False,
        allowed: int | None = None,
    ) -> None:
        """Appraise and store the submit_sm of one read. ``answer`` gets the response to each, perhaps in
        several calls. With ``one_id`` all that are taken get the same message_id (submit_multi). ``allowed``:
        how many are within the account's rate, where the caller has asked."""
        now = self._clock()
        if allowed is None:
            allowed = self._rates.take(link.account, len(submits))
        room = self._waiting.room(link.account)
        path_of, name_of = self._appraiser.paths(), self._names(link, one_id)
        whole, parts = _Batch(link, answer), _Batch(link, answer)
        for index, submit in enumerate(submits):
            try:
                if index >= allowed:
                    raise Refused(Status.ESME_RTHROTTLED, "above the account's rate")
                if len(whole.segments) + len(parts.segments) >= room:
                    raise Refused(Status.ESME_RMSGQFUL, self._waiting.why_full(link.account))
                self._hints.look(link.account, submit)
                self._take(link, submit, now, path_of, name_of, whole, parts)
            except Refused as refusal:
                whole.refuse(submit, self._refusal(link.account, submit, refusal))
            except Exception:  # one message that we cannot bear must not cost the others their answer
                log.exception("unexpected error with a submit_sm of account %s", link.account.name)
                whole.refuse(submit, SubmitSmResp(command_status=Status.ESME_RSYSERR))
        if whole.segments:
            self._save(whole)
        elif whole.submits:
            whole.give()
        if parts.parts:
            self._collect(parts)

    # --- saving --------------------------------------------------------------------------------

    def _save(self, batch: _Batch) -> None:
        def saved(kept: Mapping[int, Kept] | None) -> None:
            self._saved(batch, len(batch.segments) - len(kept or ()))
            if kept:
                batch.replaced(kept)
                self._pending.saved([one.id for one in kept.values()])  # they have been answered as well
            if batch.link.account.mode == "sync":
                self._withhold(batch, {one.id for one in kept.values()} if kept else set())
            else:
                batch.give()
            self._announce(batch.segments)

        if batch.replacing:
            self._follow(batch, self._store.add_or_replace(batch.segments, batch.replacing), saved)
        else:
            self._follow(batch, self._store.add_segments(batch.segments), saved)

    def _collect(self, batch: _Batch) -> None:
        def saved(collected: list[Collected]) -> None:
            new = sum(
                one.wire_id == part.segment.wire_id for one, part in zip(collected, batch.parts, strict=True)
            )
            self._saved(batch, new)
            batch.rename(one.wire_id for one in collected)
            batch.give()
            if any(one.ready for one in collected):
                self._joiner.wake()

        self._follow(batch, self._store.add_parts(batch.parts), saved)

    def _follow(self, batch: _Batch, saving: "Future[T]", saved: Callable[[T], None]) -> None:
        """Call ``saved`` once the batch is on disk. When saving fails nothing was taken; all are told so."""
        self._waiting.save(batch.segments[0].account, len(batch.segments))
        batch.link.connection.share.ask(len(batch.segments))

        def done(future: "Future[T]") -> None:
            error = ConnectionError("stopped") if future.cancelled() else future.exception()
            if error is None:
                saved(future.result())
                return
            self._saved(batch, 0)
            self._complain("submit_sm not saved", error=str(error))
            if not isinstance(error, StoreError | ConnectionError):
                log.error("unexpected error while saving", exc_info=error)
            batch.responses = [_unsaved(response) for response in batch.responses]
            batch.give()

        saving.add_done_callback(done)

    def _saved(self, batch: _Batch, new: int) -> None:
        """The saving of a batch is over; ``new`` of its messages were not there before."""
        self._waiting.saved(batch.segments[0].account, len(batch.segments), new)
        batch.link.connection.share.told(len(batch.segments))

    def _withhold(self, batch: _Batch, answered: set[int]) -> None:
        """Let responses wait for the provider's result, but for two kinds, which are answered now:

        1. messages that no provider gets now;
        2. messages that took the place of one with the same id (``answered``): that id has been told already,
           so a refusal must come as a receipt.
        """
        stored = iter(batch.segments)
        submits: list[SubmitSm] = []
        responses: list[SubmitSmResp] = []
        for submit, response in zip(batch.submits, batch.responses, strict=True):
            if response.command_status == Status.ESME_ROK:
                segment = next(stored)
                withheld = PendingResponse(batch.link, submit, response, batch.answer)
                waits = segment.stage == Stage.QUEUED and segment.id not in answered
                if waits and self._pending.add(segment.id, withheld):
                    continue
            submits.append(submit)
            responses.append(response)
        if submits:
            batch.answer(submits, responses)

    def _announce(self, segments: list[Segment]) -> None:
        queued = Counter((item.provider, item.account) for item in segments if item.stage == Stage.QUEUED)
        for (provider, account), count in queued.items():
            self._fleet.wake(provider, account, count)

    # --- checking ------------------------------------------------------------------------------

    def _take(
        self,
        link: BoundLink,
        submit: SubmitSm,
        now: int,
        path_of: PathOf,
        name_of: NameOf,
        whole: _Batch,
        parts: _Batch,
    ) -> None:
        """Raises Refused with the command_status of the answer."""
        account = link.account
        appraisal = self._appraiser.appraise(account, submit, now, path_of)
        message_id = self._ids.next(now)
        own_bind = link.can_receive and account.receipt.to == "submitter"
        segment = segment_of(appraisal, message_id, name_of(message_id), link.id if own_bind else 0)
        concat, octets = appraisal.content.concat, appraisal.content.octets
        if concat is None or octets is None:
            whole.take(submit, segment)
            if submit.replace_if_present_flag:
                whole.replacing.add(segment.id)
            return
        waits = now + round(account.join.timeout * 1000)
        parts.take(submit, segment)
        parts.parts.append(Part(segment, *concat, octets, waits))

    def _names(self, link: BoundLink, one_id: bool) -> NameOf:
        account, takes_tlvs, next_id = link.account, link.takes_tlvs, self._wire_ids.next
        common = ""

        def name_of(message_id: int) -> str:
            nonlocal common
            if not one_id:
                return next_id(account, message_id, takes_tlvs)
            common = common or next_id(account, message_id, takes_tlvs)
            return common

        return name_of

    def _refusal(self, account: Account, submit: SubmitSm, refusal: Refused) -> SubmitSmResp:
        status = account.status_for(refusal.status)
        self._complain(
            "submit_sm refused",
            account=account.name,
            status=status_name(status),
            reason=refusal.reason,
            destination=submit.destination_addr,
        )
        return SubmitSmResp(command_status=status)

    def _complain(self, what: str, **fields: object) -> None:
        key = (fields.get("account"), fields.get("status"), fields.get("reason"))
        self._complaints(self._loop.time(), what, key, **fields)


def _unsaved(response: SubmitSmResp) -> SubmitSmResp:
    return response if response.command_status else SubmitSmResp(command_status=Status.ESME_RSYSERR)
