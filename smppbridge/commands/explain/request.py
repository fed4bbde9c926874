"""What a provider would be asked to do with a message, without secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from smppbridge.commands.explain.parameters import OptionalParameter, parameters, tlvs
from smppbridge.commands.explain.values import INLINE, Meant, ReportValues
from smppbridge.config.sections import Config
from smppbridge.model.message import Message
from smppbridge.providers.preview import HttpRequest, Preview, preview
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import SubmitSm

_MAX_PREVIEWED = 20  # submit_sm of one long message that are shown whole


@dataclass(frozen=True, slots=True)
class HttpCall:
    """An HTTP request."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None = None
    body_hex: bytes | None = None  # instead, where it is not UTF-8


@dataclass(frozen=True, slots=True)
class HttpCalls:
    """Several HTTP requests."""

    requests: tuple[HttpCall, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitCall:
    """A submit_sm towards an SMSC: what is not empty, and its octets."""

    parameters: ReportValues = field(metadata=INLINE)
    tlvs: tuple[OptionalParameter, ...] | None = None
    pdu: bytes


@dataclass(frozen=True, slots=True)
class SubmitCalls:
    """The submit_sm that carry a message."""

    submit_sm: tuple[SubmitCall, ...]
    more: str | None = None


@dataclass(frozen=True, slots=True)
class NoCall:
    """Why nothing would be asked."""

    nothing: str


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """Which provider would be asked, and what."""

    provider: Meant[str]
    call: HttpCall | HttpCalls | SubmitCalls | NoCall = field(metadata=INLINE)


async def request_for(config: Config, message: Message, moment: int) -> ProviderRequest:
    """What the provider of ``message`` would be asked at ``moment`` (ms). Opens nothing."""
    options = config.providers[message.provider]
    seen = await preview(
        message.provider,
        options,
        message,
        moment,
        callbacks_at=config.callbacks_below(message.provider),
        variables=config.variables,
    )
    return ProviderRequest(Meant(message.provider, f"kind {options.kind}"), _shown(seen, moment))


def _shown(seen: Preview, moment: int) -> HttpCall | HttpCalls | SubmitCalls | NoCall:
    if seen.requests:
        calls = tuple(_http(request) for request in seen.requests)
        return calls[0] if len(calls) == 1 else HttpCalls(calls)
    if seen.submits:
        submits = tuple(_submit(submit, moment) for submit in seen.submits[:_MAX_PREVIEWED])
        more = len(seen.submits) - len(submits)
        return SubmitCalls(submits, f"{more} further submit_sm" if more else None)
    return NoCall(seen.reason)


def _http(request: HttpRequest) -> HttpCall:
    try:
        return HttpCall(request.method, request.url, dict(request.headers), body=request.body.decode("utf-8"))
    except UnicodeDecodeError:
        return HttpCall(request.method, request.url, dict(request.headers), body_hex=request.body)


def _submit(submit: SubmitSm, moment: int) -> SubmitCall:
    shown = {
        name: value
        for name, value in parameters(submit, moment).items()
        if getattr(submit, name) or name == "data_coding"
    }
    return SubmitCall(parameters=shown, tlvs=tlvs(submit) or None, pdu=encode(submit))
