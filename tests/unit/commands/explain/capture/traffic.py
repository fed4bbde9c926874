"""PDUs on their way, and what is found of them in a capture."""

from collections.abc import Sequence
from pathlib import Path

from smppbridge.commands.explain.found import FoundPdu, Remark
from smppbridge.commands.explain.sources import from_capture
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import Pdu, SubmitSm


def submit(number: int, octets: int = 20) -> SubmitSm:
    text = (f"message {number} " * octets)[:octets]
    return SubmitSm(destination_addr="375291234567", short_message=text.encode(), sequence_number=number)


def stream(*pdus: Pdu) -> bytes:
    return b"".join(map(encode, pdus))


def found(path: Path, octets: bytes, port: int | None = None) -> tuple[list[FoundPdu], list[Remark]]:
    path.write_bytes(octets)
    everything = list(from_capture(path, port))
    remarks = [one for one in everything if isinstance(one, Remark)]
    return [one for one in everything if isinstance(one, FoundPdu)], remarks


def numbers(pdus: Sequence[FoundPdu]) -> list[int]:
    return [one.item.sequence_number for one in pdus]
