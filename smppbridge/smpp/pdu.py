"""One class per PDU of SMPP 3.4. The class body declares the body of the PDU (§4).

1. Attributes have their names of the specification, and stand in the order of the wire.
2. Lengths and counts (sm_length, number_of_dests, no_unsuccess) have no attributes: they follow from the
   values.
3. Every attribute has a default. A response that came without a body has all defaults: its message_id is "".
4. Unknown values of known parameters stay as they came.

The classes are not frozen: a frozen instance takes four times as long to make, and the session sets
`sequence_number`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

from smppbridge.smpp.addresses import (
    Destination,
    UnsuccessSme,
    read_destinations,
    read_failures,
    write_destinations,
    write_failures,
)
from smppbridge.smpp.constants import Command, Status
from smppbridge.smpp.fields import Layout, block, cstring, octets, secret, u1
from smppbridge.smpp.tlv import Tlv, tlv_value

# command_status for a text that has no NUL within its limit.
_SOURCE, _DESTINATION = Status.ESME_RINVSRCADR, Status.ESME_RINVDSTADR
_SCHEDULE, _EXPIRY = Status.ESME_RINVSCHED, Status.ESME_RINVEXPIRY
_SERVICE, _MESSAGE_ID = Status.ESME_RINVSERTYP, Status.ESME_RINVMSGID


@dataclass(slots=True)
class Pdu:
    """What all PDUs have: parameters of the header, and the TLVs as raw pairs in the order of the wire.

    `bodiless`: an error comes without the body. Other responses have their body always: OpenSMPP,
    smpp.twisted, gosmpp and cloudhopper cannot read them without.
    """

    command_id: ClassVar[int]
    is_response: ClassVar[bool]
    bodiless: ClassVar[bool] = False
    layout: ClassVar[Layout]

    tlvs: tuple[Tlv, ...] = field(default=(), kw_only=True)
    command_status: int = field(default=0, kw_only=True)
    sequence_number: int = field(default=0, kw_only=True)

    def tlv(self, tag: int) -> int | str | bytes | None:
        """The value of the first TLV with this tag, in the tag's own type. None when there is no such TLV."""
        for found, value in self.tlvs:
            if found == tag:
                return tlv_value(tag, value)
        return None


@dataclass(slots=True)
class Response(Pdu):
    """The answer to a request. `command_status` is 0, or tells what went wrong."""

    is_response: ClassVar[bool] = True


@dataclass(slots=True)
class Request(Pdu):
    """A PDU that is no response. `response`: the class of its response, None where there is none."""

    is_response: ClassVar[bool] = False
    response: ClassVar[type[Response] | None] = None


PDUS: dict[int, type[Pdu]] = {}  # by command_id

P = TypeVar("P", bound=Pdu)


def _wire(command: Command, response: type[Response] | None = None) -> Callable[[type[P]], type[P]]:
    """Enter a class into PDUS with its command_id and the class of its response."""

    def enter(cls: type[P]) -> type[P]:
        cls.command_id = int(command)
        cls.layout = Layout(cls)
        if issubclass(cls, Request):
            cls.response = response
        PDUS[int(command)] = cls
        return cls

    return enter


@_wire(Command.GENERIC_NACK)
@dataclass(slots=True)
class GenericNack(Response):
    """§4.3.1. Refuses a PDU whose response is unknown."""


@dataclass(slots=True)
class BindResp(Response):
    """§4.1.2, §4.1.4, §4.1.6. `system_id` names the SMSC."""

    bodiless = True

    system_id: str = cstring(16, error=Status.ESME_RINVSYSID)


@_wire(Command.BIND_TRANSMITTER_RESP)
@dataclass(slots=True)
class BindTransmitterResp(BindResp):
    """§4.1.2."""


@_wire(Command.BIND_RECEIVER_RESP)
@dataclass(slots=True)
class BindReceiverResp(BindResp):
    """§4.1.4."""


@_wire(Command.BIND_TRANSCEIVER_RESP)
@dataclass(slots=True)
class BindTransceiverResp(BindResp):
    """§4.1.6. gosmpp and libsmpp34 read no refusal without system_id, gosmpp none of the others with it."""

    bodiless = False


