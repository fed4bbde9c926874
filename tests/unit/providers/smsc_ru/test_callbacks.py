"""smsc.ru's callbacks: their forms, their signatures, and what is none of them."""

import hashlib
import json
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from smppbridge.errors import WrongSignature
from smppbridge.model.message import Inbound
from smppbridge.providers.base import Callback
from smppbridge.providers.smsc_ru.callbacks import Told, inbound_of, parse

SECRET = "ключ:1"
STATUS = {"id": "b17.1", "phone": "79001112233", "status": "20", "err": "6", "ts": "1795255200"}
ANSWER = {"id": "5", "phone": "79001112233", "mes": "Да: нет; €", "to": "79009009090", "ts": "1795255200"}
SIGNED_STATUS = "b17.1:79001112233:20:ключ:1"
SIGNED_ANSWER = "79001112233:Да: нет; €:79009009090:ключ:1"


def form(fields: Mapping[str, str], query: Mapping[str, str] | None = None) -> Callback:
    return Callback("POST", dict(query or {}), {}, dict(fields), urlencode(fields).encode())


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def xml(fields: Mapping[str, str]) -> bytes:
    return ("<result>" + "".join(f"<{k}>{v}</{k}>" for k, v in fields.items()) + "</result>").encode()


def every_form(fields: Mapping[str, str]) -> list[Callback]:
    numbers = {name: int(value) if value.isdigit() else value for name, value in fields.items()}
    return [
        form(fields),
        form(fields, {"charset": "utf-8", "md5": ""}),
        Callback("GET", dict(fields), {}),
        Callback("POST", {"fmt": "3", "md5": ""}, {}, {}, json.dumps(fields).encode()),
        Callback("POST", {"fmt": "3"}, {}, {}, json.dumps(numbers, ensure_ascii=False).encode()),
        Callback("POST", {"fmt": "2"}, {}, {}, xml(fields)),
    ]


# --- forms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["", SECRET])
def test_status_in_every_form(secret: str) -> None:
    for callback in every_form(STATUS | {"md5": md5(SIGNED_STATUS)}):
        told = parse(callback, secret)
        assert isinstance(told, Told)
        assert told[:4] == ("b17.1", "79001112233", 20, 6)


@pytest.mark.parametrize("secret", ["", SECRET])
def test_message_from_a_phone_in_every_form(secret: str) -> None:
    for callback in every_form(ANSWER | {"md5": md5(SIGNED_ANSWER)}):
        told = parse(callback, secret)
        assert isinstance(told, Inbound)
        assert told[1:5] == ("79001112233", "79009009090", "Да: нет; €", 1_795_255_200_000)


@pytest.mark.parametrize("charset", ["windows-1251", "koi8-r"])
@pytest.mark.parametrize("body", [None, xml, json.dumps])
def test_a_signature_is_that_of_the_octets(
    charset: str, body: Callable[[Mapping[str, str]], str | bytes] | None
) -> None:
    """The values were decoded already; the body was not."""
    text = "Да: нет; ?"
    signed = f"79001112233:{text}:79009009090:ключ:1".encode(charset)
    fields = ANSWER | {"mes": text, "md5": hashlib.md5(signed).hexdigest()}
    callback = Callback("POST", {"charset": charset}, {}, fields, b"unread", charset)
    if body is not None:
        content = body(fields)
        content = content if isinstance(content, str) else content.decode()
        callback = Callback("POST", {"charset": charset}, {}, {}, content.encode(charset), charset)
    told = parse(callback, SECRET)
    assert isinstance(told, Inbound)
    assert told.text == text
    with pytest.raises(WrongSignature):
        parse(replace(callback, charset="utf-8"), SECRET)


def test_blanks_around_a_text_are_signed_and_kept() -> None:
    fields = ANSWER | {"mes": " Да\n", "md5": md5("79001112233: Да\n:79009009090:ключ:1")}
    for callback in every_form(fields):
        told = parse(callback, SECRET)
        assert isinstance(told, Inbound)
        assert told.text == " Да\n"


def test_status_without_err_and_with_a_plus() -> None:
    told = parse(form({"id": "b17.1", "phone": "+79001112233", "status": "-1"}), "")
    assert isinstance(told, Told)
    assert told[:4] == ("b17.1", "79001112233", -1, 0)


def test_result_of_a_number_check_is_kept() -> None:
    told = parse(form(STATUS | {"imsi": "250010123", "mcc": "250"}), "")
    assert isinstance(told, Told)
    assert (told.fields["imsi"], told.fields["mcc"]) == ("250010123", "250")


