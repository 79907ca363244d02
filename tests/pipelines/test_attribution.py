"""Boundaries change: what happened keeps the grid of its day, and moves only when told to."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import shapely
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from app import main
from pipelines.desk.board import read_board
from pipelines.door.ingest import Door
from pipelines.errors import QueryError, SettingsError
from pipelines.figures.freezing import as_object, freeze, read_frozen, revision
from pipelines.figures.groups import State
from pipelines.figures.query import By, Query, kpi, tallies
from pipelines.geo.grids import Grid, Grids
from pipelines.geo.history import GridHistory, Version
from pipelines.installation import Installation, move_into_grids, open_installation
from pipelines.leases.lease import Leases
from pipelines.model.tally import EMPTY, Tally, tally_of
from pipelines.registers.areas import make_tree
from pipelines.settings import Settings, load
from pipelines.store import schema
from pipelines.store.rows import incident_from
from pipelines.upkeep.attribution import (
    Stretch,
    Valid,
    log_of,
    misplaced,
    reattribute,
    refusal,
    remember,
    stretches,
)
from pipelines.upkeep.binding import bind_all
from pipelines.upkeep.rebuilding import rebuild, verify
from tests.builders import MUCH_LATER, at
from tests.pipelines.installations import (
    ELSEWHERE,
    IN_G1,
    IN_G2,
    IN_G3,
    a_call,
    a_config,
    a_file,
    a_square,
    an_installation,
    content,
    taken_in,
)
from tests.pipelines.test_freezing import CLOSED, MARCH
from tests.pipelines.test_ingest import an_empty_street
from tests.stores import environ_of, examples, on_every_database

pytestmark = on_every_database
DAY = 86_400
LAYOUTS: Mapping[str, Mapping[str, tuple[str, float]]] = {
    "A": {"G1": ("C1", 120.0), "G2": ("C1", 120.1), "G3": ("C2", 120.2)},
    "B": {"G1": ("C1", 120.1), "N4": ("C2", 120.0), "G3": ("C2", 120.2)},
    "C": {"G1": ("C1", 120.0), "N5": ("C1", 120.2)},
}
"""Each with its community and where its square begins; C leaves the middle to others."""
Config = tuple[tuple[int | None, str], ...]
"""From which day on which layout is valid."""


def grids_of(layout: str) -> Grids:
    grids = [Grid(code=code, name=code, parent=c) for code, (c, _) in LAYOUTS[layout].items()]
    squares = [shapely.Polygon(a_square(west)) for _, west in LAYOUTS[layout].values()]
    return Grids(grids, squares, ())


KNOWN = {layout: grids_of(layout) for layout in LAYOUTS}


def history_of(config: Config) -> GridHistory:
    return GridHistory(
        [
            Version(valid_from=None if day is None else at(day * DAY), grids=KNOWN[layout])
            for day, layout in config
        ]
    )


def under(street: Installation, config: Config) -> Installation:
    """The same street and store, by other boundaries."""
    grids = history_of(config)
    areas = make_tree(street.settings.area, (), grids, file=street.settings.file)
    rules = street.settings.rules
    desk = replace(street.desk, rules=rules, grids=grids, areas=areas, slots={})
    door = Door(street.store, rules=rules, grids=grids, zone=desk.zone)
    return replace(street, grids=grids, desk=desk, door=door)


def expected_grid(config: Config, day: float, lon: float | None, lat: float | None) -> str:
    """By plain arithmetic: which square of the layout valid then holds the point."""
    if lat is None or lon is None or not 30.0 <= lat <= 30.1:
        return ""
    layout = next(name for begins, name in reversed(config) if begins is None or begins <= day)
    squares = LAYOUTS[layout].items()
    return next((code for code, (_, west) in squares if west <= lon <= west + 0.1), "")


def check(street: Installation, config: Config) -> None:
    """Grids, figures by grid and community, and the books, against counting one by one."""
    with street.store.reading() as reader:
        every = [incident_from(row) for row in reader.rows(schema.incident.select())]
        for incident in every:
            day = (incident.t0.at - at(0)) / timedelta(days=1)
            place = incident.place
            assert incident.grid == expected_grid(config, day, place.lon, place.lat)
        for by in (By.GRID, By.COMMUNITY):
            for begin, end in ((None, None), (at(-DAY), at(1.5 * DAY))):
                expected: dict[str, Tally] = {}
                for incident in every:
                    if begin is not None and not begin <= incident.t0.at < end:
                        continue
                    homes = {c: home for squares in LAYOUTS.values()
                             for c, (home, _) in squares.items()}  # fmt: skip
                    key = incident.grid if by is By.GRID else homes.get(incident.grid, "")
                    one = tally_of(incident, street.desk.rules, now=MUCH_LATER, source_alive=True)
                    key = key or "not_on_map"
                    expected[key] = expected.get(key, EMPTY) + one
                asked = Query(as_of=MUCH_LATER, by=by, start=begin, end=end)
                assert tallies(reader, asked, street.desk) == expected
                summed: dict[str, Tally] = {}
                for state in State:
                    found = tallies(reader, replace(asked, state=state), street.desk)
                    for key, tally in found.items():
                        summed[key] = summed.get(key, EMPTY) + tally
                assert summed == expected
    assert verify(street.store, street.desk).wrong == 0
    with street.store.writing() as writer:
        bind_all(writer, street.desk)


calls = st.builds(
    lambda n, day, spot, wait: a_call(
        f"A-{n}", record=f"{n}/{day}/{wait}", place=spot, reported=day * DAY,
        accepted=day * DAY + 5, dispatched=day * DAY + 9,
        arrived=None if wait is None else day * DAY + wait,
    ),
    st.integers(1, 6),
    st.sampled_from([-2, 0, 1, 2.5, 4]),
    st.sampled_from([IN_G1, IN_G2, IN_G3, ELSEWHERE, None]),
    st.sampled_from([None, 100, 299, 400]),
)  # fmt: skip
steps = st.one_of(
    st.lists(calls, min_size=3, max_size=6),
    st.tuples(st.just("add"), st.sampled_from(sorted(LAYOUTS)), st.sampled_from([1, 2, 3, 9])),
    st.tuples(st.just("edit"), st.sampled_from(sorted(LAYOUTS)), st.integers(0, 3)),
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return an_installation(tmp_path_factory.mktemp("street"))


@contextmanager
def a_street(template: Installation, config: Config) -> Iterator[Installation]:
    with an_empty_street(template) as street:
        with street.store.writing() as writer:
            remember(writer, history_of(config))
        yield under(street, config)


beginnings: st.SearchStrategy[Config] = st.sampled_from(
    [((None, "A"),), ((None, "A"), (1, "B")), ((None, "B"), (2, "C")), ((None, "C"), (1, "A"))]
)


def test_after_any_changes_of_boundaries_and_late_facts_all_is_as_counted_one_by_one(
    template: Installation,
) -> None:
    @settings(max_examples=examples(25), phases=[Phase.reuse, Phase.generate])
    @given(
        config=beginnings,
        first=st.lists(calls, min_size=4, max_size=8),
        script=st.lists(steps, min_size=1, max_size=5),
    )
    def holds(config: Config, first: list[dict[str, str]], script: list[object]) -> None:
        play(template, config, first, script)

    holds()


def play(
    template: Installation, config: Config, first: list[dict[str, str]], script: list[object]
) -> None:
    """Take calls in, change the boundaries as told, and compare with counting one by one."""
    with a_street(template, config) as street:
        taken_in(street, *first)
        for n, step in enumerate(script):
            if isinstance(step, list):
                taken_in(street, *step, now=MUCH_LATER + timedelta(seconds=n))
                continue
            wanted = changed(config, step)  # type: ignore[arg-type]
            before = content(street.store, "incident", "rollup", "sheet")
            after = under(street, wanted)
            with street.store.reading() as reader:
                refused = refusal(reader, after.grids)
                n_other, since = misplaced(reader, after.grids)
            assert (refused is None) is (n_other == 0)
            if refused is not None and since is not None:
                assert since.isoformat() in refused
                reattribute(
                    street.store, after.desk, since, quietly, now=MUCH_LATER, books_stand=True
                )
            else:
                with street.store.writing() as writer:
                    remember(writer, after.grids)
                assert content(street.store, "incident", "rollup", "sheet") == before
            config, street = wanted, after
        check(street, config)
        made = content(street.store, "incident", "rollup", "sheet")
        rebuild(street.store, street.desk)
        assert content(street.store, "incident", "rollup", "sheet") == made


def changed(config: Config, step: tuple[str, str, int]) -> Config:
    """The configuration after a version was added, or the layout of one replaced."""
    what, layout, number = step
    if what == "edit":
        at_index = number % len(config)
        edited = (config[at_index][0], layout)
        return (*config[:at_index], edited, *config[at_index + 1 :])
    days = [day for day, _ in config if day is not None]
    return config if days and number <= max(days) else (*config, (number, layout))


def quietly(done: int, of: int) -> None:
    """Nobody is watching."""


def test_the_stretches_in_which_other_boundaries_are_valid_are_found() -> None:
    was = (Valid(None, "a"), Valid(10, "b"))

    assert stretches(was, was) == []
    assert stretches(was, (*was, Valid(20, "c"))) == [Stretch(20, None)]
    assert stretches(was, (Valid(None, "a"), Valid(15, "b"))) == [Stretch(10, 15)]
    assert stretches(was, (Valid(None, "x"), Valid(10, "b"))) == [Stretch(None, 10)]
    assert stretches(was, (Valid(None, "x"), Valid(10, "y"))) == [Stretch(None, None)]


def boundaries(folder: Path, file: str, layout: str) -> None:
    features = [
        f'{{"type":"Feature","properties":{{"code":"{code}","parent":"{parent}"}},"geometry":'
        f'{{"type":"Polygon","coordinates":[{[list(p) for p in a_square(west)]}]}}}}'
        for code, (parent, west) in LAYOUTS[layout].items()
    ]
    a_file(folder / file, f'{{"type":"FeatureCollection","features":[{",".join(features)}]}}')


def environ(folder: Path) -> dict[str, str]:
    return {"GRID135_DATA": str(folder / "data")} | environ_of(folder)


def configured(folder: Path, *versions: tuple[str, str | None]) -> Settings:
    """The settings with these files and the days from which they are valid."""
    blocks = [
        f'[[grids.versions]]\nfile = "{layout}.geojson"\n'
        + (f"valid_from = {day}\n" if day else "")
        for layout, day in versions
    ]
    for layout, _ in versions:
        boundaries(folder, f"{layout}.geojson", layout)
    grids = '[grids]\ncode = "code"\nparent = "parent"\n' + "\n".join(blocks)
    return load(environ(folder), str(a_config(folder, grids=grids)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with a call in G1 on each of five days from 2 March on."""
    street = open_installation(configured(tmp_path, ("A", None)), replayed=False)
    for n in range(5):
        call = a_call(f"A-{n}", reported=n * DAY, arrived=n * DAY + 200, resolved=n * DAY + 900)
        taken_in(street, call, now=MUCH_LATER)
    street.store.close()
    return tmp_path


