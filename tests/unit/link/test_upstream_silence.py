"""A bind over which no answer comes yet, or none any more: few requests are risked, and it is left soon. An
answer that was lost ends no other bind."""

import pytest

from smppbridge.link.persistent_bind import UNPROVEN_WINDOW
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import BindTransceiver, SubmitSm, SubmitSmResp, Unbind, UnbindResp
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.hand_centre import hand_centre
from tests.support.bridge.running import eventually
from tests.support.esme.esme import Esme
from tests.support.system.clock import clock, turns
from tests.unit.link.peers import (
    QUICK,
    TIMERS,
    Owner,
    heard_on_all,
    items,
    settings,
    texts,
    unanswered,
    upstream,
)


async def lost(owner: Owner, count: int) -> None:
    """Let the time for answers be over; so many have had none by then."""
    clock().forward(TIMERS.response)
    await eventually(lambda: len(unanswered(owner)) == count)


@pytest.mark.parametrize("status", [0, Status.ESME_RINVDSTADR])
async def test_a_few_at_a_time_until_the_first_answer_over_a_bind(status: int) -> None:
    owner = Owner()
    rules = Rules(latency=5.0, status_of=lambda pdu: status)
    async with CentreSimulator(rules) as centre, upstream(owner, settings(centre.port)) as link:
        for count in (12, 24):
            link.submit(items(*range(count - 12, count)))
            await heard_on_all(link)
            assert texts(centre) == list(range(count - 12 + UNPROVEN_WINDOW))
            clock().forward(5.0)
            await eventually(lambda: len(centre.submitted) % 12 == 0)
            assert len(owner.heard) == count - 12 + UNPROVEN_WINDOW
            clock().forward(5.0)
            await eventually(lambda: len(owner.heard) % 12 == 0)
            centre.hang_up()
            await eventually(lambda: owner.counts[-1] == 0)
            await eventually(lambda: owner.counts[-1] == 1)
        assert texts(centre) == list(range(24))


async def test_a_narrower_window_holds_before_the_first_answer() -> None:
    owner = Owner()
    async with (
        CentreSimulator(Rules(mute=True)) as centre,
        upstream(owner, settings(centre.port, window=2)) as link,
    ):
        link.submit(items(*range(5)))
        await heard_on_all(link)
        assert texts(centre) == [0, 1]


async def test_a_session_that_answers_nothing_any_more_is_left(caplog: pytest.LogCaptureFixture) -> None:
    owner = Owner()
    async with (
        CentreSimulator(Rules(lose_answer=lambda number: 2 <= number <= 4)) as centre,
        upstream(owner, settings(centre.port, window=1)) as link,
    ):
        link.submit(items(*range(5)))
        for count in range(1, 4):
            assert centre.counts["unbinds"] == 0
            await heard_on_all(link)
            await lost(owner, count)
        await eventually(lambda: owner.taken == [0, 4])
        assert unanswered(owner) == [1, 2, 3]
        assert centre.counts["binds"] == 2
        assert texts(centre) == [0, 1, 2, 3, 4]
    assert "does not answer" in caplog.text


