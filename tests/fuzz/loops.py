"""One event loop for all inputs of a target, on which nothing waits for real time."""

from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

from tests.support.system.virtual_time import VirtualTimeLoop

T = TypeVar("T")


@cache
def _loop() -> VirtualTimeLoop:
    return VirtualTimeLoop()


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``."""
    return _loop().run_until_complete(work)
