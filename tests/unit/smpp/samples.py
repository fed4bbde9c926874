"""PDUs written by hand, octet by octet, with what they mean: the codec's specification in examples.

`wire` only puts a header in front; the bodies are literal, so that nothing here depends on the codec.
"""

from smppbridge.smpp import pdu as p
from smppbridge.smpp.addresses import DistributionList, SmeAddress, UnsuccessSme


def wire(command_id: int, body: bytes = b"", *, status: int = 0, number: int = 1) -> bytes:
    """A whole PDU."""
    words = (16 + len(body), command_id, status, number)
    return b"".join([word.to_bytes(4, "big") for word in words]) + body


BIND_BODY = b"pbx\0secret\0VMS\0\x34\x01\x02^375\0"
SOURCE = b"\x05\x00ALARM\0"
DESTINATION = b"\x01\x01375291234567\0"
SUBMIT_HEAD = b"CMT\0" + SOURCE + DESTINATION + b"\x03\x00\x02"  # up to priority_flag
SUBMIT_TAIL = b"\x01\x00\x08\x00"  # registered_delivery .. sm_default_msg_id
SUBMIT_BODY = SUBMIT_HEAD + b"\0" + b"000000001000000R\0" + SUBMIT_TAIL + b"\x04\x04\x1f\x04\x40"
PLAIN_SUBMIT = b"\0\0\0\0\x01\x01123\0\0\0\0\0\0\x01\0\0\0"  # up to sm_default_msg_id: from nobody to 123
ADDRESSES = {
    "source_addr_ton": 5,
    "source_addr": "ALARM",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": "375291234567",
}

BIND = {
    "system_id": "pbx",
    "password": "secret",
    "system_type": "VMS",
    "interface_version": 0x34,
    "addr_ton": 1,
    "addr_npi": 2,
    "address_range": "^375",
}

SUBMIT = {
    "service_type": "CMT",
    **ADDRESSES,
    "esm_class": 3,
    "priority_flag": 2,
    "validity_period": "000000001000000R",
    "registered_delivery": 1,
    "data_coding": 8,
    "short_message": b"\x04\x1f\x04\x40",
}


def _make(cls: type[p.Pdu], **values: object) -> p.Pdu:
    made = cls(sequence_number=1)
    for name, value in values.items():
        assert hasattr(made, name)
        setattr(made, name, value)
    return made


