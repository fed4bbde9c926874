"""Messages from phones that the bridge asks its providers for."""

from pathlib import Path

from smppbridge.errors import Throttled
from tests.support.bridge.owed import all_delivered
from tests.support.bridge.running import Clock, eventually
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.esme.esme import Esme
from tests.support.esme.phones import ALL_TO_PBX, arrive, from_phone, text_of


async def test_messages_are_asked_for(tmp_path: Path) -> None:
    clock = Clock()
    lab = ScriptedProvider("lab", inbound_interval=0.05)
    old = clock() - 10_000
    lab.phones = [from_phone("before the bridge was there", "0", at=old)]
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await eventually(lambda: len(lab.inbound_asked) == 2)
        first, second = lab.inbound_asked[:2]
        assert first is not None and first > old
        assert second is None  # what is new since then
        lab.phones.append(from_phone("yes", "1", at=clock()))
        assert text_of(await esme.receipt()) == "yes"
        assert await arrive(app, lab, from_phone("yes", "1", at=clock())) == 200  # told both ways
        await all_delivered(tmp_path, esme)

        lab.inbound_fails.append(Throttled("slow down", after=0.1))
        lab.phones.append(from_phone("no", "2", at=clock()))
        asked = len(lab.inbound_asked)
        await eventually(lambda: len(lab.inbound_asked) >= asked + 3)
        assert first in lab.inbound_asked[asked:]  # with an overlap, but not from before the first time
        assert text_of(await esme.receipt()) == "no"
        await all_delivered(tmp_path, esme)


async def test_after_a_restart_it_asks_for_what_came_meanwhile(tmp_path: Path) -> None:
    clock = Clock()
    lab = ScriptedProvider("lab", inbound_interval=0.05)
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await eventually(lambda: lab.inbound_asked)
        clock.forward(7200)
        lab.phones = [from_phone("seen", "1", at=clock())]
        assert text_of(await esme.receipt()) == "seen"
        asked = len(lab.inbound_asked)
        await eventually(lambda: len(lab.inbound_asked) > asked)
    stopped = clock()
    lab.phones.append(from_phone("meanwhile", "2", at=clock()))
    lab.inbound_asked.clear()
    clock.forward(86400)
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert text_of(await esme.receipt()) == "meanwhile"
        since = lab.inbound_asked[0]
        assert since is not None
        assert stopped - 3_660_000 < since < stopped - 3_600_000 + 1  # an hour before its last answer
        await all_delivered(tmp_path, esme)
