"""The text of a configuration file: any octets, and an honest file in which lines were changed.

1. Only ConfigError leaves it. Each problem is one line, and none holds a value from the environment.
2. What is accepted can be described for people: advice, callback addresses, the appraisal of a message.
"""

from collections.abc import Iterator

import yaml

from smppbridge.config.advice import warnings
from smppbridge.config.loading import parse
from smppbridge.errors import ConfigError
from tests.fuzz.settings import BASE, EXAMPLES, SECRET, values

ENVIRONMENT = {"SECRET": SECRET, "EMPTY": "", "NUMBER": "8"}
LONGEST = 2000  # characters of a problem
_FULL = EXAMPLES.parent / "smppbridge.yaml"


def target(data: bytes) -> None:
    """One file. Raises whatever reading it should not raise."""
    text = data.decode("utf-8", "replace")
    try:
        config = parse(text, BASE, ENVIRONMENT)
    except ConfigError as error:
        assert error.problems
        for problem in error.problems:
            assert SECRET not in problem, problem
            assert "\n" not in problem and problem.isprintable(), repr(problem)
            assert len(problem) <= LONGEST, problem
        return
    for word in warnings(config):
        assert SECRET not in str(word)


def seeds() -> Iterator[bytes]:
    """Small files of one section each, for a fuzzer is slow with long ones; and the whole ones."""
    whole = values()
    accounts = {"accounts": {"pbx": {"password": "${SECRET}"}}}
    lab = {"providers": {"lab": {"kind": "sandbox"}}, "routes": [{"to": ["lab"]}]}
    for name, keys in whole["accounts"].items():
        yield _yaml({"accounts": {name: {**keys, "password": "${SECRET}"}}, **lab})
    for name, keys in whole["providers"].items():
        yield _yaml({**accounts, "providers": {name: keys}, "routes": [{"to": [name]}]})
    sections = (
        {"listen": [{"host": "::", "port": 2775}, {"port": 3550, "tls": {"cert": "a.pem", "key": "b.pem"}}]},
        {"web": {"port": 8080, "public_url": "https://a.example.org", "secret": "${SECRET}"}},
        {"store": {"url": "sqlite:///a.db", "keep_days": 9, "max_queued": 10}},
        {"smpp": {"system_id": "a", "bind_timeout": "10s", "enquire_link": 30, "max_pdu_octets": 65536}},
        {"inbound": [{"number": "1", "keyword": ["STOP"], "to": ["pbx"]}], "drain": "${NUMBER:-8}s"},
        {"log": {"numbers": "masked"}},
    )
    for section in sections:
        yield _yaml({**accounts, **lab, **section})
    yield b"a: &a [*a]\nb: {<<: *a, c: !x ${NO}, password_file: x}\n'c': ${SECRET:-}${\n"
    yield b'accounts: {"a\\n\\u0b4a": {password: x}}\n"\\u2028": 1\n'
    yield b'accounts: {a: {password: xxxxxxxx, senders: ["x${SECRET}"], default_sender: "${SECRET}"}}\n' + (
        b'providers: {lab: {kind: sandbox}}\nroutes: [{to: ["lab${SECRET}"], account: "a${SECRET}"}]\n'
    )
    yield b"x: &x {k: &y [1, 2]}\naccounts: {a: {<<: *x, password: ${SECRET}}, a: 1}\n"
    yield _FULL.read_bytes()


def _yaml(section: object) -> bytes:
    return yaml.safe_dump(section, allow_unicode=True, sort_keys=False).encode()
