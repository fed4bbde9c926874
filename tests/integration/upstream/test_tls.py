"""TLS towards an SMSC: who it is must be certain before the password goes out, and we show who we are."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from smppbridge.app import App
from smppbridge.errors import ConfigError
from smppbridge.logs import TextFormatter
from tests.simulators.smpp_centre.simulator import CentreSimulator
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import PATIENCE, link, linked, sections, upstream_bridge
from tests.support.esme.esme import Esme, submit
from tests.support.system.clock import clock, time_flies

DOMAIN = "operator.example"
NAME = f"smsc.{DOMAIN}"  # in a certificate; no host has it


@pytest.fixture(autouse=True)
def _plain(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.setFormatter(TextFormatter(mask=False))


class Authority:
    """A certificate authority, in files: ca.pem, and what it issues."""

    def __init__(self, directory: Path, name: str = "ca") -> None:
        self.ca = trustme.CA()
        self._directory = directory
        self.ca.cert_pem.write_to_path(directory / f"{name}.pem")

    def server(self, name: str = "127.0.0.1") -> ssl.SSLContext:
        """For a centre with a certificate for ``name``."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(name).configure_cert(context)
        return context

    def write_certificate(self, name: str) -> None:
        """A certificate of a client: ``name``.pem and ``name``.key."""
        issued = self.ca.issue_cert(f"{name}@bridge.example")
        issued.cert_chain_pems[0].write_to_path(self._directory / f"{name}.pem")
        issued.private_key_pem.write_to_path(self._directory / f"{name}.key")


def tried(app: App, status: str) -> float:
    """How many tries to bind ended like this."""
    return metric(app, "upstream_bind_attempts_total", provider="link", status=status)


@asynccontextmanager
async def refused(
    directory: Path, centre: CentreSimulator, status: str = "unreachable", **keys: Any
) -> AsyncIterator[App]:
    """A bridge that has tried twice to bind to ``centre``, and has not said who it is."""
    async with upstream_bridge(directory, sections(link(centre.port, reconnect_max=0.1, **keys))) as app:
        await time_flies(lambda: tried(app, status) >= 2)
        assert metric(app, "upstream_binds", provider="link") == 0
        yield app
    assert centre.counts["binds"] == 0


# --- whom we trust ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "keys"),
    [("127.0.0.1", {}), (NAME, {"server_name": NAME}), (f"*.{DOMAIN}", {"server_name": NAME})],
    ids=["the host", "another name", "a wildcard"],
)
async def test_a_certificate_of_our_authority(tmp_path: Path, name: str, keys: dict[str, str]) -> None:
    authority = Authority(tmp_path)
    async with (
        CentreSimulator(tls=authority.server(name)) as centre,
        linked(tmp_path, centre, tls={"ca": "ca.pem", **keys}) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit())
        assert b" stat:DELIVRD " in (await esme.receipt()).short_message
        assert tried(app, "ESME_ROK") == 1


@pytest.mark.parametrize(
    ("name", "keys"),
    [(NAME, {}), ("127.0.0.1", {"server_name": NAME}), ("127.0.0.2", {})],
    ids=["not the host", "not the name that we were told", "another address"],
)
async def test_a_certificate_for_another_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, keys: dict[str, str]
) -> None:
    authority = Authority(tmp_path)
    async with (
        CentreSimulator(tls=authority.server(name)) as centre,
        refused(tmp_path, centre, tls={"ca": "ca.pem", **keys}) as app,
    ):
        assert tried(app, "ESME_ROK") == 0
    assert "certificate is not accepted" in caplog.text
    assert "certificate is not valid for" in caplog.text