def by_grid(street: Installation) -> dict[str, int]:
    with street.store.reading() as reader:
        lines = kpi(reader, Query(as_of=MUCH_LATER, by=By.GRID), street.desk)
    return {line["key"]: line["hit"] for line in lines}


def test_a_version_that_comes_into_force_later_is_taken_and_moves_nothing(folder: Path) -> None:
    street = open_installation(configured(folder, ("A", None), ("B", "2026-03-20")), replayed=False)

    assert by_grid(street) == {"G1": 5}
    taken_in(street, a_call("late", reported=25 * DAY, arrived=25 * DAY + 9), now=MUCH_LATER)
    taken_in(street, a_call("early", reported=2 * DAY, arrived=2 * DAY + 9), now=MUCH_LATER)
    assert by_grid(street) == {"G1": 6, "N4": 1}
    assert verify(street.store, street.desk).wrong == 0
    street.store.close()


@pytest.mark.parametrize("versions", [(("B", None),), (("A", None), ("B", "2026-03-04"))])
def test_what_would_move_old_incidents_is_refused_and_says_how_to_do_it(
    folder: Path, versions: tuple[tuple[str, str | None], ...]
) -> None:
    wanted = configured(folder, *versions)

    with pytest.raises(SettingsError, match=r"app.py db reattribute --from 2026-03-0\d") as error:
        open_installation(wanted, replayed=False)

    assert "street.toml [grids]" in str(error.value)
    before = open_installation(configured(folder, ("A", None)), replayed=False)
    assert by_grid(before) == {"G1": 5}
    before.store.close()


