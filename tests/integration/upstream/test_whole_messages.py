"""A message of several parts goes out whole or not at all, whatever ends meanwhile; what is wrong with one
message of a batch does no harm to the others."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from smppbridge.errors import Refused
from smppbridge.model.message import Message
from smppbridge.providers.upstream.provider import Smpp
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import SubmitSm
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.failing_store import rows
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import BINDS, PATIENCE, TIMINGS, linked
from tests.support.bridge.upstream_steps import FINAL, read, stages
from tests.support.esme.esme import Esme, submit
from tests.support.system.clock import clock, time_flies

PARTS = 3


def long_text(number: int) -> SubmitSm:
    """Three parts, to a phone of its own."""
    return submit(b"", to=f"3752912{number:05}", tlvs=((0x0424, b"Long text. " * 40),))


def arrived(centre: CentreSimulator) -> dict[str, Counter[bytes]]:
    """By phone: how often each part of each message was taken."""
    found: dict[str, Counter[bytes]] = defaultdict(Counter)
    for one in centre.submitted:
        if not one.status:
            found[one.pdu.destination_addr][one.pdu.short_message[:6]] += 1
    return found


def submitted(centre: CentreSimulator, count: int) -> bool:
    return len(centre.submitted) == count


def all_whole(centre: CentreSimulator) -> bool:
    """Whether each phone that got something got all parts of one message, each once."""
    return all(len(parts) == PARTS and set(parts.values()) == {1} for parts in arrived(centre).values())


async def test_a_stop_of_the_bridge_cuts_none_in_half(tmp_path: Path) -> None:
    async with CentreSimulator(Rules(latency=1.0)) as centre:
        async with linked(tmp_path, centre, window=1) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            await esme.submit_many([long_text(number) for number in range(6)])
            for count in range(1, PARTS + 1):
                await eventually(partial(submitted, centre, count))
                clock().forward(1.0)
            await eventually(partial(submitted, centre, PARTS + 1))
            centre.rules.latency = 0.01
            clock().forward(1.0)
        assert len(centre.submitted) == 2 * PARTS
        assert all_whole(centre)
        centre.rules.latency = 0.0
        async with linked(tmp_path, centre):
            await eventually(lambda: len(arrived(centre)) == 6)
            await eventually(lambda: stages(tmp_path) == {FINAL: 6})
        assert all_whole(centre)
        assert rows(tmp_path, "SELECT count(*) FROM attempts WHERE result = 'uncertain'") == [(0,)]


async def test_the_end_of_the_time_for_a_batch_cuts_none_in_half(tmp_path: Path) -> None:
    timings = replace(TIMINGS, sending=3.5)
    async with (
        CentreSimulator(Rules(latency=0.5)) as centre,
        linked(tmp_path, centre, timings=timings, window=1) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([long_text(number) for number in range(8)])
        await time_flies(lambda: stages(tmp_path) == {FINAL: 8})
        assert len(arrived(centre)) == 8
        assert all_whole(centre)
        tries = rows(tmp_path, "SELECT max(attempt) FROM messages")
        assert tries > [(1,)]  # some had to go back


async def test_an_smsc_that_wants_it_later_when_the_time_is_over_cuts_none_in_half(tmp_path: Path) -> None:
    timings = replace(TIMINGS, sending=1.0, binds=replace(BINDS, slowest=20.0))
    seen: Counter[bytes] = Counter()

    def status_of(pdu: SubmitSm) -> int:
        part = pdu.short_message[:6]
        seen[part] += 1
        return Status.ESME_RTHROTTLED if part[5] == 2 and seen[part] < 3 else 0

    async with (
        CentreSimulator(Rules(latency=2.0, status_of=status_of)) as centre,
        linked(tmp_path, centre, timings=timings) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(long_text(0))
        await time_flies(lambda: stages(tmp_path) == {FINAL: 1})
        assert read(await esme.receipt()).stat == "DELIVRD"
        assert all_whole(centre)
        assert rows(tmp_path, "SELECT max(attempt) FROM messages") == [(1,)]


async def test_a_while_without_a_bind_cuts_none_in_half(tmp_path: Path) -> None:
    async with (
        CentreSimulator() as centre,
        linked(tmp_path, centre, window=1, rate=4) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([long_text(number) for number in range(2)])
        await eventually(lambda: centre.counts["taken"] == 2)
        centre.stop_listening()
        centre.hang_up()
        await eventually(lambda: metric(app, "upstream_binds", provider="link") == 0)
        clock().forward(PATIENCE)
        await eventually(lambda: metric(app, "provider_up", provider="link") == 0)
        centre.listen_again()
        await time_flies(lambda: stages(tmp_path) == {FINAL: 2})
        assert len(arrived(centre)) == 2
        assert all_whole(centre)
        assert centre.counts["binds"] == 2


@pytest.mark.parametrize("error", [Refused(Status.ESME_RINVMSGLEN, "too long"), RuntimeError("a mistake")])
async def test_a_message_that_cannot_be_made_into_pdus_harms_no_other(
    tmp_path: Path, error: Exception
) -> None:
    class Broken(Smpp):
        def _submits(self, now: int, message: Message) -> Sequence[SubmitSm]:
            if message.text == "bad":
                raise error
            return super()._submits(now, message)

    async with (
        CentreSimulator() as centre,
        linked(tmp_path, centre, make=Broken) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        texts = ["bad" if number in (0, 7) else str(number) for number in range(20)]
        await esme.submit_many([submit(text) for text in texts])
        words = [read(await esme.receipt()).stat for _ in texts]
        assert Counter(words) == {"DELIVRD": 18, "REJECTD": 2}
        assert len(centre.submitted) == 18
        assert metric(app, "provider_up", provider="link") == 1


async def test_a_pdu_that_cannot_be_written_harms_no_other(tmp_path: Path) -> None:
    class Broken(Smpp):
        def _submits(self, now: int, message: Message) -> Sequence[SubmitSm]:
            pdus = super()._submits(now, message)
            if message.text == "bad":
                pdus[0].service_type = "longer than it may be"
            return pdus

    async with (
        CentreSimulator() as centre,
        linked(tmp_path, centre, make=Broken) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        texts = ["bad" if number in (0, 7) else str(number) for number in range(20)]
        await esme.submit_many([submit(text) for text in texts])
        words = [read(await esme.receipt()).stat for _ in texts]
        assert Counter(words) == {"DELIVRD": 18, "REJECTD": 2}
