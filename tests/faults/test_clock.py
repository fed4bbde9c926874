"""A bridge that was stopped four days ago, or whose clock is wrong: nobody can tell, so nothing is lost."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.attack.rig import Attacked, attacked
from tests.support.bridge.running import eventually
from tests.support.esme.esme import Esme, submit

_FOUR_DAYS = 4 * 86_400_000  # ms: longer than receipts are kept


async def test_a_start_with_a_clock_four_days_ahead_keeps_the_receipts(tmp_path: Path) -> None:
    async with attacked(tmp_path) as bridge:
        async with await Esme.bound(bridge.smpp_port, kind="TX") as esme:
            for _ in range(5):
                await esme.submit(submit())
        await owed(bridge, 5)
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as store, store:
        for column in ("messages.submitted_at", "messages.deadline", "receipts.at", "receipts.due_at"):
            table, name = column.split(".")
            store.execute(f"UPDATE {table} SET {name} = {name} - {_FOUR_DAYS}")
        store.execute(f"UPDATE counters SET value = value - {_FOUR_DAYS} WHERE name = 'clock'")
    async with attacked(tmp_path) as bridge:
        assert await bridge.metric("clock_suspect") == 1
        assert [line for line in bridge.log_lines if line.startswith("the clock is far from")]
        await bridge.heart.beat(2)
        async with await Esme.bound(bridge.smpp_port) as esme:
            await esme.receipts(5)
        await bridge.heart.is_well()


async def owed(bridge: Attacked, count: int) -> None:
    """Return when so many receipts are on disk."""

    def there() -> bool:
        with closing(sqlite3.connect(bridge.directory / "bridge.db")) as store:
            (found,) = store.execute("SELECT count(*) FROM receipts WHERE account = 'pbx'").fetchone()
            return bool(found == count)

    await eventually(there)
