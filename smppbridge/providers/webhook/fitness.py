"""Which messages a provider of `kind: webhook` may be asked to carry, by its declared rules."""

import re

from smppbridge.errors import Refused
from smppbridge.model.message import Draft
from smppbridge.providers.webhook.options import WebhookOptions
from smppbridge.providers.webhook.regex import is_whole
from smppbridge.providers.webhook.template import fits_xml
from smppbridge.smpp.constants import Status
from smppbridge.smpp.text import parts

_RECIPIENT = re.compile(r"[1-9][0-9]{4,14}")


class Fitness:
    """The rules of one provider."""

    def __init__(self, options: WebhookOptions) -> None:
        self._declared = options
        self._sender = re.compile(options.sender_pattern)
        self._sends_flash = "flash" in options.send.asked
        self._orders = frozenset(_bare(text) for text in options.refuse_texts)

    def check(self, draft: Draft) -> None:
        """Raise Refused (0x0A, 0x0B, 0x4A3, 0x4A5) for what the declared rules do not let through."""
        if not _RECIPIENT.fullmatch(draft.recipient):
            raise Refused(Status.ESME_RINVDSTADR, "the recipient is no telephone number")
        usable = draft.sender.isprintable() and is_whole(self._sender, draft.sender)
        if draft.sender and not usable:
            raise Refused(Status.ESME_RINVSRCADR, "the provider does not take this sender")
        if draft.octets is not None:
            if self._declared.send_binary is None:
                raise Refused(Status.ESME_RINVENCODING, "binary content cannot be sent here")
            return
        if draft.text is not None:
            self._check_text(draft.text)
        if not self._sends_flash:
            self._declared.check_flash(draft.flash)

    def _check_text(self, text: str) -> None:
        if not text:
            raise Refused(Status.ESME_RINVTEXT, "the text is empty")
        if _bare(text) in self._orders:
            raise Refused(Status.ESME_RINVTEXT, "the provider would take this text for an order")
        try:
            count = parts(text)
        except ValueError:
            raise Refused(Status.ESME_RINVTEXT, "the text holds half a character") from None
        if count > self._declared.max_parts:
            raise Refused(Status.ESME_RINVTEXT, f"the text needs more than {self._declared.max_parts} parts")
        if self._declared.send.is_xml and not fits_xml(text):
            raise Refused(Status.ESME_RINVENCODING, "the text holds a character that XML cannot carry")


def _bare(text: str) -> str:
    """A text as a careless reader compares it."""
    return text.replace("\0", " ").replace("\ufeff", "").strip().casefold()
