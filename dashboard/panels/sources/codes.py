"""Category codes that no mapping names: counted and listed, not guessed."""

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import since
from pipelines.desk.roster import Roster
from pipelines.door.unmapped import Unmapped


def draw(roster: Roster, say: Say) -> Leaves:
    """One entry a code, the most frequent first."""
    total = sum(code.records for code in roster.codes)
    heading: list[object] = [say("sources.codes")]
    if total:
        heading.append(html.Em(say("sources.codes_sum", n=len(roster.codes), records=total)))
    rows: list[object] = [_row(code, roster, say) for code in roster.codes]
    none = html.Li(say("sources.codes_none"), className="codes__none")
    return {
        "codes-heading": {"children": heading},
        "codes-rows": {"children": rows or [none]},
    }


def _row(code: Unmapped, roster: Roster, say: Say) -> html.Li:
    names = {line.id: say.name(line.names) for line in roster.lines}
    source = names.get(code.source, code.source)
    time = since(code.last_at, roster.now, roster.time_zone)
    return html.Li(
        [
            html.Strong(say("sources.code", n=code.records)),
            html.Span(code.value or say("sources.code_empty"), className="code__value may-clip"),
            html.Span(
                say("sources.code_where", source=source, column=code.column, time=time),
                className="code__where may-clip",
            ),
        ],
        className="code",
        title=say("sources.code_hint", value=code.value, n=code.records),
    )


CODES = Panel(id="codes", leaves=("codes-heading", "codes-rows"), draw=draw)
