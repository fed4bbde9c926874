"""The contexts of TLS: whom they trust, what they show, which key of the configuration a mistake names."""

import ssl
from pathlib import Path

import pytest
import trustme

from smppbridge.errors import ConfigError
from smppbridge.link.tls import client_context, configured, server_context


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder: ca.pem; us.pem with us.key; other.key, which does not belong to it."""
    folder = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    ours, other = ca.issue_cert("bridge.example"), ca.issue_cert("other.example")
    ours.cert_chain_pems[0].write_to_path(folder / "us.pem")
    ours.private_key_pem.write_to_path(folder / "us.key")
    other.private_key_pem.write_to_path(folder / "other.key")
    return folder


@pytest.mark.parametrize("shown", [False, True], ids=["without a certificate", "with one"])
def test_the_peer_that_we_connect_to_must_show_a_certificate_for_its_name(files: Path, shown: bool) -> None:
    own = (files / "us.pem", files / "us.key") if shown else (None, None)
    context = client_context(files / "ca.pem", *own)
    assert context.protocol == ssl.PROTOCOL_TLS_CLIENT
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.cert_store_stats()["x509_ca"] == 1  # that authority, and no other


def test_without_an_authority_those_of_the_system_count(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # An environment variable is what OpenSSL reads: there is no argument to give it.
    monkeypatch.setenv("SSL_CERT_FILE", str(files / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(files))
    context = client_context(None, None, None)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.cert_store_stats()["x509_ca"] == 1


def test_where_we_listen_no_certificate_is_asked_for(files: Path) -> None:
    context = server_context(files / "us.pem", files / "us.key")
    assert context.protocol == ssl.PROTOCOL_TLS_SERVER
    assert context.verify_mode == ssl.CERT_NONE
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_where_we_listen_with_an_authority_for_clients(files: Path) -> None:
    context = server_context(files / "us.pem", files / "us.key", files / "ca.pem")
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.cert_store_stats()["x509_ca"] == 1
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("ca", "cert", "key"),
    [
        ("us.key", None, None),
        ("no.pem", None, None),
        (None, "us.pem", "other.key"),
        (None, "no.pem", "us.key"),
    ],
)
def test_files_of_a_client_that_cannot_be_used(
    files: Path, ca: str | None, cert: str | None, key: str | None
) -> None:
    used = [None if name is None else files / name for name in (ca, cert, key)]
    with pytest.raises(ConfigError) as raised:
        configured("providers.link.tls", lambda: client_context(*used))
    (problem,) = raised.value.problems
    assert problem.startswith("providers.link.tls: cannot load the files: ")


@pytest.mark.parametrize(
    ("cert", "key", "client_ca"),
    [
        ("us.pem", "other.key", None),
        ("us.key", "us.key", None),
        ("no.pem", "us.key", None),
        ("us.pem", "us.key", "no.pem"),
        ("us.pem", "us.key", "us.key"),
    ],
)
def test_files_of_a_server_that_cannot_be_used(
    files: Path, cert: str, key: str, client_ca: str | None
) -> None:
    authority = None if client_ca is None else files / client_ca
    with pytest.raises((OSError, ssl.SSLError)):
        server_context(files / cert, files / key, authority)
    with pytest.raises(ConfigError, match=r"^key: cannot load the files: "):
        configured("key", lambda: server_context(files / cert, files / key, authority))


def test_files_that_can_be_used(files: Path) -> None:
    made = server_context(files / "us.pem", files / "us.key")
    assert configured("key", lambda: made) is made
