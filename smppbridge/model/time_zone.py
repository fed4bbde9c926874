"""Names of time zones, as the configuration has them."""

from datetime import UTC, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from smppbridge.model.settings import mistake


def _time_zone(name: str) -> str:
    try:
        zone_of(name)
    except (ValueError, OSError, KeyError):  # unknown ones are KeyError, directories OSError
        raise mistake("must be a time zone of the IANA database, such as Europe/Minsk or UTC") from None
    return name


def zone_of(name: str) -> tzinfo:
    """The time zone of this name. UTC needs no time zone database."""
    return UTC if name == "UTC" else ZoneInfo(name)


TimeZone = Annotated[str, AfterValidator(_time_zone)]
"""A name of the IANA database, such as Europe/Minsk."""
