"""`smppbridge send`: TON and NPI of what people type as an address."""

import pytest

from smppbridge.commands.send import number_type
from smppbridge.smpp.constants import Npi, Ton


@pytest.mark.parametrize(
    ("address", "ton", "npi"),
    [
        ("", Ton.UNKNOWN, Npi.UNKNOWN),
        ("+", Ton.ALPHANUMERIC, Npi.UNKNOWN),
        ("ALARM", Ton.ALPHANUMERIC, Npi.UNKNOWN),
        ("375 (29) 111-22-33", Ton.ALPHANUMERIC, Npi.UNKNOWN),
        ("1234", Ton.UNKNOWN, Npi.ISDN_E164),
        ("375291234567", Ton.INTERNATIONAL, Npi.ISDN_E164),
        ("+89021234567", Ton.INTERNATIONAL, Npi.ISDN_E164),
        ("84912345678", Ton.INTERNATIONAL, Npi.ISDN_E164),
        ("80291234567", Ton.UNKNOWN, Npi.ISDN_E164),  # as it is dialled in Belarus
        ("89021234567", Ton.UNKNOWN, Npi.ISDN_E164),  # in Russia
        ("00375291234567", Ton.UNKNOWN, Npi.ISDN_E164),
        ("296717259", Ton.UNKNOWN, Npi.ISDN_E164),
    ],
)
def test_by_its_characters(address: str, ton: int, npi: int) -> None:
    assert number_type(address) == (ton, npi)