@dataclass(slots=True)
class Bind(Request):
    """§4.1. A password has at most 8 characters in the specification, and up to 64 on live systems."""

    response: ClassVar[type[BindResp]]

    system_id: str = cstring(16, error=Status.ESME_RINVSYSID)
    password: str = secret(65, error=Status.ESME_RINVPASWD)
    system_type: str = cstring(13, error=Status.ESME_RINVSYSTYP)
    interface_version: int = u1()
    addr_ton: int = u1()
    addr_npi: int = u1()
    address_range: str = cstring(41, omissible=True)  # some clients stop one octet early


@_wire(Command.BIND_TRANSMITTER, BindTransmitterResp)
@dataclass(slots=True)
class BindTransmitter(Bind):
    """§4.1.1. The ESME will submit."""


@_wire(Command.BIND_RECEIVER, BindReceiverResp)
@dataclass(slots=True)
class BindReceiver(Bind):
    """§4.1.3. The ESME will receive."""


@_wire(Command.BIND_TRANSCEIVER, BindTransceiverResp)
@dataclass(slots=True)
class BindTransceiver(Bind):
    """§4.1.5. The ESME will do both."""


@_wire(Command.OUTBIND)
@dataclass(slots=True)
class Outbind(Request):
    """§4.1.7. An SMSC asks an ESME to bind. There is no response: the ESME binds."""

    system_id: str = cstring(16, error=Status.ESME_RINVSYSID)
    password: str = secret(65, error=Status.ESME_RINVPASWD)


@_wire(Command.UNBIND_RESP)
@dataclass(slots=True)
class UnbindResp(Response):
    """§4.2.2."""


@_wire(Command.UNBIND, UnbindResp)
@dataclass(slots=True)
class Unbind(Request):
    """§4.2.1."""


@_wire(Command.ENQUIRE_LINK_RESP)
@dataclass(slots=True)
class EnquireLinkResp(Response):
    """§4.11.2."""


@_wire(Command.ENQUIRE_LINK, EnquireLinkResp)
@dataclass(slots=True)
class EnquireLink(Request):
    """§4.11.1. Asks whether the peer is still there."""


@_wire(Command.SUBMIT_SM_RESP)
@dataclass(slots=True)
class SubmitSmResp(Response):
    """§4.4.2. Send no TLVs in it: some clients take them for a part of the message_id."""

    bodiless = True

    message_id: str = cstring(65, error=_MESSAGE_ID)


@_wire(Command.DELIVER_SM_RESP)
@dataclass(slots=True)
class DeliverSmResp(Response):
    """§4.6.2. message_id is unused, but some peers fill it."""

    message_id: str = cstring(65, error=_MESSAGE_ID)


@dataclass(slots=True)
class _ShortMessage(Request):
    """The parameters that submit_sm and deliver_sm share."""

    service_type: str = cstring(6, error=_SERVICE)
    source_addr_ton: int = u1()
    source_addr_npi: int = u1()
    source_addr: str = cstring(21, error=_SOURCE)
    dest_addr_ton: int = u1()
    dest_addr_npi: int = u1()
    destination_addr: str = cstring(21, error=_DESTINATION)
    esm_class: int = u1()
    protocol_id: int = u1()
    priority_flag: int = u1()
    schedule_delivery_time: str = cstring(17, error=_SCHEDULE)
    validity_period: str = cstring(17, error=_EXPIRY)
    registered_delivery: int = u1()
    replace_if_present_flag: int = u1()
    data_coding: int = u1()
    sm_default_msg_id: int = u1()
    short_message: bytes = octets()


@_wire(Command.SUBMIT_SM, SubmitSmResp)
@dataclass(slots=True)
class SubmitSm(_ShortMessage):
    """§4.4.1. An ESME hands over a message."""


@_wire(Command.DELIVER_SM, DeliverSmResp)
@dataclass(slots=True)
class DeliverSm(_ShortMessage):
    """§4.6.1. An SMSC hands over a message or a receipt. Times, replace flag and default id are unused."""


@_wire(Command.SUBMIT_MULTI_RESP)
@dataclass(slots=True)
class SubmitMultiResp(Response):
    """§4.5.2."""

    message_id: str = cstring(65, error=_MESSAGE_ID)
    unsuccess_sme: tuple[UnsuccessSme, ...] = block(read_failures, write_failures, ())


