"""What tests of an upstream SMSC look at: receipts as they arrive, and messages as they are stored."""

from pathlib import Path

from smppbridge.smpp.pdu import DeliverSm
from smppbridge.smpp.receipt import ParsedReceipt, parse_receipt
from tests.support.bridge.failing_store import rows

SENDING, UNCERTAIN, SENT, FINAL = 3, 4, 5, 6
NEVER = ""  # the outcome of a message that stays under way


def read(pdu: DeliverSm) -> ParsedReceipt:
    return parse_receipt(pdu.short_message.decode())


def kept(directory: Path) -> int:
    """Notations of receipts that wait for their message."""
    ((count,),) = rows(directory, "SELECT count(*) FROM orphans")
    assert isinstance(count, int)
    return count


def newest_stage(directory: Path) -> object:
    return rows(directory, "SELECT stage FROM messages ORDER BY id DESC LIMIT 1")[0][0]


def stages(directory: Path) -> dict[int, int]:
    """How many messages are in each stage."""
    found = {}
    for stage, count in rows(directory, "SELECT stage, count(*) FROM messages GROUP BY stage"):
        assert isinstance(stage, int)
        assert isinstance(count, int)
        found[stage] = count
    return found
