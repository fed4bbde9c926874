"""Which kinds of provider there are, and how one is built.

1. Every package in this folder whose ``__init__.py`` has a ``KIND``, and the sandbox.
2. Every entry point of the group `smppbridge.providers` that leads to a `ProviderKind`: providers of others,
   installed beside this project.
"""

from collections.abc import Iterator
from functools import reduce
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from operator import or_
from pkgutil import iter_modules
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from smppbridge import providers
from smppbridge.providers import sandbox
from smppbridge.providers.base import Provider
from smppbridge.providers.kind import ProviderKind
from smppbridge.providers.options import ProviderOptions

GROUP = "smppbridge.providers"  # of entry points


def _own_kinds() -> Iterator[ProviderKind]:
    yield sandbox.KIND
    for module in iter_modules(providers.__path__):
        if module.ispkg:
            kind = getattr(import_module(f"{providers.__name__}.{module.name}"), "KIND", None)
            if kind is not None:
                yield kind


def _kind_of(entry: EntryPoint) -> tuple[str, ProviderKind]:
    """The kind that somebody else's package offers, by its name. Raises whatever that package raises."""
    kind = entry.load()
    if not isinstance(kind, ProviderKind):
        raise TypeError(f"{entry.value} is no ProviderKind")
    if kind.name in KINDS:
        raise TypeError(f"there is a kind {kind.name} already")
    return kind.name, kind


def _install_others() -> None:
    """Add the providers of others. A broken one does not keep a bridge from starting that does not use it."""
    for entry in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        try:
            name, kind = _kind_of(entry)
        except Exception as error:  # the code of others may raise anything
            UNUSABLE[entry.name] = f"{type(error).__name__}: {error}"
        else:
            KINDS[name] = kind


KINDS: dict[str, ProviderKind] = {kind.name: kind for kind in _own_kinds()}
"""By what stands in the configuration after ``kind:``."""

UNUSABLE: dict[str, str] = {}
"""Entry points that lead to nothing usable, by their names, and why."""

_install_others()


class _ByKind:
    """Makes pydantic read a provider's entry as the options of the kind that its key ``kind`` names."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        union: Any = reduce(or_, (KINDS[name].options for name in sorted(KINDS)))
        return handler.generate_schema(Annotated[union, Field(discriminator="kind")])


AnyOptions = Annotated[ProviderOptions, _ByKind()]
"""The options of an entry under ``providers:``, of any kind."""


def build_provider(name: str, options: ProviderOptions, callback_url: str | None) -> Provider:
    """The provider ``name``; ``callback_url`` is where it can reach us, None where it cannot."""
    return KINDS[options.kind].build(name, options, callback_url=callback_url)
