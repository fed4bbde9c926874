"""What an operator may set, and what mistakes look like."""

import pytest
from pydantic import ValidationError

from smppbridge.providers.sandbox import SandboxOptions
from smppbridge.providers.smspilot.provider import SmspilotOptions


def options(**keys: object) -> SmspilotOptions:
    return SmspilotOptions.model_validate({"kind": "smspilot", "apikey": "SECRET", **keys})


def test_defaults() -> None:
    chosen = options()
    assert (chosen.url, chosen.timeout, chosen.parallel, chosen.batch) == ("https://smspilot.ru", 30, 4, 200)
    assert (chosen.rate, chosen.batch_wait, chosen.default_sender) == (0, 0, "")


def test_durations_and_url() -> None:
    chosen = options(timeout="5s", poll_first="2m", poll_interval=240, url="http://127.0.0.1:8081/")
    assert (chosen.timeout, chosen.poll_first, chosen.poll_interval) == (5, 120, 240)
    assert chosen.url == "http://127.0.0.1:8081"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("url", "ftp://smspilot.ru"),
        ("url", "smspilot.ru"),
        ("url", "https://"),
        ("url", "https://[::1"),
        ("url", "https://user:password@smspilot.ru"),
        ("url", "https://smspilot.ru/?a=b"),
        ("url", "https://smspilot.ru:99999"),
        ("timeout", "soon"),
        ("timeout", 0),
        ("parallel", 0),
        ("batch", 0),
        ("batch", 1001),
        ("rate", -1),
        ("apikey", ""),
        ("apikey", 12345),
        ("schedule", "there"),
        ("low_balance", -1),
        ("low_balance_action", "stop"),
        ("balance_interval", "soon"),
        ("inbound_interval", -1),
        ("default_sender", "x"),
        ("default_sender", "Такси"),
        ("default_sender", "PING"),
        ("colour", "red"),
    ],
)
def test_mistake_names_its_key_and_quotes_no_value(key: str, value: object) -> None:
    with pytest.raises(ValidationError) as raised:
        options(**{key: value})
    (error,) = raised.value.errors()
    assert error["loc"] == (key,)
    for quoted in ("SECRET", "12345", "password"):
        assert quoted not in str(raised.value)


@pytest.mark.parametrize("api", ["api3", 1, ["api1"], {}])
def test_no_api_of_theirs(api: object) -> None:
    with pytest.raises(ValidationError, match="Input should be 'api2-json'"):
        options(api=api)


def test_the_rules_of_conduct_that_an_operator_sets() -> None:
    plain = options().limits()
    assert (plain.balance_interval, plain.low_balance, plain.leave_when_low) == (600.0, 0.0, False)
    assert (plain.inbound_interval, plain.poll_first, plain.poll_interval) == (300.0, 300.0, 300.0)
    chosen = options(
        low_balance=100, low_balance_action="next", balance_interval=0, inbound_interval="1m", rate=50
    )
    limits = chosen.limits(batch=1, same_text_gap=60.0)
    assert (plain.rate, limits.rate) == (0.0, 50.0)
    assert (limits.low_balance, limits.leave_when_low, limits.balance_interval) == (100.0, True, 0.0)
    assert (limits.inbound_interval, limits.batch, limits.same_text_gap) == (60.0, 1, 60.0)


def test_key_is_not_shown() -> None:
    assert "SECRET" not in repr(options())


@pytest.mark.parametrize(
    ("interval", "callbacks", "words"),
    [
        (300, True, []),
        (600, True, []),
        (0, True, []),
        (299, True, ["advises"]),
        (119, True, ["bans"]),
        (300, False, ["500"]),
        (60, False, ["bans", "500"]),
        (0, False, ["no status"]),
    ],
)
def test_warnings(interval: float, callbacks: bool, words: list[str]) -> None:
    warnings = options(poll_interval=interval).warnings(callbacks=callbacks)
    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))


@pytest.mark.parametrize(
    "outcomes", [{}, {"DELIVRD": 0}, {"DELIVRD": -1, "UNDELIV": 2}, {"LOST": 1}, {"DELIVRD": "inf"}]
)
def test_sandbox_outcomes(outcomes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SandboxOptions.model_validate({"kind": "sandbox", "outcomes": outcomes})


def test_sandbox_fails_now_and_then_by_default() -> None:
    assert SandboxOptions(kind="sandbox").outcomes == {"DELIVRD": 95, "UNDELIV": 5}


def test_sandbox_has_nothing_to_warn_about() -> None:
    assert SandboxOptions(kind="sandbox").warnings(callbacks=False) == []
