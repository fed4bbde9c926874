"""How the simulated smsc.ru account behaves, and what a refused request is called."""

from collections.abc import Mapping
from dataclasses import dataclass, field

CONCURRENT = "too many concurrent requests"
DUPLICATE = "duplicate request, wait a minute"
NUMBERED = frozenset({3, 6, 7, 8})  # send errors that carry the id of the message (send.php, errors)

# send error of one phone -> (status, err) of its message
FATES = {3: (24, 0), 6: (23, 254), 7: (22, 249), 8: (25, 248)}

_WORDS = {
    1: "parameters error",
    2: "authorise error",
    3: "no money",
    4: "ip is blocked",
    5: "invalid date format",
    6: "message is denied",
    7: "invalid number",
    8: "message to this number cannot be delivered",
    9: DUPLICATE,
}


@dataclass(slots=True)
class Rules:
    """Times in seconds, money in roubles. What no manual states (latency, order of checks) is harsh."""

    login: str = "LOGIN"
    password: str = "PASSWORD"
    apikey: str = "KEY"
    senders: frozenset[str] | None = None  # registered ones; None = any
    default_sender: str = "SMSC.RU"
    replaces_senders: bool = False  # shows the default one in place of one that is not registered
    balance: float = 1e6
    price: float = 1.4  # of one part
    errors: Mapping[str, int] = field(default_factory=dict)  # phone -> send error
    blocked: int = 0  # the error that every request gets, 0 = none
    outcomes: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # phone -> (status, err)
    outcome: tuple[int, int] = (1, 0)  # of all other phones
    delay: float = 1.0  # from one status to the next; they are -1, 0, outcome
    hlr: Mapping[str, str] = field(
        default_factory=lambda: {
            "imsi": "250010123456789",
            "msc": "79168960000",
            "mcc": "250",
            "mnc": "1",
            "cn": "Россия",
            "net": "МТС",
            "rcn": "",
            "rnet": "",
        }
    )
    callback_url: str = ""  # may carry charset=, fmt= and one of md5, sha1, crc32
    secret: str = ""
    crc32_format: str = "d"  # how the checksum is printed: "d" decimal, "08x" hexadecimal
    retry_pause: float = 20.0  # between tries of a callback
    latency: float = 0.01  # what every request takes; without it none would be simultaneous
    max_parallel: int = 14  # requests at once under one login; fifteen are too many
    max_parallel_status: int = 4  # of them to status.php
    duplicate_window: float = 60.0  # the same message again within this is refused
    cost_limit: int = 5  # the same question for a price, in cost_window
    cost_window: float = 60.0
    auth_errors: int = 5  # in auth_window block the address for auth_ban
    auth_window: float = 1800.0
    auth_ban: float = 1800.0
    bad_sends: int = 100  # in a row within bad_window block the address for bad_ban
    bad_window: float = 600.0
    bad_ban: float = 600.0
    flood_count: int = 50  # messages to one subscriber with gaps below flood_gap
    flood_gap: float = 60.0
    status_limit: int = 5  # questions about the same message in status_window
    status_window: float = 60.0
    mass_window: float = 60.0  # one question about several messages in this
    balance_limit: int = 10  # in balance_window
    balance_window: float = 60.0


class Refusal(Exception):
    """The whole request is refused. ``ident`` is the id of the message, where the error carries one.
    ``rows``: what op=1 or err=1 add about the numbers, None where neither is asked for."""

    def __init__(
        self, code: int, words: str = "", ident: str = "", rows: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.words = words or _WORDS.get(code, "error")
        self.ident = ident
        self.rows = rows
