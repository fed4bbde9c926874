"""The lists of submit_multi (SMPP 3.4 §4.5): its destinations, and the failed ones of its response."""

from typing import NamedTuple

from smppbridge.errors import PduError
from smppbridge.smpp.constants import Status
from smppbridge.smpp.fields import read_cstring, write_cstring

MAX_DESTINATIONS = 254  # SMPP 3.4 §5.2.24
_SME_ADDRESS, _DISTRIBUTION_LIST = 1, 2  # dest_flag, §5.2.25
_ADDRESS_LIMIT = 21
_DL_NAME_LIMIT = 21


class SmeAddress(NamedTuple):
    """One destination_addr (dest_flag 1)."""

    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: str


class DistributionList(NamedTuple):
    """A distribution list of the SMSC (dest_flag 2)."""

    dl_name: str


class UnsuccessSme(NamedTuple):
    """One destination that submit_multi failed for."""

    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: str
    error_status_code: int


Destination = SmeAddress | DistributionList


def read_destinations(raw: bytes, pos: int) -> tuple[tuple[Destination, ...], int]:
    """Read number_of_dests and the destinations: (destinations, next position).

    Raises PduError: 0x33 for number_of_dests, 0x40 for dest_flag, 0x0B for an address, 0x34 for the name of a
    list, 0x02 where they are cut off.
    """
    _need(raw, pos, 1)
    count = raw[pos]
    if not 1 <= count <= MAX_DESTINATIONS:
        raise PduError(Status.ESME_RINVNUMDESTS, f"number_of_dests {count}")
    pos += 1
    found: list[Destination] = []
    for _ in range(count):
        destination, pos = _read_destination(raw, pos)
        found.append(destination)
    return tuple(found), pos


def _read_destination(raw: bytes, pos: int) -> tuple[Destination, int]:
    _need(raw, pos, 1)
    flag = raw[pos]
    if flag == _SME_ADDRESS:
        _need(raw, pos, 3)
        ton, npi = raw[pos + 1], raw[pos + 2]
        address, pos = read_cstring(raw, pos + 3, _ADDRESS_LIMIT, Status.ESME_RINVDSTADR)
        return SmeAddress(ton, npi, address), pos
    if flag == _DISTRIBUTION_LIST:
        name, pos = read_cstring(raw, pos + 1, _DL_NAME_LIMIT, Status.ESME_RINVDLNAME)
        return DistributionList(name), pos
    raise PduError(Status.ESME_RINVDESTFLAG, f"dest_flag {flag}")


def write_destinations(destinations: tuple[Destination, ...]) -> bytes:
    """The octets of number_of_dests and the destinations. Raises ValueError unless 1 to 254 of them fit."""
    if not 1 <= len(destinations) <= MAX_DESTINATIONS:
        raise ValueError(f"1-{MAX_DESTINATIONS} destinations, not {len(destinations)}")
    return bytes((len(destinations),)) + b"".join([_write_destination(one) for one in destinations])


def _write_destination(destination: Destination) -> bytes:
    if isinstance(destination, DistributionList):
        return bytes((_DISTRIBUTION_LIST,)) + write_cstring("dl_name", destination.dl_name, _DL_NAME_LIMIT)
    ton, npi, address = destination
    return bytes((_SME_ADDRESS, ton, npi)) + write_cstring("destination_addr", address, _ADDRESS_LIMIT)


def read_failures(raw: bytes, pos: int) -> tuple[tuple[UnsuccessSme, ...], int]:
    """Read no_unsuccess and the failures: (failures, next position). Raises PduError if they are cut off."""
    _need(raw, pos, 1)
    count = raw[pos]
    pos += 1
    found: list[UnsuccessSme] = []
    for _ in range(count):
        _need(raw, pos, 2)
        ton, npi = raw[pos], raw[pos + 1]
        address, pos = read_cstring(raw, pos + 2, _ADDRESS_LIMIT, Status.ESME_RINVDSTADR)
        _need(raw, pos, 4)
        found.append(UnsuccessSme(ton, npi, address, int.from_bytes(raw[pos : pos + 4], "big")))
        pos += 4
    return tuple(found), pos


def write_failures(failures: tuple[UnsuccessSme, ...]) -> bytes:
    """The octets of no_unsuccess and the failures. Raises ValueError unless at most 255 of them fit."""
    parts = [bytes((len(failures),))]
    for ton, npi, address, code in failures:
        if not 0 <= code <= 0xFFFFFFFF:
            raise ValueError(f"error_status_code: {code} is out of range")
        parts.append(bytes((ton, npi)) + write_cstring("destination_addr", address, _ADDRESS_LIMIT))
        parts.append(code.to_bytes(4, "big"))
    return b"".join(parts)


def _need(raw: bytes, pos: int, octets: int) -> None:
    if pos + octets > len(raw):
        raise PduError(Status.ESME_RINVCMDLEN, "mandatory parameters are cut off")
