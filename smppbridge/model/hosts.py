"""Host names, IP addresses and networks."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from smppbridge.model.settings import mistake

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*\.?")


def is_host(text: str) -> bool:
    """Whether ``text`` is a host name or an IP address. Nothing is resolved.

    The last label of a name is no number (RFC 1123 §2.1), so 999.1.1.1 is neither.
    """
    if ":" in text:
        return _is(IPv6Address, text)
    if not _NAME.fullmatch(text):
        return False
    return not text.removesuffix(".").rpartition(".")[2].isdigit() or _is(IPv4Address, text)


def _is(address: type[IPv4Address | IPv6Address], text: str) -> bool:
    try:
        address(text)
    except ValueError:
        return False
    return True


def _network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        return ip_network(value if isinstance(value, str) else "")
    except ValueError as error:
        advice = "clear the host bits" if "host bits" in str(error) else "such as 10.0.0.0/8 or 192.0.2.7"
        raise mistake(f"must be an IP address or network, {advice}") from None


Network = Annotated[
    IPv4Network | IPv6Network,
    BeforeValidator(_network),
    WithJsonSchema({"type": "string", "format": "ipnetwork"}),
]


def is_within(ip: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether ``ip`` is in one of ``networks``. IPv4 may also be written as ``::ffff:…``, as sockets do."""
    try:
        address = ip_address(ip)
    except ValueError:
        return False  # the socket does not know its peer
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return any(address.ipv4_mapped in network for network in networks)
    return any(address in network for network in networks)


def network_of(ip: str) -> str:
    """What counts as one peer where strangers are counted: an IPv4 address, the /64 of an IPv6 address, which
    any host may fill. Text that is no address stays as it is."""
    if ":" not in ip:
        return ip
    try:
        address = IPv6Address(ip)
    except ValueError:
        return ip
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"
