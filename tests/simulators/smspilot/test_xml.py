"""The smspilot simulator itself: API-2 in XML, mirrored in the answers."""

import re
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.simulators.smspilot.asking import PHONE, Api, running
from tests.simulators.smspilot.simulator import Rules
from tests.support.bridge.running import PATIENCE

XML = {"content-type": "text/xml"}


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running() as started:
        yield started


def sms(to: str, text: str = "x", more: str = "") -> str:
    return f'<sms to="{to}" {more}>{text}</sms>'


def send(*messages: str) -> str:
    return f'<send apikey="KEY">{"".join(messages)}</send>'


GOOD = "".join(sms(f"7908796000{n}") for n in range(3))
BAD = sms("79999999999")


async def code(api: Api, body: str) -> int:
    """The code of an error answer, which must have the shape of the manual."""
    error = await api.xml(body)
    assert error.tag == "error", ET.tostring(error)
    tags = [child.tag for child in error]
    assert tags[:3] == ["code", "description", "description_ru"]
    assert tags[-1] == "ip"
    return int(error.findtext("code", ""))


async def test_send_has_the_shape_of_the_manual(api: Api) -> None:
    api.simulator.rules.balance = 10_000
    answer = await api.xml(
        '<?xml version="1.0" encoding="utf-8"?>\n<send apikey="KEY" from="Ozon" ttl="10">'
        + sms(PHONE, "Я &amp; ты", 'id="1"')
        + sms("79835271808", "&quot;x&lt;", 'id="2" ttl="20"')
        + "</send>"
    )
    assert answer.tag == "send"
    assert answer.attrib == {"server_packet_id": "10001", "balance": "9997.42", "cost": "2.58"}
    first, second = answer
    assert (first.tag, first.text, second.text) == ("sms", "Я & ты", '"x<')
    assert first.attrib == {
        "id": "1",
        "server_id": "10002",
        "from": "Ozon",
        "to": PHONE,
        "parts": "1",
        "price": "1.29",
        "status": "0",
        "error": "0",
        "send_datetime": "",
        "country": "RU",
        "operator": "TELE2",
        "ttl": "10",
    }
    assert [(row["id"], row["text"], row["ttl"]) for row in api.simulator.accepted] == [
        (1, "Я & ты", 10),
        (2, '"x<', 20),
    ]


async def test_text_of_the_packet_serves_empty_elements(api: Api) -> None:
    empty, own = f'<sms to="{PHONE}" text="not me"/>', sms("79620488646", "own")
    await api.xml(f'<send apikey="KEY" text="all">{empty}{own}</send>')
    assert [row["text"] for row in api.simulator.accepted] == ["all", "own"]


async def test_refused_message_among_good_ones(api: Api) -> None:
    api.simulator.rules.errors = {"79999999999": 212}
    answer = await api.xml(f'<send apikey="KEY">{GOOD}{BAD}</send>')
    bad = answer[3].attrib
    assert (bad["server_id"], bad["price"], bad["parts"], bad["status"]) == ("0", "0", "0", "-2")
    assert (bad["error"], bad["error_en"]) == ("212", "Phone in black list")
    assert len(api.simulator.accepted) == 3


async def test_cost_and_test_mode(api: Api) -> None:
    text = await api.raw(f'<send apikey="KEY" cost="1">{GOOD}</send>'.encode(), **XML)
    assert text == "<cost>3.87</cost>"
    answer = await api.xml(f'<send apikey="KEY" test="1" cost="0">{GOOD}</send>')
    assert answer.get("balance") == "1000000000.00"
    assert api.simulator.accepted == []


async def test_check_by_list_and_by_packet(api: Api) -> None:
    api.simulator.rules.outcome = (-1, 601)
    api.simulator.rules.delay = 0
    answer = await api.xml(f'<send apikey="KEY">{GOOD}</send>')
    first = answer[0].get("server_id", "")
    for body in (
        f'<check apikey="KEY"><sms server_id="{first}" /></check>',
        f'<check apikey="KEY" server_packet_id="{answer.get("server_packet_id")}" />',
    ):
        row = {"status": "0"}
        while row["status"] != "-1":
            found = await api.xml(body)
            row = found[0].attrib
        assert found.tag == "check"
        assert (row["id"], row["server_id"], row["phone"], row["error"], row["error_en"]) == (
            "0",
            first,
            "79087960000",
            "601",
            "Undeliverable",
        )
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["created"])
        assert {"error_ru", "modified"} <= row.keys()
    assert len(found) == 3


