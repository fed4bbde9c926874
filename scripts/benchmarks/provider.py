"""A simulated provider in a process of its own: `python -m scripts.benchmarks.provider smspilot`.

Prints its address and serves until it is told to stop.
"""

import asyncio

import click

from tests.support import sms_assistent, smspilot

SECRET = "BENCH"
KINDS = ("smspilot", "sms-assistent")


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


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--latency", default=0.0, help="Seconds before each request is looked at.")
@click.option("--delay", default=0.1, help="Seconds from one status of a message to the next.")
def main(kind: str, latency: float, delay: float) -> None:
    """Serve until SIGTERM."""
    asyncio.run(_serve(kind, latency, delay))


if __name__ == "__main__":
    main()
