"""The one way in which XML from a provider is read: answers and callbacks come from a network.

A document type is refused: its entities could fill the memory or name files. The encoding is not the
document's to choose: callers hand over decoded text.
"""

import re
from collections.abc import Callable
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

# Reading takes about 3 µs for each "<"; an answer about 1000 messages has a few thousand.
MAX_TAGS = 100_000
# Refused wherever it stands, also where a parser would take it for text (CDATA): nobody honest writes it.
_DECLARATION = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def parse_xml(text: str, *, max_tags: int = MAX_TAGS, repair: Callable[[str], str] | None = None) -> Element:
    """The root element.

    ``repair`` mends a text that is no XML as it stands; it is tried once. Raises ValueError for what is no
    XML then, for a document type, and for more than ``max_tags`` characters "<".
    """
    if text.count("<") > max_tags:
        raise ValueError("too much markup")
    if _DECLARATION.search(text):
        raise ValueError("XML with a document type")
    try:
        return _parse(text)
    except ParseError:
        if repair is None:
            raise ValueError("not XML") from None
    try:
        return _parse(repair(text))
    except ParseError:
        raise ValueError("not XML") from None


def _parse(text: str) -> Element:
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except (DefusedXmlException, LookupError):
        raise ValueError("XML with a document type") from None
    return root
