"""The definition lab's panels: from real stores, empty, full, corrected and refused."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard.text import LANGUAGES, say_in
from dashboard.text.monitors import sentence, told
from dashboard.views import BadViewError, parse_view
from pipelines.desk.lab_board import LabBoard, LabDesk, read_lab
from pipelines.figures.freezing import freeze
from pipelines.figures.monitors import Group, Monitor
from pipelines.installation import Installation
from tests.builders import at
from tests.dashboard.test_desk import drawn, links, parts, text
from tests.pipelines.installations import IN_G2, a_call, an_installation, taken_in

DAY = 86_400
NOW = at(20 * DAY)
SHIFTS = """
[wall]
shifts = [{ name = { zh = "白班", en = "Day" }, from = "08:00" }]
"""
CALLS = [
    a_call(
        f"A-{n}",
        reported=n * 3700,
        accepted=n * 3700 + 20 + n % 30,
        arrived=n * 3700 + (240 if n % 2 else 90 + 7 * (n % 37)),
        resolved=n * 3700 + 2000,
        place=IN_G2 if n % 3 else None,
    )
    for n in range(150)
]
LEAVES = (
    "lab-crumbs", "lab-ways", "lab-filters", "span-figure", "span-axis", "span-finding",
    "span-moved", "rules-heading", "rules-table", "rules-foot", "checks-heading", "checks-rows",
    "checks-looked", "checks-foot", "frozen-heading", "frozen-rows",
)  # fmt: skip


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Installation]:
    installation = an_installation(tmp_path, more=SHIFTS)
    yield installation
    installation.store.close()


def board(street: Installation, *, now: datetime = NOW, **filters: str) -> LabBoard:
    with street.store.reading() as reader:
        return read_lab(reader, street, {"window": "90d", **filters}, now=now)


def shown(board: LabBoard, language: str = "en") -> dict[str, Mapping[str, object]]:
    return drawn("lab", board, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("filters", [{}, {"community": "C1", "shift": "08:00"}, {"grid": "G9"}])
@pytest.mark.parametrize("calls", [[], CALLS], ids=["empty", "full"])
def test_the_lab_is_drawn(
    street: Installation,
    language: str,
    filters: dict[str, str],
    calls: list[dict[str, str]],
) -> None:
    taken_in(street, *calls)

    leaves = shown(board(street, **filters), language)

    assert set(leaves) == set(LEAVES)
    assert "None" not in " ".join(text(leaf) for leaf in leaves.values())


def test_the_published_figure_stands_beside_the_others_and_is_marked(street: Installation) -> None:
    taken_in(street, *CALLS)
    found = board(street)
    leaves = shown(found)
    assert found.lab is not None
    published = found.lab.published

    assert f"{published.hit}/{published.known}" in text(leaves["span-figure"])
    cells = [p for p in parts(leaves["rules-table"]["children"]) if type(p).__name__ == "Td"]
    marked = [cell for cell in cells if "is-published" in cell.className]
    assert len(marked) == 1
    assert f"{published.hit}/{published.known}" in text({"children": marked[0].children})
    assert len(cells) == len(found.lab.lines)


def test_a_finding_is_told_in_words_with_ways_to_the_incidents(street: Installation) -> None:
    taken_in(street, *CALLS)

    leaves = shown(board(street), "zh")

    assert "同一时长反复出现" in text(leaves["checks-rows"])
    assert "请核对" in text(leaves["checks-rows"])
    assert any(link.startswith("/incident/") for link in links({"c": leaves["checks-rows"]}))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("group", Group)
@pytest.mark.parametrize("monitor", Monitor)
def test_every_monitor_has_a_sentence_with_all_numbers_and_no_accusation(
    monitor: str, group: str, language: str
) -> None:
    finding = {
        "monitor": str(monitor), "group": str(group), "key": "K7",
        "found": 4711, "n": 5813, "expected": 96.61,
    }  # fmt: skip

    (line,) = told([finding])
    words = line["words"][language]

    assert all(number in words for number in ("K7", "4711", "5813", "97"))
    assert sentence(finding, say_in(language)) in words
    assert {"zh": "请核对", "en": "please check"}[language] in words
    accusing = ("造假", "作弊", "违规", "fraud", "cheat", "fake", "manipulat")
    assert not any(word in words.lower() for word in accusing)


def test_too_many_incidents_are_said_in_words_where_the_range_would_stand(
    street: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_in(street, *CALLS)
    monkeypatch.setattr("pipelines.figures.lab.MOST", 10)

    leaves = shown(board(street))

    assert "at most 10 are looked at" in text(leaves["span-finding"])
    assert leaves["rules-table"]["children"] == []


def test_a_frozen_month_says_how_many_incidents_were_corrected_since(street: Installation) -> None:
    taken_in(street, *CALLS)
    later = at(40 * DAY)
    freeze(street, "2026-03", now=later)
    before = text(shown(board(street, now=later))["frozen-rows"])
    late = a_call("A-1", reported=3700, accepted=3800, arrived=9000, place=IN_G2)
    taken_in(street, late, now=later)

    after = text(shown(board(street, now=later))["frozen-rows"])

    assert "no corrections since" in before
    assert "1 incident corrected since" in after


def test_every_link_of_the_lab_opens_a_page_that_is_there(street: Installation) -> None:
    taken_in(street, *CALLS)

    for link in links(shown(board(street, grid="G2", milestone="accepted"))):
        url = urlsplit(link)
        parse_view(url.path.strip("/"), {k: v[0] for k, v in parse_qs(url.query).items()})


@pytest.mark.parametrize("wrong", ["window", "milestone", "reading"])
def test_a_wrong_filter_is_refused_before_anything_is_read(wrong: str) -> None:
    with pytest.raises(BadViewError, match=f"{wrong}='x' must be one of"):
        parse_view("lab", {wrong: "x"})


def test_one_counting_serves_everybody_for_a_minute(street: Installation) -> None:
    desk = LabDesk(street, rate=1.0)
    taken_in(street, *CALLS)

    def read(now: datetime, **filters: str) -> LabBoard:
        with street.store.reading() as reader:
            return desk.read(reader, {"window": "90d", **filters}, now=now)

    first = read(NOW)
    taken_in(street, a_call("Z-1", reported=5, arrived=9))
    soon, other = read(NOW + timedelta(seconds=59)), read(NOW, kind="fire")
    later = read(NOW + timedelta(seconds=60))

    assert soon.lab is first.lab
    assert (soon.now, soon.as_of) == (NOW + timedelta(seconds=59), NOW)
    counts = [b.lab.incidents for b in (first, other, later) if b.lab is not None]
    assert counts == [150, 151, 151]
