"""What smsc.ru posts to a client's handler: a changed status, or a message from a subscriber, signed.

The handler's URL says how: charset=, fmt=2 or 3, and md5, sha1 or crc32 for the signature.
"""

import hashlib
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2

from tests.simulators.smsc_ru.parameters import moscow_time
from tests.simulators.smsc_ru.rules import Rules
from tests.simulators.smsc_ru.statuses import TYPES, Answer, Sms
from tests.simulators.smsc_ru.wire import CHARSETS, FORM, number, to_json, xml
from tests.support.http.callbacks import Call, CallbackSender


@dataclass(frozen=True, slots=True)
class Posted:
    """One callback as it goes over the wire."""

    body: bytes
    content_type: str


class BodySender(CallbackSender):
    """Posts any body: a `Call` holds a UTF-8 form only, so its fields carry the body to the client."""

    async def start(self) -> None:
        await super().start()
        assert self._client is not None
        self._client.event_hooks = {"request": [_unpack]}

    def post(self, url: str, posted: Posted) -> None:
        """Send it soon."""
        fields = {"body": posted.body.decode("latin-1"), "content_type": posted.content_type}
        self.push(Call(url, "post", fields))


async def _unpack(request: httpx2.Request) -> None:
    fields = dict(parse_qsl(request.content.decode("ascii")))
    body = fields["body"].encode("latin-1")
    request.headers |= {"content-type": fields["content_type"], "content-length": str(len(body))}
    request.stream = httpx2.ByteStream(body)


def status_callback(sms: Sms, rules: Rules) -> Posted:
    fields: dict[str, Any] = {
        "id": number(sms.row["id"]),
        "phone": sms.row["phone"],
        "status": sms.status,
        "time": moscow_time(sms.changed),
        "ts": int(sms.changed),
        "err": sms.err,
        "flag": 0,
        "cost": f"{sms.cost:.2f}",
        "sender": sms.row["sender"],
        "sender_id": sms.row["sender"],
    }
    service = sms.row["service"]
    if service in TYPES:
        fields["type"] = TYPES[service]
    if service == "hlr" and sms.status > 0:
        fields |= rules.hlr
    return _post(fields, f"{sms.row['id']}:{sms.row['phone']}:{sms.status}:{rules.secret}", rules)


def answer_callback(answer: Answer, rules: Rules) -> Posted:
    now = time.time()
    fields: dict[str, Any] = {
        "id": answer.id,
        "phone": answer.phone,
        "mes": answer.message,
        "to": answer.to_phone,
        "time": moscow_time(now),
        "ts": int(now),
        "sent": answer.sent,
    }
    return _post(fields, f"{answer.phone}:{answer.message}:{answer.to_phone}:{rules.secret}", rules)


def _post(fields: dict[str, Any], signed: str, rules: Rules) -> Posted:
    wishes = dict(parse_qsl(urlsplit(rules.callback_url).query, keep_blank_values=True))
    charset = wishes.get("charset", CHARSETS[0]).lower()
    if charset not in CHARSETS or (charset == "koi8-r" and "fmt" in wishes):
        charset = CHARSETS[0]  # XML and JSON do not come in koi8-r
    fields |= _signature(signed.encode(charset, "replace"), wishes, rules.crc32_format)
    if wishes.get("fmt") == "3":
        return Posted(to_json(fields).encode(charset, "replace"), f"application/json; charset={charset}")
    if wishes.get("fmt") == "2":
        return Posted(xml("result", fields).encode(charset, "replace"), f"text/xml; charset={charset}")
    return Posted(urlencode(fields, encoding=charset, errors="replace").encode("ascii"), FORM)


def _signature(signed: bytes, wishes: Mapping[str, str], crc32_format: str) -> dict[str, str]:
    if "md5" in wishes:
        return {"md5": hashlib.md5(signed).hexdigest()}
    if "sha1" in wishes:
        return {"sha1": hashlib.sha1(signed).hexdigest()}
    return {"crc32": format(zlib.crc32(signed), crc32_format)} if "crc32" in wishes else {}
