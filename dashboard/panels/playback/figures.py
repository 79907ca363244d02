"""The 135 figures at the moment shown: those of ``app.py kpi`` for the same moment."""

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel
from dashboard.panels.strip import window_name
from dashboard.text import Say
from dashboard.text.rate import rate_text
from pipelines.desk.playback import Playback, PlayedTile


def draw(page: Playback, say: Say) -> Leaves:
    """A tile a target."""
    return {"playtiles-row": {"children": [_tile(tile, page, say) for tile in page.tiles]}}


def _tile(tile: PlayedTile, page: Playback, say: Say) -> html.Section:
    rate = rate_text(tile.figures, None)
    key = f"tile.seconds_{tile.milestone}" if tile.target_s % 60 else f"tile.{tile.milestone}"
    name = say(key, seconds=tile.target_s, minutes=tile.target_s // 60)
    grey = "is-greyed" if rate.greyed else None
    share = [] if rate.percent is None else [html.Span(f"{rate.percent}%", className=grey)]
    parts = [say("tile.pending", n=tile.figures["pending"])]
    if rate.interval is not None:
        parts.append(say("tile.interval", low=rate.interval[0], high=rate.interval[1]))
    if rate.coverage is not None:
        parts.append(say("tile.coverage", share=rate.coverage))
    doubt = " is-insufficient" if rate.insufficient else ""
    return html.Section(
        [
            html.H2([name, html.Em(window_name(page.window, say))]),
            html.P([html.Strong(rate.fraction), *share], className="desk-tile__figure"),
            html.P(" · ".join(parts), className="desk-tile__scope"),
        ],
        className=f"desk-tile box{doubt}",
    )


FIGURES = Panel(id="playtiles", leaves=("playtiles-row",), draw=draw)
