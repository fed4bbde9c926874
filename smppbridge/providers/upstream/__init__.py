"""An SMSC of somebody else, over SMPP: `kind: smpp`."""

from smppbridge.providers.kind import ProviderKind, without_callbacks
from smppbridge.providers.upstream.options import SmppOptions
from smppbridge.providers.upstream.provider import Smpp

KIND = ProviderKind(SmppOptions, without_callbacks(Smpp))
