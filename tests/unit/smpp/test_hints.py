"""Mistakes of equipment that are recognised, and honest texts in which none is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.smpp.gsm import LANGUAGES, encode_gsm, pack_septets
from smppbridge.smpp.hints import KEYS, hints, suspicious
from smppbridge.smpp.text import ENCODINGS

RUSSIAN = (
    "Привет",
    "Зона 1",
    "ВНИМАНИЕ! ОБЪЕКТ СНЯТ С ОХРАНЫ",
    "Ваш код: 4821. Никому его не сообщайте.",
    "Тревога! Зона 3, кухня: датчик дыма сработал в 14:05. Перезвоните, пожалуйста: +7 902 123-45-67.",
    "Код подтверждения 123456 для входа в Google на example.com",
)
BELARUSIAN = (
    "Прывітанне",
    "Аб'ект узяты пад ахову",
    "Ёсць нявырашаныя заяўкі: 3",
    "Добры дзень! Ваша заяўка прынята, чакайце тэлефанавання ў панядзелак.",
)
GERMAN = (
    "Grüße aus Köln",
    "Bitte prüfen Sie die Tür im Büro, Größe 5 mal 3. Es gilt § 5 BGB.",
    "Für Ihre Bestellung Nr. 4711 danken wir; sie wird am 3. März über München ausgeliefert.",
)
FRENCH = ("Déjà vu", "Où êtes-vous ? Ça va très bien, l'été à la forêt.", "À bientôt, à l'hôtel de l'Étoile")
SPANISH = ("¡Hola!", "¿Cómo estás? El niño comió en El Ñandú", "¡Atención! ¡La señal está débil!")
POLISH = ("Zażółć gęślą jaźń", "Proszę zadzwonić po północy, kod 17.", "Dzień dobry")
GREEK = ("Καλημέρα σας", "Η παραγγελία σας είναι έτοιμη, κωδικός 17.", "Γειά")
CHINESE = ("您的验证码是123456,请勿告诉他人。", "你好，世界", "您的订单已发货，请注意查收。")
EMOJI = ("Привет 😀👍", "Alarm 🔥🔥 in zone 3", "👍", "😀👍")
ENGLISH = (
    "OK",
    "Alarm in zone 3",
    "Your order 4711 has been shipped. Visit http://example.com/track?id=5",
    ("Line 1: pump stopped, pressure 4.5 bar; line 2 runs. Please call the engineer on duty. " * 2)[:160],
)
ACCENTS = ("äöüß ÄÖÜ", "Test äöüßÄÖÜ", "àèéìòù", "ÀÈÉÌÒÙ Test àèéìòù", "éèêëàâîïôûùç", "áéíóúñü", "åæøÅÆØ")
MARKED = (
    "Write to info@firm.by",
    "Set max_temp to 45",
    "You owe $100 {net} [sum]~",
    "user_name@site_one.org",
)
GSM = ("Sum: 5 € [net] {a} ~ ^ \\ |", "ΔΦΓΛΩΠΨΣΘΞ Alarm", "¿Qué? ¡La señal!", "Caffè pronto, perché no")
CYRILLIC = RUSSIAN + BELARUSIAN
WESTERN = GERMAN + FRENCH + SPANISH
EVERYBODY = CYRILLIC + WESTERN + POLISH + GREEK + CHINESE + EMOJI + ENGLISH + MARKED + GSM


def octets_of(text: str, coding: str) -> bytes:
    if coding == "gsm":
        octets = encode_gsm(text)
        assert octets is not None, text
        return octets
    return text.encode({"ucs2": "utf-16-be", "ucs2-le": "utf-16-le"}.get(coding, coding))


def keys(octets: bytes, data_coding: int, default: str, *, udhi: bool = False) -> list[str]:
    found = hints(octets, data_coding, default, udhi=udhi)
    assert {hint.key for hint in found} <= KEYS
    assert all(suspicious(octets, data_coding) for _ in found)
    return [hint.key for hint in found]


# --- honest texts -----------------------------------------------------------------------------------

HONEST = [
    *((text, "ucs2", 8, "gsm") for text in EVERYBODY),
    *((text, "ucs2", 0x18, "latin-1") for text in EVERYBODY),
    *((text, "ucs2-le", 0, "ucs2-le") for text in EVERYBODY),
    *((text, "utf-8", 0, "utf-8") for text in EVERYBODY),
    *((text, "latin-1", 3, "gsm") for text in WESTERN + ENGLISH + MARKED + ACCENTS),
    *((text, "latin-1", 0, "latin-1") for text in WESTERN + ENGLISH + MARKED),
    *((text, "ascii", 1, "gsm") for text in ENGLISH + MARKED),
    *((text, "gsm", 0, "gsm") for text in ENGLISH + MARKED + GSM + GERMAN),
    *((text, "gsm", 0xF1, "gsm") for text in ENGLISH + MARKED + GSM),
    *((text, "cp1251", 0, "cp1251") for text in CYRILLIC + ENGLISH),
    *((text, "koi8-r", 0, "koi8-r") for text in RUSSIAN),
    *((text, "cp866", 0, "cp866") for text in RUSSIAN),
    *((text, "iso-8859-5", 6, "gsm") for text in CYRILLIC),
    ("שלום עולם, מה שלומך היום", "iso-8859-8", 7, "gsm"),
    ("שלום עולם, מה שלומך היום", "ucs2", 8, "gsm"),
    ("مرحبا، كيف حالك اليوم", "ucs2", 8, "gsm"),
    ("안녕하세요 반갑습니다", "ucs2", 8, "gsm"),
    ("東京は今日も雨でした。", "ucs2", 8, "gsm"),
    ("水电物流", "ucs2", 8, "gsm"),  # its octets are letters
    ("쎩", "ucs2", 8, "gsm"),  # its octets are UTF-8
    ("Её", "cp1251", 0, "cp1251"),  # this, too
    ("@@@@ @@@@ è", "gsm", 0, "gsm"),
    ("€ perché", "gsm", 0, "gsm"),  # pairs of its octets are Chinese
    ("\x01\x02\x03\x04ABCD", "latin-1", 3, "gsm"),
]


@pytest.mark.parametrize(("text", "coding", "data_coding", "default"), HONEST)
def test_nothing_is_wrong_with_honest_texts(text: str, coding: str, data_coding: int, default: str) -> None:
    assert keys(octets_of(text, coding), data_coding, default) == []


def sentences(texts: tuple[str, ...]) -> st.SearchStrategy[str]:
    """New texts of the words of these, with numbers among them."""
    words = sorted({word for text in texts for word in text.split()})
    word = st.sampled_from(words) | st.integers(0, 99999).map(str)
    return st.lists(word, min_size=1, max_size=25).map(" ".join)


@given(st.sampled_from([CYRILLIC, GERMAN, POLISH, GREEK, CHINESE, EMOJI, ENGLISH, MARKED]).flatmap(sentences))
def test_nothing_is_wrong_with_honest_ucs2(text: str) -> None:
    assert keys(octets_of(text, "ucs2"), 8, "gsm") == []


@given(st.sampled_from([GERMAN, FRENCH, SPANISH, ENGLISH, MARKED]).flatmap(sentences))
def test_nothing_is_wrong_with_honest_latin_1(text: str) -> None:
    assert keys(octets_of(text, "latin-1"), 3, "gsm") == []
    assert keys(octets_of(text, "latin-1"), 0, "latin-1") == []


@given(st.sampled_from([GERMAN, ENGLISH, MARKED, GSM]).flatmap(sentences))
def test_nothing_is_wrong_with_honest_gsm(text: str) -> None:
    assert keys(octets_of(text, "gsm"), 0, "gsm") == []


@given(st.sampled_from([RUSSIAN, BELARUSIAN]).flatmap(sentences))
def test_nothing_is_wrong_with_honest_cp1251(text: str) -> None:
    assert keys(octets_of(text, "cp1251"), 0, "cp1251") == []


@given(st.text(max_size=80).map(lambda text: text.encode("utf-16-be", "replace")))
def test_no_ucs2_makes_it_fail(octets: bytes) -> None:
    hints(octets, 8, "gsm", udhi=False)


@given(st.binary(max_size=260), st.integers(0, 255), st.sampled_from(sorted(ENCODINGS)), st.booleans())
def test_no_octets_make_it_fail(octets: bytes, data_coding: int, default: str, udhi: bool) -> None:
    assert {hint.key for hint in hints(octets, data_coding, default, udhi=udhi)} <= KEYS
    assert suspicious(octets, data_coding) in {True, False}


@pytest.mark.parametrize("data_coding", range(256))
def test_nothing_is_wrong_with_nothing(data_coding: int) -> None:
    assert keys(b"", data_coding, "gsm") == []
    assert not suspicious(b"", data_coding)


# --- another coding than data_coding says -----------------------------------------------------------

DECLARED = [(0, "gsm"), (0, "latin-1"), (1, "gsm"), (3, "gsm"), (0xF0, "gsm"), (0x11, "latin-1")]
MOST_SCRIPTS = CYRILLIC + POLISH + GREEK + GERMAN + CHINESE + ENGLISH + EMOJI[:2]
BEYOND_ASCII = CYRILLIC + POLISH + GREEK + WESTERN + CHINESE + EMOJI


@pytest.mark.parametrize(("data_coding", "default"), DECLARED)
@pytest.mark.parametrize(
    ("coding", "texts"),
    [
        ("ucs2", (*MOST_SCRIPTS, "สวัสดี")),
        ("ucs2-le", MOST_SCRIPTS),
        ("utf-8", BEYOND_ASCII),
        ("cp1251", CYRILLIC),
        ("koi8-r", RUSSIAN[2:]),
        ("cp866", RUSSIAN[2:]),
        ("iso-8859-5", RUSSIAN[2:]),
    ],
)
def test_text_that_is_not_what_an_8_bit_coding_says(
    data_coding: int, default: str, coding: str, texts: tuple[str, ...]
) -> None:
    found = {text: keys(octets_of(text, coding), data_coding, default) for text in texts}
    assert found == {text: [coding] for text in texts}


@pytest.mark.parametrize(
    ("coding", "texts", "key"),
    [
        ("ucs2-le", MOST_SCRIPTS, "ucs2-le"),
        ("utf-8", CYRILLIC + GREEK + CHINESE + EMOJI[:2], "utf-8"),
        ("cp1251", CYRILLIC, "cp1251"),
        ("latin-1", WESTERN[:2] + FRENCH[1:] + SPANISH[1:] + ENGLISH[1:] + MARKED, "latin-1"),
    ],
)
def test_text_that_is_not_ucs2(coding: str, texts: tuple[str, ...], key: str) -> None:
    found = {text: keys(octets_of(text, coding), 8, "gsm") for text in texts}
    assert found == {text: [key] for text in texts}


def test_ucs2_where_swapped_octets_are_expected() -> None:
    assert keys(octets_of("Привет, мир", "ucs2"), 0, "ucs2-le") == ["ucs2"]


@pytest.mark.parametrize("text", MARKED + GERMAN + FRENCH)
def test_latin_1_where_gsm_is_expected(text: str) -> None:
    octets = octets_of(text, "latin-1")
    assert keys(octets, 0, "gsm") == ["latin-1"]
    assert keys(octets, 0xF0, "gsm") == ["latin-1"]


@pytest.mark.parametrize("text", [*GERMAN, *FRENCH])
def test_latin_1_where_ascii_is_expected(text: str) -> None:
    assert keys(octets_of(text, "latin-1"), 1, "gsm") == ["latin-1"]


@pytest.mark.parametrize(
    "text", [*MARKED, "Sum: 5 € [net]", "Caffè pronto, perché no", "Una señal débil", "Die Straße"]
)
@pytest.mark.parametrize(("data_coding", "default"), [(0, "latin-1"), (0, "ascii"), (1, "gsm"), (3, "gsm")])
def test_gsm_where_latin_1_is_expected(text: str, data_coding: int, default: str) -> None:
    assert keys(octets_of(text, "gsm"), data_coding, default) == ["gsm"]


PACKED = [*ENGLISH[1:], "hellohello", "Your code is 4711", "Zone 12 armed"]


@pytest.mark.parametrize("text", PACKED)
def test_packed_septets(text: str) -> None:
    octets = pack_septets(octets_of(text, "gsm"))
    assert keys(octets, 0, "gsm") == ["packed"]
    (hint,) = hints(octets, 0, "latin-1", udhi=False)
    assert "septets: packed and default_encoding: gsm" in hint.text


def test_a_national_table_of_gsm() -> None:
    octets = encode_gsm("İyi akşamlar, ışık açık kaldı", 0, LANGUAGES["turkish"])
    assert octets is not None
    (hint,) = hints(octets, 0, "gsm", udhi=False)
    assert hint.key == "gsm-language"
    assert "gsm_language: turkish" in hint.text
    assert hints(octets, 0, "gsm", udhi=False, single=LANGUAGES["turkish"]) == ()
    assert hints(b"\x03\x24\x01\x01" + octets, 0, "gsm", udhi=True) == ()


# --- binary, headers, NUL ---------------------------------------------------------------------------


@pytest.mark.parametrize("data_coding", [2, 4, 0x14, 0x15, 0xF4, 0xF5])
@pytest.mark.parametrize(
    ("text", "coding"),
    [
        ("Alarm in zone 3", "latin-1"),
        (RUSSIAN[3], "cp1251"),
        (RUSSIAN[3], "ucs2"),
        (RUSSIAN[3], "utf-8"),
        (RUSSIAN[4], "ucs2-le"),
    ],
)
def test_text_that_is_sent_as_data(data_coding: int, text: str, coding: str) -> None:
    octets = octets_of(text, coding)
    (hint,) = hints(octets, data_coding, "gsm", udhi=False)
    assert hint.key == "binary"
    assert f"encodings: {{{data_coding}: {coding}}}" in hint.text
    assert suspicious(octets, data_coding)


@pytest.mark.parametrize(
    ("octets", "udhi"),
    [
        (bytes.fromhex("0605041583158330003f0248656c6c6f20776f726c6420616761696e"), True),  # for a port
        (bytes.fromhex("024a3a51d195cdd008001b2055059061056055855054840800"), False),  # a ringing tone
        (b"\x06\x05\x04\x15\x83\x15\x83Alarm in zone 3", True),
        (bytes(range(256))[:140], False),
        (bytes.fromhex("0045006700020081004a00110093"), False),  # small numbers of 16 bits
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", False),
        (b"AT+1", False),
    ],
)
def test_nothing_is_wrong_with_honest_data(octets: bytes, udhi: bool) -> None:
    assert keys(octets, 4, "gsm", udhi=udhi) == []


HEADERS = [b"\x05\x00\x03\xa7\x02\x01", b"\x06\x08\x04\x12\x34\x03\x02", b"\x06\x05\x04\x15\x83\x15\x83"]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    ("text", "coding", "data_coding"),
    [(RUSSIAN[4], "ucs2", 8), (ENGLISH[2], "gsm", 0), (GERMAN[1], "latin-1", 3)],
)
def test_a_header_that_is_not_announced(header: bytes, text: str, coding: str, data_coding: int) -> None:
    octets = header + octets_of(text, coding)
    assert keys(octets, data_coding, "gsm") == ["header"]
    assert keys(octets, data_coding, "gsm", udhi=True) == []


@pytest.mark.parametrize("text", [*ENGLISH, GERMAN[0]])
def test_a_header_that_is_announced_and_not_there(text: str) -> None:
    (key,) = {hint.key for hint in hints(octets_of(text, "latin-1"), 3, "gsm", udhi=True)}
    assert key == "no-header"


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (b"\x05\x00\x03\xa7\x02\x01", []),  # only a header
        (b"\x00Alarm", []),  # an empty one
        (b"\x05\x00\x04\xa7\x02\x01Alarm", ["no-header"]),  # an element that runs past it
        (b"\x04\x00\x03\xa7\x02\x01Alarm", ["no-header"]),
    ],
)
def test_what_a_header_is(octets: bytes, found: list[str]) -> None:
    assert [hint.key for hint in hints(octets, 3, "gsm", udhi=True)][: len(found) or None] == found


def test_a_wrong_coding_behind_a_header() -> None:
    for header in HEADERS[:2]:
        octets = header + octets_of(RUSSIAN[4], "cp1251")
        assert keys(octets, 0, "gsm", udhi=True) == ["cp1251"]
        assert keys(octets, 0, "gsm") == ["header", "cp1251"]


@pytest.mark.parametrize(
    ("octets", "data_coding", "default"),
    [
        *((text.encode("latin-1") + b"\0", 3, "gsm") for text in ENGLISH + GERMAN),
        *((octets_of(text, "gsm") + b"\0\0", 0, "gsm") for text in ENGLISH),
        *((octets_of(text, "gsm") + b"\0", 0, "gsm") for text in ("Done.", "Stop!", "Ready?")),
        *((text.encode() + b"\0", 0, "utf-8") for text in RUSSIAN),
        *((text.encode("utf-16-be") + b"\0\0", 8, "gsm") for text in RUSSIAN + CHINESE),
        *((text.encode("utf-16-be") + b"\0", 8, "gsm") for text in RUSSIAN),
    ],
)
def test_a_nul_at_the_end(octets: bytes, data_coding: int, default: str) -> None:
    assert keys(octets, data_coding, default) == ["nul"]


@pytest.mark.parametrize(
    "text", ["info@firm.by or @", "Meet me @", "@", "a@b.by, c@", "Write to info@", "x@"]
)
def test_an_at_sign_at_the_end_of_gsm(text: str) -> None:
    assert keys(octets_of(text, "gsm"), 0, "gsm") == []


def test_a_part_that_ends_with_an_at_sign() -> None:
    assert keys(b"\x05\x00\x03\xa7\x02\x01Write to info\0", 0, "gsm", udhi=True) == []
    assert keys(b"\x05\x00\x03\xa7\x02\x02Write to info\0\0", 0, "gsm", udhi=True) == ["nul"]


# --- what a hint says -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "data_coding", "default", "setting"),
    [
        (RUSSIAN[4].encode("cp1251"), 3, "gsm", "set encodings: {3: cp1251}"),
        (RUSSIAN[4].encode("cp1251"), 0, "latin-1", "set default_encoding: cp1251"),
        (RUSSIAN[4].encode("utf-16-be"), 0, "gsm", "set default_encoding: ucs2"),
        (RUSSIAN[4].encode("utf-16-le"), 8, "gsm", "set encodings: {8: ucs2-le}"),
        (RUSSIAN[4].encode(), 0xF0, "gsm", "set encodings: {240: utf-8}"),
        (b"Set max_temp to 45", 0, "gsm", "set default_encoding: latin-1"),
    ],
)
def test_a_hint_names_the_setting(octets: bytes, data_coding: int, default: str, setting: str) -> None:
    (hint,) = hints(octets, data_coding, default, udhi=False)
    assert hint.text.endswith(setting)


def test_every_encoding_that_a_hint_names_is_one() -> None:
    assert KEYS - set(ENCODINGS) == {"packed", "gsm-language", "header", "no-header", "binary", "nul"}


@pytest.mark.parametrize("coding", ["cp1251", "utf-8", "ucs2", "ucs2-le"])
@pytest.mark.parametrize("data_coding", [0, 3, 4, 8])
def test_a_hint_never_holds_the_text(coding: str, data_coding: int) -> None:
    text = "Секрет qwertysecret 9021234567"
    for hint in hints(octets_of(text, coding), data_coding, "gsm", udhi=False):
        assert not any(word in hint.text for word in text.split())


@pytest.mark.parametrize(
    ("octets", "data_coding"),
    [
        *((text.encode("ascii"), data_coding) for text in ENGLISH for data_coding in (0, 1, 3)),
        *((text.encode("ascii"), data_coding) for text in MARKED for data_coding in (1, 3)),
        *((text.encode("utf-16-be"), 8) for text in CYRILLIC + POLISH + GREEK + GERMAN + ENGLISH),
        (GERMAN[1].translate({0xFC: "~", 0xF6: "|", 0xDF: "x", 0xA7: "x"}).encode("ascii"), 0),
    ],
)
def test_ordinary_text_is_passed_at_a_glance(octets: bytes, data_coding: int) -> None:
    assert not suspicious(octets, data_coding)
