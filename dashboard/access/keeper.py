"""The keeper of accounts, sessions and wall tokens."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import URL, Connection, delete, insert, select, update

from dashboard.access import passwords
from dashboard.access.attempts import LOCKED_FOR as LOCKED_FOR
from dashboard.access.attempts import as_peer, failed_lately, note_failure
from dashboard.access.audit import Act, Audit
from dashboard.access.engine import changing, open_engine
from dashboard.access.lists import accounts_of, walls_of
from dashboard.access.person import Person, Role
from dashboard.access.refusals import AccessError as AccessError
from dashboard.access.scopes import confine, kept, no_admin, person, said
from dashboard.access.tables import account, invitation, session, wall
from pipelines.privacy.masking import masked
from pipelines.store.rows import from_ms, to_ms

IDLE = timedelta(minutes=10)
LONGEST_SESSION = timedelta(hours=12)
INVITED_FOR = timedelta(hours=24)
FAILURES = 5
FAILURES_OF_A_PEER = 50
"""How many logins may fail from one address in that time. Behind a proxy all are of one."""
_WALL_SEEN = timedelta(minutes=1)
REVEALS = 20
REVEALS_WITHIN = timedelta(minutes=10)
"""How many masked values one person may ask for, and in what time."""
_SEEN_EVERY = timedelta(seconds=15)
"""How often it is written down that a session is in use: not at every request."""


class Keeper:
    """Lets people in. Every change is a transaction with its audit entry; safe from any thread.

    ``now`` is the machine's time, not that of a replay.
    """

    def __init__(self, url: URL | str) -> None:
        self._engine = open_engine(url)
        self.audit = Audit(self._engine)

    def close(self) -> None:
        """Let go of the store."""
        self._engine.dispose()

    @property
    def has_admin(self) -> bool:
        """Whether anybody can let others in."""
        query = select(account.c.name).where(
            account.c.role == Role.ADMIN, account.c.closed_ms.is_(None)
        )
        with self._engine.begin() as connection:
            able = query.where(account.c.password.is_not(None))
            return connection.execute(able).first() is not None

    def invite(
        self, name: str, role: Role, *, by: str, now: datetime, scope: str | None = None
    ) -> str:
        """Make an account, or let its owner set a new password; return the token of the link.

        ``scope`` is the code of the area outside of which nothing is there for them; empty is the
        whole, and None leaves it as it was, which for a new account is the whole. Raises
        AccessError for a name that is none, a role that only walls have, or an administrator of
        less than the whole.
        """
        name = _name(name)
        if role is Role.WALL:
            raise AccessError("bad_role", role)
        token = secrets.token_urlsafe(32)
        with changing(self._engine) as connection:
            known = connection.execute(select(account).where(account.c.name == name)).first()
            if known is not None and known.via is not None:
                raise AccessError("known_elsewhere", known.via)
            scope = kept(connection, account, name, scope)
            no_admin(name, role, scope)
            values = {"role": role.value, "closed_ms": None, "scope": scope}
            if known is None:
                fresh = {"name": name, "created_ms": to_ms(now), "failures": 0}
                connection.execute(insert(account).values(**fresh, **values))
            else:
                connection.execute(update(account).where(account.c.name == name).values(**values))
            connection.execute(delete(invitation).where(invitation.c.name == name))
            expires = to_ms(now + INVITED_FOR)
            connection.execute(
                insert(invitation).values(token=_kept(token), name=name, expires_ms=expires)
            )
            detail = {"role": role.value} | said(scope)
            self.audit.add(
                Act.INVITED, who=by, now=now, about=name, detail=detail, within=connection
            )
        return token

    def invited(self, token: str, *, now: datetime) -> str:
        """Whose password a link sets; raises AccessError when it is none, used or too old."""
        with self._engine.begin() as connection:
            return self._invited(connection, token, now)

    def set_password(self, token: str, password: str, *, now: datetime) -> str:
        """Use up a link; return whose it was. Ends every session of that person.

        Raises AccessError, and WeakPasswordError naming the rule.
        """
        passwords.check(password, name=self.invited(token, now=now))
        hashed = passwords.hashed(password)  # takes long: before anybody has to wait for it
        fresh = {"password": hashed, "failures": 0, "locked_until_ms": None}
        with changing(self._engine) as connection:
            name = self._invited(connection, token, now)
            connection.execute(update(account).where(account.c.name == name).values(**fresh))
            connection.execute(delete(invitation).where(invitation.c.name == name))
            connection.execute(delete(session).where(session.c.name == name))
            self.audit.add(Act.PASSWORD_SET, who=name, now=now, within=connection)
        return name

    def log_in(self, name: str, password: str, *, peer: str, now: datetime) -> str:
        """Begin a session; return its token, new at every login.

        Raises AccessError: ``wrong`` for a wrong name or password alike, ``locked`` after five
        failures in a row, or after many from one address, whatever the names.
        """
        with self._engine.begin() as connection:
            known = _open_account(connection, name)
            if failed_lately(connection, peer, now) >= FAILURES_OF_A_PEER:
                raise AccessError("locked")
        right = passwords.matches(known.password if known else None, password)
        with changing(self._engine) as connection:
            # what was compared must still be the password, and failures are counted here only
            now_known = _open_account(connection, name)
            right = right and now_known is not None and now_known.password == known.password
            known = now_known
            refused = self._refusal(connection, known, right, peer, now)
            if refused is None and known is not None:
                token = secrets.token_urlsafe(32)
                self._begin(connection, token, known.name, "person", now)
                self.audit.add(
                    Act.LOGGED_IN, who=known.name, now=now, detail={"from": peer}, within=connection
                )
                return token
            note_failure(connection, peer, now)
        raise AccessError(refused or "wrong")

    def has_password(self, name: str) -> bool:
        """Whether somebody is known here, with a password of their own."""
        with self._engine.begin() as connection:
            known = _open_account(connection, name)
        return known is not None and known.password is not None

    def come_in(
        self,
        name: str,
        role: Role,
        *,
        via: str,
        peer: str,
        now: datetime,
        scope: str | None = None,
    ) -> str:
        """Begin a session for somebody who is known elsewhere, in the role that says; its token.

        ``scope`` as for :meth:`invite`. Raises AccessError: ``name_taken`` where an account of here
        has that name, ``closed`` where an administrator has shut the person out, and for a name
        that is none.
        """
        name = _name(name)
        token = secrets.token_urlsafe(32)
        with changing(self._engine) as connection:
            known = connection.execute(select(account).where(account.c.name == name)).first()
            if known is not None and known.via != via:
                raise AccessError("name_taken", via)
            if known is not None and known.closed_ms is not None:
                raise AccessError("closed", via)
            scope = kept(connection, account, name, scope)
            values = {"role": role.value, "scope": scope}
            if known is None:
                fresh = {"name": name, "created_ms": to_ms(now), "failures": 0, "via": via}
                connection.execute(insert(account).values(**fresh, **values))
            else:
                connection.execute(update(account).where(account.c.name == name).values(**values))
            self._begin(connection, token, name, "person", now)
            detail = {"from": peer, "via": via, "role": role.value} | said(scope)
            self.audit.add(Act.LOGGED_IN, who=name, now=now, detail=detail, within=connection)
        return token

    def check_lock(self, name: str, *, peer: str, now: datetime) -> None:
        """Raise AccessError ``locked`` where a name or an address has failed too often lately."""
        with self._engine.begin() as connection:
            of_name = failed_lately(connection, as_peer(name), now)
            of_peer = failed_lately(connection, peer, now)
        if of_name >= FAILURES or of_peer >= FAILURES_OF_A_PEER:
            raise AccessError("locked")

    def note_refusal(self, name: str, *, via: str, peer: str, now: datetime) -> None:
        """Count a failure of somebody who is known elsewhere, if anywhere."""
        with changing(self._engine) as connection:
            for who in (as_peer(name), peer):
                note_failure(connection, who, now)
            detail = {"from": peer, "via": via}
            self.audit.add(Act.REFUSED, who="?", now=now, detail=detail, within=connection)

    def log_out(self, token: str, *, now: datetime) -> None:
        """End a session."""
        with changing(self._engine) as connection:
            row = connection.execute(select(session).where(session.c.token == _kept(token))).first()
            if row is not None:
                connection.execute(delete(session).where(session.c.token == row.token))
                self.audit.add(Act.LOGGED_OUT, who=row.name, now=now, within=connection)

    def person(self, token: str, *, now: datetime, active: bool = True) -> Person | None:
        """Whose session this is, or None when it has ended.

        ``active`` says that the person did something, which keeps the session from idling out; a
        stream that is merely open does not. Walls never idle out.
        """
        with self._engine.begin() as connection:
            row = connection.execute(select(session).where(session.c.token == _kept(token))).first()
            if row is None:
                return None
            known = self._let_in if row.kind == "wall" else self._people
            found = known(connection, [row.name]).get(row.name)
        is_over = found is None or (row.kind == "person" and _is_over(row, now))
        mine = session.c.token == row.token
        if is_over:
            with changing(self._engine) as connection:
                connection.execute(delete(session).where(mine))
            return None
        if active and now - from_ms(row.seen_ms) > _SEEN_EVERY:
            with changing(self._engine) as connection:
                connection.execute(update(session).where(mine).values(seen_ms=to_ms(now)))
        return found

    def standing(self, tokens: Iterable[str], *, now: datetime) -> dict[str, Person]:
        """Whose sessions these are, without those that have ended; no session lives longer by it.

        Of walls it is written down, once a minute, that they were seen.
        """
        by_kept = {_kept(token): token for token in tokens}
        query = select(session).where(session.c.token.in_(by_kept))
        with self._engine.begin() as connection:
            rows = [
                row
                for row in connection.execute(query)
                if row.kind == "wall" or not _is_over(row, now)
            ]
            people = self._people(connection, [row.name for row in rows if row.kind == "person"])
            names = [row.name for row in rows if row.kind == "wall"]
            walls = self._let_in(connection, names)
            walls_seen = dict(
                connection.execute(
                    select(wall.c.name, wall.c.seen_ms).where(wall.c.name.in_(walls))
                ).all()
            )
        late = [
            name for name, seen_ms in walls_seen.items() if now - from_ms(seen_ms or 0) > _WALL_SEEN
        ]
        if late:
            with changing(self._engine) as connection:
                seen = update(wall).where(wall.c.name.in_(late))
                connection.execute(seen.values(seen_ms=to_ms(now)))
        found = {
            by_kept[row.token]: (walls if row.kind == "wall" else people).get(row.name)
            for row in rows
        }
        return {token: person for token, person in found.items() if person is not None}

    def add_wall(self, name: str, *, by: str, now: datetime, scope: str | None = None) -> str:
        """Let a wall screen in; return its token. One of the same name is revoked.

        ``scope`` is the area that it shows; empty is the whole, and None that of the one before.
        Raises AccessError for a name that is none.
        """
        name = _name(name)
        token = secrets.token_urlsafe(32)
        row = {"token": _kept(token), "created_ms": to_ms(now), "revoked_ms": None}
        with changing(self._engine) as connection:
            scope = kept(connection, wall, name, scope)
            theirs = (session.c.name == name, session.c.kind == "wall")
            connection.execute(delete(wall).where(wall.c.name == name))
            connection.execute(delete(session).where(*theirs))
            connection.execute(insert(wall).values(name=name, scope=scope, **row))
            detail = said(scope)
            self.audit.add(
                Act.WALL_ADDED, who=by, now=now, about=name, detail=detail, within=connection
            )
        return token

    def revoke_wall(self, name: str, *, by: str, now: datetime) -> None:
        """Shut a wall out at its next request; raises AccessError when there is no such wall."""
        with changing(self._engine) as connection:
            gone = update(wall).where(wall.c.name == name).values(revoked_ms=to_ms(now))
            if connection.execute(gone).rowcount == 0:
                raise AccessError("no_wall", name)
            connection.execute(
                delete(session).where(session.c.name == name, session.c.kind == "wall")
            )
            self.audit.add(Act.WALL_REVOKED, who=by, now=now, about=name, within=connection)

    def enter_wall(self, token: str, *, now: datetime) -> str:
        """Turn a wall's token into a session; raises AccessError when it is none."""
        with changing(self._engine) as connection:
            query = select(wall).where(wall.c.token == _kept(token), wall.c.revoked_ms.is_(None))
            row = connection.execute(query).first()
            if row is None:
                raise AccessError("no_wall")
            fresh = secrets.token_urlsafe(32)
            self._begin(connection, fresh, row.name, "wall", now)
            return fresh

    def close_account(self, name: str, *, by: str, now: datetime) -> None:
        """Shut a person out, now; raises AccessError when there is no such account."""
        with changing(self._engine) as connection:
            self._keep_an_admin(connection, name)
            closed = {"closed_ms": to_ms(now), "password": None}
            gone = update(account).where(account.c.name == name).values(**closed)
            if connection.execute(gone).rowcount == 0:
                raise AccessError("no_account", name)
            connection.execute(delete(session).where(session.c.name == name))
            connection.execute(delete(invitation).where(invitation.c.name == name))
            self.audit.add(Act.ACCOUNT_CLOSED, who=by, now=now, about=name, within=connection)

    def role_of(self, name: str) -> Role:
        """What somebody is, or was; raises AccessError when there is no such account."""
        query = select(account.c.role).where(account.c.name == name)
        with self._engine.begin() as connection:
            found = connection.execute(query).scalar_one_or_none()
        if found is None:
            raise AccessError("no_account", name)
        return Role(found)

    def set_role(self, name: str, role: Role, *, by: str, now: datetime) -> None:
        """Make somebody something else, at once; raises AccessError when there is no such account.

        The last administrator stays one.
        """
        with changing(self._engine) as connection:
            if role is not Role.ADMIN:
                self._keep_an_admin(connection, name)
            no_admin(name, role, kept(connection, account, name, None))
            mine = update(account).where(
                account.c.name == name, account.c.closed_ms.is_(None), account.c.via.is_(None)
            )
            was = select(account.c.role).where(account.c.name == name)
            detail = {"role": role.value, "was": connection.execute(was).scalar_one_or_none()}
            if connection.execute(mine.values(role=role.value)).rowcount == 0:
                raise AccessError("no_account", name)
            self.audit.add(
                Act.ROLE_CHANGED, who=by, now=now, about=name, detail=detail, within=connection
            )

    def set_scope(self, name: str, scope: str | None, *, by: str, now: datetime) -> None:
        """Confine somebody to an area or a grid, or with None to the whole, at once.

        Raises AccessError when there is no such account, and for an administrator.
        """
        with changing(self._engine) as connection:
            confine(connection, self.audit, account, name, scope, by=by, now=now)

    def set_wall_scope(self, name: str, scope: str | None, *, by: str, now: datetime) -> None:
        """Have a wall show an area or a grid, or with None the whole, at once.

        Raises AccessError when there is no such wall.
        """
        with changing(self._engine) as connection:
            confine(connection, self.audit, wall, name, scope, by=by, now=now)

    def reopen(self, name: str, *, by: str, now: datetime) -> None:
        """Let somebody in again who is known elsewhere and was shut out.

        Raises AccessError for anybody else: who has a password here needs a link for a new one.
        """
        with changing(self._engine) as connection:
            shut = (account.c.closed_ms.is_not(None), account.c.via.is_not(None))
            mine = update(account).where(account.c.name == name, *shut)
            if connection.execute(mine.values(closed_ms=None)).rowcount == 0:
                raise AccessError("no_account", name)
            self.audit.add(Act.ACCOUNT_REOPENED, who=by, now=now, about=name, within=connection)

    def unlock(self, name: str, *, by: str, now: datetime) -> None:
        """Let somebody try again who is locked; raises AccessError when there is no such one."""
        with changing(self._engine) as connection:
            mine = update(account).where(account.c.name == name)
            if connection.execute(mine.values(failures=0, locked_until_ms=None)).rowcount == 0:
                raise AccessError("no_account", name)
            self.audit.add(Act.UNLOCKED, who=by, now=now, about=name, within=connection)

    def note_reveal(self, name: str, *, about: str, value: str, reason: str, now: datetime) -> None:
        """Write down that somebody is shown a masked value, and why, before it is.

        Raises AccessError ``too_many`` for whoever has asked for too many lately; the attempt is
        written down too, once each time.
        """
        detail = {"value": value, "reason": masked(reason)}
        with changing(self._engine) as connection:
            since = now - REVEALS_WITHIN
            asked = self.audit.count(Act.REVEALED, who=name, since=since, within=connection)
            is_too_many = asked >= REVEALS
            act = Act.REVEAL_REFUSED if is_too_many else Act.REVEALED
            self.audit.add(act, who=name, now=now, about=about, detail=detail, within=connection)
        if is_too_many:
            raise AccessError("too_many")

    def accounts(self) -> list[Any]:
        """Every account, without its secret."""
        with self._engine.begin() as connection:
            return accounts_of(connection)

    def walls(self) -> list[Any]:
        """Every wall, without its secret."""
        with self._engine.begin() as connection:
            return walls_of(connection)

    def _keep_an_admin(self, connection: Connection, name: str) -> None:
        """Nobody locks everybody out: raises AccessError about the last who can let others in."""
        query = select(account.c.name).where(
            account.c.role == Role.ADMIN,
            account.c.closed_ms.is_(None),
            account.c.password.is_not(None),
        )
        if connection.execute(query).scalars().all() == [name]:
            raise AccessError("last_admin", name)

    def _invited(self, connection: Connection, token: str, now: datetime) -> str:
        query = select(invitation).where(invitation.c.token == _kept(token))
        row = connection.execute(query).first()
        if row is None or from_ms(row.expires_ms) < now:
            raise AccessError("bad_invitation")
        return str(row.name)

    def _refusal(
        self, connection: Connection, known: Any, right: bool, peer: str, now: datetime
    ) -> str | None:
        """Why somebody is not let in; counts failures, and locks."""
        if known is None:
            self.audit.add(Act.REFUSED, who="?", now=now, detail={"from": peer}, within=connection)
            return "wrong"
        mine = update(account).where(account.c.name == known.name)
        if known.locked_until_ms is not None and from_ms(known.locked_until_ms) > now:
            return "locked"
        if right:
            connection.execute(mine.values(failures=0, locked_until_ms=None))
            return None
        failures = known.failures + 1
        lock = failures >= FAILURES
        until = to_ms(now + LOCKED_FOR) if lock else None
        connection.execute(mine.values(failures=0 if lock else failures, locked_until_ms=until))
        act = Act.LOCKED if lock else Act.REFUSED
        self.audit.add(act, who=known.name, now=now, detail={"from": peer}, within=connection)
        return "locked" if lock else "wrong"

    def _begin(
        self, connection: Connection, token: str, name: str, kind: str, now: datetime
    ) -> None:
        times = {"began_ms": to_ms(now), "seen_ms": to_ms(now)}
        connection.execute(
            insert(session).values(token=_kept(token), name=name, kind=kind, **times)
        )

    def _let_in(self, connection: Connection, names: Sequence[str]) -> dict[str, Person]:
        """The walls of these names that have not been revoked."""
        query = select(wall).where(wall.c.name.in_(names), wall.c.revoked_ms.is_(None))
        found = connection.execute(query).all() if names else ()
        return {w.name: Person(name=w.name, role=Role.WALL, scope=w.scope or None) for w in found}

    def _people(self, connection: Connection, names: Sequence[str]) -> dict[str, Person]:
        """The people of these names whose accounts are open."""
        query = select(account).where(account.c.name.in_(names), account.c.closed_ms.is_(None))
        found = connection.execute(query).all() if names else ()
        return {row.name: person(row) for row in found}


def _open_account(connection: Connection, name: str) -> Any:
    query = select(account).where(account.c.name == name, account.c.closed_ms.is_(None))
    return connection.execute(query).first()


def _name(given: str) -> str:
    name = given.strip()
    if not (2 <= len(name) <= 40) or not name.isprintable():
        raise AccessError("bad_name", name)
    return name


def _kept(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _is_over(row: Any, now: datetime) -> bool:
    return now - from_ms(row.seen_ms) > IDLE or now - from_ms(row.began_ms) > LONGEST_SESSION
