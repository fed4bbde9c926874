"""smspilot.ru over HTTP: `kind: smspilot`."""

from smppbridge.providers.kind import ProviderKind
from smppbridge.providers.smspilot.options import SmspilotOptions
from smppbridge.providers.smspilot.provider import Smspilot

KIND = ProviderKind(SmspilotOptions, Smspilot)
