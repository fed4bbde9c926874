"""Every row of the two tables of command_status of submit_sm_resp, and what the operator may say instead."""

import pytest

from smppbridge.errors import Disabled, ProviderError, Rejected, Throttled, Unavailable
from smppbridge.providers.error_table import Kind
from smppbridge.providers.upstream.codes import ASSISTENT, CODES, STANDARD, reason_of, rule_for, to_error
from smppbridge.providers.upstream.options import Treatment
from smppbridge.smpp.constants import Status

BUGS = (1, 2, 3, 6, 7, 0x15, 0x33, 0x34, 0x40, 0x42, 0x43, 0x44, 0x48, 0x49, 0x50, 0x51, 0x54, 0x55)
TIMES = (0x61, 0x62, 0x63)
PASSED_ON = (0x0A, 0x0B, 0x0C, 0x11, 0x13, 0x45, 0x65, 0x66, 0x67, 0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xFE, 0xFF)
VENDOR = (0x4A3, 0x4A4, 0x4A5)
RESERVED = (0x09, 0x10, 0x46, 0x100, 0x112, 0x3FF, 0x400, 0x4A6, 0x500, 0xFFFFFFFF)

# command_status, what becomes of the message, command_status for an ESME that waits, pause in seconds
Row = tuple[int, type[ProviderError], int, float]
STANDARD_ROWS: list[Row] = [
    (0x04, Unavailable, 0x08, 0),
    (0x05, Disabled, 0x08, 60),
    (0x08, Unavailable, 0x08, 0),
    (0x0D, Disabled, 0x08, 60),
    (0x0E, Disabled, 0x08, 1800),
    (0x0F, Disabled, 0x08, 1800),
    (0x14, Throttled, 0x14, 5),
    (0x22, Unavailable, 0x22, 0),
    (0x53, Disabled, 0x08, 1800),
    (0x58, Throttled, 0x58, 1),
    (0x64, Unavailable, 0x08, 0),
    *[(status, Rejected, 0x08, 0) for status in BUGS + TIMES],
    *[(status, Rejected, status, 0) for status in PASSED_ON + VENDOR],
    *[(status, Rejected, 0x45, 0) for status in RESERVED],
]
ASSISTENT_ROWS: list[Row] = [
    (0x02, Rejected, 0x08, 0),
    (0x04, Unavailable, 0x08, 0),
    (0x0A, Rejected, 0x0A, 0),
    (0x0B, Rejected, 0x0B, 0),
    (0x0E, Disabled, 0x08, 1800),
    (0x14, Throttled, 0x14, 5),
    (0x22, Unavailable, 0x22, 0),
    (0x58, Throttled, 0x58, 1),
    (0x4A3, Rejected, 0x4A3, 0),
    (0x4A4, Disabled, 0x4A4, 300),
    (0x4A5, Rejected, 0x4A5, 0),
    *[(status, Rejected, 0x45, 0) for status in (0x01, 0x08, 0x0C, 0x0F, 0x45, 0x64, 0xFF, *RESERVED)],
]
ROWS = [
    *[("standard", *row) for row in STANDARD_ROWS],
    *[("sms-assistent", *row) for row in ASSISTENT_ROWS],
]


@pytest.mark.parametrize(("profile", "status", "kind", "told", "pause"), ROWS)
def test_error(profile: str, status: int, kind: type[ProviderError], told: int, pause: float) -> None:
    error = to_error(rule_for(profile, {}, status, 0), status, "reason")
    assert type(error) is kind
    assert (error.status, error.code, error.reason) == (told, f"0x{status:02X}", "reason")
    if isinstance(error, Disabled):
        assert error.pause == pause
    if isinstance(error, Throttled):
        assert error.after == pause
    if isinstance(error, Rejected):
        assert error.err == min(status, 999)


def test_every_code_is_in_a_row() -> None:
    assert {status for status, *_ in STANDARD_ROWS} >= {int(status) for status in Status if status}
    assert set(STANDARD) <= {status for status, *_ in STANDARD_ROWS}
    assert set(ASSISTENT) <= {status for status, *_ in ASSISTENT_ROWS}


