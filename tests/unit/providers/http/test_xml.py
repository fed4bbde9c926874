"""The guard in front of all XML that a provider sends."""

import pytest

from smppbridge.providers.http.xml import parse_xml

LAUGHS = """<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><lolz>&lol2;</lolz>"""


def test_text_is_read_whatever_encoding_it_declares() -> None:
    root = parse_xml('<?xml version="1.0" encoding="windows-1251"?><a b="Привет">мир</a>')
    assert (root.tag, root.get("b"), root.text) == ("a", "Привет", "мир")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no markup",
        "<a>",
        "<a></b>",
        "<a>&unknown;</a>",
        "<a>\ud800</a>",
        "<a/><b/>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<!doctype a><a/>",
        "<a><!ENTITY b 'c'></a>",
        "<a><![CDATA[<!ENTITY]]></a>",
        LAUGHS,
    ],
)
def test_what_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"XML|surrogates"):
        parse_xml(text)


def test_too_much_markup_is_not_even_parsed() -> None:
    assert len(parse_xml("<a><b/><b/></a>", max_tags=4)) == 2
    with pytest.raises(ValueError, match="too much markup"):
        parse_xml("<a><b/><b/></a>", max_tags=3, repair=_never)


def test_what_is_no_xml_is_repaired_once() -> None:
    tried: list[str] = []

    def repair(text: str) -> str:
        tried.append(text)
        return text.replace("=1", '="1"')

    assert parse_xml("<a b=1/>", repair=repair).get("b") == "1"
    with pytest.raises(ValueError, match="not XML"):
        parse_xml("<a b=2/>", repair=repair)
    assert tried == ["<a b=1/>", "<a b=2/>"]


def test_a_document_type_is_not_repaired() -> None:
    with pytest.raises(ValueError, match="document type"):
        parse_xml(LAUGHS, repair=_never)
    with pytest.raises(ValueError, match="document type"):
        parse_xml("<a b=1/>", repair=lambda text: LAUGHS)


def _never(text: str) -> str:
    raise AssertionError(text)
