"""What is wrong with a record, in the language of the screen.

Pipelines state a rule once, in English, and that is what is kept and what the command line prints.
The sentences below ``rule`` in ``en.toml`` are those, with placeholders for what differs; other
languages say them by the same keys. A rule that is not among them is shown as it was stated.
"""

import re
from functools import cache

from dashboard.text import FALLBACK_LANGUAGE, Say, load

_PLACEHOLDER = re.compile(r"\\{(\w+)\\}")


def rule_in(rule: str, say: Say) -> str:
    """A stated rule, as the language says it."""
    if say.language == FALLBACK_LANGUAGE:
        return rule
    for key, sentence in _sentences():
        found = sentence.fullmatch(rule)
        if found is not None:
            return say(key, **found.groupdict())
    return rule


@cache
def _sentences() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The key of each sentence, and what it looks like when it is stated."""
    return tuple(
        (key, re.compile(_PLACEHOLDER.sub(r"(?P<\1>.+?)", re.escape(text)), re.DOTALL))
        for key, text in load(FALLBACK_LANGUAGE).items()
        if key.startswith("rule.")
    )
