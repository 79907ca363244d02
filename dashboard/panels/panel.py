"""What a panel is: an id, the leaves it fills, and a pure drawing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.elements import html
from dashboard.text import Say

Leaves = Mapping[str, Mapping[str, object]]
"""What to put where: ``{leaf id: {property: value}}``; leaf ids start with the panel's id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """One box of a page. ``draw`` returns every leaf in ``leaves``, whatever the snapshot holds.

    It is given what its page reads: the wall's panels a ``Snapshot``.
    """

    id: str
    leaves: tuple[str, ...]
    draw: Callable[[Any, Say], Leaves]

    @property
    def notice(self) -> str:
        """The leaf that covers the box when the panel cannot be drawn."""
        return f"{self.id}-notice"


def unavailable(say: Say) -> list[html.P]:
    """What stands in the box of a panel that could not be drawn."""
    return [
        html.P(say("panel.unavailable"), className="notice__what"),
        html.P(say("panel.unavailable_hint"), className="notice__hint"),
    ]


def labelled(text: str) -> dict[str, Any]:
    """What a reader that cannot see an element says in its place."""
    return {"aria-label": text}


def current(is_it: bool) -> dict[str, Any]:
    """Says of one of several ways that it is where one is."""
    return {"aria-current": "true"} if is_it else {}


def checked(is_it: bool) -> dict[str, Any]:
    """Whether an item of a menu is chosen."""
    return {"aria-checked": "true" if is_it else "false"}


def data(**values: object) -> dict[str, Any]:
    """``data-*`` attributes for the scripts in the page; a None is left out."""
    return {
        f"data-{name.replace('_', '-')}": str(value)
        for name, value in values.items()
        if value is not None
    }
