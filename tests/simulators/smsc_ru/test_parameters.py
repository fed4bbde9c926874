"""The smsc.ru simulator itself: services and optional parameters of send.php."""

import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import pytest

from tests.simulators.smsc_ru.asking import PHONE, RIGHTS, Api, running
from tests.simulators.smsc_ru.parameters import MOSCOW, in_hours, time_of
from tests.simulators.smsc_ru.wire import Query

ITALICS = "050A0307056048656C6C6F2C20576F726C6421"  # an EMS message with a UDH of one element


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running() as started:
        yield started


# --- services --------------------------------------------------------------------------------------


async def test_a_plain_message_is_recorded_with_its_options(api: Api) -> None:
    options = {"valid": "00:30", "translit": "1", "tinyurl": "1", "maxsms": "3", "tz": "0", "time": "0"}
    row = await api.accepted("x", id="a-1", sender="Ozon", cost="2", err="1", **options)
    plain = {"id": "a-1", "phone": PHONE, "text": "x", "sender": "Ozon", "service": "", "charset": "utf-8"}
    assert row == {**plain, **options}


@pytest.mark.parametrize(
    ("service", "keys"),
    [
        ("flash", {}),
        ("push", {"mes": "http://wap.ru\nWAP.RU"}),
        ("hlr", {"mes": ""}),
        ("ping", {"mes": ""}),
        ("soc", {}),
        ("viber", {}),
        ("viber", {"mes": "", "fileurl": "https://a.example/1.png"}),
        ("whatsapp", {}),
        ("tg", {"mes": "123456"}),
        ("tg", {"mes": "1234", "phones": "@alex_nick"}),
        ("call", {"voice": "w2,en", "param": "20,10,3"}),
        ("call", {"mes": "", "fileurl": "http://a.example/voice.wav"}),
        ("mail", {"phones": "a@b.example", "subj": "Privet", "sender": "c@d.example"}),
        ("mms", {"fileurl": "http://a.example/1.png"}),
    ],
)
async def test_service(api: Api, service: str, keys: dict[str, str]) -> None:
    assert await api.code(**{"text": "x", service: "1", **keys}) == 0
    (row,) = api.simulator.accepted
    assert (row["service"], row["phone"]) == (service, keys.get("phones", PHONE))
    assert row["text"] == keys.get("mes", "x")


@pytest.mark.parametrize("phones", [PHONE, "@alex_nick", "#1122334455"])
async def test_bot(api: Api, phones: str) -> None:
    row = await api.accepted("x", phones, bot="@mybot_bot", smsreq="25")
    assert (row["service"], row["phone"], row["bot"], row["smsreq"]) == ("bot", phones, "@mybot_bot", "25")


@pytest.mark.parametrize(
    "keys",
    [
        {"hlr": "1", "ping": "1"},
        {"flash": "1", "bin": "2", "mes": ITALICS},
        {"mes": ""},
        {"flash": "1", "mes": ""},
        {"push": "1", "mes": "http://wap.ru"},
        {"push": "1", "mes": "wap.ru\nWAP.RU"},
        {"tg": "1", "mes": "123"},
        {"tg": "1", "mes": "123456789"},
        {"tg": "1", "mes": "code 1234"},
        {"call": "1", "mes": ""},
        {"call": "1", "voice": "m5"},
        {"call": "1", "voice": "m,english"},
        {"mail": "1", "phones": "a@b.example", "sender": "c@d.example"},
        {"mail": "1", "phones": "a@b.example", "subj": "Privet"},
        {"mail": "1", "phones": "a@b.example", "subj": "Privet", "sender": "Ozon"},
        {"mms": "1", "subj": "Privet"},
        {"bot": "mybot"},
        {"bot": "@mybot_bot", "smsreq": "9"},
        {"bot": "@mybot_bot", "smsreq": "1000"},
        {"viber": "1", "mes": "", "fileurl": "a.example/1.png"},
    ],
)
async def test_service_with_bad_parameters(api: Api, keys: dict[str, str]) -> None:
    assert await api.code(**{"text": "x", **keys}) == 1
    assert api.simulator.accepted == []


