"""The sections of the configuration: their defaults, and what they refuse."""

import json
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from smppbridge.config.loading import load, parse
from smppbridge.config.sections import StoreConfig, WebConfig
from smppbridge.providers.sandbox import SandboxOptions
from tests.unit.config.minimal import MINIMAL, problems


def test_a_minimal_file_has_the_documented_defaults() -> None:
    config = parse(MINIMAL, Path("/etc/bridge"), {})
    assert config.model_dump(exclude={"accounts", "providers", "routes"}) == {
        "listen": ({"host": "0.0.0.0", "port": 2775, "tls": None},),
        "web": {
            "host": "127.0.0.1",
            "port": 8080,
            "public_url": None,
            "admin_token": None,
            "metrics_token": None,
            "secret": None,
        },
        "store": {"url": "sqlite:////etc/bridge/bridge.db", "keep_days": 90, "max_queued": 1_000_000},
        "smpp": {
            "system_id": "smppbridge",
            "bind_timeout": 10.0,
            "enquire_link": 30.0,
            "inactivity": 600.0,
            "response_timeout": 30.0,
            "max_pdu_octets": 65536,
        },
        "inbound": (),
        "log": {"format": "text", "level": "info", "numbers": "masked"},
        "drain": 8.0,
    }
    assert config.accounts["pbx"].name == "pbx"
    assert isinstance(config.providers["lab"], SandboxOptions)
    assert config.routes[0].to == ("lab",)


def test_a_section_without_keys_has_its_defaults() -> None:
    config = parse(MINIMAL + "web:\nstore:\nlog:\nlisten:\n", Path("/etc"), {})
    assert config.web == WebConfig()
    assert config.store.url == "sqlite:////etc/bridge.db"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("listen: []", "listen: must have at least one entry"),
        (
            "listen: [{port: 2775}, {port: 2776}, {host: 10.0.0.1, port: 2775}]",
            "listen: two listeners want port 2775",
        ),
        ("{listen: [{port: 8080}], web: {port: 8080}}", "web: port 8080 is also in listen"),
        (
            "{store: {keep_days: 2}, accounts: {pbx: {password: secret12}}}",
            "accounts: receipt.keep of pbx is longer than store.keep_days (2d)",
        ),
        ("accounts: {pbx: {password: secret12, name: crm}}", 'accounts: "pbx" has a key "name"; delete it'),
        ("store: {url: bridge.db}", "store.url: must be sqlite:///FILE"),
        ("store: {url: 'sqlite:///'}", "store.url: must be sqlite:///FILE"),
        ("web: {public_url: 'https://u:p@host'}", "web.public_url: must be an address such as"),
        ("web: {public_url: 'https://host?x=1'}", "web.public_url: must be an address such as"),
        ("web: {admin_token_file: token}", "web.admin_token_file: cannot be read"),
        ("web: {metrics_token_file: token}", "web.metrics_token_file: cannot be read"),
        ("accounts: {name: {binds: 2}}", "accounts.name: give exactly one of password and password_hash"),
        ("accounts: [pbx]", "accounts: must be a mapping with keys of its own"),
        ("routes: {to: [lab]}", "routes: must be a list, such as [a, b]"),
        (
            "accounts: {pbx: {password: secret12, allow_from: 10.0.0.0/8}}",
            "accounts.pbx.allow_from: must be a list",
        ),
        (
            "accounts: {pbx: {password: secret12, replace_sender: 3}}",
            "accounts.pbx.replace_sender: must be true or",
        ),
        (
            "accounts: {pbx: {password: secret12, profile: nokia}}",
            "accounts.pbx.profile: must be one of kannel, php-smpp, smpplib, aiosmpplib, smpp.pdu, node-smpp",
        ),
        (
            "accounts: {pbx: {password: secret12, profil: kannel}}",
            'accounts.pbx.profil: unknown key; did you mean "profile"?',
        ),
        (
            "accounts: {pbx: {password: secret12, encodings: {0x03: windows}}}",
            "accounts.pbx.encodings.3: must be one of gsm, ",
        ),
        (
            "accounts: {pbx: {password: secret12, encodings: {x: gsm}}}",
            "accounts.pbx.encodings.x: must be a number such as 0x45",
        ),
        (
            "accounts: {pbx: {password: secret12, encodings: {'300': gsm}}}",
            "accounts.pbx.encodings.300: must be at most 255",
        ),
        (
            "accounts: {pbx: {password: secret12, message_id: uuid, message_id_length: 8}}",
            "accounts.pbx.message_id_length: a uuid has 36 characters",
        ),
        (
            "accounts: {pbx: {password: secret12, message_id: hex, message_id_length: 17}}",
            "accounts.pbx.message_id_length: must be 16 at most where message_id is hex",
        ),
        (
            "accounts: {pbx: {password: secret12, message_id: uuid, receipt: {data_coding: 8}}}",
            "accounts.pbx.receipt: the fields do not fit 254 octets of UCS-2",
        ),
        (
            "accounts: {pbx: {password: secret12, septets: packed}}",
            "accounts.pbx.septets: is for GSM 03.38 only: set default_encoding: gsm",
        ),
        (
            "accounts: {pbx: {password: secret12, encodings: {0: cp1251}, gsm_language: turkish}}",
            "accounts.pbx.gsm_language: is for GSM 03.38 only: set default_encoding: gsm",
        ),
        (
            "accounts: {pbx: {password: secret12, receipt: {esm_class: 0x44}}}",
            "accounts.pbx.receipt.esm_class: must not have the bit 0x40",
        ),
        (
            "accounts: {pbx: {password: secret12, receipt: {tlvs: 1}}}",
            "accounts.pbx.receipt.tlvs: must be true, false or standard",
        ),
        (
            "accounts: {pbx: {password: secret12, receipt: {data_coding: true}}}",
            "accounts.pbx.receipt.data_coding: must be a number such as 0x45",
        ),
        (
            "accounts: {pbx: {password: secret12, outbind: {host: 999.1.1.1, password: secret12}}}",
            "accounts.pbx.outbind.host: must be a host name or an IP address",
        ),
        (
            "accounts: {pbx: {password: secret12, receipt: {fields: [id, stat, mood]}}}",
            "accounts.pbx.receipt.fields[2]: must be 'id', 'sub', 'dlvrd', 'submit date', 'done date',",
        ),
        (
            "accounts: {pbx: {password: secret12, receipt: {tlvs: vendor}}}",
            "accounts.pbx.receipt.tlvs: must be true, false or 'standard'",
        ),
        (
            "accounts: {pbx: {password: secret12, outbind: {host: esme}}}",
            "accounts.pbx.outbind.password: is required; add it",
        ),
    ],
)
def test_names_a_mistake(text: str, problem: str) -> None:
    (only,) = problems(text)
    assert only.startswith(problem)


