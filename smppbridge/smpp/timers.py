"""How long a session waits for what (SMPP 3.4 §7.2)."""

from typing import NamedTuple

CONTROL_TIMEOUT = 10.0  # seconds for enquire_link_resp, and for all control answers without a response timer


class Timers(NamedTuple):
    """Seconds; 0 = off."""

    bind: float = 10.0  # from the connection to a successful bind
    enquire_link: float = 30.0  # of silence, then we ask
    inactivity: float = 600.0  # without any PDU
    response: float = 30.0  # for the answer to a request of ours
