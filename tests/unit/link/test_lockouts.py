"""Lock-outs: what a guess is, how long the pauses are, who waits, and what little is remembered."""

import pytest

from smppbridge.link.lockouts import FORGET, FREE, FREE_TOGETHER, GUESSES, HOMES, Lockouts, Origin

HERE, THERE = Origin("192.0.2.1", "pbx"), Origin("192.0.2.2", "pbx")
HOME = HERE._replace(at_home=True)
YEAR = 365 * 24 * 3600.0


def at(origin: Origin, system_id: str) -> Origin:
    """The same address for another system_id."""
    return origin._replace(system_id=system_id)


def net(number: int) -> Origin:
    return Origin(f"2001:db8:{number:x}::/64", "pbx")


def guessed(lockouts: Lockouts, count: int, origin: Origin = HERE, now: float = 0.0) -> None:
    """So many new guesses at one moment."""
    for number in range(count):
        lockouts.wrong(origin, f"{origin.system_id} {number} at {now}".encode(), now)


def pause(lockouts: Lockouts, now: float, origin: Origin = HERE) -> float:
    """How long nobody may try here, to the second."""
    seconds = 0
    while lockouts.locked(origin, now + seconds):
        seconds += 1
    return seconds


def test_a_few_guesses_are_free_and_then_pauses_double() -> None:
    lockouts, now, pauses = Lockouts(), 0.0, []
    guessed(lockouts, FREE)
    assert pause(lockouts, now) == 0
    for number in range(10):
        lockouts.wrong(HERE, b"%d" % number, now)
        pauses.append(pause(lockouts, now))
        now += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 253, 500]  # a guess is forgotten bit by bit meanwhile
    for origin in (THERE, at(HERE, "lift")):
        assert pause(lockouts, now, origin) == 0


def test_all_system_ids_of_an_address_count_together() -> None:
    lockouts = Lockouts()
    for number in range(FREE_TOGETHER):
        guessed(lockouts, 1, at(HERE, f"device{number}"))
    assert pause(lockouts, 0.0) == 0
    guessed(lockouts, 2, at(HERE, "more"))
    assert pause(lockouts, 0.0) == 2
    assert pause(lockouts, 0.0, HOME) == pause(lockouts, 0.0, THERE) == 0
    assert (lockouts.count(HERE, 0.0), lockouts.count(HOME, 0.0)) == (FREE_TOGETHER + 2, 0)


@pytest.mark.parametrize("names", [1, 10_000])
def test_four_digits_take_years_from_one_address(names: int) -> None:
    """Whether they are tried with one system_id, or each with another one."""
    lockouts, now = Lockouts(), 0.0
    for number in range(10_000):
        origin = at(HERE, f"{number % names}")
        lockouts.wrong(origin, b"%d" % number, now)
        now = max(
            now,
            lockouts._by_address.get(origin.network).until,  # type: ignore[union-attr]  # it guessed
            lockouts._by_system_id.get(origin[:2]).until,  # type: ignore[union-attr]  # as above
        )
    assert 4 * YEAR < now < 5 * YEAR


@pytest.mark.parametrize("wait", [60.0, 3600.0, FORGET / 2, FORGET, 24 * 3600.0, 7 * 24 * 3600.0])
def test_no_rhythm_of_guessing_is_faster(wait: float) -> None:
    """As many at once as are free, then a wait of this length."""
    lockouts, now, count = Lockouts(), 0.0, 0
    while now < YEAR:
        while not lockouts.locked(HERE, now):
            lockouts.wrong(HERE, b"%d" % count, now)
            count += 1
        now += wait
    assert count <= YEAR / FORGET + 2 * FREE + 20


def test_guesses_are_forgotten_one_by_one() -> None:
    lockouts = Lockouts()
    guessed(lockouts, 3)
    for origin in (HERE, HOME):
        assert [lockouts.count(origin, hours * 3600.0) for hours in (0, 2, 4, 12, 99)] == [3, 2.5, 2, 0, 0]
    assert lockouts.count(THERE, 0.0) == 0


def test_the_same_guess_is_known_again() -> None:
    lockouts = Lockouts()
    lockouts.wrong(HERE, b"old password", 0.0)
    assert lockouts.is_known(HERE, b"old password")
    assert lockouts.is_known(HOME, b"old password")
    for origin, guess in ((HERE, b"another"), (THERE, b"old password"), (at(HERE, "lift"), b"old password")):
        assert not lockouts.is_known(origin, guess)
    guessed(lockouts, GUESSES)
    assert not lockouts.is_known(HERE, b"old password")  # the newest are kept


def test_who_is_at_home_waits_for_guesses_of_its_own_only() -> None:
    lockouts = Lockouts()
    guessed(lockouts, FREE + 1)
    assert lockouts.locked(HOME, 0.0)
    assert not lockouts.locked(at(HOME, "lift"), 0.0)


def test_an_account_is_at_home_where_it_has_bound() -> None:
    lockouts = Lockouts()
    lockouts.bound(HERE)
    assert lockouts.at_home(HERE.network, "pbx")
    assert not lockouts.at_home(THERE.network, "pbx")
    assert not lockouts.at_home(HERE.network, "lift")
    lockouts.forget_homes({"lift"})
    assert not lockouts.at_home(HERE.network, "pbx")


def test_the_newest_homes_of_an_account_are_remembered() -> None:
    lockouts = Lockouts()
    lockouts.bound(Origin("home", "lift"))
    for name in (*map(str, range(HOMES)), "0", "new"):  # 0 is used again
        lockouts.bound(Origin(name, "pbx"))
    kept = [name for name in ("0", "1", "2", "new") if lockouts.at_home(name, "pbx")]
    assert kept == ["0", "2", "new"]
    assert lockouts.at_home("home", "lift")  # one account takes no room from another


def test_a_new_password_makes_guesses_void() -> None:
    lockouts = Lockouts()
    guessed(lockouts, FREE + 1)
    guessed(lockouts, FREE_TOGETHER, at(HERE, "lift"))
    guessed(lockouts, 1, at(THERE, "lift"))
    assert lockouts.locked(at(HERE, "any"), 0.0)
    lockouts.forget({"pbx"}, 0.0)
    assert (lockouts.count(HERE, 0.0), lockouts.locked(HERE, 0.0)) == (FREE_TOGETHER, False)
    assert not lockouts.is_known(HERE, b"pbx 0 at 0.0")
    assert lockouts.is_known(at(HERE, "lift"), b"lift 0 at 0.0")
    assert lockouts.locked(at(HERE, "lift"), 0.0)
    assert lockouts.count(THERE, 0.0) == 1


def test_many_addresses_push_out_no_lock_out() -> None:
    lockouts = Lockouts(10)
    guessed(lockouts, FREE + 3)
    for number in range(1000):
        guessed(lockouts, FREE, net(number))
    assert lockouts.locked(HERE, 3.9)
    assert (len(list(lockouts._by_address)), len(list(lockouts._by_system_id)), lockouts.used) == (10, 11, 1)


def test_of_many_lock_outs_the_longest_are_remembered() -> None:
    lockouts = Lockouts(10)
    guessed(lockouts, FREE + 3)
    for number in range(1000):
        guessed(lockouts, FREE + 1, net(number))
    assert lockouts.used == 10
    assert lockouts.locked(HERE, 3.9)
    for number in range(10):
        guessed(lockouts, FREE + 4, net(number))
    assert not lockouts.locked(HERE, 0.0)
