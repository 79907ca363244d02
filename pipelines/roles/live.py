"""The running product, as the screens see it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from starlette.routing import BaseRoute

from pipelines.clock import Clock, FastClock, SteadyClock, SystemClock
from pipelines.desk.board import Board, BoardDesk, read_board, read_page
from pipelines.desk.casefile import CaseFile, read_case, read_hidden
from pipelines.desk.console import Console
from pipelines.desk.export import Export, Guard, anonymous, everything, read_export
from pipelines.desk.handover import Handover, read_handover
from pipelines.desk.lab_board import LabBoard, LabDesk
from pipelines.desk.paging import PAGING, Page, paging_in, read_rows
from pipelines.desk.playback import Playback, Player
from pipelines.desk.roster import QuarantineList, Roster, SourceDetail, read_quarantine, read_roster
from pipelines.desk.suggest import Suggestions, suggest
from pipelines.door.gateway import Gateway, SourceLine
from pipelines.door.receiving import Pushed, ingest_route
from pipelines.door.storing import tries_again
from pipelines.errors import QueryError
from pipelines.feeds.health import Health
from pipelines.figures.freezing import frozen_lines
from pipelines.figures.groups import sees
from pipelines.figures.intake import intake
from pipelines.figures.lab import lab_lines
from pipelines.figures.monitoring import monitor_lines
from pipelines.figures.named import check_names
from pipelines.figures.query import kpi, parse
from pipelines.geo.backdrop import Backdrop
from pipelines.gridfile.file import GridDesk, GridFile
from pipelines.installation import Installation
from pipelines.metrics.meters import Meters, Numbers
from pipelines.metrics.window import metrics_route
from pipelines.privacy.clearance import LEAST, Clearance
from pipelines.privacy.masking import masked, on_a_wall
from pipelines.privacy.scope import Scope, confined, scopes
from pipelines.roles.duty import Duty
from pipelines.snapshot import Snapshot
from pipelines.store.heard_rows import Rehearsal
from pipelines.store.store import Reader
from pipelines.upkeep import canary
from pipelines.upkeep.indexing import Indexer
from pipelines.upkeep.retention import Told, logged
from pipelines.wall.endurance import WALLS_RELOAD
from pipelines.wall.overview import Memory, is_degraded, read_snapshot


class Role(StrEnum):
    """What a process does on a store."""

    RUN = "run"
    """Takes records in and serves screens."""
    SERVE = "serve"
    """Serves screens; of the records takes in only what is pushed to it."""


class Live:
    """Answers the screens, and takes records in where that is its role, on one clock.

    A replay that is faster than life sets the speed of the clock.
    """

    def __init__(
        self,
        installation: Installation,
        *,
        clock: Clock | None = None,
        role: Role = Role.RUN,
        purged: Told = logged,
    ) -> None:
        self._installation = installation
        self._clock = clock or _clock(installation)
        self._clearance = LEAST
        self._confined: dict[str, _Answering] = {}
        self._role = role
        self._health = Health(attends=role is Role.RUN)
        self._memory = Memory(installation, rate=self._clock.rate)
        self._boards = BoardDesk(installation)
        self._indexer = Indexer(installation.store)
        self._player = Player(installation)
        self._console = Console(installation)
        self._grids = GridDesk(installation, installation.grid_register)
        self._lab = LabDesk(installation, rate=self._clock.rate)
        self._gateway = Gateway(installation.door, self._clock)
        self._duty = Duty(installation, self._gateway, self._health, self._clock, purged)
        self._tries_again = tries_again(installation.store, installation.door.storing, self._clock)

    @property
    def rate(self) -> float:
        """How fast the product's clock runs; 1.0 is life."""
        return self._clock.rate

    def seen_by(self, clearance: Clearance) -> "Live":
        """The same product, giving out what ``clearance`` may see.

        Outside of its scope nothing is there: that is decided here, for all that is asked.
        """
        seen = copy(self)
        seen._clearance = clearance
        if clearance.scope is not None:
            mine = self._within(clearance.scope)
            seen._installation, seen._memory, seen._boards, seen._lab = mine[:4]
            seen._grids, seen._player, seen._console = mine[4:]
        return seen

    def _within(self, scope: str) -> "_Answering":
        """What answers for one area, made once."""
        known = self._confined.get(scope)
        if known is None:
            mine, rate = confined(self._installation, scope), self._clock.rate
            memory, lab = Memory(mine, rate=rate), LabDesk(mine, rate=rate)
            grids = GridDesk(mine, mine.grid_register)
            pages = (grids, Player(mine), Console(mine))
            known = _Answering(mine, memory, BoardDesk(mine), lab, *pages)
            self._confined[scope] = known
        return known

    def start(self) -> None:
        """Begin to poll and to listen, where that is the role and no other process does."""
        self._gateway.start()
        self._indexer.start()
        self._tries_again.start()
        if self._role is Role.RUN:
            self._duty.start()

    def stop(self) -> None:
        """Stop polling and listening, store what was heard, and close the store."""
        if self._role is Role.RUN:
            self._duty.stop()
        self._gateway.stop()
        self._indexer.stop()
        self._tries_again.stop()
        self._installation.store.close()

    def routes(self) -> list[BaseRoute]:
        """Where platforms push their records to."""
        pushed = {}
        for source in self._installation.sources:
            if source.receiver is not None:
                line = SourceLine(source, self._gateway, self._health, self._clock)
                line.up()
                pushed[source.id] = Pushed(source.receiver, line, source.is_urgent)
        return [ingest_route(pushed)]

    def metrics_route(self, hub: Numbers) -> BaseRoute:
        """Where the measures of this process are read; ``hub`` adds those of the screens."""
        meters = Meters()
        meters.watch(
            roster=self.roster,
            gateway=self._gateway,
            held=lambda: len(self._duty.sources),
            hub=hub,
        )
        self._installation.door.counted = meters.counted
        self._installation.store.took = meters.took
        return metrics_route(meters.text, self._installation.settings.metrics)

    def now(self) -> datetime:
        """The product's time, aware UTC."""
        return self._clock.now()

    def version(self) -> int:
        """Changes whenever the store or a source's state did."""
        return self._installation.store.version() * 1_000_003 + self._health.changes

    def unstored_since(self) -> datetime | None:
        """Since when what comes in cannot be stored; None while it can."""
        unstored = self._installation.door.storing.unstored
        return None if unstored is None else unstored.since

    def reload_mark(self) -> str:
        """When the walls were last told to load anew; empty if never."""
        with self._installation.store.reading() as reader:
            return reader.meta(WALLS_RELOAD) or ""

    def snapshot(self) -> Snapshot:
        """The state of the street now."""
        with self._installation.store.reading() as reader:
            whole = read_snapshot(
                reader, self._installation, self._health, self._memory, now=self.now()
            )
        return on_a_wall(whole, self._installation.settings.sensitive_kinds)

    def board(self, filters: Mapping[str, str]) -> Board:
        """The desk's board; raises QueryError for a wrong filter."""
        with self._board_reading() as (reader, asked):
            return read_board(reader, self._installation, filters, **asked)

    def page(
        self, filters: Mapping[str, str], offset: int, limit: int
    ) -> tuple[int, list[dict[str, Any]]]:
        """How many rows a board's list has, and some of them; raises QueryError."""
        with self._board_reading() as (reader, asked):
            listing = read_page(reader, self._installation, filters, **asked)
            return listing.total, listing.page(offset, limit)

    def find(self, sought: str) -> Suggestions:
        """The places and the newest incidents that say what is sought."""
        with self._installation.store.reading() as reader:
            return suggest(reader, self._installation, sought, clearance=self._clearance)

    def export(self, filters: Mapping[str, str], write: Callable[[Export], None]) -> None:
        """Have all rows of a board's list written; raises QueryError for a wrong filter."""
        with self._board_reading() as (reader, asked):
            listing = read_page(reader, self._installation, filters, **asked)
            guard: Guard = everything
            k = self._installation.settings.privacy.k
            if k > 1 and not self._clearance.may_export_all:
                guard = anonymous(k, self._installation.desk.zone)
            write(read_export(self._installation, listing, filters, guard=guard))

    @contextmanager
    def _board_reading(self) -> Iterator[tuple[Reader, dict[str, Any]]]:
        version, now = self._installation.store.version(), self.now()
        with self._installation.store.reading() as reader:
            yield (
                reader,
                {
                    "now": now,
                    "desk": self._boards,
                    "version": version,
                    "clearance": self._clearance,
                },
            )

    def lab(self, filters: Mapping[str, str]) -> LabBoard:
        """The definition lab, counted in the last minute; raises QueryError for a wrong filter."""
        with self._installation.store.reading() as reader:
            return self._lab.read(reader, filters, now=self.now())

    def case(self, incident_id: str) -> CaseFile:
        """Everything about one incident."""
        with self._installation.store.reading() as reader:
            return read_case(
                reader,
                self._installation,
                incident_id,
                now=self.now(),
                clearance=self._clearance,
            )

    def reveal(self, incident_id: str, what: str, number: int) -> str | None:
        """One masked value of an incident, for who may see it; None when there is none."""
        if not self._clearance.may_reveal:
            return None
        with self._installation.store.reading() as reader:
            return read_hidden(reader, self._installation, incident_id, what, number)

    def grid(self, filters: Mapping[str, str]) -> GridFile:
        """The file of one grid."""
        with self._installation.store.reading() as reader:
            return self._grids.read(reader, filters, now=self.now(), clearance=self._clearance)

    def scopes(self) -> tuple[Scope, ...]:
        """What somebody can be confined to: every area and every grid in one."""
        return scopes(self._installation.desk.areas, self._installation.grids)

    def has_grid(self, code: str) -> bool:
        """Whether there is such a grid."""
        known = any(grid.code == code for grid in self._installation.grids)
        return known and sees(self._installation.desk, code)

    def handover(self, filters: Mapping[str, str]) -> Handover:
        """The hand-over of a shift; raises QueryError for a wrong one."""
        with self._installation.store.reading() as reader:
            return read_handover(
                reader, self._installation, filters, now=self.now(), clearance=self._clearance
            )

    def remark(self, act: str, person: str, said: Mapping[str, str]) -> None:
        """Take in what a person says; raises QueryError naming value, rule and way out."""
        self._console.take(act, said, person=person, now=self.now())

    def playback(self, filters: Mapping[str, str]) -> Playback:
        """A moment of the past as it was known then; raises QueryError for a wrong filter."""
        with self._installation.store.reading() as reader:
            return self._player.read(reader, filters, now=self.now(), clearance=self._clearance)

    def has_case(self, incident_id: str) -> bool:
        """Whether there is such an incident."""
        with self._installation.store.reading() as reader:
            row = reader.incidents([incident_id]).get(incident_id)
        return row is not None and sees(self._installation.desk, row.grid)

    def roster(self) -> Roster:
        """How every source is doing, in full."""
        with self._installation.store.reading() as reader:
            roster = read_roster(
                reader,
                self._installation,
                self._health,
                now=self.now(),
                is_standby=not self._duty.is_at_work,
                clearance=self._clearance,
            )
        # what went wrong may repeat what a record said
        lines = (
            replace(line, problem=masked(line.problem), last_problem=masked(line.last_problem))
            for line in roster.lines
        )
        return replace(roster, lines=tuple(lines))

    def quarantine(self, source: str | None) -> QuarantineList:
        """What is in quarantine, of one source or of all."""
        with self._installation.store.reading() as reader:
            return read_quarantine(reader, self._installation, source, now=self.now())

    def canary(self, source: str) -> dict[str, Any]:
        """Send a canary through a source's pipeline; raises QueryError for an unknown source."""
        known = {one.id: one for one in self._installation.sources}
        if source not in known:
            raise QueryError(f"source = {source!r}: there is no such source")
        store, door = self._installation.store, self._installation.door
        sent = canary.send(store, door, known[source], self._health, now=self.now())
        return {"source": source, **_canary_line(sent)}

    def kpi(self, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        """The figures; raises QueryError."""
        return self._answer(kpi, parameters)

    def rows(self, parameters: Mapping[str, str]) -> Page:
        """The incidents behind the figures, masked, or a page of them; raises QueryError."""
        installation, memory = self._installation, self._boards.memory
        paging = paging_in(parameters)
        asked = {name: text for name, text in parameters.items() if name not in PAGING}
        # who asks for a moment gets that one; who does not, the one that the desks show
        is_now = not (asked.get("as_of") or asked.get("known_at"))
        version = installation.store.version() if is_now else None
        query = parse(asked, now=memory.moment(self.now(), version), zone=installation.desk.zone)
        with installation.store.reading() as reader:
            check_names(reader, query, installation)
            return read_rows(
                reader,
                installation,
                query,
                paging,
                clearance=self._clearance,
                memory=memory,
                version=version,
            )

    def intake(self, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        """Intake per 5 minutes; raises QueryError."""
        return self._answer(intake, parameters)

    def rules(self, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        """The rate by every rule; raises QueryError."""
        return self._answer(lab_lines, parameters)

    def monitors(self, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        """What is to be checked in the data; raises QueryError."""
        return self._answer(monitor_lines, parameters)

    def frozen(self, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        """The frozen months, or one of them with what changed since; raises QueryError."""
        month = parameters.get("month")
        with self._installation.store.reading() as reader:
            return frozen_lines(reader, self._installation, month, now=self.now())

    def health(self) -> dict[str, Any]:
        """How the product and each source are doing, in words a monitor can read."""
        roster = self.roster()
        standby = "standby" if self._role is Role.RUN else "serve"
        unstored = self._installation.door.storing.unstored
        is_bad = unstored is not None or is_degraded(line.state for line in roster.lines)
        return {
            "status": "degraded" if is_bad else "ok",
            "now": roster.now.isoformat(),
            "unstored": None if unstored is None else unstored.told(),
            "replay": any(source.replay for source in self._installation.sources),
            "ingest": {
                "role": standby if roster.is_standby else "active",
                "holders": roster.holders,
                "sources": sorted(self._duty.sources),
            },
            "sources": [_health_line(line) for line in roster.lines],
        }

    def backdrop(self) -> Backdrop:
        """The layers under and around the grids."""
        return self._installation.chart_at(self.now()).backdrop

    def grids_geojson(self) -> bytes:
        """The polygons that the map colours."""
        return self._installation.chart_at(self.now()).cells.geojson

    def device_places(self) -> bytes:
        """Where the devices of the register are."""
        within = self._installation.desk.within
        register = self._installation.register
        return (register if within is None else register.within(within)).places.file

    def _answer(self, question: Any, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        installation = self._installation
        query = parse(parameters, now=self.now(), zone=installation.desk.zone)
        with installation.store.reading() as reader:
            check_names(reader, query, installation)
            answer: list[dict[str, Any]] = question(reader, query, installation.desk)
        return answer


class _Answering(NamedTuple):
    """What answers, and what it remembers: nothing of it is shared between scopes."""

    installation: Installation
    memory: Memory
    boards: BoardDesk
    lab: LabDesk
    grids: GridDesk
    player: Player
    console: Console


def _clock(installation: Installation) -> Clock:
    speeds = [s.replay.options.speed for s in installation.sources if s.replay is not None]
    if not speeds or speeds[0] == 1:
        return SystemClock()
    base = SteadyClock()
    start = base.now()
    return FastClock(base=base, anchor=start, start=start, rate=speeds[0])


def _health_line(line: SourceDetail) -> dict[str, Any]:
    return {
        "id": line.id,
        "state": line.state.value,
        "standing": line.standing.value,
        "since": _iso(line.since),
        "holder": line.holder,
        "last_record_at": _iso(line.last_record_at),
        "last_success_at": _iso(line.last_success_at),
        "problem": line.problem,
        "last_problem": line.last_problem,
        "last_problem_at": _iso(line.last_problem_at),
        "lag_s": _seconds(line.lag),
        "clock_offset_s": _seconds(line.clock_offset),
        "records": line.records,
        "records_this_hour": line.this_hour,
        "expected_this_hour": None if line.expected is None else round(line.expected, 2),
        "chance_of_silence": line.chance,
        "quarantined": line.quarantined,
        "flagged": line.flagged,
        "unmapped": line.unmapped,
        "canary": None if line.canary is None else _canary_line(line.canary),
    }


def _canary_line(sent: Rehearsal) -> dict[str, Any]:
    return asdict(sent) | {"at": sent.at.isoformat()}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else round(length.total_seconds(), 3)
