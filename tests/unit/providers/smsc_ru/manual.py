"""The answers that smsc.ru's manual prints, with values in the places of its placeholders.

The manual ("send.php", templates, notifications) has 66 of them, counted in BLOCKS. What public clients show
of the other scripts stands apart: it is in no manual that is at hand.
"""

from collections.abc import Iterator
from typing import NamedTuple

WORDS = "описание"
ID, PHONE = "1234", "79999999999"
ERROR = {
    0: "ERROR = {code} ({words})",
    1: "0,-{code}",
    2: "<result>\n<error>{words}</error>\n<error_code>{code}</error_code>\n</result>",
    3: '{{\n"error": "{words}",\n"error_code": {code}\n}}',
}
ERROR_WITH_ID = {
    0: "ERROR = {code} ({words}), ID - 1234",
    1: "1234,-{code}",
    2: "<result>\n<error>{words}</error>\n<error_code>{code}</error_code>\n<id>1234</id>\n</result>",
    3: '{{\n"error": "{words}",\n"error_code": {code},\n"id": 1234\n}}',
}
# By cost and fmt.
SENT = {
    (0, 0): "OK - 1 SMS, ID - 1234",
    (1, 0): "1.40 (1 SMS)",
    (2, 0): "OK - 1 SMS, ID - 1234, COST - 1.40",
    (3, 0): "OK - 1 SMS, ID - 1234, COST - 1.40, BALANCE - 100.50",
    (0, 1): "1234,1",
    (1, 1): "1.40,1",
    (2, 1): "1234,1,1.40",
    (3, 1): "1234,1,1.40,100.50",
    (0, 2): "<result>\n<id>1234</id>\n<cnt>1</cnt>\n</result>",
    (1, 2): "<result>\n<cost>1.40</cost>\n<cnt>1</cnt>\n</result>",
    (2, 2): "<result>\n<id>1234</id>\n<cnt>1</cnt>\n<cost>1.40</cost>\n</result>",
    (3, 2): "<result>\n<id>1234</id>\n<cnt>1</cnt>\n<cost>1.40</cost>\n<balance>100.50</balance>\n</result>",
    (0, 3): '{\n"id": 1234,\n"cnt": 1\n}',
    (1, 3): '{\n"cost": "1.40",\n"cnt": 1\n}',
    (2, 3): '{\n"id": 1234,\n"cnt": 1,\n"cost": "1.40"\n}',
    (3, 3): '{\n"id": 1234,\n"cnt": 1,\n"cost": "1.40",\n"balance": "100.50"\n}',
}
# What op=1 adds: below the line of fmt 0 and 1, and as an array inside fmt 2 and 3.
ROWS = {
    "line": "79999999999,25001,1.40,1,0",
    "xml": '<phones>\n<phone mccmnc="25001" cost="1.40" status="1" error="0">79999999999</phone>\n</phones>',
    "json": '"phones": [{\n"phone": "79999999999",\n"mccmnc": "25001",\n"cost": "1.40",\n"status": "1",'
    '\n"error": "0"\n}\n]',
}
INLINE = ("OK - 1 SMS, ID - 1234", "1234,1", "1234,1,1.40", "1234,1,1.40,100.50", "1.40,1")  # under `fmt`

_TEMPLATE = {"id": "7", "name": "door", "format": "sms", "sender": "Demo", "flag": "0", "message": "Hello"}
_TEMPLATE_XML = "".join(f"<{name}>{value}</{name}>\n" for name, value in _TEMPLATE.items())
_TEMPLATE_JSON = (
    '"id": 7,\n"name": "door",\n"format": "sms",\n"sender": "Demo",\n"flag": 0,\n"message": "Hello"'
)
_OPERATOR = (
    "mts_srv = 1, id = 7",
    "mts_srv,1,7",
    "<result>\n<template>\n<name>mts_srv</name>\n<status>1</status>\n<id>7</id>\n</template>\n</result>",
    '[{\n"mts_srv": 1,\n"id": 7\n}]',
)
TEMPLATE_MADE = ("ID - 7", "7", "<template>\n<id>7</id>\n</template>", '{\n"id": 7\n}')
DONE = ("OK", "<result>OK</result>", '{\n"result": "OK"\n}')
TEMPLATES = (
    ", ".join(f"{name} = {value}" for name, value in _TEMPLATE.items()),
    ",".join(_TEMPLATE.values()),
    f"<list>\n<template>\n{_TEMPLATE_XML}</template>\n</list>",
    f"[{{\n{_TEMPLATE_JSON}\n}}]",
)


class Block(NamedTuple):
    """One printed answer. ``codes``: what it stands for where it is an error; else ()."""

    section: str
    fmt: int | None  # None: where it does not depend on that
    text: str
    codes: tuple[int, ...] = ()

    def answers(self) -> Iterator[tuple[int, str]]:
        """The code and the text of each answer that it stands for; code 0 where it is no error."""
        for code in self.codes:
            yield code, self.text.format(code=code, words=WORDS)
        if not self.codes:
            yield 0, self.text


def _errors(section: str, codes: tuple[int, ...], forms: dict[int, str] = ERROR) -> Iterator[Block]:
    return (Block(section, fmt, text, codes) for fmt, text in forms.items())


def _all(section: str, texts: tuple[str, ...]) -> Iterator[Block]:
    return (Block(section, None, text) for text in texts)


BLOCKS = (
    *_errors("send: errors", (1, 2, 4, 5, 9)),
    *_errors("send: errors with an id", (3, 6, 7, 8), ERROR_WITH_ID),
    *(Block(f"send: cost={cost}", fmt, text) for (cost, fmt), text in SENT.items()),
    *_all("send: op", tuple(ROWS.values())),
    *_all("send: fmt", INLINE),
    *_errors("templates: errors", (1, 2, 3, 4, 5, 9)),
    *_all("templates: add", TEMPLATE_MADE),
    *_all("templates: chg, del", DONE),
    *_all("templates: get", TEMPLATES),
    *_errors("op_templates: errors", (1, 2, 4, 9)),
    *_all("op_templates: add", _OPERATOR),
    *_all("op_templates: get", _OPERATOR),
    *_errors("ping: errors", (1, 2, 3, 4, 9)),
    *_all("ping: done", DONE),
)


def with_row(fmt: int) -> str:
    """The answer with cost=3 and op=1."""
    text = SENT[3, fmt]
    if fmt == 3:
        return text.removesuffix("\n}") + ",\n" + ROWS["json"] + "\n}"
    if fmt == 2:
        return text.replace("</result>", ROWS["xml"] + "\n</result>")
    return text + "\n" + ROWS["line"]
