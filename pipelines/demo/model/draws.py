"""Chance, by seed: how many things happen in an hour, and how long things take."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import exp, log
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)
HOURS_A_YEAR = 365 * 24


class Rhythm(NamedTuple):
    """How often something happens: by year, by hour of the day, by day of the week (Monday first).

    Only the proportions of ``hours`` and ``days`` matter.
    """

    per_year: float
    hours: Sequence[float]
    days: Sequence[float]

    def mean(self, local: datetime) -> float:
        """How often in the hour that begins at a local time."""
        of_day = self.hours[local.hour] / (sum(self.hours) / 24)
        of_week = self.days[local.weekday()] / (sum(self.days) / 7)
        return self.per_year / HOURS_A_YEAR * of_day * of_week


class Slot(NamedTuple):
    """One hour of one stream of events. All its chance comes from its own ``random``."""

    start: datetime
    random: Random
    zone: ZoneInfo

    @property
    def local(self) -> datetime:
        """When the hour begins, local time."""
        return self.start.astimezone(self.zone)

    def moments(self, rhythm: Rhythm) -> list[datetime]:
        """When something happens in this hour, in whole seconds, in order."""
        many = poisson(self.random, rhythm.mean(self.local))
        seconds = self.random.sample(range(3600), many)
        return [self.start + timedelta(seconds=second) for second in sorted(seconds)]


def slot(seed: int, stream: str, start: datetime, zone: ZoneInfo) -> Slot:
    """An hour of a stream: the same for the same seed, whenever the simulation began."""
    number = int(start.timestamp()) // 3600
    return Slot(start, Random(f"{seed}/{stream}/{number}"), zone)


def full_hour(moment: datetime) -> datetime:
    """The full hour at or before a moment."""
    return datetime.fromtimestamp(moment.timestamp() // 3600 * 3600, UTC)


def poisson(random: Random, mean: float) -> int:
    """How often, when ``mean`` is usual (Knuth, The Art of Computer Programming, 3.4.1)."""
    limit, product, many = exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        many += 1
    return many


def lasting(random: Random, median: float, sigma: float) -> timedelta:
    """How long something takes: log-normal about ``median`` seconds, in whole seconds from 1 on."""
    return timedelta(seconds=max(1, round(exp(random.gauss(log(median), sigma)))))


def chance(random: Random, share: float) -> bool:
    """Whether something that happens in this share of cases does."""
    return random.random() < share


def at_work(moment: datetime, zone: ZoneInfo, *, opens: int = 8, closes: int = 20) -> datetime:
    """The moment, or the next morning's when nobody works then; minutes and seconds are kept."""
    local = moment.astimezone(zone)
    if local.hour >= closes:
        local += timedelta(days=1)
    if not opens <= local.hour < closes:
        local = local.replace(hour=opens)
    return local.astimezone(UTC)


DAYTIME = (2, 1, 1, 1, 1, 2, 4, 8, 16, 22, 22, 18, 13, 15, 20, 20, 18, 15, 12, 12, 11, 9, 6, 3)
"""Hour of the day of people who call about something."""
EVENING = (10, 7, 5, 4, 3, 3, 5, 9, 13, 14, 14, 14, 13, 13, 14, 14, 15, 18, 20, 22, 23, 22, 19, 14)
"""Hour of the day of what happens between people."""
OFFICE = (0, 0, 0, 0, 0, 0, 0, 1, 10, 20, 22, 14, 4, 10, 20, 20, 16, 8, 2, 1, 0, 0, 0, 0)
COOKING = (2, 2, 1, 1, 1, 2, 6, 9, 7, 6, 9, 15, 12, 6, 5, 6, 10, 18, 17, 10, 7, 5, 4, 3)
"""Hour of the day of what smoke detectors smell: mostly kitchens."""
WORKING_WEEK = (1.15, 1.12, 1.1, 1.1, 1.08, 0.8, 0.65)
LATE_WEEK = (0.95, 0.93, 0.95, 0.98, 1.1, 1.12, 0.97)
EVERY_DAY = (1.0,) * 7
