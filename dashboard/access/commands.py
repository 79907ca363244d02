"""The operator's commands: letting people and walls in and out, and reading what was done."""

import argparse
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import asdict
from typing import Any

from dashboard.access.engine import kept_at
from dashboard.access.keeper import Keeper
from dashboard.access.person import Role
from dashboard.access.retention import recorded
from pipelines.clock import SystemClock
from pipelines.errors import QueryError
from pipelines.installation import areas_of, open_installation
from pipelines.settings import Settings
from pipelines.upkeep.retention import purge

Command = Callable[..., argparse.ArgumentParser]
"""What adds one command to the command line: of (commands, name, function, json_flag)."""

_SCOPE = "code of the area or grid outside of which nothing is there for them; '' is the whole"
_OPERATOR = "operator"
"""Whoever has the command line of the server."""


def invite(settings: Settings, options: argparse.Namespace) -> int:
    """Make an account, or give its owner a link to set a new password."""
    scope = _scope(settings, options.scope)
    with _keeper(settings) as keeper:
        role, now = Role(options.role), SystemClock().now()
        token = keeper.invite(options.name, role, by=_OPERATOR, now=now, scope=scope)
    print(f"{settings.address}/invitation/{token}")
    return 0


def set_scope(settings: Settings, options: argparse.Namespace) -> int:
    """Confine a person to an area or a grid, at once; an empty code is the whole."""
    scope = _scope(settings, options.code)
    with _keeper(settings) as keeper:
        keeper.set_scope(options.name, scope, by=_OPERATOR, now=SystemClock().now())
    return 0


def close_account(settings: Settings, options: argparse.Namespace) -> int:
    """Shut a person out, at once."""
    with _keeper(settings) as keeper:
        keeper.close_account(options.name, by=_OPERATOR, now=SystemClock().now())
    return 0


def add_wall(settings: Settings, options: argparse.Namespace) -> int:
    """Let a wall screen in: prints the address to open on it, once."""
    scope = _scope(settings, options.scope)
    with _keeper(settings) as keeper:
        now = SystemClock().now()
        token = keeper.add_wall(options.name, by=_OPERATOR, now=now, scope=scope)
    print(f"{settings.address}/enter/{token}")
    return 0


def revoke_wall(settings: Settings, options: argparse.Namespace) -> int:
    """Shut a wall screen out, at its next request."""
    with _keeper(settings) as keeper:
        keeper.revoke_wall(options.name, by=_OPERATOR, now=SystemClock().now())
    return 0


def list_access(settings: Settings, options: argparse.Namespace) -> int:
    """List accounts and walls."""
    with _keeper(settings) as keeper:
        for row in keeper.accounts():
            state = "closed" if row.closed_ms else "open"
            print(f"account {row.name}: {row.role}, {state}{_of(row.scope)}")
        for row in keeper.walls():
            print(f"wall {row.name}: {'revoked' if row.revoked_ms else 'open'}{_of(row.scope)}")
    return 0


def verify_audit(settings: Settings, options: argparse.Namespace) -> int:
    """Recompute the seals of the audit log, and say whether anybody has touched it."""
    with _keeper(settings) as keeper:
        checked = keeper.audit.verify()
    if checked.broken is not None:
        print(f"{checked.entries} entries: the log was changed at entry {checked.broken}")
        return 1
    print(f"{checked.entries} entries, whole; the last seal is {checked.last or 'none'}")
    return 0


def show_audit(settings: Settings, options: argparse.Namespace) -> int:
    """List what was done, newest first."""
    with _keeper(settings) as keeper:
        for entry in keeper.audit.entries(limit=options.limit):
            line = asdict(entry) | {"at": entry.at.isoformat()}
            text = f"{line['at']} {entry.who}: {entry.act} {entry.about}"
            print(json.dumps(line, ensure_ascii=False) if options.json else text)
    return 0


def remove_past_terms(settings: Settings, options: argparse.Namespace) -> int:
    """Remove what names people and is past its term; no figure changes."""
    terms, now = settings.privacy, SystemClock().now()
    if not terms.has_terms:
        print(f"{settings.file} [privacy]: no term is set, so everything is kept")
        return 0
    store = open_installation(settings, replayed=False).store
    try:
        removed = purge(store, terms, now=now, dry_run=options.dry_run, thorough=True)
    finally:
        store.close()
    for name, number in removed.as_dict().items():
        print(f"{name}: {number}{' would be removed' if options.dry_run else ''}")
    if not options.dry_run:
        recorded(settings, by=_OPERATOR)(removed, now)
    return 0


def _of(scope: str | None) -> str:
    return f", of {scope}" if scope else ""


def _scope(settings: Settings, code: str | None) -> str | None:
    """A scope as it was given; raises QueryError where there is no such area."""
    if code:
        areas = areas_of(settings)
        if not areas.knows(code):
            raise QueryError(
                f"scope = {code!r}: there is no such area or grid; use the code of a "
                f"{', '.join(areas.levels)} or grid of {settings.file}"
            )
        if code == areas.top.code:
            return ""
    return code


def _keeper(settings: Settings) -> AbstractContextManager[Keeper]:
    return closing(Keeper(kept_at(settings)))


def access_commands(commands: Any, command_of: Command) -> None:
    """Add the commands ``access`` and ``audit`` to the command line."""
    command = command_of(commands, "retention", remove_past_terms)
    command.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    access = commands.add_parser("access", help="look after accounts and wall screens")
    access = access.add_subparsers(required=True)
    command = command_of(access, "invite", invite)
    command.add_argument("name")
    command.add_argument("role", choices=[role for role in Role if role is not Role.WALL])
    command.add_argument("--scope", help=_SCOPE)
    command = command_of(access, "scope", set_scope)
    command.add_argument("name")
    command.add_argument("code", help=_SCOPE)
    command_of(access, "close", close_account).add_argument("name")
    command = command_of(access, "add-wall", add_wall)
    command.add_argument("name")
    command.add_argument("--scope", help=_SCOPE)
    command_of(access, "revoke-wall", revoke_wall).add_argument("name")
    command_of(access, "list", list_access)
    audit = commands.add_parser("audit", help="what was done, and whether the log is whole")
    audit = audit.add_subparsers(required=True)
    command_of(audit, "verify", verify_audit)
    command = command_of(audit, "show", show_audit, json_flag=True)
    command.add_argument("--limit", type=int, default=100)
