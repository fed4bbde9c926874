"""A message centre of foreign make on node-smpp (the package ``smpp`` of Node.js): node_smsc/server.js.

Its package is fetched by npm once, into $XDG_CACHE_HOME/smppbridge/node_smsc (~/.cache without the variable):
the first start needs npm's registry.

Must not know: the program under test.
"""

import asyncio
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from pathlib import Path

from tests.support.foreign.process import ProcessCentre

SCRIPTS = Path(__file__).parent / "node_smsc"
NPM_PATIENCE = 120.0  # seconds
INSTALL = ("install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error")


class NodeMissing(Exception):
    """Node.js, npm or the package is not to be had on this machine; the text says which."""


class NodeCentre(ProcessCentre):
    """Serves SMPP on 127.0.0.1 while the `async with` lasts. Entering raises NodeMissing without Node.js."""

    async def command(self) -> tuple[Sequence[str], dict[str, str] | None]:
        node = program("node")
        modules = await install()
        return (node, str(SCRIPTS / "server.js")), {**os.environ, "NODE_PATH": str(modules)}


def program(name: str) -> str:
    """Where it is. Raises NodeMissing."""
    if (path := shutil.which(name)) is None:
        raise NodeMissing(f"there is no {name} in PATH: install Node.js 18 or later, with npm")
    return path


async def install() -> Path:
    """The folder of packages; npm fills it when it does not hold what package.json says.

    Raises NodeMissing."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smppbridge" / "node_smsc"
    declared = (SCRIPTS / "package.json").read_bytes()
    done = cache / "installed.json"  # what package.json said when npm last succeeded
    if not done.exists() or done.read_bytes() != declared:
        cache.mkdir(parents=True, exist_ok=True)
        (cache / "package.json").write_bytes(declared)
        await _npm(cache)
        done.write_bytes(declared)
    return cache / "node_modules"


async def _npm(cache: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        program("npm"), *INSTALL, cwd=cache, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
    )
    try:
        async with asyncio.timeout(NPM_PATIENCE):
            _, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise NodeMissing(f"npm has not fetched the package smpp within {NPM_PATIENCE:.0f} seconds") from None
    if process.returncode:
        raise NodeMissing(f"npm cannot fetch the package smpp: {errors.decode(errors='replace').strip()}")