async def test_an_unknown_authority(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Authority(tmp_path)
    stranger = Authority(tmp_path, "stranger")
    async with (
        CentreSimulator(tls=stranger.server()) as centre,
        refused(tmp_path, centre, tls={"ca": "ca.pem"}) as app,
    ):
        clock().forward(PATIENCE)
        await eventually(lambda: metric(app, "provider_up", provider="link") == 0)
        assert any("certificate is not accepted" in line for line in await app.readiness.reasons())
    assert "unable to get local issuer certificate" in caplog.text
    assert "secret" not in caplog.text


async def test_without_ca_the_system_decides(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    async with CentreSimulator(tls=authority.server()) as centre:
        async with refused(tmp_path, centre, tls=True):
            assert "certificate is not accepted" in caplog.text
        # What OpenSSL's system trusts: an environment variable is the only way to say so.
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        async with linked(tmp_path, centre, tls=True):
            assert centre.counts["binds"] == 1


async def test_a_new_certificate_ends_the_refusal(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.server(NAME)
    async with CentreSimulator(tls=context) as centre:
        config = sections(link(centre.port, reconnect_max=0.1, tls={"ca": "ca.pem"}))
        async with upstream_bridge(tmp_path, config) as app:
            await eventually(lambda: tried(app, "unreachable") >= 1)
            authority.ca.issue_cert("127.0.0.1").configure_cert(context)
            await eventually(lambda: metric(app, "upstream_binds", provider="link") == 1)


# --- who we are ------------------------------------------------------------------------------------


async def test_our_certificate_is_shown(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.write_certificate("us")
    context = authority.server()
    authority.ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    tls = {"ca": "ca.pem", "cert": "us.pem", "key": "us.key"}
    async with CentreSimulator(tls=context) as centre:
        async with linked(tmp_path, centre, tls=tls) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            await esme.submit(submit())
            await esme.receipt()
        assert centre.counts["unbinds"] == 1


@pytest.mark.parametrize("certificate", ["none", "of a stranger"])
async def test_an_smsc_that_does_not_accept_ours(
    tmp_path: Path, certificate: str, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority(tmp_path)
    Authority(tmp_path, "stranger").write_certificate("us")
    context = authority.server()
    authority.ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    keys = {} if certificate == "none" else {"cert": "us.pem", "key": "us.key"}
    async with (
        CentreSimulator(tls=context) as centre,
        # In TLS 1.3 we are told only after the handshake: it looks like a bind without an answer.
        refused(tmp_path, centre, "timeout", tls={"ca": "ca.pem", **keys}),
    ):
        assert "upstream bind failed" in caplog.text


# --- what is no TLS --------------------------------------------------------------------------------


async def test_an_smsc_without_tls_never_hears_the_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Authority(tmp_path)
    async with CentreSimulator() as centre, refused(tmp_path, centre, tls={"ca": "ca.pem"}):
        assert {fault.kind for fault in centre.faults} == {"framing"}  # the beginning of a handshake
    assert "cannot connect to 127.0.0.1" in caplog.text


async def test_a_handshake_without_an_end(tmp_path: Path) -> None:
    Authority(tmp_path)
    async with CentreSimulator() as centre:
        centre.rules.mute_binds = True
        async with refused(tmp_path, centre, tls={"ca": "ca.pem"}):
            pass


async def test_an_smsc_with_tls_that_we_take_for_one_without(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with CentreSimulator(tls=authority.server()) as centre, refused(tmp_path, centre, "timeout"):
        pass


@pytest.mark.parametrize(
    ("tls", "why"),
    [
        ({"ca": "us.key"}, "certificate"),
        ({"cert": "ca.pem", "key": "us.key"}, "mismatch"),
        ({"ca": "no.pem"}, "no.pem"),
    ],
    ids=["no certificate in it", "a key for another certificate", "no such file"],
)
async def test_files_that_cannot_be_used(tmp_path: Path, tls: dict[str, str], why: str) -> None:
    authority = Authority(tmp_path)
    authority.write_certificate("us")
    with pytest.raises(ConfigError) as error:
        async with upstream_bridge(tmp_path, sections(link(1, tls=tls))):
            pass
    assert "providers.link.tls" in str(error.value)
    assert why in str(error.value).lower()


async def test_stopping_does_not_wait_for_what_was_refused(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    Authority(tmp_path)
    stranger = Authority(tmp_path, "stranger")
    async with CentreSimulator(tls=stranger.server()) as centre:
        async with refused(tmp_path, centre, tls={"ca": "ca.pem"}):
            stopped_at = loop.time()
        assert loop.time() - stopped_at < 4.5  # a session that is there has 5 s
