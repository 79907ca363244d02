"""The HTML elements of the panels: made as Dash makes them, several times as fast.

A board is a thousand elements, drawn anew with every change. What Dash checks of each, whether its
properties are some that such an element has, depends on their names alone; so it is asked once for
every set of names. What comes out is an element of Dash, the same in every attribute.
"""

from typing import TYPE_CHECKING, Any

import dash.html

if TYPE_CHECKING:
    from dash import html as html
else:

    class _Maker:
        """Makes the elements of one type."""

        def __init__(self, element: type) -> None:
            self._element = element
            self._known: dict[tuple[str, ...], dict[str, Any]] = {}

        def __call__(self, children: Any = None, **properties: Any) -> Any:
            names = tuple(properties)
            alike = self._known.get(names)
            if alike is None:
                made = self._element(children, **properties)
                given = {"children", *names}
                self._known[names] = {k: v for k, v in vars(made).items() if k not in given}
                return made
            made = object.__new__(self._element)
            made.__dict__ = {**alike, "children": children, **properties}
            return made

    class _Elements:
        """A maker for each element that is asked for."""

        def __getattr__(self, name: str) -> _Maker:
            maker = _Maker(getattr(dash.html, name))
            setattr(self, name, maker)
            return maker

    html = _Elements()
