"""What is sent to a screen is what Dash would have made of it, sooner."""

import orjson
import pytest

from dashboard.drawing import Artist, _component
from dashboard.panels import PANELS
from dashboard.text import LANGUAGES, say_in
from tests.dashboard.builders import a_snapshot, an_empty_snapshot


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("snapshot", [a_snapshot(), an_empty_snapshot()], ids=["full", "empty"])
@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.id)
def test_every_leaf_is_written_as_dash_writes_it(panel, snapshot, language):
    say = say_in(language)

    drawing = Artist().draw((panel,), snapshot, say)

    for leaf, properties in panel.draw(snapshot, say).items():
        as_dash = orjson.dumps(properties, lambda component: component.to_plotly_json())
        assert orjson.loads(drawing[leaf]) == orjson.loads(as_dash)


def test_what_is_no_component_is_no_drawing():
    with pytest.raises(TypeError, match="object cannot be sent"):
        _component(object())
