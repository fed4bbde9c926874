"""Log lines: their shape, what they never show, and that nobody can fill the disk with them."""

import ast
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from smppbridge import logs
from smppbridge.logs import Complaints, JsonFormatter, Seldom, TextFormatter, event, mask_number

LOGGER = logging.getLogger("smppbridge.test")
MOMENT = 1767323045.678  # 2026-01-02T03:04:05.678Z


class Records(logging.Handler):
    """Keeps what was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        record.created = MOMENT
        self.records.append(record)


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    handler = Records()
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.DEBUG)
    yield handler.records
    LOGGER.removeHandler(handler)
    LOGGER.setLevel(logging.NOTSET)


@pytest.fixture
def quiet_again() -> Iterator[None]:
    """Puts the logging of the process back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_text(records: list[logging.LogRecord]) -> None:
    event(
        LOGGER,
        logging.INFO,
        "bind accepted",
        account="pbx",
        binds=2,
        delay=0.5,
        peer=None,
        note='a "b" c',
        x="",
    )
    assert TextFormatter().format(records[0]) == (
        "2026-01-02T03:04:05.678Z INFO smppbridge.test bind accepted"
        ' account=pbx binds=2 delay=0.5 peer=None note="a \\"b\\" c" x=""'
    )


def test_json(records: list[logging.LogRecord]) -> None:
    event(LOGGER, logging.WARNING, "bind refused", account="pbx", status=14, peer=None, level="mine")
    line = JsonFormatter().format(records[0])
    assert json.loads(line) == {
        "time": "2026-01-02T03:04:05.678Z",
        "level": "WARNING",
        "logger": "smppbridge.test",
        "message": "bind refused",
        "account": "pbx",
        "status": 14,
        "peer": None,
        "level_": "mine",
    }


def test_a_plain_log_call_works_too(records: list[logging.LogRecord]) -> None:
    LOGGER.error("worker %s: %d rows", "a", 3)
    assert TextFormatter().format(records[0]).endswith("ERROR smppbridge.test worker a: 3 rows")
    assert json.loads(JsonFormatter().format(records[0]))["message"] == "worker a: 3 rows"


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("375291234567", "37529*****67"),
        ("+375 29 123-45-67", "+375 29 ***-**-67"),
        ("79161234567", "79161****67"),
        ("2912345", "29***45"),
        ("ALARM", "ALARM"),
        ("112233", "112233"),
        ("", ""),
    ],
)
def test_mask_number(number: str, masked: str) -> None:
    assert mask_number(number) == masked


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_numbers_are_masked_unless_configured(
    records: list[logging.LogRecord], formatter: TextFormatter | JsonFormatter
) -> None:
    number = "375291234567"
    event(
        LOGGER,
        logging.INFO,
        "x",
        recipient=number,
        sender=int(number),
        source=[number],
        destination_addr=number,
        shown=number,
    )
    line = formatter.format(records[0])
    assert number not in line
    assert line.count("37529*****67") == 5
    assert number in type(formatter)(mask=False).format(records[0])


def test_an_id_is_no_number(records: list[logging.LogRecord]) -> None:
    event(LOGGER, logging.INFO, "x", message_id="123456789012", id=123456789012)
    assert TextFormatter().format(records[0]).endswith("message_id=123456789012 id=123456789012")


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_secrets_are_not_shown(records: list[logging.LogRecord], formatter: logging.Formatter) -> None:
    event(LOGGER, logging.INFO, "x", password=SecretStr("hunter2"), several=[SecretStr("hunter2")])
    line = formatter.format(records[0])
    assert "hunter2" not in line
    assert "**********" in line


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_what_others_say_is_not_longer_than_a_line_may_be(
    records: list[logging.LogRecord], formatter: logging.Formatter
) -> None:
    event(LOGGER, logging.INFO, "x", shown="7" * 1_000_000, reason="x" * 1_000_000, id=7)
    line = formatter.format(records[0])
    assert len(line) < 5000
    assert line.count("(1000000 characters)") == 2
    assert "77777****" in line


HOSTILE = "a\n2026-01-02T03:04:05.678Z ERROR forged\r\x1b[2J\u2028\u202e\x9b"


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_a_stranger_cannot_forge_lines(
    records: list[logging.LogRecord], formatter: logging.Formatter
) -> None:
    event(LOGGER, logging.INFO, HOSTILE, system_id=HOSTILE)
    line = formatter.format(records[0])
    assert len(line.splitlines()) == 1
    assert line.isprintable()


@given(st.text())
def test_any_value_stays_on_one_line(text: str) -> None:
    record = LOGGER.makeRecord(
        LOGGER.name, logging.INFO, "", 0, "%s", (text,), None, extra={"fields": {"x": text}}
    )
    assert TextFormatter().format(record).isprintable()
    line = JsonFormatter().format(record)
    assert line.isprintable()
    assert json.loads(line)["x"] == text


FIELD = re.compile(r' (\w+)=("(?:[^"\\]|\\.)*"|\S*)')


