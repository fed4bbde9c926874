"""Every HTTP provider's rig. A further provider is one more line here."""

from collections.abc import Callable

import pytest

from tests.contract.providers.rig import Rig
from tests.contract.providers.sms_assistent import SmsAssistentPlainRig, SmsAssistentRig, SmsAssistentXmlRig
from tests.contract.providers.smsc_ru import SmscRestRig, SmscRuRig
from tests.contract.providers.smspilot import SmspilotApi1Rig, SmspilotApi1XmlRig, SmspilotRig, SmspilotXmlRig
from tests.contract.providers.webhook import WebhookRig

RIGS: tuple[type[Rig], ...] = (
    SmspilotRig,
    SmspilotXmlRig,
    SmspilotApi1Rig,
    SmspilotApi1XmlRig,
    SmscRuRig,
    SmscRestRig,
    SmsAssistentRig,
    SmsAssistentXmlRig,
    SmsAssistentPlainRig,
    WebhookRig,
)


def _any(rig: type[Rig]) -> bool:
    return True


def with_rigs(fits: Callable[[type[Rig]], bool] = _any) -> pytest.MarkDecorator:
    """Run a test that takes the fixture ``rig`` once for every rig that ``fits``."""
    chosen = [rig for rig in RIGS if fits(rig)]
    return pytest.mark.parametrize("rig", chosen, indirect=True, ids=[rig.name for rig in chosen])


def with_providers(fits: Callable[[type[Rig]], bool] = _any) -> pytest.MarkDecorator:
    """The same, once for every provider: for what takes time and is the same in all its formats, whose rigs
    inherit from its first one."""
    return with_rigs(lambda rig: fits(rig) and not any(base in RIGS for base in rig.__mro__[1:]))
