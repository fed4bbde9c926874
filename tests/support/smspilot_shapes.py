"""How smspilot's simulator prints a message: in the answer to `send`, in a status row, in a callback."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict

from smppbridge.smpp.text import parts
from tests.support.smspilot_errors import TEXTS

NO_TIME = "0000-00-00 00:00:00"

Accepted = TypedDict(
    "Accepted", {"id": int, "to": str, "text": str, "from": str, "server_id": str, "packet": str, "ttl": int}
)


@dataclass(slots=True)
class Sms:
    """One message that smspilot has taken."""

    row: Accepted
    callback: str
    method: str
    created: float
    modified: float
    status: int = 0
    error: int = 0


def item(row: Accepted, *, price: float, status: int, error: int) -> dict[str, Any]:
    """One message in the answer to `send`, in the manual's types: ids are strings, the rest numbers."""
    head: dict[str, Any] = {
        "id": str(row["id"]),
        "server_id": row["server_id"],
        "from": row["from"],
        "to": row["to"],
        "text": row["text"],
        "parts": parts(row["text"]),
        "price": round(price, 2),
        "status": status,
        "error": error,
    }
    return {
        **head,
        **words(error),
        "send_datetime": NO_TIME,
        "country": "RU",
        "operator": "TELE2",
        "ttl": row["ttl"],
    }


def words(error: int) -> dict[str, str]:
    english, russian = TEXTS.get(error, ("Error", "Ошибка"))
    return {"error_en": english, "error_ru": russian} if error else {}


def status_row(sms: Sms) -> dict[str, Any]:
    row = {
        "id": str(sms.row["id"]),
        "server_id": sms.row["server_id"],
        "phone": sms.row["to"],
        "status": sms.status,
    }
    error = {"error": sms.error, **words(sms.error)} if sms.error else {}
    return {**row, **error, "created": _moment(sms.created), "modified": _moment(sms.modified)}


def callback_fields(sms: Sms) -> dict[str, str]:
    return {
        "server_id": sms.row["server_id"],
        "phone": sms.row["to"],
        "status": str(sms.status),
        "error": str(sms.error),
        **words(sms.error),
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
