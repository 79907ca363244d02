"""The playback says what it is, nothing on it ticks, and a frame is what it draws."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dashboard.text import LANGUAGES
from pipelines.clock import ManualClock
from pipelines.desk.playback import Player
from pipelines.installation import Installation
from pipelines.roles.live import Live
from tests.builders import at
from tests.dashboard.serving import Server
from tests.dashboard.test_desk import drawn, parts, text
from tests.pipelines.installations import a_call, an_installation, taken_in

NOW = at(4000)
CALLS = (a_call("A-1", accepted=30), a_call("A-2", kind="noise"), a_call("A-3", place=None))


@pytest.fixture(params=["empty", "full"])
def street(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path)
    if request.param == "full":
        taken_in(installation, *CALLS, now=at(60))
    yield installation
    installation.store.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("know", ["then", "now"])
def test_it_is_drawn_and_says_that_it_is_the_past(
    street: Installation, language: str, know: str
) -> None:
    with street.store.reading() as reader:
        page = Player(street).read(reader, {"at": at(200).isoformat(), "know": know}, now=NOW)

    leaves = drawn("playback", page, language)

    assert "PLAYBACK" in text(leaves["play-word"])
    assert "PLAYBACK" in text(leaves["map-heading"])
    assert "None" not in " ".join(text(leaf) for leaf in leaves.values() if "children" in leaf)


def test_nothing_of_the_past_ticks(street: Installation) -> None:
    with street.store.reading() as reader:
        page = Player(street).read(reader, {"at": at(200).isoformat()}, now=NOW)

    attributes = {
        name
        for leaf in drawn("playback", page, "en").values()
        for part in parts(leaf.get("children"))
        if not isinstance(part, str | int)
        for name in part.to_plotly_json()["props"]
    }
    assert not attributes & {"data-tick", "data-t0", "data-deadline"}


def test_a_frame_is_every_leaf_of_the_moment_and_no_other_page_has_any(tmp_path: Path) -> None:
    installation = an_installation(tmp_path)
    taken_in(installation, *CALLS, now=at(60))
    live = Live(installation, clock=ManualClock(NOW))
    server = Server(live)
    ask = {"page": "playback", "lang": "en", "at": at(200).isoformat()}
    try:
        frame = httpx.get(f"{server.url}/frame", params=ask)
        other = httpx.get(f"{server.url}/frame", params={"page": "wall"})
        wrong = httpx.get(f"{server.url}/frame", params={**ask, "at": "noon"})
    finally:
        server.stop()
        installation.store.close()

    assert frame.headers["cache-control"] == "no-store"
    assert {"play-moment", "playtiles-row", "map-grids", "playopen-rows"} <= frame.json()[
        "props"
    ].keys()
    assert "17:03:20" not in frame.text
    assert "09:03:20" in frame.text
    assert (other.status_code, wrong.status_code) == (400, 400)
