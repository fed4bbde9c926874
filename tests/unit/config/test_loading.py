"""The configuration as a whole: what loads, every mistake at once, and the schema of it all."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from smppbridge.config.loading import load, parse, schema
from smppbridge.config.sections import Config
from smppbridge.errors import ConfigError
from smppbridge.model.profiles import PROFILES
from smppbridge.model.services import SERVICES
from tests.unit.config.minimal import MINIMAL, problems

KINDS = "sandbox, smpp, sms-assistent, smsc, smspilot, webhook"


def test_every_mistake_is_reported_at_once() -> None:
    assert problems(
        """
        listen: [{port: 99999}]
        web: {public_url: sms.example.org, admin_token: x, secret: "${UNSET}"}
        store: {url: "postgresql://u:p@h/d", keep_days: 0}
        smpp: {bind_timeout: 0s, wat: 1, system_id: far too long a name}
        accounts:
          pbx: {password: secret12, windw: 3, window: 0, binds: many, mode: twice, uncertain: maybe}
          two: hello
          a_name_of_16_oct: {password: secret12, allow_from: [10.0.0.1/8]}
          bare: {}
        providers:
          lab: {kind: sandbox, delay: soon}
          pilot: {kind: smspilot, schedule: there, batch: 5000}
          centre: {kind: smpp, system_id: alex, window: 0}
          other: {kind: carrier-pigeon}
          none: {}
          Big Name: {kind: sandbox}
        routes:
          - {account: nobody, destination: "+7", to: [lab, nowhere]}
          - {to: []}
        inbound:
          - {provider: nowhere, number: 79021234567, to: nobody}
          - {keyword: STOP NOW, to: []}
        log: {level: loud}
        zzz: 1
        """
    ) == [
        "web.secret: the environment variable UNSET is not set; set it, or write ${UNSET:-default}",
        'routes[0].account: "nobody" is not in accounts; known there: pbx, two, a_name_of_16_oct, bare',
        'routes[0].to: "nowhere" is not in providers; known there: lab, pilot, centre, other, none, Big Name',
        'inbound[0].provider: "nowhere" is not in providers; known there: lab, pilot, centre, other, none,'
        " Big Name",
        'inbound[0].to: "nobody" is not in accounts; known there: pbx, two, a_name_of_16_oct, bare',
        "listen[0].port: must be between 0 and 65535 (got 99999)",
        "web.public_url: must be an address such as https://sms.example.org, without user, query and"
        " fragment",
        "web.admin_token: this key is not available in this version; leave it out",
        "store.url: postgresql is not available in this version; use sqlite:///FILE",
        "store.keep_days: must be between 1 and 3650 (got 0)",
        "smpp.system_id: a system_id must have 1 to 15 printable ASCII characters, no spaces",
        'smpp.bind_timeout: must be more than 0 (got "0s")',
        "smpp.wat: unknown key; known here: system_id, bind_timeout, enquire_link, inactivity,"
        " response_timeout, max_pdu_octets",
        'accounts.pbx.binds: must be a whole number (got "many")',
        "accounts.pbx.window: must be between 1 and 10000 (got 0)",
        "accounts.pbx.mode: must be 'queued' or 'sync' (got \"twice\")",
        "accounts.pbx.uncertain: must be 'hold', 'resend' or 'fail' (got \"maybe\")",
        'accounts.pbx.windw: unknown key; did you mean "window"?',
        "accounts.two: must be a mapping with keys of its own",
        "accounts.a_name_of_16_oct: a system_id must have 1 to 15 printable ASCII characters, no spaces",
        "accounts.a_name_of_16_oct.allow_from[0]: must be an IP address or network, clear the host bits",
        "accounts.bare: give exactly one of password and password_hash",
        "providers.lab.delay: must be a duration such as 30s, 5m, 2h, 3d, 250ms, or a number of seconds",
        "providers.pilot.batch: must be between 1 and 1000 (got 5000)",
        "providers.pilot.schedule: must be 'local' or 'provider' (got \"there\")",
        "providers.pilot.apikey: is required; add it",
        "providers.centre.password: is required; add it",
        "providers.centre.window: must be between 1 and 1000 (got 0)",
        f'providers.other.kind: must be one of {KINDS} (got "carrier-pigeon")',
        f"providers.none.kind: is required; add one of {KINDS}",
        "providers.Big Name: the name must have 1 to 32 characters of a-z, 0-9, _ and -",
        'routes[0].destination[0]: must be the first digits of an international number, without "+", such as'
        ' "37529"',
        "routes[1].to: must have at least one entry",
        "inbound[1].keyword[0]: must be one word, such as STOP",
        "inbound[1].to: must have at least one entry",
        "log.level: must be 'debug', 'info', 'warning' or 'error' (got \"loud\")",
        "zzz: unknown key; known here: listen, web, store, smpp, accounts, providers, routes, inbound, log,"
        " drain",
    ]


@pytest.mark.parametrize("section", ["accounts", "providers", "routes"])
def test_sections_that_must_be_there(section: str) -> None:
    values = yaml.safe_load(MINIMAL)
    for empty in (type(values[section])(), None):
        assert any(problem.startswith(f"{section}: ") for problem in problems(json.dumps({section: empty})))
    del values[section]
    with pytest.raises(ConfigError, match=f"{section}: is required; add it"):
        parse(json.dumps(values), Path("/nowhere"), {})


def test_values_from_the_environment_fit_any_type() -> None:
    text = """
    listen: [{port: "${PORT}"}]
    smpp: {enquire_link: "${PERIOD:-45s}"}
    accounts: {pbx: {password: "${PW}", replace_sender: "${YES}", default_sender: A}}
    """
    values = yaml.safe_load(MINIMAL) | yaml.safe_load(text)
    config = parse(json.dumps(values), Path("/nowhere"), {"PORT": "2000", "PW": "12345678", "YES": "true"})
    assert config.listen[0].port == 2000
    assert config.smpp.enquire_link == 45.0
    assert config.accounts["pbx"].password is not None
    assert config.accounts["pbx"].password.get_secret_value() == "12345678"
    assert config.accounts["pbx"].replace_sender


def test_no_message_shows_a_secret(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hunter2 hunter2")
    found = problems(
        """
        listen: [{port: "${SECRET}"}]
        web: {secret: [hunter2]}
        accounts:
          one: {password: hunter2 hunter2}
          two: {password_file: file}
          three: {password_hash: hunter2}
          four: {password: {hunter2: 1}}
          five: hunter2
          six: {password: ok, mode: "${SECRET}", window: "${SECRET}"}
        providers:
          lab: {kind: "${SECRET}"}
          pilot: {kind: smspilot, apikey: [hunter2], url: "http://hunter2@x"}
        routes: [{account: "${SECRET}", to: ["${SECRET}"]}]
        log: {level: "${SECRET}"}
        """,
        tmp_path,
        SECRET="hunter2",
    )
    assert len(found) == 15
    assert "hunter2" not in "\n".join(found)


def test_a_sender_from_the_environment_is_not_quoted(tmp_path: Path) -> None:
    text = """
        accounts: {pbx: {password: secret12, senders: ["${NAME} of the hill"]}}
        providers: {pilot: {kind: smspilot, apikey: ABCDEFGHIJKLMNOP1234567890}}
        routes: [{to: [pilot]}]
        """
    (found,) = problems(text, tmp_path, NAME="Hunter")
    assert "accounts.pbx.senders: provider pilot does not take it" in found
    assert "Hunter" not in found


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: No such file"):
        load(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    with pytest.raises(ConfigError, match=r"latin\.yaml: must be UTF-8 text"):
        load(tmp_path / "latin.yaml")


def resolve(whole: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = whole["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return found


def test_every_mistake_has_its_line() -> None:
    text = """\
