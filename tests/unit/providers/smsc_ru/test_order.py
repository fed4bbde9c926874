"""What send.php is asked for one message, and which messages never become a request."""

from typing import Any

import pytest

from smppbridge.errors import Refused
from smppbridge.model.message import Draft
from smppbridge.providers.smsc_ru.order import Wishes, check, guarded, parameters, ref_of, subscriber
from tests.support.builders.messages import DAY, NOW, draft, message

ALL = Wishes(bot="@our_bot", mail_sender="us@example.org")
MINUTE = 60_000  # ms
ORDINARY = {"charset": "utf-8", "cost": "3", "op": "1", "valid": "24:00"}


def asked(wishes: Wishes = ALL, now: int = NOW, **changes: Any) -> dict[str, str]:
    return parameters(message(17, **changes), wishes, now)


def refusal(wishes: Wishes = ALL, **changes: Any) -> int:
    """The command_status with which `check` refuses a draft; 0 if it takes it."""
    try:
        check(draft(**changes), wishes)
    except Refused as refused:
        return refused.status
    return 0


# --- a plain SMS -----------------------------------------------------------------------------------


def test_plain_sms() -> None:
    assert asked(recipient="79001112233", text="Ёлка", sender="Demo", attempt=3) == {
        **ORDINARY,
        "phones": "+79001112233",
        "id": "b17.3",
        "sender": "Demo",
        "mes": "Ёлка",
    }


def test_ids_of_attempts_are_such_as_the_manual_allows() -> None:
    ref = ref_of(2**63 - 1, 999_999)
    assert ref == "b9223372036854775807.999999"
    assert len(ref) <= 40


def test_default_sender() -> None:
    assert asked(Wishes(default_sender="Ours"), sender="")["sender"] == "Ours"
    assert asked(Wishes(default_sender="Ours"), sender="Demo")["sender"] == "Demo"
    assert "sender" not in asked(sender="")


@pytest.mark.parametrize(
    ("left", "valid"),
    [
        (-5 * MINUTE, "00:01"),
        (0, "00:01"),
        (1, "00:01"),
        (MINUTE, "00:01"),
        (MINUTE + 1, "00:02"),
        (60 * MINUTE, "01:00"),
        (90 * MINUTE, "01:30"),
        (DAY - MINUTE, "23:59"),
        (DAY - 1, "24:00"),
        (DAY, "24:00"),
        (30 * DAY, "24:00"),
    ],
)
def test_validity(left: int, valid: str) -> None:
    assert asked(deadline=NOW + left)["valid"] == valid


def test_scheduled_message() -> None:
    fields = asked(send_at=NOW + 90 * MINUTE + 1, deadline=NOW + 120 * MINUTE)
    assert fields["time"] == f"0{NOW // 1000 + 5401}"
    assert fields["valid"] == "00:30"  # from then on


@pytest.mark.parametrize("send_at", [0, NOW - 1, NOW])
def test_a_moment_that_has_come_is_not_told(send_at: int) -> None:
    assert "time" not in asked(send_at=send_at)


def test_shape_of_an_sms() -> None:
    shaped = Wishes(translit=2, tinyurl=True, maxsms=3)
    fields = asked(shaped, flash=True)
    assert (fields["flash"], fields["translit"], fields["tinyurl"], fields["maxsms"]) == ("1", "2", "1", "3")
    assert not {"flash", "translit", "tinyurl", "maxsms"} & asked().keys()
    assert "translit" not in asked(shaped, service_type="CALL")
    assert "translit" not in asked(shaped, text="", octets=b"\0a")


# --- services --------------------------------------------------------------------------------------


