"""Where arrivals were entered: a unit's own position at the tap, apart from the scene's."""

from collections.abc import Callable, Sequence

from pipelines.connectors.record import Record
from pipelines.geo.history import GridHistory
from pipelines.model.fact import Flag, Statement

Points = Sequence[tuple[float, float]]


def checked_taps(
    said: list[tuple[Record, Statement]],
    grids: GridHistory,
    to_wgs84: Callable[[Points], Points] | None,
) -> list[tuple[Record, Statement]]:
    """What was said, its taps in WGS-84; one that cannot be right is left out, with a doubt."""
    at = [
        (i, j)
        for i, (_, statement) in enumerate(said)
        for j, fact in enumerate(statement.facts)
        if fact.where is not None
    ]
    if not at:
        return said
    points = [said[i][1].facts[j].where or (0.0, 0.0) for i, j in at]
    converted = to_wgs84(points) if to_wgs84 is not None else points
    checked = list(said)
    for (i, j), point, moved in zip(at, points, converted, strict=True):
        record, statement = checked[i]
        # zero is missing in every coordinate system; the rest is judged in degrees
        doubt = grids.doubt(*(moved if any(point) else point))
        facts, flags = list(statement.facts), statement.flags
        facts[j] = facts[j]._replace(where=None if doubt else (moved[0], moved[1]))
        if doubt is not None:
            flags = (*flags, Flag("(tap)", f"{point[0]}, {point[1]}", doubt))
        checked[i] = record, statement._replace(facts=tuple(facts), flags=flags)
    return checked
