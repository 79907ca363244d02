"""Every clock of one incident with its verdict and the sentence that says why."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from dashboard.elements import html
from dashboard.panels.case.words import clock_name, sentence
from dashboard.panels.panel import Leaves, Panel, data
from dashboard.text import Say
from dashboard.text.format import epoch_ms
from pipelines.desk.casefile import CaseFile, ClockLine
from pipelines.model.clock import Reading, Verdict

_RUNS = (Verdict.PENDING,)


def draw(file: CaseFile, say: Say) -> Leaves:
    """The clocks, reading by reading."""
    clocks = () if file.case is None else file.case.clocks
    by_reading = sorted(clocks, key=lambda line: list(Reading).index(line.reading))
    parts: list[object] = []
    for reading, lines in groupby(by_reading, key=lambda line: line.reading):
        parts.append(html.H3(say(f"case.{reading}")))
        parts.append(html.Ul(_lines([line for line in lines if _is_worth_saying(line)], file, say)))
    return {
        "verdicts-heading": {"children": say("case.verdicts")},
        "verdicts-rows": {"children": parts},
    }


def _is_worth_saying(line: ClockLine) -> bool:
    """A clock without a target is about nothing."""
    return line.target_s is not None or line.outcome.deadline is not None


def _lines(lines: Sequence[ClockLine], file: CaseFile, say: Say) -> list[html.Li]:
    """A row a clock; those left out for one reason share a row."""
    out = [line for line in lines if line.outcome.verdict is Verdict.EXCLUDED]
    rows = [_line(line, file, say) for line in lines if line not in out]
    for _, group in groupby(out, key=lambda line: str(line.outcome.reason)):
        together = list(group)
        names = say("case.and").join(clock_name(line, say) for line in together)
        rows.append(_line(together[0], file, say, name=names))
    return rows


def _line(line: ClockLine, file: CaseFile, say: Say, *, name: str = "") -> html.Li:
    verdict = line.outcome.verdict
    return html.Li(
        [
            html.Span(name or clock_name(line, say), className="verdict__name"),
            html.Span(
                [
                    html.I(className=f"verdict__mark verdict__mark--{verdict}"),
                    say(f"verdict.{verdict}"),
                ],
                className=f"verdict__word verdict__word--{verdict}",
            ),
            html.P(sentence(line, say, file.time_zone), className="verdict__why"),
            *_running(line),
        ],
        className="verdict",
    )


def _running(line: ClockLine) -> list[html.Strong]:
    """What is left of a clock that runs, ticking; past its target it says by how much."""
    deadline = line.outcome.deadline
    if deadline is None or line.stop is not None or line.outcome.verdict not in _RUNS:
        return []
    attributes: dict[str, Any] = data(tick="left", deadline=epoch_ms(deadline))
    return [html.Strong(className=f"verdict__left is-{line.state}", **attributes)]


VERDICTS = Panel(id="verdicts", leaves=("verdicts-heading", "verdicts-rows"), draw=draw)
