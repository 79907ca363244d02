"""Who has a scope: outside of it nothing is there, whatever they ask and however they ask it."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app import main
from dashboard.access.keeper import AccessError, Keeper
from dashboard.access.person import Person, Role
from dashboard.access.reveal import REVEAL_PATH
from dashboard.backend import Backend
from dashboard.views import parse_view
from pipelines.clock import FastClock, SteadyClock
from pipelines.errors import QueryError
from pipelines.figures.freezing import freeze
from pipelines.model.incident import incident_id
from pipelines.privacy.clearance import Clearance
from pipelines.roles.live import Live
from tests.builders import MUCH_LATER, NINE, at
from tests.dashboard.access.site import Site, site
from tests.dashboard.access.test_attacks import heard, stream
from tests.pipelines.districts import EAST, GRIDS, IN, WEST, a_district, district_settings
from tests.pipelines.installations import a_bad_record, a_batch, a_call, taken_in

MARK = "OUTSIDE"
"""In the words of every incident that the scoped viewer must not see."""
NOW = MUCH_LATER - timedelta(days=29, hours=23)
MINE = [incident_id("calls", f"IN-{n}") for n in range(4)]
THEIRS = [incident_id("calls", f"X-{n}") for n in range(6)]


def calls() -> list[dict[str, str]]:
    """Four calls in the east, the last one open; six in the west or on no map, two of them open."""
    said: dict[str, Any] = {"accepted": 20, "dispatched": 60}
    mine = [
        a_call(f"IN-{n}", place=IN[GRIDS[n % 2]], title="inside", reported=n * 60, arrived=n * 60
               + 200, resolved=None if n == 3 else n * 60 + 900, **said)
        for n in range(4)
    ]  # fmt: skip
    spots = [IN[GRIDS[2]], IN[GRIDS[3]], IN[GRIDS[2]], IN[GRIDS[3]], None, IN[GRIDS[2]]]
    theirs = [
        a_call(f"X-{n}", place=spot, title=f"{MARK} {n} 电话13812345678", reported=n * 60,
               arrived=n * 60 + 400, resolved=None if n > 3 else n * 60 + 900,
               kind="noise" if n == 5 else "fire", **said)
        for n, spot in enumerate(spots)
    ]  # fmt: skip
    return [*mine, *theirs]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    district = a_district(tmp_path_factory.mktemp("district"))
    taken_in(district, *calls(), now=at(1800))
    bad = a_batch(a_bad_record(f"{MARK} cannot be read"))
    district.door.accept(district.sources[0], bad, now=at(1800))
    freeze(district, "2026-03", now=MUCH_LATER + timedelta(days=30))
    base = SteadyClock()
    yield Live(district, clock=FastClock(base=base, anchor=base.now(), start=NOW, rate=1.0))
    district.store.close()


@pytest.fixture(scope="module")
def house(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    keeper = Keeper(f"sqlite:///{tmp_path_factory.mktemp('access') / 'access.sqlite3'}")
    backend: Any = live
    with site(keeper, backend) as whole:
        yield whole
    keeper.close()


@pytest.fixture(scope="module")
def supervisor(house: Site) -> str:
    return house.session(Role.SUPERVISOR, "of the east", scope=EAST)


@pytest.fixture(scope="module")
def screen(house: Site) -> str:
    return house.session(Role.WALL, "eastern hall", scope=EAST)


@pytest.fixture(scope="module")
def grid_leader(house: Site) -> str:
    return house.session(Role.SUPERVISOR, "of one grid", scope=GRIDS[0])


ASKED = {"incident": THEIRS[0], "what": "phone", "number": "1", "reason": "想看一看"}
WAYS: list[tuple[str, Mapping[str, Any]]] = [
    stream("wall"),
    stream("wall", scene="figures"),
    stream("wall", scene="complaints"),
    stream("wall", scene=f"community:{WEST}"),
    stream("wall", scope="", role="admin"),
    stream("wall", clearance="admin", within="*"),
    stream("desk", window="90d"),
    stream("desk", window="90d", area=WEST),
    stream("desk", window="90d", area="330102"),
    stream("desk", window="90d", area="not_on_map"),
    stream("desk", window="90d", community=f"{WEST}001"),
    stream("desk", window="90d", community="not_on_map"),
    stream("desk", window="90d", community="no_community"),
    stream("desk", window="90d", grid=GRIDS[2]),
    stream("desk", window="90d", grid="not_on_map"),
    stream("desk", window="90d", kind="noise"),
    stream("desk", window="90d", source="calls", verdict="miss"),
    stream("desk", window="90d", q="X-0"),
    stream("desk", window="90d", area=EAST, grid=GRIDS[3]),
    stream("desk", window="90d", area=EAST, community=f"{WEST}002"),
    *(stream("incident", id=one) for one in THEIRS),
    stream("lab", window="90d"),
    stream("lab", window="90d", area=WEST),
    stream("lab", window="90d", community=f"{WEST}001"),
    stream("quarantine"),
    stream("quarantine", source="calls"),
    stream("sources"),
    ("/api/v1/rows", {}),
    (f"/api/v1/rows?area={WEST}", {}),
    ("/api/v1/rows?area=330102", {}),
    (f"/api/v1/rows?community={WEST}001", {}),
    (f"/api/v1/rows?grid={GRIDS[2]}", {}),
    ("/api/v1/rows?grid=not_on_map", {}),
    ("/api/v1/rows?known_at=2026-03-03", {}),
    ("/api/v1/rows?scope=&within=", {}),
    ("/api/v1/kpi?by=grid", {}),
    ("/api/v1/kpi?by=community", {}),
    ("/api/v1/kpi?by=street", {}),
    ("/api/v1/kpi?by=district", {}),
    (f"/api/v1/kpi?area={WEST}", {}),
    ("/api/v1/intake?from=2026-03-02&to=2026-03-03&by=grid", {}),
    ("/api/v1/lab?from=2026-03-01", {}),
    ("/api/v1/monitors?from=2026-03-01", {}),
    ("/api/v1/frozen", {}),
    ("/api/v1/frozen?month=2026-03", {}),
    ("/find", {"params": {"q": "电话"}}),
    ("/find", {"params": {"q": "X-0"}}),
    ("/find", {"params": {"q": WEST}}),
    ("/find", {"params": {"q": THEIRS[0]}}),
    ("/list", {"params": {"window": "90d"}}),
    ("/list", {"params": {"window": "90d", "q": MARK}}),
    ("/list", {"params": {"window": "90d", "area": WEST}}),
    (
        "/export",
        {
            "method": "POST",
            "data": {"view": "/desk?window=90d", "form": "csv", "reason": "想看一看"},
        },
    ),
    (REVEAL_PATH, {"method": "POST", "data": ASKED}),
    (f"/grid/{GRIDS[2]}", {}),
    (f"/area/{WEST}", {}),
    (f"/incident/{THEIRS[0]}", {}),
    ("/geo/grids.geojson", {}),
    stream("grid", code=GRIDS[2]),
    stream("grid", code=GRIDS[2], scope="", area="330102"),
    stream("playback", at="2026-03-02T09:10:00Z"),
    stream("playback", at="2026-03-02T09:10:00Z", know="now", area=WEST),
    ("/frame", {"params": {"page": "playback", "at": "2026-03-02T09:10:00Z"}}),
    ("/frame", {"params": {"page": "playback", "at": "2026-03-02T09:10:00Z", "scope": ""}}),
    stream("handover"),
    stream("handover", shift="2026-03-02T08:00"),
    ("/api/v1/trail", {"params": {"incident": THEIRS[0]}}),
    *(
        (
            "/api/v1/remarks",
            {"method": "POST", "data": {"act": act, "incident": THEIRS[1], "text": "seen"}},
        )
        for act in ("pinned", "noted")
    ),
    ("/list", {"params": {"window": "90d", "grid": GRIDS[2], "offset": "0", "limit": "500"}}),
    (
        "/export",
        {
            "method": "POST",
            "data": {"view": f"/grid/{GRIDS[2]}?window=90d", "form": "csv", "reason": "想看一看"},
        },
    ),
    ("/geo/devices.json", {}),
    ("/api/v1/rows", {"headers": {"X-Scope": "330102", "X-Forwarded-User": "the boss"}}),
]


def shown_of(path: str, asked: Mapping[str, Any], said: str) -> str:
    """What was answered, without what was asked: an address may come back as it was sent."""
    given = asked.get("params", {}) | asked.get("data", {})
    for text in (*given.values(), *path.replace("=", "/").split("/")):
        for part in (str(text), str(text).rpartition(":")[2]):
            if len(part) > 4 or text == given.get("q"):
                said = said.replace(part, "")
    return said


@pytest.mark.parametrize(("path", "asked"), WAYS, ids=range(len(WAYS)))
def test_who_has_a_scope_and_tries_to_read_outside_it_gets_nothing(
    house: Site, supervisor: str, path: str, asked: Mapping[str, Any]
) -> None:
    with house.browser(supervisor) as browser:
        status, said = heard(browser, path, **asked)

    assert status < 500
    left = shown_of(path, asked, said)
    hidden = (MARK, "X-", *THEIRS, *(code for code in (*GRIDS[2:], WEST)), "13812345678")
    assert not [text for text in hidden if text in left]


@pytest.mark.parametrize(("path", "asked"), WAYS, ids=range(len(WAYS)))
def test_who_has_one_grid_and_tries_to_read_outside_it_gets_nothing(
    house: Site, grid_leader: str, path: str, asked: Mapping[str, Any]
) -> None:
    with house.browser(grid_leader) as browser:
        status, said = heard(browser, path, **asked)

    assert status < 500
    left = shown_of(path, asked, said)
    hidden = (MARK, "X-", *THEIRS, "IN-1", "IN-3", MINE[1], MINE[3], *GRIDS[1:], WEST)
    assert not [text for text in hidden if text in left]


def test_one_s_own_grid_is_all_there_under_its_own_name(house: Site, grid_leader: str) -> None:
    with house.browser(grid_leader) as browser:
        rows = browser.get("/api/v1/rows").json()
        (whole,) = browser.get("/api/v1/kpi").json()
        by_grid = browser.get("/api/v1/kpi?by=grid").json()
        wider = browser.get("/api/v1/kpi?by=street")
        own = browser.get(f"/grid/{GRIDS[0]}")
        next_door = browser.get(f"/grid/{GRIDS[1]}")
        _, desk = heard(browser, "/stream", params={"page": "desk", "window": "90d"}, messages=1)

    assert [row["id"] for row in rows] == [MINE[0], MINE[2]]
    assert (whole["hit"], whole["miss"]) == (2, 0)
    assert [line["key"] for line in by_grid] == [GRIDS[0]]
    assert wider.status_code == 400
    assert (own.status_code, next_door.status_code) == (200, 404)
    assert f"{EAST}001 · {GRIDS[0]}" in desk


def test_a_wall_of_one_grid_shows_that_grid_alone(house: Site) -> None:
    token = house.session(Role.WALL, "grid station", scope=GRIDS[0])
    path, asked = stream("wall", scene="overview")

    with house.browser(token) as browser:
        status, said = heard(browser, path, **asked)

    assert status == 200
    assert GRIDS[0] in said
    assert not [text for text in (MARK, WEST, *GRIDS[1:], *THEIRS, MINE[1]) if text in said]


def test_whose_scope_is_narrowed_is_cut_off_before_the_next_message(house: Site) -> None:
    token = house.session(Role.SUPERVISOR, "moved", scope=EAST)
    ask = {"page": "desk", "window": "90d", "lang": "en"}

    with house.browser(token) as browser:
        stream = browser.send(browser.build_request("GET", "/stream", params=ask), stream=True)
        lines = stream.iter_lines()
        first = next(line for line in lines if line.startswith("data: "))
        house.keeper.set_scope("moved", GRIDS[0], by="x", now=NINE)
        rest = list(lines)  # ends: the server closes it

    assert GRIDS[1] in first
    assert not [line for line in rest if GRIDS[1] in line]


def test_there_are_forty_ways() -> None:
    assert len(WAYS) >= 40


@pytest.mark.parametrize("scene", ["overview", "complaints", "figures", "community"])
def test_a_wall_with_a_scope_shows_its_own_area_alone(house: Site, screen: str, scene: str) -> None:
    path, asked = stream("wall", scene=scene)

    with house.browser(screen) as browser:
        status, said = heard(browser, path, **asked)

    assert status == 200
    assert EAST in said or "330102014" in said
    assert not [text for text in (MARK, WEST, *GRIDS[2:], *THEIRS) if text in said]


def test_one_s_own_scope_is_all_there(house: Site, supervisor: str) -> None:
    with house.browser(supervisor) as browser:
        rows = browser.get("/api/v1/rows").json()
        (whole,) = browser.get("/api/v1/kpi").json()
        by_street = browser.get("/api/v1/kpi?by=street").json()
        wider = browser.get("/api/v1/kpi?by=district")

    assert [row["id"] for row in rows] == MINE
    assert (whole["hit"], whole["miss"]) == (4, 0)
    assert [line["key"] for line in by_street] == [EAST]
    assert wider.status_code == 400


def test_an_incident_outside_is_as_unknown_as_one_that_never_was(
    house: Site, supervisor: str
) -> None:
    def told(one: str) -> str:
        with house.browser(supervisor) as browser:
            status, said = heard(browser, "/stream", params={"page": "incident", "id": one},
                                 messages=1)  # fmt: skip
        assert status == 200
        props = json.loads(said.split("data: ", 1)[1].split("\n", 1)[0])["props"]
        return json.dumps(props, sort_keys=True).replace(one, "")

    assert told(THEIRS[0]) == told("0" * 32)
    assert told(MINE[0]) != told("0" * 32)


@pytest.mark.parametrize("path", ["/incident/{}", "/grid/{}"])
def test_not_even_the_status_tells_what_is_outside_from_what_never_was(
    house: Site, supervisor: str, path: str
) -> None:
    there, outside = (MINE[0], THEIRS[0]) if "incident" in path else (GRIDS[0], GRIDS[2])

    with house.browser(supervisor) as browser:
        codes = [browser.get(path.format(one)).status_code for one in (there, outside, "nowhere")]

    assert codes == [200, 404, 404]


def test_every_answer_of_the_backend_is_confined(live: Live) -> None:
    seen: Backend = live.seen_by(Clearance(role=Role.SUPERVISOR, scope=EAST))

    answers: list[object] = [
        seen.snapshot(), seen.board({"window": "90d"}), seen.lab({"window": "90d"}),
        seen.quarantine(None), seen.roster(), seen.kpi({"by": "grid"}), seen.rows({}),
        seen.rules({"from": "2026-03-01"}), seen.monitors({"from": "2026-03-01"}),
        seen.frozen({}), seen.find("电话"), seen.page({"window": "90d"}, 0, 50),
        seen.grids_geojson(), seen.device_places(), seen.reveal(THEIRS[0], "phone", 1),
        *(seen.case(one) for one in THEIRS),
    ]  # fmt: skip

    for answer in answers:
        assert not [t for t in (MARK, WEST, *GRIDS[2:], *THEIRS[:1]) if t in repr(answer)]
    snapshot = seen.snapshot()
    assert (snapshot.open_total, snapshot.open_unlocated) == (1, 0)
    assert snapshot.quality.quarantined_records == 0
    assert snapshot.area_names == {"zh": EAST, "en": EAST}


def test_the_whole_sees_the_whole_also_after_others_have_looked(live: Live) -> None:
    live.seen_by(Clearance(role=Role.VIEWER, scope=EAST)).lab({"window": "90d"})

    whole = live.seen_by(Clearance(role=Role.SUPERVISOR))

    assert whole.rows({}).total == 10
    assert whole.snapshot().open_total == 3
    assert sum(tile.figures["eligible"] for tile in whole.board({"window": "90d"}).tiles[2:]) == 9  # type: ignore[misc,arg-type]
    assert len(whole.frozen({})) == 1


def test_of_an_area_that_is_no_longer_there_nothing_is_there(live: Live) -> None:
    gone = live.seen_by(Clearance(role=Role.ADMIN, scope="330102999"))

    assert gone.rows({}) == ([], 0)
    assert gone.snapshot().open_total == 0
    with pytest.raises(QueryError):
        gone.rows({"area": EAST})


def test_views_of_different_scopes_share_nothing() -> None:
    views = {
        parse_view("desk", {}, Clearance(role=Role.VIEWER, scope=scope))
        for scope in (None, EAST, WEST)
    }
    walls = {parse_view("wall", {}, Clearance(role=Role.ADMIN, scope=s)) for s in (None, EAST)}

    assert len(views) == 3
    assert {view.clearance.scope for view in walls} == {None, EAST}
    assert len({view.subject for view in views}) == 3


def test_a_scope_stays_with_an_account_that_is_invited_again(tmp_path: Path) -> None:
    keeper = Keeper(f"sqlite:///{tmp_path / 'access.sqlite3'}")
    keeper.invite("eve", Role.VIEWER, by="x", now=NINE, scope=EAST)
    keeper.invite("eve", Role.SUPERVISOR, by="x", now=NINE)

    scopes = {row.name: row.scope for row in keeper.accounts()}

    assert scopes == {"eve": EAST}
    keeper.invite("eve", Role.SUPERVISOR, by="x", now=NINE, scope="")
    assert [row.scope for row in keeper.accounts()] == [None]
    keeper.close()


def test_an_administrator_has_the_whole(tmp_path: Path) -> None:
    keeper = Keeper(f"sqlite:///{tmp_path / 'access.sqlite3'}")

    with pytest.raises(AccessError, match="scoped_admin"):
        keeper.invite("eve", Role.ADMIN, by="x", now=NINE, scope=EAST)
    keeper.invite("eve", Role.VIEWER, by="x", now=NINE, scope=EAST)
    with pytest.raises(AccessError, match="scoped_admin"):
        keeper.set_role("eve", Role.ADMIN, by="x", now=NINE)
    with pytest.raises(AccessError, match="scoped_admin"):
        keeper.invite("eve", Role.ADMIN, by="x", now=NINE)
    keeper.close()


def test_whom_a_directory_calls_an_administrator_is_none_with_a_scope(tmp_path: Path) -> None:
    keeper = Keeper(f"sqlite:///{tmp_path / 'access.sqlite3'}")
    keeper.come_in("eve", Role.ADMIN, via="ldap", peer="", now=NINE)
    with pytest.raises(AccessError, match="scoped_admin"):
        keeper.set_scope("eve", EAST, by="x", now=NINE)
    keeper.come_in("eve", Role.VIEWER, via="ldap", peer="", now=NINE)
    keeper.set_scope("eve", EAST, by="x", now=NINE)

    session = keeper.come_in("eve", Role.ADMIN, via="ldap", peer="", now=NINE)

    assert keeper.person(session, now=NINE) == Person(name="eve", role=Role.DUTY, scope=EAST)
    keeper.close()


def test_who_has_a_stream_open_is_another_when_their_scope_is(house: Site) -> None:
    session = house.session(Role.VIEWER, "frank", scope=EAST)
    before = house.keeper.standing([session], now=NINE)
    house.keeper.invite("frank", Role.VIEWER, by="x", now=NINE, scope=WEST)

    after = house.keeper.standing([session], now=NINE)

    assert before[session] == Person(name="frank", role=Role.VIEWER, scope=EAST)
    assert after[session] == Person(name="frank", role=Role.VIEWER, scope=WEST)


def test_the_command_line_gives_a_scope_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(district_settings(tmp_path).file)
    monkeypatch.setenv("GRID135_DATA", str(tmp_path / "data"))

    def app(*arguments: str) -> int:
        return main(["access", *arguments, "--config", file])

    assert app("invite", "eve", "viewer", "--scope", "330199") == 2
    assert "scope = '330199': there is no such area or grid" in capsys.readouterr().err
    assert app("invite", "eve", "viewer", "--scope", EAST) == 0
    assert app("scope", "eve", GRIDS[0]) == 0
    assert app("scope", "eve", f"{EAST}001") == 0
    assert app("scope", "nobody", EAST) == 2
    assert app("add-wall", "hall", "--scope", f"{WEST}001") == 0
    assert app("list") == 0
    listed = capsys.readouterr().out
    assert f"account eve: viewer, open, of {EAST}001" in listed
    assert f"wall hall: open, of {WEST}001" in listed


INSIDE = {"store", "ingest.py", "rebuilding.py", "attribution.py", "retention.py", "doctor.py",
          "groups.py", "gridfile", "windows.py"}  # fmt: skip
"""Who keeps incidents, serves whoever has the command line, reads one grid that is in scope, or
says only since when there are records."""
PIPELINES = Path(__file__).parents[3] / "pipelines"


def test_whatever_asks_the_table_of_incidents_asks_within_the_scope() -> None:
    asking = [
        file.relative_to(PIPELINES).as_posix()
        for file in sorted(PIPELINES.rglob("*.py"))
        if not INSIDE & set(file.relative_to(PIPELINES).parts)
        and "schema.incident" in file.read_text(encoding="utf-8")
    ]

    assert "figures/query.py" in asking
    # the conditions of a query hold its desk's scope
    within = ("in_scope(", "*conditions(", "sees(")
    texts = {name: (PIPELINES / name).read_text(encoding="utf-8") for name in asking}
    assert not [name for name, text in texts.items() if not any(w in text for w in within)]
