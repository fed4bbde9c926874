"""What makes a kind of provider: the options of its entries in the configuration, and how one is built.

The package of a provider, in this folder or anywhere else, offers a `ProviderKind` as ``KIND`` in its
``__init__.py``. See `smppbridge.providers.registry`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args, get_origin

from smppbridge.providers.base import Provider
from smppbridge.providers.options import ProviderOptions


class Build(Protocol):
    """Builds a provider: its class, mostly."""

    def __call__(self, name: str, options: Any, *, callback_url: str | None) -> Provider:
        """``name``: of its entry. ``options``: of its kind, checked. ``callback_url``: where the provider
        reaches us, with its token; None where it cannot."""


def without_callbacks(make: Callable[[str, Any], Provider]) -> Build:
    """How a provider is built that never calls us back. ``make`` gets its name and its options."""

    def build(name: str, options: Any, *, callback_url: str | None) -> Provider:
        return make(name, options)

    return build


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """One kind of provider. ``options`` names it: they have the key ``kind: Literal["NAME"]``."""

    options: type[ProviderOptions]
    build: Build

    @property
    def name(self) -> str:
        """What stands in the configuration after ``kind:``. Raises TypeError for options that do not say."""
        field = self.options.model_fields.get("kind")
        names = get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()
        if len(names) != 1 or not isinstance(names[0], str):
            raise TypeError(f'{self.options.__name__} needs kind: Literal["NAME"]')
        return names[0]
