"""The reports of one incident as received, masked."""

from dashboard.elements import html
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from dashboard.text.format import second_of_day
from dashboard.text.rules import rule_in
from pipelines.desk.casefile import CaseFile, RawReport


def draw(file: CaseFile, say: Say) -> Leaves:
    """A box a report, with its doubts."""
    case = file.case
    reports = () if case is None else case.reports
    rows: list[object] = [_report(report, file, say) for report in reports]
    if case is not None and case.is_sensitive:
        rows.append(html.Li(say("case.sensitive"), className="report"))
    return {
        "reports-heading": {"children": [say("case.reports"), html.Em(str(len(reports)))]},
        "reports-rows": {"children": rows},
    }


def _report(report: RawReport, file: CaseFile, say: Say) -> html.Li:
    time = second_of_day(report.recorded_at, file.time_zone)
    head = [say.name(report.source_names), say("case.recorded", time=time)]
    head += [report.where] if report.where else []
    head += [say("case.replaced")] if report.is_replaced else []
    flags = [
        html.P(
            say("case.flag", column=f.column, value=f.value, rule=rule_in(f.rule, say)),
            className="report__flag",
        )
        for f in report.flags
    ]
    return html.Li(
        [
            html.P(" · ".join(head), className="report__head may-clip"),
            *flags,
            html.Pre(report.text)
            if report.text
            else html.P(say("case.no_raw"), className="report__head"),
        ],
        className="report",
    )


REPORTS = Panel(id="reports", leaves=("reports-heading", "reports-rows"), draw=draw)
