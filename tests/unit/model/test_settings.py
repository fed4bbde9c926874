"""Types of the configuration that several sections share: what they take, and in which words they refuse."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from smppbridge.model.settings import (
    Currency,
    File,
    NotBuilt,
    Octet,
    Secret,
    Settings,
    Text,
    mistake,
    not_built,
)


class Section(Settings):
    """One key of each type."""

    text: Text = ""
    secret: Secret | None = None
    octet: Octet = 0
    currency: Currency = ""
    file: File | None = None
    later: NotBuilt = None


def section(base: Path | None = None, **keys: object) -> Section:
    return Section.model_validate(keys, context=None if base is None else {"base": base})


def refused(base: Path | None = None, **keys: object) -> tuple[str, str]:
    """Kind and words of the one mistake in ``keys``."""
    with pytest.raises(ValidationError) as caught:
        section(base, **keys)
    ((kind, words),) = [(one["type"], one["msg"]) for one in caught.value.errors()]
    return kind, words


def test_unknown_keys_are_mistakes_and_nothing_changes_afterwards() -> None:
    assert refused(wat=1)[0] == "extra_forbidden"
    with pytest.raises(ValidationError, match="frozen"):
        section().text = "other"


def test_errors_do_not_show_what_was_given() -> None:
    with pytest.raises(ValidationError) as caught:
        section(octet="hunter2")
    assert "hunter2" not in str(caught.value)


def test_own_words() -> None:
    assert mistake("say {this}").message() == "say {this}"
    error = not_built('"postgresql"', "use sqlite:///FILE")
    assert error.message() == '"postgresql" is not available in this version; use sqlite:///FILE'
    assert (mistake("x").type, error.type) == ("mistake", "not_built")


@pytest.mark.parametrize("value", ["x", None, False, 0])
def test_a_key_that_is_not_built_is_refused_whatever_it_holds(value: object) -> None:
    assert refused(later=value) == (
        "not_built",
        "this key is not available in this version; leave it out",
    )
    assert "later" not in Section.model_json_schema()["properties"]


def test_a_secret_is_text_that_never_shows() -> None:
    found = section(secret="hunter2")
    assert found.secret is not None
    assert found.secret.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize("value", [12345678, 1.5, True, False, 0])
def test_a_secret_without_quotes_may_not_be_what_was_written(value: object) -> None:
    assert refused(secret=value) == ("mistake", "must be text; put it in quotes")


def test_a_secret_must_not_be_empty() -> None:
    required = TypeAdapter(Secret)
    for empty in ("", None):
        with pytest.raises(ValidationError, match="must not be empty"):
            required.validate_python(empty)


@pytest.mark.parametrize(
    ("value", "text"), [("abc", "abc"), (375291234567, "375291234567"), (0, "0"), (-7, "-7")]
)
def test_digits_are_text_too(value: object, text: str) -> None:
    assert section(text=value).text == text


@pytest.mark.parametrize("value", [True, 1.5, ["a"], None])
def test_what_is_no_text(value: object) -> None:
    assert refused(text=value)[0] == "string_type"


@pytest.mark.parametrize(
    ("value", "octet"), [(0, 0), (255, 255), ("0x04", 4), ("0XfF", 255), ("17", 17), ("0", 0)]
)
def test_an_octet_in_either_base(value: object, octet: int) -> None:
    assert section(octet=value).octet == octet


@pytest.mark.parametrize("value", ["", "x", "0x", "0xg", "1.5", True, False])
def test_what_is_no_number(value: object) -> None:
    assert refused(octet=value) == ("mistake", "must be a number such as 0x45")


@pytest.mark.parametrize(("value", "kind"), [(-1, "greater_than_equal"), ("0x100", "less_than_equal")])
def test_what_is_no_octet(value: object, kind: str) -> None:
    assert refused(octet=value)[0] == kind


def test_files_are_relative_to_the_configuration_and_must_exist(tmp_path: Path) -> None:
    (tmp_path / "here.pem").touch()
    (tmp_path / "folder").mkdir()
    assert section(tmp_path, file="here.pem").file == tmp_path / "here.pem"
    assert section(tmp_path / "elsewhere", file=str(tmp_path / "here.pem")).file == tmp_path / "here.pem"
    for missing in ("none.pem", "folder"):
        assert refused(tmp_path, file=missing) == ("mistake", f"there is no file {tmp_path / missing}")


def test_files_of_a_program_are_taken_as_they_are() -> None:
    assert section(file="none.pem").file == Path("none.pem")


@pytest.mark.parametrize("code", ["rub", "RU", "RUBL", "RUB\n", "РУБ", ""])
def test_currency(code: str) -> None:
    assert section(currency="BYN").currency == "BYN"
    assert refused(currency=code) == (
        "mistake",
        "must be the three capital letters of a currency, such as RUB",
    )
