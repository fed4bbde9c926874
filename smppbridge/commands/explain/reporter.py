"""Reports on one found PDU after the other.

Remembers what belongs together: who has bound on a connection, and the parts of long messages.
"""

import asyncio
import dataclasses
from collections import OrderedDict
from collections.abc import Iterator
from ipaddress import ip_address

from smppbridge.commands.explain import texts
from smppbridge.commands.explain.found import FoundPdu, Remark
from smppbridge.commands.explain.joins import Joins
from smppbridge.commands.explain.judge import AnswerReport, DestinationOutcome, Examiner, StatusAnswer
from smppbridge.commands.explain.parameters import header, malformed, parameters, tlvs
from smppbridge.commands.explain.report import (
    About,
    BindOutcome,
    BindReport,
    JoinedText,
    LookedUp,
    MultiReport,
    PartNumber,
    PduReport,
    SubmitReport,
    UnreadableText,
    Whose,
)
from smppbridge.commands.explain.values import Instant, Meant, NamedStatus
from smppbridge.commands.explain.writing import nobody
from smppbridge.config.sections import Config
from smppbridge.errors import ProtocolError, Refused
from smppbridge.link.refused_binds import BindRefusal
from smppbridge.model.account import Account
from smppbridge.smpp.concat import Concat
from smppbridge.smpp.constants import EsmClass, Status
from smppbridge.smpp.pdu import (
    Bind,
    CancelSm,
    DataSm,
    DeliverSm,
    Pdu,
    QuerySm,
    ReplaceSm,
    SubmitMulti,
    SubmitSm,
)
from smppbridge.submission.appraisal import Examination
from smppbridge.submission.content import concat_of, joined_text
from smppbridge.submission.hints import hints_for
from smppbridge.submission.rewritten import from_data_sm, of_destinations

MAX_LINKS = 1000  # connections whose bind is remembered
_KINDS = {8: "user data header, 8-bit reference", 16: "user data header, 16-bit reference", 0: "sar_* TLVs"}


