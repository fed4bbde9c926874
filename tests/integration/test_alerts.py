"""Equipment that asked for it hears when a phone can be reached again (SMPP 3.4 §4.12, set_dpf)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from smppbridge.app import App
from smppbridge.flow.deliver.outbind import OutbindCaller
from smppbridge.model.message import State, StatusReport
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import AlertNotification, DataSm, DataSmResp, SubmitSm
from smppbridge.smpp.tlv import Tlv, tlv
from tests.support.bridge.failing_store import rows
from tests.support.bridge.pauses import build_with
from tests.support.bridge.running import bridge, eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.esme.callee import callee, outbind
from tests.support.esme.esme import PHONE, Esme, submit

ASKS = (tlv(Tag.SET_DPF, 1),)


def data(tlvs: Sequence[Tlv] = ASKS) -> DataSm:
    return DataSm(
        source_addr_ton=5,
        source_addr="ALARM",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=PHONE,
        data_coding=3,
        tlvs=(*tlvs, tlv(Tag.MESSAGE_PAYLOAD, b"Door 3 opened")),
    )


class Scene:
    """Equipment, and a provider that ends messages as a test says."""

    def __init__(self, app: App, lab: ScriptedProvider, esme: Esme) -> None:
        self.app = app
        self.esme = esme
        self._lab = lab
        self._sent = 0

    async def end(self, state: State, pdu: SubmitSm | DataSm) -> None:
        """Send ``pdu``, which asks for no receipt, and end it like this."""
        if isinstance(pdu, DataSm):
            answer = await self.esme.ask(pdu)
            assert isinstance(answer, DataSmResp)
            assert (answer.command_status, answer.tlv(Tag.DPF_RESULT)) == (0, None)
        else:
            await self.esme.submit(pdu)
        self._sent += 1
        await eventually(lambda: len(self._lab.sent) == self._sent)
        ended = self.ended(state)
        await self._lab.push(StatusReport(f"ref-{self._sent}", int(state), True, 0, ""))
        await eventually(lambda: self.ended(state) == ended + 1)

    def ended(self, state: State) -> float:
        return metric(self.app, "outcomes_total", provider="lab", state=state.name)


@asynccontextmanager
async def scene(directory: Path, sections: str = "", kind: str = "TRX") -> AsyncIterator[Scene]:
    lab = ScriptedProvider("lab")
    async with (
        scripted(directory, lab, sections=sections) as app,
        await Esme.bound(app.smpp_ports[0], kind=kind) as esme,
    ):
        yield Scene(app, lab, esme)


async def test_an_alert(tmp_path: Path) -> None:
    async with scene(tmp_path) as now:
        await now.end(State.UNDELIVERABLE, data())
        await now.esme.quiet(AlertNotification)
        await now.end(State.DELIVERED, submit(registered_delivery=0))
        alert = await now.esme.expect(AlertNotification)
        assert (alert.source_addr_ton, alert.source_addr_npi, alert.source_addr) == (1, 1, PHONE)
        assert (alert.esme_addr_ton, alert.esme_addr_npi, alert.esme_addr) == (5, 0, "ALARM")
        assert alert.tlvs == (tlv(Tag.MS_AVAILABILITY_STATUS, 0),)
        await eventually(lambda: rows(tmp_path, "SELECT * FROM alerts") == [])
        await now.end(State.DELIVERED, submit(registered_delivery=0))
        await now.esme.quiet(AlertNotification)


async def test_nobody_asked(tmp_path: Path) -> None:
    async with scene(tmp_path) as now:
        await now.end(State.UNDELIVERABLE, data([tlv(Tag.SET_DPF, 0)]))
        await now.end(State.UNDELIVERABLE, submit(registered_delivery=0))
        await now.end(State.DELIVERED, submit(registered_delivery=0))
        assert rows(tmp_path, "SELECT * FROM alerts") == []
        await now.esme.quiet(AlertNotification)


async def test_an_alert_waits_for_a_bind_that_knows_it(tmp_path: Path) -> None:
    """Not SMPP 3.3, and not a transmitter; and it waits over a restart."""
    async with scene(tmp_path, kind="TX") as now:
        await now.end(State.EXPIRED, data())
        await now.end(State.DELIVERED, submit(registered_delivery=0))
        await now.esme.quiet(AlertNotification)
        async with await Esme.bound(now.app.smpp_ports[0], kind="RX", version=0x33) as old:
            await old.quiet(AlertNotification)
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0], kind="RX") as esme:
        assert (await esme.expect(AlertNotification)).source_addr == PHONE
        await eventually(lambda: rows(tmp_path, "SELECT * FROM alerts") == [])
        async with await Esme.bound(app.smpp_ports[0], kind="RX") as another:
            await another.quiet(AlertNotification)


async def test_equipment_is_called_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_with(monkeypatch, OutbindCaller, first_pause=0.1)
    async with callee() as equipment:
        sections = f"accounts: {{pbx: {{password: secret, {outbind(equipment.port)}}}}}"
        async with scene(tmp_path, sections, kind="TX") as now:
            await now.end(State.UNDELIVERABLE, data())
            await now.end(State.DELIVERED, submit(registered_delivery=0))
            called = await equipment.bound()
            assert (await called.expect(AlertNotification)).source_addr == PHONE
            await equipment.close()
