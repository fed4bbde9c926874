"""PDUs and texts of other implementations, read where they lie; tests must also pass without them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parents[4] / "shared" / "spec" / "vectors.jsonl"


@cache
def _all() -> list[dict[str, Any]]:
    if not _FILE.exists():
        return []
    return [json.loads(line) for line in _FILE.read_text("utf-8").splitlines()]


def vectors(*kinds: str) -> list[dict[str, Any]]:
    """The vectors of these kinds; none when the file is not there."""
    return [vector for vector in _all() if vector["kind"] in kinds]
