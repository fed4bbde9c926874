"""The accounts in force, and what holds for those that are not."""

import pytest

from smppbridge.flow.accounts import Accounts
from smppbridge.model.receipt_profile import ReceiptProfile
from tests.support.builders.accounts import account


def test_they_are_a_mapping() -> None:
    pbx, door = account("pbx"), account("door")
    accounts = Accounts({"pbx": pbx, "door": door})
    assert (dict(accounts), len(accounts), list(accounts)) == ({"pbx": pbx, "door": door}, 2, ["pbx", "door"])
    assert accounts["pbx"] is pbx
    assert accounts.get("gone") is None
    with pytest.raises(KeyError):
        accounts["gone"]


def test_a_reload_counts_at_once() -> None:
    accounts = Accounts({"pbx": account("pbx")})
    names = accounts.keys()
    accounts.reload({"pbx": account("pbx", uncertain="fail"), "door": account("door")})
    assert accounts.uncertain("pbx") == "fail"
    assert set(names) == {"pbx", "door"}
    accounts.reload({})
    assert (len(accounts), accounts.uncertain("pbx")) == (0, "hold")


def test_it_does_not_change_with_the_mapping_it_was_made_of() -> None:
    given = {"pbx": account("pbx")}
    accounts = Accounts(given)
    given["door"] = account("door")
    assert list(accounts) == ["pbx"]
    accounts.reload(given)
    del given["pbx"]
    assert list(accounts) == ["pbx", "door"]


@pytest.mark.parametrize("policy", ["hold", "resend", "fail"])
def test_what_happens_to_an_uncertain_message(policy: str) -> None:
    accounts = Accounts({"pbx": account("pbx", uncertain=policy)})
    assert (accounts.uncertain("pbx"), accounts.uncertain("gone")) == (policy, "hold")


def test_how_receipts_look() -> None:
    accounts = Accounts({"pbx": account("pbx", receipt={"keep": "1h"})})
    assert accounts.receipt("pbx").keep == 3600.0
    assert accounts.receipt("gone") == ReceiptProfile()
