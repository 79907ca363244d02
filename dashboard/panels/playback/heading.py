"""The top of the playback: that it is one, of which moment, and by what was known."""

from urllib.parse import urlencode

from dashboard.elements import html
from dashboard.panels.labels import honest_labels
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from dashboard.text.format import epoch_ms, second_of_day
from dashboard.tokens import DEFAULT_THEME
from pipelines.desk.playback import Playback


def draw(page: Playback, say: Say) -> Leaves:
    """The word, the moment, how it is known, and what the scrub bar spans."""
    local = second_of_day(page.at, page.time_zone)
    year = f"{page.at:%Y}"
    return {
        "play-crumbs": {"children": _crumbs(page, say)},
        "play-word": {"children": say("playback.word")},
        "play-moment": {"children": f"{year}-{local}"},
        "play-known": {"children": _known(page, say)},
        "play-span": {"children": _span(page)},
    }


def _crumbs(page: Playback, say: Say) -> list[object]:
    way = html.A(say.name(page.area_names), href=f"/desk?lang={say.language}")
    live = html.A(say("playback.to_now"), href=f"/wall?lang={say.language}")
    return [way, *honest_labels(page.labels, say), live]


def _known(page: Playback, say: Say) -> list[object]:
    ways = [
        html.A(
            say(f"playback.know_{know}"),
            href=_link(page, know, say),
            className="is-chosen" if page.knows_then == (know == "then") else None,
        )
        for know in ("then", "now")
    ]
    if not page.knows_then or page.first_known is None or page.at >= page.first_known:
        return list(ways)
    first = second_of_day(page.first_known, page.time_zone)
    return [*ways, html.Span(say("playback.nothing_known", time=first), className="play__unknown")]


def _link(page: Playback, know: str, say: Say) -> str:
    theme = page.theme if page.theme != DEFAULT_THEME else None
    at = f"{page.at:%Y-%m-%dT%H:%M:%S}Z"
    query = {"at": at, "know": know, "span": page.span, "theme": theme, "lang": say.language}
    return f"/playback?{urlencode({k: v for k, v in query.items() if v})}"


def _span(page: Playback) -> html.Div:
    """For the script that scrubs: epoch milliseconds."""
    return html.Div(
        hidden=True,
        **data(
            at=epoch_ms(page.at),
            begins=epoch_ms(page.begins),
            ends=epoch_ms(page.ends),
            span=page.span,
            zone=page.time_zone,
        ),
    )


HEADING = Panel(
    id="play",
    leaves=("play-crumbs", "play-word", "play-moment", "play-known", "play-span"),
    draw=draw,
)
