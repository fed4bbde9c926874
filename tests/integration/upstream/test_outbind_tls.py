"""The SMSC calls us over TLS; our password is never said in clear where the operator wants TLS."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme

from smppbridge.errors import ConfigError
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import DeliverSm, Outbind
from tests.simulators.smpp_centre.simulator import CentreSimulator
from tests.support.bridge.outbind import WORD, scene
from tests.support.bridge.running import PATIENCE, eventually
from tests.support.esme.esme import PHONE
from tests.support.esme.phones import text_of
from tests.support.system.ports import reserved_ports


@pytest.fixture
def outbind_port() -> Iterator[int]:
    """A port for outbind."""
    with reserved_ports(1) as (port,):
        yield port


class Tls(NamedTuple):
    """Both links over TLS: that of `home`, and that by outbind."""

    home: ssl.SSLContext
    caller: ssl.SSLContext
    keys: dict[str, Any]
    outbind: dict[str, Any]


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    ours = ca.issue_cert("127.0.0.1")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "our.pem")
    ours.private_key_pem.write_to_path(tmp_path / "our.key")
    home = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(home)
    caller = ssl.create_default_context()
    ca.configure_trust(caller)
    return Tls(home, caller, {"tls": {"ca": "ca.pem"}}, {"tls": {"cert": "our.pem", "key": "our.key"}})


async def test_an_smsc_that_calls_over_tls(tmp_path: Path, outbind_port: int, tls: Tls) -> None:
    async with (
        CentreSimulator() as caller,
        scene(tmp_path, outbind_port, outbind=tls.outbind, home_tls=tls.home, **tls.keys) as now,
    ):
        await now.call(caller, tls=tls.caller)
        await eventually(lambda: now.binds == 2)
        answer = await caller.deliver(
            DeliverSm(source_addr=PHONE, destination_addr="1234", short_message=b"Yes")
        )
        assert answer.command_status == 0
        assert text_of(await now.esme.receipt()) == "Yes"


async def test_with_tls_who_calls_in_clear_never_hears_our_password(
    tmp_path: Path, outbind_port: int, tls: Tls
) -> None:
    async with scene(tmp_path, outbind_port, outbind=tls.outbind, home_tls=tls.home, **tls.keys) as now:
        reader, writer = await asyncio.open_connection("127.0.0.1", outbind_port)
        writer.write(encode(Outbind(sequence_number=1, system_id="centre", password=WORD)))
        async with asyncio.timeout(PATIENCE):
            heard = await reader.read()
        writer.close()
        assert b"secret" not in heard
        assert len(heard) < 16  # an alert of TLS, and no PDU
        assert (now.binds, now.tried()) == (1, 1)


async def test_outbind_may_have_tls_where_the_other_link_has_none(
    tmp_path: Path, outbind_port: int, tls: Tls
) -> None:
    async with CentreSimulator() as caller, scene(tmp_path, outbind_port, outbind=tls.outbind) as now:
        await now.call(caller, tls=tls.caller)
        await eventually(lambda: now.binds == 2)


async def test_tls_for_one_of_both_links_only_is_a_mistake(
    tmp_path: Path, outbind_port: int, tls: Tls
) -> None:
    with pytest.raises(ConfigError, match=r"outbind\.tls: is required where tls is on"):
        async with scene(tmp_path, outbind_port, home_tls=tls.home, **tls.keys):
            pass
