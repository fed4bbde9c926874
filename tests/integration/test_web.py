"""The HTTP side of a running bridge: metrics, health, and the providers' callbacks."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx2
import pytest

from smppbridge.app import App
from smppbridge.smpp.constants import Status, Tag
from smppbridge.web.callbacks import MAX_BODY
from tests.simulators.smspilot.simulator import Rules, SmspilotSimulator
from tests.support.bridge.running import PATIENCE, bridge, config, eventually, get, metric, pilot, unreachable
from tests.support.esme.esme import Esme, submit

TOKEN = config(Path(), pilot("http://127.0.0.1")).callback_token("pilot")  # derived from the key alone
NAMES = [
    "build_info",
    "budget_limit",
    "budget_used",
    "binds",
    "bind_attempts_total",
    "submit_sm_total",
    "submit_seconds_bucket",
    "queued_messages",
    "oldest_queued_seconds",
    "attempts_total",
    "provider_seconds_bucket",
    "provider_up",
    "provider_balance",
    "provider_low_balance",
    "inbound_messages_total",
    "owed_inbound",
    "outcomes_total",
    "delivery_seconds_bucket",
    "owed_receipts",
    "oldest_owed_receipt_seconds",
    "deliver_sm_total",
    "uncertain_messages",
    "upstream_binds",
    "protocol_errors_total",
    "store_commit_seconds_bucket",
    "store_batch_rows_bucket",
]


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Another program holds the database."""
    other = sqlite3.connect(directory / "bridge.db", timeout=PATIENCE, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


# --- metrics, health -------------------------------------------------------------------------------


async def test_every_metric_has_its_name(tmp_path: Path) -> None:
    async with SmspilotSimulator(Rules(delay=0.02)) as simulator:
        async with bridge(tmp_path, pilot(simulator.url)) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            await esme.submit(submit())
            await eventually(lambda: metric(app, "attempts_total", provider="pilot", result="sent"))
            ref = simulator.accepted[0]["server_id"]
            await callback(app, {"server_id": ref, "status": "2"})
            await esme.receipt()
            esme.writer.write(bytes(16))
            await esme.closed()
            await eventually(lambda: metric(app, "binds", account="pbx", bind_type="TRX") == 0)
            answer = await get(app, "/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        found = {line.split("{")[0].split(" ")[0] for line in answer.text.splitlines() if line[:1] != "#"}
        # A provider's balance is known once it was asked: its family stands there all the same.
        families = {line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE")}
        missing = {f"smppbridge_{name}" for name in NAMES} - found - families
        assert not missing


async def test_nothing_a_stranger_sends_becomes_a_label(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app:
        async with await Esme.connect(app.smpp_ports[0]) as esme:
            await esme.bind("stranger", "whatever")
        text = (await get(app, "/metrics")).text
        assert "stranger" not in text
        assert 'smppbridge_bind_attempts_total{account="",status="ESME_RINVPASWD"} 1.0' in text


async def test_health(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app:
        assert (await get(app, "/healthz")).status_code == 200
        ready = await get(app, "/readyz")
        assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})
        assert (await get(app, "/nothing")).status_code == 404


async def test_not_ready_while_the_store_takes_no_writes(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app:
        with locked(tmp_path):
            answer = await get(app, "/readyz")
            assert answer.status_code == 503
            assert answer.json()["ready"] is False
            assert [reason.split(":")[0] for reason in answer.json()["reasons"]] == ["store"]
            assert (await get(app, "/healthz")).status_code == 200

        async def ready_again() -> bool:
            return (await get(app, "/readyz")).status_code == 200

        async with asyncio.timeout(PATIENCE):
            while not await ready_again():
                await asyncio.sleep(0.05)


async def failed_hand_overs(app: App, count: int) -> None:
    """Wait for so many."""
    await eventually(lambda: metric(app, "attempts_total", provider="pilot", result="unavailable") >= count)


async def test_not_ready_while_no_provider_can_be_used(tmp_path: Path) -> None:
    async with bridge(tmp_path, unreachable()) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        assert (await get(app, "/readyz")).status_code == 200
        for failures in range(1, 4):  # a hand-over each: the third failure in a row opens the breaker
            await esme.submit(submit())
            await failed_hand_overs(app, failures)
        answer = await get(app, "/readyz")
        assert answer.status_code == 503
        (reason,) = answer.json()["reasons"]
        assert reason.startswith("provider pilot: ")
        assert "connection refused" in reason
        assert metric(app, "provider_up", provider="pilot") == 0


# --- a store that takes no writes ------------------------------------------------------------------


async def test_a_message_is_refused_while_the_store_takes_no_writes_and_taken_afterwards(
    tmp_path: Path,
) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        with locked(tmp_path):
            assert (await esme.ask(submit())).command_status == Status.ESME_RSYSERR
        message_id = await esme.submit(submit())
        assert (await esme.receipt()).tlv(Tag.RECEIPTED_MESSAGE_ID) == message_id


# --- callbacks -------------------------------------------------------------------------------------


async def callback(
    app: App, fields: dict[str, str], *, token: str | None = None, name: str = "pilot", post: bool = False
) -> httpx2.Response:
    """Call back like smspilot; the token is the right one unless another is given."""
    if token is None:
        token = TOKEN
    url = f"http://127.0.0.1:{app.web_port}/callbacks/{name}/{token}"
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        return await (client.post(url, data=fields) if post else client.get(url, params=fields))


@asynccontextmanager
async def sent_message(directory: Path) -> AsyncIterator[tuple[App, Esme, str]]:
    """A bridge, an ESME, and the provider's id of a message that it has submitted."""
    async with (
        SmspilotSimulator() as simulator,
        bridge(directory, pilot(simulator.url)) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit())
        await eventually(lambda: metric(app, "attempts_total", provider="pilot", result="sent"))
        yield app, esme, simulator.accepted[0]["server_id"]


@pytest.mark.parametrize("post", [False, True])
async def test_a_callback_brings_the_receipt(tmp_path: Path, post: bool) -> None:
    async with sent_message(tmp_path) as (app, esme, ref):
        answer = await callback(app, {"server_id": ref, "status": "-1", "error": "601"}, post=post)
        assert answer.status_code == 200
        assert b"stat:UNDELIV err:601" in (await esme.receipt()).short_message
        assert (
            await callback(app, {"server_id": ref, "status": "2"})
        ).status_code == 200  # late, and ignored
        assert metric(app, "late_statuses_total", provider="pilot") == 1


async def test_callbacks_that_are_not_taken(tmp_path: Path) -> None:
    async with sent_message(tmp_path) as (app, _, ref):
        good = {"server_id": ref, "status": "2"}
        assert (await callback(app, good, token="0" * 32)).status_code == 404
        assert (await callback(app, good, token="wr%C3%B6ng")).status_code == 404
        assert (await callback(app, good, name="nobody")).status_code == 404
        assert (await callback(app, {"server_id": "999", "status": "2"})).status_code == 200
        assert (await callback(app, {"hello": "world"})).status_code == 400
        assert (await callback(app, {"server_id": ref, "status": "soon"})).status_code == 400
        assert (await callback(app, {"x": "y" * MAX_BODY}, post=True)).status_code == 413
        assert metric(app, "outcomes_total", provider="pilot", state="DELIVERED") == 0


async def test_a_provider_without_a_secret_has_no_callbacks(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app:
        assert (await callback(app, {}, name="lab", token="")).status_code == 404
        assert (await callback(app, {}, name="lab", token="x")).status_code == 404


async def test_a_callback_is_not_confirmed_before_it_is_saved(tmp_path: Path) -> None:
    async with sent_message(tmp_path) as (app, esme, ref):
        with locked(tmp_path):
            assert (await callback(app, {"server_id": ref, "status": "2"})).status_code == 503
        assert (await callback(app, {"server_id": ref, "status": "2"})).status_code == 200
        assert b"stat:DELIVRD" in (await esme.receipt()).short_message
