"""One definition in one place: tile, list, export and API agree, whatever they are asked."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

from pipelines.clock import ManualClock
from pipelines.desk.listing import in_order
from pipelines.desk.paging import SORTS
from pipelines.figures.census import read_census
from pipelines.figures.groups import group_at
from pipelines.figures.query import Query, parse, rows, tallies
from pipelines.installation import Installation
from pipelines.kpis import figures
from pipelines.model.clock import CLOCKS
from pipelines.model.tally import EMPTY
from pipelines.privacy.clearance import Clearance, Role
from pipelines.privacy.masking import in_rows
from pipelines.roles.live import Live
from pipelines.store.rows import to_ms
from tests.builders import at
from tests.dashboard.serving import serving
from tests.pipelines.installations import (
    CALLS,
    ELSEWHERE,
    IN_G1,
    IN_G2,
    IN_G3,
    a_batch,
    a_call,
    a_record,
    an_installation,
)

QUESTIONS = 1000
PARTS = 4
"""In so many goes, each a test of its own, so that they may share the cores."""
DAYS = 60
DAY = 86_400
NOW = at(DAYS * DAY + 7777)
VERDICTS = ("hit", "miss", "unknown", "quarantined", "pending")
MORE = """
[calendar]
file = "days.toml"

[targets.kinds.noise]
resolved = "1wd"

[[wall.shifts]]
name = "Day"
from = "08:00"

[[wall.shifts]]
name = "Night"
from = "20:30"
"""
DAYS_OFF = '[2026]\noff = ["03-09", "04-06"]\nworked = ["03-14"]\n'


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two months of calls of two sources, received in three goes, with corrections and gaps."""
    folder: Path = tmp_path_factory.mktemp("street")
    (folder / "days.toml").write_text(DAYS_OFF)
    radio = CALLS.format(options='silence = "3d"', path="radio.csv").replace("calls", "radio")
    street = an_installation(folder, more=radio + MORE)
    dice, said = Random(7), the_calls()
    for part, received in enumerate((20, 41, DAYS)):
        until = at(received * DAY)
        known = [row for row in said if row["reported"] <= until.isoformat()]
        for source in street.sources:
            mine = [row for row in known if (int(row["id"][2:]) % 3 == 0) == (source.id == "radio")]
            # what was known before comes again, now and then with another end
            again = [changed(row, dice) if dice.random() < 0.2 else row for row in mine]
            records = [a_record(row, ordinal=1000 * part + n) for n, row in enumerate(again, 1)]
            street.door.accept(source, a_batch(*records), now=until)
    yield street
    street.store.close()


@lru_cache
def the_calls() -> list[dict[str, str]]:
    dice = Random(135)
    return [a_random_call(n, dice) for n in range(180)]


def a_random_call(n: int, dice: Random) -> dict[str, str]:
    t0 = dice.randrange(DAYS * DAY)
    kind = dice.choice(("fire", "fire", "smoke", "smoke", "noise", "flood"))
    slow = 400 if kind == "noise" else 1
    moment, told = t0, {}
    for name, mean in (("accepted", 35), ("dispatched", 70), ("arrived", 130), ("resolved", 900)):
        moment += int(dice.expovariate(1 / mean)) * slow
        if dice.random() < 0.93:
            told[name] = moment
    if dice.random() < 0.06:
        told["arrived"] = t0 - 30
    if dice.random() < 0.08:
        told["cancelled"] = t0 + dice.randrange(600)
    edge = dice.random()
    if edge < 0.05:
        told["arrived"] = t0 + dice.choice((179, 180, 181, 299, 300, 301))
    return a_call(
        f"A-{n:03}",
        kind=kind,
        place=dice.choice((IN_G1, IN_G1, IN_G2, IN_G3, ELSEWHERE, None)),
        drill="yes" if dice.random() < 0.05 else None,
        reported=t0,
        **told,
    )


