"""What `smppbridge store` prints."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from smppbridge.commands.store import command
from smppbridge.commands.store.command import _Progress, _summary, store_command
from smppbridge.errors import ConfigError, StoreError
from smppbridge.model.ids import IdSource
from smppbridge.store.sqlite.pages import HIGHEST, LOWEST
from smppbridge.store.sqlite.salvage import Rescue, Saved
from tests.support.bridge.running import config_text

NOON = round(datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp() * 1000)


def test_a_rescue_in_words() -> None:
    first, last = (IdSource().next(NOON + seconds * 1000) for seconds in (0, 9))
    tables = [
        Saved("messages", 990, 1, 2, [(LOWEST, first), (last, HIGHEST)]),
        Saved("receipts", 1, 0, 0, []),
        Saved("orphans", 0, 0, 1, [(1, 2)]),
        Saved("alerts", 0, 0, 0, []),
    ]
    assert _summary(Rescue(tables, 2, 1, log_lost=True)) == [
        "messages: 990 rows saved, 1 row lost, 2 pages unreadable",
        "  between the beginning and 2026-12-01 12:00:00.000+00:00",
        "  between 2026-12-01 12:00:09.000+00:00 and the end",
        "receipts: 1 row saved",
        "orphans: 0 rows saved, 1 page unreadable",
        "left out: 2 rows about messages that are lost",
        "ended as undeliverable: 1 part of long messages that are not whole",
        "lost: the write-ahead log could not be read, and with it what came last",
    ]


def test_progress_is_told_when_it_takes_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = _Progress("checking")
    progress.tick()
    monkeypatch.setattr(command, "_PATIENCE", 0.0)
    progress.say("messages: 5000 rows")
    assert capsys.readouterr() == ("", "messages: 5000 rows, 0 s so far\n")


def test_the_configuration_must_be_one(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text("accounts: 7", encoding="utf-8")
    run = CliRunner().invoke(store_command, ["check", "-c", str(path)])
    assert isinstance(run.exception, ConfigError)


@pytest.mark.parametrize("name", ["check", "salvage"])
def test_nothing_is_made_where_there_is_no_database(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text(config_text(""), encoding="utf-8")
    more = [str(tmp_path / "new.db")] if name == "salvage" else []
    run = CliRunner().invoke(store_command, [name, "-c", str(path), *more])
    assert isinstance(run.exception, StoreError)
    assert str(run.exception) == f"there is no database {tmp_path}/bridge.db"
    assert list(tmp_path.iterdir()) == [path]
