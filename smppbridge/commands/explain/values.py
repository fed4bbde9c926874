"""The kinds of values that a report is made of; `printing` says how each of them is written.

A report is a tree of frozen dataclasses. The name of a field is its name for people and in JSON, the order of
the fields is the order in which people read them, and a field that may be left out has the default None.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from smppbridge.smpp.constants import Status, status_name

INLINE = {"inline": True}
"""Metadata of a field that is written as if the fields of its value stood in its place."""


@dataclass(frozen=True, slots=True)
class Hex:
    """A number that is written in hexadecimal."""

    number: int
    digits: int


@dataclass(frozen=True, slots=True)
class Octets:
    """Octets that are written with their number. Plain ``bytes`` are written without."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment of the bridge."""

    ms: int  # since 1970, UTC


@dataclass(frozen=True, slots=True)
class NamedStatus:
    """A command_status with its name."""

    number: int

    @property
    def known(self) -> bool:
        """Whether SMPP 3.4 or the vendor's list has it."""
        return self.number in Status._value2member_map_

    @property
    def name(self) -> str:
        """Its name in SMPP 3.4, or in the vendor's list."""
        return status_name(self.number) if self.known else "not in SMPP 3.4"


Plain = str | int | Hex | Octets | Instant | None
P_co = TypeVar("P_co", bound=Plain, covariant=True)


@dataclass(frozen=True, slots=True)
class Meant(Generic[P_co]):
    """A value and what it means."""

    value: P_co
    meaning: str


ReportValue = Plain | Meant[Plain] | NamedStatus | tuple["ReportValue", ...] | Mapping[str, "ReportValue"]
ReportValues = Mapping[str, ReportValue]


def meant(value: Plain, meaning: str) -> ReportValue:
    """``value``, with its meaning where it has one."""
    return Meant(value, meaning) if meaning else value