def changed(row: Mapping[str, str], dice: Random) -> dict[str, str]:
    """The same call with one time less, or of another kind."""
    if dice.random() < 0.4:
        return {**row, "kind": dice.choice(("fire", "noise"))}
    return {**row, dice.choice(("accepted", "arrived", "resolved")): ""}


def a_question(dice: Random) -> dict[str, str]:
    milestone, reading = dice.choice(CLOCKS)
    asked = {"milestone": str(milestone), "reading": str(reading)}
    begin = dice.uniform(-2, DAYS)
    length = dice.choice((1 / 24, 0.5, 1, 7, 30, 70)) * dice.uniform(0.5, 1.5)
    filters = {
        "from": moment(begin, dice),
        "to": (at(0) + timedelta(days=begin + length)).isoformat(timespec="seconds"),
        "by": dice.choice(("street", "community", "grid", "kind", "source", "shift")),
        "verdict": dice.choice((*VERDICTS, "excluded")),
        "community": dice.choice(("C1", "C2", "not_on_map")),
        "grid": dice.choice(("G1", "G2", "G3", "not_on_map")),
        "area": dice.choice(("C1", "G3", "not_on_map")),
        "kind": dice.choice(("fire", "smoke", "noise", "smoke,noise")),
        "source": dice.choice(("calls", "radio", "calls,radio")),
        "state": dice.choice(("open", "closed")),
        "shift": dice.choice(("08:00", "20:30")),
        "as_of": dice.choice((moment(dice.uniform(0, DAYS), dice), just_begun(dice))),
        "known_at": moment(dice.uniform(0, DAYS), dice),
    }
    chosen = {name: text for name, text in filters.items() if dice.random() < 0.25}
    if "shift" in (*chosen, chosen.get("by")):
        chosen["from"] = filters["from"]
    return asked | chosen


def just_begun(dice: Random) -> str:
    """A moment at which some call was running."""
    call = dice.choice(the_calls())
    began = datetime.fromisoformat(call["reported"])
    return (began + timedelta(seconds=dice.randrange(1, 200))).isoformat(timespec="seconds")


def moment(days: float, dice: Random) -> str:
    """A moment as people give it: a time of day in UTC, or a local date."""
    at_days = at(0) + timedelta(days=days)
    return f"{at_days:%Y-%m-%d}" if dice.random() < 0.3 else at_days.isoformat(timespec="seconds")


def counted(listed: list[dict[str, Any]], query: Query, street: Installation) -> dict[str, Any]:
    """What the list behind the figures comes to, group by group."""
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for row in listed:
        t0 = datetime.fromisoformat(row["t0"])
        key = group_at(query.by, street.desk, t0, row["grid"], row["kind"] or "", row["source"])
        word = row["reason"] if row["verdict"] == "excluded" else row["verdict"]
        groups[key][word] += 1
    return {key: dict(counts) for key, counts in groups.items()}


