"""Elements made quickly are the elements that Dash makes."""

import dash.html
import orjson
import pytest

from dashboard.drawing import _component
from dashboard.elements import html

GIVEN = (
    {},
    {"className": "part"},
    {"children": "text", "id": "one", "title": "hint"},
    {"children": ["text", 5], "style": {"width": "5%"}, "data-grid": "G1", "aria-label": "said"},
)


@pytest.mark.parametrize("name", ["A", "Details", "Span", "Li"])
@pytest.mark.parametrize("given", GIVEN)
def test_an_element_is_the_same_the_first_time_and_ever_after(name, given):
    expected = getattr(dash.html, name)(**given)

    for _ in range(3):
        made = getattr(html, name)(**given)
        assert type(made) is type(expected)
        assert vars(made) == vars(expected)
        assert made.to_plotly_json() == expected.to_plotly_json()
        sent = orjson.loads(orjson.dumps(made, _component))
        assert sent["props"] == {"children": None, **given}


def test_elements_share_nothing_that_they_are_given():
    first, second = html.Span("one", className="a"), html.Span("two", className="b")
    first.title = "hint"

    assert (second.children, second.className) == ("two", "b")
    assert not hasattr(html.Span("three", className="c"), "title")


def test_a_property_that_an_element_has_not_is_refused():
    with pytest.raises(TypeError, match="classname"):
        html.Span(classname="part")
