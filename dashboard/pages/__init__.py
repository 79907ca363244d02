"""The pages: each a layout of empty boxes that the stream fills, and the list of them."""

from collections.abc import Callable, Sequence

from dash.development.base_component import Component

from dashboard.geometry import Place
from dashboard.pages import wall

PAGES: dict[str, Callable[[Sequence[Place]], Component]] = {"wall": wall.layout}
