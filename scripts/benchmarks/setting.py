"""What every benchmark is told: how much, where, and whose bridge."""

import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FILL = 1_000_000
ROUNDS = 3

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Tree:
    """A checkout of the project, and an interpreter that has the packages it needs."""

    name: str
    root: Path
    python: str

    def environment(self) -> dict[str, str]:
        """For a child process, in which smppbridge is the one of this tree, whatever is installed."""
        return os.environ | {"PYTHONPATH": str(self.root)}


HERE = Tree("working tree", ROOT, sys.executable)


@dataclass(frozen=True, slots=True)
class Setting:
    """``messages``: 0 for what suits the benchmark; ``directory``: where the databases lie, None for the
    usual temporary directory; ``fill``: messages in the databases of `growth`; ``rounds``: how often it
    measures each."""

    messages: int = 0
    directory: Path | None = None
    fill: int = FILL
    rounds: int = ROUNDS
    tree: Tree = field(default=HERE)


Benchmark = Callable[[Setting], Coroutine[Any, Any, Figures]]