def test_ports_of_different_addresses_and_free_ports_may_be_the_same() -> None:
    text = """
    listen: [{host: 10.0.0.1}, {host: 10.0.0.2}, {port: 0}, {port: 0}]
    web: {port: 0}
    """
    assert parse(MINIMAL + dedent(text), Path("/nowhere"), {}).listen[3].port == 0


def test_tls_files_are_relative_to_the_file_and_must_exist(tmp_path: Path) -> None:
    (tmp_path / "server.pem").touch()
    listen = "listen: [{tls: {cert: server.pem, key: %s}}]"
    assert problems(listen % "server.key", tmp_path) == [
        f"listen[0].tls.key: there is no file {tmp_path / 'server.key'}"
    ]
    config = parse(MINIMAL + listen % "server.pem", tmp_path, {})
    assert config.listen[0].tls is not None
    assert config.listen[0].tls.cert == tmp_path / "server.pem"


def test_the_store_is_relative_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "bridge.yaml"
    file.write_text(MINIMAL + "store: {url: sqlite:///data/x.db}")
    assert load(file, {}).store.url == f"sqlite:///{tmp_path}/data/x.db"
    file.write_text(MINIMAL + "store: {url: sqlite:////var/x.db}")
    assert load(file, {}).store.url == "sqlite:////var/x.db"
    assert StoreConfig(url="sqlite:////tmp/y.db").url == "sqlite:////tmp/y.db"


def test_entries_of_one_account_are_found() -> None:
    providers = """
providers:
  one: {kind: smspilot, apikey: K}
  two: {kind: smspilot, apikey: K}
  other: {kind: smspilot, apikey: L}
  three: {kind: smsc, login: alex, password: P}
  four: {kind: smsc, login: alex, password: Q}
  elsewhere: {kind: smsc, login: alex, password: P, url: "https://smsc.example"}
  five: {kind: sms-assistent, login: alex, password: P}
  six: {kind: sms-assistent, login: alex, password: Q}
  lab: {kind: sandbox}
  lab2: {kind: sandbox}
routes: [{to: [one]}]
"""
    values = yaml.safe_load(MINIMAL) | yaml.safe_load(providers)
    config = parse(json.dumps(values), Path("/nowhere"), {})
    assert config.logins() == [["one", "two"], ["three", "four"], ["five", "six"]]
