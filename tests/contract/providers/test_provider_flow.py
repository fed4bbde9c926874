"""The same providers inside a whole bridge: from submit_sm to the one receipt, by callback and by polling."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest
import yaml

from smppbridge.app import App
from smppbridge.model.message import Stage
from smppbridge.providers.base import Callback
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import DeliverSm
from smppbridge.smpp.receipt import parse_receipt
from tests.contract.providers.rig import Rig
from tests.contract.providers.rigs import with_providers, with_rigs
from tests.support.bridge.running import PATIENCE, bridge, config, eventually, free_port
from tests.support.esme.esme import Esme, submit
from tests.support.http.server import Fault

pytestmark = pytest.mark.slow  # a whole bridge each

called_back = with_providers(lambda rig: rig.has_callbacks)

NAME = "gate"
UNPOLLED = {"poll_interval": 0, "balance_interval": 0, "inbound_interval": 0}
# Asked when the status is final already: who may be asked once a minute only is not asked twice here.
POLLED = {**UNPOLLED, "poll_first": "1s", "poll_interval": "0.1s"}


class Running(NamedTuple):
    """A bridge with one provider, and an ESME bound to it."""

    app: App
    esme: Esme
    token: str

    async def tell(self, callback: Callback, token: str = "") -> int:
        """Send ``callback`` to the bridge as the provider would; the HTTP status of the answer."""
        url = f"http://127.0.0.1:{self.app.web_port}/callbacks/{NAME}/{token or self.token}"
        async with httpx2.AsyncClient(trust_env=False, verify=False, timeout=PATIENCE) as client:
            answer = await client.request(
                callback.method,
                url,
                params=dict(callback.query),
                content=callback.body,
                headers=dict(callback.headers),
            )
        return answer.status_code


@asynccontextmanager
async def running(rig: Rig, directory: Path, keys: Mapping[str, object]) -> AsyncIterator[Running]:
    """A bridge whose provider is the simulator of ``rig``, which knows where to call back."""
    port = free_port()
    public = f"http://127.0.0.1:{port}"
    settings = {**rig.settings(), **keys}
    sections = yaml.safe_dump(
        {
            "web": {"host": "127.0.0.1", "port": port, "public_url": public, "secret": "web secret"},
            "providers": {NAME: settings},
            "routes": [{"to": [NAME]}],
        }
    )
    checked = config(directory, sections)
    token = checked.callback_token(NAME)
    query = checked.providers[NAME].callback_query()
    rig.use_callback_url(f"{public}/callbacks/{NAME}/{token}{query}")
    async with bridge(directory, sections) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        yield Running(app, esme, token)


def stat_of(receipt: DeliverSm) -> str | None:
    return parse_receipt(receipt.short_message.decode("latin-1")).stat


async def taken_ref(rig: Rig) -> str:
    """The reference of the one message, as soon as the simulator has it."""
    await eventually(rig.taken)
    (kept,) = rig.taken()
    return kept.ref


# --- statuses --------------------------------------------------------------------------------------


@with_rigs()
async def test_a_status_that_was_asked_for_brings_the_receipt(rig: Rig, tmp_path: Path) -> None:
    async with running(rig, tmp_path, POLLED) as now:
        message_id = await now.esme.submit(submit())
        receipt = await now.esme.receipt()
        assert (receipt.tlv(Tag.RECEIPTED_MESSAGE_ID), stat_of(receipt)) == (message_id, "DELIVRD")
        assert len(rig.taken()) == 1
        await now.esme.silence(DeliverSm)


@called_back
@pytest.mark.parametrize(("delivered", "stats"), [(True, {"DELIVRD"}), (False, {"UNDELIV", "EXPIRED"})])
async def test_a_callback_brings_the_receipt_once(
    rig: Rig, tmp_path: Path, delivered: bool, stats: set[str]
) -> None:
    if not delivered:
        rig.never_deliver()
    async with running(rig, tmp_path, UNPOLLED) as now:
        message_id = await now.esme.submit(submit())
        receipt = await now.esme.receipt()
        assert receipt.tlv(Tag.RECEIPTED_MESSAGE_ID) == message_id
        assert stat_of(receipt) in stats
        again = rig.callback(await taken_ref(rig), delivered=delivered)
        assert [await now.tell(again), await now.tell(again)] == [200, 200]
        await now.esme.silence(DeliverSm)


@called_back
async def test_a_final_status_is_not_taken_back(rig: Rig, tmp_path: Path) -> None:
    async with running(rig, tmp_path, UNPOLLED) as now:
        await now.esme.submit(submit())
        assert stat_of(await now.esme.receipt()) == "DELIVRD"
        assert await now.tell(rig.callback(await taken_ref(rig), delivered=False)) == 200
        await now.esme.silence(DeliverSm)


@called_back
async def test_a_callback_before_the_answer_is_kept_and_applied(rig: Rig, tmp_path: Path) -> None:
    rig.faults.append(Fault.HANG_AFTER)
    async with running(rig, tmp_path, UNPOLLED) as now:
        message_id = await now.esme.submit(submit())
        ref = await taken_ref(rig)
        assert await now.tell(rig.callback(ref, delivered=True)) == 200
        assert len(await now.app.store.list_stage(Stage.SENDING, 10)) == 1  # its reference is not known yet
        rig.go_on()
        receipt = await now.esme.receipt()
        assert (receipt.tlv(Tag.RECEIPTED_MESSAGE_ID), stat_of(receipt)) == (message_id, "DELIVRD")
        await now.esme.silence(DeliverSm)
        assert len(rig.taken()) == 1


# --- what is not taken -----------------------------------------------------------------------------


@called_back
async def test_callbacks_of_others(rig: Rig, tmp_path: Path) -> None:
    async with running(rig, tmp_path, UNPOLLED) as now:
        unknown = rig.callback(rig.unknown_ref(), delivered=True)
        assert await now.tell(unknown) == 200
        assert await now.tell(unknown, token="0" * 32) == 404
        assert await now.tell(unknown, token=now.token.upper() + "0") == 404
        assert {await now.tell(garbage) for garbage in rig.garbage_callbacks()} == {400}


@with_providers(lambda rig: rig.signs_callbacks)
async def test_a_forged_callback_changes_nothing(rig: Rig, tmp_path: Path) -> None:
    async with running(rig, tmp_path, UNPOLLED) as now:
        assert {await now.tell(forged) for forged in rig.forged_callbacks()} == {403}


@with_providers(lambda rig: not rig.has_callbacks)
async def test_where_nothing_calls_back_no_callback_is_understood(rig: Rig, tmp_path: Path) -> None:
    async with running(rig, tmp_path, UNPOLLED) as now:
        assert {await now.tell(garbage) for garbage in rig.garbage_callbacks()} == {400}
