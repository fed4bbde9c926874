"""How a simulated SMSC behaves: its dialect, its notations, its receipts, and what goes wrong on it.

Must not know: sockets, sessions, how a receipt is written.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from smppbridge.smpp.pdu import Bind, SubmitSm

WORDS: dict[str, tuple[str, ...]] = {
    "dialect": ("standard", "sms-assistent"),
    "ids": ("decimal", "hex", "HEX", "padded", "uuid", "mixed"),
    "receipt_ids": ("same", "decimal", "hex", "HEX", "padded", "stripped"),
    "receipts": ("text+tlvs", "text", "tlvs", "payload", "ucs2", "data_sm", "none"),
    "receipt_text": (
        "standard",
        "no-text",  # the text ends behind err:
        "no-counts",  # neither sub: nor dlvrd:
        "reordered",  # text: is not the last field
        "seconds",  # dates YYMMDDhhmmss
        "century",  # dates YYYYMMDDhhmm, as long as with seconds
        "long-dates",  # dates YYYYMMDDhhmmss
        "smpp-dates",  # dates in the SMPP time format (§7.1.1)
        "no-dates",  # all zeros
        "upper",  # Text:
        "lower",  # the stat word in lower case
        "no-err",
        "short",  # counts of one digit, a blank behind text:
        "minimal",  # id and stat only
        "no-id",  # stat only: the id stands in a TLV or nowhere
        "lines",  # a line for each field
        "free",  # prose: only TLVs say what it means
        "nul",  # a NUL at the end
        "blank",  # a blank at the end
        "esm0",  # esm_class does not say that it is a receipt
        "esm24",  # esm_class 0x24: receipt and intermediate notification in one
        "esm44",  # esm_class 0x44: a receipt with the UDH indicator, and no UDH
    ),
}
"""The words that a rule may have."""


class Submitted(NamedTuple):
    """One submit_sm as it came. ``message_id`` is "" when it was refused, ``number`` its place among all
    (from 1), ``status`` the command_status of its answer, ``at`` the loop's time when it came."""

    pdu: SubmitSm
    message_id: str
    number: int
    status: int
    at: float


@dataclass
class Rules:
    """Times in seconds; 0, False and None switch a rule off. All may be altered while the centre runs, except
    ``window``, which a session gets at its bind. An unknown word raises ValueError.

    ``dialect`` sms-assistent is as strict as its manual (API v1 §5): interface_version 0x34 only (else
    bind_resp 0x04), data_coding 3 or 8 (else 0x4A3), text only in short_message and not empty (0x4A5), its
    forms of sender (0x0A) and recipient (0x0B), its stat words; ``receipts`` and ``receipt_text`` at their
    defaults mean its form there: a text without `text:` and no TLVs.
    """

    system_id: str = "user"
    password: str = "secret"
    dialect: str = "standard"
    senders: frozenset[str] | None = None  # allowed ones, else 0x0A; None = any
    first_id: int = 0xABCDEF00  # the number of the first message's id is one more
    ids: str = "decimal"  # how submit_sm_resp writes ids; mixed: two of them may differ in case only
    receipt_ids: str = "same"  # how receipts write them
    receipts: str = "text+tlvs"  # where a receipt says what it says; payload, ucs2, text: without TLVs
    receipt_text: str = "standard"  # see WORDS
    outcomes: Callable[[SubmitSm], str] | None = None  # stat word of a message; "" = it never becomes final
    err: str = "000"
    delay: float = 0.0  # from the answer to the final state, and its receipt
    latency: float = 0.0  # before submit_sm_resp
    intermediate: bool = False  # ENROUTE first (esm_class 0x20), where registered_delivery has 0x10
    window: int = 100  # unanswered deliver_sm per session
    retry_pause: float = 0.1  # before a receipt that was not taken for now is sent again
    keep: bool = True  # remember messages and answers
    # --- faults ---
    status_of: Callable[[SubmitSm], int] | None = None  # command_status of the answer, 0 = taken
    nack: bool = False  # refusals come as generic_nack
    rate: float = 0.0  # submit_sm per second, above which 0x58; one second's worth may come at once
    queue: int = 0  # messages that are not final yet, above which 0x14
    bind_status: Callable[[Bind], int] | None = None  # refuse binds; 0 = as ever
    max_binds: int = 0  # of one system_id, above which 0x0D
    mute_binds: bool = False  # connections from now on are taken, and never answered
    mute: bool = False  # submit_sm are taken, and never answered
    deaf: bool = False  # nothing that comes is even read
    lose_answer: Callable[[int], bool] | None = None  # the n-th submit_sm (from 1): its answer is lost
    shuffle: bool = False  # answers of one read stand in the opposite order
    receipt_first: bool = False  # the receipt stands before submit_sm_resp, without delay
    receipt_twice: bool = False
    cut_answer_of: int = 0  # the n-th submit_sm: the connection is cut in the middle of its answer
    hang_up_after: int = (
        0  # so many submit_sm on one connection end it; those of the last read stay unanswered
    )
    stray: bool = False  # stray octets, over-long fields and TLVs where none belong

    def __setattr__(self, name: str, value: Any) -> None:
        if name in WORDS and value not in WORDS[name]:
            raise ValueError(f"{name}: one of {', '.join(WORDS[name])}")
        super().__setattr__(name, value)

    @property
    def strict(self) -> bool:
        """True in the dialect of sms-assistent."""
        return self.dialect == "sms-assistent"

    def unchanged(self, name: str) -> bool:
        """Whether a rule has its default."""
        return any(field.name == name and field.default == getattr(self, name) for field in fields(self))