# --- when, from whom -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "at"),
    [
        ({"ts": "1795255200", "time": "01.01.2001 00:00:00"}, 1_795_255_200_000),
        ({"ts": "soon", "time": "21.11.2026 13:00:00"}, 1_795_255_200_000),  # Moscow
        ({"ts": "9" * 20, "sent": "21.11.2026 13:00:00"}, 1_795_255_200_000),
        ({"received": "21.11.2026 13:00:00", "sent": "21.11.2026 12:00:00"}, 1_795_255_200_000),
    ],
)
def test_when_a_message_came(times: dict[str, str], at: int) -> None:
    fields = {"id": "5", "phone": "79001112233", "mes": "Да", "to": "", **times}
    told = parse(form(fields), "")
    assert isinstance(told, Inbound)
    assert told.at == at


def test_a_message_without_a_time_came_now() -> None:
    told = parse(form({"id": "5", "phone": "79001112233", "mes": "Да", "to": "79009009090"}), "")
    assert isinstance(told, Inbound)
    assert abs(told.at - time.time() * 1000) < 60_000


FROM_A_PHONE = {"phone": "79001112233", "mes": "Да", "to": "79009009090"}


def ref_of(fields: dict[str, str]) -> str:
    told = parse(form(fields), "")
    assert isinstance(told, Inbound)
    return told.ref


def test_who_wrote_what_to_whom_and_when_is_the_reference() -> None:
    fields = FROM_A_PHONE | {"ts": "1795255200"}
    changes = ({"mes": "Нет"}, {"ts": "1795255260"}, {"phone": "79001112244"}, {"to": "79009009091"})
    refs = [ref_of(fields), *(ref_of(fields | change) for change in changes)]
    assert len(set(refs)) == 5
    for same in ({"ts": "1795255259"}, {"id": "5"}, {"phone": "+79001112233"}, {"to": "+79009009090"}):
        assert ref_of(fields | same) == refs[0]


def test_a_message_that_is_told_both_ways_has_one_reference() -> None:
    row = {"id": "7", "received": "21.11.2026 13:00:05", "phone": "79001112233", "sent": "x"}
    listed = inbound_of(row, text="Да", destination="79009009090")
    assert listed is not None
    assert listed.ref == ref_of(FROM_A_PHONE | {"time": "21.11.2026 13:00:00"})
    assert listed.ref == ref_of(FROM_A_PHONE | {"ts": "1795255200", "id": "9"})


def test_a_message_without_a_time_keeps_its_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = ref_of(FROM_A_PHONE), ref_of(FROM_A_PHONE | {"id": "5"})
    monkeypatch.setattr(time, "time_ns", lambda: 10**18)
    assert [ref_of(FROM_A_PHONE), ref_of(FROM_A_PHONE | {"id": "5"})] == [first, other]
    assert first != other


@pytest.mark.parametrize(("to", "destination"), [("", ""), ("+79009009090", "79009009090"), ("SHOP", "SHOP")])
def test_where_a_message_went(to: str, destination: str) -> None:
    told = parse(form({"id": "5", "phone": "+79001112233", "mes": "", "to": to}), "")
    assert isinstance(told, Inbound)
    assert (told.source, told.destination, told.text) == ("79001112233", destination, "")


@pytest.mark.parametrize("phone", ["", "@nick", "a@example.org", "٧٩٠٠"])
def test_a_message_that_came_from_no_phone(phone: str) -> None:
    assert parse(form({"id": "5", "phone": phone, "mes": "Да", "to": "x"}), "") is None


# --- signatures ------------------------------------------------------------------------------------

# The checksum of a signed text whose highest bit is set, and of one where it is not, in all spellings
HIGH = next(n for n in range(100) if zlib.crc32(f"b{n}.1:7900:1:{SECRET}".encode()) >= 2**31)
LOW = next(n for n in range(100) if zlib.crc32(f"b{n}.1:7900:1:{SECRET}".encode()) < 2**28)


@pytest.mark.parametrize(
    "signature",
    [
        {"md5": md5(SIGNED_STATUS)},
        {"md5": md5(SIGNED_STATUS).upper()},
        {"sha1": sha1(SIGNED_STATUS)},
        {"sha1": sha1(SIGNED_STATUS).upper()},
        {"sha1": sha1(SIGNED_STATUS), "md5": "0"},
        {"crc32": str(zlib.crc32(SIGNED_STATUS.encode()))},
    ],
)
def test_signature_of_a_status(signature: dict[str, str]) -> None:
    """Only the kind that was chosen counts."""
    chosen = next(iter(signature))
    assert parse(form(STATUS | signature), SECRET, chosen)
    for other in {"md5", "sha1", "crc32"} - {chosen}:
        with pytest.raises(WrongSignature):
            parse(form(STATUS | signature), SECRET, other)


