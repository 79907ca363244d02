"""One installation: its settings, store, grids, sources and door, put together."""

import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pipelines.clock import Clock, SystemClock
from pipelines.door.ingest import Door
from pipelines.door.receipt import Counts
from pipelines.errors import SettingsError, SourceUnavailableError
from pipelines.feeds.sources import Source, build_sources
from pipelines.figures.query import Desk, Silent
from pipelines.geo.charts import Chart, make_chart
from pipelines.geo.gazetteer import Gazetteer, load_gazetteer
from pipelines.geo.history import GridHistory, load_history
from pipelines.gridfile.register import GridRegister, load_grid_register
from pipelines.leases.lease import PLAYED, is_held
from pipelines.model.area import AreaTree
from pipelines.registers.areas import make_tree, read_areas
from pipelines.registers.devices import Register, load_register
from pipelines.registers.units import Units, load_units
from pipelines.settings import Settings
from pipelines.store.places import Place, exists, remove
from pipelines.store.rows import from_ms, to_ms
from pipelines.store.store import Reader, Store
from pipelines.upkeep.attribution import (
    Moved,
    Progress,
    reattribute,
    refusal,
    remember,
    remembered,
    versions_of,
)
from pipelines.upkeep.rebuilding import rebuild

logger = logging.getLogger(__name__)

STORE_FILE = "grid135.sqlite3"
REPLAY_FILE = "replay.sqlite3"
"""A replay's times are moved, so it never shares a store with real ones."""
DEMO_FILE = "demo.sqlite3"
"""Nor does the demo street, whose clock may run fast."""

_LOOK_AGAIN_S = 0.2
_MADE_WITH = "made_with"
_FORM = 4
"""How rollups are kept; they are made anew when that changes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """Everything a command needs; ``desk`` answers queries, ``door`` takes records in."""

    settings: Settings
    grids: GridHistory
    charts: tuple[Chart, ...]
    sources: tuple[Source, ...]
    register: Register
    units: Units
    grid_register: GridRegister
    store: Store
    door: Door
    desk: Desk

    def chart_at(self, moment: datetime) -> Chart:
        """What the map draws at a moment: the boundaries that are valid then."""
        return self.charts[self.grids.index_at(to_ms(moment))]

    def pull(
        self, source: Source, *, now: datetime, each: Callable[[Counts], None] | None = None
    ) -> Counts:
        """Take in everything a source has that is new, batch by batch; return the counts.

        ``each`` is called with the counts of every batch when it is on disk.

        Raises SourceUnavailableError and SourceConfigError as the connector does; what was
        taken in before stays. A source that is not polled has nothing to pull.
        """
        poller = source.replay or source.poller
        if poller is None:
            return Counts()
        with self.store.reading() as reader:
            positions = reader.positions(source.id)
        counts = Counts()
        for batch in poller.poll(positions, now=now):
            taken = self.door.accept(source, batch, now=now)
            counts += taken
            if each is not None:
                each(taken)
        return counts

    def pull_to_the_end(
        self,
        source: Source,
        *,
        clock: Clock,
        patience: timedelta,
        each: Callable[[Counts], None] | None = None,
    ) -> Counts:
        """Take in everything a source has, waiting for files that are still being written.

        ``each`` is called as in :meth:`pull`. Raises SourceUnavailableError, also when a file
        is not complete after ``patience``.
        """
        began = clock.now()
        counts = self.pull(source, now=began, each=each)
        while source.poller is not None and source.poller.unfinished:
            if clock.now() - began > patience:
                names = ", ".join(source.poller.unfinished)
                raise SourceUnavailableError(f"{names}: still being written; import again later")
            time.sleep(_LOOK_AGAIN_S)
            counts += self.pull(source, now=clock.now(), each=each)
        return counts


def prepare(settings: Settings) -> tuple[GridHistory, tuple[Source, ...]]:
    """Build grids and sources; raise SettingsError for what is wrong with them or other files."""
    grids = _grids(settings)
    areas = _areas(settings, grids)
    _gazetteer(settings)
    _charts(settings, grids, areas)
    _grid_register(settings)
    return grids, build_sources(settings)


def open_installation(settings: Settings, *, replayed: bool, moving: bool = False) -> Installation:
    """Open the store and put everything together.

    ``replayed`` plays the sources that say so, in a store of their own that begins empty;
    otherwise every source is read as it is. ``moving`` is for whoever is about to put incidents
    into the grids of other boundaries: nothing is made anew, and nothing refused for that.
    Raises SettingsError.
    """
    grids, sources = prepare(settings)
    if not replayed:
        sources = tuple(replace(source, replay=None) for source in sources)
    playing = any(source.replay for source in sources)
    is_demo = settings.demo is not None
    place = place_of_store(settings, playing=playing)
    if (playing or (is_demo and replayed)) and not _is_played(place):
        remove(place)
    installation = _assemble(settings, grids, sources, place)
    if not moving:
        _refuse_other_boundaries(installation)
        _rebuild_if_rules_changed(installation)
    return installation


def place_of_store(settings: Settings, *, playing: bool = False) -> Place:
    """Where the store is: of the real records, of the demo street, or of a replay."""
    is_demo = settings.demo is not None
    name = REPLAY_FILE if playing else DEMO_FILE if is_demo else STORE_FILE
    file, is_real = settings.data / name, name == STORE_FILE
    return settings.store.place(settings.secrets, file, is_real=is_real)


def _gazetteer(settings: Settings) -> Gazetteer | None:
    wanted = settings.gazetteer
    return None if wanted is None else load_gazetteer(settings.path(wanted.file), wanted)


def _grid_register(settings: Settings) -> GridRegister:
    file = settings.grids.register_file if settings.grids is not None else None
    return load_grid_register(settings.path(file) if file else None)


def _is_played(place: Place) -> bool:
    """Whether another process plays into this store now."""
    if not exists(place):
        return False
    store = Store(place)
    try:
        return is_held(store, PLAYED, now=SystemClock().now())
    finally:
        store.close()


def _assemble(
    settings: Settings, grids: GridHistory, sources: tuple[Source, ...], place: Place
) -> Installation:
    store = Store(place)
    zone = settings.area.time_zone
    areas = _areas(settings, grids)
    lines = {grid.code: tuple(area.code for area in areas.path(grid.code)) for grid in grids}
    rules = replace(settings.rules, areas=lines)
    devices = settings.devices
    register = load_register(settings.path(devices.file) if devices.file else None, crs=devices.crs)
    door = Door(
        store,
        rules=rules,
        grids=grids,
        zone=zone,
        register=register,
        episode=devices.episode,
        gazetteer=_gazetteer(settings),
    )
    desk = Desk(
        rules=rules,
        grids=grids,
        areas=areas,
        zone=zone,
        silent=_silence(sources),
        shifts=tuple(shift.start for shift in settings.wall.shifts),
    )
    return Installation(
        settings=settings,
        grids=grids,
        charts=_charts(settings, grids, areas),
        sources=sources,
        register=register,
        units=load_units(
            settings.path(settings.units.file) if settings.units.file else None, settings.units
        ),
        grid_register=_grid_register(settings),
        store=store,
        door=door,
        desk=desk,
    )


def _grids(settings: Settings) -> GridHistory:
    grids = load_history(settings.grids, settings.path, settings.area.time_zone)
    if grids.repaired:
        logger.info(
            "%s [grids]: %d polygons were invalid and were mended: %s",
            settings.file,
            len(grids.repaired),
            ", ".join(grids.repaired),
        )
    return grids


def _charts(settings: Settings, grids: GridHistory, areas: AreaTree) -> tuple[Chart, ...]:
    """What the map draws, version by version."""
    return tuple(
        make_chart(version.grids, areas, settings.backdrop, settings.path)
        for version in grids.versions
    )


def areas_of(settings: Settings) -> AreaTree:
    """The tree of areas that is configured; raises SettingsError."""
    return _areas(settings, _grids(settings))


def _areas(settings: Settings, grids: GridHistory) -> AreaTree:
    wanted = settings.grids
    if wanted is None:
        return make_tree(settings.area, (), (), file=settings.file)
    listed = settings.path(wanted.areas) if wanted.areas else None
    return make_tree(
        settings.area,
        () if listed is None else read_areas(listed),
        grids,
        file=settings.path(wanted.file or wanted.versions[-1].file),
        areas_file=listed,
    )


def _silence(sources: tuple[Source, ...]) -> Silent:
    """Silent once a source's rhythm has passed; a source without one is never called silent."""
    rhythm = {source.id: source.silence for source in sources if source.silence is not None}

    def silent(reader: Reader, now: datetime) -> frozenset[str]:
        if not rhythm:
            return frozenset()
        rows = reader.sources()
        heard = {name: _last_heard(rows[name]) for name in rhythm if name in rows}
        return frozenset(name for name, at in heard.items() if now - at > rhythm[name])

    return silent


