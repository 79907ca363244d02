"""The citizens' hotline 12345: complaints with deadlines, over a web service."""

from datetime import datetime, timedelta

from pipelines.demo.model.case import Case, LeftOut, Message, Revisions, Telling
from pipelines.demo.model.draws import (
    DAYTIME,
    WORKING_WEEK,
    Rhythm,
    Slot,
    at_work,
    chance,
    lasting,
)
from pipelines.demo.model.positions import gcj02, spoilt
from pipelines.demo.model.street import Place, Street, near
from pipelines.demo.model.texts import DEPARTMENTS, HOTLINE
from pipelines.model.fact import Reason
from pipelines.model.milestone import Milestone

SOURCE = "hotline12345"
CALLS = Rhythm(21_840, DAYTIME, WORKING_WEEK)
AHEAD = timedelta(seconds=40)
"""The hotline's clock is ahead of everybody else's."""

_FORMAT = "%Y-%m-%d %H:%M:%S"
_AT_ONCE = 0.68
"""The share of calls that are answered on the telephone."""


def cases(street: Street, slot: Slot) -> list[Case]:
    """The calls of one hour."""
    return [
        a_case(street.somewhere(slot.random), slot, number, t0)
        for number, t0 in enumerate(slot.moments(CALLS), 1)
    ]


def a_case(place: Place, slot: Slot, number: int, t0: datetime, *, related: str = "") -> Case:
    """One call, from the telephone to its end; ``related`` is a police call about the same."""
    random, telling = slot.random, Telling()
    category = random.choice(list(HOTLINE))
    key = f"HZ{slot.local:%Y%m%d%H}{number:04d}"
    fields: dict[str, object] = {
        "caseNo": key,
        "createTime": _text(t0, slot),
        "category": category if not chance(random, 0.01) else "新类别",
        "subCategory": random.choice(HOTLINE[category]),
        "address": f"四季青街道{place.address}{place.name}",
        "state": "办理中",
        "deadline": _text(t0 + timedelta(days=5), slot),
    }
    if related:
        fields["relatedNo"] = related
    if chance(random, 0.7):
        at = spoilt(
            gcj02(near(place.point, random, place.room_m)), random, telling.wrong, share=0.03
        )
        fields |= {"lng": at.lon, "lat": at.lat}
    happened = {Milestone.REPORTED: t0}
    record = Revisions(**fields)
    known = t0 + timedelta(seconds=random.randint(20, 200))
    record.change(known)
    telling.say(Milestone.REPORTED, t0, known)
    readable_from: datetime | None = known
    if chance(random, 0.004):
        readable_from = _unreadable(record, telling, known, slot)
    _go_on(record, telling, happened, slot)
    left_out = LeftOut(known, Reason.MERGED_CHILD) if related else None
    return Case(
        source=SOURCE,
        key=key,
        kind="complaint",
        happened=happened,
        told=tuple(telling.told),
        messages=tuple(
            Message(at, SOURCE, row | {"updateTime": _text(at, slot)}) for at, row in record.rows()
        ),
        known_from=readable_from,
        left_out=left_out,
        wrong=tuple(telling.wrong),
    )


def _unreadable(
    record: Revisions, telling: Telling, known: datetime, slot: Slot
) -> datetime | None:
    """A record without a time it could be; half of them are mended. From when on it is readable."""
    right = _text(telling.told[0].stamp or known, slot)
    record.change(known, createTime="待补录")
    telling.wrong.append("report time unreadable")
    if not chance(slot.random, 0.5):
        return None
    mended = known + lasting(slot.random, 7200, 0.5)
    record.change(mended, createTime=right)
    telling.wrong.append("report time mended")
    return mended


def _go_on(
    record: Revisions, telling: Telling, happened: dict[Milestone, datetime], slot: Slot
) -> None:
    random, t0 = slot.random, happened[Milestone.REPORTED]
    if chance(random, _AT_ONCE):
        _finish(record, telling, happened, t0 + lasting(random, 420, 0.6), slot)
        return
    if chance(random, 0.02):
        cancelled = t0 + lasting(random, 5400, 0.8)
        record.change(cancelled, state="撤销")
        telling.say(Milestone.CANCELLED, None, cancelled)
        happened[Milestone.CANCELLED] = cancelled
        return
    sent = t0 + lasting(random, 900, 0.7)
    taken = at_work(sent + lasting(random, 2400, 0.8), slot.zone)
    record.change(sent, dispatchTime=_text(sent, slot), department=random.choice(DEPARTMENTS))
    record.change(taken, signTime=_text(taken, slot))
    happened |= {Milestone.DISPATCHED: sent, Milestone.ACCEPTED: taken}
    if chance(random, 0.08):
        # 退单: not ours, says the department; another one takes it
        telling.wrong.append("returned and sent on")
        back = taken + lasting(random, 3600, 0.5)
        record.change(back, state="退回", returnTime=_text(back, slot))
        telling.say(Milestone.RETURNED, back, back)
        happened[Milestone.RETURNED] = back
        record.change(
            back + timedelta(minutes=20), state="办理中", department=random.choice(DEPARTMENTS)
        )
    worked = at_work(taken + lasting(random, 6 * 3600, 0.9), slot.zone)
    _finish(record, telling, happened, worked, slot)


def _finish(
    record: Revisions,
    telling: Telling,
    happened: dict[Milestone, datetime],
    at: datetime,
    slot: Slot,
) -> None:
    happened[Milestone.RESOLVED] = at
    since = at + timedelta(seconds=slot.random.randint(10, 300))
    record.change(since, state="办结", finishTime=_text(at, slot))
    telling.say(Milestone.RESOLVED, at, since)


def _text(moment: datetime, slot: Slot) -> str:
    return f"{(moment + AHEAD).astimezone(slot.zone):{_FORMAT}}"
