"""TLS contexts: all of the bridge are made here, for the side that listens and for the side that connects."""

import ssl
from collections.abc import Callable
from pathlib import Path

from smppbridge.errors import ConfigError


def server_context(cert: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """The server side of TLS 1.2 or newer. With ``client_ca`` clients must show a certificate of that
    authority. Raises OSError and ssl.SSLError for files that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    """The client side of TLS 1.2 or newer. The peer must show a certificate for its name, of the authority
    ``ca`` or, without ``ca``, of one that the system trusts. ``cert``: ours, for a peer that asks for one.
    Raises like `server_context`."""
    context = ssl.create_default_context(cafile=ca)
    if cert is not None:
        context.load_cert_chain(cert, key)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def configured(key: str, make: Callable[[], ssl.SSLContext], files: str = "the files") -> ssl.SSLContext:
    """What ``make`` returns. Raises ConfigError that names ``key`` and ``files`` for files that cannot be
    used."""
    try:
        return make()
    except (OSError, ssl.SSLError) as error:
        raise ConfigError([f"{key}: cannot load {files}: {error}"]) from error
