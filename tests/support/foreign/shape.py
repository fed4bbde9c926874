"""What the message centres of foreign make have in common: what they note, how they write, what a test sees.

Must not know: the program under test. Nothing of it may be used here, or a mistake of its codec would be made
on both sides and stay unseen.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, Self, TypedDict

HOST = "127.0.0.1"
RETRY = 0.02  # seconds between two looks for somebody who can receive
PATIENCE = 30.0  # seconds that anything may take on a busy machine
MESSAGE_PAYLOAD = 0x0424  # tag of the TLV that holds a text instead of short_message (SMPP 3.4 §5.3.2.32)
UCS2 = 8  # data_coding


class Submitted(TypedDict):
    """One submit_sm as the foreign codec has read it. Nothing is joined or decoded."""

    sequence: int  # 0 where the library does not tell
    message_id: str  # what the centre called it
    source: str
    source_ton: int
    source_npi: int
    destination: str
    destination_ton: int
    destination_npi: int
    esm_class: int
    data_coding: int
    registered_delivery: int
    short_message: bytes
    tlvs: dict[int, bytes]  # by tag


@dataclass(frozen=True, slots=True)
class Conduct:
    """What a centre does with messages. Times are seconds."""

    answer_delay: float = 0.0  # before submit_sm_resp; later PDUs do not wait for it
    receipt_delay: float = 0.02  # from submit_sm_resp to the receipt
    stat: str = "DELIVRD"  # of every receipt; seven letters of SMPP 3.4 appendix B


class Centre(Protocol):
    """Any of the centres, while its `async with` lasts.

    What it notes may come later than what the ESME sees, when the centre is another process: wait for it.
    A receipt waits for an ESME of the same system_id that can receive."""

    port: int
    submitted: list[Submitted]
    receipted: dict[str, int]  # message_id -> command_status of the deliver_sm_resp to its receipt

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: object) -> None: ...

    async def deliver(self, source: str, destination: str, text: str) -> int:
        """Bring a message to an ESME, as soon as one is bound that can receive; the status that it answers.

        Raises TimeoutError when that takes longer than PATIENCE."""
        ...


def octets_of(text: str) -> tuple[bytes, int]:
    """Octets of a text to deliver, and their data_coding: ASCII in the default alphabet, else UCS-2."""
    return (text.encode("ascii"), 0) if text.isascii() else (text.encode("utf-16-be"), UCS2)


def receipt_text(message_id: str, stat: str) -> bytes:
    """A receipt that has just become true, in the form of SMPP 3.4 appendix B."""
    now = f"{datetime.now(UTC):%y%m%d%H%M}"
    delivered, error = ("001", "000") if stat == "DELIVRD" else ("000", "001")
    return (
        f"id:{message_id} sub:001 dlvrd:{delivered} submit date:{now} done date:{now} "
        f"stat:{stat} err:{error} text:"
    ).encode("ascii")
