"""What an address is by its characters, and what each caller makes of that."""

import pytest

from smppbridge.commands.explain.writing import kind_of_recipient, kind_of_sender
from smppbridge.commands.send import number_type
from smppbridge.smpp.ton import AddressKind, kind_of


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("", AddressKind.EMPTY),
        ("Bank", AddressKind.NAME),
        ("7-eleven", AddressKind.NAME),
        ("+375291112233", AddressKind.NAME),
        ("375 29 1112233", AddressKind.NAME),
        ("١٢٣٤٥٦٧", AddressKind.NAME),
        ("1", AddressKind.SHORT),
        ("123456", AddressKind.SHORT),
        ("1234567", AddressKind.NUMBER),
        ("375291112233", AddressKind.NUMBER),
    ],
)
def test_kinds(address: str, kind: AddressKind) -> None:
    assert kind_of(address) is kind


def test_the_usual_types() -> None:
    assert {kind.name: kind.types for kind in AddressKind} == {
        "EMPTY": (0, 0),
        "NAME": (5, 0),
        "SHORT": (3, 1),
        "NUMBER": (1, 1),
    }


@pytest.mark.parametrize(
    ("address", "typed", "sender", "recipient"),
    [
        ("", (0, 0), (0, 0), (0, 1)),
        ("+", (5, 0), (5, 0), (1, 1)),
        ("Bank", (5, 0), (5, 0), (0, 1)),
        ("1234", (0, 1), (0, 1), (0, 1)),
        ("375291112233", (1, 1), (0, 1), (0, 1)),
        ("80291112233", (0, 1), (0, 1), (0, 1)),
        ("+375291112233", (1, 1), (1, 1), (1, 1)),
        ("375 (29) 111-22-33", (5, 0), (0, 1), (0, 1)),
    ],
)
def test_who_differs(
    address: str, typed: tuple[int, int], sender: tuple[int, int], recipient: tuple[int, int]
) -> None:
    """`smppbridge send` types numbers as a person dials them, `explain` as most equipment sends them."""
    assert number_type(address) == typed
    assert kind_of_sender(address) == sender
    assert kind_of_recipient(address) == recipient
