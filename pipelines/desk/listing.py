"""The list behind a board: exactly the incidents it counts, a page at a time.

By their beginning, by verdict and by duration a page is found from the census alone: it says when
the incidents of the page began, and only those are read. In any other order, and for a search, the
ids are put in order once and kept for the pages that follow.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from threading import Lock
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, UnaryExpression, case, select

from pipelines.desk.board_filters import DEFAULT_SORT, Asked
from pipelines.desk.judged_order import JUDGED, VERDICT, JudgedOrder
from pipelines.figures.census import Chosen, Numbers
from pipelines.figures.groups import Desk, Query, matches
from pipelines.figures.query import Case, conditions, outcome_of, row_of
from pipelines.installation import Installation
from pipelines.model.area import AreaLevel
from pipelines.model.clock import Verdict
from pipelines.privacy.clearance import Clearance
from pipelines.privacy.masking import in_rows
from pipelines.snapshot import Names
from pipelines.store import schema
from pipelines.store.rows import incident_from, to_ms
from pipelines.store.search import candidates, containing, count_found, sought_in
from pipelines.store.sheets import Slot
from pipelines.store.store import Reader

SOUGHT_MOST = 10_000
"""A search lists so many incidents, the newest; who wants others says more."""

_AT_ONCE = 500
_ORDERS_MOST = 2_000_000
_ROWS_MOST = 4_000

Row = dict[str, Any]


def _itself(code: str) -> Names:
    return {"zh": code, "en": code} if code else {}


class OrderMemory:
    """Ids in an order that took work to find, until they are others."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Numbers] = OrderedDict()
        self._lock = Lock()

    def get(self, name: str) -> Numbers | None:
        """The order of this name, if it is known."""
        with self._lock:
            return self._kept.get(name)

    def keep(self, name: str, ids: Numbers) -> None:
        """Keep an order; let the oldest go when there are too many ids."""
        with self._lock:
            self._kept[name] = ids
            while len(self._kept) > 1 and sum(map(len, self._kept.values())) > _ORDERS_MOST:
                self._kept.popitem(last=False)


class RowMemory:
    """Rows as they are shown, for as long as neither they nor what is said of them changes.

    The newest incidents of a list are looked at with every change of the store, and all but one
    of them are as they were. Only what has settled is kept: nothing else stays as it is.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[Any, Row]] = OrderedDict()
        self._lock = Lock()

    def get(self, what: Hashable, row: Any) -> Row | None:
        """What was shown for this very row, if that is known."""
        with self._lock:
            known = self._kept.get(what)
            if known is not None:
                self._kept.move_to_end(what)
        return known[1] if known is not None and known[0] == row else None

    def keep(self, what: Hashable, row: Any, shown: Row) -> None:
        """Keep what a row is shown as; let the oldest go when there are too many."""
        with self._lock:
            self._kept[what] = (row, shown)
            self._kept.move_to_end(what)
            if len(self._kept) > _ROWS_MOST:
                self._kept.popitem(last=False)


def listed(here: Chosen, asked: Asked) -> Chosen:
    """Those of a board's incidents that its list shows: with the verdict that is asked for."""
    query = asked.query
    if query.verdict is None:
        return here
    return here.with_verdict(query.verdict, query.milestone, query.reading)


