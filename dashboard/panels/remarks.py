"""The ways to write on a page; or a sentence that says why there are none."""

from collections.abc import Sequence

from dash.development.base_component import Component

from dashboard.elements import html
from dashboard.text import Say
from pipelines.privacy.clearance import Writing


def writing_ways(writing: Writing, buttons: Sequence[Component], say: Say) -> Sequence[Component]:
    """The buttons for who may write, else why not."""
    if writing is Writing.MAY:
        return buttons
    return [html.Span(say(f"remark.may_not_{writing}"), className="may-not")]
