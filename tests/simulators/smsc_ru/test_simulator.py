"""The smsc.ru simulator itself: who may ask, how requests are read, the shapes of answers to send.php."""

import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.simulators.smsc_ru.asking import OTHER, PHONE, RIGHTS, Api, running
from tests.support.http.server import Fault


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running() as started:
        yield started


# --- requests --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rights",
    [
        {},
        {"login": "", "psw": "", "apikey": "KEY"},
        {"login": "LOGIN", "psw": "", "apikey": "KEY"},
    ],
)
async def test_who_may_send(api: Api, rights: dict[str, str]) -> None:
    assert await api.code(**rights) == 0


@pytest.mark.parametrize(
    "rights",
    [
        {"psw": "password"},
        {"psw": ""},
        {"login": "OTHER"},
        {"apikey": "key"},
        {"login": "OTHER", "apikey": "KEY"},
    ],
)
async def test_who_may_not_send(api: Api, rights: dict[str, str]) -> None:
    assert await api.code(**rights) == 2
    assert api.simulator.accepted == []


async def test_get_and_post(api: Api) -> None:
    url = f"{api.simulator.url}/sys/send.php"
    question = {**RIGHTS, "phones": PHONE, "mes": "x", "fmt": "1", "cost": "1"}
    for answer in (await api.client.get(url, params=question), await api.client.post(url, data=question)):
        assert answer.text == "1.40,1"
    mixed = await api.client.post(url, params={**question, "cost": "2"}, data={"cost": "1"})
    assert mixed.text == "1.40,1"
    not_a_form = await api.client.post(url, json=question)
    assert not_a_form.text.startswith("ERROR = 2 (")


@pytest.mark.parametrize("charset", ["windows-1251", "utf-8", "koi8-r"])
async def test_text_is_read_by_the_charset_of_the_request(api: Api, charset: str) -> None:
    form = httpx2.QueryParams({**RIGHTS, "phones": PHONE, "charset": charset})
    content = (
        f"{form}&mes=".encode() + "".join(f"%{octet:02x}" for octet in "Привет".encode(charset)).encode()
    )
    headers = {"content-type": "application/x-www-form-urlencoded"}
    url = f"{api.simulator.url}/sys/send.php"
    assert (await api.client.post(url, content=content, headers=headers)).text.startswith("OK - 1 SMS")
    assert [row["text"] for row in api.simulator.accepted] == ["Привет"]


async def test_default_charset_garbles_utf_8(api: Api) -> None:
    row = await api.accepted("Ё", charset="")
    assert row["text"] == "РЃ"
    assert await api.code("x", charset="utf8") == 1


async def test_rest_reads_and_answers_json(api: Api) -> None:
    request = {**RIGHTS, "phones": PHONE, "mes": "Привет", "id": 14, "cost": 3, "sender": "Ozon"}
    answer = await api.rest(json.dumps(request).encode())
    assert answer == {"id": 14, "cnt": 1, "cost": "1.4", "balance": "999998.6"}
    (row,) = api.simulator.accepted
    assert row == {"id": "14", "phone": PHONE, "text": "Привет", "sender": "Ozon", "service": ""}


@pytest.mark.parametrize("body", [b"", b"[]", b"{'a'}", b'{"mes": ["x"]}', b'{"mes": null}', b"[" * 10**5])
async def test_rest_refuses_what_is_no_object_of_plain_values(api: Api, body: bytes) -> None:
    assert (await api.rest(body))["error_code"] == 1


async def test_rest_refuses_wrong_rights_and_other_methods(api: Api) -> None:
    answer = await api.rest(json.dumps({"login": "LOGIN", "psw": "?", "phones": PHONE, "mes": "x"}).encode())
    assert answer["error_code"] == 2
    assert (await api.client.get(f"{api.simulator.url}/rest/send/", params=RIGHTS)).status_code == 405
    surrogate = b'{"login": "LOGIN", "psw": "PASSWORD", "phones": "79087964781", "mes": "\\ud800"}'
    assert (await api.rest(surrogate))["error_code"] == 1