# Read and written alike.
SAMPLES: list[tuple[bytes, p.Pdu]] = [
    (bytes.fromhex("00000010 80000000 00000003 00000001"), _make(p.GenericNack, command_status=3)),
    (wire(0x00000001, BIND_BODY), _make(p.BindReceiver, **BIND)),
    (wire(0x00000002, BIND_BODY), _make(p.BindTransmitter, **BIND)),
    (wire(0x00000009, BIND_BODY), _make(p.BindTransceiver, **BIND)),
    (wire(0x80000001, b"centre\0"), _make(p.BindReceiverResp, system_id="centre")),
    (wire(0x80000002, b"\0"), _make(p.BindTransmitterResp)),
    (wire(0x80000002, b"", status=0x0D), _make(p.BindTransmitterResp, command_status=0x0D)),
    (
        wire(0x80000009, b"centre\0\x02\x10\x00\x01\x34"),
        _make(p.BindTransceiverResp, system_id="centre", tlvs=((0x0210, b"\x34"),)),
    ),
    (wire(0x0000000B, b"centre\0secret\0"), _make(p.Outbind, system_id="centre", password="secret")),
    (wire(0x00000006), _make(p.Unbind)),
    (wire(0x80000006), _make(p.UnbindResp)),
    (wire(0x00000015), _make(p.EnquireLink)),
    (wire(0x80000015), _make(p.EnquireLinkResp)),
    (wire(0x00000004, SUBMIT_BODY), _make(p.SubmitSm, **SUBMIT)),
    (
        wire(0x00000004, PLAIN_SUBMIT + b"\0\x04\x24\x00\x02hi\x02\x04\x00\x02\x01\x00"),
        _make(
            p.SubmitSm,
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr="123",
            registered_delivery=1,
            tlvs=((0x0424, b"hi"), (0x0204, b"\x01\x00")),
        ),
    ),
    (wire(0x80000004, b"1234567890\0"), _make(p.SubmitSmResp, message_id="1234567890")),
    (wire(0x80000004, b"\0"), _make(p.SubmitSmResp)),
    (wire(0x80000004, b"", status=0x58), _make(p.SubmitSmResp, command_status=0x58)),
    (wire(0x80000004, b"7\0", status=0x0B), _make(p.SubmitSmResp, command_status=0x0B, message_id="7")),
    (wire(0x00000005, SUBMIT_BODY), _make(p.DeliverSm, **SUBMIT)),
    (
        wire(0x00000005, SUBMIT_BODY + b"\x00\x1e\x00\x0342\0\x04\x27\x00\x01\x02"),
        _make(p.DeliverSm, **SUBMIT, tlvs=((0x001E, b"42\0"), (0x0427, b"\x02"))),
    ),
    (wire(0x80000005, b"\0"), _make(p.DeliverSmResp)),
    (
        wire(
            0x00000021,
            b"\0" + SOURCE + b"\x02\x01\x01\x01375\0\x02staff\0" + b"\0\0\0\0\0\0\0\0\0\x02hi",
        ),
        _make(
            p.SubmitMulti,
            source_addr_ton=5,
            source_addr="ALARM",
            dest_address=(SmeAddress(1, 1, "375"), DistributionList("staff")),
            short_message=b"hi",
        ),
    ),
    (
        wire(0x80000021, b"id\0\x01\x01\x01375\0\x00\x00\x00\x0b"),
        _make(p.SubmitMultiResp, message_id="id", unsuccess_sme=(UnsuccessSme(1, 1, "375", 0x0B),)),
    ),
    (wire(0x80000021, b"id\0\0"), _make(p.SubmitMultiResp, message_id="id")),
    (
        wire(0x00000103, b"WAP\0" + SOURCE + DESTINATION + b"\x00\x01\x04\x04\x24\x00\x00"),
        _make(
            p.DataSm,
            service_type="WAP",
            **ADDRESSES,
            registered_delivery=1,
            data_coding=4,
            tlvs=((0x0424, b""),),
        ),
    ),
    (
        wire(0x00000103, b"\0\0\0" + b"s" * 64 + b"\0\0\0" + b"d" * 64 + b"\0\0\0\0"),
        _make(p.DataSm, source_addr="s" * 64, destination_addr="d" * 64),
    ),
    (wire(0x80000103, b"id\0"), _make(p.DataSmResp, message_id="id")),
    (
        wire(0x80000103, b"\0\x04\x25\x00\x01\x02", status=0xFE),
        _make(p.DataSmResp, command_status=0xFE, tlvs=((0x0425, b"\x02"),)),
    ),
    (
        wire(0x00000003, b"id\0" + SOURCE),
        _make(p.QuerySm, message_id="id", source_addr_ton=5, source_addr="ALARM"),
    ),
    (
        wire(0x80000003, b"id\x00261121082000000+\0\x02\x00"),
        _make(p.QuerySmResp, message_id="id", final_date="261121082000000+", message_state=2),
    ),
    (
        wire(0x00000008, b"CMT\0id\0" + SOURCE + DESTINATION),
        _make(p.CancelSm, service_type="CMT", message_id="id", **ADDRESSES),
    ),
    (wire(0x80000008, status=0x11), _make(p.CancelSmResp, command_status=0x11)),
    (
        wire(0x00000007, b"id\0" + SOURCE + b"\0\0\x01\x07\x03new"),
        _make(
            p.ReplaceSm,
            message_id="id",
            source_addr_ton=5,
            source_addr="ALARM",
            registered_delivery=1,
            sm_default_msg_id=7,
            short_message=b"new",
        ),
    ),
    (wire(0x80000007), _make(p.ReplaceSmResp)),
    (
        wire(0x00000102, b"\x01\x02" + b"s" * 64 + b"\0\x03\x04pbx\0\x04\x22\x00\x01\x00"),
        _make(
            p.AlertNotification,
            source_addr_ton=1,
            source_addr_npi=2,
            source_addr="s" * 64,
            esme_addr_ton=3,
            esme_addr_npi=4,
            esme_addr="pbx",
            tlvs=((0x0422, b"\x00"),),
        ),
    ),
]

_SHORT = _make(
    p.SubmitSm,
    dest_addr_ton=1,
    dest_addr_npi=1,
    destination_addr="123",
    registered_delivery=1,
    short_message=b"hi",
)
_SAR = ((0x020C, b"\x00\x07"), (0x020E, b"\x02"), (0x020F, b"\x01"))
_SAR_OCTETS = b"\x02\x0c\x00\x02\x00\x07\x02\x0e\x00\x01\x02\x02\x0f\x00\x01\x01"

