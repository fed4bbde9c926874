"""The log of refused binds: what each line says, and how few lines a stranger can cause."""

import pytest

from smppbridge.link.refused_binds import ADDRESSES, INTERVAL, NAMES, BindRefusal, RefusedBinds
from smppbridge.smpp.constants import Status
from tests.unit.link.served import lines

PASSWORD, UNKNOWN = BindRefusal.PASSWORD, BindRefusal.NO_ACCOUNT


def told(caplog: pytest.LogCaptureFixture, *names: str) -> list[tuple[object, ...]]:
    """These fields of each line so far; the lines are forgotten."""
    lines = [vars(record)["fields"] for record in caplog.records if record.getMessage() == "bind refused"]
    caplog.clear()
    return [tuple(line[name] for name in names) for line in lines]


def test_the_causes_of_one_account_at_one_address_have_lines_of_their_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = RefusedBinds()
    for cause in (PASSWORD, BindRefusal.TOO_MANY, PASSWORD, PASSWORD):
        log.refused(0.0, "192.0.2.1", "pbx", cause)
    log.refused(0.0, "192.0.2.1", "lift", PASSWORD)
    log.refused(0.0, "192.0.2.2", "pbx", PASSWORD)
    assert told(caplog, "peer", "system_id", "cause", "status", "held_back") == [
        ("192.0.2.1", "pbx", "wrong password", "ESME_RINVPASWD", 0),
        ("192.0.2.1", "pbx", "too many binds", "ESME_RBINDFAIL", 0),
        ("192.0.2.1", "lift", "wrong password", "ESME_RINVPASWD", 0),
        ("192.0.2.2", "pbx", "wrong password", "ESME_RINVPASWD", 0),
    ]
    log.refused(INTERVAL - 0.1, "192.0.2.1", "pbx", PASSWORD)
    log.refused(INTERVAL, "192.0.2.1", "pbx", PASSWORD)
    assert told(caplog, "system_id", "held_back") == [("pbx", 3)]


def test_an_address_that_tries_many_names_gets_few_lines_and_hides_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = RefusedBinds()
    for number in range(1000):
        log.refused(0.0, "192.0.2.1", f"guess{number}", UNKNOWN)
    names = told(caplog, "system_id")
    assert names == [*((f"guess{number}",) for number in range(NAMES)), ("(others)",)]
    log.refused(1.0, "192.0.2.2", "pbx", PASSWORD)
    assert told(caplog, "peer", "system_id") == [("192.0.2.2", "pbx")]
    log.refused(INTERVAL, "192.0.2.1", "pbx", PASSWORD)
    assert told(caplog, "system_id", "held_back") == [("pbx", 0)]


def test_many_addresses_share_lines_and_little_is_remembered(caplog: pytest.LogCaptureFixture) -> None:
    log = RefusedBinds()
    for number in range(3000):
        log.refused(0.0, f"2001:db8:{number:x}::1", f"guess{number}", UNKNOWN)
    peers = told(caplog, "peer")
    assert len(peers) == ADDRESSES + NAMES + 1
    assert set(peers[ADDRESSES:]) == {("(others)",)}
    assert len(log._by_address) == ADDRESSES
    log.refused(INTERVAL, "192.0.2.1", "pbx", PASSWORD)
    assert told(caplog, "peer", "system_id") == [("192.0.2.1", "pbx")]
    assert len(log._by_address) == 1


def test_a_lock_out_has_one_line_whatever_is_tried_meanwhile(caplog: pytest.LogCaptureFixture) -> None:
    log = RefusedBinds()
    for number in range(20):
        log.refused(0.0, "192.0.2.1", f"guess{number}", BindRefusal.LOCKED_OUT)
    log.refused(INTERVAL, "192.0.2.1", "pbx", BindRefusal.LOCKED_OUT)
    assert told(caplog, "system_id", "held_back") == [("guess0", 0), ("pbx", 19)]


def test_a_crowd_has_one_line(caplog: pytest.LogCaptureFixture) -> None:
    log = RefusedBinds()
    for number in range(50):
        log.refused(0.0, f"192.0.2.{number}", f"guess{number}", BindRefusal.BUSY)
    log.refused(INTERVAL, "192.0.2.1", "pbx", BindRefusal.BUSY)
    assert told(caplog, "peer", "system_id", "held_back") == [
        ("(others)", "(others)", 0),
        ("(others)", "(others)", 49),
    ]


def test_the_addresses_of_one_subscriber_share_lines(caplog: pytest.LogCaptureFixture) -> None:
    log = RefusedBinds()
    for number in range(20):
        log.refused(0.0, f"2001:db8::{number:x}", "pbx", PASSWORD)
    assert told(caplog, "peer", "held_back") == [("2001:db8::0", 0)]


def test_an_address_that_goes_on_is_remembered(caplog: pytest.LogCaptureFixture) -> None:
    log = RefusedBinds()
    for now in (0.0, 50.0, 100.0):
        log.refused(now, "192.0.2.1", "pbx", PASSWORD)
        log.refused(now, f"192.0.2.{now:.0f}", "pbx", PASSWORD)  # a new address: old ones are forgotten
    assert [line for line in told(caplog, "peer", "held_back") if line[0] == "192.0.2.1"] == [
        ("192.0.2.1", 0),
        ("192.0.2.1", 1),
    ]


def test_a_system_id_that_nobody_can_read_stays_one_field(caplog: pytest.LogCaptureFixture) -> None:
    RefusedBinds().refused(0.0, "192.0.2.1", 'a\\" peer=x\n\x1b[2J', UNKNOWN)
    (line,) = lines(caplog, "bind refused")
    assert r'system_id="a\\\" peer=x\n\x1b[2J" cause=' in line


def test_what_the_peer_learns_does_not_tell_which_accounts_exist() -> None:
    strangers = {UNKNOWN, PASSWORD, BindRefusal.ADDRESS, BindRefusal.LOCKED_OUT}
    assert {one for one in BindRefusal if one.status == Status.ESME_RINVPASWD} == strangers
    assert {one for one in BindRefusal if one.authentic} == {
        BindRefusal.TOO_MANY,
        BindRefusal.NOT_CALLED,
    }