async def test_mms_with_a_file_in_the_body(api: Api) -> None:
    form = {**RIGHTS, "phones": PHONE, "mes": "Фото", "mms": "1", "charset": "utf-8"}
    url = f"{api.simulator.url}/sys/send.php"
    answer = await api.client.post(url, data=form, files={"file1": ("1.jpg", b"\xff\xd8\n~~~\n")})
    assert answer.text == "OK - 1 SMS, ID - 1"
    assert [(row["service"], row["text"]) for row in api.simulator.accepted] == [("mms", "Фото")]


@pytest.mark.parametrize(
    ("param", "used"),
    [
        ("20,10,3", "20,10,3"),
        ("0,0,0", "10,10,1"),
        ("99,3600,9", "35,3600,9"),
        ("25,3601,8", "25,3-14,8"),
        ("100,10,3", "25,3-14,8"),
        ("20,10", "25,3-14,8"),
        ("", "25,3-14,8"),
    ],
)
async def test_param_of_a_call(api: Api, param: str, used: str) -> None:
    assert (await api.accepted(call="1", param=param))["used_param"] == used


# --- binary ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mes",
    [ITALICS, ITALICS.lower(), "00ff", "00", "0605040B8423F0DC0601AE", "00" * 141, "020100" + "00" * 137],
)
async def test_binary(api: Api, mes: str) -> None:
    row = await api.accepted(mes, bin="2")
    assert (row["service"], row["text"], row["bin"]) == ("bin", mes, "2")


@pytest.mark.parametrize(
    "mes",
    [
        "",
        "0",
        "zz",
        "00 ff",
        "01",
        "050A030705",
        "020A01ff",
        "010A",
        "060A0307056000",
        "00" * 142,
        "020100" + "00" * 138,
        ITALICS + "\n~~~\npid: 256, dcs: 0",
    ],
)
async def test_bad_binary(api: Api, mes: str) -> None:
    assert await api.code(mes, bin="2") == 1


async def test_pid_and_dcs(api: Api) -> None:
    row = await api.accepted(ITALICS + "\n~~~\npid: 65, dcs: 246", bin="2")
    assert (row["text"], row["pid"], row["dcs"]) == (ITALICS, "65", "246")


@pytest.mark.parametrize(
    "suffix", ["pid:65, dcs:246", "pid: 65,dcs: 246", "pid: 0x41, dcs: 4", "pid: 1, dcs: 2 "]
)
async def test_pid_and_dcs_not_exactly_as_told_are_lost(api: Api, suffix: str) -> None:
    row = await api.accepted(f"{ITALICS}\n~~~\n{suffix}", bin="2")
    assert (row["text"], row["comment"]) == (ITALICS, suffix)
    assert "pid" not in row


async def test_raw_binary(api: Api) -> None:
    form = f"login=LOGIN&psw=PASSWORD&phones={PHONE}&bin=1&mes=%00%98%FF%0A~~~%0A".encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    await api.client.post(f"{api.simulator.url}/sys/send.php", content=form, headers=headers)
    assert [row["text"] for row in api.simulator.accepted] == ["0098ff0a7e7e7e0a"]


# --- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("id", ["1", "2147483647", "a.b-c_d", "x" * 40], ["x" * 41, "a b", "я", "a/b", "a@b"]),
        (
            "valid",
            ["1", "24", "00:01", "23:59", "24:00"],
            ["0", "25", "00:00", "24:01", "1:30", "01:60", "1.5", "-1"],
        ),
        ("translit", ["0", "1", "2"], ["3", "yes"]),
        ("tinyurl", ["0", "1"], ["2"]),
        ("maxsms", ["1", "10"], ["0", "-1", "x"]),
        ("tz", ["0", "-3", "+5.5", "12"], ["13", "x"]),
        ("period", ["0.1", "720"], ["0.05", "721", "x"]),
        ("freq", ["1", "1440"], ["0", "1441"]),
        ("fmt", [], ["4", "json"]),
        ("cost", ["0", "2", "3"], ["4", "x"]),
        ("op", ["0", "1"], ["2"]),
        ("hlr", ["0", "1"], ["2", "yes"]),
        ("bin", ["0"], ["3"]),
    ],
)
async def test_values(api: Api, name: str, good: list[str], bad: list[str]) -> None:
    for number, value in enumerate(good):
        assert await api.code(str(number), **{name: value}) == 0, value
    for value in bad:
        assert (await api.send("x", **{name: value})).startswith("ERROR = 1 ("), value
    assert len(api.simulator.accepted) == len(good)


