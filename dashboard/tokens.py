"""The colours of the style sheet, for what is not drawn with CSS: the map."""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

TOKENS = Path(__file__).parent.parent / "assets" / "10-tokens.css"
DEFAULT_THEME = "dark"

_BLOCK = re.compile(r"([^{}]+)\{([^{}]*)\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_COLOUR = re.compile(r"--([\w-]+):\s*(#[0-9a-fA-F]{6}|rgb\([^;]*\));")
_THEME = re.compile(r"""\[data-theme=["'](\w+)["']\]""")


class UnknownThemeError(ValueError):
    """There is no such theme; the message names those there are."""


def colours(theme: str = DEFAULT_THEME) -> Mapping[str, str]:
    """The colours of a theme by token, without the dashes; raises UnknownThemeError."""
    themes = _themes()
    if theme not in themes:
        raise UnknownThemeError(f"theme={theme!r}: must be one of: {', '.join(sorted(themes))}")
    return themes[theme]


@lru_cache(maxsize=1)
def _themes() -> Mapping[str, Mapping[str, str]]:
    """``:root`` is the dark theme; ``[data-theme="…"]`` says what another one changes."""
    found: dict[str, dict[str, str]] = {DEFAULT_THEME: {}}
    text = _COMMENT.sub("", TOKENS.read_text("utf-8"))
    for selector, body in _BLOCK.findall(text):
        theme = _THEME.search(selector)
        if theme is None and ":root" not in selector:
            continue
        found.setdefault(theme[1] if theme else DEFAULT_THEME, {}).update(_COLOUR.findall(body))
    return {theme: {**found[DEFAULT_THEME], **own} for theme, own in found.items()}
