"""The 135 strip of one grid, beside the street and beside its own past."""

from dash.development.base_component import Component

from dashboard.elements import html
from dashboard.panels.grid.links import number
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.rate import rate_text, whole_percent
from pipelines.gridfile.file import PAST_DAYS, STRIP_DAYS, GridFile, StripLine
from pipelines.kpis.comparison import TOO_FEW, Standing
from pipelines.model.clock import Verdict

_COUNTED = (
    Verdict.HIT,
    Verdict.MISS,
    Verdict.UNKNOWN,
    Verdict.QUARANTINED,
    Verdict.PENDING,
)
_WORDS = {
    ("usual", None): "usual",
    ("unusual", "low"): "below",
    ("exceptional", "low"): "far_below",
    ("unusual", "high"): "above",
    ("exceptional", "high"): "above",
}
_FLOOR_STEP = 0.1


def draw(file: GridFile, say: Say) -> Leaves:
    """A tile a target."""
    lines = () if file.grid is None else file.grid.strip
    return {"gridstrip-tiles": {"children": [_tile(line, file, say) for line in lines]}}


def _tile(line: StripLine, file: GridFile, say: Say) -> html.Section:
    rate = rate_text(line.figures, None)
    doubt = " is-insufficient" if rate.insufficient else ""
    name = f"tile.seconds_{line.milestone}" if line.target_s % 60 else f"tile.{line.milestone}"
    heading = say(name, seconds=line.target_s, minutes=line.target_s // 60)
    scope = say("grid.scope", reading=say("tile.cumulative"), days=say("tile.days", n=STRIP_DAYS))
    percent = (
        []
        if rate.percent is None
        else [html.Span(f"{rate.percent}%", className="is-greyed" if rate.greyed else None)]
    )
    return html.Section(
        [
            html.H2([heading, html.Em(scope)]),
            html.Div(
                [
                    html.P([html.Strong(rate.fraction), *percent], className="desk-tile__figure"),
                    _scale(line, say),
                ],
                className="grid-tile__figures",
            ),
            html.P(_counts(line, file, say), className="desk-tile__counts"),
            html.P(_beside(line, say), className="desk-tile__scope"),
        ],
        className=f"desk-tile box{doubt}",
    )


def _counts(line: StripLine, file: GridFile, say: Say) -> list[html.Span]:
    counts = []
    for verdict in _COUNTED:
        value = line.figures[str(verdict)]
        n = value if isinstance(value, int) else 0
        way = number(file, n, f"{line.milestone}.{verdict}", say)
        counts.append(
            html.Span(
                [say(f"verdict.{verdict}"), html.B(way)],
                className=f"count count--{verdict if n else 'none'}",
            )
        )
    return counts


def _beside(line: StripLine, say: Say) -> str:
    street, past = rate_text(line.street, None), rate_text(line.past, None)
    coverage = rate_text(line.figures, None).coverage
    parts = [
        say("grid.street", figure=_figure(street.fraction, street.percent)),
        say("grid.past", n=PAST_DAYS, figure=_figure(past.fraction, past.percent)),
    ]
    if coverage is not None:
        parts.append(say("tile.coverage", share=coverage))
    return " · ".join(parts)


def _figure(fraction: str, percent: str | None) -> str:
    return fraction if percent is None else f"{fraction} {percent}%"


def standing_word(standing: Standing | None, say: Say) -> str:
    """Where the grid stands among the others: never a rank."""
    if standing is None:
        return say("tile.nothing")
    if standing.known < TOO_FEW:
        return say("communities.too_few")
    word = _WORDS[standing.verdict, standing.side]
    return say(f"communities.{word}", whole=say("area.street"))


def _scale(line: StripLine, say: Say) -> html.Div:
    """The shrunk rate as a dot, within the limits that chance allows around the street's rate."""
    standing = line.standing
    word = html.Span(standing_word(standing, say), className="grid-scale__word")
    if standing is None:
        return html.Div([word], className="grid-scale")
    low, high = standing.limits_95
    street = line.street["known"]
    floor = min(low, standing.shrunk) // _FLOOR_STEP * _FLOOR_STEP
    marks: list[Component] = [
        html.I(
            className="grid-scale__band",
            style={"left": _at(low, floor), "right": _at(1 + floor - high, floor)},
        )
    ]
    if isinstance(street, float):
        marks.append(html.I(className="grid-scale__street", style={"left": _at(street, floor)}))
    marks.append(html.B(className="grid-scale__dot", style={"left": _at(standing.shrunk, floor)}))
    ends = [html.Span(whole_percent(floor)), html.Span("100%")]
    shrunk = say("grid.shrunk", share=whole_percent(standing.shrunk))
    return html.Div(
        [
            html.Div(marks, className="grid-scale__line", title=say("grid.scale_hint")),
            html.Div([ends[0], html.Span(shrunk), ends[1]], className="grid-scale__ends"),
            word,
        ],
        className="grid-scale",
    )


def _at(share: float, floor: float) -> str:
    return f"{max(0.0, min(1.0, (share - floor) / (1 - floor))) * 100:.1f}%"


STRIP = Panel(id="gridstrip", leaves=("gridstrip-tiles",), draw=draw)
