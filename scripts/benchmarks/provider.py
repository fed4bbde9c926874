"""A simulated provider in a process of its own: `python -m scripts.benchmarks.provider smspilot`.

Prints its address (of the SMSC: its port) and serves until it is told to stop.
"""

import asyncio
import gc

import click

from smppbridge.smpp.pdu import SubmitSm
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.simulators.sms_assistent import simulator as sms_assistent
from tests.simulators.smspilot import simulator as smspilot

SECRET = "BENCH"
KINDS = ("smspilot", "sms-assistent", "smpp")
HOLD = "HOLD"  # messages from this sender never become final at the SMSC


async def _serve(kind: str, latency: float, delay: float) -> None:
    simulator: smspilot.SmspilotSimulator | sms_assistent.SmsAssistentSimulator
    if kind == "smspilot":
        rules = smspilot.Rules(apikey=SECRET, delay=delay)
        simulator = smspilot.SmspilotSimulator(rules)
    else:
        simulator = sms_assistent.SmsAssistentSimulator(
            sms_assistent.Rules(login=SECRET, password=SECRET, delay=delay)
        )
    simulator.server.latency = latency
    async with simulator:
        print(simulator.url, flush=True)
        await asyncio.Event().wait()


def _outcome(pdu: SubmitSm) -> str:
    return "" if pdu.source_addr == HOLD else "DELIVRD"


async def _serve_smpp(delay: float) -> None:
    rules = Rules(password=SECRET, outcomes=_outcome, delay=delay, receipts="text", keep=False, window=1000)
    async with CentreSimulator(rules) as centre:
        print(centre.port, flush=True)
        await asyncio.Event().wait()


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--latency", default=0.0, help="Seconds before each request is looked at.")
@click.option("--delay", default=0.1, help="Seconds from one status to the next, or to the receipt.")
def main(kind: str, latency: float, delay: float) -> None:
    """Serve until SIGTERM."""
    gc.freeze()
    asyncio.run(_serve_smpp(delay) if kind == "smpp" else _serve(kind, latency, delay))


if __name__ == "__main__":
    main()
