"""TON and NPI (SMPP 3.4 §5.2.5, §5.2.6) guessed from an address, where nobody tells them."""

from enum import Enum

from smppbridge.smpp.constants import Npi, Ton

SHORT_NUMBER = 6  # digits of a service number, at most; a telephone number has more


class AddressKind(Enum):
    """What an address is by its characters, with the TON and NPI that the network itself would give it."""

    EMPTY = (Ton.UNKNOWN, Npi.UNKNOWN)
    NAME = (Ton.ALPHANUMERIC, Npi.UNKNOWN)
    SHORT = (Ton.NETWORK_SPECIFIC, Npi.ISDN_E164)  # a service number: it belongs to one network
    NUMBER = (Ton.INTERNATIONAL, Npi.ISDN_E164)

    def __init__(self, ton: Ton, npi: Npi) -> None:
        self.types: tuple[int, int] = (ton, npi)


def kind_of(address: str) -> AddressKind:
    """The kind of ``address``: digits alone are a number, anything else is a name.

    A "+" or separators make a name of it: callers whose people write numbers so remove them before.
    """
    if not address:
        return AddressKind.EMPTY
    if not (address.isascii() and address.isdigit()):
        return AddressKind.NAME
    return AddressKind.SHORT if len(address) <= SHORT_NUMBER else AddressKind.NUMBER
