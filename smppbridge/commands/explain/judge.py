"""What would become of one message: its text, its recipient, its way, its times, its answer, its request.

The bridge's own code decides all of it, as when the message came; only that no provider is asked how it does,
and nothing is stored. Must not know: where the message comes from, how it is printed.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from smppbridge.commands.explain import meanings
from smppbridge.commands.explain.parameters import Told, meant, parameters, status, tlvs
from smppbridge.config.sections import Config
from smppbridge.errors import Refused
from smppbridge.model.account import Account
from smppbridge.model.ids import IdSource
from smppbridge.model.message import Draft, Message
from smppbridge.model.route import Route, Router
from smppbridge.providers.preview import HttpRequest, Preview, preview, unarmed
from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import EsmClass, RegisteredDelivery, Status
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.submission.appraisal import Appraisal, Appraiser, timing_of
from smppbridge.submission.checks import recipient_of, sender_of, service_of, times_of, tlvs_of
from smppbridge.submission.content import Content, coding_of, content_of

T = TypeVar("T")

_MAX_PREVIEWED = 20  # submit_sm of one long message that are shown whole


class _AllWork:
    """No provider is asked how it does: each may be used. Implements ``model.route.Choice``."""

    def usable(self, provider: str) -> bool:
        return True

    def working(self, provider: str) -> bool:
        return True

    def status(self, provider: str) -> int:
        return Status.ESME_ROK


class Known(NamedTuple):
    """What a submit_sm asks for, as far as it can be told: each a value or its refusal."""

    service: str | Refused
    recipient: str | Refused
    content: Content | Refused
    sender: str | Refused
    times: tuple[int, int] | Refused


class Judge:
    """Appraises messages by one configuration. Needs a running loop."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._providers = {
            name: unarmed(
                name, options, callbacks_at=config.callbacks_below(name), variables=config.variables
            )
            for name, options in config.providers.items()
        }
        self._appraiser = Appraiser(Router(config.routes), self._providers, _AllWork())
        self._path_of = self._appraiser.paths()
        self._ids = IdSource()

    async def judge(self, account: Account, submit: SubmitSm, now: int) -> Told:
        """Everything about one submit_sm that came at ``now`` (ms)."""
        known = _known(account, submit, now)
        told: Told = {
            "recipient": _value(account, known.recipient, submit.destination_addr),
            "sender": _value(account, known.sender, submit.source_addr),
        }
        if known.service:
            told["service"] = _value(account, known.service, submit.service_type)
        draft = _draft(account, submit, known)
        if draft is not None:
            told["route"] = self._route(account, draft)
        try:
            appraisal = self._appraiser.appraise(account, submit, now, self._path_of)
        except Refused as refused:
            told["answer"] = _refusal(account, refused)
            return told
        told["times"] = _times(account, appraisal, now)
        told["answer"] = _acceptance(account, submit, appraisal)
        if appraisal.content.concat is None:
            message = self._message(account, submit, appraisal, now)
            told["request"] = await self._request(appraisal.path.provider, message, now, appraisal)
        return told

    async def judge_joined(self, account: Account, submit: SubmitSm, text: str, now: int) -> Told:
        """What becomes of a long message of which all parts are there; ``submit`` is its first part."""
        try:
            appraisal = self._appraiser.appraise(account, submit, now, self._path_of)
            draft = Draft(appraisal.recipient, appraisal.sender, text, flash=appraisal.content.flash)
            path = self._appraiser.path_for(account.name, draft, self._path_of)
        except Refused as refused:
            return {"refused": _refusal(account, refused), "then": "its receipts say REJECTD"}
        content = Content(text, None, appraisal.content.flash)
        timing = timing_of(path, appraisal.not_before, appraisal.deadline, now)
        appraisal = appraisal._replace(path=path, content=content, timing=timing)
        message = self._message(account, submit, appraisal, now)
        request = await self._request(path.provider, message, now, appraisal)
        return {"route": self._route(account, draft), "request": request}

    # --- the way -------------------------------------------------------------------------------

    def _route(self, account: Account, draft: Draft) -> Told:
        """Which line of `routes` matches, and who of it can carry the message."""
        for index, route in enumerate(self._config.routes):
            if Router((route,)).find(account.name, draft.recipient) is not None:
                left_out = {name: why for name in route.to if (why := self._objection(account, draft, name))}
                taken = [name for name in route.to if name not in left_out]
                told: Told = {
                    "line": {"value": f"routes[{index}]", "meaning": _conditions(route)},
                    "providers": taken or "none of it can carry this message",
                }
                if left_out:
                    told["left_out"] = left_out
                if len(taken) > 1:
                    told["order"] = f"{taken[0]} first; the next one when it fails or is paused"
                return told
        return {"line": "none of the routes matches"}

    def _objection(self, account: Account, draft: Draft, provider: str) -> str:
        """Why this provider cannot carry the message; "" = it can."""
        only = Appraiser(Router((Route(to=(provider,)),)), self._providers, _AllWork())
        try:
            only.path_for(account.name, draft, only.paths())
        except Refused as refused:
            return refused.reason
        return ""

    # --- the request ---------------------------------------------------------------------------

    def _message(self, account: Account, submit: SubmitSm, appraisal: Appraisal, now: int) -> Message:
        content, path = appraisal.content, appraisal.path
        return Message(
            id=self._ids.next(now),
            account=account.name,
            recipient=appraisal.recipient,
            sender=appraisal.sender,
            text=content.text,
            octets=content.octets,
            flash=content.flash,
            protocol_id=submit.protocol_id,
            tlvs=tlvs_of(submit) if submit.tlvs else None,
            data_coding=appraisal.data_coding,
            priority=submit.priority_flag,
            service_type=appraisal.service,
            send_at=appraisal.timing.send_at,
            route=path.route,
            provider=path.provider,
            attempt=1,
            tries=0,
            submitted_at=now,
            deadline=appraisal.deadline,
        )

    async def _request(self, provider: str, message: Message, now: int, appraisal: Appraisal) -> Told:
        """What the first provider would be asked, when it would be."""
        moment = now if appraisal.timing.at_once else appraisal.not_before
        options = self._config.providers[provider]
        seen = await preview(
            provider,
            options,
            message,
            moment,
            callbacks_at=self._config.callbacks_below(provider),
            variables=self._config.variables,
        )
        return {"provider": {"value": provider, "meaning": f"kind {options.kind}"}} | _shown(seen, moment)


