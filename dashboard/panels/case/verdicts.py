"""Every clock of one incident with its verdict and the sentence that says why."""

from itertools import groupby

from dash import html

from dashboard.panels.case.words import clock_name, sentence
from dashboard.panels.panel import Leaves, Panel
from dashboard.text import Say
from pipelines.casefile import CaseFile, ClockLine
from pipelines.model.clock import Reading


def draw(file: CaseFile, say: Say) -> Leaves:
    """The clocks, reading by reading."""
    clocks = () if file.case is None else file.case.clocks
    by_reading = sorted(clocks, key=lambda line: list(Reading).index(line.reading))
    parts: list[object] = []
    for reading, lines in groupby(by_reading, key=lambda line: line.reading):
        parts.append(html.H3(say(f"case.{reading}")))
        parts.append(html.Ul([_line(line, say) for line in lines if _is_worth_saying(line)]))
    return {
        "verdicts-heading": {"children": say("case.verdicts")},
        "verdicts-rows": {"children": parts},
    }


def _is_worth_saying(line: ClockLine) -> bool:
    """A clock without a target is about nothing."""
    return line.target_s is not None or line.outcome.deadline is not None


def _line(line: ClockLine, say: Say) -> html.Li:
    verdict = line.outcome.verdict
    return html.Li(
        [
            html.Span(clock_name(line, say), className="verdict__name"),
            html.Span(
                [
                    html.I(className=f"verdict__mark verdict__mark--{verdict}"),
                    say(f"verdict.{verdict}"),
                ],
                className=f"verdict__word verdict__word--{verdict}",
            ),
            html.P(sentence(line, say), className="verdict__why"),
        ],
        className="verdict",
    )


VERDICTS = Panel(id="verdicts", leaves=("verdicts-heading", "verdicts-rows"), draw=draw)
