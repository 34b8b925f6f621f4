"""Calendar arithmetic: months that clamp, quarters, weeks, and stretches of days with both ends included. Pure."""

import calendar
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

FOREVER = dt.date.max


@dataclass(frozen=True, order=True)
class Period:
    """From `start` to `end`, both days included."""

    start: dt.date
    end: dt.date = FOREVER

    def __contains__(self, day: dt.date) -> bool:
        return self.start <= day <= self.end

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    def overlap(self, other: "Period") -> "Period | None":
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start <= end else None

    def covers(self, other: "Period") -> bool:
        return self.start <= other.start and other.end <= self.end


YEARS = range(1900, 2201)  # round these the calendar has no edge for the arithmetic to fall over


def asked_day(text: str) -> dt.date | None:
    """The day that somebody asks about, such as 2026-03-31; None where it is none, or in no year of ours."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in YEARS else None


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day of a later month; a day that the month lacks becomes its last (31 January + 1 month is 28 February)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def last_valid_day(start: dt.date, months: int) -> dt.date:
    """The last day, inclusive, of something valid for so many calendar months from `start`.

    It is the day before the same day of the later month: 12 months from 12 February 2023 end on 11 February 2024.
    Where that month has no such day, its own last day is the last: 12 months from 29 February 2024 end on 28 February 2025.
    """
    same_day = add_months(start, months)
    return same_day if same_day.day < start.day else same_day - dt.timedelta(days=1)


def quarter(day: dt.date) -> Period:
    """The calendar quarter that holds the day."""
    start = dt.date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    return Period(start, add_months(start, 3) - dt.timedelta(days=1))


def week(day: dt.date) -> Period:
    """The week, Monday to Sunday, that holds the day."""
    monday = day - dt.timedelta(days=day.weekday())
    return Period(monday, monday + dt.timedelta(days=6))


def merged(periods: Iterable[Period]) -> list[Period]:
    """The same days with the fewest periods, in order; periods that touch become one."""
    result: list[Period] = []
    for period in sorted(periods):
        last = result[-1] if result else None
        if last and (last.end == FOREVER or period.start <= last.end + dt.timedelta(days=1)):
            result[-1] = Period(last.start, max(last.end, period.end))
        else:
            result.append(period)
    return result


def say(day: dt.date) -> str:
    """ "12 May 2026", for sentences."""
    return f"{day.day} {day:%B %Y}"


def say_near(day: dt.date, on: dt.date) -> str:
    """ "Tue 12 May" within half a year of `on`, else "12 May 2027": for cells."""
    return f"{day:%a} {day.day} {day:%b}" if abs((day - on).days) <= 183 else f"{day.day} {day:%b %Y}"


def say_quarter(period: Period) -> str:
    return f"{period.start:%B} to {period.end:%B %Y}"
