"""`smppbridge explain`: what would become of a message, or of every PDU in octets or in a capture, and why.

Sends nothing, stores nothing, opens no socket and no database. Must not know: how the bridge decides; it asks
the bridge's own code.
"""

import time

from smppbridge.commands.explain.capture.files import CaptureError
from smppbridge.commands.explain.found import Remark
from smppbridge.commands.explain.printing import Emit, Printer, Way, to_stderr
from smppbridge.commands.explain.report import Teller
from smppbridge.commands.explain.sources import Sources
from smppbridge.config.sections import Config
from smppbridge.errors import SmppBridgeError


async def explain(
    config: Config, source: Sources, way: Way, emit: Emit = print, warn: Emit | None = None
) -> None:
    """Tell about everything in ``source``. ``warn`` gets what is not part of the result (default: stderr).

    Raises CaptureError for a capture that cannot be read, after telling about what came before.
    """
    printer = Printer(way, emit, warn or to_stderr)
    teller = Teller(config, way.account)
    trouble: SmppBridgeError | None = None
    try:
        for one in source:
            if isinstance(one, Remark):
                printer.remark(one)
            elif printer.count(one):
                printer.show(one, await teller.tell(one, time.time_ns() // 1_000_000))
    except CaptureError as error:
        trouble = error
    for remark in teller.end():
        printer.remark(remark)
    printer.summary()
    if trouble is not None:
        raise trouble
