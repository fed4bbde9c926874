"""Accounts for tests that need some."""

from typing import Any

from smppbridge.model.account import Account


def account(**keys: Any) -> Account:
    """Account "pbx" with a password; ``keys`` are those of a configuration file, or another ``name``."""
    return Account.model_validate({"name": "pbx", "password": "secret12", **keys})
