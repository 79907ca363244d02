"""The frozen months: when, under which definition, whether whole, and what changed since."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import date_and_minute
from pipelines.desk.lab_board import LabBoard


def draw(board: LabBoard, say: Say) -> Leaves:
    """A row a month, the latest first."""
    rows = [_row(month, board, say) for month in board.frozen]
    nothing = [html.Li(say("frozen.none"), className="frozen-row is-none")]
    return {
        "frozen-heading": {"children": [say("frozen.title"), html.Em(say("frozen.hint"))]},
        "frozen-rows": {"children": rows or nothing},
    }


def _row(month: Mapping[str, Any], board: LabBoard, say: Say) -> html.Li:
    at = date_and_minute(datetime.fromisoformat(month["frozen_at"]), board.time_zone)
    return html.Li(
        [
            html.B(month["month"]),
            html.Span(say("frozen.at", at=at), className="may-clip"),
            html.Span(_state(month, say), className="" if month["whole"] else "is-broken"),
            html.Code(month["hash"][:10]),
        ],
        className="frozen-row",
    )


def _state(month: Mapping[str, Any], say: Say) -> str:
    if not month["whole"]:
        return say("frozen.broken")
    if "changed" not in month:
        return say("frozen.whole")
    return say("frozen.changed", n=month["changed"]) if month["changed"] else say("frozen.same")


FROZEN = Panel(id="frozen", leaves=("frozen-heading", "frozen-rows"), draw=draw)
