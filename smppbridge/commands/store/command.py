"""The options of `smppbridge store`, and what its commands print.

Results go to stdout, progress to stderr. Exit code 1 for a damaged database.
"""

import shlex
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from smppbridge.commands.options import config_option
from smppbridge.config.loading import load
from smppbridge.errors import StoreError
from smppbridge.model.ids import taken_at
from smppbridge.store.opening import SQLITE, sqlite_file
from smppbridge.store.sqlite.damage import problems
from smppbridge.store.sqlite.pages import HIGHEST
from smppbridge.store.sqlite.salvage import Rescue, Saved, salvage

_MOST_LINES = 100
_PATIENCE = 5.0  # seconds between two lines of progress


@click.group("store")
def store_command() -> None:
    """Look after the database file."""


@store_command.command("check")
@config_option
def check_command(path: Path) -> None:
    """Look for damage in the whole database. Changes nothing, and works beside a running bridge. Exit code 0
    or 1.
    """
    database = _database(path)
    found = problems(database, _Progress(f"checking {_size(database)}").tick, _MOST_LINES)
    for line in found:
        click.echo(line)
    if found:
        raise StoreError(
            f"{database} is damaged, as listed above. Stop the bridge, then save what is whole with "
            '"smppbridge store salvage -c FILE NEWFILE", or put a backup in its place'
        )
    click.echo(f"{database}: whole")


@store_command.command("salvage")
@config_option
@click.argument("target", metavar="NEWFILE", type=click.Path(path_type=Path))
def salvage_command(path: Path, target: Path) -> None:
    """Save what is whole of a damaged database into NEWFILE. The bridge must be stopped. The damaged file
    stays as it is.
    """
    database = _database(path)
    progress = _Progress("salvaging")
    rescue = salvage(database, target.absolute(), progress.say)
    for line in _summary(rescue):
        click.echo(line)
    click.echo(f"To go on with {target}, while the bridge is stopped:")
    for name in (f"{database}{ending}" for ending in ("", "-wal", "-shm")):
        if Path(name).exists():
            click.echo("  " + shlex.join(("mv", name, f"{name}.damaged")))
    click.echo("  " + shlex.join(("mv", str(target), str(database))))


def _database(path: Path) -> Path:
    """The database file of a configuration. Raises ConfigError, StoreError."""
    url = load(path).store.url
    name = sqlite_file(url)
    if not name:
        raise StoreError(f"store.url: this command is for {SQLITE}FILE only")
    if not Path(name).is_file():
        raise StoreError(f"there is no database {name}")
    return Path(name)


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:,.0f} MB"


class _Progress:
    """Lines on stderr, when it takes long."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = self._said = time.monotonic()

    def tick(self) -> None:
        """It goes on."""
        self.say(self._what)

    def say(self, line: str) -> None:
        """What is being done."""
        now = time.monotonic()
        if now - self._said >= _PATIENCE:
            self._said = now
            click.echo(f"{line}, {now - self._began:.0f} s so far", err=True)


def _summary(rescue: Rescue) -> list[str]:
    lines = [line for saved in rescue.tables for line in _of_table(saved)]
    if rescue.dropped:
        lines.append(f"left out: {_count(rescue.dropped, 'row')} about messages that are lost")
    if rescue.ended:
        lines.append(
            f"ended as undeliverable: {_count(rescue.ended, 'part')} of long messages that are not whole"
        )
    if rescue.log_lost:
        lines.append("lost: the write-ahead log could not be read, and with it what came last")
    return lines


def _of_table(saved: Saved) -> list[str]:
    if not (saved.rows or saved.lost or saved.pages):
        return []
    words = [f"{saved.table}: {_count(saved.rows, 'row')} saved"]
    if saved.lost:
        words.append(f"{_count(saved.lost, 'row')} lost")
    if saved.pages:
        words.append(f"{_count(saved.pages, 'page')} unreadable")
    ranges = [f"  between {_moment(low)} and {_moment(high)}" for low, high in saved.ranges]
    return [", ".join(words), *(ranges if saved.table == "messages" else ())]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _moment(message_id: int) -> str:
    """When a message with this id was taken."""
    if message_id <= 0:
        return "the beginning"
    if message_id == HIGHEST:
        return "the end"
    return datetime.fromtimestamp(taken_at(message_id) / 1000, UTC).isoformat(" ", "milliseconds")
