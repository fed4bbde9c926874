"""The key ``tls``: on, off, or with files."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from smppbridge.model.tls_settings import Tls, TlsSetting

setting: TypeAdapter[Tls | None] = TypeAdapter(TlsSetting)


@pytest.mark.parametrize("written", [None, False])
def test_off(written: object) -> None:
    assert setting.validate_python(written) is None


@pytest.mark.parametrize("written", [True, {}])
def test_on_with_all_defaults(written: object) -> None:
    assert setting.validate_python(written) == Tls(ca=None, cert=None, key=None, server_name=None)


def test_with_files() -> None:
    written = {"ca": "ca.pem", "cert": "c.pem", "key": "k.pem", "server_name": "smsc.example.org"}
    found = setting.validate_python(written)
    assert found == Tls(
        ca=Path("ca.pem"), cert=Path("c.pem"), key=Path("k.pem"), server_name="smsc.example.org"
    )


@pytest.mark.parametrize("half", [{"cert": "c.pem"}, {"key": "k.pem"}])
def test_cert_and_key_belong_together(half: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="cert and key belong together; give both or none"):
        setting.validate_python(half)


@pytest.mark.parametrize("wrong", ["yes", 1, ["ca.pem"], {"server_name": ""}, {"wat": 1}])
def test_anything_else_is_a_mistake(wrong: object) -> None:
    with pytest.raises(ValidationError):
        setting.validate_python(wrong)


def test_the_schema_knows_all_three_forms() -> None:
    kinds = [option.get("type", option.get("$ref")) for option in setting.json_schema()["anyOf"]]
    assert kinds == ["#/$defs/Tls", "boolean", "null"]
