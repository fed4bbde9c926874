"""smspilot's error codes, and the envelope in which its simulator refuses a whole request."""

import json
import re
from typing import Any

# code -> (description, description_ru)
TEXTS: dict[int, tuple[str, str]] = {
    10: ("INPUT is empty", "Пустой запрос"),
    11: ("INPUT format is unknown", "Неизвестный вид запроса"),
    12: ("XML structure is invalid", "Неверный XML"),
    13: ("JSON is invalid", "Неверный JSON"),
    14: ("Unknown COMMAND", "Команда не найдена"),
    100: ("APIKEY is empty", "Нет ключа"),
    101: ("APIKEY is invalid", "Неверный вид ключа"),
    102: ("APIKEY not found", "Ключ не найден"),
    103: ("APIKEY not paid", "Ключ без оплаты"),
    104: ("APIKEY not activated", "Ключ не включён"),
    105: ("User is blocked (low balance)", "Вход закрыт: мало денег"),
    106: ("User is blocked", "Вход закрыт: спам\\ошибки"),
    107: ("User is blocked (not trusted)", "Вход закрыт: нет доверия"),
    108: ("Phone is empty", "Нет номера"),
    110: ("System error", "Сбой"),
    111: ("Invalid phone", "Неверный номер"),
    112: ("SMS limit", "Кончились деньги"),
    113: ("IP is not allowed", "Чужой адрес"),
    115: ("Invalid sender", "Неверный вид отправителя"),
    116: ("Depricated sender", "Отправитель не разрешён"),
    117: ("Account restriction", "Ограничение учётной записи"),
    118: ("Rate limit", "Слишком часто"),
    122: ("User is temporarily blocked", "Временная блокировка"),
    200: ("FROM is empty", "Нет отправителя"),
    201: ("FROM is invalid", "Неверный отправитель"),
    204: ("FROM not found", "Отправитель не заведён"),
    212: ("Phone in black list", "Номер в чёрном списке"),
    213: ("Operator is not supported", "Оператор не обслуживается"),
    214: ("Phone is duplicated", "Номер повторяется"),
    215: ("Invalid phone length", "Неверная длина номера"),
    220: ("Text is empty", "Нет текста"),
    221: ("Text is too long", "Длинный текст"),
    223: ("Spam protection", "Защита от рекламы"),
    224: ("Spam protection (SENDER)", "Защита от рекламы: отправитель"),
    225: ("Spam protection (DIRECT)", "Защита от рекламы: направление"),
    226: ("Shared senders are disabled", "Общие отправители отключены"),
    227: ("Spam protection (SURVEY)", "Защита от рекламы: опросы\\голосования"),
    230: ("ID is invalid", "Неверный id"),
    231: ("PACKET_ID is invalid", "Неверный id пакета"),
    240: ("SEND is invalid", "Неверный список"),
    241: ("You don't have enough money", "Мало денег"),
    243: ("Loop protection", "Защита от повторов"),
    247: ("Text is filtered", "Текст не пропущен"),
    248: ("Cyrillic and Latin in one word", "Кириллица и латиница в одном слове"),
    250: ("Invalid send_datetime", "Неверное время отправки"),
    260: ("Invalid callback URL", "Неверный адрес скрипта"),
    270: ("Invalid ttl", "Неверный ttl"),
    275: ("Invalid fields", "Неверный список полей"),
    300: ("SERVER_ID is empty", "Нет кода"),
    301: ("SERVER_ID is invalid", "Неверный код"),
    302: ("SERVER_ID not found", "Код не найден"),
    303: ("Invalid IDs list", "Неверный список кодов"),
    304: ("SERVER_PACKET_ID is invalid", "Неверный код пакета"),
    400: ("User not found", "Нет такого пользователя"),
    401: ("Invalid login details", "Неверный пароль"),
    500: ("Invalid -since- format YYYY-MM-DD HH:II:SS", "Неверный вид -since-"),
    600: ("Expired", "Срок истёк"),
    601: ("Undeliverable", "Не доставить"),
    602: ("Destination unreachable", "Направление закрыто"),
    603: ("Rejected", "Отказ оператора"),
    604: ("Cancelled", "Отменено"),
    605: ("Switched off by subscriber", "Отключено абонентом"),
}

# Why a user is blocked: API-2 §7 prints a string, API-1 §9 a number.
_BLOCKED: dict[int, dict[str, object]] = {
    1: {"status": -5, "status_ru": "Сбой почты"},
    2: {"status": "-2", "status_ru": "Баланс исчерпан"},
}
_BACKSLASH = re.compile(r"(?<=[а-я])\\\\(?=[а-я])")


class Refusal(Exception):
    """The whole request is refused with an error envelope. ``phone``: whose message spoilt it."""

    def __init__(self, code: int, phone: str = "", *, xmlerror: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.phone = phone
        self.xmlerror = xmlerror

    def words(self, lang: str = "en") -> str:
        return texts(self.code)[lang == "ru"]

    def fields(self, api: int) -> dict[str, Any]:
        """The envelope of API-1 or API-2, in the order of printing."""
        english, russian = texts(self.code)
        fields: dict[str, Any] = {"code": self.code, "description": english, "description_ru": russian}
        if self.phone:
            fields["phone"] = self.phone
        if self.code == 106:
            fields |= _BLOCKED[api]
        if self.xmlerror:
            fields["xmlerror"] = self.xmlerror
        return {**fields, "ip": "127.0.0.1"}

    def json(self, api: int, *, sloppy: bool = False) -> str:
        """The envelope as it is printed: in 106 and 227 with a backslash that JSON does not know.

        API-1 prints the code as a number here and as a string there; ``sloppy`` takes the latter.
        """
        fields = self.fields(api)
        if sloppy and api == 1:
            fields["code"] = str(self.code)
        return _BACKSLASH.sub(r"\\", json.dumps({"error": fields}, ensure_ascii=False))


def texts(code: int) -> tuple[str, str]:
    """English and Russian; a code that no list holds has words, too."""
    return TEXTS.get(code, ("Error", "Ошибка"))


def error_words(error: int) -> dict[str, str]:
    """The words that go with the error of a message; none with 0."""
    english, russian = texts(error)
    return {"error_en": english, "error_ru": russian} if error else {}