async def test_balance_info_and_inbound(api: Api) -> None:
    api.simulator.rules.balance = 405.6
    for unit, told in (("rus", "405.60"), ("rur", "405.60"), ("sms", "314")):
        balance = await api.xml(f'<balance apikey="KEY" return="{unit}" />')
        assert (balance.tag, balance.text) == ("balance", told)
    info = await api.xml('<info apikey="KEY" />')
    assert [child.tag for child in info] == [
        *("id", "tariff_id", "email", "name", "phone", "balance", "created"),
        *("default_sender", "any_text", "senders"),
    ]
    api.simulator.receive(PHONE, "<да> & нет\x01")
    inbound = await api.xml('<inbound apikey="KEY" since="new" />')
    assert (inbound.tag, inbound[0].tag, inbound[0].text) == ("inbound", "sms", "<да> & нет")
    assert {"id": "50001", "phone": PHONE, "num": "79099999999", "seen": "0"}.items() <= inbound[
        0
    ].attrib.items()
    assert list(await api.xml('<inbound apikey="KEY" since="new" />')) == []


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("<send", 12),
        ("<send></check>", 12),
        ('<!DOCTYPE a [<!ENTITY b "c">]><send apikey="&b;"/>', 12),
        ('<?xml version="1.0" encoding="martian"?><send/>', 12),
        ("{}", 12),
        ("", 10),
        ("<other apikey='KEY'/>", 14),
        ("<balance apikey='KEY'/>", 14),
        ("<balance apikey='KEY' return='usd'/>", 14),
        ("<info/>", 100),
        ("<info apikey='OTHER'/>", 102),
        ("<send apikey='KEY'/>", 240),
        (send(sms("1")), 215),
        (send(f"<sms to='{PHONE}'/>"), 220),
        (send(sms(PHONE, more='ttl="0"')), 270),
        (send(sms(PHONE, more='id="x"')), 230),
        ("<check apikey='KEY'/>", 303),
        ("<check apikey='KEY'><sms server_id=''/></check>", 303),
        ("<check apikey='KEY' server_packet_id='5'/>", 304),
        ("<inbound apikey='KEY' since='yesterday'/>", 500),
    ],
)
async def test_refused_requests(api: Api, body: str, wrong: int) -> None:
    assert await code(api, body) == wrong
    assert api.simulator.accepted == []


async def test_broken_xml_is_explained(api: Api) -> None:
    error = await api.xml("<send")
    assert error.findtext("xmlerror", "").startswith("XML error")


async def test_blocked_user_is_told_why(api: Api) -> None:
    api.simulator.rules.blocked = 106
    error = await api.xml('<info apikey="KEY"/>')
    assert (error.findtext("code"), error.findtext("status")) == ("106", "-2")


async def test_empty_list_is_flood(api: Api) -> None:
    await code(api, '<check apikey="KEY"></check>')
    assert len(api.simulator.violations) == 1
    assert await code(api, '<info apikey="KEY"/>') == 122


async def test_xml_as_a_parameter_and_without_content_type(api: Api) -> None:
    question = '<balance apikey="KEY" return="rur"/>'
    url = f"{api.simulator.url}/api2.php"
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        for answer in (
            await client.get(url, params={"xml": question}),
            await client.post(url, data={"xml": question}),
            await client.post(url, content=question.encode()),
        ):
            assert answer.headers["content-type"] == "text/xml; charset=utf-8"
            assert ET.fromstring(answer.text).text == "1000000000.00"


async def test_sloppy_answers_have_the_mistakes_of_the_manual() -> None:
    rules = Rules(delay=60, poll_interval=0, sloppy=True, errors={"79999999999": 212})
    async with running(rules) as api:
        sent = await api.raw(f'<send apikey="KEY">{GOOD}{BAD}</send>'.encode(), **XML)
        assert '"error_en"="Phone in black list" "error_ru"="' in sent
        check = f'<check apikey="KEY"><sms server_id="{api.simulator.accepted[0]["server_id"]}"/></check>'
        status = await api.raw(check.encode(), **XML)
        assert " status=0 " in status
        for text in (sent, status):
            with pytest.raises(ET.ParseError):
                ET.fromstring(text)
        rules.sloppy = False
        ET.fromstring(await api.raw(check.encode(), **XML))