def read_listing(
    reader: Reader,
    installation: Installation,
    asked: Asked,
    here: Chosen,
    *,
    memory: OrderMemory,
    rows: RowMemory,
    clearance: Clearance,
) -> "Listing":
    """The list of a board, of which ``here`` are all incidents, as ``clearance`` may see it."""
    chosen = listed(here, asked)
    return Listing(_Source(reader, installation, asked, chosen, clearance, rows), memory)


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """What a list is read from."""

    reader: Reader
    installation: Installation
    asked: Asked
    chosen: Chosen
    clearance: Clearance
    rows: RowMemory

    @property
    def query(self) -> Query:
        """The question, as of the moment of the census."""
        return replace(self.asked.query, as_of=self.chosen.census.as_of)

    def judged(self, rows: Sequence[Any]) -> Iterator[Row]:
        """Rows of the store that belong to the list, as a viewer may see them."""
        desk, query = self.installation.desk, self.query
        silent = desk.silent(self.reader, query.as_of)
        begin_ms, end_ms = (to_ms(bound) for bound in query.window)
        as_of_ms = to_ms(query.as_of)
        for row in rows:
            if not (begin_ms <= row.t0_ms < end_ms and _passes(row, query, desk)):
                continue
            clock = (query.milestone, query.reading, row.source in silent)
            what = (row.id, *clock, self.clearance)
            shown = self.rows.get(what, row)
            if shown is None:
                incident = incident_from(row)
                outcome = outcome_of(incident, query, desk, silent)
                told = row_of(Case(incident, row.units, row.flagged), outcome, desk)
                sensitive = self.installation.settings.sensitive_kinds
                shown = self._named(in_rows(told, sensitive, self.clearance))
                if row.settles_ms <= as_of_ms:
                    self.rows.keep(what, row, shown)
            if query.verdict is None or shown["verdict"] == query.verdict:
                yield {**shown, "as_of": query.as_of}

    def _named(self, row: Row) -> Row:
        """The row with what its codes are called, by language."""
        settings, grids = self.installation.settings, self.installation.grids
        code = row["kind"] or ""
        kind = settings.kinds.get(code)
        grid = grids.get(row["grid"])
        community = self.installation.desk.areas.get(row["community"])
        names = {source.id: source.names for source in self.installation.sources}
        return {
            **row,
            "kind_names": kind.name.as_dict() if kind else _itself(code),
            "shape": str(kind.shape) if kind else "square",
            "grid_names": grid.names if row["grid"] else {},
            "community_names": {} if community is None else community.names,
            "source_names": names.get(row["source"]) or _itself(row["source"]),
            "time_zone": str(self.installation.desk.zone),
        }


