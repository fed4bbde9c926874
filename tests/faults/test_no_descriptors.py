"""A stranger uses up what the limit of open files allows: the store and the providers have theirs all the
same."""

from pathlib import Path

from tests.simulators.smspilot.simulator import Rules, SmspilotSimulator
from tests.support.attack.rig import attacked
from tests.support.attack.strangers import crowd
from tests.support.bridge.running import free_port, pilot


async def test_no_descriptors(tmp_path: Path) -> None:
    async with SmspilotSimulator(Rules(delay=0.05)) as simulator:
        settings = pilot(simulator.url, web_port=free_port())
        async with attacked(tmp_path, settings, open_files=64) as bridge:
            with crowd(bridge.smpp_port) as strangers:
                await strangers.connect(120)
                await bridge.heart.beat(5)
                await bridge.newcomer()
                assert bridge.open_files < 64
            await bridge.is_well()
            assert not {"provider is down", "worker step failed, will go on"} & bridge.log_lines.keys()