async def test_a_session_that_never_answers_is_left_after_the_first_timeout(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was under way is in doubt; all the rest goes out over the next session."""
    owner = Owner()
    async with (
        CentreSimulator(Rules(lose_answer=lambda number: number <= UNPROVEN_WINDOW)) as centre,
        upstream(owner, settings(centre.port)) as link,
    ):
        link.submit(items(*range(20)))
        await heard_on_all(link)
        await lost(owner, UNPROVEN_WINDOW)
        await eventually(lambda: len(owner.taken) == 15)
        assert unanswered(owner) == list(range(UNPROVEN_WINDOW))
        assert centre.counts["binds"] == 2
    assert "does not answer" in caplog.text


async def test_a_connection_that_is_cut_is_no_silence(caplog: pytest.LogCaptureFixture) -> None:
    owner = Owner()
    async with (
        CentreSimulator(Rules(lose_answer=lambda number: number <= UNPROVEN_WINDOW)) as centre,
        upstream(owner, settings(centre.port)) as link,
    ):
        link.submit(items(*range(UNPROVEN_WINDOW)))
        await heard_on_all(link)
        centre.hang_up()
        await eventually(lambda: len(unanswered(owner)) == UNPROVEN_WINDOW)
        await eventually(lambda: centre.counts["binds"] == 2)
    assert "does not answer" not in caplog.text
    assert "upstream bind ended" in caplog.text


async def test_a_single_request_may_find_that_out() -> None:
    owner = Owner()
    async with (
        CentreSimulator(Rules(lose_answer=lambda number: number == 1)) as centre,
        upstream(owner, settings(centre.port)) as link,
    ):
        link.submit(items(0))
        await heard_on_all(link)
        await lost(owner, 1)
        await eventually(lambda: centre.counts["binds"] == 2)
        link.submit(items(1, 2))
        await eventually(lambda: owner.taken == [1, 2])


async def test_after_a_session_without_an_answer_the_next_one_risks_a_single_request() -> None:
    """Also when nothing was asked over the one in between."""
    owner = Owner()
    rules = Rules(mute=True)
    async with CentreSimulator(rules) as centre, upstream(owner, settings(centre.port)) as link:
        link.submit(items(*range(UNPROVEN_WINDOW)))
        await heard_on_all(link)
        await lost(owner, UNPROVEN_WINDOW)
        await eventually(lambda: owner.counts[-1] == 1 and centre.counts["binds"] == 2)
        centre.hang_up()
        await eventually(lambda: owner.counts[-1] == 0)
        link.submit(items(*range(UNPROVEN_WINDOW, 20)))
        await eventually(lambda: owner.counts[-1] == 1)
        await heard_on_all(link)
        assert len(centre.submitted) == UNPROVEN_WINDOW + 1
        rules.mute = False
        await lost(owner, UNPROVEN_WINDOW + 1)
        await eventually(lambda: len(owner.taken) == 14)


@pytest.mark.parametrize("pause", [0.0, 500.0])
async def test_what_is_lost_among_answers_ends_no_session(pause: float) -> None:
    """Neither at once nor when the link has been idle for a while."""
    owner = Owner()
    async with (
        CentreSimulator(Rules(lose_answer=lambda number: number % 4 == 3)) as centre,
        upstream(owner, settings(centre.port)) as link,
    ):
        for count in range(1, 4):
            clock().forward(pause)
            await heard_on_all(link)
            link.submit(items(*range(12)))
            await eventually(lambda: len(owner.heard) % 12 == 9)
            await lost(owner, 3 * count)
        await turns()
        assert (centre.counts["binds"], owner.counts) == (1, [1])


def deafen(centre: CentreSimulator) -> None:
    """The first of its sessions hears nothing more."""
    centre.sessions[0].connection._deaf = lambda: True


async def test_while_a_bind_answers_nothing_another_carries_everything(
    caplog: pytest.LogCaptureFixture,
) -> None:
    owner = Owner()
    kinds = (BindTransceiver,) * 2
    async with (
        CentreSimulator() as centre,
        upstream(owner, settings(centre.port, window=4), *kinds, up=2) as link,
    ):
        link.submit(items(0, 1))
        await eventually(lambda: len(owner.taken) == 2)
        clock().forward(1.0)
        deafen(centre)
        link.submit(items(*range(2, 60)))
        await eventually(lambda: len(owner.taken) == 56)
        await lost(owner, 4)
        assert "does not answer" in caplog.text
        await left(centre)
        assert centre.counts["binds"] == 3
        assert len(unanswered(owner)) == 4


async def left(centre: CentreSimulator) -> None:
    """The time for unbind_resp is over, and the session bound anew."""
    binds = centre.counts["binds"]
    await turns()
    clock().forward(QUICK.unbind_grace)
    await eventually(lambda: centre.counts["binds"] > binds)


async def test_a_bind_that_goes_silent_under_load_costs_little_and_is_left_soon(
    caplog: pytest.LogCaptureFixture,
) -> None:
    owner = Owner()
    async with (
        CentreSimulator(Rules(latency=0.01)) as centre,
        upstream(owner, settings(centre.port, window=5)) as link,
    ):
        link.submit(items(*range(100)))
        await eventually(lambda: len(owner.taken) > 20)
        deafen(centre)
        await eventually(lambda: link._binds[0].room == 0 and len(owner.taken) == len(centre.submitted))
        await lost(owner, 5)
        await turns()
        if "does not answer" not in caplog.text:  # some went out before the last answer: one more finds out
            await lost(owner, 6)
        assert "does not answer" in caplog.text
        await left(centre)
        assert centre.counts["binds"] == 2
        assert len(unanswered(owner)) <= 6
        await eventually(lambda: len(owner.heard) == 100)


async def under_suspicion(session: Esme, owner: Owner) -> SubmitSm:
    """Let the answers to five of the first seven requests be lost. Most of these were sent before the last
    answer came, so one more request finds out whether the SMSC has gone silent: that request."""
    session.reply(await session.expect(SubmitSm), SubmitSmResp("0"))
    window = [await session.expect(SubmitSm) for _ in range(5)]
    session.reply(window[0], SubmitSmResp("1"))
    await session.expect(SubmitSm)
    await lost(owner, 5)
    return await session.expect(SubmitSm)


async def test_what_was_lost_by_chance_perhaps_costs_one_more() -> None:
    owner = Owner()
    async with hand_centre() as centre, upstream(owner, settings(centre.port, window=5), up=0) as link:
        session = await centre.session()
        link.submit(items(*range(30)))
        await under_suspicion(session, owner)
        await lost(owner, 6)
        unbind = await session.expect(Unbind)
        assert owner.taken == [0, 1]
        assert unanswered(owner) == [2, 3, 4, 5, 6, 7]
        session.reply(unbind, UnbindResp())


async def test_an_answer_ends_the_suspicion() -> None:
    """What is lost after it counts from the beginning: two requests end no session."""
    owner = Owner()
    async with hand_centre() as centre, upstream(owner, settings(centre.port, window=5), up=0) as link:
        session = await centre.session()
        link.submit(items(*range(8)))
        session.reply(await under_suspicion(session, owner), SubmitSmResp("7"))
        await eventually(lambda: owner.taken == [0, 1, 7])
        for number in (8, 9):
            clock().forward(1.0)
            link.submit(items(number))
            await session.expect(SubmitSm)
            await lost(owner, number - 2)
        link.submit(items(10))
        session.reply(await session.expect(SubmitSm), SubmitSmResp("10"))
        await eventually(lambda: owner.taken == [0, 1, 7, 10])
        assert owner.counts == [1]
        centre.close()  # a stop would wait for its unbind_resp
