"""The programs of the ESMEs of foreign make: where they come from, and how they run."""

import asyncio
import json
import os
import sys
import zlib
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.foreign import node
from tests.support.foreign.debian import call, libraries, tool, unpacked
from tests.support.foreign.esmes.shape import (
    PASSWORD,
    SENDER,
    VISIT_PATIENCE,
    WRONG,
    Errand,
    Order,
    Task,
    Visit,
)

HERE = Path(__file__).parent
PATIENCE = 3 * VISIT_PATIENCE  # seconds for a program


def _in_json(task: Task) -> Sequence[str]:
    return (task.text(),)


def _in_words(task: Task) -> Sequence[str]:
    """For one account, and a program that reads no JSON."""
    (order,) = task.orders
    errands = [value for value in order if isinstance(value, Errand)]
    words = [(one.to, one.octets, str(one.data_coding), str(one.reference)) for one in errands]
    return (str(task.port), order.account, WRONG, PASSWORD, SENDER, *(word for one in words for word in one))


class Program(NamedTuple):
    """What to run, and how many accounts it takes at a time (None: all of them)."""

    line: Sequence[str]
    environment: Mapping[str, str] | None = None  # None: ours
    accounts: int | None = None
    arguments: Callable[[Task], Sequence[str]] = _in_json


async def python(module: str) -> Program:
    """A module of this folder."""
    return Program((sys.executable, "-m", f"{__package__}.{module}"))


async def node_smpp() -> Program:
    """Raises NodeMissing."""
    environment = {**os.environ, "NODE_PATH": str(await node.install())}
    return Program((node.program("node"), str(HERE / "node_esme.js")), environment)


async def net_smpp() -> Program:
    """Raises DebianMissing."""
    folder = await unpacked("libnet-smpp-perl")
    environment = {**os.environ, "PERL5LIB": str(folder / "usr/share/perl5")}
    return Program((tool("perl"), str(HERE / "net_smpp_esme.pl")), environment, accounts=1)


async def libsmpp34() -> Program:
    """Its program is compiled once. Raises DebianMissing."""
    folder = await unpacked("libsmpp34-1", "libsmpp34-dev")
    source = HERE / "libsmpp34_esme.c"
    program = folder / f"esme-{zlib.crc32(source.read_bytes()):08x}"
    if not program.exists():
        fresh = program.with_suffix(f".{os.getpid()}")
        library, include = next(place / "libsmpp34.a" for place in libraries(folder)), folder / "usr/include"
        await call(HERE, tool("cc"), "-I", str(include), "-o", str(fresh), str(source), str(library))
        fresh.rename(program)  # another test may have been faster
    return Program((str(program),), accounts=1, arguments=_in_words)


async def kannel() -> Program:
    """Raises DebianMissing."""
    folder = await unpacked("kannel")
    path = ":".join(map(str, libraries(folder)))
    environment = {**os.environ, "LD_LIBRARY_PATH": path, "KANNEL": str(folder / "usr/sbin")}
    return (await python("kannel_esme"))._replace(environment=environment)


async def run(program: Program, port: int, orders: Sequence[Order]) -> dict[str, Visit | str]:
    """What the ESME saw, by account; a text says what went wrong."""
    size = program.accounts or len(orders)
    tasks = [Task(port, list(orders[start : start + size])) for start in range(0, len(orders), size)]
    seen: dict[str, Visit | str] = {}
    for told in await asyncio.gather(*(_run(program, task) for task in tasks)):
        seen.update(told)
    return seen


async def _run(program: Program, task: Task) -> dict[str, Visit | str]:
    process = await asyncio.create_subprocess_exec(
        *(*program.line, *program.arguments(task)),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=program.environment,
    )
    end = f"it ran longer than {PATIENCE:.0f} s"
    try:
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
        end = f"it ended with {process.returncode}: {err.decode(errors='replace').strip()}"
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
    seen: dict[str, Visit | str] = {order.account: end for order in task.orders}
    for line in out.splitlines():
        told = json.loads(line)
        seen[told["account"]] = told["error"] if "error" in told else Visit.read(told)
    return seen
