"""The header: where this is, what kind of data it shows, how fresh it is, what time it is."""

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from dashboard.text.format import date_and_minute, duration, epoch_ms, since
from pipelines.snapshot import ReplayState, Snapshot, SourceHealth, SourceState

_WORST_FIRST = (
    SourceState.UNATTENDED,
    SourceState.DOWN,
    SourceState.SILENT,
    SourceState.NOT_STARTED,
    SourceState.WAITING,
    SourceState.LIVE,
    SourceState.ENDED,
)
_MOST_CHIPS = 24


def draw(snapshot: Snapshot, say: Say) -> Leaves:
    """The title, the honest labels, a chip a source, and the clock."""
    return {
        "header-title": {"children": say.name(snapshot.area_names)},
        "header-labels": {"children": [_label(text) for text in _labels(snapshot, say)]},
        "header-sources": {"children": _chips(snapshot, say)},
        "header-clock": {"children": _clock(snapshot, say)},
    }


def _label(text: str) -> html.Span:
    return html.Span(text, className="label")


def _labels(snapshot: Snapshot, say: Say) -> list[str]:
    kinds = []
    if snapshot.synthetic:
        kinds.append(say("header.synthetic"))
    if snapshot.schematic_grids:
        kinds.append(say("header.schematic"))
    if snapshot.clock_rate != 1:
        kinds.append(say("header.clock_speed", speed=f"{snapshot.clock_rate:g}"))
    labels = [" · ".join(kinds)] if kinds else []
    if snapshot.replay is not None:
        labels.append(" · ".join(_replay(snapshot.replay, say)))
    return labels


def _replay(replay: ReplayState, say: Say) -> list[str]:
    time = date_and_minute(replay.real_time, replay.time_zone)
    parts = [say("header.replay_ended" if replay.ended else "header.replay", time=time)]
    if replay.speed != 1 and not replay.ended:
        parts.append(say("header.replay_speed", speed=f"{replay.speed:g}"))
    if replay.skips_quiet and not replay.ended:
        parts.append(say("header.replay_skips"))
    return parts


def _chips(snapshot: Snapshot, say: Say) -> list[html.Span]:
    """A chip a source, and room to say how many have none: the page alone knows what fits."""
    worst = sorted(snapshot.sources, key=lambda s: _WORST_FIRST.index(s.state))
    rank = {source.id: i for i, source in enumerate(worst[:_MOST_CHIPS])}
    shown = [source for source in snapshot.sources if source.id in rank]
    chips = [_chip(source, rank[source.id], snapshot, say) for source in shown]
    hidden = len(snapshot.sources) - len(shown)
    return [*chips, html.Span(className="chip chip--more", **data(hidden=hidden))]


def _chip(source: SourceHealth, rank: int, snapshot: Snapshot, say: Say) -> html.Span:
    """``rank`` says which goes first when there is no room: the higher, the sooner."""
    return html.Span(
        [
            html.I(className="chip__mark"),
            html.Span(say.name(source.names), className="chip__name may-clip"),
            _state(source, snapshot, say),
        ],
        className=f"chip chip--{source.state}",
        title=source.problem or "",
        **data(rank=rank),
    )


def _state(source: SourceHealth, snapshot: Snapshot, say: Say) -> html.B:
    """The state in words. Ages are left to the ticking clock of the page."""
    if source.state is SourceState.DOWN:
        if source.state_since is None:
            return html.B(say("source.down_unknown"))
        time = since(source.state_since, snapshot.now, snapshot.time_zone)
        return html.B(say("source.down", time=time))
    if source.state is SourceState.UNATTENDED and source.state_since is not None:
        time = since(source.state_since, snapshot.now, snapshot.time_zone)
        return html.B(say("source.unattended_since", time=time))
    if source.state is SourceState.LIVE and source.behind is not None:
        age = duration(source.behind.total_seconds(), say)
        return html.B(say("source.behind", age=age), className="chip__behind")
    ages = {SourceState.LIVE: "source.live", SourceState.SILENT: "source.silent"}
    if source.state in ages and source.last_record_at is not None:
        at = epoch_ms(source.last_record_at)
        return html.B(**data(tick="age", since=at, say=ages[source.state]))
    if source.state is SourceState.LIVE:
        return html.B()
    key = "waiting" if source.state is SourceState.SILENT else source.state
    return html.B(say(f"source.{key}"))


def _clock(snapshot: Snapshot, say: Say) -> list[html.Div]:
    zone = snapshot.time_zone
    shift = [] if snapshot.shift is None else [html.Span(say.name(snapshot.shift.names))]
    return [
        html.Div(className="clock__time", **data(tick="time", zone=zone)),
        html.Div(
            # the last is filled by screen_clock.js
            [html.Span(**data(tick="date", zone=zone)), *shift, html.Span(className="clock__note")],
            className="clock__date",
        ),
    ]


HEADER = Panel(
    id="header",
    leaves=("header-title", "header-labels", "header-sources", "header-clock"),
    draw=draw,
)
