"""The lab, the monitors and frozen months on the command line, over the real calls."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.store import schema
from pipelines.store.store import Store
from tests.test_command_line import answer, app, process

MONTH = "2014-03"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    process("import", "--json", data=folder)
    return folder


@pytest.fixture
def data(imported: Path, tmp_path: Path) -> Path:
    """The state after the import, to be changed."""
    return Path(shutil.copytree(imported, tmp_path / "data"))


def rule(lines: list[dict[str, Any]], **choices: str) -> dict[str, Any]:
    wanted = {"start": "reported", "unit": "first", "missing": "left_out", "cancelled": "out"}
    wanted |= choices
    return next(x for x in lines if all(x[name] == value for name, value in wanted.items()))


def test_the_lab_holds_the_figures_of_the_independent_count(imported: Path) -> None:
    lines = answer("kpi", "--lab", data=imported)

    def kn(**choices: str) -> tuple[int, int]:
        line = rule(lines, **choices)
        return line["hit"], line["n"]

    assert kn() == (615, 866)
    assert kn(missing="missed") == (615, 901)
    assert kn(missing="met") == (650, 901)
    assert kn(start="stage") == (829, 866)
    assert rule(lines)["published"]
    assert rule(lines, start="accepted")["status"] == "not_defensible"
    assert rule(lines, start="received")["status"] == "not_applicable"


def test_every_incident_of_the_lab_is_asked_for_by_the_same_filters(imported: Path) -> None:
    window = ("--from", "2012-03-10", "--to", "2015-11-01", "--kind", "structure_fire")
    (figures,) = answer("kpi", *window, data=imported)
    line = rule(answer("kpi", "--lab", *window, data=imported))

    assert (line["hit"], line["n"]) == (figures["hit"], figures["hit"] + figures["miss"])
    assert line["wilson"] == figures["wilson"]


def test_the_monitors_answer_with_a_list(imported: Path) -> None:
    findings = answer("monitors", data=imported)

    assert isinstance(findings, list)
    assert all(set(finding["words"]) == {"zh", "en"} for finding in findings)


def test_a_month_is_frozen_shown_and_proved(data: Path) -> None:
    done = app("freeze", "--month", MONTH, data=data)
    again = app("freeze", "--month", MONTH, data=data)
    (head,) = answer("frozen", data=data)
    (whole,) = answer("frozen", "--month", MONTH, data=data)
    (figures,) = answer("kpi", "--from", "2014-03-01", "--to", "2014-04-01", data=data)

    assert done.returncode == 0
    assert (again.returncode, "was frozen at" in again.stderr) == (2, True)
    assert head["hash"] in done.stdout
    assert (head["month"], head["whole"]) == (MONTH, True)
    street = whole["figures"]["street"]["sf"]["arrived/cumulative"]
    assert (street["hit"], street["miss"]) == (figures["hit"], figures["miss"])
    assert whole["revision"]["incidents"] == []


def test_a_month_that_was_touched_is_found_out_by_every_proof(data: Path) -> None:
    app("freeze", "--month", MONTH, data=data)
    store = Store(data / "grid135.sqlite3")
    with store.writing() as writer:
        month, moment, _, content = next(writer.stream(schema.frozen))
        writer.put(schema.frozen, [(month, moment, "0" * 64, content)])
    store.close()

    shown = app("frozen", "--json", data=data)
    verified = app("db", "verify", data=data)

    assert (shown.returncode, json.loads(shown.stdout)[0]["whole"]) == (1, False)
    assert verified.returncode == 1
    assert f"frozen {MONTH}: somebody changed it; its hash is wrong" in verified.stdout


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("freeze", "--month", "2014-13"), "must be a month such as '2026-10'"),
        (("freeze", "--month", "2199-12"), "can be frozen from 2200-01-08"),
        (("frozen", "--month", "2011-01"), "is not frozen; frozen are: none"),
        (("kpi", "--lab", "--by", "postcode"), "must be one of: city"),
    ],
)
def test_what_cannot_be_done_says_why(imported: Path, asked: tuple[str, ...], said: str) -> None:
    done = app(*asked, data=imported)

    assert done.returncode == 2
    assert said in done.stderr
