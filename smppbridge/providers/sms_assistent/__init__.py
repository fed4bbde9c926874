"""sms-assistent.by over HTTP: `kind: sms-assistent`."""

from smppbridge.providers.kind import ProviderKind, without_callbacks
from smppbridge.providers.sms_assistent.options import SmsAssistentOptions
from smppbridge.providers.sms_assistent.provider import SmsAssistent

KIND = ProviderKind(SmsAssistentOptions, without_callbacks(SmsAssistent))