def test_reattribution_moves_what_began_under_other_boundaries_and_counts_it(folder: Path) -> None:
    wanted = configured(folder, ("A", None), ("B", "2026-03-04"))
    street = open_installation(wanted, replayed=False, moving=True)

    with pytest.raises(QueryError, match="the boundaries differ for incidents that began earlier"):
        move_into_grids(street, at(4 * DAY), quietly, now=MUCH_LATER)
    done = move_into_grids(street, at(1.5 * DAY), quietly, now=MUCH_LATER)

    assert (done.incidents, done.moved) == (3, 3)
    assert by_grid(street) == {"G1": 2, "N4": 3}
    assert verify(street.store, street.desk).wrong == 0
    with street.store.reading() as reader:
        assert [entry["moved"] for entry in log_of(reader)] == [3]
    street.store.close()
    open_installation(wanted, replayed=False).store.close()


def test_reattribution_under_other_targets_makes_all_anew(folder: Path) -> None:
    boundaries(folder, "B.geojson", "B")
    grids = '[grids]\ncode = "code"\nparent = "parent"\nfile = "B.geojson"\n'
    more = '\n[targets]\narrived = "150s"\n'
    config = a_config(folder, grids=grids, more=more)
    wanted = load(environ(folder), str(config))
    street = open_installation(wanted, replayed=False, moving=True)

    done = move_into_grids(street, None, quietly, now=MUCH_LATER)

    assert done.moved == 5
    assert by_grid(street) == {"N4": 0}
    assert verify(street.store, street.desk).wrong == 0
    street.store.close()


