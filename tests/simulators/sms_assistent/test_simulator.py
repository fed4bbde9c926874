"""The sms-assistent simulator itself: accounts, packages and messages, as strict as the manual."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.simulators.sms_assistent.asking import HEAD, PHONE, Api, minsk, running
from tests.simulators.sms_assistent.simulator import Rules
from tests.support.bridge.running import PATIENCE

MESSAGE = {"msg": [{"recipient": PHONE, "sms_text": "x"}]}


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running() as started:
        yield started


# --- accounts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "password", "code"),
    [
        (None, None, -6),
        ("", "PASSWORD", -6),
        ("user", None, -7),
        ("user", "", -7),
        ("user", "password", -2),
        ("User", "PASSWORD", -2),
        ("user", "PASSWORD", 0),
    ],
)
async def test_login_and_password(api: Api, login: str | None, password: str | None, code: int) -> None:
    named = {"login": login, "password": password}
    keys = {name: value for name, value in named.items() if value is not None}
    answer = json.loads(
        await api.raw("json", json.dumps({**keys, "command": "sms_send", "message": MESSAGE}).encode())
    )
    assert answer.get("error", 0) == code
    attributes = " ".join(f'{name}="{value}"' for name, value in keys.items())
    content = f'<message><msg recipient="{PHONE}">x</msg></message>'
    assert (await api.xml(content, attributes) == f"<error>{code}</error>") == bool(code)
    form = {"user" if name == "login" else name: value for name, value in keys.items()}
    for path in ("send_sms", "statuses", "credits"):
        answered = await api.client.post(f"{api.simulator.url}/api/v1/{path}/plain", data=form)
        assert (answered.text == str(code)) == bool(code)
    assert len(api.simulator.accepted) == (0 if code else 2)


@pytest.mark.parametrize("status", [200, 403])
async def test_blocked_account(api: Api, status: int) -> None:
    api.simulator.rules.blocked = -27
    api.simulator.rules.error_status = status
    assert await api.raw("json", b"{", status) == '{"error": -27}'
    assert await api.raw("xml", b"", status) == f"{HEAD}<package><error>-27</error></package>"
    for path in ("send_sms", "statuses", "credits"):
        assert await api.raw(f"{path}/plain", b"", status) == "-27"


# --- packages --------------------------------------------------------------------------------------


async def test_json_in_the_shape_of_the_manual(api: Api) -> None:
    message = {
        "default": {"sender": "CMC", "validity_period": 48, "sms_text": "Текст"},
        "msg": [
            {"recipient": "296717259", "sender": "notdefault", "validity_period": 24, "sms_text": "Другой"},
            {"recipient": "(29)671-72-59"},
            {"recipient": "(29)671-72-59", "sender": "СМС"},
        ],
    }
    query = {"login": "user", "password": "PASSWORD", "command": "sms_send", "message": message}
    assert await api.raw("json", json.dumps(query, ensure_ascii=False).encode()) == (
        '{"message":{"msg":[{"sms_id":1000001,"sms_count":1,"error_code":0},'
        '{"sms_id":1000002,"sms_count":1,"error_code":0},{"sms_id":0,"sms_count":1,"error_code":-5}]}}'
    )
    assert api.simulator.accepted == [
        {
            "sms_id": 1000001,
            "recipient": PHONE,
            "text": "Другой",
            "sender": "notdefault",
            "api": "json",
            "validity": 24 * 3600,
            "date_send": "",
        },
        {
            "sms_id": 1000002,
            "recipient": PHONE,
            "text": "Текст",
            "sender": "CMC",
            "api": "json",
            "validity": 48 * 3600,
            "date_send": "",
        },
    ]


async def test_xml_in_the_shape_of_the_manual(api: Api) -> None:
    answer = await api.xml(
        """
        <message>
          <default sender="CMC" validity_period="60">общий &lt;текст&gt;</default>
          <msg recipient="296717259" sender="notdefault" validity_period="86400">a &amp; <![CDATA[<b>]]></msg>
          <msg recipient="8(029)671-72-59">
          </msg>
          <msg recipient="+375296717259" sender="a&amp;b&lt;c&gt;"/>
          <msg recipient="296717259" sender="$">text</msg>
        </message>"""
    )
    assert answer == (
        '<message><msg sms_id="1000001" sms_count="1"/><msg sms_id="1000002" sms_count="1"/>'
        '<msg sms_id="1000003" sms_count="1"/><msg sms_id="0" sms_count="1">-5</msg></message>'
    )
    assert [
        (row["recipient"], row["text"], row["sender"], row["validity"], row["api"])
        for row in api.simulator.accepted
    ] == [
        (PHONE, "a & <b>", "notdefault", 86400, "xml"),
        (PHONE, "общий <текст>", "CMC", 60, "xml"),
        (PHONE, "общий <текст>", "a&b<c>", 60, "xml"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"command": "send_sms"},
        {"command": ["sms_send"]},
        {"command": None},
        {"command": "statuses"},
        {"Message": MESSAGE},
        {"message": [MESSAGE]},
        {"message": None},
        {"message": {}},
        {"message": {"msg": []}},
        {"message": {"msg": {}}},
        {"message": {"msg": [PHONE]}},
        {"message": {**MESSAGE, "Default": {}}},
        {"message": {**MESSAGE, "default": {"recipient": PHONE}}},
        {"message": {**MESSAGE, "default": []}},
        {"message": {"msg": [{"recepient": PHONE, "sms_text": "x"}]}},
        {"message": {"msg": [{"recipient": PHONE, "sms_text": "x", "sender": None}]}},
        {"message": {"msg": [{"recipient": PHONE, "sms_text": "\ud83d"}]}},
        {"message": {"msg": [*MESSAGE["msg"], {"recipient": PHONE, "sms_text": "x", "text": "x"}]}},
        {"date_send": None},
        {"status": {}},
        {"status": {"msg": []}},
        {"status": {"msg": [{"id": 1}]}},
        {"status": {"msg": [{"sms_id": 1}], "default": {}}},
    ],
)
async def test_malformed_json_package(api: Api, change: dict[str, object]) -> None:
    assert await api.json(**{"message": MESSAGE, **change}) == {"error": -10}
    assert api.simulator.accepted == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{'a'}",
        b'{"login": "\xff"}',
        b"[" * 100_000,
        b'{"login": NaN}',
        b"\xef\xbb\xbf{}",
        b'{"a": 1,}',
    ],
)
async def test_what_is_no_json(api: Api, body: bytes) -> None:
    assert await api.raw("json", body) == '{"error": -10}'


GOOD_XML = f'<message><msg recipient="{PHONE}">x</msg></message>'


@pytest.mark.parametrize(
    "content",
    [
        "",
        "text",
        "<message/>",
        "<message><default>x</default></message>",
        "<status/>",
        GOOD_XML * 2,
        GOOD_XML + "text",
        f"{GOOD_XML}<other/>",
        f"{GOOD_XML}<status><msg id='1'/></status>",
        f"{GOOD_XML}<status><msg sms_id='1'>text</msg></status>",
        f'<message>text<msg recipient="{PHONE}">x</msg></message>',
        f'<message><default/><default/><msg recipient="{PHONE}">x</msg></message>',
        f'<message><default recipient="{PHONE}"/><msg recipient="{PHONE}">x</msg></message>',
        f'<message><msg recipient="{PHONE}" text="x">x</msg></message>',
        f'<message><msg recipient="{PHONE}"><b>x</b></msg></message>',
        f'<message><msg recipient="{PHONE}">a & b</msg></message>',
        f'<message><msg recipient="{PHONE}">a < b</msg></message>',
        f'<message><msg recipient="{PHONE}">&nbsp;</msg></message>',
        f'<message><msg recipient="{PHONE}">a\x00b</msg></message>',
        f'<message><msg recipient="{PHONE}">a\x0bb</msg></message>',
        f'<message><msg recipient="{PHONE}">a\x1bb</msg></message>',
        f'<message><msg recipient="{PHONE}">a&#7;b</msg></message>',
        f'<message><msg recipient="{PHONE}">a\uffffb</msg></message>',
        f'<message><msg recipient="{PHONE}" sender="a&b">x</msg></message>',
    ],
)
async def test_malformed_xml_package(api: Api, content: str) -> None:
    assert await api.xml(content) == "<error>-10</error>"
    assert api.simulator.accepted == []


ENTITIES = '<!DOCTYPE package [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>'
PACKAGE = f'<package login="user" password="PASSWORD">{GOOD_XML}</package>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text",
        b"<package login='user'",
        PACKAGE.replace("package", "packet").encode(),
        PACKAGE.replace("<package", "<package sender='CMC'").encode(),
        PACKAGE.replace("<package", "<package xmlns='urn:x'").encode(),
        (ENTITIES + PACKAGE.replace(">x<", ">&b;<")).encode(),
        (HEAD + ENTITIES + PACKAGE).encode(),
        (ENTITIES + PACKAGE).encode("utf-16"),
        (ENTITIES + PACKAGE).encode("utf-16-le"),
        PACKAGE.encode("utf-16-be"),
        PACKAGE.replace(">x<", ">ё<").encode("cp1251"),
        (HEAD.replace("utf-8", "windows-1251") + PACKAGE).encode(),
        (HEAD + PACKAGE + PACKAGE).encode(),
        b"<a>" * 100_000,
    ],
)
async def test_what_is_no_xml_package(api: Api, body: bytes) -> None:
    assert await api.raw("xml", body) == f"{HEAD}<package><error>-10</error></package>"
    assert api.simulator.accepted == []


async def test_xml_without_a_declaration(api: Api) -> None:
    assert 'sms_id="1000001"' in await api.raw("xml", PACKAGE.encode())


@pytest.mark.parametrize("api_path", ["xml", "json"])
async def test_packages_are_only_posted(api: Api, api_path: str) -> None:
    assert (await api.client.get(f"{api.simulator.url}/api/v1/{api_path}")).status_code == 405


# --- PLAIN -----------------------------------------------------------------------------------------


async def test_plain_by_get_and_post(api: Api) -> None:
    form = {"user": "user", "password": "PASSWORD", "recipient": "+" + PHONE, "message": "a+b & ё"}
    form |= {"sender": "a+b", "validity_period": "49"}
    url = f"{api.simulator.url}/api/v1/send_sms/plain"
    assert (await api.client.get(url, params=form)).text == "1000001"
    assert (await api.client.post(url, data=form)).text == "1000002"
    first, second = api.simulator.accepted
    assert {**second, "sms_id": 1000001} == first
    assert first == {
        "sms_id": 1000001,
        "recipient": PHONE,
        "text": "a+b & ё",
        "sender": "a+b",
        "api": "plain",
        "validity": 48 * 3600,
        "date_send": "",
    }


async def test_plain_takes_nothing_but_a_form(api: Api) -> None:
    url = f"{api.simulator.url}/api/v1/send_sms/plain"
    form = f"user=user&password=PASSWORD&recipient={PHONE}&message=x&sender=CMC"
    media = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    for body, code in [
        (form, "1000001"),
        (form.replace("message=x", "message=%FF"), "-10"),
        (form + "&message=y", "-10"),
        (form + "&text=y", "-10"),
        (form.replace(PHONE, "+" + PHONE), "-4"),  # an unescaped + is a space
    ]:
        assert (await api.client.post(url, content=body, headers=media)).text == code
    assert (await api.client.post(url, content=form)).text == "-6"
    assert (await api.client.post(f"{url}?{form}")).text == "-6"
    assert len(api.simulator.accepted) == 1


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"message": ""}, "-3"),
        ({"message": " \n"}, "-3"),
        ({"recipient": ""}, "-4"),
        ({"recipient": "29781977"}, "-4"),
        ({"sender": ""}, "-5"),
        ({"sender": "375296717259"}, "-5"),
        ({"validity_period": "0"}, "-12"),
        ({"validity_period": "1.5"}, "-12"),
        ({"validity_period": ""}, "-12"),
        ({"date_send": ""}, "-15"),
        ({"date_send": "tomorrow"}, "-15"),
    ],
)
async def test_bad_plain_message(api: Api, keys: dict[str, str], code: str) -> None:
    assert await api.plain(**keys) == code
    assert api.simulator.accepted == []


async def test_plain_names_its_sender(api: Api) -> None:
    assert await api.form("send_sms", recipient=PHONE, message="x") == "-5"
    assert await api.form("send_sms", recipient=PHONE, sender="CMC") == "-3"
    assert await api.form("send_sms", message="x", sender="CMC") == "-4"


# --- by hand ---------------------------------------------------------------------------------------


async def test_journal_holds_what_was_accepted(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    for _ in range(2):
        async with running(Rules(), journal=journal) as api:
            await api.send({"recipient": PHONE, "sms_text": "ё"}, {"recipient": "1", "sms_text": "x"})
            await api.plain(date_send=minsk(minutes=12))
            lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
            assert lines[-2:] == api.simulator.accepted
    assert len(lines) == 4


async def test_requests_are_counted_by_api(api: Api) -> None:
    await api.plain()
    await api.form("credits")
    await api.statuses(1)
    await api.xml("")
    await api.send_one()
    assert api.simulator.requests_by_api == {"plain": 1, "credits": 1, "json": 2, "xml": 1}
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        await client.get(f"{api.simulator.url}/api/v1/statuses/plain")
    assert api.simulator.requests_by_api["statuses"] == 1
