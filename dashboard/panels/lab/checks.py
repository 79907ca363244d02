"""What somebody should check in the data: a sentence a finding, with the incidents to look at."""

from dashboard.elements import html
from dashboard.panels.desk.links import incident_link
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.monitors import sentence
from pipelines.desk.lab_board import LabBoard
from pipelines.figures.monitoring import as_object
from pipelines.figures.monitors import Finding, Findings, Group, Monitor

_LINKS = 3
_MOST = 40


def draw(board: LabBoard, say: Say) -> Leaves:
    """The findings, the least likely first within source, grid and unit."""
    findings = board.findings
    if findings is None:
        return {
            "checks-heading": {"children": say("monitor.title")},
            "checks-rows": {"children": []},
            "checks-looked": {"children": []},
            "checks-foot": {"children": ""},
        }
    n = len(findings.found)
    count = [html.Em(say("monitor.count", n=n))] if n else []
    rows = [_row(finding, board, say) for finding in findings.found[:_MOST]]
    return {
        "checks-heading": {"children": [say("monitor.title"), *count]},
        "checks-rows": {"children": rows or [_clean(findings, say)]},
        "checks-looked": {"children": _looked(findings, say)},
        "checks-foot": {"children": _foot(findings, say)},
    }


def _row(finding: Finding, board: LabBoard, say: Say) -> html.Li:
    links = [
        html.A(say("monitor.look", i=i), href=incident_link(incident, say))
        for i, incident in enumerate(finding.ids[:_LINKS], start=1)
    ]
    where = say(f"monitor.at_{finding.group}", key=_name(finding, board, say))
    return html.Li(
        [
            html.Span(where, className="check__where may-clip"),
            html.P(sentence(as_object(finding), say), className="check__what"),
            html.P([say("monitor.hint"), *links], className="check__hint"),
        ],
        className="check",
    )


def _name(finding: Finding, board: LabBoard, say: Say) -> str:
    if finding.group is Group.GRID and finding.key in board.grid_names:
        return say.name(board.grid_names[finding.key])
    if finding.group is Group.SOURCE:
        named = {choice.code: choice.names for choice in board.sources}
        return say.name(named[finding.key]) if finding.key in named else finding.key
    return finding.key


def _clean(findings: Findings, say: Say) -> html.Li:
    enough = sum(findings.looked_at.values()) > 0
    text = say("monitor.clean") if enough else say("monitor.too_few")
    return html.Li(html.P(text, className="check__what"), className="check is-clean")


def _looked(findings: Findings, say: Say) -> list[html.Span]:
    """What was looked for, where there was enough to look at, and in how many groups."""
    found = {finding.monitor for finding in findings.found}
    return [
        html.Span(
            f"{say(f'monitor.name_{monitor}')} {findings.looked_at[monitor]}",
            className="chip" + (" is-found" if monitor in found else ""),
            title=say("monitor.looked", n=findings.looked_at[monitor]),
        )
        for monitor in Monitor
        if findings.looked_at.get(monitor)
    ]


def _foot(findings: Findings, say: Say) -> str:
    tests = sum(findings.looked_at.values())
    return say("monitor.foot", stamps=findings.stamps, tests=tests)


CHECKS = Panel(
    id="checks",
    leaves=("checks-heading", "checks-rows", "checks-looked", "checks-foot"),
    draw=draw,
)
