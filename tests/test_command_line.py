"""The command line as a person or a script uses it, on the San Francisco calls."""

import csv
import gzip
import io
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from app import main
from tests.pipelines.installations import (
    COLUMNS,
    ELSEWHERE,
    IN_G1,
    IN_G2,
    a_call,
    a_config,
    as_csv,
    drop,
    the_grids,
)

ROOT = Path(__file__).parent.parent
SAN_FRANCISCO = ROOT / "config" / "sffd.toml"
CALLS = ROOT / "config" / "sffd" / "sffd_lone_mountain_2009_2019.csv.gz"


def command(*arguments: str, config: Path = SAN_FRANCISCO) -> list[str]:
    return [*arguments, "--config", str(config)]


class Done(NamedTuple):
    """What a command printed, and its exit status."""

    returncode: int
    stdout: str
    stderr: str


def app(*arguments: str, data: Path, config: Path = SAN_FRANCISCO, said: bytes = b"") -> Done:
    """Run one command with its state in ``data``, in this process: a start takes a second."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(os, "environ", environment(data))
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(said)))
        status = main(command(*arguments, config=config))
    return Done(status, out.getvalue(), err.getvalue())


def process(*arguments: str, data: Path, config: Path = SAN_FRANCISCO, said: bytes = b"") -> Done:
    """Run one command as a person does, in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), *command(*arguments, config=config)],
        input=said,
        capture_output=True,
        env=environment(data),
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def environment(data: Path) -> dict[str, str]:
    plain = {key: text for key, text in os.environ.items() if not key.startswith("GRID135_")}
    return plain | {"GRID135_DATA": str(data)}


