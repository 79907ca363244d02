"""What a wall does by itself, told to the page's scripts; nothing of it is seen."""

import json

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from dashboard.text.format import epoch_ms
from pipelines.snapshot import Snapshot


def draw(snapshot: Snapshot, say: Say) -> Leaves:
    """The orders, as attributes for endure.js and sound.js."""
    orders = snapshot.endurance
    is_busy = orders.is_busy or bool(snapshot.critical)
    state = html.Div(
        **data(
            reload=None if orders.reload_at is None else epoch_ms(orders.reload_at),
            spread=f"{orders.spread_s:g}",
            busy="yes" if is_busy else None,
            shift_px=orders.shift_px,
            shift_every=f"{orders.shift_every_s:g}",
            idle_after=f"{orders.idle_after_s:g}",
            idle_brightness=f"{orders.idle_brightness:g}",
            sound="on" if orders.sounds else None,
            volume=f"{orders.volume:g}",
            chimes=json.dumps([[chime.id, chime.tone] for chime in orders.chimes]),
        )
    )
    return {"endurance-state": {"children": [state]}}


ENDURANCE = Panel(id="endurance", leaves=("endurance-state",), draw=draw)
