"""What the screen side asks of the number side."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from pipelines.desk.board import Board
from pipelines.desk.casefile import CaseFile
from pipelines.desk.export import Export
from pipelines.desk.handover import Handover
from pipelines.desk.lab_board import LabBoard
from pipelines.desk.paging import Page
from pipelines.desk.playback import Playback
from pipelines.desk.roster import QuarantineList, Roster
from pipelines.desk.suggest import Suggestions
from pipelines.geo.backdrop import Backdrop
from pipelines.gridfile.file import GridFile
from pipelines.privacy.clearance import Clearance
from pipelines.privacy.scope import Scope
from pipelines.snapshot import Snapshot


class Backend(Protocol):
    """The one thing the server needs to be given; tests give a fake.

    Every method may be called from any thread. What is given out is masked for a wall until
    :meth:`seen_by` says whose eyes it is for.
    """

    def seen_by(self, clearance: Clearance, /) -> "Backend":
        """The same, giving out what ``clearance`` may see."""

    @property
    def rate(self) -> float:
        """How fast the product's clock runs: 1.0, or more in a fast replay."""

    def now(self) -> datetime:
        """The product's clock: aware, UTC."""

    def version(self) -> int:
        """A number that changes whenever the store has changed; takes microseconds."""

    def unstored_since(self) -> datetime | None:
        """Since when what comes in cannot be stored, None while it can; takes microseconds."""

    def reload_mark(self) -> str:
        """Another text whenever the walls have been told to load anew; empty if they never were."""

    def snapshot(self) -> Snapshot:
        """One consistent read of all that the screens show; called in a worker thread."""

    def board(self, filters: Mapping[str, str]) -> Board:
        """The desk's board; raises QueryError for a wrong filter; called in a worker thread."""

    def page(
        self, filters: Mapping[str, str], offset: int, limit: int, /
    ) -> tuple[int, list[dict[str, Any]]]:
        """How many rows a board's list has, and some of them; raises QueryError."""

    def find(self, sought: str, /) -> Suggestions:
        """The places and the newest incidents that say what is sought."""

    def export(self, filters: Mapping[str, str], write: Callable[[Export], None], /) -> None:
        """Have all rows of a board's list written; raises QueryError for a wrong filter."""

    def lab(self, filters: Mapping[str, str]) -> LabBoard:
        """The definition lab; raises QueryError for a wrong filter; called in a worker thread."""

    def case(self, incident_id: str) -> CaseFile:
        """Everything about one incident; called in a worker thread."""

    def reveal(self, incident_id: str, what: str, number: int, /) -> str | None:
        """One masked value of an incident, for who may see it; None when there is none."""

    def grid(self, filters: Mapping[str, str]) -> GridFile:
        """The file of one grid; raises QueryError for a wrong filter; called in a worker thread."""

    def scopes(self) -> tuple[Scope, ...]:
        """What somebody can be confined to; changes only with a restart."""

    def has_grid(self, code: str) -> bool:
        """Whether there is such a grid."""

    def handover(self, filters: Mapping[str, str]) -> Handover:
        """The hand-over of a shift; raises QueryError for a wrong one."""

    def remark(self, act: str, person: str, said: Mapping[str, str], /) -> None:
        """Take in what a person says about an ``incident`` or a ``shift``; raises QueryError."""

    def playback(self, filters: Mapping[str, str]) -> Playback:
        """A moment of the past as it was known then; raises QueryError for a wrong filter."""

    def has_case(self, incident_id: str) -> bool:
        """Whether there is such an incident; called in a worker thread."""

    def roster(self) -> Roster:
        """How every source is doing, in full; called in a worker thread."""

    def quarantine(self, source: str | None, /) -> QuarantineList:
        """What is in quarantine, of one source or of all; called in a worker thread."""

    def canary(self, source: str, /) -> dict[str, Any]:
        """Send a canary through a source's pipeline; raises QueryError for an unknown source."""

    def kpi(self, parameters: Mapping[str, str], /) -> list[dict[str, Any]]:
        """The figures of a query; raises QueryError for a wrong parameter."""

    def rows(self, parameters: Mapping[str, str], /) -> Page:
        """The rows behind the figures of a query, or a page of them.

        Raises QueryError for a wrong parameter.
        """

    def intake(self, params: Mapping[str, str]) -> list[dict[str, object]]:
        """Intake per 5 minutes; raises QueryError for a wrong parameter."""

    def rules(self, parameters: Mapping[str, str], /) -> list[dict[str, Any]]:
        """The rate by every rule; raises QueryError for a wrong parameter or too many incidents."""

    def monitors(self, parameters: Mapping[str, str], /) -> list[dict[str, Any]]:
        """What is to be checked; raises QueryError for a wrong parameter or too many incidents."""

    def frozen(self, parameters: Mapping[str, str], /) -> list[dict[str, Any]]:
        """The frozen months, or one with its revision; raises QueryError for a wrong month."""

    def health(self) -> dict[str, Any]:
        """How the product is doing; ``status`` is ``ok`` or ``degraded``."""

    def backdrop(self) -> Backdrop:
        """The layers under and around the grids; changes only with a restart."""

    def grids_geojson(self) -> bytes:
        """The grid outlines as a FeatureCollection; ``feature.id`` is the grid's code."""

    def device_places(self) -> bytes:
        """Where the devices are: a JSON list of [lat, lon], by the numbers the map calls them."""
