"""What is fuzzed: a module for each target, loaded only when it runs, as a fuzzer measures what it loads."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, cast

TARGETS = tuple(sorted(module.name for module in iter_modules(__path__)))


class Target(Protocol):
    """What every module here has."""

    def target(self, data: bytes) -> None:
        """Give these octets to the code under test. Raises whatever that code should not raise."""

    def seeds(self) -> Iterator[bytes]:
        """Inputs to begin with, as valid as can be."""


def load(name: str) -> Target:
    """The target of this name."""
    return cast(Target, import_module(f"{__name__}.{name}"))
