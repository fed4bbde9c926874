"""smppbridge.store.opening: which store a url means."""

from pathlib import Path

import pytest

from smppbridge.errors import StoreError
from smppbridge.store.opening import make_store
from tests.support.builders.rows import segment


async def test_sqlite_keeps_messages_in_the_file_of_its_url(tmp_path: Path) -> None:
    file, commits = tmp_path / "some.db", list[int]()
    store = make_store(f"sqlite:///{file}", lambda seconds, rows: commits.append(rows))
    assert not file.exists()
    await store.open()
    try:
        await store.add_segments([segment(1)])
    finally:
        await store.close()
    assert file.exists()
    assert commits == [1]


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite://some.db", "some.db", "postgresql://host/bridge", ""])
def test_any_other_url_means_none(url: str) -> None:
    with pytest.raises(StoreError, match="use sqlite:///FILE"):
        make_store(url, lambda seconds, rows: None)
