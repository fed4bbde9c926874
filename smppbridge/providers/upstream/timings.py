"""How long an upstream SMSC may take; the pauses that nobody configures."""

from dataclasses import dataclass

from smppbridge.link.persistent_bind import TIMINGS, BindTimings
from smppbridge.providers.upstream.options import FINISHING_TIME, SENDING_TIME


@dataclass(frozen=True, slots=True)
class SmppTimings:
    """Seconds. The defaults are those of the bridge; tests take others."""

    bind: float = 10.0  # for bind_resp, and for the answers to what came in when we stop
    sending: float = SENDING_TIME
    finishing: float = FINISHING_TIME
    saving: float = 5.0  # until the reference of a message that was taken is stored
    binds: BindTimings = TIMINGS


SMPP_TIMINGS = SmppTimings()