def test_which_services_are_sold() -> None:
    always = {"HLR", "PING", "CALL", "VIBER", "WAPP", "SOC", "TG", "PUSH"}
    assert Wishes().services == always
    assert ALL.services == always | {"BOT", "MAIL"}


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("HLR", {"hlr": "1"}),
        ("PING", {"ping": "1"}),
        ("CALL", {"call": "1", "mes": "1234", "sender": "Demo"}),
        ("VIBER", {"viber": "1", "mes": "1234", "sender": "Demo"}),
        ("WAPP", {"whatsapp": "1", "mes": "1234", "sender": "Demo"}),
        ("SOC", {"soc": "1", "mes": "1234", "sender": "Demo"}),
        ("TG", {"tg": "1", "mes": "1234", "sender": "Demo"}),
        ("BOT", {"bot": "@our_bot", "mes": "1234", "sender": "Demo"}),
        ("MAIL", {"mail": "1", "subj": "1234", "mes": "1234", "sender": "us@example.org"}),
        ("PUSH", {"push": "1", "mes": "1234", "sender": "Demo"}),
    ],
)
def test_service(service: str, expected: dict[str, str]) -> None:
    fields = asked(service_type=service, text="1234", flash=True, recipient="79001112233")
    assert fields == {**ORDINARY, "phones": "+79001112233", "id": "b17.1", **expected}


def test_call_with_a_voice_and_a_recording() -> None:
    wishes = Wishes(voice="w2,en", param="20,10,3", fileurl="http://mysite.com/voice.wav")
    fields = asked(wishes, service_type="CALL")
    assert (fields["voice"], fields["param"]) == ("w2,en", "20,10,3")
    assert fields["fileurl"] == "http://mysite.com/voice.wav"
    assert not {"voice", "param", "fileurl"} & asked(wishes).keys()
    assert not {"voice", "param", "fileurl"} & asked(wishes, service_type="VIBER").keys()


@pytest.mark.parametrize(
    ("text", "subject", "subj", "mes"),
    [
        ("Привет\nкак дела?\nПока", "", "Привет", "как дела?\nПока"),
        ("\n Привет \r\n\r\nкак дела?", "", "Привет", "как дела?"),
        ("Привет", "", "Привет", "Привет"),
        ("Привет\n  ", "", "Привет", "Привет\n  "),
        ("Привет\nкак дела?", "Новости", "Новости", "Привет\nкак дела?"),
        ("Т" * 120 + "\nтекст", "", "Т" * 100, "текст"),
        ("Привет\n__CALL__: да", "", "Привет", " __CALL__: да"),
    ],
)
def test_mail(text: str, subject: str, subj: str, mes: str) -> None:
    fields = asked(
        ALL._replace(mail_subject=subject), service_type="MAIL", text=text, recipient="a.b@example.org"
    )
    assert (fields["phones"], fields["subj"], fields["mes"]) == ("a.b@example.org", subj, mes)


@pytest.mark.parametrize(
    ("recipient", "phones", "named"),
    [
        ("79001112233", "+79001112233", "79001112233"),
        ("@alex_nick", "@alex_nick", "@alex_nick"),
        ("alex_nick", "@alex_nick", "@alex_nick"),
        ("#1122334455", "#1122334455", "#1122334455"),
    ],
)
def test_recipients_of_a_bot(recipient: str, phones: str, named: str) -> None:
    assert asked(service_type="BOT", recipient=recipient)["phones"] == phones
    assert subscriber(recipient) == named
    assert refusal(service_type="BOT", recipient=recipient) == 0


# --- recipients and senders ------------------------------------------------------------------------

MANY = ["79001112233,79001112244", "79001112233;79001112244", "79001112233\n", "G777", "g7", "79001112233 "]
ODD = ["", "+79001112233", "123456", "1" * 16, "٧٩٠٠١١١٢٢٣٣", "a@b.c", "#112233", "79001112233:text"]


@pytest.mark.parametrize("recipient", MANY + ODD)
def test_recipients_of_an_sms_are_single_numbers(recipient: str) -> None:
    assert refusal(recipient=recipient) == 0x0B
    for service in ALL.services - {"BOT", "MAIL"}:
        assert refusal(recipient=recipient, service_type=service, text="1234") == 0x0B


@pytest.mark.parametrize(
    "recipient", [*MANY, "a@example.org,b@example.org", "a@example.org;b", "a@example.org\n"]
)
@pytest.mark.parametrize("service", ["BOT", "MAIL"])
def test_recipients_of_other_services_are_single_ones(service: str, recipient: str) -> None:
    assert refusal(recipient=recipient, service_type=service) == 0x0B


