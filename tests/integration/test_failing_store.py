"""A store that fails for a moment: nothing is lost, nothing is done twice, nobody is pestered."""

from pathlib import Path

from smppbridge.model.message import State, StatusReport
from tests.support.bridge.failing_store import HAND_BACK, failing, rows
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.esme.esme import Esme, submit

DELIVERED = StatusReport("ref-1", int(State.DELIVERED), True, 0, "2")


async def test_what_has_to_wait_does_not_delay_the_others_while_it_cannot_be_saved(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", same_text_gap=600.0)
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit("door"))
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        with failing(tmp_path, HAND_BACK):
            await esme.submit_many([submit("door"), submit("gate")])
            await eventually(lambda: [message.text for message in lab.sent] == ["door", "gate"], 3.0)
            await esme.submit(submit("lamp"))
            await eventually(lambda: [message.text for message in lab.sent] == ["door", "gate", "lamp"], 3.0)
        await eventually(
            lambda: rows(tmp_path, "SELECT text, attempt FROM messages WHERE stage = 1") == [("door", 0)]
        )
        assert len(lab.sent) == 3
