"""Looking after the store: making the figures anew from the facts, and proving them right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pipelines.books import Books
from pipelines.geo.placing import placed
from pipelines.model.incident import Incident, fold
from pipelines.query import Desk
from pipelines.store import schema
from pipelines.store.rows import IncidentRow
from pipelines.store.store import Reader, Store

CHUNK = 1000
DIFFERENCES_SHOWN = 20

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
    books = Books(desk.rules, desk.zone)
    with store.writing() as writer:
        writer.clear(schema.incident, schema.rollup)
        ids = writer.report_incidents()
        for incidents in _folded(writer, ids, desk, progress):
            writer.put(schema.incident, [books.enter(incident) for incident in incidents])
        writer.add_tallies(books.deltas)
    return len(ids)


def verify(store: Store, desk: Desk, progress: Progress = _quietly) -> Verification:
    """Count everything anew from the facts and compare; change nothing."""
    books = Books(desk.rules, desk.zone)
    wrong: list[str] = []
    with store.reading() as reader:
        ids = reader.report_incidents()
        for incidents in _folded(reader, ids, desk, progress):
            stored = reader.incidents([incident.id for incident in incidents])
            rows = [books.enter(incident) for incident in incidents]
            wrong += [f"incident {r.id}" for r in rows if _differs(r, stored.pop(r.id, None))]
        extra = reader.count(schema.incident) - len(ids)
        if extra:
            wrong.append(f"{extra} incidents without a report")
        cells = dict(reader.cells())
    right = books.deltas
    names = sorted(cells.keys() | right.keys(), key=str)
    wrong += [f"rollup {cell}" for cell in names if cells.get(cell) != right.get(cell)]
    return Verification(
        incidents=len(ids),
        cells=len(right),
        wrong=len(wrong),
        differences=tuple(wrong[:DIFFERENCES_SHOWN]),
    )


def _differs(row: IncidentRow, stored: object) -> bool:
    return stored is None or tuple(row) != tuple(stored)  # type: ignore[arg-type]


def _folded(
    reader: Reader, ids: list[str], desk: Desk, progress: Progress
) -> Iterator[list[Incident]]:
    for i in range(0, len(ids), CHUNK):
        said = reader.statements(ids[i : i + CHUNK])
        yield placed([fold(statements) for statements in said.values()], desk.grids)
        progress(min(i + CHUNK, len(ids)), len(ids))
