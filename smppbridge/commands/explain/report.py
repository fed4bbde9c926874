"""One found PDU after the other: what it is, what it says, what would become of it, all as `Told`.

Remembers what belongs together: who has bound on a connection, and the parts of long messages. Must not know:
how anything is printed, where PDUs come from.
"""

from collections import OrderedDict
from collections.abc import Iterator
from ipaddress import ip_address

from smppbridge.commands.explain import meanings, texts
from smppbridge.commands.explain.found import Found, Remark
from smppbridge.commands.explain.joins import Joins
from smppbridge.commands.explain.judge import Judge
from smppbridge.commands.explain.parameters import Told, broken, header, parameters, status, tlvs
from smppbridge.commands.explain.verdict import verdict
from smppbridge.commands.explain.writing import nobody
from smppbridge.config.sections import Config
from smppbridge.errors import ProtocolError, Refused
from smppbridge.link.authentication import Authenticator
from smppbridge.model.account import Account
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
from smppbridge.submission.content import concat_of, joined_text
from smppbridge.submission.hints import hints_for
from smppbridge.submission.rewritten import from_data_sm, of_destinations

MAX_LINKS = 1000  # connections whose bind is remembered
_KINDS = {8: "user data header, 8-bit reference", 16: "user data header, 16-bit reference", 0: "sar_* TLVs"}


