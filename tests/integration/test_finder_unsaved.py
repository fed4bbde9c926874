"""An answer about doubts that cannot be saved for a moment: no miss counts twice."""

from pathlib import Path
from typing import Any

import pytest

from smppbridge.errors import Uncertain
from smppbridge.model.message import Doubt, Stage
from smppbridge.providers.base import Taken, Trace
from tests.support.bridge.failing_store import failing, rows
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.esme.esme import Esme, submit

ASKABLE: dict[str, Any] = {"find_first": 0.02, "find_interval": 0.05}


async def test_a_miss_counts_once_however_often_it_is_saved(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lab, spare = ScriptedProvider("lab", **ASKABLE), ScriptedProvider("spare")
    lab.answers.extend([Taken("ref-1"), Uncertain("read timeout"), Uncertain("read timeout")])
    misses: list[int] = []  # of the one that it does not have, whenever it is asked about it

    def trace(doubt: Doubt) -> Trace:
        if doubt.text == "there":
            return Trace(doubt.id, ("ref-7",))
        misses.append(doubt.misses)
        return Trace(doubt.id)

    lab.traces = trace
    async with scripted(tmp_path, lab, spare) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit("the first one goes alone"))
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        with failing(tmp_path, f"UPDATE ON messages WHEN NEW.stage = {Stage.SENT:d}"):
            await esme.submit_many([submit("there"), submit("not there")])
            await eventually(lambda: "cannot save" in caplog.text)
            assert len(lab.found[0]) == 2
        await eventually(lambda: spare.sent)
        assert [message.text for message in spare.sent] == ["not there"]
        assert misses == [0, 1]
        assert rows(tmp_path, "SELECT provider_ref FROM messages WHERE text = 'there'") == [("ref-7",)]