def test_mail_goes_to_addresses_only() -> None:
    assert refusal(recipient="a.b+c@mail.example.org", service_type="MAIL") == 0
    assert refusal(recipient="79001112233", service_type="MAIL") == 0x0B


@pytest.mark.parametrize(
    "sender", ["", "Demo", "My Shop 24", "S&M.-_!'", "7", "123456789012345", "+79001112233"]
)
def test_senders_that_are_taken(sender: str) -> None:
    assert refusal(sender=sender) == 0


@pytest.mark.parametrize("sender", ["Пример", "TwelveLetter", "1234567890123456", "Demo\n", "Dеmo", "a\tb"])
def test_senders_that_are_not(sender: str) -> None:
    assert refusal(sender=sender) == 0x0A
    assert refusal(sender=sender, service_type="VIBER") == 0x0A
    assert refusal(sender=sender, service_type="HLR") == 0  # shown to nobody


# --- texts -----------------------------------------------------------------------------------------

PREFIXES = ["__CALL__", "__VIBER__", "__SOC__", "__MAIL__", "__BOT__"]
COMMANDS = [
    *((f"{prefix}: text", f" {prefix}: text") for prefix in PREFIXES),
    ("__call__:x", " __call__:x"),
    ("__Viber__", " __Viber__"),
    ("__PING__", " __PING__"),
    ("__hlr__", " __hlr__"),
    ("__HLR__\0", " __HLR__\0"),
    ("\n__CALL__: x", " \n__CALL__: x"),
    ("\ufeff__CALL__: x", " \ufeff__CALL__: x"),
    ("\u200b__CALL__: x", " \u200b__CALL__: x"),
    ("\u2060\x01__HLR__\u2029", " \u2060\x01__HLR__\u2029"),
    ("\u3000\U000e0020__PING__", " \u3000\U000e0020__PING__"),
    ("＿＿CALL＿＿: x", " ＿＿CALL＿＿: x"),
    ("__ＨＬＲ__", " __ＨＬＲ__"),
    ("one\n\u200b~~~\nﬁve", "one\n\u200b~~\nﬁve"),
    ("one\n~~~\0\u202f\ntwo", "one\n~~\0\u202f\ntwo"),
    ("one\n～~～\ntwo", "one\n~~\ntwo"),
    *((f"one{end}~~~{end}two", f"one{end}~~{end}two") for end in "\v\f\x85\u2028\u2029"),
    ("~~~", "~~"),
    ("one\n~~~\ntwo", "one\n~~\ntwo"),
    ("one\r\n~~~\r\ntwo", "one\r\n~~\r\ntwo"),
    ("one\r~~~\rtwo", "one\r~~\rtwo"),
    ("one\n ~~~\t\ntwo", "one\n ~~\t\ntwo"),
    ("~~~\none\n~~~\n~~~", "~~\none\n~~\n~~"),
    ("__CALL__: x\n~~~\n20,10,3", " __CALL__: x\n~~\n20,10,3"),
]
INNOCENT = [
    "HLR",
    "PING",
    "＿＿PING＿＿ me ﬁ ～ ½",
    "__PING__ me",
    "see __CALL__",
    "a ~~~ b",
    "~~~~",
    "~~",
    "one\n~~~ two",
    "{menu: 1: sms:7,A,b}",
    "<file 1> {button,http://example.org,x}",
    "79001112233:text",
]


@pytest.mark.parametrize(("text", "harmless"), COMMANDS)
def test_commands_in_a_text_are_made_harmless(text: str, harmless: str) -> None:
    assert asked(text=text)["mes"] == harmless
    assert asked(text=harmless)["mes"] == harmless  # once is enough
    assert refusal(text=text) == 0
    assert asked(text=text, service_type="VIBER")["mes"] == harmless


@pytest.mark.parametrize("text", [text for text, _ in COMMANDS] + [" __CALL__: x", " __PING__ "])
def test_commands_in_a_text_are_refused_where_that_is_wished(text: str) -> None:
    strict = ALL._replace(service_texts="reject")
    assert refusal(strict, text=text) == 0x4A5
    assert refusal(strict, text=text, service_type="SOC") == 0x4A5
    assert refusal(strict, text=text, service_type="HLR") == 0  # its text is not sent


