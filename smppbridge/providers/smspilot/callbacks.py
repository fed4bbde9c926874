"""What smspilot posts to us: statuses (API-2 §2.1) and messages from phones (§5.1)."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

from smppbridge.errors import WrongSignature
from smppbridge.providers.base import Callback
from smppbridge.providers.smspilot.options import SmspilotOptions
from smppbridge.providers.smspilot.records import Item, PhoneMessage, arrival_of, item_of


def callback_address(url: str, options: SmspilotOptions) -> str:
    """The address that goes with every message: with `user:password@` and `?fields=`, where they are set."""
    parts = urlsplit(url)
    netloc, query = parts.netloc, parts.query
    if options.callback_password is not None:
        password = options.callback_password.get_secret_value()
        netloc = f"{quote(options.callback_user, safe='')}:{quote(password, safe='')}@{netloc}"
    if options.callback_fields:
        query = "&".join(filter(None, (query, f"fields={options.callback_fields}")))
    return urlunsplit(parts._replace(netloc=netloc, query=query))


def verify(callback: Callback, options: SmspilotOptions) -> None:
    """Raise WrongSignature without the user and password that our address carries, where it carries some."""
    if options.callback_password is None:
        return
    pair = f"{options.callback_user}:{options.callback_password.get_secret_value()}"
    told = callback.headers.get("authorization", "").encode("utf-8", "replace")
    scheme, _, credentials = told.partition(b" ")
    right = hmac.compare_digest(credentials.strip(), b64encode(pair.encode()))
    if not right or scheme.lower() != b"basic":
        raise WrongSignature("the callback does not carry callback_user and callback_password")


def read(callback: Callback) -> Item | PhoneMessage:
    """A status or a message from a phone. Raises ValueError for what is neither."""
    fields: Mapping[str, str] = {**callback.query, **callback.form}
    if "server_id" not in fields and "message" in fields:
        arrival = arrival_of({**fields, "text": fields["message"]})
        if arrival is None:
            raise ValueError("not a message from a phone: id or phone is missing")
        return arrival
    item = item_of(fields)
    if not item.ref or item.status is None:
        raise ValueError("not a smspilot status: server_id or status is missing")
    return item
