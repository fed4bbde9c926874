"""Quiet hours of an account (``quiet``): when nobody's phone is to ring."""

import re
from datetime import datetime, time, timedelta, tzinfo
from typing import Annotated, NamedTuple

from pydantic import PlainValidator, WithJsonSchema

from smppbridge.model.settings import mistake

_DAY = 24 * 60  # minutes
_MINUTE = 60_000  # ms
_WRITTEN = r"([01]?[0-9]|2[0-4])(?::([0-5][0-9]))?-([01]?[0-9]|2[0-4])(?::([0-5][0-9]))?"


class QuietHours(NamedTuple):
    """From one time of the day to another, on the wall clock. They may lie around midnight."""

    begin: int  # minutes since midnight; this minute is quiet
    end: int  # this one is not any more

    def over(self, at: int, zone: tzinfo) -> int:
        """The first moment from ``at`` on that is not quiet, in ms. ``zone``: where the clock hangs.

        Where the clock is put forward past the end, the hours end at that moment. Where it is put back to
        before the end, they end twice.
        """
        local = datetime.fromtimestamp(at / 1000, zone)
        if not self._hold(local):
            return at
        day = local.date() + timedelta(days=local.hour * 60 + local.minute >= self.end)
        end = datetime.combine(day, time(*divmod(self.end, 60)), zone).replace(fold=local.fold)
        over = round(end.timestamp() * 1000)
        while not self._hold(datetime.fromtimestamp((over - _MINUTE) / 1000, zone)):
            over -= _MINUTE  # there is no such time on this day
        return self.over(over, zone)  # where the hour that is missing was the only one not quiet, they go on

    def end_at(self, at: int, zone: tzinfo) -> bool:
        """Whether they end at this very moment (ms)."""
        return self.over(at - 1, zone) == at

    def _hold(self, local: datetime) -> bool:
        minute = local.hour * 60 + local.minute
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end

    def __str__(self) -> str:
        return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in self)


def _quiet_hours(value: object) -> QuietHours:
    if isinstance(value, QuietHours):
        return value
    found = re.fullmatch(_WRITTEN, value.replace(" ", "")) if isinstance(value, str) else None
    if found is None:
        raise mistake('must be hours such as "22-8" or "22:30-8:15"')
    begin, end = (
        int(hour) * 60 + int(minute or 0) for hour, minute in (found.group(1, 2), found.group(3, 4))
    )
    if max(begin, end) > _DAY or begin % _DAY == end % _DAY:
        raise mistake('must be a part of the day, such as "22-8"')
    return QuietHours(begin % _DAY, end % _DAY)


Quiet = Annotated[
    QuietHours,
    PlainValidator(_quiet_hours),
    WithJsonSchema({"type": "string", "pattern": rf"^\s*{_WRITTEN.replace('-(', ' *- *(')}\s*$"}),
]
"""Quiet hours, written as ``22-8`` or ``22:30-8:15``."""
