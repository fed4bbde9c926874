"""Octets to PDUs and back (SMPP 3.4 §3.2): framing, header, and the answer to malformed PDUs.

`Decoder` never raises on input. It returns PDUs, and a ProtocolError in the place of each malformed one. The
`status` of the error is the command_status that the peer should get.
"""

import struct
from functools import lru_cache
from typing import Any

from smppbridge.errors import FramingError, PduError
from smppbridge.smpp.constants import RESPONSE_BIT, Status
from smppbridge.smpp.fields import HEADER_OCTETS, Plan, read_body
from smppbridge.smpp.pdu import PDUS, Pdu, SubmitMulti
from smppbridge.smpp.tlv import Tlv, read_tlvs, write_tlvs

_COUNTED_BITS = 8  # 1 << 8 octets of a PDU count as another PDU
HEADER = struct.Struct(">IIII")  # command_length, command_id, command_status, sequence_number
_LENGTH = struct.Struct(">I")

Item = Pdu | PduError | FramingError

_Readers = dict[int, tuple[type[Pdu], Plan]]


def encode(pdu: Pdu) -> bytes:
    """The octets of `pdu`. Raises ValueError that names the parameter that does not fit.

    A response with an error status is written without a body where the specification says so
    (`Pdu.bodiless`) and all its parameters are at their defaults.
    """
    layout = pdu.layout
    status = pdu.command_status
    bodiless = status and pdu.bodiless and not pdu.tlvs and layout.is_default(pdu)
    body = b"" if bodiless else layout.write(pdu)
    if pdu.tlvs:
        body += write_tlvs(pdu.tlvs)
    return encode_header(pdu.command_id, status, pdu.sequence_number, len(body)) + body


def encode_header(command_id: int, status: int, sequence_number: int, body_octets: int = 0) -> bytes:
    """The 16 octets of a header: a whole PDU where there is no body.

    Raises ValueError for numbers of more than 32 bits.
    """
    try:
        return HEADER.pack(HEADER_OCTETS + body_octets, command_id, status, sequence_number)
    except struct.error:
        raise ValueError(
            f"command_status {status} or sequence_number {sequence_number}: over 32 bits"
        ) from None


@lru_cache(maxsize=8)
def _readers(lenient: bool, password_max: int) -> _Readers:
    """Class and reading plan by command_id. A response is never refused because a text is too long."""
    limits = {"password": password_max}
    return {
        command_id: (cls, cls.layout.plan(lenient=lenient or cls.is_response, limits=limits))
        for command_id, cls in PDUS.items()
    }


class Decoder:
    """The receiving end of one connection.

    1. `max_octets`: the largest command_length that is accepted.
    2. `lenient`: accept texts that are too long, and damaged TLVs. We are lenient as an ESME, because what an
       SMSC sends must not be lost.
    3. `password_max`: octets of a password with its NUL. 9 in the specification, more on live systems.
    4. `most`: about so many PDUs are returned at once; 0 = any number. Each destination of a submit_multi
       counts as a PDU, and so do 256 octets.
    """

    def __init__(
        self, *, max_octets: int = 65536, lenient: bool = False, password_max: int = 65, most: int = 0
    ) -> None:
        self._max_octets = max_octets
        self._lenient = lenient
        self._most = most
        self._readers = _readers(lenient, password_max)
        self._rest = bytearray()  # the start of a PDU whose end has not come yet
        self._need = _LENGTH.size  # octets of `_rest` that make it worth looking again
        self._lost = False
        self.behind = False  # `most` was reached, and octets are left: another `feed` returns more

    def feed(self, data: bytes) -> list[Item]:
        """All PDUs that `data` completes, in order, up to `most`. A malformed PDU is a PduError in its place.

        After a FramingError (command_length below 16 or over the limit) nothing more can be read: it is the
        last item, and later calls return []. It is found as soon as the 4 octets of the length are there.
        """
        if self._lost:
            return []
        if self._rest:
            self._rest += data
            if len(self._rest) < self._need:
                return []
            data = bytes(self._rest)
            self._rest.clear()
        items: list[Item] = []
        pos = 0
        size = len(data)
        left = self._most or size
        self.behind = False
        while size - pos >= _LENGTH.size:
            if left <= 0:
                self.behind = True
                self._need = 0
                break
            (length,) = _LENGTH.unpack_from(data, pos)
            if not HEADER_OCTETS <= length <= self._max_octets:
                self._lost = True
                items.append(FramingError(Status.ESME_RINVCMDLEN, f"command_length {length}"))
                return items
            end = pos + length
            if end > size:
                self._need = length
                break
            item = self._decode(data[pos:end])
            items.append(item)
            pos = end
            left -= 1 + (length >> _COUNTED_BITS)
            if type(item) is SubmitMulti:
                left -= len(item.dest_address)
        else:
            self._need = _LENGTH.size
        self._rest += memoryview(data)[pos:]
        return items

    def first(self, data: bytes) -> Item | None:
        """The first PDU, as `feed` returns it; None when it is not complete yet. What is behind it is kept,
        and not looked at before the next call of this or of `feed`."""
        self._rest += data
        if self._lost or len(self._rest) < self._need:
            return None
        (length,) = _LENGTH.unpack_from(self._rest)
        if not HEADER_OCTETS <= length <= self._max_octets:
            self._lost = True
            return FramingError(Status.ESME_RINVCMDLEN, f"command_length {length}")
        if length > len(self._rest):
            self._need = length
            return None
        raw = bytes(self._rest[:length])
        del self._rest[:length]
        self._need = _LENGTH.size
        return self._decode(raw)

    def keep(self, data: bytes) -> None:
        """Take octets for a later call."""
        self._rest += data

    @property
    def kept(self) -> int:
        """How many octets are kept for the next call."""
        return len(self._rest)

    def _decode(self, raw: bytes) -> Pdu | PduError:
        """Decode one complete PDU."""
        _, command_id, status, sequence_number = HEADER.unpack_from(raw)
        reader = self._readers.get(command_id)
        if reader is None:
            reason = f"unknown command_id 0x{command_id:08X}"
            return PduError(Status.ESME_RINVCMDID, reason, command_id, sequence_number)
        cls, plan = reader
        values: list[Any] = []
        tlvs: tuple[Tlv, ...] = ()
        # Octets behind the header of a PDU without a body mean nothing (§3.2); php-smpp sends some.
        if plan and (len(raw) > HEADER_OCTETS or not command_id & RESPONSE_BIT):
            try:
                pos = read_body(plan, raw, values)
                if pos < len(raw):
                    tlvs = read_tlvs(raw, pos, tolerant=self._lenient or cls.is_response)
            except PduError as error:
                # A response ends its request even if its body is malformed: keep what could be read.
                if not cls.is_response:
                    error.command_id, error.sequence_number = command_id, sequence_number
                    return error
        return cls(*values, tlvs=tlvs, command_status=status, sequence_number=sequence_number)
