"""Looking after the store: making the figures anew from the facts, and proving them right."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Table

from pipelines.door.books import Books
from pipelines.figures.groups import Desk
from pipelines.geo.placing import placed
from pipelines.model.incident import fold
from pipelines.store import schema
from pipelines.store.store import Reader, Store, Writer, scratch_store
from pipelines.store.volumes import wrong_days
from pipelines.upkeep.binding import bind_all, wrong_sums

CHUNK = 1000
DIFFERENCES_SHOWN = 20
_POSTED = 50 * CHUNK
"""After how many incidents the rollups are written: they come in no order of time."""

Progress = Callable[[int, int], None]
"""Told after every chunk: how many incidents are done, of how many."""


def _quietly(done: int, of: int) -> None:
    """Nobody is watching."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What comparing the store with its facts came to; ``differences`` shows the first."""

    incidents: int
    cells: int
    wrong: int
    differences: tuple[str, ...] = field(default=())


def rebuild(store: Store, desk: Desk, progress: Progress = _quietly) -> int:
    """Make incidents and rollups anew from reports and facts; return how many incidents.

    One transaction: broken off, everything is as it was.
    """
    with store.writing() as writer:
        writer.take_time()
        writer.clear(*_MADE, schema.volume, schema.stratum, schema.stratified)
        made = _make(writer, writer, desk, progress)
        bind_all(writer, desk)
        return made


def verify(store: Store, desk: Desk, progress: Progress = _quietly) -> Verification:
    """Make everything anew from the facts, elsewhere, and compare; change nothing."""
    with scratch_store() as anew, store.reading() as reader, anew.writing() as writer:
        incidents = _make(reader, writer, desk, progress)
        found = [_compare(reader, writer, table) for table in _MADE]
        found.append([f"{schema.volume.name} {day}" for day in wrong_days(reader)])
        found.append([f"{schema.stratum.name} {sums}" for sums in wrong_sums(reader, desk)])
        cells = writer.count(schema.rollup) + writer.count(schema.sheet)
    wrong = [difference for differences in found for difference in differences]
    return Verification(
        incidents=incidents,
        cells=cells,
        wrong=len(wrong),
        differences=tuple(wrong[:DIFFERENCES_SHOWN]),
    )


_MADE = (schema.incident, schema.rollup, schema.sheet)


def _make(reader: Reader, writer: Writer, desk: Desk, progress: Progress) -> int:
    """Make every incident and the rollups, from the reports of one store into another."""
    books = Books(desk.rules, desk.zone)
    ids = reader.report_incidents()
    for i in range(0, len(ids), CHUNK):
        said = reader.statements(ids[i : i + CHUNK])
        incidents = placed([fold(statements) for statements in said.values()], desk.grids)
        writer.put(schema.incident, [books.enter(incident) for incident in incidents])
        done = min(i + CHUNK, len(ids))
        if done == len(ids) or done % _POSTED == 0:
            books.write(writer)
        progress(done, len(ids))
    return len(ids)


def _compare(reader: Reader, right: Reader, table: Table) -> list[str]:
    """What is wrong with a table, row by row in the order of its key."""
    keys = len(table.primary_key)
    wrong: list[str] = []
    stored, made = reader.stream(table), right.stream(table)
    ours, theirs = next(stored, None), next(made, None)
    while ours is not None or theirs is not None:
        if ours == theirs:
            ours, theirs = next(stored, None), next(made, None)
            continue
        mine = ours[:keys] if ours is not None else None
        due = theirs[:keys] if theirs is not None else None
        key = min(key for key in (mine, due) if key is not None)
        wrong.append(f"{table.name} {' '.join(str(part) for part in key)}")
        if mine == key:
            ours = next(stored, None)
        if due == key:
            theirs = next(made, None)
    return wrong
