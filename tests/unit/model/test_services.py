"""Special services: which texts and addresses each of them takes."""

import pytest

from smppbridge.errors import Refused
from smppbridge.model.services import ORDINARY, SERVICES, check_text, special_address
from smppbridge.smpp.constants import Status


def test_a_service_type_has_5_octets_at_most_and_is_no_ordinary_one() -> None:
    assert all(1 <= len(name) <= 5 and name.isascii() for name in SERVICES)
    assert not ORDINARY & SERVICES.keys()


@pytest.mark.parametrize("name", ["HLR", "PING", "HLRV"])
def test_a_number_check_needs_no_text(name: str) -> None:
    check_text(name, "")
    check_text(name, "whatever the equipment sends")


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"HLR", "PING", "HLRV"}))
def test_all_others_do(name: str) -> None:
    with pytest.raises(Refused) as caught:
        check_text(name, "")
    assert caught.value.status == Status.ESME_RINVTEXT


@pytest.mark.parametrize(
    ("name", "text", "taken"),
    [
        ("FLSHC", "1234", True),
        ("FLSHC", "123", False),
        ("FLSHC", "12345", False),
        ("FLSHC", "1234\n", False),
        ("FLSHC", "١٢٣٤", False),
        ("TG", "1234", True),
        ("TG", "12345678", True),
        ("TG", "123456789", False),
        ("TG", "code 1234", False),
        ("CALL", "дверь открыта", True),
        ("PUSH", "https://example.org\ntitle", True),
    ],
)
def test_texts(name: str, text: str, taken: bool) -> None:
    if taken:
        check_text(name, text)
        return
    with pytest.raises(Refused) as caught:
        check_text(name, text)
    assert caught.value.status == Status.ESME_RINVTEXT
    assert text not in caught.value.reason


@pytest.mark.parametrize(
    ("name", "address", "special"),
    [
        ("MAIL", "door.3+alarm@castle-1.example.org", True),
        ("MAIL", "door@example", None),
        ("MAIL", "a@b.by, c@d.by", None),
        ("MAIL", "375291234567", None),
        ("BOT", "@castle_bot", True),
        ("BOT", "castle_bot", True),
        ("BOT", "#1234567890", True),
        ("BOT", "375291234567", False),  # read it as a number
        ("BOT", "+375291234567", False),
        ("CALL", "375291234567", False),
        ("CALL", "@castle_bot", False),
    ],
)
def test_addresses(name: str, address: str, special: bool | None) -> None:
    if special is not None:
        assert special_address(name, address) is special
        return
    with pytest.raises(Refused) as caught:
        special_address(name, address)
    assert caught.value.status == Status.ESME_RINVDSTADR
    assert address not in caught.value.reason
