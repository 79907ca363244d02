"""The hand-over of a shift (交接班): what the next one has to know, and who has said so.

Of the shift that is on duty it shows what is so now; of an earlier one how things stood when it
ended, by the stamps that are known now.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select

from pipelines.door.remarks import RemarkLine, notes_between, pinned, remarks_about
from pipelines.errors import QueryError
from pipelines.figures.groups import Query, in_scope, sees
from pipelines.figures.query import rows as rows_of
from pipelines.figures.shifts import span_at
from pipelines.installation import Installation
from pipelines.model.clock import Verdict
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.model.remark import Act, shift_subject
from pipelines.privacy.clearance import LEAST, Clearance, Writing
from pipelines.privacy.masking import in_rows, words
from pipelines.snapshot import Names, OpenIncident
from pipelines.store import schema
from pipelines.store.buckets import Span
from pipelines.store.store import Reader
from pipelines.wall.open_list import is_open, ranked
from pipelines.wall.stage import shift_at

FILTERS = ("shift",)
OPEN_MOST = 100
_EARLIER = 6
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """An incident of the shift that missed a target, and which."""

    id: str
    kind_names: Names
    shape: str
    grid_names: Names
    t0: datetime
    text: str
    milestone: Milestone
    seconds: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PinnedRow:
    """An incident that somebody pinned, masked."""

    id: str
    kind_names: Names
    shape: str
    grid_names: Names
    t0: datetime
    text: str
    is_closed: bool
    person: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NoteRow:
    """A note of the shift; ``incident`` is the id it is about, empty for one about the shift."""

    incident: str
    kind_names: Names
    person: str
    at: datetime
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Handover:
    """What the page is drawn from. ``as_of`` is now, or when an earlier shift ended.

    ``given`` is the last time the shift was handed over, ``taken`` when it was acknowledged
    after that. ``earlier`` are when the shifts before began. ``writing`` says whether
    whoever looks may say something.
    """

    now: datetime
    next_change_at: datetime | None
    grids_version: str
    time_zone: str
    area_names: Names
    labels: tuple[str, ...]
    shift_names: Names | None
    begins: datetime
    ends: datetime
    as_of: datetime
    is_current: bool
    open: tuple[OpenIncident, ...]
    open_total: int
    pinned: tuple[PinnedRow, ...]
    missed: tuple[Missed, ...]
    notes: tuple[NoteRow, ...]
    given: RemarkLine | None
    taken: RemarkLine | None
    earlier: tuple[datetime, ...]
    writing: Writing
    theme: str = "dark"


def check(filters: Mapping[str, str]) -> None:
    """Raise QueryError when the shift that a URL names is no moment."""
    _asked(filters)


def _asked(filters: Mapping[str, str]) -> datetime | None:
    text = filters.get("shift")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryError(f"shift={text!r} must be when it began, as 2026-11-28T00:00Z") from error
    if moment.tzinfo is None or not 1970 <= moment.year < 2200:
        raise QueryError(f"shift={text!r} must be a moment with its zone, as 2026-11-28T00:00Z")
    return moment


def read_handover(
    reader: Reader,
    installation: Installation,
    filters: Mapping[str, str],
    *,
    now: datetime,
    clearance: Clearance = LEAST,
) -> Handover:
    """The hand-over of the shift on duty, or of the one that a URL names; raises QueryError."""
    desk, settings = installation.desk, installation.settings
    asked = min(_asked(filters) or now, now)
    begins, ends = span_at(asked, desk.shifts, desk.zone)
    is_current = begins <= now < ends
    as_of = now if is_current else ends
    said = remarks_about(reader, shift_subject(begins))
    given = _last(said, Act.HANDED_OVER)
    taken = _last(said, Act.TAKEN_OVER)
    opened = _open(reader, installation, as_of)
    shift = shift_at(begins, settings.wall.shifts, zone=desk.zone)
    return Handover(
        now=now,
        next_change_at=ends if is_current else None,
        grids_version=installation.chart_at(now).cells.version,
        time_zone=str(desk.zone),
        area_names=installation.desk.areas.top.names,
        labels=settings.labels,
        shift_names=None if shift is None else shift.names,
        begins=begins,
        ends=ends,
        as_of=as_of,
        is_current=is_current,
        open=tuple(_as_seen(view, installation, clearance) for view in opened[:OPEN_MOST]),
        open_total=sum(1 for view in opened if not view.is_drill),
        pinned=_pinned(reader, installation, as_of, clearance),
        missed=_missed(reader, installation, (begins, as_of), clearance, is_current=is_current),
        notes=_notes(reader, installation, (begins, as_of), said, clearance),
        given=given,
        taken=taken if given is not None and taken is not None and taken.at >= given.at else None,
        earlier=_earlier(begins, installation),
        writing=clearance.writing(asks_who=settings.asks_who),
    )


def _last(said: Iterable[RemarkLine], act: Act) -> RemarkLine | None:
    found = [line for line in said if line.act is act]
    return found[-1] if found else None


def _earlier(begins: datetime, installation: Installation) -> tuple[datetime, ...]:
    found: list[datetime] = []
    while len(found) < _EARLIER:
        begins, _ = span_at(begins - _MS, installation.desk.shifts, installation.desk.zone)
        found.append(begins)
    return tuple(found)


def _open(reader: Reader, installation: Installation, as_of: datetime) -> list[OpenIncident]:
    """What was open at a moment, by the stamps known now, most urgent first."""
    rows = reader.rows(select(schema.incident).where(is_open(as_of), in_scope(installation.desk)))
    found = [ranked(row, installation, as_of) for row in rows]
    return [item.view for item in sorted(found, key=lambda item: (item.rank, item.view.id))]


def _as_seen(view: OpenIncident, installation: Installation, clearance: Clearance) -> OpenIncident:
    is_sensitive = view.kind in installation.settings.sensitive_kinds
    title, address = words(view.title, view.address, is_sensitive, clearance)
    return replace(view, title=title, address=address, lat=None, lon=None)


def _pinned(
    reader: Reader, installation: Installation, as_of: datetime, clearance: Clearance
) -> tuple[PinnedRow, ...]:
    said = pinned(reader, as_of)
    found = []
    here = (r for r in reader.incidents(said).values() if sees(installation.desk, r.grid))
    for row in here:
        view = _as_seen(ranked(row, installation, as_of).view, installation, clearance)
        line = said[row.id]
        found.append(
            PinnedRow(
                id=row.id,
                kind_names=view.kind_names,
                shape=view.shape,
                grid_names=view.grid_names,
                t0=view.t0,
                text=_text(view.address, view.title),
                is_closed=row.closed_ms is not None,
                person=line.person,
                at=line.at,
            )
        )
    return tuple(sorted(found, key=lambda row: (row.at, row.id), reverse=True))


def _text(address: str | None, title: str | None) -> str:
    return " · ".join(dict.fromkeys(word for word in (address, title) if word))


def _missed(
    reader: Reader,
    installation: Installation,
    span: Span,
    clearance: Clearance,
    *,
    is_current: bool,
) -> tuple[Missed, ...]:
    """Those of the shift that missed a target, by when they began; each target on its own."""
    settings, desk = installation.settings, installation.desk
    found = []
    for milestone in TARGETED:
        query = Query(
            as_of=span[1],
            start=span[0],
            end=None if is_current else span[1],
            milestone=milestone,
            verdict=Verdict.MISS,
        )
        for row in rows_of(reader, query, desk):
            shown = in_rows(row, settings.sensitive_kinds, clearance)
            kind = settings.kinds.get(shown["kind"] or "")
            code = shown["kind"] or "—"
            found.append(
                Missed(
                    id=shown["id"],
                    kind_names=kind.name.as_dict() if kind else {"zh": code, "en": code},
                    shape=kind.shape if kind else "square",
                    grid_names=installation.grids.get(row["grid"]).names if row["grid"] else {},
                    t0=datetime.fromisoformat(shown["t0"]),
                    text=_text(shown["address"], shown["title"]),
                    milestone=milestone,
                    seconds=shown["seconds"],
                )
            )
    return tuple(sorted(found, key=lambda row: (row.t0, TARGETED.index(row.milestone))))


def _notes(
    reader: Reader,
    installation: Installation,
    span: Span,
    said: Sequence[RemarkLine],
    clearance: Clearance,
) -> tuple[NoteRow, ...]:
    """The notes of the shift; of a sensitive incident only for those who may read of it."""
    settings = installation.settings
    about_shift = [line for line in said if line.act is Act.NOTED]
    others = [
        line
        for line in notes_between(reader, span[0], span[1] + _MS)
        if not line.subject.startswith("shift/")
    ]
    known = reader.incidents({line.subject for line in others})
    rows = {key: row for key, row in known.items() if sees(installation.desk, row.grid)}
    others = [line for line in others if line.subject in rows]
    found = []
    for line in sorted([*about_shift, *others], key=lambda line: line.at):
        row = rows.get(line.subject)
        kind = settings.kinds.get(row.kind or "") if row is not None else None
        is_sensitive = row is not None and (row.kind or "") in settings.sensitive_kinds
        found.append(
            NoteRow(
                incident=line.subject if row is not None else "",
                kind_names=kind.name.as_dict() if kind is not None else {},
                person=line.person,
                at=line.at,
                text=line.text if not is_sensitive or clearance.sees_sensitive else "",
            )
        )
    return tuple(found)
