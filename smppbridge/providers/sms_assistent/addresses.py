"""The addresses of sms-assistent.by's calls. They may change, says the manual, so each can be set."""

import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, ConfigDict, Field

from smppbridge.model.settings import Settings
from smppbridge.providers.options import base_url

_ENDINGS = ("/json", "/xml", "/send_sms/plain", "/statuses/plain", "/credits/plain")
_VERSION = re.compile(r".*/api/v[0-9.]+")
_Address = Annotated[str, AfterValidator(base_url)]


class Addresses(NamedTuple):
    """Where each call goes."""

    json: str  # §4
    xml: str  # §3
    send: str  # §2.1
    statuses: str  # §2.2
    credits: str  # §2.3


class OwnAddresses(Settings):
    """`urls`: whole addresses of single calls, where they do not follow from `url`."""

    model_config = ConfigDict(populate_by_name=True)

    packages: _Address | None = Field(default=None, alias="json")  # a model has a method of that name
    """Packages in JSON."""
    xml: _Address | None = None
    """Packages in XML."""
    send: _Address | None = None
    """Single messages in PLAIN."""
    statuses: _Address | None = None
    """Statuses of single messages."""
    credits: _Address | None = None
    """The balance."""


def addresses(url: str, own: OwnAddresses) -> Addresses:
    """``url``: a host or another base of the paths of API v1, a base that ends in its version, or the whole
    address of any call: the others lie beside it."""
    root = f"{url}/api/v1"
    ending = next((one for one in _ENDINGS if url.endswith(one)), "")
    if ending or _VERSION.fullmatch(url):
        root = url.removesuffix(ending)
    chosen = (own.packages, own.xml, own.send, own.statuses, own.credits)
    return Addresses(*(one or root + ending for one, ending in zip(chosen, _ENDINGS, strict=True)))