class Listing:
    """The incidents of one list, in order. It is good while the reader it came from is."""

    def __init__(self, source: _Source, memory: OrderMemory) -> None:
        self._source = source
        self._memory = memory
        asked = source.asked
        of_census = source.chosen.token()
        name = asked.sort.removeprefix("-")
        self._by_start = asked.sought is None and name == "t0"
        eyes = source.clearance.role  # what can be found depends on what is masked
        query = asked.query
        clock = f"{query.milestone} {query.reading} {query.verdict}"
        what = f"{of_census} {asked.sort} {asked.sought or ''} {clock} {eyes}"
        self.token = blake2b(what.encode(), digest_size=8).hexdigest()
        self._judged: JudgedOrder | None = None
        if asked.sought is None and name in JUDGED:
            self._judged = JudgedOrder(source.chosen, query, asked.sort)
        by_census = self._by_start or self._judged is not None
        self._ids = None if by_census else self._ordered()

    @property
    def as_of(self) -> datetime:
        """The moment it speaks for."""
        return self._source.chosen.census.as_of

    @property
    def total(self) -> int:
        """How many incidents it has."""
        return len(self._source.chosen) if self._ids is None else len(self._ids)

    @property
    def is_cut(self) -> bool:
        """Whether a search found more than are listed."""
        return self._source.asked.sought is not None and self.total >= SOUGHT_MOST

    def page(self, offset: int, limit: int) -> list[Row]:
        """Some of its rows, masked."""
        if self._judged is not None:
            piece = self._judged.piece(offset, limit)
            rows = self._began_at(piece.moments, keep=offset == 0)
            return self._judged.page(piece, self._source.judged(rows), offset, limit)
        if self._ids is None:
            return self._page_by_start(offset, limit)
        wanted = [name.decode() for name in self._ids[offset : offset + limit].tolist()]
        found = self._source.reader.incidents(wanted)
        rows = [found[name] for name in wanted if name in found]
        return list(self._source.judged(rows))

    def each(self) -> Iterator[Row]:
        """All of its rows, read a few at a time."""
        for offset in range(0, self.total, _AT_ONCE):
            yield from self.page(offset, _AT_ONCE)

    def _page_by_start(self, offset: int, limit: int) -> list[Row]:
        begun = self._source.chosen.begun_ms()
        descending = self._source.asked.sort.startswith("-")
        first, last = offset, min(offset + limit, len(begun))
        if first >= last:
            return []
        if descending:
            moments = begun[len(begun) - last : len(begun) - first]
            before = len(begun) - int(np.searchsorted(begun, moments[-1], side="right"))
        else:
            moments = begun[first:last]
            before = int(np.searchsorted(begun, moments[0], side="left"))
        rows = self._began_at(np.unique(moments), keep=offset == 0)
        found = list(self._source.judged(rows))
        found.sort(key=lambda row: row["id"])
        found.sort(key=lambda row: row["t0"], reverse=descending)
        return found[first - before : first - before + (last - first)]

    def _began_at(self, moments: Numbers, *, keep: bool) -> list[Any]:
        """The incidents that began at some moments; those of a first page many ask for."""
        source = self._source
        if not keep:
            return _began_at(source.reader, moments)
        what = ("began", moments.tobytes())
        return source.chosen.census.once(what, lambda: _began_at(source.reader, moments))

    def _ordered(self) -> Numbers:
        known = self._memory.get(self.token)
        if known is None:
            known = np.array(list(self._in_order()), dtype="S32")
            self._memory.keep(self.token, known)
        return known

    def _in_order(self) -> Iterator[bytes]:
        """The ids in order; who is judged differently beside another is judged by itself."""
        source = self._source
        if source.asked.sought is not None:
            yield from self._sought(source.asked.sought)
            return
        members = _Members(source.chosen)
        table = schema.incident.c
        wanted = select(table.id, table.t0_ms, table.grid, table.kind, table.source)
        wanted = wanted.where(*conditions(source.query, source.installation.desk))
        doubtful = []
        order: list[bytes] = []
        for name, t0_ms, grid, kind, of in source.reader.each(wanted.order_by(*self._order())):
            is_member = members.has(t0_ms, Slot(grid, kind or "", of))
            if is_member is None:
                doubtful.append(name)
            if is_member is not False:
                order.append(name.encode())
        if doubtful:
            rows = source.reader.incidents(doubtful)
            mine = {row["id"].encode() for row in source.judged(list(rows.values()))}
            out = {name.encode() for name in doubtful} - mine
            order = [name for name in order if name not in out]
        yield from order

    def _sought(self, sought: str) -> Iterator[bytes]:
        """What is sought must stand in what is shown: a masked number is not found by it."""
        source, most = self._source, len(self._source.chosen)
        if count_found(source.reader, sought, most) < most:
            yield from self._sought_by_index(sought)
            return
        by_store = source.asked.sort.removeprefix("-") not in JUDGED
        rows = containing(
            source.reader,
            sought,
            [*conditions(source.query, source.installation.desk)],
            self._order() if by_store else _newest(),
        )
        shown = (row for batch in _batches(rows) for row in source.judged(batch))
        found = islice((r for r in shown if sought_in(sought, texts_of(r))), SOUGHT_MOST)
        for row in found if by_store else in_order(found, source.asked.sort):
            yield row["id"].encode()

    def _sought_by_index(self, sought: str) -> Iterator[bytes]:
        """The same where the index leaves fewer to be looked at."""
        source, found = self._source, dict[str, Row]()
        for ids in candidates(source.reader, sought):
            for row in source.judged(list(source.reader.incidents(ids).values())):
                if sought_in(sought, texts_of(row)):
                    found[row["id"]] = row
            if len(found) >= SOUGHT_MOST:
                break
        for row in in_order(found.values(), source.asked.sort)[:SOUGHT_MOST]:
            yield row["id"].encode()

    def _order(self) -> tuple[UnaryExpression[Any], ...]:
        """The order of the list; equal ones from the newest down."""
        name = self._source.asked.sort
        column = _column(name.removeprefix("-"), self._source.installation)
        # nothing comes before everything, in every database
        is_down = name.startswith("-")
        first = column.desc().nulls_last() if is_down else column.asc().nulls_first()
        return _newest() if name == DEFAULT_SORT else (first, *_newest())


