"""Commands that look after the store."""

import argparse
import sys
from typing import Any

from pipelines.freezing import touched_months
from pipelines.installation import open_installation
from pipelines.settings import Settings
from pipelines.upkeep import rebuild, verify


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


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {of} incidents", end="\n" if done == of else "", file=sys.stderr)


def store_commands(commands: Any, command: Any) -> None:
    """Add them to the command line."""
    database = commands.add_parser("db", help="look after the store").add_subparsers(required=True)
    command(database, "rebuild", rebuild_store)
    command(database, "verify", verify_store)