# --- what a submit_sm asks for -----------------------------------------------------------------------


def _known(account: Account, submit: SubmitSm, now: int) -> Known:
    service = _try(lambda: service_of(account, submit.service_type))
    plain = service if isinstance(service, str) else ""
    return Known(
        service,
        _try(lambda: recipient_of(account, submit, plain)),
        _try(lambda: content_of(account, submit, plain)),
        _try(lambda: sender_of(account, submit.source_addr)),
        _try(lambda: times_of(submit, now, round(account.validity * 1000))),
    )


def _try(step: Callable[[], T]) -> T | Refused:
    try:
        return step()
    except Refused as refused:
        return refused


def _draft(account: Account, submit: SubmitSm, known: Known) -> Draft | None:
    """What providers are asked about; None where not enough is known of it. A part of a text is carried by
    everybody who carries texts."""
    service, recipient, content, sender, _ = known
    if any(isinstance(one, Refused) for one in (service, recipient, content, sender)):
        return None
    assert isinstance(service, str) and isinstance(recipient, str) and isinstance(sender, str)
    assert isinstance(content, Content)
    if content.concat is not None:
        return Draft(recipient, sender, ".", flash=content.flash)
    try:
        own = coding_of(account, submit.data_coding, content.octets)
    except Refused:
        return None
    return Draft(recipient, sender, *content[:3], service, own)


