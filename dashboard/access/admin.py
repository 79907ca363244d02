"""The administrator's page: who may come in, which walls may look, and what everybody has done."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dashboard.access import admin_page
from dashboard.access.audit import Act, Checked
from dashboard.access.gate import language_of, read_form
from dashboard.access.keeper import AccessError, Keeper
from dashboard.access.person import person_of
from dashboard.backend import Backend
from dashboard.text import Say
from pipelines.errors import QueryError
from pipelines.privacy.clearance import Role
from pipelines.privacy.scope import scope_of

ADMIN_PATH = "/admin"
_ENTRIES = 100
_PROVED_FOR = timedelta(minutes=1)


class Admin:
    """The routes of the page.

    ``secure`` says that the site is reached by https only; ``grouped`` from where people come whose
    scopes their groups say.
    """

    def __init__(
        self,
        backend: Backend,
        keeper: Keeper,
        clock: Callable[[], datetime],
        *,
        secure: bool,
        time_zone: str,
        grouped: frozenset[str] = frozenset(),
    ) -> None:
        self._backend = backend
        self._keeper = keeper
        self._clock = clock
        self._scheme = "https" if secure else "http"
        self._time_zone = time_zone
        self._grouped = grouped
        self._checked: tuple[datetime, Checked] | None = None

    @property
    def routes(self) -> list[Route]:
        """What to serve."""
        return [Route(ADMIN_PATH, self.admin, methods=["GET", "POST"])]

    async def admin(self, request: Request) -> Response:
        """Show a tab; before that, do what a form of it asks for."""
        say, problem, news, status = language_of(request), "", "", 200
        tab = request.query_params.get("tab", "")
        desk = admin_page.Desk(
            say=say,
            tab=tab if tab in admin_page.TABS else admin_page.TABS[0],
            who=person_of(request).name,
            csrf=getattr(request.state, "csrf", ""),
            now=self._clock(),
            time_zone=self._time_zone,
            # a name of this server: the guard lets no other through
            site=f"{self._scheme}://{request.headers['host']}",
            scopes={scope.code: scope for scope in self._backend.scopes()},
            grouped=self._grouped,
        )
        if request.method == "POST":
            form = await read_form(request)
            try:
                news = await asyncio.to_thread(self._do, desk, form)
            except AccessError as error:
                problem, status = _in_words(error, say), 400
        main = await asyncio.to_thread(self._tab, desk, dict(request.query_params))
        return HTMLResponse(
            admin_page.page(desk, main, problem=problem, news=news),
            status,
            {"Cache-Control": "no-store"},
        )

    def _do(self, desk: admin_page.Desk, form: dict[str, str]) -> str:
        """Do one thing; return what is to be shown of it, once."""
        keeper, by, now = self._keeper, desk.who, desk.now
        act, name = form.get("act", ""), form.get("name", "").strip()
        match act:
            case "invite":
                scope = _scope(desk, form)
                _check_is_new(name, keeper.accounts(), "name_known")
                token = keeper.invite(name, _role(form), by=by, now=now, scope=scope)
                return self._once(desk, "invitation", name, token)
            case "link":
                token = keeper.invite(name, keeper.role_of(name), by=by, now=now)
                return self._once(desk, "invitation", name, token)
            case "role":
                keeper.set_role(name, _role(form), by=by, now=now)
            case "scope":
                self._check_is_ours(name)
                keeper.set_scope(name, _scope(desk, form), by=by, now=now)
            case "reopen":
                keeper.reopen(name, by=by, now=now)
            case "close":
                keeper.close_account(name, by=by, now=now)
            case "unlock":
                keeper.unlock(name, by=by, now=now)
            case "add-wall":
                _check_is_new(name, [w for w in keeper.walls() if not w.revoked_ms], "wall_known")
                token = keeper.add_wall(name, by=by, now=now, scope=_scope(desk, form))
                return self._once(desk, "enter", name, token)
            case "wall-link":
                token = keeper.add_wall(name, by=by, now=now)
                return self._once(desk, "enter", name, token)
            case "wall-scope":
                keeper.set_wall_scope(name, _scope(desk, form), by=by, now=now)
            case "revoke-wall":
                keeper.revoke_wall(name, by=by, now=now)
            case "canary":
                self._send_canary(name, by=by, now=now)
            case _:
                raise AccessError("bad_act", act)
        return admin_page.done(desk, act, name)

    def _send_canary(self, source: str, *, by: str, now: datetime) -> None:
        """Rehearse a source; raises AccessError where there is none, or nothing came back."""
        try:
            sent = self._backend.canary(source)
        except QueryError as error:
            raise AccessError("no_source", source) from error
        self._keeper.audit.add(Act.CANARY_SENT, who=by, now=now, about=source)
        if sent["problem"]:
            raise AccessError("canary_lost", str(sent["problem"]))

    def _check_is_ours(self, name: str) -> None:
        """Raise AccessError where groups say the scope: at the next login it would be theirs."""
        via = next((row.via for row in self._keeper.accounts() if row.name == name), None)
        if via in self._grouped:
            raise AccessError("scope_by_groups", name)

    def _once(self, desk: admin_page.Desk, path: str, name: str, token: str) -> str:
        title = desk.say(f"admin.link_{path}", name=name)
        return admin_page.once(desk, title, f"{desk.site}/{path}/{token}")

    def _tab(self, desk: admin_page.Desk, asked: dict[str, str]) -> str:
        match desk.tab:
            case "walls":
                return admin_page.walls(desk, self._keeper.walls())
            case "sources":
                return admin_page.sources(desk, self._backend.roster())
            case "audit":
                return self._audit(desk, asked)
            case _:
                return admin_page.accounts(desk, self._keeper.accounts())

    def _audit(self, desk: admin_page.Desk, asked: dict[str, str]) -> str:
        given = {name: asked[name] for name in ("who", "act") if asked.get(name)}
        before = asked.get("before", "")
        entries = self._keeper.audit.entries(
            limit=_ENTRIES,
            who=given.get("who", "").strip() or None,
            act=given.get("act") if given.get("act") in list(Act) else None,
            before=int(before) if before.isascii() and before.isdigit() else None,
        )
        checked = self._verified(desk.now)
        return admin_page.audit(desk, entries, checked, given, _ENTRIES)

    def _verified(self, now: datetime) -> Checked:
        """What verifying came to: proving a long log takes a while, so not at every look."""
        if self._checked is None or now - self._checked[0] > _PROVED_FOR:
            self._checked = (now, self._keeper.audit.verify())
        return self._checked[1]


def _role(form: dict[str, str]) -> Role:
    asked = form.get("role", "")
    if asked not in admin_page.ROLES:
        raise AccessError("bad_role", asked)
    return Role(asked)


def _scope(desk: admin_page.Desk, form: dict[str, str]) -> str:
    """The scope that a form gives, empty for the whole; raises AccessError for one that is none."""
    said = form.get("scope", "")
    code = scope_of(said, desk.scopes.values())
    if code is None:
        raise AccessError("no_area", said)
    return code


def _check_is_new(name: str, rows: Iterable[Any], why: str) -> None:
    """Raise AccessError for a name that is there: nobody is made another by a slip of the pen."""
    if any(row.name == name for row in rows):
        raise AccessError(why, name)


def _in_words(error: AccessError, say: Say) -> str:
    return say(f"gate.{error.why}", value=error.detail)
