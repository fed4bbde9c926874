"""Where something listens: names of hosts and IP addresses.

Must not know: ports, whether a name can be resolved.
"""

import re
from ipaddress import IPv4Address, IPv6Address

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*\.?")


def is_host(text: str) -> bool:
    """Whether it is the name of a host or an IP address. No name ends with a number (RFC 1123 §2.1), so
    999.1.1.1 is none."""
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
