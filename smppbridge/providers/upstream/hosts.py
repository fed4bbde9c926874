"""Where an upstream SMSC is, as `host` of `kind: smpp` writes it."""

import re
from ipaddress import IPv6Address
from typing import Annotated

from pydantic import AfterValidator

from smppbridge.model.hosts import is_host
from smppbridge.model.settings import mistake

_ADDRESS = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:\[\]]*))(?::(?P<port>[0-9]{1,5}))?")


def parse_address(text: str) -> tuple[str, int | None]:
    """Host and port of ``host``, ``host:port``, ``[v6]:port`` or a bare IPv6 address; the port is None when
    the text has none. Raises ValueError for anything else."""
    if text.count(":") > 1 and not text.startswith("["):
        return str(IPv6Address(text)), None
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError("not an address")
    host, port = found["v6"] or found["host"] or "", found["port"]
    if found["v6"]:
        host = str(IPv6Address(host))
    elif not is_host(host):
        raise ValueError("not a host")
    if port is not None and not 1 <= int(port) <= 65535:
        raise ValueError("not a port")
    return host, None if port is None else int(port)


def _host(text: str) -> str:
    try:
        parse_address(text)
    except ValueError:
        raise mistake('must be "host", "host:port" or "[IPv6]:port", without smpp://') from None
    return text


Host = Annotated[str, AfterValidator(_host)]
"""Type of a text that `parse_address` reads."""
