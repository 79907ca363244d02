"""Everybody and every wall, as the administrator's page and the command line list them."""

from typing import Any

from sqlalchemy import Connection, func, select

from dashboard.access.tables import account, session, wall


def accounts_of(connection: Connection) -> list[Any]:
    """Every account by name, without its secret, and when it was last seen."""
    columns = [column for column in account.c if column.name != "password"]
    seen = (
        select(func.max(session.c.seen_ms))
        .where(session.c.name == account.c.name, session.c.kind == "person")
        .scalar_subquery()
    )
    has_password = account.c.password.is_not(None)
    query = select(*columns, has_password.label("has_password"), seen.label("seen_ms"))
    return list(connection.execute(query.order_by(account.c.name)))


def walls_of(connection: Connection) -> list[Any]:
    """Every wall by name, without its secret."""
    columns = [column for column in wall.c if column.name != "token"]
    return list(connection.execute(select(*columns).order_by(wall.c.name)))
