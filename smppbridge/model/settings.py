"""Types that several sections of the configuration share."""

import re
from pathlib import Path
from typing import Annotated, NoReturn

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError


class Settings(BaseModel):
    """Base of every section of the configuration. Values never change, and unknown keys are mistakes.

    The text below a field says what its key is for. The JSON Schema shows it to editors.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


def mistake(text: str) -> PydanticCustomError:
    """A validation error with our own words. Validators raise it."""
    return PydanticCustomError("mistake", "{text}", {"text": text})


def not_built(what: str, instead: str) -> PydanticCustomError:
    """A validation error: the key or value is known, but this version cannot do it.

    ``what``: the value in quotes, or ``"this key"``. ``instead``: what to do.
    """
    return PydanticCustomError(
        "not_built", "{what} is not available in this version; {instead}", {"what": what, "instead": instead}
    )


def _refuse(_value: object) -> NoReturn:
    raise not_built("this key", "leave it out")


NotBuilt = SkipJsonSchema[Annotated[None, BeforeValidator(_refuse)]]
"""Type of a key that this version does not have yet. Any value is refused; the schema does not show it."""


def _quoted(value: object) -> object:
    # 12345678 without quotes is a number in YAML: 1e5 or 0x10 would not come back as they were written.
    if isinstance(value, bool | int | float):
        raise mistake("must be text; put it in quotes")
    if value is None or value == "":
        raise mistake("must not be empty")
    return value


def _three_letters(code: str) -> str:
    if not re.fullmatch("[A-Z]{3}", code):
        raise mistake("must be the three capital letters of a currency, such as RUB")
    return code


Currency = Annotated[str, AfterValidator(_three_letters)]
"""A code of ISO 4217. "" stands for none where it is the default."""

Secret = Annotated[SecretStr, BeforeValidator(_quoted)]
"""A secret that is not empty. No repr, log line or error message shows it."""


def number_as_text(value: object) -> object:
    """Turn a number into its digits, which YAML took for a number. Anything else is returned unchanged."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def number_with_base(value: object) -> object:
    """Turn text such as ``0x34`` or ``52`` into a number. YAML reads hexadecimals and keys as text.

    Other values are returned unchanged. Raises a mistake for text that is no number, and for true and false,
    which Python takes for 1 and 0.
    """
    if isinstance(value, bool):
        raise mistake("must be a number such as 0x45")
    if isinstance(value, str):
        try:
            return int(value, 16 if value.lower().startswith("0x") else 10)
        except ValueError:
            raise mistake("must be a number such as 0x45") from None
    return value


Octet = Annotated[int, Field(ge=0, le=255), BeforeValidator(number_with_base)]
"""0..255, also as ``0x04``."""


Text = Annotated[str, BeforeValidator(number_as_text)]
"""Text that may consist of digits: ``375291234567`` without quotes is accepted."""


def _relative_to_file(path: Path, info: ValidationInfo) -> Path:
    """Paths are relative to the configuration file. Values made by the program are taken as they are."""
    if info.context is None:
        return path
    path = info.context["base"] / path
    if not path.is_file():
        raise mistake(f"there is no file {path}")
    return path


File = Annotated[Path, AfterValidator(_relative_to_file)]
