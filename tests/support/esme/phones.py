"""Messages from phones: as a provider tells them, and as a bind gets them."""

from typing import Any

from smppbridge.app import App
from smppbridge.model.message import Inbound
from smppbridge.smpp.pdu import DeliverSm
from smppbridge.smpp.text import decode_text
from tests.support.bridge.scripted_provider import ScriptedProvider, call_back

PHONE = "375291234567"
ALL_TO_PBX = "inbound: [{to: pbx}]"


def from_phone(text: str = "yes", ref: str = "1", **changes: Any) -> Inbound:
    return Inbound(ref, PHONE, "1234", text, 0)._replace(**changes)


async def arrive(app: App, provider: ScriptedProvider, *messages: Inbound, signature: str = "") -> int:
    """The provider calls back with messages; the HTTP status of the bridge's answer."""
    provider.news = list(messages)
    return await call_back(app, provider, signature)


def text_of(pdu: DeliverSm, default: str = "latin-1") -> str:
    octets = pdu.short_message[6:] if pdu.esm_class & 0x40 else pdu.short_message
    return decode_text(octets, pdu.data_coding, default)