def _newest() -> tuple[UnaryExpression[Any], ...]:
    table = schema.incident.c
    return table.t0_ms.desc(), table.id.asc()


def _column(name: str, installation: Installation) -> ColumnElement[Any]:
    """What the store has under the name of a column of the list."""
    table = schema.incident.c
    if name == "community":
        parents = dict(installation.desk.areas.homes(AreaLevel.COMMUNITY))
        return case(parents, value=table.grid, else_="") if parents else table.grid
    stored = {
        "accepted": "accepted_ms",
        "dispatched": "dispatched_ms",
        "arrived": "arrived_ms",
        "closed": "closed_ms",
        "t0": "t0_ms",
    }
    return table[stored.get(name, name)]


def texts_of(row: Mapping[str, Any]) -> tuple[str | None, ...]:
    """What of a row can be searched, as it is shown."""
    return (row["incident_key"], row["title"], row["address"], row["id"])


def in_order(found: Iterable[Row], sort: str) -> list[Row]:
    """Rows in the order of a list; equal ones from the newest down."""
    rows = sorted(found, key=lambda row: str(row["id"]))
    rows.sort(key=lambda row: str(row["t0"]), reverse=True)
    rows.sort(key=lambda row: _value(row, sort.removeprefix("-")), reverse=sort.startswith("-"))
    return rows


def _value(row: Row, name: str) -> tuple[bool, Any]:
    """What a row is sorted by; nothing comes before everything, as in the database."""
    if name == VERDICT:
        return (True, list(Verdict).index(Verdict(row["verdict"])))
    stored = {"key": "incident_key"}.get(name, name)
    value = row["stamps"].get(name) if stored not in row else row[stored]
    return (value is not None, value if value is not None else "")


class _Members:
    """Which incidents are in a part of a census, by when they began and where they count."""

    def __init__(self, chosen: Chosen) -> None:
        census = chosen.census
        mine = np.zeros(len(census), dtype=bool)
        mine[chosen.rows] = True
        keys = list(zip(census.begun_ms.tolist(), census.places.tolist(), strict=True))
        self._index = {slot: i for i, slot in enumerate(census.slots)}
        self._in: set[tuple[int, int]] = set()
        self._out: set[tuple[int, int]] = set()
        for key, is_mine in zip(keys, mine.tolist(), strict=True):
            (self._in if is_mine else self._out).add(key)

    def has(self, t0_ms: int, slot: Slot) -> bool | None:
        """Whether an incident is one of them; None where one like it is and one is not."""
        key = (t0_ms, self._index.get(slot, -1))
        if key not in self._in:
            return False
        return None if key in self._out else True


def _began_at(reader: Reader, moments: Numbers) -> list[Any]:
    found: list[Any] = []
    for i in range(0, len(moments), _AT_ONCE):
        several = moments[i : i + _AT_ONCE].tolist()
        found += reader.incident_rows(schema.incident.c.t0_ms.in_(several))
    return found


def _passes(row: Any, query: Query, desk: Desk) -> bool:
    """Whether a row of the store passes the filters of a query, whenever it began."""
    return matches(query, desk, row.grid, row.kind or "", row.source) and query.takes(
        row.severity, closed=row.closed_ms is not None
    )


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    yield batch