def answer(*arguments: str, data: Path, config: Path = SAN_FRANCISCO) -> Any:
    done = app(*arguments, "--json", data=data, config=config)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def lines(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state after one import of all calls."""
    folder = tmp_path_factory.mktemp("data")
    done = process("import", "--json", data=folder)
    assert json.loads(done.stdout) == [
        {"source": "sffd", "read": 4340, "stored": 4340, "duplicate": 0, "quarantined": 0,
         "unlocated": 0, "flagged": 0, "signals": 0, "problems": []}
    ]  # fmt: skip
    return folder


def test_the_five_minute_arrival_rate_is_the_one_of_the_independent_count(data: Path) -> None:
    (figures,) = json.loads(process("kpi", "--json", data=data).stdout)

    assert (figures["key"], figures["eligible"]) == ("all", 901)
    assert (figures["hit"], figures["miss"], figures["unknown"]) == (615, 251, 35)
    assert (figures["pending"], figures["quarantined"], figures["excluded"]) == (0, 0, {})
    assert (figures["known"], figures["low"]) == (615 / 866, 615 / 901)
    assert (figures["high"], figures["coverage"]) == (650 / 901, 866 / 901)
    assert figures["wilson"] == pytest.approx((0.679, 0.739), abs=5e-4)
    assert figures["p50_s"] == 258
    assert figures["p90_s"] in (378, 379)


@pytest.mark.parametrize(
    ("milestone", "reading", "hits"),
    [
        ("accepted", "cumulative", 589),
        ("dispatched", "cumulative", 835),
        ("arrived", "staged", 829),
    ],
)
def test_the_other_targets_too(data: Path, milestone: str, reading: str, hits: int) -> None:
    (figures,) = answer("kpi", "--milestone", milestone, "--reading", reading, data=data)

    assert figures["hit"] == hits


def test_parts_add_up_to_the_whole(data: Path) -> None:
    by_grid = answer("kpi", "--by", "grid", data=data)
    window = ("--from", "2012-03-10T15:00", "--to", "2015-11-01T01:30", "--by", "kind")
    by_kind = answer("kpi", *window, data=data)
    (whole,) = answer("kpi", *window[:4], data=data)

    assert sum(line["hit"] for line in by_grid) == 615
    assert sum(line["eligible"] for line in by_kind) == whole["eligible"]


def test_the_rows_behind_a_figure_are_as_many_as_it_says(data: Path) -> None:
    rows = answer("rows", data=data)
    unknown = answer("rows", "--verdict", "unknown", data=data)

    assert Counter(row["verdict"] for row in rows) == {"hit": 615, "miss": 251, "unknown": 35}
    assert [row["id"] for row in rows if row["verdict"] == "unknown"] == [r["id"] for r in unknown]
    assert all(row["reason"] for row in rows)
    assert all(row["grid"] for row in rows)


def test_a_clock_in_the_past_sees_only_the_past(data: Path) -> None:
    (figures,) = answer("kpi", "--as-of", "2014-01-01", data=data)

    rows = answer("rows", data=data)
    assert figures["eligible"] == sum(row["t0"] < "2014-01-01T08:00:00" for row in rows)
    assert figures["eligible"] < 901


def test_importing_twice_changes_nothing(data: Path) -> None:
    before = answer("kpi", data=data)

    (report,) = answer("import", data=data)

    assert (report["read"], report["stored"]) == (0, 0)
    assert answer("kpi", data=data) == before


def test_the_same_calls_in_another_file_are_duplicates(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    the_grids(tmp_path)
    content = as_csv([a_call("A-1"), a_call("A-2")])
    drop(tmp_path / "calls.csv", content)
    answer("import", data=tmp_path / "data", config=config)

    other = a_config(tmp_path, path="again.csv")
    drop(tmp_path / "again.csv", content)
    (report,) = answer("import", data=tmp_path / "data", config=other)

    assert (report["read"], report["stored"], report["duplicate"]) == (2, 0, 2)


def test_the_configuration_can_be_checked_without_starting(tmp_path: Path) -> None:
    done = app("check", data=tmp_path / "data")

    assert (done.returncode, done.stdout) == (
        0, f"{SAN_FRANCISCO}: right. 1 sources, 37 grids, 3 mended.\n",
    )  # fmt: skip
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("config", sorted((ROOT / "config").glob("*.toml")), ids=lambda p: p.stem)
def test_every_configuration_that_is_shipped_is_right(config: Path, tmp_path: Path) -> None:
    done = app("check", data=tmp_path, config=config)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["check", "import", "kpi", "rows", "quarantine"])
def test_a_wrong_configuration_stops_every_command_in_one_sentence(
    tmp_path: Path, name: str
) -> None:
    the_grids(tmp_path)
    config = a_config(tmp_path, zone="Asia/Hangzhou")

    start = process if name == "import" else app
    done = start(name, data=tmp_path / "data", config=config)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"{config} [area]: time_zone = 'Asia/Hangzhou': "
        'must be an IANA time zone such as "Asia/Shanghai"\n'
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("kpi", "--by", "postcode"), "by = 'postcode': must be one of: city, district, street"),
        (("rows", "--verdict", "good"), "verdict = 'good': must be one of: hit, miss, unknown"),
        (
            ("kpi", "--community", "C9"),
            "'C9': there is no such community; use one of: ",
        ),
        (("kpi", "--by", "grid", "--grid", "G99"), "grid = 'G99': there is no such grid; "),
        (
            ("rows", "--kind", "fires,outside_fire"),
            "'fires': there is no such kind; use one of: no_kind",
        ),
        (
            ("intake", "--source", "sfd"),
            "'sfd': there is no such source; did you mean 'sffd'",
        ),
        (("decode", "--source", "110"), "there is no such source; use one of: sffd"),
        (("decode", "--source", "sffd", "no.csv"), "no.csv: no such file"),
    ],
)
def test_a_wrong_question_is_answered_with_what_is_allowed(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = app(*arguments, data=tmp_path)

    assert done.returncode == 2
    assert message in done.stderr


def test_a_source_that_is_not_there_fails_the_import_and_is_named(tmp_path: Path) -> None:
    the_grids(tmp_path)
    config = a_config(tmp_path, path="nowhere/*.csv")

    done = app("import", data=tmp_path / "data", config=config)

    assert done.returncode == 1
    assert f"{tmp_path}/nowhere: no such folder" in done.stdout


def test_what_was_taken_in_before_a_source_failed_is_still_counted(tmp_path: Path) -> None:
    the_grids(tmp_path)
    config = a_config(tmp_path, path="in")
    drop(tmp_path / "in" / "a.csv", as_csv([a_call("A-1"), a_call("A-2")]))
    (tmp_path / "in" / "b.csv").mkdir()  # a folder where a file should be

    done = app("import", "--json", data=tmp_path / "data", config=config)

    (line,) = json.loads(done.stdout)
    assert done.returncode == 1
    assert (line["read"], line["stored"]) == (2, 2)
    assert "b.csv" in line["error"]


def test_what_records_would_become_is_shown_and_not_stored(tmp_path: Path) -> None:
    with gzip.open(CALLS, "rb") as stream:
        some = b"".join(stream.readline() for _ in range(3))

    done = process("decode", "--source", "sffd", "--json", "-", data=tmp_path / "data", said=some)

    first, second = lines(done)
    assert (first["file"], first["line"], second["line"]) == ("-", 2, 3)
    assert {fact["milestone"] for fact in first["facts"]} >= {"reported", "dispatched"}
    assert first["position"]["grid"]
    assert not (tmp_path / "data").exists()


def test_packed_records_can_be_shown_too_and_bad_ones_say_why(tmp_path: Path) -> None:
    the_grids(tmp_path)
    config = a_config(tmp_path)
    content = as_csv([a_call("A-1", arrived="soon"), a_call("A-2", place=(0, 0), kind="flood")])
    drop(tmp_path / "new.csv.gz", gzip.compress(content))

    asked = ("decode", "--source", "calls", "--json")
    piped = app(*asked, data=tmp_path, config=config, said=gzip.compress(content))
    named = app(*asked, str(tmp_path / "new.csv.gz"), data=tmp_path, config=config)

    bad, doubted = lines(named)
    rule = "is not a time written as 'iso'"
    assert bad["quarantined"] == {"column": "arrived", "value": "soon", "rule": rule}
    assert [flag["column"] for flag in doubted["flags"]] == ["kind", "(position)"]
    assert [{**line, "file": 0} for line in lines(piped)] == [
        {**line, "file": 0} for line in lines(named)
    ]


def test_the_quarantine_lists_what_made_no_sense(tmp_path: Path) -> None:
    the_grids(tmp_path)
    config = a_config(tmp_path)
    broken = as_csv([a_call("A-1", reported="2099-01-01T00:00:00Z"), a_call("A-2")]) + b"half,a"
    drop(tmp_path / "calls.csv", broken)

    (report,) = answer("import", data=tmp_path / "data", config=config)
    listed = app("quarantine", data=tmp_path / "data", config=config).stdout
    as_json = lines(app("quarantine", "--json", data=tmp_path / "data", config=config))

    assert (report["read"], report["stored"], report["quarantined"]) == (3, 1, 2)
    assert (
        "calls calls.csv:2: column 'reported', value '2099-01-01T00:00:00Z': lies in the" in listed
    )
    assert f"calls calls.csv:4: column '(row)', value 'half,a': 2 columns where the header has " \
        f"{len(COLUMNS)}" in listed  # fmt: skip
    assert [item["raw"] for item in as_json][1] == "half,a"


def test_everything_that_can_be_wrong_with_a_file_at_once(tmp_path: Path) -> None:
    the_grids(tmp_path)
    good = [a_call(f"A-{n}", arrived=200, resolved=900) for n in range(1, 4)]
    odd = [
        a_call("", record="x"),  # no id
        a_call("B-1", place=IN_G1[::-1]),  # flagged: swapped
        a_call("B-2", place=(0, 0)),  # flagged
        a_call("B-3", kind="flood"),  # flagged
        a_call("B-4", arrived=-60),  # flagged, kept, and judged impossible
        a_call("B-5", arrived="null", place=ELSEWHERE),
        a_call("B-6", arrived="02/03/2026 09:04"),  # another format
        a_call("B-7", arrived="1900-01-01T00:00:00Z"),
    ]
    junk = [b"one, two\r\n", b'"never closed\r\n', b"\x80\x81\r\n"]
    parts = [as_csv([])]
    for n, row in enumerate([*odd, *good]):
        parts += [as_csv([row], header=False), junk[n % 3] if n < 3 else b""]
    drop(tmp_path / "calls.csv", b"".join(parts))
    config = a_config(tmp_path)

    (report,) = answer("import", data=tmp_path / "data", config=config)
    (figures,) = answer("kpi", data=tmp_path / "data", config=config)

    assert report["read"] == 14 == report["stored"] + report["quarantined"]
    assert (report["stored"], report["quarantined"], report["flagged"]) == (8, 6, 4)
    assert all({"file", "line", "column", "value", "rule"} <= p.keys() for p in report["problems"])
    assert (figures["hit"], figures["quarantined"]) == (3, 1)
    assert figures["excluded"] == {"other_jurisdiction": 1}


def many_calls(folder: Path, times: int) -> Path:
    """The San Francisco calls over and over, each time with other ids; returns the config file."""
    with gzip.open(CALLS, "rt", encoding="utf-8") as stream:
        header, *rows = list(csv.reader(stream))
    where = [header.index(name) for name in ("Call Number", "RowID")]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    for n in range(times):
        writer.writerows(
            [f"{cell}-{n}" if i in where else cell for i, cell in enumerate(row)] for row in rows
        )
    drop(folder / "sffd" / "many.csv", text.getvalue().encode())
    toml = SAN_FRANCISCO.read_text(encoding="utf-8")
    toml = toml.replace('"sffd/*.csv.gz"', '"sffd/many.csv"')
    toml = toml.replace('"sffd/sf_plan', f'"{ROOT.as_posix()}/config/sffd/sf_plan')
    config = folder / "many.toml"
    config.write_text(toml, encoding="utf-8")
    return config


TIMES = 3


def test_an_import_that_is_killed_and_begun_again_ends_as_if_nothing_had_happened(
    tmp_path: Path,
) -> None:
    config = many_calls(tmp_path, TIMES)
    began = time.monotonic()
    done = process("import", "--json", data=tmp_path / "undisturbed", config=config)
    took = time.monotonic() - began
    (whole,) = json.loads(done.stdout)
    assert (whole["read"], whole["stored"]) == (4340 * TIMES, 4340 * TIMES)

    data, kills = tmp_path / "disturbed", 0
    for moment in sorted(random.Random(135).uniform(0.25, 0.95) for _ in range(3)):
        kills += killed(("import", "--json"), moment * took, data=data, config=config)
    (rest,) = answer("import", data=data, config=config)

    assert kills >= 1
    assert rest["stored"] == rest["read"]
    for asked in ((), ("--by", "grid"), ("--milestone", "accepted")):
        assert answer("kpi", *asked, data=data, config=config) == answer(
            "kpi", *asked, data=tmp_path / "undisturbed", config=config
        )
    assert answer("kpi", data=data, config=config)[0]["hit"] == 615 * TIMES


def killed(arguments: Sequence[str], after_s: float, *, data: Path, config: Path) -> bool:
    """Kill a command (as ``kill -9`` does) some time after it began; False when it was faster."""
    running = subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), *command(*arguments, config=config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(data),
        cwd=ROOT,
    )
    try:
        running.wait(timeout=after_s)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
        return True
    return False


def test_figures_are_made_anew_when_the_rules_change(tmp_path: Path) -> None:
    the_grids(tmp_path)
    drop(tmp_path / "calls.csv", as_csv([a_call("A-1", arrived=250, resolved=900, place=IN_G2)]))
    config, data = a_config(tmp_path, more="\n[wall]\n"), tmp_path / "data"
    answer("import", data=data, config=config)
    before = answer("kpi", data=data, config=config)

    text = config.read_text().replace("[wall]", '[targets]\narrived = "4m"')
    config.write_text(text)

    (after,) = answer("kpi", data=data, config=config)
    assert [(f["hit"], f["miss"]) for f in (*before, after)] == [(1, 0), (0, 1)]


def test_everything_can_be_made_anew_from_the_reports(data: Path) -> None:
    before = answer("kpi", "--by", "grid", data=data)

    done = app("db", "rebuild", data=data)

    assert done == Done(0, "901 incidents made anew\n", "")
    assert answer("kpi", "--by", "grid", data=data) == before
