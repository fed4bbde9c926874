"""Which kinds of provider there are, and how one is built. Must not know: the rest of the configuration."""

from smppbridge.providers.base import Provider
from smppbridge.providers.sandbox import Sandbox, SandboxOptions
from smppbridge.providers.smpp import Smpp
from smppbridge.providers.smpp_options import SmppOptions
from smppbridge.providers.sms_assistent import SmsAssistent
from smppbridge.providers.sms_assistent_options import SmsAssistentOptions
from smppbridge.providers.smsc import Smsc
from smppbridge.providers.smsc_options import SmscOptions
from smppbridge.providers.smspilot import Smspilot
from smppbridge.providers.smspilot_options import SmspilotOptions
from smppbridge.providers.webhook import Webhook
from smppbridge.providers.webhook_options import WebhookOptions

AnyOptions = (
    SmspilotOptions | SmscOptions | SmsAssistentOptions | SmppOptions | WebhookOptions | SandboxOptions
)


def build_provider(name: str, options: AnyOptions, callback_url: str | None) -> Provider:
    """The provider ``name``; ``callback_url`` is where it can reach us, None where it cannot."""
    match options:
        case SmspilotOptions():
            return Smspilot(name, options, callback_url=callback_url)
        case SmscOptions():
            return Smsc(name, options, callback_url=callback_url)
        case SmsAssistentOptions():
            return SmsAssistent(name, options)
        case SmppOptions():
            return Smpp(name, options)
        case WebhookOptions():
            return Webhook(name, options, callback_url=callback_url)
        case SandboxOptions():
            return Sandbox(name, options)
