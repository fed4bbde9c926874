"""A simulator of an upstream SMSC: a real SMPP server with the notations, receipts and faults of real ones.

In a test: ``async with CentreSimulator(Rules(ids="hex")) as centre``. By hand:
``python -m tests.simulators.smpp_centre --port 2776 --password secret``; it prints its address, and what it
has counted at the end. Must not know: who submits.
"""

import asyncio
import gc
import json
import signal
from typing import Any

import click

from tests.simulators.smpp_centre.rules import WORDS, Rules, Submitted
from tests.simulators.smpp_centre.server import CentreSimulator

__all__ = ["CentreSimulator", "Rules", "Submitted"]

_GARBAGE = 100_000  # objects between two looks for cycles; there are none in a message

_HELP = {
    "system_id": "Who may bind.",
    "password": "With what.",
    "dialect": "How strict it is.",
    "ids": "How submit_sm_resp writes ids.",
    "receipt_ids": "How receipts write them.",
    "receipts": "Where a receipt says what it says.",
    "receipt_text": "How its text is written.",
    "err": "The error code in all receipts.",
    "delay": "Seconds from the answer to the receipt.",
    "latency": "Seconds before submit_sm_resp.",
    "intermediate": "Send intermediate notifications where they are asked for.",
    "window": "Unanswered deliver_sm per session.",
    "nack": "Refuse with generic_nack.",
    "rate": "submit_sm per second above which they get 0x58; 0: any.",
    "queue": "Unfinished messages above which submit_sm get 0x14; 0: any number.",
    "max_binds": "Sessions above which a bind gets 0x0D; 0: any number.",
    "mute_binds": "Take connections, and say nothing.",
    "mute": "Take submit_sm, and say nothing.",
    "shuffle": "Answer in the opposite order.",
    "receipt_first": "Send the receipt before submit_sm_resp.",
    "receipt_twice": "Send each receipt twice.",
    "cut_answer_of": "Cut the connection in the answer to the n-th submit_sm.",
    "hang_up_after": "Cut each connection after so many submit_sm.",
    "stray": "Take the liberties of real SMSCs with the format of PDUs.",
}


async def _serve(rules: Rules, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with CentreSimulator(rules, host=host, port=port) as centre:
        click.echo(f"listening on {centre.host}:{centre.port}")
        await stop.wait()
    click.echo(json.dumps(centre.counts))


def _option(name: str, text: str) -> click.Option:
    default = getattr(Rules(), name)
    flag = f"--{name.replace('_', '-')}"
    if isinstance(default, bool):
        return click.Option([flag], is_flag=True, help=text)
    kind = click.Choice(WORDS[name]) if name in WORDS else type(default)
    return click.Option([flag], default=default, type=kind, show_default=True, help=text)


def _run(host: str, port: int, outcome: str, **named: Any) -> None:
    rules = Rules(**named, keep=False)
    if outcome:
        rules.outcomes = lambda pdu: outcome
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    asyncio.run(_serve(rules, host, port))


main = click.Command(
    "smpp_centre",
    callback=_run,
    help="An SMSC that takes everything, and forgets it: serves until SIGTERM.",
    params=[
        click.Option(["--host"], default="127.0.0.1", show_default=True, help="Where to listen."),
        click.Option(["--port"], default=2776, show_default=True, help="0: a free one."),
        click.Option(["--outcome"], default="", help="The stat word of all messages; default: delivered."),
        *(_option(name, text) for name, text in _HELP.items()),
    ],
)
