"""The TLS of an upstream SMSC: towards it, and where we listen for its outbind.

Must not know: sessions, the network.
"""

import ssl

from smppbridge.errors import ConfigError
from smppbridge.link.tls import client_context, server_context
from smppbridge.model.tls import Tls
from smppbridge.providers.upstream.options import OutbindTls


def upstream_tls_context(name: str, tls: Tls | None) -> ssl.SSLContext | None:
    """TLS 1.2 or newer, where the SMSC must show a certificate for its name; None = no TLS. ``name``: of the
    provider. Raises ConfigError for files that cannot be used."""
    if tls is None:
        return None
    try:
        return client_context(tls.ca, tls.cert, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError([f"providers.{name}.tls: cannot load the files: {error}"]) from error


def outbind_tls_context(name: str, tls: OutbindTls | None) -> ssl.SSLContext | None:
    """The server side of TLS 1.2 or newer; the password of outbind says who calls. None = no TLS. ``name``:
    of the provider. Raises ConfigError for files that cannot be used."""
    if tls is None:
        return None
    try:
        return server_context(tls.cert, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError([f"providers.{name}.outbind.tls: cannot load the files: {error}"]) from error