def _last_heard(row: Any) -> datetime:
    return from_ms(max(row.last_recorded_ms, row.last_stamp_ms or 0))


def _refuse_other_boundaries(installation: Installation) -> None:
    """Raise SettingsError where incidents lie in grids by other boundaries than are configured."""
    with installation.store.reading() as reader:
        reason = refusal(reader, installation.grids)
    if reason is not None:
        installation.store.close()
        raise SettingsError(f"{installation.settings.file} [grids]: {reason}")


def move_into_grids(
    installation: Installation, since: datetime | None, progress: Progress, *, now: datetime
) -> Moved:
    """Put incidents into the grids of the configured boundaries; see ``reattribute``."""
    with installation.store.reading() as reader:
        stand = reader.meta(_MADE_WITH) == _fingerprint(installation)
    store, desk = installation.store, installation.desk
    done = reattribute(store, desk, since, progress, now=now, books_stand=stand)
    _rebuild_if_rules_changed(installation)
    return done


def _rebuild_if_rules_changed(installation: Installation) -> None:
    """Rollups hold verdicts, so they are made anew when targets, kinds, areas or zone change.

    Every incident stays in the grid of its day.
    """
    made_with = _fingerprint(installation)
    with installation.store.reading() as reader:
        known, boundaries = reader.meta(_MADE_WITH), remembered(reader)
    if known == made_with and boundaries == versions_of(installation.grids):
        return
    if known not in (None, made_with):
        logger.warning("targets, kinds, areas or time zone changed: making the figures anew")
        rebuild(installation.store, installation.desk)
    with installation.store.writing() as writer:
        writer.put_meta(_MADE_WITH, made_with)
        remember(writer, installation.grids)


def _fingerprint(installation: Installation) -> str:
    settings, calendar = installation.settings, installation.desk.rules.calendar
    rules = {
        "form": _FORM,
        "targets": settings.targets.model_dump(mode="json"),
        "calendar": calendar.version if calendar else None,
        "kinds": {code: kind.kind_class for code, kind in sorted(settings.kinds.items())},
        "areas": dict(installation.desk.rules.areas) if _has_own_areas(installation) else None,
        "zone": str(settings.area.time_zone),
    }
    return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()


def _has_own_areas(installation: Installation) -> bool:
    """Whether some targets are for some areas only."""
    return any(special.areas for special in installation.desk.rules.special)
