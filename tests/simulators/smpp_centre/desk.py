"""From the submit_sm of one read to their answers, and what may go wrong on the way.

Must not know: how a receipt is written, when it is due, connections that are not bound.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import GenericNack, Response, SubmitSm, SubmitSmResp
from tests.simulators.smpp_centre.judge import Judge
from tests.simulators.smpp_centre.life import Life, Link
from tests.simulators.smpp_centre.receipts import message_id
from tests.simulators.smpp_centre.rules import Rules, Submitted


class Desk:
    """Where submit_sm are taken. ``rules()`` are those of this moment; ``submitted`` gets all of them."""

    def __init__(
        self, rules: Callable[[], Rules], life: Life, counts: Counter[str], submitted: list[Submitted]
    ) -> None:
        self._rules = rules
        self._life = life
        self._counts = counts
        self._submitted = submitted
        self._judge = Judge()
        self._loop = asyncio.get_running_loop()
        self._number = 0  # of the last submit_sm

    def take(self, link: Link, pdus: list[SubmitSm]) -> None:
        """Deal with what one read has brought. The connection writes the answers when this has returned."""
        rules = self._rules()
        room = max(0, rules.hang_up_after - link.submits) if rules.hang_up_after else len(pdus) + 1
        batch = self._look_at(rules, pdus[:room])
        link.submits += len(batch)
        taken = [one for one in batch if not one.status]
        if rules.receipt_first:
            self._life.begin(link.system_id, taken, at_once=True)
        if len(pdus) >= room:
            self._counts["lost"] += len(batch)
            link.connection.abort()
        elif rules.latency:
            link.connection.hold(len(batch))
            self._loop.call_later(rules.latency, self._answer_late, link, batch)
        else:
            self._answer(rules, link, batch)
        if not rules.receipt_first:
            self._life.begin(link.system_id, taken, after=rules.latency)

    def _look_at(self, rules: Rules, pdus: list[SubmitSm]) -> list[Submitted]:
        now = self._loop.time()
        unfinished = self._life.unfinished
        batch = []
        for pdu in pdus:
            self._number += 1
            status = self._judge.status(rules, pdu, now, unfinished)
            if not status:
                unfinished += 1
            given = "" if status else message_id(rules, self._number)
            batch.append(Submitted(pdu, given, self._number, status, now))
            self._counts[_KINDS.get(status, "refused")] += 1
        if rules.keep:
            self._submitted += batch
        return batch

    def _answer_late(self, link: Link, batch: list[Submitted]) -> None:
        self._answer(self._rules(), link, batch)
        link.connection.answered(len(batch))

    def _answer(self, rules: Rules, link: Link, batch: list[Submitted]) -> None:
        connection = link.connection
        for one in reversed(batch) if rules.shuffle else batch:
            response = _response(rules, one)
            if one.number == rules.cut_answer_of:
                self._counts["lost"] += 1
                response.sequence_number = one.pdu.sequence_number
                connection.cut_in(encode(response))
            elif rules.mute or (rules.lose_answer is not None and rules.lose_answer(one.number)):
                self._counts["lost"] += 1
            else:
                connection.session.respond(one.pdu, response)


_KINDS = {0: "taken", Status.ESME_RTHROTTLED: "throttled"}


def _response(rules: Rules, one: Submitted) -> Response:
    if one.status and rules.nack:
        return GenericNack(command_status=one.status)
    return SubmitSmResp(one.message_id, command_status=one.status)
