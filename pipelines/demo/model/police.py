"""Police calls: 接警单, 派警单 and 反馈单, as three tables of the police's shared database."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from pipelines.demo.model import hotline
from pipelines.demo.model.case import Case, LeftOut, Message, Revisions, Telling
from pipelines.demo.model.draws import EVENING, LATE_WEEK, Rhythm, Slot, chance, lasting
from pipelines.demo.model.positions import gcj02, spoilt
from pipelines.demo.model.street import Place, Street, near
from pipelines.demo.model.texts import POLICE
from pipelines.demo.model.trips import trip
from pipelines.model.fact import Reason
from pipelines.model.milestone import Milestone

SOURCE = "police110"
EMERGENCIES = Rhythm(186, EVENING, LATE_WEEK)
OTHERS = Rhythm(2920, EVENING, LATE_WEEK)

_EMERGENCY_CODES = ("01", "02", "02", "02", "07", "07")
_OTHER_CODES = ("03", "03", "03", "04", "04", "05", "05")
_UNMAPPED = "99"
_OURS, _NOT_OURS = "330102014000", "330102099000"
_BY_CALL, _BY_PATROL = "1", "6"
_SECOND = timedelta(seconds=1)
_HOUR = timedelta(hours=1)


@dataclass(slots=True)
class _Call:
    """A call while its records are being written."""

    key: str
    code: str
    place: Place
    slot: Slot
    happened: dict[Milestone, datetime]
    jjd: Revisions
    telling: Telling = field(default_factory=Telling)
    rest: list[tuple[str, Revisions]] = field(default_factory=list)
    left_out: LeftOut | None = None
    trip: tuple[Message, ...] = ()

    def stamp(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.slot.zone):%Y-%m-%d %H:%M:%S}"

    def finished(self) -> Case:
        messages = [
            Message(at, SOURCE, {"table": table, **row, "GXSJ": self.stamp(at)})
            for table, record in (("jjd", self.jjd), *self.rest)
            for at, row in record.rows()
        ]
        return Case(
            source=SOURCE,
            key=self.key,
            kind=_kind(self.code),
            happened=self.happened,
            told=tuple(self.telling.told),
            messages=tuple(sorted((*messages, *self.trip), key=lambda message: message.at)),
            known_from=min(message.at for message in messages),
            left_out=self.left_out,
            wrong=tuple(self.telling.wrong),
        )


def cases(street: Street, slot: Slot) -> list[Case]:
    """The calls of one hour, and what the hotline hears of them."""
    random = slot.random
    wanted = [(t0, random.choice(_EMERGENCY_CODES)) for t0 in slot.moments(EMERGENCIES)]
    wanted += [(t0, random.choice(_OTHER_CODES)) for t0 in slot.moments(OTHERS)]
    made: list[Case] = []
    for number, (t0, code) in enumerate(wanted, 1):
        if chance(random, 0.003):
            code = _UNMAPPED
        call = _call(street.somewhere(random), slot, number, t0, code)
        _answer(call, street)
        made.append(call.finished())
        made.extend(_again(call, number))
    return made


def _kind(code: str) -> str | None:
    if code == _UNMAPPED:
        return None
    return "police" if code in _EMERGENCY_CODES else "police_other"


def _call(place: Place, slot: Slot, number: int, t0: datetime, code: str) -> _Call:
    random = slot.random
    telling = Telling()
    at = spoilt(gcj02(near(place.point, random, place.room_m)), random, telling.wrong)
    accepted = t0 + lasting(random, 18, 0.6)
    key = f"3301020{slot.local:%Y%m%d%H}{number:03d}"
    title = random.choice(POLICE[code])
    call = _Call(key, code, place, slot, {Milestone.REPORTED: t0}, Revisions())
    call.telling = telling
    call.happened[Milestone.ACCEPTED] = accepted
    first = accepted + timedelta(seconds=random.randint(2, 8))
    call.jjd = Revisions(
        JJDBH=key,
        BJSJ=call.stamp(t0),
        JQLBDM=f"{code}0100",
        JQDJDM=str(random.choice((1, 2, 2, 3) if _kind(code) == "police" else (3, 3, 4))),
        JQDZ=f"{place.address}{place.name}",
        BJNR=title,
        FXDWJD=str(at.lon),
        FXDWWD=str(at.lat),
        JQLYFS=_BY_CALL,
        GXDWDM=_OURS,
    )
    call.jjd.change(first)
    telling.say(Milestone.REPORTED, t0, first)
    if chance(random, 0.02):
        telling.wrong.append("acceptance not recorded")
    else:
        call.jjd.change(first, JJSJ=call.stamp(accepted))
        telling.say(Milestone.ACCEPTED, accepted, first)
    return call


def _answer(call: _Call, street: Street) -> None:
    random, t0 = call.slot.random, call.happened[Milestone.REPORTED]
    share = random.random()
    if share < 0.03:
        _not_for_us(call, Reason.OTHER_JURISDICTION, GXDWDM=_NOT_OURS)
    elif share < 0.05:
        call.happened |= dict.fromkeys((Milestone.DISPATCHED, Milestone.ARRIVED), t0)
        _not_for_us(call, Reason.PATROL_FOUND, JQLYFS=_BY_PATROL)
    elif share < 0.09:
        _withdrawn_by_caller(call)
    else:
        _dispatch(call, call.happened[Milestone.ACCEPTED] + lasting(random, 35, 0.5))
        _units(call, street, _handed_back(call))


def _not_for_us(call: _Call, reason: Reason, **fields: str) -> None:
    """Left out from the first record on, and over a while later."""
    known = min(told.since for told in call.telling.told)
    over = known + lasting(call.slot.random, 1500, 0.6)
    call.jjd.change(known, **fields)
    call.jjd.change(over, JASJ=call.stamp(over))
    call.left_out = LeftOut(known, reason)
    call.happened[Milestone.RESOLVED] = over
    call.telling.say(Milestone.RESOLVED, over, over)


def _withdrawn_by_caller(call: _Call) -> None:
    random = call.slot.random
    known = min(told.since for told in call.telling.told)
    cancelled = known + lasting(random, 120, 0.8)
    sent = call.happened[Milestone.ACCEPTED] + lasting(random, 35, 0.5)
    if sent < cancelled:
        _dispatch(call, sent)
    call.jjd.change(cancelled, WXBS="1")
    call.happened[Milestone.CANCELLED] = cancelled
    call.telling.say(Milestone.CANCELLED, cancelled, cancelled)


def _dispatch(call: _Call, at: datetime) -> None:
    random, since = call.slot.random, at + timedelta(seconds=3)
    call.happened[Milestone.DISPATCHED] = at
    pjd = Revisions(PJDBH=f"P{call.key}", JJDBH=call.key)
    pjd.change(since)
    call.rest.append(("pjd", pjd))
    if chance(random, 0.015):
        call.telling.wrong.append("dispatch not recorded")
        return
    pjd.change(since, PJSJ=call.stamp(at))
    call.telling.say(Milestone.DISPATCHED, at, since)


def _handed_back(call: _Call) -> datetime:
    """退单: a few are handed back and sent on to others. Returns when those who go were sent."""
    sent, random = call.happened[Milestone.DISPATCHED], Random(call.key)
    if not chance(random, 0.04) or "dispatch not recorded" in call.telling.wrong:
        return sent
    call.telling.wrong.append("returned and sent on")
    back = sent + lasting(random, 45, 0.4)
    again = back + lasting(random, 20, 0.4)
    first = call.rest[-1][1]
    first.change(back, TDSJ=call.stamp(back))
    second = Revisions(PJDBH=f"P{call.key}2", JJDBH=call.key)
    second.change(again + 3 * _SECOND, PJSJ=call.stamp(again))
    call.rest.append(("pjd", second))
    call.happened[Milestone.RETURNED] = back
    call.telling.say(Milestone.RETURNED, back, back)
    return again


def _units(call: _Call, street: Street, sent: datetime) -> None:
    """One unit goes, sometimes two; the incident is over when the last has finished."""
    random = call.slot.random
    slowness = street.slowness(call.place.grid, call.slot.local.hour)
    under_way = sent + lasting(random, 25, 0.5)
    arrived = under_way + lasting(random, 90 * slowness, 0.42)
    resolved = arrived + lasting(random, 1500, 0.6)
    call.happened |= {
        Milestone.EN_ROUTE: under_way,
        Milestone.ARRIVED: arrived,
        Milestone.RESOLVED: resolved,
    }
    unit = street.patrol(call.place.grid)
    fkd = Revisions(FKDBH=f"F{call.key}1", JJDBH=call.key, CLJGDM=unit)
    call.rest.append(("fkd", fkd))
    fkd.change(under_way + 2 * _SECOND, SJCJSJ=call.stamp(under_way))
    call.telling.say(Milestone.EN_ROUTE, under_way, under_way + 2 * _SECOND)
    told = _tell_arrival(call, fkd, arrived)
    over = resolved + timedelta(seconds=random.randint(5, 240))
    if told and chance(random, 0.2):
        resolved, over = _second_unit(call, sent, arrived, resolved, over)
    call.trip = (trip(unit, call.place.point, leaves=under_way, arrives=arrived, over=resolved),)
    fkd.change(over, CLWBSJ=call.stamp(resolved))
    call.telling.say(Milestone.RESOLVED, resolved, over)


def _tell_arrival(call: _Call, fkd: Revisions, arrived: datetime) -> bool:
    """Write the arrival into the feedback, as well as clerks do; whether it stands there."""
    random, wrong = call.slot.random, call.telling.wrong
    share = random.random()
    since = arrived + timedelta(seconds=random.randint(1, 40))
    if share < 0.03:
        wrong.append("arrival not recorded")
        return False
    if share < 0.05:
        # an hour too early: before the report
        wrong.append("arrival typed wrong")
        _say_arrival(call, fkd, arrived - _HOUR, since)
        if chance(random, 0.5):
            wrong.append("arrival corrected")
            _say_arrival(call, fkd, arrived, since + lasting(random, 3600, 0.6))
        return True
    if share < 0.11:
        wrong.append("arrival recorded late")
        since = arrived + lasting(random, 3600, 0.7)
    elif share < 0.13:
        _wrong_feedback(call, arrived, since)
        since += timedelta(seconds=90)
    _say_arrival(call, fkd, arrived, since)
    return True


def _say_arrival(call: _Call, fkd: Revisions, stamp: datetime, since: datetime) -> None:
    fkd.change(since, DDXCSJ=call.stamp(stamp))
    call.telling.say(Milestone.ARRIVED, stamp, since)


def _wrong_feedback(call: _Call, arrived: datetime, since: datetime) -> None:
    """A feedback about another call, taken back a minute later."""
    call.telling.wrong.append("wrong feedback withdrawn")
    early = arrived - 40 * _SECOND
    other = Revisions(FKDBH=f"F{call.key}9", JJDBH=call.key, CLJGDM="squad-99")
    other.change(since, DDXCSJ=call.stamp(early))
    other.change(since + timedelta(seconds=60), SCBS="1")
    call.rest.append(("fkd", other))
    call.telling.say(Milestone.ARRIVED, early, since)
    call.telling.say(Milestone.ARRIVED, None, since + timedelta(seconds=60))


def _second_unit(
    call: _Call, sent: datetime, arrived: datetime, resolved: datetime, over: datetime
) -> tuple[datetime, datetime]:
    """Another unit, a little later; when the first ends at the earliest, and when that is told."""
    random = call.slot.random
    later = arrived + timedelta(seconds=random.randint(20, 300))
    finished = resolved - timedelta(seconds=random.randint(10, 300))
    finished = max(finished, later + _SECOND)
    fkd = Revisions(FKDBH=f"F{call.key}2", JJDBH=call.key, CLJGDM="squad-01")
    fkd.change(sent + 2 * _SECOND, SJCJSJ=call.stamp(sent + _SECOND))
    fkd.change(later + 3 * _SECOND, DDXCSJ=call.stamp(later))
    fkd.change(finished + 5 * _SECOND, CLWBSJ=call.stamp(finished))
    call.rest.append(("fkd", fkd))
    return max(resolved, finished), max(over, finished + 5 * _SECOND)


def _again(call: _Call, number: int) -> Iterator[Case]:
    """Others call about the same: the police again, or the hotline."""
    random, t0 = call.slot.random, call.happened[Milestone.REPORTED]
    if chance(random, 0.06):
        later = t0 + lasting(random, 90, 0.6)
        other = _call(call.place, call.slot, number + 500, later, call.code)
        _not_for_us(other, Reason.MERGED_CHILD, GLZJJDBH=call.key)
        other.telling.wrong.append(f"second call about {call.key}")
        yield other.finished()
    if chance(random, 0.06):
        later = t0 + lasting(random, 400, 0.6)
        yield hotline.a_case(call.place, call.slot, number + 500, later, related=call.key)
