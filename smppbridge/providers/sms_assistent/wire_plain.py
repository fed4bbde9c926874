"""sms-assistent.by API v1 in PLAIN (§2): forms as octets, answers of one word."""

import re
from urllib.parse import urlencode

from smppbridge.model.message import Message
from smppbridge.providers.http.lenient import integer
from smppbridge.providers.sms_assistent.records import (
    AssistAnswer,
    Login,
    SentRow,
    StatusRow,
    validity_hours,
)

HEADERS = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}

_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:[.,][0-9]{1,10})?")
_WORD = re.compile(r"[A-Za-z]{1,20}")


def encode_send(login: Login, message: Message, *, sender: str, date: str, now: int) -> bytes:
    """One message (§2.1). ``date``: date_send, "" = at once; ``now`` in ms."""
    form = {
        "recipient": message.recipient,
        "message": message.text,
        "validity_period": str(validity_hours(message, now)),
    }
    if sender:
        form["sender"] = sender
    if date:
        form["date_send"] = date
    return _encode(login, form)


def encode_status(login: Login, ref: str) -> bytes:
    """The status question for one sms_id (§2.2)."""
    return _encode(login, {"id": ref})


def encode_credits(login: Login) -> bytes:
    """The question for the balance, the same for all formats (§2.3)."""
    return _encode(login, {})


def _encode(login: Login, form: dict[str, str]) -> bytes:
    named = {"user": login.login, "password": login.password, **form}
    return urlencode(named, errors="replace").encode("ascii")  # "replace": a lone surrogate has no UTF-8 form


def decode_send(body: bytes) -> AssistAnswer:
    """The id of a message that was taken, or the code of a refusal (§1.2). Raises ValueError for neither."""
    number = integer(_text(body))
    if number is None or number == 0:
        raise ValueError("neither an id nor a code")
    return (
        AssistAnswer(failure=number)
        if number < 0
        else AssistAnswer(sent=(SentRow(str(number), None, 0, ""),))
    )


def decode_status(body: bytes) -> AssistAnswer:
    """One status word, or a code (§2.2). Raises ValueError for neither. The row has no id."""
    word = _text(body)
    code = integer(word)
    if code is not None and code < 0:
        return AssistAnswer(failure=code)
    if not _WORD.fullmatch(word):
        raise ValueError("neither a status nor a code")
    return AssistAnswer(statuses=(StatusRow("", word),))


def decode_credits(body: bytes) -> AssistAnswer:
    """The balance, or a code (§2.3). Raises ValueError for neither.

    A balance below zero is told from a code by its decimals.
    """
    text = _text(body)
    number = integer(text)
    if number is not None and number < 0:
        return AssistAnswer(failure=number)
    if not _AMOUNT.fullmatch(text):
        raise ValueError("neither a balance nor a code")
    return AssistAnswer(credits=float(text.replace(",", ".")))


def _text(body: bytes) -> str:
    if len(body) > 100:
        raise ValueError("too long")
    return body.decode("utf-8-sig").strip()