def parsed(line: str, what: str) -> dict[str, str]:
    """The fields of a text line, as a program reads them."""
    found = FIELD.findall(line.partition(what)[2])
    return {name: ast.literal_eval(value) if value.startswith('"') else value for name, value in found}


@given(st.text(st.sampled_from('\\"= \nx\x1b\u2028') | st.characters(), max_size=15), st.text(max_size=5))
@example("\\", 'a" b="')
@example('\\" peer=forged x="', "\\")
def test_a_stranger_cannot_forge_fields(system_id: str, peer: str) -> None:
    fields = {"system_id": system_id, "peer": peer}
    record = LOGGER.makeRecord(
        LOGGER.name, logging.INFO, "", 0, "%s", ("what",), None, extra={"fields": fields}
    )
    assert parsed(TextFormatter().format(record), " what") == fields


def test_a_traceback_is_indented_and_clean(records: list[logging.LogRecord]) -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        LOGGER.exception("unexpected")
    lines = TextFormatter().format(records[0]).split("\n")
    assert lines[0].endswith("ERROR smppbridge.test unexpected")
    assert lines[1] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") and line.isprintable() for line in lines[1:])
    assert "ValueError" in json.loads(JsonFormatter().format(records[0]))["exception"]


def test_nothing_is_formatted_below_the_level(records: list[logging.LogRecord]) -> None:
    LOGGER.setLevel(logging.WARNING)
    event(LOGGER, logging.INFO, "x")
    assert records == []


@pytest.mark.usefixtures("quiet_again")
def test_setup_writes_to_stderr_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("json", "warning")
    logs.setup("text", "info", mask=False)
    event(LOGGER, logging.INFO, "hello", recipient="375291234567")
    event(LOGGER, logging.DEBUG, "not me")
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.endswith("INFO smppbridge.test hello recipient=375291234567")
    moment = datetime.fromisoformat(line.split()[0])
    assert moment.tzinfo is not None


@pytest.mark.usefixtures("quiet_again")
def test_setup_hushes_libraries_that_log_whole_addresses(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("text", "debug")
    logging.getLogger("httpx2").info('HTTP Request: POST https://host/?apikey=hunter2 "200 OK"')
    logging.getLogger("httpcore2.http11").debug("send_request_headers apikey=hunter2")
    logging.getLogger("uvicorn.access").info("GET /callbacks/pilot/hunter2")
    assert "hunter2" not in capsys.readouterr().err


def test_setup_in_a_process_of_its_own() -> None:
    code = "import logging; from smppbridge import logs; logs.setup('json'); logging.info('hello')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stderr)["message"] == "hello"


def test_seldom_lets_a_key_through_once_per_interval() -> None:
    seldom = Seldom(interval=60.0)
    assert seldom.allows("a", 0.0) == 1
    assert seldom.allows("a", 1.0) == 0
    assert seldom.allows("a", 59.9) == 0
    assert seldom.allows("b", 59.9) == 1
    assert seldom.allows("a", 60.0) == 3  # this one and the two held back
    assert seldom.allows("a", 119.9) == 0
    assert seldom.allows("a", 500.0) == 2


def test_seldom_is_bounded() -> None:
    seldom = Seldom(interval=60.0, keys=10)
    passed = sum(bool(seldom.allows(f"stranger {number}", 1.0)) for number in range(1000))
    assert passed == 11  # ten keys, and one for all the others
    assert seldom.allows("another", 2.0) == 0
    assert seldom.allows("another", 61.0) == 1  # the ten have made room
    assert sum(bool(seldom.allows(f"stranger {number}", 62.0)) for number in range(1000)) == 10


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 30)), max_size=60))
def test_seldom_never_lets_a_key_through_twice_in_an_interval(steps: list[tuple[str, float]]) -> None:
    seldom = Seldom(interval=10.0, keys=4)
    now, passed, came, told = 0.0, dict[str, float](), 0, 0
    for key, pause in steps:
        now += pause
        came += 1
        times = seldom.allows(key, now)
        told += times
        if times:
            assert now - passed.get(key, -10.0) >= 10.0
            passed[key] = now
    assert told <= came


def test_a_complaint_is_logged_once_in_an_interval(caplog: pytest.LogCaptureFixture) -> None:
    complain = Complaints(logging.getLogger("test"), interval=60.0)
    complain(0.0, "bind refused", "a", peer="a")
    complain(59.9, "bind refused", "a", peer="a")
    complain(59.9, "bind refused", "b", logging.ERROR, peer="b")
    complain(59.9, "too fast", "a", peer="a")  # another kind of complaint
    complain(60.0, "bind refused", "a", peer="a")
    complain(120.0, "bind refused", "a", peer="a")
    told = [(line.levelname, line.getMessage(), vars(line)["fields"]) for line in caplog.records]
    assert told == [
        ("WARNING", "bind refused", {"peer": "a"}),
        ("ERROR", "bind refused", {"peer": "b"}),
        ("WARNING", "too fast", {"peer": "a"}),
        ("WARNING", "bind refused", {"peer": "a", "held_back": 1}),
        ("WARNING", "bind refused", {"peer": "a"}),
    ]