async def test_ids(api: Api) -> None:
    assert (await api.send_json("a", id="7"))["id"] == 7
    assert (await api.send_json("b", id="7"))["id"] == 7  # not unique
    assert (await api.send_json("c", id="x7"))["id"] == "x7"
    assert (await api.send_json("d", id="007"))["id"] == "007"
    assert (await api.send_json("e", id="0"))["id"] == 1
    assert (await api.send_json("f"))["id"] == 2


@pytest.mark.parametrize("sender", ["Ozon", "My shop 24", "smsc.ru", "79991234567", "+79991234567", "1" * 15])
async def test_sender(api: Api, sender: str) -> None:
    assert (await api.accepted(sender=sender))["sender"] == sender


@pytest.mark.parametrize("sender", ["Такси", "twelve chars", "1" * 16, "a\nb"])
async def test_bad_sender(api: Api, sender: str) -> None:
    assert await api.code(sender=sender) == 6


async def test_unregistered_sender(api: Api) -> None:
    api.simulator.rules.senders = frozenset({"Ozon"})
    assert await api.code("a", sender="Other") == 6
    assert (await api.accepted("b", sender="Ozon"))["sender"] == "Ozon"
    assert (await api.accepted("c"))["sender"] == "SMSC.RU"


# --- time ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment", ["tomorrow", "3213991200", "01.13.30 10:00", "25-26", "+", " 10", "+1h", "-5"]
)
async def test_bad_time(api: Api, moment: str) -> None:
    assert await api.code(time=moment) == 5
    assert api.simulator.accepted == []


def seconds(**values: str) -> float:
    found = time_of(Query(values, {}))
    assert found is not None
    return found


def test_forms_of_time() -> None:
    now = time.time()
    noon = datetime(2030, 1, 31, 12, tzinfo=UTC).timestamp()
    assert seconds(time="0") < now
    assert seconds(time="01700000000") == 1_700_000_000
    assert seconds(time="3101301500") == noon
    assert seconds(time="31.01.30 15:00") == noon
    assert seconds(time="31.01.30 15:00", tz="2") == noon - 7200
    assert seconds(time="0101120000") == datetime(2011, 12, 31, 21, tzinfo=UTC).timestamp()
    assert now + 600 - 1 <= seconds(time="+10") <= time.time() + 600 + 1


@pytest.mark.parametrize(
    ("hour", "first", "last", "sent"),
    [(5, 8, 20, (1, 8)), (8, 8, 20, (1, 8)), (19, 8, 20, (1, 19)), (20, 8, 20, (2, 8)), (23, 0, 24, (1, 23))],
)
def test_window_of_hours(hour: int, first: int, last: int, sent: tuple[int, int]) -> None:
    found = in_hours(first, last, datetime(2030, 1, 1, hour, tzinfo=MOSCOW))
    assert found is not None
    moment = datetime.fromtimestamp(found, MOSCOW)
    assert (moment.day, moment.hour) == sent


async def test_hours_of_today(api: Api) -> None:
    await api.accepted(id="5", time="0-24")
    await api.reaches("5", 1)


async def test_a_scheduled_message_waits(api: Api) -> None:
    times: Mapping[str, str] = {"now": f"0{int(time.time()) - 5}", "later": "+1"}
    for ident, moment in times.items():
        assert await api.code(ident, id=ident, time=moment) == 0
    await api.reaches("now", 1)
    assert (await api.status("later"))["status"] == -1
    assert [row["time"] for row in api.simulator.accepted] == list(times.values())
