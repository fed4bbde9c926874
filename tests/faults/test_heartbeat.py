"""The rig itself: a quiet bridge is well, and a bridge that is held up is not."""

from pathlib import Path

import pytest

from tests.support.attack.rig import attacked
from tests.support.attack.strangers import crowd
from tests.support.esme.esme import Esme, submit


async def test_what_the_rig_sees(tmp_path: Path) -> None:
    async with (
        attacked(tmp_path, tls=True) as bridge,
        await Esme.bound(bridge.smpp_port) as esme,
    ):
        assert bridge.tls_port != bridge.smpp_port
        with crowd(bridge.smpp_port, "127.0.0.3") as strangers:
            await strangers.connect(20)
            assert strangers.left == 20
            strangers.say(bytes(16))  # a command_length of 0
            await strangers.gone()
        assert await bridge.metric("binds", account="heart") == 1
        assert bridge.log_lines["bind accepted"] == 2
        assert 0 < bridge.rss <= bridge.peak_rss
        began = bridge.cpu
        esme.send(*(submit() for _ in range(2000)))
        await bridge.heart.beat(2)
        assert bridge.cpu > began
        with pytest.raises(AssertionError, match="too much work before"):
            await bridge.heart.is_well(most_cpu=1.0)
        await bridge.is_well()
