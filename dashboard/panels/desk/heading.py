"""The top of the desk: where one is, and the filters that hold for everything below."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.elements import html
from dashboard.panels.desk.links import board_link, place_link, toggled
from dashboard.panels.labels import honest_labels
from dashboard.panels.panel import Leaves, Panel, checked, current, data, labelled
from dashboard.text import LANGUAGES, Say
from pipelines.desk.board import WINDOWS, Board, Choice
from pipelines.desk.board_filters import DEFAULT_WINDOW, Versus
from pipelines.figures.groups import NO_KIND, State
from pipelines.figures.query import UNLOCATED
from pipelines.model.clock import Reading, Verdict

_SEVERITIES = ("1", "2", "3", "4", "0")
_CLEARED = ("kind", "source", "severity", "state", "verdict", "q", "from", "to", "window")


def draw(board: Board, say: Say) -> Leaves:
    """Breadcrumb, labels, filters and the ways to the other pages."""
    return {
        "desk-crumbs": {"children": _crumbs(board, say)},
        "desk-skip": {"children": say("desk.skip")},
        "desk-find": find(board.filters.get("q", ""), say),
        "desk-span": {"children": _span(board, say)},
        "desk-filters": {"children": _filters(board, say)},
        "desk-ways": {"children": _ways(board, say)},
    }


def find(sought: str, say: Say) -> dict[str, Any]:
    """What the script makes the search box of."""
    return data(sought=sought, label=say("desk.search"), hint=say("desk.search_hint"))


def _crumbs(board: Board, say: Say) -> list[object]:
    parts: list[object] = []
    last = len(board.crumbs) - 1
    for i, (place, names) in enumerate(board.crumbs):
        if i:
            parts.append(html.Span("›", className="crumb__between"))
        text = say("desk.not_on_map") if place.get("grid") == UNLOCATED else say.name(names)
        parts.append(
            html.H1(text) if i == last else html.A(text, href=place_link(board, say, place))
        )
    return [*parts, *honest_labels(board.labels, say)]


def _span(board: Board, say: Say) -> list[object]:
    """The windows that have a name, and the dates for any other."""
    named = [
        html.A(
            say(f"desk.window_{window}"),
            href=board_link(
                board,
                say,
                window=None if window == DEFAULT_WINDOW else window,
                from_=None,
                to=None,
            ),
            className="seg" + (" is-on" if window == board.window else ""),
            **current(window == board.window),
        )
        for window in WINDOWS
    ]
    last = board.end - timedelta(milliseconds=1)
    dates = [
        _date("from", board.start, board, say),
        html.Span("–", className="span__to"),
        _date("until", last, board, say),
    ]
    free = " is-on" if not board.window else ""
    return [
        html.Nav(named, className="segs", **labelled(say("desk.window"))),
        html.Div(dates, className=f"dates{free}"),
    ]


def _date(name: str, at: datetime, board: Board, say: Say) -> html.Span:
    day = at.astimezone(ZoneInfo(board.time_zone)).date().isoformat()
    return html.Span(id=f"desk-{name}", **data(date=name, day=day, label=say(f"desk.{name}")))


def _filters(board: Board, say: Say) -> list[object]:
    verdicts = {"": say("desk.any")} | {str(v): say(f"verdict.{v}") for v in Verdict}
    states = {"": say("desk.any")} | {str(s): say(f"desk.state_{s}") for s in State}
    versus = {str(v): say(f"desk.versus_{v}") for v in Versus}
    readings = {str(r): say(f"tile.{r}") for r in Reading}
    severities = {code: _severity(code, say) for code in _SEVERITIES}
    kinds = _named(board.kinds, say) | {NO_KIND: say("desk.no_kind")}
    chosen = board.filters
    return [
        _several("kind", kinds, board, say),
        _several("source", _named(board.sources, say), board, say),
        _several("severity", severities, board, say),
        _one("state", states, chosen.get("state", ""), "", board, say),
        _one("verdict", verdicts, chosen.get("verdict", ""), "", board, say),
        _one("reading", readings, str(board.reading), str(Reading.CUMULATIVE), board, say),
        _one("versus", versus, str(board.versus), str(Versus.BEFORE), board, say),
        *_clear(board, say),
    ]


def _severity(code: str, say: Say) -> str:
    return say("desk.no_severity") if code == "0" else say(f"level.{code}")


def _named(choices: tuple[Choice, ...], say: Say) -> dict[str, str]:
    return {choice.code: say.name(choice.names) for choice in choices}


def _several(name: str, options: Mapping[str, str], board: Board, say: Say) -> html.Details:
    chosen = [code for code in board.filters.get(name, "").split(",") if code]
    every = html.A(
        say("desk.any"),
        href=board_link(board, say, **{name: None}),
        className="pick__item" + ("" if chosen else " is-on"),
        role="menuitemcheckbox",
        **checked(not chosen),
    )
    items = [
        html.A(
            text,
            href=board_link(board, say, **{name: toggled(board, name, code)}),
            className="pick__item" + (" is-on" if code in chosen else ""),
            role="menuitemcheckbox",
            **checked(code in chosen),
        )
        for code, text in options.items()
    ]
    shown = [options.get(code, code) for code in chosen]
    text = shown[0] if len(shown) == 1 else say("desk.several", n=len(shown))
    return _pick(name, text if shown else say("desk.any"), [every, *items], bool(shown), say)


def _one(
    name: str, options: Mapping[str, str], value: str, default: str, board: Board, say: Say
) -> html.Details:
    items = [
        html.A(
            text,
            href=board_link(board, say, **{name: None if code == default else code}),
            className="pick__item" + (" is-on" if code == value else ""),
            role="menuitemradio",
            **checked(code == value),
        )
        for code, text in options.items()
    ]
    return _pick(name, options.get(value, value), items, value != default, say)


def _pick(name: str, text: str, items: list[html.A], is_set: bool, say: Say) -> html.Details:
    summary = html.Summary([html.Span(say(f"desk.{name}")), html.B(text, className="may-clip")])
    menu = html.Div(items, className="pick__menu", role="menu", **labelled(say(f"desk.{name}")))
    return html.Details(
        [summary, menu], className="pick" + (" is-set" if is_set else ""), **data(pick=name)
    )


def _clear(board: Board, say: Say) -> list[html.A]:
    if not any(board.filters.get(name) for name in _CLEARED):
        return []
    href = board_link(board, say, **{f"{name}_": None for name in _CLEARED})
    return [html.A(say("desk.clear"), href=href, className="clear", **data(clear="all"))]


def _ways(board: Board, say: Say) -> list[html.A]:
    other = next(language for language in LANGUAGES if language != say.language)
    here = board_link(board, say).removesuffix(f"lang={say.language}")
    return [
        html.A(say("desk.to_wall"), href=f"/wall?lang={say.language}"),
        html.A(say("desk.to_handover"), href=f"/handover?lang={say.language}"),
        html.A(say("desk.to_playback"), href=f"/playback?lang={say.language}"),
        html.A(say("desk.to_sources"), href=f"/sources?lang={say.language}"),
        html.A(say("desk.to_lab"), href=f"/lab?lang={say.language}"),
        html.A(say("desk.other_language"), href=f"{here}lang={other}", **data(full="page")),
    ]


HEADING = Panel(
    id="desk",
    leaves=("desk-skip", "desk-crumbs", "desk-find", "desk-span", "desk-filters", "desk-ways"),
    draw=draw,
)
