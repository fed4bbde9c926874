"""How smspilot's simulated account and gateway behave, and what each service costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# Whole texts that ask for a check of the number (API-2 §3), and senders that buy something else than an SMS
# (API-2 §4, §6; API-1 §5). The texts stand in the account's list of senders too (API-2 §8): both ways sell.
NUMBER_CHECKS = ("HLR", "PING", "HLRVIP")
SERVICE_OF_SENDER = {
    "GOLOS": "GOLOS",
    "GOLOSM": "GOLOS",
    "2WAY": "2WAY",
    "FLASHCALL": "FLASHCALL",
    **{name: name for name in NUMBER_CHECKS},
}
PRICES = {"": 1.29, "2WAY": 3.13, "HLR": 0.15, "PING": 2.85, "HLRVIP": 0.30, "GOLOS": 0.50, "FLASHCALL": 0.80}
IN_PARTS = ("", "2WAY")  # what is an SMS costs its price for each part

_LONGEST_CHECK = max(map(len, NUMBER_CHECKS))


@dataclass(slots=True)
class Rules:
    """Times in seconds, money in roubles. Everything may be altered while the simulator runs, except
    ``retry_pause``."""

    apikey: str = "KEY"
    senders: frozenset[str] | None = None  # allowed ones; None = any
    default_sender: str = "INFORM"
    balance: float = 1e9
    black_list: frozenset[str] = frozenset()
    outcomes: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # phone -> (status, error)
    outcome: tuple[int, int] = (2, 0)  # of all other phones
    delay: float = 1.0  # from one status to the next; they are 0, 1, outcome
    poll_interval: float = 120.0  # asking sooner is flood
    ban: float = 600.0  # what flood costs
    loop_protection: float = 0.0  # the same text to the same phone within this is refused; 0 = off
    archive_after: float = 70 * 86400.0
    retry_pause: float = 20.0  # between tries of a callback
    blocked: int = 0  # an account error (105, 106, 110 ...) that every request gets
    sloppy: bool = False  # print JSON and XML with the manual's mistakes
    login: str = "user@example.com"
    password: str = "password"
    user_id: int = 5671  # number of the contract
    errors: Mapping[str, int] = field(default_factory=dict)  # phone -> message error (2xx) at send
    replaced: Mapping[str, str] = field(default_factory=dict)  # sender -> what the gateway puts instead
    survey_template: bool = False  # 2WAY is allowed; without, error 227
    roaming: frozenset[str] = frozenset()  # phones that HLRVIP finds abroad
    callback: str = ""  # where statuses go that no request said anything about (account settings)
    callback_method: str = "get"
    multipart: bool = False  # callbacks by POST are multipart/form-data
    takes_callbacks: bool = True  # False: no callback address of a request is good enough (error 260)
    inbound_url: str = ""  # where inbound messages are pushed (account settings)


def service_of(text: str, sender: str) -> str:
    """What is sold for this message: "" = an SMS, else HLR, PING, HLRVIP, GOLOS, FLASHCALL or 2WAY.

    How exactly the words must be written is not documented; here every spelling that PHP's trim() and
    strtoupper() would make equal sells the service.
    """
    word = text.strip(" \t\n\r\0\x0b")
    if len(word) <= _LONGEST_CHECK and word.upper() in NUMBER_CHECKS:
        return word.upper()
    return SERVICE_OF_SENDER.get(sender.upper(), "")


def price_of(service: str, parts: int) -> float:
    return round(PRICES[service] * (parts if service in IN_PARTS else 1), 2)
