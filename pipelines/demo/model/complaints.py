"""What comes in as files: consumer complaints, labour complaints, and disputes."""

from collections.abc import Callable
from datetime import datetime, timedelta

from pipelines.demo.model.case import Case, Message, Revisions, Telling
from pipelines.demo.model.draws import (
    DAYTIME,
    EVENING,
    EVERY_DAY,
    OFFICE,
    WORKING_WEEK,
    Rhythm,
    Slot,
    at_work,
    chance,
    lasting,
)
from pipelines.demo.model.positions import bd09, spoilt
from pipelines.demo.model.street import Street, near
from pipelines.demo.model.texts import DEPARTMENTS, DISPUTES, LABOUR, MARKET
from pipelines.model.milestone import Milestone

MARKET_SOURCE, LABOUR_SOURCE, DISPUTE_SOURCE = "market96315", "labour", "disputes"
MARKET_CALLS = Rhythm(2190, DAYTIME, WORKING_WEEK)
LABOUR_CALLS = Rhythm(545, OFFICE, (1.3, 1.2, 1.2, 1.2, 1.1, 0.0, 0.0))
DISPUTE_REPORTS = Rhythm(1675, EVENING, EVERY_DAY)

_SECONDS, _MINUTES = "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M"


def market(street: Street, slot: Slot) -> list[Case]:
    """Consumer complaints of one hour; they have an address and no position."""
    made = []
    for number, t0 in enumerate(slot.moments(MARKET_CALLS), 1):
        random = slot.random
        category, place = random.choice(list(MARKET)), street.somewhere(random)
        record = Revisions(
            id=f"9631533{slot.local:%Y%m%d%H}{number:03d}",
            reported=_text(t0, slot, _SECONDS),
            category=category,
            subcategory=random.choice(MARKET[category]),
            address=f"{place.address}{place.name}",
            deadline=_text(t0 + timedelta(days=7), slot, _SECONDS),
            unit="市场监管所",
            state="受理",
        )
        life = _Life(record, t0, slot, _SECONDS)
        life.goes_on("accepted", Milestone.ACCEPTED, lasting(random, 1800, 0.8))
        life.ends("resolved", "state", "办结", lasting(random, 11 * 3600, 0.9))
        made.append(life.case(MARKET_SOURCE, "market"))
    return made


def labour(street: Street, slot: Slot) -> list[Case]:
    """Labour complaints of one hour, with times to the minute."""
    made = []
    for number, t0 in enumerate(slot.moments(LABOUR_CALLS), 1):
        random = slot.random
        place = street.somewhere(random)
        record = Revisions(
            id=f"LD{slot.local:%Y%m%d%H}{number:02d}",
            reported=_text(t0, slot, _MINUTES),
            subject=random.choice(LABOUR),
            address=f"{place.address}{place.name}",
            people=random.choice((1, 1, 1, 2, 3, 6)),
            state="已登记",
        )
        life = _Life(record, t0, slot, _MINUTES)
        life.goes_on("accepted", Milestone.ACCEPTED, lasting(random, 3 * 3600, 0.7))
        life.ends("resolved", "state", "结案", lasting(random, 60 * 3600, 0.7))
        made.append(life.case(LABOUR_SOURCE, "labour"))
    return made


def disputes(street: Street, slot: Slot) -> list[Case]:
    """Disputes of one hour, reported by the people of a grid, with the grid's own code."""
    made = []
    for number, t0 in enumerate(slot.moments(DISPUTE_REPORTS), 1):
        random, wrong = slot.random, list[str]()
        category, place = random.choice(list(DISPUTES)), street.somewhere(random)
        at = spoilt(bd09(near(place.point, random, place.room_m)), random, wrong)
        record = Revisions(
            id=f"JF{slot.local:%Y%m%d%H}{number:02d}",
            reported=_text(t0, slot, _MINUTES),
            category=category,
            title=f"{category}：{random.choice(DISPUTES[category])}",
            grid=place.grid if chance(random, 0.9) else "",
            address=f"{place.address}{place.name}",
            lon=str(at.lon),
            lat=str(at.lat),
            unit=random.choice(DEPARTMENTS[2:]),
            state="调解中",
        )
        life = _Life(record, t0, slot, _MINUTES)
        life.telling.wrong.extend(wrong)
        if chance(random, 0.03):
            life.ends("", "state", "撤回", lasting(random, 5 * 3600, 0.6))
        else:
            life.ends("resolved", "state", "已调解", lasting(random, 9 * 3600, 0.9))
        made.append(life.case(DISPUTE_SOURCE, "dispute"))
    return made


class _Life:
    """The life of a complaint: its record, and what is told by it."""

    def __init__(self, record: Revisions, t0: datetime, slot: Slot, pattern: str) -> None:
        self.telling = Telling()
        self._record = record
        self._slot = slot
        self._pattern = pattern
        self._happened = {Milestone.REPORTED: t0}
        self._known = t0 + timedelta(seconds=slot.random.randint(30, 600))
        self._last = self._known
        record.change(self._known)
        self.telling.say(Milestone.REPORTED, t0, self._known)

    def goes_on(self, column: str, milestone: Milestone, after: timedelta) -> None:
        """A milestone is reached, in working hours."""
        at = self._at_work(after)
        self._record.change(at, **{column: _text(at, self._slot, self._pattern)})
        self.telling.say(milestone, at, at)
        self._happened[milestone] = at

    def ends(self, column: str, state: str, word: str, after: timedelta) -> None:
        """It is over; without a column nobody says when, and it was withdrawn."""
        at = self._at_work(after)
        self._record.change(at, **{state: word})
        milestone = Milestone.RESOLVED if column else Milestone.CANCELLED
        if column:
            self._record.change(at, **{column: _text(at, self._slot, self._pattern)})
        self.telling.say(milestone, at if column else None, at)
        self._happened[milestone] = at

    def case(self, source: str, kind: str) -> Case:
        """The case, with a message for each change."""
        rows = list(self._record.rows())
        return Case(
            source=source,
            key=str(rows[0][1]["id"]),
            kind=kind,
            happened=self._happened,
            told=tuple(self.telling.told),
            messages=tuple(Message(at, source, row) for at, row in rows),
            known_from=rows[0][0],
            wrong=tuple(self.telling.wrong),
        )

    def _at_work(self, after: timedelta) -> datetime:
        self._last = at_work(self._last + after, self._slot.zone)
        return self._last


FILES: tuple[Callable[[Street, Slot], list[Case]], ...] = (market, labour, disputes)


def _text(moment: datetime, slot: Slot, pattern: str) -> str:
    return f"{moment.astimezone(slot.zone):{pattern}}"
