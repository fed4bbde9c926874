"""Packages of the Debian distribution, unpacked into a folder of the user's cache.

Nothing is installed, and nobody needs to be root. The folder: $XDG_CACHE_HOME/smppbridge/debian (~/.cache
without the variable). The first time needs the servers of the distribution.

Must not know: the program under test.
"""

import asyncio
import os
import platform
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from pathlib import Path
from tempfile import TemporaryDirectory

APT_PATIENCE = 150.0  # seconds for all of it


class DebianMissing(Exception):
    """A package or a program is not to be had on this machine; the text says which."""


async def unpacked(*packages: str) -> Path:
    """The folder that holds these packages, and those that they need and the system lacks.

    Raises DebianMissing on other systems, and when a package cannot be fetched."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smppbridge" / "debian"
    folder = cache / f"{_release()}-{'-'.join(sorted(packages))}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cache) as made:
            try:
                async with asyncio.timeout(APT_PATIENCE):
                    whole = await _fetch(Path(made), packages)
            except TimeoutError:
                raise DebianMissing(f"apt-get needs more than {APT_PATIENCE:.0f} s") from None
            if not folder.exists():  # another test may have been faster
                whole.rename(folder)
    return folder


def tool(name: str) -> str:
    """Where a program is. Raises DebianMissing."""
    if (path := shutil.which(name)) is None:
        raise DebianMissing(f"there is no {name} in PATH")
    return path


def libraries(folder: Path) -> list[Path]:
    """Where the unpacked shared and static libraries are."""
    return [place for pattern in ("usr/lib/*-linux-*", "lib/*-linux-*") for place in folder.glob(pattern)]


def _release() -> str:
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "unknown")
    except OSError:
        raise DebianMissing("this is no Debian: there is no os-release") from None


async def _fetch(place: Path, packages: tuple[str, ...]) -> Path:
    """With lists of packages of its own: those of the system may be old, or not be there."""
    lists, archives, whole = place / "lists", place / "archives", place / "whole"
    for folder in (lists / "partial", archives / "partial", whole):
        folder.mkdir(parents=True)
    apt = (
        *(tool("apt-get"), "-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={archives}"),
        *("-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1"),
        *("-o", "APT::Update::Error-Mode=any", "-o", "Acquire::Retries=2"),
    )
    await call(place, *apt, "update")
    plan = await call(place, *apt, "--simulate", "--no-install-recommends", "install", *packages)
    missing = set(re.findall(r"^Inst (\S+)", plan, re.MULTILINE))
    await call(place, *apt, "download", *sorted(missing | set(packages)))
    for archive in sorted(place.glob("*.deb")):
        await call(place, tool("dpkg-deb"), "--extract", str(archive), str(whole))
    return whole


async def call(folder: Path, *line: str) -> str:
    """Run a command there; what it writes. Raises DebianMissing when it fails."""
    process = await asyncio.create_subprocess_exec(
        *line, cwd=folder, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env={**os.environ, "LC_ALL": "C"}
    )
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = out.decode(errors="replace")
    if process.returncode:
        raise DebianMissing(f"{Path(line[0]).name} {line[-1]} failed: {text.strip()[-500:]}")
    return text
