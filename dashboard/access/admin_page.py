"""What the administrator's page looks like: plain HTML that works without a script."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import urlencode

from dashboard.access.audit import Act, Checked, Entry
from dashboard.panels.sources.words import sentence
from dashboard.text import LANGUAGES, Say
from dashboard.text.format import DASH, date_and_minute, second_of_day
from pipelines.desk.roster import Roster
from pipelines.privacy.clearance import Role
from pipelines.privacy.scope import Scope
from pipelines.store.rows import from_ms

TABS = ("accounts", "walls", "sources", "audit")
_ASKED_TWICE = frozenset({"close", "revoke-wall"})
ROLES = tuple(role for role in Role if role is not Role.WALL)
_FRAME = """<!DOCTYPE html>
<html lang="{lang}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" type="image/svg+xml" href="/assets/favicon.svg">
<link rel="stylesheet" href="/assets/10-tokens.css">
<link rel="stylesheet" href="/assets/61-admin.css">
<title>{title}</title></head>
<body class="admin"><header class="admin-top"><h1>{title}</h1><nav>{tabs}</nav>{who}</header>
{problem}{news}<main>{main}</main></body></html>"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What every part of the page needs: words, who looks, the token of the forms, the clock.

    ``site`` is where its reader reaches the server: links are given out with it. ``grouped`` says
    from where people come whose scopes their groups say.
    """

    say: Say
    tab: str
    who: str
    csrf: str
    now: datetime
    time_zone: str
    site: str
    scopes: Mapping[str, Scope]
    grouped: frozenset[str]

    def address(self, **query: str) -> str:
        """An address of this page."""
        asked = {"tab": self.tab, "lang": self.say.language, **query}
        return f"/admin?{urlencode(asked)}"


def page(desk: Desk, main: str, *, problem: str = "", news: str = "") -> str:
    """The whole page around one tab."""
    say = desk.say
    said = f'<p class="admin-problem" role="alert">{escape(problem)}</p>' if problem else ""
    return _FRAME.format(
        lang={"zh": "zh-CN"}.get(say.language, say.language),
        title=escape(say("admin.title")),
        tabs="".join(_tab(desk, tab) for tab in TABS),
        who=_who(desk),
        problem=said,
        news=news,
        main=main,
    )


def once(desk: Desk, title: str, link: str) -> str:
    """A link that is shown once: it stands in this answer and nowhere else."""
    return (
        f'<section class="admin-once" role="status"><h2>{escape(title)}</h2>'
        f"<code>{escape(link)}</code><p>{escape(desk.say('admin.once'))}</p></section>"
    )


def done(desk: Desk, act: str, name: str) -> str:
    """That something was done: nothing else on the page may look any different."""
    text = desk.say(f"admin.done_{act.replace('-', '_')}", name=name)
    return f'<p class="admin-done" role="status">{escape(text)}</p>'


def accounts(desk: Desk, rows: Iterable[Any]) -> str:
    """Everybody, and a form to invite another."""
    say = desk.say
    roles = "".join(_option(role, say(f"role.{role}")) for role in ROLES)
    invite = _form(
        desk,
        "invite",
        f"{_input(say('admin.name'), 'name')}"
        f'<label>{escape(say("admin.role"))}<select name="role">{roles}</select></label>'
        f"{_labelled_scope(desk)}{_button(say('admin.invite'), main=True)}",
    )
    head = ("name", "role", "scope", "state", "seen", "actions")
    body = "".join(_account(desk, row) for row in rows)
    table = _table(desk, "account", head, body)
    return f"<section>{invite}</section>{_scope_list(desk)}{table}"


def walls(desk: Desk, rows: Iterable[Any]) -> str:
    """Every wall screen, and a form to let in another."""
    say = desk.say
    add = _form(
        desk,
        "add-wall",
        f"{_input(say('admin.wall_name'), 'name')}{_labelled_scope(desk)}"
        f"{_button(say('admin.add_wall'), main=True)}",
    )
    body = "".join(_wall(desk, row) for row in rows)
    head = ("name", "scope", "state", "since", "seen", "actions")
    return f"<section>{add}</section>{_scope_list(desk)}{_table(desk, 'wall', head, body)}"


def sources(desk: Desk, roster: Roster) -> str:
    """How each source is doing, in a sentence."""
    say = desk.say
    body = "".join(
        _row(
            f'<i class="state state--{line.standing}"></i>{escape(say.name(line.names))}',
            escape(sentence(line, say, now=roster.now, time_zone=roster.time_zone)),
            str(line.records),
            _set_aside(line.id, line.quarantined, say),
            _action(desk, "canary", line.id, "send_canary"),
        )
        for line in roster.lines
    )
    link = f'<a href="/sources?lang={say.language}">{escape(say("admin.to_sources"))}</a>'
    head = ("name", "state", "records", "quarantined", "actions")
    return f"<section><p>{link}</p></section>{_table(desk, 'source', head, body)}"


def _set_aside(source: str, n: int, say: Say) -> str:
    """How many records of a source could not be read, and the way to them."""
    if not n:
        return "0"
    query = urlencode({"source": source, "lang": say.language})
    return f'<a href="/quarantine?{escape(query)}">{n}</a>'


def audit(
    desk: Desk, entries: list[Entry], checked: Checked, asked: Mapping[str, str], most: int
) -> str:
    """What was done, newest first, and whether anybody has touched the log."""
    say = desk.say
    acts = _option("", say("admin.every_act"), chosen=not asked.get("act")) + "".join(
        _option(act, say(f"act.{act}"), chosen=act == asked.get("act")) for act in Act
    )
    search = (
        f'<form method="get" action="/admin" class="admin-form">'
        f'<input type="hidden" name="tab" value="audit">'
        f'<input type="hidden" name="lang" value="{say.language}">'
        f"{_input(say('admin.who'), 'who', asked.get('who', ''), needed=False)}"
        f'<label>{escape(say("admin.act"))}<select name="act">{acts}</select></label>'
        f"{_button(say('admin.search'), main=True)}</form>"
    )
    head = ("number", "time", "who", "act", "about", "detail")
    body = "".join(_entry(desk, entry) for entry in entries)
    older = ""
    if len(entries) == most:
        before = {**asked, "before": str(entries[-1].number)}
        link = escape(desk.address(**before))
        older = f'<p class="admin-older"><a href="{link}">{escape(say("admin.older"))}</a></p>'
    top = f"<section>{_seal(desk, checked)}{search}</section>"
    return f"{top}{_table(desk, 'audit', head, body)}{older}"


def _seal(desk: Desk, checked: Checked) -> str:
    say = desk.say
    if checked.broken is not None:
        text = say("admin.broken", n=checked.entries, number=checked.broken)
        return f'<p class="admin-problem" role="alert">{escape(text)}</p>'
    since = DASH if checked.since is None else date_and_minute(checked.since, desk.time_zone)
    text = say("admin.whole", n=checked.entries, since=since, seal=checked.last[:12] or DASH)
    return f'<p class="admin-whole">{escape(text)}</p>'


def _account(desk: Desk, row: Any) -> str:
    say, is_locked = desk.say, _is_ahead(row.locked_until_ms, desk.now)
    if row.closed_ms is not None:
        state, actions = say("admin.closed"), [("reopen" if row.via else "link", "reopen")]
    else:
        state = say("admin.locked") if is_locked else say("admin.open")
        if row.via:
            state = say(f"admin.via_{row.via}")
            state = say("admin.locked") if is_locked else state
        elif not row.has_password:
            state = say("admin.invited")
        actions = [("close", "close")] if row.via else [("link", "new_link"), ("close", "close")]
        actions += [("unlock", "unlock")] if is_locked else []
    roles = "".join(_option(r, say(f"role.{r}"), chosen=r == row.role) for r in ROLES)
    role = _form(
        desk,
        "role",
        f'{_hidden("name", row.name)}<select name="role" aria-label="{escape(say("admin.role"))}">'
        f"{roles}</select>{_button(say('admin.set_role'))}",
    )
    return _row(
        escape(row.name),
        role if row.closed_ms is None and not row.via else escape(say(f"role.{row.role}")),
        _scope_of(desk, "scope", row, is_fixed=_has_fixed_scope(desk, row)),
        escape(state),
        escape(_moment(desk, row.seen_ms)),
        "".join(_action(desk, act, row.name, word) for act, word in actions),
        is_over=row.closed_ms is not None,
    )


def _wall(desk: Desk, row: Any) -> str:
    say, is_revoked = desk.say, row.revoked_ms is not None
    actions = _action(desk, "wall-link", row.name, "new_wall_link")
    if not is_revoked:
        actions += _action(desk, "revoke-wall", row.name, "revoke")
    return _row(
        escape(row.name),
        _scope_of(desk, "wall-scope", row, is_fixed=is_revoked),
        escape(say("admin.revoked" if is_revoked else "admin.open")),
        escape(_moment(desk, row.created_ms)),
        escape(_moment(desk, row.seen_ms)),
        actions,
        is_over=is_revoked,
    )


def _entry(desk: Desk, entry: Entry) -> str:
    detail = " · ".join(f"{name}: {value}" for name, value in entry.detail.items())
    return _row(
        str(entry.number),
        escape(second_of_day(entry.at, desk.time_zone)),
        escape(entry.who),
        escape(desk.say(f"act.{entry.act}")),
        escape(entry.about),
        escape(detail),
    )


def _tab(desk: Desk, tab: str) -> str:
    current = ' aria-current="page"' if tab == desk.tab else ""
    href = f"/admin?{urlencode({'tab': tab, 'lang': desk.say.language})}"
    return f'<a href="{escape(href)}"{current}>{escape(desk.say(f"admin.{tab}"))}</a>'


def _who(desk: Desk) -> str:
    others = [language for language in LANGUAGES if language != desk.say.language]
    word = escape(desk.say("admin.other_language"))
    links = "".join(
        f'<a href="{escape(desk.address(lang=language))}">{word}</a>' for language in others
    )
    out = (
        f'<form method="post" action="/logout">{_hidden("csrf", desk.csrf)}'
        f"{_button(desk.say('gate.log_out'))}</form>"
    )
    desk_link = f'<a href="/desk?lang={desk.say.language}">{escape(desk.say("admin.to_desk"))}</a>'
    return f'<div class="admin-who">{desk_link}{links}<span>{escape(desk.who)}</span>{out}</div>'


def _form(desk: Desk, act: str, inside: str) -> str:
    fields = _hidden("csrf", desk.csrf) + _hidden("act", act)
    action = escape(desk.address())
    return f'<form method="post" action="{action}" class="admin-form">{fields}{inside}</form>'


def _action(desk: Desk, act: str, name: str, word: str) -> str:
    """A button that does something to one row; what shuts somebody out asks once more."""
    say = desk.say
    if act not in _ASKED_TWICE:
        return _form(desk, act, _hidden("name", name) + _button(say(f"admin.{word}")))
    sure = _button(say(f"admin.sure_{word}", name=name), main=True)
    return (
        f'<details class="admin-sure"><summary>{escape(say(f"admin.{word}"))}</summary>'
        f"{_form(desk, act, _hidden('name', name) + sure)}</details>"
    )


def _has_fixed_scope(desk: Desk, row: Any) -> bool:
    """Whether a scope cannot be given here: to an administrator, by groups, to who is shut out."""
    return row.role == Role.ADMIN or row.via in desk.grouped or row.closed_ms is not None


def _scope_of(desk: Desk, act: str, row: Any, *, is_fixed: bool) -> str:
    """What somebody is confined to, by name, and where it can be changed the form for it."""
    known = desk.scopes.get(row.scope or "")
    if not row.scope:
        name = escape(desk.say("admin.everywhere"))
    elif known is not None:
        name = escape(_called(desk, known))
    else:
        gone = desk.say("admin.scope_gone", code=row.scope)
        name = f'<span class="admin-gone">{escape(gone)}</span>'
    if is_fixed:
        return name
    label = desk.say("admin.scope_of", name=row.name)
    field = _scope_field(desk, row.scope or "", f' aria-label="{escape(label)}"')
    button = _button(desk.say("admin.set_scope"))
    return f"{name}{_form(desk, act, _hidden('name', row.name) + field + button)}"


def _labelled_scope(desk: Desk) -> str:
    return f"<label>{escape(desk.say('admin.scope'))}{_scope_field(desk)}</label>"


def _scope_field(desk: Desk, value: str = "", more: str = "") -> str:
    hint = escape(desk.say("admin.everywhere"))
    return (
        f'<input name="scope" list="scopes" value="{escape(value)}" placeholder="{hint}" '
        f'maxlength="80" autocomplete="off"{more}>'
    )


def _scope_list(desk: Desk) -> str:
    """All areas and grids, for the fields to offer."""
    scopes = desk.scopes.values()
    options = "".join(_option(scope.code, _called(desk, scope)) for scope in scopes)
    return f'<datalist id="scopes">{options}</datalist>'


def _called(desk: Desk, scope: Scope) -> str:
    """A scope by its name, and that of the area it lies in where that is not the whole."""
    line = [desk.scopes[code] for code in scope.path[1:]] or [scope]
    return " · ".join(desk.say.name(one.names) for one in line)


def _table(desk: Desk, what: str, head: Iterable[str], body: str) -> str:
    say = desk.say
    cells = "".join(f"<th>{escape(say(f'admin.column_{name}'))}</th>" for name in head)
    none = f'<tr><td colspan="9">{escape(say("admin.none"))}</td></tr>'
    return (
        f'<div class="admin-table"><table class="admin-{what}"><thead><tr>{cells}</tr></thead>'
        f"<tbody>{body or none}</tbody></table></div>"
    )


def _row(*cells: str, is_over: bool = False) -> str:
    over = ' class="is-over"' if is_over else ""
    return f"<tr{over}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'


def _input(label: str, name: str, value: str = "", *, needed: bool = True) -> str:
    required = " required" if needed else ""
    return (
        f'<label>{escape(label)}<input name="{name}" value="{escape(value)}" maxlength="40" '
        f'autocomplete="off"{required}></label>'
    )


def _option(value: str, text: str, *, chosen: bool = False) -> str:
    return f'<option value="{escape(value)}"{" selected" if chosen else ""}>{escape(text)}</option>'


def _button(text: str, *, main: bool = False) -> str:
    look = ' class="is-main"' if main else ""
    return f"<button{look}>{escape(text)}</button>"


def _moment(desk: Desk, at_ms: int | None) -> str:
    return DASH if at_ms is None else date_and_minute(from_ms(at_ms), desk.time_zone)


def _is_ahead(at_ms: int | None, now: datetime) -> bool:
    return at_ms is not None and from_ms(at_ms) > now
