"""What is known of a grid, each with its date, and how right it was where it was audited."""

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from pipelines.gridfile.file import GridFile
from pipelines.gridfile.register import GridFact, Item

_SHOWN = (Item.POPULATION, Item.HOUSEHOLDS, Item.BUILDINGS, Item.SHOPS, Item.KEY_PLACE)


def draw(file: GridFile, say: Say) -> Leaves:
    """A row a number, and the key places."""
    facts = () if file.grid is None else file.grid.facts
    rows = [_row(fact, say) for item in _SHOWN for fact in facts if fact.item is item]
    return {
        "gridbase-heading": {"children": say("grid.base")},
        "gridbase-rows": {"children": rows or [html.Li(_nothing(file, say), className="empty")]},
    }


def _nothing(file: GridFile, say: Say) -> str:
    has_register = file.grid is not None and file.grid.has_register
    return say("grid.nothing_known" if has_register else "grid.no_register")


def _row(fact: GridFact, say: Say) -> html.Li:
    value = say.name(fact.names) if fact.count is None else f"{fact.count:,}"
    audited = (
        say("grid.audited", right=fact.right, checked=fact.checked)
        if fact.checked is not None
        else say("grid.not_audited")
        if fact.count is not None
        else ""
    )
    return html.Li(
        [
            html.Span(say(f"grid.{fact.item}"), className="base__what"),
            html.Strong(value, className="may-clip"),
            html.Em(say("grid.as_of", day=fact.as_of.isoformat())),
            html.Em(audited, className="base__audit"),
        ],
        className="base",
    )


BASE = Panel(id="gridbase", leaves=("gridbase-heading", "gridbase-rows"), draw=draw)
