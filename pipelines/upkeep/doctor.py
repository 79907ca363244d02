"""Examining an installation: what is well, what is doubtful, what is wrong, in plain words.

Nothing is changed. Each check is a function of one list; what it needs and cannot get is itself
a finding, so that one broken part does not hide the others.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from sqlalchemy import Connection, func, select

from pipelines.desk.roster import Standing, read_roster
from pipelines.errors import Grid135Error
from pipelines.feeds.health import Health
from pipelines.figures.freezing import touched_months
from pipelines.installation import open_installation, place_of_store, prepare
from pipelines.settings import Settings
from pipelines.store import places, schema
from pipelines.store.places import Place
from pipelines.store.rows import from_ms
from pipelines.store.search import has_index
from pipelines.store.store import Store
from pipelines.store.trigrams import finds_words, sees_chinese
from pipelines.upkeep.backup import last_backup

REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"

_MB = 1_000_000
_LITTLE, _TOO_LITTLE = 2_000 * _MB, 200 * _MB
_BACKUP_WITHIN = timedelta(days=7)
_AHEAD = timedelta(minutes=1)
_SLOW_S = 0.25


class Level(StrEnum):
    """How bad it is."""

    WELL = "well"
    DOUBTFUL = "doubtful"
    WRONG = "wrong"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a check has found: about what, how bad, in a sentence, and the way out."""

    about: str
    level: Level
    sentence: str
    way_out: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """What is examined, and when."""

    settings: Settings
    now: datetime


Check = Callable[[Patient], Iterator[Finding]]


def examine(patient: Patient, more: Sequence[tuple[str, Check]] = ()) -> list[Finding]:
    """Run every check, and those of ``more``; one that fails is a finding of its own."""
    found: list[Finding] = []
    for about, check in (*CHECKS, *more):
        try:
            found.extend(check(patient))
        except Grid135Error as error:
            found.append(wrong(about, str(error)))
        # whatever is broken, the other checks are to be told
        except Exception as error:  # noqa: BLE001
            found.append(wrong(about, f"cannot be examined: {type(error).__name__}: {error}"))
    return found


def well(about: str, sentence: str) -> Finding:
    """All is as it should be."""
    return Finding(about=about, level=Level.WELL, sentence=sentence)


def doubtful(about: str, sentence: str, way_out: str) -> Finding:
    """It works, but somebody should know."""
    return Finding(about=about, level=Level.DOUBTFUL, sentence=sentence, way_out=way_out)


def wrong(about: str, sentence: str, way_out: str = "") -> Finding:
    """It does not work, or will not for long."""
    return Finding(about=about, level=Level.WRONG, sentence=sentence, way_out=way_out)


def _configuration(patient: Patient) -> Iterator[Finding]:
    settings = patient.settings
    grids, sources = prepare(settings)
    yield well("configuration", f"{settings.file}: {len(sources)} sources, {len(grids)} grids")
    for year in settings.rules.years_missing(patient.now.year):
        yield doubtful(
            "calendar",
            f"{settings.calendar.file} does not know {year}: targets in working time that need "
            "its days are answered with unknown",
            "add the year's holidays to the calendar file",
        )


def _packages(_: Patient) -> Iterator[Finding]:
    pinned = [line.split("#")[0].strip() for line in REQUIREMENTS.read_text("utf-8").splitlines()]
    other = []
    for name, version in (line.split("==") for line in pinned if "==" in line):
        try:
            found = metadata.version(name.split("[")[0])
        except metadata.PackageNotFoundError:
            found = "nothing"
        if found != version:
            other.append(f"{name} {version} (there is {found})")
    if other:
        yield doubtful(
            "packages",
            f"not as tested: {', '.join(other)}",
            "pip install -r requirements.txt, in the environment that runs the product",
        )
    else:
        yield well("packages", f"{sum('==' in line for line in pinned)} as tested")


def _data_folder(patient: Patient) -> Iterator[Finding]:
    folder = patient.settings.data
    folder.mkdir(parents=True, exist_ok=True)
    try:
        probe = folder / ".doctor"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        yield wrong(
            "data folder",
            f"{folder}: cannot be written: {error.strerror}",
            "let the user that runs the product write there, or set GRID135_DATA",
        )
        return
    free = shutil.disk_usage(folder).free
    said = f"{folder}: {free / 1000 / _MB:.1f} GB free"
    if free < _TOO_LITTLE:
        yield wrong("data folder", said, "make room now: nothing is taken in on a full disk")
    elif free < _LITTLE:
        yield doubtful("data folder", said, "make room, or move the data folder")
    else:
        yield well("data folder", said)