accounts:
  pbx: &pbx
    password: secret12
    binds: many
  lift:
    mode: queud
    <<: *pbx
    binds: 2
    services: [HLR,
      PINGG]
providers:
  pilot: {kind: smspilot}
  lab: {kind: sandbox}
  link:
    kind: smpp
    system_id: us
    password: secret
    host: smsc.example.org
    interface_version: 0x33
    long: sar
routes:
  - to: [lab]
  - to:
    - pilto
"""
    with pytest.raises(ConfigError) as caught:
        parse(text, Path("/nowhere"))
    assert caught.value.problems == [
        'line 4: accounts.pbx.binds: must be a whole number (got "many")',
        "line 6: accounts.lift.mode: must be 'queued' or 'sync' (got \"queud\"); did you mean \"queued\"?",
        f'line 10: accounts.lift.services[1]: must be one of {", ".join(SERVICES)}; did you mean "PING"?',
        "line 12: providers.pilot.apikey: is required; add it",
        "line 20: providers.link: long: sar needs optional parameters, which SMPP 3.3 does not have",
        'line 23: routes[1].to: "pilto" is not in providers; did you mean "pilot"?',
    ]


def test_the_schema_knows_what_the_file_may_hold() -> None:
    whole = schema()
    json.dumps(whole)
    assert set(whole["properties"]) == set(Config.model_fields)
    account = resolve(whole, whole["properties"]["accounts"]["additionalProperties"])
    assert {"password", "password_file", "password_hash_file", "receipt"} <= set(account["properties"])
    assert "name" not in account["properties"]
    assert account["additionalProperties"] is False
    assert set(account["properties"]["profile"]["anyOf"][0]["enum"]) == set(PROFILES)
    assert "password_file" in whole["$defs"]["CallOut"]["properties"]
    pilot = whole["$defs"]["SmspilotOptions"]
    assert "apikey_file" in pilot["properties"]
    assert pilot["required"] == ["kind"]


def test_the_schema_says_what_every_key_is_for() -> None:
    whole = schema()
    described = {
        f"{name}.{key}": node.get("description", "")
        for name, section in [("file", whole), *whole["$defs"].items()]
        for key, node in section.get("properties", {}).items()
    }
    assert [key for key, text in described.items() if not re.fullmatch(r"[^\n]+[.]", text)] == []
    assert described["Account.rate"] == "Requests per second (a submit_multi: destinations); 0: no limit."
    assert described["Account.password_file"] == "File that holds password."


def test_the_schema_for_editors_changes_nothing_for_the_next_file() -> None:
    """It takes keys out that a file with ``_file`` need not have."""
    schema()["$defs"].clear()
    assert schema()["$defs"]
    assert (
        problems("providers: {pilot: {kind: smspilot}}")[-1] == "providers.pilot.apikey: is required; add it"
    )
