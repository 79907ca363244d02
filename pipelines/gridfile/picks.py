"""The incidents behind each number of a grid's page: what is counted is what opens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.errors import QueryError
from pipelines.gridfile.cases import (
    Chosen,
    GridCase,
    is_open_at,
    misses,
    outcome_of,
    place_code,
    place_key,
)
from pipelines.gridfile.heat import slot_of
from pipelines.installation import Installation
from pipelines.model.clock import Verdict
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.privacy.clearance import Clearance
from pipelines.privacy.masking import words
from pipelines.snapshot import Names

ROWS_MOST = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class PickedRow:
    """One incident behind a number, masked."""

    id: str
    kind_names: Names
    shape: str
    t0: datetime
    text: str
    verdict: Verdict
    seconds: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Picked:
    """The incidents behind the number that was chosen: all of them are counted, some listed."""

    pick: str
    names: Names
    total: int
    rows: tuple[PickedRow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """The incidents behind each number of the page, by its pick.

    ``cases`` are those of a year, ``recent`` those that most is counted of, ``within`` those of
    the strip.
    """

    installation: Installation
    cases: Sequence[GridCase]
    recent: Sequence[GridCase]
    within: Sequence[GridCase]
    silent: frozenset[str]
    handling: Mapping[str, Chosen]
    now: datetime
    clearance: Clearance

    def find(self, pick: str) -> list[GridCase] | None:
        """The incidents, or None for a pick that no number of the page has."""
        word, _, rest = pick.partition(".")
        desk = self.installation.desk
        if word == "open":
            return list(filter(is_open_at(self.now), self.cases))
        if word == "missed":
            return misses(self.cases)
        if word in ("handling", "place"):
            return self._counted(word, rest)
        if word == "heat":
            day, _, hour = rest.partition(".")
            asked = (day, hour)
            demands = (case for case in self.recent if case.is_demand)
            at = {id(c): tuple(map(str, slot_of(c.incident.t0.at, desk))) for c in self.recent}
            return [case for case in demands if not rest or at[id(case)] == asked]
        if word in list(TARGETED):
            return self._judged(Milestone(word), rest)
        return None

    def _counted(self, word: str, rest: str) -> list[GridCase] | None:
        if word == "handling":
            chosen = self.handling.get(rest)
            return None if chosen is None else list(filter(chosen, self.recent))
        keys = [(case, place_key(case.incident, self.installation)) for case in self.recent]
        return [c for c, key in keys if key is not None and c.is_demand and place_code(key) == rest]

    def _judged(self, milestone: Milestone, verdict: str) -> list[GridCase] | None:
        if verdict not in list(Verdict):
            return None
        found = []
        for case in self.within:
            outcome = outcome_of(
                case.incident, milestone, self.installation.desk, self.silent, self.now
            )
            if outcome.verdict is Verdict(verdict):
                found.append(case._replace(arrival=outcome))
        return found


def check(filters: Mapping[str, str]) -> None:
    """Raise QueryError for a pick that cannot be one; whether there is something is asked later."""
    pick = filters.get("pick", "")
    if not all(c.isalnum() or c in "._" for c in pick):
        raise QueryError(f"pick={pick!r} must be a name such as open, arrived.miss or heat.0.9")


def picked_by(choices: Choices, pick: str | None, places: Mapping[str, Names]) -> Picked | None:
    """The rows of a pick; ``places`` are the names of those that repeat, by their pick."""
    if pick is None:
        return None
    found = choices.find(pick)
    if found is None:
        return None
    rows = tuple(_row(case, choices) for case in reversed(found[-ROWS_MOST:]))
    return Picked(pick=pick, names=places.get(pick, {}), total=len(found), rows=rows)


def _row(case: GridCase, choices: Choices) -> PickedRow:
    incident, settings = case.incident, choices.installation.settings
    kind = settings.kinds.get(incident.kind or "")
    code = incident.kind or "—"
    title, address = words(
        incident.title,
        incident.place.address,
        code in settings.sensitive_kinds,
        choices.clearance,
    )
    return PickedRow(
        id=incident.id,
        kind_names=kind.name.as_dict() if kind else {"zh": code, "en": code},
        shape=kind.shape if kind else "square",
        t0=incident.t0.at,
        text=" · ".join(dict.fromkeys(word for word in (address, title) if word)),
        verdict=case.arrival.verdict,
        seconds=case.arrival.seconds,
    )
