"""Where the PDUs to explain come from: octets, a capture, or a message that a person names."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smppbridge.commands.explain.capture.formats import CaptureError, read_frames
from smppbridge.commands.explain.capture.ip import segment_of
from smppbridge.commands.explain.capture.streams import Streams
from smppbridge.commands.explain.found import FoundPdu, Remark, pdus_of
from smppbridge.commands.explain.writing import choose_coding, nobody, write_text
from smppbridge.model.account import Account
from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.fields import MAX_SHORT_MESSAGE
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.tlv import tlv

Sources = Iterator[FoundPdu | Remark]


def from_octets(octets: bytes) -> Sources:
    """The PDUs of a run of octets."""
    return pdus_of(octets)


def from_capture(path: Path, port: int | None) -> Sources:
    """The PDUs of a capture file. Raises CaptureError, OSError."""
    streams = Streams(port)
    noted: set[str] = set()
    with path.open("rb") as file:
        trouble: CaptureError | None = None
        try:
            for frame in read_frames(file):
                segment = segment_of(frame.link_type, frame.octets)
                if isinstance(segment, str):
                    if segment not in noted:
                        noted.add(segment)
                        yield Remark(segment)
                elif segment is not None:
                    yield from streams.feed(segment, frame.at)
        except CaptureError as error:
            trouble = error
    yield from streams.end()
    if trouble is not None:
        raise trouble
    if not streams.smpp:
        yield Remark("there is no SMPP in this capture" + ("" if port is None else f" on port {port}"))


@dataclass(frozen=True, slots=True)
class Fields:
    """A submit_sm as a person names it, written as the equipment of its account would."""

    to: str
    source: str = ""
    text: str | None = None  # None: `octets` are given
    octets: bytes = b""
    data_coding: int | None = None  # None: one in which the account reads the text
    account: Account | None = None  # None: an account with default settings
    others: dict[str, Any] | None = None  # further parameters of submit_sm by name

    def submit(self) -> SubmitSm:
        """The submit_sm. Raises ValueError for what it cannot hold."""
        octets, data_coding = self.octets, self.data_coding or 0
        if self.text is not None:
            account = self.account or nobody()
            if self.data_coding is None:
                data_coding = choose_coding(account, self.text)
            octets = write_text(account, self.text, data_coding)
        long = len(octets) > MAX_SHORT_MESSAGE
        return SubmitSm(
            source_addr=self.source,
            destination_addr=self.to,
            data_coding=data_coding,
            short_message=b"" if long else octets,
            tlvs=(tlv(Tag.MESSAGE_PAYLOAD, octets),) if long else (),
            sequence_number=1,
            **(self.others or {}),
        )


def from_fields(fields: Fields) -> Sources:
    """One submit_sm. Raises ValueError for what it cannot hold."""
    submit = fields.submit()
    return iter([FoundPdu(submit, encode(submit), "")])
