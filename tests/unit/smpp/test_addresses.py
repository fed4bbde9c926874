"""The lists of submit_multi: octet by octet, and cut off everywhere."""

import pytest

from smppbridge.errors import PduError
from smppbridge.smpp.addresses import (
    MAX_DESTINATIONS,
    DistributionList,
    SmeAddress,
    UnsuccessSme,
    read_destinations,
    read_failures,
    write_destinations,
    write_failures,
)

BOTH = (SmeAddress(1, 1, "375291234567"), DistributionList("guards"))
BOTH_OCTETS = b"\x02\x01\x01\x01375291234567\0\x02guards\0"
FAILED = (UnsuccessSme(1, 1, "375291234567", 0x0B), UnsuccessSme(0, 0, "", 0xFFFFFFFF))
FAILED_OCTETS = b"\x02\x01\x01375291234567\0\0\0\0\x0b\0\0\0\xff\xff\xff\xff"


def test_destinations() -> None:
    assert write_destinations(BOTH) == BOTH_OCTETS
    assert read_destinations(b"??" + BOTH_OCTETS + b"rest", 2) == (BOTH, 2 + len(BOTH_OCTETS))


def test_failures() -> None:
    assert write_failures(FAILED) == FAILED_OCTETS
    assert read_failures(b"??" + FAILED_OCTETS + b"rest", 2) == (FAILED, 2 + len(FAILED_OCTETS))
    assert (write_failures(()), read_failures(b"\0", 0)) == (b"\0", ((), 1))


@pytest.mark.parametrize("length", range(len(BOTH_OCTETS)))
def test_destinations_that_are_cut_off(length: int) -> None:
    with pytest.raises(PduError):
        read_destinations(BOTH_OCTETS[:length], 0)


@pytest.mark.parametrize("length", range(len(FAILED_OCTETS)))
def test_failures_that_are_cut_off(length: int) -> None:
    with pytest.raises(PduError):
        read_failures(FAILED_OCTETS[:length], 0)


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"\0", 0x33),
        (b"\xff" + b"\x02x\0" * 255, 0x33),
        (b"\x01\x03x\0", 0x40),
        (b"\x01\0x\0", 0x40),
        (b"\x01\x01\x01\x01" + b"1" * 21 + b"\0", 0x0B),
        (b"\x01\x02" + b"x" * 21 + b"\0", 0x34),
        (b"\x01", 0x02),
        (b"", 0x02),
    ],
)
def test_the_status_says_what_is_wrong(octets: bytes, status: int) -> None:
    with pytest.raises(PduError) as caught:
        read_destinations(octets, 0)
    assert caught.value.status == status


@pytest.mark.parametrize("count", [1, MAX_DESTINATIONS])
def test_as_many_destinations_as_there_may_be(count: int) -> None:
    destinations = (DistributionList("x" * 20),) * count
    octets = write_destinations(destinations)
    assert read_destinations(octets, 0) == (destinations, len(octets))


@pytest.mark.parametrize("count", [0, MAX_DESTINATIONS + 1])
def test_too_few_or_many_destinations_are_not_written(count: int) -> None:
    with pytest.raises(ValueError, match=f"1-254 destinations, not {count}"):
        write_destinations((DistributionList("x"),) * count)


@pytest.mark.parametrize(
    "destination",
    [SmeAddress(256, 0, "1"), SmeAddress(0, -1, "1"), SmeAddress(0, 0, "1" * 21), DistributionList("x" * 21)],
)
def test_a_destination_that_does_not_fit_is_not_written(destination: SmeAddress | DistributionList) -> None:
    with pytest.raises(ValueError):
        write_destinations((destination,))


def test_failures_that_do_not_fit_are_not_written() -> None:
    for wrong in (
        UnsuccessSme(0, 0, "1", -1),
        UnsuccessSme(0, 0, "1", 2**32),
        UnsuccessSme(0, 0, "1" * 21, 8),
    ):
        with pytest.raises(ValueError):
            write_failures((wrong,))
    assert len(write_failures((UnsuccessSme(0, 0, "", 0),) * 255)) == 1 + 255 * 7
    with pytest.raises(ValueError):
        write_failures((UnsuccessSme(0, 0, "", 0),) * 256)
