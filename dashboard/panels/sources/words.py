"""How a source is doing, in a sentence."""

from datetime import datetime, timedelta

from dashboard.text import Say
from dashboard.text.format import duration, since
from pipelines.desk.roster import SourceDetail, Standing

_RARE_PER_HOUR = 1 / 12
"""An hour that brings a record one time in twelve usually brings nothing."""
_AGREES = timedelta(seconds=2)
_UNHEARD = (Standing.DOWN, Standing.UNATTENDED)


def sentence(line: SourceDetail, say: Say, *, now: datetime, time_zone: str) -> str:
    """What there is to know about a source, with since when and what is usual."""
    values = {
        "n": line.this_hour,
        "usual": usual(line.usual_hour, say, is_missed=line.standing is Standing.SILENT),
        "expected": _count(line.expected),
        "time": "" if line.since is None else since(line.since, now, time_zone),
        "problem": line.problem or "",
    }
    if line.last_record_at is not None and line.standing not in _UNHEARD:
        values["time"] = since(line.last_record_at, now, time_zone)
    if line.rule is not None:
        values["allowed"] = duration(line.rule.total_seconds(), say)
    said = say(f"standing.{_form(line)}", **values)
    if line.behind is None or line.standing in _UNHEARD:
        return said
    return say("standing.behind", sentence=said, age=duration(line.behind.total_seconds(), say))


def _form(line: SourceDetail) -> str:
    """Which sentence fits: by standing, and by what is known about the source's rhythm."""
    if line.standing is Standing.SILENT and line.rule is not None:
        return "silent_by_rule"
    if line.standing is Standing.QUIET and line.rule is not None:
        return "quiet_by_rule"
    if line.standing is Standing.UNATTENDED and line.since is not None:
        return "unattended_since"
    unknown = line.usual_hour is None
    if line.standing in (Standing.ACTIVE, Standing.QUIET, Standing.SILENT) and unknown:
        return f"{line.standing}_unknown"
    return str(line.standing)


def usual(per_hour: float | None, say: Say, *, is_missed: bool = False) -> str:
    """``通常每小时 12 条``, ``通常约每 3 小时一条`` or ``通常无数据``.

    What is missed is said by how often it comes, however rarely that is.
    """
    if not per_hour or (per_hour < _RARE_PER_HOUR and not is_missed):
        return say("standing.usual_nothing")
    if per_hour >= 1:
        return say("standing.usual_hour", n=_count(per_hour))
    every = round(3600 / per_hour / 3600) * 3600 or 3600
    return say("standing.usual_every", every=duration(every, say))


def who(holder: str) -> str:
    """A process as people call it: its machine and its number there."""
    machine, _, number, *_ = (*holder.split("/"), "", "")
    return f"{machine} ({number})" if number else holder


def offset(length: timedelta | None, say: Say) -> str:
    """What the lower envelope of receipt minus stamp says about the source's clock."""
    if length is None:
        return say("sources.unknown")
    if abs(length) <= _AGREES:
        return say("sources.clock_agrees")
    key = "clock_ahead" if length < timedelta(0) else "clock_behind"
    return say(f"sources.{key}", length=duration(abs(length.total_seconds()), say))


def is_ahead(length: timedelta | None) -> bool:
    """Whether the source's clock is certainly wrong: what it sends comes before its time."""
    return length is not None and length < -_AGREES


def _count(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:.0f}" if number >= 10 else f"{number:.1f}".removesuffix(".0")
