"""smsc.ru over HTTP: `kind: smsc`."""

from smppbridge.providers.kind import ProviderKind
from smppbridge.providers.smsc_ru.options import SmscRuOptions
from smppbridge.providers.smsc_ru.provider import SmscRu

KIND = ProviderKind(SmscRuOptions, SmscRu)
