"""Data quality: what is missing from the figures, and what was left out of them on purpose."""

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel
from dashboard.panels.strip import target_name, window_name
from dashboard.text import Say
from pipelines.model.milestone import Milestone
from pipelines.snapshot import Snapshot, Tile

_COUNTS = (
    "unlocated",
    "unknown",
    "indeterminate",
    "quarantined",
    "quarantined_records",
    "flagged",
)


def draw(snapshot: Snapshot, say: Say) -> Leaves:
    """Six counts and the ledger."""
    return {
        "quality-heading": {"children": [say("quality.title"), *_scope(snapshot, say)]},
        "quality-counts": {"children": [_count(key, snapshot, say) for key in _COUNTS]},
        "quality-ledger": {"children": _ledger(snapshot, say)},
    }


def _scope(snapshot: Snapshot, say: Say) -> list[html.Em]:
    tile = _arrival(snapshot)
    if tile is None:
        return []
    text = say(
        "quality.scope",
        target=target_name(tile, say),
        window=window_name(tile.window, say),
        n=snapshot.quality.incidents,
    )
    return [html.Em(text)]


def _arrival(snapshot: Snapshot) -> Tile | None:
    return next((t for t in snapshot.tiles if t.milestone is Milestone.ARRIVED), None)


def _count(key: str, snapshot: Snapshot, say: Say) -> html.Div:
    n = getattr(snapshot.quality, key)
    return html.Div(
        [html.Strong(str(n)), html.Span(say(f"quality.{key}"))],
        className="lack" if n else "lack lack--none",
    )


def _ledger(snapshot: Snapshot, say: Say) -> str:
    excluded = snapshot.quality.excluded
    if not excluded:
        return say("quality.excluded_none")
    ordered = sorted(excluded.items(), key=lambda item: (-item[1], item[0]))
    reasons = [say("quality.reason", name=say(f"reason.{r}"), n=n) for r, n in ordered]
    text = say("quality.separator").join(reasons)
    return say("quality.excluded", n=sum(excluded.values()), reasons=text)


QUALITY = Panel(
    id="quality", leaves=("quality-heading", "quality-counts", "quality-ledger"), draw=draw
)
