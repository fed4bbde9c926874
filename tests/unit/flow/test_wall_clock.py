"""Which time the bridge goes by when the clock of the machine jumps."""

import logging
import time
from typing import Any

import pytest

from smppbridge.flow.wall_clock import WallClock, elapsed_ms
from tests.support.builders.rows import DAY, HOUR, NOW

MINUTE = 60_000
SETTLED = 10 * MINUTE


class Machine:
    """Its wall clock, which jumps, and its other clock, which does not."""

    def __init__(self, running: int = SETTLED) -> None:
        """``running``: ms since the bridge started."""
        self.wall, self.elapsed = NOW - running, 5000
        self.clock = WallClock(lambda: self.wall, lambda: self.elapsed)
        self.go(running)

    def go(self, ms: int) -> int:
        """So much time passes; the time then."""
        self.wall += ms
        self.elapsed += ms
        return self.clock()

    def jump(self, ms: int) -> int:
        self.wall += ms
        return self.clock()

    @property
    def put_back(self) -> int:
        return self.clock.put_back


def fields(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [getattr(record, "fields", {}) for record in caplog.records]


def test_it_goes_with_the_machine() -> None:
    machine = Machine()
    assert machine.go(DAY) == NOW + DAY
    assert (machine.clock.suspect, machine.clock.moves, machine.put_back) == (False, 0, 0)


@pytest.mark.parametrize("step", [-MINUTE, -1, 3, MINUTE])
def test_small_corrections_are_followed_and_are_nothing_to_wonder_at(step: int) -> None:
    machine = Machine()
    for number in range(1, 100):
        assert machine.jump(step) == NOW + number * step
    assert (machine.clock.suspect, machine.clock.moves, machine.put_back) == (False, 0, 0)


@pytest.mark.parametrize("jump", [-400 * DAY, -HOUR, -MINUTE - 1, MINUTE + 1, 26 * HOUR, 400 * DAY])
def test_time_goes_on_as_before_a_jump_that_is_taken_back(jump: int) -> None:
    machine = Machine()
    assert (machine.jump(jump), machine.clock.suspect) == (NOW, True)
    assert machine.go(SETTLED - 1) == NOW + SETTLED - 1
    assert machine.jump(-jump) == NOW + SETTLED - 1
    machine.go(SETTLED - 1)
    assert machine.clock.suspect
    assert machine.go(1) == NOW + 2 * SETTLED - 1
    assert (machine.clock.suspect, machine.clock.moves, machine.put_back) == (False, 0, 0)


@pytest.mark.parametrize("jump", [-HOUR, 26 * HOUR])
def test_a_jump_is_followed_once_the_clock_has_been_believable_for_a_while(jump: int) -> None:
    machine = Machine()
    machine.jump(jump)
    machine.go(SETTLED - 1)
    assert (machine.clock.suspect, machine.clock.moves) == (True, 0)
    assert machine.go(1) == NOW + jump + SETTLED
    assert (machine.clock.suspect, machine.clock.moves) == (False, 1)
    assert machine.put_back == (jump < 0)
    assert machine.go(HOUR) == NOW + jump + SETTLED + HOUR


def test_from_when_on_times_are_certain() -> None:
    machine = Machine()
    machine.jump(26 * HOUR)
    machine.go(SETTLED)
    assert machine.clock.certain_from == 0
    machine.jump(-HOUR)
    machine.go(SETTLED)
    assert machine.clock.certain_from == machine.clock() + HOUR
    assert machine.clock.machine() == machine.clock()


def test_a_clock_that_goes_to_and_fro_is_not_followed() -> None:
    machine = Machine()
    for _ in range(50):
        machine.jump(26 * HOUR)
        machine.go(MINUTE)
        machine.jump(-26 * HOUR)
        machine.go(MINUTE)
    assert machine.clock() == NOW + 100 * MINUTE
    assert (machine.clock.suspect, machine.clock.moves) == (True, 0)
    machine.jump(26 * HOUR)
    machine.jump(-25 * HOUR)
    assert machine.go(SETTLED) == NOW + 100 * MINUTE + SETTLED + HOUR


@pytest.mark.parametrize("jump", [-HOUR, 26 * HOUR])
def test_soon_after_the_start_a_jump_is_followed_at_once(jump: int) -> None:
    """The machine learns the time: nothing said before that this one was right."""
    machine = Machine(running=30_000)
    assert machine.jump(jump) == NOW + jump
    assert (machine.clock.suspect, machine.clock.moves, machine.put_back) == (True, 1, int(jump < 0))
    machine.go(SETTLED - 1)
    assert machine.clock.suspect
    machine.go(1)
    assert not machine.clock.suspect


def test_a_jump_is_told_once_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    for _ in range(3):
        machine.jump(26 * HOUR)
        machine.go(MINUTE)
    machine.go(SETTLED)
    told = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert told == [
        (
            logging.WARNING,
            "the clock of this machine has jumped; for 10 minutes its time is not used, and nothing is ended"
            " or deleted",
        ),
        (logging.WARNING, "the clock of this machine is believed again"),
    ]
    assert fields(caplog) == [
        {"by": "+1 day, 2:00:00", "clock": "2025-10-10T10:53:20Z"},
        {"moved": "+3 days, 6:00:00"},
    ]


def test_a_clock_that_goes_on_jumping_is_told_again_every_hour(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    for _ in range(5 * 12):
        machine.jump(26 * HOUR)
        machine.go(5 * MINUTE)
    assert len(caplog.records) == 5


def test_a_jump_that_counts_at_once_is_not_told_as_one_that_waits(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine(running=30_000)
    machine.jump(90_000)
    assert [record.getMessage() for record in caplog.records] == [
        "the clock of this machine has jumped; for 10 minutes nothing is ended or deleted"
    ]


def test_a_machine_that_has_slept_has_no_clock_that_jumped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A monotonic clock of Linux stands still meanwhile."""
    clocks = {time.CLOCK_MONOTONIC: 5_000_000, time.CLOCK_BOOTTIME: 9_000_000}
    monkeypatch.setattr(time, "clock_gettime_ns", clocks.__getitem__)
    assert elapsed_ms() == 9


@pytest.mark.parametrize("clock", [-9 * 10**15, 9 * 10**15])
def test_no_clock_is_too_wrong_to_be_told(clock: int, caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    assert machine.jump(clock - NOW) == NOW
    assert fields(caplog)[0]["clock"] == str(clock)


# --- the start ------------------------------------------------------------------------------------


@pytest.mark.parametrize("away", [-MINUTE, 0, HOUR])
def test_a_start_soon_after_the_last_run(away: int, caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine(running=0)
    machine.clock.compare(NOW - away)
    assert (machine.clock.suspect, machine.put_back, caplog.records) == (False, 0, [])


def test_a_start_with_an_empty_store() -> None:
    machine = Machine(running=0)
    machine.clock.compare(0)
    assert not machine.clock.suspect


@pytest.mark.parametrize(
    ("away", "level", "difference"),
    [
        (-HOUR, logging.WARNING, "-1:00:00"),
        (2 * HOUR, logging.INFO, "+2:00:00"),
        (4 * DAY, logging.WARNING, "+4 days, 0:00:00"),
    ],
)
def test_a_start_far_from_the_last_run_is_told_and_waits(
    away: int, level: int, difference: str, caplog: pytest.LogCaptureFixture
) -> None:
    machine = Machine(running=0)
    caplog.set_level(logging.INFO)
    machine.clock.compare(NOW - away)
    assert (machine.clock(), machine.clock.suspect, machine.put_back) == (NOW, True, int(away < 0))
    assert machine.clock.certain_from == (NOW - away if away < 0 else 0)
    (record,) = caplog.records
    assert (record.levelno, fields(caplog)[0]["difference"]) == (level, difference)
    machine.go(SETTLED - 1)
    assert machine.clock.suspect
    machine.go(1)
    assert not machine.clock.suspect


def test_a_clock_that_is_set_after_the_start_is_followed_at_once() -> None:
    machine = Machine(running=0)
    machine.clock.compare(NOW - 4 * DAY)
    machine.go(SETTLED - 1)
    assert machine.jump(-4 * DAY) == NOW - 4 * DAY + SETTLED - 1
    assert (machine.put_back, machine.clock.moves) == (1, 1)
    assert machine.clock.certain_from == NOW + SETTLED - 1
    machine.go(SETTLED - 1)
    assert machine.clock.suspect
