"""What providers tell besides statuses: counted in full, logged once a minute."""

import logging

import pytest

from smppbridge.errors import Rejected, Unavailable
from smppbridge.flow.remarks import Remarks
from smppbridge.metrics import Metrics
from smppbridge.model.message import Particulars
from smppbridge.providers.base import SendResult, Taken
from tests.support.builders.messages import message

pytestmark = pytest.mark.virtual_time


class Scene:
    def __init__(self) -> None:
        self.metrics = Metrics()
        self.remarks = Remarks(self.metrics, {"lab": frozenset({"-5", "20", "UNDELIV"})})

    def results(self, *results: SendResult) -> None:
        self.remarks.results("lab", [message(number) for number in range(len(results))], results)

    def refused(self, code: str) -> float:
        return self.value("refusals_total", provider="lab", code=code)

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"smppbridge_{name}", labels) or 0.0


@pytest.fixture
def scene() -> Scene:
    return Scene()


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, object]]]:
    return [(record.getMessage(), getattr(record, "fields", {})) for record in caplog.records]


async def test_refusals_are_counted_by_code_and_logged_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    no = Rejected("-5: sender ALARM is not registered", code="-5")
    other = Unavailable("what is that?", code="777")
    scene.results(Taken("1"), no, no, other, Unavailable("no connection"))
    assert (scene.refused("-5"), scene.refused("other")) == (2, 1)
    assert lines(caplog) == [
        (
            "the provider refused a message",
            {"provider": "lab", "code": "-5", "reason": "-5: sender ALARM is not registered", "times": 2},
        ),
        (
            "the provider refused a message",
            {"provider": "lab", "code": "777", "reason": "what is that?", "times": 1},
        ),
    ]
    caplog.clear()
    scene.results(no)
    assert (scene.refused("-5"), lines(caplog)) == (3, [])


async def test_a_code_counts_by_the_word_that_it_begins_with(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.remarks.refused("lab", [("20/253", "spam"), ("UNDELIV 003", "")])
    assert (scene.refused("20"), scene.refused("UNDELIV"), scene.refused("other")) == (1, 1, 0)
    assert [fields["code"] for _, fields in lines(caplog)] == ["20/253", "UNDELIV 003"]


async def test_money(scene: Scene) -> None:
    paid = Particulars(price=2_960_000, currency="RUB")
    scene.results(Taken("1", told=paid), Taken("2", told=paid), Taken("3"))
    scene.remarks.spent("lab", {"BYN": 40_000})
    assert scene.value("spent_total", provider="lab", currency="RUB") == pytest.approx(5.92)
    assert scene.value("spent_total", provider="lab", currency="BYN") == pytest.approx(0.04)


async def test_a_sender_that_was_replaced(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    taken = Taken("1", told=Particulars(sender="INFORM"))
    messages = [message(1, sender=sender) for sender in ("ALARM", "INFORM", "")]
    scene.remarks.results("lab", messages, [taken] * 3)
    assert scene.value("replaced_senders_total", provider="lab") == 1
    scene.remarks.replaced("lab", [("ALARM", "INFORM")] * 2)
    assert scene.value("replaced_senders_total", provider="lab") == 3
    [(what, fields)] = lines(caplog)
    assert what == "the provider replaced a sender"
    assert (fields["sender"], fields["shown"]) == ("ALARM", "INFORM")


@pytest.mark.parametrize(
    ("text", "counted", "said"), [("x" * 160, 1, 0), ("x" * 160, 2, 1), ("ы" * 71, 2, 0)]
)
async def test_more_parts_than_we_count(
    scene: Scene, caplog: pytest.LogCaptureFixture, text: str, counted: int, said: int
) -> None:
    scene.remarks.results("lab", [message(1, text=text)], [Taken("1", told=Particulars(parts=counted))])
    assert len(lines(caplog)) == said
    assert all(record.levelno == logging.WARNING for record in caplog.records)
