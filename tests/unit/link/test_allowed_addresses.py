"""From where anybody may connect."""

from typing import Any

import pytest

from smppbridge.link.allowed_addresses import AllowedAddresses
from tests.unit.link.served import account


def allowed(*lists: list[str] | None) -> AllowedAddresses:
    """Where each account has one of these allow_from."""
    keys: list[dict[str, Any]] = [{} if one is None else {"allow_from": one} for one in lists]
    return AllowedAddresses({str(number): account(**key) for number, key in enumerate(keys)})


@pytest.mark.parametrize(
    ("address", "welcome"),
    [
        ("192.0.2.1", True),
        ("192.0.2.2", False),
        ("10.200.0.1", True),
        ("::ffff:10.0.0.1", True),
        ("2001:db8::5", True),
        ("2001:db9::5", False),
        ("", False),
    ],
)
def test_all_accounts_together(address: str, welcome: bool) -> None:
    addresses = allowed(["192.0.2.1/32", "10.0.0.0/9"], ["10.128.0.0/9", "2001:db8::/32"])
    for _ in range(2):
        assert addresses.allow(address) == welcome


def test_an_account_without_a_list_lets_everybody_in() -> None:
    assert allowed(["192.0.2.1/32"], None).allow("198.51.100.1")
    assert allowed().allow("198.51.100.1")


def test_a_reload_counts_at_once() -> None:
    addresses = allowed(["192.0.2.1/32"])
    assert (addresses.allow("192.0.2.1"), addresses.allow("192.0.2.2")) == (True, False)
    addresses.use({"pbx": account(allow_from=["192.0.2.2/32"])})
    assert (addresses.allow("192.0.2.1"), addresses.allow("192.0.2.2")) == (False, True)


def test_what_is_remembered_is_bounded() -> None:
    addresses = allowed(["10.0.0.0/8"])
    for number in range(10_000):
        assert addresses.allow(f"10.0.{number // 256}.{number % 256}")
    assert len(addresses._known) <= 4096
