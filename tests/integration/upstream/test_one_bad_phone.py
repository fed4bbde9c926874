"""Whatever an SMSC answers for one phone, the messages to all others go out, and soon."""

from pathlib import Path

import pytest

from smppbridge.smpp.pdu import SubmitSm
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import metric
from tests.support.bridge.upstream import linked
from tests.support.esme.esme import PHONE, Esme, submit
from tests.support.system.clock import clock, time_flies

OTHERS = 30
SOON = 60.0  # seconds


# At least one of each kind in each of the tables.
STANDARD = (0x01, 0x04, 0x08, 0x0B, 0x0D, 0x0E, 0x14, 0x22, 0x45, 0x58, 0x64, 0x500)
ASSISTENT = (0x02, 0x04, 0x0A, 0x0E, 0x14, 0x22, 0x58, 0x4A4)


@pytest.mark.parametrize(
    ("profile", "status"),
    [*(("standard", status) for status in STANDARD), *(("sms-assistent", status) for status in ASSISTENT)],
)
async def test_a_status_of_one_phone(tmp_path: Path, profile: str, status: int) -> None:
    def status_of(pdu: SubmitSm) -> int:
        return status if pdu.destination_addr == PHONE else 0

    async with (
        CentreSimulator(Rules(status_of=status_of)) as centre,
        linked(tmp_path, centre, profile=profile) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit(to=f"375447{0:06}"))  # the provider has proved that it works
        await esme.receipt()
        began = clock().time()
        bad = [submit(str(number)) for number in range(3)]
        good = [submit(to=f"375447{number:06}") for number in range(1, OTHERS)]
        await esme.submit_many([*bad, *good[:10], *bad, *good[10:]])
        await time_flies(lambda: sum(not one.status for one in centre.submitted) == OTHERS)
        assert clock().time() - began < SOON
        assert metric(app, "provider_up", provider="link") == 1