class Reporter:
    """Reports on PDUs by one configuration. Needs a running loop.

    ``account``: whose messages they are; None: of whoever has bound on their connection, or the only one.
    """

    def __init__(self, config: Config, account: str | None) -> None:
        self._config = config
        self._named = account
        self._examiner = Examiner(config)
        self._bound: OrderedDict[str, str] = OrderedDict()
        self._joins = Joins()

    async def report(self, found: FoundPdu, now: int) -> PduReport:
        """Everything about one PDU, which came at ``now`` (ms) unless its source knows better."""
        now = found.at if found.at is not None else now
        report = PduReport(
            place=found.place or None,
            time=None if found.at is None else Instant(found.at),
            header=header(found.raw),
        )
        pdu = found.item
        if isinstance(pdu, ProtocolError):
            return dataclasses.replace(report, malformed=malformed(found.raw, pdu))
        try:
            about = await self._about(found, pdu, now)
        except Refused as refused:  # as a whole, whatever it says
            about = AnswerReport(StatusAnswer(NamedStatus(refused.status), refused.reason))
        return dataclasses.replace(
            report, parameters=parameters(pdu, now) or None, tlvs=tlvs(pdu) or None, about=about
        )

    def end(self) -> Iterator[Remark]:
        """What is missing at the end of everything."""
        return self._joins.end()

    async def _about(self, found: FoundPdu, pdu: Pdu, now: int) -> About | None:
        about: About | None = None
        match pdu:
            case Bind():
                about = await self._bind(found, pdu)
            case SubmitSm():
                about = await self._submit(found, pdu, now)
            case SubmitMulti():
                about = await self._submit_multi(found, pdu, now)
            case DataSm() if pdu.esm_class & EsmClass.TYPE_MASK not in texts.RECEIPTS:
                about = await self._submit(found, from_data_sm(pdu), now)
            case DeliverSm() | DataSm():
                about = texts.delivered(pdu)
            case QuerySm() | CancelSm() | ReplaceSm():
                then = f"message {pdu.message_id!r} is looked up in the store, which is not opened here"
                about = LookedUp(then)
        return about

    # --- accounts ------------------------------------------------------------------------------

    async def _bind(self, found: FoundPdu, pdu: Bind) -> BindReport:
        if found.link not in self._bound and len(self._bound) >= MAX_LINKS:
            self._bound.popitem(last=False)
        self._bound[found.link] = pdu.system_id
        address = _address(found.place)
        account = self._config.accounts.get(pdu.system_id)
        name = pdu.system_id if account else Meant(pdu.system_id, "not in the configuration")
        if account is None:
            return BindReport(BindOutcome(name, answer=_refused(BindRefusal.NO_ACCOUNT)))
        if not await asyncio.to_thread(account.takes, pdu.password):
            return BindReport(BindOutcome(name, answer=_refused(BindRefusal.PASSWORD)))
        if account.allow_from is not None and not address:
            then = "the answer depends on the address that it comes from (allow_from)"
            return BindReport(BindOutcome(name, then=then))
        if not account.allows(address):
            return BindReport(BindOutcome(name, answer=_refused(BindRefusal.ADDRESS)))
        return BindReport(BindOutcome(name, answer=StatusAnswer(NamedStatus(Status.ESME_ROK))))

    def _account(self, link: str) -> tuple[Account | None, Whose]:
        """The account of a PDU, None where it is not known."""
        accounts = self._config.accounts
        name = self._named or self._bound.get(link) or (next(iter(accounts)) if len(accounts) == 1 else "")
        if name in accounts:
            return accounts[name], Whose(account=name)
        why = (
            f"account {name!r} is not in the configuration"
            if name
            else "there are several accounts, and no bind says which one; name it with --account"
        )
        return None, Whose(warning=f"{why}: read with default settings, not routed")

    # --- messages ------------------------------------------------------------------------------

    async def _submit(self, found: FoundPdu, submit: SubmitSm, now: int) -> SubmitReport:
        known, whose = self._account(found.link)
        account = known or nobody()
        examined = self._examiner.examine(account, submit, now)
        concat = concat_of(submit)
        outcome = await self._examiner.outcome(examined) if known else None
        return SubmitReport(
            whose=whose,
            message=texts.text_of(account, submit.data_coding, examined.content),
            hints=_hints(account, submit),
            part=None if concat is None else _part(concat),
            outcome=outcome,
            joined=None if concat is None else await self._join(known, submit, examined, now),
        )

    async def _submit_multi(self, found: FoundPdu, pdu: SubmitMulti, now: int) -> MultiReport:
        """What becomes of the text for each destination; the request for the first one only."""
        submits, failed = of_destinations(pdu)
        known, whose = self._account(found.link)
        account = known or nobody()
        examined = [self._examiner.examine(account, submit, now) for submit in submits]
        outcomes = [
            DestinationOutcome(
                str(pdu.dest_address[place][-1]), AnswerReport(StatusAnswer(NamedStatus(int(status))))
            )
            for place, status in failed.items()
        ]
        requested = False
        for submit, one in zip(submits, examined, strict=True) if known else ():
            outcome = await self._examiner.outcome(one)
            if requested:
                outcome = dataclasses.replace(outcome, request=None)
            requested = requested or outcome.request is not None
            outcomes.append(DestinationOutcome(submit.destination_addr, outcome))
        return MultiReport(
            whose=whose,
            message=texts.text_of(account, pdu.data_coding, examined[0].content) if examined else None,
            hints=_hints(account, submits[0]) if submits else None,
            outcomes=tuple(outcomes),
        )

    async def _join(
        self, known: Account | None, submit: SubmitSm, examined: Examination, now: int
    ) -> str | JoinedText | UnreadableText | None:
        """Put a part to the others of its message; the whole one, when it is the last."""
        account, content = examined.appraisal.account, examined.content
        if isinstance(content, Refused):
            return None
        joined = self._joins.add(account, submit, content, now)
        if joined is None or isinstance(joined, str):
            return joined
        try:
            text = joined_text(account, joined.first.data_coding, joined.octets)
        except Refused as refused:
            return UnreadableText(refused.reason)
        shape = texts.shape(text)
        if known is None:
            return JoinedText(shape)
        return JoinedText(shape, await self._examiner.joined_outcome(known, joined.first, text, now))


def _hints(account: Account, submit: SubmitSm) -> tuple[str, ...] | None:
    """What looks wrong in the text, if anything."""
    return tuple(hint.text for hint in hints_for(account, submit)) or None


def _part(concat: Concat) -> PartNumber:
    return PartNumber(concat.number, concat.total, concat.reference, _KINDS[concat.width])


def _refused(why: BindRefusal) -> StatusAnswer:
    """What the peer is told, and why, which it is not told."""
    return StatusAnswer(NamedStatus(why.status), why.value)


def _address(place: str) -> str:
    """The address that a PDU came from, "" where its source does not tell."""
    source = place.partition(" > ")[0].rpartition(":")[0].strip("[]")
    try:
        return str(ip_address(source))
    except ValueError:
        return ""
