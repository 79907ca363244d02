"""Scopes of accounts and walls: the area or grid outside of which nothing is there for them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select, update

from dashboard.access.audit import Act, Audit
from dashboard.access.person import Person, Role
from dashboard.access.refusals import AccessError
from dashboard.access.tables import account, wall


def person(row: Any) -> Person:
    """Whose account this is. Who has a scope is no administrator, whatever a directory says."""
    role, scope = Role(row.role), row.scope or None
    seen = Role.DUTY if scope and role is Role.ADMIN else role
    return Person(name=row.name, role=seen, scope=scope)


def kept(connection: Connection, table: Table, name: str, given: str | None) -> str | None:
    """The scope that an account or a wall is to have: as it was, unless one is given.

    The empty text is the whole, as None is in the answer.
    """
    if given is None:
        query = select(table.c.scope).where(table.c.name == name)
        given = connection.execute(query).scalar_one_or_none()
    return given or None


def no_admin(name: str, role: str, scope: str | None) -> None:
    """Raise AccessError for an administrator of less than the whole."""
    if scope and role == Role.ADMIN:
        raise AccessError("scoped_admin", name)


def said(scope: str | None) -> dict[str, str]:
    """What the audit log says of a scope that somebody is given with something else."""
    return {"scope": scope} if scope else {}


def confine(
    connection: Connection,
    audit: Audit,
    table: Table,
    name: str,
    scope: str | None,
    *,
    by: str,
    now: datetime,
) -> None:
    """Give an account or a wall a scope, or with None the whole.

    Raises AccessError as ``Keeper.set_scope`` and ``Keeper.set_wall_scope``.
    """
    is_wall = table is wall
    over = wall.c.revoked_ms if is_wall else account.c.closed_ms
    mine = (table.c.name == name, over.is_(None))
    known = connection.execute(select(table).where(*mine)).first()
    if known is None:
        raise AccessError("no_wall" if is_wall else "no_account", name)
    if not is_wall:
        no_admin(name, known.role, scope)
    connection.execute(update(table).where(*mine).values(scope=scope or None))
    detail = {"scope": scope or "", "was": known.scope or ""}
    audit.add(Act.SCOPE_CHANGED, who=by, now=now, about=name, detail=detail, within=connection)
