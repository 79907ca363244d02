"""Commands that look after the store."""

import argparse
import sys
from typing import Any

from pipelines.clock import SystemClock
from pipelines.commands.group import group
from pipelines.commands.now import now_of
from pipelines.errors import QueryError
from pipelines.figures.freezing import touched_months
from pipelines.figures.query import parse
from pipelines.installation import move_into_grids, open_installation, place_of_store
from pipelines.leases.lease import is_held, read_leases
from pipelines.settings import Settings
from pipelines.store.migrating import Step
from pipelines.store.places import spread, upgrade
from pipelines.upkeep.attribution import log_of, refusal
from pipelines.upkeep.rebuilding import rebuild, verify


def rebuild_store(settings: Settings, options: argparse.Namespace) -> int:
    """Make incidents and rollups anew from the reports; broken off, all is as it was."""
    installation = open_installation(settings, replayed=False)
    print(f"{rebuild(installation.store, installation.desk, _progress)} incidents made anew")
    return 0


def verify_store(settings: Settings, options: argparse.Namespace) -> int:
    """Count everything anew from the reports and compare it with the store."""
    installation = open_installation(settings, replayed=False)
    found = verify(installation.store, installation.desk, _progress)
    print(f"{found.incidents} incidents, {found.cells} rollup rows: {found.wrong} wrong")
    for difference in found.differences:
        print(f"  {difference}")
    if found.wrong:
        print("make them anew with: app.py db rebuild")
    for month in (touched := touched_months(installation.store)):
        print(f"frozen {month}: somebody changed it; its hash is wrong")
    return 1 if found.wrong or touched else 0


def reattribute_store(settings: Settings, options: argparse.Namespace) -> int:
    """Put incidents into the grids of the boundaries valid when they began, and count the moved."""
    installation = open_installation(settings, replayed=False, moving=True)
    now = now_of(settings)
    with installation.store.reading() as reader:
        leases = list(read_leases(reader))
    if any(is_held(installation.store, name, now=SystemClock().now()) for name in leases):
        raise QueryError("a process takes records in by the former boundaries; stop it first")
    given = {"from": options.since or ""}
    since = parse(given, now=now, zone=settings.area.time_zone).start
    done = move_into_grids(installation, since, _progress, now=now)
    print(f"{done.incidents} incidents looked at, {done.moved} moved to another grid")
    return 0


def show_grid_versions(settings: Settings, options: argparse.Namespace) -> int:
    """List the versions of the boundaries, and every time incidents were put into grids anew."""
    installation = open_installation(settings, replayed=False, moving=True)
    for i, version in enumerate(installation.grids.versions):
        begins = version.valid_from
        since = begins.isoformat() if i and begins is not None else "the beginning"
        grids = version.grids
        print(f"{grids.version}  {len(grids)} grids  from {since}  {version.file or ''}".rstrip())
    with installation.store.reading() as reader:
        for entry in log_of(reader):
            print(
                f"moved at {entry['at']}: {entry['moved']} of {entry['incidents']} incidents "
                f"from {entry['since'] or 'the beginning'} on"
            )
        reason = refusal(reader, installation.grids)
    print(reason or "every incident lies in the grid of its day")
    return 1 if reason else 0


def upgrade_store(settings: Settings, options: argparse.Namespace) -> int:
    """Bring the store's tables to the form this program needs; broken off, all is as it was."""
    done = upgrade(place_of_store(settings), _step)
    print(f"{len(done)} migrations run; the store is up to date")
    return 0


def distribute_store(settings: Settings, options: argparse.Namespace) -> int:
    """Spread the tables of a store over the nodes of a Citus cluster."""
    for statement in spread(place_of_store(settings)):
        print(statement)
    return 0


def _step(step: Step, done: int, of: int) -> None:
    print(f"{done + 1} of {of}: {step.number} {step.title}", file=sys.stderr)


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {of} incidents", end="\n" if done == of else "", file=sys.stderr)


def store_commands(commands: Any, command: Any) -> None:
    """Add them to the command line."""
    database = group(commands, "db")
    command(database, "rebuild", rebuild_store)
    command(database, "verify", verify_store)
    command(database, "grids", show_grid_versions)
    moving = command(database, "reattribute", reattribute_store)
    moving.add_argument("--from", dest="since", help="only what began then or later")
    command(database, "upgrade", upgrade_store)
    command(database, "distribute", distribute_store)
