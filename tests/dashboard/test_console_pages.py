"""Notes and hand-over on the screen: drawn empty and full, with buttons only for who may."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.text import LANGUAGES
from dashboard.views import BadViewError, parse_view
from pipelines.desk.casefile import read_case
from pipelines.desk.console import Console
from pipelines.desk.handover import read_handover
from pipelines.installation import Installation
from pipelines.privacy.clearance import Clearance, Role, Writing
from tests.builders import NINE, at
from tests.dashboard.test_desk import drawn, parts, text
from tests.pipelines.installations import an_installation, taken_in
from tests.pipelines.test_console import A1, A2, CALLS, NOW

SUPERVISOR = Clearance(role=Role.SUPERVISOR)


@pytest.fixture(params=["empty", "full"])
def street(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    taken_in(installation, *CALLS, now=NOW)
    if request.param == "full":
        console = Console(installation)
        for act, said in (
            ("noted", {"incident": A1, "text": "<b>seen</b>"}),
            ("pinned", {"incident": A2}),
            ("handed_over", {"shift": "2026-03-01T16:00:00+00:00", "text": "all quiet"}),
        ):
            console.take(act, said, person="li", now=NOW)
    yield installation
    installation.store.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("writing", list(Writing))
def test_notes_and_hand_over_are_drawn(
    street: Installation, language: str, writing: Writing
) -> None:
    with street.store.reading() as reader:
        case = read_case(reader, street, A1, now=NOW, clearance=SUPERVISOR)
        page = read_handover(reader, street, {}, now=at(7300), clearance=SUPERVISOR)

    leaves = drawn("incident", replace(case, writing=writing), language)
    leaves |= drawn("handover", replace(page, writing=writing), language)

    buttons = [
        part
        for leaf in ("notes-ways", "handover-ways")
        for part in parts(leaves[leaf]["children"])
        if type(part).__name__ == "Button"
    ]
    assert bool(buttons) == (writing is Writing.MAY)
    assert text(leaves["notes-ways"])
    assert "None" not in " ".join(text(leaf) for leaf in leaves.values() if "children" in leaf)


def test_on_an_open_site_writing_is_off(street: Installation) -> None:
    with street.store.reading() as reader:
        page = read_handover(reader, street, {}, now=at(7300), clearance=SUPERVISOR)

    assert page.writing is Writing.OPEN


def test_a_shift_that_is_no_moment_is_refused() -> None:
    with pytest.raises(BadViewError, match="shift="):
        parse_view("handover", {"shift": "tonight"})
    assert parse_view("handover", {"shift": NINE.isoformat()}).page == "handover"
