"""TLS towards an SMSC, and for one that calls us: what cannot be used is said with the key that names it."""

import ssl
from pathlib import Path

import pytest
import trustme

from smppbridge.errors import ConfigError
from smppbridge.model.tls import Tls
from smppbridge.providers.upstream.options import OutbindTls
from smppbridge.providers.upstream.tls import outbind_tls_context, upstream_tls_context


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ca.pem; us.pem with us.key; other.key, which does not belong to it."""
    monkeypatch.chdir(tmp_path)
    ca = trustme.CA()
    ca.cert_pem.write_to_path("ca.pem")
    ours, other = ca.issue_cert("bridge.example"), ca.issue_cert("other.example")
    ours.cert_chain_pems[0].write_to_path("us.pem")
    ours.private_key_pem.write_to_path("us.key")
    other.private_key_pem.write_to_path("other.key")


def test_no_tls() -> None:
    assert upstream_tls_context("link", None) is None
    assert outbind_tls_context("link", None) is None


@pytest.mark.parametrize(
    "tls",
    [Tls(ca=Path("ca.pem")), Tls(ca=Path("ca.pem"), cert=Path("us.pem"), key=Path("us.key"))],
    ids=["without a certificate", "with one"],
)
def test_an_smsc_must_show_a_certificate_for_its_name(tls: Tls) -> None:
    context = upstream_tls_context("link", tls)
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.cert_store_stats()["x509_ca"] == 1


def test_the_door_for_an_smsc_that_calls() -> None:
    context = outbind_tls_context("link", OutbindTls(cert=Path("us.pem"), key=Path("us.key")))
    assert context is not None
    assert context.protocol == ssl.PROTOCOL_TLS_SERVER
    assert context.verify_mode == ssl.CERT_NONE  # its password says who it is
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_files_for_the_smsc_that_cannot_be_used() -> None:
    for tls in (
        Tls(ca=Path("us.key")),
        Tls(ca=Path("no.pem")),
        Tls(cert=Path("us.pem"), key=Path("other.key")),
    ):
        with pytest.raises(ConfigError, match=r"providers\.link\.tls: cannot load the files"):
            upstream_tls_context("link", tls)


@pytest.mark.parametrize(
    ("cert", "key"), [("us.pem", "other.key"), ("us.key", "us.key"), ("no.pem", "us.key")]
)
def test_files_for_the_door_that_cannot_be_used(cert: str, key: str) -> None:
    with pytest.raises(ConfigError, match=r"providers\.link\.outbind\.tls: cannot load the files"):
        outbind_tls_context("link", OutbindTls(cert=Path(cert), key=Path(key)))