def _value(account: Account, found: str | Refused, original: str) -> Any:
    if isinstance(found, Refused):
        return _refusal(account, found)
    if found == original:
        return found
    if not found:
        return meant(found, "the provider's own default")
    return meant(found, f"from {original!r}" if original else "the account's default")


def _refusal(account: Account, refused: Refused) -> Told:
    answered = account.status_for(refused.status)
    return {"command_status": status(answered), "reason": refused.reason}


def _acceptance(account: Account, submit: SubmitSm, appraisal: Appraisal) -> Told:
    told: Told = {"command_status": status(Status.ESME_ROK)}
    if appraisal.content.concat is not None:
        told["then"] = (
            f"the part waits up to {account.join.timeout:g}s for the others;"
            f" without them: {account.join.incomplete}"
        )
    elif account.mode == "sync" and appraisal.timing.at_once:
        told["then"] = (
            "only after the provider has taken it: otherwise with a command_status that says why not"
        )
    else:
        told["then"] = "as soon as the message is on disk; it is in the queue, whatever the providers do"
    asked = submit.registered_delivery & RegisteredDelivery.RECEIPT_MASK
    datagram = submit.esm_class & EsmClass.MODE_MASK == EsmClass.MODE_DATAGRAM
    told["receipt"] = "no: datagram mode" if datagram and asked else _RECEIPT[asked]
    if submit.replace_if_present_flag:
        told["replaces"] = "an earlier message that still waits, of the same service_type and addresses"
    if account.rate:
        told["unless"] = (
            f"more than {account.rate:g} messages a second come from the account: ESME_RTHROTTLED"
        )
    return told


_RECEIPT = {0: "none is asked for", 1: "yes", 2: "only if it fails", 3: "only if it is delivered"}


def _times(account: Account, appraisal: Appraisal, now: int) -> Told:
    told: Told = {"received": meanings.instant(now)}
    if appraisal.not_before > now:
        keeper = f"the provider {appraisal.path.provider}" if appraisal.timing.send_at else "the bridge"
        told["sent"] = meant(meanings.instant(appraisal.not_before), f"{keeper} keeps it until then")
    else:
        told["sent"] = "at once"
    seconds = (appraisal.deadline - max(now, appraisal.not_before)) / 1000
    told["given_up"] = meant(meanings.instant(appraisal.deadline), f"after {seconds:g}s, as EXPIRED")
    return told


# --- for people --------------------------------------------------------------------------------------


def _conditions(route: Route) -> str:
    words = [f"account {', '.join(route.account)}"] if route.account else []
    words += [f"destination {', '.join(route.destination)}"] if route.destination else []
    return "; ".join(words) or "takes everything"


def _shown(seen: Preview, moment: int) -> Told:
    if seen.requests:
        requests = [_http(request) for request in seen.requests]
        return requests[0] if len(requests) == 1 else {"requests": requests}
    if seen.submits:
        shown = [_submit(submit, moment) for submit in seen.submits[:_MAX_PREVIEWED]]
        more = len(seen.submits) - len(shown)
        told: Told = {"submit_sm": shown}
        return told | ({"more": f"{more} further submit_sm"} if more else {})
    return {"nothing": seen.reason}


def _http(request: HttpRequest) -> Told:
    told: Told = {"method": request.method, "url": request.url, "headers": dict(request.headers)}
    try:
        return told | {"body": request.body.decode("utf-8")}
    except UnicodeDecodeError:
        return told | {"body_hex": request.body.hex()}


def _submit(submit: SubmitSm, moment: int) -> Told:
    """A submit_sm towards an SMSC: what is not empty, and its octets."""
    said: Mapping[str, Any] = {
        name: value
        for name, value in parameters(submit, moment).items()
        if getattr(submit, name) or name == "data_coding"
    }
    optional = tlvs(submit)
    return {**said, **({"tlvs": optional} if optional else {}), "pdu": encode(submit).hex()}
