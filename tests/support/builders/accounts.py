"""Accounts for tests that need some."""

from typing import Any

from smppbridge.model.account import Account


def account(name: str = "pbx", **keys: Any) -> Account:
    """An account with a password; ``keys`` are those of a configuration file."""
    return Account.model_validate({"name": name, "password": "secret12", **keys})
