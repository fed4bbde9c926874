"""The options of `smppbridge explain`."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from smppbridge.commands.explain.found import read_hex
from smppbridge.commands.explain.printing import ExplainOptions
from smppbridge.commands.explain.run import explain
from smppbridge.commands.explain.sources import Fields, Sources, from_capture, from_fields, from_octets
from smppbridge.commands.explain.writing import kind_of_recipient, kind_of_sender
from smppbridge.commands.options import config_option
from smppbridge.config.loading import load
from smppbridge.config.sections import Config
from smppbridge.logs import visible
from smppbridge.model.account import Account

MAX_HEX = 16 * 1024 * 1024  # characters


class _Octet(click.ParamType[int]):
    """0 to 255, also as 0x08."""

    name = "0-255"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = int(value, 0) if isinstance(value, str) else int(value)
        except ValueError:
            self.fail(f"{value!r} is no number such as 8 or 0x08", param, ctx)
        if not 0 <= number <= 255:
            self.fail(f"{value} is not 0 to 255", param, ctx)
        return number


OCTET = _Octet()
_EPILOG = """
Examples:

\b
  smppbridge explain -c bridge.yaml --from ALARM --to 375291234567 --text "Door 3 opened"
  smppbridge explain -c bridge.yaml --to 80291234567 --octets cff0e8e2e5f2 --data-coding 0
  smppbridge explain -c bridge.yaml --hex 00000010000000150000000000000001
  smppbridge explain -c bridge.yaml --account pbx --hex - < pdu.txt
  smppbridge explain -c bridge.yaml --pcap trace.pcapng --port 2775 --json
"""


@click.command("explain", epilog=_EPILOG)
@config_option
@click.option("--hex", "hexadecimal", help='PDUs as hexadecimal text; "-" reads it from stdin.')
@click.option(
    "--pcap",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A capture file: pcap or pcapng, as tcpdump and Wireshark write them.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Of a capture: only connections with this port; default: whatever is SMPP.",
)
@click.option("--to", help="Instead of PDUs: the recipient of a message.")
@click.option("--from", "source", default="", help="Its sender: a name or a number.")
@click.option("--text", help="Its text.")
@click.option("--octets", help="Or its octets, as hexadecimal text.")
@click.option("--data-coding", type=OCTET, help="Default: one in which the account reads the text.")
@click.option("--esm-class", type=OCTET, default=0, help="0x40: octets begin with a user data header.")
@click.option(
    "--ton",
    "dest_addr_ton",
    type=OCTET,
    help="TON of the recipient; default: 1 (international) with a +, else 0. --ton 1 tells what becomes of it"
    " when equipment claims that every number is international.",
)
@click.option("--npi", "dest_addr_npi", type=OCTET, help="NPI of the recipient.")
@click.option("--source-ton", "source_addr_ton", type=OCTET, help="TON of the sender.")
@click.option("--source-npi", "source_addr_npi", type=OCTET, help="NPI of the sender.")
@click.option("--service-type", default="", help="Such as HLR; empty: an SMS.")
@click.option("--protocol-id", type=OCTET, default=0)
@click.option("--priority", "priority_flag", type=OCTET, default=0, help="0 to 3.")
@click.option("--registered-delivery", type=OCTET, default=1, show_default=True, help="0: no receipt.")
@click.option("--validity", "validity_period", default="", help="Such as 000001000000000R: one day.")
@click.option("--schedule", "schedule_delivery_time", default="", help="Such as 261231235900000+.")
@click.option(
    "--account", help="Whose message it is; default: by the bind that is found, or the only account."
)
@click.option("--limit", type=click.IntRange(0), default=100, show_default=True, help="PDUs shown; 0: all.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def explain_command(
    path: Path,
    hexadecimal: str | None,
    pcap: Path | None,
    port: int | None,
    to: str | None,
    source: str,
    text: str | None,
    octets: str | None,
    data_coding: int | None,
    account: str | None,
    limit: int,
    as_json: bool,
    **parameters: Any,
) -> None:
    """Show what would happen to a message, and why. Sends nothing, stores nothing.

    Give one of --hex, --pcap and --to. For each PDU: its parameters, its text, likely mistakes, the recipient
    and the route, the answer, and the request that the provider would get, without secrets.
    """
    if sum(one is not None for one in (hexadecimal, pcap, to)) != 1:
        raise click.UsageError("give exactly one of --hex, --pcap and --to")
    if port is not None and pcap is None:
        raise click.UsageError("--port belongs to --pcap")
    config = load(path)
    whose = _account(config, account)
    sources: Sources
    if pcap is not None:
        sources = from_capture(pcap, port)
    elif hexadecimal is not None:
        given = sys.stdin.read(MAX_HEX) if hexadecimal == "-" else hexadecimal
        sources = from_octets(_octets("--hex", given))
    else:
        if (text is None) == (octets is None):
            raise click.UsageError("--to needs exactly one of --text and --octets")
        data = b"" if octets is None else _octets("--octets", octets)
        others = _with_types(parameters, source, to or "")
        fields = Fields(to or "", source, text, data, data_coding, whose, others)
        try:
            sources = from_fields(fields)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    asyncio.run(explain(config, sources, ExplainOptions(account, limit, as_json), click.echo))


def _octets(option: str, text: str) -> bytes:
    try:
        return read_hex(text)
    except ValueError as error:
        raise click.UsageError(f"{option} {error}") from None


def _account(config: Config, name: str | None) -> Account | None:
    """Whose messages they are: the account of this name, or the only one; None = not told."""
    accounts = config.accounts
    if name is None:
        return next(iter(accounts.values())) if len(accounts) == 1 else None
    if name not in accounts:
        raise click.UsageError(
            visible(f"--account: {name!r} is not in the configuration; known there: {', '.join(accounts)}")
        )
    return accounts[name]


def _with_types(parameters: dict[str, Any], source: str, to: str) -> dict[str, Any]:
    """The parameters, with the TON and NPI that were not given."""
    source_ton, source_npi = kind_of_sender(source)
    dest_ton, dest_npi = kind_of_recipient(to)
    usual = {
        "source_addr_ton": source_ton,
        "source_addr_npi": source_npi,
        "dest_addr_ton": dest_ton,
        "dest_addr_npi": dest_npi,
    }
    given = {name: value for name, value in parameters.items() if value is not None}
    return {**usual, **given}
