"""Which kinds of provider there are, and how one is built. Must not know: the rest of the configuration."""

from smppbridge.providers.base import Provider
from smppbridge.providers.sandbox import Sandbox, SandboxOptions
from smppbridge.providers.smspilot import Smspilot, SmspilotOptions

AnyOptions = SmspilotOptions | SandboxOptions


def build_provider(name: str, options: AnyOptions, callback_url: str | None) -> Provider:
    """The provider ``name``; ``callback_url`` is where it can reach us, None where it cannot."""
    match options:
        case SmspilotOptions():
            return Smspilot(name, options, callback_url=callback_url)
        case SandboxOptions():
            return Sandbox(name, options)


def credential(options: AnyOptions) -> str:
    """The secret shared with the provider, from which its callback token is derived by default."""
    return options.apikey.get_secret_value() if isinstance(options, SmspilotOptions) else ""
