"""What an integrity monitor found, as a sentence: about the data, never about anybody."""

from collections.abc import Iterable, Mapping
from typing import Any

from dashboard.text import LANGUAGES, Say, say_in
from pipelines.figures.monitors import FAR_M


def sentence(finding: Mapping[str, Any], say: Say) -> str:
    """One plain sentence about one finding, with what was found, of how many, and the expected."""
    return say(
        f"monitor.{finding['monitor']}",
        found=finding["found"],
        of=finding["n"],
        expected=_expected(finding["expected"]),
        metres=FAR_M,
    )


def told(findings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The findings, each with its sentence in every language."""
    return [
        dict(finding) | {"words": {lang: _whole(finding, say_in(lang)) for lang in LANGUAGES}}
        for finding in findings
    ]


def _whole(finding: Mapping[str, Any], say: Say) -> str:
    where = say(f"monitor.at_{finding['group']}", key=finding["key"])
    return say("monitor.whole", where=where, what=sentence(finding, say), hint=say("monitor.hint"))


def _expected(value: float) -> str:
    """A number of incidents that is rarely whole."""
    return f"{value:.0f}" if value >= 10 or value == 0 else f"{value:.1f}"
