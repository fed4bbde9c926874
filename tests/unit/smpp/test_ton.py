"""What an address is by its characters."""

import pytest

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
