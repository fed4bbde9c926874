"""Bridges whose workers pause for less long than those of people do."""

from functools import partial
from typing import Any

import pytest


def build_with(monkeypatch: pytest.MonkeyPatch, part: type, **keys: Any) -> None:
    """From now on new bridges build this part of theirs with these arguments, in place of its defaults."""
    monkeypatch.setattr(f"smppbridge.app.{part.__name__}", partial(part, **keys))
