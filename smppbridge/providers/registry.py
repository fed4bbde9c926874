"""Which kinds of provider there are, and how one is built. Must not know: the rest of the configuration."""

from smppbridge.providers.base import Provider
from smppbridge.providers.sandbox import Sandbox, SandboxOptions
from smppbridge.providers.sms_assistent.options import SmsAssistentOptions
from smppbridge.providers.sms_assistent.provider import SmsAssistent
from smppbridge.providers.smsc_ru.options import SmscRuOptions
from smppbridge.providers.smsc_ru.provider import SmscRu
from smppbridge.providers.smspilot.options import SmspilotOptions
from smppbridge.providers.smspilot.provider import Smspilot
from smppbridge.providers.upstream.options import SmppOptions
from smppbridge.providers.upstream.provider import Smpp
from smppbridge.providers.webhook.options import WebhookOptions
from smppbridge.providers.webhook.provider import Webhook

AnyOptions = (
    SmspilotOptions | SmscRuOptions | SmsAssistentOptions | SmppOptions | WebhookOptions | SandboxOptions
)


def build_provider(name: str, options: AnyOptions, callback_url: str | None) -> Provider:
    """The provider ``name``; ``callback_url`` is where it can reach us, None where it cannot."""
    match options:
        case SmspilotOptions():
            return Smspilot(name, options, callback_url=callback_url)
        case SmscRuOptions():
            return SmscRu(name, options, callback_url=callback_url)
        case SmsAssistentOptions():
            return SmsAssistent(name, options)
        case SmppOptions():
            return Smpp(name, options)
        case WebhookOptions():
            return Webhook(name, options, callback_url=callback_url)
        case SandboxOptions():
            return Sandbox(name, options)