def test_other_names_of_the_same_grids_are_no_other_boundaries(folder: Path) -> None:
    text = (folder / "A.geojson").read_text(encoding="utf-8").replace('"code"', '"name":"x","code"')
    settings_of = configured(folder, ("A", None))
    a_file(folder / "A.geojson", text)

    street = open_installation(settings_of, replayed=False)

    assert by_grid(street) == {"G1": 5}
    street.store.close()


def test_a_frozen_month_keeps_its_figures_and_shows_what_moved(folder: Path) -> None:
    street = open_installation(configured(folder, ("A", None)), replayed=False)
    was = freeze(street, MARCH, now=CLOSED)
    street.store.close()
    wanted = configured(folder, ("B", None))
    moved = open_installation(wanted, replayed=False, moving=True)
    move_into_grids(moved, None, quietly, now=MUCH_LATER)

    with moved.store.reading() as reader:
        kept = read_frozen(reader, MARCH)
        assert kept is not None
        change = revision(reader, moved, kept, now=CLOSED)

    assert (kept.hash, kept.is_whole) == (was.hash, True)
    assert change.grids
    assert len(change.incidents) == 5
    assert as_object(kept)["grids"] != moved.grids.edition(at(0), CLOSED)
    moved.store.close()


def test_a_month_of_two_versions_is_frozen_with_both(folder: Path) -> None:
    street = open_installation(configured(folder, ("A", None), ("B", "2026-03-20")), replayed=False)

    frozen = freeze(street, MARCH, now=CLOSED)

    assert str(frozen.content["grids"]).count("+") == 1
    with street.store.reading() as reader:
        assert not revision(reader, street, frozen, now=CLOSED).grids
    street.store.close()


def test_a_board_of_a_past_window_says_since_when_its_grids_are_others(folder: Path) -> None:
    street = open_installation(configured(folder, ("A", None), ("B", "2026-03-20")), replayed=False)

    def changed_at(window: str, days: float) -> object:
        with street.store.reading() as reader:
            return read_board(
                reader, street, {"window": window}, now=at(days * DAY)
            ).grids_changed_at

    assert changed_at("30d", 30) == street.grids.versions[1].valid_from
    assert changed_at("7d", 30) is None
    assert changed_at("7d", 10) is None
    street.store.close()


def test_the_map_draws_the_boundaries_that_are_valid_now(folder: Path) -> None:
    street = open_installation(configured(folder, ("A", None), ("B", "2026-03-20")), replayed=False)

    drawn = [[cell.code for cell in street.chart_at(at(d * DAY)).cells] for d in (0, 30)]

    assert drawn == [["G1", "G2", "G3"], ["G1", "N4", "G3"]]
    street.store.close()


def app(folder: Path, *arguments: str) -> int:
    """One command of app.py, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ(folder).items():
            patch.setenv(name, value)
        return main([*arguments, "--config", str(folder / "street.toml")])


def test_the_command_line_says_how_many_moved_and_lists_the_versions(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(folder, ("A", None), ("B", "2026-03-04"))

    assert app(folder, "db", "verify") == 2
    assert "app.py db reattribute --from 2026-03-04" in capsys.readouterr().err
    assert app(folder, "db", "grids") == 1
    assert app(folder, "db", "reattribute", "--from", "2026-03-04") == 0
    assert "3 incidents looked at, 3 moved" in capsys.readouterr().out
    assert app(folder, "db", "grids") == 0
    listed = capsys.readouterr().out
    assert "3 grids  from the beginning" in listed
    assert "3 of 3 incidents" in listed
    assert app(folder, "db", "verify") == 0


def test_nothing_is_moved_while_a_process_takes_records_in(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    street = open_installation(configured(folder, ("A", None)), replayed=False)
    leases = Leases(street.store)
    assert leases.acquire("source/calls")
    configured(folder, ("B", None))

    assert app(folder, "db", "reattribute") == 2
    assert "stop it first" in capsys.readouterr().err
    with street.store.writing() as writer:
        writer.clear(schema.lease)
    assert app(folder, "db", "reattribute") == 0
    street.store.close()
