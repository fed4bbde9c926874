"""What smsc.ru's simulator keeps: messages sent and received, found again by status.php and get.php."""

import time
from collections.abc import Callable
from datetime import datetime

from tests.simulators.smsc_ru.orders import Order, correct_phone
from tests.simulators.smsc_ru.parameters import MOSCOW, moscow_time
from tests.simulators.smsc_ru.rules import FATES, Refusal
from tests.simulators.smsc_ru.statuses import NAMES, Answer, Row, Sms, print_items
from tests.simulators.smsc_ru.wire import Query, number

MAX_ANSWERS, MAX_HOURS, MAX_MESSAGES = 10_000, 168, 1000  # get.php


class History:
    """Messages are found by (id, phone), the last one where a client has given an id twice."""

    def __init__(self) -> None:
        self._sent: list[Sms] = []
        self._by_key: dict[tuple[str, str], Sms] = {}
        self._received: list[tuple[float, Answer]] = []

    def add(self, row: dict[str, str], cost: float) -> Sms:
        sms = Sms(row, len(self._sent) + 1, cost)
        self._sent.append(sms)
        self._by_key[sms.key] = sms
        return sms

    def find(self, ident: str, phone: str) -> Sms | None:
        return self._by_key.get((ident, phone))

    def receive(self, phone: str, text: str, to: str) -> Answer:
        now = time.time()
        moment = moscow_time(now)
        answer = Answer(len(self._received) + 1, moment, phone, text, to, moment)
        self._received.append((now, answer))
        return answer

    def answers(self, query: Query) -> str:
        """get_answers: those after an id oldest first, else the newest first."""
        count, hours = _whole(query, "cnt", 100, MAX_ANSWERS), _whole(query, "hour", 24, MAX_HOURS)
        after, to = _whole(query, "after_id", 0, 2**63), query.get("to_phone")
        oldest = float("-inf") if after else time.time() - 3600 * hours
        found = [
            answer
            for received, answer in self._received
            if received >= oldest and answer.id > after and to in ("", answer.to_phone)
        ]
        found = found if after else found[::-1]
        return print_items([_answer_row(answer) for answer in found[:count]], query.fmt)

    def messages(self, query: Query) -> str:
        """get_messages: the newest first, from before ``prev_id`` if that is given."""
        count, before = _whole(query, "cnt", 100, MAX_MESSAGES), _whole(query, "prev_id", 0, 2**63)
        phone, start, end = query.get("phone"), _day(query, "start"), _day(query, "end")
        found = [
            sms
            for sms in reversed(self._sent)
            if (not before or sms.serial < before)
            and (not phone or sms.row["phone"] == correct_phone(phone))
            and (start is None or sms.created >= start)
            and (end is None or sms.created < end + 86400)
        ]
        return print_items([_message_row(sms) for sms in found[:count]], query.fmt)


def _answer_row(answer: Answer) -> Row:
    return {
        "id": answer.id,
        "received": answer.received,
        "phone": answer.phone,
        "message": answer.message,
        "to_phone": answer.to_phone,
        "sent": answer.sent,
    }


def _message_row(sms: Sms) -> Row:
    return {
        "int_id": sms.serial,
        "id": number(sms.row["id"]),
        "phone": sms.row["phone"],
        "status": sms.status,
        "status_name": NAMES.get(sms.status, ""),
        "err": sms.err,
        "send_date": moscow_time(sms.created),
        "last_date": moscow_time(sms.changed),
        "cost": f"{sms.cost:.2f}",
        "sender_id": sms.row["sender"],
        "message": sms.row["text"],
    }


def _whole(query: Query, name: str, default: int, most: int) -> int:
    value = query.get(name, str(default))
    if not value.isascii() or not value.isdecimal() or len(value) > 20 or int(value) > most:
        raise Refusal(1)
    return int(value)


def _day(query: Query, name: str) -> float | None:
    """The beginning of a day in Moscow."""
    if not query.get(name):
        return None
    try:
        return datetime.strptime(query.get(name), "%d.%m.%Y").replace(tzinfo=MOSCOW).timestamp()
    except ValueError:
        raise Refusal(1) from None


def sent_rows(
    query: Query, orders: list[Order], cost: Callable[[Order], float]
) -> list[dict[str, str]] | None:
    """What op=1 adds about every number, err=1 about the bad ones; None when neither is asked for."""
    if query.get("op") != "1" and query.get("err") != "1":
        return None
    return [_sent_row(order, cost(order)) for order in orders if order.error or query.get("op") == "1"]


def _sent_row(order: Order, cost: float) -> dict[str, str]:
    status, err = FATES.get(order.error, (-1, 0))
    return {
        "phone": order.phone,
        "mccmnc": "" if order.error == 7 else "25001",
        "cost": "0.00" if order.error else f"{cost:.2f}",
        "status": str(status),
        "error": str(err),
    }
