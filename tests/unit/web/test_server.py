"""The end of the web port: requests under way are finished, nobody else holds it up."""

import asyncio

from tests.support.system.clock import soon, time_flies, until
from tests.unit.web.site import site


async def test_at_a_stop_requests_under_way_are_answered() -> None:
    async with site() as here:
        idle, busy = await here.connect(), await here.busy()
        stopping = asyncio.create_task(here.web.stop())
        await until(lambda: idle.closed)
        here.saving.set()
        assert (await soon(busy.hear())).status == 200
        await time_flies(stopping.done)
        assert here.admission.used == 0


async def test_a_request_that_never_ends_holds_up_no_stop() -> None:
    async with site() as here:
        await here.busy()
        stopping = asyncio.create_task(here.web.stop())
        await time_flies(stopping.done)
        await until(lambda: here.admission.used == 0)