# --- answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cost", "fmt", "answer"),
    [
        ("0", "0", "OK - 2 SMS, ID - 7"),
        ("1", "0", "2.80 (2 SMS)"),
        ("2", "0", "OK - 2 SMS, ID - 7, COST - 2.80"),
        ("3", "0", "OK - 2 SMS, ID - 7, COST - 2.80, BALANCE - 97.20"),
        ("0", "1", "7,2"),
        ("1", "1", "2.80,2"),
        ("2", "1", "7,2,2.80"),
        ("3", "1", "7,2,2.80,97.20"),
        ("0", "2", "<result>\n<id>7</id>\n<cnt>2</cnt>\n</result>"),
        ("1", "2", "<result>\n<cost>2.80</cost>\n<cnt>2</cnt>\n</result>"),
        ("2", "2", "<result>\n<id>7</id>\n<cnt>2</cnt>\n<cost>2.80</cost>\n</result>"),
        (
            "3",
            "2",
            "<result>\n<id>7</id>\n<cnt>2</cnt>\n<cost>2.80</cost>\n<balance>97.20</balance>\n</result>",
        ),
        ("0", "3", '{"id": 7, "cnt": 2}'),
        ("1", "3", '{"cost": "2.80", "cnt": 2}'),
        ("2", "3", '{"id": 7, "cnt": 2, "cost": "2.80"}'),
        ("3", "3", '{"id": 7, "cnt": 2, "cost": "2.80", "balance": "97.20"}'),
    ],
)
async def test_answer_has_the_shape_of_the_manual(cost: str, fmt: str, answer: str) -> None:
    async with running(balance=100) as api:
        assert await api.send(phones=f"{PHONE},{OTHER}", id="7", cost=cost, fmt=fmt) == answer
        sent = cost != "1"
        assert len(api.simulator.accepted) == 2 * sent
        assert api.simulator.rules.balance == pytest.approx(100 - 2.8 * sent)


@pytest.mark.parametrize(
    ("fmt", "answer"),
    [
        ("0", f"OK - 1 SMS, ID - a.b\n{PHONE},25001,1.40,-1,0\n12,,0.00,22,249"),
        ("1", f"a.b,1\n{PHONE},25001,1.40,-1,0\n12,,0.00,22,249"),
        (
            "2",
            "<result>\n<id>a.b</id>\n<cnt>1</cnt>\n<phones>\n"
            f'<phone mccmnc="25001" cost="1.40" status="-1" error="0">{PHONE}</phone>\n'
            '<phone mccmnc="" cost="0.00" status="22" error="249">12</phone>\n</phones>\n</result>',
        ),
    ],
)
async def test_op_adds_every_number(api: Api, fmt: str, answer: str) -> None:
    assert await api.send(phones=f"{PHONE},12", id="a.b", fmt=fmt, op="1") == answer


async def test_op_and_err_in_json_are_all_strings(api: Api) -> None:
    good = {"phone": PHONE, "mccmnc": "25001", "cost": "1.40", "status": "-1", "error": "0"}
    bad = {"phone": "12", "mccmnc": "", "cost": "0.00", "status": "22", "error": "249"}
    assert await api.send_json("a", f"{PHONE},12", op="1") == {"id": 1, "cnt": 1, "phones": [good, bad]}
    assert await api.send_json("b", f"{PHONE},12", err="1") == {"id": 2, "cnt": 1, "phones": [bad]}
    assert await api.send_json("c", f"{PHONE},12") == {"id": 3, "cnt": 1}


@pytest.mark.parametrize(
    ("code", "fmt", "answer"),
    [
        (code, fmt, shape.format(code=code))
        for codes, shapes in (
            (
                (1, 2, 4, 5, 9),
                {
                    "0": "ERROR = {code} (",
                    "1": "0,-{code}",
                    "2": "</error_code>\n</result>",
                    "3": '": {code}}}',
                },
            ),
            (
                (3, 6, 7, 8),
                {
                    "0": "), ID - 33",
                    "1": "33,-{code}",
                    "2": "<error_code>{code}</error_code>\n<id>33</id>\n</result>",
                    "3": '"error_code": {code}, "id": 33}}',
                },
            ),
        )
        for code in codes
        for fmt, shape in shapes.items()
    ],
)
async def test_error_has_the_shape_of_the_manual(code: int, fmt: str, answer: str) -> None:
    for changes in ({"errors": {PHONE: code}}, {"blocked": code}):
        async with running(**changes) as api:
            body = await api.send(id="33", fmt=fmt)
            assert answer in body
            assert ("33" in body) == (code in (3, 6, 7, 8))
            if fmt == "3":
                assert json.loads(body)["error_code"] == code
            assert api.simulator.accepted == []


async def test_error_of_a_nameless_message_carries_an_id_of_smsc(api: Api) -> None:
    assert await api.send(phones="12", fmt="1") == "1,-7"


async def test_money(api: Api) -> None:
    api.simulator.rules.balance = 3
    assert await api.send("я" * 71, fmt="1", cost="3", id="5") == "5,2,2.80,0.20"
    assert await api.send("other", fmt="1", id="6") == "6,-3"
    assert await api.send("other", fmt="1", cost="1") == "1.40,1"
    assert len(api.simulator.accepted) == 1


async def test_fault_is_played(api: Api) -> None:
    api.simulator.faults.append(Fault.RESET_AFTER)
    with pytest.raises(httpx2.HTTPError):
        await api.send("lost answer")
    assert await api.code("lost answer") == 9
    assert [row["text"] for row in api.simulator.accepted] == ["lost answer"]