def told(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The same from figures."""
    found = {
        line["key"]: {name: line[name] for name in VERDICTS if line[name]} | line["excluded"]
        for line in lines
    }
    return {key: counts for key, counts in found.items() if counts}


class Api:
    """The API over one connection."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port)

    def page(self, given: Mapping[str, str]) -> tuple[list[dict[str, Any]], int]:
        """A page of rows, and how many there are in all."""
        return self.get("rows", given), self.total

    def get(self, question: str, given: Mapping[str, str]) -> list[dict[str, Any]]:
        self._connection.request("GET", f"/api/v1/{question}?{urlencode(given)}")
        response = self._connection.getresponse()
        answer: list[dict[str, Any]] = json.loads(response.read())
        assert response.status == 200, (given, answer)
        self.total = int(response.headers.get("X-Total-Count", -1))
        return answer


@pytest.mark.parametrize("part", range(PARTS))
def test_tile_list_export_and_api_give_the_same_for_a_thousand_random_questions(
    street: Installation, part: int
) -> None:
    dice = Random(part)
    asked = [a_question(dice) for _ in range(QUESTIONS // PARTS)]
    seen: Counter[str] = Counter()
    live = Live(street, clock=ManualClock(NOW))
    with serving(live) as server, street.store.reading() as reader:
        api = Api(server.port)
        for given in asked:
            query = parse(given, now=NOW, zone=street.desk.zone)
            answer = api.get("kpi", given)
            everyone = {name: text for name, text in given.items() if name != "verdict"}
            behind = rows(reader, parse(everyone, now=NOW, zone=street.desk.zone), street.desk)

            assert told(answer) == counted(behind, query, street), given
            listed = [row for row in behind if given.get("verdict") in (None, row["verdict"])]
            tiles = tallies(reader, query, street.desk)
            clocks = {key: t.clock(query.milestone, query.reading) for key, t in tiles.items()}
            if query.by is None:
                clocks = {"all": tiles.get("all", EMPTY).clock(query.milestone, query.reading)}
            shown = [{"key": key, **figures(clocks[key])} for key in sorted(clocks)]
            assert answer == told_again(shown), given
            if query.known_at is None and query.shift is None:
                census = read_census(reader, street.desk, query.window, as_of=query.as_of)
                chosen = census.chosen(query, street.desk)
                if query.by is None:
                    assert figures(chosen.tally(query.milestone, query.reading)) == figures(
                        clocks["all"]
                    ), given
                if query.verdict is not None:
                    chosen = chosen.with_verdict(query.verdict, query.milestone, query.reading)
                begun = sorted(to_ms(datetime.fromisoformat(row["t0"])) for row in listed)
                assert chosen.begun_ms().tolist() == begun, given
            served = [in_rows(row, ()) for row in listed]
            paging = a_page(dice)
            wanted = in_order(served, paging.get("sort", "t0"))[int(paging.get("offset", 0)) :]
            wanted = wanted[: int(paging["limit"])] if "limit" in paging else wanted
            assert api.page(given | paging) == (wanted, len(listed)), (given, paging)
            if is_for_a_board(given):
                assert exported(live, given) == k_of_n(listed), given
                seen["export"] += 1
            seen.update(row["verdict"] for row in listed)
            seen.update(name for name in given)
    assert min(seen[name] for name in ("hit", "miss", "unknown", "excluded")) > 10
    assert seen["export"] > 30
    assert min(seen[name] for name in ("by", "shift", "as_of", "known_at", "from", "to")) > 30


def a_page(dice: Random) -> dict[str, str]:
    """Which page of the rows; now and then all of them."""
    said = {
        "limit": str(dice.choice((1, 3, 10, 200))),
        "offset": str(dice.choice((0, 0, 1, 7, 30))),
        "sort": dice.choice(SORTS),
    }
    return {name: text for name, text in said.items() if dice.random() < 0.6}


def is_for_a_board(given: Mapping[str, str]) -> bool:
    """Whether a board, which speaks for now and has a window, can be asked the same."""
    return bool({"from", "to"} & given.keys()) and not (
        {"as_of", "known_at", "shift"} & given.keys()
    )


def exported(live: Live, given: Mapping[str, str]) -> tuple[int, int, list[str]]:
    """Hits, hits and misses, and all ids of what the same board gives away."""
    asked = {name: text for name, text in given.items() if name != "by"}
    found: list[tuple[int, int, list[str]]] = []
    seen = live.seen_by(Clearance(role=Role.SUPERVISOR))
    seen.export(asked, lambda export: found.append(k_of_n(list(export.rows))))
    return found[0]


def k_of_n(listed: list[dict[str, Any]]) -> tuple[int, int, list[str]]:
    """Hits, hits and misses, and all ids."""
    verdicts = Counter(row["verdict"] for row in listed)
    return (
        verdicts["hit"],
        verdicts["hit"] + verdicts["miss"],
        sorted(row["id"] for row in listed),
    )


def told_again(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Figures as JSON has them."""
    return [
        {key: list(v) if isinstance(v, tuple) else v for key, v in line.items()} for line in lines
    ]
