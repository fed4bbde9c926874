"""The table of PDUs."""

import pytest

from smppbridge.smpp.constants import (
    RESPONSE_BIT,
    Command,
    EsmClass,
    RegisteredDelivery,
    Status,
    Tag,
    status_name,
)
from smppbridge.smpp.pdu import (
    PDUS,
    AlertNotification,
    Bind,
    BindResp,
    DeliverSm,
    GenericNack,
    Outbind,
    Pdu,
    Request,
    Response,
    SubmitSm,
    SubmitSmResp,
)


def test_every_command_has_its_class() -> None:
    assert set(PDUS) == set(Command)
    assert len(set(PDUS.values())) == len(PDUS)


@pytest.mark.parametrize("cls", PDUS.values())
def test_a_class_agrees_with_its_command_id(cls: type[Pdu]) -> None:
    assert cls.is_response == bool(cls.command_id & RESPONSE_BIT) == issubclass(cls, Response)
    name = "".join(part.capitalize() for part in Command(cls.command_id).name.split("_"))
    assert cls.__name__ == name


@pytest.mark.parametrize("cls", [cls for cls in PDUS.values() if issubclass(cls, Request)])
def test_a_request_knows_its_response(cls: type[Request]) -> None:
    if cls in (Outbind, AlertNotification):
        assert cls.response is None
    else:
        assert cls.response is PDUS[cls.command_id | RESPONSE_BIT]


def test_binds_share_a_base() -> None:
    binds = [cls for cls in PDUS.values() if issubclass(cls, Bind)]
    assert len(binds) == 3
    assert all(issubclass(cls.response, BindResp) for cls in binds)


def test_generic_nack_answers_no_request_of_its_own() -> None:
    assert all(cls.response is not GenericNack for cls in PDUS.values() if issubclass(cls, Request))


def test_values_may_be_given_in_wire_order() -> None:
    assert SubmitSmResp("7", command_status=3, sequence_number=9).message_id == "7"
    assert SubmitSm("CMT", 5, 0, "ALARM").source_addr == "ALARM"


def test_a_tlv_is_read_in_the_type_of_its_tag() -> None:
    pdu = DeliverSm(
        tlvs=(
            (0x0427, b"\x02"),
            (0x0427, b"\x05"),
            (0x001E, b"38601fa\0"),
            (0x0423, b"\x03\x00\x01"),
            (0x1400, b"pilot\0"),
            (0x3FFF, b"\x00\x01"),
        )
    )
    assert pdu.tlv(Tag.MESSAGE_STATE) == 2  # the first of two
    assert pdu.tlv(Tag.RECEIPTED_MESSAGE_ID) == "38601fa"
    assert pdu.tlv(Tag.NETWORK_ERROR_CODE) == b"\x03\x00\x01"
    assert pdu.tlv(Tag.PROVIDER) == b"pilot\0"
    assert pdu.tlv(0x3FFF) == b"\x00\x01"
    assert pdu.tlv(Tag.USER_MESSAGE_REFERENCE) is None


def test_statuses_have_names_and_strangers_share_one() -> None:
    assert status_name(Status.ESME_RTHROTTLED) == "ESME_RTHROTTLED"
    assert status_name(0x4A4) == "ESME_RNOMONEY"
    assert status_name(0x401) == status_name(0xFFFFFFFF) == "other"


@pytest.mark.parametrize(
    ("esm_class", "kind"),
    [
        (0x04, EsmClass.RECEIPT),
        (0x47, EsmClass.RECEIPT),
        (0x08, EsmClass.DELIVERY_ACK),
        (0x40, 0),
        (0x64, 0x24),
    ],
)
def test_the_type_of_an_esm_class_is_one_number(esm_class: int, kind: int) -> None:
    assert esm_class & EsmClass.TYPE_MASK == kind


def test_a_receipt_is_asked_for_beside_other_flags() -> None:
    assert 0x11 & RegisteredDelivery.RECEIPT_MASK == RegisteredDelivery.SUCCESS_OR_FAILURE
    assert 0x11 & RegisteredDelivery.INTERMEDIATE
