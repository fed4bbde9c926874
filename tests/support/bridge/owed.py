"""What a whole bridge owes its equipment, as its store has it."""

from pathlib import Path

from smppbridge.smpp.pdu import DeliverSm
from tests.support.bridge.failing_store import rows
from tests.support.bridge.running import eventually
from tests.support.esme.esme import Esme

_OWED = "SELECT (SELECT count(*) FROM receipts) + (SELECT count(*) FROM inbound_parts)"


def owed(directory: Path) -> object:
    """How many receipts, and parts of messages from phones."""
    ((count,),) = rows(directory, _OWED)
    return count


async def all_delivered(directory: Path, *esmes: Esme) -> None:
    """Wait until nothing is owed; nothing may have come to these that the test has not taken."""
    await eventually(lambda: owed(directory) == 0)
    for esme in esmes:
        await esme.quiet(DeliverSm)
