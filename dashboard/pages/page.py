"""What a page is: boxes, the panels that fill them, and the one read that all of them share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from dash.development.base_component import Component

from dashboard.backend import Backend
from dashboard.panels.panel import Panel
from dashboard.tokens import DEFAULT_THEME
from pipelines.privacy.clearance import Role


class Picture(Protocol):
    """What a page is drawn from; its panels know what else is in it."""

    @property
    def now(self) -> datetime:
        """The moment it shows."""

    @property
    def next_change_at(self) -> datetime | None:
        """When something in it changes by time alone."""

    @property
    def grids_version(self) -> str:
        """Which boundary file is shown; screens load the page anew when it is another one."""


def _as_it_is(picture: Picture, _: Mapping[str, str]) -> Picture:
    return picture


def _all_of_it(picture: Picture) -> object:
    return picture


def _anything(_: Mapping[str, str]) -> None:
    """Any value will do."""


def _always(_: Backend, __: Mapping[str, str]) -> bool:
    return True


def themed(picture: Any, looks: Mapping[str, str]) -> Any:
    """A picture with a map, in the theme that a view asks for."""
    return replace(picture, theme=looks.get("theme", DEFAULT_THEME))


DESK_THEMES = {"theme": ("dark", "light")}
"""The themes of a page that a person reads at a desk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page.

    ``read`` is called once a refresh for all screens with equal ``filters``, which are the
    parameters of its URL that it understands, besides the language. Those in ``looks`` change
    nothing of what is read: ``look`` turns the one picture into what a view shows of it.
    ``choices`` are the values allowed, up to a colon. Who is less than ``least`` does not get the
    page; who is more than ``most`` sees no more of it than that. ``is_there`` says whether there
    is what the filters name: a page about nothing says so, with the status that programs know.
    One that ``has_frames`` is also drawn once for whoever asks, moment after moment. ``shown`` is
    what of a picture stands on the page: where that is as it was, nothing is drawn anew.
    """

    layout: Callable[[], Component]
    panels: tuple[Panel, ...]
    read: Callable[[Backend, Mapping[str, str]], Picture]
    filters: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    look: Callable[[Any, Mapping[str, str]], Picture] = _as_it_is
    least: Role = Role.VIEWER
    most: Role = Role.ADMIN
    check: Callable[[Mapping[str, str]], None] = _anything
    has_frames: bool = False
    is_there: Callable[[Backend, Mapping[str, str]], bool] = _always
    shown: Callable[[Any], object] = _all_of_it
