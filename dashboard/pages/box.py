"""The box of a panel: its leaves, and the notice that covers them when it cannot be drawn."""

from dash import html
from dash.development.base_component import Component


def box(panel: str, *children: Component, framed: bool = False) -> html.Section:
    """A section for the leaves of one panel; ``framed`` gives it a surface of its own."""
    notice = html.Div(id=f"{panel}-notice", className="notice")
    frame = " box" if framed else ""
    return html.Section([*children, notice], className=f"panel {panel}{frame}")
