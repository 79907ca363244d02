"""Verdicts in whole sentences: why a clock stands as it does."""

from dashboard.text import Say
from dashboard.text.format import date_and_minute
from pipelines.desk.casefile import ClockLine
from pipelines.model.clock import Verdict


def clock_name(line: ClockLine, say: Say) -> str:
    """What the clock measures: 5分钟到达."""
    if line.target_s is None:
        return say(f"milestone.{line.milestone}")
    if line.target_s % 60:
        return say(f"tile.seconds_{line.milestone}", seconds=line.target_s)
    return say(f"tile.{line.milestone}", minutes=line.target_s // 60)


def sentence(line: ClockLine, say: Say, time_zone: str) -> str:
    """Why: ``missed: arrived 312 s after the report; target 300 s; stamps to 1 s``."""
    outcome = line.outcome
    if outcome.verdict is Verdict.EXCLUDED:
        return say("case.why_excluded", reason=say(f"reason.{outcome.reason}"))
    parts = [
        say(
            f"case.why_{outcome.reason}",
            milestone=say(f"milestone.{line.milestone}"),
            start=say(f"case.after_{line.from_milestone}"),
            seconds="—" if outcome.seconds is None else outcome.seconds,
        )
    ]
    if line.target_s is not None:
        parts.append(say("case.target", seconds=line.target_s))
    elif outcome.deadline is not None:
        parts.append(say("case.due", time=date_and_minute(outcome.deadline, time_zone)))
    if outcome.seconds is not None:
        parts.append(say("case.precision", seconds=_precision(line)))
    if outcome.indeterminate:
        parts.append(say("case.indeterminate"))
    return say("case.separator").join(parts)


def _precision(line: ClockLine) -> int:
    """The coarser of the two stamps, in seconds."""
    return max(stamp.precision_s for stamp in (line.start, line.stop) if stamp is not None)