class Teller:
    """Tells about PDUs by one configuration. Needs a running loop.

    ``account``: whose messages they are; None: of whoever has bound on their connection, or the only one.
    """

    def __init__(self, config: Config, account: str | None) -> None:
        self._config = config
        self._named = account
        self._judge = Judge(config)
        self._authenticator = Authenticator(config.accounts)
        self._bound: OrderedDict[str, str] = OrderedDict()
        self._joins = Joins()

    async def tell(self, found: Found, now: int) -> Told:
        """Everything about one PDU, which came at ``now`` (ms) unless its source knows better. The verdict
        on a message comes first."""
        told = await self._everything(found, now)
        said = verdict(told)
        return {"verdict": said, **told} if said else told

    async def _everything(self, found: Found, now: int) -> Told:
        now = found.at if found.at is not None else now
        told: Told = {"place": found.place} if found.place else {}
        if found.at is not None:
            told["time"] = meanings.instant(found.at)
        told["header"] = header(found.raw)
        pdu = found.item
        if isinstance(pdu, ProtocolError):
            return told | {"malformed": broken(found.raw, pdu)}
        if parts := parameters(pdu, now):
            told["parameters"] = parts
        if pdu.tlvs:
            told["tlvs"] = tlvs(pdu)
        try:
            return told | await self._meaning(found, pdu, now)
        except Refused as refused:  # as a whole, whatever it says
            return told | {"answer": {"command_status": status(refused.status), "reason": refused.reason}}

    def end(self) -> Iterator[Remark]:
        """What is missing at the end of everything."""
        return self._joins.end()

    async def _meaning(self, found: Found, pdu: Pdu, now: int) -> Told:
        told: Told = {}
        match pdu:
            case Bind():
                told = {"bind": await self._bind(found, pdu)}
            case SubmitSm():
                told = await self._submit(found, pdu, now)
            case SubmitMulti():
                told = await self._submit_multi(found, pdu, now)
            case DataSm() if pdu.esm_class & EsmClass.TYPE_MASK not in texts.RECEIPTS:
                told = await self._submit(found, from_data_sm(pdu), now)
            case DeliverSm() | DataSm():
                told = texts.delivered(pdu)
            case QuerySm() | CancelSm() | ReplaceSm():
                told = {
                    "then": f"message {pdu.message_id!r} is looked up in the store, which is not opened here"
                }
        return told

    # --- accounts ------------------------------------------------------------------------------

    async def _bind(self, found: Found, pdu: Bind) -> Told:
        if found.link not in self._bound and len(self._bound) >= MAX_LINKS:
            self._bound.popitem(last=False)
        self._bound[found.link] = pdu.system_id
        address = _address(found.place)
        account, answer = await self._authenticator.check(
            pdu.system_id, pdu.password, address or "127.0.0.1", lambda: False
        )
        told: Told = {"account": self._account_name(pdu.system_id)}
        if account is not None and answer != Status.ESME_ROK and not address:
            return told | {"then": "the answer depends on the address that it comes from (allow_from)"}
        return told | {"answer": {"command_status": status(answer)}}

    def _account(self, link: str) -> tuple[Account | None, str]:
        """The account of a PDU, and its name."""
        accounts = self._config.accounts
        name = self._named or self._bound.get(link) or (next(iter(accounts)) if len(accounts) == 1 else "")
        return accounts.get(name), name

    def _account_name(self, name: str) -> Told | str:
        return (
            name if name in self._config.accounts else {"value": name, "meaning": "not in the configuration"}
        )

    def _for_account(self, link: str) -> tuple[Account, Told, bool]:
        """The account, what is told about it, and whether the configuration has it."""
        account, name = self._account(link)
        if account is not None:
            return account, {"account": name}, True
        why = (
            f"account {name!r} is not in the configuration"
            if name
            else "there are several accounts, and no bind says which one; name it with --account"
        )
        return nobody(), {"warning": f"{why}: read with default settings, not routed"}, False

    # --- messages ------------------------------------------------------------------------------

    async def _submit(self, found: Found, submit: SubmitSm, now: int) -> Told:
        account, told, known = self._for_account(found.link)
        told |= {"message": texts.text_of(account, submit)}
        if hints := [hint.text for hint in hints_for(account, submit)]:
            told["hints"] = hints
        concat = concat_of(submit)
        if concat is not None:
            told["part"] = {
                "number": concat.number,
                "total": concat.total,
                "reference": concat.reference,
                "told_by": _KINDS[concat.width],
            }
        if known:
            told["outcome"] = await self._judge.judge(account, submit, now)
        if concat is not None:
            told |= await self._join(account, submit, now, known=known)
        return told

    async def _submit_multi(self, found: Found, pdu: SubmitMulti, now: int) -> Told:
        """The text once, and what becomes of it for each destination; the request for the first one only."""
        submits, failed = of_destinations(pdu)
        account, told, known = self._for_account(found.link)
        if submits:
            told |= {"message": texts.text_of(account, submits[0])}
            if hints := [hint.text for hint in hints_for(account, submits[0])]:
                told["hints"] = hints
        outcomes: list[Told] = [
            {"destination": str(pdu.dest_address[place][-1]), "answer": {"command_status": status(code)}}
            for place, code in failed.items()
        ]
        requested = False
        for submit in submits if known else ():
            outcome = await self._judge.judge(account, submit, now)
            if requested:
                outcome.pop("request", None)
            requested = requested or "request" in outcome
            outcomes.append({"destination": submit.destination_addr, **outcome})
        return told | {"outcomes": outcomes}

    async def _join(self, account: Account, submit: SubmitSm, now: int, *, known: bool) -> Told:
        """Put a part to the others of its message; the whole one, when it is the last."""
        joined = self._joins.add(account, submit)
        if isinstance(joined, str):
            return {"joined": joined} if joined else {}
        try:
            text = joined_text(account, joined.first.data_coding, joined.octets)
        except Refused as refused:
            return {"joined": {"unreadable": refused.reason, "then": "its receipts say REJECTD"}}
        told = texts.shape(text)
        if known:
            told |= await self._judge.judge_joined(account, joined.first, text, now)
        return {"joined": told}


def _address(place: str) -> str:
    """The address that a PDU came from, "" where its source does not tell."""
    source = place.partition(" > ")[0].rpartition(":")[0].strip("[]")
    try:
        return str(ip_address(source))
    except ValueError:
        return ""
