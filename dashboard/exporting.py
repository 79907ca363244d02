"""Taking the rows of a desk's list away, as CSV or as a workbook, with a reason that is kept.

The entry of the audit log is on disk before the first row leaves the server. It says who, which
filters, how many rows, by which definitions, and why.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from dashboard.access.audit import Act, Audit
from dashboard.access.gate import read_form
from dashboard.access.person import Person, person_of
from dashboard.backend import Backend
from dashboard.tables import write_csv, write_xlsx
from dashboard.text import Say, say_in
from dashboard.text.format import second_of_moment
from dashboard.views import BadViewError, UnknownPageError, View, parse_view
from pipelines.desk.export import Export
from pipelines.errors import QueryError
from pipelines.privacy.masking import masked

EXPORT_PATH = "/export"
SHORTEST_REASON, LONGEST_REASON = 4, 200
NOBODY = "open"
"""Who the audit log names where the site asks nobody for a name."""
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_COLUMNS = ("key", "source", "kind", "severity", "community", "grid", "address", "title", "t0",
            "accepted", "dispatched", "arrived", "closed", "seconds", "verdict", "reason",
            "units", "id")  # fmt: skip


def export_route(backend: Backend, audit: Audit, clock: Callable[[], datetime]) -> Route:
    """Answers a POST of ``view``, ``form`` and ``reason`` with a file."""

    async def export(request: Request) -> Response:
        person, given = person_of(request), await read_form(request)
        reason, form = " ".join(given.get("reason", "").split()), given.get("form", "")
        if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
            return _refused("reason", 400)
        if form not in _TYPES:
            return _refused("form", 400)
        try:
            view = _view(given.get("view", ""), person)
            file = await asyncio.to_thread(
                _Work(backend, audit, clock).file, view, person, form, reason
            )
        except (UnknownPageError, BadViewError, QueryError) as error:
            return _refused(str(error), 400)
        name = f"grid135-{clock():%Y%m%d-%H%M%S}.{form}"
        return FileResponse(
            file,
            media_type=_TYPES[form],
            filename=name,
            headers={"Cache-Control": "no-store"},
            background=BackgroundTask(file.unlink),
        )

    return Route(EXPORT_PATH, export, methods=["POST"])


def _view(address: str, person: Person) -> View:
    parts = urlsplit(address)
    view = parse_view(parts.path.strip("/"), dict(parse_qsl(parts.query)), person.clearance)
    if view.page != "desk":
        raise BadViewError(f"view={address!r} has no list")
    return view


def _refused(why: str, status: int) -> Response:
    return JSONResponse({"error": why}, status, {"Cache-Control": "no-store"})


class _Work:
    """One export while it is written."""

    def __init__(self, backend: Backend, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._backend = backend
        self._audit = audit
        self._clock = clock

    def file(self, view: View, person: Person, form: str, reason: str) -> Path:
        """Write the audit entry, then the file, a row at a time, into a temporary folder."""
        with tempfile.NamedTemporaryFile(
            prefix="grid135-", suffix=f".{form}", delete=False
        ) as made:
            file = Path(made.name)

        def write(export: Export) -> None:
            now, who = self._clock(), person.name or NOBODY
            self._note(export, form, who, reason, now)
            say = say_in(view.language)
            about = _about(export, who, reason, now, say)
            head = [say(f"export.{column}") for column in _COLUMNS]
            rows = _lines(export, say)
            if form == "csv":
                write_csv(file, about, head, rows)
            else:
                names = (say("export.sheet_about"), say("export.sheet_rows"))
                write_xlsx(file, about, head, rows, sheets=names)

        try:
            self._backend.seen_by(view.clearance).export(dict(view.filters), write)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        return file

    def _note(self, export: Export, form: str, who: str, reason: str, now: datetime) -> None:
        detail = {
            "filters": {name: masked(text) for name, text in sorted(export.filters.items())},
            "n": export.n,
            "k": export.released.k,
            "form": form,
            "definition": export.definition,
            "as_of": export.as_of.isoformat(),
            "reason": masked(reason),
        }
        self._audit.add(Act.EXPORTED, who=who, now=now, about="list", detail=detail)


def _about(export: Export, who: str, reason: str, now: datetime, say: Say) -> list[tuple[str, Any]]:
    """What this is, in lines: where, which filters, by which definitions, how many, who, why."""
    zone = export.time_zone
    labels = "、".join(say(f"header.{label}") for label in export.labels)
    filters = [
        (say("export.filter", name=say(f"desk.{name}")), text)
        for name, text in sorted(export.filters.items())
    ]
    lines = [
        (say("export.area"), say.name(export.area_names)),
        (say("export.labels"), labels),
        *filters,
        (say("export.as_of"), second_of_moment(export.as_of, zone)),
        (say("export.n"), export.n),
        (say("export.definition"), export.definition),
        (say("export.who"), say("export.open") if who == NOBODY else who),
        (say("export.when"), second_of_moment(now, zone)),
        (say("export.why"), reason),
        (say("export.masked"), say("export.masked_note")),
        (say("export.k"), _alike(export, say)),
    ]
    return [line for line in lines if line[1] != ""]


def _alike(export: Export, say: Say) -> str:
    """What was done so that nobody can be told apart; empty where nothing had to be."""
    given = export.released
    if given.k is None:
        return ""
    return say("export.k_note", k=given.k, coarser=given.coarser, suppressed=given.suppressed)


def _lines(export: Export, say: Say) -> Iterator[list[Any]]:
    for row in export.rows:
        yield [_cell(row, column, export.time_zone, say) for column in _COLUMNS]


def _cell(row: Mapping[str, Any], column: str, zone: str, say: Say) -> Any:
    if column in {"accepted", "dispatched", "arrived"}:
        return _moment(row["stamps"].get(column), zone)
    if column in {"t0", "closed"}:
        is_coarse = len(row[column] or "") <= len("2026-11-27")
        return row[column] or "" if is_coarse else _moment(row[column], zone)
    if column in {"kind", "source", "grid", "community"}:
        names = row[f"{column}_names"]
        return say.name(names) if names else ""
    if column == "severity":
        return say(f"level.{row['severity']}") if row["severity"] in (1, 2, 3, 4) else ""
    if column == "verdict":
        return say(f"verdict.{row['verdict']}")
    return row["incident_key"] if column == "key" else row[column]


def _moment(text: str | None, zone: str) -> str:
    return second_of_moment(datetime.fromisoformat(text), zone) if text else ""
