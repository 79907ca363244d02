"""The 135 strip: the three rates this product is trusted for."""

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import DASH
from dashboard.text.rate import PERCENT_FROM, RateText, rate_text, whole_percent
from pipelines.snapshot import Snapshot, Tile


def draw(snapshot: Snapshot, say: Say) -> Leaves:
    """One tile a target, in the order of the snapshot."""
    return {"strip-tiles": {"children": [_tile(tile, say) for tile in snapshot.tiles]}}


def target_name(tile: Tile, say: Say) -> str:
    """What the tile measures: 5分钟到达."""
    if tile.target_s % 60:
        return say(f"tile.seconds_{tile.milestone}", seconds=tile.target_s)
    return say(f"tile.{tile.milestone}", minutes=tile.target_s // 60)


def window_name(window: str, say: Say) -> str:
    """The window in words: 近30天."""
    if window.endswith("d") and window[:-1].isdigit():
        return say("tile.days", n=int(window[:-1]))
    return say(f"tile.{window}")


def _tile(tile: Tile, say: Say) -> html.Section:
    rate = rate_text(tile.figures, tile.goal)
    return html.Section(
        [
            html.H2([html.Span(target_name(tile, say)), *_flag(rate, say)]),
            html.P(_scope(tile, say), className="tile__scope"),
            _figures(rate, tile, say),
            _bar(tile, rate),
            _foot(tile, rate, say),
        ],
        className=" ".join(_classes(rate)),
        id=f"tile-{tile.milestone}",
    )


def _scope(tile: Tile, say: Say) -> str:
    parts = [say(f"tile.{tile.reading}"), window_name(tile.window, say)]
    if tile.goal is not None:
        parts.append(say("tile.goal", share=whole_percent(tile.goal)))
    return " · ".join(parts)


def _classes(rate: RateText) -> list[str]:
    classes = ["tile", f"tile--{rate.tone}"]
    if rate.greyed:
        classes.append("tile--greyed")
    if rate.insufficient:
        classes.append("tile--insufficient")
    return classes


def _figures(rate: RateText, tile: Tile, say: Say) -> html.Div:
    return html.Div(
        [_fraction(rate.fraction, say), *_percent(rate)],
        className="tile__figures",
    )


def _fraction(fraction: str, say: Say) -> html.Span:
    if fraction == DASH:
        return html.Span(DASH, className="tile__fraction")
    k, n = fraction.split("/")
    long = " tile__fraction--long" if len(fraction) > 8 else ""
    return html.Span(
        [html.Span(k), html.I("/"), html.Span(n)],
        className=f"tile__fraction{long}",
        title=say("tile.fraction_hint", k=k, n=n),
    )


def _percent(rate: RateText) -> list[html.Span]:
    if rate.percent is None:
        return []
    return [html.Span([rate.percent, html.Small("%")], className="tile__percent")]


def _flag(rate: RateText, say: Say) -> list[html.Span]:
    if not rate.insufficient:
        return []
    return [html.Span(say("tile.insufficient"), className="tile__flag")]


def _bar(tile: Tile, rate: RateText) -> html.Div:
    """The interval on a line from 0 to 100 %, the rate as a tick on it, the goal across it."""
    marks = []
    bounds = tile.figures["wilson"]
    known = tile.figures["known"]
    if rate.interval and isinstance(bounds, list | tuple) and isinstance(known, int | float):
        low, high = bounds
        marks.append(html.I(className="bar__range", style=_span(low, high)))
        marks.append(html.I(className="bar__rate", style=_span(known)))
    if tile.goal is not None:
        marks.append(html.I(className="bar__goal", style=_span(tile.goal)))
    return html.Div(marks, className="bar")


def _span(low: float, high: float | None = None) -> dict[str, str]:
    style = {"left": f"{low * 100:.2f}%"}
    if high is not None:
        style["width"] = f"{(high - low) * 100:.2f}%"
    return style


def _foot(tile: Tile, rate: RateText, say: Say) -> html.Div:
    return html.Div(
        [html.Span(_interval(rate, say)), _coverage(rate, say), _pending(tile, say)],
        className="tile__foot",
    )


def _interval(rate: RateText, say: Say) -> str:
    if rate.interval is not None:
        return say("tile.interval", low=rate.interval[0], high=rate.interval[1])
    if rate.fraction == DASH:
        return say("tile.nothing")
    return say("tile.no_interval", n=PERCENT_FROM)


def _coverage(rate: RateText, say: Say) -> html.Span:
    if rate.coverage is None:
        return html.Span(say("tile.no_coverage"))
    return html.Span(say("tile.coverage", share=rate.coverage), className="tile__coverage")


def _pending(tile: Tile, say: Say) -> html.Span:
    return html.Span(say("tile.pending", n=tile.figures["pending"]))


STRIP = Panel(id="strip", leaves=("strip-tiles",), draw=draw)
