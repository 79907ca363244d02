"""What is in quarantine: how often each rule was broken, and the records themselves."""

from urllib.parse import urlencode

from dashboard.elements import html
from dashboard.panels.labels import honest_labels
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import since
from dashboard.text.rules import rule_in
from pipelines.desk.roster import QuarantineList
from pipelines.door.quarantine import Group, Item
from pipelines.privacy.masking import masked

_MOST_LETTERS = 400
"""Of a record's bytes; the command line shows all of them."""


def draw(listed: QuarantineList, say: Say) -> Leaves:
    """Rules on the left, records on the right. Numbers of people are masked."""
    return {
        "aside-title": {"children": _title(listed, say)},
        "aside-back": {
            "children": [
                *honest_labels(listed.labels, say),
                html.A(say("aside.back"), href=f"/sources?lang={say.language}"),
            ]
        },
        "aside-rules-heading": {"children": _heading("rules", len(listed.groups), say)},
        "aside-rules": {"children": [_rule(group, listed, say) for group in listed.groups]},
        "aside-hint": {"children": _hint(listed, say)},
        "aside-items-heading": {
            "children": [
                say("aside.items"),
                html.Em(say("aside.shown", shown=len(listed.items), n=listed.total)),
            ]
        },
        "aside-items": {"children": _items(listed, say)},
    }


def _title(listed: QuarantineList, say: Say) -> str:
    if listed.source is None:
        return say("aside.title_all")
    return say("aside.title", source=_name(listed.source, listed, say))


def _name(source: str, listed: QuarantineList, say: Say) -> str:
    names = listed.names.get(source)
    return source if names is None else say.name(names)


def _heading(key: str, n: int, say: Say) -> list[object]:
    return [say(f"aside.{key}"), html.Em(str(n))]


def _rule(group: Group, listed: QuarantineList, say: Say) -> html.Li:
    parts = [say("aside.column", column=group.column)]
    if listed.source is None:
        parts.insert(0, _name(group.source, listed, say))
    parts.append(say("aside.last", time=since(group.last_at, listed.now, listed.time_zone)))
    query = urlencode({"source": group.source, "lang": say.language})
    about = " · ".join(parts)
    where = html.A(about, href=f"/quarantine?{query}") if listed.source is None else about
    return html.Li(
        [
            html.Strong(str(group.records)),
            html.Div([html.P(rule_in(group.rule, say)), html.P(where, className="rule__where")]),
        ],
        className="rule",
    )


def _hint(listed: QuarantineList, say: Say) -> list[object]:
    if not listed.total:
        return []
    command = "python app.py quarantine replay"
    command += f" --source {listed.source}" if listed.source is not None else ""
    return [say("aside.hint"), html.Code(command)]


def _items(listed: QuarantineList, say: Say) -> list[html.Li]:
    if not listed.items:
        return [html.Li(say("aside.none"), className="aside__none")]
    return [_item(item, listed, say) for item in listed.items]


def _item(item: Item, listed: QuarantineList, say: Say) -> html.Li:
    time = since(item.received_at, listed.now, listed.time_zone)
    where = f"{item.part}:{item.line}" if item.part else _name(item.source, listed, say)
    raw = masked(item.raw)[:_MOST_LETTERS] + ("…" if len(item.raw) > _MOST_LETTERS else "")
    why = say(
        "aside.why",
        column=item.column,
        value=masked(item.value),
        rule=masked(rule_in(item.rule, say)),
    )
    return html.Li(
        [
            html.P(
                [
                    html.Span(time, className="item__time"),
                    html.Span(where, className="item__where may-clip"),
                ]
            ),
            html.P(why, className="item__why"),
            html.Pre(raw or say("aside.no_bytes"), className="item__raw"),
        ],
        className="item",
    )


ASIDE = Panel(
    id="aside",
    leaves=(
        "aside-title",
        "aside-back",
        "aside-rules-heading",
        "aside-rules",
        "aside-hint",
        "aside-items-heading",
        "aside-items",
    ),
    draw=draw,
)
