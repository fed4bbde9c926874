"""The smsc.ru simulator itself: how text and numbers of a user become something else, as in the manual."""

from collections.abc import AsyncIterator

import pytest

from tests.simulators.smsc_ru.asking import OTHER, PHONE, Api, running


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running() as started:
        yield started


def received(api: Api) -> list[tuple[str, str, str]]:
    return [(row["phone"], row["service"], row["text"]) for row in api.simulator.accepted]


# --- recipients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("phones", [f"{PHONE},{OTHER}", f"{PHONE};{OTHER}", f" +{PHONE} ,; +{OTHER};"])
async def test_several_recipients(api: Api, phones: str) -> None:
    assert await api.send_json(phones=phones) == {"id": 1, "cnt": 2}
    assert received(api) == [(PHONE, "", "x"), (OTHER, "", "x")]
    assert {row["id"] for row in api.simulator.accepted} == {"1"}


async def test_a_group(api: Api) -> None:
    assert await api.send_json(phones=f"G777,g8,{PHONE}") == {"id": 1, "cnt": 3}
    assert received(api) == [("G777", "group", "x"), ("G8", "group", "x"), (PHONE, "", "x")]


@pytest.mark.parametrize(
    ("given", "reached"),
    [
        ("89087964781", PHONE),
        ("9087964781", PHONE),
        ("8 (908) 796-47-81", PHONE),
        ("+89087964781", "89087964781"),
        ("+9087964781", "9087964781"),
        ("375291234567", "375291234567"),
        ("+1234567", "1234567"),
    ],
)
async def test_a_number_without_plus_is_corrected(api: Api, given: str, reached: str) -> None:
    assert (await api.accepted(phones=given))["phone"] == reached


@pytest.mark.parametrize(
    "given",
    [
        "123456",
        "+1234567890123456",
        "+7 9087964781",
        "Gx",
        "79O87964781",
        "٧٩٠٨٧٩٦٤٧٨١",
        "a@b.example",
        "@nick",
    ],
)
async def test_what_is_no_number(api: Api, given: str) -> None:
    assert await api.code(phones=given) == 7
    assert api.simulator.accepted == []


@pytest.mark.parametrize("phones", ["", ",", " ; "])
async def test_no_recipient(api: Api, phones: str) -> None:
    assert await api.code(phones=phones) == 1


async def test_bad_numbers_do_not_keep_the_good_ones(api: Api) -> None:
    api.simulator.rules.errors = {OTHER: 8}
    assert await api.send_json(phones=f"{OTHER},12,{PHONE}") == {"id": 1, "cnt": 1}
    assert received(api) == [(PHONE, "", "x")]
    assert await api.code("other", phones=f"{OTHER},12") == 8


# --- texts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_a_comment_is_not_sent(api: Api, end: str) -> None:
    row = await api.accepted(f"Hello{end}~~~{end}to Ann{end}~~~{end}secret")
    assert (row["text"], row["comment"]) == ("Hello", f"to Ann{end}~~~{end}secret")


@pytest.mark.parametrize(
    "text", ["a ~~~ b", "a\n~~\nb", "a\n~~~", "~~~\nb", "a\n~~~~\nb", " __PING__", "__PING__."]
)
async def test_what_is_no_comment_and_no_service(api: Api, text: str) -> None:
    row = await api.accepted(text)
    assert (row["text"], row["service"]) == (text, "")
    assert "comment" not in row


@pytest.mark.parametrize(
    ("text", "service", "sent"),
    [
        ("__CALL__: Privet", "call", "Privet"),
        ("__call__:Privet", "call", "Privet"),
        ("__VIBER__: x", "viber", "x"),
        ("__SOC__: x", "soc", "x"),
        ("__BOT__: x", "bot", "x"),
        ("__PING__", "ping", ""),
        ("__HLR__", "hlr", ""),
        ("__hlr__\n~~~\ncomment", "hlr", ""),
        ("a __CALL__: x", "", "a __CALL__: x"),
        (" __CALL__: x", "", " __CALL__: x"),
        ("__CALL__ x", "", "__CALL__ x"),
    ],
)
async def test_a_prefix_changes_the_service(api: Api, text: str, service: str, sent: str) -> None:
    row = await api.accepted(text)
    assert (row["service"], row["text"]) == (service, sent)
    assert (await api.accepted(text, OTHER, flash="1"))["service"] == (service or "flash")


async def test_the_prefix_of_mail_wants_an_address(api: Api) -> None:
    assert await api.code("__MAIL__: x") == 1
    mail = {"subj": "Privet", "sender": "a@b.example"}
    assert await api.code("__MAIL__: x", **mail) == 7
    row = await api.accepted("__MAIL__: x", "c@d.example", **mail)
    assert (row["service"], row["phone"], row["subj"]) == ("mail", "c@d.example", "Privet")


async def test_the_comment_of_a_spoken_prefix_is_its_param(api: Api) -> None:
    row = await api.accepted("__CALL__: Privet\n~~~\n20,10,3")
    assert (row["text"], row["param"], row["used_param"]) == ("Privet", "20,10,3", "20,10,3")
    assert "comment" not in row


async def test_length_counts_the_comment_too(api: Api) -> None:
    assert await api.code("я" * 1000) == 0
    assert await api.code("я" * 1001) == 1
    assert await api.code("a\n~~~\n" + "я" * 995) == 1


@pytest.mark.parametrize(
    ("text", "maxsms", "sent", "count"),
    [
        ("я" * 300, "2", "я" * 134, 2),
        ("я" * 71, "1", "я" * 70, 1),
        ("a" * 161, "1", "a" * 160, 1),
        ("я" * 71, "2", "я" * 71, 2),
        ("я" * 300, "", "я" * 300, 5),
    ],
)
async def test_maxsms_cuts(api: Api, text: str, maxsms: str, sent: str, count: int) -> None:
    answer = await api.send_json(text, maxsms=maxsms, cost="2")
    assert answer == {"id": 1, "cnt": count, "cost": f"{1.4 * count:.2f}"}
    assert received(api) == [(PHONE, "", sent)]


# --- list ------------------------------------------------------------------------------------------


async def test_list_sends_different_texts_under_one_id(api: Api) -> None:
    lines = f"{PHONE}:one\\ntwo: three\n{OTHER},8{OTHER[1:]};__HLR__\nIvan|{PHONE}:a|b\nOzon,3|G5:five"
    assert await api.send_json("", "", list=lines) == {"id": 1, "cnt": 5}
    assert received(api) == [
        (PHONE, "", "one\ntwo: three"),
        (OTHER, "hlr", ""),
        (OTHER, "hlr", ""),
        (PHONE, "", "a|b"),
        ("G5", "group", "five"),
    ]
    rows = api.simulator.accepted
    assert [row["sender"] for row in rows] == ["SMSC.RU"] * 3 + ["Ivan", "Ozon"]
    assert ({row["id"] for row in rows}, rows[-1]["tz"]) == ({"1"}, "3")


async def test_a_line_of_user_text_becomes_a_message(api: Api) -> None:
    await api.send("", "", list=f"{PHONE}:Hello\n{OTHER}:stolen")
    assert received(api) == [(PHONE, "", "Hello"), (OTHER, "", "stolen")]


async def test_nl_joins_lines(api: Api) -> None:
    assert await api.code("", "", list=f"{PHONE}:one\ntwo") == 1
    assert await api.code("", "", list=f"{PHONE}:one\ntwo\n{OTHER}:three", nl="1") == 0
    assert received(api) == [(PHONE, "", "one\ntwo"), (OTHER, "", "three")]
