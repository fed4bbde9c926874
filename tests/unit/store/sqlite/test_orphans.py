"""Statuses for nobody are kept, but not any number of them."""

from pathlib import Path

import pytest

from smppbridge.model.message import State, StatusReport
from smppbridge.store.sqlite import orphans
from tests.support.bridge.failing_store import rows
from tests.support.builders.rows import NOW
from tests.support.builders.stores import store_in


async def test_the_oldest_go_where_a_provider_tells_of_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An SMSC that tells 10,000 a second would fill the disk within the day that they are kept."""
    monkeypatch.setattr(orphans, "MOST", 100)
    store = store_in(tmp_path)
    await store.open()
    for number in range(60):
        told = StatusReport(f"d{number}", int(State.DELIVERED), True, 0, "", "", (f"x{number}",))
        await store.settle("link", [told], NOW)
    await store.close()
    kept = rows(tmp_path, "SELECT provider_ref FROM orphans ORDER BY id")
    assert kept == [(f"{notation}{number}",) for number in range(10, 60) for notation in "dx"]
