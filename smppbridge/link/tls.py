"""TLS where we listen, and where we connect. Must not know: who is there, where the files come from."""

import ssl
from pathlib import Path


def server_context(cert: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """The server side of TLS 1.2 or newer; with ``client_ca`` clients must show a certificate of it. Raises
    OSError and ssl.SSLError for files that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    """The client side of TLS 1.2 or newer: the peer must show a certificate for its name, of ``ca`` or of one
    that the system trusts. ``cert``: ours, where the peer wants to see one. Raises like `server_context`."""
    context = ssl.create_default_context(cafile=ca)
    if cert is not None:
        context.load_cert_chain(cert, key)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
