"""Commands of `smppbridge`, each in a process of its own, as people run them."""

import asyncio
import os
from asyncio.subprocess import PIPE
from typing import NamedTuple

from tests.support.bridge.running import command


class Ended(NamedTuple):
    """A command that has run."""

    code: int
    out: str
    err: str


async def run(*arguments: str, stdin: str = "", **environ: str) -> Ended:
    """Run `smppbridge` to its end. Fails when it shows a traceback."""
    process = await asyncio.create_subprocess_exec(
        *command(*arguments), stdin=PIPE, stdout=PIPE, stderr=PIPE, env=os.environ | environ
    )
    out, err = await process.communicate(stdin.encode())
    assert process.returncode is not None
    ended = Ended(process.returncode, out.decode("utf-8"), err.decode("utf-8"))
    assert "Traceback" not in ended.err
    return ended
