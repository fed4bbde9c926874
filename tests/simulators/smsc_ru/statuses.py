"""How smsc.ru's simulator prints what it knows: statuses, sent and received messages, the balance."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.smsc_ru.parameters import moscow_time
from tests.simulators.smsc_ru.wire import number, to_json, xml

# Column `type` of statuses and callbacks; the other services' numbers are not known.
TYPES = {
    "": 0,
    "group": 0,
    "flash": 1,
    "bin": 2,
    "push": 3,
    "hlr": 4,
    "ping": 5,
    "mms": 6,
    "call": 7,
    "mail": 8,
    "viber": 10,
    "soc": 12,
}
NAMES = {
    -3: "Не найдено",
    -2: "Остановлено",
    -1: "Ожидает отправки",
    0: "Передано оператору",
    1: "Доставлено",
    2: "Прочитано",
    3: "Просрочено",
    4: "Нажата ссылка",
    20: "Невозможно доставить",
    22: "Неверный номер",
    23: "Запрещено",
    24: "Недостаточно средств",
    25: "Недоступный номер",
}
_TITLES = {"status": "Status", "last_date": "check_time"}
_WIDER = ("country", "operator", "region")  # columns of all=2, in fmt 1 before the text

Row = dict[str, Any]


@dataclass(slots=True)
class Sms:
    """One message that smsc.ru has taken. ``row`` is what the simulator shows as accepted."""

    row: dict[str, str]
    serial: int  # unlike the id, unique
    cost: float
    created: float = field(default_factory=time.time)
    changed: float = field(default_factory=time.time)
    status: int = -1
    err: int = 0
    doomed: bool = False  # will end as flood

    @property
    def key(self) -> tuple[str, str]:
        return self.row["id"], self.row["phone"]


@dataclass(slots=True, frozen=True)
class Answer:
    """One message that a subscriber has sent."""

    id: int
    received: str
    phone: str
    message: str
    to_phone: str
    sent: str


def status_row(sms: Sms, hlr: Mapping[str, str], *, wide: int, listed: bool) -> Row:
    """All columns of one message: ``wide`` is the request's ``all``, ``listed`` adds id and phone."""
    row: Row = {
        "status": sms.status,
        "last_date": moscow_time(sms.changed),
        "last_timestamp": int(sms.changed),
        "err": sms.err,
    }
    if sms.row["service"] == "hlr" and sms.status > 0:
        row |= hlr
    if listed:
        row |= {"flag": 0, "id": number(sms.row["id"]), "phone": sms.row["phone"]}
    return row | _details(sms, wide) if wide else row


def _details(sms: Sms, wide: int) -> Row:
    row: Row = {
        "send_date": moscow_time(sms.created),
        "send_timestamp": int(sms.created),
        "phone": sms.row["phone"],
        "cost": f"{sms.cost:.2f}",
        "sender_id": sms.row["sender"],
        "status_name": NAMES.get(sms.status, ""),
    }
    if wide == 2:
        row |= {"country": "Россия", "operator": "МТС", "region": "Москва", "mccmnc": "25001"}
    return row | {"message": sms.row["text"], "type": TYPES.get(sms.row["service"], 0), "flag": 0}


def unknown_row(ident: str, phone: str) -> Row:
    """In a list, what stands for a message that is not there."""
    row: Row = {"status": -3, "last_date": "", "last_timestamp": 0, "err": 0, "flag": 0}
    return row | {"id": number(ident), "phone": phone}


def print_statuses(rows: list[Row], fmt: int, *, listed: bool) -> str:
    if fmt == 3:
        return to_json(rows if listed else rows[0])
    if fmt == 2:
        return xml_list(rows, "status_list", "status") if listed else xml("status", rows[0])
    return "\n".join(map(_numbers if fmt == 1 else _sentence, rows))


def _numbers(row: Row) -> str:
    """fmt 1: the text comes last, because it may contain commas."""
    hidden = {"last_date", "send_date", "mccmnc", "type", "flag", "message"}
    shown = [row[name] for name in row if name not in hidden]
    return ",".join(str(value) for value in [*shown, *([row["message"]] if "message" in row else [])])


def _sentence(row: Row) -> str:
    hidden = {"last_timestamp", "send_timestamp", "flag", *([] if row["err"] else ["err"])}
    return ", ".join(
        f"{_TITLES.get(name, name)} = {value}" for name, value in row.items() if name not in hidden
    )


def print_items(items: list[Row], fmt: int) -> str:
    """Received or sent messages (get.php)."""
    if fmt == 3:
        return to_json(items)
    if fmt == 2:
        return xml_list(items, "list", "message")
    if fmt == 1:
        return "\n".join(",".join(str(value) for value in item.values()) for item in items)
    return "\n".join(", ".join(f"{name} = {value}" for name, value in item.items()) for item in items)


def xml_list(rows: list[Row], root: str, item: str) -> str:
    return "\n".join([f"<{root}>", *(xml(item, row) for row in rows), f"</{root}>"])


def print_balance(balance: float, fmt: int, *, with_currency: bool) -> str:
    amount = f"{balance:.2f}"
    if fmt == 3:
        return to_json({"balance": amount} | ({"currency": "RUR"} if with_currency else {}))
    if fmt == 2:
        currency = "<currency>RUR</currency>" if with_currency else ""
        return f"<balance>{amount}</balance>{currency}"
    return amount + ((" RUR" if fmt == 0 else ",RUR") if with_currency else "")
