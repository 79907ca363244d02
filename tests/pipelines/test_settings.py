"""A wrong value stops the start and says file, key, value, rule and a way out."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.errors import SettingsError
from pipelines.installation import prepare
from pipelines.model.milestone import Milestone
from pipelines.model.rules import KindClass
from pipelines.reading.options import parse_duration
from pipelines.settings import load
from tests.pipelines.installations import (
    AREA,
    CALLS,
    GRIDS,
    a_config,
    a_file,
    the_grids,
    the_settings,
    the_source,
)

WHOLE = AREA.format(zone="Asia/Shanghai") + GRIDS + CALLS.format(options="", path="calls.csv")


def refusal(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> str:
    """What is said about a config file that holds ``text``."""
    the_grids(folder)
    file = a_file(folder / "street.toml", text)
    with pytest.raises(SettingsError) as caught:
        prepare(load(environ or {}, str(file)))
    return str(caught.value).replace(str(folder) + "/", "")


def changed(old: str, new: str, text: str = WHOLE) -> str:
    assert old in text
    return text.replace(old, new, 1)


def test_the_example_of_these_tests_is_right(tmp_path: Path) -> None:
    grids, sources = prepare(the_settings(tmp_path))

    assert (len(grids), [source.id for source in sources]) == (3, ["calls"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('code = "street"', "",
         "street.toml [area]: code = (missing): is required; add it"),
        ('code = "street"', 'code = "street"\ntimezone = "UTC"',
         "street.toml [area]: timezone = 'UTC': there is no such key; did you mean 'time_zone'?"),
        ("[targets.kinds.smoke]", '[target]\narrived = "3m"\n[targets.kinds.smoke]',
         "street.toml: target = {'arrived': '3m'}: there is no such key; did you mean 'targets'?"),
        ('code = "street"', "code = 7",
         "street.toml [area]: code = 7: Input should be a valid string"),
        ("Asia/Shanghai", "Asia/Hangzhou",
         "street.toml [area]: time_zone = 'Asia/Hangzhou': must be an IANA time zone such as"),
        ("Asia/Shanghai", "Asia",
         "street.toml [area]: time_zone = 'Asia': must be an IANA time zone such as"),
        ("Asia/Shanghai", "",
         "street.toml [area]: time_zone = '': must be an IANA time zone such as"),
        ('arrived = "180s"', 'arrived = "0s"',
         "[targets.kinds.smoke]: arrived = '0s': must be longer than zero"),
        ('arrived = "180s"', "arrived = 180",
         "[targets.kinds.smoke]: arrived = 180: must be a duration such as \"90s\""),
        ('arrived = "180s"', 'arrived = "99999999999999999d"',
         "arrived = '99999999999999999d': must be shorter than a million years"),
        ("[targets.kinds.smoke]", "[targets.kinds.smok]",
         "street.toml [targets.kinds]: smok = …: there is no such kind; add [kinds.smok] or use "
         "one of: fire, noise, smoke"),
        ('class = "complaint"', 'class = "nuisance"',
         "street.toml [kinds.noise]: class = 'nuisance': Input should be 'emergency' or"),
        ('file = "grids.geojson"', 'file = "gird.geojson"',
         "gird.geojson: no such boundary file; set file under [grids]"),
        ('code = "code"', 'code = "Code"',
         "grids.geojson: no column 'Code'; there are: code, name, parent"),
        ('type = "file_drop"', 'type = "ftp"',
         "street.toml [sources.calls.connector]: type = 'ftp': must be one of: "),
        ('type = "file_drop", ', "",
         "street.toml [sources.calls.connector]: type = "),
        ('path = "calls.csv"', 'path = "calls.csv", setle = "1s"',
         "[sources.calls.connector]: setle = '1s': there is no such key; did you mean 'settle'?"),
        ('path = "calls.csv"', 'path = "calls.csv", encoding = "big5"',
         "[sources.calls.connector]: encoding = 'big5': Input should be 'auto', 'utf-8'"),
        ('type = "table"', 'type = "tabel"',
         "street.toml [sources.calls.decoder]: type = 'tabel': must be one of: "),
        ('incident = "id"', "",
         "street.toml [sources.calls.decoder]: incident = None: is required; add it, or `alarm`"),
        ('incident = "id"', 'incident = "id"\ntime_format = "%Y-%Q"',
         "time_format = '%Y-%Q': '%Y-%Q' is no strptime pattern: 'Q' is a bad directive"),
        ('{ lat = "lat", lon = "lon" }', '{ lat = "lat" }',
         "[sources.calls.decoder]: position = {'lat': 'lat'}: needs either \"lat\" and \"lon\""),
        ('fire = "fire"', 'fire = "fires"',
         "[sources.calls.decoder]: kind = 'fires': there is no such kind; add [kinds.fires] or "
         "use one of: fire, noise, smoke"),
        ('yes = "drill"', 'yes = "fun"',
         "'fun' is no ledger reason; use one of drill, merged_child, other_jurisdiction"),
        ('reported = "reported"', 'begun = "reported"',
         "[sources.calls.decoder.milestones.begun]: [key] = 'begun': Input should be 'reported'"),
        ('name = "Calls"', 'name = "Calls"\ncrs = "GCJ02"',
         "street.toml [sources.calls]: crs = 'GCJ02': must be one of \"WGS-84\", "),
        ('name = "Calls"', 'name = "Calls"\nevery = "soon"',
         "street.toml [sources.calls]: every = 'soon': must be a duration"),
        ('name = "Calls"', 'name = "Calls"\nreplay = { from = "2015" , speed = 0 }',
         "street.toml [sources.calls.replay]: from = '2015': must be an ISO date and time such as"),
        ('name = "Calls"', 'name = "Calls"\nreplay = { speed = 2 }',
         "street.toml [sources.calls.replay]: from = (missing): is required; add it"),
        ('name = "Calls"', 'name = { zh = "电话" }',
         "street.toml [sources.calls.name]: en = (missing): is required; add it"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_file_key_value_and_rule(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert message in refusal(tmp_path, changed(old, new))


def test_all_wrong_values_of_a_block_are_named_at_once(tmp_path: Path) -> None:
    text = changed("Asia/Shanghai", "Mars", changed('code = "street"', 'code = ""'))

    assert len(refusal(tmp_path, text).splitlines()) == 2


@pytest.mark.parametrize("window", ["tomorrow", "12h", "0d"])
def test_the_window_of_the_wall_is_today_all_or_whole_days(tmp_path: Path, window: str) -> None:
    message = refusal(tmp_path, WHOLE + f'\n[wall]\nwindow = "{window}"')

    assert f"street.toml [wall]: window = '{window}': must be" in message


def test_a_file_that_is_not_there_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load({"GRID135_CONFIG": str(tmp_path / "no.toml")})

    assert str(caught.value) == (
        f"{tmp_path}/no.toml: no such file; name one with --config or GRID135_CONFIG"
    )


def test_a_folder_is_no_config_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load({}, str(tmp_path))


def test_a_file_that_is_not_toml_says_where(tmp_path: Path) -> None:
    assert "street.toml: not TOML: " in refusal(tmp_path, "[area\ncode = 1")


def test_a_file_in_another_encoding_says_so(tmp_path: Path) -> None:
    file = tmp_path / "street.toml"
    file.write_bytes('[area]\nname = "四季青"'.encode("gb18030"))

    with pytest.raises(SettingsError, match="not UTF-8 at byte 15; save it as UTF-8"):
        load({}, str(file))


@pytest.mark.parametrize("port", ["abc", "0", "65536", "80.5"])
def test_a_wrong_port_in_the_environment_is_named_as_such(tmp_path: Path, port: str) -> None:
    message = refusal(tmp_path, WHOLE, {"GRID135_PORT": port})

    assert message.startswith(f"environment: GRID135_PORT = '{port}': ")


OPEN_EVERYWHERE = """[server]
port = 9000
host = "0.0.0.0"