@_wire(Command.SUBMIT_MULTI, SubmitMultiResp)
@dataclass(slots=True)
class SubmitMulti(Request):
    """§4.5.1. One message for 1-254 destinations."""

    service_type: str = cstring(6, error=_SERVICE)
    source_addr_ton: int = u1()
    source_addr_npi: int = u1()
    source_addr: str = cstring(21, error=_SOURCE)
    dest_address: tuple[Destination, ...] = block(read_destinations, write_destinations, ())
    esm_class: int = u1()
    protocol_id: int = u1()
    priority_flag: int = u1()
    schedule_delivery_time: str = cstring(17, error=_SCHEDULE)
    validity_period: str = cstring(17, error=_EXPIRY)
    registered_delivery: int = u1()
    replace_if_present_flag: int = u1()
    data_coding: int = u1()
    sm_default_msg_id: int = u1()
    short_message: bytes = octets()


@_wire(Command.DATA_SM_RESP)
@dataclass(slots=True)
class DataSmResp(Response):
    """§4.7.2."""

    message_id: str = cstring(65, error=_MESSAGE_ID)


@_wire(Command.DATA_SM, DataSmResp)
@dataclass(slots=True)
class DataSm(Request):
    """§4.7.1. The text is in the TLV message_payload. Addresses may have 64 characters."""

    service_type: str = cstring(6, error=_SERVICE)
    source_addr_ton: int = u1()
    source_addr_npi: int = u1()
    source_addr: str = cstring(65, error=_SOURCE)
    dest_addr_ton: int = u1()
    dest_addr_npi: int = u1()
    destination_addr: str = cstring(65, error=_DESTINATION)
    esm_class: int = u1()
    registered_delivery: int = u1()
    data_coding: int = u1()


@_wire(Command.QUERY_SM_RESP)
@dataclass(slots=True)
class QuerySmResp(Response):
    """§4.8.2. `final_date` is empty while the state is not final."""

    message_id: str = cstring(65, error=_MESSAGE_ID)
    final_date: str = cstring(17)
    message_state: int = u1()
    error_code: int = u1()


@_wire(Command.QUERY_SM, QuerySmResp)
@dataclass(slots=True)
class QuerySm(Request):
    """§4.8.1."""

    message_id: str = cstring(65, error=_MESSAGE_ID)
    source_addr_ton: int = u1()
    source_addr_npi: int = u1()
    source_addr: str = cstring(21, error=_SOURCE)


@_wire(Command.CANCEL_SM_RESP)
@dataclass(slots=True)
class CancelSmResp(Response):
    """§4.9.2."""


@_wire(Command.CANCEL_SM, CancelSmResp)
@dataclass(slots=True)
class CancelSm(Request):
    """§4.9.1. An empty message_id cancels all messages between the two addresses."""

    service_type: str = cstring(6, error=_SERVICE)
    message_id: str = cstring(65, error=_MESSAGE_ID)
    source_addr_ton: int = u1()
    source_addr_npi: int = u1()
    source_addr: str = cstring(21, error=_SOURCE)
    dest_addr_ton: int = u1()
    dest_addr_npi: int = u1()
    destination_addr: str = cstring(21, error=_DESTINATION)


@_wire(Command.REPLACE_SM_RESP)
@dataclass(slots=True)
class ReplaceSmResp(Response):
    """§4.10.2."""


@_wire(Command.REPLACE_SM, ReplaceSmResp)
@dataclass(slots=True)
class ReplaceSm(Request):
    """§4.10.1. It has neither service_type nor data_coding."""

    message_id: str = cstring(65, error=_MESSAGE_ID)
    source_addr_ton: int = u1()
    source_addr_npi: int = u1()
    source_addr: str = cstring(21, error=_SOURCE)
    schedule_delivery_time: str = cstring(17, error=_SCHEDULE)
    validity_period: str = cstring(17, error=_EXPIRY)
    registered_delivery: int = u1()
    sm_default_msg_id: int = u1()
    short_message: bytes = octets()


@_wire(Command.ALERT_NOTIFICATION)
@dataclass(slots=True)
class AlertNotification(Request):
    """§4.12.1. A phone can be reached again. It has no response."""

    source_addr_ton: int = u1()
    source_addr_npi: int = u1()
    source_addr: str = cstring(65, error=_SOURCE)
    esme_addr_ton: int = u1()
    esme_addr_npi: int = u1()
    esme_addr: str = cstring(65, error=_DESTINATION)