@pytest.mark.parametrize("text", INNOCENT)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert asked(text=text)["mes"] == text
    assert refusal(ALL._replace(service_texts="reject"), text=text) == 0


MACROS = [
    "{menu: 1: sms:79001112233,A,b}",
    "x { MENU: 1}",
    "<file 1>",
    "<File /upload/x.jpg>",
    "{button,http://example.org,x}",
    "{{menu:1}}",
    "{\u200bmenu: 1}",
    "｛ｍｅｎｕ: 1}",
]


@pytest.mark.parametrize("service", ["CALL", "VIBER", "WAPP", "SOC", "BOT"])
@pytest.mark.parametrize("text", MACROS)
def test_macros_in_texts_of_services(service: str, text: str) -> None:
    """They take effect as they are, or are refused: never altered."""
    assert refusal(text=text, service_type=service) == 0x4A5
    assert refusal(ALL._replace(service_texts="reject"), text=text, service_type=service) == 0x4A5
    allowed = ALL._replace(service_texts="pass")
    assert refusal(allowed, text=text, service_type=service) == 0
    assert asked(allowed, text=text, service_type=service)["mes"] == text


def test_the_reason_names_the_key_that_lets_macros_pass() -> None:
    with pytest.raises(Refused, match="service_texts: pass"):
        check(draft(text=MACROS[0], service_type="CALL"), ALL)


@pytest.mark.parametrize("text", ["a < b, {x}", "<files>", "[menu: 1]"])
def test_what_is_no_macro(text: str) -> None:
    assert refusal(text=text, service_type="CALL") == 0
    assert asked(text=text, service_type="CALL")["mes"] == text


@pytest.mark.parametrize(("text", "harmless"), COMMANDS)
def test_only_macros_pass(text: str, harmless: str) -> None:
    """What would buy another service is made harmless in any case."""
    allowed = ALL._replace(service_texts="pass")
    assert (
        asked(allowed, text=text)["mes"] == asked(allowed, text=text, service_type="VIBER")["mes"] == harmless
    )


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 0x4A5),
        ("я" * 1000, 0),
        ("я" * 1001, 0x4A5),
        ("__CALL__" + "x" * 992, 0x4A5),  # 1000, and a space more
        ("__CALL__" + "x" * 991, 0),
        ("a\ud800b", 0x4A5),
        ("🙂", 0),
    ],
)
def test_length_and_wholeness(text: str, status: int) -> None:
    assert refusal(text=text) == status
    assert refusal(text=text, service_type="CALL") == status


def test_number_checks_need_no_text() -> None:
    assert refusal(text="", service_type="HLR") == 0
    assert refusal(text="", service_type="PING") == 0


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("http://example.org\nTitle", 0),
        ("https://example.org/a?b\r\nДва слова", 0),
        ("http://example.org", 0x4A5),
        ("http://example.org\n ", 0x4A5),
        ("Title\nhttp://example.org", 0x4A5),
    ],
)
def test_wap_push(text: str, status: int) -> None:
    assert refusal(text=text, service_type="PUSH") == status


def test_guards_take_no_time_on_hostile_texts() -> None:
    for text in ("\n" * 1000, " " * 1000, "\n~" * 500, "{ " * 500, "~~~\n" * 250, "_" * 1000):
        guarded(text)
        check(Draft("79001112233", "Demo", text, service_type="VIBER"), ALL._replace(service_texts="pass"))


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\u2028"])
def test_the_subject_of_a_mail_is_one_line(end: str) -> None:
    fields = asked(service_type="MAIL", recipient="a@b.cc", text=f"Subject{end}Bcc: x@y.z")
    assert (fields["subj"], fields["mes"]) == ("Subject", "Bcc: x@y.z")
    fields = asked(ALL._replace(mail_subject=f"One{end}two"), service_type="MAIL", recipient="a@b.cc")
    assert fields["subj"] == "One two"