# Read although they are wrong, or not as we would write them.
TOLERATED: list[tuple[str, bytes, p.Pdu]] = [
    ("a success without a body", wire(0x80000004), _make(p.SubmitSmResp)),
    ("an id without its NUL", wire(0x80000004, b"12"), _make(p.SubmitSmResp)),
    (
        "an id of 70 characters",
        wire(0x80000004, b"7" * 70 + b"\0"),
        _make(p.SubmitSmResp, message_id="7" * 70),
    ),
    (
        "a refusal with one NUL",
        wire(0x80000009, b"\0", status=14),
        _make(p.BindTransceiverResp, command_status=14),
    ),
    (
        "half a query_sm_resp",
        wire(0x80000003, b"id\0\0\x02"),
        _make(p.QuerySmResp, message_id="id", message_state=2),
    ),
    (
        "a cut list of failures",
        wire(0x80000021, b"id\0\x02\x01\x01375\0\0\0\0\x0b"),
        _make(p.SubmitMultiResp, message_id="id"),
    ),
    (
        "a cut TLV in a response",
        wire(0x80000009, b"c\0\x02\x10\x00\x01\x34\x14\x00\x00\x05ab"),
        _make(p.BindTransceiverResp, system_id="c", tlvs=((0x0210, b"\x34"),)),
    ),
    ("a stray octet without a body", wire(0x80000015, b"\0"), _make(p.EnquireLinkResp)),
    ("octets behind enquire_link", wire(0x00000015, b"\x04\x24\x00"), _make(p.EnquireLink)),
    ("a stray NUL at the end", wire(0x00000004, PLAIN_SUBMIT + b"\x02hi\0"), _SHORT),
    ("three stray octets at the end", wire(0x00000004, PLAIN_SUBMIT + b"\x02hi\xff\xfe\xfd"), _SHORT),
    (
        "a stray NUL in front of TLVs",
        wire(0x00000004, PLAIN_SUBMIT + b"\x02hi\0" + _SAR_OCTETS),
        _make(
            p.SubmitSm,
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr="123",
            registered_delivery=1,
            short_message=b"hi",
            tlvs=_SAR,
        ),
    ),
    (
        "stray octets behind TLVs",
        wire(0x00000004, PLAIN_SUBMIT + b"\x02hi" + _SAR_OCTETS + b"\0\0"),
        _make(
            p.SubmitSm,
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr="123",
            registered_delivery=1,
            short_message=b"hi",
            tlvs=_SAR,
        ),
    ),
    (
        "a bind that stops before address_range",
        wire(0x00000009, b"pbx\0pw\0\0\x34\0\0"),
        _make(p.BindTransceiver, system_id="pbx", password="pw", interface_version=0x34),
    ),
    (
        "a password of 64 characters",
        wire(0x00000009, b"pbx\0" + b"p" * 64 + b"\0\0\x34\0\0\0"),
        _make(p.BindTransceiver, system_id="pbx", password="p" * 64, interface_version=0x34),
    ),
    (
        "an sm_length of 255",
        wire(0x00000004, PLAIN_SUBMIT + b"\xff" + b"x" * 255),
        _make(
            p.SubmitSm,
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr="123",
            registered_delivery=1,
            short_message=b"x" * 255,
        ),
    ),
    (
        "a command_status in a request",
        wire(0x00000015, status=0x45),
        _make(p.EnquireLink, command_status=0x45),
    ),
]

