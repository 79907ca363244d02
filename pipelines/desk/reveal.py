"""One masked value of one incident, for somebody who has said why.

What is masked is told apart by what it is and its number: ``phone`` 1 is the first phone number in
what was said about the incident. So neither an address nor a log ever holds the value.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from pipelines.model.fact import Statement
from pipelines.model.incident import Incident
from pipelines.privacy.masking import Secret, Spot, spots, street_of
from pipelines.store import schema
from pipelines.store.store import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class Hidden:
    """A masked value of an incident, without the value: which one it is, and its mask."""

    what: Secret
    number: int
    mask: str


def hidden_of(
    reader: Reader, incident: Incident, said: Iterable[Statement], *, is_sensitive: bool
) -> tuple[Hidden, ...]:
    """What may be revealed of an incident of which this was ``said``, in that order."""
    return tuple(hidden for hidden, _ in _numbered(reader, incident, said, is_sensitive))


def revealed(
    reader: Reader,
    incident: Incident,
    said: Iterable[Statement],
    what: str,
    number: int,
    *,
    is_sensitive: bool,
) -> str | None:
    """The one value asked for; None when there is no such one."""
    found = (
        value
        for hidden, value in _numbered(reader, incident, said, is_sensitive)
        if (hidden.what, hidden.number) == (what, number)
    )
    return next(found, None)


def _numbered(
    reader: Reader, incident: Incident, said: Iterable[Statement], is_sensitive: bool
) -> Iterable[tuple[Hidden, str]]:
    counts: dict[Secret, int] = {}
    seen: set[tuple[Secret, str]] = set()
    for spot in _spots(reader, incident, said, is_sensitive):
        if (spot.what, spot.value) not in seen:
            seen.add((spot.what, spot.value))
            counts[spot.what] = counts.get(spot.what, 0) + 1
            yield Hidden(what=spot.what, number=counts[spot.what], mask=spot.mask), spot.value


def _spots(
    reader: Reader, incident: Incident, said: Iterable[Statement], is_sensitive: bool
) -> Iterable[Spot]:
    address = incident.place.address
    if is_sensitive and address:
        yield Spot(Secret.ADDRESS, address, f"{street_of(address) or ''}***")
    for text in (incident.title, address):
        yield from spots(text or "")
    moments = {statement.content: statement.moments for statement in said}
    table = schema.report
    query = select(table.c.raw, table.c.report_id).where(table.c.incident_id == incident.id)
    for row in reader.rows(query.order_by(table.c.recorded_ms, table.c.ordinal)):
        try:
            text = bytes(row.raw).decode("utf-8")
        except UnicodeDecodeError:
            continue  # the bytes of a frame: there is nothing to read in them
        yield from spots(text, moments.get(bytes(row.report_id), ()))
