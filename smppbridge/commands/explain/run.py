"""`smppbridge explain`: what would become of a message, or of every PDU in octets or in a capture, and why.

Sends nothing, stores nothing, opens no socket and no database. The bridge's own code decides everything:
`sources` finds PDUs, `reporter` asks about each of them, `printing` writes the answers.
"""

from collections.abc import Callable

from smppbridge.commands.explain.capture.formats import CaptureError
from smppbridge.commands.explain.found import Remark
from smppbridge.commands.explain.printing import Emit, ExplainOptions, Printer, to_stderr
from smppbridge.commands.explain.reporter import Reporter
from smppbridge.commands.explain.sources import Sources
from smppbridge.config.sections import Config
from smppbridge.errors import SmppBridgeError
from smppbridge.flow.wall_clock import now_ms


async def explain(
    config: Config,
    source: Sources,
    options: ExplainOptions,
    emit: Emit = print,
    warn: Emit | None = None,
    clock: Callable[[], int] = now_ms,
) -> None:
    """Print what is to be said about everything in ``source``. ``warn`` gets warnings (default: stderr).
    ``clock`` tells when a message comes whose time is not known, in ms.

    Raises CaptureError for a capture that cannot be read, after what came before the damage.
    """
    printer = Printer(options, emit, warn or to_stderr)
    reporter = Reporter(config, options.account)
    trouble: SmppBridgeError | None = None
    try:
        for one in source:
            if isinstance(one, Remark):
                printer.remark(one)
            elif printer.count(one):
                printer.show(one, await reporter.report(one, clock()))
    except CaptureError as error:
        trouble = error
    for remark in reporter.end():
        printer.remark(remark)
    printer.summary()
    if trouble is not None:
        raise trouble