[access]
mode = "open"
hosts = ["Grid135.street.gov"]
"""


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ('[server]\nhost = "10.0.0.5"', r"\[access\]: mode = \(missing\): the server listens on"),
        (
            '[server]\nhost = "0.0.0.0"\n[access]\nmode = "open"',
            r"\[access\]: hosts = \[\]: the server",
        ),
        ('[access]\nmode = "closed"', r"mode = 'closed'"),
    ],
)
def test_nobody_opens_a_site_to_others_without_meaning_to(
    tmp_path: Path, block: str, says: str
) -> None:
    assert re.search(says, refusal(tmp_path, WHOLE.replace("[server]", "[gone]") + block, {}))


def test_a_site_answers_to_the_names_it_was_given(tmp_path: Path) -> None:
    named = load({}, str(a_config(tmp_path, more=OPEN_EVERYWHERE)))
    plain = load({}, str(a_config(tmp_path)))

    assert named.hosts == {"grid135.street.gov"}
    assert plain.hosts == {"127.0.0.1", "localhost", "::1"}
    assert not plain.asks_who


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = a_config(tmp_path, more=OPEN_EVERYWHERE)

    plain = load({}, str(file))
    told = load(
        {"GRID135_PORT": "9100", "GRID135_DATA": "/somewhere", "GRID135_CONFIG": "ignored"},
        str(file),
    )

    assert (plain.server.host, plain.server.port, plain.data) == ("0.0.0.0", 9000, Path("data"))
    assert (told.server.host, told.server.port, told.data) == (
        "0.0.0.0", 9100, Path("/somewhere"),
    )  # fmt: skip
    assert load({"GRID135_CONFIG": str(file), "GRID135_PORT": ""}).server.port == 9000


def test_replays_of_different_speed_cannot_share_a_clock(tmp_path: Path) -> None:
    other = CALLS.format(options="", path="calls.csv").replace("sources.calls", "sources.live")
    text = changed('name = "Calls"', 'name = "Calls"\nreplay = { from = "2015-01-01", speed = 60 }')

    message = refusal(tmp_path, text + other)

    assert "street.toml [sources]: replay.speed = 1, 60: all sources share one clock" in message


def test_paths_are_relative_to_the_config_file(tmp_path: Path) -> None:
    settings = the_settings(tmp_path)

    assert settings.path("grids.geojson") == tmp_path / "grids.geojson"
    assert settings.path("/etc/grids.geojson") == Path("/etc/grids.geojson")


def test_targets_and_kinds_become_the_rules(tmp_path: Path) -> None:
    rules = the_settings(tmp_path).rules

    assert rules.limit("fire", Milestone.ARRIVED) == timedelta(seconds=300)
    assert rules.limit("smoke", Milestone.ARRIVED) == timedelta(seconds=180)
    assert rules.classes == {
        "fire": KindClass.EMERGENCY, "smoke": KindClass.EMERGENCY, "noise": KindClass.COMPLAINT,
    }  # fmt: skip


def test_a_name_is_one_text_or_one_for_each_language(tmp_path: Path) -> None:
    one = the_source(tmp_path)

    settings = the_settings(tmp_path, more='[kinds.flood]\nname = { zh = "水灾", en = "Flood" }')

    assert one.names == {"zh": "Calls", "en": "Calls"}
    assert settings.kinds["flood"].name.as_dict() == {"zh": "水灾", "en": "Flood"}


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ('"2015-03-02T14:05:00"', datetime(2015, 3, 2, 6, 5, tzinfo=UTC)),
        ("2015-03-02T14:05:00", datetime(2015, 3, 2, 6, 5, tzinfo=UTC)),
        ('"2015-03-02T14:05:00Z"', datetime(2015, 3, 2, 14, 5, tzinfo=UTC)),
    ],
)
def test_a_replay_begins_at_a_local_time_unless_it_says_its_zone(
    tmp_path: Path, said: str, moment: datetime
) -> None:
    replay = the_source(tmp_path, options=f"replay = {{ from = {said} }}").replay

    assert replay is not None
    assert replay.real_time(datetime(2026, 1, 1, tzinfo=UTC)) == moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1.5h", 5400), (" 2 d ", 172_800), ("250ms", 0.25)],
)
def test_a_duration_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "5 minutes", "-5s", "1e3s", "五分", None, 5])
def test_anything_else_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        parse_duration(text)
