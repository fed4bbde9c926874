"""What an operator may set for smspilot, and what mistakes look like."""

import pytest
from pydantic import ValidationError

from smppbridge.providers.smspilot.provider import Smspilot, SmspilotOptions


def options(**keys: object) -> SmspilotOptions:
    return SmspilotOptions.model_validate({"kind": "smspilot", "apikey": "SECRET", **keys})


def test_defaults() -> None:
    chosen = options()
    assert (chosen.api, chosen.format, chosen.callback_method) == ("api2-json", "json", "post")
    assert (chosen.callback_fields, chosen.callback_user, chosen.callback_password) == ("", "", None)
    assert not chosen.test
    assert chosen.credential() == "SECRET"


@pytest.mark.parametrize("api", ["api2-json", "api2-xml"])
@pytest.mark.parametrize("format", ["json", "xml", "text", "v"])
def test_format_is_for_api1_only(api: str, format: str) -> None:
    assert options(api="api1", format=format).format == format
    with pytest.raises(ValidationError, match='is a key of "api: api1" only') as raised:
        options(api=api, format=format)
    assert [error["loc"] for error in raised.value.errors()] == [("format",)]


@pytest.mark.parametrize(
    "keys",
    [
        {"callback_user": "user"},
        {"callback_password": "pa55word"},
        {"callback_user": "", "callback_password": "pa55word"},
    ],
)
def test_user_and_password_belong_together(keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="belong together") as raised:
        options(**keys)
    assert [error["loc"] for error in raised.value.errors()] == [("callback_password",)]
    assert "pa55word" not in str(raised.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "csv"),
        ("callback_method", "put"),
        ("callback_fields", "everything"),
        ("callback_fields", "message,all"),
        ("callback_fields", "message, sender"),
        ("callback_fields", "message&x=y"),
        ("test", "perhaps"),
    ],
)
def test_mistakes(key: str, value: object) -> None:
    with pytest.raises(ValidationError) as raised:
        options(api="api1", **{key: value})
    assert [error["loc"] for error in raised.value.errors()] == [(key,)]


def test_user_with_a_colon() -> None:
    with pytest.raises(ValidationError, match="without a colon"):
        options(callback_user="a:b", callback_password="c")


def test_secrets_are_not_shown() -> None:
    shown = repr(options(callback_user="user", callback_password="pa55word"))
    assert "SECRET" not in shown
    assert "pa55word" not in shown


def test_a_test_is_warned_of() -> None:
    assert options(test=True).warnings(callbacks=True) == [
        "test: nothing is delivered, smspilot only makes up statuses"
    ]


def test_polling_one_by_one_is_warned_of() -> None:
    (warning,) = options(api="api1", format="v").warnings(callbacks=False)
    assert "at most 1 status comes every 300s" in warning


def test_limits_keep_the_flood_rule() -> None:
    limits = Smspilot("pilot", options()).limits
    assert (limits.poll_gap, limits.poll_interval, limits.poll_max_age) == (300, 300, 70 * 86400)
    assert (limits.poll_first, limits.poll_early) == (300, ())  # "not before 2 minutes, better 5"
    assert (limits.find_first, limits.find_interval) == (60, 300)
    assert Smspilot("pilot", options(poll_interval=0)).limits.poll_gap == 300
    called_back = Smspilot("pilot", options(), callback_url="https://a.example/c").limits
    assert (called_back.poll_gap, called_back.poll_interval) == (600, 600)


@pytest.mark.parametrize("url", ["https://smspilot.ru", "http://smspilot.ru/", "https://www.SMSPILOT.ru:443"])
@pytest.mark.parametrize(("interval", "gap"), [("1s", 120), (119, 120), (121, 121), (0, 300)])
def test_smspilot_is_never_asked_so_often_that_it_bans_us(url: str, interval: object, gap: float) -> None:
    chosen = options(url=url, poll_interval=interval, find_interval=0)
    assert Smspilot("pilot", chosen).limits.poll_gap == gap
    assert any("bans" in line for line in chosen.warnings(callbacks=True)) == (interval in ("1s", 119))


def test_a_list_that_is_asked_for_has_room_for_its_second_page() -> None:
    chosen = options(poll_interval="2m")
    assert Smspilot("pilot", chosen).limits.poll_gap == 240
    assert any("500 statuses come every 240s" in line for line in chosen.warnings(callbacks=False))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://sms.example", "https://notsmspilot.ru"])
def test_a_private_installation_may_be_asked_more_often(url: str) -> None:
    assert Smspilot("pilot", options(url=url, poll_interval="1s")).limits.poll_gap == 1


def test_a_row_of_refusals_is_noticed() -> None:
    limits = Smspilot("pilot", options()).limits
    assert (limits.refusals_in_row, limits.refusals_window) == (80, 600)


def test_batches_of_api1_are_small_unless_set() -> None:
    """Messages with different texts go one by one, and a batch must end in time."""
    batches: list[dict[str, object]] = [
        {},
        {"api": "api2-xml"},
        {"api": "api1"},
        {"api": "api1", "batch": 300},
    ]
    found = [Smspilot("pilot", options(**keys)).limits.batch for keys in batches]
    assert found == [200, 200, 50, 300]


def test_limits_of_v() -> None:
    limits = Smspilot("pilot", options(api="api1", format="v", batch=100)).limits
    assert (limits.batch, limits.poll_batch) == (1, 1)


@pytest.mark.parametrize(
    ("schedule", "ahead", "kept"), [("provider", 60, True), ("provider", 59, False), ("local", 3600, False)]
)
def test_who_keeps_scheduled_messages(schedule: str, ahead: int, kept: bool) -> None:
    assert (
        Smspilot("pilot", options(schedule=schedule)).schedules(1_000_000 + ahead * 1000, 1_000_000) == kept
    )
