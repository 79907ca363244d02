"""What was known at a moment of the past: facts are kept with when they reached us.

"As known now" about a past window and "as known then" are both reproducible (KPI contract,
section 9). Only incidents that a later report is about differ. Of those, whoever was known already
is folded anew from what was there; whoever was not is looked at only if it began in the window. So
the cost follows the number of later reports, not the history, and most of them cost one look.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from pipelines.geo.history import GridHistory
from pipelines.geo.placing import placed
from pipelines.model.incident import Incident, fold
from pipelines.store.buckets import Span
from pipelines.store.rows import incident_from, to_ms
from pipelines.store.store import Reader

_CHUNK = 1000


class Difference(NamedTuple):
    """An incident as it is known now, and as it was known then; None: not known at all."""

    now: Incident
    then: Incident | None


def differences(
    reader: Reader, known_at: datetime, grids: GridHistory, *, window: Span
) -> Iterator[Difference]:
    """Every incident that a report received after ``known_at`` is about.

    Whoever was not known then and did not begin in ``window`` is left out.
    """
    new, known_before = reader.incidents_reported_after(to_ms(known_at))
    begin_ms, end_ms = (to_ms(moment) for moment in window)
    for row in reader.began_between(new, begin_ms, end_ms):
        yield Difference(incident_from(row), None)
    yield from _folded(reader, known_before, known_at, grids)


def _folded(
    reader: Reader, ids: Sequence[str], known_at: datetime, grids: GridHistory
) -> Iterator[Difference]:
    for i in range(0, len(ids), _CHUNK):
        chunk = ids[i : i + _CHUNK]
        said = reader.statements(chunk)
        then = {key: [s for s in said[key] if s.recorded_at <= known_at] for key in chunk}
        folded = placed([fold(statements) for statements in then.values()], grids)
        known = {incident.id: incident for incident in folded}
        for key, row in reader.incidents(chunk).items():
            yield Difference(incident_from(row), known.get(key))
