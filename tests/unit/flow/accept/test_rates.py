"""What all requests of an account share."""

from smppbridge.flow.accept.rates import Rates
from tests.support.builders.accounts import account
from tests.support.system.hand_clock import HandClock


def test_accounts_do_not_share() -> None:
    rates = Rates(HandClock())
    ours = account(rate=1, burst=3)
    assert rates.take(ours, 5) == 3
    assert rates.take(ours, 1) == 0
    assert rates.take(account(name="other", rate=1, burst=3), 5) == 3


def test_tokens_come_back_with_time() -> None:
    clock = HandClock()
    rates, ours = Rates(clock), account(rate=2, burst=3)
    assert rates.take(ours, 3) == 3
    clock.forward(1.0)
    assert rates.take(ours, 3) == 2


def test_new_settings_begin_anew() -> None:
    rates = Rates(HandClock())
    assert rates.take(account(rate=1, burst=3), 3) == 3
    assert rates.take(account(rate=1, burst=3), 3) == 3


def test_without_a_rate_everything_passes() -> None:
    assert Rates(HandClock()).take(account(), 10_000) == 10_000
