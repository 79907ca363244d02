"""Scopes of accounts and walls: the area outside of which nothing is there for them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select, update

from dashboard.access.audit import Act, Audit
from dashboard.access.person import Person, Role
from dashboard.access.refusals import AccessError
from dashboard.access.tables import account


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


def confine(
    connection: Connection, audit: Audit, name: str, scope: str | None, *, by: str, now: datetime
) -> None:
    """Give somebody a scope, or with None the whole; raises AccessError as ``Keeper.set_scope``."""
    mine = (account.c.name == name, account.c.closed_ms.is_(None))
    known = connection.execute(select(account).where(*mine)).first()
    if known is None:
        raise AccessError("no_account", name)
    no_admin(name, known.role, scope)
    connection.execute(update(account).where(*mine).values(scope=scope or None))
    detail = {"scope": scope or ""}
    audit.add(Act.SCOPE_CHANGED, who=by, now=now, about=name, detail=detail, within=connection)
