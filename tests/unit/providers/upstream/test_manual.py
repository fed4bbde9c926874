"""What sms-assistent's manual prints about SMPP (API v1 §5.3), row by row; its codes are in test_codes.py."""

import pytest

from smppbridge.model.message import State
from smppbridge.providers.upstream.options import PROFILES, SMS_ASSISTENT
from tests.unit.providers.upstream.samples import assistent, receipt, report_of, submit

FORM = "id:{id} sub:001 dlvrd:{dlvrd} submit date:2611301800 done date:2611301801 stat:{stat} err:{err}"


@pytest.mark.parametrize("between", [" ", "\n", "\r\n"])
@pytest.mark.parametrize(
    ("stat", "state"),
    [
        ("DELIVRD", State.DELIVERED),
        ("EXPIRED", State.EXPIRED),
        ("DELETED", State.DELETED),
        ("UNDELIV", State.UNDELIVERABLE),
        ("DELIVERY", State.DELIVERED),
        ("UNKNOWN", State.UNKNOWN),
        ("REJECTED", State.REJECTED),
    ],
)
def test_receipts(stat: str, state: State, between: str) -> None:
    """§5.3.4: the fields, without a text; §5.3.5: the statuses, all of them final."""
    text = FORM.format(id="4711", dlvrd="000", stat=stat, err="012")
    for gap in (" sub:", " dlvrd:", " submit", " done", " stat:", " err:"):
        text = text.replace(gap, between + gap[1:])
    report = report_of(receipt(text), profile=SMS_ASSISTENT)
    assert (report.provider_ref, report.state, report.final) == ("4711", state, True)
    assert (report.code, report.err) == (stat, 12)


@pytest.mark.parametrize(
    ("text", "data_coding", "octets"),
    [("Door", 3, b"Door"), ("é", 3, b"\xe9"), ("Дом", 8, "Дом".encode("utf-16-be"))],
)
def test_codings(text: str, data_coding: int, octets: bytes) -> None:
    """§5.3.2: Latin-1 and UCS-2; §5.3.7: in short_message only."""
    pdu = submit(assistent(), text=text, data_coding=data_coding)
    assert (pdu.data_coding, pdu.short_message, pdu.tlvs) == (data_coding, octets, ())


@pytest.mark.parametrize(("sender", "ton", "npi"), [("CMC", 5, 0), ("375291234567", 1, 0), ("1234", 1, 0)])
def test_ton_and_npi(sender: str, ton: int, npi: int) -> None:
    """§5.3.8."""
    pdu = submit(assistent(), text="Door", data_coding=3, sender=sender)
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (ton, npi, sender)
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi) == (1, 1)


def test_the_address_and_the_version() -> None:
    """§5.1.1, §5.1.2, §5.3.1."""
    assert (PROFILES[SMS_ASSISTENT]["host"], PROFILES[SMS_ASSISTENT]["port"]) == (
        "smpp.sms-assistent.by",
        2776,
    )
    assert assistent().interface_version == 0x34