def _store(patient: Patient) -> Iterator[Finding]:
    place = place_of_store(patient.settings)
    if not places.exists(place):
        yield doubtful("store", "there is none yet", "start the product, or import")
        return
    with closing(Store(place)) as store:
        began = time.monotonic()
        with store.writing():
            pass
        took = time.monotonic() - began
        yield _speed(place, took)
        with store.reading() as reader:
            table = schema.report
            newest = reader.rows(select(func.max(table.c.recorded_ms)))[0][0]
            incidents = reader.count(schema.incident)
            backed_up = last_backup(reader)
            yield _search(reader.connection)
        yield well("incidents", f"{incidents} in the store")
        if newest is not None and from_ms(newest) > patient.now + _AHEAD:
            yield wrong(
                "clock",
                f"the newest record was received at {from_ms(newest):%Y-%m-%d %H:%M:%S} UTC, "
                f"which by this machine's clock is still to come",
                "set this machine's clock, and keep it set (NTP): every verdict hangs on it",
            )
        for month in touched_months(store):
            yield wrong("frozen figures", f"{month} was changed by somebody", "restore a backup")
        yield _backed_up(backed_up, patient.now)


def _speed(place: Place, took_s: float) -> Finding:
    said = f"{places.shown(place)}: a transaction takes {took_s * 1000:.0f} ms"
    if took_s > _SLOW_S:
        return doubtful("store", said, "the disk or the way to the database is slow, or very busy")
    return well("store", said)


def _search(connection: Connection) -> Finding:
    if connection.dialect.name == "sqlite":
        if has_index(connection):
            return well("search", "by the index of its own")
        return doubtful(
            "search", "there is no index yet", "start the product: it makes one beside the rest"
        )
    if not finds_words(connection):
        return doubtful(
            "search",
            "there is no index of trigrams: every search reads all incidents",
            "CREATE EXTENSION pg_trgm, as an administrator of the database, and start the "
            "product anew: it makes the index",
        )
    if not sees_chinese(connection):
        return doubtful(
            "search",
            "the index of trigrams finds numbers and Latin letters only: the locale of the "
            "database (LC_CTYPE) knows no Chinese signs",
            "move the store into a database with LC_CTYPE 'C.UTF-8' or 'zh_CN.UTF-8' "
            "(app.py db copy)",
        )
    return well("search", "by the index of trigrams")


def _backed_up(noted: dict[str, object] | None, now: datetime) -> Finding:
    way_out = "app.py backup FILE, every night (docs/operations)"
    if noted is None:
        return doubtful("backup", "the store was never backed up", way_out)
    at = datetime.fromisoformat(str(noted["at"]))
    said = f"last backed up at {at:%Y-%m-%d %H:%M} UTC to {noted['file']}"
    if now - at > _BACKUP_WITHIN:
        return doubtful("backup", said, way_out)
    return well("backup", said)


_BAD = {
    Standing.DOWN: Level.WRONG,
    Standing.UNATTENDED: Level.WRONG,
    Standing.SILENT: Level.DOUBTFUL,
    Standing.WAITING: Level.DOUBTFUL,
}


def _sources(patient: Patient) -> Iterator[Finding]:
    if not places.exists(place_of_store(patient.settings)):
        return
    installation = open_installation(patient.settings, replayed=False)
    with closing(installation.store), installation.store.reading() as reader:
        roster = read_roster(reader, installation, Health(), now=patient.now, is_standby=True)
    for line in roster.lines:
        last = line.last_record_at
        heard = "nothing yet" if last is None else f"last record {last:%Y-%m-%d %H:%M:%S} UTC"
        problem = f"; {line.problem}" if line.problem else ""
        yield Finding(
            about=f"source {line.id}",
            level=_BAD.get(line.standing, Level.WELL),
            sentence=f"{line.standing}: {heard}{problem}",
            way_out=f"app.py canary --source {line.id}" if line.standing in _BAD else "",
        )
        if line.quarantined:
            yield doubtful(
                f"source {line.id}",
                f"{line.quarantined} records in quarantine",
                f"app.py quarantine --source {line.id}",
            )


def _privacy(patient: Patient) -> Iterator[Finding]:
    if patient.settings.privacy.has_terms:
        yield well("retention", "terms are set")
    else:
        yield doubtful(
            "retention",
            "personal content is kept for ever",
            "set [privacy] keep_raw and keep_words to the terms your rules ask for",
        )


CHECKS: tuple[tuple[str, Check], ...] = (
    ("configuration", _configuration),
    ("packages", _packages),
    ("data folder", _data_folder),
    ("store", _store),
    ("sources", _sources),
    ("retention", _privacy),
)
"""Every check, in the order in which they are told."""