@pytest.mark.parametrize("status", BUGS + TIMES)
def test_what_only_we_can_have_done_wrong_is_a_bug(status: int) -> None:
    assert rule_for("standard", {}, status, 0).kind is Kind.BUG


@pytest.mark.parametrize("profile", ["standard", "sms-assistent"])
def test_a_network_that_stays_unavailable_is_a_refusal(profile: str) -> None:
    errors = [to_error(rule_for(profile, {}, 0x22, tries), 0x22, "") for tries in range(5)]
    assert [type(error) for error in errors] == [Unavailable] * 3 + [Rejected] * 2
    assert {error.status for error in errors} == {0x22}


@pytest.mark.parametrize("profile", ["standard", "sms-assistent"])
@pytest.mark.parametrize("tries", [0, 9])
@pytest.mark.parametrize(
    ("wish", "status", "kind", "told"),
    [
        ("permanent", 0x08, Rejected, 0x08),
        ("permanent", 0x22, Rejected, 0x22),
        ("permanent", 0x401, Rejected, 0x45),
        ("retry", 0x45, Unavailable, 0x08),
        ("retry", 0x22, Unavailable, 0x08),
        ("throttle", 0x45, Throttled, 0x58),
        ("account", 0x45, Disabled, 0x08),
        ("account", 0x4A4, Disabled, 0x4A4),
    ],
)
def test_the_operator_knows_better(
    profile: str, tries: int, wish: Treatment, status: int, kind: type[ProviderError], told: int
) -> None:
    error = to_error(rule_for(profile, {status: wish}, status, tries), status, "")
    assert (type(error), error.status) == (kind, told)
    assert rule_for(profile, {0x500: wish}, status, tries) == rule_for(profile, {}, status, tries)


def test_what_is_about_one_message_only() -> None:
    """Neither the account, nor our speed, nor the session."""
    ours = {0x04, 0x05, 0x0D, 0x0E, 0x0F, 0x14, 0x53, 0x58, 0x4A4}
    for profile, rows, of_us in (
        ("standard", STANDARD_ROWS, ours - {0x4A4}),
        ("sms-assistent", ASSISTENT_ROWS, ours & set(ASSISTENT)),
    ):
        about = {row[0]: to_error(rule_for(profile, {}, row[0], 0), row[0], "").about_message for row in rows}
        assert {status for status, one in about.items() if not one} == of_us


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (0x02, "0x02 ESME_RINVCMDLEN: the request is malformed"),
        (0x04, "0x04 ESME_RINVBNDSTS: the bind request is wrong"),
        (
            0x0A,
            "0x0A ESME_RINVSRCADR: the sender is wrong, or may not be used (moderated, registered)",
        ),
        (0x0B, "0x0B ESME_RINVDSTADR: the number of the recipient is wrong"),
        (0x0E, "0x0E ESME_RINVPASWD: the SMPP password is wrong"),
        (0x22, "0x22 ESME_RNOROUTE: the network is unavailable"),
        (0x4A3, "0x4A3 ESME_RINVENCODING: the encoding is not supported"),
        (0x4A4, "0x4A4 ESME_RNOMONEY: the money does not suffice for the message"),
        (0x4A5, "0x4A5 ESME_RINVTEXT: the text is wrong, or has too many characters"),
    ],
)
def test_the_codes_of_sms_assistent_as_its_manual_prints_them(status: int, reason: str) -> None:
    """API v1 §5.3.6, row by row; each is a label of the metric."""
    assert reason_of("sms-assistent", status) == reason
    assert reason.split(maxsplit=1)[0] in CODES


def test_reasons_of_other_codes() -> None:
    assert reason_of("standard", 0x02) == "0x02 ESME_RINVCMDLEN: the request has a wrong length"
    assert reason_of("standard", 0x4A4) == "0x4A4 ESME_RNOMONEY"
    assert reason_of("standard", 0x500) == "0x500 a code that SMPP 3.4 does not have"
    said = reason_of("standard", 0x45, "blocked:\n375291234567 ")
    assert said == "0x45 ESME_RSUBMITFAIL: the SMSC does not take the message: blocked: 3752***"
