"""History comes in through the real connectors, and the figures are those of the truth."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from pipelines.clock import ManualClock
from pipelines.demo.model.case import Case
from pipelines.demo.truth import DaysOff, figures, handled, returned, verdict
from pipelines.door.inspection import quarantined
from pipelines.figures.query import kpi, parse, rows
from pipelines.model.milestone import TARGETED, Milestone
from tests.pipelines.demo.playing import CONFIG, PARTS_OF_DEMO, Playing, kpi_of, playing

WEEKS = 4
AFTER_THE_HOLIDAYS = datetime(2026, 10, 20, 6, 30, tzinfo=UTC)
"""A Tuesday; the weeks before hold 中秋 and 国庆, and a Saturday that was worked instead."""


class Imported:
    """What was let out, and what the product made of it."""

    def __init__(self, played: Playing) -> None:
        self._played = played
        self.cases: list[Case] = played.truth()
        self.now: datetime = played.clock.now()
        self.zone = played.settings.area.time_zone

    def kpi(self, milestone: Milestone, reading: str) -> dict[str, int]:
        """H, M, X, Q, P and the ledger."""
        return kpi_of(self._played, milestone, reading)

    def figure(self, name: str, **parameters: str) -> float:
        """One figure by its id."""
        (line,) = self._asked(kpi, **parameters)
        return float(line[name])

    def rows(self, milestone: Milestone) -> dict[tuple[str, str], str]:
        """The verdict of each incident by source and key; of one left out, the reason."""
        return {
            (row["source"], row["incident_key"]): row["reason"]
            if row["verdict"] == "excluded"
            else row["verdict"]
            for row in self._asked(rows, milestone=milestone.value)
        }

    def quarantined(self) -> list[dict[str, Any]]:
        """What could not be read."""
        with self._played.installation.store.reading() as reader:
            return list(quarantined(reader, limit=1000))

    def _asked(self, question: Any, **parameters: str) -> Any:
        zone = self._played.settings.area.time_zone
        query = parse(parameters, now=self.now, zone=zone)
        with self._played.installation.store.reading() as reader:
            return question(reader, query, self._played.installation.desk)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    """Some weeks of the street, with troubled services, taken in."""
    folder = tmp_path_factory.mktemp("street")
    with playing(folder, clock=ManualClock(AFTER_THE_HOLIDAYS), weeks=WEEKS, trouble=5) as played:
        played.tick_until(played.is_quiet)
        yield Imported(played)


@pytest.mark.parametrize("reading", ["cumulative", "staged"])
@pytest.mark.parametrize("milestone", TARGETED)
def test_the_figures_are_those_of_the_truth(
    imported: Imported, milestone: Milestone, reading: str
) -> None:
    true = figures(imported.cases, milestone, staged=reading == "staged", now=imported.now)

    assert imported.kpi(milestone, reading) == true


def announced(year: int) -> DaysOff:
    """The days off of a year, from the file the product reads, by a reader of their own."""
    text = (CONFIG.parent / "calendars" / "cn.toml").read_text(encoding="utf-8")
    days = tomllib.loads(text)[str(year)]
    off, worked = ({date.fromisoformat(f"{year}-{d}") for d in days[k]} for k in ("off", "worked"))
    return DaysOff(off, worked)


def test_complaints_are_judged_by_the_working_days_that_truly_were(imported: Imported) -> None:
    calendar = announced(2026)
    judged = {
        (case.source, incident_key(case)): handled(
            case, now=imported.now, zone=imported.zone, calendar=calendar
        )
        for case in imported.cases
    }
    true = Counter(v for v in judged.values() if v is not None)

    assert imported.kpi(Milestone.RESOLVED, "cumulative") == dict(true)
    assert imported.rows(Milestone.RESOLVED) == {k: v for k, v in judged.items() if v is not None}
    assert {"hit", "miss", "unknown", "merged_child", "no_target"} <= set(true)


def test_smoke_alone_is_held_to_three_minutes(imported: Imported) -> None:
    alarms = [case for case in imported.cases if case.kind == "smoke"]
    true = figures(alarms, Milestone.ARRIVED, staged=False, now=imported.now)

    smoke = {name: imported.figure(name, kind="smoke") for name in ("hit", "miss", "unknown")}

    assert smoke == {name: true[name] for name in smoke}
    assert true["miss"] > 3


def test_what_was_handed_back_is_counted_as_in_the_truth_and_its_clock_ran_on(
    imported: Imported,
) -> None:
    back = returned(imported.cases, now=imported.now)

    assert back > 3
    assert imported.figure("returned") == back / imported.figure("eligible")


@pytest.mark.parametrize("milestone", TARGETED)
def test_every_case_is_one_incident_with_its_own_verdict(
    imported: Imported, milestone: Milestone
) -> None:
    judged = {
        (case.source, incident_key(case)): verdict(case, milestone, staged=False, now=imported.now)
        for case in imported.cases
    }

    assert imported.rows(milestone) == {key: v for key, v in judged.items() if v is not None}


def test_what_a_clerk_left_unreadable_is_in_quarantine_and_nothing_else(
    imported: Imported,
) -> None:
    unreadable = [case for case in imported.cases if "report time unreadable" in case.wrong]

    found = {(item["source"], item["value"]) for item in imported.quarantined()}

    assert unreadable
    assert found == {("hotline12345", "待补录")}


def test_the_volumes_are_those_of_the_street(imported: Imported) -> None:
    a_day = len(imported.cases) / WEEKS / 7
    sources = {case.source for case in imported.cases}

    assert 80 < a_day < 100
    assert sources == PARTS_OF_DEMO - {"micro_station", "unit_positions"}


def incident_key(case: Case) -> str:
    """What the product calls the incident of a case."""
    if case.kind != "smoke":
        return case.key
    return f"{case.key}@{case.t0:%Y-%m-%dT%H:%M:%S}.000Z"