# (what is wrong, octets, command_status of the answer): the next PDU can be read.
REACTIONS: list[tuple[str, bytes, int]] = [
    ("unknown request", wire(0x00000111, b"\0"), 0x03),
    ("unknown response", wire(0x80000111), 0x03),
    ("reserved command 0", wire(0x00000000), 0x03),
    ("no body", wire(0x00000004), 0x02),
    ("cut behind destination_addr", wire(0x00000004, b"\0\0\0\0\x01\x01123\0"), 0x02),
    ("cut within the integers", wire(0x00000004, PLAIN_SUBMIT[:-2]), 0x02),
    ("cut before sm_length", wire(0x00000004, PLAIN_SUBMIT), 0x02),
    ("cut within system_type", wire(0x00000009, b"pbx\0pw\0VM"), 0x02),
    ("cut before addr_ton", wire(0x00000009, b"pbx\0pw\0\0\x34"), 0x02),
    ("data_sm without data_coding", wire(0x00000103, b"\0\0\0\0\0\0\0\0\0"), 0x02),
    ("system_id of 16", wire(0x00000009, b"i" * 16 + b"\0pw\0\0\x34\0\0\0"), 0x0F),
    ("password of 65", wire(0x00000009, b"pbx\0" + b"p" * 65 + b"\0\0\x34\0\0\0"), 0x0E),
    ("system_type of 13", wire(0x00000009, b"pbx\0pw\0" + b"t" * 13 + b"\0\x34\0\0\0"), 0x53),
    ("address_range of 41", wire(0x00000009, b"pbx\0pw\0\0\x34\0\0" + b"r" * 41 + b"\0"), 0xC2),
    ("service_type of 6", wire(0x00000004, b"CMTCMT" + SUBMIT_BODY[3:]), 0x15),
    ("source_addr of 21", wire(0x00000004, b"\0\0\0" + b"1" * 21 + b"\0" + PLAIN_SUBMIT[4:] + b"\0"), 0x0A),
    ("destination_addr of 21", wire(0x00000004, b"\0\0\0\0\0\0" + b"1" * 21 + PLAIN_SUBMIT + b"\0"), 0x0B),
    ("schedule of 17", wire(0x00000004, SUBMIT_HEAD + b"0" * 17 + b"\0\0" + SUBMIT_TAIL + b"\0"), 0x61),
    ("validity of 17", wire(0x00000004, SUBMIT_HEAD + b"\0" + b"0" * 17 + b"\0" + SUBMIT_TAIL + b"\0"), 0x62),
    ("message_id of 65", wire(0x00000003, b"7" * 65 + b"\0" + SOURCE), 0x0C),
    ("data_sm source_addr of 65", wire(0x00000103, b"\0\0\0" + b"1" * 65 + b"\0\0\0\0\0\0\0"), 0x0A),
    ("number_of_dests 0", wire(0x00000021, b"\0" + SOURCE + b"\0" + b"\0" * 10), 0x33),
    ("number_of_dests 255", wire(0x00000021, b"\0" + SOURCE + b"\xff" + b"\0" * 10), 0x33),
    ("number_of_dests missing", wire(0x00000021, b"\0" + SOURCE), 0x02),
    ("dest_flag 3", wire(0x00000021, b"\0" + SOURCE + b"\x01\x03x\0" + b"\0" * 10), 0x40),
    ("dest_flag missing", wire(0x00000021, b"\0" + SOURCE + b"\x01"), 0x02),
    ("destination cut", wire(0x00000021, b"\0" + SOURCE + b"\x01\x01\x01"), 0x02),
    (
        "multi address of 21",
        wire(0x00000021, b"\0" + SOURCE + b"\x01\x01\0\0" + b"1" * 21 + b"\0" * 12),
        0x0B,
    ),
    ("dl_name of 21", wire(0x00000021, b"\0" + SOURCE + b"\x01\x02" + b"n" * 21 + b"\0" * 12), 0x34),
    ("sm_length past the end", wire(0x00000004, PLAIN_SUBMIT + b"\x03hi"), 0x01),
    ("replace_sm sm_length past the end", wire(0x00000007, b"id\0" + SOURCE + b"\0\0\0\0\x01"), 0x01),
    ("TLV past the end", wire(0x00000004, PLAIN_SUBMIT + b"\x02hi\x04\x24\x00\x05hi"), 0xC0),
    (
        "second TLV past the end",
        wire(0x00000004, PLAIN_SUBMIT + b"\0" + _SAR_OCTETS + b"\x14\x00\x00\x01"),
        0xC0,
    ),
    ("NUL and a TLV past the end", wire(0x00000004, PLAIN_SUBMIT + b"\0\0\x04\x24\x00\x05hi"), 0xC0),
    ("callback_num of 3", wire(0x00000004, PLAIN_SUBMIT + b"\0\x03\x81\x00\x03\x01\x00\x00"), 0xC2),
    ("receipted_message_id of 66", wire(0x00000005, PLAIN_SUBMIT + b"\0\x00\x1e\x00\x42" + b"7" * 66), 0xC2),
]

# (command_length, and what follows): the connection cannot be read any more.
UNFRAMED: list[bytes] = [
    b"\0\0\0\0",
    b"\0\0\0\x04",
    b"\0\0\0\x0f" + wire(0x80000006)[4:],
    b"\0\x01\0\x01",
    b"\xf0\0\0\x11" + wire(0x00000110)[4:],
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01",
]
