"""HTTP providers that the operator declares in YAML: `kind: webhook`."""

from smppbridge.providers.kind import ProviderKind
from smppbridge.providers.webhook.options import WebhookOptions
from smppbridge.providers.webhook.provider import Webhook

KIND = ProviderKind(WebhookOptions, Webhook)