@pytest.mark.parametrize("number", [HIGH, LOW])
@pytest.mark.parametrize("spelling", ["{0}", "{1}", "{0:x}", "{0:08x}", "{0:08X}"])
def test_checksum_in_every_spelling(number: int, spelling: str) -> None:
    fields = {"id": f"b{number}.1", "phone": "7900", "status": "1"}
    value = zlib.crc32(f"b{number}.1:7900:1:{SECRET}".encode())
    signed = value - 2**32 if value >= 2**31 else value
    assert parse(form(fields | {"crc32": spelling.format(value, signed)}), SECRET, "crc32")
    with pytest.raises(WrongSignature):
        parse(form(fields | {"crc32": spelling.format(value ^ 1, signed ^ 1)}), SECRET, "crc32")


@pytest.mark.parametrize(
    "signature",
    [
        {},
        {"md5": ""},
        {"md5": md5("b17.1:79001112233:20:")},
        {"md5": md5("b17.1:79001112233:1:ключ:1")},  # of another status
        {"md5": md5("b18.1:79001112233:20:ключ:1")},  # of another message
        {"md5": sha1(SIGNED_STATUS)},
        {"sha1": md5(SIGNED_STATUS)},
        {"md5": md5(SIGNED_ANSWER)},
        {"sha1": sha1(SIGNED_STATUS)},  # not the kind that was chosen
        {"crc32": str(zlib.crc32(SIGNED_STATUS.encode()))},
        {"crc32": "0"},
        {"md5": "ключ"},
        {"sha256": hashlib.sha256(SIGNED_STATUS.encode()).hexdigest()},
    ],
)
def test_wrong_signature_of_a_status(signature: dict[str, str]) -> None:
    for callback in every_form(STATUS | signature):
        with pytest.raises(WrongSignature) as raised:
            parse(callback, SECRET)
        assert SECRET not in str(raised.value)
    assert parse(form(STATUS | signature), "")  # nobody asked for one


@pytest.mark.parametrize(
    "fields",
    [
        ANSWER,
        ANSWER | {"md5": md5(SIGNED_STATUS)},
        ANSWER | {"md5": md5(SIGNED_ANSWER), "mes": "Нет"},
        ANSWER | {"md5": md5(SIGNED_ANSWER), "phone": "79001112244"},
        ANSWER | {"md5": md5(SIGNED_ANSWER), "to": "79009009091"},
    ],
)
def test_wrong_signature_of_a_message_from_a_phone(fields: dict[str, str]) -> None:
    with pytest.raises(WrongSignature):
        parse(form(fields), SECRET)


def test_the_address_cannot_stand_in_for_what_is_posted() -> None:
    """Somebody who has seen a signed callback must not be able to change it by the query."""
    posted = STATUS | {"md5": md5(SIGNED_STATUS)}
    told = parse(form(posted, {"status": "1", "id": "b99.1"}), SECRET)
    assert isinstance(told, Told)
    assert told[:3] == ("b17.1", "79001112233", 20)


# --- none of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["id", "phone", "status"])
def test_status_with_something_missing(name: str) -> None:
    for value in ("", None):
        fields = {key: text for key, text in STATUS.items() if key != name or value is not None}
        fields |= {name: value} if value is not None else {}
        with pytest.raises(ValueError, match="is missing"):
            parse(form(fields), "")


@pytest.mark.parametrize("status", ["delivered", "1.0", "1" * 30, "٢"])
def test_status_that_is_no_number(status: str) -> None:
    with pytest.raises(ValueError, match="is missing"):
        parse(form(STATUS | {"status": status}), "")


def test_call_for_confirmation_is_named() -> None:
    with pytest.raises(ValueError, match="call for confirmation"):
        parse(form({"waitcall": "1", "phone": "79001112233", "ts": "1795255200"}), SECRET)


@pytest.mark.parametrize(
    "body",
    [b"", b"garbage\xff", b"{", b"[]", b"[1]", b"<a", b"<!DOCTYPE a><a/>", b"{}", b"<a/>", b"{" * 100_000],
)
@pytest.mark.parametrize("secret", ["", SECRET])
def test_garbage(body: bytes, secret: str) -> None:
    with pytest.raises(ValueError):
        parse(Callback("POST", {}, {}, {}, body), secret)
