"""What smspilot's simulator refuses, and the error envelope it answers then."""

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from smppbridge.smpp.text import parts

# code -> (description, description_ru)
TEXTS: dict[int, tuple[str, str]] = {
    10: ("INPUT is empty", "Пустой запрос"),
    13: ("JSON is invalid", "Неверный JSON"),
    14: ("Unknown COMMAND", "Команда не найдена"),
    100: ("APIKEY is empty", "Нет ключа"),
    101: ("APIKEY is invalid", "Неверный вид ключа"),
    102: ("APIKEY not found", "Ключ не найден"),
    106: ("User is blocked", "Вход закрыт: спам\\ошибки"),
    108: ("Phone is empty", "Нет номера"),
    110: ("System error", "Сбой"),
    111: ("Invalid phone", "Неверный номер"),
    122: ("User is temporarily blocked", "Временная блокировка"),
    200: ("FROM is empty", "Нет отправителя"),
    201: ("FROM is invalid", "Неверный отправитель"),
    204: ("FROM not found", "Отправитель не заведён"),
    212: ("Phone in black list", "Номер в чёрном списке"),
    214: ("Phone is duplicated", "Номер повторяется"),
    215: ("Invalid phone length", "Неверная длина номера"),
    220: ("Text is empty", "Нет текста"),
    221: ("Text is too long", "Длинный текст"),
    230: ("ID is invalid", "Неверный id"),
    240: ("SEND is invalid", "Неверный список"),
    241: ("You don't have enough money", "Мало денег"),
    243: ("Loop protection", "Защита от повторов"),
    250: ("Invalid send_datetime", "Неверное время отправки"),
    260: ("Invalid callback URL", "Неверный адрес скрипта"),
    270: ("Invalid ttl", "Неверный ttl"),
    303: ("Invalid IDs list", "Неверный список кодов"),
    304: ("SERVER_PACKET_ID is invalid", "Неверный код пакета"),
    600: ("Expired", "Срок истёк"),
    601: ("Undeliverable", "Не доставить"),
    602: ("Destination unreachable", "Направление закрыто"),
    603: ("Rejected", "Отказ оператора"),
    604: ("Cancelled", "Отменено"),
    605: ("Switched off by subscriber", "Отключено абонентом"),
}


class Refusal(Exception):
    """The whole request is refused with an error envelope."""

    def __init__(self, code: int, phone: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.phone = phone

    def body(self) -> str:
        """The envelope as it is printed: in 106 with a backslash that JSON does not know."""
        english, russian = TEXTS.get(self.code, ("Error", "Ошибка"))
        error: dict[str, object] = {
            "code": self.code,
            "description": english,
            "description_ru": russian,
            "ip": "127.0.0.1",
        }
        if self.phone:
            error["phone"] = self.phone
        if self.code == 106:
            error |= {"status": "-2", "status_ru": "Баланс исчерпан"}
        return json.dumps({"error": error}, ensure_ascii=False).replace("\\\\", "\\")


def message_error(to: object, text: object) -> int:
    """What is wrong with recipient or text by themselves; 0 if nothing."""
    if not to:
        return 108
    if not isinstance(to, str) or not to.isascii() or not to.isdigit():
        return 111
    if not 11 <= len(to) <= 15:
        return 215
    if not isinstance(text, str) or not text:
        return 220
    return 221 if parts(text) > 10 else 0


def check_parameters(row: Mapping[str, Any]) -> None:
    if not _whole(row.get("id", 0), 0, 2**63 - 1):
        raise Refusal(230)
    if "ttl" in row and not _whole(row["ttl"], 1, 1440):
        raise Refusal(270)
    callback = row.get("callback", "")
    if callback and not re.match(r"https?://[^/\s]+", str(callback)):
        raise Refusal(260)
    if row.get("callback_method", "get") not in ("get", "post"):
        raise Refusal(260)
    if "send_datetime" in row and not _in_future(str(row["send_datetime"])):
        raise Refusal(250)


def _whole(value: object, low: int, high: int) -> bool:
    return not isinstance(value, bool) and str(value).isdecimal() and low <= int(str(value)) <= high


def _in_future(moment: str) -> bool:
    if moment.isdecimal():
        return int(moment) > time.time()
    try:
        return datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() > time.time()
    except ValueError:
        return False
